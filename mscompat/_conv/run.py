"""Carry out a plan: from input, weight and bias to the output, in PyNative and in Graph mode.

Only operators whose second derivatives are right in both modes are used outside the cells of algorithms/ (MS-08 to
MS-11).
"""

from __future__ import annotations

import functools
from typing import Any

from mindspore import Parameter, Tensor, nn, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time_function, is_exporting, is_in_graph
from .algorithms.cells import OfThree, OfTwo
from .algorithms.padding import pad_at_runtime
from .plan import Plan, make_plan
from .spec import ConvSpec

__all__ = ["conv", "conv_transpose"]

_add = ops.Add()
_bias_add = ops.BiasAdd()
_cast = ops.Cast()
_expand_dims = ops.ExpandDims()
_pad_v3 = ops.PadV3("constant")
_reduce_sum = ops.ReduceSum()
_reshape = ops.Reshape()
# For each axis.
_SQUEEZE = {axis: ops.Squeeze(axis) for axis in (0, 2)}
_STACK = {axis: ops.Stack(axis) for axis in (0, 2)}
_UNSTACK = {axis: ops.Unstack(axis, 1) for axis in (0, 2)}


def _plan_in_graph(spec: ConvSpec, *call: Any) -> tuple[Plan, Any]:
    plan, operator = make_plan(spec, *call, exporting=is_exporting())
    return plan, _as_cell(operator, spec.transposed) if isinstance(operator, ops.Primitive) else operator


@functools.lru_cache(maxsize=1024)
def _as_cell(operator: ops.Primitive, is_transposed: bool) -> nn.Cell:
    """Operators cannot be taken out of tuples in any graph after one with += and one that indexes (MS-79)."""
    return OfThree(operator) if is_transposed else OfTwo(operator)


_plan = compile_time_function("mscompat_plan", functools.partial(make_plan, exporting=False), _plan_in_graph)


def conv(
    spec: ConvSpec, input: Tensor, weight: Tensor, bias: Tensor | None, to_float: tuple[bool, bool, bool]
) -> Tensor:
    """Convolve as a spec of a convolution says."""
    _check_tensors(spec.name, input, weight, bias)
    dtypes = (input.dtype, weight.dtype, None if bias is None else bias.dtype)
    bias_shape = None if bias is None else bias.shape
    plan, operator = _plan(spec, input.shape, weight.shape, bias_shape, dtypes, to_float, None)
    if plan.is_plain:
        output = operator(input, weight)
        return output if bias is None else _bias_add(output, bias)
    if plan.cast_arguments is not None:
        input, weight = _cast(input, plan.cast_arguments), _cast(weight, plan.cast_arguments)
    if plan.expand_batch:
        input = _add_axis(input, 0)
    if plan.expand_rows:
        input, weight = _add_axis(input, 2), _add_axis(weight, 2)
    if plan.runtime_pad is not None:
        input = pad_at_runtime(input, plan.runtime_pad[0], plan.runtime_pad[1])
    if plan.zero_pad is not None:
        input = _zero_padded(plan, input)
    if plan.empty_shape is not None:
        return _finish(plan, _empty_output(plan, input, weight), bias)
    return _finish(plan, operator(input, weight), bias)


def conv_transpose(
    spec: ConvSpec, input: Tensor, weight: Tensor, bias: Tensor | None, to_float: tuple[bool, bool, bool],
    output_size: Any,
) -> Tensor:
    """Convolve, transposed, as a spec of a transposed convolution says, perhaps to an output of a given size."""
    _check_tensors(spec.name, input, weight, bias)
    dtypes = (input.dtype, weight.dtype, None if bias is None else bias.dtype)
    bias_shape = None if bias is None else bias.shape
    plan, operator = _plan(spec, input.shape, weight.shape, bias_shape, dtypes, to_float, output_size)
    if plan.cast_arguments is not None:
        input, weight = _cast(input, plan.cast_arguments), _cast(weight, plan.cast_arguments)
    if plan.expand_batch:
        input = _add_axis(input, 0)
    if plan.expand_rows:
        input, weight = _add_axis(input, 2), _add_axis(weight, 2)
    if plan.empty_shape is not None:
        return _finish(plan, _empty_output(plan, input, weight), bias)
    shape = _output_shape(plan, input.shape, output_size)
    if plan.zero_pad is not None:
        input = _zero_padded(plan, input)
    return _finish(plan, operator(input, weight, shape), bias)


def _zero_padded(plan: Plan, input: Tensor) -> Tensor:
    """In PyNative mode, second derivatives of Pad are wrong (MS-08); in graphs, gradients of PadV3 are (MS-13)."""
    return plan.zero_pad(input) if is_in_graph() else _pad_v3(input, plan.pads_from_last, constant(0, input.dtype))


# In PyNative mode an axis of size 1 comes and goes by Stack and Unstack: ExpandDims and Squeeze make views there, whose
# third derivatives are silently wrong (MS-08). In graphs they are right, ONNX knows no Unstack, and float64 parameters
# are not safe in the tuple that Stack takes (MS-49).
def _add_axis(array: Tensor, axis: int) -> Tensor:
    return _expand_dims(array, axis) if is_in_graph() else _STACK[axis]((array,))


def _drop_axis(array: Tensor, axis: int) -> Tensor:
    return _SQUEEZE[axis](array) if is_in_graph() else _UNSTACK[axis](array)[0]


def _output_shape(plan: Plan, input: tuple[Any, ...], output_size: Any) -> tuple[Any, ...]:
    shape: tuple[Any, ...] = (input[0], plan.out_channels)
    dimensions = len(plan.stride)
    if plan.size_offset is not None:
        for axis in range(dimensions):
            shape = (*shape, (input[2 + axis] - 1) * plan.stride[axis] + plan.size_offset[axis])
        return shape
    if plan.expand_rows:
        return (*shape, 1, output_size[-1])
    for axis in range(dimensions):
        shape = (*shape, output_size[axis - dimensions])
    return shape


def _check_tensors(name: str, input: Any, weight: Any, bias: Any) -> None:
    # isinstance is quick for an object of the very class, and slow for one of a subclass, as Parameter is of Tensor.
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', input must be Tensor.")
    if not isinstance(weight, (Parameter, Tensor)):
        raise TypeError(f"For '{name}', weight must be Tensor.")
    if bias is not None and not isinstance(bias, (Parameter, Tensor)):
        raise TypeError(f"For '{name}', bias must be Tensor.")


def _finish(plan: Plan, output: Tensor, bias: Tensor | None) -> Tensor:
    if bias is not None:
        if plan.cast_arguments is not None:
            bias = _cast(bias, plan.cast_arguments)
        if plan.bias_shape is not None:
            output = _add(output, _reshape(bias, plan.bias_shape))
        else:
            output = _bias_add(output, bias)
    if plan.expand_rows:
        output = _drop_axis(output, 2)
    if plan.expand_batch:
        output = _drop_axis(output, 0)
    if plan.cast_output is not None:
        output = _cast(output, plan.cast_output)
    return output


def _empty_output(plan: Plan, input: Tensor, weight: Tensor) -> Tensor:
    """The output of an empty batch, which most operators refuse (MS-18).

    weight is added to none of it, so that it gets a gradient, zeros, of every order (MS-15).
    """
    return _bias_add(
        _reshape(input, plan.empty_shape), ops.broadcast_to(_reduce_sum(weight), (plan.out_channels,))
    )
