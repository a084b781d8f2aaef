"""What MindSpore users do with the cells of one and three dimensions; test_mindspore_life.py has those of two."""

from __future__ import annotations

import copy
import importlib
import pickle

import mindspore as ms
import numpy as np
import pytest
from harness import array
from mindspore import Tensor, amp, nn, ops

from mscompat import TorchConv1d, TorchConv3d, TorchConvTranspose1d, TorchConvTranspose3d

SHAPES = {1: ((2, 4, 9), (1, 4, 12)), 3: ((2, 4, 5, 7, 6), (1, 4, 6, 4, 5))}

LAYERS = {
    "conv1d": lambda **kw: TorchConv1d(4, 6, 3, 2, 1, **kw),
    "conv1d_reflect": lambda **kw: TorchConv1d(4, 6, 3, 2, 2, padding_mode="reflect", **kw),
    "conv1d_same": lambda **kw: TorchConv1d(4, 6, 4, padding="same", groups=2, **kw),
    "conv_transpose1d": lambda **kw: TorchConvTranspose1d(4, 6, 4, 3, 1, 2, **kw),
    "conv3d": lambda **kw: TorchConv3d(4, 6, (2, 3, 2), (1, 2, 1), (1, 0, 2), **kw),
    "conv3d_reflect": lambda **kw: TorchConv3d(4, 6, 3, padding=(1, 2, 1), padding_mode="reflect", **kw),
    "conv3d_replicate": lambda **kw: TorchConv3d(4, 6, 2, padding=(0, 2, 1), padding_mode="replicate", **kw),
    "conv3d_circular": lambda **kw: TorchConv3d(4, 6, 2, 2, padding=(2, 0, 1), padding_mode="circular", **kw),
    "conv3d_same": lambda **kw: TorchConv3d(4, 6, (2, 3, 4), padding="same", groups=2, **kw),
    "conv_transpose3d": lambda **kw: TorchConvTranspose3d(4, 6, (2, 3, 2), 2, (0, 1, 0), (1, 0, 1), **kw),
    "conv_transpose3d_output_padding_above_stride": lambda **kw: TorchConvTranspose3d(
        4, 6, 2, output_padding=(2, 0, 1), dilation=(3, 1, 2), **kw
    ),
}
# One by default.
FOUR = ("conv_transpose3d", *(
    pytest.param(name, marks=pytest.mark.slow) for name in ("conv1d_reflect", "conv_transpose1d", "conv3d_reflect")
))


def dimensions_of(name):
    return 1 if "1d" in name else 3


def random_input(*shape, dtype=ms.float32):
    return Tensor(np.random.RandomState(0).standard_normal(shape), ms.float32).astype(dtype)


def input_of(name, **kw):
    return random_input(*SHAPES[dimensions_of(name)][0], **kw)


def assert_equal(first, second, tolerance=0.0):
    np.testing.assert_allclose(array(first), array(second), rtol=tolerance, atol=tolerance)


