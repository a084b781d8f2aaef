"""What torch's lists of inputs do not have: NaN, infinities, kinks, half types, integers, second derivatives."""

from __future__ import annotations

import warnings

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

import mscompat
from mscompat import functional as F

torch = pytest.importorskip("torch", reason="torch is what activations are compared with")

# Name, arguments after the input.
ACTIVATIONS = [
    ("relu", ()), ("relu6", ()), ("hardtanh", ()), ("hardtanh", (-0.3, 2.1)), ("leaky_relu", ()),
    ("leaky_relu", (1.5,)), ("leaky_relu", (-0.5,)), ("leaky_relu", (0.0,)), ("threshold", (0.3, -2.0)),
    ("hardshrink", ()), ("hardshrink", (0.0,)), ("softshrink", ()), ("softshrink", (0.0,)), ("hardsigmoid", ()),
    ("hardswish", ()), ("elu", ()), ("elu", (0.7,)), ("elu", (-0.7,)), ("celu", ()), ("celu", (1.7,)), ("selu", ()),
    ("gelu", ()), ("silu", ()), ("mish", ()), ("sigmoid", ()), ("logsigmoid", ()), ("tanh", ()), ("tanhshrink", ()),
    ("softplus", ()), ("softplus", (2.5, 5.0)), ("softplus", (-0.5,)), ("softsign", ()), ("rrelu", ()),
]
IDS = [f"{name}{arguments}" for name, arguments in ACTIVATIONS]
# Enough of them for torch's vectorised loops, which at NaN differ from what they leave over.
FINITE = np.concatenate([
    [0.0, -0.0, 0.3, -0.3, 0.5, -0.5, 1.0, -1.0, 2.1, 3.0, -3.0, 5.0, 6.0, -6.0, 17.0, 20.0, 21.0, -30.0, 87.0, -87.0],
    [100.0, -100.0, 1000.0, -1000.0, 60000.0, -60000.0, 1e-3, -1e-3, 1e-6, -1e-6],
    np.linspace(-9, 9, 1207), np.random.RandomState(0).standard_normal(211),
])
DTYPES = {
    "float16": (torch.float16, ms.float16), "bfloat16": (torch.bfloat16, ms.bfloat16),
    "float32": (torch.float32, ms.float32), "float64": (torch.float64, ms.float64),
}
# In units of the last place of the value, or of 1 where that is less.
_UNITS = 16


class Net(nn.Cell):
    def __init__(self, function, arguments):
        super().__init__()
        self.function, self.arguments = function, arguments

    def construct(self, x):
        return self.function(x, *self.arguments)


@pytest.fixture(params=["pynative", "graph"])
def mode(request):
    ms.set_context(mode=ms.GRAPH_MODE if request.param == "graph" else ms.PYNATIVE_MODE)
    yield request.param
    ms.set_context(mode=ms.PYNATIVE_MODE)


def of_torch(name, arguments, x, dtype):
    function = getattr(torch, name) if name in ("sigmoid", "tanh") else getattr(torch.nn.functional, name)
    x = torch.from_numpy(x).to(dtype).requires_grad_()
    output = function(x, *arguments)
    (gradient,) = torch.autograd.grad(output.sum(), x)
    return output.detach().double().numpy(), gradient.double().numpy(), x.detach()


def to_mindspore(x, dtype):
    return Tensor(x.float().numpy() if x.dtype != torch.float64 else x.numpy(), dtype)


def to_numpy(x):
    return (ops.cast(x, ms.float32) if x.dtype == ms.bfloat16 else x).asnumpy().astype(np.float64)


def of_mindspore(name, arguments, x, dtype):
    net, x = Net(getattr(F, name), arguments), to_mindspore(x, dtype)
    output, gradient = net(x), ms.grad(net)(x)
    assert output.dtype == gradient.dtype == dtype
    return to_numpy(output), to_numpy(gradient)


