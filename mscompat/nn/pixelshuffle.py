"""Pixels as channels and back: torch/nn/modules/pixelshuffle.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Make pixels of channels, as ``torch.nn.PixelShuffle``.

    Args:
        upscale_factor (int): r.

    Inputs:
        - **input** (Tensor) - shape (*, C * r * r, H, W), of any dtype.

    Outputs:
        Tensor of shape (*, C, H * r, W * r).

    Raises:
        RuntimeError, TypeError: When it is called, as torch does.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.PixelShuffle(3)(Tensor(np.ones((1, 9, 4, 5), np.float32))).shape)
        (1, 1, 12, 15)
    """

    def __init__(self, upscale_factor: int) -> None:
        """See Args of the class."""
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (*, C * r * r, H, W)."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """torch's."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Make channels of pixels, as ``torch.nn.PixelUnshuffle``.

    Args:
        downscale_factor (int): r.

    Inputs:
        - **input** (Tensor) - shape (*, C, H * r, W * r), of any dtype.

    Outputs:
        Tensor of shape (*, C * r * r, H, W).

    Raises:
        RuntimeError, TypeError: When it is called, as torch does.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.PixelUnshuffle(3)(Tensor(np.ones((1, 1, 12, 15), np.float32))).shape)
        (1, 9, 4, 5)
    """

    def __init__(self, downscale_factor: int) -> None:
        """See Args of the class."""
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (*, C, H * r, W * r)."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """torch's."""
        return f"downscale_factor={self.downscale_factor}"
