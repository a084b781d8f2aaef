"""torch state dicts into MindSpore cells, and back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from mindspore import Parameter, Tensor, nn

from .state_file import cast, dtype_name, find_state_dict, is_tensor, numpy_type, read_state_dict, to_numpy

__all__ = ["load_torch_state_dict", "torch_state_dict"]

_BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)
_INSTANCE_NORM = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_AFFINE = {"gamma": "weight", "beta": "bias"}

# MindSpore's names of parameters and buffers, and torch's in torch's order. Other cells name them as torch does.
_NAMES: list[tuple[Any, dict[str, str]]] = [
    (_BATCH_NORM, {**_AFFINE, "moving_mean": "running_mean", "moving_variance": "running_var"}),
    ((*_INSTANCE_NORM, nn.GroupNorm, nn.LayerNorm), _AFFINE),
    ((nn.Embedding, nn.EmbeddingLookup), {"embedding_table": "weight"}),
    (nn.PReLU, {"w": "weight"}),
]

# The same for cells in cells; None: torch has no module there, its parameters are the outer module's.
_CELL_NAMES: list[tuple[Any, dict[str, str | None]]] = [
    (nn.BatchNorm3d, {"bn2d": None}),
    ((nn.TransformerEncoderLayer, nn.TransformerDecoderLayer), {"dense1": "linear1", "dense2": "linear2"}),
]


class _IncompatibleKeys(NamedTuple):
    """What torch.nn.Module.load_state_dict returns."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class _Slot(NamedTuple):
    """A parameter or buffer of a cell, as torch would have it."""

    cell: nn.Cell
    attribute: str
    value: Tensor
    shape: tuple[int, ...]  # torch's
    plain: bool  # torch's module may lack it: the cell computes what it would compute without


def load_torch_state_dict(
    cell: nn.Cell,
    source: Mapping[str, Any] | str | os.PathLike[str],
    strict: bool = True,
    *,
    convert_dtype: bool = False,
) -> _IncompatibleKeys:
    """Load a torch state dict into a cell, as ``torch.nn.Module.load_state_dict`` does into a module."""
    if isinstance(source, (str, os.PathLike)):
        state_dict = read_state_dict(source)
    elif isinstance(source, Mapping):
        state_dict = find_state_dict(source)
    else:
        raise TypeError(f"source must be a mapping or the path of a file, but got {type(source).__name__}")
    slots = dict(_slots(cell))
    if state_dict and all(name.startswith("module.") for name in state_dict) and not any(
        name.startswith("module.") for name in slots
    ):
        state_dict = {name.removeprefix("module."): value for name, value in state_dict.items()}

    found = {name: slot for name, slot in slots.items() if name in state_dict}
    loaded = {id(slot.value) for slot in found.values()}
    missing = [
        name for name, slot in slots.items() if name not in found and not slot.plain and id(slot.value) not in loaded
    ]
    ignored = {f"{prefix}num_batches_tracked" for prefix, inner in _walk(cell) if isinstance(inner, _BATCH_NORM)}
    unexpected = [name for name in state_dict if name not in found and name not in ignored]

    errors = []
    if strict and unexpected:
        errors.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    if strict and missing:
        errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    for name, slot in found.items():
        errors.extend(_mismatches(name, slot, state_dict[name], convert_dtype))
    if errors:
        raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {type(cell).__name__}:", *errors]))

    # Everything is read before anything is written.
    values = [(slot, _fitted(slot, state_dict[name])) for name, slot in found.items()]
    for slot, value in values:
        if isinstance(slot.value, Parameter):
            slot.value.set_data(value)
        else:
            # Not in place: a compiled graph holds a buffer as a constant, on MindSpore 2.7 by reference.
            slot.cell.register_buffer(slot.attribute, value)
    return _IncompatibleKeys(missing, unexpected)


