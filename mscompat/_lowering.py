"""The two convolutions on MindSpore's operators: the only file that names operators or asks for the device.

A plan is made from the shapes, dtypes and arguments of a call, in plain Python, and then carried out by operators
alone. ms.constexpr makes plans in Graph mode too, while the graph is compiled: that is where a wrong argument raises
there, with its own class and sentence.

Only operators whose second derivatives are right in both modes are used. In PyNative mode, MindSpore 2.7 to 2.10,
those of Concat and Tile, of a sum that drops axes, and of a Reshape or another view of the result of BatchMatMul, Mul
or ReLU (so of ops.matmul too), are silently wrong; ops.pad with 'reflect', 'replicate' or 'circular' and ops.Slice
have none. tests/test_mindspore_defects.py holds each.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from . import _arguments, _geometry
from ._arguments import Caller, Shape

# torch's C++ names of the supported dtypes, for its error sentences.
_TORCH_NAMES = {
    ms.float16: "c10::Half",
    ms.bfloat16: "c10::BFloat16",
    ms.float32: "float",
    ms.float64: "double",
}
# The dtypes of Cell.to_float, in the order of the flags fp16, bf16 and fp32 that it sets.
_TO_FLOAT = (ms.float16, ms.bfloat16, ms.float32)
_DEVICE_TARGETS = {"cpu": "CPU", "cuda": "GPU", "gpu": "GPU", "npu": "Ascend", "ascend": "Ascend"}

_batch_matmul = ops.BatchMatMul()
_batch_matmul_transposed = ops.BatchMatMul(transpose_a=True)
_bias_add = ops.BiasAdd()
_cast = ops.Cast()
_expand_dims = ops.ExpandDims()
_gather = ops.Gather()
_reduce_sum = ops.ReduceSum()
_reshape = ops.Reshape()
_squeeze = ops.Squeeze(0)
_strided_slice = ops.StridedSlice()


class Im2col(NamedTuple):
    """Arguments of ops.unfold (Im2Col) and ops.fold (Col2Im), for dtypes that the convolution operators refuse."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


class Plan(NamedTuple):
    """How to carry out one call. A step that it does not need is None."""

    out_channels: int
    groups: int
    stride: tuple[int, int]
    expand_batch: bool  # the input has no batch dimension
    cast_arguments: Any  # dtype to cast input, weight and bias to, first
    cast_output: Any  # dtype to cast the output to, last
    operator: Any  # ops.Conv2D or ops.Conv2DTranspose
    im2col: Any  # Im2col, in the operator's place
    empty_shape: Any = None  # tuple of the output's shape, where the batch is empty: nothing else is done
    row_index: Any = None  # Tensor: for padding_mode, the source of each padded row
    column_index: Any = None  # and column
    runtime_pad: Any = None  # (pads, mode) of ops.pad: for padding_mode, where a size is not known before the call
    zero_pad: Any = None  # ops.Pad
    size_offset: Any = None  # transposed: output size less (input size - 1) * stride, per axis; None: see output_size


def check_device(caller: Caller, device: Any) -> None:
    """Raise unless device is None or names the current device target, with or without an index."""
    if device is None:
        return
    if not isinstance(device, str):
        caller.fail(f"device must be None or a str, but got device={device!r}", TypeError)
    name, colon, index = device.partition(":")
    if name not in _DEVICE_TARGETS:
        caller.fail(
            f"Expected one of {tuple(_DEVICE_TARGETS)} device type at start of device string: {device}", RuntimeError
        )
    if colon and not index.isdecimal():
        caller.fail(f"Invalid device string: {device!r}", RuntimeError)
    target = ms.get_context("device_target")
    if _DEVICE_TARGETS[name] != target:
        caller.fail(
            f"device must name the current device target, {target!r}, but got device={device!r}, "
            f"which is {_DEVICE_TARGETS[name]!r}: see mindspore.set_device",
            ValueError,
        )


def parameter_dtype(caller: Caller, dtype: Any) -> Any:
    """The MindSpore dtype of a layer's parameters. None is float32, as in torch."""
    if dtype is None:
        return ms.float32
    if not isinstance(dtype, ms.dtype.Type):
        try:
            dtype = ms.dtype.pytype_to_dtype(dtype)
        except (TypeError, NotImplementedError):
            caller.fail(f"argument 'dtype' must be a MindSpore or NumPy dtype, but got dtype={dtype!r}", TypeError)
    if dtype in (*ms.dtype.int_type, *ms.dtype.uint_type, ms.bool_):
        caller.fail(
            f"Only Tensors of floating point and complex dtype can require gradients, but got dtype={dtype}",
            RuntimeError,
        )
    if dtype not in _TORCH_NAMES:
        caller.fail(f"dtype must be one of {tuple(map(str, _TORCH_NAMES))}, but got dtype={dtype}", TypeError)
    return dtype


