"""What a convolution takes on CPU. Tested with MindSpore 2.7.0 and 2.10.0."""

from __future__ import annotations

from typing import Any

import mindspore as ms

from .. import _onednn
from .._arguments import Caller
from .._geometry import Convolution
from .roads import Road

LARGEST_PAD = None
BIAS_ADD_DTYPES = (ms.float16, ms.float32, ms.float64)


def choose(caller: Caller, convolution: Convolution, dtype: Any, transposed: bool, exporting: bool) -> tuple[Any, Road]:
    """The dtype to compute in, and the road.

    Conv2D and Conv2DTranspose take float32 and float16, Im2Col and Col2Im float32 and float64 (MindSpore 2.7 to 2.10).
    """
    if dtype == ms.float64:
        return dtype, Road.PRODUCTS
    if _onednn.is_slow() and not exporting and not convolution.is_pointwise():
        return ms.float32, Road.PRODUCTS_AND_NATIVE_WEIGHT_GRADIENT
    if dtype == ms.bfloat16:
        dtype = ms.float32
    # 8x96x56x56, depthwise, 3x3: 21 ms against 7 ms (MindSpore 2.10, 2 cores, AVX2). With one group it is no faster.
    if dtype == ms.float32 and convolution.groups > 1 and convolution.flipped() is not None and not transposed:
        return dtype, Road.FLIPPED_INPUT_GRADIENT
    return dtype, Road.NATIVE
