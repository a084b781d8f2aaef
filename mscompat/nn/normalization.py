"""Other normalisations: torch/nn/modules/normalization.py."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from mindspore import Tensor

from .. import functional as F
from .._mindspore.amp import keep_float32
from ..functional._errors import fail
from .batchnorm import new_parameter
from .init import ones_, zeros_
from .module import Module

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class LocalResponseNorm(Module):
    """Divide by what neighbouring channels hold, as ``torch.nn.LocalResponseNorm``.

    Output: x / (k + alpha * mean of the squares of `size` channels around, 0 outside) ** beta.

    Args:
        size (int): channels around: size // 2 before, (size - 1) // 2 behind.
        alpha (float): the factor of the mean.
        beta (float): the exponent.
        k (float): what is added.

    Inputs:
        - **input** (Tensor) - shape (N, C, ...), three axes or more.

    Outputs:
        Tensor of the shape and dtype of the input.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Differences from torch:
        In Graph mode, inputs of four axes and an odd size have first derivatives only.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.LocalResponseNorm(5)(ops.ones((2, 8, 4, 4))).shape
        (2, 8, 4, 4)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        """See Args of the class."""
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LayerNorm(Module):
    """Normalise what the last axes of a tensor hold, as ``torch.nn.LayerNorm``.

    Args:
        normalized_shape (int or sequence of ints): the sizes of these axes.
        eps (float): what is added to the variance (1e-5, where MindSpore has 1e-7).
        elementwise_affine (bool): whether to have a weight and a bias.
        bias (bool): whether elementwise_affine has a bias.
        device (str, optional): None, or the current device target.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (..., *normalized_shape), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Attributes:
        weight, bias (Parameter or None): shape normalized_shape, ones and zeros at first.

    Raises:
        RuntimeError: When called, in Graph mode when compiled: if shapes or dtypes do not fit, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.LayerNorm(2)(Tensor([[1.0, 3.0]])))
        [[-0.999995  0.999995]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        name, sizes = type(self).__name__, self.normalized_shape
        weight = new_parameter(name, "weight", sizes, 1, device, dtype) if elementwise_affine else None
        self.weight = weight
        has_bias = elementwise_affine and bias
        self.bias = new_parameter(name, "bias", sizes, 0, device, dtype) if has_bias else None

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0. A training under way goes on from them."""
        if self.elementwise_affine:
            ones_(self.weight)
            if self.bias is not None:
                zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """Normalise groups of channels of each image, as ``torch.nn.GroupNorm``.

    Args:
        num_groups (int): the groups; divides the channels.
        num_channels (int): C, the channels of the input.
        eps (float): what is added to the variance.
        affine (bool): whether to have a weight and a bias.
        device (str, optional): None, or the current device target.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.
        bias (bool): by keyword: whether affine has a bias.

    Inputs:
        - **input** (Tensor) - shape (N, C, ...), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Attributes:
        weight, bias (Parameter or None): shape (C,), ones and zeros at first.

    Raises:
        ValueError: If num_groups does not divide num_channels.
        RuntimeError, ValueError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.GroupNorm(2, 4)(ops.ones((2, 4, 3, 3))).shape
        (2, 4, 3, 3)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        name = type(self).__name__
        if num_channels % num_groups:
            sentence = f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            fail(name, sentence, ValueError)
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        size = (num_channels,)
        self.weight = new_parameter(name, "weight", size, 1, device, dtype) if affine else None
        self.bias = new_parameter(name, "bias", size, 0, device, dtype) if affine and bias else None

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0. A training under way goes on from them."""
        if self.affine:
            ones_(self.weight)
            if self.bias is not None:
                zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide what the last axes of a tensor hold by the root of its mean square, as ``torch.nn.RMSNorm``.

    Args:
        normalized_shape (int or sequence of ints): the sizes of these axes.
        eps (float, optional): what is added to the mean square. None: the machine epsilon of float32, of float64 where
            the input has that.
        elementwise_affine (bool): whether to have a weight.
        device (str, optional): None, or the current device target.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **x** (Tensor) - shape (..., *normalized_shape).

    Outputs:
        Tensor of the shape and dtype of x.

    Attributes:
        weight (Parameter or None): shape normalized_shape, ones at first.

    Raises:
        RuntimeError: When called, in Graph mode when compiled: if shapes do not fit, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.RMSNorm(2)(Tensor([[1.0, 1.0]])))
        [[1. 1.]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = None
        if elementwise_affine:
            self.weight = new_parameter(type(self).__name__, "weight", self.normalized_shape, 1, device, dtype)

    def reset_parameters(self) -> None:
        """Set weight to 1. A training under way goes on from it."""
        if self.elementwise_affine:
            ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """torch's."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _sizes(normalized_shape: Any) -> tuple[int, ...]:
    sizes = (normalized_shape,) if isinstance(normalized_shape, Integral) else normalized_shape
    return tuple(sizes)


for _cell in (LayerNorm, GroupNorm, RMSNorm):
    keep_float32(_cell)
