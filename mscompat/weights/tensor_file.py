"""The file that tensors are read from."""

from __future__ import annotations

import mmap
from typing import Literal, NoReturn

import numpy as np

from .errors import TorchFileError
from .regular_file import open_regular

__all__ = ["File"]

# Tensors that overlap or share their values (expand, tied weights) take more memory than the file.
_SHARING = 8
_FREE_BYTES = 2**28


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
        if position + count > self.size:  # before count bytes are allocated
            self.fail("the file ends early")
        data = bytearray(count)
        with open_regular(self.path) as stream:
            stream.seek(position)
            if stream.readinto(data) != count:  # type: ignore[attr-defined]
                self.fail("the file ends early")
        return data

    def read_sparsely(
        self, position: int, count: int, shape: tuple[int, ...], dtype: np.dtype, strides: list[int]
    ) -> np.ndarray:
        """A copy of an array that lies within count bytes, of which only those pages are read that it has values on.

        Strides are in bytes. mmap refuses a file that has become shorter. One that is cut during the copy, which takes
        milliseconds, ends the process, as with torch.load(mmap=True) and safetensors.
        """
        first = position % mmap.ALLOCATIONGRANULARITY
        with open_regular(self.path) as stream:
            try:
                pages = mmap.mmap(stream.fileno(), first + count, access=mmap.ACCESS_READ, offset=position - first)
            except ValueError:
                self.fail("the file ends early")
            with pages:
                return np.ndarray(shape, dtype, pages, first, strides).copy()
