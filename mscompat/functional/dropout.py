"""Dropout, with the signatures of torch.nn.functional. The random numbers are MindSpore's.

They are others in each call, and begin anew after mindspore.set_seed: in PyNative mode at the next call, in Graph mode
when a graph is compiled. `inplace` is accepted, and changes nothing.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections import OrderedDict
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time, is_in_graph
from .._mindspore.parsed_anew import parsed_anew
from .._mindspore.seeds import seed_and_whether_new
from ._elementwise import check_tensor, spread
from ._errors import scalar_type

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

_FLOAT32 = ms.float32
_HALF = (ms.float16, ms.bfloat16)
_SELU_LIMIT = -1.7580993408473766
"""What torch sets elements to, before it brings mean and variance back to 0 and 1."""

_add = ops.Add()
_cast = ops.Cast()
_mul = ops.Mul()
_ones_like = ops.OnesLike()


@parsed_anew
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Elements are 0 with probability p, and are divided by 1 - p otherwise, as ``torch.nn.functional.dropout``.

    Raises:
        ValueError: If p is not from 0 to 1.
    """
    return _run("dropout", input, p, training)


@parsed_anew
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Channels are 0 with probability p, as ``torch.nn.functional.dropout1d``.

    Args:
        input (Tensor): shape (N, C, L) or (C, L).
        p (float): the share of channels.
        training (bool): otherwise, the output is the input.
        inplace (bool): changes nothing.

    Raises:
        ValueError, RuntimeError: If p is not from 0 to 1; if the input has another number of axes.
    """
    return _run("dropout1d", input, p, training)


@parsed_anew
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Channels are 0 with probability p, as ``torch.nn.functional.dropout2d``.

    Args:
        input (Tensor): shape (N, C, H, W); (N, C, L), with torch's warning that it is not (C, H, W).
        p (float): the share of channels.
        training (bool): otherwise, the output is the input.
        inplace (bool): changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.
    """
    return _run("dropout2d", input, p, training)


@parsed_anew
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Channels are 0 with probability p, as ``torch.nn.functional.dropout3d``.

    Args:
        input (Tensor): shape (N, C, D, H, W) or (C, D, H, W).
        p (float): the share of channels.
        training (bool): otherwise, the output is the input.
        inplace (bool): changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.
    """
    return _run("dropout3d", input, p, training)


@parsed_anew
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Elements are SELU's limit far below 0 with probability p, as ``torch.nn.functional.alpha_dropout``.

    All are then scaled and shifted, so that an input of mean 0 and variance 1 gives an output of these, on average.

    Raises:
        ValueError: If p is not from 0 to 1.
    """
    return _run("alpha_dropout", input, p, training)


@parsed_anew
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """:func:`alpha_dropout` of whole channels, as ``torch.nn.functional.feature_alpha_dropout``.

    Args:
        input (Tensor): shape (N, C, *).
        p (float): the share of channels.
        training (bool): otherwise, the output is the input.
        inplace (bool): changes nothing.

    Raises:
        ValueError, RuntimeError: If p is not from 0 to 1; if the input has less than two axes.
    """
    return _run("feature_alpha_dropout", input, p, training)


@parsed_anew
def _run(name: str, input: Tensor, p: float, training: bool) -> Tensor:
    check_tensor(name, input)
    plan = _plan(name, p, training, input.shape, input.dtype)
    if plan is None:
        return input
    is_half, axes, is_alpha, numbers = plan
    x = _cast(input, _FLOAT32) if is_half else input
    if numbers is None:
        output = _mul(x, constant(0.0, x.dtype))  # NaN and infinity become NaN, as in torch
    elif axes is None and not is_alpha:
        output = _drop(x, p)
    else:
        scales = _drop(_ones_like(x) if axes is None else _ones_of_channels(x, axes), p)
        scales = scales if axes is None else spread(scales, x)
        output = _with_limit(x, scales, numbers) if is_alpha else _mul(x, scales)
    return _cast(output, input.dtype) if is_half else output


