"""ConvSpec, shapes, dtypes and device in, Plan and operator out: plain Python that asks nobody but the device.

A plan is made once for each different call, and then carried out by operators alone (run.py). In Graph mode plans are
made while the graph is compiled: that is where a wrong argument raises there, with its own class and sentence.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import mindspore as ms

from . import algorithms, arguments, devices, geometry, shapes
from .algorithms import padding
from .algorithms.cells import zero_pad
from .arguments import Caller
from .geometry import NO_PADS, Convolution
from .shapes import Shape
from .spec import ConvSpec

__all__ = ["Plan", "make_plan"]

_TORCH_NAMES = {getattr(ms, name): torch_name for name, torch_name in arguments.DTYPES.items()}
# The dtypes of Cell.to_float, in the order of the flags fp16, bf16 and fp32 that it sets.
_TO_FLOAT = (ms.float16, ms.bfloat16, ms.float32)


class Plan(NamedTuple):
    """How to carry out one call. A step that it does not need is None or False.

    The operator of input and weight stands beside the plan, since a graph takes no record that holds a cell (MS-16).
    """

    out_channels: int
    # The steps of a transposed convolution, for the size of its output.
    stride: tuple[int, int]
    # The input has no batch: it gets one of 1, and the output loses it again.
    expand_batch: bool
    # The dtype to cast input, weight and bias to, first.
    cast_arguments: Any = None
    # The dtype to cast the output to, last.
    cast_output: Any = None
    # The operator of a transposed convolution takes the shape of the output too.
    takes_output_shape: bool = False
    # Add adds the bias: BiasAdd does not take the dtype.
    biased_by_add: bool = False
    # The shape of the output, where the batch is empty: nothing is computed then.
    empty_shape: Any = None
    # (pads, mode) of ops.pad, for a padding_mode where a size is not known before the call.
    runtime_pad: Any = None
    # The operator that adds the zeros that the convolution itself cannot.
    zero_pad: Any = None
    # Of a transposed convolution, for each axis: the size of the output, less (size of the input - 1) * stride. None:
    # the output has the size that the caller asks for.
    size_offset: Any = None
    # The operator and BiasAdd are all there is to do.
    is_plain: bool = False


@dataclass(frozen=True)
class _Call:
    """What a plan is made for."""

    spec: ConvSpec
    caller: Caller
    # MindSpore's device target.
    target: str
    input: Shape | None
    weight: Shape
    # The dtype of all arguments; None where they may differ, since the layer casts them (to_float).
    given: Any
    # The dtype of the output.
    wanted: Any
    # A file of MindSpore's own operators is to be written.
    exporting: bool

    @property
    def device(self) -> devices.Device:
        """What the target takes."""
        return devices.DEVICES[self.target]

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Height and width of the kernel."""
        return self.weight[2:]

    @property
    def is_empty(self) -> bool:
        """Whether the batch has no images."""
        return self.input is not None and len(self.input) == 4 and self.input[0] == 0

    def batched_input(self) -> Shape:
        """The shape of the input with a batch: of unknown sizes, where not even the rank is known."""
        if self.input is None:
            return (None, None, None, None)
        return (1, *self.input) if len(self.input) == 3 else self.input

    def first_plan(self, out_channels: int) -> Plan:
        """What every plan has."""
        unbatched = self.input is not None and len(self.input) == 3
        return Plan(out_channels, geometry.expand(self.spec.stride), expand_batch=unbatched)

    def with_casts(self, plan: Plan, computed: Any) -> Plan:
        """The plan with the casts around a computation in this dtype."""
        return plan._replace(
            cast_arguments=None if self.given == computed else computed,
            cast_output=None if self.wanted == computed else self.wanted,
        )


def make_plan(
    spec: ConvSpec,
    input: Shape | None,
    weight: Shape,
    bias: Shape | None,
    dtypes: tuple[Any, Any, Any],
    to_float: tuple[bool, bool, bool],
    output_size: Any,
    *,
    exporting: bool,
) -> tuple[Plan, Any]:
    """The plan of a call, and the operator of input and weight.

    Args:
        spec (ConvSpec): of the layer or function.
        input, weight, bias (tuple or None): shapes; None for an input of unknown rank, and where there is no bias.
        dtypes (tuple): of input, weight and bias.
        to_float (tuple of bool): whether the layer is under to_float(float16), (bfloat16), (float32).
        output_size (sequence or None): what the caller of a transposed convolution asks for.
        exporting (bool): whether a file of MindSpore's own operators is to be written.

    Raises:
        Exception: What torch raises for such a call, with its sentence.
    """
    if not spec.is_checked:
        spec = arguments.check_again(spec)
    size = None if output_size is None else shapes.output_size(Caller(spec.name, RuntimeError), output_size)
    return _known_plan(spec, input, weight, bias, dtypes, to_float, size, exporting, devices.current_target())


@functools.lru_cache(maxsize=1024)
def _known_plan(
    spec: ConvSpec,
    input: Shape | None,
    weight: Shape,
    bias: Shape | None,
    dtypes: tuple[Any, Any, Any],
    to_float: tuple[bool, bool, bool],
    output_size: Shape | None,
    exporting: bool,
    target: str,
) -> tuple[Plan, Any]:
    caller = Caller(spec.name, RuntimeError)
    shapes.check_weight(caller, weight, bias, spec.groups, spec.transposed)
    shapes.check_input(caller, input, weight, spec.groups, spec.transposed)
    given, wanted = _dtypes(caller, dtypes, to_float)
    call = _Call(spec, caller, target, input, weight, given, wanted, exporting)
    plan, operator = _plan_transposed(call, output_size) if spec.transposed else _plan(call)
    return plan._replace(is_plain=plan == Plan(plan.out_channels, plan.stride, expand_batch=False)), operator


