"""The operators of the gradients of convolutions, which MindSpore has under private names only.

Without them, those gradients are computed by im2col: right, and slower. To be dropped once they have public names.
The gradient of the input has one in two dimensions, ops.Conv2DTranspose. In three, ops.Conv3DTranspose is that gradient
for some convolutions only: without dilation of the depth, with a stride of the depth up to 256, and with no more than
343 elements in the kernel.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Conv2DBackpropFilter", "Conv3DBackpropFilter", "Conv3DBackpropInput"]

Conv2DBackpropFilter: Any
"""(gradient of the output, input, shape of the weight) -> gradient of the weight; None where it is not found."""

Conv3DBackpropFilter: Any
"""(input, gradient of the output, shape of the weight) -> gradient of the weight; None where it is not found."""

Conv3DBackpropInput: Any
"""(weight, gradient of the output, shape of the input) -> gradient of the input; None where it is not found."""

try:
    from mindspore.ops.operations._grad_ops import Conv2DBackpropFilter  # type: ignore[no-redef]
except ImportError:
    Conv2DBackpropFilter = None
try:
    from mindspore.ops.operations._grad_ops import Conv3DBackpropFilter  # type: ignore[no-redef]
    from mindspore.ops.operations.nn_ops import Conv3DBackpropInput  # type: ignore[no-redef]
except ImportError:
    Conv3DBackpropFilter = Conv3DBackpropInput = None
