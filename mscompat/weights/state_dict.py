"""torch state dicts into MindSpore cells, and back.

A cell's type tells what torch calls its parameters and which shape it gives them; the place of the cell among the
others tells the rest of the name, as in torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from mindspore import Parameter, Tensor, nn

from .._mindspore.cells import inner_cells, own_buffers, own_parameters
from ..parameters import assign
from .arrays import cast, dtype_name, is_tensor, numpy_type, to_numpy
from .errors import TorchFileError
from .files import find_state_dict, read_state_dict
from .mindspore_checkpoint import CheckpointTensor
from .names import BATCH_NORM, common_prefix
from .printing import printable
from .reparametrized import combine, part_names, with_other_form

__all__ = ["IncompatibleKeys", "Slot", "load_into", "load_torch_state_dict", "slots", "torch_state_dict"]

_BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)
_INSTANCE_NORM = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_OTHER_NORM = (nn.GroupNorm, nn.LayerNorm)
_TRANSPOSED = (nn.Conv1dTranspose, nn.Conv2dTranspose, nn.Conv3dTranspose)

# MindSpore's names of parameters that torch names otherwise, and torch's, in torch's order.
_AFFINE = {"gamma": "weight", "beta": "bias"}
_NAMES: list[tuple[Any, dict[str, str]]] = [
    (_BATCH_NORM, {own: torch_name for torch_name, own in BATCH_NORM.items()}),
    ((*_INSTANCE_NORM, *_OTHER_NORM), _AFFINE),
    ((nn.Embedding, nn.EmbeddingLookup), {"embedding_table": "weight"}),
    (nn.PReLU, {"w": "weight"}),
]

# The same for cells in cells. None: torch has no module there, its parameters are the outer module's.
_CELL_NAMES: list[tuple[Any, dict[str, str | None]]] = [
    (nn.BatchNorm3d, {"bn2d": None}),
    ((nn.TransformerEncoderLayer, nn.TransformerDecoderLayer), {"dense1": "linear1", "dense2": "linear2"}),
]


class IncompatibleKeys(NamedTuple):
    """What torch.nn.Module.load_state_dict returns."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Slot(NamedTuple):
    """The place of a parameter or buffer in a cell."""

    cell: nn.Cell
    attribute: str
    value: Tensor
    shape: tuple[int, ...]  # torch's
    optional: bool  # torch's module may lack it: the cell computes what such a module does

    @property
    def is_buffer(self) -> bool:
        """Whether torch calls it a buffer."""
        if isinstance(self.cell, (*_BATCH_NORM, *_INSTANCE_NORM)):
            return self.attribute.startswith("moving_")
        return self.attribute in _module_buffers(self.cell) or not isinstance(self.value, Parameter)

    @property
    def is_saved(self) -> bool:
        """Whether a state dict has it."""
        return not self.is_transient and (self.attribute == "num_batches_tracked" or not self.optional)

    @property
    def is_transient(self) -> bool:
        """Whether it is a buffer that was registered with persistent=False."""
        return not _module_buffers(self.cell).get(self.attribute, True)

    def torch_value(self) -> Tensor:
        """The value in torch's shape: the Parameter itself, where MindSpore's shape is the same."""
        return self.value if self.value.shape == self.shape else self.value.reshape(self.shape)


