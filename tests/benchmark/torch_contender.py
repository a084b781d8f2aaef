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
        layer = getattr(torch.nn, case.layer)(**case.arguments)
        input, cotangent = torch.from_numpy(arrays.input), torch.from_numpy(arrays.cotangent)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(arrays.weight))
            if arrays.bias is not None:
                layer.bias.copy_(torch.from_numpy(arrays.bias))
        if not backward:
            return torch.no_grad()(lambda: (layer(input),))
        variables = (input.requires_grad_(), *layer.parameters())  # weight, then the bias if there is one

        def call():
            output = layer(input)
            return output.detach(), *torch.autograd.grad(output, variables, cotangent)

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
