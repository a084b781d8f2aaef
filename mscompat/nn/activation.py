"""Activations of straight lines: torch/nn/modules/activation.py."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

from mindspore import Parameter, Tensor

from .. import functional as F
from .._mindspore.parsed_anew import parsed_anew
from .batchnorm import new_parameter
from .init import constant_
from .module import Module

__all__ = [
    "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "PReLU", "RReLU", "ReLU", "ReLU6", "Threshold",
]


class ReLU(Module):
    """max(0, x), as ``torch.nn.ReLU``.

    Args:
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ReLU()(Tensor([-1.0, 2.0])))
        [0. 2.]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return "inplace=True" if self.inplace else ""


class Hardtanh(Module):
    """min(max(min_val, x), max_val), as ``torch.nn.Hardtanh``.

    Args:
        min_val, max_val (float): the limits.
        inplace (bool): accepted, and printed; it changes nothing.
        min_value, max_value (float): torch's former names of the limits, with its warning.

    Raises:
        AssertionError: If max_val is not above min_val.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Hardtanh()(Tensor([-1.0, 2.0])))
        [-1.  1.]
    """

    def __init__(
        self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False, min_value: float | None = None,
        max_value: float | None = None
    ) -> None:
        """See Args of the class."""
        super().__init__()
        if min_value is not None:
            _warn("min_value", "min_val")
            min_val = min_value
        if max_value is not None:
            _warn("max_value", "max_val")
            max_val = max_value
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace
        if max_val <= min_val:
            raise AssertionError(f"For 'Hardtanh', max_val ({max_val}) must be greater than min_val ({min_val}).")

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return f"min_val={self.min_val}, max_val={self.max_val}{_inplace(self.inplace)}"


class ReLU6(Hardtanh):
    """min(max(0, x), 6), as ``torch.nn.ReLU6``.

    Args:
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ReLU6()(Tensor([-1.0, 2.0, 7.0])))
        [0. 2. 6.]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Module):
    """x above 0, negative_slope * x below, as ``torch.nn.LeakyReLU``.

    Args:
        negative_slope (float): the slope below 0.
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.LeakyReLU()(Tensor([-1.0, 2.0])))
        [-0.01  2.  ]
    """

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return f"negative_slope={self.negative_slope}{_inplace(self.inplace)}"


class PReLU(Module):
    """x above 0, weight * x below, where weight is learned, as ``torch.nn.PReLU``.

    Args:
        num_parameters (int): 1, or one for each channel (the second axis of the input).
        init (float): what they are at first.
        device (str, optional): None, or the current device target.
        dtype (mindspore.dtype, optional): of weight. Default: None, float32.

    Raises:
        RuntimeError: When called, if the input has another number of channels, or another dtype.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.PReLU()(Tensor([-1.0, 2.0])))
        [-0.25  2.  ]
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: str | None = None, dtype: Any = None
    ) -> None:
        """See Args of the class."""
        super().__init__()
        if isinstance(num_parameters, bool) or not isinstance(num_parameters, Integral):
            kind = type(num_parameters).__name__
            raise TypeError(f"For 'PReLU', empty(): argument 'size' (position 1) must be tuple of ints, not {kind}.")
        self.num_parameters: int = num_parameters
        self.init: float = init
        self.weight: Parameter = new_parameter("PReLU", "weight", (num_parameters,), 0.0, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to init."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, num_parameters, *); of any shape, if num_parameters is 1."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """torch's."""
        return f"num_parameters={self.num_parameters}"


@parsed_anew
class RReLU(Module):
    """x above 0, slope * x below, as ``torch.nn.RReLU``.

    In training, each element has a slope of its own, drawn evenly from lower to upper by MindSpore: see
    mindspore.set_seed. In evaluation, all have the mean of both.

    Args:
        lower, upper (float): the limits of slopes.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        RuntimeError: When called, if lower is above upper.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.RReLU(0.0, 0.5).eval()(Tensor([-1.0, 2.0])))
        [-0.25  2.  ]
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return f"lower={self.lower}, upper={self.upper}{_inplace(self.inplace)}"


class Hardsigmoid(Module):
    """min(max(0, x + 3), 6) / 6, as ``torch.nn.Hardsigmoid``.

    Args:
        inplace (bool): accepted; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Hardsigmoid()(Tensor([-4.0, 0.0])))
        [0.  0.5]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """x * hardsigmoid(x), as ``torch.nn.Hardswish``.

    Args:
        inplace (bool): accepted; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Hardswish()(Tensor([0.0, 4.0])))
        [0. 4.]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.hardswish(input, self.inplace)


class Threshold(Module):
    """x above threshold, else value, as ``torch.nn.Threshold``.

    Args:
        threshold (float): the limit.
        value (float): what stands for x up to there.
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Threshold(1.0, 5.0)(Tensor([1.0, 2.0])))
        [5. 2.]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return f"threshold={self.threshold}, value={self.value}{_inplace(self.inplace)}"


def _inplace(inplace: bool) -> str:
    return ", inplace=True" if inplace else ""


def _warn(former: str, name: str) -> None:
    warnings.warn(
        f"keyword argument `{former}` is deprecated and renamed to `{name}`", FutureWarning, stacklevel=3
    )
