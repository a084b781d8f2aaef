"""Linear and bilinear maps, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mindspore as ms
from mindspore import Parameter, Tensor, ops

from .._conv.devices import DEVICES, current_target
from .._mindspore.compile_time import compile_time
from ._errors import cpp_name, fail, scalar_type
from ._reshaping import reshape
from .reduction import check_broadcastable, drop_axis

__all__ = ["bilinear", "linear"]

_add = ops.Add()
_batch_mat_mul = ops.BatchMatMul()
_bias_add = ops.BiasAdd()
_cast = ops.Cast()
_mat_mul = ops.MatMul()
_mat_mul_transposed = ops.MatMul(transpose_b=True)
_reshape = ops.Reshape()
_transpose = ops.Transpose()

Shape = tuple[Any, ...]  # None: a size that is not known before the call


@dataclass(frozen=True)
class _Plan:
    """How a map is computed: by a product of matrices alone, or with the steps that are not None."""

    is_plain: bool = False
    # The dtype to compute in, and to return.
    computed: Any = None
    returned: Any = None
    # What input and weight are reshaped to, to be matrices; and the output, after the product.
    input: Shape | None = None
    weight: Shape | None = None
    output: Shape | None = None
    # Instead of the product: nothing, or zeros of no terms.
    zeros: Shape | None = None
    # How the bias is added: to the matrix, or to the output. Not at all to an empty one.
    uses_bias_add: bool = False
    uses_add: bool = False


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute input @ weight.T + bias, as ``torch.nn.functional.linear``.

    Args:
        input (Tensor): shape (*, in_features), of any number of axes but none.
        weight (Tensor): shape (out_features, in_features), or (in_features,).
        bias (Tensor, optional): shape (out_features,), or another that can be broadcast to the output.

    Returns:
        Tensor of shape (*, out_features), or (*) where the weight has one axis.

    Raises:
        RuntimeError, TypeError: As torch does, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.linear(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0], [5.0, 6.0]]), Tensor([0.5, 0.0])))
        [[11.5 17. ]]
    """
    _check_tensors("linear", input, weight, bias)
    if bias is None:
        plan = _linear_plan(input.shape, weight.shape, None, input.dtype, weight.dtype, None)
    else:
        plan = _linear_plan(input.shape, weight.shape, bias.shape, input.dtype, weight.dtype, bias.dtype)
    if plan.is_plain:
        output = _mat_mul_transposed(input, weight)
        return output if bias is None else _bias_add(output, bias)
    batch = input.shape[:-1]
    if plan.computed is not None:
        input, weight = _cast(input, plan.computed), _cast(weight, plan.computed)
        if bias is not None:
            bias = _cast(bias, plan.computed)
    if plan.zeros is not None:
        output = _zeros(plan.zeros, input.dtype)
    else:
        if plan.input is not None:
            input = reshape(input, plan.input)
        if plan.weight is not None:
            weight = reshape(weight, plan.weight)
        output = _mat_mul_transposed(input, weight)
    if bias is not None and plan.uses_bias_add:
        output = _bias_add(output, bias)
    if plan.output is not None:
        output = reshape(output, _known_shape(plan.output, batch))
    if bias is not None and plan.uses_add:
        output = _add(output, bias)
    return output if plan.returned is None else _cast(output, plan.returned)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute sum of input1[i] weight[o, i, j] input2[j] over i and j + bias, as ``torch.nn.functional.bilinear``.

    Args:
        input1 (Tensor): shape (*, in1_features).
        input2 (Tensor): shape (*, in2_features), the other axes those of input1.
        weight (Tensor): shape (out_features, in1_features, in2_features).
        bias (Tensor, optional): shape (out_features,).

    Returns:
        Tensor of shape (*, out_features).

    Raises:
        RuntimeError, IndexError, TypeError: As torch does, with torch's sentence.

    Differences from torch:
        In PyNative mode, second derivatives are wrong (MS-08).

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.bilinear(Tensor([[1.0, 2.0]]), Tensor([[3.0]]), Tensor([[[4.0], [5.0]]])))
        [[42.]]
    """
    _check_tensors("bilinear", input1, weight, bias, 3)
    if not isinstance(input2, (Tensor, Parameter)):
        _fail_tensor("bilinear", "input2", 2)
    bias_shape = None if bias is None else bias.shape
    bias_dtype = None if bias is None else bias.dtype
    plan = _bilinear_plan(
        input1.shape, input2.shape, weight.shape, bias_shape, input1.dtype, input2.dtype, weight.dtype, bias_dtype
    )
    if plan.zeros is not None:
        return _zeros(plan.zeros, input1.dtype)
    batch = input1.shape[:-1]
    if plan.computed is not None:
        input1, input2 = _cast(input1, plan.computed), _cast(input2, plan.computed)
        weight = _cast(weight, plan.computed)
    out_features, in1_features, in2_features = weight.shape
    rows = _mat_mul(
        _reshape(input1, (-1, in1_features)),
        _reshape(_transpose(weight, (1, 0, 2)), (in1_features, out_features * in2_features)),
    )
    output = _batch_mat_mul(
        _reshape(rows, (-1, out_features, in2_features)), _reshape(input2, (-1, in2_features, 1))
    )
    output = drop_axis(output, 2)
    if bias is not None:
        if plan.computed is not None:
            bias = _cast(bias, plan.computed)
        output = _add(output, bias)
    if plan.output is not None:
        output = _reshape(output, _known_shape(plan.output, batch))
    return output if plan.returned is None else _cast(output, plan.returned)


def _check_tensors(name: str, input: Any, weight: Any, bias: Any, position: int = 2) -> None:
    # isinstance is quick for an object of the very class, and slow for one of a subclass, as Parameter is of Tensor.
    if not isinstance(input, (Tensor, Parameter)):
        _fail_tensor(name, "input" if position == 2 else "input1", 1)
    if not isinstance(weight, (Parameter, Tensor)):
        _fail_tensor(name, "weight", position)
    if bias is not None and not isinstance(bias, (Parameter, Tensor)):
        _fail_tensor(name, "bias", position + 1)


@compile_time
def _fail_tensor(name: str, argument: str, position: int) -> None:
    raise TypeError(f"For '{name}', argument '{argument}' (position {position}) must be Tensor.")


@compile_time
@functools.lru_cache(maxsize=1024)
def _linear_plan(
    input: Shape, weight: Shape, bias: Shape | None, dtype: Any, weight_dtype: Any, bias_dtype: Any
) -> _Plan:
    input, weight = _with_none(input), _with_none(weight)
    _check_linear(input, weight, bias, dtype, weight_dtype, bias_dtype)
    is_vector = len(weight) == 1
    output = input[:-1] if is_vector else (*input[:-1], weight[0])
    if 0 in output:  # operators refuse an empty batch or divide by its size (MS-18, MS-20, MS-21)
        return _Plan(zeros=output)
    if input[-1] == 0:  # MatMul gives what memory held (MS-70)
        return _Plan(zeros=output, uses_add=True)
    is_half = dtype == ms.bfloat16  # which MatMul has no kernel for
    computed = ms.float32 if is_half else dtype
    is_matrix = len(input) == 2 and not is_vector
    takes_bias_add = computed in DEVICES[current_target()].bias_add_dtypes
    uses_bias_add = takes_bias_add and not is_vector and bias == (weight[0],)
    return _Plan(
        is_plain=is_matrix and not is_half and (bias is None or uses_bias_add),
        computed=computed if is_half else None,
        returned=dtype if is_half else None,
        input=None if len(input) == 2 else (-1, weight[-1] if input[-1] is None else input[-1]),
        weight=(1, weight[0]) if is_vector else None,
        output=None if is_matrix else output,
        uses_bias_add=uses_bias_add,
        uses_add=not uses_bias_add,
    )


def _check_linear(
    input: Shape, weight: Shape, bias: Shape | None, dtype: Any, weight_dtype: Any, bias_dtype: Any
) -> None:
    if not input or not weight:
        fail(
            "linear", f"both arguments to linear need to be at least 1D, but they are {len(input)}D and {len(weight)}D"
        )
    if len(weight) > 2:
        fail("linear", f"t() expects a tensor with <= 2 dimensions, but self is {len(weight)}D")
    if len(weight) == 1 and bias is not None and len(input) == 2:
        fail("linear", "mat2 must be a matrix, got 1-D tensor")
    if bias_dtype is not None and bias_dtype != weight_dtype:
        names = f"{scalar_type(bias_dtype)} and {scalar_type(weight_dtype)}"
        fail("linear", f"self and mat2 must have the same dtype, but got {names}")
    if dtype != weight_dtype:
        if bias is None:
            names = f"{cpp_name(dtype)} != {cpp_name(weight_dtype)}"
            fail("linear", f"expected m1 and m2 to have the same dtype, but got: {names}")
        names = f"{scalar_type(dtype)} and {scalar_type(weight_dtype)}"
        fail("linear", f"mat1 and mat2 must have the same dtype, but got {names}")
    if dtype == ms.bool_:
        fail("linear", "\"addmm_impl_cpu_\" not implemented for 'Bool'", NotImplementedError)
    rows = 1 if len(input) == 1 else None if None in input[:-1] else math.prod(input[:-1])
    if None not in (input[-1], weight[-1]) and input[-1] != weight[-1]:
        if len(weight) == 2:
            fail(
                "linear", f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input[-1]} and {weight[1]}x{weight[0]})"
            )
        if len(input) == 1:
            fail(
                "linear",
                f"inconsistent tensor size, expected tensor [{input[0]}] and src [{weight[0]}] to have the same number "
                f"of elements, but got {input[0]} and {weight[0]} elements respectively",
            )
        fail("linear", f"size mismatch, got input ({rows}), mat ({rows}x{input[-1]}), vec ({weight[0]})")
    if bias is not None:
        if len(weight) == 1:
            check_broadcastable("linear", input[:-1], bias)
        elif len(bias) > 1 and len(input) != 2:
            check_broadcastable("linear", (*input[:-1], weight[0]), bias)
        else:
            _check_expandable((rows, weight[0]), bias)


def _check_expandable(target: Shape, bias: Shape) -> None:
    if len(bias) > len(target):
        fail(
            "linear",
            f"expand: the number of sizes provided ({len(target)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(bias)})",
        )
    for axis in range(-1, -len(bias) - 1, -1):
        if bias[axis] not in (1, target[axis]) and None not in (bias[axis], target[axis]):
            fail(
                "linear",
                f"The expanded size of the tensor ({target[axis]}) must match the existing size ({bias[axis]}) at "
                f"non-singleton dimension {len(target) + axis}.  Target sizes: {list(target)}.  "
                f"Tensor sizes: {list(bias)}",
            )


@compile_time
@functools.lru_cache(maxsize=1024)
def _bilinear_plan(
    input1: Shape, input2: Shape, weight: Shape, bias: Shape | None, dtype1: Any, dtype2: Any, weight_dtype: Any,
    bias_dtype: Any,
) -> _Plan:
    input1, input2, weight = _with_none(input1), _with_none(input2), _with_none(weight)
    dtypes = {"input1": dtype1, "input2": dtype2, "weight": weight_dtype}
    if bias is not None:
        dtypes["bias"] = bias_dtype
    _check_bilinear(input1, input2, weight, bias, dtypes)
    output = (*input1[:-1], weight[0])
    if 0 in output:
        return _Plan(zeros=output)
    half = dtype1 == ms.bfloat16
    return _Plan(
        computed=ms.float32 if half else None, returned=ms.bfloat16 if half else None,
        output=None if len(input1) == 2 else output,
    )


def _check_bilinear(
    input1: Shape, input2: Shape, weight: Shape, bias: Shape | None, dtypes: dict[str, Any]
) -> None:
    def differ(one: int | None, other: int | None) -> bool:
        return None not in (one, other) and one != other

    if len(set(dtypes.values())) > 1:
        names = ", ".join(f"{name}: {cpp_name(dtype)}" for name, dtype in dtypes.items())
        fail("bilinear", f"All tensors must have the same dtype, got {names}")
    if len(input1) != len(input2):
        fail("bilinear", f"bilinear(): input dimensions do not match: got {len(input1)} and {len(input2)}")
    if not input1:
        fail("bilinear", "Dimension specified as -1 but tensor has no dimensions", IndexError)
    for axis, (one, other) in enumerate(zip(input1[:-1], input2[:-1], strict=True)):
        if differ(one, other):
            fail("bilinear", f"bilinear(): input batch dimensions do not match at dim {axis}: got {one} and {other}")
    if len(weight) < 3:
        fail(
            "bilinear",
            f"Dimension out of range (expected to be in range of [-{len(weight)}, {len(weight) - 1}], but got 2)",
            IndexError,
        )
    if differ(input1[-1], weight[1]):
        fail(
            "bilinear", f"bilinear(): input1 size does not match weight size: got {input1[-1]} but expected {weight[1]}"
        )
    if differ(input2[-1], weight[2]):
        fail(
            "bilinear", f"bilinear(): input2 size does not match weight size: got {input2[-1]} but expected {weight[2]}"
        )
    if bias is not None:
        if not bias:
            fail("bilinear", "Dimension specified as 0 but tensor has no dimensions", IndexError)
        if differ(bias[0], weight[0]):
            fail(
                "bilinear", f"bilinear(): bias size does not match weight size: got {bias[0]} but expected {weight[0]}"
            )
    if 0 in (input1[-1], input2[-1]):
        fail(
            "bilinear",
            "cannot reshape tensor of 0 elements into shape [-1, 0] because the unspecified dimension size -1 can be "
            "any value and is ambiguous",
        )


def _with_none(shape: Sequence[Any]) -> Shape:
    return tuple(None if size is None or size < 0 else size for size in shape)


def _known_shape(planned: Shape, batch: Shape) -> Shape:
    """A planned shape, with the sizes of the batch where they were not known."""
    if None not in planned:
        return planned
    return batch if len(planned) == len(batch) else (*batch, planned[-1])


@compile_time
@functools.lru_cache(maxsize=128)
def _zeros(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return ops.zeros(shape, dtype)