def off(actual, expected, exact, eps):
    """Where numbers are further from the exact ones than torch's four times, and than some units of the last place."""
    limit = np.maximum(_UNITS * eps * np.maximum(np.abs(exact), 1), 4 * np.abs(expected - exact))
    return ~(np.abs(actual - exact) <= limit)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize(("name", "arguments"), ACTIVATIONS, ids=IDS)
def test_values_and_gradients(name, arguments, dtype):
    """At kinks, far out, and between, in every dtype."""
    theirs, ours = DTYPES[dtype]
    expected, expected_gradient, x = of_torch(name, arguments, FINITE, theirs)
    # torch's kernels compute half types in float32, with constants of float32.
    exact, exact_gradient, _ = of_torch(name, arguments, x.double().numpy(), torch.float64)
    actual, gradient = of_mindspore(name, arguments, x, ours)
    eps = torch.finfo(theirs).eps
    inputs = x.double().numpy()
    for one, other, reference in ((actual, expected, exact), (gradient, expected_gradient, exact_gradient)):
        finite = np.isfinite(other)
        assert np.array_equal(one[~finite], other[~finite], equal_nan=True)
        wrong = off(one[finite], other[finite], reference[finite], eps) & (one[finite] != other[finite])
        shown = zip(inputs[finite][wrong], one[finite][wrong], other[finite][wrong], strict=True)
        assert not wrong.any(), list(shown)[:9]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize(("name", "arguments"), ACTIVATIONS, ids=IDS)
def test_nan_and_infinities(name, arguments, dtype):
    """Beside other numbers: some of MindSpore's operators go another way where a tensor holds NaN."""
    theirs, ours = DTYPES[dtype]
    x = np.tile([np.nan, np.inf, -np.inf, 1.0, -2.0], 32)
    expected, expected_gradient, x = of_torch(name, arguments, x, theirs)
    actual, gradient = of_mindspore(name, arguments, x, ours)
    tolerance = 64 * torch.finfo(theirs).eps
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "arguments"), ACTIVATIONS, ids=IDS)
def test_nan_in_a_graph(name, arguments):
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        test_nan_and_infinities(name, arguments, "float32")
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)


def test_signs_of_zeros():
    x = np.array([0.0, -0.0] * 16, np.float32)
    for name in ("relu", "relu6", "leaky_relu", "hardtanh", "silu", "sigmoid"):
        expected = of_torch(name, (), x, torch.float32)[0]
        actual = getattr(F, name)(Tensor(x)).asnumpy()
        assert np.array_equal(np.signbit(actual), np.signbit(expected)), name


@pytest.mark.parametrize(("name", "arguments"), ACTIVATIONS, ids=IDS)
def test_second_derivative(name, arguments):
    """Of the sum of the squares of the gradient, as a gradient penalty has it, in PyNative mode."""
    if name == "hardsigmoid":
        pytest.skip("torch has none")
    x = np.random.RandomState(1).uniform(-4, 4, (5, 7)).astype(np.float32)
    function = getattr(torch, name) if name in ("sigmoid", "tanh") else getattr(torch.nn.functional, name)
    t = torch.from_numpy(x).double().requires_grad_()
    (gradient,) = torch.autograd.grad((function(t * t * t / 4, *arguments) ** 3).sum(), t, create_graph=True)
    (expected,) = torch.autograd.grad((gradient**2).sum(), t)
    net = Net(getattr(F, name), arguments)
    first = ms.grad(lambda x: (net(x * x * x / 4) ** 3).sum())
    actual = ms.grad(lambda x: (first(x) ** 2).sum())(Tensor(x)).asnumpy()
    scale = np.abs(expected.numpy()).max()
    np.testing.assert_allclose(actual, expected.numpy(), rtol=2e-4, atol=2e-5 * scale)


