"""Errors with torch's sentences, and the names of dtypes in them."""

from __future__ import annotations

from typing import Any, NoReturn

import mindspore as ms

from .._conv import arguments

__all__ = ["cpp_name", "fail", "scalar_type"]

_CPP_NAMES = {
    getattr(ms, name): cpp_name for name, cpp_name in {**arguments.DTYPES, **arguments.OTHER_DTYPES}.items()
}


def fail(name: str, sentence: str, error: type[Exception] = RuntimeError) -> NoReturn:
    """Raise with a sentence that names the function or cell."""
    raise error(f"For '{name}', {sentence}.")


def cpp_name(dtype: Any) -> str:
    """torch's C++ name of a dtype: float, c10::Half..."""
    return _CPP_NAMES.get(dtype, str(dtype))


def scalar_type(dtype: Any) -> str:
    """torch's other name of a dtype: Float, Half..."""
    return arguments.scalar_name(_CPP_NAMES[dtype]) if dtype in _CPP_NAMES else str(dtype)
