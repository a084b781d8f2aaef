"""Padding: torch/nn/modules/padding.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mindspore import Tensor

from .. import functional as F
from .._mindspore.compile_time import compile_time
from .module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]


class _PadNd(Module):
    """The padding: an int stands for both ends of all axes. As in torch, it is checked by the call."""

    axes: int
    mode: str

    def __init__(self, padding: int | Sequence[int]) -> None:
        """See Args of the class."""
        super().__init__()
        self.padding: tuple[int, ...] = (
            tuple(padding) if isinstance(padding, Iterable) else (padding,) * (2 * self.axes)
        )

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        _check_dimensions(type(self).__name__, self.axes, len(input.shape))
        return F.pad(input, self.padding, self.mode)


@compile_time
def _check_dimensions(name: str, axes: int, dimensions: int) -> None:
    if dimensions - axes not in (1, 2):
        raise ValueError(f"For '{name}', expected {axes + 1}D or {axes + 2}D input (got {dimensions}D input).")


class _ConstantPadNd(_PadNd):
    mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        """See Args of the class."""
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """torch's."""
        return f"padding={self.padding}, value={self.value}"


class _ReflectionPadNd(_PadNd):
    mode = "reflect"


class _ReplicationPadNd(_PadNd):
    mode = "replicate"


class CircularPad1d(_CircularPadNd):
    """Pad the last axis as if the input went round, as ``torch.nn.CircularPad1d``.

    Args:
        padding (int or sequence of 2 int): (left, right); at most the size. Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, L) or (C, L).
    Outputs:
        Tensor of shape (N, C, L_out) or (C, L_out), L_out = L + left + right.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.CircularPad1d((1, 2))(Tensor([[1.0, 2.0, 3.0]])))
        [[3. 1. 2. 3. 1. 2.]]
    """
    axes = 1


class CircularPad2d(_CircularPadNd):
    """Pad the last two axes as if the input went round, as ``torch.nn.CircularPad2d``.

    Args:
        padding (int or sequence of 4 int): (left, right, top, bottom); at most the size. Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W) or (C, H, W).
    Outputs:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out), H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 2


class CircularPad3d(_CircularPadNd):
    """Pad the last three axes as if the input went round, as ``torch.nn.CircularPad3d``.

    Args:
        padding (int or sequence of 6 int): (left, right, top, bottom, front, back); at most the size. Negative
            ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, D, H, W) or (C, D, H, W).
    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out),
        D_out = D + front + back, H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 3


class ConstantPad1d(_ConstantPadNd):
    """Pad the last axis with a value, as ``torch.nn.ConstantPad1d``.

    Args:
        padding (int or sequence of 2 int): (left, right). Negative ones cut.
        value (float): what is added.

    Inputs:
        - **input** (Tensor) - shape (*, L).
    Outputs:
        Tensor of shape (*, L_out), L_out = L + left + right.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ConstantPad1d((1, 2), 7.0)(Tensor([[1.0, 2.0, 3.0]])))
        [[7. 1. 2. 3. 7. 7.]]
    """
    axes = 1


class ConstantPad2d(_ConstantPadNd):
    """Pad the last two axes with a value, as ``torch.nn.ConstantPad2d``.

    Args:
        padding (int or sequence of 4 int): (left, right, top, bottom). Negative ones cut.
        value (float): what is added.

    Inputs:
        - **input** (Tensor) - shape (*, H, W).
    Outputs:
        Tensor of shape (*, H_out, W_out), H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 2


class ConstantPad3d(_ConstantPadNd):
    """Pad the last three axes with a value, as ``torch.nn.ConstantPad3d``.

    Args:
        padding (int or sequence of 6 int): (left, right, top, bottom, front, back). Negative ones cut.
        value (float): what is added.

    Inputs:
        - **input** (Tensor) - shape (*, D, H, W).
    Outputs:
        Tensor of shape (*, D_out, H_out, W_out),
        D_out = D + front + back, H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Pad the last axis with a mirror image, without the edge itself, as ``torch.nn.ReflectionPad1d``.

    Args:
        padding (int or sequence of 2 int): (left, right); below the size. Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, L) or (C, L).
    Outputs:
        Tensor of shape (N, C, L_out) or (C, L_out), L_out = L + left + right.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ReflectionPad1d((1, 2))(Tensor([[1.0, 2.0, 3.0]])))
        [[2. 1. 2. 3. 2. 1.]]
    """
    axes = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Pad the last two axes with a mirror image, without the edge itself, as ``torch.nn.ReflectionPad2d``.

    Args:
        padding (int or sequence of 4 int): (left, right, top, bottom); below the size. Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W) or (C, H, W).
    Outputs:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out), H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Pad the last three axes with a mirror image, without the edge itself, as ``torch.nn.ReflectionPad3d``.

    Args:
        padding (int or sequence of 6 int): (left, right, top, bottom, front, back); below the size. Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, D, H, W) or (C, D, H, W).
    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out),
        D_out = D + front + back, H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Pad the last axis with the values of the edge, as ``torch.nn.ReplicationPad1d``.

    Args:
        padding (int or sequence of 2 int): (left, right). Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, L) or (C, L).
    Outputs:
        Tensor of shape (N, C, L_out) or (C, L_out), L_out = L + left + right.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ReplicationPad1d((1, 2))(Tensor([[1.0, 2.0, 3.0]])))
        [[1. 1. 2. 3. 3. 3.]]
    """
    axes = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Pad the last two axes with the values of the edge, as ``torch.nn.ReplicationPad2d``.

    Args:
        padding (int or sequence of 4 int): (left, right, top, bottom). Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W) or (C, H, W).
    Outputs:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out), H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Pad the last three axes with the values of the edge, as ``torch.nn.ReplicationPad3d``.

    Args:
        padding (int or sequence of 6 int): (left, right, top, bottom, front, back). Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (N, C, D, H, W) or (C, D, H, W).
    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out),
        D_out = D + front + back, H_out = H + top + bottom, W_out = W + left + right.
    """
    axes = 3


class ZeroPad1d(ConstantPad1d):
    """Pad the last axis with zeros, as ``torch.nn.ZeroPad1d``.

    Args:
        padding (int or sequence of 2 int): (left, right). Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (*, L).
    Outputs:
        Tensor of shape (*, L_out), L_out = L + left + right.
    """

    def __init__(self, padding: int | Sequence[int]) -> None:
        """See Args of the class."""
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pad the last two axes with zeros, as ``torch.nn.ZeroPad2d``.

    Args:
        padding (int or sequence of 4 int): (left, right, top, bottom). Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (*, H, W).
    Outputs:
        Tensor of shape (*, H_out, W_out), H_out = H + top + bottom, W_out = W + left + right.
    """

    def __init__(self, padding: int | Sequence[int]) -> None:
        """See Args of the class."""
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pad the last three axes with zeros, as ``torch.nn.ZeroPad3d``.

    Args:
        padding (int or sequence of 6 int): (left, right, top, bottom, front, back). Negative ones cut.

    Inputs:
        - **input** (Tensor) - shape (*, D, H, W).
    Outputs:
        Tensor of shape (*, D_out, H_out, W_out),
        D_out = D + front + back, H_out = H + top + bottom, W_out = W + left + right.
    """

    def __init__(self, padding: int | Sequence[int]) -> None:
        """See Args of the class."""
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.padding}"
