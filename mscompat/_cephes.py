"""log, sin and cos of float32 as torch's vectorised normal draw computes them, bit for bit.

Source: log256_ps and sincos256_ps in aten/src/ATen/native/cpu/avx_mathfun.h of torch 2.13: the polynomials of Cephes,
in float32. Its compiler fuses a multiplication and the addition that follows; so do the lines here that say fma.
"""

from __future__ import annotations

import numpy as np

from ._rounding import fma_float32 as fma

__all__ = ["log", "sin_and_cos"]

_LOG = np.array(
    [
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
        2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
    np.float32,
)
_LOG_2_LOW, _LOG_2_HIGH = np.float32(-2.12194440e-4), np.float32(0.693359375)
_SQRT_HALF = np.float32(0.707106781186547524)

_SIN = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
_COS = np.array([2.443315711809948e-005, -1.388731625493765e-003, 4.166664568298827e-002], np.float32)
_MINUS_QUARTER_PI = np.array([-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8], np.float32)
_4_BY_PI = np.float32(1.27323954473516)

_HALF, _ONE = np.float32(0.5), np.float32(1)


def log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of normal positive float32."""
    bits = x.view(np.int32)
    exponent = (bits >> 23).astype(np.float32) - np.float32(126)
    mantissa = ((bits & 0x007FFFFF) | 0x3F000000).view(np.float32)  # from 0.5 to 1
    is_small = mantissa < _SQRT_HALF
    x = mantissa - _ONE + np.where(is_small, mantissa, np.float32(0))
    exponent -= is_small
    square = x * x
    series = fma(_LOG[0], x, _LOG[1])
    for coefficient in _LOG[2:]:
        series = fma(series, x, coefficient)
    series = fma(series * x, square, exponent * _LOG_2_LOW)
    return fma(exponent, _LOG_2_HIGH, x + fma(-square, _HALF, series))


def sin_and_cos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of float32 from 0 to 8192."""
    octant = ((x * _4_BY_PI).astype(np.int32) + 1) & ~1
    multiple = octant.astype(np.float32)
    for part in _MINUS_QUARTER_PI:
        x = fma(multiple, part, x)
    square = x * x

    cos = fma(fma(_COS[0], square, _COS[1]), square, _COS[2]) * square
    cos = fma(cos, square, square * -_HALF) + _ONE
    sin = fma(fma(_SIN[0], square, _SIN[1]), square, _SIN[2]) * square
    sin = fma(sin, x, x)

    swapped = octant & 2 != 0
    sin, cos = np.where(swapped, cos, sin), np.where(swapped, sin, cos)
    sin = np.where(octant & 4 != 0, -sin, sin)
    cos = np.where((octant - 2) & 4 == 0, -cos, cos)
    return sin, cos
