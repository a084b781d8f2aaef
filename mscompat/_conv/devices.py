"""What a convolution takes on CPU, GPU and Ascend: which algorithm, which dtypes. The only file that knows devices.

CPU was tested with MindSpore 2.7.0 and 2.10.0. GPU and Ascend are from documents and sources of MindSpore; we have not
run them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import mindspore as ms

from .._mindspore import onednn
from .._mindspore.switch import is_fast_cpu_enabled
from .algorithms.algorithm import Algorithm
from .arguments import Caller
from .geometry import Convolution

__all__ = ["DEVICES", "REFUSED", "TARGETS", "Device", "check_device", "current_target"]

TARGETS = {"cpu": "CPU", "cuda": "GPU", "gpu": "GPU", "npu": "Ascend", "ascend": "Ascend"}
"""MindSpore's device targets, by torch's and MindSpore's names of devices."""

REFUSED = {
    # No kernel takes bfloat16, in CUDA builds of MindSpore.
    ("GPU", "bfloat16"): "MindSpore has no bfloat16 on GPU: expected float16, float32 or float64",
    # CANN's Conv2D has no float64, and Col2Im and BiasAddGrad neither.
    ("Ascend", "float64"): "MindSpore cannot convolve in float64 on Ascend: expected float16, bfloat16 or float32",
}
"""The dtypes that a device refuses, and the sentence of the TypeError."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """What one of MindSpore's device targets takes.

    Attributes:
        bias_add_dtypes (tuple): dtypes that BiasAdd takes; Add adds the bias in others.
        select (callable): the dtype to compute in and the algorithm, for a convolution, the dtype that is wanted,
            whether it is transposed, and whether it is exported: files hold the native operators where they can.
        largest_pad (int or None): of the native operators; more is padded before them.
    """

    bias_add_dtypes: tuple[object, ...]
    select: Callable[[Convolution, object, bool, bool], tuple[object, Algorithm]]
    largest_pad: int | None = None


def current_target() -> str:
    """MindSpore's device target: 'CPU', 'GPU' or 'Ascend'."""
    return ms.get_current_device()[0]


def refuse(caller: Caller, target: str, dtype: object) -> None:
    """Raise TypeError if the device refuses the dtype."""
    sentence = REFUSED.get((target, str(dtype).lower()))
    if sentence is not None:
        caller.fail(f"{sentence}, but got {dtype}", TypeError)


def check_device(caller: Caller, device: object) -> None:
    """Raise unless device is None or names the current device target, with or without an index."""
    if device is None:
        return
    if not isinstance(device, str):
        caller.fail(f"device must be None or a str, but got device={device!r}", TypeError)
    name, colon, index = device.partition(":")
    if name not in TARGETS:
        caller.fail(f"Expected one of {tuple(TARGETS)} device type at start of device string: {device}", RuntimeError)
    if colon and not index.isdecimal():
        caller.fail(f"Invalid device string: {device!r}", RuntimeError)
    target = current_target()
    if TARGETS[name] != target:
        caller.fail(
            f"device must name the current device target, {target!r}, but got device={device!r}, "
            f"which is {TARGETS[name]!r}: see mindspore.set_device",
            ValueError,
        )


# CPU: Conv2D and Conv2DTranspose take float32 and float16, Im2Col and Col2Im float32 and float64.

# Where flipping starts to pay: elements of all patches of a call, and, since the weight must be turned round first,
# positions of the output for each of its channels in a group.
_FEWEST_PATCHES = 100_000
_FEWEST_POSITIONS = 64


def _select_on_cpu(
    c: Convolution, dtype: object, transposed: bool, exporting: bool
) -> tuple[object, Algorithm]:
    if dtype == ms.float64:
        return dtype, Algorithm.IM2COL
    computed = ms.float32 if dtype == ms.bfloat16 else dtype
    if exporting or not is_fast_cpu_enabled():
        return computed, Algorithm.NATIVE
    if onednn.is_slow() and not c.is_pointwise():
        im2col = Algorithm.IM2COL if c.dimensions == 3 else Algorithm.IM2COL_WITH_NATIVE_WEIGHT_GRADIENT
        return ms.float32, im2col
    if computed == ms.float32 and _is_refused_by_gemm(c):
        return computed, Algorithm.IM2COL_WITH_NATIVE_GRADIENTS
    if c.dimensions == 2 and computed == ms.float32 and _is_faster_flipped(c):
        return computed, Algorithm.FLIPPED
    return computed, Algorithm.NATIVE


# oneDNN's fast code, gemm:jit, refuses a convolution whose patches need too much memory next to its tensors (init_conf
# in oneDNN's src/cpu/gemm_convolution_utils.cpp), and leaves it to a reference loop, up to 300 times slower. It splits
# patches by a search that no formula follows; with 2 cores, this is where it took the loop, but for some small ones.
_PATCHES_PER_ELEMENT = 24  # of a group of one image, for each element of input, weight and output
# Kernel elements times output positions: for each channel of each image but the first, and no more than twice.
_FEWEST_PRODUCTS = 24_000_000


