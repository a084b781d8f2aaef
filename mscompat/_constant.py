"""Numbers as tensors: MindSpore rounds Python's to float32."""

from __future__ import annotations

import functools
from typing import Any

import mindspore as ms
from mindspore import Tensor

from ._mindspore.compile_time import compile_time

__all__ = ["constant"]

_INTEGERS = (ms.int8, ms.int16, ms.int32, ms.int64, ms.uint8, ms.uint16, ms.uint32, ms.uint64)


@compile_time
@functools.lru_cache(maxsize=1024)
def constant(value: float, dtype: Any) -> Tensor:
    """A number as a tensor without axes.

    A Python float is a float32 beside a float64 tensor too (MS-54); in graphs, arithmetic of Python floats is that of
    float32 (MS-55). So what float32 cannot hold is computed while the graph is compiled, and comes this way.
    """
    return Tensor(int(value) if dtype in _INTEGERS else value, dtype)
