"""The gradients of ResizeNearestNeighborV2 and ResizeBilinearV2, which MindSpore has no public operators for (MS-76).

Its own derivatives of the two have none, so that functional/_resampling.py needs the gradients as operators. Without
the private names, gradients are sums of rows that Gather copies: right, and slower for small images in PyNative mode.
"""

from __future__ import annotations

from typing import Any

from mindspore.ops import auto_generate

__all__ = ["bilinear_gradient", "nearest_gradient"]

nearest_gradient: Any = getattr(auto_generate, "ResizeNearestNeighborV2Grad", None)
"""(align_corners, half_pixel_centers) -> operator of (gradient, size of the input)."""
bilinear_gradient: Any = getattr(auto_generate, "ResizeBilinearGrad", None)
"""(align_corners, half_pixel_centers) -> operator of (gradient, tensor of the input's shape)."""
