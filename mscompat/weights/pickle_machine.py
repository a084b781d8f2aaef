"""Run torch.save's pickles, without torch and without running what they say.

A pickle is a program. This module runs only the instructions that torch.save writes for tensors and plain containers,
on the names of _FUNCTIONS and the types below; anything else raises TorchFileError.

The instructions: pickletools.py.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, BinaryIO, Literal, NamedTuple, NoReturn

import numpy as np

from .tensors import ITEMSIZE, File, StorageView, TorchFileError, TorchTensor, extent, is_size

__all__ = ["StorageType", "unpickle"]

_STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "ComplexDoubleStorage": "complex128", "ComplexFloatStorage": "complex64", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8",
    "BoolStorage": "bool", "UntypedStorage": "untyped",
}  # fmt: skip

# An instruction of one byte makes an object of some 50: that bounds the memory that a pickle takes. torch.save writes
# some 40 instructions a tensor.
_MOST_INSTRUCTIONS = 2**23


def unpickle(file: File, stream: BinaryIO, end: int, persistent_load: Callable[[Any], StorageView]) -> Any:
    """Run the pickle at the stream's position, which ends before ``end``.

    Args:
        file (File): what the stream reads, and the tensors will.
        stream (binary file): is left behind the pickle.
        end (int): position in bytes.
        persistent_load (callable): finds the storage of a persistent id, or fails.

    Raises:
        TorchFileError: If the pickle is damaged, or is not of tensors and plain containers alone.
    """
    return _Unpickler(file, stream, end, persistent_load).load()


# What stands for a name in a pickle. None of it is what the name means in Python.


class StorageType(NamedTuple):
    """A class of torch's for storages."""

    dtype: str


class _Function(NamedTuple):
    """The right to be called by a pickle."""

    call: Callable[..., Any]  # with the file, then the pickle's arguments


class _Class(NamedTuple):
    """A class that may be named, and nothing else."""

    name: str


class _Namespace(dict):
    """An argparse.Namespace: many a checkpoint has one beside its weights."""


class _NumpyDtype:
    """A numpy.dtype of numbers."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.byteorder: Literal["<", ">", "|", "="] = "="


def _rebuild_tensor(file: File, view: Any, offset: Any, shape: Any, strides: Any, dtype: str | None = None) -> Any:
    if type(view) is not StorageView:
        file.fail("the file is damaged: a tensor without a storage")
    storage, start, size = view
    if dtype is None:
        dtype = storage.dtype
    else:  # its storage is measured in bytes
        size //= ITEMSIZE[dtype]
    if dtype == "untyped":
        file.fail("the file is damaged: a tensor without a type")
    if not (
        type(shape) is tuple
        and type(strides) is tuple
        and len(shape) == len(strides) <= 32  # NumPy's limit
        and is_size(offset)
        and all(map(is_size, shape))
        and all(map(is_size, strides))
        and math.prod(max(length, 1) for length in shape) < 2**60
    ):
        file.fail("the file is damaged: a tensor's sizes or strides are no such")
    tensor = TorchTensor(file, storage, start + offset, shape, strides, dtype)
    if tensor.size and offset + extent(shape, strides) > size:
        file.fail("the file is damaged: a tensor lies outside its storage")
    file.reserve(tensor.nbytes)
    return tensor


def _rebuild_tensor_v2(
    file: File, view: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Any:
    return _with_metadata(file, _rebuild_tensor(file, view, offset, shape, strides), metadata)


def _rebuild_tensor_v3(
    file: File, view: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any, dtype: Any,
    metadata: Any = None,
) -> Any:
    name = dtype.removeprefix("torch.") if type(dtype) is str else None
    if name not in ITEMSIZE or type(view) is not StorageView or view.storage.dtype != "untyped" or view.start:
        file.fail("a tensor has a type that is not known")
    return _with_metadata(file, _rebuild_tensor(file, view, offset, shape, strides, name), metadata)


def _with_metadata(file: File, tensor: TorchTensor, metadata: Any) -> TorchTensor:
    if metadata is not None:
        if type(metadata) is not dict or not metadata.keys() <= {"conj", "neg"}:
            file.fail("a tensor has properties that are not known")
        tensor._conjugate = bool(metadata.get("conj"))
        tensor._negative = bool(metadata.get("neg"))
    return tensor


def _rebuild_parameter(file: File, data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
    return data


def _rebuild_from_type(file: File, function: Any, tensor_type: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes, or of a subclass: of those, Parameter only."""
    if type(function) is not _Function or function.call not in (_rebuild_tensor_v2, _rebuild_tensor_v3):
        file.fail("a tensor is not made as torch makes one")
    if type(tensor_type) is not _Class or type(arguments) is not tuple:
        file.fail("a tensor's class is not known")
    return function.call(file, *arguments)


