"""What stands for an object of a class that a file names and mscompat does not know: a record that runs nothing."""

from __future__ import annotations

from typing import Any

from .errors import TorchFileError
from .printing import printable

__all__ = ["InertObject", "module_state_dict"]

_DEEPEST = 1000  # where Python's recursion, and with it torch's state_dict(), ends


class InertObject:
    """An object of a file, as the file describes it. Neither its class nor anything else of it was imported or run.

    Attributes:
        name (str): module and name of its class or function: 'omegaconf.dictconfig.DictConfig'.
        arguments (tuple): what it was called with, () where it was not.
        state (Any): what it was given afterwards, often a dict of its attributes; None where there is none.
        entries (list or dict): the elements of a subclass of list, or of dict; None where there are none.
    """

    __slots__ = ("_path", "arguments", "entries", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...] = (), *, path: str | None = None) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None
        self.entries: list[Any] | dict[Any, Any] | None = None
        self._path = path  # of the file, for errors

    def __repr__(self) -> str:
        return f"<{printable(self.name)}, not run>"


def module_state_dict(value: Any) -> dict[str, Any] | None:
    """Names and tensors of a whole module that was saved, as its state_dict() gives them; None for all else.

    A module that holds itself is left out where it comes again.

    Raises:
        TorchFileError: If its parts hold the same parts again and again, so that there is no end of names.
    """
    if _parts(value) is None:
        return None
    state_dict: dict[str, Any] = {}
    names = _Names(value)
    todo: list[tuple[Any, str, tuple[int, ...]]] = [(value, "", ())]
    while todo:
        record, prefix, outer = todo.pop()
        parts = _parts(record)
        if parts is None or id(record) in outer:
            continue
        parameters, buffers, modules, transient = parts
        names.enter(record, len(outer), len(parameters) + len(buffers) + len(modules))
        own = {**parameters, **{name: buffer for name, buffer in buffers.items() if name not in transient}}
        for name, tensor in own.items():
            if tensor is not None and type(name) is str:
                state_dict[names.join(prefix, name)] = tensor
        inner = (*outer, id(record))
        for name, module in reversed(modules.items()):
            if type(name) is str and isinstance(module, InertObject):
                todo.append((module, f"{names.join(prefix, name)}.", inner))
    return state_dict


class _Names:
    """Counts what the names of a module take. Each distinct part of it grants some; the same part again grants none."""

    def __init__(self, root: InertObject) -> None:
        self.root = root
        self.seen: set[int] = set()
        self.left = 2**20

    def enter(self, record: InertObject, depth: int, size: int) -> None:
        """Count a module that is at a place."""
        if id(record) not in self.seen:
            self.seen.add(id(record))
            self.left += 2**14 + 1000 * size
        self.spend(100 + 8 * depth if depth < _DEEPEST else self.left + 1)

    def join(self, prefix: str, name: str) -> str:
        """Count a name, and make it."""
        self.spend(100 + len(prefix) + len(name))
        return prefix + name

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            name = printable(self.root.name[:200])
            raise TorchFileError(f"{self.root._path or name}: the modules of {name} hold each other too often")


def _parts(record: Any) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any], Any] | None:
    """Parameters, buffers, modules, and the names of buffers that are not saved."""
    if not isinstance(record, InertObject):
        return None
    state = record.state
    if state is None and record.arguments:
        state = record.arguments[0]  # of an fx.GraphModule
    if type(state) is not dict:
        return None
    parameters, buffers, modules = (state.get(name) for name in ("_parameters", "_buffers", "_modules"))
    if not type(parameters) is type(buffers) is type(modules) is dict:
        return None
    transient = state.get("_non_persistent_buffers_set")
    return parameters, buffers, modules, transient if type(transient) is set else ()
