"""Read what torch.save wrote, without torch and without running what the file says.

Tensors stay in the file until they are asked for. The formats: torch/serialization.py and
caffe2/serialize/inline_container.h.
"""

from __future__ import annotations

import os
import struct
import zipfile
from typing import Any, BinaryIO, NoReturn

from .pickle_machine import StorageType, unpickle
from .tensors import File, Storage, StorageView, TorchFileError, TorchTensor, is_size

__all__ = ["TorchFileError", "TorchTensor", "load_torch_file"]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001


def load_torch_file(path: str | os.PathLike[str]) -> Any:
    """Read a file that torch.save wrote: a ``.pth``, ``.pt``, ``.bin`` or Lightning's ``.ckpt``.

    Needs no torch, and runs nothing that the file says: of a pickle's instructions, only those for tensors and plain
    containers.

    Args:
        path (str or path): the file, in the zip format, or in the format of torch before 1.6.

    Returns:
        What was saved, with a :class:`TorchTensor` for each tensor (parameter, buffer). dict stands for all kinds of
        dict, tuple for torch.Size, str for a dtype ('torch.float32') or device ('cuda:0').

    Raises:
        TorchFileError: If the file is damaged, or holds anything else: a whole module, a sparse or quantized tensor, a
            NumPy array, or is of torch 0.1.
        OSError: If it cannot be opened.

    Supported Platforms:
        CPU (tested).
    """
    path = os.path.abspath(os.fspath(path))
    with open(path, "rb") as stream:
        file = File(path, os.fstat(stream.fileno()).st_size)
        start = stream.read(512)
        stream.seek(0)
        try:
            if start.startswith(b"PK\x03\x04"):
                return _load_zip(file, stream)
            if start.startswith(b"\x80"):
                return _load_legacy(file, stream)
        except (EOFError, UnicodeDecodeError, OverflowError, RecursionError) as error:
            raise TorchFileError(f"{path}: the file is damaged ({error})") from error
    if start[257:262] == b"ustar":
        file.fail("the file is in the format of torch 0.1, which is not supported: load and save it with a newer torch")
    file.fail("the file is not one that torch.save wrote")


def _load_zip(file: File, stream: BinaryIO) -> Any:
    try:
        listed = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError, struct.error) as error:
        raise TorchFileError(f"{file.path}: the file is damaged ({error})") from error
    entries = {entry.orig_filename: entry for entry in listed}
    if len(entries) < len(listed):
        file.fail("the file is damaged: it has two entries of a name")
    roots = [name.removesuffix("data.pkl") for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(roots) != 1:
        file.fail("the file is a zip archive, but not one that torch.save wrote")
    root = roots[0]
    if f"{root}constants.pkl" in entries:
        file.fail("the file is a TorchScript archive: save the module's state_dict() with torch.save instead")

    def position(name: str) -> tuple[int, int]:
        """First byte and number of bytes of an entry."""
        entry = entries.get(root + name)
        if entry is None:
            file.fail(f"the file lacks {name}")
        # torch.save stores, and torch.load reads nothing else. Its headers hold no sizes.
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.file_size != entry.compress_size:
            file.fail(f"{name} is compressed or encrypted: torch.save stores")
        own_name = entry.orig_filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437")
        if not 0 <= entry.header_offset <= file.size - 30 - len(own_name):
            file.fail(f"{name} lies outside the file")
        header = file.read(entry.header_offset, 30 + len(own_name))
        signature, name_size, extra_size = struct.unpack("<4s22xHH", header[:30])
        if (signature, name_size, header[30:]) != (b"PK\x03\x04", len(own_name), own_name):
            file.fail(f"the file is damaged: {name} is not where it should be")
        first = entry.header_offset + 30 + name_size + extra_size
        if first + entry.file_size > file.size:
            file.fail(f"{name} lies outside the file")
        return first, entry.file_size

    if f"{root}byteorder" in entries:
        first, count = position("byteorder")
        byteorder = file.read(first, min(count, 10))
        if byteorder not in (b"little", b"big"):
            file.fail(f"unknown byte order {byteorder!r}")
        file.byteorder = "<" if byteorder == b"little" else ">"

    storages: dict[str, Storage] = {}

    def persistent_load(identity: Any) -> StorageView:
        key, storage = _storage(file, storages, identity, 5)
        if storage.position < 0:
            storage.position, count = position(f"data/{key}")
            if count != storage.nbytes:
                file.fail(f"data/{key} has {count} bytes, not {storage.nbytes}")
        return StorageView(storage, 0, storage.size)

    first, count = position("data.pkl")
    stream.seek(first)
    return unpickle(file, stream, first + count, persistent_load)


def _load_legacy(file: File, stream: BinaryIO) -> Any:
    def refuse(*_: Any) -> NoReturn:
        file.fail("the file is damaged: a storage where none belongs")

    def plain() -> Any:
        return unpickle(file, stream, file.size, refuse)

    if plain() != _LEGACY_MAGIC:
        file.fail("the file is a pickle, but not one that torch.save wrote")
    if plain() != _LEGACY_PROTOCOL:
        file.fail("unknown version of torch's format")
    plain()  # sizes of C's types where it was written: of no use

    storages: dict[str, Storage] = {}

    def persistent_load(identity: Any) -> StorageView:
        _, storage = _storage(file, storages, identity, 6)
        match identity[5]:
            case None:
                return StorageView(storage, 0, storage.size)
            case (_, start, size) if is_size(start) and is_size(size) and start + size <= storage.size:
                return StorageView(storage, start, size)
        file.fail("a storage lies outside another that it is part of")

    result = unpickle(file, stream, file.size, persistent_load)
    keys = plain()
    if type(keys) is not list or not all(type(key) is str for key in keys) or sorted(keys) != sorted(storages):
        file.fail("the file is damaged: its list of storages is not that of its tensors")
    for key in keys:
        storage = storages[key]
        header = stream.read(8)
        if header != struct.pack("<q", storage.size):
            file.fail("the file is damaged: a storage's size is not that of its tensors")
        storage.position = stream.tell()
        if storage.position + storage.nbytes > file.size:
            file.fail("the file ends early")
        stream.seek(storage.nbytes, os.SEEK_CUR)
    return result


def _storage(file: File, storages: dict[str, Storage], identity: Any, length: int) -> tuple[str, Storage]:
    """Key and storage of a persistent id: the same storage for the same key."""
    match identity:
        case ("storage", StorageType(dtype), str(key), str(), size, *_) if len(identity) == length and is_size(size):
            if key.isascii() and key.isprintable() and len(key) < 40:
                storage = storages.setdefault(key, Storage(dtype, size))
                if (storage.dtype, storage.size) != (dtype, size):
                    file.fail(f"the file is damaged: storage {key} has two types or sizes")
                return key, storage
    file.fail("the file is damaged: a storage is not described as torch does")
