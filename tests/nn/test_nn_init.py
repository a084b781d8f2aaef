"""mscompat.nn.init against torch.nn.init."""

from __future__ import annotations

import inspect
import math
import warnings

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, ops

import mscompat
from mscompat import nn

torch = pytest.importorskip("torch")

DTYPES = ("float32", "float64", "float16", "bfloat16")
SHAPES = ((3, 5), (8, 4, 3, 3), (6, 2, 2), (64, 33), (4, 3, 2, 3, 2))
CALLS = [
    ("uniform_", (), {}),
    ("uniform_", (-0.3, 0.2), {}),
    ("normal_", (), {}),
    ("normal_", (0.0, 0.02), {}),
    ("normal_", (), {"mean": 1.0, "std": 3}),
    ("constant_", (0.3,), {}),
    ("ones_", (), {}),
    ("zeros_", (), {}),
    ("xavier_uniform_", (), {}),
    ("xavier_uniform_", (), {"gain": 2.0}),
    ("xavier_normal_", (5 / 3,), {}),
    ("kaiming_uniform_", (), {"a": math.sqrt(5)}),
    ("kaiming_uniform_", (0, "fan_out", "relu"), {}),
    ("kaiming_normal_", (), {}),
    ("kaiming_normal_", (), {"mode": "FAN_OUT", "nonlinearity": "relu"}),
    ("kaiming_normal_", (0.2,), {}),
    ("trunc_normal_", (), {}),
    ("trunc_normal_", (), {"std": 0.02}),
    ("trunc_normal_", (0.5, 2.0, -1, 1), {}),
    ("trunc_normal_", (0.0, 1.0, 1.5, 4.0), {}),
    ("trunc_normal_", (0.0, 1.0, -0.1, 0.1), {}),
    ("trunc_normal_", (1.0, 3.0, -1.0, 0.5), {}),
]


def to_numpy(tensor) -> np.ndarray:
    if isinstance(tensor, torch.Tensor):
        return (tensor.detach().float() if tensor.dtype == torch.bfloat16 else tensor.detach()).numpy()
    return (ops.cast(tensor, ms.float32) if tensor.dtype == ms.bfloat16 else tensor).asnumpy()


def pair(shape, dtype="float32"):
    return Parameter(Tensor(np.full(shape, 7), getattr(ms, dtype))), torch.full(shape, 7, dtype=getattr(torch, dtype))


@pytest.fixture(autouse=True)
def seed():
    mscompat.manual_seed(3)
    torch.manual_seed(3)


def check_generators_are_equal():
    np.testing.assert_array_equal(mscompat.random.uniform(0, 1, 1, ms.float32), torch.rand(1).numpy())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS)
def test_values_are_torchs_bit_for_bit(name, args, kwargs, dtype):
    for shape in SHAPES:
        ours, theirs = pair(shape, dtype)
        assert getattr(nn.init, name)(ours, *args, **kwargs) is ours
        getattr(torch.nn.init, name)(theirs, *args, **kwargs)
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
        assert ours.dtype == getattr(ms, dtype)
    check_generators_are_equal()


@pytest.mark.parametrize("shape", [(5, 5), (5, 3), (3, 5), (1, 4), (4, 1), (8, 2, 3, 3), (64, 300)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-6), ("float64", 1e-14)])
def test_orthogonal(shape, dtype, tolerance):
    for gain in (1, math.sqrt(2)):
        ours, theirs = pair(shape, dtype)
        nn.init.orthogonal_(ours, gain)
        torch.nn.init.orthogonal_(theirs, gain)
        np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=0, atol=tolerance)
        matrix = to_numpy(ours).reshape(shape[0], -1).astype(np.float64)
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=tolerance)
    check_generators_are_equal()


