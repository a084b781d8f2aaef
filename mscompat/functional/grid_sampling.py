"""Sampling at the places of a grid, with the signatures of torch.nn.functional."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from .._mindspore import direct_operators, fresh_operators
from .._mindspore.compile_time import compile_time
from ._errors import fail
from ._linear_map import linear_map

__all__ = ["affine_grid", "grid_sample"]

_cast = ops.Cast()
_concat = ops.Concat(-1)
_expand_dims = ops.ExpandDims()
_floor = ops.Floor()
_matmul = ops.MatMul()
_reshape = ops.Reshape()
_reshape_to_fresh = fresh_operators.Reshape()
_squeeze = ops.Squeeze(2)
_stack = ops.Stack(-1)
_transpose = direct_operators.Transpose()
_zeros = ops.Zeros()
_zeros_like = ops.ZerosLike()

_MODES = ("bilinear", "nearest", "bicubic")
_PADDING_MODES = ("zeros", "border", "reflection")
_FLOATS = {"Float16": "Half", "BFloat16": "BFloat16", "Float32": "Float", "Float64": "Double"}
_INTEGERS = {"Int8": "Char", "UInt8": "Byte", "Int16": "Short", "Int32": "Int", "Int64": "Long", "Bool": "Bool"}


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Sample images at the places of a grid, as ``torch.nn.functional.grid_sample``.

    Args:
        input (Tensor): shape (N, C, H, W) or (N, C, D, H, W).
        grid (Tensor): shape (N, H_out, W_out, 2) or (N, D_out, H_out, W_out, 3), dtype of `input`: the places (x, y) or
            (x, y, z), from -1 to 1.
        mode (str): 'bilinear' (trilinear in three dimensions), 'nearest', or, of (N, C, H, W), 'bicubic'.
        padding_mode (str): 'zeros', 'border' or 'reflection': what is beyond the image.
        align_corners (bool, optional): whether -1 and 1 are the centres of the corner pixels, and not the corners.

    Returns:
        Tensor of shape (N, C, H_out, W_out) or (N, C, D_out, H_out, W_out).

    Raises:
        ValueError, RuntimeError, TypeError, NotImplementedError: As torch does, with torch's sentence.

    Differences from torch:
        There is no second derivative, which raises. Places that are NaN, infinite, or reflected from afar (1e10) may
        sample other pixels.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> image = Tensor(np.array([[[[0.0, 1.0]]]], np.float32))
        >>> grid = Tensor(np.array([[[[-0.5, 0.0], [0.0, 0.0]]]], np.float32))
        >>> print(F.grid_sample(image, grid, align_corners=False))
        [[[[0.  0.5]]]]
    """
    align_corners, inside, is_empty = _check_grid_sample(
        input.shape, input.dtype, grid.shape, grid.dtype, mode, padding_mode, align_corners
    )
    if is_empty:
        return _zeros((*input.shape[:2], *grid.shape[1:-1]), input.dtype)
    dtype = input.dtype
    if inside is not None:
        input, grid = _cast(input, inside), _cast(grid, inside)
    if mode == "bicubic":
        output = _bicubic(input, grid, padding_mode, align_corners)
    else:
        output = _sample(input, grid, mode, padding_mode, align_corners)
    return output if inside is None else _cast(output, dtype)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grids that transform images affinely, as ``torch.nn.functional.affine_grid``.

    Args:
        theta (Tensor): shape (N, 2, 3), or (N, 3, 4) in three dimensions.
        size (sequence of ints): of the images that :func:`grid_sample` is to give: (N, C, H, W) or (N, C, D, H, W).
        align_corners (bool, optional): that of :func:`grid_sample`.

    Returns:
        Tensor of shape (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ValueError, RuntimeError, TypeError, NotImplementedError: As torch does, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> theta = Tensor(np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], np.float32))
        >>> print(F.affine_grid(theta, (1, 1, 1, 2), align_corners=False))
        [[[[-0.5  0. ]
           [ 0.5  0. ]]]]
    """
    operator, inside = _affine_grid(theta.shape, theta.dtype, size, align_corners)
    if inside is None:
        return operator(theta)
    return _cast(operator(_cast(theta, inside)), theta.dtype)


def _align_corners(name: str, value: Any) -> bool:
    if value is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please "
            "specify align_corners=True if the old behavior is desired. See the documentation of grid_sample for "
            "details.", stacklevel=4,
        )
        return False
    if not isinstance(value, bool):
        fail(name, f"argument 'align_corners' must be bool, not {type(value).__name__}", TypeError)
    return value


def _check_sampling(
    shape: Any, dtype: Any, grid: Any, grid_dtype: Any, mode: Any, padding_mode: Any, align_corners: Any
) -> tuple[bool, Any, bool]:
    """align_corners, the dtype to compute in unless it is the input's, and whether the output is empty."""
    name = "grid_sample"
    if mode not in _MODES:
        fail(
            name,
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'",
            ValueError,
        )
    if padding_mode not in _PADDING_MODES:
        fail(
            name,
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'",
            ValueError,
        )
    align_corners = _align_corners(name, align_corners)
    shape, grid = ([None if one is None or one < 0 else one for one in lengths] for lengths in (shape, grid))
    if None not in (shape[0], grid[0]) and shape[0] != grid[0]:
        fail(
            name,
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"sizes {shape} and grid with sizes {grid}",
        )
    if grid[-1] not in (None, len(shape) - 2):
        fail(
            name,
            f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but "
            f"got grid with sizes {grid}",
        )
    for axis, length in enumerate(shape[2:], 2):
        if length == 0:
            fail(
                name,
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                f"has sizes {shape} with dimension {axis} being empty",
            )
    if len(shape) not in (4, 5) or len(shape) != len(grid):
        fail(
            name,
            f"grid_sampler(): expected {4 if len(shape) == 4 else 5}D input and grid with same "
            f"number of dimensions, but got input with sizes {shape} and grid with sizes {grid}",
        )
    if len(shape) == 5 and mode == "bicubic":
        fail(name, "grid_sampler(): bicubic interpolation only supports 4D input")
    one, other = str(dtype), str(grid_dtype)
    if one not in _FLOATS:
        kernel = f"grid_sampler_{len(shape) - 2}d_cpu{'_kernel_impl' if len(shape) == 4 else ''}"
        fail(name, f"\"{kernel}\" not implemented for '{_INTEGERS.get(one, one)}'", NotImplementedError)
    if one != other:
        names = {**_FLOATS, **_INTEGERS}
        fail(name, f"expected scalar type {names[one]} but found {names.get(other, other)}")
    return align_corners, None if one in ("Float32", "Float64") else ms.float32, 0 in (*shape[:2], *grid)


