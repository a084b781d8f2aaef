"""What a convolution takes on CPU. Tested with MindSpore 2.7.0 and 2.10.0."""

from __future__ import annotations

from typing import Any

import mindspore as ms

from .._arguments import Caller
from .._geometry import Convolution
from .._mindspore import onednn
from .._mindspore.switch import is_fast_cpu_enabled
from .roads import Road

LARGEST_PAD = None
BIAS_ADD_DTYPES = (ms.float16, ms.float32, ms.float64)
# Where flipping starts to pay: elements of all patches of a call, and, since the weight must be turned round first,
# positions of the output for each of its channels in a group.
_FEWEST_PATCHES = 100_000
_FEWEST_POSITIONS = 64


def choose(caller: Caller, convolution: Convolution, dtype: Any, transposed: bool, exporting: bool) -> tuple[Any, Road]:
    """The dtype to compute in, and the road.

    Conv2D and Conv2DTranspose take float32 and float16, Im2Col and Col2Im float32 and float64 (MindSpore 2.7 to 2.10).
    MSCOMPAT_FAST_CPU=0 leaves to them all that they take.
    """
    if dtype == ms.float64:
        return dtype, Road.PRODUCTS
    if not is_fast_cpu_enabled():
        return (ms.float32 if dtype == ms.bfloat16 else dtype), Road.NATIVE
    if onednn.is_slow() and not exporting and not convolution.is_pointwise():
        return ms.float32, Road.PRODUCTS_AND_NATIVE_WEIGHT_GRADIENT
    if dtype == ms.bfloat16:
        dtype = ms.float32
    if dtype == ms.float32 and not exporting and _is_faster_flipped(convolution):
        return dtype, Road.FLIPPED
    return dtype, Road.NATIVE


def _is_faster_flipped(convolution: Convolution) -> bool:
    """Whether the flipped convolution gives the gradients sooner, and the output no later.

    Of a transposed one, whose output is such a gradient, the other way round.

    Measured with MindSpore 2.10, 2 cores, AVX2: forward, and both gradients, in ms, against those of the operators.
    1x64x262x262 to 3 channels, 7x7: 20, 43 against 95, 483. 8x128x28x28 to 16, 3x3: 8, 13 against 13, 34.
    8x128x56x56 to 64: 47, 83 against 52, 137. 8x96x56x56, depthwise: 24, 49 against 24, 67. And what the limits keep
    away: 8x256x14x14 to 128: 28, 36 against 21, 28.
    """
    if not convolution.is_static() or convolution.kernel_size == (1, 1) or convolution.is_widening():
        return False
    images, _, rows, columns = convolution.output_shape()
    return (
        convolution.flipped() is not None
        and convolution.patches() >= _FEWEST_PATCHES
        and images * rows * columns >= _FEWEST_POSITIONS * (convolution.out_channels // convolution.groups)
    )
