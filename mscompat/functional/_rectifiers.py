"""The cells of activations that are straight lines between kinks. torch's kernels: ATen/native/cpu/Activation.cpp.

Of Maximum and Minimum, the order counts: where one argument is NaN, the second is the result. So NaN goes through
Minimum(6, x), and Minimum(x, 6) makes 6 of it. Their own derivatives are 0.5 where both arguments are equal.

ReluGrad(a, b) is a where b > 0, and 0 elsewhere, at NaN too: a Select without its mask, six times as fast.

Where torch's vectorised loops and the remainders of these loops differ at NaN, cells do as the vectorised loops.
"""

from __future__ import annotations

from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops.auto_generate import HSwishGrad, ReluGrad

from .._constant import constant
from ._elementwise import Elementwise, of, spread

_abs = ops.Abs()
_add = ops.Add()
_cast = ops.Cast()
_greater = ops.Greater()
_hsigmoid = ops.HSigmoid()
_hswish_grad = HSwishGrad()
_less_equal = ops.LessEqual()
_maximum = ops.Maximum()
_minimum = ops.Minimum()
_mul = ops.Mul()
_select = ops.Select()
_stack = ops.Stack()
_sub = ops.Sub()
_zeros_like = ops.ZerosLike()


def _select_positive(values: Tensor, condition: Tensor) -> Tensor:
    return _select(_greater(condition, 0.0), values, _zeros_like(values))


# MindSpore 2.7 has no second derivative of ReluGrad, where the condition is a result (MS-67).
_relu_grad: Any = _select_positive if ms.__version__.startswith("2.7.") else ReluGrad()


@of("relu")
class Relu(Elementwise):
    """MindSpore's ReLU makes 0 of NaN (MS-50)."""

    integers = "kept"
    boolean = "Boolean inputs not supported for relu"
    in_half = True

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.zero, self.one = self.constant(0.0), self.constant(1.0)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _maximum(self.zero, x)

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_relu_grad(gradient, _minimum(output, self.one)),)  # at NaN, there is a gradient


@of("hardtanh")
class Hardtanh(Elementwise):
    """Half types are compared with the limits in float32, as in torch."""

    integers = "kept"
    boolean = "Bool inputs not supported for hardtanh"

    def __init__(self, dtype: Any, low: float, high: float) -> None:
        super().__init__(dtype)
        if dtype == ms.uint8 and low < 0:
            raise RuntimeError("For 'hardtanh', cannot do hardtanh on an unsigned type with negative limits.")
        self.low, self.high = self.constant(low), self.constant(high)
        self.is_from_zero = low == 0

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _minimum(self.high, _maximum(self.low, x))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        above = output if self.is_from_zero else _sub(output, self.low)
        return (_relu_grad(gradient, _mul(above, _sub(self.high, output))),)


@of("relu6")
class Relu6(Hardtanh):
    """MindSpore's ReLU6 makes 0 of NaN (MS-50), has a gradient at 6 (MS-51), and refuses float64 (MS-59)."""

    in_half = True


@of("leaky_relu")
@of("rrelu")
class LeakyRelu(Elementwise):
    """MindSpore's has the same value, and a derivative that is slow, and 1 at NaN (MS-51)."""

    kernel = "leaky_relu_cpu"

    @classmethod
    def make(cls, dtype: Any, *numbers: float) -> Any:
        return cls(dtype, *numbers) if 0 < numbers[0] <= 1 else AnyLeakyRelu(dtype, *numbers)

    def __init__(self, dtype: Any, slope: float) -> None:
        super().__init__(dtype)
        self.zero, self.slope = self.constant(0.0), self.constant(slope)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _maximum(_mul(x, self.slope), x)

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_mul(gradient, _maximum(_cast(_greater(x, self.zero), self.dtype), self.slope)),)


class AnyLeakyRelu(LeakyRelu):
    """Slopes above 1, and 0 and below, where the larger of slope * x and x is not what is wanted."""

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _select(_greater(x, self.zero), x, _mul(x, self.slope))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_select(_greater(x, self.zero), gradient, _mul(gradient, self.slope)),)


