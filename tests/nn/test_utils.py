"""mscompat.nn.utils against torch.nn.utils: weights in parts, in both modes, and limits of gradients."""

from __future__ import annotations

import copy
import warnings

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, ops

import mscompat
from mscompat import load_torch_state_dict, nn

torch = pytest.importorskip("torch")

# Each: name of the layer, its arguments, shape of the input, keywords of the function.
LAYERS = [
    ("Conv2d", (2, 4, 3), (2, 2, 5, 6), {}),
    ("Conv1d", (3, 5, 3), (2, 3, 8), {"dim": 1}),
    ("ConvTranspose2d", (3, 2, 3, 2), (1, 3, 4, 5), {}),
    ("Linear", (4, 3), (5, 4), {}),
    ("Conv3d", (1, 2, (1, 2, 3)), (1, 1, 3, 4, 5), {"dim": 3}),
]


def old(name: str, module, *args, **kwargs):
    """torch.nn.utils' function of a module of either framework."""
    utils = torch.nn.utils if isinstance(module, torch.nn.Module) else nn.utils
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return getattr(utils, name)(module, *args, **kwargs)


def new(name: str, module, *args, **kwargs):
    utils = torch.nn.utils if isinstance(module, torch.nn.Module) else nn.utils
    return getattr(utils.parametrizations, name)(module, *args, **kwargs)


def pair(name: str, args, seed: int = 3):
    mscompat.manual_seed(seed)
    torch.manual_seed(seed)
    return getattr(nn, name)(*args), getattr(torch.nn, name)(*args)


def names_of(module):
    """Of parameters and buffers, and what a state dict has."""
    return (
        [name for name, _ in module.named_parameters()],
        [name for name, _ in module.named_buffers()],
        [(name, tuple(value.shape)) for name, value in module.state_dict().items()],
    )


def check_states(ours, theirs, tolerance=3e-6):
    assert names_of(ours) == names_of(theirs)
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(
            ours.state_dict()[name].asnumpy(), value.numpy(), rtol=tolerance, atol=tolerance, err_msg=name
        )


