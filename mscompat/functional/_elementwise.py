"""What the activations share: their arguments, the dtype they are computed in, cells that know their own derivatives.

Why such cells, where MindSpore differentiates operators itself: its own activations are wrong at NaN and at kinks
(MS-50, MS-51), what is right is put together from several operators, and the derivative of the whole is shorter than
those of its parts. In PyNative mode one costs about as much as three operators.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from ._errors import scalar_type

__all__ = ["Elementwise", "axis_of", "check_tensor", "is_half", "number", "of", "refuse", "run", "spread"]

_cast = ops.Cast()
_neg = ops.Neg()
_sub = ops.Sub()
_zeros_like = ops.ZerosLike()

_HALF = (ms.float16, ms.bfloat16)
_INTEGERS = (ms.int8, ms.int16, ms.int32, ms.int64, ms.uint8, ms.uint16, ms.uint32, ms.uint64)


def spread(values: Tensor, like: Tensor) -> Tensor:
    """Values broadcast to the shape of a tensor.

    Mul and Add take eight times as long as Sub to broadcast (MS-75); BroadcastTo has wrong second derivatives (MS-08).
    """
    return _sub(_zeros_like(like), _neg(values))


class Elementwise(nn.Cell):
    """A function of one tensor, and its derivative. One cell for each dtype and each set of numbers.

    The class says what torch says of the dtype:

    - kernel: the name in its sentence on those that it does not take;
    - integers: whether they are 'refused', give 'float32', or are 'kept';
    - takes_bool: whether bool gives float32 too; boolean: the sentence on it, where it is another one;
    - in_half: whether float16 is computed as it is. Otherwise float32 is, and rounded once at the end.
    """

    kernel = ""
    integers = "refused"
    takes_bool = False
    boolean = ""
    in_half = False

    def __init__(self, dtype: Any, *numbers: float) -> None:
        super().__init__()
        self.dtype = dtype

    @classmethod
    def make(cls, dtype: Any, *numbers: float) -> Any:
        """The cell, or MindSpore's operator, where that is right."""
        return cls(dtype, *numbers)

    def constant(self, value: float) -> Tensor:
        """A number in the cell's dtype."""
        return constant(value, self.dtype)

    def construct(self, x):  # type: ignore[no-untyped-def]
        raise NotImplementedError


_classes: dict[str, type[Elementwise]] = {}
_Class = TypeVar("_Class", bound=type[Elementwise])


def of(name: str) -> Callable[[_Class], _Class]:
    """The decorator of the class that computes a function."""

    def remember(made: _Class) -> _Class:
        _classes[name] = made
        return made

    return remember


def run(name: str, input: Tensor, numbers: tuple[float, ...] = ()) -> Tensor:
    """What the class of a function computes of a tensor."""
    check_tensor(name, input)
    cell, before, after = _plan(name, input.dtype, numbers)
    if before is None:
        return cell(input)
    output = cell(_cast(input, before))
    return output if after is None else _cast(output, after)


@compile_time
@functools.lru_cache(maxsize=1024)
def _plan(name: str, dtype: Any, numbers: tuple[float, ...]) -> tuple[Any, Any, Any]:
    """The cell, and the dtypes before and after it, where they are others than the input's."""
    made = _classes[name]
    if dtype in (ms.float32, ms.float64) or (dtype == ms.float16 and made.in_half):
        return made.make(dtype, *numbers), None, None
    if dtype in _HALF:
        return made.make(ms.float32, *numbers), ms.float32, dtype
    if dtype == ms.bool_ and made.boolean:
        raise RuntimeError(f"For '{name}', {made.boolean}.")
    if made.integers == "float32" and (dtype in _INTEGERS or (dtype == ms.bool_ and made.takes_bool)):
        return made.make(ms.float32, *numbers), ms.float32, None
    if made.integers == "kept" and dtype in _INTEGERS:
        return made.make(dtype, *numbers), None, None
    refuse(name, made.kernel, dtype)


def refuse(name: str, kernel: str, dtype: Any) -> NoReturn:
    """Raise what torch raises of a dtype that a kernel does not take."""
    raise NotImplementedError(f"For '{name}', \"{kernel}\" not implemented for '{scalar_type(dtype)}'.")


def is_half(name: str, kernel: str, dtype: Any) -> bool:
    """Whether a dtype is a half type, to be computed in float32. Dtypes that are not floating raise."""
    if dtype not in (ms.float32, ms.float64, *_HALF):
        refuse(name, kernel, dtype)
    return dtype in _HALF


def axis_of(name: str, dim: int, rank: int) -> int:
    """An axis counted from the front. A tensor without axes has one for torch, too."""
    axes = max(rank, 1)
    if not -axes <= dim < axes:
        raise IndexError(
            f"For '{name}', Dimension out of range (expected to be in range of [{-axes}, {axes - 1}], but got {dim})."
        )
    return dim % axes


def check_tensor(name: str, input: Any) -> None:
    """torch's sentence on what is no tensor."""
    # isinstance is quick for an object of the very class, and slow for one of a subclass, as Parameter is of Tensor.
    if not isinstance(input, (Tensor, Parameter)):
        _no_tensor(name, str(type(input)))


@compile_time
def _no_tensor(name: str, kind: str) -> None:
    kind = kind.removeprefix("<class '").removesuffix("'>")
    raise TypeError(f"For '{name}', argument 'input' (position 1) must be Tensor, not {kind}.")


@compile_time
def number(name: str, argument: str, position: int, value: Any) -> float:
    """A number among the arguments, as a float."""
    if not isinstance(value, (bool, int, float, np.number)):
        raise TypeError(
            f"For '{name}', argument '{argument}' (position {position}) must be Number, not {type(value).__name__}."
        )
    return float(value)
