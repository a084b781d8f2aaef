"""How an image is resampled: axis by axis, each element a weighted sum of rows that Gather copies.

Not by products with dense matrices: one NaN or infinity would spread over its whole row and column, where torch keeps
it among its neighbours; and of a large image, almost all the matrix is 0. Rows are copied ten times faster than
columns, so that a sum of columns is one of the rows of the transposed image. For 8x64x56x56, nearest doubling takes
10 ms (ResizeNearestNeighborV2: 16), its gradient 11 (2 cores).

MindSpore's own operators are there where they are faster: for bilinear float32 images whose weights they have right,
and for small nearest ones, of which the calls of operators take the most time.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops

from .._conv.algorithms.cells import chain, join
from .._mindspore import direct_operators, fresh_operators, resize_operators
from ._interpolation_arguments import Request
from ._linear_map import linear_map
from ._resampling_weights import Taps, taps, transposed

__all__ = ["at_runtime", "resampling"]

_add = ops.Add()
_add_n = ops.AddN()
_gather = ops.Gather()
_mul = fresh_operators.Mul()
_reduce_sum = ops.ReduceSum()
_transpose = direct_operators.Transpose()
_zeros = ops.Zeros()

_MOST_ROWS = 8
"""Above so many rows in a sum, they are gathered at once: more memory, fewer operators."""

Axis = tuple[Any, ...]
"""The arguments of taps, and at last whether it is_small."""


def resampling(axes: tuple[Axis, ...], dtype: str, is_small: bool = False) -> nn.Cell:
    """The cell that resamples the last axes of a float32 or float64 tensor, in the dtype that is named."""
    if is_small and _is_native_nearest(axes, dtype):
        return linear_map(_native_nearest, axes)
    if _is_native_bilinear(axes, dtype):
        return linear_map(_native_bilinear, axes)
    return linear_map(_sums_of_rows, (axes, dtype))


def _sums_of_rows(is_transposed: bool, axes: tuple[Axis, ...], dtype: str) -> nn.Cell:
    # Columns before rows: there are fewer rows then, where the image grows.
    steps = []
    for position, axis in reversed([*enumerate(axes, 2)]):
        found = _taps(axis, dtype)
        if not _is_identity(found, axis[1]):
            if is_transposed:
                found = transposed(found, axis[1])
            steps.append(_axis_operator(found, position, len(axes) + 2))
    if is_transposed:
        steps.reverse()
    return chain(steps) if steps else nn.Identity()


@functools.lru_cache(maxsize=256)
def _taps(axis: Axis, dtype: str) -> Taps:
    arguments = axis[:-1]
    return taps(*arguments, dtype=getattr(np, dtype), is_small=axis[-1])


def _is_identity(of: Taps, size: int) -> bool:
    if of.indices.shape != (size, 1):
        return False
    return bool((of.indices[:, 0] == np.arange(size)).all() and (of.weights == 1).all())


def _axis_operator(of: Taps, axis: int, axes: int) -> nn.Cell:
    """The operator of one axis of so many."""
    if axis == axes - 1:
        return _Transposed(_sum_of_rows(of, axis - 1, 1), (*range(axes - 2), axes - 1, axes - 2))
    return _sum_of_rows(of, axis, axes - 1 - axis)


def _sum_of_rows(of: Taps, axis: int, after: int) -> nn.Cell:
    count = of.indices.shape[1]
    if count > _MOST_ROWS:
        return _SumOfManyRows(of, axis, after)
    pieces = [_sum_piece(Taps(of.indices[:, k:k + 2], of.weights[:, k:k + 2]), axis, after) for k in range(0, count, 2)]
    return join(_add_n, pieces)


def _sum_piece(of: Taps, axis: int, after: int) -> nn.Cell:
    """The operator of one or two summands."""
    is_sum = of.indices.shape[1] == 2
    if (of.weights == 1).all():
        return _SumOfTwoRows(of, axis) if is_sum else _Gather(of.indices[:, 0], axis)
    return (_WeightedSumOfTwoRows if is_sum else _WeightedRows)(of, axis, after)


class _Gather(nn.Cell):
    """Elements of an axis."""

    def __init__(self, indices: np.ndarray, axis: int) -> None:
        super().__init__()
        self.indices = Tensor(np.ascontiguousarray(indices))
        self.axis = axis

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _gather(input, self.indices, self.axis)


class _SumOfTwoRows(nn.Cell):
    """Sums of two elements of an axis."""

    def __init__(self, of: Taps, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.first, self.second = (Tensor(np.ascontiguousarray(indices)) for indices in of.indices.T)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _add(_gather(input, self.first, self.axis), _gather(input, self.second, self.axis))


class _WeightedRows(nn.Cell):
    """Elements of an axis, which so many axes come after, times weights."""

    def __init__(self, of: Taps, axis: int, after: int) -> None:
        super().__init__()
        self.axis = axis
        self.indices = Tensor(np.ascontiguousarray(of.indices[:, 0]))
        self.weights = _column(of.weights[:, 0], after)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _mul(_gather(input, self.indices, self.axis), self.weights)


class _WeightedSumOfTwoRows(_SumOfTwoRows):
    """Weighted sums of two elements of an axis, which so many axes come after."""

    def __init__(self, of: Taps, axis: int, after: int) -> None:
        super().__init__(of, axis)
        self.first_weights, self.second_weights = (_column(weights, after) for weights in of.weights.T)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _add(
            _mul(_gather(input, self.first, self.axis), self.first_weights),
            _mul(_gather(input, self.second, self.axis), self.second_weights),
        )


def _column(weights: np.ndarray, after: int) -> Tensor:
    return Tensor(np.ascontiguousarray(weights.reshape(-1, *(1,) * after)))


class _SumOfManyRows(nn.Cell):
    """Weighted sums of elements of an axis, all gathered at once."""

    def __init__(self, of: Taps, axis: int, after: int) -> None:
        super().__init__()
        self.axis = axis
        self.indices = Tensor(np.ascontiguousarray(of.indices))
        self.weights = Tensor(np.ascontiguousarray(of.weights.reshape(of.weights.shape + (1,) * after)))

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _reduce_sum(_mul(_gather(input, self.indices, self.axis), self.weights), self.axis + 1)


class _Transposed(nn.Cell):
    """An operator of rows, on columns."""

    def __init__(self, operator: nn.Cell, order: tuple[int, ...]) -> None:
        super().__init__()
        self.operator = operator
        self.order = order

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _transpose(self.operator(_transpose(input, self.order)), self.order)


# MindSpore's own operators


def _is_native_nearest(axes: tuple[Axis, ...], dtype: str) -> bool:
    return (
        len(axes) == 2 and axes[0][0] == "nearest" and resize_operators.nearest_gradient is not None
        and all((_taps(axis, dtype).indices[:, 0] == _native_nearest_indices(axis[1], axis[2])).all() for axis in axes)
    )


def _native_nearest_indices(size: int, output_size: int) -> np.ndarray:
    step = np.float32(size) / np.float32(output_size)
    found = np.floor(np.arange(output_size).astype(np.float32) * step).astype(np.int64)
    return np.minimum(found, size - 1)


def _native_nearest(is_transposed: bool, *axes: Axis) -> nn.Cell:
    return _NearestGradient(axes) if is_transposed else _Nearest(axes)


def _is_native_bilinear(axes: tuple[Axis, ...], dtype: str) -> bool:
    mode, _, _, _, align_corners, antialias, _ = axes[0]
    return (
        dtype == "float32" and len(axes) == 2 and mode == "linear" and not antialias
        and resize_operators.bilinear_gradient is not None
        and all(_has_native_weights(_taps(axis, dtype), axis[1], axis[2], align_corners) for axis in axes)
    )


def _has_native_weights(of: Taps, size: int, output_size: int, align_corners: bool) -> bool:
    """Whether ResizeBilinearV2 has these weights. It computes places in float32, with two roundings, from the sizes."""
    if _is_identity(of, size):
        return True
    if of.indices.shape[1] == 1:
        return False
    positions = np.arange(output_size, dtype=np.float32)
    if align_corners:
        places = positions * (np.float32(size - 1) / np.float32(output_size - 1) if output_size > 1 else np.float32(0))
    else:
        half = np.float32(0.5)
        places = np.maximum((positions + half) * (np.float32(size) / np.float32(output_size)) - half, np.float32(0))
    found = (of.indices.astype(np.float64) * of.weights).sum(1)
    return bool(np.abs(np.minimum(places, size - 1) - found).max() <= 1e-6)


def _native_bilinear(is_transposed: bool, *axes: Axis) -> nn.Cell:
    return _BilinearGradient(axes) if is_transposed else _Bilinear(axes)


class _Nearest(nn.Cell):
    """Nearest interpolation of images."""

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        super().__init__()
        self.operator = ops.ResizeNearestNeighborV2()
        self.size = Tensor(np.array([axis[2] for axis in axes], np.int32))

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.operator(input, self.size)


class _NearestGradient(nn.Cell):
    """Its gradient."""

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        super().__init__()
        self.operator = resize_operators.nearest_gradient(False, False)
        self.size = Tensor(np.array([axis[1] for axis in axes], np.int32))

    def construct(self, gradient):  # type: ignore[no-untyped-def]
        return self.operator(gradient, self.size)


class _Bilinear(nn.Cell):
    """Bilinear interpolation of float32 images. It makes NaN of an infinity, where torch's is an infinity (MS-58)."""

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        super().__init__()
        align_corners = axes[0][4]
        self.operator = ops.ResizeBilinearV2(align_corners, not align_corners)
        self.size = tuple(axis[2] for axis in axes)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.operator(input, self.size)


