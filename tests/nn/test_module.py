"""mscompat.nn.Module beside torch's: the same class body gives the same names, modes, values and steps."""

from __future__ import annotations

import copy

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, ops

from mscompat import nn

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch")


class Block(nn.Module):
    def __init__(self, channels, scale=2.0):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.register_buffer("scale", Tensor(scale))
        self.register_buffer("steps", Tensor(np.zeros(2, np.int64)), persistent=False)
        self.shift = Parameter(Tensor(np.full(channels, 0.5, np.float32)))
        self.register_parameter("nothing", None)

    def forward(self, x, factor=1):
        if self.training:
            x = self.conv(x)
        return x * self.scale * factor + ops.reshape(self.shift, (1, -1, 1, 1))


class Net(nn.Module):
    """Modules, and a cell of MindSpore's, inside."""

    def __init__(self):
        super().__init__()
        self.first = Block(2)
        self.norm = ms.nn.BatchNorm2d(2)
        self.second = Block(2, 3.0)
        self.head = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        return self.head(self.second(self.norm(self.first(x, factor=3))))


class Wider(Net):
    def forward(self, x):
        return super().forward(x) + 1


class Around(ms.nn.Cell):
    """A cell with construct around a module with forward."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def construct(self, x):
        return self.inner(x) * 2


def numbers(*shape):
    return Tensor(np.random.RandomState(len(shape)).standard_normal(shape).astype(np.float32))


def loss_of(net, x):
    return (net(x) ** 2).mean()


def test_names():
    net = Net()
    inner = ["conv.weight", "conv.bias"]
    assert [name for name, _ in net.named_parameters()] == [
        "first.shift", *(f"first.{name}" for name in inner), "norm.weight", "norm.bias",
        "second.shift", *(f"second.{name}" for name in inner), "head.weight", "head.bias",
    ]
    assert [name for name, _ in net.named_buffers()] == [
        "first.scale", "first.steps", "norm.running_mean", "norm.running_var", "second.scale", "second.steps",
    ]
    assert [name for name, _ in net.named_modules()] == [
        "", "first", "first.conv", "norm", "second", "second.conv", "head",
    ]
    assert [name for name, _ in net.named_children()] == ["first", "norm", "second", "head"]
    assert list(net.first.parameters(recurse=False)) == [net.first.shift]
    assert list(net.state_dict()) == [
        "first.shift", "first.scale", "first.conv.weight", "first.conv.bias",
        "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
        "second.shift", "second.scale", "second.conv.weight", "second.conv.bias", "head.weight", "head.bias",
    ]
    # MindSpore's names are those paths too, with its own names in its own cells.
    assert net.first.conv.weight.name == "first.conv.weight"
    assert [one.name for one in net.trainable_params()] == [
        name.replace("norm.weight", "norm.gamma").replace("norm.bias", "norm.beta")
        for name, _ in net.named_parameters()
    ]


def test_modes():
    net = Net()
    assert net.training
    assert net.first.training
    assert net.first.conv.training
    assert net.eval() is net
    assert not any(cell.training for cell in net.modules())
    assert net.train() is net
    assert all(cell.training for cell in net.modules())  # MindSpore's BatchNorm too
    outer = Around(net)
    outer.set_train(False)
    assert not net.first.conv.training
    outer.set_train()
    assert net.first.conv.training
    assert net.norm.training
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train("yes")


def test_a_graph_sees_the_mode_of_an_inner_module(graph_mode):
    """As fine-tuning has it: the norms of a network in training are frozen."""
    net, x = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)), numbers(3, 2, 5, 4)
    net(x)
    seen = net[1].running_mean.asnumpy().copy()
    net[1].eval()
    output = net(x).asnumpy()
    np.testing.assert_array_equal(net[1].running_mean.asnumpy(), seen)
    np.testing.assert_array_equal(net.eval()(x).asnumpy(), output)
    net.train()(x)
    assert (net[1].running_mean.asnumpy() != seen).all()


def test_train_may_be_overridden():
    class Frozen(Net):
        def train(self, mode=True):
            super().train(mode)
            self.norm.set_train(False)
            return self

    for set_mode in (lambda net: net.train(), lambda net: net.set_train(), lambda net: Around(net).set_train()):
        net = Frozen()
        set_mode(net)
        assert net.first.training
        assert not net.norm.training


@pytest.mark.parametrize("kind", [Net, Wider])
def test_both_modes_give_the_same(kind):
    net, x = kind(), numbers(2, 2, 5, 4)
    results = []
    for mode in (ms.PYNATIVE_MODE, ms.GRAPH_MODE):
        ms.set_context(mode=mode)
        here = copy.deepcopy(net) if mode == ms.PYNATIVE_MODE else net
        here.train()
        outputs = [here(x), here.eval()(x), here.train()(x)]
        here.second.scale = Tensor(5.0)
        outputs.append(here(x))
        results.append([output.asnumpy() for output in outputs])
    ms.set_context(mode=ms.PYNATIVE_MODE)
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert not np.allclose(results[0][0], results[0][3])


@pytest.mark.usefixtures("mode")
def test_training_in_every_way():
    """A step by TrainOneStepCell, by value_and_grad and an optimiser, and by Model: all train the same weights."""
    x, steps = numbers(2, 2, 5, 4), []
    start = {name: value.asnumpy() for name, value in Net().state_dict().items()}
    for way in range(3):
        net = Net()
        net.load_state_dict(start)
        outer = ms.nn.WithLossCell(net, ms.nn.MSELoss())
        target = numbers(2, 1, 5, 4)
        optimizer = ms.nn.SGD(list(net.parameters()), 0.1)
        net.train()
        if way == 0:
            ms.nn.TrainOneStepCell(outer, optimizer).set_train()(x, target)
        elif way == 1:
            optimizer(ms.value_and_grad(outer, None, optimizer.parameters)(x, target)[1])
        else:
            ms.Model(net, ms.nn.MSELoss(), optimizer).train(1, OneBatch(x, target))
        steps.append({name: value.asnumpy() for name, value in net.state_dict().items()})
    for name, value in steps[0].items():
        # The norm takes away what is added before it, so that the gradient of that is nothing but rounding.
        if name not in ("first.shift", "first.conv.bias"):
            assert (value == start[name]).all() == name.endswith("scale"), name
        for other in steps[1:]:
            np.testing.assert_allclose(other[name], value, rtol=2e-5, atol=2e-6)


def OneBatch(*arrays):
    return ms.dataset.NumpySlicesDataset(tuple(one.asnumpy() for one in arrays), shuffle=False).batch(2)


def test_jit():
    net, x = Net().eval(), numbers(2, 2, 5, 4)
    compiled = ms.jit(net.forward)
    np.testing.assert_allclose(compiled(x).asnumpy(), net(x).asnumpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("level", "off"), [("O1", 0), ("O2", 1e-2), ("O3", 1e-2)])
def test_amp(level, off, mode):
    """O1 knows MindSpore's own classes alone, in cells with construct; O2 and O3 compute modules in float16."""
    net, x = Net().eval(), numbers(2, 2, 5, 4)
    full = net(x).asnumpy()
    half = ms.amp.auto_mixed_precision(net, level)(x)
    assert half.dtype == ms.float32  # MindSpore casts the last output back
    distance = np.abs(half.asnumpy() - full).max() / np.abs(full).max()
    assert distance == 0 if off == 0 else 1e-5 < distance < off


