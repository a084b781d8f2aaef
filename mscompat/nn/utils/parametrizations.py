"""weight_norm and spectral_norm as parametrizations: torch/nn/utils/parametrizations.py."""

from __future__ import annotations

from typing import TypeVar

from mindspore import Parameter, Tensor, ops

from ..module import Module
from . import parametrize
from .spectral_norm import default_dim, divided_by_sigma, random_vectors
from .weight_norm import norm_except_dim, normalized_weight

__all__ = ["spectral_norm", "weight_norm"]

_AnyModule = TypeVar("_AnyModule", bound=Module)

_div = ops.Div()
_maximum = ops.Maximum()
_sqrt = ops.Sqrt()
_square = ops.Square()
_sum = ops.ReduceSum(keep_dims=True)


def weight_norm(module: _AnyModule, name: str = "weight", dim: int | None = 0) -> _AnyModule:
    """Have a weight computed as original0 * original1 / norm(original1), as torch's function of this name does.

    To undo it, call :func:`mscompat.nn.utils.parametrize.remove_parametrizations`.

    Args:
        module (Module): whose parameter it is.
        name (str): of the parameter.
        dim (int or None): the axis whose elements have a norm each; None (or -1, as in torch): there is one for all.

    Returns:
        The module.

    Examples:
        >>> from mscompat import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 4, 3, bias=False))
        >>> {name: value.shape for name, value in layer.named_parameters()}
        {'parametrizations.weight.original0': (4, 1, 1), 'parametrizations.weight.original1': (4, 2, 3)}
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


def spectral_norm(
    module: _AnyModule, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> _AnyModule:
    """Have a weight divided by its largest singular value, as torch's function of this name does.

    In training mode, the two vectors that estimate the value are improved whenever the weight is read, by the user too.
    To undo it, call :func:`mscompat.nn.utils.parametrize.remove_parametrizations`.

    Args:
        module (Module): whose parameter it is.
        name (str): of the parameter.
        n_power_iterations (int): how often they are improved.
        eps (float): the least norm to divide by.
        dim (int, optional): the axis of the outputs. Default: None: 1 of a transposed convolution, else 0.

    Returns:
        The module.

    Raises:
        ValueError, IndexError: With torch's sentence.

    Examples:
        >>> from mscompat import nn
        >>> layer = nn.utils.parametrizations.spectral_norm(nn.Conv1d(2, 4, 3, bias=False))
        >>> [name.removeprefix("parametrizations.weight.") for name in layer.state_dict()]
        ['original', '0._u', '0._v']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = default_dim(module) if dim is None else dim
    parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normalized_weight(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


class _SpectralNorm(Module):
    _u: Parameter
    _v: Parameter

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        rank = weight.ndim
        if not -rank <= dim < rank:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{rank}, {rank - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % rank
        self.eps = eps
        if rank > 1:
            self.n_power_iterations = n_power_iterations
            u, v = random_vectors(weight, self.dim, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            divided_by_sigma(weight, self._u, self._v, self.dim, eps, 15, True)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return _div(weight, _maximum(_sqrt(_sum(_square(weight), ())), self.eps))
        steps = self.n_power_iterations if self.training else 0
        return divided_by_sigma(weight, self._u, self._v, self.dim, self.eps, steps, True)

    def right_inverse(self, value: Tensor) -> Tensor:
        return value
