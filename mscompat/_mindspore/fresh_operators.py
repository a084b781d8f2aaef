"""Mul and Reshape that give an array of their own in PyNative mode, at once.

MindSpore's Mul first copies what it broadcasts, element by element: 8x64x112x56 times 112x1 takes 30 ms there, 3.4 in
Graph mode (MS-75). Its Reshape makes a view, of which no cell that knows its derivative may consist: second derivatives
are silently wrong then (MS-08). Handed to MindSpore's executor without Primitive.__call__, the two are as in Graph mode
(but for 2.7). To be dropped with direct_operators.py.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import ops

from . import direct_operators

__all__ = ["Mul", "Reshape", "makes_views"]

makes_views = not direct_operators._is_direct or ms.__version__.startswith("2.7.")
"""Whether this Reshape, and the Slice and Transpose of direct_operators.py, make views all the same."""


class Mul(direct_operators._Direct, ops.Mul):
    """(one, other) -> product."""


class Reshape(direct_operators._Direct, ops.Reshape):
    """(input, shape) -> output."""
