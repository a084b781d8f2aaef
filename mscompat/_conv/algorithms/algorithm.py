"""The names of the algorithms: devices choose among them."""

from __future__ import annotations

import enum

__all__ = ["Algorithm"]


class Algorithm(enum.Enum):
    """How a convolution and its gradients are computed."""

    # MindSpore's operators, with their own gradients.
    NATIVE = enum.auto()
    # The same, of the flipped convolution: with stride 1, the gradient of the input is a convolution too, with the
    # flipped weight, and so the convolution is the gradient of the input of that one. On CPU these operators multiply
    # matrices of patches, and of the two, that of the side with fewer channels is smaller.
    FLIPPED = enum.auto()
    # Products of matrices of patches, in tiles.
    IM2COL = enum.auto()
    # The same, with MindSpore's operator for the gradient of the weight. (This and the next in two dimensions only.)
    IM2COL_WITH_NATIVE_WEIGHT_GRADIENT = enum.auto()
    # The same, with MindSpore's operators for both gradients.
    IM2COL_WITH_NATIVE_GRADIENTS = enum.auto()

    @property
    def is_im2col(self) -> bool:
        """Whether the output is computed from patches of our own."""
        return self not in (Algorithm.NATIVE, Algorithm.FLIPPED)
