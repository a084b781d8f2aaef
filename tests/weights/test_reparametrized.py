"""weight_norm and spectral_norm: their parts in a checkpoint, loaded as the weight that they make."""

from __future__ import annotations

import re

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

import mscompat
from mscompat import load_torch_state_dict

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# torch's module, the cell in its place, the shape of an input.
PAIRS = {
    "conv2d": (lambda t: t.Conv2d(4, 6, (3, 2), groups=2), lambda: mscompat.TorchConv2d(4, 6, (3, 2), groups=2),
               (2, 4, 7, 6)),
    "conv_transpose2d": (lambda t: t.ConvTranspose2d(4, 6, 3), lambda: mscompat.TorchConvTranspose2d(4, 6, 3),
                         (2, 4, 5, 6)),
    "conv_transpose2d, square": (lambda t: t.ConvTranspose2d(4, 4, 3), lambda: mscompat.TorchConvTranspose2d(4, 4, 3),
                                 (2, 4, 5, 6)),
    "one channel": (lambda t: t.Conv2d(1, 1, 3), lambda: mscompat.TorchConv2d(1, 1, 3), (2, 1, 5, 6)),
    "linear": (lambda t: t.Linear(4, 6), lambda: nn.Dense(4, 6), (2, 4)),
    "conv1d": (lambda t: t.Conv1d(4, 6, 3), lambda: nn.Conv1d(4, 6, 3, pad_mode="valid", has_bias=True), (2, 4, 9)),
}
NORMS = {
    "weight_norm": lambda module: torch.nn.utils.weight_norm(module),
    "weight_norm along axis 1": lambda module: torch.nn.utils.weight_norm(module, dim=1),
    "weight_norm of all": lambda module: torch.nn.utils.weight_norm(module, dim=None),
    "spectral_norm": lambda module: torch.nn.utils.spectral_norm(module),
    "parametrizations.weight_norm": lambda module: torch.nn.utils.parametrizations.weight_norm(module),
    "parametrizations.spectral_norm": lambda module: torch.nn.utils.parametrizations.spectral_norm(module),
}


@needs_torch
@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_cell_computes_what_the_module_computes(pair, norm):
    make_module, make_cell, shape = PAIRS[pair]
    torch.manual_seed(0)
    module, cell = NORMS[norm](make_module(torch.nn)), make_cell()
    for _ in range(3):
        module(torch.tensor(draw(*shape)))  # in training mode, spectral_norm takes a step at each call
    with torch.no_grad():
        for parameter in module.parameters():  # as after a training: the norm of the direction is not the magnitude
            parameter.mul_(torch.rand_like(parameter) + 0.5)
    module.eval()
    network, expected = nn.SequentialCell(cell), module(torch.tensor(draw(*shape))).detach().numpy()
    assert load_torch_state_dict(network, torch.nn.Sequential(module).state_dict()) == ([], [])
    actual = network(Tensor(draw(*shape))).asnumpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_values():
    """weight_norm by hand, where there is no torch: 2 * (3, 4) / 5 and 5 * (0, 1) / 1."""
    cell = nn.Dense(2, 2, has_bias=False)
    parts = {"weight_v": np.float32([[3, 4], [0, 1]]), "weight_g": np.float32([[2], [5]])}
    assert load_torch_state_dict(cell, parts) == ([], [])
    np.testing.assert_allclose(cell.weight.asnumpy(), [[1.2, 1.6], [0, 5]], rtol=1e-6)
    cell = nn.Dense(2, 2, has_bias=False)
    last = np.float32([0, 1])
    parts = {"weight_orig": np.float32([[3, 0], [0, 4]]), "weight_u": last, "weight_v": last}
    load_torch_state_dict(cell, parts)
    np.testing.assert_allclose(cell.weight.asnumpy(), [[0.75, 0], [0, 1]], rtol=1e-6)


def test_parts_behind_a_prefix():
    cell = nn.SequentialCell(nn.Dense(2, 2, has_bias=False))
    parts = {"module.0.weight_v": np.float32([[3, 4], [0, 1]]), "module.0.weight_g": np.float32([[2], [5]])}
    assert load_torch_state_dict(cell, parts) == ([], [])
    np.testing.assert_allclose(cell[0].weight.asnumpy(), [[1.2, 1.6], [0, 5]], rtol=1e-6)


def test_a_zero_direction_is_nan_as_in_torch():
    cell = nn.Dense(2, 1, has_bias=False)
    load_torch_state_dict(cell, {"weight_v": np.zeros((1, 2), np.float32), "weight_g": np.float32([[2]])})
    assert np.isnan(cell.weight.asnumpy()).all()


@pytest.mark.parametrize(("parts", "function", "lacking"), [
    (["weight_v"], "weight_norm", ["weight_g"]),
    (["weight_g"], "weight_norm", ["weight_v"]),
    (["weight_orig", "weight_v"], "spectral_norm", ["weight_u"]),
    (["weight_orig"], "spectral_norm", ["weight_u", "weight_v"]),
    (["parametrizations.weight.original1"], "weight_norm", ["parametrizations.weight.original0"]),
    (["parametrizations.weight.original"], "spectral_norm",
     ["parametrizations.weight.0._u", "parametrizations.weight.0._v"]),
])
def test_a_half_is_named(parts, function, lacking):
    network = nn.SequentialCell(nn.Dense(2, 2, has_bias=False))
    before = network[0].weight.asnumpy().copy()
    state_dict = {f"0.{part}": np.ones((2, 2), np.float32) for part in parts}
    there, not_there = (' and '.join(f'"0.{name}"' for name in names) for names in (parts, lacking))
    sentence = f"0.weight: of the parts that {function} makes of it, {there} is there, but not {not_there}."
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        load_torch_state_dict(network, state_dict)
    np.testing.assert_array_equal(network[0].weight.asnumpy(), before)
    keys = load_torch_state_dict(network, state_dict, strict=False)
    assert keys == (["0.weight"], list(state_dict))


@pytest.mark.parametrize("parts", [
    {"weight_v": np.ones((2, 2), np.float32), "weight_g": np.ones((3, 1), np.float32)},
    {"weight_v": np.ones((2, 2), np.float32), "weight_g": np.ones((2, 1, 1), np.float32)},
    {"weight_orig": np.ones((2, 2)), "weight_u": np.ones(3), "weight_v": np.ones(2)},
])
def test_parts_that_do_not_fit_each_other(parts):
    with pytest.raises(RuntimeError, match=r'While copying the parameter named "weight".*do(es)? not fit'):
        load_torch_state_dict(nn.Dense(2, 2, has_bias=False), parts, convert_dtype=True)


def test_a_cell_that_has_the_parts_takes_them():
    class Normed(nn.Cell):
        def __init__(self):
            super().__init__()
            self.weight_g = ms.Parameter(Tensor(np.zeros(2, np.float32)))
            self.weight_v = ms.Parameter(Tensor(np.zeros(2, np.float32)))

    cell = Normed()
    load_torch_state_dict(cell, {"weight_g": np.float32([1, 2]), "weight_v": np.float32([3, 4])})
    np.testing.assert_array_equal(cell.weight_v.asnumpy(), [3, 4])
