"""Run a network of models/ with a torch checkpoint on a picture, and draw what comes out.

    pip install -e '.[examples]'
    curl -LO https://download.pytorch.org/models/resnet18-f37072fd.pth
    python examples/run_model.py resnet18 --weights resnet18-f37072fd.pth --picture cat.jpg

The checkpoint is torch's own, as torch.save or safetensors wrote it: torch is not needed. Without --weights, the
weights are random, and the script says where trained ones are; without --picture, the picture is scikit-image's cat.
With --train-step, the network also takes a step of SGD, towards random targets.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import mindspore as ms
import numpy as np
import run_options
from models import cyclegan, dcgan, hifigan, mobilenet, resnet, unet
from PIL import Image, ImageDraw

import mscompat
from mscompat import nn

LEARNING_RATE = 0.001
Result = TypeVar("Result")


class Model(NamedTuple):
    build: type[nn.Module]
    shape: tuple[int, ...]  # of the input
    weights: str  # where torch's are: an address, or how to come by them
    mean: tuple[float, ...] | float = 0.5  # of the pixels that it was trained on, values from 0 to 1
    deviation: tuple[float, ...] | float = 0.5
    loss: type[nn.Module] = nn.MSELoss


IMAGENET = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225), "loss": nn.CrossEntropyLoss}
RESNET = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
MOBILENET = "https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth"
CARVANA = "https://github.com/milesial/Pytorch-UNet/releases/download/v3.0/unet_carvana_scale0.5_epoch2.pth"
# Its published files are of torch 0.3, with running statistics, which neither torch nor mscompat loads here any more.
CYCLEGAN = "train.py of https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix writes latest_net_G_A.pth"
DCGAN = "dcgan/main.py of https://github.com/pytorch/examples trains it, and writes net{}_epoch_24.pth"
HIFIGAN = "generator_v1, in the folder LJ_V1 of the pretrained models that https://github.com/jik876/hifi-gan links to"
MODELS = {
    "resnet18": Model(resnet.ResNet18, (1, 3, 224, 224), RESNET, **IMAGENET),
    "mobilenet_v2": Model(mobilenet.MobileNetV2, (1, 3, 224, 224), MOBILENET, **IMAGENET),
    "unet": Model(unet.UNet, (1, 3, 128, 128), CARVANA, 0.0, 1.0, nn.CrossEntropyLoss),
    "cyclegan": Model(cyclegan.ResnetGenerator, (1, 3, 128, 128), CYCLEGAN),
    "dcgan_generator": Model(dcgan.Generator, (1, 100, 1, 1), DCGAN.format("G")),
    "dcgan_discriminator": Model(dcgan.Discriminator, (1, 3, 64, 64), DCGAN.format("D")),
    "hifigan": Model(hifigan.HiFiGANGenerator, (1, 80, 32), HIFIGAN),
}
NO_PICTURE = {"dcgan_generator": "makes a picture of noise", "hifigan": "makes sound of a spectrogram"}
NOT_DRAWN = {"dcgan_discriminator": "gives one number", "hifigan": "makes sound"}


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
    else:
        print(f"random weights: the output means nothing\n{advice(model)}")

    input = make_input(model, args.picture, args.seed)
    output, seconds = timed(args.mode, "the network", lambda: network.eval()(ms.Tensor(input)).asnumpy())
    print(f"input {input.shape} to output {output.shape} in {seconds:.2f} s")
    if output.ndim == 2:
        best = best_classes(output[0])
        for name, chance in best.items():
            print(f"  {name}: {chance:.1%}")
    else:
        print(f"  from {output.min():.4f} to {output.max():.4f}, mean {output.mean():.4f}")
    if args.output:
        picture = draw_bars(args.picture, best) if output.ndim == 2 else draw_pixels(args.picture, output)
        picture.save(args.output)
        print(f"wrote {args.output}")

    if args.train_step:
        # Of one image, BatchNorm has nothing to average where the network is one pixel wide.
        batch = np.concatenate([input, input[..., ::-1] if input.shape[-1] > 1 else -input])
        (before, after), seconds = timed(args.mode, "a step", lambda: train_step(network, model, batch, args.seed))
        print(f"loss {before:.6f} before a step, {after:.6f} after it ({seconds:.2f} s)")
    return 0


def advice(model: Model) -> str:
    """Where to get the weights."""
    return "trained weights: " + ("curl -LO " if model.weights.startswith("https") else "") + model.weights


def timed(mode: str, name: str, call: Callable[[], Result]) -> tuple[Result, float]:
    """What a call returns, and its seconds; says before what the reader waits for."""
    print(f"compiling and running {name} ..." if mode == "graph" else f"running {name} ...", flush=True)
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def make_input(model: Model, picture: Image.Image | None, seed: int) -> np.ndarray:
    """The picture in the network's size, or random numbers for one that takes none."""
    if picture is None:
        return np.random.RandomState(seed).standard_normal(model.shape).astype(np.float32)
    height, width = model.shape[2:]
    pixels = np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)) / 255
    return ((pixels - model.mean) / model.deviation).transpose(2, 0, 1)[None].astype(np.float32)


