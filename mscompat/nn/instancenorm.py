"""Instance normalisation: torch/nn/modules/instancenorm.py."""

from __future__ import annotations

import warnings
from typing import Any

from mindspore import Tensor

from .. import functional as F
from .._mindspore.compile_time import compile_time
from ..functional._errors import fail
from ..functional._norm_rules import check_rank
from ..functional.batchnorm import unbatched_instance_norm
from .batchnorm import NormBase

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


def _check(name: str, shape: tuple[int, ...], ranks: tuple[int, ...], num_features: int, affine: bool) -> None:
    check_rank(name, len(shape), ranks)
    axis = len(shape) - ranks[0]
    size = shape[axis]
    if size in (num_features, None, -1):
        return
    if affine:
        fail(
            name,
            f"expected input's size at dim={axis} to match num_features ({num_features}), but got: {size}",
            ValueError,
        )
    warnings.warn(
        f"input's size at dim={axis} does not match num_features. You can silence this warning by not passing in "
        "num_features, which is not used because affine=False",
        stacklevel=4,
    )


_check_input = compile_time(_check)


class _InstanceNorm(NormBase):
    """What InstanceNorm1d, InstanceNorm2d and InstanceNorm3d share."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        """See Args of the class."""
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        _check_input(self._name, input.shape, self._ranks, self.num_features, self.affine)
        instance_norm = F.instance_norm if len(input.shape) == self._ranks[1] else unbatched_instance_norm
        return instance_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, 0.0 if self.momentum is None else self.momentum, self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """Normalise each channel of each signal, as ``torch.nn.InstanceNorm1d``.

    Args:
        num_features (int): C, the channels of the input.
        eps (float): what is added to the variance.
        momentum (float): the share of the new batch in running statistics.
        affine (bool): whether to have a weight and a bias.
        track_running_stats (bool): whether to keep running statistics, and normalise by them in evaluation.
        device (str, optional): None, or the current device target.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.
        bias (bool): by keyword: whether affine has a bias.

    Inputs:
        - **input** (Tensor) - shape (N, C, L) or (C, L), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Attributes:
        weight, bias (Parameter or None): shape (C,), ones and zeros at first.
        running_mean, running_var (Parameter or None): shape (C,), not trained.
        num_batches_tracked (Parameter or None): 0, as in torch.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.InstanceNorm1d(1)(Tensor([[[1.0, 3.0]]])))
        [[[-0.999995  0.999995]]]
    """

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalise each channel of each image, as ``torch.nn.InstanceNorm2d``.

    Args: see InstanceNorm1d.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W) or (C, H, W), dtype of the parameters, or a half type beside float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.InstanceNorm2d(3, affine=True)(ops.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Normalise each channel of each volume, as ``torch.nn.InstanceNorm3d``.

    Args: see InstanceNorm1d.

    Inputs:
        - **input** (Tensor) - shape (N, C, D, H, W) or (C, D, H, W), dtype of the parameters, or a half type beside
          float32.

    Outputs:
        Tensor of the shape and dtype of the input.

    Raises:
        ValueError, RuntimeError: When called, in Graph mode when compiled: with torch's sentences.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.InstanceNorm3d(3)(ops.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    _ranks = (4, 5)
