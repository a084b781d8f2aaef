"""Tiles of a convolution by products: parts whose patches together stay below a limit. Plain integers."""

from __future__ import annotations

import math

from ..geometry import Convolution, effective_kernel

Ranges = tuple[tuple[int, int], ...]
"""(begin, end) of each part."""


_LEAST_LIMIT = 2**22
"""Elements, of 16 MB in float32: smaller tiles save no memory to speak of, and each costs operators of its own."""


def patch_limit(c: Convolution) -> int:
    """Elements that the patches of one product may have: three quarters of those of input, weight and output."""
    elements = math.prod(c.input) + math.prod(c.weight) + math.prod(c.output_shape())
    return max(elements * 3 // 4, _LEAST_LIMIT)


def image_ranges(c: Convolution, limit: int) -> Ranges:
    """Images whose patches stay below the limit, together."""
    return _ranges(c.input[0], limit // (c.patches() // c.input[0]))


def of_images(c: Convolution, begin: int, end: int) -> Convolution:
    """The convolution of these images."""
    return c._replace(input=(end - begin, *c.input[1:]))


def axis_of_rows(c: Convolution) -> int:
    """The axis whose ranges are tiles: rows, or columns where the output has one row. They are called rows below."""
    return 3 if c.output_shape()[2] == 1 else 2


def row_ranges(c: Convolution, limit: int) -> Ranges:
    """Rows of the output whose patches stay below the limit, together."""
    rows = c.output_shape()[axis_of_rows(c)]
    return _ranges(rows, limit // (c.patches() // rows))


def source_rows(c: Convolution, begin: int, end: int) -> tuple[int, int]:
    """The rows of the padded input that these rows of the output are made of."""
    axis = axis_of_rows(c) - 2
    reach = effective_kernel(c.kernel_size[axis], c.dilation[axis])
    return (begin * c.stride[axis], (end - 1) * c.stride[axis] + reach)


def of_rows(c: Convolution, begin: int, end: int) -> Convolution:
    """The convolution that gives these rows of the output, of a padded input."""
    first, last = source_rows(c, begin, end)
    axis = axis_of_rows(c)
    return c._replace(input=(*c.input[:axis], last - first, *c.input[axis + 1 :]))


def group_ranges(c: Convolution, limit: int) -> Ranges:
    """Groups whose patches stay below the limit, together."""
    return _ranges(c.groups, limit // (c.patches() // c.groups))


def of_groups(c: Convolution, begin: int, end: int) -> Convolution:
    """The convolution of these groups."""
    count, (images, channels, *size) = end - begin, c.input
    width = c.out_channels // c.groups
    return c._replace(
        input=(images, channels // c.groups * count, *size), weight=(width * count, *c.weight[1:]),
        groups=count,
    )


def channel_ranges(c: Convolution, limit: int) -> Ranges:
    """Channels of the input whose patches stay below the limit, together."""
    return _ranges(c.input[1], limit // (c.patches() // c.input[1]))


def of_channels(c: Convolution, begin: int, end: int) -> Convolution:
    """The convolution of these channels of the input."""
    count = end - begin
    return c._replace(
        input=(c.input[0], count, *c.input[2:]), weight=(c.weight[0], count, *c.weight[2:])
    )


def _ranges(total: int, step: int) -> Ranges:
    """range(total) in (begin, end) pieces of at most step, at least 1."""
    step = max(step, 1)
    return tuple((begin, min(begin + step, total)) for begin in range(0, total, step))
