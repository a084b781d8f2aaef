"""TorchConv2d and TorchConvTranspose2d: torch's convolution layers as MindSpore cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn

from .. import init
from .._conv import arguments, devices
from .._conv.arguments import Caller
from .._conv.run import conv, conv_transpose
from .._conv.spec import ConvSpec, PaddingMode, PaddingString
from .._mindspore.amp import leave_alone_at_o1
from .parameters import assign

__all__ = ["TorchConv2d", "TorchConvTranspose2d"]


def _argument(name: str) -> Any:
    """An attribute of a layer that is a field of its spec. What is set is checked when the layer is called."""

    def get(layer: _ConvNd) -> Any:
        return getattr(layer._spec, name)

    def set(layer: _ConvNd, value: Any) -> None:
        layer._spec = layer._spec.with_attribute(name, value)

    return property(get, set)


class _ConvNd(nn.Cell):
    """What the layers share: the spec, the parameters, their initialisation and the printed form."""

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
        dtype = self.weight.dtype
        assign(self.weight, Tensor(init.kaiming_uniform(self.weight.shape, dtype), dtype))
        if self.bias is not None:
            assign(self.bias, Tensor(init.fan_in_uniform(self.out_channels, self.weight.shape, dtype), dtype))

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


class TorchConv2d(_ConvNd):
    """Convolve a batch of images, exactly as ``torch.nn.Conv2d`` does.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int or sequence of 2 ints): height and width of the kernel, in pixels.
        stride (int or sequence of 1 or 2 ints): step of the kernel, in pixels, (height, width). Default: 1.
        padding (int, sequence of 1 or 2 ints, or str): pixels to add at both ends of (height, width); 'valid' adds
            none, 'same' keeps the size (with stride 1), the odd pixel at the bottom and at the right. Default: 0.
        dilation (int or sequence of 1 or 2 ints): step between kernel elements, in pixels. Default: 1.
        groups (int): number of channel groups that are convolved apart; divides both channel counts. Default: 1.
        bias (bool): whether to add a learnt bias. Default: True.
        padding_mode (str): what to pad with: 'zeros', 'reflect', 'replicate' or 'circular'. Default: 'zeros'.
        device (str, optional): None, or the current device target: 'cpu'; 'cuda' or 'gpu'; 'npu' or 'ascend'; with or
            without an index.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (N, C_in, H, W), or (C_in, H, W) without a batch, dtype of the parameters.

    Outputs:
        Tensor of shape (N, C_out, H_out, W_out), or (C_out, H_out, W_out), with
        H_out = (H + 2 * padding[0] - dilation[0] * (kernel_size[0] - 1) - 1) // stride[0] + 1, W_out likewise.

    Attributes:
        weight (Parameter): shape (out_channels, in_channels / groups, *kernel_size), drawn from U(-sqrt(k), sqrt(k))
            with k = groups / (in_channels * prod(kernel_size)): see :func:`mscompat.manual_seed`.
        bias (Parameter or None): shape (out_channels,), drawn likewise.

    Raises:
        ValueError: If an argument is out of range, with torch's sentence.
        TypeError: If an argument has a wrong type.
        RuntimeError: When called, in Graph mode when compiled: if rank, channels, size or dtype of the input does not
            fit, with torch's sentence.

    Differences from torch:
        Wrong arguments that torch notices when the layer is called raise in the constructor. Negative padding raises
        with every padding_mode. Integer and complex dtypes are not supported. Neither bytes (b"a", 97 to torch) nor a
        bool (True, 1 to torch, as a kernel_size) is a size.

    Supported Platforms:
        CPU (tested, MindSpore 2.7 and 2.10); GPU and Ascend (not tested).

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import TorchConv2d
        >>> layer = TorchConv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), padding_mode="reflect")
        >>> layer
        TorchConv2d(16, 33, kernel_size=(3, 5), stride=(2, 1), padding=(4, 2), padding_mode=reflect)
        >>> print(layer(Tensor(np.ones((2, 16, 50, 100), np.float32))).shape)
        (2, 33, 28, 100)
    """

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
        """See Args above."""
        caller = Caller(type(self).__name__, ValueError)
        in_channels, out_channels, groups = arguments.channels(caller, in_channels, out_channels, groups)
        sizes = arguments.kernel_size(caller, kernel_size)
        spec = arguments.conv_spec(
            caller, stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode
        )
        devices.check_device(caller, device)
        weight_shape = (out_channels, in_channels // groups, *sizes)
        super().__init__(spec, in_channels, out_channels, sizes, bias, weight_shape, _parameter_dtype(caller, dtype))

    if TYPE_CHECKING:  # the inherited one returns Any

        def __call__(self, input: Tensor) -> Tensor: ...  # noqa: D102

    def construct(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs above."""
        return conv(self._spec, input, self.weight, self.bias, (self.fp16, self.bf16, self.fp32))


