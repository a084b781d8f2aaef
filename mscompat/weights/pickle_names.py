"""What the names in a pickle stand for. None of it is what the name means in Python: nothing is imported or run.

torch's functions that make tensors, plain containers and NumPy's arrays of numbers are known: functions of this module
and of pickle_arrays and pickle_tensors stand for them. Every other name, and what is made by it, is an InertObject.
"""

from __future__ import annotations

import _compat_pickle
import sys
from collections.abc import Callable
from typing import Any

from .inert import InertObject
from .pickle_arrays import ARRAY_FUNCTIONS, as_array
from .pickle_budget import Budget
from .pickle_known import UNKNOWN, Named, StorageType
from .pickle_tensors import STORAGES, TENSOR_FUNCTIONS
from .tensors import ITEMSIZE

__all__ = ["build", "call", "extend", "new_object", "resolve", "update"]

_RECORD = sys.getsizeof(InertObject(""))


class _Namespace(dict):
    """An argparse.Namespace: many a checkpoint has one beside its weights."""


def resolve(budget: Budget, module: str, name: str) -> Any:
    """What stands for a name."""
    # As Python 3 reads what Python 2 wrote, and torch.save, whose protocol is 2.
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    module = {"torch.tensor": "torch._tensor"}.get(module, module)  # torch 1.6
    full = f"{module}.{name}"
    budget.spend(_RECORD + 4 * len(full) + 300)  # it is kept by its name
    if module in ("torch", "torch.cuda", "torch.storage") and name in STORAGES:
        return StorageType(full, STORAGES[name])
    if module == "torch" and name in ITEMSIZE:
        return full
    return Named(full, path=budget.file.path)


def call(budget: Budget, function: Any, arguments: Any) -> Any:
    """What stands for the result of a call."""
    if type(arguments) is not tuple:
        budget.fail("the pickle is damaged: it calls a function without a tuple of arguments")
    if isinstance(function, Named):
        known = _FUNCTIONS.get(function.name)
        budget.spend(8 * len(arguments))
        made = UNKNOWN if known is None else known(budget, *arguments)
        if made is not UNKNOWN:
            return made
        budget.spend(_RECORD)
        return InertObject(function.name, arguments, path=budget.file.path)
    if isinstance(function, InertObject):
        budget.spend(_RECORD + 64 + 8 * len(arguments))
        return InertObject("operator.call", (function, *arguments), path=budget.file.path)
    budget.fail("the pickle is damaged: it calls what is no function")


def new_object(budget: Budget, cls: Any, arguments: Any, keywords: Any = None) -> Any:
    """What stands for cls.__new__(cls, *arguments, **keywords). Keywords, if any, come as the last argument."""
    if type(arguments) is not tuple or type(keywords) not in (dict, type(None)) or not isinstance(cls, InertObject):
        budget.fail("the pickle is damaged: it makes an object of no class")
    if keywords:
        budget.spend(64 + 8 * len(arguments))
        arguments = (*arguments, keywords)
    if not isinstance(cls, Named):
        return call(budget, cls, arguments)
    if cls.name == "argparse.Namespace" and not arguments:
        budget.spend(100)
        return _Namespace()
    budget.spend(_RECORD)
    return InertObject(cls.name, arguments, path=budget.file.path)


def build(budget: Budget, target: Any, state: Any) -> Any:
    """Give an object its state: the object, or the array that it stands for."""
    if type(target) is _Namespace and type(state) is dict:
        budget.spend(64 * len(state))
        update(budget, target, [part for item in state.items() for part in item])
    elif isinstance(target, InertObject) and not isinstance(target, Named):
        target.state = state
        return as_array(budget, target)
    elif type(target) is not dict:  # of which it is the _metadata of torch's state_dict: versions of modules
        budget.fail(f"the pickle is damaged: it gives a state to a {type(target).__name__}")
    return target


def extend(budget: Budget, target: Any, items: list[Any]) -> None:
    """Add elements to a list, or to what stands for an object of another class."""
    if isinstance(target, InertObject) and not isinstance(target, Named):
        if target.entries is None:
            target.entries = []
        target = target.entries
    if type(target) is set:
        size = sys.getsizeof(target)
        target.update(map(budget.key, items))
    elif type(target) is list:
        size = sys.getsizeof(target)
        target.extend(items)
    else:
        budget.fail(f"the pickle is damaged: it adds to a {type(target).__name__}")
    budget.spend(sys.getsizeof(target) - size)


