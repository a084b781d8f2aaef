"""torch's transposed convolution layers as MindSpore cells."""

from __future__ import annotations

from .conv_nd import ConvTranspose

__all__ = ["TorchConvTranspose1d", "TorchConvTranspose2d", "TorchConvTranspose3d"]


class TorchConvTranspose1d(ConvTranspose):
    """Convolve a batch of signals, transposed, exactly as ``torch.nn.ConvTranspose1d`` does.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int or sequence of 1 int): length of the kernel, in samples.
        stride (int or sequence of 1 int): step of the kernel in the output, in samples. Default: 1.
        padding (int or sequence of 1 int): samples to cut off at both ends of the output. Default: 0.
        output_padding (int or sequence of 1 int): samples to add at the end of the output, below stride or below
            dilation. They are real values, not zeros. Default: 0.
        groups (int): number of channel groups that are convolved apart; divides both channel counts. Default: 1.
        bias (bool): whether to add a learnt bias. Default: True.
        dilation (int or sequence of 1 int): step between kernel elements, in samples. Default: 1.
        padding_mode (str): 'zeros' only.
        device (str, optional): None, or the current device target: 'cpu'; 'cuda' or 'gpu'; 'npu' or 'ascend'; with or
            without an index.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (N, C_in, L), or (C_in, L) without a batch, dtype of the parameters.
        - **output_size** (sequence of ints, optional) - (L_out,), or the whole shape of the output, of which only this
          counts. It takes output_padding's place and must be one of the sizes that output_padding from
          0 to stride - 1 gives. Default: None.

    Outputs:
        Tensor of shape (N, C_out, L_out), or (C_out, L_out), with
        L_out = (L - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kernel_size[0] - 1) + output_padding[0] + 1.

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
        samples raises in float32 too (torch: in other dtypes). Integer and complex dtypes are not supported. Neither
        bytes (b"a", 97 to torch) nor a bool (True, 1 to torch, as a kernel_size) is a size.

    Supported Platforms:
        CPU (tested, MindSpore 2.7 and 2.10); GPU and Ascend (not tested).

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import TorchConvTranspose1d
        >>> layer = TorchConvTranspose1d(8, 4, 16, stride=8, padding=4)
        >>> input = Tensor(np.ones((2, 8, 20), np.float32))
        >>> print(layer(input).shape, layer(input, output_size=(167,)).shape)
        (2, 4, 160) (2, 4, 167)
    """

    dimensions = 1


class TorchConvTranspose2d(ConvTranspose):
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

    dimensions = 2


class TorchConvTranspose3d(ConvTranspose):
    """Convolve a batch of volumes, transposed, exactly as ``torch.nn.ConvTranspose3d`` does.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int or sequence of 3 ints): depth, height and width of the kernel, in voxels.
        stride (int or sequence of 1 or 3 ints): step of the kernel in the output, in voxels. Default: 1.
        padding (int or sequence of 1 or 3 ints): voxels to cut off at both ends of the output. Default: 0.
        output_padding (int or sequence of 1 or 3 ints): planes, rows and columns to add at the end of the output, below
            stride or below dilation. They are real values, not zeros. Default: 0.
        groups (int): number of channel groups that are convolved apart; divides both channel counts. Default: 1.
        bias (bool): whether to add a learnt bias. Default: True.
        dilation (int or sequence of 1 or 3 ints): step between kernel elements, in voxels. Default: 1.
        padding_mode (str): 'zeros' only.
        device (str, optional): None, or the current device target: 'cpu'; 'cuda' or 'gpu'; 'npu' or 'ascend'; with or
            without an index.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (N, C_in, D, H, W), or (C_in, D, H, W) without a batch, dtype of the parameters.
        - **output_size** (sequence of ints, optional) - (D_out, H_out, W_out), or the whole shape of the output, of
          which only these three count. It takes output_padding's place and must be one of the sizes that
          output_padding from 0 to stride - 1 gives. Default: None.

    Outputs:
        Tensor of shape (N, C_out, D_out, H_out, W_out), or (C_out, D_out, H_out, W_out), with
        D_out = (D - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kernel_size[0] - 1) + output_padding[0] + 1,
        H_out and W_out likewise.

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
        voxels raises in float32 too (torch: in other dtypes). Integer and complex dtypes are not supported. Neither
        bytes (b"a", 97 to torch) nor a bool (True, 1 to torch, as a kernel_size) is a size.

    Supported Platforms:
        CPU (tested, MindSpore 2.7 and 2.10); GPU and Ascend (not tested).

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import TorchConvTranspose3d
        >>> layer = TorchConvTranspose3d(8, 4, 2, stride=2)
        >>> input = Tensor(np.ones((2, 8, 3, 5, 4), np.float32))
        >>> print(layer(input).shape, layer(input, output_size=(7, 10, 9)).shape)
        (2, 4, 6, 10, 8) (2, 4, 7, 10, 9)
    """

    dimensions = 3
