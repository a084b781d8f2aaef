"""The networks of examples/models against their torch originals: outputs, and what two optimiser steps change.

golden_models.npz holds what torch gave in float64, in short: of each array, its norm and its products with eight random
vectors of -1 and 1. Any other array of that name has other products. Where torch is installed, the arrays themselves
are compared. Written by record_models.py.
"""

from __future__ import annotations

import functools
import math
import operator
import pathlib
import zlib
from typing import Any, NamedTuple

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from mindspore.experimental import optim
from models import cyclegan, dcgan, hifigan, mobilenet, mtcnn, resnet, unet

import mscompat
from mscompat import nn, random

FILE = pathlib.Path(__file__).with_name("golden_models.npz")
LEARNING_RATE = 0.02
STEPS = 2  # the second shows the momentum
PRODUCTS = 8
GOLDEN = dict(np.load(FILE))


class Case(NamedTuple):
    cell: type[nn.Module]  # of a class of that name in torch_models
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    loss: str
    optimizer: str = "sgd"


MOBILENET = {
    "num_classes": 10, "width_mult": 0.25, "inverted_residual_setting": ((1, 16, 1, 1), (6, 24, 2, 2), (6, 40, 2, 1)),
    "dropout": 0.0,
}
HIFIGAN = {
    "num_mels": 8, "upsample_initial_channel": 16, "upsample_rates": (8, 2), "upsample_kernel_sizes": (16, 4),
}
HIFIGAN_V3 = {
    "num_mels": 8, "upsample_initial_channel": 16, "upsample_rates": (8, 4), "upsample_kernel_sizes": (16, 8),
    "resblock": "2", "resblock_kernel_sizes": (3, 5, 7), "resblock_dilation_sizes": ((1, 2), (2, 6), (3, 12)),
}
CASES = {
    "resnet18": Case(resnet.ResNet18, {"num_classes": 10, "width": 8}, (4, 3, 48, 40), "cross_entropy"),
    "unet": Case(unet.UNet, {"width": 4}, (2, 3, 37, 26), "cross_entropy"),
    "unet_bilinear": Case(unet.UNet, {"width": 4, "bilinear": True}, (2, 3, 37, 26), "cross_entropy"),
    "dcgan_generator": Case(dcgan.Generator, {"nz": 10, "ngf": 4}, (3, 10, 1, 1), "mse", "adam"),
    "dcgan_discriminator": Case(dcgan.Discriminator, {"ndf": 4}, (3, 3, 64, 64), "bce", "adam"),
    "cyclegan": Case(cyclegan.ResnetGenerator, {"ngf": 4, "n_blocks": 2}, (2, 3, 20, 28), "mse"),
    "mobilenet_v2": Case(mobilenet.MobileNetV2, MOBILENET, (4, 3, 30, 26), "cross_entropy"),
    "pnet": Case(mtcnn.PNet, {}, (2, 3, 33, 40), "mse"),
    "rnet": Case(mtcnn.RNet, {}, (3, 3, 24, 24), "mse"),
    "onet": Case(mtcnn.ONet, {}, (3, 3, 48, 48), "mse"),
    "hifigan": Case(hifigan.HiFiGANGenerator, HIFIGAN, (2, 8, 7), "mse"),
    "hifigan_v3": Case(hifigan.HiFiGANGenerator, HIFIGAN_V3, (2, 8, 7), "mse"),
}


def draw_weights(shapes):
    """A state dict of these shapes, the same on every machine. BatchNorm goes on counting batches, as torch's does."""
    mscompat.manual_seed(0)
    return {name: _draw(name, shapes[name]) for name in sorted(shapes) if not name.endswith("num_batches_tracked")}


def _draw(name, shape):
    if len(shape) > 1:
        high = math.sqrt(6 / math.prod(shape[1:]))
        low = -high
    elif name.endswith((".running_var", ".weight")):
        low, high = 0.5, 1.5
    else:
        low, high = -0.5, 0.5
    return random.uniform(low, high, math.prod(shape), ms.float32).reshape(shape)


