"""What a convolution takes on CPU. Tested with MindSpore 2.7.0 and 2.10.0."""

from __future__ import annotations

from typing import Any

import mindspore as ms

from .. import _launch, _onednn
from .._arguments import Caller
from .._geometry import Convolution
from .roads import Road

LARGEST_PAD = None
BIAS_ADD_DTYPES = (ms.float16, ms.float32, ms.float64)
# Of one call: below, there is nothing to gain by flipping, and in PyNative mode a cell costs microseconds.
_FEWEST_PATCHES = 100_000


def choose(caller: Caller, convolution: Convolution, dtype: Any, transposed: bool, exporting: bool) -> tuple[Any, Road]:
    """The dtype to compute in, and the road.

    Conv2D and Conv2DTranspose take float32 and float16, Im2Col and Col2Im float32 and float64 (MindSpore 2.7 to 2.10).
    """
    _launch.mend()
    if dtype == ms.float64:
        return dtype, Road.PRODUCTS
    if _onednn.is_slow() and not exporting and not convolution.is_pointwise():
        return ms.float32, Road.PRODUCTS_AND_NATIVE_WEIGHT_GRADIENT
    if dtype == ms.bfloat16:
        dtype = ms.float32
    if dtype == ms.float32 and not exporting and _is_faster_flipped(convolution):
        return dtype, Road.FLIPPED
    return dtype, Road.NATIVE


def _is_faster_flipped(convolution: Convolution) -> bool:
    """Measured with MindSpore 2.10, 2 cores, AVX2: forward, gradient of input, gradient of weight, in ms.

    8x128x56x56 to 64 channels, 3x3: 60, 65, 58 against 39, 34, 41. 1x64x262x262 to 3, 7x7: 107, 317, 209 against 26,
    14, 21. With as many channels only the second is flipped: 8x512x7x7, 3x3: 34 against 21; 8x96x56x56, depthwise:
    21 against 7.
    """
    return (
        convolution.flipped() is not None
        and not convolution.is_widening()
        and not convolution.is_pointwise()
        and (not convolution.is_static() or convolution.patches() >= _FEWEST_PATCHES)
    )