def _unsupported(kind: str) -> Callable[..., NoReturn]:
    def fail(file: File, *_: Any) -> NoReturn:
        file.fail(f"{kind} tensors are not supported")

    return fail


def _pairs(file: File, items: Any = ()) -> dict[Any, Any]:
    """A collections.OrderedDict or Counter."""
    if type(items) is dict:
        return items
    if type(items) not in (list, tuple) or any(type(item) not in (list, tuple) or len(item) != 2 for item in items):
        file.fail("the pickle is damaged: a dict is not made of pairs")
    return {_key(file, key): value for key, value in items}


def _default_dict(file: File, factory: Any = None) -> dict[Any, Any]:
    return {}


def _set(file: File, items: Any) -> set[Any]:
    return {_key(file, item) for item in items} if type(items) is list else file.fail("a set is not made of a list")


def _size(file: File, sizes: Any) -> tuple[Any, ...]:
    return sizes if type(sizes) is tuple else file.fail("a torch.Size is not made of a tuple")


def _device(file: File, kind: Any, index: Any = None) -> str:
    if type(kind) is not str or type(index) not in (int, type(None)):
        file.fail("a device is not named")
    return kind if index is None else f"{kind}:{index}"


def _encode(file: File, text: Any, encoding: Any) -> bytes:
    """The bytes of a pickle that Python 2 can read."""
    if type(text) is not str or encoding != "latin1":
        file.fail("bytes are not written as Python writes them")
    try:
        return text.encode("latin1")
    except UnicodeEncodeError:
        file.fail("bytes are not written as Python writes them")


def _bytearray(file: File, data: Any = b"", encoding: Any = "latin1") -> bytearray:
    if type(data) is str:
        data = _encode(file, data, encoding)
    return bytearray(data) if type(data) is bytes else file.fail("a bytearray is not made of bytes")


def _complex(file: File, real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        file.fail("a complex number is not made of two floats")
    return complex(real, imaginary)


def _numpy_dtype(file: File, code: Any, *_: Any) -> _NumpyDtype:
    if code not in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1", "c8", "c16"):
        file.fail("a NumPy type is not one of numbers")
    return _NumpyDtype(code)


def _numpy_scalar(file: File, dtype: Any, data: Any) -> Any:
    """A NumPy number, as many a checkpoint has of its best accuracy; as a Python number."""
    if type(dtype) is not _NumpyDtype or type(data) is not bytes or len(data) != np.dtype(dtype.code).itemsize:
        file.fail("a NumPy number is not written as NumPy writes it")
    return np.frombuffer(data, np.dtype(dtype.code).newbyteorder(dtype.byteorder))[0].item()


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch._utils._rebuild_sparse_tensor": _unsupported("sparse"),
    "torch._utils._rebuild_sparse_csr_tensor": _unsupported("sparse"),
    "torch._utils._rebuild_qtensor": _unsupported("quantized"),
    "torch._utils._rebuild_nested_tensor": _unsupported("nested"),
    "torch._utils._rebuild_meta_tensor_no_storage": _unsupported("meta"),
    "torch.serialization._get_layout": _unsupported("sparse"),
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _pairs,
    "collections.Counter": _pairs,
    "collections.defaultdict": _default_dict,
    "builtins.set": _set,
    "builtins.bytearray": _bytearray,
    "builtins.complex": _complex,
    "_codecs.encode": _encode,
    "numpy.dtype": _numpy_dtype,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
}
_CLASSES = (
    "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "argparse.Namespace",
    "builtins.dict", "builtins.list", "builtins.int", "builtins.float",  # of a defaultdict
)  # fmt: skip


