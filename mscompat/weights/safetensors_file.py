"""Read .safetensors files by safetensors' parser, and refuse what it lets through and NumPy cannot hold. Write them.

The format: the length of a header, in 8 bytes; the header, which is JSON with dtype, shape, first byte and end of each
tensor, counted from the header's end; the tensors. NumPy has no bfloat16, and safetensors knows it only where some
library has taught NumPy the type: so its bits are read here, and files are written here. (safetensors' writer of bytes,
which takes every type, has other arguments in each of its versions.)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open

from .arrays import BFLOAT16, dtype_name, fits_numpy, with_mindspores_type
from .errors import TorchFileError
from .printing import printable
from .regular_file import open_regular

__all__ = ["SafeTensor", "read_safetensors", "write_safetensors"]

_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
    "BOOL": "bool",
}  # fmt: skip
_LARGEST = 8  # bytes of an element


class SafeTensor:
    """A tensor of a .safetensors file, whose values are read when they are asked for: see TorchTensor."""

    __slots__ = ("_name", "_path", "_position", "dtype", "shape")

    def __init__(self, path: str, name: str, shape: tuple[int, ...], dtype: str, position: int) -> None:
        self._path = path
        self._name = name
        self._position = position  # in the file
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"SafeTensor(shape={self.shape}, dtype={self.dtype})"

    def numpy(self) -> np.ndarray:
        """Read the values, into an array of its own; of bfloat16, in the NumPy type that MindSpore has for it.

        Raises:
            TorchFileError: If the file changed, or NumPy has no such type.
        """
        return with_mindspores_type(self.stored())

    def stored(self) -> np.ndarray:
        """Read the values as numpy does, but of bfloat16 the bits, in the type BFLOAT16 of arrays.py."""
        try:
            if self.dtype == "bfloat16":
                return self._bits()
            with safe_open(self._path, "np") as file:
                return file.get_tensor(self._name)
        except (SafetensorError, TypeError, AttributeError, KeyError, ValueError) as error:  # NumPy has no such type
            _fail(self._path, f"{printable(self._name)} cannot be read ({printable(str(error))})", error)

    def _bits(self) -> np.ndarray:
        with open_regular(self._path) as stream:
            stream.seek(self._position)
            data = bytearray(stream.read(2 * math.prod(self.shape)))
        return np.frombuffer(data, "<u2").astype(np.uint16, copy=False).reshape(self.shape).view(BFLOAT16)


def read_safetensors(path: str) -> dict[str, SafeTensor]:
    """Names and tensors of a file.

    Raises:
        TorchFileError: If the file is damaged, or NumPy cannot hold a tensor.
        OSError: If it cannot be opened.
    """
    try:
        with open_regular(path) as stream, safe_open(path, "np") as file:  # safe_open would wait for a FIFO's writer
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            header_size = int.from_bytes(stream.read(8), "little")  # safe_open has seen that it is right
            header = json.loads(stream.read(header_size))
            tensors = {
                name: SafeTensor(
                    path, name, tuple(part.get_shape()), _TYPES.get(part.get_dtype(), part.get_dtype().lower()),
                    8 + header_size + header[name]["data_offsets"][0],
                )
                for name, part in slices.items()
            }
    except (SafetensorError, ValueError, LookupError) as error:  # but for the first, the file has just changed
        _fail(path, f"the file is damaged ({printable(str(error))})", error)
    for name, tensor in tensors.items():
        if not fits_numpy(tensor.shape, _LARGEST):
            _fail(path, f"the file is damaged: {printable(name)} has the shape {list(tensor.shape)}")
    return tensors


def write_safetensors(arrays: Mapping[str, np.ndarray], path: str) -> None:
    """Write a file.

    Raises:
        ValueError: If the format has no type for an array, or a name is not text.
        OSError: If it cannot be written.
    """
    codes = {name: code for code, name in _TYPES.items()}
    refused = [name for name, array in arrays.items() if dtype_name(array) not in codes]
    if refused:
        names = ", ".join(f"{printable(name)} ({printable(dtype_name(arrays[name]))})" for name in refused)
        raise ValueError(f"the .safetensors format has no such types: {names}")
    if "__metadata__" in arrays:
        raise ValueError("the .safetensors format has another use for the name __metadata__")
    # Larger elements first, as safetensors does: then all are aligned, as its readers may expect of the bytes.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    header = {}
    end = 0
    for name, array in ordered:
        first, end = end, end + array.nbytes
        header[name] = {"dtype": codes[dtype_name(array)], "shape": array.shape, "data_offsets": (first, end)}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for _, array in ordered:
            little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            stream.write(little_endian.reshape(-1).view(np.uint8).data)


def _fail(path: str, sentence: str, cause: Exception | None = None) -> NoReturn:
    raise TorchFileError(f"{path}: {sentence}") from cause
