"""The two convolutions on MindSpore's operators: only this folder names operators or asks for the device.

A plan is made from the shapes, dtypes and arguments of a call, in plain Python, and then carried out by operators
alone. ms.constexpr makes plans in Graph mode too, while the graph is compiled: that is where a wrong argument raises
there, with its own class and sentence.

Which operator convolves is the matter of the device: one file for each chooses among the roads of roads.py.

Only operators whose second derivatives are right in both modes are used. In PyNative mode, MindSpore 2.7 to 2.10,
those of Concat and Tile, of a sum that drops axes, and of a Reshape or another view of the result of BatchMatMul, Mul
or ReLU (so of ops.matmul too), are silently wrong; ops.pad with 'reflect', 'replicate' or 'circular' and ops.Slice
have none. tests/test_mindspore_defects.py holds each. (Cells that know their own derivatives hold some of these.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import mindspore as ms
from mindspore import Parameter, Tensor, _c_expression, nn, ops

from .. import _arguments, _geometry
from .._arguments import Caller, Shape
from .._geometry import NO_PADS, Convolution
from . import ascend, cpu, gpu, operators, padding_modes, roads

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

_DEVICES: dict[str, Any] = {"CPU": cpu, "GPU": gpu, "Ascend": ascend}

# The calls planned so far: by maker, device target and arguments, for each dtypes, the plan, the operator and whether
# that is a cell, in place of which an export gets another.
_plans: dict[Any, list[tuple[Any, Plan, Any, bool]]] = {}
_MOST_PLANS = 1024


def _find_device_target() -> Callable[[], str]:
    """ms.get_current_device()[0], in as few steps as MindSpore 2.7 to 2.10 allow: every call of a layer asks."""
    try:
        is_supported = _c_expression.MSContext.get_instance().is_pkg_support_device
        ask = _c_expression.DeviceManagerConf.get_instance().get_device_target
    except AttributeError:  # private names
        return lambda: ms.get_current_device()[0]
    # Where MindSpore is for CPU alone, set_device and set_context refuse all else.
    return ask if is_supported("GPU") or is_supported("Ascend") else lambda: "CPU"


_device_target = _find_device_target()

_add = ops.Add()
_bias_add = operators.BiasAdd()
_cast = ops.Cast()
_expand_dims = ops.ExpandDims()
_reduce_sum = ops.ReduceSum()
_reshape = ops.Reshape()
_squeeze = ops.Squeeze(0)


class Plan(NamedTuple):
    """How to carry out one call. A step that it does not need is None."""

    out_channels: int
    stride: tuple[int, int]
    expand_batch: bool  # the input has no batch dimension
    cast_arguments: Any = None  # dtype to cast input, weight and bias to, first
    cast_output: Any = None  # dtype to cast the output to, last
    takes_size: bool = False  # the operator of a transposed convolution takes the shape of the output too
    biased_by_add: bool = False  # BiasAdd does not take the dtype
    empty_shape: Any = None  # tuple of the output's shape, where the batch is empty: nothing else is done
    runtime_pad: Any = None  # (pads, mode) of ops.pad: for padding_mode, where a size is not known before the call
    zero_pad: Any = None  # ops.Pad, of what the operator cannot pad
    size_offset: Any = None  # transposed: output size less (input size - 1) * stride, per axis; None: see output_size
    is_plain: bool = False  # the operator and BiasAdd are all there is to do


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
    target = _device_target()
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


def _make_conv2d_plan(
    device: str,
    exporting: bool,
    dtypes: tuple[Any, Any, Any],
    name: str,
    input: Shape | None,
    weight: Shape,
    bias: Shape | None,
    arguments: tuple[Any, ...],
) -> tuple[Plan, Any]:
    stride, padding, dilation, groups, padding_mode, to_float = arguments
    caller = Caller(name, RuntimeError)
    # Again, after the constructor: its attributes may have been set since.
    stride, padding, dilation = _arguments.conv2d(caller, stride, padding, dilation)
    padding_mode = _arguments.padding_mode(caller, padding_mode)
    _arguments.check_weight(caller, weight, bias, groups, transposed=False)
    _arguments.check_input(caller, input, weight, groups, transposed=False)
    given, wanted = _dtypes(caller, dtypes, to_float)
    kernel_size, steps, spread = weight[2:], _geometry.expand(stride), _geometry.expand(dilation)
    pads = _geometry.conv_padding(padding, kernel_size, dilation)
    if padding_mode != "zeros":
        axes = _geometry.non_zero_padding(padding, kernel_size, dilation)
        _arguments.check_padding_mode_sizes(caller, padding_mode, input, axes)
        pads = ((0, 0), axes[0]) if len(axes) == 1 else (axes[0], axes[1])
    _arguments.check_conv2d_sizes(caller, input, kernel_size, pads, spread)
    plan = Plan(weight[0], steps, _is_unbatched(input))
    if input is not None and _is_empty(input):
        rows, columns = map(_geometry.conv_output_size, input[-2:], pads, kernel_size, steps, spread)
        return _cast_steps(plan._replace(empty_shape=(0, weight[0], rows, columns)), given, wanted, ms.float32), None
    shape, pad = _batched(input), None
    if padding_mode != "zeros":
        if input is None:
            caller.fail(
                f"padding_mode={padding_mode!r} needs an input of known rank, such as "
                "Tensor(shape=[None, channels, None, None]) in set_inputs"
            )
        if None in shape[2:]:
            plan = plan._replace(runtime_pad=((*pads[1], *pads[0]), padding_mode))
        elif pads != NO_PADS:
            pad = padding_modes.pad(padding_mode, shape[2:], pads)
        shape, pads = _padded(shape, pads), NO_PADS
    target = _DEVICES[device]
    if target.LARGEST_PAD is not None and max(map(max, pads)) > target.LARGEST_PAD:
        plan = plan._replace(zero_pad=_zero_pad(*pads))
        shape, pads = _padded(shape, pads), NO_PADS
    convolution = Convolution(shape, weight, steps, pads, spread, groups)
    dtype, road = target.choose(caller, convolution, wanted, False, exporting)
    plan = plan._replace(biased_by_add=dtype not in target.BIAS_ADD_DTYPES)
    operator = roads.conv2d(convolution, road)
    if pad is not None:
        operator = padding_modes.Padded(pad, operator)
    plan = _cast_steps(plan, given, wanted, dtype)
    return plan._replace(is_plain=plan == Plan(plan.out_channels, plan.stride, expand_batch=False)), operator


def _make_conv_transpose2d_plan(
    device: str,
    exporting: bool,
    dtypes: tuple[Any, Any, Any],
    name: str,
    input: Shape | None,
    weight: Shape,
    bias: Shape | None,
    arguments: tuple[Any, ...],
    output_size: Shape | None,
) -> tuple[Plan, Any]:
    stride, padding, output_padding, dilation, groups, to_float = arguments
    caller = Caller(name, RuntimeError)
    # Again, after the constructor: its attributes may have been set since.
    stride, padding, output_padding, dilation = _arguments.conv_transpose2d(
        caller, stride, padding, output_padding, dilation
    )
    _arguments.check_weight(caller, weight, bias, groups, transposed=True)
    _arguments.check_input(caller, input, weight, groups, transposed=True)
    given, wanted = _dtypes(caller, dtypes, to_float)
    kernel_size, out_channels = weight[2:], weight[1] * groups
    steps, zeros, spread = _geometry.expand(stride), _geometry.expand(padding), _geometry.expand(dilation)
    plan = Plan(out_channels, steps, _is_unbatched(input))
    sizes: tuple[Any, Any] = (None, None)
    extra: tuple[int, int] | None = _geometry.expand(output_padding)
    if output_size is not None:
        extra = _arguments.output_padding_of(caller, input, output_size, kernel_size, steps, zeros, spread)
    if extra is not None:
        _arguments.check_conv_transpose2d_sizes(caller, input, kernel_size, steps, zeros, extra, spread)
        axes = (steps, zeros, kernel_size, spread, extra)
        if input is not None and None not in input[-2:]:
            rows, columns = map(_geometry.conv_transpose_output_size, input[-2:], *axes)
            sizes = (rows, columns)
        if input is not None and _is_empty(input):
            return _cast_steps(plan._replace(empty_shape=(0, out_channels, *sizes)), given, wanted, ms.float32), None
        offset = tuple(map(_geometry.conv_transpose_output_size, (1, 1), *axes))
        added = [(0, _geometry.transposed_input_padding(*axis)) for axis in zip(extra, steps, strict=True)]
        plan = plan._replace(size_offset=offset, zero_pad=_zero_pad(*added))
    pads = ((zeros[0], zeros[0]), (zeros[1], zeros[1]))
    convolution = Convolution((_batched(input)[0], out_channels, *sizes), weight, steps, pads, spread, groups)
    target = _DEVICES[device]
    dtype, road = target.choose(caller, convolution, wanted, True, exporting)
    plan = plan._replace(
        takes_size=roads.takes_size(convolution, road), biased_by_add=dtype not in target.BIAS_ADD_DTYPES
    )
    return _cast_steps(plan, given, wanted, dtype), roads.conv_transpose2d(convolution, road)


def _planner(make_plan: Callable[..., tuple[Plan, Any]]) -> Any:
    """The function that gives the plan of a call, made once, and the operator of input and weight.

    Two, since a graph takes no NamedTuple that holds a cell (MindSpore 2.7 to 2.10).
    """

    def find_or_make(dtypes: Any, *call: Any) -> tuple[Plan, Any]:
        target = _device_target()
        try:
            of_all_dtypes = _plans.get((make_plan, target, call), ())
        except TypeError:  # of a list: somebody has set an attribute of a layer
            call = _hashable(call)
            of_all_dtypes = _plans.get((make_plan, target, call), ())
        # Compared, not hashed: each hash of a dtype is a call into C++, which takes as long as all that Python does.
        for known in of_all_dtypes:
            if known[0] == dtypes:
                break
        else:
            plan, operator = make_plan(target, False, dtypes, *call)
            known = (dtypes, plan, operator, isinstance(operator, nn.Cell))
            if len(_plans) >= _MOST_PLANS:
                _plans.clear()
            _plans.setdefault((make_plan, target, call), []).append(known)
        _, plan, operator, is_cell = known
        if is_cell and _is_exporting():
            return make_plan(target, True, dtypes, *call)
        return plan, operator

    planner = ms.constexpr(name=make_plan.__name__, check=False)(find_or_make)
    # Its own __call__, in PyNative mode, is one more step. (MindSpore makes a class of each constexpr function.)
    type(planner).__call__ = staticmethod(find_or_make)
    return planner


conv2d_plan = _planner(_make_conv2d_plan)
conv_transpose2d_plan = _planner(_make_conv_transpose2d_plan)


def forget_plans() -> None:
    """Make every plan anew: what the roads depend on has changed."""
    _plans.clear()


def _is_exporting() -> bool:
    """Whether mindspore.export or mindspore.onnx.export is compiling: they say so nowhere but on the stack."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "export" and frame.f_globals.get("__name__", "").startswith("mindspore."):
            return True
        frame = frame.f_back
    return False


