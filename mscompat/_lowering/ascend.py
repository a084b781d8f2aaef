"""What a convolution takes on Ascend: from documents and sources of MindSpore 2.7 to 2.10; not run on an NPU by us.

- ops.Conv2D: "when group>1, condition in_channels = out_channels = group must be satisfied" (its documentation, all
  versions); nn.Conv1dTranspose, which is Conv2DTranspose inside: group > 1 "is not supported yet". Other group counts
  go by products.
- CANN's Conv2D takes kernels to 511, strides to 63, pads and dilations to 255 (conv2d_proto.h). It has no float64, and
  Col2Im and BiasAddGrad neither.
- Im2Col's inference refuses bfloat16 on every device.
- mint.nn.functional.conv2d takes every group count, but has no second derivative ("ConvolutionGrad's bprop not
  defined"), and does not compile at level O2: it is not used.
- float32 is HF32 by default, as in torch_npu:
  mindspore.device_context.ascend.op_precision.conv_allow_hf32(False), before the first convolution.
"""

from __future__ import annotations

from typing import Any

import mindspore as ms

from .._arguments import Caller
from .._geometry import Convolution
from .roads import Road

LARGEST_PAD = 255
BIAS_ADD_DTYPES = (ms.float16, ms.bfloat16, ms.float32)
_LARGEST_KERNEL, _LARGEST_STRIDE, _LARGEST_DILATION = 511, 63, 255


def choose(caller: Caller, convolution: Convolution, dtype: Any, transposed: bool, exporting: bool) -> tuple[Any, Road]:
    """The dtype to compute in, and the road."""
    if dtype == ms.float64:
        caller.fail(
            f"MindSpore cannot convolve in float64 on Ascend: expected float16, bfloat16 or float32, but got {dtype}",
            TypeError,
        )
    if exporting or (_takes_groups(convolution, transposed) and _takes_sizes(convolution)):
        return dtype, Road.NATIVE
    return (ms.float32 if dtype == ms.bfloat16 else dtype), Road.PRODUCTS


def _takes_groups(c: Convolution, transposed: bool) -> bool:
    return c.groups == 1 or (not transposed and c.weight[1] == 1 and c.out_channels == c.groups)


def _takes_sizes(c: Convolution) -> bool:
    return (
        max(c.kernel_size) <= _LARGEST_KERNEL
        and max(c.stride) <= _LARGEST_STRIDE
        and max(c.dilation) <= _LARGEST_DILATION
        and max(map(max, c.pads)) <= LARGEST_PAD
    )
