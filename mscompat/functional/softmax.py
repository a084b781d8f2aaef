"""softmax, log_softmax and softmin, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
import warnings
from numbers import Integral
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from ._elementwise import axis_of, check_tensor, refuse, spread

__all__ = ["log_softmax", "softmax", "softmin"]

_add = ops.Add()
_cast = ops.Cast()
_div = ops.RealDiv()
_exp = ops.Exp()
_expm1 = ops.Expm1()
_log = ops.Log()
_mul = ops.Mul()
_neg = ops.Neg()
_reshape = ops.Reshape()
_sub = ops.Sub()
_sum = ops.ReduceSum(keep_dims=True)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x) over its sum along an axis, as ``torch.nn.functional.softmax``.

    Args:
        input (Tensor): of any shape.
        dim (int): the axis. None, which torch deprecates, is 0 for inputs of 0, 1 or 3 axes, else 1.
        dtype (mindspore.dtype): to cast the input to before.

    Returns:
        Tensor of the shape of `input`.

    Raises:
        IndexError, NotImplementedError: If there is no such axis; if the dtype is none of floating-point numbers.
    """
    return _run("softmax", input, dim, _stacklevel, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`, as ``torch.nn.functional.log_softmax``. Arguments are the same."""
    return _run("log_softmax", input, dim, _stacklevel, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """:func:`softmax` of -x, as ``torch.nn.functional.softmin``. Arguments are the same."""
    return _run("softmin", input, dim, _stacklevel, dtype)


def _run(name: str, input: Tensor, dim: Any, stacklevel: int, dtype: Any) -> Tensor:
    check_tensor(name, input)
    cell, before, after = _plan(name, input.shape, input.dtype, _dim(name, dim, len(input.shape), stacklevel), dtype)
    if before is not None:
        input = _cast(input, before)
    if cell is not None:
        if name == "softmin":
            input = _neg(input)
        input = cell(input)
    return input if after is None else _cast(input, after)


@compile_time
def _dim(name: str, dim: Any, rank: int, stacklevel: int) -> int:
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
            "argument.",
            stacklevel=stacklevel + 1,
        )
        return 0 if rank in (0, 1, 3) else 1
    if isinstance(dim, bool) or not isinstance(dim, Integral):
        raise TypeError(f"For '{name}', argument 'dim' (position 1) must be int, not {type(dim).__name__}.")
    return int(dim)


@compile_time
@functools.lru_cache(maxsize=1024)
def _plan(name: str, shape: tuple[int | None, ...], given: Any, dim: int, dtype: Any) -> tuple[Any, Any, Any]:
    """The cell (None for an empty input, which stays as it is), and the dtypes before and after it, if they change."""
    wanted = given if dtype is None else dtype
    axis = axis_of(name, dim, len(shape))
    if wanted not in (ms.float16, ms.bfloat16, ms.float32, ms.float64):
        kernel = "softmax" if name == "softmin" else name
        is_last = axis == max(len(shape), 1) - 1
        refuse(name, f"{kernel}_lastdim_kernel_impl" if is_last else f"{kernel}_kernel_impl", wanted)
    # As in torch, half types are computed in float32, and cast to before, if that was asked for.
    computed = ms.float32 if wanted in (ms.float16, ms.bfloat16) else wanted
    cell: Any = None
    if 0 not in shape:
        cell = (LogSoftmax if name == "log_softmax" else Softmax)(axis, computed)
        if not shape:
            cell = _OfScalar(cell)
    return cell, None if given == computed else computed, None if computed == wanted else wanted


class _Shifted(nn.Cell):
    """x less its maximum, along an axis: of all -inf, NaN."""

    def __init__(self, axis: int, dtype: Any) -> None:
        super().__init__()
        self.axis = axis
        # ReduceMax takes four times as long.
        self.max = ops.ArgMaxWithValue(axis, keep_dims=True)
        self.one = constant(1.0, dtype)
        self.is_float64 = dtype == ms.float64

    def shifted(self, x):  # type: ignore[no-untyped-def]
        return _sub(x, self.max(x)[1])


class Softmax(_Shifted):
    """MindSpore's, in float32, writes no output where all is -inf (MS-70), and NaN makes one NaN, not a row (MS-50).

    In PyNative mode, its gradient has none itself (MS-64).
    """

    def __init__(self, axis: int, dtype: Any) -> None:
        super().__init__(axis, dtype)
        self.operator = ops.Softmax(axis)

    def construct(self, x):  # type: ignore[no-untyped-def]
        if self.is_float64:
            return self.operator(x)
        exponentials = _exp(self.shifted(x))
        return _div(exponentials, _sum(exponentials, self.axis))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_mul(output, _sub(gradient, _sum(_mul(gradient, output), self.axis))),)


class LogSoftmax(_Shifted):
    """MindSpore's is off by 5e-6, in float64 too (MS-53), keeps NaN to itself (MS-50); its gradient has none (MS-63)"""

    def __init__(self, axis: int, dtype: Any) -> None:
        super().__init__(axis, dtype)
        self.softmax = Softmax(axis, dtype)

    def construct(self, x):  # type: ignore[no-untyped-def]
        shifted = self.shifted(x)
        # In float32, Exp is off by 3e-6 (MS-56).
        exponentials = _exp(shifted) if self.is_float64 else _add(_expm1(shifted), self.one)
        return _sub(shifted, _log(_sum(exponentials, self.axis)))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_sub(gradient, _mul(self.softmax(x), spread(_sum(gradient, self.axis), x))),)


class _OfScalar(nn.Cell):
    """Of a tensor without axes, which MindSpore's refuse."""

    def __init__(self, cell: nn.Cell) -> None:
        super().__init__()
        self.cell = cell

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _reshape(self.cell(_reshape(x, (1,))), ())
