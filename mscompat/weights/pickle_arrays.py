"""NumPy's arrays and numbers in a pickle. Only those of numbers are read: dims, type and bytes have to agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .inert import InertObject
from .pickle_budget import Budget
from .pickle_known import UNKNOWN
from .tensors import is_shape

__all__ = ["ARRAY_FUNCTIONS", "as_array"]

_CODES = {"f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1", "c8", "c16"}
_MODULES = ("numpy.core", "numpy._core")  # of NumPy 1 and 2


def as_array(budget: Budget, record: InertObject) -> Any:
    """The array that a record stands for once it has its state; the record itself where it is none of numbers."""
    if record.name not in _RECONSTRUCT:
        return record
    match record.arguments, record.state:
        case (InertObject(name="numpy.ndarray"), *_), (_, shape, dtype, bool(fortran), data):
            array = _array(budget, data, dtype, shape, "F" if fortran else "C")
            return record if array is UNKNOWN else array
    return record


def _from_buffer(budget: Budget, data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    """An array in protocol 5."""
    return _array(budget, data, dtype, shape, order)


def _array(budget: Budget, data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    """An array of its own, in the byte order of this machine."""
    kind, raw = _dtype(dtype), _raw(budget, data)
    if kind is None or raw is None or type(order) is not str or order not in ("C", "F"):
        return UNKNOWN
    count = 1
    if not is_shape(shape):
        budget.fail("the file is damaged: the sizes of a NumPy array are no such")
    for size in shape:
        count *= size
    if count * kind.itemsize != len(raw):
        budget.fail("the file is damaged: the bytes of a NumPy array are not those of its sizes")
    budget.spend(200 + len(raw))
    try:
        return _values(raw, kind).reshape(shape, order="C" if order == "C" else "F")
    except ValueError:
        return UNKNOWN  # more dimensions than NumPy has


def _scalar(budget: Budget, dtype: Any, data: Any = b"") -> Any:
    """A NumPy number, as many a checkpoint has of its best accuracy; as a Python number."""
    kind, raw = _dtype(dtype), _raw(budget, data)
    if kind is None or raw is None or len(raw) != kind.itemsize:
        return UNKNOWN
    budget.spend(50)
    return _values(raw, kind)[0].item()


def _dtype(record: Any) -> np.dtype | None:
    """The type that the record of one stands for, of numbers only."""
    match record:
        case InertObject(name="numpy.dtype", arguments=(str(code), *_), state=state) if code in _CODES:
            order = state[1] if type(state) is tuple and len(state) > 1 else None
            if type(order) is str and order in ("<", ">", "|", "="):
                return np.dtype(code).newbyteorder(">" if order == ">" else "<" if order == "<" else "=")
    return None


def _raw(budget: Budget, data: Any) -> bytes | bytearray | None:
    if type(data) is str:  # Python 2's
        budget.spend(50 + 4 * len(data))
        return data.encode("utf-8", "surrogatepass")
    return data if type(data) in (bytes, bytearray) else None


def _values(raw: bytes | bytearray, kind: np.dtype) -> np.ndarray:
    if not raw:
        return np.empty(0, kind.newbyteorder("="))
    if kind.kind == "b":
        return np.frombuffer(raw, np.uint8) != 0  # a bool of another byte is none
    return np.frombuffer(raw, kind).astype(kind.newbyteorder("="))


_RECONSTRUCT = {f"{module}.multiarray._reconstruct" for module in _MODULES}
ARRAY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f"{module}.multiarray.scalar": _scalar for module in _MODULES},
    **{f"{module}.numeric._frombuffer": _from_buffer for module in _MODULES},
}
"""What stands for NumPy's functions, by their names; each is called with the budget first."""
