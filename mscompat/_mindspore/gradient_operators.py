"""The operator of the gradient of a convolution's weight, which MindSpore has under a private name only.

Without it, that gradient is computed by im2col: right, and slower. To be dropped once the operator has a public name.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Conv2DBackpropFilter"]

Conv2DBackpropFilter: Any
"""(gradient of the output, input, shape of the weight) -> gradient of the weight; None where it is not found."""

try:
    from mindspore.ops.operations._grad_ops import Conv2DBackpropFilter  # type: ignore[no-redef]
except ImportError:
    Conv2DBackpropFilter = None
