"""Losses of triplets, with the signatures of torch.nn.functional."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from ._vector_norm import vector_norm
from .distance import pairwise_distance
from .reduction import broadcast_sizes, float_dtypes, hinge, reduced, reduced_vectors, reduction_of, to_dtype

__all__ = ["triplet_margin_loss", "triplet_margin_with_distance_loss"]

_add = ops.Add()
_minimum = ops.Minimum()
_sub = ops.Sub()

Shapes = tuple[Sequence[int], ...]
Reductions = tuple[Any, Any, Any]


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, |anchor - positive| - |anchor - negative| + margin), as ``torch.nn.functional.triplet_margin_loss``.

    Args:
        anchor, positive, negative (Tensor): with as many axes, of shapes that can be broadcast; the last one is that of
            the vectors.
        margin (float): positive.
        p (float): of the norm.
        eps (float): added to differences.
        swap (bool): whether the distance of `positive` and `negative` stands for that of `anchor` and `negative`, where
            it is smaller.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _triplet_plan(
        (anchor.shape, positive.shape, negative.shape), (anchor.dtype, positive.dtype, negative.dtype),
        (size_average, reduce, reduction), margin,
    )
    anchor, positive, negative = to_dtype(anchor, compute), to_dtype(positive, compute), to_dtype(negative, compute)
    to_negative = _distance(anchor, negative, p, eps)
    if swap:
        other = _distance(positive, negative, p, eps)
        # The smaller one: Minimum halves the gradient where they are equal, and so does torch.
        to_negative = _minimum(to_negative, other)
    loss = _sub(_add(_distance(anchor, positive, p, eps), constant(margin, compute)), to_negative)
    return reduced_vectors(hinge(loss), reduction, result)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """The loss of triplets with a given distance, as ``torch.nn.functional.triplet_margin_with_distance_loss``.

    Args:
        anchor, positive, negative (Tensor): what the distance takes, with as many axes.
        distance_function (callable, optional): two tensors -> distances; :func:`pairwise_distance` if there is none.
        margin (float): positive.
        swap (bool): see :func:`triplet_margin_loss`.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    _with_distance_plan((anchor.shape, positive.shape, negative.shape), margin, reduction)
    if distance_function is None:
        to_positive, to_negative = pairwise_distance(anchor, positive), pairwise_distance(anchor, negative)
    else:
        to_positive, to_negative = distance_function(anchor, positive), distance_function(anchor, negative)
    if swap:
        if distance_function is None:
            to_negative = _minimum(to_negative, pairwise_distance(positive, negative))
        else:
            to_negative = _minimum(to_negative, distance_function(positive, negative))
    loss = _sub(_add(to_positive, constant(margin, to_positive.dtype)), to_negative)
    return reduced(hinge(loss), reduction)


def _distance(one: Tensor, other: Tensor, p: float, eps: float) -> Tensor:
    """The norm of the difference, with the last axis of size 1."""
    return vector_norm(_add(_sub(one, other), constant(eps, one.dtype)), p, -1)


def _check_axes(name: str, shapes: Shapes) -> None:
    anchor, positive, negative = shapes
    if len(set(map(len, shapes))) > 1:
        raise RuntimeError(
            f"For '{name}', The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {len(anchor)}D, positive {len(positive)}D, and negative {len(negative)}D "
            "inputs."
        )


def _check_margin(name: str, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"For '{name}', margin must be greater than 0, got {margin}.")


@compile_time
def _triplet_plan(
    shapes: Shapes, dtypes: tuple[Any, ...], reductions: Reductions, margin: float
) -> tuple[str, Any, Any]:
    name = "triplet_margin_loss"
    reduction = reduction_of(name, *reductions)
    _check_margin(name, margin)
    _check_axes(name, shapes)
    anchor, positive, negative = shapes
    broadcast_sizes(name, anchor, positive)
    broadcast_sizes(name, anchor, negative)
    broadcast_sizes(name, positive, negative)
    return (reduction, *float_dtypes(*dtypes))


@compile_time
def _with_distance_plan(shapes: Shapes, margin: float, reduction: Any) -> None:
    name = "triplet_margin_with_distance_loss"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"For '{name}', {reduction} is not a valid value for reduction.")
    _check_margin(name, margin)
    _check_axes(name, shapes)