def torch_state_dict(cell: nn.Cell) -> dict[str, np.ndarray]:
    """Return the state dict that torch's module in the place of the cell would have."""
    return {name: to_numpy(slot.value).reshape(slot.shape) for name, slot in _slots(cell) if not slot.plain}


def _walk(cell: nn.Cell, prefix: str = "") -> Iterator[tuple[str, nn.Cell]]:
    """Every cell with the prefix of its parameters' names in torch. A cell that is shared comes once per place."""
    yield prefix, cell
    names = _lookup(_CELL_NAMES, cell)
    for name, inner in cell._cells.items():
        if inner is not None:
            torch_name = names.get(name, name)
            yield from _walk(inner, prefix if torch_name is None else f"{prefix}{torch_name}.")


def _slots(cell: nn.Cell) -> Iterator[tuple[str, _Slot]]:
    for prefix, inner in _walk(cell):
        names = _lookup(_NAMES, inner)
        own = dict(inner._params)
        own.update((name, b) for name, b in inner._buffers.items() if name not in inner._non_persistent_buffers_set)
        for attribute in sorted(own, key=list({**names, **own}).index):
            value = own[attribute]
            if value is not None and not (isinstance(inner, _INSTANCE_NORM) and attribute.startswith("moving_")):
                name = prefix + names.get(attribute, attribute)
                yield name, _Slot(inner, attribute, value, _torch_shape(inner, value), _is_plain(inner, attribute))


def _lookup(table: list[tuple[Any, dict[str, Any]]], cell: nn.Cell) -> dict[str, Any]:
    return next((names for types, names in table if isinstance(cell, types)), {})


def _torch_shape(cell: nn.Cell, value: Tensor) -> tuple[int, ...]:
    """torch's shape of a parameter: MindSpore convolves a line as an image of height 1."""
    if isinstance(cell, (nn.Conv1d, nn.Conv1dTranspose)) and value.ndim == 4:
        return (*value.shape[:2], value.shape[3])
    return tuple(value.shape)


def _is_plain(cell: nn.Cell, attribute: str) -> bool:
    """Whether torch's module may lack the parameter, and the cell then does what the module does."""
    if attribute == "num_batches_tracked":
        return True
    if isinstance(cell, _BATCH_NORM) and cell.use_batch_statistics and attribute.startswith("moving_"):
        return True  # torch: track_running_stats=False
    if isinstance(cell, (*_BATCH_NORM, *_INSTANCE_NORM, nn.GroupNorm)) and attribute in _AFFINE:
        # torch: affine=False. MindSpore has parameters then too, and does not train them.
        return not any(
            getattr(cell, name).requires_grad or np.any(getattr(cell, name).asnumpy() != value)
            for name, value in (("gamma", 1), ("beta", 0))
        )
    return False


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _mismatches(name: str, slot: _Slot, value: Any, convert_dtype: bool) -> Iterator[str]:
    """torch's words for a value that does not fit."""
    if not is_tensor(value):
        yield (
            f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
        return
    shape = tuple(value.shape)
    # torch loads a tensor of one element into a scalar, for checkpoints of torch before 0.4.
    if shape != slot.shape and (shape, slot.shape) != ((1,), ()):
        yield (
            f"size mismatch for {name}: copying a param with shape torch.Size({list(shape)}) from checkpoint, "
            f"the shape in current model is torch.Size({list(slot.shape)})."
        )
    if not convert_dtype and dtype_name(value) != dtype_name(slot.value):
        yield (
            f"dtype mismatch for {name}: copying a param with dtype {dtype_name(value)} from checkpoint, "
            f"the dtype in current model is {dtype_name(slot.value)} (convert_dtype=True converts)."
        )


def _fitted(slot: _Slot, value: Any) -> Tensor:
    """The value in the shape and dtype of the slot's own."""
    array = cast(to_numpy(value), numpy_type(slot.value.dtype))
    return Tensor(array.reshape(slot.value.shape), slot.value.dtype)
