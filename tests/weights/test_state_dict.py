"""torch state dicts into cells and back: names, shapes, values, and what the cells compute from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

import mscompat
from mscompat import load_torch_state_dict, torch_state_dict
from mscompat.weights.inert import InertObject

try:
    import torch
except ImportError:
    torch = None

DATA = Path(__file__).parent / "data"

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")


def randoms(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class Pair(NamedTuple):
    """A module, the cell in its place, and the shapes of the inputs that both are called with."""

    module: Callable[[Any], Any]  # of torch.nn
    cell: Callable[[], nn.Cell]
    inputs: tuple[tuple[int, ...], ...]
    tolerance: float = 1e-5


TANH = 1e-4  # MindSpore's tanh on CPU is that far off


def frozen(cell):
    for parameter in cell.trainable_params():
        parameter.requires_grad = False
    return cell


PAIRS = {
    "Dense": Pair(lambda t: t.Linear(3, 4), lambda: nn.Dense(3, 4), ((2, 3),)),
    "Dense without bias": Pair(lambda t: t.Linear(3, 4, bias=False), lambda: nn.Dense(3, 4, has_bias=False), ((2, 3),)),
    "BiDense": Pair(lambda t: t.Bilinear(2, 3, 4), lambda: nn.BiDense(2, 3, 4), ((5, 2), (5, 3))),
    "PReLU": Pair(lambda t: t.PReLU(3), lambda: nn.PReLU(3), ((2, 3, 4),)),
    "PReLU of one": Pair(lambda t: t.PReLU(), lambda: nn.PReLU(), ((2, 3, 4),)),
    "LayerNorm without affine": Pair(
        lambda t: t.LayerNorm([3, 4], elementwise_affine=False),
        lambda: frozen(nn.LayerNorm([3, 4], 1, 1, epsilon=1e-5)),
        ((2, 3, 4),),
    ),
    "LayerNorm": Pair(lambda t: t.LayerNorm([3, 4]), lambda: nn.LayerNorm([3, 4], 1, 1, epsilon=1e-5), ((2, 3, 4),)),
    "GroupNorm": Pair(lambda t: t.GroupNorm(2, 4), lambda: nn.GroupNorm(2, 4), ((2, 4, 3, 5),)),
    "GroupNorm without affine": Pair(
        lambda t: t.GroupNorm(2, 4, affine=False), lambda: nn.GroupNorm(2, 4, affine=False), ((2, 4, 3, 5),)
    ),
    "BatchNorm1d": Pair(lambda t: t.BatchNorm1d(3), lambda: nn.BatchNorm1d(3), ((4, 3),)),
    "BatchNorm2d": Pair(lambda t: t.BatchNorm2d(3), lambda: nn.BatchNorm2d(3), ((2, 3, 4, 5),)),
    "BatchNorm3d": Pair(lambda t: t.BatchNorm3d(3), lambda: nn.BatchNorm3d(3), ((2, 3, 4, 5, 2),)),
    "BatchNorm2d without affine": Pair(
        lambda t: t.BatchNorm2d(3, affine=False), lambda: nn.BatchNorm2d(3, affine=False), ((2, 3, 4, 5),)
    ),
    "BatchNorm3d without affine": Pair(
        lambda t: t.BatchNorm3d(3, affine=False), lambda: nn.BatchNorm3d(3, affine=False), ((2, 3, 4, 5, 2),)
    ),
    "BatchNorm2d of the batch": Pair(
        lambda t: t.BatchNorm2d(3, track_running_stats=False),
        lambda: nn.BatchNorm2d(3, use_batch_statistics=True),
        ((2, 3, 4, 5),),
    ),
    "BatchNorm2d, averages always": Pair(
        lambda t: t.BatchNorm2d(3), lambda: nn.BatchNorm2d(3, use_batch_statistics=False), ((2, 3, 4, 5),)
    ),
    "Conv1d": Pair(
        lambda t: t.Conv1d(4, 6, 3, groups=2),
        lambda: nn.Conv1d(4, 6, 3, pad_mode="valid", group=2, has_bias=True),
        ((2, 4, 9),),
    ),
    "Conv2d": Pair(
        lambda t: t.Conv2d(4, 6, (3, 2), groups=2),
        lambda: nn.Conv2d(4, 6, (3, 2), pad_mode="valid", group=2, has_bias=True),
        ((2, 4, 7, 5),),
    ),
    "Conv3d": Pair(
        lambda t: t.Conv3d(2, 3, (2, 3, 1), bias=False),
        lambda: nn.Conv3d(2, 3, (2, 3, 1), pad_mode="valid"),
        ((2, 2, 5, 6, 4),),
    ),
    "Conv1dTranspose": Pair(
        lambda t: t.ConvTranspose1d(4, 6, 3, stride=2),
        lambda: nn.Conv1dTranspose(4, 6, 3, 2, pad_mode="valid", has_bias=True),
        ((2, 4, 5),),
    ),
    "Conv2dTranspose": Pair(
        lambda t: t.ConvTranspose2d(4, 6, (3, 2), groups=2),
        lambda: nn.Conv2dTranspose(4, 6, (3, 2), pad_mode="valid", group=2, has_bias=True),
        ((2, 4, 4, 5),),
    ),
    "Conv3dTranspose": Pair(
        lambda t: t.ConvTranspose3d(2, 3, (2, 3, 1)),
        lambda: nn.Conv3dTranspose(2, 3, (2, 3, 1), pad_mode="valid", has_bias=True),
        ((2, 2, 3, 4, 2),),
    ),
    "TorchConv2d": Pair(
        lambda t: t.Conv2d(4, 6, (3, 2), padding=1, padding_mode="reflect"),
        lambda: mscompat.nn.Conv2d(4, 6, (3, 2), padding=1, padding_mode="reflect"),
        ((2, 4, 7, 5),),
    ),
    "TorchConvTranspose2d": Pair(
        lambda t: t.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, groups=2),
        lambda: mscompat.nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, groups=2),
        ((2, 4, 3, 5),),
    ),
    "RNNCell": Pair(lambda t: t.RNNCell(3, 4), lambda: nn.RNNCell(3, 4), ((2, 3), (2, 4)), TANH),
    "GRUCell": Pair(lambda t: t.GRUCell(3, 4), lambda: nn.GRUCell(3, 4), ((2, 3), (2, 4)), TANH),
    "RNN": Pair(lambda t: t.RNN(3, 4), lambda: nn.RNN(3, 4), ((5, 2, 3), (1, 2, 4)), TANH),
    "GRU": Pair(
        lambda t: t.GRU(3, 4, num_layers=2, bidirectional=True),
        lambda: nn.GRU(3, 4, num_layers=2, bidirectional=True),
        ((5, 2, 3), (4, 2, 4)),
        TANH,
    ),
    "LSTM": Pair(
        lambda t: t.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        ((2, 5, 3),),
        TANH,
    ),
    "LSTM without bias": Pair(
        lambda t: t.LSTM(3, 4, bias=False), lambda: nn.LSTM(3, 4, has_bias=False), ((5, 2, 3),), TANH
    ),
    "MultiheadAttention": Pair(
        lambda t: t.MultiheadAttention(4, 2), lambda: nn.MultiheadAttention(4, 2), ((3, 2, 4), (5, 2, 4), (5, 2, 4))
    ),
    "MultiheadAttention, other widths": Pair(
        lambda t: t.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True),
        lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True),
        ((3, 2, 4), (6, 2, 3), (6, 2, 5)),
    ),
    "TransformerEncoderLayer": Pair(
        lambda t: t.TransformerEncoderLayer(4, 2, 8), lambda: nn.TransformerEncoderLayer(4, 2, 8), ((3, 2, 4),)
    ),
    "Transformer": Pair(
        lambda t: t.Transformer(4, 2, 1, 2, 8, batch_first=True),
        lambda: nn.Transformer(4, 2, 1, 2, 8, batch_first=True),
        ((2, 3, 4), (2, 5, 4)),
    ),
    "nested": Pair(
        lambda t: t.Sequential(t.Conv2d(1, 2, 3), t.Sequential(t.BatchNorm2d(2), t.PReLU())),
        lambda: nn.SequentialCell(mscompat.nn.Conv2d(1, 2, 3), nn.SequentialCell(nn.BatchNorm2d(2), nn.PReLU())),
        ((2, 1, 5, 6),),
    ),
}


def random_module(make):
    """A module in whose parameters and buffers no two values are the same."""
    torch.manual_seed(0)
    module = make(torch.nn).eval()
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    return module


def first(output):
    while isinstance(output, tuple):
        output = output[0]
    return output


@needs_torch
@pytest.mark.parametrize("name", PAIRS)
def test_round_trip(name):
    make, make_cell, shapes, tolerance = PAIRS[name]
    module, cell = random_module(make), make_cell().set_train(False)
    assert str(load_torch_state_dict(cell, module.state_dict())) == "<All keys matched successfully>"
    inputs = [randoms(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    expected = first(module(*map(torch.from_numpy, inputs))).detach().numpy()
    np.testing.assert_allclose(first(cell(*map(Tensor, inputs))).asnumpy(), expected, tolerance, tolerance)

    saved = torch_state_dict(cell)
    names = [name for name in module.state_dict() if not name.endswith("num_batches_tracked")]
    assert sorted(saved) == sorted(names)
    other = make(torch.nn)
    assert str(other.load_state_dict({name: torch.from_numpy(array) for name, array in saved.items()})) == (
        "<All keys matched successfully>"
    )
    for name in names:
        assert torch.equal(other.state_dict()[name], module.state_dict()[name]), name


class Network(nn.Cell):
    """A convolution, a norm, a list and a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.conv = mscompat.TorchConv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.heads = nn.CellList([nn.Dense(2, 3), nn.Dense(3, 2, has_bias=False)])
        self.scale = Parameter(Tensor(np.ones(2, np.float32)), name="a name that the user chose")

    def construct(self, x):
        x = self.norm(self.conv(x)).mean((2, 3)) * self.scale
        return self.heads[1](self.heads[0](x))


