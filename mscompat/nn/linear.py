"""Linear maps: torch/nn/modules/linear.py."""

from __future__ import annotations

import math
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .. import functional as F
from .._mindspore.compile_time import compile_time
from . import init
from .batchnorm import new_parameter
from .module import Module

__all__ = ["Bilinear", "Identity", "Linear"]


_cast = ops.Cast()


@compile_time
def _wanted_dtype(fp16: bool, bf16: bool, fp32: bool) -> Any:
    """The dtype of Cell.to_float."""
    return ms.float16 if fp16 else ms.bfloat16 if bf16 else ms.float32


class _WithToFloat(Module):
    """A cell that Cell.to_float and amp's level O2 have compute in another dtype than its parameters have."""

    # Set on the instance by to_float and amp.auto_mixed_precision.
    fp16 = False
    bf16 = False
    fp32 = False


class Identity(Module):
    """The input itself, as ``torch.nn.Identity``.

    Args:
        args, kwargs: anything; they are not used.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Identity(54, unused=True)(Tensor([1.0, 2.0])))
        [1. 2.]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See Args of the class."""
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return input


class Linear(_WithToFloat):
    """Compute input @ weight.T + bias, as ``torch.nn.Linear``.

    Args:
        in_features (int): size of the last axis of the input.
        out_features (int): size of the last axis of the output.
        bias (bool): whether there is one. Default: True.
        device (str, optional): None, or the current device target.
        dtype (optional): of the parameters. Default: None: float32.

    Inputs:
        - **input** (Tensor) - shape (*, in_features), of any number of axes but none.

    Outputs:
        Tensor of shape (*, out_features).

    Raises:
        RuntimeError, TypeError: As torch does, with torch's sentence.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.Linear(20, 30)(ops.zeros((128, 20))).shape
        (128, 30)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: str | None = None, dtype: Any = None
    ) -> None:
        """See Args of the class."""
        super().__init__()
        name = type(self).__name__
        self.in_features = in_features
        self.out_features = out_features
        self.weight = new_parameter(name, "weight", (out_features, in_features), 0, device, dtype)
        self.bias = new_parameter(name, "bias", (out_features,), 0, device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters, as torch does: see mscompat.manual_seed. A training under way goes on from them."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.in_features
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        if self.fp16 or self.bf16 or self.fp32:
            dtype = _wanted_dtype(self.fp16, self.bf16, self.fp32)
            bias = None if self.bias is None else _cast(self.bias, dtype)
            return F.linear(_cast(input, dtype), _cast(self.weight, dtype), bias)
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """torch's."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(_WithToFloat):
    """Compute input1 @ weight[o] @ input2 + bias[o] for each output o, as ``torch.nn.Bilinear``.

    Args:
        in1_features, in2_features (int): sizes of the last axes of the inputs.
        out_features (int): size of the last axis of the output.
        bias (bool): whether there is one. Default: True.
        device (str, optional): None, or the current device target.
        dtype (optional): of the parameters. Default: None: float32.

    Inputs:
        - **input1** (Tensor) - shape (*, in1_features).
        - **input2** (Tensor) - shape (*, in2_features), the other axes those of input1.

    Outputs:
        Tensor of shape (*, out_features).

    Raises:
        ValueError: If in1_features is not positive.
        RuntimeError, TypeError: As torch does, with torch's sentence.

    Differences from torch:
        In PyNative mode, second derivatives are wrong (MS-08).

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.Bilinear(20, 30, 40)(ops.zeros((128, 20)), ops.zeros((128, 30))).shape
        (128, 40)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        name = type(self).__name__
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        size = (out_features, in1_features, in2_features)
        self.weight = new_parameter(name, "weight", size, 0, device, dtype)
        self.bias = new_parameter(name, "bias", (out_features,), 0, device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters, as torch does: see mscompat.manual_seed. A training under way goes on from them."""
        if self.in1_features <= 0:
            raise ValueError(
                f"For 'Bilinear', in1_features must be > 0, but got (in1_features={self.in1_features})."
            )
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        if self.fp16 or self.bf16 or self.fp32:
            dtype = _wanted_dtype(self.fp16, self.bf16, self.fp32)
            bias = None if self.bias is None else _cast(self.bias, dtype)
            return F.bilinear(_cast(input1, dtype), _cast(input2, dtype), _cast(self.weight, dtype), bias)
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """torch's."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