class PRelu(nn.Cell):
    """(x, weight, which broadcasts to it) -> x, or weight * x where x is not positive.

    MindSpore's PReLU is slow, and its gradient 1 at NaN (MS-51).
    """

    def __init__(self, dtype: Any, rank: int, weight_rank: int | None) -> None:
        """`weight_rank` is that of a weight of one element; None stands for one of (1, channels, 1, ...)."""
        super().__init__()
        self.dtype = dtype
        self.zero, self.one = constant(0.0, dtype), constant(1.0, dtype)
        if weight_rank is None:
            self.axes = tuple(axis for axis in range(rank) if axis != 1)
        else:
            self.axes = tuple(range(rank))
        self.sum = ops.ReduceSum(keep_dims=weight_rank is None)
        self.is_one, self.is_stacked = weight_rank is not None, weight_rank == 1

    def construct(self, x, weight):  # type: ignore[no-untyped-def]
        if not self.is_one:
            weight = spread(weight, x)
        return _add(_maximum(self.zero, x), _mul(_minimum(self.zero, x), weight))

    def bprop(self, x, weight, output, gradient):  # type: ignore[no-untyped-def]
        if 0 in x.shape:  # a sum of nothing is what memory held (MS-70)
            return _zeros_like(x), _zeros_like(weight)
        if not self.is_one:
            weight = spread(weight, x)
        positive = _cast(_greater(x, self.zero), self.dtype)
        slope = _add(positive, _mul(_sub(self.one, positive), weight))
        of_weight = self.sum(_mul(gradient, _minimum(self.zero, x)), self.axes)
        if self.is_stacked:
            of_weight = _stack((of_weight,))
        return _mul(gradient, slope), of_weight


@of("threshold")
class Threshold(Elementwise):
    """MindSpore's derivatives of Select are torch's."""

    kernel = "threshold_cpu"
    integers = "kept"

    def __init__(self, dtype: Any, threshold: float, value: float) -> None:
        super().__init__(dtype)
        self.threshold, self.value = self.constant(threshold), self.constant(value)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _select(_less_equal(x, self.threshold), self.value, x)


@of("hardshrink")
class Hardshrink(Elementwise):
    """MindSpore's HShrink makes 0 of NaN (MS-50), refuses float64 (MS-59), and its gradient has none itself (MS-63)."""

    kernel = "hardshrink_cpu"

    def __init__(self, dtype: Any, lambd: float) -> None:
        super().__init__(dtype)
        self.one, self.lambd, self.minus_lambd = self.constant(1.0), self.constant(lambd), self.constant(-lambd)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _relu_grad(x, _minimum(_sub(_abs(x), self.lambd), self.one))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_relu_grad(gradient, _sub(_abs(x), self.lambd)),)


@of("softshrink")
class Softshrink(Hardshrink):
    """MindSpore's SoftShrink makes 0 of NaN (MS-50), refuses float64 (MS-59), and its gradient has none (MS-63)."""

    kernel = "softshrink_check"

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _sub(x, _minimum(self.lambd, _maximum(self.minus_lambd, x)))


@of("hardsigmoid")
class Hardsigmoid(Elementwise):
    """MindSpore's HSigmoid has a gradient at NaN."""

    kernel = "hardsigmoid_cpu"

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        # torch has 1 / 6 in float32, for float64 too.
        self.three, self.sixth = self.constant(3.0), self.constant(float(np.float32(1 / 6)))

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _hsigmoid(x)

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        # Multiplied last: graphs cannot fold a constant into the gradient of an empty sum.
        return (_mul(_relu_grad(gradient, _sub(self.three, _abs(x))), self.sixth),)


@of("hardswish")
class Hardswish(Elementwise):
    """MindSpore's HSwish is 0 at -inf, where torch has NaN; its gradient: see below."""

    kernel = "hardswish_cpu"

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.gradient = HardswishGradient(dtype)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _mul(x, _hsigmoid(x))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (self.gradient(gradient, x),)


class HardswishGradient(nn.Cell):
    """(gradient, x) -> gradient of x.

    MindSpore's HSwishGrad takes -3 and 3 for points between, and has no derivative itself (MS-51, MS-63).
    """

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        # Brings 3 above 3, -3 below -3, and nothing else.
        self.outward = constant(1.0 + float(np.finfo(ms.dtype_to_nptype(dtype)).eps), dtype)
        self.sixth, self.third, self.three = constant(1 / 6, dtype), constant(1 / 3, dtype), constant(3.0, dtype)

    def construct(self, gradient, x):  # type: ignore[no-untyped-def]
        return _hswish_grad(gradient, _mul(x, self.outward))

    def bprop(self, gradient, x, output, second):  # type: ignore[no-untyped-def]
        inside = _sub(self.three, _abs(x))
        slope = _add(_hsigmoid(x), _relu_grad(_mul(x, self.sixth), inside))
        return _mul(second, slope), _relu_grad(_mul(_mul(second, gradient), self.third), inside)
