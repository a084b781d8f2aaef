"""Parameters in a list: ParameterList of torch/nn/modules/container.py."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from mindspore import Parameter, Tensor

from .._mindspore.parameter_tuple import ParametersOfGraphs
from .module import Module

__all__ = ["ParameterList"]


class ParameterList(ParametersOfGraphs, Module):
    """A list of Parameters, as ``torch.nn.ParameterList``; a Tensor becomes one.

    Args:
        values (iterable of Parameters and Tensors, optional).

    Differences from torch:
        Nothing but Parameters and Tensors is taken.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> weights = nn.ParameterList([ms.ops.ones((2, 3)), ms.ops.ones(4)])
        >>> len(weights), weights[1].shape
        (2, (4,))
    """

    _values: tuple[Parameter, ...] = ()

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        """See Args of the class."""
        super().__init__()
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return len(self._values) > 0

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._values)

    def __getitem__(self, index: int | slice) -> Any:
        return ParameterList(self._values[index]) if isinstance(index, slice) else self._values[self._index(index)]

    def __setitem__(self, index: int, value: Tensor) -> None:
        position = self._index(index)
        self._put(position, value)

    def _index(self, index: Any) -> int:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return index % len(self)

    def _put(self, position: int, value: Tensor) -> None:
        name = str(position)
        if not isinstance(value, Tensor):
            raise TypeError(f"For 'ParameterList', values must be Parameters or Tensors, but got {type(value)}.")
        parameter = value if isinstance(value, Parameter) else Parameter(value)
        if position < len(self):
            delattr(self, name)
        parameter.name = f"{self._name_prefix}{name}"
        self.register_parameter(name, parameter)
        self._values = (*self._values[:position], parameter, *self._values[position + 1:])

    def append(self, value: Tensor) -> ParameterList:
        """Put a Parameter at the end. Returns the list."""
        self._put(len(self), value)
        return self

    def extend(self, values: Iterable[Tensor]) -> ParameterList:
        """Put Parameters at the end. Returns the list."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Tensor]) -> ParameterList:
        return self.extend(values)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """It cannot be called."""
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        """Dtypes and shapes."""
        return "\n".join(
            f"  ({index}): Parameter containing: [mindspore.{value.dtype} of size "
            f"{'x'.join(map(str, value.shape))}]" for index, value in enumerate(self._values)
        )