class Loss(nn.Cell):
    """The sum of the squares of a layer's output."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def construct(self, input):
        output = self.layer(input)
        return (output * output).sum()


BY_DEFAULT = [
    ("conv1d", ms.float32), ("conv3d_same", ms.float64),
]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        pytest.param(name, dtype, marks=[] if (name, dtype) in BY_DEFAULT else pytest.mark.slow, id=f"{name}-{dtype}")
        for name in LAYERS for dtype in (ms.float32, ms.float64, ms.float16, ms.bfloat16)
    ],
)
def test_dynamic_shapes(name, dtype, graph_mode):
    """The output, and all gradients, for two shapes, from one graph with all but the channels unknown."""
    static = LAYERS[name](dtype=dtype)
    dynamic = copy.deepcopy(static)
    unknown = Tensor(shape=[None, 4, *[None] * dimensions_of(name)], dtype=dtype)
    dynamic.set_inputs(unknown)
    tolerance = {ms.float64: 1e-14, ms.float32: 5e-6, ms.float16: 2e-2, ms.bfloat16: 1e-1}[dtype]
    for shape in SHAPES[dimensions_of(name)]:
        input = random_input(*shape, dtype=dtype)
        assert_equal(dynamic(input), static(input), tolerance)
    if dtype in (ms.float16, ms.bfloat16):  # the sum of the squares rounds too much, or has no operator
        return
    losses = Loss(static), Loss(copy.deepcopy(static))
    losses[1].set_inputs(unknown)
    gradients = [ms.grad(loss, 0, loss.trainable_params()) for loss in losses]
    for shape in SHAPES[dimensions_of(name)]:
        (first, first_parameters), (second, second_parameters) = (
            gradient(random_input(*shape, dtype=dtype)) for gradient in gradients
        )
        assert_equal(second, first, 10 * tolerance)
        for one, other in zip(second_parameters, first_parameters, strict=True):
            assert_equal(one, other, 100 * tolerance)


@pytest.mark.parametrize("shape", [[2, 4, 5, None, None], [2, 4, 5, 7, None], [None, 4, 5, 7, 6], [2, 4, None, 7, 6]])
def test_some_sizes_of_three_dimensions_are_open(shape, graph_mode):
    static, input = LAYERS["conv3d_same"](dtype=ms.float64), input_of("conv3d", dtype=ms.float64)
    dynamic = copy.deepcopy(static)
    dynamic.set_inputs(Tensor(shape=shape, dtype=ms.float64))
    assert_equal(dynamic(input), static(input), 1e-14)


@pytest.mark.parametrize("dtype", [ms.float64, pytest.param(ms.float32, marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("name", ["conv1d", "conv_transpose1d", "conv3d", "conv_transpose3d"])
def test_unknown_rank(name, dtype, graph_mode):
    layer, input = LAYERS[name](dtype=dtype), input_of(name, dtype=dtype)
    expected = copy.deepcopy(layer)(input)
    layer.set_inputs(Tensor(None, dtype=dtype))
    if name == "conv_transpose3d":
        with pytest.raises(RuntimeError, match=r"need an input of known rank.*\[None, channels, None, None, None\]"):
            layer(input)
    else:
        assert_equal(layer(input), expected, 1e-5)


def test_strides_beyond_those_of_mindspores_operator(mode):
    """ops.Conv3DTranspose takes a stride of the depth up to 256 (MS-47)."""
    layer, input = TorchConv3d(1, 1, 1, stride=(300, 1, 1)), random_input(1, 1, 601, 1, 2)
    gradient = array(ms.grad(Loss(layer))(input))
    weight, bias = array(layer.weight).item(), array(layer.bias).item()
    expected = np.zeros(input.shape)
    expected[:, :, ::300] = 2 * weight * (weight * array(input)[:, :, ::300] + bias)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["conv_transpose1d", "conv_transpose3d"])
def test_output_size_of_dynamic_shapes(name, graph_mode):
    layer, input = LAYERS[name](), input_of(name)
    size = copy.deepcopy(layer)(input).shape[2:]
    expected = copy.deepcopy(layer)(input, size)
    layer.set_inputs(Tensor(shape=[None, 4, *[None] * len(size)], dtype=ms.float32), size)
    assert_equal(layer(input, size), expected, 1e-5)


@pytest.mark.parametrize("name", FOUR)
def test_jit(name, mode):
    layer, input = LAYERS[name](), input_of(name)
    expected = layer(input)

    @ms.jit
    def call(input):
        return layer(input)

    assert_equal(call(input), expected, 1e-6)
    assert_equal(call(input[0]), expected[0], 1e-5)  # without a batch


@pytest.mark.parametrize("name", FOUR)
def test_second_call_with_another_shape_and_rank(name, mode):
    layer = LAYERS[name]()
    first, second = (random_input(*shape) for shape in SHAPES[dimensions_of(name)])
    whole = layer(first)
    layer(second)
    assert_equal(layer(first[0]), whole[0], 1e-5)
    assert layer(first[:0]).shape == (0, *whole.shape[1:])
    assert_equal(layer(first), whole)


@pytest.mark.parametrize("name", FOUR)
def test_attributes_set_later(name, mode):
    """As a layer that is made with them."""
    layer, input = LAYERS[name](), input_of(name)
    if mode == "pynative":  # a graph that is compiled stays as it is
        layer(input)
    changes = {"stride": (2,) * dimensions_of(name), "dilation": [3] * dimensions_of(name), "padding": (1,)}
    if "transpose" in name:
        changes["output_padding"] = (2,) * dimensions_of(name)
    else:
        changes["padding_mode"] = "zeros"
    for attribute, value in changes.items():
        setattr(layer, attribute, value)
    other = type(layer)(4, 6, (1, 2, 1)[-dimensions_of(name) :], **changes)
    layer.weight, layer.bias = other.weight, other.bias
    assert_equal(layer(input), other(input))
    wrong = LAYERS[name]()
    wrong.stride = (1, 1)
    with pytest.raises(RuntimeError, match=f"a list of {dimensions_of(name)} values"):
        wrong(input).asnumpy()


@pytest.mark.parametrize("level", ["O1", "O2", pytest.param("O3", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FOUR)
def test_auto_mixed_precision(name, level, mode, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # O1 writes a folder
    network, input = nn.SequentialCell(LAYERS[name]()), input_of(name)
    expected = network(input)
    network = amp.auto_mixed_precision(network, level)
    output = network(input)
    assert output.dtype == ms.float32
    error = np.abs(array(output) - array(expected)).max() / np.abs(array(expected)).max()
    assert error < 2e-3
    assert (error > 0) == (level != "O1")
    gradients = ms.grad(network, None, network.trainable_params())(input)
    assert [gradient.dtype for gradient in gradients] == [ms.float32] * 2


@pytest.mark.parametrize("name", FOUR)
def test_to_float(name, mode):
    layer, input = LAYERS[name](), input_of(name)
    expected = copy.deepcopy(layer)(input)
    layer.to_float(ms.float16)
    output = layer(input)
    assert output.dtype == ms.float16
    assert 0 < np.abs(array(output) - array(expected)).max() < 1e-2
    by_input, by_parameters = ms.grad(layer, 0, layer.trainable_params())(input)
    assert {by_input.dtype, *(value.dtype for value in by_parameters)} == {ms.float32}


@pytest.mark.parametrize("name", FOUR)
def test_mindir(name, mode, tmp_path):
    layer, input = LAYERS[name](), input_of(name)
    expected = layer(input)
    ms.export(layer, input, file_name=str(tmp_path / "layer"), file_format="MINDIR")
    ms.set_context(mode=ms.GRAPH_MODE)  # where a GraphCell runs
    loaded = nn.GraphCell(ms.load(str(tmp_path / "layer.mindir")))
    assert_equal(loaded(input), expected, 1e-5)


# The exporter knows no operator for the last, which ops.Conv3DTranspose refuses (MS-47).
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name in ("conv1d_same", "conv3d", "conv_transpose3d") else pytest.mark.slow)
    for name in [*LAYERS][:-1]
])
def test_onnx(name, mode, tmp_path):
    """Plain operators, with the values of the layer once the exporter's mistakes are mended."""
    onnx = pytest.importorskip("onnx", reason="reads the exported file: in the parity extra")
    runtime = pytest.importorskip("onnxruntime", reason="runs the exported file: in the parity extra")
    example = importlib.import_module("export_onnx")
    cell, input = LAYERS[name](), input_of(name)
    ms.export(cell, input, file_name=str(tmp_path / "layer"), file_format="ONNX")
    model = onnx.load(str(tmp_path / "layer.onnx"))
    assert ("ConvTranspose" if "transpose" in name else "Conv") in {node.op_type for node in model.graph.node}
    onnx.checker.check_model(example.mend(model), full_check=True)
    session = runtime.InferenceSession(model.SerializeToString())
    (output,) = session.run(None, {model.graph.input[0].name: input.asnumpy()})
    np.testing.assert_allclose(output, cell(input).asnumpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FOUR)
def test_deepcopy_and_pickle(name, mode):
    layer, input = LAYERS[name](), input_of(name)
    expected = layer(input)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer)
        assert_equal(other(input), expected)
        other.weight.set_data(ops.zeros_like(other.weight))
        assert_equal(layer(input), expected)
