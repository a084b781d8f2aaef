"""Files of weights that torch, safetensors and MindSpore write: whole, or one state dict of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import TorchFileError
from .groups import Group, GroupError, choose_group, entries, find_group, find_groups, is_container
from .listing import describe
from .mindspore_checkpoint import read_mindspore_checkpoint
from .regular_file import open_regular
from .safetensors_file import read_safetensors
from .torch_archive import load_torch_file

__all__ = ["find_state_dict", "list_groups", "read_file", "read_group", "read_state_dict"]


def read_file(path: str | os.PathLike[str]) -> Any:
    """What a file holds, its tensors not yet read: what has a shape, a dtype and, for to_numpy, values.

    Raises:
        TorchFileError: If the file cannot be read.
        OSError: If it cannot be opened.
    """
    path = Path(path).absolute()
    with open_regular(path) as file:
        start = file.read(4)
    if path.suffix == ".safetensors":
        return read_safetensors(str(path))
    if path.suffix == ".ckpt" and not start.startswith((b"PK", b"\x80")):  # Lightning's .ckpt is torch's
        return read_mindspore_checkpoint(str(path))
    return load_torch_file(path)


def list_groups(path: str | os.PathLike[str], key: str | None = None) -> Group:
    """The tree of groups of a file, or at a key of it.

    Raises:
        TorchFileError: If the file cannot be read, or has no such key.
        OSError: If it cannot be opened.
    """
    saved = _read_container(path)
    with _naming(path):
        return find_groups(saved) if key is None else find_group(saved, key)


def read_group(path: str | os.PathLike[str], key: str | None = None) -> tuple[Group, list[Group]]:
    """The group of a file that is meant (see groups.py), and the others.

    Raises:
        TorchFileError: If the file cannot be read, or it is not clear which group is meant.
        OSError: If it cannot be opened.
    """
    saved = _read_container(path)
    with _naming(path):
        group = choose_group(saved, key)
        if not group.tensors and (not isinstance(saved, Mapping) or saved):
            raise GroupError(f"no state dict, but {describe(saved)}{_keys(saved)}")
        return group, [other for other in find_groups(saved).walk() if other.value is not group.value]


def read_state_dict(path: str | os.PathLike[str], key: str | None = None) -> dict[str, Any]:
    """Names and contents of the group that is meant: see read_group."""
    with _naming(path):
        return read_group(path, key)[0].state_dict()


def find_state_dict(saved: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
    """Names and contents of the group of a checkpoint that is meant.

    Raises:
        ValueError: If that is not clear.
    """
    return choose_group(saved, key).state_dict()


def _read_container(path: str | os.PathLike[str]) -> Any:
    saved = read_file(path)
    if not is_container(saved):
        raise TorchFileError(f"{Path(path).absolute()}: no state dict, but {describe(saved)}")
    return saved


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file's name before what is wrong with its groups."""
    try:
        yield
    except GroupError as error:
        raise TorchFileError(f"{Path(path).absolute()}: {error}") from error


def _keys(saved: Any) -> str:
    names = [ascii(name[:40]) for name, _ in itertools.islice(entries(saved), 10)]
    return f" with the keys {', '.join(names)}" if isinstance(saved, Mapping) else ""