def _plan(call: _Call) -> tuple[Plan, Any]:
    spec, kernel_size = call.spec, call.kernel_size
    steps, spread = geometry.expand(spec.stride), geometry.expand(spec.dilation)
    pads = geometry.conv_padding(spec.padding, kernel_size, spec.dilation)
    if spec.padding_mode != "zeros":
        axes = geometry.non_zero_padding(spec.padding, kernel_size, spec.dilation)
        shapes.check_padding_mode_sizes(call.caller, spec.padding_mode, call.input, axes)
        pads = ((0, 0), axes[0]) if len(axes) == 1 else (axes[0], axes[1])
    shapes.check_conv_sizes(call.caller, call.input, kernel_size, pads, spread)
    plan = call.first_plan(call.weight[0])
    if call.is_empty:
        rows, columns = map(geometry.conv_output_size, call.batched_input()[2:], pads, kernel_size, steps, spread)
        return call.with_casts(plan._replace(empty_shape=(0, call.weight[0], rows, columns)), ms.float32), None
    input, pad = call.batched_input(), None
    if spec.padding_mode != "zeros":
        if call.input is None:
            call.caller.fail(
                f"padding_mode={spec.padding_mode!r} needs an input of known rank, such as "
                "Tensor(shape=[None, channels, None, None]) in set_inputs"
            )
        if None in input[2:]:
            plan = plan._replace(runtime_pad=((*pads[1], *pads[0]), spec.padding_mode))
        elif pads != NO_PADS:
            pad = padding.pad_operator(spec.padding_mode, input[2:], pads)
        input, pads = geometry.padded_shape(input, pads), NO_PADS
    if call.device.largest_pad is not None and max(map(max, pads)) > call.device.largest_pad:
        plan = plan._replace(zero_pad=zero_pad(pads))
        input, pads = geometry.padded_shape(input, pads), NO_PADS
    convolution = Convolution(input, call.weight, steps, pads, spread, spec.groups)
    plan, algorithm = _select(call, plan, convolution)
    operator = algorithms.conv_operator(convolution, algorithm)
    return plan, operator if pad is None else padding.Padded(pad, operator)


def _plan_transposed(call: _Call, output_size: Shape | None) -> tuple[Plan, Any]:
    spec, kernel_size, out_channels = call.spec, call.kernel_size, call.weight[1] * call.spec.groups
    assert not isinstance(spec.padding, str), "conv_transpose_spec makes no such spec"
    steps, zeros, spread = geometry.expand(spec.stride), geometry.expand(spec.padding), geometry.expand(spec.dilation)
    plan = call.first_plan(out_channels)
    sizes: tuple[Any, Any] = (None, None)
    extra: tuple[int, int] | None = geometry.expand(spec.output_padding)
    if output_size is not None:
        extra = shapes.output_padding_of(call.caller, call.input, output_size, kernel_size, steps, zeros, spread)
    if extra is not None:
        shapes.check_conv_transpose_sizes(call.caller, call.input, kernel_size, steps, zeros, extra, spread)
        axes = (steps, zeros, kernel_size, spread, extra)
        if call.input is not None and None not in call.input[-2:]:
            rows, columns = map(geometry.conv_transpose_output_size, call.input[-2:], *axes)
            sizes = (rows, columns)
        if call.is_empty:
            return call.with_casts(plan._replace(empty_shape=(0, out_channels, *sizes)), ms.float32), None
        offset = tuple(map(geometry.conv_transpose_output_size, (1, 1), *axes))
        added_rows, added_columns = map(geometry.transposed_input_padding, extra, steps)
        added = ((0, added_rows), (0, added_columns))
        plan = plan._replace(size_offset=offset, zero_pad=None if added == NO_PADS else zero_pad(added))
    pads = ((zeros[0], zeros[0]), (zeros[1], zeros[1]))
    input = (call.batched_input()[0], out_channels, *sizes)
    convolution = Convolution(input, call.weight, steps, pads, spread, spec.groups)
    plan, algorithm = _select(call, plan, convolution)
    plan = plan._replace(takes_output_shape=algorithms.takes_output_shape(convolution, algorithm))
    return plan, algorithms.conv_transpose_operator(convolution, algorithm)


def _select(call: _Call, plan: Plan, convolution: Convolution) -> tuple[Plan, algorithms.Algorithm]:
    """The device's algorithm, and the plan with the casts and the addition of the bias that it needs."""
    devices.refuse(call.caller, call.target, call.wanted)
    computed, algorithm = call.device.select(convolution, call.wanted, call.spec.transposed, call.exporting)
    biased_by_add = computed not in call.device.bias_add_dtypes
    return call.with_casts(plan._replace(biased_by_add=biased_by_add), computed), algorithm


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
    shapes.check_dtypes(caller, _TORCH_NAMES[input], _TORCH_NAMES[weight], _TORCH_NAMES.get(bias))
    return input, input
