"""Smooth activations: torch/nn/modules/activation.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "LogSigmoid", "Mish", "SiLU", "Sigmoid", "Softplus", "Softsign", "Tanh",
]


class Sigmoid(Module):
    """1 / (1 + exp(-x)), as ``torch.nn.Sigmoid``.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Sigmoid()(Tensor([0.0, 2.0])))
        [0.5        0.88079715]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """log(sigmoid(x)), as ``torch.nn.LogSigmoid``.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.LogSigmoid()(Tensor([0.0, -100.0])))
        [  -0.6931472 -100.       ]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.logsigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, as ``torch.nn.Tanh``.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Tanh()(Tensor([0.0, 1.0])))
        [0.        0.7615942]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.tanh(input)


class SiLU(Module):
    """x * sigmoid(x), as ``torch.nn.SiLU``.

    Args:
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.SiLU()(Tensor([-1.0, 2.0])))
        [-0.26894155  1.7615943 ]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return "inplace=True" if self.inplace else ""


class Mish(Module):
    """x * tanh(softplus(x)), as ``torch.nn.Mish``.

    Args:
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Mish()(Tensor([-1.0, 2.0])))
        [-0.30340162  1.9439591 ]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return "inplace=True" if self.inplace else ""


class GELU(Module):
    """x times the distribution function of the normal distribution, as ``torch.nn.GELU``.

    Args:
        approximate (str): 'none', or 'tanh', which computes
            x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))).

    Raises:
        RuntimeError: When called, if approximate is another string.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.GELU()(Tensor([-1.0, 2.0])))
        [-0.15865526  1.9544997 ]
    """

    def __init__(self, approximate: str = "none") -> None:
        """See Args of the class."""
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """torch's."""
        return f"approximate={self.approximate!r}"


class ELU(Module):
    """x above 0, alpha * (exp(x) - 1) below, as ``torch.nn.ELU``.

    Args:
        alpha (float): the limit far below 0, less its sign.
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.ELU()(Tensor([-1.0, 2.0])))
        [-0.63212055  2.        ]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return f"alpha={self.alpha}{_inplace(self.inplace)}"


class CELU(Module):
    """x above 0, alpha * (exp(x / alpha) - 1) below, as ``torch.nn.CELU``.

    Args:
        alpha (float): the limit far below 0, less its sign.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        RuntimeError: When called, if alpha is 0.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.CELU(2.0)(Tensor([-1.0, 2.0])))
        [-0.78693867  2.        ]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return f"alpha={self.alpha}{_inplace(self.inplace)}"


class SELU(Module):
    """1.0507... * elu(x, 1.6732...), as ``torch.nn.SELU``.

    Args:
        inplace (bool): accepted, and printed; it changes nothing.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.SELU()(Tensor([-1.0, 2.0])))
        [-1.1113307  2.101402 ]
    """

    def __init__(self, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        """torch's."""
        return "inplace=True" if self.inplace else ""


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, and x where beta * x is above threshold, as ``torch.nn.Softplus``.

    Args:
        beta (float): the sharpness of the bend.
        threshold (float): from where on the output is x.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Softplus()(Tensor([-1.0, 2.0])))
        [0.3132617 2.126928 ]
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        """See Args of the class."""
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """torch's."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """x / (1 + abs(x)), as ``torch.nn.Softsign``.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Softsign()(Tensor([-1.0, 2.0])))
        [-0.5        0.6666667]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.softsign(input)


class GLU(Module):
    """a * sigmoid(b), where a and b are the halves of the input along an axis, as ``torch.nn.GLU``.

    Args:
        dim (int): the axis.

    Raises:
        RuntimeError, IndexError: When called, if that axis has an odd size, or there is none.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.GLU()(Tensor([3.0, 0.0])))
        [1.5]
    """

    def __init__(self, dim: int = -1) -> None:
        """See Args of the class."""
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape; the output has half the size along the axis."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """torch's."""
        return f"dim={self.dim}"


def _inplace(inplace: bool) -> str:
    return ", inplace=True" if inplace else ""
