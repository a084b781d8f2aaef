"""Read MindSpore's checkpoints (``.ckpt``) without MindSpore's loader, which believes what a file says of its sizes.

The format, mindspore/train/checkpoint.proto, is a message of Protocol Buffers:

    message Checkpoint { repeated Value value = 1; }
    message Value { required string tag = 1; oneof { TensorProto tensor = 2; MapTensorProto maptensor = 3; } }
    message TensorProto { repeated int64 dims = 1; required string tensor_type = 2; required bytes tensor_content = 3; }

save_checkpoint cuts a large tensor into several Values of the same tag, each with the dims of the whole, and may end
the file with b"crc_num" and a checksum. Values stay in the file until they are asked for.
"""

from __future__ import annotations

import binascii
import math
import os
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from .arrays import BFLOAT16, MOST_DIMS, fits_numpy, with_mindspores_type
from .errors import TorchFileError
from .inert import InertObject
from .printing import printable
from .protobuf import Span, WireError, fields
from .regular_file import open_regular

__all__ = ["CheckpointTensor", "read_mindspore_checkpoint"]

_ENCRYPTED = bytes.fromhex("d85e3a7f")  # how such a file begins
_CRC = b"crc_num"
_CRC_SIZE = len(_CRC) + 10
_BLOCK = 2**20

# Of MindSpore's types that NumPy has too. Tensors of others are listed, but not read.
_ITEMSIZES = {
    "Float64": 8, "Float32": 4, "Float16": 2, "BFloat16": 2, "Complex128": 16, "Complex64": 8, "Int64": 8, "Int32": 4,
    "Int16": 2, "Int8": 1, "UInt64": 8, "UInt32": 4, "UInt16": 2, "UInt8": 1, "Bool": 1,
}  # fmt: skip


class CheckpointTensor:
    """A tensor of a file that MindSpore wrote, whose values are read when they are asked for: see TorchTensor."""

    __slots__ = ("_name", "_parts", "_path", "_type", "dtype", "shape")

    def __init__(self, path: str, name: str, shape: tuple[int, ...], kind: str, parts: list[Span]) -> None:
        self._path = path
        self._name = name
        self._type = kind  # MindSpore's name
        self._parts = parts
        self.shape = shape
        self.dtype = kind.lower()

    def __repr__(self) -> str:
        return f"CheckpointTensor(shape={self.shape}, dtype={self.dtype})"

    def numpy(self) -> np.ndarray:
        """Read the values, into an array of its own; of bfloat16, in the NumPy type that MindSpore has for it.

        Raises:
            TorchFileError: If the file changed, or NumPy has no such type.
        """
        return with_mindspores_type(self.stored())

    def stored(self) -> np.ndarray:
        """Read the values as numpy does, but of bfloat16 the bits, in the type BFLOAT16 of arrays.py."""
        if self._type not in _ITEMSIZES:
            _fail(self._path, f"NumPy has no type for {printable(self.dtype)}, which {printable(self._name)} has")
        data = bytearray(sum(count for _, count in self._parts))
        start = 0
        with open(self._path, "rb") as stream:
            for position, count in self._parts:
                stream.seek(position)
                if stream.readinto(memoryview(data)[start : start + count]) != count:
                    _fail(self._path, "the file ends early")
                start += count
        stored = {"BFloat16": "uint16", "Bool": "uint8"}.get(self._type, self.dtype)
        values = np.frombuffer(data, np.dtype(stored).newbyteorder("<")).reshape(self.shape)
        if self._type == "Bool":
            return np.ascontiguousarray(values != 0).reshape(self.shape)
        values = values.astype(stored, copy=False).view(stored)  # "<f4" is "f4", but not to every MindSpore (MS-37)
        return values.view(BFLOAT16) if self._type == "BFloat16" else values


def read_mindspore_checkpoint(path: str) -> dict[str, Any]:
    """Names and contents of a file, in its order: a CheckpointTensor for each tensor, and the strings beside them.

    Raises:
        TorchFileError: If MindSpore did not write the file, or it is damaged: dims, dtype and length of each content
            must agree.
        OSError: If it cannot be opened.
    """
    with open_regular(path) as stream:
        if stream.read(len(_ENCRYPTED)) == _ENCRYPTED:
            _fail(path, "the file is encrypted: load it with mindspore.load_checkpoint, and save it without a key")
        end = _checked_end(path, stream)
        try:
            values = _read_values(path, stream, end)
            if values:
                return {name: _content(path, stream, name, value) for name, value in values.items()}
        except (WireError, UnicodeDecodeError) as error:
            raise TorchFileError(f"{path}: neither torch nor MindSpore wrote the file, or it is damaged") from error
    _fail(path, "neither torch nor MindSpore wrote the file")


