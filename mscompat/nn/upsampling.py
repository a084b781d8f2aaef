"""Resizing: torch/nn/modules/upsampling.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resize, as ``torch.nn.Upsample``.

    Args:
        size (int or tuple of ints, optional): of the output, for all its axes or for each.
        scale_factor (float or tuple of floats, optional): of the output's size to the input's. One of the two is given.
        mode (str): 'nearest', 'linear', 'bilinear', 'bicubic', 'trilinear', or another of
            :func:`mscompat.functional.interpolate`.
        align_corners (bool, optional): whether the centres of the corner pixels stay where they are.
        recompute_scale_factor (bool, optional): whether places are computed from the two sizes.

    Inputs:
        - **input** (Tensor) - shape (N, C, L), (N, C, H, W) or (N, C, D, H, W).

    Outputs:
        Tensor of the dtype of `input`; of an axis of n elements, it has n * scale_factor, rounded down, or `size`.

    Raises:
        ValueError, TypeError, NotImplementedError, RuntimeError: When it is called, as torch does.

    Differences from torch:
        See :func:`mscompat.functional.interpolate`.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> image = Tensor(np.arange(2, dtype=np.float32).reshape(1, 1, 1, 2))
        >>> print(nn.Upsample(scale_factor=2, mode="bilinear")(image)[0, 0])
        [[0.   0.25 0.75 1.  ]
         [0.   0.25 0.75 1.  ]]
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        self.scale_factor: float | tuple[float, ...] | None
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, L), (N, C, H, W) or (N, C, D, H, W)."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """torch's."""
        size = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resize an image by its nearest pixels, as ``torch.nn.UpsamplingNearest2d``: an :class:`Upsample`.

    Args:
        size (int or tuple of 2 ints, optional): (height, width) of the output.
        scale_factor (float or tuple of 2 floats, optional): of the output's size to the input's. One of the two is
            given.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W).

    Outputs:
        Tensor of shape (N, C, H * scale_factor, W * scale_factor), rounded down.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.UpsamplingNearest2d(scale_factor=2)(Tensor(np.ones((1, 1, 2, 3), np.float32))).shape)
        (1, 1, 4, 6)
    """

    def __init__(
        self, size: int | tuple[int, int] | None = None, scale_factor: float | tuple[float, float] | None = None
    ) -> None:
        """See Args of the class."""
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Resize an image bilinearly with aligned corners, as ``torch.nn.UpsamplingBilinear2d``: an :class:`Upsample`.

    Args:
        size (int or tuple of 2 ints, optional): (height, width) of the output.
        scale_factor (float or tuple of 2 floats, optional): of the output's size to the input's. One of the two is
            given.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W).

    Outputs:
        Tensor of shape (N, C, H * scale_factor, W * scale_factor), rounded down.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> image = Tensor(np.arange(2, dtype=np.float32).reshape(1, 1, 1, 2))
        >>> print(nn.UpsamplingBilinear2d(size=(1, 3))(image)[0, 0])
        [[0.  0.5 1. ]]
    """

    def __init__(
        self, size: int | tuple[int, int] | None = None, scale_factor: float | tuple[float, float] | None = None
    ) -> None:
        """See Args of the class."""
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
