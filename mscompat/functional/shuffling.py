"""Pixels as channels and back, and channels in another order, with the signatures of torch.nn.functional."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from .._mindspore import direct_operators, fresh_operators
from .._mindspore.compile_time import compile_time
from ._linear_map import linear_map, plain_map

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]

_cast = ops.Cast()
_gather = ops.Gather()
_reshape = ops.Reshape()
_reshape_to_fresh = fresh_operators.Reshape()
_transpose = direct_operators.Transpose()


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Make pixels of channels, as ``torch.nn.functional.pixel_shuffle``.

    Args:
        input (Tensor): shape (*, C * r * r, H, W), of any dtype.
        upscale_factor (int): r.

    Returns:
        Tensor of shape (*, C, H * r, W * r).

    Raises:
        RuntimeError, TypeError: As torch does: fewer than 3 axes, a factor that is no positive int, or channels that
            its square does not divide.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.pixel_shuffle(Tensor(np.arange(4).reshape(4, 1, 1)), 2))
        [[[0 1]
          [2 3]]]
    """
    operator = _pixel_shuffle(input.shape, input.dtype, upscale_factor)
    if input.dtype == ms.bfloat16:  # Transpose has no kernel of it on CPU, Gather neither
        return _cast(operator(_cast(input, ms.float32)), ms.bfloat16)
    return operator(input)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Make channels of pixels, as ``torch.nn.functional.pixel_unshuffle``.

    Args:
        input (Tensor): shape (*, C, H * r, W * r), of any dtype.
        downscale_factor (int): r.

    Returns:
        Tensor of shape (*, C * r * r, H, W); as in torch, an empty one keeps its shape.

    Raises:
        RuntimeError, TypeError: As torch does: fewer than 3 axes, a factor that is no positive int, or one that does
            not divide height and width.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.pixel_unshuffle(Tensor(np.arange(4).reshape(1, 2, 2)), 2).shape)
        (4, 1, 1)
    """
    operator = _pixel_unshuffle(input.shape, input.dtype, downscale_factor)
    if input.dtype == ms.bfloat16:
        return _cast(operator(_cast(input, ms.float32)), ms.bfloat16)
    return operator(input)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Take one channel of each group after another, as ``torch.nn.functional.channel_shuffle``.

    Args:
        input (Tensor): shape (N, C, *), of any dtype.
        groups (int): into which the channels are divided.

    Returns:
        Tensor of the shape of `input`.

    Raises:
        RuntimeError, TypeError: As torch does: fewer than 3 axes, groups that is no positive int, or channels that it
            does not divide.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.channel_shuffle(Tensor(np.arange(4).reshape(1, 4, 1)), 2).ravel())
        [0 2 1 3]
    """
    operator = _channel_shuffle(input.shape, input.dtype, groups)
    if input.dtype == ms.bfloat16:
        return _cast(operator(_cast(input, ms.float32)), ms.bfloat16)
    return operator(input)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The same as :func:`channel_shuffle`, as in torch."""
    return channel_shuffle(input, groups)


def _integer(name: str, argument: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(
            f"For '{name}', {name}(): argument '{argument}' (position 2) must be int, not {type(value).__name__}."
        )
    return int(value)


def _factor(name: str, argument: str, shape: Sequence[Any], value: Any) -> int:
    factor = _integer(name, argument, value)
    if len(shape) < 3:
        raise RuntimeError(
            f"For '{name}', {name} expects input to have at least 3 dimensions, but got input with {len(shape)} "
            "dimension(s)."
        )
    if factor <= 0:
        raise RuntimeError(f"For '{name}', {name} expects a positive {argument}, but got {factor}.")
    return factor


def _is_divisible(length: Any, divisor: int) -> bool:
    return length is None or length < 0 or length % divisor == 0


def _map_of(dtype: Any) -> Any:
    is_differentiable = dtype in (ms.float16, ms.bfloat16, ms.float32, ms.float64, ms.complex64, ms.complex128)
    return linear_map if is_differentiable else plain_map


def _find_pixel_shuffle(shape: Any, dtype: Any, upscale_factor: Any) -> nn.Cell:
    factor = _factor("pixel_shuffle", "upscale_factor", shape, upscale_factor)
    if not _is_divisible(shape[-3], factor * factor):
        raise RuntimeError(
            "For 'pixel_shuffle', pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={shape[-3]} is not divisible by {factor * factor}."
        )
    return _map_of(dtype)(_make_pixel_shuffle, (factor, len(shape)))


def _find_pixel_unshuffle(shape: Any, dtype: Any, downscale_factor: Any) -> nn.Cell:
    factor = _factor("pixel_unshuffle", "downscale_factor", shape, downscale_factor)
    for name, axis in (("height", -2), ("width", -1)):
        if not _is_divisible(shape[axis], factor):
            raise RuntimeError(
                f"For 'pixel_unshuffle', pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size({axis})={shape[axis]} is not divisible by {factor}."
            )
    if 0 in shape:  # torch gives an empty tensor of the input's shape
        return nn.Identity()
    return _map_of(dtype)(_make_pixel_unshuffle, (factor, len(shape)))


def _find_channel_shuffle(shape: Any, dtype: Any, groups: Any) -> nn.Cell:
    groups = _integer("channel_shuffle", "groups", groups)
    if len(shape) < 3:
        raise RuntimeError(
            "For 'channel_shuffle', channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(shape)}."
        )
    if groups <= 0:
        raise RuntimeError(
            "For 'channel_shuffle', Number of groups to divide channels in must be positive. "
            f"Value of groups:{groups}."
        )
    if not _is_divisible(shape[1], groups):
        raise RuntimeError(
            f"For 'channel_shuffle', Number of channels must be divisible by groups. Got {shape[1]} channels and "
            f"{groups} groups."
        )
    if shape[1] is None or shape[1] < 0:
        raise ValueError("For 'channel_shuffle', the number of channels must be known when the graph is compiled.")
    return nn.Identity() if 0 in shape else _map_of(dtype)(_make_channel_shuffle, (shape[1], groups))


_pixel_shuffle = compile_time(_find_pixel_shuffle)
_pixel_unshuffle = compile_time(_find_pixel_unshuffle)
_channel_shuffle = compile_time(_find_channel_shuffle)


def _make_pixel_shuffle(is_transposed: bool, factor: int, axes: int) -> nn.Cell:
    return (_PixelUnshuffle if is_transposed else _PixelShuffle)(factor, axes)


def _make_pixel_unshuffle(is_transposed: bool, factor: int, axes: int) -> nn.Cell:
    return _make_pixel_shuffle(not is_transposed, factor, axes)


def _make_channel_shuffle(is_transposed: bool, channels: int, groups: int) -> nn.Cell:
    return _ChannelShuffle(channels, channels // groups if is_transposed else groups)


class _PixelShuffle(nn.Cell):
    """Channels to pixels, of so many axes."""

    def __init__(self, factor: int, axes: int) -> None:
        super().__init__()
        self.factor = factor
        self.before = axes - 3
        self.order = (*range(axes - 3), *(axes - 3 + axis for axis in (0, 3, 1, 4, 2)))

    def construct(self, input):  # type: ignore[no-untyped-def]
        shape, factor = input.shape, self.factor
        channels, height, width = shape[-3] // (factor * factor), shape[-2], shape[-1]
        input = _reshape(input, (*shape[:self.before], channels, factor, factor, height, width))
        return _reshape_to_fresh(
            _transpose(input, self.order), (*shape[:self.before], channels, height * factor, width * factor)
        )


class _PixelUnshuffle(nn.Cell):
    """Pixels to channels, of so many axes."""

    def __init__(self, factor: int, axes: int) -> None:
        super().__init__()
        self.factor = factor
        self.before = axes - 3
        self.order = (*range(axes - 3), *(axes - 3 + axis for axis in (0, 2, 4, 1, 3)))

    def construct(self, input):  # type: ignore[no-untyped-def]
        shape, factor = input.shape, self.factor
        channels, height, width = shape[-3], shape[-2] // factor, shape[-1] // factor
        input = _reshape(input, (*shape[:self.before], channels, height, factor, width, factor))
        return _reshape_to_fresh(
            _transpose(input, self.order), (*shape[:self.before], channels * factor * factor, height, width)
        )


class _ChannelShuffle(nn.Cell):
    """Channels in another order."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        order = np.arange(channels, dtype=np.int32).reshape(groups, -1).T.ravel()
        self.order = Tensor(np.ascontiguousarray(order))

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _gather(input, self.order, 1)