@pytest.mark.parametrize("name", [
    "relu", "hardswish", "tanh", "elu", "gelu", "softplus", "logsigmoid", "mish", "silu", "sigmoid", "celu", "softmax",
])
def test_second_derivative_in_a_graph(name):
    arguments = (0,) if name == "softmax" else ()
    x = np.random.RandomState(1).uniform(-2, 2, (3, 5)).astype(np.float32)
    function = getattr(torch, name) if name in ("tanh", "sigmoid") else getattr(torch.nn.functional, name)
    t = torch.from_numpy(x).double().requires_grad_()
    (gradient,) = torch.autograd.grad((function(t * t, *arguments) ** 3).sum(), t, create_graph=True)
    (expected,) = torch.autograd.grad((gradient**2).sum(), t)

    class Cubes(nn.Cell):
        def __init__(self):
            super().__init__()
            self.net = Net(getattr(F, name), arguments)

        def construct(self, x):
            return (self.net(x * x) ** 3).sum()

    class Penalty(nn.Cell):
        def __init__(self):
            super().__init__()
            self.gradient = ms.grad(Cubes())

        def construct(self, x):
            return (self.gradient(x) ** 2).sum()

    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        actual = ms.grad(Penalty())(Tensor(x)).asnumpy()
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-4, atol=1e-5 * np.abs(expected.numpy()).max())


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin", "glu"])
def test_second_derivative_along_an_axis(name, dim):
    x = np.random.RandomState(1).uniform(-2, 2, (4, 6)).astype(np.float32)
    t = torch.from_numpy(x).double().requires_grad_()
    (gradient,) = torch.autograd.grad((getattr(torch.nn.functional, name)(t * t, dim) ** 3).sum(), t, create_graph=True)
    (expected,) = torch.autograd.grad((gradient**2).sum(), t)
    first = ms.grad(lambda x: (getattr(F, name)(x * x, dim) ** 3).sum())
    actual = ms.grad(lambda x: (first(x) ** 2).sum())(Tensor(x)).asnumpy()
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-4, atol=1e-5 * np.abs(expected.numpy()).max())


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3), (7,)])
@pytest.mark.parametrize("count", [1, 3])
def test_second_derivative_of_prelu(shape, count):
    if count == 3 and len(shape) == 1:
        pytest.skip("no channels")
    random = np.random.RandomState(1)
    x, weight = random.uniform(-2, 2, shape).astype(np.float32), random.uniform(-1, 1, count).astype(np.float32)
    t, w = torch.from_numpy(x).double().requires_grad_(), torch.from_numpy(weight).double().requires_grad_()
    (gradient,) = torch.autograd.grad((torch.nn.functional.prelu(t * t * t, w) ** 3).sum(), t, create_graph=True)
    expected = torch.autograd.grad((gradient**2).sum(), (t, w))
    first = ms.grad(lambda x, w: (F.prelu(x * x * x, w) ** 3).sum())
    actual = ms.grad(lambda x, w: (first(x, w) ** 2).sum(), (0, 1))(Tensor(x), Tensor(weight))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.numpy(), rtol=1e-4, atol=1e-5 * np.abs(other.numpy()).max())


def test_nan_and_gradients_of_prelu(mode):
    x = np.tile(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.0, 3.0], np.float32), (4, 3, 1))
    weight = np.array([0.25, -1.5, 0.0], np.float32)
    t, w = torch.from_numpy(x).requires_grad_(), torch.from_numpy(weight).requires_grad_()
    expected = torch.nn.functional.prelu(t, w)
    (gradient,) = torch.autograd.grad(expected.sum(), t)
    net = Net(F.prelu, (Tensor(weight),))
    np.testing.assert_array_equal(net(Tensor(x)).asnumpy(), expected.detach().numpy())
    np.testing.assert_array_equal(ms.grad(net)(Tensor(x)).asnumpy(), gradient.numpy())


