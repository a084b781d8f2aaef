"""Weights loaded, or drawn anew, in the middle of a training: it goes on from them, as torch's does."""

from __future__ import annotations

from pathlib import Path

import mindspore as ms
import mindspore.experimental.optim as experimental
import numpy as np
import pytest
from mindspore import Tensor, nn

import mscompat

try:
    import torch
except ImportError:
    torch = None

RECORD = dict(np.load(Path(__file__).parent / "data" / "training.npz"))
SEED_OF_RESET, RATE, DECAY = 7, 0.05, 0.1  # as in record_training.py

# Each with the record of the torch optimiser that computes the same. (nn.Adam adds its epsilon of 1e-8 elsewhere.)
OPTIMIZERS = {
    "nn.SGD": (lambda parameters: nn.SGD(parameters, RATE, momentum=0.9), "SGD"),
    "nn.Momentum": (lambda parameters: nn.Momentum(parameters, RATE, 0.9), "SGD"),
    "nn.Adam": (lambda parameters: nn.Adam(parameters, RATE), "Adam"),
    "nn.AdamWeightDecay": (
        lambda parameters: nn.AdamWeightDecay(parameters, RATE, weight_decay=DECAY), "AdamWeightDecay"
    ),
    "experimental.SGD": (lambda parameters: experimental.SGD(parameters, RATE, momentum=0.9), "SGD"),
    "experimental.Adam": (lambda parameters: experimental.Adam(parameters, RATE), "Adam"),
    "experimental.AdamW": (lambda parameters: experimental.AdamW(parameters, RATE, weight_decay=DECAY), "AdamW"),
}


def recorded(prefix):
    return {name.removeprefix(prefix): array for name, array in RECORD.items() if name.startswith(prefix)}


class Network(nn.Cell):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(2)
        self.conv = mscompat.TorchConv2d(2, 3, 3)

    def construct(self, x):
        return self.conv(self.norm(x))


class Loss(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def construct(self, x, target):
        return ((self.network(x) - target) ** 2).mean()


def make_step(how, network, optimizer):
    """A training step, in one of the three ways in which MindSpore's users write it."""
    loss, x, target = Loss(network), Tensor(RECORD["input"]), Tensor(RECORD["target"])
    if how == "TrainOneStepCell":
        cell = nn.TrainOneStepCell(loss, optimizer)
        cell.set_train()
        return lambda: cell(x, target)
    differentiated = ms.value_and_grad(loss, None, optimizer.parameters)

    def step():
        value, gradients = differentiated(x, target)
        optimizer(gradients)
        return value

    return ms.jit(step) if how == "jit" else step


@pytest.mark.parametrize("what", ["load", pytest.param("reset", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["eager", "TrainOneStepCell", "jit"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on(mode, optimizer, how, what):
    make_optimizer, name = OPTIMIZERS[optimizer]
    network = Network()
    network.set_train()
    mscompat.load_torch_state_dict(network, recorded("first."))
    step = make_step(how, network, make_optimizer(network.trainable_params()))
    step(), step()
    if what == "load":
        mscompat.load_torch_state_dict(network, recorded("later."))
    else:
        mscompat.manual_seed(SEED_OF_RESET)
        network.conv.reset_parameters()
    losses = [float(step()) for _ in range(3)]

    wanted = recorded(f"{name}.{what}.")
    np.testing.assert_allclose(losses, wanted.pop("losses"), rtol=1e-5)
    actual = mscompat.torch_state_dict(network)
    assert actual.keys() == wanted.keys()
    for key, array in wanted.items():
        np.testing.assert_allclose(actual[key], array, rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
def test_the_record_is_torchs():
    import record_training

    live = {**record_training.arrays(), **record_training.record()}
    assert live.keys() == RECORD.keys()
    for name, array in live.items():
        np.testing.assert_allclose(array, RECORD[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("compiled", [False, True], ids=["called", "jit"])
def test_load_between_two_calls(mode, compiled, dtype):
    """A compiled network sees what was loaded after its first call, running statistics too."""
    layer = mscompat.TorchConv2d(1, 2, 1, dtype=getattr(ms, dtype))
    x = ms.Tensor(np.ones((1, 1, 1, 1), np.float32), getattr(ms, dtype))
    call = ms.jit(layer) if compiled else layer
    for weight, bias in ((1, 2), (3, 4), (5, 6)):
        values = {"weight": np.full((2, 1, 1, 1), weight, np.float32), "bias": np.full(2, bias, np.float32)}
        mscompat.load_torch_state_dict(layer, values, convert_dtype=True)
        np.testing.assert_array_equal(call(x).float().asnumpy().ravel(), [weight + bias] * 2)


def test_load_statistics_between_two_calls(mode):
    norm = nn.BatchNorm2d(1)
    norm.set_train(False)
    x = Tensor(np.full((1, 1, 1, 1), 3, np.float32))
    for mean in (1, 2):
        values = {"weight": 1, "bias": 0, "running_mean": mean, "running_var": 1 - 1e-5}
        mscompat.load_torch_state_dict(norm, {name: np.float32([value]) for name, value in values.items()})
        np.testing.assert_allclose(norm(x).asnumpy().item(), 3 - mean, rtol=1e-5)


def test_load_a_registered_buffer_between_two_calls(mode):
    class Shift(nn.Cell):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", Tensor(np.zeros(2, np.float32)))

        def construct(self, x):
            return x + self.shift

    cell = nn.SequentialCell(Shift())
    x = Tensor(np.ones(2, np.float32))
    for value in (1, 2):
        mscompat.load_torch_state_dict(cell, {"0.shift": np.full(2, value, np.float32)})
        np.testing.assert_array_equal(cell(x).asnumpy(), [1 + value] * 2)


def test_parameters_without_memory_yet():
    """mindspore.nn.utils.no_init_parameters leaves the initialisation for later."""
    from mindspore.nn.utils import no_init_parameters

    with no_init_parameters():
        dense = nn.Dense(1, 1)
    mscompat.load_torch_state_dict(dense, {"weight": np.float32([[3]]), "bias": np.float32([4])})
    dense.init_parameters_data()
    np.testing.assert_array_equal(dense(Tensor(np.float32([[1]]))).asnumpy(), [[7]])
