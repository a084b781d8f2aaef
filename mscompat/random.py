"""torch's CPU random generator in NumPy: the stream that torch.manual_seed starts.

Source: MT19937 as in at::mt19937 (aten/src/ATen/core/MT19937RNGEngine.h), values as in
at::transformation::uniform_real (aten/src/ATen/core/TransformationHelper.h), at::normal_distribution
(aten/src/ATen/core/DistributionsHelper.h) and normal_fill (aten/src/ATen/native/cpu/DistributionTemplates.h).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from typing import Any

import mindspore as ms
import numpy as np

from . import _cephes
from ._rounding import fma_float32, fma_float64, round_to_bfloat16

__all__ = ["manual_seed"]

_generator: _Generator | None = None


def manual_seed(seed: int) -> None:
    """Make the cells that are built from now on draw what torch draws after ``torch.manual_seed(seed)``.

    Like torch, one generator serves the whole process: weights and biases follow each other in the order in which
    cells are built, as do the functions of :mod:`mscompat.nn.init`. ``mindspore.set_seed`` has no effect on it from
    then on.

    A model that is built of mscompat.nn in torch's order has torch's weights, bit for bit (on torch's side, a CPU with
    AVX2). Other random numbers do not come from this generator: a cell of MindSpore's that is built in between, a
    Dropout or a shuffle takes no share of the stream, as it does in torch.

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
    _generator = _Generator(seed)


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
        low_bound, high_bound = np.float64(low), np.float64(high)
        value = fma_float64(generator.uniform_float64(size), high_bound - low_bound, low_bound)
    else:
        low_bound, high_bound = np.float32(low), np.float32(high)
        value = fma_float32(generator.uniform_float32(size), high_bound - low_bound, low_bound)
        value, low_bound, high_bound = (rounded(number, dtype) for number in (value, low_bound, high_bound))
    return np.where(value == high_bound, low_bound, value)


def normal(mean: float, std: float, size: int, dtype: Any) -> np.ndarray:
    """Draw `size` values as torch.Tensor.normal_(mean, std) does, bit for bit (torch 2.13, x86 CPU with AVX2).

    Below 16 values, all dtypes are rounded from one float64 draw after the other. From 16 on, float32 and the half
    types are computed in float32, by torch's own polynomials; the last 16 values are drawn anew, if 16 does not
    divide the size.

    Differences from torch:
        torch without AVX2, on ARM for example, has other polynomials in float32 and the half types: its values differ
        by up to 3e-6 std. log, sin and cos of float64, and of sizes below 16, are the C library's: where torch is
        linked against another one, the last bit may differ.

    Returns:
        As :func:`uniform` does.
    """
    generator = _current()
    if size < 16:
        values = np.array([generator.next_normal(mean, std) for _ in range(size)], np.float64)
        return values if dtype == ms.float64 else rounded(values.astype(np.float32), dtype)
    if dtype == ms.float64:
        draw, transform = generator.uniform_float64, _box_muller_float64
    else:
        draw, transform = generator.uniform_float32, _box_muller_float32
    # float32 and float64 draw for the values that are not used too.
    draws = draw(size if dtype in (ms.float32, ms.float64) else size // 16 * 16)
    result = np.empty(size, draws.dtype)
    for start in range(0, size - 15, _BLOCK):
        stop = min(start + _BLOCK, size // 16 * 16)
        result[start:stop] = transform(draws[start:stop], mean, std)
    if size % 16:
        result[-16:] = transform(draw(16), mean, std)
    return rounded(result, dtype)


def permutation(size: int) -> np.ndarray:
    """Draw the numbers below `size` in the order in which torch.randperm(size) has them."""
    order = np.arange(size)
    for index, draw in enumerate(_current().random_raw(max(size - 1, 0))):
        other = index + int(draw) % (size - index)
        order[index], order[other] = order[other], order[index]
    return order


def rounded(value: Any, dtype: Any) -> Any:
    """float32 rounded to a half type; what is of another type as it is."""
    if dtype == ms.float16:
        return np.float16(value)
    return round_to_bfloat16(value) if dtype == ms.bfloat16 else value


class _Generator:
    """MT19937 in torch's state after a seed, and the second of a pair of normal values."""

    def __init__(self, seed: int) -> None:
        self._engine = np.random.MT19937()
        # Only RandomState, NumPy's older generator, seeds MT19937 as torch does.
        state: Any = np.random.RandomState(seed & 0xFFFFFFFF).get_state(legacy=False)
        self._engine.state = state
        self._second_normal: float | None = None

    def random_raw(self, size: int) -> np.ndarray:
        """Numbers of 32 bits, as uint64."""
        return self._engine.random_raw(size)

    def uniform_float32(self, size: int) -> np.ndarray:
        """From 0 to 1, without it."""
        return ((self.random_raw(size) & np.uint64(2**24 - 1)).astype(np.float32)) * np.float32(2.0**-24)

    def uniform_float64(self, size: int) -> np.ndarray:
        """From 0 to 1, without it."""
        high_word, low_word = self.random_raw(2 * size).reshape(size, 2).T
        return ((high_word << np.uint64(32) | low_word) & np.uint64(2**53 - 1)) * 2.0**-53

    def next_normal(self, mean: float, std: float) -> float:
        """One value: at::normal_distribution<double>."""
        if self._second_normal is not None:
            value, self._second_normal = self._second_normal, None
        else:
            angle, rest = self.uniform_float64(2).tolist()
            radius = math.sqrt(-2.0 * math.log1p(-rest))
            angle *= 2.0 * math.pi
            value, self._second_normal = radius * math.cos(angle), radius * math.sin(angle)
        return float(fma_float64(np.array([value]), np.float64(std), np.float64(mean))[0])


# Values that are computed at a time: what a processor's cache holds.
_BLOCK = 2**16


def _box_muller_float32(draws: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Normal values of uniform ones: of each 16, the first 8 and the last 8 make 8 pairs."""
    first, second = draws.reshape(-1, 2, 8).transpose(1, 0, 2)
    radius = np.sqrt(np.float32(-2) * _cephes.log(np.float32(1) - first))
    sin, cos = _cephes.sin_and_cos(np.float32(2 * math.pi) * second)
    values = np.stack([radius * cos, radius * sin], 1)
    return fma_float32(values, np.float32(std), np.float32(mean)).ravel()


def _box_muller_float64(draws: np.ndarray, mean: float, std: float) -> np.ndarray:
    """The same. log, sin and cos are the C library's, which torch calls too, not NumPy's."""
    first, second = draws.reshape(-1, 2, 8).transpose(1, 0, 2)
    angle = 2.0 * math.pi * second
    radius = np.sqrt(-2.0 * _each(math.log, 1.0 - first))
    values = np.stack([radius * _each(math.cos, angle), radius * _each(math.sin, angle)], 1)
    return fma_float64(values, np.float64(std), np.float64(mean)).ravel()


def _each(function: Callable[[float], float], values: np.ndarray) -> np.ndarray:
    return np.fromiter(map(function, values.ravel().tolist()), np.float64, values.size).reshape(values.shape)


def _current() -> _Generator:
    """The generator of manual_seed; without one, a fresh generator for each draw.

    mindspore.set_seed seeds NumPy's global generator: drawing a seed from there repeats a run that called it.
    """
    if _generator is not None:
        return _generator
    if ms.get_seed() is not None:
        return _Generator(int(np.random.randint(2**32, dtype=np.uint64)))
    return _Generator(secrets.randbits(32))
