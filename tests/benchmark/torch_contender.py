"""torch's layers, and ResNet-18 of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch
from torch_models import ResNet18
from workload import Arrays, Case


class Contender:
    """Makes the calls to time."""

    def __init__(self, library: str, mode: str, pretend_avx512: bool) -> None:
        torch.set_num_threads(os.cpu_count() or 1)
        self.environment = {"torch": torch.__version__}

    def layer(self, case: Case, arrays: Arrays, backward: bool) -> Callable[[], tuple]:
        layer = getattr(torch.nn, "ConvTranspose2d" if case.transposed else "Conv2d")(**case.arguments)
        input, weight, bias, cotangent = map(torch.from_numpy, arrays)
        with torch.no_grad():
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        if not backward:
            return torch.no_grad()(lambda: (layer(input),))
        input.requires_grad_()

        def call():
            output = layer(input)
            return output.detach(), *torch.autograd.grad(output, (input, layer.weight, layer.bias), cotangent)

        return call

    def resnet18(self, images: np.ndarray, labels: np.ndarray, train: bool) -> Callable[[], tuple]:
        network = ResNet18()
        input, target = torch.from_numpy(images), torch.from_numpy(labels).long()
        if not train:
            network.eval()
            return torch.no_grad()(lambda: (network(input),))
        loss_of = torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(network.parameters(), 1e-3)

        def step():
            optimizer.zero_grad()
            loss = loss_of(network(input), target)
            loss.backward()
            optimizer.step()
            return (loss.detach(),)

        return step

    @staticmethod
    def wait_for(results: tuple[torch.Tensor, ...]) -> None:
        """Nothing: torch has computed when it returns, on CPU."""

    @staticmethod
    def array(tensor: torch.Tensor) -> np.ndarray:
        return tensor.numpy()
