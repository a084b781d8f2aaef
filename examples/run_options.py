"""What the examples share: the options of where and how MindSpore runs, and checks that end with one line."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mindspore as ms
from PIL import Image

import mscompat
from mscompat import nn


@contextmanager
def needs_extra() -> Iterator[None]:
    """Around imports of packages that mscompat itself does without: end with one line where one is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        sys.exit(f"{Path(sys.argv[0]).name}: error: {package} is not installed: pip install -e '.[examples]'")


def add(parser: argparse.ArgumentParser) -> None:
    targets = ("CPU", "GPU", "Ascend")
    parser.add_argument("--device-target", choices=targets, default="CPU", help="where MindSpore runs")
    parser.add_argument("--device_target", choices=targets, help=argparse.SUPPRESS)  # as MindSpore spells it
    parser.add_argument("--mode", choices=("graph", "pynative"), default="graph", help="MindSpore's execution mode")


def apply(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Set them, or end with one line that says why they cannot be set."""
    if not _is_available(args.device_target):
        parser.exit(1, f"{parser.prog}: error: there is no {args.device_target} that MindSpore can use\n")
    ms.set_device(args.device_target)
    ms.set_context(mode=ms.GRAPH_MODE if args.mode == "graph" else ms.PYNATIVE_MODE)
    mscompat.launch_blocking()  # an example calls operators from one thread


def _is_available(target: str) -> bool:
    """Whether MindSpore can use a device. Otherwise it warns, in several long lines, which are kept back."""
    logging.disable()
    try:
        return getattr(ms.device_context, target.lower()).is_available()
    finally:
        logging.disable(logging.NOTSET)


def check_seed(parser: argparse.ArgumentParser, seed: int) -> None:
    if not 0 <= seed < 2**32:
        parser.error(f"--seed must be from 0 to {2**32 - 1}, but got {seed}")


def check_output(parser: argparse.ArgumentParser, path: Path) -> None:
    if path.suffix.lower() != ".png":
        parser.error(f"--output must end in .png, but got {path}")
    if not path.parent.is_dir():
        parser.error(f"--output: there is no folder {path.parent}")
    if path.is_dir():
        parser.error(f"--output: {path} is a folder")


def folder_of(package: str) -> Path | None:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def open_picture(parser: argparse.ArgumentParser, path: Path | None, default: str) -> Image.Image:
    """A picture; None stands for one of scikit-image's, of this name."""
    if path is None:
        package = folder_of("skimage")
        if package is None:
            parser.error("the default picture is in scikit-image: pip install -e '.[examples]', or give a --picture")
        path = package / "data" / default
    try:
        return Image.open(path).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # all of them of damaged files
        parser.error(f"--picture: {error}")


def load_weights(network: nn.Module, path: Path) -> None:
    """Load torch's weights, or end with what does not fit."""
    try:
        mscompat.load_torch_state_dict(network, path)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"--weights {path}: {error}")