class TorchConvTranspose2d(_ConvNd):
    """Convolve a batch of images, transposed, exactly as ``torch.nn.ConvTranspose2d`` does.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int or sequence of 2 ints): height and width of the kernel, in pixels.
        stride (int or sequence of 1 or 2 ints): step of the kernel in the output, in pixels. Default: 1.
        padding (int or sequence of 1 or 2 ints): pixels to cut off at both ends of the output. Default: 0.
        output_padding (int or sequence of 1 or 2 ints): rows and columns to add at the end of the output, below
            stride or below dilation. They are real values, not zeros. Default: 0.
        groups (int): number of channel groups that are convolved apart; divides both channel counts. Default: 1.
        bias (bool): whether to add a learnt bias. Default: True.
        dilation (int or sequence of 1 or 2 ints): step between kernel elements, in pixels. Default: 1.
        padding_mode (str): 'zeros' only.
        device (str, optional): None, or the current device target: 'cpu'; 'cuda' or 'gpu'; 'npu' or 'ascend'; with or
            without an index.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (N, C_in, H, W), or (C_in, H, W) without a batch, dtype of the parameters.
        - **output_size** (sequence of ints, optional) - (H_out, W_out), or the whole shape of the output, of which
          only these two count. It takes output_padding's place and must be one of the sizes that output_padding from
          0 to stride - 1 gives. Default: None.

    Outputs:
        Tensor of shape (N, C_out, H_out, W_out), or (C_out, H_out, W_out), with
        H_out = (H - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kernel_size[0] - 1) + output_padding[0] + 1,
        W_out likewise.

    Attributes:
        weight (Parameter): shape (in_channels, out_channels / groups, *kernel_size), drawn from U(-sqrt(k), sqrt(k))
            with k = groups / (out_channels * prod(kernel_size)): see :func:`mscompat.manual_seed`.
        bias (Parameter or None): shape (out_channels,), drawn likewise.

    Raises:
        ValueError: If an argument or output_size is out of range, with torch's sentence.
        TypeError: If an argument has a wrong type.
        RuntimeError: When called, in Graph mode when compiled: if rank, channels, size or dtype of the input does not
            fit, or the output would be empty, with torch's sentence.

    Differences from torch:
        Wrong arguments that torch notices when the layer is called raise in the constructor. An output without
        pixels raises in float32 too (torch: in other dtypes). Integer and complex dtypes are not supported. Neither
        bytes (b"a", 97 to torch) nor a bool (True, 1 to torch, as a kernel_size) is a size.

    Supported Platforms:
        CPU (tested, MindSpore 2.7 and 2.10); GPU and Ascend (not tested).

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import TorchConv2d, TorchConvTranspose2d
        >>> input = Tensor(np.ones((1, 16, 12, 12), np.float32))
        >>> downsample = TorchConv2d(16, 16, 3, stride=2, padding=1)
        >>> upsample = TorchConvTranspose2d(16, 16, 3, stride=2, padding=1)
        >>> smaller = downsample(input)
        >>> print(smaller.shape, upsample(smaller).shape, upsample(smaller, output_size=input.shape).shape)
        (1, 16, 6, 6) (1, 16, 11, 11) (1, 16, 12, 12)
    """

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
        """See Args above."""
        caller = Caller(type(self).__name__, ValueError)
        arguments.check_transposed_padding(caller, padding, padding_mode)
        in_channels, out_channels, groups = arguments.channels(caller, in_channels, out_channels, groups)
        sizes = arguments.kernel_size(caller, kernel_size)
        spec = arguments.conv_transpose_spec(
            caller, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation, groups=groups
        )
        devices.check_device(caller, device)
        weight_shape = (in_channels, out_channels // groups, *sizes)
        super().__init__(spec, in_channels, out_channels, sizes, bias, weight_shape, _parameter_dtype(caller, dtype))

    if TYPE_CHECKING:

        def __call__(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor: ...  # noqa: D102

    def construct(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """See Inputs and Outputs above."""
        to_float = (self.fp16, self.bf16, self.fp32)
        return conv_transpose(self._spec, input, self.weight, self.bias, to_float, output_size)


def _parameter_dtype(caller: Caller, dtype: Any) -> Any:
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


leave_alone_at_o1(_ConvNd, conv, conv_transpose)
