"""The zip archives that torch writes: entries whose bytes are in the file as they are."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import BinaryIO

from .errors import TorchFileError
from .printing import printable
from .tensor_file import File

__all__ = ["ZipArchive"]

# Of TorchScript's code, which alone may be compressed.
_LONGEST_CODE = 2**24
_MOST_CODE = 2**26


class ZipArchive:
    """An archive of one folder, with a data.pkl in it."""

    def __init__(self, file: File, stream: BinaryIO) -> None:
        try:
            listed = zipfile.ZipFile(stream).infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError, struct.error) as error:
            raise TorchFileError(f"{file.path}: the file is damaged ({printable(str(error))})") from error
        self.file = file
        self._stream = stream
        self._entries = {entry.orig_filename: entry for entry in listed}
        if len(self._entries) < len(listed):
            file.fail("the file is damaged: it has two entries of a name")
        roots = [
            name.removesuffix("data.pkl")
            for name in self._entries
            if name.count("/") == 1 and name.endswith("/data.pkl")
        ]
        if len(roots) != 1:
            file.fail("the file is a zip archive, but not one that torch.save wrote")
        self._root = roots[0]
        self._code_left = _MOST_CODE

    def __contains__(self, name: str) -> bool:
        return self._root + name in self._entries

    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of an entry, or the first of them."""
        first, count = self.position(name)
        return self._read(first, count if most is None else min(count, most))

    def position(self, name: str) -> tuple[int, int]:
        """First byte and number of bytes of an entry. Names come from mscompat, or are printable."""
        # torch.save stores, and torch.load reads nothing else. Its headers hold no sizes.
        entry = self._entries.get(self._root + name)
        if entry is None:
            self.file.fail(f"the file lacks {name}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.file_size != entry.compress_size:
            self.file.fail(f"{name} is compressed or encrypted: torch.save stores")
        return self._first_byte(entry, name), entry.file_size

    def code(self, name: str) -> bytes | None:
        """A file of TorchScript's code; None where there is none, or it cannot be read, or is far too long."""
        entry = self._entries.get(f"{self._root}code/{name}")
        if entry is None or entry.flag_bits & 1 or self._code_left <= 0:
            return None
        data = self._read(self._first_byte(entry, "code"), min(entry.compress_size, _LONGEST_CODE))
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            try:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _LONGEST_CODE)
            except zlib.error:
                return None
        elif entry.compress_type != zipfile.ZIP_STORED:
            return None
        self._code_left -= len(data)
        return data if len(data) < _LONGEST_CODE else None

    def _first_byte(self, entry: zipfile.ZipInfo, name: str) -> int:
        file = self.file
        own_name = entry.orig_filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437")
        if not 0 <= entry.header_offset <= file.size - 30 - len(own_name):
            file.fail(f"{name} lies outside the file")
        header = self._read(entry.header_offset, 30 + len(own_name))
        signature, name_size, extra_size = struct.unpack("<4s22xHH", header[:30])
        if (signature, name_size, header[30:]) != (b"PK\x03\x04", len(own_name), own_name):
            file.fail(f"the file is damaged: {name} is not where it should be")
        first = entry.header_offset + 30 + name_size + extra_size
        if first + entry.compress_size > file.size:
            file.fail(f"{name} lies outside the file")
        return first

    def _read(self, position: int, count: int) -> bytes:
        self._stream.seek(position)
        data = self._stream.read(count)
        if len(data) != count:
            self.file.fail("the file ends early")
        return data