class Summed(ms.nn.Cell):
    """Two calls of a layer in one graph, as a discriminator's with real and false images."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def construct(self, x):
        return (self.layer(x) ** 2).sum() + (self.layer(x * 0.5) ** 2).sum()


def check_training(ours, theirs, shape, steps=3, tolerance=1e-4):
    """Loss, gradients of the parts, and buffers, over some steps of gradient descent; then evaluation."""
    x = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    parameters = list(ours.parameters())
    function = ms.value_and_grad(Summed(ours), None, parameters)
    for _ in range(steps):
        loss, gradients = function(Tensor(x))
        inputs = torch.from_numpy(x)
        expected = (theirs(inputs) ** 2).sum() + (theirs(inputs * 0.5) ** 2).sum()
        theirs.zero_grad()
        expected.backward()
        np.testing.assert_allclose(loss.asnumpy(), expected.item(), rtol=tolerance)
        for ours_one, theirs_one, gradient in zip(parameters, theirs.parameters(), gradients, strict=True):
            scale = np.abs(theirs_one.grad.numpy()).max()
            np.testing.assert_allclose(gradient.asnumpy(), theirs_one.grad.numpy(), atol=tolerance * scale)
            ops.assign(ours_one, ours_one - 0.01 * gradient)
            theirs_one.data -= 0.01 * theirs_one.grad
        check_states(ours, theirs, tolerance)
    ours.eval()
    theirs.eval()
    for _ in range(2):
        np.testing.assert_allclose(
            ours(Tensor(x)).asnumpy(), theirs(torch.from_numpy(x)).detach().numpy(), rtol=tolerance, atol=tolerance
        )
    check_states(ours, theirs, tolerance)


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("form", [old, new])
@pytest.mark.parametrize(("name", "args", "shape", "kwargs"), LAYERS)
def test_training_is_torchs(mode, name, args, shape, kwargs, form, function):
    ours, theirs = (form(function, module, **kwargs) for module in pair(name, args))
    check_states(ours, theirs)
    assert repr(ours).replace("TorchConv", "Conv") == repr(theirs)
    np.testing.assert_array_equal(mscompat.random.uniform(0, 1, 1, ms.float32), torch.rand(1).numpy())
    check_training(ours, theirs, shape)


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("form", [old, new])
def test_embedding(mode, form, function):
    ours, theirs = (form(function, module) for module in pair("Embedding", (5, 3)))
    indices = np.array([[1, 0], [4, 1]])
    for _ in range(2):
        np.testing.assert_allclose(
            ours(Tensor(indices)).asnumpy(), theirs(torch.from_numpy(indices)).detach().numpy(), rtol=1e-5, atol=1e-6
        )
    check_states(ours, theirs)


@pytest.mark.parametrize("form", [old, new])
def test_one_norm_for_all(mode, form):
    ours, theirs = (form("weight_norm", module, dim=None) for module in pair("Conv2d", (2, 3, 3)))
    check_states(ours, theirs)
    check_training(ours, theirs, (1, 2, 5, 5))


@pytest.mark.parametrize("form", [old, new])
def test_more_iterations_and_a_bias(mode, form):
    """Two attributes of one module; the norm of a vector is exact in the newer form."""
    ours, theirs = pair("Conv2d", (2, 3, 3))
    for module in (ours, theirs):
        form("spectral_norm", module, n_power_iterations=4, eps=1e-6)
        form("spectral_norm", module, "bias")
    check_states(ours, theirs)
    check_training(ours, theirs, (1, 2, 5, 5))


def test_both_forms_on_one_module(mode):
    ours, theirs = pair("Conv2d", (2, 3, 3))
    for module in (ours, theirs):
        old("weight_norm", module)
        new("spectral_norm", module, "bias")
    check_states(ours, theirs)
    assert type(ours).__name__ == "ParametrizedTorchConv2d"
    check_training(ours, theirs, (1, 2, 5, 5))
    for module in (ours, theirs):
        old("remove_weight_norm", module)
    nn.utils.parametrize.remove_parametrizations(ours, "bias")
    torch.nn.utils.parametrize.remove_parametrizations(theirs, "bias")
    assert type(ours) is nn.Conv2d
    check_states(ours, theirs, 1e-4)


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("form", [old, new])
@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_dtypes(mode, form, function, dtype):
    mscompat.manual_seed(0)
    torch.manual_seed(0)
    ours = form(function, nn.Conv2d(2, 4, 3, dtype=getattr(ms, dtype)))
    theirs = form(function, torch.nn.Conv2d(2, 4, 3, dtype=getattr(torch, dtype)))
    x = np.random.RandomState(0).standard_normal((1, 2, 5, 5)).astype(dtype)
    tolerance = 1e-13 if dtype == "float64" else 3e-3
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours(Tensor(x)).asnumpy(), expected, rtol=tolerance, atol=tolerance)
    check_states(ours, theirs, tolerance)
    assert {value.dtype for value in ours.state_dict().values()} == {getattr(ms, dtype)}
    gradients = ms.grad(Summed(ours), None, list(ours.parameters()))(Tensor(x))
    assert {gradient.dtype for gradient in gradients} == {getattr(ms, dtype)}


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("form", [old, new])
def test_second_derivatives(form, function):
    """A gradient penalty: of the input, then of the parts."""
    ours, theirs = (form(function, module) for module in pair("Conv2d", (2, 3, 3)))
    ours.eval()
    theirs.eval()
    x = np.random.RandomState(0).standard_normal((1, 2, 5, 6)).astype(np.float32)

    def cubes(inputs):
        return (ours(inputs) ** 3).sum()

    def penalty(inputs):
        return (ms.grad(cubes)(inputs) ** 2).sum()

    gradients = ms.grad(penalty, None, list(ours.parameters()))(Tensor(x))
    inputs = torch.from_numpy(x).requires_grad_()
    first, = torch.autograd.grad((theirs(inputs) ** 3).sum(), inputs, create_graph=True)
    expected = torch.autograd.grad((first**2).sum(), list(theirs.parameters()))
    for gradient, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient.asnumpy(), wanted.numpy(), rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("form", [old, new])
def test_removed(mode, form, function):
    modules = [form(function, module) for module in pair("ConvTranspose2d", (3, 2, 3))]
    if form is old:
        for module in modules:
            old(f"remove_{function}", module)
    else:
        nn.utils.parametrize.remove_parametrizations(modules[0], "weight")
        torch.nn.utils.parametrize.remove_parametrizations(modules[1], "weight")
    ours, theirs = modules
    assert type(ours) is nn.ConvTranspose2d
    assert isinstance(ours.weight, Parameter)
    check_states(ours, theirs)
    check_training(ours, theirs, (1, 3, 4, 5))


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("form", [old, new])
def test_a_compiled_module_is_compiled_anew(mode, form, function):
    ours, theirs = pair("Conv2d", (1, 2, 1))
    x = np.ones((1, 1, 2, 2), np.float32)
    ours(Tensor(x))
    for module in (ours, theirs):
        form(function, module)
    for _ in range(3):
        np.testing.assert_allclose(ours(Tensor(x)).asnumpy(), theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-5)
    check_states(ours, theirs)


def test_reading_a_weight():
    """The older form improves its vectors in calls alone, the newer one whenever the weight is read; as torch's do."""
    for form in (old, new):
        ours, theirs = (form("spectral_norm", module) for module in pair("Conv2d", (2, 3, 3)))
        for _ in range(3):
            assert ours.weight.shape == tuple(theirs.weight.shape)
            assert hasattr(ours, "weight")
            assert hasattr(theirs, "weight")
        check_states(ours, theirs)
        ours(ops.ones((1, 2, 4, 4)))
        theirs(torch.ones((1, 2, 4, 4)))
        check_states(ours, theirs)
        ours.eval()
        theirs.eval()
        np.testing.assert_allclose(ours.weight.asnumpy(), theirs.weight.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_names_in_a_network():
    """MindSpore's names of parameters, by which checkpoints and optimisers know them, are torch's."""
    inner = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3))
    net = nn.Sequential(inner)
    old("weight_norm", inner[0])
    old("spectral_norm", inner[1])
    new("weight_norm", inner[0], "bias")
    new("spectral_norm", inner[1], "bias")
    assert [one.name for one in net.get_parameters()] == list(net.state_dict())
    assert "0.0.parametrizations.bias.original0" in net.state_dict()
    nn.utils.parametrize.remove_parametrizations(inner[0], "bias")
    old("remove_weight_norm", inner[0])
    assert [one.name for one in inner[0].get_parameters()] == ["0.0.bias", "0.0.weight"]
    before = new("weight_norm", nn.Conv2d(1, 2, 3))
    outer = nn.Sequential(nn.ReLU(), before)
    assert [one.name for one in outer.get_parameters()] == list(outer.state_dict())