ROWS = [
    [-np.inf, -np.inf, -np.inf], [-np.inf, 0.0, 1.0], [np.inf, 0.0, 1.0], [0.0, np.nan, 1.0], [0.0, np.inf, np.inf],
    [1e30, 0.0, 1.0], [-1000.0, 0.0, 1000.0], [1e30, 1e30, 1e30],
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_of_nan_and_infinities(name, dtype, dim, mode):
    """MindSpore's Softmax leaves rows of -inf as the memory was, which calls before have filled."""
    rows = np.array(ROWS, dtype)
    x = rows if dim else rows.T.copy()
    net = Net(getattr(F, name), (dim,))
    expected = getattr(torch.nn.functional, name)(torch.from_numpy(x), dim).numpy()
    for _ in range(5):
        net(Tensor(np.random.RandomState(0).standard_normal(x.shape).astype(dtype)))
        np.testing.assert_allclose(net(Tensor(x)).asnumpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_of_shapes_and_dtypes(name, mode):
    function = getattr(torch.nn.functional, name)
    for shape, dim in (((), 0), ((), -1), ((0, 3), 1), ((3, 0), 1), ((2, 3, 4), -2), ((2, 1, 3, 2, 2, 3), 2)):
        x = np.asarray(np.random.RandomState(0).standard_normal(shape), np.float32)
        for dtype, torch_dtype in ((None, None), (ms.float64, torch.float64), (ms.float16, torch.float16)):
            expected = function(torch.from_numpy(x), dim, dtype=torch_dtype).numpy()
            actual = getattr(F, name)(Tensor(x), dim, dtype=dtype).asnumpy()
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(actual, expected, rtol=2e-3 if dtype == ms.float16 else 3e-6, atol=1e-6)
    integers = np.array([1, 2, 3])
    np.testing.assert_allclose(
        getattr(F, name)(Tensor(integers), 0, dtype=ms.float32).asnumpy(),
        function(torch.from_numpy(integers), 0, dtype=torch.float32).numpy(), rtol=3e-6,
    )


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_implicit_dimension(rank, mode):
    x = np.asarray(np.random.RandomState(0).standard_normal((2, 3, 4, 5)[:rank]), np.float32)
    for name in ("Softmax", "LogSoftmax", "Softmin"):
        with pytest.warns(UserWarning, match="Implicit dimension choice for .*softm.* has been deprecated"):
            expected = getattr(torch.nn, name)()(torch.from_numpy(x)).numpy()
        with pytest.warns(UserWarning, match="Implicit dimension choice for .*softm.* has been deprecated"):
            actual = getattr(mscompat.nn, name)()(Tensor(x)).asnumpy()
        np.testing.assert_allclose(actual, expected, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize(
    "name", [*dict.fromkeys(name for name, _ in ACTIVATIONS), "glu", "softmax", "log_softmax"]
)
def test_integers(name, dtype):
    """torch's numbers, or its error."""
    x = np.array([0, 1, 2, 7]).astype(dtype)
    arguments = {"threshold": (1, 3), "softmax": (0,), "log_softmax": (0,)}.get(name, ())
    function = getattr(torch, name) if name in ("sigmoid", "tanh") else getattr(torch.nn.functional, name)
    try:
        expected = function(torch.from_numpy(x), *arguments)
    except (RuntimeError, NotImplementedError) as error:
        sentence = str(error).split("\n")[0].rstrip(".")
        with pytest.raises(type(error)) as caught:
            getattr(F, name)(Tensor(x), *arguments)
        assert sentence in str(caught.value)
        return
    actual = getattr(F, name)(Tensor(x), *arguments).asnumpy()
    assert actual.dtype == expected.numpy().dtype
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-6)


WRONG = [
    ("hardtanh", (1.0, -1.0)), ("softshrink", (-1.0,)), ("celu", (0.0,)), ("rrelu", (0.5, 0.1)),
    ("rrelu", (0.5, 0.1, True)), ("glu", (1,)), ("glu", (5,)), ("glu", (1.5,)), ("softmax", (5,)), ("softmax", (1.5,)),
    ("leaky_relu", ("a",)), ("elu", ("a",)), ("threshold", ("a", 1.0)), ("leaky_relu", (None,)),
]


@pytest.mark.parametrize(("name", "arguments"), WRONG, ids=[f"{name}{arguments}" for name, arguments in WRONG])
def test_wrong_arguments(name, arguments, mode):
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(Exception) as expected:  # noqa: PT011
        getattr(torch.nn.functional, name)(torch.from_numpy(x), *arguments)
    with pytest.raises(expected.type) as actual:
        Net(getattr(F, name), arguments)(Tensor(x))
    sentence = str(expected.value).split("\n")[0].rstrip(".").split("(): ")[-1]
    assert sentence in str(actual.value)


def test_wrong_input(mode):
    for name in ("relu", "elu", "softplus", "hardswish"):
        with pytest.raises(TypeError) as expected:
            getattr(torch.nn.functional, name)(1.0)
        with pytest.raises(TypeError) as actual:
            Net(getattr(F, name), ())(1.0)
        assert str(expected.value).split("(): ")[1] in str(actual.value)


def test_wrong_weight_of_prelu(mode):
    for shape, weight, dtype in (((2, 3), (2,), "float32"), ((3,), (3,), "float32"), ((), (2,), "float32"),
                                 ((2, 3), (1, 3), "float32"), ((2, 3), (3,), "float64")):
        x, w = np.asarray(np.zeros(shape), np.float32), np.zeros(weight, dtype)
        with pytest.raises(RuntimeError) as expected:
            torch.nn.functional.prelu(torch.from_numpy(x), torch.from_numpy(w))
        with pytest.raises(RuntimeError) as actual:
            Net(F.prelu, (Tensor(w),))(Tensor(x))
        assert str(expected.value).rstrip(".") in str(actual.value)


def test_wrong_constructors():
    for name, arguments in (("Hardtanh", (1, -1)), ("Hardtanh", (1.0, 1.0)), ("PReLU", (1.5,))):
        with pytest.raises(Exception) as expected:  # noqa: PT011
            getattr(torch.nn, name)(*arguments)
        with pytest.raises(expected.type) as actual:
            getattr(mscompat.nn, name)(*arguments)
        assert str(expected.value) in str(actual.value)
    with pytest.raises(RuntimeError, match="approximate argument must be either none or tanh"):
        mscompat.nn.GELU("x")(Tensor([1.0]))
    with pytest.raises(ValueError, match="Softmax2d: expected input to be 3D or 4D, got 2D instead"):
        mscompat.nn.Softmax2d()(Tensor([[1.0]]))


def test_former_names_of_limits():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = torch.nn.Hardtanh(min_value=-2.0, max_value=3.0)
        count = len(caught)
        ours = mscompat.nn.Hardtanh(min_value=-2.0, max_value=3.0)
    warned = [(one.category, str(one.message)) for one in caught]
    assert warned[:count] == warned[count:]
    assert repr(ours) == repr(theirs)


def test_weight_of_prelu():
    for arguments, keywords in (((), {}), ((3, 0.1), {"dtype": ms.float64}), ((2,), {"init": -0.5})):
        cell = mscompat.nn.PReLU(*arguments, **keywords)
        torch_keywords = {**keywords, **({"dtype": torch.float64} if "dtype" in keywords else {})}
        expected = torch.nn.PReLU(*arguments, **torch_keywords).weight.detach().numpy()
        assert cell.weight.dtype == keywords.get("dtype", ms.float32)
        np.testing.assert_array_equal(cell.weight.asnumpy(), expected)
        assert [name for name, _ in cell.named_parameters()] == ["weight"]


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "elu", "tanh", "silu", "softplus", "gelu", "softsign"])
def test_empty(name, mode):
    x = Tensor(np.zeros((0, 3), np.float32))
    net = Net(getattr(F, name), ())
    assert net(x).shape == ms.grad(net)(x).shape == (0, 3)


