"""What is special about TorchScript's archives: torch.jit.save's and ScriptModule.save's.

data.pkl holds the module as an object of a class of the file's own, `__torch__.…`, whose attributes are parameters,
buffers, modules and anything else, in one dict. Which is which is in the code of the class, under code/: a list of the
names of its parameters, and one of its buffers. The code is searched for these lists, and for nothing else.

The tensors of a frozen module (torch.jit.freeze) have become constants of its code, and have lost their names. They
are in constants.pkl, and get the names that the code has for them: CONSTANTS.c0 and so on.

The format: torch/csrc/jit/serialization/{export_module,import_source,python_print,unpickler}.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .inert import InertObject
from .tensors import TorchTensor

__all__ = ["add_constants", "sort_attributes"]

_CLASS = re.compile(
    rb"^class (\w+)\((?:Module|InterfaceModule)\):\n  __parameters__ = \[([^\]\n]*)\]\n"
    rb"(?:  __buffers__ = \[([^\]\n]*)\]\n)?",
    re.MULTILINE,
)
_MOST_CLASSES = 10_000  # in a file of code: torch writes one, or a few
_NAME = re.compile(rb'"([^"\n]*)"')


class _Declaration(NamedTuple):
    """What the code says of a class of modules."""

    parameters: set[str]
    buffers: set[str] | None  # None: all other tensors


def sort_attributes(value: Any, read_code: Callable[[str], bytes | None]) -> None:
    """Give the records of modules the state of an nn.Module: _parameters, _buffers, _modules, and what else is there.

    Args:
        value (Any): what data.pkl holds.
        read_code (callable): finds a file of the folder code/, or None.
    """
    files: dict[str, dict[str, _Declaration] | None] = {}
    seen = set()
    todo = [value]
    while todo:
        record = todo.pop()
        if id(record) in seen or not _is_object(record):
            continue
        seen.add(id(record))
        *folders, name = record.name.split(".")
        file = "/".join(folders) + ".py"
        if file not in files:
            code = read_code(file)
            files[file] = None if code is None or code.count(b"__parameters__") > _MOST_CLASSES else _declarations(code)
        declarations = files[file]
        if declarations is None:
            declaration = _Declaration(set(), None)  # without its code, all tensors count
        elif name in declarations:
            declaration = declarations[name]
        else:
            continue  # it is no module
        tensors = {key: tensor for key, tensor in record.state.items() if isinstance(tensor, TorchTensor)}
        modules = {key: inner for key, inner in record.state.items() if _is_object(inner)}
        record.state = {
            **record.state,
            "_parameters": {key: tensor for key, tensor in tensors.items() if key in declaration.parameters},
            "_buffers": {
                key: tensor for key, tensor in tensors.items()
                if key not in declaration.parameters and (declaration.buffers is None or key in declaration.buffers)
            },
            "_modules": modules,
        }  # fmt: skip
        todo.extend(modules.values())


def add_constants(record: InertObject, constants: Any) -> None:
    """Give a module that has no tensors the constants of its code."""
    if type(constants) is tuple:
        record.state["_buffers"] = {
            f"CONSTANTS.c{index}": tensor for index, tensor in enumerate(constants) if isinstance(tensor, TorchTensor)
        }


def _is_object(value: Any) -> bool:
    return isinstance(value, InertObject) and value.name.startswith("__torch__.") and type(value.state) is dict


def _declarations(code: bytes) -> dict[str, _Declaration]:
    def names(text: bytes) -> set[str]:
        return {name.decode("utf-8", "replace") for name in _NAME.findall(text)}

    return {
        name.decode(): _Declaration(names(parameters), None if buffers is None else names(buffers))
        for name, parameters, buffers in (match.groups() for match in _CLASS.finditer(code))
    }
