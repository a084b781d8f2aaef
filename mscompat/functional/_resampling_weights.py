"""Which elements an interpolated element is a sum of, and with what weights: torch's arithmetic on CPU, in NumPy.

torch rounds: the scale to float32 decides which neighbour is nearest, and where weights end in their last places. So
here each step has torch's dtype, and one rounding where torch's compiled code multiplies and adds in one instruction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Taps", "taps", "transposed"]


class Taps(NamedTuple):
    """Along an axis, element i of the result is the sum of weights[i, k] times element indices[i, k] of the input."""

    indices: np.ndarray  # (elements of the result, summands), int32
    weights: np.ndarray  # the same shape


def taps(
    mode: str, size: int, output_size: int, scale: float | None, align_corners: bool, antialias: bool, *,
    dtype: type[Any], is_small: bool = False,
) -> Taps:
    """The taps of an axis.

    Args:
        mode (str): 'nearest', 'nearest-exact', 'linear', 'cubic', 'lanczos' or 'area'.
        size, output_size (int): lengths of the axis.
        scale (float, optional): the scale_factor that the call was given, unless it is to be computed again.
        align_corners, antialias (bool): as given.
        dtype: numpy.float32 or float64, in which torch computes.
        is_small (bool): whether torch takes its loop for small images, which treats equal and double sizes apart.
    """
    if mode == "area":
        return _area(size, output_size, dtype)
    if mode in ("nearest", "nearest-exact"):
        return _one_each(_nearest(mode, size, output_size, scale, np.float32 if is_small else dtype, is_small), dtype)
    step = _step(size, output_size, scale, align_corners, dtype)
    if antialias or mode == "lanczos":
        return _antialiased(mode, size, output_size, step)
    if mode == "cubic":
        return _cubic(size, output_size, step, align_corners)
    return _linear(size, output_size, step, align_corners)


def transposed(of: Taps, size: int) -> Taps:
    """The taps of the transposed map, which gives so many elements: those of the gradient."""
    sources = of.indices.ravel()
    order = np.argsort(sources, kind="stable")
    sources = sources[order]
    targets = order // of.indices.shape[1]
    weights = of.weights.ravel()[order]
    # An element that is summed twice, at an edge, is one tap.
    is_first = np.ones(len(order), bool)
    is_first[1:] = (sources[1:] != sources[:-1]) | (targets[1:] != targets[:-1])
    group = np.cumsum(is_first) - 1
    weights = np.bincount(group, weights, minlength=int(is_first.sum())).astype(of.weights.dtype)
    return _ragged(sources[is_first], targets[is_first], weights, size)


def _ragged(rows: np.ndarray, indices: np.ndarray, weights: np.ndarray, count: int) -> Taps:
    """Taps of so many rows, from lists of them, sorted by row. A row of fewer taps than others has its first in parts:

    halves are exact, and unlike a tap of weight 0, they make no NaN of an infinity.
    """
    counts = np.bincount(rows, minlength=count)
    width = max(1, int(counts.max(initial=0)))
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
    result = Taps(np.zeros((count, width), np.int32), np.zeros((count, width), weights.dtype))
    if not len(rows):
        return result
    places = np.arange(len(rows)) - begins[rows]
    result.indices[rows, places] = indices
    result.weights[rows, places] = weights
    for place in range(1, width):
        short = np.flatnonzero((counts <= place) & (counts > 0))
        result.indices[short, place] = result.indices[short, 0]
        result.weights[short, 0] /= 2
        result.weights[short, place] = result.weights[short, 0]
    return result


def _one_each(indices: np.ndarray, dtype: type[Any]) -> Taps:
    return Taps(indices[:, None].astype(np.int32), np.ones((len(indices), 1), dtype))


def _step(size: int, output_size: int, scale: float | None, align_corners: bool, dtype: type[Any]) -> Any:
    """The distance of neighbours of the result, in elements of the input. torch: area_pixel_compute_scale."""
    if align_corners:
        return dtype(size - 1) / dtype(output_size - 1) if output_size > 1 else dtype(0)
    if scale is not None and scale > 0:
        return dtype(1.0 / scale)
    return dtype(size) / dtype(output_size)


def _nearest(
    mode: str, size: int, output_size: int, scale: float | None, dtype: type[Any], is_small: bool
) -> np.ndarray:
    positions = np.arange(output_size)
    if mode == "nearest" and is_small:
        if output_size == size:
            return positions
        if output_size == 2 * size:
            return positions // 2
    step = _step(size, output_size, scale, False, dtype)
    if mode == "nearest":
        found = positions.astype(dtype) * step
    elif is_small:
        found = (positions + 0.5) * np.float64(step)
    else:
        found = _multiply_add(positions.astype(dtype) + dtype(0.5), step, dtype(-0.5), dtype)
        found = np.maximum(found, dtype(0)).astype(np.float64) + 0.5
    return np.minimum(np.floor(found.astype(np.float32)).astype(np.int64), size - 1)


def _multiply_add(one: Any, other: Any, addend: Any, dtype: type[Any]) -> Any:
    """one * other + addend, rounded once, as processors do."""
    wide = np.float64 if dtype is np.float32 else np.longdouble
    return (np.asarray(one, wide) * np.asarray(other, wide) + np.asarray(addend, wide)).astype(dtype)


def _sources(output_size: int, step: Any, align_corners: bool) -> Any:
    """Where the elements of the result lie in the input. torch: area_pixel_compute_source_index."""
    dtype = type(step)
    positions = np.arange(output_size).astype(dtype)
    if align_corners:
        return positions * step
    return _multiply_add(positions + dtype(0.5), step, dtype(-0.5), dtype)


def _split(sources: Any, size: int) -> tuple[np.ndarray, Any]:
    """The elements before these places, and the distances to them. torch: guard_index_and_lambda."""
    dtype = sources.dtype.type
    first = np.minimum(np.floor(sources.astype(np.float32)).astype(np.int64), size - 1)
    return first, np.clip(sources - first.astype(dtype), dtype(0), dtype(1))


def _linear(size: int, output_size: int, step: Any, align_corners: bool) -> Taps:
    dtype = type(step)
    if size == output_size:
        return _one_each(np.arange(size), dtype)
    first, distance = _split(np.maximum(_sources(output_size, step, align_corners), dtype(0)), size)
    second = np.minimum(first + 1, size - 1)
    return Taps(np.stack([first, second], 1).astype(np.int32), np.stack([dtype(1) - distance, distance], 1))


def _cubic(size: int, output_size: int, step: Any, align_corners: bool) -> Taps:
    dtype = type(step)
    first, distance = _split(_sources(output_size, step, align_corners), size)
    rest = dtype(1) - distance
    factor = dtype(-0.75)
    weights = [
        _cubic_far(distance + dtype(1), factor), _cubic_near(distance, factor), _cubic_near(rest, factor),
        _cubic_far(rest + dtype(1), factor),
    ]
    indices = np.clip(first[:, None] + np.arange(-1, 3), 0, size - 1)
    return Taps(indices.astype(np.int32), np.stack(weights, 1))


def _cubic_near(x: Any, factor: Any) -> Any:
    """torch: cubic_convolution1."""
    dtype = type(factor)
    inner = _multiply_add(factor + dtype(2), x, -(factor + dtype(3)), dtype) * x
    return _multiply_add(inner, x, dtype(1), dtype)


def _cubic_far(x: Any, factor: Any) -> Any:
    """torch: cubic_convolution2."""
    dtype = type(factor)
    inner = _multiply_add(factor, x, dtype(-5) * factor, dtype)
    inner = _multiply_add(inner, x, dtype(8) * factor, dtype)
    return _multiply_add(inner, x, dtype(-4) * factor, dtype)


def _filter_linear(x: Any) -> Any:
    x = np.abs(x)
    return np.where(x < 1, x.dtype.type(1) - x, x.dtype.type(0))


def _filter_cubic(x: Any) -> Any:
    x = np.abs(x)
    factor = x.dtype.type(-0.5)  # not the -0.75 without antialias
    return np.where(x < 1, _cubic_near(x, factor), np.where(x < 2, _cubic_far(x, factor), x.dtype.type(0)))


def _filter_lanczos(x: Any) -> Any:
    wide = x.astype(np.float64)
    return np.where((wide >= -3) & (wide < 3), np.sinc(wide) * np.sinc(wide / 3), 0).astype(x.dtype)


_FILTERS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "linear": (_filter_linear, 2), "cubic": (_filter_cubic, 4), "lanczos": (_filter_lanczos, 6),
}


def _antialiased(mode: str, size: int, output_size: int, step: Any) -> Taps:
    """torch: _compute_indices_min_size_weights_aa, with its mixture of dtypes."""
    dtype = type(step)
    if size == output_size:
        return _one_each(np.arange(size), dtype)
    function, taps_without_scale = _FILTERS[mode]
    half = taps_without_scale * 0.5
    support = dtype(half * float(step)) if step >= 1 else dtype(half)
    inverse = 1.0 / float(step) if step >= 1 else 1.0
    most = math.ceil(support) * 2 + 1
    centers = ((np.arange(output_size) + 0.5) * float(step)).astype(dtype)
    begins = np.maximum(((centers - support).astype(np.float64) + 0.5).astype(np.int64), 0)
    ends = np.minimum(((centers + support).astype(np.float64) + 0.5).astype(np.int64), size)
    counts = np.clip(ends - begins, 0, most)
    places = np.arange(int(counts.max()))
    is_tap = places < counts[:, None]
    sources = begins[:, None] + places
    distances = (sources.astype(dtype) - centers[:, None]).astype(np.float64) + 0.5
    weights = np.where(is_tap, function((distances * float(dtype(inverse))).astype(dtype)), dtype(0))
    total = np.cumsum(weights, 1, dtype=dtype)[:, -1:]  # cumsum adds one after the other, as torch does
    weights = np.divide(weights, total, out=weights, where=total != 0)
    rows = np.repeat(np.arange(output_size), counts)
    return _ragged(rows, sources[is_tap], weights[is_tap], output_size)


def _area(size: int, output_size: int, dtype: type[Any]) -> Taps:
    """Means of the ranges of adaptive_avg_pool."""
    positions = np.arange(output_size)
    begins = positions * size // output_size
    ends = -((positions + 1) * size // -output_size)
    counts = ends - begins
    rows = np.repeat(positions, counts)
    sources = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + begins[rows]
    return _ragged(rows, sources, (dtype(1) / counts.astype(dtype))[rows], output_size)
