"""The mark by which Graph mode knows that an object holds Parameters, as mindspore.ParameterTuple does.

A graph calls other objects' ``__getitem__`` and ``__len__`` as plain Python while it is compiled, and what they return
is a constant to it: the gradients of a Parameter are zero there, and what is assigned to it later is not seen (MS-77).
"""

from __future__ import annotations

from mindspore import ParameterTuple

__all__ = ["ParametersOfGraphs"]


class ParametersOfGraphs:
    """A base class of what a graph takes for a ParameterTuple: for what a loop over it gives."""

    __parameter_tuple__ = True

    def __init__(self) -> None:
        """Raises RuntimeError if this MindSpore does not know the mark."""
        if not hasattr(ParameterTuple, "__parameter_tuple__"):
            raise RuntimeError(
                "This version of MindSpore takes the parameters of a list for constants of its graphs: keep them as "
                "attributes of the module instead"
            )
        super().__init__()
