"""Train a small convolutional autoencoder on handwritten digits, written as for torch.

    pip install -e '.[examples]'
    python examples/train_autoencoder.py

The digits (8x8 pixels) come with scikit-learn: nothing is downloaded. The picture shows digits that were held back
from training above what the network makes of them. With --compare-torch, torch trains the same network from the same
weights on the same batches, on the CPU, and the two loss curves are printed side by side. Two processes share the
batches, and arrive at the same weights, with

    msrun --worker_num=2 --local_worker_num=2 --join=True examples/train_autoencoder.py --distributed

(msrun starts the 'python' of the PATH, and opens port 8118, or --master_port.)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mindspore as ms
import numpy as np
import run_options
from mindspore import communication, ops

import mscompat
from mscompat import nn

with run_options.needs_extra():
    import matplotlib
    from sklearn.datasets import load_digits
    from tqdm import tqdm

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

BATCH_SIZE = 64
# Rounding differs between libraries, even between processors, and training magnifies it: at a learning rate of 1, two
# kernels of torch itself can drift apart by more than the tolerance.
LEARNING_RATE = 0.3
MOMENTUM = 0.9
TOLERANCE = 1e-3  # relative, between the curves of MindSpore and torch

# Takes a batch of images, updates the network and returns the loss.
Step = Callable[[np.ndarray], float]


class Autoencoder(nn.Module):
    """Images of shape (N, 1, 8, 8), values from 0 to 1, of such images: through 32 channels of 2x2 pixels."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),  # 8x8 to 4x4
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),  # to 2x2
            nn.ReLU(inplace=True),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(32, 16, kernel_size=3, stride=2, padding=1, output_padding=1),  # to 4x4
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(16, 1, kernel_size=3, stride=2, padding=1, output_padding=1),  # to 8x8
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main() -> int:
    args = parse_arguments()
    rank, ranks = join_workers() if args.distributed else (0, 1)

    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)  # (1797, 1, 8, 8), values from 0 to 1
    train_images, test_images, test_labels = images[:1600], images[1600:], digits.target[1600:]

    mscompat.manual_seed(args.seed)
    network = Autoencoder()
    losses = train("MindSpore", make_step(network, rank, ranks), train_images, args.epochs, args.seed, rank > 0)
    if rank > 0:
        return 0

    if args.checkpoint:
        ms.save_checkpoint(network, str(args.checkpoint))
        print(f"wrote {args.checkpoint}")
    reconstructions = network.eval()(ms.Tensor(test_images)).asnumpy()
    test_loss = np.mean((reconstructions - test_images) ** 2)
    print(f"loss on the {len(test_images)} digits held back: {test_loss:.6f}")
    draw(test_images, reconstructions, test_labels, args.output)
    print(f"wrote {args.output}")

    if args.compare_torch:
        torch_losses = train("torch", make_torch_step(args.seed), train_images, args.epochs, args.seed)
        return compare(losses, torch_losses)
    return 0


def join_workers() -> tuple[int, int]:
    """Meet the processes that msrun started: this one's number, and how many there are."""
    communication.init()
    # What makes nn.TrainOneStepCell take the mean of the workers' gradients.
    ms.set_auto_parallel_context(parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=True)
    return communication.get_rank(), communication.get_group_size()


def make_step(network: nn.Module, rank: int, ranks: int) -> Step:
    """Each rank takes its part of a batch, all have the same weights and the loss of the whole batch."""
    optimizer = ms.nn.SGD(list(network.parameters()), LEARNING_RATE, momentum=MOMENTUM)
    cell = ms.nn.TrainOneStepCell(ms.nn.WithLossCell(network, nn.MSELoss()), optimizer).set_train()

    def step(batch: np.ndarray) -> float:
        batch = ms.Tensor(batch[rank::ranks])
        loss = cell(batch, batch)
        if ranks > 1:
            loss = ops.AllReduce()(loss) / ranks
        return float(loss.asnumpy())

    return step


