"""torch's initialisers of convolution layers, as NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import random

__all__ = ["fan_in_uniform", "kaiming_uniform"]


def kaiming_uniform(shape: Sequence[int], dtype: Any) -> np.ndarray:
    """Draw a weight as torch.nn.init.kaiming_uniform_(weight, a=math.sqrt(5)) does."""
    gain = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2))
    bound = math.sqrt(3.0) * (gain / math.sqrt(_fan_in(shape)))
    return random.uniform(-bound, bound, math.prod(shape), dtype).reshape(shape)


def fan_in_uniform(size: int, weight_shape: Sequence[int], dtype: Any) -> np.ndarray:
    """Draw a bias as torch.nn.Conv2d does: uniform within 1 / sqrt(fan_in) of its weight."""
    bound = 1 / math.sqrt(_fan_in(weight_shape))
    return random.uniform(-bound, bound, size, dtype)


def _fan_in(weight_shape: Sequence[int]) -> int:
    """torch.nn.init's fan_in. Of a transposed weight, (in, out / groups, kh, kw), it counts the outputs."""
    return math.prod(weight_shape[1:])
