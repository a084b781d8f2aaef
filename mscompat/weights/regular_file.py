"""Open a file that a user names, and nothing that only looks like one."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

from .errors import TorchFileError

__all__ = ["open_regular"]

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file to read its bytes, and never wait: a FIFO without a writer would block open().

    Raises:
        TorchFileError: If it is a FIFO, a socket or a device.
        OSError: As open() does, of a missing file or a folder.
    """
    path = os.fspath(path)
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise TorchFileError(f"{path}: not a regular file") from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise TorchFileError(f"{path}: not a regular file")