_check_grid_sample = compile_time(_check_sampling)


def _sample(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    if input.dtype == ms.float64 and input.ndim == 4:
        # In two dimensions float64 passes through float32 (MS-53), in three it does not.
        volume = _expand_dims(input, 2)
        places = _expand_dims(grid, 1)
        places = _concat((places, _zeros_like(places[..., :1])))
        return _squeeze(ops.grid_sample(volume, places, mode, padding_mode, align_corners))
    return ops.grid_sample(input, grid, mode, padding_mode, align_corners)


def _bicubic(input: Tensor, grid: Tensor, padding_mode: str, align_corners: bool) -> Tensor:
    """Sums of 4 x 4 nearest samples, since MindSpore has no such mode. Places are those of torch."""
    height, width = input.shape[2], input.shape[3]
    x = _place(grid[..., 0], width, align_corners)
    y = _place(grid[..., 1], height, align_corners)
    left = ops.stop_gradient(_floor(x))
    top = ops.stop_gradient(_floor(y))
    columns = _cubic_weights(x - left)
    rows = _cubic_weights(y - top)
    output = 0
    for row in range(4):
        line = 0
        vertical = _normalized(top + (row - 1), height, align_corners)
        for column in range(4):
            horizontal = _normalized(left + (column - 1), width, align_corners)
            sample = _sample(input, _stack((horizontal, vertical)), "nearest", padding_mode, align_corners)
            line = line + sample * _expand_dims(columns[column], 1)
        output = output + line * _expand_dims(rows[row], 1)
    return output


def _place(coordinate: Tensor, size: int, align_corners: bool) -> Tensor:
    """In pixels. torch: grid_sampler_unnormalize."""
    if align_corners:
        return (coordinate + 1) / 2 * (size - 1)
    return ((coordinate + 1) * size - 1) / 2


def _normalized(place: Tensor, size: int, align_corners: bool) -> Tensor:
    if align_corners:
        return place * 2 / max(size - 1, 1) - 1
    return (place * 2 + 1) / size - 1


def _cubic_weights(distance: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rest = 1 - distance
    return _cubic_far(distance + 1), _cubic_near(distance), _cubic_near(rest), _cubic_far(rest + 1)


def _cubic_near(x: Tensor) -> Tensor:
    return (1.25 * x - 2.25) * x * x + 1


def _cubic_far(x: Tensor) -> Tensor:
    return ((-0.75 * x + 3.75) * x - 6) * x + 3


def _find_affine_grid(shape: Any, dtype: Any, size: Any, align_corners: Any) -> tuple[nn.Cell, Any]:
    name = "affine_grid"
    align_corners = _align_corners(name, align_corners)
    if str(dtype) not in _FLOATS:
        fail(name, f"Expected theta to have floating point type, but got {dtype}", ValueError)
    size = tuple(size)
    if len(size) not in (4, 5):
        fail(
            name,
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}",
            NotImplementedError,
        )
    axes = len(size) - 2
    if len(shape) != 3 or tuple(shape[1:]) != (axes, axes + 1):
        fail(
            name,
            f"Expected a batch of {axes}D affine matrices of shape Nx{axes}x{axes + 1} for size "
            f"{size}. Got {tuple(shape)}",
            ValueError,
        )
    for position, one in enumerate(size, 1):
        if not isinstance(one, Integral):
            fail(
                name,
                f"argument 'size' failed to unpack the object at pos {position} with error \"type "
                f"must be tuple of ints,but got {type(one).__name__}\"",
                TypeError,
            )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            stacklevel=3,
        )
    elif min(size) <= 0:
        fail(name, f"Expected non-zero, positive output size. Got {size}", ValueError)
    if shape[0] is not None and shape[0] >= 0 and shape[0] != size[0]:
        fail(
            name,
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{size[0]}, {axes + 1}] but got: [{shape[0]}, {axes + 1}]",
        )
    inside = None if dtype in (ms.float32, ms.float64) else ms.float32
    number = "float64" if dtype == ms.float64 else "float32"
    return linear_map(_make_affine_grid, (size[2:], align_corners, number)), inside