def make_torch_step(seed: int) -> Step:
    """The same network with the same weights and optimizer, in torch."""
    import torch

    torch.set_num_threads(1)  # for layers this small, threads wait longer than they work
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.ConvTranspose2d(32, 16, kernel_size=3, stride=2, padding=1, output_padding=1),
        torch.nn.ReLU(),
        torch.nn.ConvTranspose2d(16, 1, kernel_size=3, stride=2, padding=1, output_padding=1),
        torch.nn.Sigmoid(),
    )
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=MOMENTUM)

    def step(batch: np.ndarray) -> float:
        batch = torch.from_numpy(batch)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(network(batch), batch)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def train(name: str, step: Step, images: np.ndarray, epochs: int, seed: int, quiet: bool = False) -> np.ndarray:
    """Return the losses, of shape (epochs, batches). The seed sets the order of the images."""
    shuffle = np.random.RandomState(seed)
    losses = []
    for epoch in tqdm(range(1, epochs + 1), desc=name, unit="epoch", disable=quiet):
        start = time.perf_counter()
        order = shuffle.permutation(len(images)).reshape(-1, BATCH_SIZE)
        losses.append([step(images[batch]) for batch in order])
        seconds = time.perf_counter() - start
        first, mean = losses[-1][0], np.mean(losses[-1])
        text = f"{name} epoch {epoch}/{epochs}: loss {mean:.6f}, of the first batch {first:.6f} ({seconds:.2f} s)"
        if not quiet:
            tqdm.write(text)
    return np.array(losses)


def compare(losses: np.ndarray, torch_losses: np.ndarray) -> int:
    """Print both pairs of curves and return the exit code."""
    curves = np.stack([losses[:, 0], torch_losses[:, 0], losses.mean(1), torch_losses.mean(1)], axis=1)
    print("\n           loss of first batch        mean loss of epoch")
    print("epoch    MindSpore        torch    MindSpore        torch")
    for epoch, row in enumerate(curves, start=1):
        print(f"{epoch:5d} " + " ".join(f"{loss:12.6f}" for loss in row))
    ours, theirs = curves[:, ::2], curves[:, 1::2]
    difference = np.max(np.abs(ours - theirs) / theirs)
    print(f"largest relative difference: {difference:.1e}")
    if not difference <= TOLERANCE:  # NaN fails too
        print(f"FAILED: the losses of MindSpore and torch differ by more than {TOLERANCE:g}", file=sys.stderr)
        return 1
    return 0


def draw(images: np.ndarray, reconstructions: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """The first image of each digit, and below it the network's reconstruction."""
    figure, axes = plt.subplots(2, 10, figsize=(10, 2.6), layout="constrained")
    for digit in range(10):
        index = np.flatnonzero(labels == digit)[0]
        for axis, image in zip(axes[:, digit], (images[index, 0], reconstructions[index, 0]), strict=True):
            axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        axes[0, digit].set_title(str(digit))
    axes[0, 0].set_ylabel("input")
    axes[1, 0].set_ylabel("output")
    figure.suptitle("Digits the autoencoder was not trained on, and its reconstructions")
    figure.savefig(path, dpi=150)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a convolutional autoencoder on handwritten digits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    run_options.add(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of the order of the images")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the 1600 training images")
    parser.add_argument("--output", type=Path, default="autoencoder.png", help="the picture to write")
    parser.add_argument("--checkpoint", type=Path, help="the file to write the weights to")
    parser.add_argument("--compare-torch", action="store_true", help="train the same network in torch and compare")
    parser.add_argument("--distributed", action="store_true", help="share the work with the other processes of msrun")
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"--epochs must be at least 1, but got {args.epochs}")
    run_options.check_seed(parser, args.seed)
    run_options.check_output(parser, args.output)
    if args.checkpoint and not args.checkpoint.parent.is_dir():
        parser.error(f"--checkpoint: there is no folder {args.checkpoint.parent}")
    if args.compare_torch:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            parser.exit(2, f"--compare-torch needs torch: {error}\n")
    if args.distributed:
        workers = int(os.environ.get("MS_WORKER_NUM", 0))
        if not workers:
            parser.error(
                "--distributed needs msrun: msrun --worker_num=2 --local_worker_num=2 --join=True "
                f"{sys.argv[0]} --distributed"
            )
        if BATCH_SIZE % workers:
            parser.error(f"--distributed: {workers} processes cannot share batches of {BATCH_SIZE} images equally")
    run_options.apply(parser, args)
    return args


if __name__ == "__main__":
    sys.exit(main())
