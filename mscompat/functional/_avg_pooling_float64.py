"""Average pools of float64: MindSpore's operators add it up in float32 (MS-53)."""

from __future__ import annotations

import functools
import math
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from ._pooling_arguments import Window
from .conv import conv1d, conv2d, conv3d
from .padding import pad

__all__: list[str] = []

_CONVOLUTIONS = {1: conv1d, 2: conv2d, 3: conv3d}
_divide = ops.RealDiv()


class AvgPoolFloat64(nn.Cell):
    """(input) -> output: a convolution of each channel with ones, divided by the numbers of elements."""

    def __init__(
        self, window: Window, shape: tuple[int, ...], sizes: tuple[int, ...], count_include_pad: bool,
        divisor: int | None,
    ) -> None:
        super().__init__()
        dimensions = len(window.kernel)
        inner = shape[-dimensions:]
        self.channels = shape[-dimensions - 1]
        self.weight = Tensor(np.ones((self.channels, 1, *window.kernel)))
        self.conv = _CONVOLUTIONS[dimensions]
        self.stride, self.padding = window.stride, window.padding
        missing = [
            max(window.reach(axis, sizes[axis]) - inner[axis] - window.padding[axis], 0) for axis in range(dimensions)
        ]
        # What the last windows need beyond the padding, from the last axis on.
        self.missing = tuple(number for size in reversed(missing) for number in (0, size)) if any(missing) else None
        if divisor is not None:
            self.divisors = Tensor(divisor, ms.float64)
        else:
            self.divisors = Tensor(_counts(window, inner, sizes, count_include_pad))

    def construct(self, input):  # type: ignore[no-untyped-def]
        if self.missing is not None:
            input = pad(input, self.missing)
        sums = self.conv(input, self.weight, None, self.stride, self.padding, 1, self.channels)
        return _divide(sums, self.divisors)


def _counts(window: Window, inner: tuple[int, ...], sizes: tuple[int, ...], count_include_pad: bool) -> Any:
    """Numbers of elements of windows, as torch counts them: one number, or one for each window."""
    of_axes = []
    for kernel, stride, padding, size, number in zip(
        window.kernel, window.stride, window.padding, inner, sizes, strict=True
    ):
        starts = np.arange(number) * stride - padding
        ends = np.minimum(starts + kernel, size + padding)
        if not count_include_pad:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, size)
        of_axes.append(ends - starts)
    if all((counts == kernel).all() for counts, kernel in zip(of_axes, window.kernel, strict=True)):
        return np.float64(math.prod(window.kernel))
    return functools.reduce(np.multiply, np.ix_(*of_axes)).astype(np.float64)
