"""The one switch of what mscompat does to make MindSpore fast on CPU."""

from __future__ import annotations

import os

__all__ = ["VARIABLE", "is_fast_cpu_enabled"]

VARIABLE = "MSCOMPAT_FAST_CPU"


def is_fast_cpu_enabled() -> bool:
    """Whether the environment allows it: False where MSCOMPAT_FAST_CPU is 0."""
    return os.environ.get(VARIABLE) != "0"
