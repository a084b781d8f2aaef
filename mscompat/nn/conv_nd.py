"""What torch's convolution layers share, whatever their dimensions: arguments, parameters, printed form and call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor

from .._conv import arguments, devices
from .._conv.arguments import Caller
from .._conv.run import conv, conv_transpose
from .._conv.spec import ConvSpec, PaddingMode, PaddingString
from . import init
from .module import Module

__all__ = ["Conv", "ConvTranspose"]


def _argument(name: str) -> Any:
    """An attribute of a layer that is a field of its spec. What is set is checked when the layer is called."""

    def get(layer: _ConvNd) -> Any:
        return getattr(layer._spec, name)

    def set(layer: _ConvNd, value: Any) -> None:
        layer._spec = layer._spec.with_attribute(name, value)

    return property(get, set)


class _ConvNd(Module):
    """The spec, the parameters, their initialisation and the printed form."""

    # Axes along which the layer convolves.
    dimensions: int
    # As in torch.
    transposed = False

    # Set on the instance by to_float and amp.auto_mixed_precision.
    fp16 = False
    bf16 = False
    fp32 = False

    stride = _argument("stride")
    padding = _argument("padding")
    dilation = _argument("dilation")
    output_padding = _argument("output_padding")
    groups = _argument("groups")
    padding_mode = _argument("padding_mode")

    def __init__(
        self,
        spec: ConvSpec,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        bias: bool,
        weight_shape: tuple[int, ...],
        dtype: Any,
    ) -> None:
        super().__init__()
        self._spec = spec
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.weight = Parameter(Tensor(np.zeros(weight_shape, np.float32), dtype), name="weight")
        self.bias = Parameter(Tensor(np.zeros(out_channels, np.float32), dtype), name="bias") if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters, as torch does: see mscompat.manual_seed. A training under way goes on from them."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def shard(self, in_strategy: Any, out_strategy: Any = None, parameter_plan: Any = None) -> NoReturn:
        """Not supported: raises NotImplementedError. In data-parallel mode a layer needs no strategy.

        A call makes its own operators, so there is none to give a strategy to before; and semi_auto_parallel, where
        strategies count, does not run on CPU ("Invalid communication backend", MindSpore 2.10): it could not be tested.
        """
        raise NotImplementedError(
            f"For '{type(self).__name__}', shard is not supported, but got in_strategy={in_strategy}: train in "
            "data-parallel mode, which needs no strategies: "
            "mindspore.set_auto_parallel_context(parallel_mode='data_parallel')"
        )

    def extra_repr(self) -> str:
        """torch's extra_repr: what is not default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text



class Conv(_ConvNd):
    """What TorchConv1d, TorchConv2d and TorchConv3d share."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: PaddingString | int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """See Args of the class."""
        caller = Caller(type(self).__name__, self.dimensions, ValueError)
        in_channels, out_channels, groups = arguments.channels(caller, in_channels, out_channels, groups)
        sizes = arguments.kernel_size(caller, kernel_size)
        spec = arguments.conv_spec(
            caller, stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode
        )
        devices.check_device(caller, device)
        weight_shape = (out_channels, in_channels // groups, *sizes)
        super().__init__(spec, in_channels, out_channels, sizes, bias, weight_shape, parameter_dtype(caller, dtype))

    if TYPE_CHECKING:  # the inherited one returns Any

        def __call__(self, input: Tensor) -> Tensor: ...  # noqa: D102

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return conv(self._spec, input, self.weight, self.bias, (self.fp16, self.bf16, self.fp32))


class ConvTranspose(_ConvNd):
    """What TorchConvTranspose1d, TorchConvTranspose2d and TorchConvTranspose3d share."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """See Args of the class."""
        caller = Caller(type(self).__name__, self.dimensions, ValueError)
        arguments.check_transposed_padding(caller, padding, padding_mode)
        in_channels, out_channels, groups = arguments.channels(caller, in_channels, out_channels, groups)
        sizes = arguments.kernel_size(caller, kernel_size)
        spec = arguments.conv_transpose_spec(
            caller, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation, groups=groups
        )
        devices.check_device(caller, device)
        weight_shape = (in_channels, out_channels // groups, *sizes)
        super().__init__(spec, in_channels, out_channels, sizes, bias, weight_shape, parameter_dtype(caller, dtype))

    if TYPE_CHECKING:

        def __call__(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor: ...  # noqa: D102

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """See Inputs and Outputs of the class."""
        to_float = (self.fp16, self.bf16, self.fp32)
        return conv_transpose(self._spec, input, self.weight, self.bias, to_float, output_size)


def parameter_dtype(caller: Caller, dtype: Any) -> Any:
    """The MindSpore dtype of a layer's parameters. None is float32, as in torch."""
    if dtype is None:
        return ms.float32
    if not isinstance(dtype, ms.dtype.Type):
        try:
            dtype = ms.dtype.pytype_to_dtype(dtype)
        except (TypeError, NotImplementedError):
            caller.fail(f"argument 'dtype' must be a MindSpore or NumPy dtype, but got dtype={dtype!r}", TypeError)
    if dtype in (*ms.dtype.int_type, *ms.dtype.uint_type, ms.bool_):
        caller.fail(
            f"Only Tensors of floating point and complex dtype can require gradients, but got dtype={dtype}",
            RuntimeError,
        )
    supported = [getattr(ms, name) for name in arguments.DTYPES]
    if dtype not in supported:
        caller.fail(f"dtype must be one of {tuple(map(str, supported))}, but got dtype={dtype}", TypeError)
    return dtype
