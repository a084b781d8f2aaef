"""Read .safetensors files by safetensors' own parser, and refuse what it lets through and NumPy cannot hold."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open

from .arrays import fits_numpy
from .errors import TorchFileError
from .printing import printable
from .regular_file import open_regular

__all__ = ["SafeTensor", "read_safetensors"]

_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
    "BOOL": "bool",
}  # fmt: skip
_LARGEST = 8  # bytes of an element


class SafeTensor:
    """A tensor of a .safetensors file, whose values are read when they are asked for: see TorchTensor."""

    __slots__ = ("_name", "_path", "dtype", "shape")

    def __init__(self, path: str, name: str, shape: tuple[int, ...], dtype: str) -> None:
        self._path = path
        self._name = name
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"SafeTensor(shape={self.shape}, dtype={self.dtype})"

    def numpy(self) -> np.ndarray:
        """Read the values, into an array of its own.

        Raises:
            TorchFileError: If the file changed, or NumPy has no such type.
        """
        try:
            with safe_open(self._path, "np") as file:
                return file.get_tensor(self._name)
        except (SafetensorError, TypeError, AttributeError, KeyError, ValueError) as error:  # NumPy has no such type
            _fail(self._path, f"{printable(self._name)} cannot be read ({printable(str(error))})", error)


def read_safetensors(path: str) -> dict[str, SafeTensor]:
    """Names and tensors of a file.

    Raises:
        TorchFileError: If the file is damaged, or NumPy cannot hold a tensor.
        OSError: If it cannot be opened.
    """
    open_regular(path).close()  # safe_open would wait for a FIFO's writer
    try:
        with safe_open(path, "np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            tensors = {
                name: SafeTensor(
                    path, name, tuple(part.get_shape()), _TYPES.get(part.get_dtype(), part.get_dtype().lower())
                )
                for name, part in slices.items()
            }
    except SafetensorError as error:
        _fail(path, f"the file is damaged ({printable(str(error))})", error)
    for name, tensor in tensors.items():
        if not fits_numpy(tensor.shape, _LARGEST):
            _fail(path, f"the file is damaged: {printable(name)} has the shape {list(tensor.shape)}")
    return tensors


def _fail(path: str, sentence: str, cause: Exception | None = None) -> NoReturn:
    raise TorchFileError(f"{path}: {sentence}") from cause