def load_torch_state_dict(
    cell: nn.Cell,
    source: Mapping[str, Any] | str | os.PathLike[str],
    strict: bool = True,
    *,
    convert_dtype: bool = False,
    key: str | None = None,
) -> IncompatibleKeys:
    """Load torch's weights into a cell, as ``torch.nn.Module.load_state_dict`` loads them into a module.

    Args:
        cell (Cell): any tree of mscompat's, MindSpore's and the user's cells whose attributes are named as the
            module's are. BatchNorm, GroupNorm, LayerNorm, InstanceNorm, Embedding, PReLU, the convolutions (1d to 3d,
            transposed) and the Transformer layers are given torch's names and shapes by their type; all other cells'
            parameters keep their own, which are torch's in Dense, LSTM, GRU, RNN, MultiheadAttention and mint.nn.
            A ParameterTuple's are named by its Parameters' names: "weights.0" stands for an entry of a ParameterList.
        source (mapping or path): names and NumPy arrays, MindSpore or torch tensors; or a file that torch.save or
            torch.jit.save (any ending, whole modules too; see :func:`mscompat.load_torch_file`), safetensors
            (``.safetensors``) or MindSpore (``.ckpt``) wrote. Names that fit only without a prefix that all of them
            have ('module.' of DataParallel, '_orig_mod.' of torch.compile, a wrapper's 'model.', or several) lose it. A
            ``.ckpt`` may have MindSpore's names too. Where the cell has one parameter and the source its parts, of
            torch's weight_norm or spectral_norm (older or newer), their product is loaded, as torch computes it in
            evaluation mode; parts load into parts of either.
        strict (bool): whether missing and unexpected names raise. Default: True.
        convert_dtype (bool): whether values of another dtype than the parameter's are converted. Default: False: they
            raise.
        key (str): which of a checkpoint's groups of tensors, with dots between names and indices: 'g_ema',
            'models.0.state_dict'; '.' for its own tensors; the command `mscompat inspect` lists them. Default: None:
            the only one that could be meant. Optimizers, schedulers and settings could not, nor could tensors beside
            'state_dict' or 'model', as a loss; but 'model_ema' beside 'model', or tensors beside 'g_ema', could. Nested
            dicts are groups of their own: their names are not joined.

    Returns:
        A named tuple of missing_keys and unexpected_keys, lists of str. num_batches_tracked of a BatchNorm is
        neither, nor is a name of a shared Parameter of which another name is there.

    Raises:
        RuntimeError: With torch's sentences, all of them at once, and the cell unchanged: if shapes or dtypes differ,
            or values are not dense numbers; if strict, also if names differ.
        TorchFileError: If the file cannot be read, or it is not clear which of its groups is meant.
        ValueError: If that is not clear of a mapping.
        TypeError: If cell is no Cell, source neither a mapping nor a path, or key no str.

    Differences from torch:
        torch converts dtypes without a word, and loads what fits before it raises. Running statistics of an
        InstanceNorm are unexpected: MindSpore never normalises with them.

    Load at any time: parameters (a BatchNorm's running statistics are such) are written in place, so that a compiled
    training goes on from them, with the optimiser's state as it was. mindspore.load_param_into_net cuts them off. A
    registered buffer (Cell.register_buffer) is a constant of what Graph mode compiles: the cell itself is compiled
    anew, but a function, or a cell around it, that was compiled before the load keeps the old buffer.

    Examples:
        >>> import numpy as np
        >>> from mindspore import nn
        >>> from mscompat import TorchConv2d, load_torch_state_dict
        >>> cell = nn.SequentialCell(TorchConv2d(1, 2, 1, bias=False), nn.BatchNorm2d(2))
        >>> weights = {"0.weight": np.ones((2, 1, 1, 1), np.float32)}
        >>> weights |= {f"1.{name}": np.ones(2, np.float32) for name in ("weight", "bias", "running_var")}
        >>> load_torch_state_dict(cell, weights, strict=False).missing_keys
        ['1.running_mean']
        >>> weights["1.running_mean"] = np.zeros(2, np.float32)
        >>> load_torch_state_dict(cell, weights)
        <All keys matched successfully>
    """
    if not isinstance(cell, nn.Cell):
        raise TypeError(f"cell must be a mindspore.nn.Cell, but got {type(cell).__name__}")
    if key is not None and not isinstance(key, str):
        raise TypeError(f"key must be a str, but got {type(key).__name__}")
    if isinstance(source, (str, os.PathLike)):
        state_dict = read_state_dict(source, key)
    elif isinstance(source, Mapping):
        state_dict = find_state_dict(source, key)
    else:
        raise TypeError(f"source must be a mapping or the path of a file, but got {type(source).__name__}")
    places = dict(slots(cell))
    state_dict = _with_torch_names(places, state_dict)
    state_dict, incomplete = combine(state_dict, {name: _is_transposed(place.cell) for name, place in places.items()})
    return load_into(cell, state_dict, strict=strict, convert_dtype=convert_dtype, incomplete=incomplete)


