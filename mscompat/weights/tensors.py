"""Tensors of a file that torch.save wrote: where they are in it, and their values."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

__all__ = ["ITEMSIZE", "File", "Storage", "StorageView", "TorchFileError", "TorchTensor", "extent", "is_size"]

ITEMSIZE = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
}  # fmt: skip
# NumPy has no such types: their tensors are listed, but not read.
_LISTED_ONLY = {
    "complex32": 4, "float8_e4m3fn": 1, "float8_e4m3fnuz": 1, "float8_e5m2": 1, "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
    "untyped": 1,  # of a storage: its tensors say what they are
}  # fmt: skip
ITEMSIZE |= _LISTED_ONLY
"""Bytes of an element, by torch's name of its type."""

# Tensors that overlap or share their values (expand, tied weights) take more memory than the file.
_SHARING = 8
_FREE_BYTES = 2**28


class TorchFileError(ValueError):
    """A file is not one of torch.save's, is damaged, or holds more than tensors and plain containers."""


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
            TorchFileError: If the file changed, or NumPy has no such type.
        """
        if self.dtype in _LISTED_ONLY:
            self._file.fail(f"NumPy has no type for {self.dtype}")
        name = {"bfloat16": "uint16", "bool": "uint8"}.get(self.dtype, self.dtype)
        raw = np.dtype(name).newbyteorder(self._file.byteorder)
        if self.size == 0:
            values = np.empty(self.shape, raw)
        else:
            position = self._storage.position + self._offset * raw.itemsize
            data = self._file.read(position, extent(self.shape, self._strides) * raw.itemsize)
            values = np.ndarray(self.shape, raw, data, 0, [stride * raw.itemsize for stride in self._strides])
        if self.dtype == "bool":
            return np.ascontiguousarray(values != 0).reshape(self.shape)  # every byte but 0 is True, as in torch
        values = np.array(values, raw.newbyteorder("="), order="C", copy=False)
        if self.dtype == "bfloat16":
            import mindspore as ms

            if self._negative:
                values ^= 0x8000  # the sign
            return values.view(ms.Tensor(0, ms.bfloat16).asnumpy().dtype)
        if self._conjugate:
            np.conjugate(values, out=values)
        if self._negative:
            np.negative(values, out=values)
        return values


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


class File:
    """The file that tensors are read from, and how."""

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.byteorder: Literal["<", ">"] = "<"
        self._left = _SHARING * size + _FREE_BYTES  # bytes that the tensors still to come may hold

    def fail(self, sentence: str) -> NoReturn:
        """Raise TorchFileError."""
        raise TorchFileError(f"{self.path}: {sentence}")

    def reserve(self, count: int) -> None:
        """Count the bytes of a tensor, and fail where all together are too many."""
        self._left -= count
        if self._left < 0:
            self.fail(f"the tensors take more than {_SHARING} times the file's size: they overlap each other")

    def read(self, position: int, count: int) -> bytearray:
        """Bytes of the file."""
        data = bytearray(count)
        with open(self.path, "rb") as stream:
            stream.seek(position)
            if stream.readinto(data) != count:
                self.fail("the file ends early")
        return data


def is_size(value: Any) -> bool:
    """Whether it is a number of elements or bytes that a file may have."""
    return type(value) is int and 0 <= value < 2**62


def extent(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Elements from the first to the last, both included, of a tensor that has any."""
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