def best_classes(scores: np.ndarray) -> dict[str, float]:
    """The five most probable classes of ImageNet, with their probabilities."""
    lines = Path(__file__).with_name("imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if not line.startswith("#")]
    chances = np.exp(scores - scores.max())
    return {names[label]: chances[label] / chances.sum() for label in np.argsort(-scores)[:5]}


def draw_bars(picture: Image.Image, chances: dict[str, float]) -> Image.Image:
    """The picture as the network sees it, and beside it a bar for each class: as wide as the picture, if certain."""
    size = 320
    image = Image.new("RGB", (2 * size + 40, size), "white")
    image.paste(picture.resize((size, size), Image.Resampling.BILINEAR))
    canvas = ImageDraw.Draw(image)
    for row, (name, chance) in enumerate(chances.items()):
        left, top = size + 20, 10 + row * 62
        canvas.text((left, top), f"{name}: {chance:.1%}", "black", font_size=18)
        canvas.rectangle((left, top + 26, left + round(size * chance), top + 46), "steelblue")
    return image


def draw_pixels(picture: Image.Image | None, output: np.ndarray) -> Image.Image:
    """The picture that came out, or of scores the class of each pixel; left of it, what went in."""
    if output.shape[1] == 3:
        pixels = (output[0].transpose(1, 2, 0) + 1) * 127.5
    else:
        pixels = output[0].argmax(0) * (255 / (output.shape[1] - 1))
    drawn = Image.fromarray(pixels.round().astype(np.uint8))
    if picture is None:
        return drawn
    image = Image.new("RGB", (2 * drawn.width, drawn.height))
    image.paste(picture.resize(drawn.size, Image.Resampling.BILINEAR))
    image.paste(drawn, (drawn.width, 0))
    return image


def train_step(network: nn.Module, model: Model, batch: np.ndarray, seed: int) -> list[float]:
    """The loss before and after a step of SGD."""
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
    return [float(step(input, target).asnumpy()) for _ in range(2)]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a network with a torch checkpoint, and draw what comes out.")
    parser.add_argument("model", choices=list(MODELS), help="the network")
    run_options.add(parser)
    parser.add_argument("--weights", type=Path, help="a torch state dict: .pth, .pt or .safetensors")
    parser.add_argument("--picture", type=Path, help="the input (default: a cat, from scikit-image)")
    parser.add_argument("--output", type=Path, help="the picture to write (default: the network's name with .png)")
    parser.add_argument("--train-step", action="store_true", help="train a step, too, towards random targets")
    parser.add_argument("--seed", type=int, default=0, help="of what is random (default: 0)")
    args = parser.parse_args()
    if args.picture and args.model in NO_PICTURE:
        parser.error(f"--picture: {args.model} {NO_PICTURE[args.model]}")
    if args.output and args.model in NOT_DRAWN:
        parser.error(f"--output: {args.model} {NOT_DRAWN[args.model]}")
    if args.output is None and args.model not in NOT_DRAWN:
        args.output = Path(f"{args.model}.png")
    if args.output:
        run_options.check_output(parser, args.output)
    if args.weights and not args.weights.is_file():
        parser.error(f"--weights: there is no file {args.weights}; {advice(MODELS[args.model])}")
    run_options.check_seed(parser, args.seed)
    if args.model not in NO_PICTURE:
        args.picture = run_options.open_picture(parser, args.picture, "chelsea.png")
    run_options.apply(parser, args)
    return args


if __name__ == "__main__":
    sys.exit(main())
