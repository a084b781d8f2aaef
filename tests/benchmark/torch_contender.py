"""torch's layers, and whole networks of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch
import torch_models
import worker
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

    def cell(self, case: Case, input: np.ndarray, train: bool) -> Callable[[], tuple]:
        cell = getattr(torch.nn, case.arguments["name"])(*case.arguments["args"]).train(train)
        with torch.no_grad():
            for parameter in cell.parameters():
                parameter.copy_(torch.from_numpy(worker.parameter(tuple(parameter.shape))))
        tensor = torch.from_numpy(input)
        if not train:
            return torch.no_grad()(lambda: (cell(tensor),))
        variables = (tensor.requires_grad_(), *cell.parameters())
        gradient = torch.from_numpy(worker.cotangent(tuple(cell(tensor).shape)))

        def call():
            output = cell(tensor)
            return output.detach(), *torch.autograd.grad(output, variables, gradient)

        return call

    def network(self, case: Case, input: np.ndarray, train: bool) -> Callable[[], tuple]:
        network = worker.make_network(getattr(torch_models, case.arguments["path"].split(".")[1]), case).train(train)
        with torch.no_grad():
            for index, parameter in enumerate(network.parameters()):
                parameter.copy_(torch.from_numpy(worker.network_parameter(index, tuple(parameter.shape))))
        tensor = torch.from_numpy(input)
        if not train:
            return torch.no_grad()(lambda: _flat(network(tensor)))
        optimizer = torch.optim.SGD(network.parameters(), 1e-3)

        def step():
            optimizer.zero_grad()
            loss = sum((output * output).mean() for output in _flat(network(tensor)))
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


def _flat(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
