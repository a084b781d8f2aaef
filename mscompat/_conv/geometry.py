"""Sizes and pads of convolutions of one, two and three dimensions, in plain integers. No MindSpore here.

Formulas: arXiv 1603.07285 (Dumoulin and Visin), and the Shape sections of torch.nn.Conv1d to
torch.nn.ConvTranspose3d. A size that is not known before the call (dynamic shapes) is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

Pads = tuple[tuple[int, int], ...]
"""What is added at (begin, end) of each axis: depth, rows and columns; rows and columns; or columns."""


class Convolution(NamedTuple):
    """The shapes and steps of a convolution that zeros surround, as algorithms need them.

    A transposed convolution is the gradient of the input of such a one, which is what describes it here.
    """

    # (N, C, L), (N, C, H, W) or (N, C, D, H, W); None for a size that is not known before the call.
    input: tuple[Any, ...]
    # (C_out, C / groups, *kernel_size).
    weight: tuple[int, ...]
    stride: tuple[int, ...]
    pads: Pads
    dilation: tuple[int, ...]
    groups: int

    @property
    def dimensions(self) -> int:
        """Axes along which it convolves."""
        return len(self.stride)

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.weight[0]

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Extent of the kernel along each axis."""
        return self.weight[2:]

    @property
    def flat_pads(self) -> tuple[int, ...]:
        """(begin, end) of each axis in one tuple, as MindSpore's operators take them."""
        return tuple(size for pad in self.pads for size in pad)

    @property
    def patch(self) -> int:
        """Elements of a patch: those of the input that one element of the output is made of."""
        return math.prod(self.weight[1:])

    def is_static(self) -> bool:
        """Whether all sizes are known before the call."""
        return None not in self.input

    def is_padded(self) -> bool:
        """Whether zeros are added at all."""
        return any(self.flat_pads)

    def is_pointwise(self) -> bool:
        """Whether it is one product of matrices."""
        return max(*self.kernel_size, *self.stride, self.groups) == 1 and not self.is_padded()

    def is_narrowing(self) -> bool:
        """Whether the output has fewer channels than the input."""
        return self.out_channels < self.groups * self.weight[1]

    def is_widening(self) -> bool:
        """Whether the output has more channels than the input."""
        return self.out_channels > self.groups * self.weight[1]

    def output_shape(self) -> tuple[int, ...]:
        """(N, C_out, *sizes)."""
        axes = (self.input[2:], self.pads, self.kernel_size, self.stride, self.dilation)
        return (self.input[0], self.out_channels, *map(conv_output_size, *axes))

    def flipped(self) -> Convolution | None:
        """The convolution, with the flipped weight, that is the gradient of the input; None where there is none."""
        pads = tuple(
            (spread * (kernel - 1) - begin, spread * (kernel - 1) - end)
            for spread, kernel, (begin, end) in zip(self.dilation, self.kernel_size, self.pads, strict=True)
        )
        if max(self.stride) > 1 or min(map(min, pads)) < 0:
            return None
        weight = (self.weight[1] * self.groups, self.out_channels // self.groups, *self.kernel_size)
        return Convolution(self.output_shape(), weight, self.stride, pads, self.dilation, self.groups)

    def patches(self) -> int:
        """Elements of all patches, as im2col makes them."""
        images, _, *sizes = self.output_shape()
        return images * self.groups * self.patch * math.prod(sizes)

    def as_two_dimensions(self) -> Convolution:
        """One dimension as two, with images of one row; two and three as they are."""
        if self.dimensions > 1:
            return self
        return Convolution(
            (*self.input[:2], 1, *self.input[2:]), (*self.weight[:2], 1, *self.weight[2:]), (1, *self.stride),
            ((0, 0), *self.pads), (1, *self.dilation), self.groups,
        )

    def padded(self) -> Convolution:
        """The same, of an input that is padded already."""
        return self._replace(input=padded_shape(self.input, self.pads), pads=no_pads(self.dimensions))


def no_pads(dimensions: int) -> Pads:
    """Nothing added to any axis."""
    return ((0, 0),) * dimensions


def padded_shape(shape: tuple[Any, ...], pads: Pads) -> tuple[Any, ...]:
    """A shape, (N, C, *sizes), after padding."""
    sizes = (None if size is None else size + sum(pad) for size, pad in zip(shape[2:], pads, strict=True))
    return (*shape[:2], *sizes)


def expand(values: Sequence[int], dimensions: int) -> tuple[int, ...]:
    """Give torch's 1-element form of stride, padding or dilation an element for each axis."""
    return tuple(values) if len(values) == dimensions else (values[0],) * dimensions


def effective_kernel(kernel: int, dilation: int) -> int:
    """Extent of a dilated kernel."""
    return dilation * (kernel - 1) + 1


def same_padding(kernel: int, dilation: int) -> tuple[int, int]:
    """(begin, end) pads of padding='same'; the odd one goes to the end, as in torch."""
    total = dilation * (kernel - 1)
    return (total // 2, total - total // 2)


def conv_padding(padding: str | Sequence[int], kernel_size: Sequence[int], dilation: Sequence[int]) -> Pads:
    """Zeros around the input of a convolution."""
    dimensions = len(kernel_size)
    if not isinstance(padding, str):
        return tuple((size, size) for size in expand(padding, dimensions))
    if padding == "valid":
        return no_pads(dimensions)
    return tuple(map(same_padding, kernel_size, expand(dilation, dimensions)))


def non_zero_padding(padding: str | Sequence[int], kernel_size: Sequence[int], dilation: Sequence[int]) -> Pads:
    """The pads that torch takes where padding_mode is not 'zeros', of the last axes of the input: perhaps of one only.

    Not conv_padding: there, torch's layers fill a list of pads itself, and a 1-element argument reaches one axis
    only. A 1-element padding pads the last axis (where torch takes it at all: see shapes.check_padding_mode_sizes), a
    1-element dilation with 'same' the first. See _reversed_padding_repeated_twice in torch/nn/modules/conv.py, 2.13.
    """
    if padding == "same" and len(dilation) == 1:
        return (same_padding(kernel_size[0], dilation[0]), *no_pads(len(kernel_size) - 1))
    if not isinstance(padding, str) and len(padding) == 1:
        return ((padding[0], padding[0]),)
    return conv_padding(padding, kernel_size, dilation)


def conv_output_size(size: int, pads: Sequence[int], kernel: int, stride: int, dilation: int) -> int:
    """Output size of a convolution along one axis."""
    return (size + pads[0] + pads[1] - effective_kernel(kernel, dilation)) // stride + 1


def conv_transpose_output_size(
    size: int, stride: int, padding: int, kernel: int, dilation: int, output_padding: int
) -> int:
    """Output size of a transposed convolution along one axis."""
    return (size - 1) * stride - 2 * padding + effective_kernel(kernel, dilation) + output_padding


def last_axis_first(pads: Pads) -> tuple[int, ...]:
    """Pads as torch.nn.functional.pad takes them: begin and end of the last axis, then of the one before it."""
    return tuple(pad for both in reversed(pads) for pad in both)


def transposed_input_padding(output_padding: int, stride: int) -> int:
    """Zero rows to append to the input of a transposed convolution so that its adjoint exists.

    A transposed convolution is the adjoint of the convolution that takes its output to its input. That convolution
    gives floor((out + 2 * padding - effective_kernel) / stride) + 1 rows, which is size + output_padding // stride:
    more than the input has where stride <= output_padding < dilation.
    """
    return output_padding // stride


def pad_index(mode: str, size: int, begin: int, end: int) -> list[int]:
    """Source index of each element of an axis padded with 'reflect', 'replicate' or 'circular'."""
    positions = range(-begin, size + end)
    if mode == "reflect":
        return [size - 1 - abs(size - 1 - abs(i)) for i in positions]
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in positions]
    return [i % size for i in positions]
