"""Modules in a row, in a list and under names: torch/nn/modules/container.py.

Their methods that a network calls in ``forward`` (indexing, slicing, loops, len, items) work in graphs too. The file is
not container.py: amp O1 imports by file name, and MindSpore has one of that name (MS-32).
"""

from __future__ import annotations

import itertools
import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mindspore import nn

from .._mindspore.cells import inner_cells
from .._mindspore.compile_time import is_in_graph
from ._naming import indented
from .module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Container(Module):
    """What holds other cells in an order."""

    def _renumber(self, cells: Iterable[nn.Cell]) -> None:
        """Hold these cells instead, under the numbers of their places."""
        cells = list(cells)
        for name in list(inner_cells(self)):
            delattr(self, name)
        for index, cell in enumerate(cells):
            self.add_module(str(index), cell)

    def __len__(self) -> int:
        return len(self._inner_cells)

    def __bool__(self) -> bool:
        return len(self._inner_cells) > 0

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class _Numbered(_Container):
    """A container that is indexed by numbers."""

    def __iter__(self) -> Iterator[nn.Cell]:
        return iter(self._inner_cells)

    def __getitem__(self, index: int | slice) -> Any:
        if is_in_graph():
            return self._inner_cells[index]
        return self._slice(index) if isinstance(index, slice) else self._inner_cells[self._index(index)]

    def _slice(self, index: slice) -> Module:
        raise NotImplementedError

    def _index(self, index: Any) -> int:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return index % len(self)

    def __setitem__(self, index: int, module: nn.Cell) -> None:
        setattr(self, list(inner_cells(self))[self._index(index)], module)

    def __delitem__(self, index: int | slice) -> None:
        cells = list(self._inner_cells)
        if isinstance(index, slice):
            del cells[index]
        else:
            del cells[self._index(index)]
        self._renumber(cells)

    def append(self, module: nn.Cell) -> Any:
        """Put a cell at the end. Returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take a cell out, or a slice of them, and return it."""
        taken = self[key]
        del self[key]
        return taken


# amp O1 copies the source of Sequential where it is the whole network, but not this file's first import, so that its
# methods may not name it in annotations.
class Sequential(_Numbered):
    """Cells that are called one after the other, as ``torch.nn.Sequential``.

    Args:
        args (Cells, or one OrderedDict of names and Cells).

    Examples:
        >>> from collections import OrderedDict
        >>> from mscompat import nn
        >>> nn.Sequential(nn.ReLU(), nn.Sigmoid())[:1]
        Sequential(
          (0): ReLU()
        )
        >>> nn.Sequential(OrderedDict(act=nn.ReLU())).act
        ReLU()
    """

    def __init__(self, *args: Any) -> None:
        """See Args of the class."""
        super().__init__()
        named = args[0] if len(args) == 1 and isinstance(args[0], OrderedDict) else dict(enumerate(args))
        for name, module in named.items():
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        """What the last cell gives."""
        for module in self._inner_cells:
            input = module(input)
        return input

    def _slice(self, index: slice) -> Any:
        return _with_names_kept(type(self), OrderedDict(list(inner_cells(self).items())[index]))

    def insert(self, index: int, module: nn.Cell) -> Any:
        """Put a cell before the one of an index. Returns the container."""
        if not isinstance(module, nn.Cell):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        cells = list(self._inner_cells)
        cells.insert(index, module)
        self._renumber(cells)
        return self

    def extend(self, sequential: Iterable[nn.Cell]) -> Any:
        """Put cells at the end. Returns the container."""
        for module in list(sequential):
            self.append(module)
        return self

    def __add__(self, other: Any) -> Any:
        self._check_sequential(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Any:
        self._check_sequential(other)
        return self.extend(other)

    def __mul__(self, other: Any) -> Any:
        self._check_factor(other)
        return Sequential(*(list(self) * other))

    __rmul__ = __mul__

    def __imul__(self, other: Any) -> Any:
        self._check_factor(other)
        return self.extend(list(self) * (other - 1))

    def _check_sequential(self, other: Any) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")

    def _check_factor(self, factor: Any) -> None:
        if not isinstance(factor, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(factor)}")
        if factor <= 0:
            raise ValueError(f"Non-positive multiplication factor {factor} for {type(self)}")


class ModuleList(_Numbered):
    """A list of cells, as ``torch.nn.ModuleList``.

    Args:
        modules (iterable of Cells, optional).

    Examples:
        >>> from mscompat import nn
        >>> layers = nn.ModuleList([nn.ReLU() for _ in range(3)])
        >>> layers.append(nn.Sigmoid())
        ModuleList(
          (0-2): 3 x ReLU()
          (3): Sigmoid()
        )
    """

    def __init__(self, modules: Iterable[nn.Cell] | None = None) -> None:
        """See Args of the class."""
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _slice(self, index: slice) -> ModuleList:
        return _with_names_kept(type(self), list(self._inner_cells[index]))

    def insert(self, index: int, module: nn.Cell) -> None:
        """Put a cell before the one of an index."""
        cells = list(self._inner_cells)
        cells.insert(index, module)
        self._renumber(cells)

    def extend(self, modules: Iterable[nn.Cell]) -> ModuleList:
        """Put cells at the end. Returns the container."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def __iadd__(self, modules: Iterable[nn.Cell]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, other: Iterable[nn.Cell]) -> ModuleList:
        return ModuleList(itertools.chain(self, other))

    def __repr__(self) -> str:
        """torch's: what repeats is written once."""
        runs: list[tuple[int, int, str]] = []
        for index, text in enumerate(map(repr, self._inner_cells)):
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], index, text)
            else:
                runs.append((index, index, text))
        lines = [
            f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in runs
        ]
        body = "".join(f"\n  {indented(line)}" for line in lines)
        return f"{type(self).__name__}({body}\n)" if lines else f"{type(self).__name__}()"


