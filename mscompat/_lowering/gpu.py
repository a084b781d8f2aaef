"""What a convolution takes on GPU: from documents and sources of MindSpore 2.7 to 2.10; not run on a GPU by us.

- Conv2D and Conv2DBackpropInput have kernels for float32 and float16 alone, with any group count (cuDNN); their
  inference refuses float64 on every device. Im2Col, Col2Im and BatchMatMul take float64; BiasAdd does not.
- No kernel takes bfloat16, in CUDA builds of 2.7 to 2.10.
- float32 is TF32 by default, as in torch: mindspore.device_context.gpu.op_precision.conv_allow_tf32(False).
- The kernels' gradients look wrong for unequal pads with even sums, (0, 2) say (conv2d_input_grad_gpu_kernel.h).
  torch's arguments make no such pads.
"""

from __future__ import annotations

from typing import Any

import mindspore as ms

from .._arguments import Caller
from .._geometry import Convolution
from .roads import Road

LARGEST_PAD = None
BIAS_ADD_DTYPES = (ms.float16, ms.float32)


def choose(caller: Caller, convolution: Convolution, dtype: Any, transposed: bool, exporting: bool) -> tuple[Any, Road]:
    """The dtype to compute in, and the road."""
    if dtype == ms.bfloat16:
        caller.fail(
            f"MindSpore has no bfloat16 on GPU: expected float16, float32 or float64, but got {dtype}", TypeError
        )
    return dtype, Road.PRODUCTS if dtype == ms.float64 else Road.NATIVE
