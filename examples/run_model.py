"""Run a network of models/ with a torch checkpoint, and train it for a step.

    pip install mscompat
    python run_model.py resnet18 --weights resnet18.pth --picture cat.jpg

The checkpoint is torch's own, as torch.save or safetensors wrote it: torch is not needed. Without --weights, the
weights are random; without --picture, so is the input. Prints what comes out, and the loss before and after a step.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import mindspore as ms
import numpy as np
import run_options
from models import cyclegan, dcgan, hifigan, mobilenet, resnet, unet
from PIL import Image

import mscompat
from mscompat import nn

LEARNING_RATE = 0.001


class Model(NamedTuple):
    build: type[nn.Module]
    shape: tuple[int, ...]  # of the input
    mean: tuple[float, ...] | float = 0.5  # of the pixels that it was trained on, values from 0 to 1
    deviation: tuple[float, ...] | float = 0.5
    loss: type[nn.Module] = nn.MSELoss


IMAGENET = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225), "loss": nn.CrossEntropyLoss}
MODELS = {
    "resnet18": Model(resnet.ResNet18, (1, 3, 224, 224), **IMAGENET),
    "mobilenet_v2": Model(mobilenet.MobileNetV2, (1, 3, 224, 224), **IMAGENET),
    "unet": Model(unet.UNet, (1, 3, 128, 128), 0.0, 1.0, nn.CrossEntropyLoss),
    "cyclegan": Model(cyclegan.ResnetGenerator, (1, 3, 128, 128)),
    "dcgan_generator": Model(dcgan.Generator, (1, 100, 1, 1)),
    "dcgan_discriminator": Model(dcgan.Discriminator, (1, 3, 64, 64)),
    "hifigan": Model(hifigan.HiFiGANGenerator, (1, 80, 32)),
}
NO_PICTURE = {"dcgan_generator": "makes a picture of noise", "hifigan": "makes sound of a spectrogram"}


def main() -> int:
    args = parse_arguments()
    model = MODELS[args.model]
    mscompat.manual_seed(args.seed)
    ms.set_seed(args.seed)
    network = model.build()
    print(f"{args.model}: {sum(parameter.size for parameter in network.parameters()):,} parameters")
    if args.weights:
        run_options.load_weights(network, args.weights)
        print(f"weights of {args.weights}")

    input = make_input(model, args.picture, args.seed)
    start = time.perf_counter()
    output = network.eval()(ms.Tensor(input)).asnumpy()
    print(f"input {input.shape} to output {output.shape}, compiled and run in {time.perf_counter() - start:.2f} s")
    describe(output)
    if args.output:
        save(output, args.output)
        print(f"wrote {args.output}")

    # Of one image, BatchNorm has nothing to average where the network is one pixel wide.
    batch = np.concatenate([input, input[..., ::-1] if input.shape[-1] > 1 else -input])
    before, after, seconds = train_step(network, model, batch, args.seed)
    print(f"loss {before:.6f} before a step, {after:.6f} after it ({seconds:.2f} s)")
    return 0


def make_input(model: Model, picture: Image.Image | None, seed: int) -> np.ndarray:
    if picture is None:
        return np.random.RandomState(seed).standard_normal(model.shape).astype(np.float32)
    height, width = model.shape[2:]
    pixels = np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)) / 255
    return ((pixels - model.mean) / model.deviation).transpose(2, 0, 1)[None].astype(np.float32)


def describe(output: np.ndarray) -> None:
    if output.ndim == 2:
        scores = np.exp(output[0] - output[0].max())
        for label in np.argsort(-output[0])[:5]:
            print(f"  class {label}: {scores[label] / scores.sum():.1%}")
    else:
        print(f"  from {output.min():.4f} to {output.max():.4f}, mean {output.mean():.4f}")


def save(output: np.ndarray, path: Path) -> None:
    """A picture, or of scores the class of each pixel."""
    if output.shape[1] == 3:
        pixels = (output[0].transpose(1, 2, 0) + 1) * 127.5
    else:
        pixels = output[0].argmax(0) * (255 / (output.shape[1] - 1))
    Image.fromarray(pixels.round().astype(np.uint8)).save(path)


def train_step(network: nn.Module, model: Model, batch: np.ndarray, seed: int) -> tuple[float, float, float]:
    """The loss before and after a step of SGD, and its seconds."""
    network.train()
    input = ms.Tensor(batch)
    output = network(input)
    random = np.random.RandomState(seed)
    if model.loss is nn.CrossEntropyLoss:
        target = ms.Tensor(random.randint(0, output.shape[1], (output.shape[0], *output.shape[2:])))
    else:
        target = ms.Tensor(random.uniform(-1, 1, output.shape), ms.float32)
    optimizer = ms.nn.SGD(list(network.parameters()), LEARNING_RATE, momentum=0.9)
    step = ms.nn.TrainOneStepCell(ms.nn.WithLossCell(network, model.loss()), optimizer).set_train()
    start = time.perf_counter()
    losses = [float(step(input, target).asnumpy()) for _ in range(2)]
    return losses[0], losses[1], time.perf_counter() - start


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a network with a torch checkpoint, and train it for a step.")
    parser.add_argument("model", choices=list(MODELS), help="the network")
    run_options.add(parser)
    parser.add_argument("--weights", type=Path, help="a torch state dict: .pth, .pt or .safetensors")
    parser.add_argument("--picture", type=Path, help="the input, scaled to the network's size")
    parser.add_argument("--output", type=Path, help="the picture to write, of a network that makes pictures")
    parser.add_argument("--seed", type=int, default=0, help="of what is random (default: 0)")
    args = parser.parse_args()
    if args.picture and args.model in NO_PICTURE:
        parser.error(f"--picture: {args.model} {NO_PICTURE[args.model]}")
    if args.output:
        if args.model not in ("unet", "cyclegan", "dcgan_generator"):
            parser.error(f"--output: {args.model} makes no picture")
        run_options.check_output(parser, args.output)
    if args.weights and not args.weights.is_file():
        parser.error(f"--weights: there is no file {args.weights}")
    run_options.check_seed(parser, args.seed)
    if args.picture:
        args.picture = run_options.open_picture(parser, args.picture)
    run_options.apply(parser, args)
    return args


if __name__ == "__main__":
    sys.exit(main())
