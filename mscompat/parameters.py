"""How new values are put into a Parameter: in its own memory, so that compiled functions go on training it."""

from __future__ import annotations

import mindspore as ms
from mindspore import Parameter, Tensor, ops

__all__ = ["assign"]


def assign(parameter: Parameter, value: Tensor) -> None:
    """Write a value of the parameter's shape and dtype into it.

    Not by Parameter.set_data, which gives the parameter other memory: what was compiled (every optimiser's step is,
    in PyNative mode too) keeps the old memory, reads old weights and trains what nobody sees (MS-22).
    """
    if parameter.has_init:
        parameter.set_data(value)  # it has no memory yet: mindspore.nn.utils.no_init_parameters
    elif parameter.dtype == ms.bfloat16:
        parameter.copy_(value)  # Assign has no bfloat16 on CPU (MS-25)
    else:
        ops.assign(parameter, value)