@pytest.mark.parametrize("dtype", DTYPES)
def test_eye_dirac_sparse(dtype):
    for name, shape, args in (
        ("eye_", (3, 5), ()), ("eye_", (5, 3), ()), ("eye_", (0, 3), ()),
        ("dirac_", (4, 3, 5), ()), ("dirac_", (2, 6, 4, 3), ()), ("dirac_", (6, 2, 3, 3), (3,)),
        ("dirac_", (6, 4, 2, 3, 5), (2,)),
        ("sparse_", (5, 7), (0.3,)), ("sparse_", (20, 3), (0.5, 2.0)), ("sparse_", (3, 4), (0.0,)),
        ("sparse_", (3, 4), (2,)), ("sparse_", (0, 3), (0.5,)),
    ):
        ours, theirs = pair(shape, dtype)
        getattr(nn.init, name)(ours, *args)
        getattr(torch.nn.init, name)(theirs, *args)
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
    check_generators_are_equal()


def test_other_dtypes():
    for dtype, value in (("int32", 2.7), ("int8", -128), ("bool", 3), ("uint8", 255), ("float32", float("nan"))):
        ours, theirs = pair((3,), dtype)
        np.testing.assert_array_equal(
            to_numpy(nn.init.constant_(ours, value)), to_numpy(torch.nn.init.constant_(theirs, value))
        )


def test_gain():
    for name in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    for slope in (0, 0.2, 1, -3.5):
        assert nn.init.calculate_gain("leaky_relu", slope) == torch.nn.init.calculate_gain("leaky_relu", slope)


WRONG = [
    ("uniform_", (3, 5), (1, 0), {}),
    ("uniform_", (0, 5), (1, 0), {}),
    ("uniform_", (3, 5), (0, math.inf), {}),
    ("uniform_", (3, 5), (math.nan, 0), {}),
    ("uniform_", (3, 5), (-3e38, 3e38), {}),
    ("uniform_", (3, 5), ("a", 1), {}),
    ("normal_", (3, 5), (0, -1), {}),
    ("normal_", (0, 5), (0, -1), {}),
    ("normal_", (3, 5), (0, math.nan), {}),
    ("normal_", (3, 5), (0, "b"), {}),
    ("trunc_normal_", (3, 5), (0, 1, 2, -2), {}),
    ("trunc_normal_", (3, 5), (0.0, 0.0), {}),
    ("constant_", (3, 5), (1e39,), {}),
    ("constant_", (3, 5), ("x",), {}),
    ("eye_", (3,), (), {}),
    ("eye_", (3, 2, 1), (), {}),
    ("dirac_", (3, 5), (), {}),
    ("dirac_", (3, 5, 2), (2,), {}),
    ("dirac_", (3, 5, 2), (0,), {}),
    ("xavier_uniform_", (3,), (), {}),
    ("xavier_uniform_", (3, 5), (-1.0,), {}),
    ("xavier_uniform_", (0, 0), (), {}),
    ("xavier_normal_", (), (), {}),
    ("xavier_normal_", (3, 5), (-1.0,), {}),
    ("kaiming_uniform_", (3,), (), {}),
    ("kaiming_uniform_", (3, 5), (), {"mode": "fan"}),
    ("kaiming_normal_", (3, 5), (), {"nonlinearity": "swish"}),
    ("kaiming_normal_", (3, 5), (True,), {}),
    ("orthogonal_", (3,), (), {}),
    ("sparse_", (3,), (0.1,), {}),
]


@pytest.mark.parametrize(("name", "shape", "args", "kwargs"), WRONG)
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_errors_are_torchs(name, shape, args, kwargs):
    ours, theirs = pair(shape)
    before = to_numpy(ours).copy()
    with pytest.raises(Exception) as expected:  # noqa: PT011  of torch
        getattr(torch.nn.init, name)(theirs, *args, **kwargs)
    with pytest.raises(expected.type) as actual:
        getattr(nn.init, name)(ours, *args, **kwargs)
    if expected.type is not ZeroDivisionError:
        assert str(expected.value).splitlines()[0].split(", but expected one of")[0] in str(actual.value)
    np.testing.assert_array_equal(to_numpy(ours), before)


