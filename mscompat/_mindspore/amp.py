"""Level O1 of mindspore.amp.auto_mixed_precision, which would write the layers' source anew, wrongly.

O1 rewrites the source of each cell that it does not know, and of the functions that it calls, with imports by file
name: `from conv import ...` is then MindSpore's own conv.py, and what stands in a conditional expression is not
imported at all. Two private lists of mindspore.rewrite name what is left as it is: cells within a network, and
functions, which counts where the layer itself is the network. Without these lists, O1 fails for the layers; everything
else works. To be dropped once test_auto_mixed_precision_imports_cells_by_file_name fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["leave_alone_at_o1"]


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
