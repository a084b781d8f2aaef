"""torch's convolution layers as MindSpore cells."""

from __future__ import annotations

from .conv_nd import Conv

__all__ = ["TorchConv1d", "TorchConv2d", "TorchConv3d"]


class TorchConv1d(Conv):
    """Convolve a batch of signals, exactly as ``torch.nn.Conv1d`` does.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int or sequence of 1 int): length of the kernel, in samples.
        stride (int or sequence of 1 int): step of the kernel, in samples. Default: 1.
        padding (int, sequence of 1 int, or str): samples to add at both ends; 'valid' adds none, 'same' keeps the
            length (with stride 1), the odd sample at the end. Default: 0.
        dilation (int or sequence of 1 int): step between kernel elements, in samples. Default: 1.
        groups (int): number of channel groups that are convolved apart; divides both channel counts. Default: 1.
        bias (bool): whether to add a learnt bias. Default: True.
        padding_mode (str): what to pad with: 'zeros', 'reflect', 'replicate' or 'circular'. Default: 'zeros'.
        device (str, optional): None, or the current device target: 'cpu'; 'cuda' or 'gpu'; 'npu' or 'ascend'; with or
            without an index.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (N, C_in, L), or (C_in, L) without a batch, dtype of the parameters.

    Outputs:
        Tensor of shape (N, C_out, L_out), or (C_out, L_out), with
        L_out = (L + 2 * padding[0] - dilation[0] * (kernel_size[0] - 1) - 1) // stride[0] + 1.

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
        >>> from mscompat import TorchConv1d
        >>> layer = TorchConv1d(1, 8, 10, stride=5, padding=2, padding_mode="circular")
        >>> layer
        TorchConv1d(1, 8, kernel_size=(10,), stride=(5,), padding=(2,), padding_mode=circular)
        >>> print(layer(Tensor(np.ones((2, 1, 160), np.float32))).shape)
        (2, 8, 31)
    """

    dimensions = 1


class TorchConv2d(Conv):
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

    dimensions = 2


class TorchConv3d(Conv):
    """Convolve a batch of volumes, exactly as ``torch.nn.Conv3d`` does.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int or sequence of 3 ints): depth, height and width of the kernel, in voxels.
        stride (int or sequence of 1 or 3 ints): step of the kernel, in voxels, (depth, height, width). Default: 1.
        padding (int, sequence of 1 or 3 ints, or str): voxels to add at both ends of (depth, height, width); 'valid'
            adds none, 'same' keeps the size (with stride 1), the odd voxel at the end of each axis. Default: 0.
        dilation (int or sequence of 1 or 3 ints): step between kernel elements, in voxels. Default: 1.
        groups (int): number of channel groups that are convolved apart; divides both channel counts. Default: 1.
        bias (bool): whether to add a learnt bias. Default: True.
        padding_mode (str): what to pad with: 'zeros', 'reflect', 'replicate' or 'circular'. Default: 'zeros'.
        device (str, optional): None, or the current device target: 'cpu'; 'cuda' or 'gpu'; 'npu' or 'ascend'; with or
            without an index.
        dtype (mindspore or NumPy dtype, optional): float16, bfloat16, float32 or float64. Default: float32.

    Inputs:
        - **input** (Tensor) - shape (N, C_in, D, H, W), or (C_in, D, H, W) without a batch, dtype of the parameters.

    Outputs:
        Tensor of shape (N, C_out, D_out, H_out, W_out), or (C_out, D_out, H_out, W_out), with
        D_out = (D + 2 * padding[0] - dilation[0] * (kernel_size[0] - 1) - 1) // stride[0] + 1,
        H_out and W_out likewise.

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
        >>> from mscompat import TorchConv3d
        >>> layer = TorchConv3d(3, 8, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3))
        >>> layer
        TorchConv3d(3, 8, kernel_size=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3))
        >>> print(layer(Tensor(np.ones((2, 3, 4, 16, 16), np.float32))).shape)
        (2, 8, 4, 8, 8)
    """

    dimensions = 3
