"""torch's CPU random generator in NumPy: the stream that torch.manual_seed starts.

Source: MT19937 as in at::mt19937 (aten/src/ATen/core/MT19937RNGEngine.h), values as in
at::transformation::uniform_real (aten/src/ATen/core/TransformationHelper.h).
"""

from __future__ import annotations

import secrets
from typing import Any

import mindspore as ms
import numpy as np

__all__ = ["manual_seed"]

_generator: np.random.MT19937 | None = None


def manual_seed(seed: int) -> None:
    """Make the cells that are built from now on draw what torch draws after ``torch.manual_seed(seed)``.

    Like torch, one generator serves the whole process: weights and biases follow each other in the order in which
    cells are built. ``mindspore.set_seed`` has no effect on it from then on.

    Only mscompat's cells draw from it. In torch, every other layer with parameters (a Linear, an Embedding) and every
    other random number takes its share of the same stream, so that what is built after one differs. Then build the
    convolutions first, call manual_seed before each of them in both frameworks, or load torch's weights.

    Args:
        seed (int): from -2**63 to 2**64 - 1; a negative one counts back from 2**64. torch's generator takes the low
            32 bits.

    Raises:
        ValueError: If seed is out of range.

    Examples:
        >>> import mscompat
        >>> mscompat.manual_seed(0)
        >>> print(mscompat.TorchConv2d(1, 1, 1).weight.asnumpy().ravel())
        [-0.00748682]
    """
    global _generator
    seed = int(seed)
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"For 'manual_seed', Overflow when unpacking long long, but got seed={seed}.")
    _generator = _seeded(seed)


def uniform(low: float, high: float, size: int, dtype: Any) -> np.ndarray:
    """Draw `size` values as torch.Tensor.uniform_(low, high) does, bit for bit (torch 2.13, CPU with FMA).

    float32 and the half types take 24 bits of a 32-bit draw and compute in float32, float64 takes 53 bits of two
    draws: value = fma(bits, high - low, low). The half types round that once more. high is outside the range: a value
    that rounding brings up to it becomes low.

    Returns:
        numpy.ndarray of shape (size,) and the dtype's NumPy type; of bfloat16, float32 that bfloat16 holds exactly.
    """
    generator = _current()
    low_bound: Any
    high_bound: Any
    value: Any
    if dtype == ms.float64:
        high_word, low_word = generator.random_raw(2 * size).reshape(size, 2).T
        bits = ((high_word << np.uint64(32) | low_word) & np.uint64(2**53 - 1)) * 2.0**-53
        low_bound, high_bound = np.float64(low), np.float64(high)
        value = _fma(bits, high_bound - low_bound, low_bound)
    else:
        bits = (generator.random_raw(size) & np.uint64(2**24 - 1)) * 2.0**-24
        low_bound, high_bound = np.float32(low), np.float32(high)
        # The product of two 24-bit numbers is exact in float64; rounding the sum to odd keeps the next rounding right.
        value = _sum_to_odd(bits * np.float64(high_bound - low_bound), np.float64(low_bound)).astype(np.float32)
        if dtype == ms.float16:
            value, low_bound, high_bound = np.float16(value), np.float16(low_bound), np.float16(high_bound)
        elif dtype == ms.bfloat16:
            value, low_bound, high_bound = map(_round_to_bfloat16, (value, low_bound, high_bound))
    return np.where(value == high_bound, low_bound, value)


def _fma(factor: np.ndarray, scale: np.float64, shift: np.float64) -> np.ndarray:
    """factor * scale + shift in float64, rounded once.

    Boldo and Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd (2008).
    """
    product, product_error = _two_product(factor, scale)
    tail, tail_error = _two_sum(shift, product_error)
    head, head_error = _two_sum(product, tail)
    return head + _sum_to_odd(tail_error, head_error)


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


def _round_to_bfloat16(value: Any) -> np.ndarray:
    """float32 rounded to the nearest bfloat16, ties to even, kept as float32."""
    bits = np.asarray(value).view(np.uint32).astype(np.int64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def _seeded(seed: int) -> np.random.MT19937:
    """A generator in torch's state after a seed: only RandomState, NumPy's older generator, seeds MT19937 so."""
    generator = np.random.MT19937()
    state: Any = np.random.RandomState(seed & 0xFFFFFFFF).get_state(legacy=False)
    generator.state = state
    return generator


def _current() -> np.random.MT19937:
    """The generator of manual_seed; without one, a fresh generator for each draw.

    mindspore.set_seed seeds NumPy's global generator: drawing a seed from there repeats a run that called it.
    """
    if _generator is not None:
        return _generator
    if ms.get_seed() is not None:
        return _seeded(int(np.random.randint(2**32, dtype=np.uint64)))
    return _seeded(secrets.randbits(32))
