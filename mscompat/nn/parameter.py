"""Parameters and buffers: torch/nn/parameter.py."""

from __future__ import annotations

from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

__all__ = ["Buffer", "Parameter"]

_FLOATS = (ms.float16, ms.bfloat16, ms.float32, ms.float64, ms.complex64, ms.complex128)


class _Meta(type):
    """Has a class stand for what it makes, which is MindSpore's."""

    def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> Any:
        """Refuse classes that are derived from the first."""
        if bases:
            raise TypeError(f"For '{bases[0].__name__}', a class cannot be derived from it: it stands for MindSpore's.")
        return super().__new__(cls, name, bases, members)


class _ParameterMeta(_Meta):
    def __call__(cls, data: Tensor | None = None, requires_grad: bool = True) -> ms.Parameter:
        """Make a mindspore.Parameter."""
        tensor = _checked("Parameter", data)
        if not isinstance(requires_grad, bool):
            kind = type(requires_grad).__name__
            raise TypeError(f"For 'Parameter', argument 'requires_grad' must be bool, not {kind}.")
        if requires_grad and tensor.dtype not in _FLOATS:
            raise RuntimeError(
                "For 'Parameter', Only Tensors of floating point and complex dtype can require gradients, "
                f"but got dtype={tensor.dtype}."
            )
        return ms.Parameter(tensor, requires_grad=requires_grad)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, ms.Parameter)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or issubclass(subclass, ms.Parameter)


class Parameter(metaclass=_ParameterMeta):
    """Make a mindspore.Parameter with the arguments of ``torch.nn.Parameter``.

    Every mindspore.Parameter is an instance. A cell that it is assigned to names it.

    Args:
        data (Tensor, optional): its values. Default: None: an empty float32 tensor.
        requires_grad (bool): whether it is trained. Default: True.

    Raises:
        AttributeError, TypeError, RuntimeError: As torch does: no tensor; no bool; integers that require gradients.

    Differences from torch:
        The values are copied: two of MindSpore's Parameters cannot share memory. To tie weights, assign the same
        Parameter to both cells. No class can be derived from this one.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.scale = nn.Parameter(ops.ones(3))
        >>> [(name, isinstance(value, nn.Parameter)) for name, value in Scale().named_parameters()]
        [('scale', True)]
    """


class _BufferMeta(_Meta):
    def __call__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Tensor:
        """Make a marked mindspore.Tensor."""
        tensor = ops.stop_gradient(_checked("Buffer", data)).copy()
        tensor.is_buffer = True
        tensor.persistent = persistent
        return tensor

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and getattr(instance, "is_buffer", False)


class Buffer(metaclass=_BufferMeta):
    """Make a tensor that becomes a buffer of the Module that it is assigned to, as ``torch.nn.Buffer``.

    Args:
        data (Tensor, optional): its values. Default: None: an empty float32 tensor.
        persistent (bool): whether a state dict has it. Default: True.

    Raises:
        AttributeError: As torch does, if data is no tensor.

    Differences from torch:
        The values are copied.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> module = nn.Module()
        >>> module.mean = nn.Buffer(ops.zeros(3))
        >>> [name for name, _ in module.named_buffers()]
        ['mean']
    """

    persistent: bool


def _checked(name: str, data: Any) -> Tensor:
    if data is None:
        return ops.zeros((0,), ms.float32)
    if not isinstance(data, Tensor):
        kind = type(data).__name__
        raise AttributeError(f"For '{name}', '{kind}' object has no attribute 'detach': data must be a Tensor.")
    return data