SHAPES = {
    "scale": (2,),
    "conv.weight": (2, 1, 3, 3),
    "conv.bias": (2,),
    "norm.weight": (2,),
    "norm.bias": (2,),
    "norm.running_mean": (2,),
    "norm.running_var": (2,),
    "heads.0.weight": (3, 2),
    "heads.0.bias": (3,),
    "heads.1.weight": (2, 3),
}


def network_weights(seed=0):
    return {name: np.abs(randoms(*shape, seed=seed + i)) + 0.5 for i, (name, shape) in enumerate(SHAPES.items())}


def network_output(weights, x):
    """What the network computes, in NumPy."""
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0].astype(float), (3, 3), (1, 2))
    y = np.einsum("nhwij,oij->nohw", windows, weights["conv.weight"][:, 0]).mean((2, 3)) + weights["conv.bias"]
    y = (y - weights["norm.running_mean"]) / np.sqrt(weights["norm.running_var"] + 1e-5)
    y = (y * weights["norm.weight"] + weights["norm.bias"]) * weights["scale"]
    return (y @ weights["heads.0.weight"].T + weights["heads.0.bias"]) @ weights["heads.1.weight"].T


def bits(cell):
    return {name: parameter.asnumpy().tobytes() for name, parameter in cell.parameters_and_names()}


