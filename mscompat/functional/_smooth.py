"""The cells of activations without kinks, and of the exponential ones. torch's: ATen/native/cpu/Activation.cpp.

In float32, on CPU, MindSpore's Exp is off by 3e-6 to 2e-5 of the value, its Elu and Softplus by 2e-6, Tanh by 1e-4
(MS-56), and Expm1 and Log1p compute exp(x) - 1 and log(1 + x), which is nothing where x is small. Sigmoid is off by
8e-7 at most.
"""

from __future__ import annotations

import math
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops
from mindspore.ops.auto_generate import SiLU, TanhGrad

from .._constant import constant
from .._conv.devices import current_target
from ._elementwise import Elementwise, of

_abs = ops.Abs()
_FLOAT32, _FLOAT64 = ms.float32, ms.float64

_add = ops.Add()
_cast = ops.Cast()
_div = ops.RealDiv()
_erf = ops.Erf()
_exp = ops.Exp()
_expm1 = ops.Expm1()
_greater = ops.Greater()
_log1p = ops.Log1p()
_maximum = ops.Maximum()
_minimum = ops.Minimum()
_mul = ops.Mul()
_neg = ops.Neg()
_reciprocal = ops.Reciprocal()
_select = ops.Select()
_sigmoid = ops.Sigmoid()
_silu = SiLU()
_softsign = ops.Softsign()
_square = ops.Square()
_sub = ops.Sub()
_tanh = ops.Tanh()
_tanh_grad = TanhGrad()


def _exp_by_float64(x: Tensor) -> Tensor:
    return _cast(_exp(_cast(x, _FLOAT64)), _FLOAT32)


def _expm1_by_float64(x: Tensor) -> Tensor:
    return _cast(_expm1(_cast(x, _FLOAT64)), _FLOAT32)


def _sigmoid_by_float64(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), exact where it is small, too."""
    z = _exp_by_float64(_neg(_abs(x)))
    return _div(_maximum(z, _cast(_greater(x, constant(0.0, _FLOAT32)), _FLOAT32)), _add(z, constant(1.0, _FLOAT32)))


def _expm1_of_float64(x: Tensor) -> Tensor:
    """exp(x) - 1, exact near 0 too. MindSpore's is Exp less 1 (MS-57).

    Tanh is exact: exp(x / 2) - 1 = 2 * t / (1 - t) with t = tanh(x / 4).
    """
    t = _tanh(_mul(x, constant(0.25, _FLOAT64)))
    root = _div(_add(t, t), _sub(constant(1.0, _FLOAT64), t))
    return _mul(root, _add(root, constant(2.0, _FLOAT64)))


class _Exponential(Elementwise):
    """What is computed with exponentials of numbers that are not positive."""

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.zero, self.one, self.two = self.constant(0.0), self.constant(1.0), self.constant(2.0)
        # Where float32 is inexact (MS-56). Other devices have no float64, or a slow one.
        self.by_float64 = dtype == ms.float32 and current_target() == "CPU"
        # Attributes, not methods that ask: of these, graphs know no second derivative (MS-14).
        self.exp = _exp_by_float64 if self.by_float64 else _exp
        self.expm1 = _expm1_by_float64 if self.by_float64 else _expm1
        self.sigmoid = _sigmoid_by_float64 if self.by_float64 else _sigmoid
        if dtype == ms.float64:
            self.expm1 = _expm1_of_float64

    def log1p(self, x):  # type: ignore[no-untyped-def]
        """log(1 + x), exact near 0 too: MindSpore's, and what the rounding of 1 + x took away."""
        total = _add(x, self.one)
        return _add(_log1p(x), _div(_sub(x, _sub(total, self.one)), total))


@of("sigmoid")
class Sigmoid(Elementwise):
    """MindSpore's is right."""

    integers = "float32"
    takes_bool = True

    @classmethod
    def make(cls, dtype: Any, *numbers: float) -> Any:
        return _sigmoid


@of("silu")
class Silu(Elementwise):
    """MindSpore's is right."""

    kernel = "silu_cpu"

    @classmethod
    def make(cls, dtype: Any, *numbers: float) -> Any:
        return _silu


