"""Sizes and pads of the two convolutions, in plain integers, one axis at a time.

Formulas: arXiv 1603.07285 (Dumoulin and Visin), and the Shape sections of torch.nn.Conv2d and
torch.nn.ConvTranspose2d. A size that is not known before the call (dynamic shapes) is None.
"""

from __future__ import annotations

from collections.abc import Sequence


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