def test_names_and_values():
    network, weights = Network(), network_weights()
    result = load_torch_state_dict(network, weights)
    assert result == ([], [])
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert repr(result) == "<All keys matched successfully>"
    saved = torch_state_dict(network)
    assert list(saved) == list(SHAPES)
    for name, array in saved.items():
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, weights[name])


class Recorded(nn.Cell):
    """The network of record_torch_files.py, of native cells and of ours."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 8)
        self.line = nn.Conv1d(1, 2, 3, pad_mode="pad", padding=1, has_bias=True)
        self.layers = nn.SequentialCell(mscompat.nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4))
        self.up = mscompat.nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=1)
        self.group = nn.GroupNorm(2, 4)
        self.head = nn.SequentialCell(nn.LayerNorm([4], epsilon=1e-5), nn.Dense(4, 3))

    def construct(self, ids):
        x = self.line(self.embedding(ids).reshape(-1, 1, 8))
        x = x.reshape(ids.shape[0], -1, 2, 8).swapaxes(1, 2)
        x = self.group(self.up(self.layers(x)))
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize(("mode", "name"), [
    ("pynative", "network_zip.pth"), ("pynative", "network_legacy.pth"), ("graph", "network_zip.pth"),
], indirect=["mode"])
def test_recorded_network(mode, name):
    """Without torch: its weights, in its file, give its output."""
    network = Recorded().set_train(False)
    assert load_torch_state_dict(network, DATA / name) == ([], [])
    saved = mscompat.load_torch_file(DATA / name)
    output = network(Tensor(saved["ids"].numpy())).asnumpy()
    np.testing.assert_allclose(output, saved["output"].numpy(), rtol=1e-5, atol=1e-6)
    for key, array in torch_state_dict(network).items():
        np.testing.assert_array_equal(array, saved["model"][f"module.{key}"].numpy())


def test_second_call_sees_new_weights(mode):
    network = Network().set_train(False)
    x = randoms(2, 1, 5, 6)
    for seed in (0, 100):
        weights = network_weights(seed)
        load_torch_state_dict(network, weights)
        np.testing.assert_allclose(network(Tensor(x)).asnumpy(), network_output(weights, x), rtol=1e-5)


def test_saved_arrays_do_not_follow_the_cell():
    network = Network()
    load_torch_state_dict(network, network_weights())
    saved = torch_state_dict(network)
    load_torch_state_dict(network, network_weights(100))
    for name, array in network_weights().items():
        np.testing.assert_array_equal(saved[name], array)


def wrong_state_dict():
    """A missing, an unexpected and a misshapen entry, among right ones."""
    weights = network_weights()
    del weights["scale"], weights["heads.0.bias"]
    weights["heads.2.weight"] = weights["extra"] = np.ones(2, np.float32)
    weights["conv.bias"] = np.ones((1, 2), np.float32)
    weights["heads.1.weight"] = np.ones((2, 4), np.float32)
    return weights


WRONG = """\
Error(s) in loading state_dict for Network:
	Missing key(s) in state_dict: "scale", "heads.0.bias". 
	Unexpected key(s) in state_dict: "heads.2.weight", "extra". 
	size mismatch for conv.bias: copying a param with shape torch.Size([1, 2]) from checkpoint, the shape in current \
model is torch.Size([2]).
	size mismatch for heads.1.weight: copying a param with shape torch.Size([2, 4]) from checkpoint, the shape in \