def _is_refused_by_gemm(c: Convolution) -> bool:
    """Whether oneDNN may take its reference loop: for large kernels of few channels, and few images.

    Measured with 2 cores, AVX2: the operator, im2col, and torch, in ms. 1x1x256x256 to 1 channel: 7x7 147, 9, 1 to 24;
    11x11 330, 25, 87; 31x31 1289, 113, 184. 1x1x128x128 to 8 channels: 15x15 4, 7, 5 (where it is not refused);
    21x21 1197, 18, 165; 31x31 2621, 28, 575. 1x3x256x256, depthwise, 31x31: 4175, 204, 544. Both gradients are fast by
    MindSpore's operators: 110, 60 and 310 for the last of each. Several images are not refused while they are small:
    2x1x128x128 by 31x31 takes 45 by the operator and 228 by im2col, 2x1x256x256 7705 and 1308.
    """
    if c.dimensions == 3 or not c.is_static():
        return False
    images, _, *sizes = c.output_shape()
    elements = math.prod(c.input) + math.prod(c.weight) + math.prod(c.output_shape())
    if c.patches() // (images * c.groups) <= _PATCHES_PER_ELEMENT * elements:
        return False
    return math.prod(c.kernel_size) * math.prod(sizes) >= _FEWEST_PRODUCTS * min(images * c.input[1] - 1, 2)


def _is_faster_flipped(c: Convolution) -> bool:
    """Whether the flipped convolution gives the gradients sooner, and the output no later.

    For a transposed convolution the roles swap: its forward pass is the input gradient.

    Measured with 2 cores, AVX2: forward, and both gradients, in ms, against those of the operators. 1x64x262x262 to 3
    channels, 7x7: 20, 43 against 95, 483. 8x128x28x28 to 16, 3x3: 8, 13 against 13, 34. 8x128x56x56 to 64: 47, 83
    against 52, 137. 8x96x56x56, depthwise: 24, 49 against 24, 67. And what the limits keep away: 8x256x14x14 to 128:
    28, 36 against 21, 28.
    """
    if not c.is_static() or max(c.kernel_size) == 1 or c.is_widening():
        return False
    images, _, *sizes = c.output_shape()
    flipped = c.flipped()
    return (
        flipped is not None
        and not _is_refused_by_gemm(flipped)
        and c.patches() >= _FEWEST_PATCHES
        and images * math.prod(sizes) >= _FEWEST_POSITIONS * (c.out_channels // c.groups)
    )


# GPU:
# - Conv2D and Conv2DBackpropInput have kernels for float32 and float16 alone, with any group count (cuDNN); their
#   inference refuses float64 on every device. Im2Col, Col2Im and BatchMatMul take float64; BiasAdd does not.
# - Conv3D takes float16 and float32, and any group count: nn.Conv3d's documentation, which names the limits of Ascend.
# - float32 is TF32 by default, as in torch: mindspore.device_context.gpu.op_precision.conv_allow_tf32(False).
# - The kernels' gradients look wrong for unequal pads with even sums, (0, 2) say (conv2d_input_grad_gpu_kernel.h).
#   torch's arguments make no such pads.


def _select_on_gpu(
    c: Convolution, dtype: object, transposed: bool, exporting: bool
) -> tuple[object, Algorithm]:
    return dtype, Algorithm.IM2COL if dtype == ms.float64 else Algorithm.NATIVE


# Ascend:
# - ops.Conv2D: "when group>1, condition in_channels = out_channels = group must be satisfied" (its documentation,
#   https://www.mindspore.cn/docs/en/master/api_python/ops/mindspore.ops.Conv2D.html); nn.Conv1dTranspose, which is
#   Conv2DTranspose inside: group > 1 "is not supported yet". Other group counts go by im2col.
# - CANN's Conv2D takes kernels to 511, strides to 63, pads and dilations to 255 (conv2d_proto.h).
# - Im2Col's inference refuses bfloat16 on every device.
# - ops.Conv3D: "groups=1 must be satisfied" and "dilation on depth only supports the case of 1" (its documentation,
#   https://www.mindspore.cn/docs/en/master/api_python/ops/mindspore.ops.Conv3D.html); nn.Conv3d and
#   nn.Conv3dTranspose: "only float16 in Ascend". The rest goes by im2col.
# - mint.nn.functional.conv2d takes every group count, but has no second derivative ("ConvolutionGrad's bprop not
#   defined"), and does not compile at level O2: it is not used.
# - float32 is HF32 by default, as in torch_npu:
#   mindspore.device_context.ascend.op_precision.conv_allow_hf32(False), before the first convolution.
_ASCEND_PAD, _ASCEND_KERNEL, _ASCEND_STRIDE, _ASCEND_DILATION = 255, 511, 63, 255


def _select_on_ascend(
    c: Convolution, dtype: object, transposed: bool, exporting: bool
) -> tuple[object, Algorithm]:
    depthwise = not transposed and c.weight[1] == 1 and c.out_channels == c.groups
    if c.dimensions == 3:
        is_taken = dtype == ms.float16 and c.groups == 1 and c.dilation[0] == 1
    else:
        is_taken = c.groups == 1 or depthwise
    sizes_fit = (
        max(c.kernel_size) <= _ASCEND_KERNEL
        and max(c.stride) <= _ASCEND_STRIDE
        and max(c.dilation) <= _ASCEND_DILATION
        and max(c.flat_pads) <= _ASCEND_PAD
    )
    if exporting or (is_taken and sizes_fit):
        return dtype, Algorithm.NATIVE
    return (ms.float32 if dtype == ms.bfloat16 else dtype), Algorithm.IM2COL


DEVICES = {
    "CPU": Device(bias_add_dtypes=(ms.float16, ms.float32, ms.float64), select=_select_on_cpu),
    "GPU": Device(bias_add_dtypes=(ms.float16, ms.float32), select=_select_on_gpu),
    "Ascend": Device(
        bias_add_dtypes=(ms.float16, ms.bfloat16, ms.float32), select=_select_on_ascend, largest_pad=_ASCEND_PAD
    ),
}
