"""Softmax and its like: torch/nn/modules/activation.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .._mindspore.compile_time import compile_time
from .module import Module

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class Softmax(Module):
    """exp(x) over its sum along an axis, as ``torch.nn.Softmax``.

    Args:
        dim (int, optional): the axis. None, which torch deprecates, is 0 for inputs of 0, 1 or 3 axes, else 1.

    Raises:
        IndexError: When called, if there is no such axis.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Softmax(0)(Tensor([0.0, 1.0])))
        [0.2689411 0.7310589]
    """

    def __init__(self, dim: int | None = None) -> None:
        """See Args of the class."""
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """torch's."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of softmax, as ``torch.nn.LogSoftmax``.

    Args:
        dim (int, optional): the axis. None, which torch deprecates, is 0 for inputs of 0, 1 or 3 axes, else 1.

    Raises:
        IndexError: When called, if there is no such axis.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.LogSoftmax(0)(Tensor([0.0, 1.0])))
        [-1.3132616  -0.31326166]
    """

    def __init__(self, dim: int | None = None) -> None:
        """See Args of the class."""
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """torch's."""
        return f"dim={self.dim}"


class Softmin(Module):
    """Softmax of -x, as ``torch.nn.Softmin``.

    Args:
        dim (int, optional): the axis. None, which torch deprecates, is 0 for inputs of 0, 1 or 3 axes, else 1.

    Raises:
        IndexError: When called, if there is no such axis.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Softmin(0)(Tensor([0.0, 1.0])))
        [0.7310589 0.2689411]
    """

    def __init__(self, dim: int | None = None) -> None:
        """See Args of the class."""
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """torch's."""
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of each pixel, as ``torch.nn.Softmax2d``.

    Raises:
        ValueError: When called, if the input has neither 3 nor 4 axes.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Softmax2d()(Tensor([[[0.0]], [[0.0]]])).shape)
        (2, 1, 1)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, H, W) or (C, H, W)."""
        check_rank(len(input.shape))
        return F.softmax(input, -3, _stacklevel=5)


@compile_time
def check_rank(rank: int) -> None:
    """torch's sentence on what is no image."""
    if rank not in (3, 4):
        raise ValueError(f"For 'Softmax2d', Softmax2d: expected input to be 3D or 4D, got {rank}D instead.")
