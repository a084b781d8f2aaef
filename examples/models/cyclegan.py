"""CycleGAN's ResNet generator with the parameter names of github.com/junyanz/pytorch-CycleGAN-and-pix2pix.

Source: arXiv 1703.10593.
"""

from __future__ import annotations

from mindspore import nn

from mscompat.nn import Conv2d, ConvTranspose2d

from .layers import InstanceNorm2d, Tanh


class ResnetBlock(nn.Cell):
    def __init__(self, dim):
        super().__init__()
        self.conv_block = nn.SequentialCell(
            nn.ReflectionPad2d(1),
            Conv2d(dim, dim, kernel_size=3),
            InstanceNorm2d(),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            Conv2d(dim, dim, kernel_size=3),
            InstanceNorm2d(),
        )

    def construct(self, x):
        return x + self.conv_block(x)


class ResnetGenerator(nn.Cell):
    """Images of shape (N, output_nc, H, W), values from -1 to 1, of such images. H and W are multiples of 4."""

    def __init__(self, input_nc=3, output_nc=3, ngf=64, n_blocks=9):
        super().__init__()
        model = [
            nn.ReflectionPad2d(3),
            Conv2d(input_nc, ngf, kernel_size=7),
            InstanceNorm2d(),
            nn.ReLU(),
        ]
        for mult in (1, 2):
            model += [
                Conv2d(ngf * mult, ngf * mult * 2, kernel_size=3, stride=2, padding=1),
                InstanceNorm2d(),
                nn.ReLU(),
            ]
        model += [ResnetBlock(ngf * 4) for _ in range(n_blocks)]
        for mult in (4, 2):
            model += [
                ConvTranspose2d(ngf * mult, ngf * mult // 2, kernel_size=3, stride=2, padding=1, output_padding=1),
                InstanceNorm2d(),
                nn.ReLU(),
            ]
        model += [nn.ReflectionPad2d(3), Conv2d(ngf, output_nc, kernel_size=7), Tanh()]
        self.model = nn.SequentialCell(*model)

    def construct(self, input):
        return self.model(input)