@of("tanh")
class Tanh(Elementwise):
    """MindSpore's is exact up to 2, off by 1e-4 at 5, in float32 (MS-56); so is that of x / 2 up to 4.

    tanh(x) = 2 / (t + 1 / t) with t = tanh(x / 2). Beyond, t is so near to 1 that its error is squared away.
    """

    integers = "float32"
    takes_bool = True

    @classmethod
    def make(cls, dtype: Any, *numbers: float) -> Any:
        return _tanh if dtype == ms.float64 else cls(dtype)

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.half, self.two = self.constant(0.5), self.constant(2.0)

    def construct(self, x):  # type: ignore[no-untyped-def]
        t = _tanh(_mul(x, self.half))
        return _div(self.two, _add(t, _reciprocal(t)))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_tanh_grad(output, gradient),)


@of("tanhshrink")
class Tanhshrink(Elementwise):
    """MindSpore differentiates the difference rightly."""

    integers = "float32"
    boolean = (
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use "
        "the `~` or `logical_not()` operator instead"
    )

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.tanh = Tanh.make(dtype)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _sub(x, self.tanh(x))


@of("elu")
@of("celu")
@of("selu")
class Elu(_Exponential):
    """scale * x above 0, alpha * scale * (exp(input_scale * x) - 1) below: ELU, CELU and SELU.

    MindSpore's Elu refuses alpha other than 1, and the gradients of SeLU are wrong (MS-59, MS-52).
    """

    kernel = "elu_cpu"

    def __init__(
        self, dtype: Any, alpha: float, scale: float, input_scale: float, gradient_input_scale: float
    ) -> None:
        super().__init__(dtype)
        low = alpha * scale
        slope = low * gradient_input_scale  # just below 0
        self.low, self.scale, self.slope = map(self.constant, (low, scale, slope))
        self.input_scale, self.gradient_input_scale = self.constant(input_scale), self.constant(gradient_input_scale)
        self.has_low, self.has_scale, self.has_input_scale = low != 1, scale != 1, input_scale != 1
        self.has_slope = abs(slope - 1) > 1e-15
        # What the slope above 0 has more.
        self.step = self.constant(scale - slope)
        self.has_step = abs(scale - slope) > 1e-15

    def construct(self, x):  # type: ignore[no-untyped-def]
        above = _maximum(self.zero, x)
        if self.has_scale:
            above = _mul(above, self.scale)
        below = _minimum(self.zero, x)
        if self.has_input_scale:
            below = _mul(below, self.input_scale)
        below = self.expm1(below)
        if self.has_low:
            below = _mul(below, self.low)
        return _add(above, below)

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        exponent = _minimum(self.zero, x)
        if self.has_input_scale:
            exponent = _mul(exponent, self.gradient_input_scale)
        slope = self.exp(exponent)
        if self.has_slope:
            slope = _mul(slope, self.slope)
        if self.has_step:
            slope = _add(slope, _mul(_cast(_greater(x, self.zero), self.dtype), self.step))
        return (_mul(gradient, slope),)


@of("gelu")
class Gelu(_Exponential):
    """x times the distribution function of the normal distribution: MindSpore's, but for its Exp."""

    kernel = "GeluKernelImpl"

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.root, self.half = self.constant(math.sqrt(0.5)), self.constant(0.5)
        self.density_at_zero = self.constant(1 / math.sqrt(2 * math.pi))
        self.minus_half = self.constant(-0.5)

    def distribution(self, x):  # type: ignore[no-untyped-def]
        """The share of the normal distribution below x."""
        return _mul(_add(_erf(_mul(x, self.root)), self.one), self.half)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _mul(x, self.distribution(x))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        density = _mul(self.exp(_mul(_square(x), self.minus_half)), self.density_at_zero)
        return (_mul(gradient, _add(self.distribution(x), _mul(x, density))),)