@pytest.mark.parametrize(
    ("name", "dtype", "args"),
    [
        ("uniform_", "int32", ()), ("normal_", "int64", ()), ("normal_", "bool", ()), ("orthogonal_", "float16", ()),
        ("orthogonal_", "bfloat16", ()), ("uniform_", "float16", (0, 1e6)), ("uniform_", "float16", (-50000, 50000)),
        ("uniform_", "bfloat16", (0, 3.4e38)), ("uniform_", "float64", (0, math.inf)), ("constant_", "int8", (200,)),
        ("constant_", "float16", (1e6,)), ("constant_", "int32", (math.inf,)),
    ],
)
def test_dtypes_that_torch_refuses(name, dtype, args):
    ours, theirs = pair((3, 5), dtype)
    with pytest.raises(Exception) as expected:  # noqa: PT011
        getattr(torch.nn.init, name)(theirs, *args)
    with pytest.raises(expected.type) as actual:
        getattr(nn.init, name)(ours, *args)
    assert str(expected.value) in str(actual.value)


@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        ("kaiming_uniform_", (0, 3), ()), ("kaiming_normal_", (3, 0), ()), ("trunc_normal_", (3, 5), (5,)),
        *[(name, (3, 5), ()) for name in (
            "uniform", "normal", "eye", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal",
            "orthogonal",
        )],
        ("constant", (3, 5), (1,)), ("dirac", (3, 5, 1), ()), ("sparse", (3, 5), (0.1,)),
    ],
)
def test_warnings_are_torchs(name, shape, args):
    ours, theirs = pair(shape)
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        getattr(torch.nn.init, name)(theirs, *args)
    with warnings.catch_warnings(record=True) as actual:
        warnings.simplefilter("always")
        getattr(nn.init, name)(ours, *args)
    assert [(one.category, str(one.message)) for one in actual] == [
        (one.category, str(one.message)) for one in expected
    ]
    assert actual[0].filename == __file__
    np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), atol=1e-6)


def test_names_and_signatures_are_torchs():
    assert sorted(nn.init.__all__) == sorted(torch.nn.init.__all__)
    for name in nn.init.__all__:
        ours, theirs = (inspect.signature(getattr(module, name)) for module in (nn.init, torch.nn.init))
        if name.endswith("_") or name == "calculate_gain":
            assert [(one.name, one.default) for one in ours.parameters.values()] == [
                (one.name, one.default) for one in theirs.parameters.values()
            ], name


def test_generators_are_refused():
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "kaiming_normal_", "orthogonal_"):
        with pytest.raises(TypeError, match="argument 'generator' must be None"):
            getattr(nn.init, name)(pair((3, 5))[0], generator=torch.Generator())


@pytest.mark.parametrize("of", ["parameter", "its data", "a tensor"])
def test_what_is_written_into(of):
    """weight.data is another tensor in MindSpore 2.10, with the same memory."""
    tensor = ops.zeros((3, 5))
    if of != "a tensor":
        tensor = Parameter(tensor)
    nn.init.normal_(tensor.data if of == "its data" else tensor, 0.0, 0.02)
    expected = torch.nn.init.normal_(torch.zeros(3, 5), 0.0, 0.02)
    np.testing.assert_array_equal(to_numpy(tensor), expected.numpy())


class Difference(ms.nn.Cell):
    def construct(self, output, label):
        return (output - label).sum()


def test_training_goes_on(mode):
    """A step that was compiled before trains the new values."""
    layer = nn.Conv2d(1, 2, 3)
    optimizer = ms.nn.SGD(layer.trainable_params(), 0.1)
    step = ms.nn.TrainOneStepCell(ms.nn.WithLossCell(layer, Difference()), optimizer)
    images, labels = ops.ones((1, 1, 5, 5)), ops.zeros((1, 2, 3, 3))
    step(images, labels)
    nn.init.constant_(layer.weight, 1.0)
    nn.init.zeros_(layer.bias)
    assert step(images, labels).asnumpy() == 9 * 9 * 2
    np.testing.assert_allclose(layer.weight.asnumpy(), 1 - 0.1 * 9, rtol=1e-5)
