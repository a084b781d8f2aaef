"""torch's rules for the arguments of interpolate, and its sentences where they are broken. No MindSpore here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ._errors import fail

__all__ = ["Request", "check"]

_NEAREST = ("nearest", "nearest-exact")
_MODES = {  # for each number of axes: torch's mode -> that of an axis
    3: {"nearest": "nearest", "nearest-exact": "nearest-exact", "area": "area", "linear": "linear"},
    4: {
        "nearest": "nearest", "nearest-exact": "nearest-exact", "area": "area", "bilinear": "linear",
        "bicubic": "cubic", "lanczos": "lanczos",
    },
    5: {"nearest": "nearest", "nearest-exact": "nearest-exact", "area": "area", "trilinear": "linear"},
}
_AXES = {"linear": 3, "bilinear": 4, "trilinear": 5}
_DTYPES = {
    "Float16": "Half", "BFloat16": "BFloat16", "Float32": "Float", "Float64": "Double", "UInt8": "Byte", "Int8": "Char",
    "Int16": "Short", "Int32": "Int", "Int64": "Long", "Bool": "Bool",
}


class Request(NamedTuple):
    """What a call asks for."""

    mode: str  # of each axis
    size: tuple[int | None, ...]  # of the output; None where that of the input is not known yet
    scales: tuple[float | None, ...]  # None where it is computed from the sizes
    align_corners: bool
    antialias: bool


def check(
    shape: Sequence[int | None], dtype: str, size: Any, scale_factor: Any, mode: Any, align_corners: Any,
    recompute_scale_factor: Any, antialias: Any,
) -> Request:
    """The request, or torch's error, in torch's order. A size of the shape is None where it is not known."""
    if mode in (*_NEAREST, "area"):
        if align_corners is not None:
            fail(
                "interpolate",
                "align_corners option can only be set with the interpolating modes: "
                "linear | bilinear | bicubic | trilinear",
                ValueError,
            )
    elif align_corners is None:
        align_corners = False
    given = list(shape[2:])
    count = len(given)
    sizes, scales = _sizes_or_scales(given, size, scale_factor)
    if recompute_scale_factor and size is not None:
        fail("interpolate", "recompute_scale_factor is not meaningful with an explicit size", ValueError)
    if scales is not None and (recompute_scale_factor or mode == "area"):
        sizes, scales = [_scaled(length, scale) for length, scale in zip(given, scales, strict=True)], None
    antialias = bool(antialias)
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and count == 2):
        fail(
            "interpolate",
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D "
            "tensor as input",
            ValueError,
        )
    _check_mode(mode, len(shape), align_corners, antialias)
    if align_corners is not None and not isinstance(align_corners, bool):
        fail("interpolate", f"argument 'align_corners' must be bool, not {type(align_corners).__name__}", TypeError)
    if scales is not None:
        sizes = [_scaled(length, scale) for length, scale in zip(given, scales, strict=True)]
    assert sizes is not None
    _check_sizes(mode, shape, sizes)
    _check_dtype(mode, count, dtype, antialias)
    return Request(
        mode=_MODES[count + 2][mode], size=tuple(sizes), scales=(None,) * count if scales is None else tuple(scales),
        align_corners=bool(align_corners), antialias=antialias,
    )


def _sizes_or_scales(given: list[Any], size: Any, scale_factor: Any) -> tuple[list[Any] | None, list[Any] | None]:
    count = len(given)
    if size is not None and scale_factor is not None:
        fail("interpolate", "only one of size or scale_factor should be defined", ValueError)
    if size is not None:
        if isinstance(size, (list, tuple)):
            if len(size) != count:
                fail(
                    "interpolate",
                    "Input and output must have the same number of spatial dimensions, but got input "
                    f"with spatial dimensions of {given} and output size of {size}. Please provide input tensor in "
                    "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format",
                    ValueError,
                )
            if not all(isinstance(one, Integral) for one in size):
                fail(
                    "interpolate",
                    "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, "
                    f"int], but got size with types {[type(one) for one in size]}",
                    TypeError,
                )
            return [int(one) for one in size], None
        if isinstance(size, bool) or not isinstance(size, Integral):
            fail(
                "interpolate",
                f"argument 'output_size' must be tuple of ints, but found element of type "
                f"{type(size).__name__} at pos 0",
                TypeError,
            )
        return [int(size)] * count, None
    if scale_factor is None:
        fail("interpolate", "either size or scale_factor should be defined", ValueError)
    if isinstance(scale_factor, (list, tuple)):
        if len(scale_factor) != count:
            fail(
                "interpolate",
                "Input and scale_factor must have the same number of spatial dimensions, but got input "
                f"with spatial dimensions of {given} and scale_factor of shape {scale_factor}. Please provide input "
                "tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format",
                ValueError,
            )
        scales = list(scale_factor)
    else:
        scales = [scale_factor] * count
    for position, scale in enumerate(scales, 1):
        if not isinstance(scale, (Real, np.floating)):
            fail(
                "interpolate",
                "argument 'scale_factors' must be tuple of floats, but found element of type "
                f"{type(scale).__name__} at pos {position}",
                TypeError,
            )
    return None, [float(scale) for scale in scales]


def _scaled(length: int | None, scale: float) -> int | None:
    if not math.isfinite(scale):
        fail("interpolate", "value cannot be converted to type int64_t without overflow")
    return None if length is None else int(length * scale)


def _check_mode(mode: Any, axes: int, align_corners: Any, antialias: bool) -> None:
    if axes in _MODES and mode in _MODES[axes]:
        if mode == "lanczos":
            if align_corners:
                fail("interpolate", "Lanczos mode does not support align_corners=True", ValueError)
            if not antialias:
                fail("interpolate", "Lanczos mode requires antialias=True", ValueError)
        return
    if axes in _MODES and mode in _AXES:
        fail("interpolate", f"Got {axes}D input, but {mode} mode needs {_AXES[mode]}D input", NotImplementedError)
    fail(
        "interpolate",
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {axes}D) for the modes: "
        "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got "
        f"{mode})",
        NotImplementedError,
    )


def _check_sizes(mode: str, shape: Sequence[int | None], sizes: list[int | None]) -> None:
    count = len(sizes)
    if mode == "area":
        for axis, length in enumerate(shape[1:], 1):
            if length == 0 and (axis > 1 or count == 1):
                fail(
                    "interpolate",
                    f"adaptive_avg_pool{count}d(): Expected input to have non-zero size for non-batch "
                    f"dimensions, but input has sizes {list(shape)} with dimension {axis} being empty",
                )
        if any(length is not None and length < 0 for length in sizes):
            fail(
                "interpolate",
                f"adaptive_avg_pool{count}d: elements of output_size must be greater than or equal to "
                f"0 but received {{{', '.join(map(str, sizes))}}}",
            )
        return
    if any(length is not None and length <= 0 for length in (*shape[2:], *sizes)):
        names = "DHW"[-count:]
        one, other = (
            ", ".join(f"{name}: {length}" for name, length in zip(names, lengths, strict=True))
            for lengths in (shape[2:], sizes)
        )
        and_word = "and " if count == 1 else ""
        fail(
            "interpolate",
            f"Input and output sizes should be greater than 0, but got input ({one}) {and_word}output "
            f"({other})",
        )
    if shape[1] == 0:
        fail("interpolate", f"Non-empty {count + 2}D data tensor expected but got a tensor with sizes {list(shape)}")


def _check_dtype(mode: str, count: int, dtype: str, antialias: bool) -> None:
    if dtype in ("Float32", "Float64") or (dtype in ("Float16", "BFloat16") and not antialias):
        return
    if dtype == "UInt8" and mode in _NEAREST:
        return
    if antialias:
        kernel = "compute_index_ranges_weights"
    elif mode == "area":
        kernel = f"adaptive_avg_pool{max(count, 2)}d"
    elif count == 2 and mode != "bicubic":
        kernel = f"upsample_{'bilinear' if mode == 'bilinear' else 'nearest'}2d_channels_last"
    else:
        kind = {"bicubic": "cubic", "linear": "linear", "trilinear": "linear"}.get(mode, "nearest")
        kernel = f"compute_indices_weights_{kind}"
    fail("interpolate", f"\"{kernel}\" not implemented for '{_DTYPES.get(dtype, dtype)}'", NotImplementedError)
