"""Convolutions with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from mindspore import Tensor

from .._conv import arguments
from .._conv.arguments import Caller
from .._conv.run import conv, conv_transpose
from .._conv.spec import ConvSpec, PaddingString
from .._mindspore.compile_time import compile_time_function

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

# Whether a cell is under to_float(float16), (bfloat16), (float32): a function never is.
_NO_TO_FLOAT = (False, False, False)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: PaddingString | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve as ``torch.nn.functional.conv1d`` does.

    Args:
        input (Tensor): shape (N, C_in, L), or (C_in, L) without a batch.
        weight (Tensor): shape (C_out, C_in / groups, k), dtype of `input`.
        bias (Tensor, optional): shape (C_out,), dtype of `input`.
        stride, dilation (int or sequence of 1 int): steps in samples.
        padding (int, sequence of 1 int, or str): zeros at both ends, in samples; 'valid' is none, 'same' keeps the
            length with stride 1, its odd zero at the end.
        groups (int): number of channel groups that are convolved apart.

    Returns:
        Tensor of shape (N, C_out, L_out), or (C_out, L_out), with
        L_out = (L + 2 * padding[0] - dilation[0] * (k - 1) - 1) // stride[0] + 1.

    Raises:
        RuntimeError: If torch raises it, with torch's sentence: a value out of range, or shapes or dtypes that do not
            match.
        TypeError: If an argument is not of the types above, or a dtype is neither float16, bfloat16, float32 nor
            float64.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.arange(4, dtype=np.float32).reshape(1, 1, 4))
        >>> weight = Tensor(np.ones((1, 1, 2), np.float32))
        >>> print(F.conv1d(input, weight, padding="same"))  # the odd zero is at the end
        [[[1. 3. 5. 3.]]]
    """
    return conv(_conv_spec(1, stride, padding, dilation, groups), input, weight, bias, _NO_TO_FLOAT)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: PaddingString | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve as ``torch.nn.functional.conv2d`` does.

    Args:
        input (Tensor): shape (N, C_in, H, W), or (C_in, H, W) without a batch.
        weight (Tensor): shape (C_out, C_in / groups, kH, kW), dtype of `input`.
        bias (Tensor, optional): shape (C_out,), dtype of `input`.
        stride, dilation (int or sequence of 1 or 2 ints): steps in pixels, (height, width).
        padding (int, sequence of 1 or 2 ints, or str): zeros at both ends of (height, width), in pixels; 'valid' is
            none, 'same' keeps the size with stride 1, its odd zero at the end.
        groups (int): number of channel groups that are convolved apart.

    Returns:
        Tensor of shape (N, C_out, H_out, W_out), or (C_out, H_out, W_out), with
        H_out = (H + 2 * padding[0] - dilation[0] * (kH - 1) - 1) // stride[0] + 1, W_out likewise.

    Raises:
        RuntimeError: If torch raises it, with torch's sentence: a value out of range, or shapes or dtypes that do not
            match.
        TypeError: If an argument is not of the types above, or a dtype is neither float16, bfloat16, float32 nor
            float64.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.ones((1, 4, 5, 7), np.float32))
        >>> weight = Tensor(np.ones((6, 4, 2, 2), np.float32))
        >>> output = F.conv2d(input, weight, padding="same")
        >>> print(output.shape)
        (1, 6, 5, 7)
        >>> print(output[0, 0, -2:, -2:])  # the odd zero is at the bottom and at the right
        [[16.  8.]
         [ 8.  4.]]
    """
    return conv(_conv_spec(2, stride, padding, dilation, groups), input, weight, bias, _NO_TO_FLOAT)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: PaddingString | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve as ``torch.nn.functional.conv3d`` does.

    Args:
        input (Tensor): shape (N, C_in, D, H, W), or (C_in, D, H, W) without a batch.
        weight (Tensor): shape (C_out, C_in / groups, kD, kH, kW), dtype of `input`.
        bias (Tensor, optional): shape (C_out,), dtype of `input`.
        stride, dilation (int or sequence of 1 or 3 ints): steps in voxels, (depth, height, width).
        padding (int, sequence of 1 or 3 ints, or str): zeros at both ends of (depth, height, width), in voxels;
            'valid' is none, 'same' keeps the size with stride 1, its odd zero at the end.
        groups (int): number of channel groups that are convolved apart.

    Returns:
        Tensor of shape (N, C_out, D_out, H_out, W_out), or (C_out, D_out, H_out, W_out), with
        D_out = (D + 2 * padding[0] - dilation[0] * (kD - 1) - 1) // stride[0] + 1, H_out and W_out likewise.

    Raises:
        RuntimeError: If torch raises it, with torch's sentence: a value out of range, or shapes or dtypes that do not
            match.
        TypeError: If an argument is not of the types above, or a dtype is neither float16, bfloat16, float32 nor
            float64.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.ones((1, 2, 4, 5, 6), np.float32))
        >>> weight = Tensor(np.ones((3, 2, 2, 2, 2), np.float32))
        >>> output = F.conv3d(input, weight, padding="same")
        >>> print(output.shape, output[0, 0, -1, -1, -1])  # the odd zeros are at the end of each axis
        (1, 3, 4, 5, 6) 2.0
    """
    return conv(_conv_spec(3, stride, padding, dilation, groups), input, weight, bias, _NO_TO_FLOAT)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Convolve, transposed, as ``torch.nn.functional.conv_transpose1d`` does.

    Args:
        input (Tensor): shape (N, C_in, L), or (C_in, L) without a batch.
        weight (Tensor): shape (C_in, C_out / groups, k), dtype of `input`.
        bias (Tensor, optional): shape (C_out,), dtype of `input`.
        stride, dilation (int or sequence of 1 int): steps in samples of the output.
        padding (int or sequence of 1 int): samples to cut off at both ends of the output.
        output_padding (int or sequence of 1 int): samples to add at the end of the output, below stride or below
            dilation. They are real values, not zeros.
        groups (int): number of channel groups that are convolved apart.

    Returns:
        Tensor of shape (N, C_out, L_out), or (C_out, L_out), with
        L_out = (L - 1) * stride[0] - 2 * padding[0] + dilation[0] * (k - 1) + output_padding[0] + 1.

    Raises:
        RuntimeError: If torch raises it, with torch's sentence: a value out of range, or shapes or dtypes that do not
            match.
        TypeError: If an argument is not of the types above, or a dtype is neither float16, bfloat16, float32 nor
            float64.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.ones((1, 1, 2), np.float32))
        >>> weight = Tensor(np.ones((1, 1, 3), np.float32))
        >>> print(F.conv_transpose1d(input, weight, stride=2, padding=1, output_padding=1))
        [[[1. 2. 1. 1.]]]
    """
    spec = _conv_transpose_spec(1, stride, padding, output_padding, dilation, groups)
    return conv_transpose(spec, input, weight, bias, _NO_TO_FLOAT, None)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Convolve, transposed, as ``torch.nn.functional.conv_transpose2d`` does.

    Args:
        input (Tensor): shape (N, C_in, H, W), or (C_in, H, W) without a batch.
        weight (Tensor): shape (C_in, C_out / groups, kH, kW), dtype of `input`.
        bias (Tensor, optional): shape (C_out,), dtype of `input`.
        stride, dilation (int or sequence of 1 or 2 ints): steps in pixels of the output, (height, width).
        padding (int or sequence of 1 or 2 ints): rows and columns to cut off at both ends of the output.
        output_padding (int or sequence of 1 or 2 ints): rows and columns to add at the end of the output, below
            stride or below dilation. They are real values, not zeros.
        groups (int): number of channel groups that are convolved apart.

    Returns:
        Tensor of shape (N, C_out, H_out, W_out), or (C_out, H_out, W_out), with
        H_out = (H - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kH - 1) + output_padding[0] + 1, W_out likewise.

    Raises:
        RuntimeError: If torch raises it, with torch's sentence: a value out of range, or shapes or dtypes that do not
            match.
        TypeError: If an argument is not of the types above, or a dtype is neither float16, bfloat16, float32 nor
            float64.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.ones((1, 1, 1, 2), np.float32))
        >>> weight = Tensor(np.ones((1, 1, 1, 3), np.float32))
        >>> print(F.conv_transpose2d(input, weight, stride=(1, 2), padding=(0, 1), output_padding=(0, 1)))
        [[[[1. 2. 1. 1.]]]]
    """
    spec = _conv_transpose_spec(2, stride, padding, output_padding, dilation, groups)
    return conv_transpose(spec, input, weight, bias, _NO_TO_FLOAT, None)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Convolve, transposed, as ``torch.nn.functional.conv_transpose3d`` does.

    Args:
        input (Tensor): shape (N, C_in, D, H, W), or (C_in, D, H, W) without a batch.
        weight (Tensor): shape (C_in, C_out / groups, kD, kH, kW), dtype of `input`.
        bias (Tensor, optional): shape (C_out,), dtype of `input`.
        stride, dilation (int or sequence of 1 or 3 ints): steps in voxels of the output, (depth, height, width).
        padding (int or sequence of 1 or 3 ints): planes, rows and columns to cut off at both ends of the output.
        output_padding (int or sequence of 1 or 3 ints): planes, rows and columns to add at the end of the output,
            below stride or below dilation. They are real values, not zeros.
        groups (int): number of channel groups that are convolved apart.

    Returns:
        Tensor of shape (N, C_out, D_out, H_out, W_out), or (C_out, D_out, H_out, W_out), with
        D_out = (D - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kD - 1) + output_padding[0] + 1, H_out and
        W_out likewise.

    Raises:
        RuntimeError: If torch raises it, with torch's sentence: a value out of range, or shapes or dtypes that do not
            match.
        TypeError: If an argument is not of the types above, or a dtype is neither float16, bfloat16, float32 nor
            float64.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.ones((1, 1, 1, 1, 2), np.float32))
        >>> weight = Tensor(np.ones((1, 1, 1, 1, 3), np.float32))
        >>> print(F.conv_transpose3d(input, weight, stride=(1, 1, 2), padding=(0, 0, 1), output_padding=(0, 0, 1)))
        [[[[[1. 2. 1. 1.]]]]]
    """
    spec = _conv_transpose_spec(3, stride, padding, output_padding, dilation, groups)
    return conv_transpose(spec, input, weight, bias, _NO_TO_FLOAT, None)


def _make_conv_spec(dimensions: int, stride: Any, padding: Any, dilation: Any, groups: Any) -> ConvSpec:
    caller = Caller(f"conv{dimensions}d", dimensions, RuntimeError)
    return arguments.conv_spec(caller, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _make_conv_transpose_spec(
    dimensions: int, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: Any
) -> ConvSpec:
    caller = Caller(f"conv_transpose{dimensions}d", dimensions, RuntimeError)
    return arguments.conv_transpose_spec(
        caller, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation, groups=groups
    )


def _remembered(make_spec: Callable[..., ConvSpec]) -> Any:
    """The function that makes a spec, which checks the same arguments once."""
    known = functools.lru_cache(maxsize=1024)(make_spec)

    def find(*values: Any) -> ConvSpec:
        # What equals an int may not be one: True, 1.0. Only plain values are looked up.
        return known(*values) if all(map(_is_plain, values)) else make_spec(*values)

    return compile_time_function(make_spec.__name__, find, make_spec)


def _is_plain(value: Any) -> bool:
    return type(value) in (int, str) or (type(value) is tuple and all(type(element) is int for element in value))


_conv_spec = _remembered(_make_conv_spec)
_conv_transpose_spec = _remembered(_make_conv_transpose_spec)