@pytest.mark.usefixtures("mode")
def test_amp_of_a_container(tmp_path, monkeypatch):
    """MindSpore writes cells anew for O1, and leaves alone what it cannot: a container as the whole network too."""
    monkeypatch.chdir(tmp_path)  # where MindSpore writes them
    net, x = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU()), numbers(2, 2, 5, 4)
    full = net(x).asnumpy()
    np.testing.assert_array_equal(ms.amp.auto_mixed_precision(net, "O1")(x).asnumpy(), full)


def test_buffers():
    net = Block(2)
    scale = net.scale
    net.scale = Tensor(7.0)
    assert net.scale is scale
    assert scale.asnumpy() == 7
    assert not scale.requires_grad
    net.scale = Tensor(np.zeros((2, 3), np.float32))  # of another shape: another Parameter
    assert net.scale.shape == (2, 3)
    assert "scale" in net.state_dict()
    net.scale = None
    assert net.scale is None
    assert list(net.named_buffers(recurse=False)) == [("steps", net.steps)]
    with pytest.raises(TypeError, match="cannot assign 'str' as buffer 'steps'"):
        net.steps = "many"
    del net.steps
    assert not hasattr(net, "steps")


@needs_torch
@pytest.mark.parametrize(("call", "error"), [
    (lambda module, one: module.register_buffer("a.b", one), KeyError),
    (lambda module, one: module.register_buffer("", one), KeyError),
    (lambda module, one: module.register_buffer(3, one), TypeError),
    (lambda module, one: module.register_buffer("forward", one), KeyError),
    (lambda module, one: module.register_buffer("b", "text"), TypeError),
    (lambda module, one: module.register_parameter("a.b", None), KeyError),
    (lambda module, one: module.register_parameter("", None), KeyError),
    (lambda module, one: module.register_parameter("p", "text"), TypeError),
    (lambda module, one: module.register_parameter("forward", None), KeyError),
    (lambda module, one: module.add_module("a.b", None), KeyError),
    (lambda module, one: module.add_module("", None), KeyError),
    (lambda module, one: module.add_module("forward", None), KeyError),
    (lambda module, one: module.add_module("m", one), TypeError),
    (lambda module, one: module.add_module(3, None), TypeError),
    (lambda module, one: module.get_submodule("nothing"), AttributeError),
    (lambda module, one: module.get_parameter("nothing"), AttributeError),
    (lambda module, one: module.get_parameter("training"), AttributeError),
    (lambda module, one: module.train(1), ValueError),
    (lambda module, one: module.load_state_dict([1]), TypeError),
    (lambda module, one: module.load_state_dict({"a": one}), RuntimeError),
    (lambda module, one: module(one), NotImplementedError),
])
def test_wrong_calls(call, error):
    """torch's class and sentence, but for the names of classes."""
    with pytest.raises(error) as theirs:
        call(torch.nn.Module(), torch.ones(1))
    with pytest.raises(error) as ours:
        call(nn.Module(), Tensor([1.0]))
    assert str(ours.value) == str(theirs.value).replace("torch.FloatTensor", "Tensor")


