"""Tensors of a file that torch.save wrote: where they are in it, and their values."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .arrays import BFLOAT16, with_mindspores_type
from .errors import TorchFileError
from .tensor_file import File

__all__ = [
    "ITEMSIZE", "Storage", "StorageView", "TorchTensor", "UnsupportedTensor", "extent", "is_shape",
    "is_size",
]  # fmt: skip

ITEMSIZE = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
}  # fmt: skip
# NumPy has no such types: their tensors are listed, but not read.
_LISTED_ONLY = {
    "complex32": 4, "float8_e4m3fn": 1, "float8_e4m3fnuz": 1, "float8_e5m2": 1, "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1, "float4_e2m1fn_x2": 1, "bits8": 1, "bits16": 2, "bits1x8": 1, "bits2x4": 1, "bits4x2": 1,
    "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
    "untyped": 1,  # of a storage: its tensors say what they are
}  # fmt: skip
ITEMSIZE |= _LISTED_ONLY
"""Bytes of an element, by torch's name of its type."""

_MOST_DIMENSIONS = 64  # torch's limit


class TorchTensor:
    """A tensor of a file, whose values are read when they are asked for.

    Attributes:
        shape (tuple of int): its size.
        dtype (str): torch's name of its type: 'float32'.
    """

    __slots__ = ("_conjugate", "_file", "_negative", "_offset", "_storage", "_strides", "dtype", "shape")

    def __init__(
        self, file: File, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str
    ) -> None:
        self._file = file
        self._storage = storage
        self._offset = offset  # like the strides, in elements
        self._strides = strides
        self._conjugate = self._negative = False
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"TorchTensor(shape={self.shape}, dtype={self.dtype})"

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return self.size * ITEMSIZE[self.dtype]

    def numpy(self) -> np.ndarray:
        """Read the values, into an array of its own; of bfloat16, in the NumPy type that MindSpore has for it.

        Raises:
            TorchFileError: If the file changed, NumPy has no such type, or the tensor is sparse, quantized, nested or
                meta.
        """
        return with_mindspores_type(self.stored())

    def stored(self) -> np.ndarray:
        """Read the values as numpy does, but of bfloat16 the bits, in a record type: MindSpore is not needed."""
        if self.dtype in _LISTED_ONLY:
            self._file.fail(f"NumPy has no type for {self.dtype}")
        name = {"bfloat16": "uint16", "bool": "uint8"}.get(self.dtype, self.dtype)
        raw = np.dtype(name).newbyteorder(self._file.byteorder)
        try:
            values = self._read(raw)
        except TorchFileError:
            raise
        except (ValueError, OverflowError):
            self._file.fail(f"NumPy has no arrays of {len(self.shape)} dimensions, or of such sizes: {self.shape}")
        if self.dtype == "bool":
            return np.ascontiguousarray(values != 0).reshape(self.shape)  # every byte but 0 is True, as in torch
        values = np.asarray(values, raw.newbyteorder("="), order="C")
        if self.dtype == "bfloat16":
            if self._negative:
                values ^= 0x8000  # the sign
            return values.view(BFLOAT16)
        if self._conjugate:
            np.conjugate(values, out=values)
        if self._negative:
            np.negative(values, out=values)
        return values

    def _read(self, raw: np.dtype) -> np.ndarray:
        if self.size == 0:
            return np.empty(self.shape, raw)
        position = self._storage.position + self._offset * raw.itemsize
        count = extent(self.shape, self._strides) * raw.itemsize
        # Where there is one element, the stride says nothing, and may be too large for NumPy.
        strides = [
            stride * raw.itemsize if size > 1 else 0 for size, stride in zip(self.shape, self._strides, strict=True)
        ]
        if count > 4 * self.nbytes + 2**16:
            return self._file.read_sparsely(position, count, self.shape, raw, strides)
        return np.ndarray(self.shape, raw, self._file.read(position, count), 0, strides)


class UnsupportedTensor(TorchTensor):
    """A sparse, quantized, nested or meta tensor: it is listed, and its values are not read.

    Of a nested one, the shape is the number of its tensors.
    """

    __slots__ = ("_kind",)

    def __init__(self, file: File, kind: str, shape: tuple[int, ...], dtype: str) -> None:
        super().__init__(file, Storage(dtype, 0), 0, shape, (), dtype)
        self._kind = kind

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, {self._kind})"

    def stored(self) -> np.ndarray:
        """Raise TorchFileError."""
        self._file.fail(f"{self._kind} tensors are not supported")


class Storage:
    """A run of values in the file."""

    __slots__ = ("dtype", "position", "size")

    def __init__(self, dtype: str, size: int, position: int = -1) -> None:
        self.dtype = dtype
        self.size = size
        self.position = position  # in bytes; in the older format, known only when the pickle has been read

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self.size * ITEMSIZE[self.dtype]


class StorageView(NamedTuple):
    """A part of a storage, in elements."""

    storage: Storage
    start: int
    size: int


def is_size(value: Any) -> bool:
    """Whether it is a number of elements or bytes that a file may have."""
    return type(value) is int and 0 <= value < 2**62


def is_shape(value: Any) -> bool:
    """Whether it is the shape of a tensor that could be addressed, were each of its sizes 1 at least."""
    return (
        type(value) is tuple
        and len(value) <= _MOST_DIMENSIONS
        and all(map(is_size, value))
        and math.prod(max(size, 1) for size in value) < 2**60
    )


def extent(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Elements from the first to the last, both included, of a tensor that has any."""
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
