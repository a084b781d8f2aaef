"""Sequential, ModuleList, ModuleDict and ParameterList beside torch's."""

from __future__ import annotations

from collections import OrderedDict

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

# What is done with a Sequential or a ModuleList of three, in either framework; `made` makes a further cell.
CHANGES = [
    lambda held, made: held.append(made()),
    lambda held, made: held.extend([made(), made()]),
    lambda held, made: held.insert(1, made()),
    lambda held, made: held.__setitem__(-1, made()),
    lambda held, made: held.__delitem__(0),
    lambda held, made: held.__delitem__(-1),
    lambda held, made: held.__delitem__(slice(0, 2)),
    lambda held, made: held.pop(1),
    lambda held, made: held[1:],
    lambda held, made: held[::2],
    lambda held, made: held[-1],
    lambda held, made: held + type(held)(),
    lambda held, made: held.add_module("named", made()),
    # torch's ModuleList has a KeyError there.
    lambda held, made: held.insert(-1, made()) if type(held).__name__ == "Sequential" else None,
]
ERRORS = [
    lambda held, made: held[3],
    lambda held, made: held[-4],
    lambda held, made: held["0"],
    lambda held, made: held.__delitem__(7),
    lambda held, made: held.__setitem__(5, made()),
    lambda held, made: held.append(3),
    lambda held, made: held * 2.0,
    lambda held, made: held * 0,
    lambda held, made: held + 3,
    lambda held, made: held.extend(3),
]


def sides():
    """(module of the framework, a function that makes a cell with parameters) of each."""
    return [(torch.nn, lambda: torch.nn.Conv2d(1, 1, 1)), (nn, lambda: nn.Conv2d(1, 1, 1))]


def make(framework, made, kind):
    cells = [made(), framework.ReLU(), framework.ReLU()]
    return getattr(framework, kind)(*cells) if kind == "Sequential" else getattr(framework, kind)(cells)


def printed(value):
    return repr(value).replace("TorchConv", "Conv")


@needs_torch
@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("index", range(len(CHANGES)))
def test_changes(kind, index):
    results = []
    for framework, made in sides():
        held = make(framework, made, kind)
        returned = CHANGES[index](held, made)
        results.append((
            printed(held), printed(returned), len(held), list(held.state_dict()), [printed(one) for one in held],
            returned is held,
        ))
    assert results[0] == results[1]


@needs_torch
@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_errors(kind, index):
    raised = []
    for framework, made in sides():
        held = make(framework, made, kind)
        try:
            ERRORS[index](held, made)
            raised.append(None)
        except Exception as error:
            raised.append((type(error), str(error).replace("torch.nn.modules.container", "mscompat.nn.containers")))
    assert raised[0] == raised[1]


@needs_torch
def test_module_dict():
    results = []
    for framework, made in sides():
        held = framework.ModuleDict({"b": made(), "a": framework.ReLU()})
        held["c"] = framework.ReLU()
        held.update([("d", framework.ReLU()), ("a", made())])
        taken = held.pop("c")
        results.append((
            printed(held), printed(taken), list(held), list(held.keys()), [printed(one) for one in held.values()],
            [name for name, _ in held.items()], "a" in held, "c" in held, len(held), list(held.state_dict()),
        ))
        for wrong, arguments in (
            (held.__getitem__, "c"), (held.update, 3), (held.update, [3]), (held.update, [(1,)]),
        ):
            with pytest.raises((KeyError, TypeError, ValueError)) as error:
                wrong(arguments)
            results[-1] += (type(error.value), str(error.value))
        held.clear()
        results[-1] += (len(held), printed(held))
    assert results[0] == results[1]


def test_sequential_of_names():
    held = nn.Sequential(OrderedDict([("conv", nn.Conv2d(1, 2, 1)), ("act", nn.ReLU())]))
    assert list(held.state_dict()) == ["conv.weight", "conv.bias"]
    assert held.conv is held[0]
    assert held.conv.weight.name == "conv.weight"


def test_a_slice_leaves_names():
    """Features of a network are cut out of it, and the network goes on."""
    net = nn.Module()
    net.features = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Conv2d(1, 1, 1))
    part = net.features[2:]
    assert part[0] is net.features[2]
    assert [one.name for one in net.parameters()] == [name for name, _ in net.named_parameters()]


@pytest.mark.usefixtures("mode")
def test_in_forward():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Conv2d(1, 1, 1) for _ in range(3)])
            self.acts = nn.ModuleDict({"relu": nn.ReLU(), "again": nn.ReLU()})
            self.scales = nn.ParameterList([Parameter(Tensor(float(i))) for i in range(1, 4)])
            self.tail = nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1))

        def forward(self, x):
            for layer in self.layers[1:]:
                x = layer(x)
            for index, layer in enumerate(self.layers):
                x = layer(x) * self.scales[index]
            for scale in self.scales:
                x = x + scale
            for index in range(len(self.layers)):
                x = self.layers[index](x)
            for _name, act in self.acts.items():
                x = act(x)
            if "relu" in self.acts:
                x = self.acts["relu"](x)
            for cell in self.tail.children():
                x = cell(x)
            pieces = [layer(x) for layer in self.layers]
            return self.tail(ops.cat(pieces, axis=1)[:, :1]) + self.layers[-1](x)

    net = Net()
    for index, value in enumerate(net.parameters()):
        value.set_data(Tensor(np.full(value.shape, 0.3 + 0.1 * index, np.float32)))
    names = [one.name for one in net.parameters()]
    output = net(ops.ones((1, 1, 2, 3)))
    assert [one.name for one in net.parameters()] == names == [name for name, _ in net.named_parameters()]
    np.testing.assert_allclose(output.asnumpy(), np.full((1, 1, 2, 3), 6.3081), rtol=1e-5)  # torch gives it

    def total(x):
        return net(x).sum()

    gradients = ms.grad(total, None, list(net.parameters()))(ops.ones((1, 1, 2, 3)))
    assert all(np.abs(one.asnumpy()).max() > 0 for one in gradients)
