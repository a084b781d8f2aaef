"""MobileNetV2 with torchvision's parameter names: torchvision.models.mobilenet_v2. Source: arXiv 1801.04381."""

from __future__ import annotations

from mindspore import ops

from mscompat import nn
from mscompat.nn import functional as F


def _make_divisible(value, divisor=8):
    """The nearest multiple, but not below 90% of the value."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def _conv_bn_relu(in_channels, out_channels, kernel_size=3, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio):
        super().__init__()
        self.use_res_connect = stride == 1 and inp == oup
        hidden_dim = inp * expand_ratio
        layers = [] if expand_ratio == 1 else [_conv_bn_relu(inp, hidden_dim, kernel_size=1)]
        layers += [
            _conv_bn_relu(hidden_dim, hidden_dim, stride=stride, groups=hidden_dim),
            nn.Conv2d(hidden_dim, oup, 1, bias=False),
            nn.BatchNorm2d(oup),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Scores of shape (N, num_classes) of images of shape (N, 3, H, W)."""

    SETTING = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    )

    def __init__(self, num_classes=1000, width_mult=1.0, inverted_residual_setting=SETTING, dropout=0.2):
        super().__init__()
        channels = _make_divisible(32 * width_mult)
        last_channel = _make_divisible(1280 * max(1.0, width_mult))
        features = [_conv_bn_relu(3, channels, stride=2)]
        for expand_ratio, oup, blocks, stride in inverted_residual_setting:
            oup = _make_divisible(oup * width_mult)
            for block in range(blocks):
                features.append(InvertedResidual(channels, oup, stride if block == 0 else 1, expand_ratio))
                channels = oup
        features.append(_conv_bn_relu(channels, last_channel, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(last_channel, num_classes))

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(ops.flatten(x, start_dim=1))