@of("gelu tanh")
class GeluTanh(Elementwise):
    """x * (1 + tanh(u)) / 2 with u = k * (x + c * x**3), that is x * sigmoid(2 * u).

    MindSpore's GeLU is slow, in float64 as exact as float32 is, and its gradient has none itself (MS-63).
    """

    kernel = "GeluKernelImpl"

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        k, c = math.sqrt(2 / math.pi), 0.044715
        self.linear, self.cubic, self.of_square = map(self.constant, (2 * k, 2 * k * c, 6 * k * c))
        self.one = self.constant(1.0)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _mul(x, _sigmoid(_mul(x, _add(_mul(_square(x), self.cubic), self.linear))))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        squared = _square(x)
        exponent = _mul(x, _add(_mul(squared, self.cubic), self.linear))
        slope_of_exponent = _add(_mul(squared, self.of_square), self.linear)
        # Where the share is near to 1, its difference from 1 would be inexact.
        inner = _mul(_mul(x, _sigmoid(_neg(exponent))), slope_of_exponent)
        return (_mul(gradient, _mul(_sigmoid(exponent), _add(inner, self.one))),)


@of("mish")
class Mish(Elementwise):
    """x * tanh(softplus(x)), where the factor is w / (2 - w) with w = s * (2 - s) and s = sigmoid(x).

    MindSpore's is NaN above 88, and its gradient off by 8e-4 (MS-58, MS-56).
    """

    kernel = "mish_cpu"

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.one, self.two, self.four = self.constant(1.0), self.constant(2.0), self.constant(4.0)

    def construct(self, x):  # type: ignore[no-untyped-def]
        share = _sigmoid(x)
        w = _mul(share, _sub(self.two, share))
        return _mul(x, _div(w, _sub(self.two, w)))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        share = _sigmoid(x)
        w = _mul(share, _sub(self.two, share))
        rest = _sub(self.two, w)
        # The factor's derivative, with 1 - factor**2 = 4 * (1 - share)**2 / rest**2.
        inner = _square(_div(_sub(self.one, share), rest))
        inner = _mul(_mul(_mul(x, share), inner), self.four)
        return (_mul(gradient, _add(_div(w, rest), inner)),)


@of("softplus")
class Softplus(_Exponential):
    """log(1 + exp(beta * x)) / beta, which is (max(0, y) + log(1 + exp(-abs(y)))) / beta with y = beta * x.

    MindSpore's knows no beta, and makes inf of NaN (MS-50).
    """

    kernel = "softplus_cpu"

    def __init__(self, dtype: Any, beta: float, threshold: float) -> None:
        super().__init__(dtype)
        self.beta, self.threshold = self.constant(beta), self.constant(threshold)
        self.has_beta = beta != 1
        # Above, the output is x without a threshold, too.
        self.has_threshold = threshold < (37 if dtype == ms.float64 else 17)

    def construct(self, x):  # type: ignore[no-untyped-def]
        scaled = _mul(x, self.beta) if self.has_beta else x
        output = _add(_maximum(self.zero, scaled), self.log1p(self.exp(_neg(_abs(scaled)))))
        if self.has_beta:
            output = _div(output, self.beta)
        return _select(_greater(scaled, self.threshold), x, output) if self.has_threshold else output

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        scaled = _mul(x, self.beta) if self.has_beta else x
        result = _mul(gradient, self.sigmoid(scaled))
        return (_select(_greater(scaled, self.threshold), gradient, result) if self.has_threshold else result,)


@of("logsigmoid")
class LogSigmoid(_Exponential):
    """MindSpore's is the logarithm of Sigmoid: -inf below -88, NaN its gradient (MS-58)."""

    kernel = "log_sigmoid_cpu"

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _sub(_minimum(self.zero, x), self.log1p(self.exp(_neg(_abs(x)))))

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        return (_mul(gradient, self.sigmoid(_neg(x))),)


@of("softsign")
class Softsign(Elementwise):
    """The gradient of MindSpore's is 0 at infinity, where torch's is NaN."""

    kernel = "abs_cpu"
    integers = "float32"

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.one = self.constant(1.0)

    def construct(self, x):  # type: ignore[no-untyped-def]
        return _softsign(x)

    def bprop(self, x, output, gradient):  # type: ignore[no-untyped-def]
        slope = _div(_sub(self.one, _abs(output)), _add(_abs(x), self.one))
        return (_mul(gradient, slope),)