def draw_input(case):
    mscompat.manual_seed(1)
    return random.uniform(-1, 1, math.prod(case.shape), ms.float32).reshape(case.shape)


def draw_targets(case, shapes):
    """One for each output."""
    mscompat.manual_seed(2)
    if case.loss == "cross_entropy":
        ((batch, classes, *sizes),) = shapes
        return [random.uniform(0, classes, math.prod((batch, *sizes)), ms.float32).astype(int).reshape(batch, *sizes)]
    low = 0 if case.loss == "bce" else -1
    return [random.uniform(low, 1, math.prod(shape), ms.float32).reshape(shape) for shape in shapes]


LOSSES = {"cross_entropy": nn.CrossEntropyLoss, "mse": nn.MSELoss, "bce": nn.BCELoss}
OPTIMIZERS = {
    "sgd": lambda parameters: ms.nn.SGD(parameters, LEARNING_RATE, momentum=0.9),
    # With an epsilon this large, a gradient of nothing but rounding makes a small step.
    "adam": lambda parameters: optim.AdamW(parameters, LEARNING_RATE, (0.5, 0.999), eps=1e-2, weight_decay=0.0),
}


class Objective(nn.Module):
    """(loss, output, ...)"""

    def __init__(self, network, loss):
        super().__init__()
        self.network = network
        self.loss = LOSSES[loss]()

    def forward(self, input, targets):
        outputs = self.network(input)
        if not isinstance(outputs, tuple):
            outputs = (outputs,)
        total = 0.0
        for output, target in zip(outputs, targets):  # noqa: B905  (MindSpore compiles no strict)
            total = total + self.loss(output, target)
        return (total, *outputs)


def run(case):
    """What the case's cell gives, by name, in float64."""
    network = case.cell(**case.arguments)
    start = draw_weights({name: array.shape for name, array in mscompat.torch_state_dict(network).items()})
    mscompat.load_torch_state_dict(network, start)
    input = Tensor(draw_input(case))

    network.eval()
    outputs = network(input)
    results = name_outputs("evaluation", outputs if isinstance(outputs, tuple) else (outputs,))

    objective = Objective(network, case.loss).train()
    optimizer = OPTIMIZERS[case.optimizer](list(network.parameters()))
    gradient = ms.value_and_grad(objective, None, network.trainable_params(), has_aux=True)
    shapes = [results[name].shape for name in results]
    targets = tuple(Tensor(target) for target in draw_targets(case, shapes))
    for step in range(STEPS):
        (loss, *outputs), gradients = gradient(input, targets)
        optimizer(gradients)
        results |= {f"loss {step}": loss.asnumpy().astype(float), **name_outputs(f"training {step}", outputs)}
    end = mscompat.torch_state_dict(network)
    return results | {f"change of {name}": end[name] - start[name].astype(float) for name in start}


def name_outputs(when, outputs):
    return {f"{when} output {index}": output.asnumpy().astype(float) for index, output in enumerate(outputs)}


def products(name, array):
    """With random vectors that the name seeds."""
    signs = np.random.RandomState(zlib.crc32(name.encode())).randint(0, 2, (PRODUCTS, array.size)) * 2 - 1
    return signs @ array.ravel()


def limit(norm, torch_error, weight_norm):
    """How far an array may be from torch's in float64, in Euclidean norm.

    Some times as far as torch's in float32, which may be near by luck; and the rounding of the weights, which matters
    where they change little.
    """
    return 5 * torch_error + 2e-6 * norm + 2.0**-23 * weight_norm


@functools.cache
def cached_run(key, mode):
    return run(CASES[key])


@functools.cache
def torch_runs(key):
    record_models = pytest.importorskip("record_models", reason="compares with torch, which is not installed")
    return record_models.exact_and_rounded(CASES[key])


