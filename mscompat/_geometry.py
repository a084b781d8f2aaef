"""Sizes and pads of the two convolutions, in plain integers, one axis at a time.

Formulas: arXiv 1603.07285 (Dumoulin and Visin), and the Shape sections of torch.nn.Conv2d and
torch.nn.ConvTranspose2d. A size that is not known before the call (dynamic shapes) is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

Pads = tuple[tuple[int, int], tuple[int, int]]
Ranges = tuple[tuple[int, int], ...]

NO_PADS: Pads = ((0, 0), (0, 0))


class Convolution(NamedTuple):
    """A convolution that zeros surround. A transposed one is the gradient of the input of such a one."""

    input: tuple[Any, ...]  # (N, C, H, W); None for a size that is not known before the call
    weight: tuple[int, ...]  # (C_out, C / groups, kH, kW)
    stride: tuple[int, int]
    pads: Pads
    dilation: tuple[int, int]
    groups: int

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.weight[0]

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return (self.weight[2], self.weight[3])

    @property
    def depth(self) -> int:
        """Elements of a patch: those of the input that one element of the output is made of."""
        return self.weight[1] * self.weight[2] * self.weight[3]

    def is_static(self) -> bool:
        """Whether all sizes are known before the call."""
        return None not in self.input

    def is_pointwise(self) -> bool:
        """Whether it is one product of matrices."""
        return (self.kernel_size, self.stride, self.groups) == ((1, 1), (1, 1), 1) and self.pads == NO_PADS

    def is_narrowing(self) -> bool:
        """Whether the output has fewer channels than the input."""
        return self.out_channels < self.groups * self.weight[1]

    def is_widening(self) -> bool:
        """Whether the output has more channels than the input."""
        return self.out_channels > self.groups * self.weight[1]

    def output_shape(self) -> tuple[int, int, int, int]:
        """(N, C_out, H_out, W_out)."""
        axes = (self.input[2:], self.pads, self.kernel_size, self.stride, self.dilation)
        rows, columns = map(conv_output_size, *axes)
        return (self.input[0], self.out_channels, rows, columns)

    def flipped(self) -> Convolution | None:
        """The convolution, with the flipped weight, that is the gradient of the input; None where there is none."""
        rows, columns = (
            (spread * (kernel - 1) - begin, spread * (kernel - 1) - end)
            for spread, kernel, (begin, end) in zip(self.dilation, self.kernel_size, self.pads, strict=True)
        )
        if self.stride != (1, 1) or min(*rows, *columns) < 0:
            return None
        weight = (self.weight[1] * self.groups, self.out_channels // self.groups, *self.kernel_size)
        return Convolution(self.output_shape(), weight, (1, 1), (rows, columns), self.dilation, self.groups)

    def limit(self) -> int:
        """Elements that the patches of one product may have: three quarters of those of input, weight and output."""
        return (math.prod(self.input) + math.prod(self.weight) + math.prod(self.output_shape())) * 3 // 4

    def patches(self) -> int:
        """Elements of all patches."""
        images, _, rows, columns = self.output_shape()
        return images * self.groups * self.depth * rows * columns

    def padded(self) -> Convolution:
        """The same, of an input that is padded already."""
        height, width = (size + sum(pad) for size, pad in zip(self.input[2:], self.pads, strict=True))
        return self._replace(input=(*self.input[:2], height, width), pads=NO_PADS)

    def image_ranges(self, limit: int) -> Ranges:
        """Images whose patches stay below the limit, together."""
        return _ranges(self.input[0], limit // (self.patches() // self.input[0]))

    def of_images(self, begin: int, end: int) -> Convolution:
        """The convolution of these images."""
        return self._replace(input=(end - begin, *self.input[1:]))

    def row_ranges(self, limit: int) -> Ranges:
        """Rows of the output whose patches stay below the limit, together."""
        rows = self.output_shape()[2]
        return _ranges(rows, limit // (self.patches() // rows))

    def source_rows(self, begin: int, end: int) -> tuple[int, int]:
        """The rows of the padded input that these rows of the output are made of."""
        reach = effective_kernel(self.kernel_size[0], self.dilation[0])
        return (begin * self.stride[0], (end - 1) * self.stride[0] + reach)

    def of_rows(self, begin: int, end: int) -> Convolution:
        """The convolution that gives these rows of the output, of a padded input."""
        first, last = self.source_rows(begin, end)
        return self._replace(input=(*self.input[:2], last - first, self.input[3]))

    def group_ranges(self, limit: int) -> Ranges:
        """Groups whose patches stay below the limit, together."""
        return _ranges(self.groups, limit // (self.patches() // self.groups))

    def of_groups(self, begin: int, end: int) -> Convolution:
        """The convolution of these groups."""
        count, (images, channels, *size) = end - begin, self.input
        width = self.out_channels // self.groups
        return self._replace(
            input=(images, channels // self.groups * count, *size), weight=(width * count, *self.weight[1:]),
            groups=count,
        )

    def channel_ranges(self, limit: int) -> Ranges:
        """Channels of the input whose patches stay below the limit, together."""
        return _ranges(self.input[1], limit // (self.patches() // self.input[1]))

    def of_channels(self, begin: int, end: int) -> Convolution:
        """The convolution of these channels of the input."""
        count = end - begin
        return self._replace(
            input=(self.input[0], count, *self.input[2:]), weight=(self.weight[0], count, *self.weight[2:])
        )


def _ranges(total: int, step: int) -> Ranges:
    """Cut range(total) into (begin, end) pieces of at most step, at least 1."""
    step = max(step, 1)
    return tuple((begin, min(begin + step, total)) for begin in range(0, total, step))


def expand(values: Sequence[int]) -> tuple[int, int]:
    """Give torch's 1-element form of stride, padding or dilation its second axis."""
    return (values[0], values[-1])


def effective_kernel(kernel: int, dilation: int) -> int:
    """Extent of a dilated kernel."""
    return dilation * (kernel - 1) + 1


def same_padding(kernel: int, dilation: int) -> tuple[int, int]:
    """(begin, end) pads of padding='same'; the odd one goes to the end, as in torch."""
    total = dilation * (kernel - 1)
    return (total // 2, total - total // 2)


def conv_padding(
    padding: str | Sequence[int], kernel_size: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((top, bottom), (left, right)) zeros around the input of a convolution."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0), (0, 0))
        rows, columns = expand(dilation)
        return (same_padding(kernel_size[0], rows), same_padding(kernel_size[1], columns))
    rows, columns = expand(padding)
    return ((rows, rows), (columns, columns))


def non_zero_padding(
    padding: str | Sequence[int], kernel_size: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """The pads that torch takes where padding_mode is not 'zeros', rows first.

    Not conv_padding: there, torch.nn.Conv2d fills a list of pads itself, and a 1-element argument reaches one axis
    only. A 1-element padding pads the columns (of an unbatched input: torch refuses a batch), a 1-element dilation
    with 'same' pads the rows. See _reversed_padding_repeated_twice in torch/nn/modules/conv.py, torch 2.13.
    """
    if padding == "same" and len(dilation) == 1:
        return (same_padding(kernel_size[0], dilation[0]), (0, 0))
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
