"""Activations that bring to 0 what is near it: torch/nn/modules/activation.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["Hardshrink", "Softshrink", "Tanhshrink"]


class Hardshrink(Module):
    """0 from -lambd to lambd, else x, as ``torch.nn.Hardshrink``.

    Args:
        lambd (float): the limit.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Hardshrink()(Tensor([0.4, 2.0])))
        [0. 2.]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        """See Args of the class."""
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.lambd}"


class Softshrink(Module):
    """x, brought nearer to 0 by lambd, as ``torch.nn.Softshrink``.

    Args:
        lambd (float): how much.

    Raises:
        RuntimeError: When called, if lambd is negative.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Softshrink()(Tensor([0.4, 2.0])))
        [0.  1.5]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        """See Args of the class."""
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """torch's."""
        return str(self.lambd)


class Tanhshrink(Module):
    """x - tanh(x), as ``torch.nn.Tanhshrink``.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Tanhshrink()(Tensor([0.0, 1.0])))
        [0.         0.23840582]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.tanhshrink(input)
