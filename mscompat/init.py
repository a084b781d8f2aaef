"""torch's initialisers as NumPy arrays: what mscompat.nn.init writes into parameters.

Each takes the shape and MindSpore dtype of the tensor, checks as torch.Tensor's method does, and returns an array; of
bfloat16, float32 that bfloat16 holds exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import mindspore as ms
import numpy as np

from . import random

__all__ = ["constant", "normal", "orthogonal", "sparse", "trunc_normal", "uniform"]

# The C++ name of each floating dtype, the name in torch's enumeration, and the largest number.
_FLOATS = {
    ms.float16: ("c10::Half", "Half", 65504.0),
    ms.bfloat16: ("c10::BFloat16", "BFloat16", 2.0**128 - 2.0**120),
    ms.float32: ("float", "Float", float(np.finfo(np.float32).max)),
    ms.float64: ("double", "Double", float(np.finfo(np.float64).max)),
}
_OTHERS = {
    ms.int8: "Char", ms.uint8: "Byte", ms.int16: "Short", ms.int32: "Int", ms.int64: "Long", ms.bool_: "Bool",
    ms.complex64: "ComplexFloat", ms.complex128: "ComplexDouble",
}


def uniform(low: float, high: float, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """torch.Tensor.uniform_(low, high)."""
    _check_dtype("uniform_", "check_uniform_bounds", dtype)
    name, enumerated, largest = _FLOATS[dtype]
    for bound, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            _fail("uniform_", f"{bound} is out of bounds for {name}")
    if low > high:
        _fail("uniform_", f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > largest:
        _fail(
            "uniform_",
            f"uniform_ expects to-from <= std::numeric_limits<{enumerated}>::max(), but found to={high:g} and "
            f"from={low:g} which result in to-from to exceed the limit",
        )
    return random.uniform(low, high, math.prod(shape), dtype).reshape(shape)


def normal(mean: float, std: float, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """torch.Tensor.normal_(mean, std)."""
    if not std >= 0:
        _fail("normal_", f"normal expects std >= 0.0, but found std {std:g}")
    if 0 not in shape:
        _check_dtype("normal_", "normal_kernel_cpu", dtype)
    return random.normal(mean, std, math.prod(shape), dtype).reshape(shape)


def trunc_normal(mean: float, std: float, low: float, high: float, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """torch.nn.init.trunc_normal_: draws what is outside anew; or rejects uniform values, if 30 % or fewer are inside.

    torch's logarithm of the latter may differ in its last bit: about once in 10 million values, another one is chosen.
    """
    inside = _normal_cdf((high - mean) / std) - _normal_cdf((low - mean) / std)
    if inside <= 0.3:
        return _reject_uniform(mean, std, low, high, shape, dtype)
    result = normal(mean, std, shape, dtype)
    lowest, highest = (float(random.rounded(np.float32(bound), dtype)) for bound in (low, high))
    if dtype == ms.float64:
        lowest, highest = low, high
    while True:
        outside = (result < lowest) | (result > highest)
        if not outside.any():
            return result
        result = np.where(outside, normal(mean, std, shape, dtype), result)


def _reject_uniform(
    mean: float, std: float, low: float, high: float, shape: Sequence[int], dtype: Any
) -> np.ndarray:
    work: Any = np.float64 if dtype == ms.float64 else np.float32  # the half types' operators compute in float32

    def rounded(values: Any) -> Any:
        return random.rounded(values, dtype).astype(work)

    def logarithm(values: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return rounded(np.log(values.astype(np.float64)).astype(work))

    def log_density(values: np.ndarray) -> np.ndarray:
        values = rounded(rounded(values - center) / work(std))
        return rounded(rounded(rounded(values * values) * work(-0.5)) - log_peak)

    mode = max(low, min(mean, high))
    # torch rounds what it subtracts, not by what it divides.
    center, log_peak = (rounded(work(number)) for number in (mean, -0.5 * ((mode - mean) / std) ** 2))
    result = np.zeros(shape, work)
    pending = np.ones(shape, bool)
    while pending.any():
        candidates = uniform(low, high, shape, dtype).astype(work)
        result = np.where(pending, candidates, result)
        pending &= logarithm(uniform(0, 1, shape, dtype).astype(work)) > log_density(candidates)
    return result


def constant(value: Any, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """torch.Tensor.fill_(value)."""
    if isinstance(value, ms.Tensor):
        value = value.asnumpy().item()
    if not isinstance(value, (bool, int, float, np.number, np.bool_)):
        kind = type(value).__name__
        raise TypeError(f"For 'fill_', fill_() received an invalid combination of arguments - got ({kind}).")
    if dtype in _FLOATS:
        name, _, largest = _FLOATS[dtype]
        fits = not math.isfinite(value) or -largest <= value <= largest
    elif dtype in (*ms.dtype.int_type, *ms.dtype.uint_type):
        limits = np.iinfo(ms.dtype_to_nptype(dtype))
        name = "int" if dtype == ms.int32 else f"{limits.dtype}_t"
        fits = math.isfinite(value) and limits.min <= int(value) <= limits.max
    else:
        name, fits = "", True
    if not fits:
        _fail("fill_", f"value cannot be converted to type {name} without overflow")
    return np.full(shape, value, np.float64 if dtype in _FLOATS else ms.dtype_to_nptype(dtype))


def orthogonal(gain: float, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """torch.nn.init.orthogonal_ of a tensor that is not empty."""
    rows = shape[0]
    matrix = normal(0, 1, (rows, math.prod(shape[1:])), dtype)
    if dtype in (ms.float16, ms.bfloat16):
        raise NotImplementedError(f"For 'orthogonal_', \"geqrf_cpu\" not implemented for '{_FLOATS[dtype][1]}'.")
    is_wide = rows < matrix.shape[1]
    q, r = np.linalg.qr(matrix.T if is_wide else matrix)
    q = q * np.sign(np.diag(r))  # uniform: https://arxiv.org/abs/math-ph/0609050
    return np.ascontiguousarray((q.T if is_wide else q) * q.dtype.type(gain)).reshape(shape)


def sparse(sparsity: float, std: float, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """torch.nn.init.sparse_."""
    rows, columns = shape
    result = normal(0, std, shape, dtype)
    zeros = math.ceil(sparsity * rows)
    for column in range(columns):
        result[random.permutation(rows)[:zeros], column] = 0
    return result


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _check_dtype(method: str, kernel: str, dtype: Any) -> None:
    if dtype not in _FLOATS:
        raise NotImplementedError(f"For '{method}', \"{kernel}\" not implemented for '{_OTHERS.get(dtype, dtype)}'.")


def _fail(method: str, sentence: str) -> NoReturn:
    raise RuntimeError(f"For '{method}', {sentence}.")