def _global(file: File, module: str, name: str) -> Any:
    """What stands for a name of Python's."""
    module = {"__builtin__": "builtins", "torch.tensor": "torch._tensor"}.get(module, module)  # Python 2, torch 1.6
    full = f"{module}.{name}"
    if full in _FUNCTIONS:
        return _Function(_FUNCTIONS[full])
    if full in _CLASSES:
        return _Class(full)
    if module in ("torch", "torch.cuda", "torch.storage") and name in _STORAGES:
        return StorageType(_STORAGES[name])
    if module == "torch" and name in ITEMSIZE:
        return full
    if module == "torch" and name.startswith("Q") and name.endswith("Storage"):
        file.fail("quantized tensors are not supported")
    file.fail(
        f"the file names {full[:200]!r}, which is neither a tensor nor a plain container, and would have to be run. "
        "Save the weights alone: torch.save(model.state_dict(), path)"
    )


def _key(file: File, key: Any) -> Any:
    """A key of a dict or set: one whose hash takes no recursion and cannot be made to collide."""
    if type(key) in (str, bytes, float, bool, type(None)) or (type(key) is int and -(2**63) <= key < 2**63):
        return key
    file.fail(f"a key of a dict is of type {type(key).__name__}")


class _Unpickler:
    """Runs a pickle, as pickle._Unpickler does, as far as torch.save goes."""

    def __init__(
        self, file: File, stream: BinaryIO, end: int, persistent_load: Callable[[Any], StorageView]
    ) -> None:
        self.file = file
        self.stream = stream
        self.left = end - stream.tell()
        self.persistent_load = persistent_load
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below the marks
        self.memo: dict[int, Any] = {}
        # Values that functions may still copy. torch.save writes them for one call each; a memo could repeat them.
        self.spare = 2 * file.size + 2**16

    def load(self) -> Any:
        try:
            for _ in range(_MOST_INSTRUCTIONS):
                code = self.read(1)
                if code == b".":
                    return self.stack.pop()
                if code not in _INSTRUCTIONS:
                    self.file.fail(f"the pickle has an instruction that torch.save does not write: {code!r}")
                _INSTRUCTIONS[code](self)
        except (IndexError, KeyError, TypeError) as error:
            # No more on the stack, no such place in the memo, or wrong arguments of a function.
            raise TorchFileError(f"{self.file.path}: the pickle is damaged ({error})") from error
        self.file.fail(f"the pickle has more than {_MOST_INSTRUCTIONS} instructions")

    def read(self, count: int) -> bytes:
        self.left -= count
        if self.left < 0:  # before count bytes are allocated
            self.file.fail("the pickle ends early")
        data = self.stream.read(count)
        if len(data) != count:
            self.file.fail("the file ends early")
        return data

    def spend(self, count: int) -> None:
        self.spare -= count
        if self.spare < 0:
            self.file.fail("the pickle makes more of its values than it holds")

    def line(self) -> str:
        line = self.stream.readline(min(self.left, 1000))
        self.left -= len(line)
        if not line.endswith(b"\n"):
            self.file.fail("the pickle is damaged: a name without an end")
        return line[:-1].decode("utf-8")

    def number(self, code: str) -> Any:
        return struct.unpack(code, self.read(struct.calcsize(code)))[0]

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.outer.pop()
        return items

    def top(self, *types: type) -> Any:
        if type(self.stack[-1]) not in types:
            self.file.fail(f"the pickle is damaged: it adds to a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    def text(self, code: str) -> None:
        self.push(self.read(self.number(code)).decode("utf-8", "surrogatepass"))

    def raw(self, code: str) -> None:
        self.push(self.read(self.number(code)))

    def integer(self, code: str) -> None:
        count = self.number(code)
        if not 0 <= count <= 255:
            self.file.fail("the pickle has a number of more than 255 bytes")
        self.push(int.from_bytes(self.read(count), "little", signed=True))

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def tuple(self, count: int) -> None:
        if len(self.stack) < count:
            self.file.fail("the pickle is damaged: a tuple of more than there is")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def new_set(self) -> None:
        self.spend(100)  # an empty one takes 216 bytes, for one in the file
        self.push(set())

    def append(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def add(self, items: list[Any]) -> None:
        self.top(set).update(_key(self.file, item) for item in items)

    def set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            self.file.fail("the pickle is damaged: a key without a value")
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(self.file, key)] = value

    def name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            self.file.fail("the pickle is damaged: a name that is none")
        self.push(_global(self.file, module, name))

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        if type(function) is not _Function or type(arguments) is not tuple:
            self.file.fail("the pickle calls what is no function of torch's")
        self.spend(sum(len(value) for value in arguments if type(value) in (list, tuple, str, bytes)))
        self.push(function.call(self.file, *arguments))

    def new_object(self) -> None:
        arguments, cls = self.pop(), self.pop()
        if type(cls) is not _Class or cls.name != "argparse.Namespace" or arguments != ():
            self.file.fail("the pickle makes an object of a class that is not known")
        self.push(_Namespace())

    def build(self) -> None:
        state, target = self.pop(), self.top(dict, _Namespace, _NumpyDtype)
        if type(target) is _Namespace:
            if type(state) is not dict:
                self.file.fail("the pickle is damaged: a namespace without names")
            self.spend(len(state))
            target.update(state)
        elif type(target) is _NumpyDtype:
            if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
                self.file.fail("the pickle is damaged: a NumPy type without a byte order")
            target.byteorder = state[1]
        # Of a dict, it is the _metadata of torch's state_dict: versions of modules.

    def persistent(self) -> None:
        self.push(self.persistent_load(self.pop()))

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]


