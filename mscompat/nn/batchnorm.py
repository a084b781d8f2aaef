"""Batch normalisation: torch/nn/modules/batchnorm.py."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, ops

from .. import functional as F
from .._constant import constant
from .._conv.arguments import Caller
from .._conv.devices import check_device
from .._mindspore.amp import keep_float32
from .._mindspore.compile_time import compile_time
from ..functional._errors import fail
from ..functional._norm_rules import check_rank
from .conv_nd import parameter_dtype
from .init import ones_, zeros_
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]

_assign_add = ops.AssignAdd()
_cast = ops.Cast()
check_input_rank = compile_time(check_rank)
"""(name, rank, ranks that are right)."""


def new_parameter(
    name: str, what: str, size: Sequence[Any], value: float, device: Any, dtype: Any, *, buffer: bool = False
) -> Parameter:
    """A Parameter of a size, filled with a value; for a cell whose name errors have."""
    caller = Caller(name, 0, ValueError)
    check_device(caller, device)
    for position, one in enumerate(size):
        if isinstance(one, bool) or not isinstance(one, Integral):
            kind = type(one).__name__
            fail(
                name,
                "empty(): argument 'size' (position 1) must be tuple of ints, but found element of type "
                f"{kind} at pos {position}",
                TypeError,
            )
        if one < 0:
            fail(name, f"Trying to create tensor with negative dimension {one}: {list(size)}")
    tensor = Tensor(np.full(tuple(size), value, np.float32), parameter_dtype(caller, dtype))
    return Parameter(tensor, name=what, requires_grad=not buffer)


class NormBase(Module):
    """What BatchNorm and InstanceNorm share: parameters, running statistics, printed form."""

    # The ranks of inputs.
    _ranks: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self._name = type(self).__name__
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        size = (num_features,)
        self.weight = new_parameter(self._name, "weight", size, 1, device, dtype) if affine else None
        self.bias = new_parameter(self._name, "bias", size, 0, device, dtype) if affine and bias else None
        for name, value in (("running_mean", 0), ("running_var", 1)):
            buffer = None
            if track_running_stats:
                buffer = new_parameter(self._name, name, size, value, device, dtype, buffer=True)
            self.register_buffer(name, buffer)
        self.register_buffer("num_batches_tracked", Tensor(0, ms.int64) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Set running_mean to 0, running_var to 1 and num_batches_tracked to 0, in place."""
        if self.track_running_stats:
            zeros_(self.running_mean)
            ones_(self.running_var)
            zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Reset running statistics, and set weight to 1 and bias to 0. A training under way goes on from them."""
        self.reset_running_stats()
        if self.affine:
            ones_(self.weight)
            if self.bias is not None:
                zeros_(self.bias)

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(NormBase):
    """What BatchNorm1d, BatchNorm2d and BatchNorm3d share."""

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        check_input_rank(self._name, len(input.shape), self._ranks)
        momentum = self.momentum
        if momentum is None:
            momentum = 0.0
        if not self.training:
            is_training = self.running_mean is None and self.running_var is None
            return F.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, is_training, momentum, self.eps
            )
        if not self.track_running_stats:
            return F.batch_norm(input, None, None, self.weight, self.bias, True, momentum, self.eps)
        if self.num_batches_tracked is not None:
            batches = _assign_add(self.num_batches_tracked, constant(1, ms.int64))
            if self.momentum is None:
                momentum = 1.0 / _cast(batches, ms.float32)  # the mean of all batches
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, True, momentum, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """Normalise each channel over a batch of vectors or signals, as ``torch.nn.BatchNorm1d``.

    Args:
        num_features (int): C, the channels of the input.
        eps (float): what is added to the variance.
        momentum (float, optional): the share of the new batch in running statistics (MindSpore's is that of the
            former ones). None: the mean of all batches.
        affine (bool): whether to have a weight and a bias.
        track_running_stats (bool): whether to keep running statistics. Without, those of the batch count in
            evaluation too.
        device (str, optional): None, or the current device target.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.
        bias (bool): by keyword: whether affine has a bias.

    Inputs:
        - **input** (Tensor) - shape (N, C) or (N, C, L), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Attributes:
        weight, bias (Parameter or None): shape (C,), ones and zeros at first.
        running_mean, running_var (Parameter or None): shape (C,), not trained.
        num_batches_tracked (Parameter or None): the calls in training, an int64.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> norm = nn.BatchNorm1d(1)
        >>> print(norm(Tensor([[1.0], [3.0]])), norm.running_mean.asnumpy())
        [[-0.999995]
         [ 0.999995]] [0.2]
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalise each channel over a batch of images, as ``torch.nn.BatchNorm2d``.

    Args: see BatchNorm1d.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.BatchNorm2d(3)
        BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
        >>> nn.BatchNorm2d(3)(ops.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalise each channel over a batch of volumes, as ``torch.nn.BatchNorm3d``.

    Args: see BatchNorm1d.

    Inputs:
        - **input** (Tensor) - shape (N, C, D, H, W), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.BatchNorm3d(3)(ops.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    _ranks = (5,)


keep_float32(NormBase)
