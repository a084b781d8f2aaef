"""Interpolation, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops

from .._mindspore.compile_time import compile_time, compile_time_function
from ._interpolation_arguments import Request, check
from ._resampling import at_runtime, resampling

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_cast = ops.Cast()

_FEW_ELEMENTS = 2**16
_SMALL_IMAGE = 128  # torch's: rows and columns of the output


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize as ``torch.nn.functional.interpolate`` does.

    Args:
        input (Tensor): shape (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size (int or sequence of ints, optional): of the output, for all its axes or for each.
        scale_factor (float or sequence of floats, optional): the output's size is the integer part of the input's
            times this. One of the two is given.
        mode (str): 'nearest', 'nearest-exact', 'area'; 'linear' of (N, C, L); 'bilinear', 'bicubic' and 'lanczos' of
            (N, C, H, W); 'trilinear' of (N, C, D, H, W).
        align_corners (bool, optional): whether the centres of the corner pixels stay where they are, instead of the
            image's corners. For the modes with 'linear' and 'cubic' in their names.
        recompute_scale_factor (bool, optional): whether places are computed from the two sizes, as if `size` had been
            given, and not from `scale_factor`.
        antialias (bool): whether more pixels count where the image shrinks. For 'bilinear', 'bicubic', and always for
            'lanczos'.

    Returns:
        Tensor of the input's dtype: float16, bfloat16, float32 or float64; in nearest modes uint8 too.

    Raises:
        ValueError, TypeError, NotImplementedError, RuntimeError: As torch does, with torch's sentence.

    Differences from torch:
        uint8 images are refused in 'bilinear', 'bicubic' and 'lanczos' modes. Bilinear float32 images may have NaN
        where torch's have an infinity, near an infinity. torch's gradient is not that of what it computes, where a
        `scale_factor` near 1 or 2 gives the very size of the input, or twice that: here it is. In a graph that does not
        know the input's sizes, only 'nearest' and 'bilinear' of (N, C, H, W) are there, for a `size` or whole
        `scale_factor`.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> image = Tensor(np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2))
        >>> print(F.interpolate(image, scale_factor=2)[0, 0])
        [[0. 0. 1. 1.]
         [0. 0. 1. 1.]
         [2. 2. 3. 3.]
         [2. 2. 3. 3.]]
        >>> print(F.interpolate(image, size=(2, 3), mode="bilinear")[0, 0])
        [[0.  0.5 1. ]
         [2.  2.5 3. ]]
    """
    operator, inside = _plan(
        input.shape, input.dtype, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias
    )
    if inside is None:
        return operator(input)
    return _cast(operator(_cast(input, inside)), input.dtype)


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The former name of :func:`interpolate`, as ``torch.nn.functional.upsample``."""
    _warn("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """:func:`interpolate` in mode 'nearest', as ``torch.nn.functional.upsample_nearest``."""
    _warn("upsample_nearest")
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """:func:`interpolate` in mode 'bilinear' with align_corners, as ``torch.nn.functional.upsample_bilinear``."""
    _warn("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)


def _warn_of(name: str) -> int:
    """torch's warning."""
    text = f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead."
    warnings.warn(text, stacklevel=3)
    return 0


_warn = compile_time(_warn_of)


def _make_plan(shape: Any, dtype: Any, *arguments: Any) -> tuple[nn.Cell, Any]:
    """The operator, and the dtype in which it computes, unless it is the input's."""
    shape = tuple(None if length is None or length < 0 else length for length in shape)
    request = check(shape, str(dtype), *arguments)
    inside = None
    if dtype not in (ms.float32, ms.float64):
        inside = ms.float32
    name = "float64" if dtype == ms.float64 else "float32"
    if any(length is None for length in shape[2:]):
        return at_runtime(request, _whole_scales(request)), inside
    size: Any = request.size
    elements = math.prod(size) * (shape[1] or _FEW_ELEMENTS)
    if 0 in size or 0 in shape:
        return _Empty(size), inside
    is_small = len(shape) == 4 and sum(size) <= _SMALL_IMAGE
    axes = tuple(
        (request.mode, length, output, scale, request.align_corners, request.antialias, is_small)
        for length, output, scale in zip(shape[2:], size, request.scales, strict=True)
    )
    return resampling(axes, name, is_small=elements < _FEW_ELEMENTS), inside


def _whole_scales(request: Request) -> tuple[int, ...] | None:
    if None not in request.size:
        return None
    if all(scale is not None and scale >= 1 and scale == int(scale) for scale in request.scales):
        return tuple(map(int, request.scales))  # type: ignore[arg-type]
    raise ValueError(
        "For 'interpolate', the sizes of the input must be known when the graph is compiled, unless `size` is given or "
        "`scale_factor` is a whole number."
    )


class _Empty(nn.Cell):
    """What is made of an empty batch, or of a size of 0."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size
        self.zeros = ops.Zeros()

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.zeros((*input.shape[:2], *self.size), input.dtype)


_known_plan = functools.lru_cache(maxsize=1024)(_make_plan)


def _find_plan(shape: Any, dtype: Any, size: Any, scale_factor: Any, *arguments: Any) -> tuple[nn.Cell, Any]:
    if isinstance(size, list):
        size = tuple(size)
    if isinstance(scale_factor, list):
        scale_factor = tuple(scale_factor)
    try:
        # 3.0 and True are no sizes, and equal some.
        if type(size) in (int, type(None)) or (type(size) is tuple and all(type(one) is int for one in size)):
            return _known_plan(shape, dtype, size, scale_factor, *arguments)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _make_plan(shape, dtype, size, scale_factor, *arguments)


_plan = compile_time_function("mscompat_interpolate", _find_plan, _make_plan)