def load_into(
    cell: nn.Cell, state_dict: dict[str, Any], *, strict: bool, convert_dtype: bool, incomplete: Sequence[str] = ()
) -> IncompatibleKeys:
    """Load values by torch's names: all, or none and an error. `incomplete` are sentences about missing names."""
    places = {name: slot for name, slot in slots(cell) if not slot.is_transient}
    state_dict = with_other_form(state_dict, places)
    found = {name: slot for name, slot in places.items() if name in state_dict}
    loaded = {id(slot.value) for slot in found.values()}  # perhaps under another name
    missing = [name for name, slot in places.items() if not slot.optional and id(slot.value) not in loaded]
    ignored = {f"{prefix}num_batches_tracked" for prefix, inner in _walk(cell) if isinstance(inner, _BATCH_NORM)}
    unexpected = [name for name in state_dict if name not in found and name not in ignored]

    errors = []
    if strict and missing:
        errors += [f"Missing key(s) in state_dict: {_quoted(missing)}. ", *incomplete]
    if strict and unexpected:
        errors.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    for name, slot in found.items():
        errors.extend(_mismatches(name, slot, state_dict[name], convert_dtype))
    _raise_any(errors, cell)

    # Everything is read before anything is written.
    values = []
    for name, slot in found.items():
        try:
            values.append((slot, _fitted(slot, state_dict[name])))
        except TorchFileError:
            raise
        except (TypeError, ValueError, NotImplementedError) as error:  # torch's sparse, quantized, meta; NumPy's str
            errors.append(f'While copying the parameter named "{name}", an exception occurred : {error}')
    _raise_any(errors, cell)
    for slot, value in values:
        if isinstance(slot.value, Parameter):
            assign(slot.value, value)
        else:
            # Not in place: Graph mode may compute garbage when a buffer's memory goes (MS-24).
            slot.cell.register_buffer(slot.attribute, value)
    if any(not isinstance(slot.value, Parameter) for slot, _ in values):
        _forget_compiled(cell)
    return IncompatibleKeys(missing, unexpected)


def torch_state_dict(cell: nn.Cell) -> dict[str, np.ndarray]:
    """Return a cell's weights as torch has them: the inverse of :func:`load_torch_state_dict`.

    Args:
        cell (Cell): see :func:`load_torch_state_dict`.

    Returns:
        dict of torch's names and copies of the values, C-contiguous NumPy arrays of torch's shapes. bfloat16 has the
        NumPy type that MindSpore brings, which safetensors writes. torch's load_state_dict takes it with strict=True:
        it makes up for num_batches_tracked, which is left out. Left out too is what torch's module would not have:
        weight and bias of a norm whose gamma and beta are not trained and still 1 and 0 (affine=False), the running
        statistics of one with use_batch_statistics=True (track_running_stats=False) and of an InstanceNorm.

    Examples:
        >>> from mindspore import nn
        >>> from safetensors.numpy import save_file
        >>> from mscompat import torch_state_dict
        >>> state_dict = torch_state_dict(nn.SequentialCell(nn.Conv1d(2, 4, 3), nn.BatchNorm2d(4)))
        >>> {name: array.shape for name, array in state_dict.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'0.weight': (4, 2, 3), '1.weight': (4,), '1.bias': (4,), '1.running_mean': (4,), '1.running_var': (4,)}
        >>> save_file(state_dict, "model.safetensors")  # doctest: +SKIP
    """
    return {name: to_numpy(slot.value).reshape(slot.shape) for name, slot in slots(cell) if slot.is_saved}


def _walk(cell: nn.Cell, prefix: str = "") -> Iterator[tuple[str, nn.Cell]]:
    """Every cell, with what its parameters' names begin with in torch. A shared cell comes once for each place."""
    yield prefix, cell
    names = _lookup(_CELL_NAMES, cell)
    for name, inner in inner_cells(cell).items():
        torch_name = names.get(name, name)
        yield from _walk(inner, prefix if torch_name is None else f"{prefix}{torch_name}.")


