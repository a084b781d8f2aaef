"""Read what torch.save and torch.jit.save wrote, without torch and without running what the file says.

A pickle is a program. Of what it says, nothing is run and nothing is imported: names of torch's tensors, of plain
containers and of NumPy's arrays of numbers stand for functions of mscompat; every other name stands for an InertObject,
a record of the name and of what the file does to it. Code in a TorchScript archive is searched for two lists of names.

Tensors stay in the file until they are asked for. The formats: torch/serialization.py and
caffe2/serialize/inline_container.h.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from .errors import TorchFileError
from .inert import InertObject, module_state_dict
from .pickle_known import StorageType
from .pickle_machine import unpickle
from .printing import printable
from .regular_file import open_regular
from .tensor_file import File
from .tensors import Storage, StorageView, TorchTensor, is_size
from .torchscript import add_constants, sort_attributes
from .zip_archive import ZipArchive

__all__ = ["TorchFileError", "TorchTensor", "load_torch_file"]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001


def load_torch_file(path: str | os.PathLike[str]) -> Any:
    """Read a file that torch.save wrote: a ``.pth``, ``.pt``, ``.bin`` or Lightning's ``.ckpt``; or torch.jit.save.

    Needs no torch, and runs nothing that the file says.

    Args:
        path (str or path): the file, in the zip format, or in the format of torch before 1.6.

    Returns:
        What was saved. In it,

        - a :class:`TorchTensor` (shape, dtype, ``numpy()``) stands for each tensor, parameter and buffer. Its values
          are read when ``numpy()`` is called. A sparse, quantized, nested or meta tensor has shape and dtype only;
        - NumPy's arrays of numbers are arrays, and its scalars are numbers of Python;
        - dict stands for all kinds of dict of Python's collections, list for deque, tuple for torch.Size, dict for
          argparse.Namespace, str for a dtype ('torch.float32') or device ('cuda:0');
        - an ``InertObject`` stands for everything else: an object, a class, a function of any library. Of it, the
          name, the arguments, the state and the entries are there, and none of it is run. A whole module that was
          saved is one, too: :func:`load_torch_state_dict` loads the weights in it.

    Raises:
        TorchFileError: If the file is damaged, is none of torch's, or is of torch 0.1; from ``numpy()``, if the file
            changed, or NumPy has no such tensors.
        OSError: If it cannot be opened.

    Supported Platforms:
        CPU (tested).

    Examples:
        Settings beside the weights, of a checkpoint with a path in it, say, which is not run:

        >>> from mscompat import load_torch_file
        >>> saved = load_torch_file("checkpoint.pth")
        >>> saved["epoch"], saved["params"]
        (5, {'width': 64})
        >>> saved["weight"]
        TorchTensor(shape=(2,), dtype=float32)
        >>> saved["weight"].numpy()
        array([1., 1.], dtype=float32)
        >>> saved["path"]
        <pathlib.PurePosixPath, not run>
        >>> saved["path"].arguments
        ('runs', '1')
    """
    path = os.path.abspath(os.fspath(path))
    with open_regular(path) as stream:
        file = File(path, os.fstat(stream.fileno()).st_size)
        start = stream.read(512)
        stream.seek(0)
        try:
            if start.startswith(b"PK\x03\x04"):
                return _load_zip(file, stream)
            if start.startswith(b"\x80"):
                return _load_legacy(file, stream)
        except (EOFError, UnicodeError, OverflowError, RecursionError) as error:
            raise TorchFileError(f"{path}: the file is damaged ({printable(str(error))})") from error
    if start[257:262] == b"ustar":
        file.fail("the file is in the format of torch 0.1, which is not supported: load and save it with a newer torch")
    file.fail("the file is not one that torch.save wrote")


def _load_zip(file: File, stream: BinaryIO) -> Any:
    archive = ZipArchive(file, stream)
    if "byteorder" in archive:
        byteorder = archive.read("byteorder", 10)
        if byteorder not in (b"little", b"big"):
            file.fail(f"unknown byte order {byteorder!r}")
        file.byteorder = "<" if byteorder == b"little" else ">"

    def load(name: str, folder: str) -> Any:
        storages: dict[str, Storage] = {}

        def find(identity: Any) -> StorageView:
            key, storage = _storage(file, storages, identity, 5)
            if storage.position < 0:
                storage.position, count = archive.position(f"{folder}/{key}")
                if count != storage.nbytes:
                    file.fail(f"{folder}/{key} has {count} bytes, not {storage.nbytes}")
            return StorageView(storage, 0, storage.size)

        data = archive.read(name)
        return unpickle(file, io.BytesIO(data), len(data), _persistent_load(file, find))

    result = load("data.pkl", "data")
    if "constants.pkl" in archive:
        sort_attributes(result, archive.code)
        if module_state_dict(result) == {}:
            add_constants(result, load("constants.pkl", "constants"))
    return result


def _load_legacy(file: File, stream: BinaryIO) -> Any:
    storages: dict[str, Storage] = {}

    def refuse(*_: Any) -> Any:
        file.fail("the file is damaged: a storage where none belongs")

    def plain() -> Any:
        return unpickle(file, stream, file.size, refuse)

    def find(identity: Any) -> StorageView:
        _, storage = _storage(file, storages, identity, 6)
        match identity[5]:
            case None:
                return StorageView(storage, 0, storage.size)
            case (_, start, size) if is_size(start) and is_size(size) and start + size <= storage.size:
                return StorageView(storage, start, size)
        file.fail("a storage lies outside another that it is part of")

    def is_number(value: Any, number: int) -> bool:
        return type(value) is int and value == number

    if not is_number(plain(), _LEGACY_MAGIC):
        file.fail("the file is a pickle, but not one that torch.save wrote")
    if not is_number(plain(), _LEGACY_PROTOCOL):
        file.fail("unknown version of torch's format")
    plain()  # sizes of C's types where it was written: of no use

    result = unpickle(file, stream, file.size, _persistent_load(file, find))
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


def _persistent_load(file: File, find: Callable[[Any], StorageView]) -> Callable[[Any], Any]:
    """What stands for a persistent id: a storage, which is found in the file; the class of a module, beside which older
    files have its source; of other programs, a record.
    """

    def load(identity: Any) -> Any:
        kind = identity[0] if type(identity) is tuple and identity else None
        if type(kind) is str and kind == "storage":
            return find(identity)
        if type(kind) is str and kind == "module" and len(identity) > 1:
            return identity[1]
        return InertObject("persistent_load", (identity,), path=file.path)

    return load


def _storage(file: File, storages: dict[str, Storage], identity: Any, length: int) -> tuple[str, Storage]:
    """Key and storage of a persistent id: the same storage for the same key."""
    match identity:
        case (_, StorageType(dtype=dtype), str(key), str(), size, *_) if len(identity) == length and is_size(size):
            if key.isascii() and key.isprintable() and len(key) < 40:
                storage = storages.setdefault(key, Storage(dtype, size))
                if (storage.dtype, storage.size) != (dtype, size):
                    file.fail(f"the file is damaged: storage {key} has two types or sizes")
                return key, storage
    file.fail("the file is damaged: a storage is not described as torch does")
