"""ConvSpec, shapes, dtypes and device in, Plan and operator out: plain Python that asks nobody but the device.

A plan is made once for each different call, and then carried out by operators alone (run.py). In Graph mode plans are
made while the graph is compiled: that is where a wrong argument raises there, with its own class and sentence.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import mindspore as ms

from . import algorithms, arguments, devices, geometry, shapes
from .algorithms import padding
from .algorithms.cells import zero_pad
from .arguments import Caller
from .geometry import Convolution
from .shapes import Shape
from .spec import ConvSpec

__all__ = ["Plan", "make_plan"]

_TORCH_NAMES = {getattr(ms, name): torch_name for name, torch_name in arguments.DTYPES.items()}
_OTHER_NAMES = {getattr(ms, name): torch_name for name, torch_name in arguments.OTHER_DTYPES.items()}
# The dtypes of Cell.to_float, in the order of the flags fp16, bf16 and fp32 that it sets.
_TO_FLOAT = (ms.float16, ms.bfloat16, ms.float32)


class Plan(NamedTuple):
    """How to carry out one call. A step that it does not need is None or False.

    The operator of input and weight stands beside the plan, since a graph takes no record that holds a cell (MS-16).
    """

    out_channels: int
    # The steps of a transposed convolution, for the size of its output.
    stride: tuple[int, ...]
    # The input has no batch: it gets one of 1, and the output loses it again.
    expand_batch: bool
    # One dimension is convolved as two: input and weight get an axis of size 1, and the output loses it again.
    expand_rows: bool
    # The dtype to cast input, weight and bias to, first.
    cast_arguments: Any = None
    # The dtype to cast the output to, last.
    cast_output: Any = None
    # Add adds the bias in this shape: BiasAdd does not take the dtype.
    bias_shape: Any = None
    # The shape of the output, where the batch is empty: nothing is computed then.
    empty_shape: Any = None
    # (pads, mode) of padding.pad_at_runtime, for a padding_mode where a size is not known before the call.
    runtime_pad: Any = None
    # The zeros that the convolution itself cannot add: an operator, and their numbers from the last axis on.
    zero_pad: Any = None
    pads_from_last: tuple[int, ...] = ()
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
        """Extent of the kernel along each axis."""
        return self.weight[2:]

    def expand(self, values: Sequence[int]) -> tuple[int, ...]:
        """An argument of the spec for each axis."""
        return geometry.expand(values, self.spec.dimensions)

    @property
    def is_unbatched(self) -> bool:
        """Whether the input has no batch."""
        return self.input is not None and len(self.input) == self.spec.dimensions + 1

    @property
    def is_empty(self) -> bool:
        """Whether the batch has no images."""
        return self.input is not None and not self.is_unbatched and self.input[0] == 0

    def batched_input(self) -> Shape:
        """The shape of the input with a batch: of unknown sizes, where not even the rank is known."""
        if self.input is None:
            return (None,) * (self.spec.dimensions + 2)
        return (1, *self.input) if self.is_unbatched else self.input

    def known_rank(self) -> str:
        """What a user may write for an input of unknown sizes."""
        return f"Tensor(shape=[None, channels{', None' * self.spec.dimensions}]) in set_inputs"

    def first_plan(self, c: Convolution) -> Plan:
        """What every plan has."""
        out_channels = c.input[1] if self.spec.transposed else c.out_channels
        return Plan(out_channels, c.stride, expand_batch=self.is_unbatched, expand_rows=self.spec.dimensions == 1)

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
    size = None
    if output_size is not None:
        size = shapes.output_size(Caller(spec.name, spec.dimensions, RuntimeError), output_size)
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
    caller = Caller(spec.name, spec.dimensions, RuntimeError)
    shapes.check_input_rank(caller, input, spec.transposed)
    shapes.check_weight(caller, input, weight, bias, spec.groups, spec.transposed)
    shapes.check_input_channels(caller, input, weight, spec.groups, spec.transposed)
    given, wanted = _dtypes(caller, dtypes, to_float)
    call = _Call(spec, caller, target, input, weight, given, wanted, exporting)
    plan, operator = _plan_transposed(call, output_size) if spec.transposed else _plan(call)
    is_plain = plan == Plan(plan.out_channels, plan.stride, expand_batch=False, expand_rows=False)
    return plan._replace(is_plain=is_plain), operator


def _plan(call: _Call) -> tuple[Plan, Any]:
    spec, kernel_size = call.spec, call.kernel_size
    steps, spread = call.expand(spec.stride), call.expand(spec.dilation)
    pads = geometry.conv_padding(spec.padding, kernel_size, spec.dilation)
    if spec.padding_mode != "zeros":
        last_pads = geometry.non_zero_padding(spec.padding, kernel_size, spec.dilation)
        shapes.check_padding_mode_sizes(call.caller, spec.padding_mode, call.input, last_pads)
        pads = (*geometry.no_pads(spec.dimensions - len(last_pads)), *last_pads)
    shapes.check_conv_sizes(call.caller, call.input, kernel_size, pads, spread)
    c = Convolution(call.batched_input(), call.weight, steps, pads, spread, spec.groups).as_two_dimensions()
    plan, pad = call.first_plan(c), None
    if call.is_empty:
        return call.with_casts(plan._replace(empty_shape=c.output_shape()), ms.float32), None
    if spec.padding_mode != "zeros":
        if call.input is None:
            call.caller.fail(
                f"padding_mode={spec.padding_mode!r} needs an input of known rank, such as {call.known_rank()}"
            )
        if None in c.input[2:]:
            plan = plan._replace(runtime_pad=(c.pads, spec.padding_mode))
        elif c.is_padded():
            pad = padding.pad_operator(spec.padding_mode, c.input[2:], c.pads)
        c = c.padded()
    if call.device.largest_pad is not None and max(c.flat_pads) > call.device.largest_pad:
        plan = plan._replace(zero_pad=zero_pad(c.pads), pads_from_last=geometry.last_axis_first(c.pads))
        c = c.padded()
    plan, algorithm = _select(call, plan, c)
    operator = algorithms.conv_operator(c, algorithm)
    return plan, operator if pad is None else padding.Padded(pad, operator)


def _plan_transposed(call: _Call, output_size: Shape | None) -> tuple[Plan, Any]:
    spec, kernel_size = call.spec, call.kernel_size
    assert not isinstance(spec.padding, str), "conv_transpose_spec makes no such spec"
    if spec.dimensions == 3 and call.input is None:  # Conv3DBackpropInput ends in an error of MindSpore's core
        call.caller.fail(f"three dimensions need an input of known rank, such as {call.known_rank()}")
    steps, zeros, spread = call.expand(spec.stride), call.expand(spec.padding), call.expand(spec.dilation)
    extra: tuple[int, ...] | None = call.expand(spec.output_padding)
    if output_size is not None:
        extra = shapes.output_padding_of(call.caller, call.input, output_size, kernel_size, steps, zeros, spread)
    sizes: tuple[Any, ...] = (None,) * spec.dimensions
    if extra is not None:
        shapes.check_conv_transpose_sizes(call.caller, call.input, kernel_size, steps, zeros, extra, spread)
        known = shapes.spatial(call.caller, call.input)
        if None not in known:
            sizes = tuple(map(geometry.conv_transpose_output_size, known, steps, zeros, kernel_size, spread, extra))
    pads = tuple((size, size) for size in zeros)
    input = (call.batched_input()[0], call.weight[1] * spec.groups, *sizes)
    c = Convolution(input, call.weight, steps, pads, spread, spec.groups).as_two_dimensions()
    plan = call.first_plan(c)
    if extra is not None:
        if call.is_empty:
            return call.with_casts(plan._replace(empty_shape=c.input), ms.float32), None
        extra = (0,) * (c.dimensions - spec.dimensions) + extra
        first = (1,) * c.dimensions
        begins = c.flat_pads[::2]
        offset = tuple(map(
            geometry.conv_transpose_output_size, first, c.stride, begins, c.kernel_size, c.dilation, extra
        ))
        added = tuple((0, geometry.transposed_input_padding(*axis)) for axis in zip(extra, c.stride, strict=True))
        plan = plan._replace(size_offset=offset)
        if any(map(max, added)):
            plan = plan._replace(zero_pad=zero_pad(added), pads_from_last=geometry.last_axis_first(added))
    plan, algorithm = _select(call, plan, c)
    return plan, algorithms.conv_transpose_operator(c, algorithm)


def _select(call: _Call, plan: Plan, convolution: Convolution) -> tuple[Plan, algorithms.Algorithm]:
    """The device's algorithm, and the plan with the casts and the addition of the bias that it needs."""
    devices.refuse(call.caller, call.target, call.wanted)
    computed, algorithm = call.device.select(convolution, call.wanted, call.spec.transposed, call.exporting)
    if computed not in call.device.bias_add_dtypes:
        plan = plan._replace(bias_shape=(1, plan.out_channels) + (1,) * convolution.dimensions)
    return call.with_casts(plan, computed), algorithm


def _dtypes(caller: Caller, dtypes: tuple[Any, Any, Any], to_float: tuple[bool, bool, bool]) -> tuple[Any, Any]:
    """(dtype of the arguments, None where they may differ; dtype of the output)."""
    input, weight, bias = (_TORCH_NAMES.get(dtype, _OTHER_NAMES.get(dtype)) for dtype in dtypes)
    if True not in to_float and input is not None and weight is not None:
        shapes.check_dtypes(caller, input, weight, bias)
    for name, dtype in zip(("input", "weight", "bias"), dtypes, strict=True):
        if dtype is not None and dtype not in _TORCH_NAMES:
            caller.fail(
                f"{name} must be a Tensor of dtype {tuple(map(str, _TORCH_NAMES))}, but got dtype={dtype}", TypeError
            )
    if True in to_float:
        return None, _TO_FLOAT[to_float.index(True)]
    return dtypes[0], dtypes[0]
