"""HiFi-GAN's generator with the parameter names of github.com/jik876/hifi-gan. Source: arXiv 2010.05646.

The original wraps its convolutions in weight_norm; the port needs none. mscompat.load_torch_state_dict makes the weight
of its parts in the checkpoint, weight_g and weight_v or their newer names, and the output is the same. Training goes
on with the weights themselves, where the original's trains the parts.
"""

from __future__ import annotations

from mindspore import nn

from mscompat.nn import Conv1d, ConvTranspose1d

from .layers import Tanh


def _conv(channels, kernel_size, dilation):
    """A convolution that keeps the length."""
    return Conv1d(channels, channels, kernel_size, 1, (kernel_size - 1) * dilation // 2, dilation)


class ResBlock1(nn.Cell):
    def __init__(self, channels, kernel_size, dilations):
        super().__init__()
        self.relu = nn.LeakyReLU(0.1)
        self.convs1 = nn.CellList([_conv(channels, kernel_size, dilation) for dilation in dilations])
        self.convs2 = nn.CellList([_conv(channels, kernel_size, 1) for _ in dilations])

    def construct(self, x):
        for conv1, conv2 in zip(self.convs1, self.convs2):  # noqa: B905  (MindSpore compiles no strict)
            x = x + conv2(self.relu(conv1(self.relu(x))))
        return x


class ResBlock2(nn.Cell):
    def __init__(self, channels, kernel_size, dilations):
        super().__init__()
        self.relu = nn.LeakyReLU(0.1)
        self.convs = nn.CellList([_conv(channels, kernel_size, dilation) for dilation in dilations])

    def construct(self, x):
        for conv in self.convs:
            x = x + conv(self.relu(x))
        return x


class HiFiGANGenerator(nn.Cell):
    """Sound of shape (N, 1, L * product of the rates), values from -1 to 1, of spectrograms of shape (N, num_mels, L).

    The arguments are named as in the original's configurations, and default to its first version's.
    """

    def __init__(
        self,
        num_mels=80,
        upsample_initial_channel=512,
        upsample_rates=(8, 8, 2, 2),
        upsample_kernel_sizes=(16, 16, 4, 4),
        resblock="1",
        resblock_kernel_sizes=(3, 7, 11),
        resblock_dilation_sizes=((1, 3, 5), (1, 3, 5), (1, 3, 5)),
    ):
        super().__init__()
        block = ResBlock1 if resblock == "1" else ResBlock2
        channels = upsample_initial_channel
        self.num_kernels = len(resblock_kernel_sizes)
        self.relu = nn.LeakyReLU(0.1)
        self.conv_pre = Conv1d(num_mels, channels, 7, 1, padding=3)
        ups, resblocks = [], []
        for rate, size in zip(upsample_rates, upsample_kernel_sizes, strict=True):
            ups.append(ConvTranspose1d(channels, channels // 2, size, rate, padding=(size - rate) // 2))
            channels //= 2
            for kernel_size, dilations in zip(resblock_kernel_sizes, resblock_dilation_sizes, strict=True):
                resblocks.append(block(channels, kernel_size, dilations))
        # Of whole lists: MindSpore would name the parameters of what is appended later without the list's name.
        self.ups = nn.CellList(ups)
        self.resblocks = nn.CellList(resblocks)
        self.last_relu = nn.LeakyReLU(0.01)
        self.conv_post = Conv1d(channels, 1, 7, 1, padding=3)
        self.tanh = Tanh()

    def construct(self, x):
        x = self.conv_pre(x)
        for index, up in enumerate(self.ups):
            x = up(self.relu(x))
            total = 0.0
            for number in range(self.num_kernels):
                total = total + self.resblocks[index * self.num_kernels + number](x)
            x = total / self.num_kernels
        return self.tanh(self.conv_post(self.last_relu(x)))
