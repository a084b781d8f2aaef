"""The wire format of Protocol Buffers: the fields of a message in a file, without reading what is in them.

https://protobuf.dev/programming-guides/encoding/. protobuf's own parser takes a whole message into memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

__all__ = ["Span", "WireError", "fields"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types; the groups, 3 and 4, are long gone


class WireError(ValueError):
    """The bytes are no message."""


class Span(NamedTuple):
    """A part of the file."""

    start: int
    size: int


def fields(stream: BinaryIO, message: Span) -> Iterator[tuple[int, int | Span]]:
    """Number of each field of a message, and its value: an int, or where its bytes are.

    Raises:
        WireError: If there is none where one should be.
    """
    position, end = message.start, message.start + message.size

    def varint() -> int:
        nonlocal position
        value = 0
        for shift in range(0, 70, 7):
            byte = stream.read(1)
            if position >= end or not byte:
                break
            position += 1
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return value & (2**64 - 1)
        raise WireError

    while position < end:
        stream.seek(position)  # whoever asked may have read elsewhere
        number, wire_type = divmod(varint(), 8)
        if number == 0 or wire_type not in (_VARINT, _FIXED64, _BYTES, _FIXED32):
            raise WireError
        if wire_type == _VARINT:
            yield number, varint()
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire_type)
        if size is None:
            size = varint()
        if size > end - position:
            raise WireError
        start = position
        position += size
        yield number, Span(start, size)
