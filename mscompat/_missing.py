"""What is raised for a name of torch's that is not here."""

from __future__ import annotations

from mindspore import nn, ops

__all__ = ["missing"]

_SUBSTITUTES = {"mscompat.nn": nn, "mscompat.functional": ops}


def missing(module: str, name: str) -> AttributeError:
    """The error for a name that a module has not: it says where else to look, MindSpore's module first."""
    text = f"{module} has no '{name}'"
    # Names with an underscore are asked for by Python and its tools.
    if not name.startswith("_"):
        substitute = _SUBSTITUTES[module]
        path = substitute.__name__
        text += f": see {path}.{name} and" if hasattr(substitute, name) else f", nor has {path}: see"
        text += " the guide (examples/README.md)"
    return AttributeError(text, name=name)
