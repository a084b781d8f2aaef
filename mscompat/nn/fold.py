"""Images as columns of patches and back: torch/nn/modules/fold.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["Fold", "Unfold"]


class Fold(Module):
    """Sum columns of patches up to images, as ``torch.nn.Fold``.

    Args:
        output_size (int or tuple of 2 ints): (height, width) of the images.
        kernel_size, dilation, padding, stride (int or tuple of 2 ints): of the patches: see :class:`Unfold`.

    Inputs:
        - **input** (Tensor) - shape (N, C * kH * kW, L), or (C * kH * kW, L).

    Outputs:
        Tensor of shape (N, C, output_size[0], output_size[1]), or (C, output_size[0], output_size[1]).

    Raises:
        RuntimeError, TypeError, NotImplementedError: When it is called, as torch does.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Fold(output_size=(2, 3), kernel_size=2)(Tensor(np.ones((1, 4, 2), np.float32))))
        [[[[1. 2. 1.]
           [1. 2. 1.]]]]
    """

    def __init__(
        self,
        output_size: int | tuple[int, ...],
        kernel_size: int | tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        stride: int | tuple[int, ...] = 1,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C * kH * kW, L), or (C * kH * kW, L)."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """Make columns of the patches of images, as ``torch.nn.Unfold``.

    Args:
        kernel_size, dilation, padding, stride (int or tuple of 2 ints): of the patches, (height, width). `padding` are
            zeros at all sides.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W), or (C, H, W).

    Outputs:
        Tensor of shape (N, C * kH * kW, L), or (C * kH * kW, L), L being the number of patches: the product over both
        axes of (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        RuntimeError, TypeError, IndexError, NotImplementedError: When it is called, as torch does.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Unfold(kernel_size=(2, 3))(Tensor(np.ones((2, 5, 3, 4), np.float32))).shape)
        (2, 30, 4)
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        stride: int | tuple[int, ...] = 1,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, H, W), or (C, H, W)."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
