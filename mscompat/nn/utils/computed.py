"""Attributes of a module that are computed of its parameters whenever they are read.

A weight that is kept in parts is such an attribute. The module's class gives way to one that is derived from it, with a
property in the attribute's place, as in torch.nn.utils.parametrize. Any `forward` may read it, in graphs too, where
the getter becomes a part of the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mindspore import Parameter, Tensor, nn

from ..module import Module

__all__ = [
    "Computed",
    "computed_attributes",
    "forget_computed",
    "plain_class",
    "put_parameter",
    "set_computed",
    "take_parameter",
]


class Computed(NamedTuple):
    """How an attribute is computed."""

    kind: str  # the name of torch's function
    get: Callable[[Any], Tensor]  # in graphs too
    put: Callable[[Any, Any], None] | None = None  # what an assignment does; None: it raises


class _WithComputed:
    """What the classes that are made for modules with computed attributes derive from, before the module's own."""

    _plain_class: type
    _computed: dict[str, Computed]
    # Whether the module is being called, so that it is forward that reads an attribute.
    _is_called = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = self._is_called
        object.__setattr__(self, "_is_called", True)
        try:
            return super().__call__(*args, **kwargs)  # type: ignore[misc]
        finally:
            object.__setattr__(self, "_is_called", before)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._computed:
            super().__setattr__(name, value)
        elif isinstance(value, Parameter):
            raise KeyError(f"attribute '{name}' already exists")  # torch's: it would register the Parameter
        else:
            object.__setattr__(self, name, value)  # calls the property's setter


def computed_attributes(module: nn.Cell) -> dict[str, Computed]:
    """The computed attributes of a module."""
    return dict(module._computed) if isinstance(module, _WithComputed) else {}


def plain_class(module: nn.Cell) -> type:
    """The class that a module had before it had such attributes."""
    return module._plain_class if isinstance(module, _WithComputed) else type(module)


def set_computed(module: Module, name: str, computed: Computed) -> None:
    """Have an attribute computed. There must be no other of its name."""
    _change_class(module, {**computed_attributes(module), name: computed})


def forget_computed(module: Module, name: str) -> None:
    """Undo it."""
    _change_class(module, {key: value for key, value in computed_attributes(module).items() if key != name})


def take_parameter(module: Module, name: str) -> Parameter:
    """Remove a parameter from a module, and return it."""
    parameter = getattr(module, name)
    delattr(module, name)
    return parameter


def put_parameter(module: Module, name: str, parameter: Parameter) -> None:
    """Put a parameter into a module under a name, which becomes MindSpore's name too."""
    parameter.name = f"{module._name_prefix}{name}"
    module.register_parameter(name, parameter)


def _change_class(module: Module, computed: dict[str, Computed]) -> None:
    plain = plain_class(module)
    module.__class__ = _derived(plain, computed) if computed else plain
    module.compile_cache.clear()  # a graph of the module itself; graphs of cells around it stay as they are


def _derived(plain: type, computed: dict[str, Computed]) -> type:
    prefix = "Parametrized" if any(one.kind == "parametrization" for one in computed.values()) else ""
    members: dict[str, Any] = {
        "__module__": plain.__module__, "__doc__": plain.__doc__, "_plain_class": plain, "_computed": computed,
    }
    for name, one in computed.items():
        members[name] = property(one.get, one.put or _refuser(name, one.kind))
    return type(prefix + plain.__name__, (_WithComputed, plain), members)


def _refuser(name: str, kind: str) -> Callable[[Any, Any], None]:
    def refuse(module: Any, value: Any) -> None:
        raise AttributeError(f"'{name}' is computed: set the parameters that {kind} has made of it")

    return refuse