def slots(cell: nn.Cell) -> Iterator[tuple[str, Slot]]:
    """torch's names and the places of all parameters and buffers, but for MindSpore's buffers that are not saved."""
    for prefix, inner in _walk(cell):
        names = _lookup(_NAMES, inner)
        own = {**own_parameters(inner), **own_buffers(inner)}
        for attribute in sorted({**names, **own}, key=_module_buffers(inner).__contains__):  # torch's order
            value = own.get(attribute)
            if value is None or (isinstance(inner, _INSTANCE_NORM) and attribute.startswith("moving_")):
                continue
            name = prefix + names.get(attribute, attribute)
            yield name, Slot(inner, attribute, value, _torch_shape(inner, value), _is_optional(inner, attribute))


def _module_buffers(cell: nn.Cell) -> dict[str, bool]:
    """The buffers of an mscompat.nn.Module, and whether a state dict has them."""
    return cell.__dict__.get("_own_buffers", {})


def _is_transposed(cell: nn.Cell) -> bool:
    return isinstance(cell, _TRANSPOSED) or getattr(cell, "transposed", False)


def _lookup(table: list[tuple[Any, dict[str, Any]]], cell: nn.Cell) -> dict[str, Any]:
    return next((names for types, names in table if isinstance(cell, types)), {})


def _torch_shape(cell: nn.Cell, value: Tensor) -> tuple[int, ...]:
    if isinstance(cell, nn.Conv2d) and cell.data_format == "NHWC":
        raise ValueError("weights of a Conv2d with data_format='NHWC' (GPU only) are in another order than torch's")
    if isinstance(cell, (nn.Conv1d, nn.Conv1dTranspose)) and value.ndim == 4:
        return (*value.shape[:2], value.shape[3])  # MindSpore convolves a line as an image of height 1
    return tuple(value.shape)


def _is_optional(cell: nn.Cell, attribute: str) -> bool:
    if attribute == "num_batches_tracked":  # mint.nn's BatchNorm has it
        return True
    if isinstance(cell, _BATCH_NORM) and cell.use_batch_statistics and attribute.startswith("moving_"):
        return True  # torch: track_running_stats=False
    if isinstance(cell, (*_BATCH_NORM, *_INSTANCE_NORM, *_OTHER_NORM)) and attribute in _AFFINE:
        # torch: affine=False. MindSpore has gamma and beta then too, and does not train them.
        return not any(
            parameter.requires_grad or np.any(parameter.asnumpy() != neutral)
            for parameter, neutral in ((cell.gamma, 1), (cell.beta, 0))
        )
    return False


def _forget_compiled(cell: nn.Cell) -> None:
    """Have each cell compiled anew: Graph mode makes a constant of a registered buffer (MS-23)."""
    for _, inner in cell.cells_and_names():
        inner.compile_cache.clear()


def _with_torch_names(places: dict[str, Slot], state_dict: dict[str, Any]) -> dict[str, Any]:
    """The state dict without a prefix that is in the way; what MindSpore saved, under torch's names."""
    renamed: dict[str, str] = {}
    if any(isinstance(value, (CheckpointTensor, Parameter)) for value in state_dict.values()):
        renamed = {slot.value.name: name for name, slot in places.items() if isinstance(slot.value, Parameter)}
    tensors = [name for name, value in state_dict.items() if is_tensor(value)]
    prefix = common_prefix(tensors, {*places, *renamed, *part_names(places)})
    bare = {name.removeprefix(prefix): value for name, value in state_dict.items()}
    kept = {name for name in bare if name in places or renamed.get(name, name) in bare}
    return {name if name in kept else renamed[name]: value for name, value in bare.items()}


def _raise_any(errors: list[str], cell: nn.Cell) -> None:
    if errors:
        raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {type(cell).__name__}:", *errors]))


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{printable(name)}"' for name in names)


def _mismatches(name: str, slot: Slot, value: Any, convert_dtype: bool) -> Iterator[str]:
    """torch's words for a value that does not fit."""
    name = printable(name)
    if not is_tensor(value):
        yield (
            f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
        return
    shape = tuple(value.shape)
    # Before 0.4, torch had no scalars: their checkpoints hold one element.
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


def _fitted(slot: Slot, value: Any) -> Tensor:
    """The value in the slot's own shape and dtype."""
    array = cast(to_numpy(value), numpy_type(slot.value.dtype))
    return Tensor(array.reshape(slot.value.shape), slot.value.dtype)