def test_the_parameter_stays(mode):
    """What has one original keeps it, so that an optimiser that was made before goes on."""
    layer = nn.Conv2d(1, 2, 3)
    weight = layer.weight
    new("spectral_norm", layer)
    assert layer.parametrizations.weight.original is weight
    nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight
    old("spectral_norm", layer)
    assert layer.weight_orig is weight


def test_deepcopy():
    for form in (old, new):
        layer = form("weight_norm", nn.Conv2d(1, 2, 3))
        twin = copy.deepcopy(layer)
        nn.init.zeros_(next(iter(twin.parameters())))
        x = ops.ones((1, 1, 3, 3))
        assert type(twin).__name__ == type(layer).__name__
        np.testing.assert_allclose(layer.weight.asnumpy(), twin.weight.asnumpy(), rtol=1e-6)
        assert not np.array_equal(layer(x).asnumpy(), twin(x).asnumpy())


def test_setting_a_weight(mode):
    ours, theirs = (new("weight_norm", module) for module in pair("Conv2d", (2, 3, 3)))
    values = np.random.RandomState(1).standard_normal((3, 2, 3, 3)).astype(np.float32)
    ours.weight = Tensor(values)
    theirs.weight = torch.from_numpy(values)
    check_states(ours, theirs)
    for module, parameter in (
        (theirs, torch.nn.Parameter(torch.ones(3, 2, 3, 3))), (ours, Parameter(ops.ones((3, 2, 3, 3)))),
        (old("weight_norm", nn.Conv2d(2, 3, 3)), Parameter(ops.ones((3, 2, 3, 3)))),
    ):
        with pytest.raises(KeyError, match="attribute 'weight' already exists"):
            module.weight = parameter
    check_states(ours, theirs)
    layer = old("weight_norm", nn.Conv2d(2, 3, 3))
    with pytest.raises(AttributeError, match="'weight' is computed"):
        layer.weight = Tensor(values)