def test_load_state_dict():
    net = Net()
    values = {name: value.asnumpy() + 1 for name, value in net.state_dict().items()}
    weight = net.head.weight
    assert repr(net.load_state_dict(values)) == "<All keys matched successfully>"
    assert net.head.weight is weight
    np.testing.assert_array_equal(weight.asnumpy(), values["head.weight"])
    del values["head.bias"]
    values["other"] = np.ones(3)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(values)
    assert str(error.value) == (
        'Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: "head.bias". \n\t'
        'Unexpected key(s) in state_dict: "other". '
    )
    assert net.load_state_dict(values, strict=False) == (["head.bias"], ["other"])
    # torch converts dtypes.
    net.load_state_dict({"head.bias": np.full(1, 0.25, np.float64)}, strict=False)
    assert net.head.bias.asnumpy() == 0.25
    assert net.head.bias.dtype == ms.float32


def test_requires_grad():
    net = Net()
    assert net.first.requires_grad_(False) is net.first
    assert [one.name for one in net.trainable_params()] == [
        "norm.gamma", "norm.beta", "second.shift", "second.conv.weight", "second.conv.bias", "head.weight", "head.bias",
    ]


def test_names_of_what_is_put_inside_later():
    net = nn.Module()
    net.layers = nn.ModuleList()
    outer = nn.Module()
    outer.net = net
    net.layers.append(nn.Conv2d(1, 1, 1))
    net.late = nn.Sequential()
    net.late.add_module("conv", nn.Conv2d(1, 1, 1))
    net.add_module("1x1", nn.Conv2d(1, 1, 1))
    net.register_buffer("state", Tensor(0.0))
    for name, parameter in [*outer.named_parameters(), *outer.named_buffers()]:
        assert parameter.name == name


def test_printed_form():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.ReLU(), nn.ReLU(inplace=True))

        def extra_repr(self):
            return "size=3"

    assert repr(Named()).splitlines() == [
        "Named(", "  size=3", "  (inner): Sequential(", "    (0): ReLU()", "    (1): ReLU(inplace=True)", "  )", ")",
    ]