_affine_grid = compile_time(_find_affine_grid)


def _make_affine_grid(is_transposed: bool, size: tuple[int, ...], align_corners: bool, dtype: str) -> nn.Cell:
    axes = []
    for length in reversed(size):  # x first
        places = np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
        axes.append(places if align_corners else places * ((length - 1) / length))
    grids = np.meshgrid(*reversed(axes), indexing="ij")
    points = np.stack([*reversed(grids), np.ones_like(grids[0])]).reshape(len(size) + 1, -1)
    return (_AffineGridGradient if is_transposed else _AffineGrid)(points.astype(dtype), size)


class _AffineGrid(nn.Cell):
    """Matrices to the transformed points."""

    def __init__(self, points: np.ndarray, size: tuple[int, ...]) -> None:
        super().__init__()
        self.points = Tensor(points)
        self.rows = (-1, len(size) + 1)
        self.product = (-1, len(size), points.shape[1])
        self.grid = (-1, *size, len(size))

    def construct(self, theta):  # type: ignore[no-untyped-def]
        product = _reshape(_matmul(_reshape(theta, self.rows), self.points), self.product)
        return _reshape_to_fresh(_transpose(product, (0, 2, 1)), self.grid)


class _AffineGridGradient(nn.Cell):
    """Its transposed map."""

    def __init__(self, points: np.ndarray, size: tuple[int, ...]) -> None:
        super().__init__()
        self.points = Tensor(np.ascontiguousarray(points.T))
        self.grid = (-1, points.shape[1], len(size))
        self.rows = (-1, points.shape[1])
        self.theta = (-1, len(size), len(size) + 1)

    def construct(self, gradient):  # type: ignore[no-untyped-def]
        rows = _reshape(_transpose(_reshape(gradient, self.grid), (0, 2, 1)), self.rows)
        return _reshape_to_fresh(_matmul(rows, self.points), self.theta)