current model is torch.Size([2, 3])."""  # noqa: W291 (torch's)


def test_one_error_names_everything_and_nothing_changes():
    network = Network()
    before = bits(network)
    with pytest.raises(RuntimeError) as error:
        load_torch_state_dict(network, wrong_state_dict())
    assert str(error.value) == WRONG
    assert bits(network) == before


def test_misshapen_raises_without_strict_too():
    network = Network()
    before = bits(network)
    with pytest.raises(RuntimeError) as error:
        load_torch_state_dict(network, wrong_state_dict(), strict=False)
    lines = WRONG.split("\n")
    assert str(error.value) == "\n".join([lines[0], *lines[3:]])
    assert bits(network) == before


@needs_torch
@pytest.mark.parametrize("strict", [True, False])
def test_error_is_torchs(strict):
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 2, 3)
            self.norm = torch.nn.BatchNorm2d(2)
            self.heads = torch.nn.ModuleList([torch.nn.Linear(2, 3), torch.nn.Linear(3, 2, bias=False)])
            self.scale = torch.nn.Parameter(torch.ones(2))

    with pytest.raises(RuntimeError) as error:
        Network().load_state_dict({n: torch.from_numpy(a) for n, a in wrong_state_dict().items()}, strict=strict)
    with pytest.raises(RuntimeError) as ours:
        load_torch_state_dict(globals()["Network"](), wrong_state_dict(), strict=strict)

    def lines(error):
        # Of unexpected names, torch has another order.
        text = str(error.value).replace(",", "").replace(".", "")
        return sorted(sorted(line.split(" ")) for line in text.split("\n"))

    assert lines(ours) == lines(error)


def test_half_of_a_state_dict():
    network, weights = Network(), network_weights()
    before = torch_state_dict(network)
    half = {name: array for name, array in weights.items() if name.startswith("heads")}
    result = load_torch_state_dict(network, {**half, "head.weight": np.ones(1)}, strict=False)
    assert result.missing_keys == [name for name in SHAPES if not name.startswith("heads")]
    assert result.unexpected_keys == ["head.weight"]
    assert repr(result) == f"_IncompatibleKeys(missing_keys={result[0]}, unexpected_keys=['head.weight'])"
    for name, array in torch_state_dict(network).items():
        np.testing.assert_array_equal(array, half.get(name, before[name]))


def test_wrong_architecture():
    network = Network()
    before = bits(network)
    with pytest.raises(RuntimeError, match=r'Missing key.* "scale", "conv.weight".*\n.*Unexpected key.* "fc.weight"'):
        load_torch_state_dict(network, {"fc.weight": np.ones((2, 2), np.float32)})
    assert bits(network) == before


def test_num_batches_tracked_is_ignored_for_batch_norms_only():
    count = np.array(7)
    weights = {**network_weights(), "norm.num_batches_tracked": count}
    assert load_torch_state_dict(Network(), weights) == ([], [])
    cell = nn.SequentialCell(nn.BatchNorm3d(2))
    weights = {**torch_state_dict(cell), "0.num_batches_tracked": count}
    assert load_torch_state_dict(cell, weights) == ([], [])
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "conv.num_batches_tracked"'):
        load_torch_state_dict(Network(), {**network_weights(), "conv.num_batches_tracked": count})


def test_instance_norm_has_no_running_stats():
    # Its values cannot be compared: MindSpore has no InstanceNorm on CPU.
    for kind in (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d):
        try:
            cell = nn.SequentialCell(kind(3))
        except AttributeError:  # MindSpore 2.7
            pytest.skip("this MindSpore cannot make an InstanceNorm: ops.InstanceNorm is not there")
        weights = {"0.weight": randoms(3), "0.bias": randoms(3, seed=1)}
        load_torch_state_dict(cell, weights)
        np.testing.assert_array_equal(cell[0].gamma.asnumpy(), weights["0.weight"])
        np.testing.assert_array_equal(cell[0].beta.asnumpy(), weights["0.bias"])
        assert list(torch_state_dict(cell)) == ["0.weight", "0.bias"]
        # torch would normalise with them in evaluation, MindSpore never does.
        with pytest.raises(RuntimeError, match=r'Unexpected key.* "0.running_mean"'):
            load_torch_state_dict(cell, {**weights, "0.running_mean": randoms(3)})
        # torch's default, affine=False
        assert load_torch_state_dict(nn.SequentialCell(kind(3, affine=False)), {}) == ([], [])
        assert torch_state_dict(nn.SequentialCell(kind(3, affine=False))) == {}


def test_frozen_batch_norm_is_not_one_without_affine():
    cell = nn.BatchNorm2d(2)
    cell.gamma.requires_grad = cell.beta.requires_grad = False
    weights = {name: np.array([2, 3], np.float32) for name in ("weight", "bias", "running_mean", "running_var")}
    load_torch_state_dict(cell, weights)
    saved = torch_state_dict(cell)
    assert list(saved) == list(weights)
    with pytest.raises(RuntimeError, match=r'Missing key.* "weight", "bias"'):
        load_torch_state_dict(cell, {"running_mean": weights["running_mean"], "running_var": weights["running_var"]})


@pytest.mark.parametrize(("make", "name", "attribute"), [
    (lambda: nn.Embedding(4, 3), "weight", "embedding_table"),
    (lambda: nn.EmbeddingLookup(4, 3, target="DEVICE", sparse=False), "weight", "embedding_table"),
    (lambda: nn.Conv2d(1, 2, 3), "weight", "weight"),
    (lambda: nn.LayerNorm([4]), "bias", "beta"),
], ids=["Embedding", "EmbeddingLookup", "Conv2d", "LayerNorm"])
def test_types_not_names_decide(make, name, attribute):
    """Subclasses too; and the same attribute's name elsewhere is a name like any other."""
    kind = type(make())
    cell = make()
    cell.__class__ = type("Derived", (kind,), {})
    value = randoms(*getattr(cell, attribute).shape)
    load_torch_state_dict(cell, {name: value}, strict=False)
    np.testing.assert_array_equal(getattr(cell, attribute).asnumpy(), value)

    class Own(nn.Cell):
        def __init__(self):
            super().__init__()
            for own in ("gamma", "beta", "moving_mean", "w", "embedding_table"):
                setattr(self, own, Parameter(Tensor(np.zeros(2, np.float32))))

    assert list(torch_state_dict(Own())) == ["gamma", "beta", "moving_mean", "w", "embedding_table"]