# Wrong arguments


@pytest.mark.parametrize(
    "wrong",
    [
        lambda module: old("weight_norm", old("weight_norm", module)),
        lambda module: old("weight_norm", module, "nothing"),
        lambda module: old("weight_norm", module, "bias"),
        lambda module: old("weight_norm", module, dim=4),
        lambda module: old("remove_weight_norm", module),
        lambda module: old("remove_weight_norm", old("spectral_norm", module)),
        lambda module: old("spectral_norm", old("spectral_norm", module)),
        lambda module: old("spectral_norm", module, n_power_iterations=0),
        lambda module: old("spectral_norm", module, dim=-2),
        lambda module: old("spectral_norm", module, "nothing"),
        lambda module: old("spectral_norm", module, "bias"),
        lambda module: old("remove_spectral_norm", module),
        lambda module: new("weight_norm", module, "nothing"),
        lambda module: new("weight_norm", module, "bias"),
        lambda module: new("spectral_norm", module, "nothing"),
        lambda module: new("spectral_norm", module, "bias"),
        lambda module: new("spectral_norm", module, n_power_iterations=-1),
        lambda module: new("spectral_norm", module, dim=4),
    ],
)
def test_errors_are_torchs(wrong):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        wrong(torch.nn.Conv2d(2, 3, 3, bias=False))
    with pytest.raises(expected.type) as actual:
        wrong(nn.Conv2d(2, 3, 3, bias=False))
    sentence = str(expected.value).splitlines()[0].replace("'Conv2d' object has no attribute", "has no attribute")
    if "no attribute 'nothing'" in sentence:
        assert "nothing" in str(actual.value)
    else:
        assert sentence.replace("'Conv2d", "'TorchConv2d").replace(" Conv2d(", " TorchConv2d(") in str(actual.value)


def test_warning_is_torchs():
    with pytest.warns(FutureWarning) as expected:
        torch.nn.utils.weight_norm(torch.nn.Conv2d(1, 1, 1))
    with pytest.warns(FutureWarning) as actual:
        nn.utils.weight_norm(nn.Conv2d(1, 1, 1))
    assert str(actual[0].message) == str(expected[0].message)


# Parametrizations of one's own


class Symmetric(nn.Module):
    def forward(self, x):
        return ops.triu(x) + ops.transpose(ops.triu(x, 1), (1, 0))

    def right_inverse(self, x):
        return ops.triu(x)


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = Parameter(Tensor(2.0))

    def forward(self, x):
        return x * self.factor


class Difference(nn.Module):
    def forward(self, x, y, z):
        return x - y + z

    def right_inverse(self, x):
        return x * 2, x, x * 0


