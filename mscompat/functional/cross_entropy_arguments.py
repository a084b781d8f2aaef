"""torch's rules for what cross_entropy and nll_loss are called with, and its sentences where they are broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import mindspore as ms
import numpy as np

from .._mindspore.compile_time import compile_time
from ._errors import fail, scalar_type
from .reduction import promoted

__all__ = ["check_cross_entropy", "check_nll", "has_class_probabilities"]

Shape = Sequence[int | None]  # None or -1: not known before the call


def _equal(one: Any, other: Any) -> bool:
    return one == other or one in (None, -1) or other in (None, -1)


def _all_equal(shape: Shape, other: Shape) -> bool:
    return len(shape) == len(other) and all(map(_equal, shape, other))


@compile_time
def has_class_probabilities(shape: Shape, target_shape: Shape) -> bool:
    """Whether the target holds probabilities, not classes: torch goes by the shapes alone."""
    return list(shape) == list(target_shape)


def _check_cross_entropy(
    shape: Shape,
    target_shape: Shape,
    weight_shape: Shape | None,
    dtypes: tuple[Any, Any, Any],
    ignore_index: Any,
    label_smoothing: float,
) -> None:
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, (int, np.integer)):
        raise TypeError(
            "For 'cross_entropy', cross_entropy_loss(): argument 'ignore_index' (position 5) must be int, not "
            f"{type(ignore_index).__name__}."
        )

    if label_smoothing > 1.0:
        # torch lets a negative one pass, and smooths nothing.
        fail("cross_entropy", f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if list(shape) != list(target_shape):
        _check_nll("cross_entropy", shape, target_shape, weight_shape, dtypes)
        return
    dtype, target_dtype, _ = dtypes
    if promoted(target_dtype) is None:
        fail(
            "cross_entropy",
            "Expected floating point type for target with class probabilities, got "
            f"{scalar_type(target_dtype)}",
        )
    if not shape:
        raise IndexError("For 'cross_entropy', Dimension specified as 1 but tensor has no dimensions.")
    if ignore_index >= 0:
        fail("cross_entropy", "ignore_index is not supported for floating point target")
    classes = shape[0] if len(shape) == 1 else shape[1]
    if weight_shape is not None and not (len(weight_shape) == 1 and _equal(weight_shape[0], classes)):
        fail(
            "cross_entropy",
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight_shape)}",
        )
    if promoted(dtype) is None:
        _no_integers("cross_entropy", dtype)


check_cross_entropy = compile_time(_check_cross_entropy)


def _no_integers(name: str, dtype: Any) -> NoReturn:
    kernel = "nll_loss_out_frame" if name == "nll_loss" else "log_softmax_lastdim_kernel_impl"
    raise NotImplementedError(f"""For '{name}', "{kernel}" not implemented for '{scalar_type(dtype)}'.""")


def _check_nll(
    name: str, shape: Shape, target_shape: Shape, weight_shape: Shape | None, dtypes: tuple[Any, Any, Any]
) -> None:
    dtype, target_dtype, weight_dtype = dtypes
    axes, target_axes = len(shape), len(target_shape)
    if promoted(dtype) is None:
        _no_integers(name, dtype)
    if axes < 1:
        fail(name, f"Expected 1 or more dimensions (got {axes})", ValueError)
    if axes == 1 and target_axes > 0 and not _equal(target_shape[0], 1):
        fail(name, f"For 1D input, 1D target must have size 1, but got target size: {target_shape[0]}", ValueError)
    if axes > 1 and not _equal(shape[0], target_shape[0] if target_axes else 0):
        fail(
            name,
            f"Expected input batch_size ({shape[0]}) to match target batch_size "
            f"({target_shape[0] if target_axes else 0}).",
            ValueError,
        )
    is_image = axes == 4
    if axes <= 2:
        if target_axes > 1:
            fail(name, "0D or 1D target tensor expected, multi-target not supported")
    elif is_image:
        if target_axes != 3:
            fail(
                name,
                f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target_axes}",
            )
    elif not _all_equal([shape[0], *shape[2:]], target_shape):
        fail(name, f"Expected target size {[shape[0], *shape[2:]]}, got {list(target_shape)}")
    if target_dtype not in (ms.int64, ms.int32, ms.uint8):
        if axes <= 2:
            fail(name, f"expected target dtype to be Long or Byte, but got {scalar_type(target_dtype)}")
        fail(name, f"expected scalar type Long but found {scalar_type(target_dtype)}")
    if target_dtype == ms.uint8 and axes > 2:
        fail(name, "expected scalar type Long but found Byte")
    classes = shape[0] if axes == 1 else shape[1]
    if is_image and not _all_equal([shape[0], *shape[2:]], target_shape):
        fail(name, f"size mismatch (got input: {list(shape)} , target: {list(target_shape)}")
    if weight_shape is not None:
        if not (len(weight_shape) == 1 and _equal(weight_shape[0], classes)):
            if axes <= 2:
                fail(
                    name,
                    f"weight tensor should be defined either for all {classes} classes or no classes but got weight "
                    f"tensor of shape: {list(weight_shape)}",
                )
            fail(name, "weight tensor should be defined either for all or no classes")
        if weight_dtype != dtype:
            fail(name, f"expected scalar type {scalar_type(dtype)} but found {scalar_type(weight_dtype)}")
    if classes == 0 and 0 not in target_shape:
        fail(name, "Target is out of bounds: there are no classes", IndexError)


check_nll = compile_time(_check_nll)
