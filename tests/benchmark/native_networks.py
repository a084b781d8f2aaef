"""MindSpore's own cells under the names by which examples/models asks for mscompat's: what a port would use without it.

The process of MindSpore's own layers never imports mscompat, so this module takes its place there.
"""

from __future__ import annotations

import sys
import types

from mindspore import nn, ops

PReLU, Tanh, Sigmoid, BatchNorm2d, Linear = nn.PReLU, nn.Tanh, nn.Sigmoid, nn.BatchNorm2d, nn.Dense
Sequential, AdaptiveAvgPool2d, ReflectionPad2d = nn.SequentialCell, nn.AdaptiveAvgPool2d, nn.ReflectionPad2d


class Module(nn.Cell):
    def construct(self, *inputs):
        return self.forward(*inputs)


def Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, groups=1, bias=True):
    return nn.Conv2d(
        in_channels, out_channels, kernel_size, stride, "pad", padding, group=groups, has_bias=bias
    )


def ConvTranspose2d(
    in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, bias=True
):
    return nn.Conv2dTranspose(
        in_channels, out_channels, kernel_size, stride, "pad", padding, output_padding, has_bias=bias
    )


def InstanceNorm2d(channels):
    """nn.InstanceNorm2d is for GPU alone."""
    return nn.GroupNorm(channels, channels, affine=False)


def ReLU(inplace=False):
    return nn.ReLU()


def ReLU6(inplace=False):
    return nn.ReLU6()


def LeakyReLU(negative_slope, inplace=False):
    return nn.LeakyReLU(negative_slope)


def Softmax(dim):
    return nn.Softmax(dim)


def MaxPool2d(kernel_size, stride=None, padding=0, ceil_mode=False):
    return nn.MaxPool2d(kernel_size, stride or kernel_size, "pad", padding, ceil_mode=ceil_mode)


def Dropout(p):
    return nn.Dropout(p=p)


functional = types.SimpleNamespace(pad=ops.pad, adaptive_avg_pool2d=ops.adaptive_avg_pool2d)


def stand_in() -> None:
    """Be `mscompat` and `mscompat.nn` to what is imported from now on."""
    module = sys.modules[__name__]
    package = types.ModuleType("mscompat")
    package.nn = module
    sys.modules.update({"mscompat": package, "mscompat.nn": module})
