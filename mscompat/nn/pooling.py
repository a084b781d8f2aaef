"""Pools: torch/nn/modules/pooling.py, but for the adaptive ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool2d"]


class _MaxPoolNd(Module):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest value of each window, as ``torch.nn.MaxPool1d``.

    Args:
        kernel_size, stride, padding, dilation (int or sequence of 1 int): in samples; stride is kernel_size by default.
        return_indices (bool): whether to return (output, indices of the largest values).
        ceil_mode (bool): whether a last window that reaches over the end counts.

    Inputs:
        - **input** (Tensor): shape (N, C, L), or (C, L) without a batch.

    Outputs:
        Tensor of shape (N, C, L_out), or (C, L_out), with
        L_out = (L + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1, rounded down, or up in ceil_mode.

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.MaxPool1d(2)(Tensor([[1.0, 3.0, 2.0, float("nan")]])))
        [[ 3. nan]]
    """

    def forward(self, input: Tensor) -> Any:
        """See Inputs and Outputs of the class."""
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool2d(_MaxPoolNd):
    """The largest value of each window, as ``torch.nn.MaxPool2d``.

    Args:
        kernel_size, stride, padding, dilation (int or sequence of 1 or 2 ints): in pixels, (height, width); stride is
            kernel_size by default. Padding never is the largest.
        return_indices (bool): whether to return (output, indices of the largest values in their planes).
        ceil_mode (bool): whether a last window that reaches over the end counts.

    Inputs:
        - **input** (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out), with
        H_out = (H + 2 * padding[0] - dilation[0] * (kernel_size[0] - 1) - 1) / stride[0] + 1, rounded down, or up in
        ceil_mode; W_out likewise.

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Differences from torch:
        A window whose elements all lie in the padding is refused: see :func:`mscompat.functional.max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.MaxPool2d(3, 2, 1)(Tensor(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4))))
        [[[[ 5.  7.]
           [13. 15.]]]]
    """

    def forward(self, input: Tensor) -> Any:
        """See Inputs and Outputs of the class."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool3d(_MaxPoolNd):
    """The largest value of each window, as ``torch.nn.MaxPool3d``.

    Args:
        kernel_size, stride, padding, dilation (int or sequence of 1 or 3 ints): (depth, height, width); stride is
            kernel_size by default. Padding never is the largest.
        return_indices, ceil_mode (bool): as :class:`MaxPool2d` has them.

    Inputs:
        - **input** (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N, with sizes as of :class:`MaxPool2d`.

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> nn.MaxPool3d(2)(ms.ops.zeros((1, 2, 4, 5, 6))).shape
        (1, 2, 2, 2, 3)
    """

    def forward(self, input: Tensor) -> Any:
        """See Inputs and Outputs of the class."""
        return F.max_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxUnpool2d(Module):
    """Put values where a max pool found them, among zeros, as ``torch.nn.MaxUnpool2d``.

    Args:
        kernel_size, stride, padding (int or sequence of 2 ints): those of :class:`MaxPool2d`.

    Inputs:
        - **input** (Tensor): shape (N, C, H, W), or (C, H, W) without a batch: output of :class:`MaxPool2d`.
        - **indices** (Tensor): of :class:`MaxPool2d` with return_indices.
        - **output_size** (sequence of 2 or 4 ints, optional): of what was pooled, where it is not the usual one.

    Outputs:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out), with
        H_out = (H - 1) * stride[0] - 2 * padding[0] + kernel_size[0], W_out likewise; or those of `output_size`.

    Raises:
        RuntimeError, TypeError, ValueError: When called, if torch raises it, with torch's sentence.

    Differences from torch:
        The sentence on an index that is out of range is MindSpore's own.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> input = Tensor(np.array([[[[1, 2], [4, 3]]]], np.float32))
        >>> output, indices = nn.MaxPool2d(2, return_indices=True)(input)
        >>> print(nn.MaxUnpool2d(2)(output, indices))
        [[[[0. 0.]
           [4. 0.]]]]
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.kernel_size = _as_tuple(kernel_size, 2)
        self.stride = _as_tuple(stride if stride is not None else kernel_size, 2)
        self.padding = _as_tuple(padding, 2)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """torch's."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(Module):
    """The mean of each window, as ``torch.nn.AvgPool1d``.

    Args:
        kernel_size, stride, padding (int or sequence of 1 int): in samples; stride is kernel_size by default.
        ceil_mode (bool): whether a last window that reaches over the end counts.
        count_include_pad (bool): whether the zeros of the padding count.

    Inputs:
        - **input** (Tensor): shape (N, C, L), or (C, L) without a batch.

    Outputs:
        Tensor of shape (N, C, L_out), or (C, L_out), with L_out = (L + 2 * padding - kernel_size) / stride + 1,
        rounded down, or up in ceil_mode.

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Differences from torch:
        Integers are refused.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AvgPool1d(2)(Tensor([[1.0, 3.0, 2.0, 6.0]])))
        [[2. 4.]]
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.kernel_size = _as_tuple(kernel_size, 1)
        self.stride = _as_tuple(stride if stride is not None else kernel_size, 1)
        self.padding = _as_tuple(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        """torch's."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window, as ``torch.nn.AvgPool2d``.

    Args:
        kernel_size, stride, padding (int or sequence of 1 or 2 ints): in pixels, (height, width); stride is
            kernel_size by default.
        ceil_mode (bool): whether a last window that reaches over the end counts.
        count_include_pad (bool): whether the zeros of the padding count.
        divisor_override (int, optional): divides the sums instead of the number of elements.

    Inputs:
        - **input** (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out), with
        H_out = (H + 2 * padding[0] - kernel_size[0]) / stride[0] + 1, rounded down, or up in ceil_mode; W_out likewise.

    Raises:
        RuntimeError, IndexError, TypeError: When called, if torch raises it, with torch's sentence.

    Differences from torch:
        Integers are refused.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AvgPool2d((3, 2), padding=(1, 0))(Tensor(np.ones((1, 1, 3, 4), np.float32))))
        [[[[0.6666667 0.6666667]]]]
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """torch's."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool3d(AvgPool2d):
    """The mean of each window, as ``torch.nn.AvgPool3d``.

    Args:
        kernel_size, stride, padding (int or sequence of 1 or 3 ints): (depth, height, width); stride is kernel_size by
            default.
        ceil_mode, count_include_pad, divisor_override: as :class:`AvgPool2d` has them.

    Inputs:
        - **input** (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.

    Outputs:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N, with sizes as of :class:`AvgPool2d`.

    Raises:
        RuntimeError, TypeError: When called, if torch raises it, with torch's sentence.

    Differences from torch:
        Integers are refused.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> nn.AvgPool3d(2)(ms.ops.zeros((1, 2, 4, 5, 6))).shape
        (1, 2, 2, 2, 3)
    """

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.avg_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )


def _as_tuple(value: Any, count: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * count