@needs_torch
def test_embedding_values():
    module, cell = random_module(lambda t: t.Embedding(5, 3)), nn.Embedding(5, 3)
    load_torch_state_dict(cell, module.state_dict())
    ids = np.array([[4, 0], [2, 2]], np.int32)
    np.testing.assert_array_equal(cell(Tensor(ids)).asnumpy(), module(torch.from_numpy(ids)).detach().numpy())
    module.load_state_dict({name: torch.from_numpy(array) for name, array in torch_state_dict(cell).items()})


def test_mint_cells_have_torchs_names():
    cell = ms.mint.nn.BatchNorm2d(2)
    weights = {
        name: np.array([2, 3], np.float32) for name in ("weight", "bias", "running_mean", "running_var")
    }
    assert load_torch_state_dict(cell, weights) == ([], [])
    assert load_torch_state_dict(cell, {**weights, "num_batches_tracked": np.array(7)}) == ([], [])
    assert cell.num_batches_tracked.asnumpy() == 7
    np.testing.assert_array_equal(cell.running_var.asnumpy(), [2, 3])


class Tied(nn.Cell):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(4, 3)
        self.head = nn.Dense(3, 4, has_bias=False)
        self.head.weight = self.embedding.embedding_table
        self.again = self.head


@pytest.mark.parametrize("names", [
    ["embedding.weight", "head.weight", "again.weight"],  # as torch saves
    ["embedding.weight"],  # as safetensors does
    ["again.weight"],
])
def test_tied_weights(names):
    cell, weight = Tied(), randoms(4, 3)
    assert load_torch_state_dict(cell, dict.fromkeys(names, weight)) == ([], [])
    np.testing.assert_array_equal(cell.embedding.embedding_table.asnumpy(), weight)
    np.testing.assert_array_equal(cell.head.weight.asnumpy(), weight)
    saved = torch_state_dict(cell)
    assert list(saved) == ["embedding.weight", "head.weight", "again.weight"]
    for array in saved.values():
        np.testing.assert_array_equal(array, weight)


def test_tied_weights_that_are_missing():
    with pytest.raises(RuntimeError, match=r'Missing key.* "embedding.weight", "head.weight", "again.weight"'):
        load_torch_state_dict(Tied(), {})


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "net.", "a.b.c."])
@pytest.mark.parametrize("wrap", [False, True])
def test_prefix_of_all_names(prefix, wrap):
    weights = {f"{prefix}{name}": array for name, array in network_weights().items()}
    weights |= {f"{prefix}norm.num_batches_tracked": np.array(7)}
    network = Network()
    assert load_torch_state_dict(network, {"state_dict": weights, "epoch": 3} if wrap else weights) == ([], [])
    np.testing.assert_array_equal(network.scale.asnumpy(), weights[f"{prefix}scale"])


def test_what_stands_beside_tensors_does_not_keep_the_prefix():
    weights = {f"module.{name}": array for name, array in network_weights().items()}
    result = load_torch_state_dict(Network(), {**weights, "epoch": 3}, strict=False)
    assert result == ([], ["epoch"])


def test_prefix_of_data_parallel():
    weights = {f"module.{name}": array for name, array in network_weights().items()}
    network = Network()
    assert load_torch_state_dict(network, weights) == ([], [])
    np.testing.assert_array_equal(network.scale.asnumpy(), weights["module.scale"])
    # A cell of that name keeps it; a prefix of some names only is none.
    wrapper = nn.CellDict({"module": Network()})
    assert load_torch_state_dict(wrapper, weights) == ([], [])
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "module.conv.bias"'):
        load_torch_state_dict(Network(), {**weights, "scale": weights["module.scale"]})


@pytest.mark.parametrize("keys", [
    ["state_dict"], ["model"], ["model_state_dict"], ["module"], ["model", "state_dict"],
], ids="/".join)
def test_weights_in_a_checkpoint(keys):
    source = {f"module.{name}": array for name, array in network_weights().items()}
    for key in reversed(keys):
        source = {"epoch": 3, "optimizer": {"state": {}}, key: source}
    network = Network()
    assert load_torch_state_dict(network, source) == ([], [])
    np.testing.assert_array_equal(network.scale.asnumpy(), network_weights()["scale"])


