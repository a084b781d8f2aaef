"""Dropout: torch/nn/modules/dropout.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .._mindspore.parsed_anew import parsed_anew
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


@parsed_anew
class _Dropout(Module):
    """What all have: p, and in evaluation, the output is the input."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(
                f"For '{type(self).__name__}', dropout probability has to be between 0 and 1, but got {p}."
            )
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """torch's."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, elements are 0 with probability p, and are divided by 1 - p otherwise, as ``torch.nn.Dropout``.

    Masks are drawn by MindSpore, others in each call: see mindspore.set_seed.

    Args:
        p (float): the share of elements that is dropped (MindSpore's older releases take the share that is kept).
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Dropout(0.5).eval()(Tensor([1.0, 2.0])))
        [1. 2.]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training, channels are 0 with probability p, as ``torch.nn.Dropout1d``.

    Masks are drawn by MindSpore, others in each call: see mindspore.set_seed.

    Args:
        p (float): the share of channels that is dropped.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Dropout1d().eval()(Tensor([[1.0, 2.0]])))
        [[1. 2.]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, L) or (C, L)."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training, channels are 0 with probability p, as ``torch.nn.Dropout2d``.

    Masks are drawn by MindSpore, others in each call: see mindspore.set_seed.

    Args:
        p (float): the share of channels that is dropped.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Dropout2d().eval()(Tensor([[[[1.0, 2.0]]]])))
        [[[[1. 2.]]]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, H, W); (N, C, L), with torch's warning."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """In training, channels are 0 with probability p, as ``torch.nn.Dropout3d``.

    Masks are drawn by MindSpore, others in each call: see mindspore.set_seed.

    Args:
        p (float): the share of channels that is dropped.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.Dropout3d().eval()(Tensor([[[[1.0, 2.0]]]])))
        [[[[1. 2.]]]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, D, H, W) or (C, D, H, W)."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training, elements are SELU's limit far below 0 with probability p, as ``torch.nn.AlphaDropout``.

    All are then scaled and shifted, so that mean 0 and variance 1 stay.

    Masks are drawn by MindSpore, others in each call: see mindspore.set_seed.

    Args:
        p (float): the share of elements.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.AlphaDropout().eval()(Tensor([1.0, 2.0])))
        [1. 2.]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of any shape."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels, as ``torch.nn.FeatureAlphaDropout``.

    Masks are drawn by MindSpore, others in each call: see mindspore.set_seed.

    Args:
        p (float): the share of channels.
        inplace (bool): accepted, and printed; it changes nothing.

    Raises:
        ValueError: If p is not from 0 to 1.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.FeatureAlphaDropout().eval()(Tensor([[1.0, 2.0]])))
        [[1. 2.]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Of shape (N, C, *)."""
        return F.feature_alpha_dropout(input, self.p, self.training)