@functools.lru_cache(maxsize=1024)
def _make_conv2d_plan(
    name: str,
    input: Shape | None,
    weight: Shape,
    bias: Shape | None,
    dtypes: tuple[Any, Any, Any],
    stride: tuple[int, ...],
    padding: str | tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    padding_mode: str,
    to_float: tuple[bool, bool, bool],
) -> Plan:
    caller = Caller(name, RuntimeError)
    # Again, after the constructor: its attributes may have been set since.
    stride, padding, dilation = _arguments.conv2d(caller, stride, padding, dilation)
    padding_mode = _arguments.padding_mode(caller, padding_mode)
    _arguments.check_weight(caller, weight, bias, groups, transposed=False)
    _arguments.check_input(caller, input, weight, groups, transposed=False)
    cast_arguments, cast_output, uses_im2col = _road(caller, dtypes, to_float, _is_empty(input))
    kernel_size, steps, spread = weight[2:], _geometry.expand(stride), _geometry.expand(dilation)
    pads = _geometry.conv_padding(padding, kernel_size, dilation)
    if padding_mode != "zeros":
        axes = _geometry.non_zero_padding(padding, kernel_size, dilation)
        _arguments.check_padding_mode_sizes(caller, padding_mode, input, axes)
        pads = ((0, 0), axes[0]) if len(axes) == 1 else (axes[0], axes[1])
    _arguments.check_conv2d_sizes(caller, input, kernel_size, pads, spread)
    plan = Plan(weight[0], groups, steps, _is_unbatched(input), cast_arguments, cast_output, None, None)
    if input is not None and _is_empty(input):
        rows, columns = map(_geometry.conv_output_size, input[-2:], pads, kernel_size, steps, spread)
        return plan._replace(empty_shape=(0, weight[0], rows, columns))
    if padding_mode != "zeros":
        plan = plan._replace(**_padding_mode_steps(caller, padding_mode, input, pads))
        pads = ((0, 0), (0, 0))
    if uses_im2col:
        return plan._replace(im2col=Im2col(kernel_size, steps, (0, 0), spread), zero_pad=_zero_pad(*pads))
    return plan._replace(
        operator=ops.Conv2D(
            weight[0], kernel_size, pad_mode="pad", pad=(*pads[0], *pads[1]), stride=steps, dilation=spread,
            group=groups,
        )
    )


@functools.lru_cache(maxsize=1024)
def _make_conv_transpose2d_plan(
    name: str,
    input: Shape | None,
    weight: Shape,
    bias: Shape | None,
    dtypes: tuple[Any, Any, Any],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    output_padding: tuple[int, ...],
    output_size: Shape | None,
    groups: int,
    dilation: tuple[int, ...],
    to_float: tuple[bool, bool, bool],
) -> Plan:
    caller = Caller(name, RuntimeError)
    # Again, after the constructor: its attributes may have been set since.
    stride, padding, output_padding, dilation = _arguments.conv_transpose2d(
        caller, stride, padding, output_padding, dilation
    )
    _arguments.check_weight(caller, weight, bias, groups, transposed=True)
    _arguments.check_input(caller, input, weight, groups, transposed=True)
    cast_arguments, cast_output, uses_im2col = _road(caller, dtypes, to_float, _is_empty(input))
    kernel_size, out_channels = weight[2:], weight[1] * groups
    steps, zeros, spread = _geometry.expand(stride), _geometry.expand(padding), _geometry.expand(dilation)
    plan = Plan(out_channels, groups, steps, _is_unbatched(input), cast_arguments, cast_output, None, None)
    extra: tuple[int, int] | None = _geometry.expand(output_padding)
    if output_size is not None:
        extra = _arguments.output_padding_of(caller, input, output_size, kernel_size, steps, zeros, spread)
    if extra is not None:
        _arguments.check_conv_transpose2d_sizes(caller, input, kernel_size, steps, zeros, extra, spread)
        if input is not None and _is_empty(input):
            sizes = map(_geometry.conv_transpose_output_size, input[-2:], steps, zeros, kernel_size, spread, extra)
            return plan._replace(empty_shape=(0, out_channels, *sizes))
        offset = map(_geometry.conv_transpose_output_size, (1, 1), steps, zeros, kernel_size, spread, extra)
        added = [(0, _geometry.transposed_input_padding(*axis)) for axis in zip(extra, steps, strict=True)]
        plan = plan._replace(size_offset=tuple(offset), zero_pad=_zero_pad(*added))
    if uses_im2col:
        return plan._replace(im2col=Im2col(kernel_size, steps, zeros, spread))
    return plan._replace(
        operator=ops.Conv2DTranspose(
            weight[0], kernel_size, pad_mode="pad", pad=(zeros[0], zeros[0], zeros[1], zeros[1]), stride=steps,
            dilation=spread, group=groups,
        )
    )


