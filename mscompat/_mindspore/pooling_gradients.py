"""The operators of the gradients of pools, which MindSpore has under private names only.

They have no gradients themselves (MS-63, MS-76), so mscompat's cells of them know theirs. Without them, a pool is
MindSpore's operator alone: right, and without second derivatives. To be dropped once they have public names or
gradients.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AdaptiveAvgPool2DGrad",
    "AdaptiveAvgPool3DGrad",
    "AvgPool3DGrad",
    "AvgPoolGrad",
    "MaxPool3DGradWithArgmax",
    "has_pooling_gradients",
]

AdaptiveAvgPool2DGrad: Any
"""(gradient of the output, shape of the input as a tensor) -> gradient of the input."""

AdaptiveAvgPool3DGrad: Any
"""(gradient of the output, shape of the input as a tensor) -> gradient of the input."""

AvgPool3DGrad: Any
"""(shape of the input, gradient of the output) -> gradient of the input."""

AvgPoolGrad: Any
"""(input, output, gradient of the output) -> gradient of the input. Of the first two, only the shapes count."""

MaxPool3DGradWithArgmax: Any
"""(input, gradient of the output, indices) -> gradient of the input. Of the first, only the shape counts."""

try:
    from mindspore.ops.operations._grad_ops import (  # type: ignore[no-redef]
        AdaptiveAvgPool2DGrad,
        AdaptiveAvgPool3DGrad,
        AvgPool3DGrad,
        AvgPoolGrad,
        MaxPool3DGradWithArgmax,
    )

    has_pooling_gradients = True
except ImportError:
    has_pooling_gradients = False
