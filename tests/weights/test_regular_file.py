"""Paths that are no regular file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from mscompat import TorchFileError
from mscompat.weights.regular_file import open_regular

needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")


def test_regular(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12")
    (tmp_path / "link").symlink_to(path)
    for name in (path, str(path), tmp_path / "link"):
        with open_regular(name) as file:
            assert file.read() == b"12"


def test_missing_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        open_regular(tmp_path / "a")
    assert error.value.filename == str(tmp_path / "a")
    with pytest.raises(IsADirectoryError) as error:
        open_regular(tmp_path)
    assert error.value.filename == str(tmp_path)


@needs_fifos
def test_fifo_socket_and_device(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for path in (fifo, tmp_path / "socket", "/dev/zero"):
            with pytest.raises(TorchFileError) as error:
                open_regular(path)
            assert str(error.value) == f"{path}: not a regular file"


@needs_fifos
def test_load_torch_file_does_not_wait(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    script = f"import mscompat; mscompat.load_torch_file({str(tmp_path / 'fifo')!r})"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "TorchFileError" in result.stderr
    assert "not a regular file" in result.stderr
