"""Initialisation: torch's, bit for bit after manual_seed."""

from __future__ import annotations

import itertools
import pathlib
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from initial_parameters import DTYPES, LAYERS, parameters, torch_parameters

import mscompat
from mscompat import TorchConv2d, TorchConvTranspose2d

try:
    import torch
except ImportError:
    torch = None


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed: see test_golden")
@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 + 5, 2**64 - 1, -3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_manual_seed_is_torchs(dtype, seed):
    mscompat.manual_seed(seed)
    torch.manual_seed(seed)
    for actual, expected in zip(parameters(dtype), torch_parameters(dtype), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
def test_any_order_of_construction_and_dtypes():
    for order in itertools.islice(itertools.permutations(range(len(LAYERS))), 0, 720, 90):
        mscompat.manual_seed(7)
        torch.manual_seed(7)
        for dtype in DTYPES:
            for actual, expected in zip(parameters(dtype, order), torch_parameters(dtype, order), strict=True):
                np.testing.assert_array_equal(actual, expected)


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_over_bounds(dtype):
    """The bounds of convolutions, and narrow ones whose values round up to the excluded end."""
    for low, high in [(-1 / np.sqrt(fan_in), 1 / np.sqrt(fan_in)) for fan_in in (1, 2, 9, 27, 147, 1000, 4608)] + [
        (100, 101), (1e-20, 3), (0, 1), (1, 1 + 2**-50), (-5, -4.5),
    ]:
        mscompat.manual_seed(11)
        torch.manual_seed(11)
        actual = mscompat.random.uniform(low, high, 20_000, getattr(ms, dtype))
        expected = torch.empty(20_000, dtype=getattr(torch, dtype)).uniform_(low, high).double().numpy()
        np.testing.assert_array_equal(actual.astype(np.float64), expected)


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
@pytest.mark.parametrize("seed", [0, 3, 2**31 + 7, 2**32 - 1, -12])
def test_uniform_of_a_seed(seed):
    mscompat.manual_seed(seed)
    torch.manual_seed(seed)
    expected = torch.empty(2_000).uniform_(0, 1).numpy()
    np.testing.assert_array_equal(mscompat.random.uniform(0, 1, 2_000, ms.float32), expected)


def test_generator_is_mt19937_as_standardised():
    """ISO C++, [rand.predef]: the 10,000th number of mt19937 after its default seed."""
    assert mscompat.random._Generator(5489).random_raw(10_000)[-1] == 4123659995


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
def test_reset_parameters_draws_on():
    mscompat.manual_seed(3)
    torch.manual_seed(3)
    cell, layer = TorchConv2d(4, 6, 3), torch.nn.Conv2d(4, 6, 3)
    before = cell.weight.asnumpy().copy()
    cell.reset_parameters()
    layer.reset_parameters()
    assert not np.array_equal(before, cell.weight.asnumpy())
    np.testing.assert_array_equal(cell.weight.asnumpy(), layer.weight.detach().numpy())
    np.testing.assert_array_equal(cell.bias.asnumpy(), layer.bias.detach().numpy())


def test_same_seed_same_parameters():
    results = []
    for _ in range(2):
        mscompat.manual_seed(5)
        results.append(parameters("float32"))
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        mscompat.manual_seed(seed)


def test_distribution():
    """Without a seed too: uniform within torch's bounds."""
    for layer, fan_in in ((TorchConv2d(32, 64, (3, 5), groups=4), 8 * 15),
                          (TorchConvTranspose2d(64, 32, (3, 5), groups=4), 8 * 15)):
        bound = 1 / np.sqrt(fan_in)
        weight = layer.weight.asnumpy()
        assert np.abs(weight).max() <= bound
        assert np.abs(layer.bias.asnumpy()).max() <= bound
        # Four standard deviations of the mean and of the mean square of a uniform sample.
        count = weight.size
        assert abs(weight.mean()) < 4 * bound / np.sqrt(3 * count)
        assert abs((weight**2).mean() - bound**2 / 3) < 4 * bound**2 * np.sqrt(4 / 45 / count)


def run_unseeded(prelude: str) -> str:
    """The first weights of two layers in a new process."""
    script = (
        f"import numpy, mindspore, mscompat\n{prelude}\n"
        "for _ in range(2): print(mscompat.TorchConv2d(1, 2, 2).weight.asnumpy().tolist())"
    )
    root = pathlib.Path(__file__).parents[2]
    return subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True,
                          cwd=root).stdout


def test_runs_differ_unless_seeded():
    first, second = (run_unseeded("") for _ in range(2))
    assert first != second
    first, second = (run_unseeded("mindspore.set_seed(3)") for _ in range(2))
    assert first == second
    layers = first.splitlines()
    assert layers[0] != layers[1]


def test_set_seed_again_starts_again(monkeypatch):
    monkeypatch.setattr(mscompat.random, "_generator", None)
    monkeypatch.setattr(ms, "get_seed", lambda: 3)  # what set_seed leaves; it has no undo
    results = []
    for _ in range(2):
        np.random.seed(3)
        results.append([TorchConv2d(1, 2, 2).weight.asnumpy() for _ in range(2)])
    np.testing.assert_array_equal(results[0], results[1])


def test_manual_seed_goes_before_set_seed(monkeypatch):
    monkeypatch.setattr(ms, "get_seed", lambda: 3)
    mscompat.manual_seed(0)
    first = TorchConv2d(1, 2, 2).weight.asnumpy()
    np.random.seed(9)
    mscompat.manual_seed(0)
    np.testing.assert_array_equal(first, TorchConv2d(1, 2, 2).weight.asnumpy())
