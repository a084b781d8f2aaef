"""Tensors of every library and file, as NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "BFLOAT16", "MOST_DIMS", "cast", "dtype_name", "fits_numpy", "is_tensor", "numpy_type", "to_numpy", "to_stored",
    "with_mindspores_type",
]  # fmt: skip

MOST_DIMS = 32
"""That NumPy's arrays have."""
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""Of arrays with the bits of bfloat16, for which NumPy has no type: what is only copied needs no MindSpore."""


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor, or an array, of NumPy, MindSpore, torch or a file."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def fits_numpy(shape: Sequence[int], itemsize: int) -> bool:
    """Whether NumPy can hold an array of that shape: an empty one too has bounds."""
    sizes = [size for size in shape if size != 0]
    return len(shape) <= MOST_DIMS and min(sizes, default=1) > 0 and math.prod(sizes) * itemsize < 2**63


def dtype_name(value: Any) -> str:
    """The dtype of a tensor in torch's (and NumPy's) words: 'float32'."""
    if isinstance(value.dtype, np.dtype):
        return "bfloat16" if value.dtype == BFLOAT16 else value.dtype.name
    return str(value.dtype).lower().removeprefix("torch.")


def to_numpy(value: Any) -> np.ndarray:
    """The values of a tensor; of bfloat16, in a NumPy type of that name."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("a masked array has no values where it is masked: fill it first")
    if hasattr(value, "asnumpy"):  # MindSpore's
        return value.asnumpy().copy()  # on CPU, asnumpy shares the tensor's memory
    if hasattr(value, "detach"):  # torch's
        value = value.detach().cpu().resolve_conj().resolve_neg()
        if dtype_name(value) == "bfloat16":
            return value.float().numpy().astype(_bfloat16_type())
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def to_stored(value: Any) -> np.ndarray:
    """The values of a tensor; of a file's in bfloat16, in the type BFLOAT16."""
    return value.stored() if hasattr(value, "stored") else to_numpy(value)


def with_mindspores_type(array: np.ndarray) -> np.ndarray:
    """The same array, or if its type is BFLOAT16, in the NumPy type that MindSpore brings."""
    return array.view(_bfloat16_type()) if array.dtype == BFLOAT16 else array


def cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The array in C order and another type, rounded as torch rounds.

    Raises:
        TypeError: If it holds no numbers: NumPy makes some of dates, strings, records and objects.
    """
    kind = array.dtype
    if kind.kind not in "biufc" and (kind.kind != "V" or kind.type is np.void):  # bfloat16's kind is V
        raise TypeError(f"expected numbers or bools, but got an array of {kind.name}")
    if kind.name == dtype.name == "bfloat16":
        array = array.view(np.uint16).view(dtype)  # ml_dtypes has another type of that name; no cast joins them
    elif "bfloat16" in (kind.name, dtype.name):
        array = array.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # torch makes infinities silently
        return array.astype(dtype, order="C")


def numpy_type(dtype: Any) -> np.dtype:
    """NumPy's type of one of MindSpore's; for bfloat16, the one that MindSpore brings."""
    from mindspore import Tensor

    return Tensor(0, dtype).asnumpy().dtype


def _bfloat16_type() -> np.dtype:
    import mindspore as ms

    return numpy_type(ms.bfloat16)
