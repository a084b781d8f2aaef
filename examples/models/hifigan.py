"""HiFi-GAN's generator with the parameter names of github.com/jik876/hifi-gan. Source: arXiv 2010.05646.

The original wraps its convolutions in weight_norm, which training needs and the sound does not: of the parts in its
checkpoints, weight_g and weight_v or their newer names, mscompat.load_torch_state_dict makes the weight. To train the
parts, as the original does, wrap the convolutions in mscompat.nn.utils.weight_norm.
"""

from __future__ import annotations

from mscompat import nn
from mscompat.nn import functional as F


def _conv(channels, kernel_size, dilation):
    """A convolution that keeps the length."""
    padding = (kernel_size - 1) * dilation // 2
    return nn.Conv1d(channels, channels, kernel_size, padding=padding, dilation=dilation)


class ResBlock1(nn.Module):
    def __init__(self, channels, kernel_size, dilations):
        super().__init__()
        self.convs1 = nn.ModuleList([_conv(channels, kernel_size, dilation) for dilation in dilations])
        self.convs2 = nn.ModuleList([_conv(channels, kernel_size, 1) for _ in dilations])

    def forward(self, x):
        for conv1, conv2 in zip(self.convs1, self.convs2):  # noqa: B905
            x = conv2(F.leaky_relu(conv1(F.leaky_relu(x, 0.1)), 0.1)) + x
        return x


class ResBlock2(nn.Module):
    def __init__(self, channels, kernel_size, dilations):
        super().__init__()
        self.convs = nn.ModuleList([_conv(channels, kernel_size, dilation) for dilation in dilations])

    def forward(self, x):
        for conv in self.convs:
            x = conv(F.leaky_relu(x, 0.1)) + x
        return x


class HiFiGANGenerator(nn.Module):
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
        widths = [upsample_initial_channel // 2**i for i in range(len(upsample_rates) + 1)]
        self.num_kernels = len(resblock_kernel_sizes)
        self.conv_pre = nn.Conv1d(num_mels, widths[0], 7, padding=3)
        self.ups = nn.ModuleList([
            nn.ConvTranspose1d(widths[i], widths[i + 1], size, rate, padding=(size - rate) // 2)
            for i, (rate, size) in enumerate(zip(upsample_rates, upsample_kernel_sizes, strict=True))
        ])
        self.resblocks = nn.ModuleList([
            block(width, kernel_size, dilations)
            for width in widths[1:]
            for kernel_size, dilations in zip(resblock_kernel_sizes, resblock_dilation_sizes, strict=True)
        ])
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3)

    def forward(self, x):
        x = self.conv_pre(x)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            total = 0.0
            for block in self.resblocks[i * self.num_kernels : (i + 1) * self.num_kernels]:
                total = total + block(x)
            x = total / self.num_kernels
        return F.tanh(self.conv_post(F.leaky_relu(x)))