@pytest.mark.parametrize("name", ["relu", "hardswish", "tanh", "prelu", "glu", "softmax", "rrelu"])
def test_open_sizes(name):
    """A graph that is compiled once for all shapes; and one for each, without set_inputs."""
    arguments = {"prelu": (Tensor(np.float32([0.5, -0.5, 2.0])),), "softmax": (1,), "rrelu": (0.1, 0.4)}.get(name, ())
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        for is_open in (True, False):
            net = Net(getattr(F, name), arguments)
            if is_open:
                net.set_inputs(Tensor(shape=(None, 3, None, 4), dtype=ms.float32))
            for shape in ((2, 3, 4, 4), (5, 3, 2, 4)):
                x = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
                theirs = [torch.from_numpy(a.asnumpy()) if isinstance(a, Tensor) else a for a in arguments]
                function = torch.tanh if name == "tanh" else getattr(torch.nn.functional, name)
                expected = function(torch.from_numpy(x), *theirs).numpy()
                np.testing.assert_allclose(net(Tensor(x)).asnumpy(), expected, rtol=2e-6, atol=1e-6)
                assert ms.grad(net)(Tensor(x)).shape == shape
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_slopes_of_rrelu(dtype, mode):
    """Drawn evenly between the limits, anew in each call, and the same for the gradient."""
    ms.set_seed(3)
    _, ours = DTYPES[dtype]
    values = np.random.RandomState(0).standard_normal((100, 100)).astype(np.float32)
    values[0, :3] = [np.nan, np.inf, 0.0]
    x = Tensor(values, ours)
    cell = mscompat.nn.RReLU(0.2, 0.6)

    class Both(nn.Cell):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def construct(self, x):
            output = self.cell(x)
            return ops.cast(output, ms.float32).sum(), output

    (_, output), gradient = ms.value_and_grad(Both(), 0, None, has_aux=True)(x)
    output, slopes, x = to_numpy(output), to_numpy(gradient), to_numpy(x)
    negative = x < 0
    np.testing.assert_array_equal(output[0, :3], [np.nan, np.inf, 0.0])
    assert (slopes[x > 0] == 1).all()
    assert slopes[0, 0] == 1
    eps = {"float16": 1e-3, "bfloat16": 8e-3}.get(dtype, 1e-6)
    assert slopes[negative].min() >= 0.2 - eps
    assert slopes[negative].max() <= 0.6 + eps
    np.testing.assert_allclose(output[negative], slopes[negative] * x[negative], rtol=4 * eps)
    # 5000 draws: the mean is off by 0.0016 (one deviation), quarters of the range by 31 of 1250.
    assert abs(slopes[negative].mean() - 0.4) < 0.01
    quarters = np.histogram(slopes[negative], 4, (0.2, 0.6))[0] / negative.sum()
    assert np.abs(quarters - 0.25).max() < 0.03
    again = to_numpy(ms.value_and_grad(Both(), 0, None, has_aux=True)(Tensor(values, ours))[1])
    assert (again[negative] != slopes[negative]).mean() > 0.5
    cell.eval()
    np.testing.assert_allclose(
        to_numpy(cell(Tensor(np.float32([-1.0, 2.0]), ours))), [-0.4, 2.0], rtol=eps
    )


def test_modules_in_a_network_of_graphs():
    """Layers with attributes of their own, called twice, trained and evaluated."""

    class Network(mscompat.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = mscompat.nn.Sequential(
                mscompat.nn.ReLU(True), mscompat.nn.PReLU(3), mscompat.nn.Hardtanh(-0.5, 2.0), mscompat.nn.ELU(0.5),
                mscompat.nn.Softplus(2.0, 10.0), mscompat.nn.RReLU(), mscompat.nn.GLU(1), mscompat.nn.Softmax(-1),
            )

        def forward(self, x):
            return self.layers(x)

    net = Network()
    net.layers[6] = mscompat.nn.GLU(2)
    x = Tensor(np.random.RandomState(0).standard_normal((2, 3, 4)).astype(np.float32))
    expected = [net.train(is_training)(x).shape for is_training in (True, False)]
    values = net(x).asnumpy()
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        assert [net.train(is_training)(x).shape for is_training in (True, False)] == expected == [(2, 3, 2)] * 2
        np.testing.assert_allclose(net(x).asnumpy(), values, rtol=1e-6)
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)
