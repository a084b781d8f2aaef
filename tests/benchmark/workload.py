"""What is timed: the convolutions of well-known networks of one to three dimensions, other cells, whole networks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Arrays(NamedTuple):
    """What a layer is called with. The cotangent is the gradient of the output."""

    input: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    cotangent: np.ndarray


FORWARD, BACKWARD = PASSES = "forward", "forward+backward"


class Case(NamedTuple):
    """A layer with its input, or what else `subject` names. `arguments` are torch's."""

    name: str
    kind: str  # cases of one kind are judged together
    input: tuple[int, ...]
    arguments: dict[str, Any]
    transposed: bool = False
    count: int = 1  # how often the network holds the layer
    quick: bool = False  # also in the quick selection
    subject: str = "layer"  # or another method of a contender

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Case:
        """What `_asdict` gave. JSON makes lists of tuples, and MindSpore's own layers refuse lists."""
        arguments = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields["arguments"].items()
        }
        return cls(**{**fields, "input": tuple(fields["input"]), "arguments": arguments})

    @property
    def layer(self) -> str:
        """The name of torch's layer."""
        return f"Conv{'Transpose' if self.transposed else ''}{len(self.input) - 2}d"

    @property
    def shapes(self) -> tuple[tuple[int, ...] | None, ...]:
        """Of weight, bias and cotangent; None for a bias that the layer does not have."""
        arguments = self.arguments
        images, _, *sizes = self.input
        kernel_size, stride, padding, dilation, output_padding = (
            np.broadcast_to(arguments.get(name, default), len(sizes))
            for name, default in (
                ("kernel_size", None), ("stride", 1), ("padding", 0), ("dilation", 1), ("output_padding", 0)
            )
        )
        reach = dilation * (kernel_size - 1) + 1
        in_channels, out_channels = arguments["in_channels"], arguments["out_channels"]
        if self.transposed:
            first, second = in_channels, out_channels
            results = (np.array(sizes) - 1) * stride - 2 * padding + reach + output_padding
        else:
            first, second = out_channels, in_channels
            results = (sizes + 2 * padding - reach) // stride + 1
        weight = (first, second // arguments.get("groups", 1), *kernel_size.tolist())
        bias = (out_channels,) if arguments.get("bias", True) else None
        return weight, bias, (images, out_channels, *results.tolist())


def _conv(name, kind, batch, sizes, in_channels, out_channels, kernel_size, stride=1, padding=0, **others) -> Case:
    """The sizes are those of the input after its channels; one number is height and width of an image."""
    fields = {key: others.pop(key) for key in ("transposed", "count", "quick", "subject") if key in others}
    arguments = {
        "in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel_size, "stride": stride,
        "padding": padding, **others,
    }
    sizes = (sizes, sizes) if isinstance(sizes, int) else sizes
    return Case(name, kind, (batch, in_channels, *sizes), arguments, **fields)


def _depthwise(channels, size, stride, **fields) -> Case:
    name = f"MobileNetV2 depthwise {channels}, {size}, /{stride}"
    return _conv(name, "depthwise", 8, size, channels, channels, 3, stride, 1, groups=channels, **fields)


def _pointwise(size, in_channels, out_channels, **fields) -> Case:
    name = f"MobileNetV2 pointwise {in_channels}-{out_channels}, {size}"
    return _conv(name, "pointwise", 8, size, in_channels, out_channels, 1, **fields)


def _resnet(size, in_channels, out_channels, kernel_size, stride, padding, count, **fields) -> Case:
    name = f"ResNet-18 {in_channels}-{out_channels} k{kernel_size}, {size}, /{stride}"
    kind = "pointwise" if kernel_size == 1 else "dense"
    return _conv(
        name, kind, 8, size, in_channels, out_channels, kernel_size, stride, padding, count=count, **fields
    )


def _signal(name, length, in_channels, out_channels, kernel_size, stride=1, padding=0, **others) -> Case:
    kind = "transposed 1-D" if others.get("transposed") else "1-D"
    name = f"{name} {in_channels}-{out_channels} k{kernel_size}, {length}"
    name += f", /{stride}" if stride > 1 else f", dilation {others['dilation']}" if "dilation" in others else ""
    return _conv(name, kind, 1, (length,), in_channels, out_channels, kernel_size, stride, padding, **others)


def _volume(name, sizes, in_channels, out_channels, kernel_size, stride=1, padding=0, **others) -> Case:
    kind = "transposed 3-D" if others.get("transposed") else "3-D"
    name = f"{name} {in_channels}-{out_channels} k{_times(kernel_size)}, {_times(sizes)}"
    name += "" if stride == 1 else f", /{_times(stride)}"
    return _conv(name, kind, 1, sizes, in_channels, out_channels, kernel_size, stride, padding, **others)


def _large(name, batch, size, in_channels, out_channels, kernel_size, **others) -> Case:
    name = f"{name} {in_channels}-{out_channels} k{_times((kernel_size, kernel_size))}, {size}"
    name += f", {others['groups']} groups" if "groups" in others else ""
    # Of a kind of its own, because oneDNN chooses otherwise for it: see PRETENDED in run.py.
    kind = "large kernel, one channel" if in_channels == out_channels == 1 else "large kernel"
    return _conv(name, kind, batch, size, in_channels, out_channels, kernel_size, 1, kernel_size // 2, **others)


def _times(size: int | tuple[int, ...]) -> str:
    return str(size) if isinstance(size, int) else "x".join(map(str, size))


def _cell(name, input, *args, **fields) -> Case:
    """A cell of mscompat.nn beside MindSpore's own and torch's: evaluated in the forward pass, trained in both."""
    text = f"{name}({', '.join(map(str, args))}), {_times(input)}"
    return Case(text, "cell", input, {"name": name, "args": list(args)}, subject="cell", **fields)


def _network(name, input, path, *args, **fields) -> Case:
    """A network of examples/models and its torch original; both passes are a step of training."""
    return Case(name, "network", input, {"path": path, "args": list(args)}, subject="network", **fields)


_MAPS = (8, 64, 56, 56)
CELLS: tuple[Case, ...] = (
    _cell("BatchNorm2d", _MAPS, 64, quick=True),
    _cell("BatchNorm2d", (8, 960, 7, 7), 960),
    _cell("GroupNorm", (8, 64, 28, 28), 8, 64),
    _cell("LayerNorm", (8, 196, 512), 512, quick=True),
    _cell("ReLU", _MAPS, quick=True),
    _cell("ReLU6", _MAPS),
    _cell("LeakyReLU", _MAPS, 0.2),
    _cell("PReLU", _MAPS, 64),
    _cell("GELU", _MAPS),
    _cell("SiLU", _MAPS),
    _cell("Hardswish", _MAPS),
    _cell("Sigmoid", _MAPS),
    _cell("Softmax", (64, 1000), 1),
    _cell("MaxPool2d", _MAPS, 2, quick=True),
    _cell("MaxPool2d", (8, 64, 112, 112), 3, 2, 1),
    _cell("AvgPool2d", _MAPS, 2),
    _cell("AdaptiveAvgPool2d", (8, 512, 7, 7), 1),
    _cell("ReflectionPad2d", (1, 64, 128, 128), 1),
    _cell("UpsamplingNearest2d", (1, 64, 64, 64), None, 2),
    _cell("UpsamplingBilinear2d", (1, 64, 64, 64), None, 2),
    _cell("PixelShuffle", (1, 256, 64, 64), 2),
    _cell("Linear", (64, 512), 512, 1000, quick=True),
    _cell("Dropout", (64, 4096), 0.5),
)
NETWORKS: tuple[Case, ...] = (
    _network("ResNet-18", (8, 3, 224, 224), "resnet.ResNet18", quick=True),
    _network("MobileNetV2", (8, 3, 224, 224), "mobilenet.MobileNetV2", 1000, 1.0, None, 0.0, quick=True),
    _network("U-Net", (1, 3, 128, 128), "unet.UNet", 3, 2),
    _network("DCGAN's generator", (16, 100, 1, 1), "dcgan.Generator", quick=True),
    _network("CycleGAN's generator", (1, 3, 128, 128), "cyclegan.ResnetGenerator"),
    _network("MTCNN's O-Net", (64, 3, 48, 48), "mtcnn.ONet"),
)

# One group after the other; the members of a group take turns, so that their times compare.
GROUPS: tuple[tuple[Case, ...], ...] = (
    (_resnet(224, 3, 64, 7, 2, 3, 1),),
    (_resnet(56, 64, 64, 3, 1, 1, 4, quick=True),),
    (_resnet(56, 64, 128, 3, 2, 1, 1),),
    (_resnet(56, 64, 128, 1, 2, 0, 1),),
    (_resnet(28, 128, 128, 3, 1, 1, 3),),
    (_resnet(28, 128, 256, 3, 2, 1, 1),),
    (_resnet(28, 128, 256, 1, 2, 0, 1),),
    (_resnet(14, 256, 256, 3, 1, 1, 3),),
    (_resnet(14, 256, 512, 3, 2, 1, 1),),
    (_resnet(14, 256, 512, 1, 2, 0, 1),),
    (_resnet(7, 512, 512, 3, 1, 1, 3, quick=True),),
    (_depthwise(96, 112, 2),),
    (_depthwise(144, 56, 1),),
    (_depthwise(384, 14, 1, count=4, quick=True),),
    (_depthwise(960, 7, 1, count=3),),
    (_pointwise(112, 32, 16),),
    (_pointwise(56, 24, 144, count=2),),
    (_pointwise(14, 64, 384, count=4, quick=True),),
    (_pointwise(7, 960, 160, count=2),),
    (_conv("grouped 64-64 k3, 56, 8 groups", "grouped", 8, 56, 64, 64, 3, 1, 1, groups=8, quick=True),),
    *(
        (_conv(f"U-Net up {channels}-{channels // 2}, {size}", "transposed", 1, size, channels, channels // 2, 2, 2,
               transposed=True, quick=size == 28),)
        for channels, size in ((1024, 14), (512, 28), (256, 56), (128, 112))
    ),
    (_conv("DCGAN 100-512 k4, 1", "transposed", 8, 1, 100, 512, 4, 1, 0, transposed=True),),
    *(
        (_conv(f"DCGAN {channels}-{out_channels} k4, {size}, /2", "transposed", 8, size, channels, out_channels, 4, 2,
               1, transposed=True, quick=size == 8),)
        for channels, out_channels, size in ((512, 256, 4), (256, 128, 8), (128, 64, 16), (64, 3, 32))
    ),
    (_conv("CycleGAN reflect 3-64 k7, 256", "padding mode", 1, 256, 3, 64, 7, 1, 3, padding_mode="reflect"),),
    (_conv("CycleGAN reflect 256-256 k3, 64", "padding mode", 1, 64, 256, 256, 3, 1, 1, padding_mode="reflect",
           count=18, quick=True),),
    (_conv("CycleGAN reflect 64-3 k7, 256", "padding mode", 1, 256, 64, 3, 7, 1, 3, padding_mode="reflect"),),
    *(
        (_conv(f"CycleGAN up {channels}-{channels // 2} k3, {size}, output_padding 1", "output_padding", 1, size,
               channels, channels // 2, 3, 2, 1, output_padding=1, transposed=True, quick=size == 64),)
        for channels, size in ((256, 64), (128, 128))
    ),
    tuple(
        _conv(f"64-64 k3, 56, {mode}", "zeros" if mode == "zeros" else "padding mode", 8, 56, 64, 64, 3, 1, 1,
              padding_mode=mode, quick=True)
        for mode in ("zeros", "reflect", "replicate", "circular")
    ),
    (_signal("wav2vec 2.0", 16000, 1, 512, 10, 5),),
    (_signal("wav2vec 2.0", 3199, 512, 512, 3, 2, quick=True),),
    (_signal("WaveNet", 16000, 64, 128, 2, 1, 8, dilation=8),),
    *(
        (_signal("HiFi-GAN up", frames, channels, channels // 2, 16, 8, 4, transposed=True, quick=frames == 32),)
        for channels, frames in ((512, 32), (512, 128), (256, 256))
    ),
    (_signal("HiFi-GAN", 2048, 128, 128, 11, 1, 25, dilation=5),),
    (_signal("STFT", 16000, 1, 258, 256, 128, bias=False),),
    (_volume("R3D-18", (16, 112, 112), 3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3)),),
    (_volume("R3D-18", (16, 56, 56), 64, 64, 3, 1, 1, count=4),),
    (_volume("R3D-18", (16, 56, 56), 64, 128, 3, 2, 1),),
    (_volume("R3D-18", (2, 7, 7), 512, 512, 3, 1, 1, count=3, quick=True),),
    (_volume("I3D", (16, 112, 112), 3, 64, 7, 2, 3),),
    (_volume("V-Net up", (8, 8, 8), 256, 128, 2, 2, transposed=True),),
    (_large("large kernel", 1, 256, 1, 1, 31),),
    (_large("blur", 1, 256, 3, 3, 21, groups=3),),
    (_large("large kernel", 4, 128, 1, 8, 11, quick=True),),
    *((case,) for case in CELLS),
    *((case,) for case in NETWORKS),
)

# What a call costs beyond its operators, in PyNative mode: each call, and its operators.
OVERHEAD_PAIRS = {
    "a call": ("layer", "operators"),
    "a functional call": ("functional", "operators"),
    "a padded call": ("padded_layer", "padded_operators"),
}


def _short(subject: str) -> Case:
    others = {"padding_mode": "reflect"} if subject.startswith("padded") else {}
    return _conv(f"16-16 k3, 8, {subject}", "overhead", 1, 8, 16, 16, 3, 1, 1, subject=subject, **others)


OVERHEAD: tuple[Case, ...] = tuple(
    map(_short, dict.fromkeys(subject for pair in OVERHEAD_PAIRS.values() for subject in pair))
)
