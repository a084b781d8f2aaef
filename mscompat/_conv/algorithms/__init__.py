"""The operators of a convolution and of a transposed one, by each algorithm."""

from __future__ import annotations

from collections.abc import Callable

from mindspore import Tensor

from ..geometry import Convolution
from . import im2col_dynamic, linked, native
from .algorithm import Algorithm

__all__ = ["Algorithm", "conv_operator", "conv_transpose_operator"]


def conv_operator(c: Convolution, algorithm: Algorithm) -> Callable[[Tensor, Tensor], Tensor]:
    """The operator of (input, weight)."""
    algorithm = _found(c, algorithm)
    if algorithm is Algorithm.NATIVE and c.dimensions == 2:
        return native.conv(c)
    if algorithm.is_im2col and not c.is_static():
        return im2col_dynamic.conv(c)
    return linked.conv(c, algorithm)


def conv_transpose_operator(c: Convolution, algorithm: Algorithm) -> Callable[..., Tensor]:
    """The operator of (input, weight, shape of the output). `c` is the convolution whose input gradient it is."""
    algorithm = _found(c, algorithm)
    if algorithm is Algorithm.NATIVE and c.dimensions == 2:
        return native.input_gradient(c)
    if algorithm.is_im2col and not c.is_static():
        return im2col_dynamic.input_gradient(c)
    return linked.input_gradient(c, algorithm)


def _found(c: Convolution, algorithm: Algorithm) -> Algorithm:
    """The algorithm, or im2col where operators that it needs were not found."""
    return algorithm if native.is_complete(c) or algorithm.is_im2col else Algorithm.IM2COL
