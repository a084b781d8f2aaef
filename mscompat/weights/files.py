"""Files of weights: read those that torch, safetensors and MindSpore write, write those of the latter two."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .tensors import TorchFileError
from .torch_archive import load_torch_file

SUFFIXES = (".ckpt", ".safetensors")
"""Of the files that can be written."""

# The keys under which a checkpoint that has more in it than weights keeps them, and how deep.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "module")
_DEEPEST = 4

_SAFETENSORS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
    "BOOL": "bool",
}  # fmt: skip


class SafeTensor:
    """A tensor of a .safetensors file, whose values are read when they are asked for: see TorchTensor."""

    def __init__(self, path: str, name: str, shape: tuple[int, ...], dtype: str) -> None:
        self._path = path
        self._name = name
        self.shape = shape
        self.dtype = dtype

    def numpy(self) -> np.ndarray:
        """Read the values, into an array of its own."""
        try:
            with safe_open(self._path, "np") as file:
                return file.get_tensor(self._name)
        except (SafetensorError, TypeError, AttributeError) as error:  # the latter: NumPy has no such type
            raise TorchFileError(f"{self._path}: {self._name} cannot be read ({error})") from error


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Names and tensors of a file, not yet read: what has a shape, a dtype and, for to_numpy, values.

    Raises:
        TorchFileError: If the file cannot be read, or has no state dict.
        OSError: If it cannot be opened.
    """
    path = Path(path).absolute()
    with open(path, "rb") as file:
        start = file.read(4)
    if path.suffix == ".safetensors":
        return _read_safetensors(str(path))
    if path.suffix == ".ckpt" and not start.startswith((b"PK", b"\x80")):  # Lightning's .ckpt is torch's
        return _read_mindspore(str(path))
    saved = load_torch_file(path)
    if not isinstance(saved, Mapping):
        raise TorchFileError(f"{path}: no state dict, but a {type(saved).__name__}")
    state_dict = find_state_dict(saved)
    if state_dict and not any(map(is_tensor, state_dict.values())):
        keys = ", ".join(ascii(key[:40]) for key in list(state_dict)[:10])
        raise TorchFileError(f"{path}: no state dict, but a dict with the keys {keys}")
    return state_dict


def find_state_dict(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The weights of a checkpoint, which may have them under one of the usual keys, and their names as str."""
    for _ in range(_DEEPEST):
        inner = next((saved[key] for key in _WRAPPERS if isinstance(saved.get(key), Mapping)), None)
        if inner is None:
            break
        saved = inner
    return {str(name): value for name, value in saved.items()}


def _read_safetensors(path: str) -> dict[str, Any]:
    try:
        with safe_open(path, "np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            return {
                name: SafeTensor(
                    path, name, tuple(part.get_shape()), _SAFETENSORS.get(part.get_dtype(), part.get_dtype().lower())
                )
                for name, part in slices.items()
            }
    except SafetensorError as error:
        raise TorchFileError(f"{path}: the file is damaged ({error})") from error


def _read_mindspore(path: str) -> dict[str, Any]:
    try:
        return ms.load_checkpoint(path)
    except ValueError as error:
        raise TorchFileError(f"{path}: neither torch nor MindSpore wrote the file ({error})") from error


def write_state_dict(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of SUFFIXES, whole or not at all, in the place of one that may be there.

    Raises:
        ValueError: If the format cannot hold the arrays.
        OSError: If it cannot be written.
    """
    path = Path(path).absolute()
    with tempfile.TemporaryDirectory(prefix=".mscompat-", dir=path.parent) as folder:
        draft = str(Path(folder) / path.name)
        Path(draft).touch()
        mode = os.stat(draft).st_mode
        if path.suffix == ".safetensors":
            try:
                save_file(dict(arrays), draft)
            except SafetensorError as error:
                raise OSError(f"{path}: {error}") from error
        else:
            # MindSpore 2.7 to 2.10 drops empty tensors, and writes complex ones, and no tensor, that it does not read.
            if not arrays:
                raise ValueError("MindSpore's .ckpt holds one tensor at least")
            refused = [name for name, array in arrays.items() if array.size == 0 or array.dtype.kind == "c"]
            if refused:
                raise ValueError(f"MindSpore's .ckpt holds no empty and no complex tensors: {', '.join(refused)}")
            tensors = [{"name": name, "data": ms.Tensor.from_numpy(array)} for name, array in arrays.items()]
            ms.save_checkpoint(tensors, draft)
        os.chmod(draft, mode)  # both libraries write for the owner's eyes only
        os.replace(draft, path)


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor, or an array, of NumPy, MindSpore, torch or a file."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def dtype_name(value: Any) -> str:
    """The dtype of a tensor in torch's (and NumPy's) words: 'float32'."""
    if isinstance(value.dtype, np.dtype):
        return value.dtype.name
    return str(value.dtype).lower().removeprefix("torch.")


def to_numpy(value: Any) -> np.ndarray:
    """The values of a tensor; of bfloat16, in a NumPy type of that name."""
    if isinstance(value, ms.Tensor):
        return value.asnumpy().copy()  # on CPU, asnumpy shares the tensor's memory
    if hasattr(value, "detach"):  # torch's
        value = value.detach().cpu().resolve_conj().resolve_neg()
        if dtype_name(value) == "bfloat16":
            return value.float().numpy().astype(numpy_type(ms.bfloat16))
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The array in C order and another type, rounded as torch rounds."""
    if array.dtype.name == dtype.name == "bfloat16":
        array = array.view(np.uint16).view(dtype)  # ml_dtypes has another type of that name; no cast joins them
    elif "bfloat16" in (array.dtype.name, dtype.name):
        array = array.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # torch makes infinities silently
        return array.astype(dtype, order="C")


def numpy_type(dtype: Any) -> np.dtype:
    """NumPy's type of one of MindSpore's; for bfloat16, the one that MindSpore brings."""
    return ms.Tensor(0, dtype).asnumpy().dtype
