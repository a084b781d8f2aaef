"""A convolution of stride 1 by MindSpore's operator for the flipped convolution, whose input gradient it is."""

from __future__ import annotations

from collections.abc import Callable

import mindspore as ms
from mindspore import Tensor, nn, ops

from ..._mindspore import direct_operators
from ..geometry import Convolution
from . import native

__all__ = ["Conv", "InputGradient", "WeightGradient"]

_gather = ops.Gather()
_reshape = ops.Reshape()
_transpose = direct_operators.Transpose()


class Conv(nn.Cell):
    """(input, weight) -> output, the gradient of the input of the flipped convolution."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.flip = _Flip(c)
        self.operator = native.input_gradient(_flipped(c))
        self.output = c.output_shape()

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.operator(input, self.flip(weight), self.output)


class InputGradient(nn.Cell):
    """(gradient of the output, weight) -> gradient of the input, by an operator of the flipped convolution."""

    def __init__(self, c: Convolution, make_operator: Callable[[Convolution], Callable[..., Tensor]]) -> None:
        super().__init__()
        self.flip = _Flip(c)
        self.operator = make_operator(_flipped(c))

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        return self.operator(gradient, self.flip(weight))


class WeightGradient(nn.Cell):
    """(gradient of the output, input) -> gradient of the weight, that of the flipped convolution flipped back."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.operator = native.weight_gradient(_flipped(c))
        self.flip = _Flip(_flipped(c))

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.flip(self.operator(input, gradient))


class _Flip(nn.Cell):
    """The weight of the flipped convolution: in- and outputs exchanged, the kernel turned round."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        out_channels, depth, *kernel_size = c.weight
        self.grouped = (c.groups, out_channels // c.groups, depth, kernel_size[0] * kernel_size[1])
        self.exchanged = (c.groups * depth, out_channels // c.groups, *kernel_size)
        self.rows, self.columns = (Tensor(list(reversed(range(size))), ms.int32) for size in kernel_size)

    def construct(self, weight):  # type: ignore[no-untyped-def]
        weight = _reshape(_transpose(_reshape(weight, self.grouped), (0, 2, 1, 3)), self.exchanged)
        return _gather(_gather(weight, self.rows, 2), self.columns, 3)  # a third of the time of ReverseV2


def _flipped(c: Convolution) -> Convolution:
    flipped = c.flipped()
    assert flipped is not None, "only a convolution of stride 1 has one"
    return flipped
