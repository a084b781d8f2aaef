"""Pools whose output has a given size: torch/nn/modules/pooling.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
]


class _AdaptiveAvgPoolNd(Module):
    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        """See Args of the class."""
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """torch's."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPoolNd(Module):
    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        """torch's."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means of windows that share out the input evenly, as ``torch.nn.AdaptiveAvgPool1d``.

    Args:
        output_size (int or sequence of 1 int): L_out.

    Inputs:
        - **input** (Tensor): shape (N, C, L), or (C, L) without a batch.

    Outputs:
        Tensor of shape (N, C, L_out), or (C, L_out).

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AdaptiveAvgPool1d(2)(Tensor([[1.0, 3.0, 2.0]])))
        [[2.  2.5]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means of windows that share out the input evenly, as ``torch.nn.AdaptiveAvgPool2d``.

    Args:
        output_size (int or sequence of 2 ints or None): (H_out, W_out); None is the input's.

    Inputs:
        - **input** (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out).

    Raises:
        RuntimeError, TypeError, ValueError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AdaptiveAvgPool2d((1, None))(Tensor(np.arange(12, dtype=np.float32).reshape(1, 3, 4))))
        [[[4. 5. 6. 7.]]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means of windows that share out the input evenly, as ``torch.nn.AdaptiveAvgPool3d``.

    Args:
        output_size (int or sequence of 3 ints or None): (D_out, H_out, W_out); None is the input's.

    Inputs:
        - **input** (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N.

    Raises:
        RuntimeError, TypeError, ValueError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> nn.AdaptiveAvgPool3d((1, None, 4))(ms.ops.zeros((1, 2, 4, 5, 6))).shape
        (1, 2, 1, 5, 4)
    """

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Largest values of windows that share out the input evenly, as ``torch.nn.AdaptiveMaxPool1d``.

    Args:
        output_size (int or sequence of 1 int): L_out.
        return_indices (bool): whether to return (output, indices of the largest values).

    Inputs:
        - **input** (Tensor): shape (N, C, L), or (C, L) without a batch.

    Outputs:
        Tensor of shape (N, C, L_out), or (C, L_out).

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AdaptiveMaxPool1d(2)(Tensor([[1.0, 2.0, 3.0]])))
        [[2. 3.]]
    """

    def forward(self, input: Tensor) -> Any:
        """See Inputs and Outputs of the class."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Largest values of windows that share out the input evenly, as ``torch.nn.AdaptiveMaxPool2d``.

    Args:
        output_size (int or sequence of 2 ints or None): (H_out, W_out); None is the input's.
        return_indices (bool): whether to return (output, indices of the largest values in their planes).

    Inputs:
        - **input** (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out).

    Raises:
        RuntimeError, TypeError, ValueError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AdaptiveMaxPool2d(1)(Tensor(np.arange(12, dtype=np.float32).reshape(1, 3, 4))))
        [[[11.]]]
    """

    def forward(self, input: Tensor) -> Any:
        """See Inputs and Outputs of the class."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Largest values of windows that share out the input evenly, as ``torch.nn.AdaptiveMaxPool3d``.

    Args:
        output_size (int or sequence of 3 ints or None): (D_out, H_out, W_out); None is the input's.
        return_indices (bool): whether to return (output, indices of the largest values in their volumes).

    Inputs:
        - **input** (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N.

    Raises:
        RuntimeError, TypeError, ValueError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> nn.AdaptiveMaxPool3d((1, None, 4))(ms.ops.zeros((1, 2, 4, 5, 6))).shape
        (1, 2, 1, 5, 4)
    """

    def forward(self, input: Tensor) -> Any:
        """See Inputs and Outputs of the class."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
