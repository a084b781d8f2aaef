"""Normalisations: running statistics, open sizes, mixed precision."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor
from mindspore import nn as msnn
from norm_cases import CELLS, Step, close, numbers, pair, same_statistics, torch

from mscompat import functional as F
from mscompat import nn

# Statistics: once for each call.


def call(cell, x):
    cell(x)


def jitted(cell, x):
    ms.jit(cell)(x)


def differentiated(cell, x):
    ms.value_and_grad(Step(cell), None, cell.trainable_params())(x)


def trained(cell, x):
    msnn.TrainOneStepCell(Step(cell), msnn.SGD(cell.trainable_params(), 0.0))(x)


@pytest.mark.parametrize("momentum", [0.3, None], ids=["exponential", "cumulative"])
@pytest.mark.parametrize("run", [call, jitted, differentiated, trained])
@pytest.mark.parametrize("name", ["batch-2d", "batch-3d", "instance-2d-tracked"])
def test_running_statistics_are_updated_once(name, run, momentum, mode):
    cell, args, kwargs, shape = CELLS[name]
    if momentum is None and (name.startswith("instance") or run is not call):
        pytest.skip("the cumulative mean is BatchNorm's alone, and one way to run it will do")
    theirs, ours = pair(cell, args, {**kwargs, "momentum": momentum})
    for seed in range(3):
        array = numbers(*shape, seed=seed) + 1
        run(ours, Tensor(array))
        theirs(torch.from_numpy(array))
        same_statistics(ours, theirs)


def test_evaluation_changes_no_statistics(mode):
    theirs, ours = pair("BatchNorm2d", (4,), {}, training=False)
    array = numbers(3, 4, 5, 6)
    close(ours(Tensor(array)), theirs(torch.from_numpy(array)))
    same_statistics(ours, theirs)


def test_a_cell_that_changes_between_training_and_evaluation(mode):
    theirs, ours = pair("BatchNorm2d", (4,), {})
    array = numbers(3, 4, 5, 6)
    for training in (True, False, True, False):
        theirs.train(training)
        ours.train(training)
        close(ours(Tensor(array)), theirs(torch.from_numpy(array)))
        same_statistics(ours, theirs)


def test_functions_write_statistics_in_place():
    mean, variance = Tensor(numbers(4)), Tensor(numbers(4) ** 2)
    their_mean, their_variance = torch.from_numpy(mean.asnumpy()), torch.from_numpy(variance.asnumpy())
    array = numbers(3, 4, 5)
    for name, arguments in (("batch_norm", {"training": True}), ("instance_norm", {})):
        ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
        for momentum in (0.2, -0.5, 1.5):
            actual = ours(Tensor(array), mean, variance, momentum=momentum, **arguments)
            expected = theirs(torch.from_numpy(array), their_mean, their_variance, momentum=momentum, **arguments)
            close(actual, expected)
            close(mean, their_mean)
            close(variance, their_variance)


# Graphs


@pytest.mark.parametrize("name", [name for name in CELLS if "unbatched" not in name])
def test_open_sizes(name, graph_mode):
    cell, args, kwargs, shape = CELLS[name]
    theirs, ours = pair(cell, args, kwargs)
    ours.set_inputs(Tensor(shape=(None, *shape[1:]), dtype=ms.float32))
    for batch in (shape[0], shape[0] + 1):
        array = numbers(batch, *shape[1:])
        close(ours(Tensor(array)), theirs(torch.from_numpy(array)))
        same_statistics(ours, theirs)


@pytest.mark.parametrize("name", ["batch-2d", "batch-3d", "instance-2d", "group"])
def test_open_height(name, graph_mode):
    cell, args, kwargs, shape = CELLS[name]
    theirs, ours = pair(cell, args, kwargs)
    ours.set_inputs(Tensor(shape=(None, shape[1], None, *shape[3:]), dtype=ms.float32))
    array = numbers(*shape)
    close(ours(Tensor(array)), theirs(torch.from_numpy(array)))
    same_statistics(ours, theirs)


# Mixed precision


class Net(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = norm

    def forward(self, x):
        return self.norm(self.conv(x))


NORMS = {
    "batch": lambda: nn.BatchNorm2d(4), "instance": lambda: nn.InstanceNorm2d(4, affine=True),
    "group": lambda: nn.GroupNorm(2, 4), "layer": lambda: nn.LayerNorm(6), "rms": lambda: nn.RMSNorm(6),
}


@pytest.mark.parametrize("level", ["O2", "O3", "custom"])
@pytest.mark.parametrize("name", NORMS)
def test_mixed_precision(name, level, mode):
    norm = NORMS[name]()
    net = Net(norm)
    array = numbers(2, 3, 8, 8)
    expected = net(Tensor(array)).asnumpy()
    statistics = {key: buffer.asnumpy().copy() for key, buffer in norm.named_buffers()}
    if name == "batch":
        norm.reset_running_stats()
    if level == "custom":
        mixed = ms.amp.custom_mixed_precision(net, black_list=ms.amp.get_black_list())
    else:
        mixed = ms.amp.auto_mixed_precision(net, level)
    actual = mixed(Tensor(array))
    assert np.abs(actual.asnumpy() - expected).max() < 1e-2
    assert norm.fp32 == (level != "O3")
    for key, buffer in norm.named_buffers():
        assert np.allclose(buffer.asnumpy(), statistics[key], 1e-2, 1e-3)
        assert buffer.asnumpy().dtype == statistics[key].dtype
    if name == "batch":
        gradients = ms.grad(Step(mixed), None, list(net.parameters()))(Tensor(array))
        assert all(np.isfinite(gradient.asnumpy()).all() for gradient in gradients)


def test_parameters_train_after_reset():
    norm = nn.BatchNorm2d(4)
    weight = norm.weight
    norm(Tensor(numbers(2, 4, 3, 3)))
    norm.reset_parameters()
    assert norm.weight is weight
    assert isinstance(norm.running_mean, Parameter)
    assert not norm.running_mean.asnumpy().any()
    assert norm.num_batches_tracked.asnumpy() == 0
