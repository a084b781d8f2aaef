"""Write files of weights, whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .arrays import with_mindspores_type
from .printing import printable
from .safetensors_file import write_safetensors

__all__ = ["SUFFIXES", "write_state_dict"]

SUFFIXES = (".ckpt", ".safetensors")
"""Of the files that can be written."""


def write_state_dict(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of SUFFIXES, in the place of one that may be there; of a symbolic link, in its target's place.

    Raises:
        ValueError: If the format cannot hold the arrays.
        OSError: If it cannot be written.
    """
    suffix = Path(path).suffix
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # they run in circles
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if not target.parent.is_dir():  # of a link that leads nowhere
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    with tempfile.TemporaryDirectory(prefix=".mscompat-", dir=target.parent) as folder:
        draft = str(Path(folder) / f"weights{suffix}")
        Path(draft).touch()
        mode = os.stat(draft).st_mode
        if suffix == ".safetensors":
            try:
                write_safetensors(arrays, draft)
            except OSError as error:  # of a full disk, say: what is written to has no name there
                error.filename = str(path)
                raise
        else:
            from .. import _mindspore as _mindspore  # isort: skip (refuses NumPy 2, before MindSpore is imported)
            import mindspore as ms

            # MindSpore drops empty tensors, and writes complex ones, and no tensor, that it does not read (MS-36).
            if not arrays:
                raise ValueError("MindSpore's .ckpt holds one tensor at least")
            refused = [name for name, array in arrays.items() if array.size == 0 or array.dtype.kind == "c"]
            if refused:
                names = ", ".join(map(printable, refused))
                raise ValueError(f"MindSpore's .ckpt holds no empty and no complex tensors: {names}")
            tensors = [
                {"name": name, "data": ms.Tensor.from_numpy(with_mindspores_type(array))}
                for name, array in arrays.items()
            ]
            ms.save_checkpoint(tensors, draft)
        os.chmod(draft, mode)  # MindSpore writes for the owner's eyes only
        os.replace(draft, target)
