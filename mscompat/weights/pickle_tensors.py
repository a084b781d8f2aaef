"""Tensors in a pickle: what stands for the functions by which torch makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .pickle_budget import Budget
from .pickle_known import UNKNOWN, Named
from .tensors import ITEMSIZE, StorageView, TorchTensor, UnsupportedTensor, extent, is_shape, is_size

__all__ = ["STORAGES", "TENSOR_FUNCTIONS"]

STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "ComplexDoubleStorage": "complex128", "ComplexFloatStorage": "complex64", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8",
    "BoolStorage": "bool", "UntypedStorage": "untyped", "QInt8Storage": "qint8", "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
}  # fmt: skip
"""The types of torch's storages, by the name of their class."""

_TENSOR = 150  # bytes of a TorchTensor, and more: a pickle can make the same one again in five bytes, which takes time


def _rebuild_tensor(budget: Budget, view: Any, offset: Any, shape: Any, strides: Any, dtype: str | None = None) -> Any:
    if type(view) is not StorageView:
        budget.fail("the file is damaged: a tensor without a storage")
    storage, start, size = view
    if dtype is None:
        dtype = storage.dtype
    else:  # its storage is measured in bytes
        size //= ITEMSIZE[dtype]
    if dtype == "untyped":
        budget.fail("the file is damaged: a tensor without a type")
    if not (
        is_shape(shape)
        and type(strides) is tuple
        and len(shape) == len(strides)
        and all(map(is_size, strides))
        and is_size(offset)
    ):
        budget.fail("the file is damaged: a tensor's sizes or strides are no such")
    tensor = TorchTensor(budget.file, storage, start + offset, shape, strides, dtype)
    if tensor.size and offset + extent(shape, strides) > size:
        budget.fail("the file is damaged: a tensor lies outside its storage")
    budget.spend(_TENSOR + 16 * max(len(shape) - 4, 0))
    budget.file.reserve(tensor.nbytes)
    return tensor


def _rebuild_tensor_v2(
    budget: Budget, view: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any,
    metadata: Any = None,
) -> Any:
    return _with_metadata(_rebuild_tensor(budget, view, offset, shape, strides), metadata)


def _rebuild_tensor_v3(
    budget: Budget, view: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any, dtype: Any,
    metadata: Any = None,
) -> Any:
    name = dtype.removeprefix("torch.") if type(dtype) is str else None
    if name not in ITEMSIZE or type(view) is not StorageView or view.storage.dtype != "untyped" or view.start:
        return UNKNOWN
    return _with_metadata(_rebuild_tensor(budget, view, offset, shape, strides, name), metadata)


def _with_metadata(tensor: TorchTensor, metadata: Any) -> Any:
    if metadata is not None:
        if type(metadata) is not dict or not metadata.keys() <= {"conj", "neg"}:
            return UNKNOWN
        tensor._conjugate = bool(metadata.get("conj"))
        tensor._negative = bool(metadata.get("neg"))
    return tensor


def _rebuild_sparse(budget: Budget, layout: Any, parts: Any) -> Any:
    match parts:
        case (_, TorchTensor() as values, shape) | (_, TorchTensor() as values, shape, bool()):
            return _unsupported(budget, "sparse", shape, values.dtype)
        case (_, _, TorchTensor() as values, shape):  # in rows or columns
            return _unsupported(budget, "sparse", shape, values.dtype)
    return UNKNOWN


def _rebuild_quantized(budget: Budget, view: Any, offset: Any, shape: Any, *_: Any) -> Any:
    return _unsupported(budget, "quantized", shape, view.storage.dtype) if type(view) is StorageView else UNKNOWN


def _rebuild_nested(budget: Budget, values: Any, sizes: Any, *_: Any) -> Any:
    if not isinstance(values, TorchTensor) or not isinstance(sizes, TorchTensor):
        return UNKNOWN
    return _unsupported(budget, "nested", sizes.shape[:1], values.dtype)


def _rebuild_meta(budget: Budget, dtype: Any, shape: Any, *_: Any) -> Any:
    name = dtype.removeprefix("torch.") if type(dtype) is str else None
    return _unsupported(budget, "meta", shape, name) if name in ITEMSIZE else UNKNOWN


def _unsupported(budget: Budget, kind: str, shape: Any, dtype: str) -> Any:
    budget.spend(_TENSOR)
    return UnsupportedTensor(budget.file, kind, shape, dtype) if is_shape(shape) else UNKNOWN


def _rebuild_on_device(budget: Budget, values: Any, dtype: Any, *_: Any) -> Any:
    """A tensor of a device whose memory torch does not write: TPUs and such."""
    if type(dtype) is not str or not isinstance(values, (TorchTensor, np.ndarray)):
        return UNKNOWN
    return values if dtype == f"torch.{values.dtype}" else UNKNOWN


def _rebuild_parameter(budget: Budget, values: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
    return values


def _rebuild_from_type(budget: Budget, function: Any, tensor_type: Any, arguments: Any, state: Any) -> Any:
    """A tensor of a subclass, or with attributes."""
    if type(function) is not Named or type(arguments) is not tuple:
        return UNKNOWN
    rebuild = _PLAIN_TENSORS.get(function.name)
    return UNKNOWN if rebuild is None else rebuild(budget, *arguments)


_PLAIN_TENSORS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_sparse_tensor": _rebuild_sparse,
    "torch._utils._rebuild_sparse_csr_tensor": _rebuild_sparse,
    "torch._utils._rebuild_qtensor": _rebuild_quantized,
    "torch._utils._rebuild_nested_tensor": _rebuild_nested,
    "torch._utils._rebuild_meta_tensor_no_storage": _rebuild_meta,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _rebuild_on_device,
    "torch._utils._rebuild_device_tensor_from_numpy": _rebuild_on_device,
}
TENSOR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **_PLAIN_TENSORS,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch._tensor._rebuild_from_type": _rebuild_from_type,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
}
"""What stands for torch's functions, by their names; each is called with the budget first."""