@ms.constexpr(check=False)
def conv2d_plan(
    name: str, input: Any, weight: Any, bias: Any, dtypes: Any, stride: Any, padding: Any, dilation: Any, groups: int,
    padding_mode: str, to_float: Any,
) -> Plan:
    """The plan of a call, made once."""
    return _make_conv2d_plan(
        name, input, weight, bias, dtypes, _hashable(stride), _hashable(padding), _hashable(dilation), groups,
        padding_mode, to_float,
    )


@ms.constexpr(check=False)
def conv_transpose2d_plan(
    name: str, input: Any, weight: Any, bias: Any, dtypes: Any, stride: Any, padding: Any, output_padding: Any,
    output_size: Any, groups: int, dilation: Any, to_float: Any,
) -> Plan:
    """The plan of a call, made once."""
    return _make_conv_transpose2d_plan(
        name, input, weight, bias, dtypes, _hashable(stride), _hashable(padding), _hashable(output_padding),
        _arguments.output_size(Caller(name, RuntimeError), output_size), groups, _hashable(dilation), to_float,
    )


def _hashable(value: Any) -> Any:
    """A list as a tuple: somebody may have set a layer's attribute."""
    return tuple(value) if isinstance(value, list) else value


def conv2d(plan: Plan, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Carry out a plan of conv2d_plan."""
    if plan.cast_arguments is not None:
        input, weight = _cast(input, plan.cast_arguments), _cast(weight, plan.cast_arguments)
    if plan.expand_batch:
        input = _expand_dims(input, 0)
    if plan.row_index is not None:
        input = _gather(input, plan.row_index, 2)
    if plan.column_index is not None:
        input = _gather(input, plan.column_index, 3)
    if plan.runtime_pad is not None:
        input = ops.pad(input, plan.runtime_pad[0], plan.runtime_pad[1])
    if plan.zero_pad is not None:
        input = plan.zero_pad(input)
    if plan.empty_shape is not None:
        output = _empty_output(plan, input, weight)
    elif plan.im2col is not None:
        output = _im2col_conv2d(plan, input, weight)
    else:
        output = plan.operator(input, weight)
    return _finish(plan, output, bias)


def conv_transpose2d(plan: Plan, input: Tensor, weight: Tensor, bias: Tensor | None, output_size: Any) -> Tensor:
    """Carry out a plan of conv_transpose2d_plan."""
    if plan.cast_arguments is not None:
        input, weight = _cast(input, plan.cast_arguments), _cast(weight, plan.cast_arguments)
    if plan.empty_shape is not None:
        return _finish(plan, _empty_output(plan, input, weight), bias)
    if plan.expand_batch:
        input = _expand_dims(input, 0)
    shape = input.shape
    if plan.size_offset is not None:
        rows = (shape[2] - 1) * plan.stride[0] + plan.size_offset[0]
        columns = (shape[3] - 1) * plan.stride[1] + plan.size_offset[1]
    else:
        rows, columns = output_size[-2], output_size[-1]
    if plan.zero_pad is not None:
        input = plan.zero_pad(input)
    if plan.im2col is not None:
        output = _im2col_conv_transpose2d(plan, input, weight, rows, columns)
    else:
        output = plan.operator(input, weight, (shape[0], plan.out_channels, rows, columns))
    return _finish(plan, output, bias)


def _finish(plan: Plan, output: Tensor, bias: Tensor | None) -> Tensor:
    if bias is not None:
        output = _bias_add(output, bias if plan.cast_arguments is None else _cast(bias, plan.cast_arguments))
    if plan.expand_batch:
        output = _squeeze(output)
    if plan.cast_output is not None:
        output = _cast(output, plan.cast_output)
    return output


def _empty_output(plan: Plan, input: Tensor, weight: Tensor) -> Tensor:
    """The output of an empty batch, which most operators refuse.

    weight is added to none of it, so that it gets a gradient (zeros, of every order): MindSpore 2.7 has none for a
    bfloat16 parameter that takes no part.
    """
    return _bias_add(
        _reshape(input, plan.empty_shape), ops.broadcast_to(_reduce_sum(weight), (plan.out_channels,))
    )


def _whole(array: Tensor) -> Tensor:
    """A slice of all of it: with this view between BatchMatMul and Reshape, second derivatives are right."""
    return _strided_slice(array, (0, 0, 0, 0), array.shape, (1, 1, 1, 1))


def _im2col_conv2d(plan: Plan, input: Tensor, weight: Tensor) -> Tensor:
    batch, channels, height, width = input.shape
    im2col, groups = plan.im2col, plan.groups
    kernel_size = im2col.kernel_size
    rows = _geometry.conv_output_size(height, (0, 0), kernel_size[0], im2col.stride[0], im2col.dilation[0])
    columns = _geometry.conv_output_size(width, (0, 0), kernel_size[1], im2col.stride[1], im2col.dilation[1])
    depth = channels // groups * kernel_size[0] * kernel_size[1]
    patches = ops.unfold(input, kernel_size, im2col.dilation, im2col.padding, im2col.stride)
    patches = _reshape(patches, (batch, groups, depth, rows * columns))
    weight = _reshape(weight, (1, groups, plan.out_channels // groups, depth))
    weight = ops.broadcast_to(weight, (batch, groups, plan.out_channels // groups, depth))
    output = _whole(_batch_matmul(weight, patches))
    return _reshape(output, (batch, plan.out_channels, rows, columns))


def _im2col_conv_transpose2d(plan: Plan, input: Tensor, weight: Tensor, rows: Any, columns: Any) -> Tensor:
    batch, channels, height, width = input.shape
    im2col, groups = plan.im2col, plan.groups
    depth = plan.out_channels // groups * im2col.kernel_size[0] * im2col.kernel_size[1]
    weight = _reshape(weight, (1, groups, channels // groups, depth))
    weight = ops.broadcast_to(weight, (batch, groups, channels // groups, depth))
    input = _reshape(input, (batch, groups, channels // groups, height * width))
    patches = _whole(_batch_matmul_transposed(weight, input))
    patches = _reshape(patches, (batch, groups * depth, height * width))
    size = Tensor((rows, columns), ms.int32)
    return ops.fold(patches, size, im2col.kernel_size, im2col.dilation, im2col.padding, im2col.stride)


def _road(caller: Caller, dtypes: tuple[Any, Any, Any], to_float: tuple[bool, bool, bool], empty: bool) -> Any:
    """(cast_arguments, cast_output, whether by im2col) for these dtypes on this device.

    On CPU, Conv2D and Conv2DTranspose take float32 and float16 only, MindSpore 2.7 to 2.10; Im2Col, Col2Im and
    BatchMatMul take float64 too. Of an empty batch nothing is computed, and BiasAdd in float64 would end the process.
    """
    for name, dtype in zip(("input", "weight", "bias"), dtypes, strict=True):
        if dtype is not None and dtype not in _TORCH_NAMES:
            caller.fail(
                f"{name} must be a Tensor of dtype {tuple(map(str, _TORCH_NAMES))}, but got dtype={dtype}", TypeError
            )
    mixed = True in to_float
    if mixed:
        wanted = _TO_FLOAT[to_float.index(True)]
    else:
        wanted, weight, bias = dtypes
        _arguments.check_dtypes(caller, _TORCH_NAMES[wanted], _TORCH_NAMES[weight], _TORCH_NAMES.get(bias))
    if ms.get_context("device_target") == "CPU" and wanted in (ms.bfloat16, ms.float64):
        if wanted == ms.float64 and not empty:
            return None, None, True
        return ms.float32, wanted, False
    return (wanted, wanted, False) if mixed else (None, None, False)


def _padding_mode_steps(caller: Caller, mode: str, input: Shape | None, pads: Any) -> dict[str, Any]:
    if input is None:
        caller.fail(
            f"padding_mode={mode!r} needs an input of known rank, such as Tensor(shape=[None, channels, None, None]) "
            "in set_inputs"
        )
    if None in input[-2:]:
        return {"runtime_pad": ((*pads[1], *pads[0]), mode)}
    row_index, column_index = (
        None if pad == (0, 0) else Tensor(np.array(_geometry.pad_index(mode, size, *pad), np.int32))
        for size, pad in zip(input[-2:], pads, strict=True)
    )
    return {"row_index": row_index, "column_index": column_index}


def _zero_pad(rows: tuple[int, int], columns: tuple[int, int]) -> ops.Pad | None:
    if rows == columns == (0, 0):
        return None
    return ops.Pad(((0, 0), (0, 0), rows, columns))


def _is_unbatched(input: Shape | None) -> bool:
    return input is not None and len(input) == 3


def _is_empty(input: Shape | None) -> bool:
    return input is not None and len(input) == 4 and input[0] == 0