class ModuleDict(_Container):
    """Cells under names, as ``torch.nn.ModuleDict``. In a graph, loop over ``items()``, ``keys()`` or ``values()``.

    Args:
        modules (mapping, or iterable of pairs, of names and Cells, optional).

    Examples:
        >>> from mscompat import nn
        >>> acts = nn.ModuleDict({"relu": nn.ReLU()})
        >>> acts["relu"], "sigmoid" in acts
        (ReLU(), False)
    """

    def __init__(self, modules: Mapping[str, nn.Cell] | Iterable[tuple[str, nn.Cell]] | None = None) -> None:
        """See Args of the class."""
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> nn.Cell:
        return self._inner_cells[self._inner_names.index(key)] if is_in_graph() else inner_cells(self)[key]

    def __setitem__(self, key: str, module: nn.Cell) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self._inner_names:
            raise KeyError(key)
        delattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._inner_names)

    def __contains__(self, key: Any) -> bool:
        return key in self._inner_names

    def keys(self) -> tuple[str, ...]:
        """The names."""
        return self._inner_names

    def values(self) -> tuple[nn.Cell, ...]:
        """The cells."""
        return self._inner_cells

    def items(self) -> tuple[tuple[str, nn.Cell], ...]:
        """Names and cells."""
        return tuple(zip(self._inner_names, self._inner_cells))  # noqa: B905  a graph knows no strict

    def clear(self) -> None:
        """Take all cells out."""
        for name in self._inner_names:
            delattr(self, name)

    def pop(self, key: str) -> nn.Cell:
        """Take a cell out and return it."""
        module = self[key]
        del self[key]
        return module

    def update(self, modules: Any) -> None:
        """Put cells in, under names that may be taken."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"ModuleDict.update should be called with an iterable of key/value pairs, "
                f"but got {type(modules).__name__}"
            )
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        for index, pair in enumerate(pairs):
            if not isinstance(pair, Iterable):
                raise TypeError(
                    f"ModuleDict update sequence element #{index} should be Iterable; is{type(pair).__name__}"
                )
            pair = tuple(pair)
            if len(pair) != 2:
                raise ValueError(
                    f"ModuleDict update sequence element #{index} has length {len(pair)}; 2 is required"
                )
            self[pair[0]] = pair[1]


def _with_names_kept(container: Any, cells: Any) -> Any:
    """A container of cells that are in another one, too: their parameters go on being named after that."""
    cells_inside = cells.values() if isinstance(cells, dict) else cells
    named = [(parameter, parameter.name) for cell in cells_inside for parameter in cell.get_parameters()]
    made = container(cells)
    for parameter, name in named:
        parameter.name = name
    return made
