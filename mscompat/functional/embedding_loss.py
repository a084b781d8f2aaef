"""Losses of pairs, with the signatures of torch.nn.functional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from .reduction import (
    broadcast_shape,
    broadcast_sizes,
    float_dtypes,
    hinge,
    promoted,
    reduced,
    reduced_vectors,
    reduction_of,
    to_dtype,
)

__all__ = ["cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss"]

_add = ops.Add()
_div = ops.RealDiv()
_equal = ops.Equal()
_expand_dims = ops.ExpandDims()
_mul = ops.Mul()
_neg = ops.Neg()
_select = ops.Select()
_sqrt = ops.Sqrt()
_square = ops.Square()
_sub = ops.Sub()
_sum_kept = ops.ReduceSum(keep_dims=True)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -target * (input1 - input2) + margin), as ``torch.nn.functional.margin_ranking_loss``.

    Args:
        input1, input2, target (Tensor): with as many axes, of shapes that can be broadcast; `target` holds 1 and -1.
        margin (float): how much the one that ranks higher has to be larger.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _ranking_plan(
        (input1.shape, input2.shape, target.shape), (input1.dtype, input2.dtype, target.dtype),
        (size_average, reduce, reduction),
    )
    difference = _sub(to_dtype(input1, compute), to_dtype(input2, compute))
    loss = _add(_mul(_neg(to_dtype(target, compute)), difference), constant(margin, compute))
    return reduced(hinge(loss), reduction, result)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`input` where `target` is 1, max(0, margin - input) where it is -1: ``torch.nn.functional.hinge_embedding_loss``.

    Args:
        input, target (Tensor): of shapes that can be broadcast.
        margin (float): the distance from which on unlike pairs cost nothing.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _hinge_plan(
        (input.shape, target.shape), input.dtype, (size_average, reduce, reduction)
    )
    input = to_dtype(input, compute)
    unlike = hinge(_sub(constant(margin, compute), input))
    nothing = constant(0.0, compute)
    loss = _add(_select(_equal(target, 1), nothing, unlike), _select(_equal(target, -1), nothing, input))
    return reduced(loss, reduction, result)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where `target` is 1, max(0, cos - margin) where it is -1: ``torch.nn.functional.cosine_embedding_loss``.

    Args:
        input1, input2 (Tensor): shape (N, D), or (D,).
        target (Tensor): shape (N,), or (): 1 and -1.
        margin (float): the cosine up to which unlike pairs cost nothing.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _cosine_plan(
        (input1.shape, input2.shape, target.shape), (input1.dtype, input2.dtype), (size_average, reduce, reduction)
    )
    one, other = to_dtype(input1, compute), to_dtype(input2, compute)
    least = constant(1e-12, compute)
    squares = _mul(_add(_sum_kept(_square(one), -1), least), _add(_sum_kept(_square(other), -1), least))
    cosine = _div(_sum_kept(_mul(one, other), -1), _sqrt(squares))
    if target.ndim > 0:
        target = _expand_dims(target, -1)
    nothing = constant(0.0, compute)
    alike = _select(_equal(target, 1), _sub(1.0, cosine), nothing)
    unlike = _select(_equal(target, -1), hinge(_sub(cosine, constant(margin, compute))), nothing)
    return reduced_vectors(_add(alike, unlike), reduction, result)


# Checks


Shapes = tuple[Sequence[int], ...]
Reductions = tuple[Any, Any, Any]


def _sizes(shape: Sequence[int]) -> str:
    return f"torch.Size({list(shape)})"


@compile_time
def _ranking_plan(shapes: Shapes, dtypes: tuple[Any, ...], reductions: Reductions) -> tuple[str, Any, Any]:
    reduction = reduction_of("margin_ranking_loss", *reductions)
    if len(set(map(len, shapes))) > 1:
        first, second, target = map(_sizes, shapes)
        raise RuntimeError(
            "For 'margin_ranking_loss', margin_ranking_loss : All input tensors should have same dimension but got "
            f"sizes: input1: {first}, input2: {second}, target: {target} ."
        )
    broadcast_sizes("margin_ranking_loss", shapes[0], shapes[1])
    broadcast_sizes("margin_ranking_loss", shapes[2], broadcast_shape(shapes[0], shapes[1]))
    return (reduction, *float_dtypes(*dtypes))


@compile_time
def _hinge_plan(shapes: Shapes, dtype: Any, reductions: Reductions) -> tuple[str, Any, Any]:
    reduction = reduction_of("hinge_embedding_loss", *reductions)
    broadcast_sizes("hinge_embedding_loss", shapes[1], shapes[0])
    if promoted(dtype) is None and reduction == "mean":
        raise RuntimeError(
            "For 'hinge_embedding_loss', mean(): could not infer output dtype. Input dtype must be either a floating "
            "point or complex dtype."
        )
    return (reduction, *float_dtypes(dtype))


@compile_time
def _cosine_plan(shapes: Shapes, dtypes: tuple[Any, ...], reductions: Reductions) -> tuple[str, Any, Any]:
    name = "cosine_embedding_loss"
    reduction = reduction_of(name, *reductions)
    first, second, target = shapes
    axes = len(target)
    if axes > 1:
        raise RuntimeError(f"For '{name}', 0D or 1D target tensor expected, multi-target not supported.")
    if len(first) != axes + 1 or len(second) != axes + 1:
        raise RuntimeError(
            f"For '{name}', {axes}D target tensor expects {axes + 1}D input tensors, but found inputs with sizes "
            f"{list(first)} and {list(second)}."
        )
    broadcast_sizes(name, first, second)
    broadcast_sizes(name, target, broadcast_shape(first, second)[:-1])
    return (reduction, *float_dtypes(*dtypes))