def _hashable(value: Any) -> Any:
    """The same with tuples for lists."""
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def conv2d(name: str, input: Tensor, weight: Tensor, bias: Tensor | None, arguments: tuple[Any, ...]) -> Tensor:
    """conv2d by (stride, padding, dilation, groups, padding_mode, to_float); name begins the error messages.

    In PyNative mode each function counts: between two convolutions, the processor has forgotten all Python code.
    isinstance is quick for an object of the very class, and slow for one of a subclass, as Parameter is one of Tensor.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', input must be Tensor.")
    if not isinstance(weight, (Parameter, Tensor)):
        raise TypeError(f"For '{name}', weight must be Tensor.")
    if bias is not None and not isinstance(bias, (Parameter, Tensor)):
        raise TypeError(f"For '{name}', bias must be Tensor.")
    dtypes = (input.dtype, weight.dtype, None if bias is None else bias.dtype)
    plan, operator = conv2d_plan(
        dtypes, name, input.shape, weight.shape, None if bias is None else bias.shape, arguments
    )
    if plan.is_plain:
        output = operator(input, weight)
        return output if bias is None else _bias_add(output, bias)
    return _carry_out_conv2d(plan, operator, input, weight, bias)


def conv_transpose2d(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, arguments: tuple[Any, ...], output_size: Any
) -> Tensor:
    """conv_transpose2d by (stride, padding, output_padding, dilation, groups, to_float), perhaps to output_size."""
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', input must be Tensor.")
    if not isinstance(weight, (Parameter, Tensor)):
        raise TypeError(f"For '{name}', weight must be Tensor.")
    if bias is not None and not isinstance(bias, (Parameter, Tensor)):
        raise TypeError(f"For '{name}', bias must be Tensor.")
    size = None if output_size is None else _output_size(name, output_size)
    dtypes = (input.dtype, weight.dtype, None if bias is None else bias.dtype)
    plan, operator = conv_transpose2d_plan(
        dtypes, name, input.shape, weight.shape, None if bias is None else bias.shape, arguments, size
    )
    return _carry_out_conv_transpose2d(plan, operator, input, weight, bias, output_size)


@ms.constexpr(check=False)
def _output_size(name: str, output_size: Any) -> Any:
    return _arguments.output_size(Caller(name, RuntimeError), output_size)


def _carry_out_conv2d(plan: Plan, operator: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if plan.cast_arguments is not None:
        input, weight = _cast(input, plan.cast_arguments), _cast(weight, plan.cast_arguments)
    if plan.expand_batch:
        input = _expand_dims(input, 0)
    if plan.runtime_pad is not None:
        input = ops.pad(input, plan.runtime_pad[0], plan.runtime_pad[1])
    if plan.zero_pad is not None:
        input = plan.zero_pad(input)
    if plan.empty_shape is not None:
        return _finish(plan, _empty_output(plan, input, weight), bias)
    return _finish(plan, operator(input, weight), bias)


def _carry_out_conv_transpose2d(
    plan: Plan, operator: Any, input: Tensor, weight: Tensor, bias: Tensor | None, output_size: Any
) -> Tensor:
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
    if plan.takes_size:
        output = operator(input, weight, (shape[0], plan.out_channels, rows, columns))
    else:
        output = operator(input, weight)
    return _finish(plan, output, bias)


def _finish(plan: Plan, output: Tensor, bias: Tensor | None) -> Tensor:
    if bias is not None:
        if plan.cast_arguments is not None:
            bias = _cast(bias, plan.cast_arguments)
        if plan.biased_by_add:
            output = _add(output, _reshape(bias, (1, plan.out_channels, 1, 1)))
        else:
            output = _bias_add(output, bias)
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


def _dtypes(caller: Caller, dtypes: tuple[Any, Any, Any], to_float: tuple[bool, bool, bool]) -> tuple[Any, Any]:
    """(dtype of the arguments, None where they may differ; dtype of the output)."""
    for name, dtype in zip(("input", "weight", "bias"), dtypes, strict=True):
        if dtype is not None and dtype not in _TORCH_NAMES:
            caller.fail(
                f"{name} must be a Tensor of dtype {tuple(map(str, _TORCH_NAMES))}, but got dtype={dtype}", TypeError
            )
    if True in to_float:
        return None, _TO_FLOAT[to_float.index(True)]
    input, weight, bias = dtypes
    _arguments.check_dtypes(caller, _TORCH_NAMES[input], _TORCH_NAMES[weight], _TORCH_NAMES.get(bias))
    return input, input


def _cast_steps(plan: Plan, given: Any, wanted: Any, computed: Any) -> Plan:
    """The casts around a computation."""
    return plan._replace(
        cast_arguments=None if given == computed else computed, cast_output=None if wanted == computed else wanted
    )


def _zero_pad(rows: tuple[int, int], columns: tuple[int, int]) -> ops.Pad | None:
    if rows == columns == (0, 0):
        return None
    return ops.Pad(((0, 0), (0, 0), rows, columns))


def _batched(input: Shape | None) -> Shape:
    """The shape with a batch: of unknown sizes, where not even the rank is known."""
    if input is None:
        return (None, None, None, None)
    return (1, *input) if len(input) == 3 else input


def _padded(shape: Shape, pads: _geometry.Pads) -> Shape:
    rows, columns = (None if size is None else size + sum(pad) for size, pad in zip(shape[2:], pads, strict=True))
    return (*shape[:2], rows, columns)


def _is_unbatched(input: Shape | None) -> bool:
    return input is not None and len(input) == 3


def _is_empty(input: Shape | None) -> bool:
    return input is not None and len(input) == 4 and input[0] == 0