@compile_time
def _plan(name: str, p: Any, training: Any, shape: tuple[int | None, ...], dtype: Any) -> Any:
    """None where the output is the input; else whether it is computed in float32 instead of a half type, the leading
    axes that have a mask (None for all), whether elements are set to SELU's limit, and numbers (None for p = 1)."""
    if not 0 <= p <= 1:
        raise ValueError(f"For '{name}', dropout probability has to be between 0 and 1, but got {p}.")
    rank = len(shape)
    _check_rank(name, rank)
    if not isinstance(training, bool):
        raise TypeError(f"For '{name}', argument 'train' (position 3) must be bool, not {type(training).__name__}.")
    if not training or p == 0 or 0 in shape:
        return None
    if rank < 2 and name in ("dropout2d", "feature_alpha_dropout"):
        raise RuntimeError(f"For '{name}', Feature dropout requires at least 2 dimensions in the input.")
    if dtype not in (*_HALF, ms.float32, ms.float64):
        raise RuntimeError(
            f"For '{name}', result type Float can't be cast to the desired output type {scalar_type(dtype)}."
        )
    axes = None
    if name in ("dropout2d", "feature_alpha_dropout"):
        axes = 2
    elif name in ("dropout1d", "dropout3d"):
        # Without a batch, the first axis is that of the channels.
        axes = 2 if rank == {"dropout1d": 3, "dropout3d": 5}[name] else 1
    is_half = dtype in _HALF
    numbers = None if p == 1 else _limit_numbers(float(p), ms.float32 if is_half else dtype)
    return is_half, None if axes == rank else axes, "alpha" in name, numbers


@functools.lru_cache(maxsize=64)
def _limit_numbers(p: float, dtype: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The factor of x, times a scale of 0 or 1 / (1 - p); what is added for that scale; and what is added to all."""
    slope = 1 / math.sqrt((_SELU_LIMIT**2 * p + 1) * (1 - p))
    limit = _SELU_LIMIT * slope
    return constant(slope * (1 - p), dtype), constant(-limit * (1 - p), dtype), constant(limit - limit * p, dtype)


def _check_rank(name: str, rank: int) -> None:
    if name == "dropout1d" and rank not in (2, 3):
        raise RuntimeError(
            f"For '{name}', dropout1d: Expected 2D or 3D input, but received a {rank}D input. Note that dropout1d "
            "exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an "
            "optional batch dimension (i.e. 2D or 3D inputs)."
        )
    dimensions = {"dropout2d": 2, "dropout3d": 3}.get(name)
    if dimensions is None:
        return
    if rank not in (dimensions + 1, dimensions + 2):
        warnings.warn(
            f"{name}: Received a {rank}-D input to {name}, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            f"{name} exists to provide channel-wise dropout on inputs with {dimensions} spatial dimensions, a channel "
            f"dimension, and an optional batch dimension (i.e. {dimensions + 1}D or {dimensions + 2}D inputs).",
            stacklevel=5,
        )
    if name == "dropout2d" and rank == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=5,
        )


def _with_limit(x: Tensor, scales: Tensor, numbers: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """x, or SELU's limit where scales are 0 instead of 1 / (1 - p); scaled and shifted."""
    by_scale, shift_by_scale, rest = numbers
    return _add(_mul(_mul(x, scales), by_scale), _add(_mul(scales, shift_by_scale), rest))


def _ones_of_channels(x: Tensor, axes: int) -> Tensor:
    """Ones, of the shape of x, whose axes behind the first ones have size 1."""
    begin, end, strides = _slice_plan(len(x.shape), axes)
    return _ones_like(_slice(axes)(ops.stop_gradient(x), begin, end, strides))


@compile_time
def _slice_plan(rank: int, axes: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    return (0,) * rank, (1,) * rank, (1,) * rank


@compile_time
@functools.lru_cache(maxsize=8)
def _slice(axes: int) -> Any:
    return ops.StridedSlice(end_mask=2**axes - 1)


@parsed_anew
def _drop(x: Tensor, p: float) -> Tensor:
    """x / (1 - p), or 0 with probability p."""
    if is_in_graph():
        return ops.dropout(x, p)
    return _operators.of(1.0 - p, x.shape, x.dtype)(x)[0]


class _Operators:
    """In PyNative mode, the operators for each share, shape and dtype, whose random numbers go on from call to call.

    ops.dropout makes an operator in each call, which takes a millisecond. One for all shapes would begin with the same
    numbers for each (MS-74).
    """

    _most = 1024
    _largest_seed = 2**31 - 1

    def __init__(self) -> None:
        self._made = 0
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def of(self, keep: float, *kind: Any) -> Any:
        """(tensor of a shape and dtype) -> output and mask."""
        seed, is_new = seed_and_whether_new()
        if is_new:
            self._made = 0
            self._kept.clear()
        operator = self._kept.get((keep, *kind))
        if operator is None:
            self._made += 1
            # Without a seed, MindSpore draws one for each kernel.
            operator = ops.Dropout(keep) if seed is None else ops.Dropout(keep, seed % self._largest_seed, self._made)
            self._kept[(keep, *kind)] = operator
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return operator


_operators = _Operators()