def _fail(path: str, sentence: str) -> NoReturn:
    raise TorchFileError(f"{path}: {sentence}")


def _checked_end(path: str, stream: BinaryIO) -> int:
    """Where the message ends: before the checksum, if there is one, which must be right."""
    size = os.fstat(stream.fileno()).st_size
    end = size - _CRC_SIZE
    if end < 0:
        return size
    stream.seek(end)
    trailer = stream.read(_CRC_SIZE)
    if not trailer.startswith(_CRC):
        return size
    checksum = 0
    stream.seek(0)
    for start in range(0, end, _BLOCK):
        checksum = binascii.crc32(stream.read(min(_BLOCK, end - start)), checksum)
    if checksum != int.from_bytes(trailer[len(_CRC) :], "big"):
        _fail(path, "the file is damaged: its checksum is not that of its content")
    return end


class _Value(NamedTuple):
    """What the file has under a name."""

    dims: list[int]
    type: str | None  # None: a MapParameter, of several tensors
    parts: list[Span]


def _read_values(path: str, stream: BinaryIO, end: int) -> dict[str, _Value]:
    values: dict[str, _Value] = {}
    last = None
    for number, span in fields(stream, Span(0, end)):
        if number != 1:
            continue
        name, value = _read_value(stream, _span(span))
        if name not in values:
            values[name] = value
        elif name == last and (values[name].dims, values[name].type) == (value.dims, value.type):
            values[name].parts.extend(value.parts)
        else:
            _fail(path, f"the file is damaged: it has two tensors named {printable(name)}")
        last = name
    return values


def _read_value(stream: BinaryIO, message: Span) -> tuple[str, _Value]:
    name = value = None
    for number, span in fields(stream, message):
        if number == 1 and name is None:
            name = _bytes(stream, _span(span)).decode()
        elif number == 2 and value is None:
            value = _read_tensor(stream, _span(span))
        elif number == 3 and value is None:
            value = _Value([], None, [])
        elif number <= 3:
            raise WireError
    if name is None or value is None:
        raise WireError
    return name, value


def _read_tensor(stream: BinaryIO, message: Span) -> _Value:
    dims: list[int] = []
    kind = content = None
    for number, value in fields(stream, message):
        if number == 1 and isinstance(value, int):  # as save_checkpoint writes them, one field each
            dims.append(value - 2**64 if value >= 2**63 else value)
            if len(dims) > MOST_DIMS:
                raise WireError
        elif number == 2 and kind is None:
            kind = _bytes(stream, _span(value)).decode()
        elif number == 3 and content is None:
            content = _span(value)
        elif number <= 3:
            raise WireError
    if kind is None or content is None:
        raise WireError
    return _Value(dims, kind, [content])


def _span(value: int | Span) -> Span:
    if isinstance(value, int):
        raise WireError
    return value


def _bytes(stream: BinaryIO, span: Span) -> bytes:
    stream.seek(span.start)
    return stream.read(span.size)


def _content(path: str, stream: BinaryIO, name: str, value: _Value) -> Any:
    if value.type is None:
        return InertObject("mindspore.experimental.MapParameter")
    size = sum(part.size for part in value.parts)
    if value.type == "str":  # NumPy's, in UTF-32; the loader takes the zeros at its end for padding
        return b"".join(_bytes(stream, part) for part in value.parts).decode("utf-32-le").rstrip("\0")
    itemsize = _ITEMSIZES.get(value.type)
    if not fits_numpy(value.dims, itemsize or 1):
        _fail(path, f"the file is damaged: {printable(name)} has the shape {value.dims}")
    shape = tuple(value.dims)
    if shape == (0,) and size == itemsize:
        shape = ()  # as the loader has it
    if itemsize is not None and math.prod(shape) * itemsize != size:
        _fail(
            path, f"the file is damaged: {printable(name)} has {size} bytes, where {list(shape)} of {value.type} needs "
            f"{math.prod(shape) * itemsize}",
        )
    return CheckpointTensor(path, name, shape, value.type, value.parts)