CHECKPOINTS = {
    "EMA beside plain": ["model", "model_ema"],
    "BasicSR": ["params", "params_ema"],
    "a GAN": ["generator", "discriminator"],
    "below": ["gen.state_dict", "dis.state_dict"],
    "a list": ["models.0", "models.1"],
}


def nested(keys, values):
    """A checkpoint with the values at the dotted keys."""
    root = {"epoch": 3, "optimizer": {"state": {0: {"exp_avg": randoms(2)}}, "param_groups": [{"params": [0]}]}}
    for key, value in zip(keys, values, strict=True):
        *path, last = key.split(".")
        inner = root
        for name in path:
            inner = inner.setdefault(name, {})
        inner[last] = value
    if "models" in root:
        root["models"] = list(root["models"].values())
    return root


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_which_of_several_groups(name):
    keys = CHECKPOINTS[name]
    source = nested(keys, [network_weights(100 * index) for index in range(len(keys))])
    network = Network()
    before = bits(network)
    with pytest.raises(ValueError, match="several groups of tensors could be meant") as error:
        load_torch_state_dict(network, source)
    assert all(f"'{key}' (10 tensors)" in str(error.value) for key in keys)
    assert "'optimizer" not in str(error.value)
    assert bits(network) == before
    for index, key in enumerate(keys):
        assert load_torch_state_dict(network, source, key=key) == ([], [])
        np.testing.assert_array_equal(network.scale.asnumpy(), network_weights(100 * index)["scale"])
    with pytest.raises(ValueError, match="there is no 'ema', but '") as error:
        load_torch_state_dict(network, source, key="ema")
    assert f"'{keys[0]}' (10 tensors)" in str(error.value)


@needs_torch
def test_which_group_of_a_file(tmp_path):
    cell, path = nn.Dense(2, 1), tmp_path / "g.pth"
    weights = {"weight": torch.ones(1, 2), "bias": torch.ones(1)}
    torch.save({"g_ema": weights, "latent_avg": torch.ones(4)}, path)
    with pytest.raises(mscompat.TorchFileError, match=r"g\.pth: several groups .* '\.' \(1 tens.*, 'g_ema' \(2 tens"):
        load_torch_state_dict(cell, path)
    assert load_torch_state_dict(cell, path, key="g_ema") == ([], [])
    with pytest.raises(mscompat.TorchFileError, match=r"g\.pth: there is no 'ema'"):
        load_torch_state_dict(cell, path, key="ema")
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "g_ema", "latent_avg"'):
        load_torch_state_dict(cell, path, key=".")


def test_nested_names_are_not_joined():
    weights = {"conv": {"weight": randoms(2, 1, 3, 3), "bias": randoms(2)}, "norm": {"weight": randoms(2)}}
    with pytest.raises(ValueError, match=r"several groups .* 'conv' \(2 tensors\), 'norm' \(1 tensor\)"):
        load_torch_state_dict(Network(), weights)


def test_a_whole_module(monkeypatch):
    """At any place in a checkpoint."""
    def module_state_dict(value):
        return network_weights() if value.name == "models.Network" else None

    monkeypatch.setattr("mscompat.weights.groups.module_state_dict", module_state_dict)
    module = InertObject("models.Network")
    for source in ({"model": module}, {"ema": module, "epoch": 3}, {"trainer": {"models": [module]}}):
        network = Network()
        assert load_torch_state_dict(network, source) == ([], [])
        np.testing.assert_array_equal(network.scale.asnumpy(), network_weights()["scale"])


def test_buffers():
    class Buffered(nn.Cell):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", Tensor(np.zeros(3, np.float32)))
            self.register_buffer("mask", Tensor(np.zeros(3, np.float32)), persistent=False)

        def construct(self, x):
            return x + self.table

    cell = nn.SequentialCell(Buffered())
    table = randoms(3)
    assert load_torch_state_dict(cell, {"0.table": table}) == ([], [])
    np.testing.assert_array_equal(cell(Tensor(np.ones(3, np.float32))).asnumpy(), table + 1)
    assert list(torch_state_dict(cell)) == ["0.table"]


def test_scalar_of_a_torch_before_0_4():
    cell = nn.Cell()
    cell.scale = Parameter(Tensor(np.float32(1)))
    load_torch_state_dict(cell, {"scale": np.array([2], np.float32)})
    assert cell.scale.asnumpy() == 2
    with pytest.raises(RuntimeError, match=r"size mismatch for scale: .*\[1, 1\].*\[\]"):
        load_torch_state_dict(cell, {"scale": np.array([[2]], np.float32)})


def one_parameter(value, dtype=ms.float32):
    cell = nn.Cell()
    cell.weight = Parameter(Tensor(np.zeros(np.shape(value)), dtype))
    return cell