class _BilinearGradient(nn.Cell):
    """Its gradient."""

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        super().__init__()
        align_corners = axes[0][4]
        self.operator = resize_operators.bilinear_gradient(align_corners, not align_corners)
        self.size = tuple(axis[1] for axis in axes)

    def construct(self, gradient):  # type: ignore[no-untyped-def]
        return self.operator(gradient, _zeros((*gradient.shape[:2], *self.size), gradient.dtype))


def at_runtime(request: Request, scales: tuple[int, ...] | None) -> nn.Cell:
    """The cell for images whose sizes are not known before the call. It has no second derivative (MS-63)."""
    if len(request.size) == 2 and not request.antialias and request.mode in ("nearest", "linear"):
        return _AtRuntime(request, scales)
    raise ValueError(
        "For 'interpolate', the sizes of the input must be known when the graph is compiled, except in modes 'nearest' "
        "and 'bilinear' of (N, C, H, W)."
    )


class _AtRuntime(nn.Cell):
    """MindSpore's own operator, for a size, or for whole scales."""

    def __init__(self, request: Request, scales: tuple[int, ...] | None) -> None:
        super().__init__()
        self.operator = (
            ops.ResizeNearestNeighborV2() if request.mode == "nearest"
            else ops.ResizeBilinearV2(request.align_corners, not request.align_corners)
        )
        self.size = request.size
        self.scales = scales

    def construct(self, input):  # type: ignore[no-untyped-def]
        if self.scales is None:
            return self.operator(input, self.size)
        return self.operator(input, (input.shape[2] * self.scales[0], input.shape[3] * self.scales[1]))