# Others take seconds to compile or to run. These have a norm and both optimisers, two losses, both convolutions, in one
# and in two dimensions.
ALWAYS = {"graph": ["pnet"], "pynative": ["resnet18", "dcgan_generator", "cyclegan", "onet", "hifigan_v3"]}
EACH = [
    pytest.param(mode, key, marks=[] if key in ALWAYS[mode] else [pytest.mark.slow])
    for mode in ("pynative", "graph") for key in CASES
]
each_network = pytest.mark.parametrize(("mode", "key"), EACH, indirect=["mode"])


@each_network
def test_like_the_record(mode, key):
    record = {name: GOLDEN[f"{key}/{name}"] for name in ("names", "norms", "products")}
    results = cached_run(key, mode)
    names = str(record["names"]).split("\n")
    assert sorted(results) == sorted(names)
    for name, norms, wanted in zip(names, record["norms"], record["products"], strict=True):
        difference = products(name, results[name]) - wanted
        assert np.sqrt(np.mean(difference**2)) <= 2 * limit(*norms), name


@pytest.mark.slow
@each_network
def test_like_torch(mode, key):
    exact, rounded, weights = torch_runs(key)
    results = cached_run(key, mode)
    assert sorted(results) == sorted(exact)
    for name, wanted in exact.items():
        assert results[name].shape == wanted.shape
        assert np.linalg.norm(results[name] - wanted) <= limit(*norms(name, exact, rounded, weights)), name


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
@pytest.mark.parametrize("function", ["weight_norm", "parametrizations.weight_norm"])
def test_checkpoint_of_hifigan_with_weight_norm(function, tmp_path):
    """The original's checkpoints hold each weight in two parts. From one, the port makes the sound of the original."""
    torch = pytest.importorskip("torch", reason="compares with torch, which is not installed")
    import torch_models

    arguments = {**HIFIGAN, "resblock_kernel_sizes": (3,), "resblock_dilation_sizes": ((1, 3, 5),)}
    original = torch_models.HiFiGANGenerator(**arguments)
    for module in list(original.modules()):
        if isinstance(module, (torch.nn.Conv1d, torch.nn.ConvTranspose1d)):
            operator.attrgetter(function)(torch.nn.utils)(module)
    weights = draw_weights({name: tuple(tensor.shape) for name, tensor in original.state_dict().items()})
    original.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    torch.save({"generator": original.state_dict()}, tmp_path / "generator")
    input = draw_input(CASES["hifigan"])
    with torch.no_grad():
        rounded = original(torch.from_numpy(input)).numpy()
        exact = original.double()(torch.from_numpy(input).double()).numpy()
    assert exact.std() > 0.1

    port = hifigan.HiFiGANGenerator(**arguments)
    assert not set(mscompat.torch_state_dict(port)).issuperset(weights)
    mscompat.load_torch_state_dict(port, tmp_path / "generator")
    output = port(Tensor(input)).asnumpy()
    assert np.linalg.norm(output - exact) <= limit(np.linalg.norm(exact), np.linalg.norm(rounded - exact), 0)


def test_parameters_of_hifigan_have_the_names_of_the_checkpoint():
    """MindSpore's own files hold them too."""
    port = hifigan.HiFiGANGenerator(**HIFIGAN)
    assert [parameter.name for parameter in port.get_parameters()] == list(mscompat.torch_state_dict(port))


def norms(name, exact, rounded, weights):
    return [
        np.linalg.norm(exact[name]),
        np.linalg.norm(rounded[name] - exact[name]),
        np.linalg.norm(weights.get(name.removeprefix("change of "), 0)),
    ]


@pytest.mark.parametrize("change", ["weight", "running_var"])
def test_a_wrong_step_is_noticed(change):
    """The record tells a step that is off by 0.1% in one array."""
    key = "cyclegan" if change == "weight" else "resnet18"
    names = str(GOLDEN[f"{key}/names"]).split("\n")
    rows = [index for index, name in enumerate(names) if name.startswith("change") and name.endswith(change)]
    assert rows
    for row in rows:
        difference = 1e-3 * GOLDEN[f"{key}/products"][row]
        assert np.sqrt(np.mean(difference**2)) > 2 * limit(*GOLDEN[f"{key}/norms"][row]), names[row]