@pytest.mark.parametrize("value", [
    np.arange(12, dtype=np.float32).reshape(3, 4).T,
    np.arange(24, dtype=np.float32)[::-2].reshape(3, 4),
    np.arange(12, dtype=">f4").reshape(3, 4),
    np.broadcast_to(np.float32(3), (3, 4)),
    np.zeros((0, 4), np.float32),
    np.float32(7),
    Tensor(np.arange(12, dtype=np.float32).reshape(3, 4)),
    Parameter(Tensor(np.arange(12, dtype=np.float32))),
], ids=["transposed", "reversed", "big-endian", "broadcast", "empty", "scalar", "Tensor", "Parameter"])
def test_any_array(value):
    expected = value.asnumpy() if isinstance(value, Tensor) else value
    cell = one_parameter(expected)
    load_torch_state_dict(cell, {"weight": value})
    assert cell.weight.dtype == ms.float32
    np.testing.assert_array_equal(cell.weight.asnumpy(), expected)


def test_loaded_values_do_not_follow_the_source():
    value = randoms(3)
    cell = one_parameter(value)
    load_torch_state_dict(cell, {"weight": value})
    value[:] = 0
    assert cell.weight.asnumpy().all()


def test_what_is_no_tensor():
    with pytest.raises(RuntimeError, match=r"While copying the parameter named .weight.* <class 'list'>"):
        load_torch_state_dict(one_parameter([1, 2]), {"weight": [1, 2]})
    with pytest.raises(TypeError, match="source must be a mapping or the path of a file, but got list"):
        load_torch_state_dict(one_parameter([1, 2]), [])
    with pytest.raises(TypeError, match="key must be a str, but got int"):
        load_torch_state_dict(one_parameter([1, 2]), {}, key=0)
    with pytest.raises(TypeError, match=r"cell must be a mindspore\.nn\.Cell, but got list"):
        load_torch_state_dict([one_parameter([1, 2])], {})


def check_unreadable(value, message):
    """Named in torch's words; what could be read is not loaded."""
    cell = Network()
    before = bits(cell)
    with pytest.raises(RuntimeError, match=f'While copying the parameter named "heads.1.weight", .*{message}'):
        load_torch_state_dict(cell, {**network_weights(), "heads.1.weight": value}, convert_dtype=True)
    assert bits(cell) == before


@pytest.mark.parametrize("value", [
    np.full((2, 3), "1"), np.full((2, 3), b"1"), np.full((2, 3), object()), np.full((2, 3), 1, object),
    np.full((2, 3), 1, "datetime64[s]"), np.full((2, 3), 1, "timedelta64[s]"), np.ones((2, 3), [("a", "f4")]),
    np.zeros((2, 3), "V4"),
], ids=lambda value: value.dtype.name)
def test_arrays_of_no_numbers(value):
    """NumPy makes numbers of most of them."""
    check_unreadable(value, "expected numbers or bools, but got an array of")


def test_masked_arrays():
    """Which have no values where they are masked, whatever their dtype."""
    value = np.ma.masked_array(np.ones((2, 3), np.float32), mask=[[0, 1, 0]] * 2)
    check_unreadable(value, "a masked array has no values where it is masked")
    check_unreadable(value.astype(np.float64), "a masked array has no values where it is masked")


@needs_torch
def test_torch_tensors_without_values():
    value = torch.ones(2, 3)
    check_unreadable(value.to_sparse(), "Sparse")
    check_unreadable(value.to("meta"), "meta tensor")
    check_unreadable(value.to(torch.float8_e5m2), "Float8_e5m2")


VALUES = [0.0, 1.0, -2.0, 3.75, 65504.0, 7e4, 1e-8, np.inf, np.nan]
DTYPES = ["float16", "bfloat16", "float32", "float64"]


def array_of(values, dtype):
    """As NumPy has it; bfloat16 as MindSpore has it."""
    if dtype == "bfloat16":
        return Tensor(np.array(values, np.float32)).astype(ms.bfloat16).asnumpy()
    with np.errstate(over="ignore"):
        return np.array(values).astype(dtype)


@pytest.mark.parametrize("ours", DTYPES)
@pytest.mark.parametrize("theirs", [*DTYPES, "int64"])
def test_dtypes(theirs, ours):
    values = [0, 1, -2, 2**20 + 1] if theirs == "int64" else VALUES
    source = array_of(values, theirs)
    cell = one_parameter(values, getattr(ms, ours))
    if theirs != ours:
        before = bits(cell)
        with pytest.raises(RuntimeError, match=f"dtype mismatch for weight: .* {theirs} .* {ours} .*convert_dtype"):
            load_torch_state_dict(cell, {"weight": source}, strict=False)
        assert bits(cell) == before
    load_torch_state_dict(cell, {"weight": source}, convert_dtype=theirs != ours)
    assert cell.weight.dtype == getattr(ms, ours)
    wide = np.float64 if theirs == "int64" else source.dtype
    expected = array_of((source.astype(np.float32) if theirs == "bfloat16" else source.astype(wide)).tolist(), ours)
    np.testing.assert_array_equal(*(a.astype(np.float32) for a in (cell.weight.asnumpy(), expected)))
    assert torch_state_dict(cell)["weight"].dtype.name == ours
    if torch is None:
        return
    tensor = torch.tensor(values, dtype=torch.float64).to(getattr(torch, theirs))
    load_torch_state_dict(cell, {"weight": tensor}, convert_dtype=theirs != ours)
    expected = torch.zeros(len(values), dtype=getattr(torch, ours)).copy_(tensor)
    np.testing.assert_array_equal(cell.weight.float().asnumpy(), expected.float().numpy())


