"""Arithmetic that rounds once, in NumPy: what a fused multiply-add gives, and bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["fma_float32", "fma_float64", "round_to_bfloat16"]

_SMALLEST_NORMAL = 2.0**-126  # of float32


def fma_float32(factor: Any, scale: Any, shift: Any) -> np.ndarray:
    """factor * scale + shift of float32 (or what float32 can hold), rounded once."""
    # The product of two 24-bit numbers is exact in float64. The sum is not always: that counts only where it lies
    # halfway between two float32, or where these are subnormal, and so further apart.
    product = np.multiply(factor, scale, dtype=np.float64)
    total = product + shift
    result = total.astype(np.float32)
    doubtful = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    doubtful |= np.abs(total) < _SMALLEST_NORMAL
    if doubtful.any():
        shifts = np.broadcast_to(np.asarray(shift, np.float64), total.shape)
        result[doubtful] = _sum_to_odd(product[doubtful], shifts[doubtful]).astype(np.float32)
    return result


def fma_float64(factor: np.ndarray, scale: np.float64, shift: np.float64) -> np.ndarray:
    """factor * scale + shift of float64, rounded once.

    Boldo and Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd (2008).
    """
    product, product_error = _two_product(factor, scale)
    tail, tail_error = _two_sum(shift, product_error)
    head, head_error = _two_sum(product, tail)
    return head + _sum_to_odd(tail_error, head_error)


def round_to_bfloat16(value: Any) -> np.ndarray:
    """float32 rounded to the nearest bfloat16, ties to even, kept as float32."""
    bits = np.asarray(value).view(np.uint32).astype(np.int64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def _two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b and its rounding error (Dekker 1971)."""
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _split(a: Any) -> tuple[Any, Any]:
    """a as two halves of at most 26 bits, whose products are exact (Veltkamp 1968)."""
    scaled = a * (2.0**27 + 1)
    high = scaled - (scaled - a)
    return high, a - high


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b and its rounding error (Knuth)."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def _sum_to_odd(a: Any, b: Any) -> Any:
    """a + b in float64, where inexact the neighbour whose last bit is odd."""
    total, error = _two_sum(a, b)
    bits = total.view(np.int64)
    away_from_zero = np.where((error > 0) == (total > 0), 1, -1)
    return (bits + np.where((error != 0) & (bits & 1 == 0), away_from_zero, 0)).view(np.float64)
