"""The operators of a convolution and of a transposed one, by each algorithm."""

from __future__ import annotations

from collections.abc import Callable

from mindspore import Tensor

from ..geometry import Convolution
from . import im2col_dynamic, linked, native
from .algorithm import Algorithm

__all__ = ["Algorithm", "conv_operator", "conv_transpose_operator", "takes_output_shape"]


def conv_operator(c: Convolution, algorithm: Algorithm) -> Callable[[Tensor, Tensor], Tensor]:
    """The operator of (input, weight)."""
    if algorithm is Algorithm.NATIVE:
        return native.conv2d(c)
    if algorithm.is_im2col and not c.is_static():
        return im2col_dynamic.Conv2d(c)
    return linked.conv2d(c, algorithm)


def conv_transpose_operator(c: Convolution, algorithm: Algorithm) -> Callable[..., Tensor]:
    """The operator of (input, weight) and, if takes_output_shape, the shape of the output.

    `c` is the convolution whose input gradient it is.
    """
    if algorithm is Algorithm.NATIVE:
        return native.input_gradient(c)
    if algorithm.is_im2col and not c.is_static():
        return im2col_dynamic.InputGradient(c)
    return linked.input_gradient(c, algorithm)


def takes_output_shape(c: Convolution, algorithm: Algorithm) -> bool:
    """Whether the operator of a transposed convolution takes the shape of the output."""
    return algorithm is Algorithm.NATIVE or (algorithm.is_im2col and not c.is_static())