@needs_torch
def test_torch_tensors():
    value = torch.randn(3, 4, requires_grad=True)
    for tensor in (value, torch.nn.Parameter(value.detach()), value.detach().T.contiguous().T, value.detach()[:, :]):
        cell = one_parameter(np.zeros((3, 4)))
        load_torch_state_dict(cell, {"weight": tensor})
        np.testing.assert_array_equal(cell.weight.asnumpy(), tensor.detach().numpy())


def test_bfloat16_of_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="its bfloat16 is not MindSpore's; comes with onnx only")
    value = np.array([1, 2.5, -3], ml_dtypes.bfloat16)
    for dtype in (ms.bfloat16, ms.float32):
        cell = one_parameter(value, dtype)
        load_torch_state_dict(cell, {"weight": value}, convert_dtype=dtype != ms.bfloat16)
        np.testing.assert_array_equal(cell.weight.float().asnumpy(), [1, 2.5, -3])


@pytest.mark.parametrize("dtype", DTYPES)
def test_safetensors(tmp_path, dtype):
    from safetensors.numpy import save_file

    path = tmp_path / "weights.safetensors"
    cell = one_parameter(VALUES, getattr(ms, dtype))
    value = array_of(VALUES, dtype)
    load_torch_state_dict(cell, {"weight": value})
    save_file(torch_state_dict(cell), path)
    other = one_parameter(VALUES, getattr(ms, dtype))
    for source in (path, str(path)):
        assert load_torch_state_dict(other, source) == ([], [])
    assert other.weight.asnumpy().tobytes() == value.tobytes()
    if torch is not None:
        from safetensors.torch import load_file

        tensor = load_file(path)["weight"]
        assert str(tensor.dtype) == f"torch.{dtype}"
        expected = other.weight.float().asnumpy() if dtype == "bfloat16" else value
        np.testing.assert_array_equal((tensor.float() if dtype == "bfloat16" else tensor).numpy(), expected)


def test_mindspores_own_checkpoint(tmp_path):
    """Not of a cell, but as `mscompat convert` writes it: under torch's names."""
    path = str(tmp_path / "weights.ckpt")
    weights = network_weights()
    ms.save_checkpoint([{"name": name, "data": Tensor(array)} for name, array in weights.items()], path)
    network = Network()
    assert load_torch_state_dict(network, path) == ([], [])
    for name, array in torch_state_dict(network).items():
        np.testing.assert_array_equal(array, weights[name])


def test_a_checkpoint_of_a_cell(tmp_path):
    """Under MindSpore's names; and what load_checkpoint makes of it."""
    network, path = Network(), str(tmp_path / "weights.ckpt")
    weights = network_weights()
    load_torch_state_dict(network, weights)
    ms.save_checkpoint(network, path)
    assert "norm.moving_mean" in ms.load_checkpoint(path)
    for source in (path, ms.load_checkpoint(path)):
        other = Network()
        assert load_torch_state_dict(other, source) == ([], [])
        for name, array in torch_state_dict(other).items():
            np.testing.assert_array_equal(array, weights[name])


def test_mindspores_names_are_its_files_only(tmp_path):
    weights = network_weights()
    weights["norm.gamma"] = weights.pop("norm.weight")
    with pytest.raises(RuntimeError, match=r'Missing key.* "norm.weight". \n.*Unexpected key.* "norm.gamma"'):
        load_torch_state_dict(Network(), weights)
    both = {"norm.weight": randoms(2), **weights}
    path = str(tmp_path / "weights.ckpt")
    ms.save_checkpoint([{"name": name, "data": Tensor(array)} for name, array in both.items()], path)
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "norm.gamma"'):
        load_torch_state_dict(Network(), path)


def test_names_in_errors_move_no_cursor():
    with pytest.raises(RuntimeError) as error:
        load_torch_state_dict(one_parameter([1]), {"weight": np.ones((2, 2)), "a\x1b[2J": np.ones(2)})
    assert "\x1b" not in str(error.value)
    assert "'a\\x1b[2J'" in str(error.value)


def test_files_that_are_wrong(tmp_path):
    network = Network()
    before = bits(network)
    for name in ("weights.safetensors", "weights.ckpt", "weights.pth"):
        path = tmp_path / name
        with pytest.raises(FileNotFoundError):
            load_torch_state_dict(network, path)
        for content in (b"", b"not a file of weights" * 20):
            path.write_bytes(content)
            with pytest.raises(mscompat.TorchFileError, match=name):
                load_torch_state_dict(network, path)
    assert bits(network) == before


def test_channels_last():
    cell = nn.Conv2d(3, 3, 3)
    cell.data_format = "NHWC"  # MindSpore makes such a cell on GPU only
    with pytest.raises(ValueError, match="data_format='NHWC'"):
        load_torch_state_dict(cell, {"weight": np.ones((3, 3, 3, 3), np.float32)})


def test_names_that_are_no_str():
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "0"'):
        load_torch_state_dict(nn.SequentialCell(), {0: np.ones(2)})
