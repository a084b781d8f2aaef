"""The options that every example takes: where MindSpore runs, and how."""

from __future__ import annotations

import argparse

import mindspore as ms


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device_target", choices=("CPU", "GPU", "Ascend"), default="CPU", help="where MindSpore runs")
    parser.add_argument("--mode", choices=("graph", "pynative"), default="graph", help="MindSpore's execution mode")


def apply(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Set them, or end with one line that says why they cannot be set."""
    try:
        ms.set_device(args.device_target)
    except RuntimeError as error:
        parser.error(f"--device_target {args.device_target}: {str(error).splitlines()[0]}")
    ms.set_context(mode=ms.GRAPH_MODE if args.mode == "graph" else ms.PYNATIVE_MODE)