def update(budget: Budget, target: Any, items: list[Any]) -> None:
    """Add keys and values, in turn, to a dict, or to what stands for an object of another class."""
    if isinstance(target, InertObject) and not isinstance(target, Named):
        if target.entries is None:
            target.entries = {}
        target = target.entries
    if type(target) not in (dict, _Namespace):
        budget.fail(f"the pickle is damaged: it adds to a {type(target).__name__}")
    if len(items) % 2:
        budget.fail("the pickle is damaged: a key without a value")
    size = sys.getsizeof(target)
    key = budget.key
    for index in range(0, len(items), 2):
        target[key(items[index])] = items[index + 1]
    budget.spend(sys.getsizeof(target) - size)


def _pairs(budget: Budget, items: Any = ()) -> Any:
    """A collections.OrderedDict or Counter."""
    if type(items) is dict:
        return items
    if type(items) not in (list, tuple):
        return UNKNOWN
    budget.spend(64 + 120 * len(items))
    if any(type(item) not in (list, tuple) or len(item) != 2 for item in items):
        return UNKNOWN
    return {budget.key(key): value for key, value in items}


def _default_dict(budget: Budget, factory: Any = None) -> Any:
    budget.spend(64)
    return {}


def _list(budget: Budget, items: Any = (), longest: Any = None) -> Any:
    """A collections.deque."""
    if type(items) not in (list, tuple):
        return UNKNOWN
    budget.spend(64 + 8 * len(items))
    return list(items)


def _set(budget: Budget, items: Any = ()) -> Any:
    if type(items) not in (list, tuple):
        return UNKNOWN
    budget.spend(216 + 70 * len(items))
    return set(map(budget.key, items))


def _frozenset(budget: Budget, items: Any = ()) -> Any:
    made = _set(budget, items)
    if made is UNKNOWN:
        return made
    budget.spend(sys.getsizeof(made))
    return frozenset(made)


def _size(budget: Budget, sizes: Any = ()) -> Any:
    return sizes if type(sizes) is tuple else UNKNOWN


def _device(budget: Budget, kind: Any, index: Any = None) -> Any:
    if type(kind) is not str or type(index) not in (int, type(None)):
        return UNKNOWN
    budget.spend(4 * len(kind) + 700)
    return kind if index is None else f"{kind}:{index}"


def _encode(budget: Budget, text: Any, encoding: Any) -> Any:
    """The bytes of a pickle that Python 2 can read."""
    if type(text) is not str or type(encoding) is not str or encoding != "latin1":
        return UNKNOWN
    budget.spend(50 + len(text))
    try:
        return text.encode("latin1")
    except UnicodeEncodeError:
        return UNKNOWN


def _bytes(budget: Budget, *arguments: Any) -> Any:
    return UNKNOWN if arguments else b""


def _bytearray(budget: Budget, data: Any = b"", encoding: Any = "latin1") -> Any:
    if type(data) is str:
        data = _encode(budget, data, encoding)
    if type(data) is not bytes:
        return UNKNOWN
    budget.spend(60 + len(data))
    return bytearray(data)


def _complex(budget: Budget, real: Any, imaginary: Any) -> Any:
    budget.spend(40)
    return complex(real, imaginary) if type(real) is type(imaginary) is float else UNKNOWN


def _getattr(budget: Budget, owner: Any, name: Any, *default: Any) -> Any:
    """A class in a class, as protocols below 4 name it."""
    if type(owner) is not Named or type(name) is not str or default:
        return UNKNOWN
    budget.spend(_RECORD + 4 * (len(owner.name) + len(name)))
    return Named(f"{owner.name}.{name}", path=owner._path)


def _reconstructor(budget: Budget, cls: Any, base: Any, value: Any) -> Any:
    """copyreg's, for objects in protocols 0 and 1; the value is that of a subclass of list or dict."""
    if type(cls) is not Named:
        return UNKNOWN
    made = new_object(budget, cls, ())
    if type(made) is _Namespace:
        return made
    if type(value) in (list, dict):
        made.entries = value
    elif value is not None:
        made.arguments = (value,)
    return made


def _new_object(budget: Budget, cls: Any, *arguments: Any) -> Any:
    return new_object(budget, cls, arguments)


def _first(budget: Budget, value: Any, *_: Any) -> Any:
    """What TorchScript gives a type to."""
    return value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **TENSOR_FUNCTIONS,
    **ARRAY_FUNCTIONS,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _pairs,
    "collections.Counter": _pairs,
    "collections.defaultdict": _default_dict,
    "collections.deque": _list,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytearray,
    "builtins.complex": _complex,
    "builtins.getattr": _getattr,
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _new_object,
    **{f"torch.jit._pickle.build_{kind}list": _first for kind in ("int", "tensor", "double", "bool")},
    "torch.jit._pickle.restore_type_tag": _first,
}