_INSTRUCTIONS: dict[bytes, Callable[[_Unpickler], Any]] = {
    b"\x80": lambda it: it.read(1),  # PROTO
    b"\x95": lambda it: it.read(8),  # FRAME
    b"N": lambda it: it.push(None),
    b"\x88": lambda it: it.push(True),
    b"\x89": lambda it: it.push(False),
    b"K": lambda it: it.push(it.number("<B")),
    b"M": lambda it: it.push(it.number("<H")),
    b"J": lambda it: it.push(it.number("<i")),
    b"\x8a": lambda it: it.integer("<B"),
    b"\x8b": lambda it: it.integer("<i"),
    b"G": lambda it: it.push(it.number(">d")),
    b"U": lambda it: it.text("<B"),  # Python 2's str
    b"T": lambda it: it.text("<I"),
    b"\x8c": lambda it: it.text("<B"),
    b"X": lambda it: it.text("<I"),
    b"\x8d": lambda it: it.text("<Q"),
    b"C": lambda it: it.raw("<B"),
    b"B": lambda it: it.raw("<I"),
    b"\x8e": lambda it: it.raw("<Q"),
    b"\x96": lambda it: it.push(bytearray(it.read(it.number("<Q")))),
    b"(": lambda it: it.mark(),
    b")": lambda it: it.push(()),
    b"\x85": lambda it: it.tuple(1),
    b"\x86": lambda it: it.tuple(2),
    b"\x87": lambda it: it.tuple(3),
    b"t": lambda it: it.push(tuple(it.pop_mark())),
    b"]": lambda it: it.push([]),
    b"}": lambda it: it.push({}),
    b"\x8f": lambda it: it.new_set(),
    b"a": lambda it: it.append([it.pop()]),
    b"e": lambda it: it.append(it.pop_mark()),
    b"s": lambda it: it.set_items([it.pop(), it.pop()][::-1]),
    b"u": lambda it: it.set_items(it.pop_mark()),
    b"\x90": lambda it: it.add(it.pop_mark()),
    b"q": lambda it: it.put(it.number("<B")),
    b"r": lambda it: it.put(it.number("<I")),
    b"\x94": lambda it: it.put(len(it.memo)),
    b"h": lambda it: it.push(it.memo[it.number("<B")]),
    b"j": lambda it: it.push(it.memo[it.number("<I")]),
    b"c": lambda it: it.name(it.line(), it.line()),
    b"\x93": lambda it: it.name(*[it.pop(), it.pop()][::-1]),
    b"R": lambda it: it.reduce(),
    b"\x81": lambda it: it.new_object(),
    b"b": lambda it: it.build(),
    b"Q": lambda it: it.persistent(),
}
