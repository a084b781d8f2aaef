"""What stands directly in a cell, under the names of the attributes that hold it.

MindSpore's public methods lose what is there twice: Cell.name_cells gives a cell that two attributes share one of its
names, and Cell.parameters_and_names a Parameter; and none says which buffers are not saved. So the dicts behind them
are read. Where MindSpore does without one, the public methods have to do: a cell under two names is known by its first
alone. To be dropped once test_public_methods_give_what_is_shared_one_name fails.
"""

from __future__ import annotations

from typing import Any

from mindspore import Parameter, Tensor, nn

__all__ = ["inner_cells", "own_buffers", "own_parameters"]


def inner_cells(cell: nn.Cell) -> dict[str, nn.Cell]:
    """The cells directly in a cell, one that is shared under each of its names."""
    cells = _private(cell, "_cells")
    if cells is None:
        cells = cell.name_cells()
    return {name: inner for name, inner in cells.items() if inner is not None}


def own_parameters(cell: nn.Cell) -> dict[str, Parameter]:
    """The parameters directly in a cell, one that is shared under each of its names."""
    parameters = _private(cell, "_params")
    if parameters is None:
        parameters = dict(cell.parameters_and_names(expand=False))
    return {name: parameter for name, parameter in parameters.items() if parameter is not None}


def own_buffers(cell: nn.Cell) -> dict[str, Tensor]:
    """The buffers directly in a cell that a checkpoint holds: those registered with persistent=True."""
    buffers = dict(nn.Cell.named_buffers(cell, recurse=False, remove_duplicate=False))
    if not buffers:
        return {}
    transient = _private(cell, "_non_persistent_buffers_set")
    if transient is None:
        transient = buffers.keys() - nn.Cell.state_dict(cell)
    return {name: buffer for name, buffer in buffers.items() if name not in transient}


def _private(cell: nn.Cell, name: str) -> Any:
    """An attribute that MindSpore may do without one day, or None."""
    return getattr(cell, name, None)
