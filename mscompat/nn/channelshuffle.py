"""Channels in another order: torch/nn/modules/channelshuffle.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Take one channel of each group after another, as ``torch.nn.ChannelShuffle``.

    Args:
        groups (int): into which the channels are divided.

    Inputs:
        - **input** (Tensor) - shape (N, C, *), of any dtype.

    Outputs:
        Tensor of the shape of `input`.

    Raises:
        RuntimeError, TypeError: When it is called, as torch does.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ChannelShuffle(2)(Tensor(np.arange(4).reshape(1, 4, 1))).ravel())
        [0 2 1 3]
    """

    def __init__(self, groups: int) -> None:
        """See Args of the class."""
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, *)."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """torch's."""
        return f"groups={self.groups}"
