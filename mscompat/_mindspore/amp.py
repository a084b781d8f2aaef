"""What mindspore.amp does with cells: which ones level O1 leaves alone, and which ones level O2 keeps in float32.

O1 would write the layers' source anew, wrongly. It rewrites the source of each cell that it does not know, and of the
functions that it calls, with imports by file name: `from conv import ...` is then MindSpore's own conv.py, and what
stands in a conditional expression is not imported at all. Two private lists of mindspore.rewrite name what is left as
it is: cells within a network, and functions, which counts where the layer itself is the network. Without these lists,
O1 fails for the layers; everything else works. To be dropped once
test_auto_mixed_precision_imports_cells_by_file_name fails.

O2 keeps the cells of a list of MindSpore's in float32: its own BatchNorm and LayerNorm. What is public is a copy of the
list. To be dropped once a cell can say so itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["keep_float32", "leave_alone_at_o1"]


def leave_alone_at_o1(cell_type: type, *functions: Callable[..., Any]) -> None:
    """Have O1 call cells of a type, and functions, as they are."""
    try:
        from mindspore.rewrite.common.namespace import _subtree_black_list as cells
        from mindspore.rewrite.parsers.assign_parser import AssignParser

        functions_left_alone = AssignParser._function_parse_black_list
    except (ImportError, AttributeError):
        return
    cells.append(cell_type)
    functions_left_alone.extend(functions)


def keep_float32(cell_type: type) -> None:
    """Have O2 keep cells of a type, and of its subclasses, in float32, as it does MindSpore's own BatchNorm.

    The type is put on mindspore.train.amp.AMP_BLACK_LIST, of which mindspore.amp.get_black_list() gives a copy, so that
    custom_mixed_precision keeps them too. Without that list, O2 gives such cells the half type, as it does all others,
    and they compute in float32 inside.
    """
    try:
        from mindspore.train.amp import AMP_BLACK_LIST as cells
    except ImportError:
        return
    cells.append(cell_type)