class Matrix(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = Parameter(Tensor(np.arange(9, dtype=np.float32).reshape(3, 3)))
        self.register_buffer("offset", ops.ones(3))

    def forward(self, x):
        return ops.matmul(self.weight, x) + self.offset


def test_own_parametrizations(mode):
    register = nn.utils.parametrize.register_parametrization
    matrix = Matrix()
    register(matrix, "weight", Symmetric())
    register(matrix, "weight", Doubled())
    register(matrix, "offset", Doubled())
    assert list(matrix.state_dict()) == [
        "parametrizations.weight.original", "parametrizations.weight.1.factor", "parametrizations.offset.original",
        "parametrizations.offset.0.factor",
    ]
    assert [name for name, _ in matrix.named_buffers()] == ["parametrizations.offset.original"]
    expected = 2 * np.array([[0, 1, 2], [1, 4, 5], [2, 5, 8]], np.float32)
    np.testing.assert_array_equal(matrix.weight.asnumpy(), expected)
    np.testing.assert_array_equal(matrix(ops.ones(3)).asnumpy(), expected.sum(1) + 2)
    gradients = ms.grad(matrix, None, list(matrix.parameters()))(ops.ones(3))
    np.testing.assert_array_equal(gradients[0].asnumpy(), 2 * np.array([[1, 2, 2], [0, 1, 2], [0, 0, 1]]))
    np.testing.assert_array_equal(gradients[1].asnumpy(), expected.sum() / 2)
    assert nn.utils.parametrize.is_parametrized(matrix)
    assert nn.utils.parametrize.type_before_parametrizations(matrix) is Matrix
    with pytest.raises(RuntimeError, match="parametrization Doubled does not implement right_inverse"):
        matrix.weight = ops.ones((3, 3))
    nn.utils.parametrize.remove_parametrizations(matrix, "weight")
    nn.utils.parametrize.remove_parametrizations(matrix, "offset", leave_parametrized=False)
    np.testing.assert_array_equal(matrix(ops.ones(3)).asnumpy(), expected.sum(1) + 1)
    assert type(matrix) is Matrix
    assert [name for name, _ in matrix.named_buffers()] == ["offset"]
    assert not nn.utils.parametrize.is_parametrized(matrix)


def test_several_originals(mode):
    matrix = Matrix()
    nn.utils.parametrize.register_parametrization(matrix, "weight", Difference())
    assert [name for name, _ in matrix.named_parameters()] == [
        f"parametrizations.weight.original{index}" for index in range(3)
    ]
    np.testing.assert_array_equal(matrix(ops.ones(3)).asnumpy(), [4, 13, 22])
    with pytest.raises(ValueError, match="Cannot leave unparametrized"):
        nn.utils.parametrize.remove_parametrizations(matrix, "weight", leave_parametrized=False)
    nn.utils.parametrize.remove_parametrizations(matrix, "weight")
    np.testing.assert_array_equal(matrix.weight.asnumpy(), np.arange(9).reshape(3, 3))


class Halved(nn.Module):
    def forward(self, x):
        return x[:1]


class Half(nn.Module):
    def forward(self, x):
        return ops.cast(x, ms.float16)


@pytest.mark.parametrize(
    ("parametrization", "sentence"),
    [
        (Halved(), "may not change the shape of the tensor, unless `unsafe` flag is enabled"),
        (Half(), "may not change the dtype of the tensor, unless `unsafe` flag is enabled"),
    ],
)
def test_checks_of_a_parametrization(parametrization, sentence):
    matrix = Matrix()
    with pytest.raises(ValueError, match=sentence):
        nn.utils.parametrize.register_parametrization(matrix, "weight", parametrization)
    assert type(matrix) is Matrix
    assert [one.name for one in matrix.get_parameters()] == ["weight", "offset"]
    nn.utils.parametrize.register_parametrization(matrix, "weight", parametrization, unsafe=True)
    nn.utils.parametrize.register_parametrization(Matrix(), "weight", Doubled())
    with pytest.raises(ValueError, match="does not have a parameter, a buffer, or a parametrized element"):
        nn.utils.parametrize.register_parametrization(matrix, "nothing", Doubled())
    with pytest.raises(ValueError, match="does not have a parametrization on offset"):
        nn.utils.parametrize.remove_parametrizations(matrix, "offset")


# Checkpoints


@pytest.mark.parametrize("function", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("source", [old, new])
@pytest.mark.parametrize("target", [old, new, None])
def test_checkpoints_of_either_form_load_into_either(tmp_path, function, source, target):
    def network(library, form):
        layers = [library.Conv2d(2, 3, 3), library.ConvTranspose2d(3, 3, 2)]
        return library.Sequential(*(layer if form is None else form(function, layer) for layer in layers))

    torch.manual_seed(1)
    theirs = network(torch.nn, source)
    theirs(torch.rand(1, 2, 6, 6))
    theirs.eval()
    torch.save({f"module.{name}": value for name, value in theirs.state_dict().items()}, tmp_path / "model.pt")
    ours = network(nn, target).eval()
    assert str(load_torch_state_dict(ours, tmp_path / "model.pt")) == "<All keys matched successfully>"
    x = np.random.RandomState(0).standard_normal((1, 2, 6, 6)).astype(np.float32)
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-5)
    if target is not None:
        again = network(nn, target).eval()
        again.load_state_dict(theirs.state_dict())
        np.testing.assert_allclose(again(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-5)
        if target is source:
            theirs.load_state_dict({name: torch.from_numpy(one.asnumpy()) for name, one in ours.state_dict().items()})


# Limits of gradients

SHAPES = [(3, 4), (5,), (), (2, 1, 3)]


def gradients_of(dtype, scale=1.0, dtypes=None):
    random = np.random.RandomState(0)
    arrays = [np.asarray(scale * random.standard_normal(shape)) for shape in SHAPES]
    names = dtypes or [dtype] * len(arrays)
    theirs = [torch.from_numpy(array).to(getattr(torch, name)) for array, name in zip(arrays, names, strict=True)]
    ours = tuple(Tensor(one.double().numpy(), getattr(ms, name)) for one, name in zip(theirs, names, strict=True))
    return ours, theirs


def clipped_by_torch(tensors, *args, **kwargs):
    parameters = [torch.nn.Parameter(torch.zeros_like(tensor)) for tensor in tensors]
    for parameter, tensor in zip(parameters, tensors, strict=True):
        parameter.grad = tensor.clone()
    total = torch.nn.utils.clip_grad_norm_(parameters, *args, **kwargs)
    return [parameter.grad for parameter in parameters], total


class Clip(ms.nn.Cell):
    def __init__(self, *args):
        super().__init__()
        self.args = args

    def construct(self, *gradients):
        return nn.utils.clip_grad_norm(gradients, *self.args)


def compare(ours, theirs, dtype):
    tolerance = {"float32": 1e-6, "float64": 1e-14, "float16": 1e-3, "bfloat16": 8e-3}[dtype]
    np.testing.assert_allclose(
        ops.cast(ours, ms.float64).asnumpy(), theirs.double().numpy(), rtol=tolerance, atol=tolerance / 10
    )
    assert str(ours.dtype).lower() == str(theirs.dtype).removeprefix("torch.")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("norm_type", [2.0, 2, 1, float("inf"), "inf", 3.5, 0.0, float("-inf")])
@pytest.mark.parametrize("max_norm", [0.1, 1e3])
def test_clip_grad_norm(mode, dtype, norm_type, max_norm):
    ours, theirs = gradients_of(dtype)
    clipped, total = Clip(max_norm, norm_type)(*ours)
    expected, expected_total = clipped_by_torch(theirs, max_norm, norm_type)
    compare(total, expected_total, dtype)
    for one, wanted in zip(clipped, expected, strict=True):
        compare(one, wanted, dtype)


def test_clip_grad_norm_of_several_dtypes(mode):
    ours, theirs = gradients_of(None, dtypes=["float16", "float32", "float16", "float32"])
    clipped, total = Clip(0.5)(*ours)
    expected, expected_total = clipped_by_torch(theirs, 0.5)
    compare(total, expected_total, "float32")
    for one, wanted in zip(clipped, expected, strict=True):
        compare(one, wanted, "float16" if wanted.dtype == torch.float16 else "float32")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_clip_grad_norm_of_odd_values(mode, value):
    arrays = [np.full(3, value, np.float32), np.array([1, -2], np.float32) * (value != 0)]
    clipped, total = Clip(1.0)(*map(Tensor, arrays))
    expected, expected_total = clipped_by_torch([torch.from_numpy(array) for array in arrays], 1.0)
    np.testing.assert_array_equal(total.asnumpy(), expected_total.numpy())
    for one, wanted in zip(clipped, expected, strict=True):
        np.testing.assert_array_equal(one.asnumpy(), wanted.numpy())


def test_nonfinite_norms():
    gradients = (Tensor(np.array([1, np.inf], np.float32)),)
    with pytest.raises(RuntimeError) as expected:
        clipped_by_torch([torch.tensor([1, float("inf")])], 1.0, error_if_nonfinite=True)
    with pytest.raises(RuntimeError) as actual:
        nn.utils.clip_grad_norm(gradients, 1.0, error_if_nonfinite=True)
    assert str(expected.value) in str(actual.value)
    nn.utils.clip_grad_norm((ops.ones(3),), 1.0, error_if_nonfinite=True)


def test_nonfinite_norms_in_a_graph(graph_mode):
    with pytest.raises(RuntimeError, match="error_if_nonfinite=True needs PyNative mode"):
        Clip(1.0, 2.0, True)(ops.ones(3))


def test_one_tensor_and_none():
    clipped, total = nn.utils.clip_grad_norm(Tensor([3.0, 4.0]), 1.0)
    np.testing.assert_allclose(clipped.asnumpy(), [0.6, 0.8], rtol=1e-6)
    assert total.asnumpy() == 5
    clipped, total = nn.utils.clip_grad_norm((), 1.0)
    assert clipped == ()
    assert total.asnumpy() == 0


class ClipValue(ms.nn.Cell):
    def construct(self, *gradients):
        return nn.utils.clip_grad_value(gradients, 0.1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_clip_grad_value(mode, dtype):
    ours, theirs = gradients_of(dtype)
    ours, theirs = (*ours, Tensor(np.array([np.nan, np.inf, -np.inf], dtype))), [
        *theirs, torch.tensor([np.nan, np.inf, -np.inf], dtype=getattr(torch, dtype)),
    ]
    for one, wanted in zip(ClipValue()(*ours), theirs, strict=True):
        np.testing.assert_array_equal(one.asnumpy(), wanted.clamp(-0.1, 0.1).numpy())
    assert nn.utils.clip_grad_value(ours[0], 0.5).shape == (3, 4)


@pytest.mark.parametrize("jit", [False, True])
def test_clipping_in_a_training_step(jit):
    """A step as users write it, compiled or not, beside torch's."""
    ours, theirs = pair("Conv2d", (2, 3, 3))
    optimizer = ms.nn.SGD(ours.trainable_params(), 0.1)
    gradient = ms.value_and_grad(Summed(ours), None, optimizer.parameters)

    def step(x):
        loss, gradients = gradient(x)
        gradients, total_norm = nn.utils.clip_grad_norm(gradients, 1.0)
        optimizer(nn.utils.clip_grad_value(gradients, 0.2))
        return loss, total_norm

    run = ms.jit(step) if jit else step
    of_torch = torch.optim.SGD(theirs.parameters(), 0.1)
    x = np.random.RandomState(0).standard_normal((2, 2, 5, 6)).astype(np.float32)
    for _ in range(4):
        loss, total_norm = run(Tensor(x))
        of_torch.zero_grad()
        inputs = torch.from_numpy(x)
        expected = (theirs(inputs) ** 2).sum() + (theirs(inputs * 0.5) ** 2).sum()
        expected.backward()
        expected_norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        torch.nn.utils.clip_grad_value_(theirs.parameters(), 0.2)
        of_torch.step()
        np.testing.assert_allclose(loss.asnumpy(), expected.item(), rtol=1e-4)
        np.testing.assert_allclose(total_norm.asnumpy(), expected_norm.item(), rtol=1e-4)
    check_states(ours, theirs, 1e-5)
