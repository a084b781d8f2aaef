"""The command line: ``mscompat`` and ``python -m mscompat``."""

from __future__ import annotations

import argparse
import logging
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import __version__, check
from .check import CheckError
from .weights.files import SUFFIXES, dtype_name, is_tensor, read_state_dict, to_numpy, write_state_dict

__all__ = ["main"]

# Exit codes.
_DONE = 0
_FAILED = 1
_INTERRUPTED = 130  # as of a shell's command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0; 1 for a file or a machine that is wrong; 130 when interrupted.

    Raises:
        SystemExit: With 2 for wrong arguments, 0 for --help and --version.
    """
    parser = argparse.ArgumentParser(prog="mscompat", description="Carry weights from PyTorch to MindSpore.")
    parser.add_argument("--version", action="version", version=f"mscompat {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_check, _add_convert, _add_inspect):
        add(commands)
    options = parser.parse_args(arguments)
    logging.disable()  # MindSpore logs what it raises
    try:
        code = options.run(options)
        sys.stdout.flush()
        return _DONE if code is None else code
    except BrokenPipeError:
        # The reader (head, say) has what it wanted. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("mscompat: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except MemoryError:
        print("mscompat: error: there is not enough memory", file=sys.stderr)
        return _FAILED
    except (CheckError, ValueError, OSError) as error:
        print(f"mscompat: error: {_one_line(error)}", file=sys.stderr)
        return _FAILED
    finally:
        logging.disable(logging.NOTSET)
    return _DONE


def _add_check(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="compare the layers on this machine with torch's recorded results",
        description="Run the layers on this machine and compare values and gradients with those that torch gives, "
        "which come with mscompat: every kind of argument, each dtype, in PyNative and in Graph mode. Needs no torch, "
        "and one to two minutes. Exit code 0 says that all passed.",
    )
    parser.add_argument("--device_target", choices=("CPU", "GPU", "Ascend"), help="default: MindSpore's own choice")
    parser.add_argument("--mode", choices=check.MODES, help="one mode (default: both)")
    parser.add_argument("--dtype", choices=check.DTYPES, help="one dtype (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report too, to attach to a bug report")
    parser.add_argument(
        "--timeout", type=float, default=120, metavar="SECONDS", help="longest time for one call (default: %(default)s)"
    )
    parser.set_defaults(run=_check, parser=parser)


def _check(options: argparse.Namespace) -> int:
    if options.json is not None and not options.json.parent.is_dir():
        options.parser.error(f"--json: there is no folder {options.json.parent}")
    if not options.timeout > 0:
        options.parser.error(f"--timeout must be positive, but got {options.timeout:g}")
    report = check.check(
        options.device_target, [options.mode] if options.mode else check.MODES,
        [options.dtype] if options.dtype else check.DTYPES, options.timeout,
    )
    check.print_report(report)
    if options.json is not None:
        options.json.write_text(report.to_json() + "\n", encoding="utf-8")
        print(f"mscompat: wrote {options.json}", file=sys.stderr)
    return _DONE if report.passed else _FAILED


def _add_convert(commands: Any) -> None:
    parser = commands.add_parser(
        "convert",
        help="write a file of weights in another format",
        description="Read the weights of a file that torch.save, safetensors or MindSpore wrote (of a checkpoint, its "
        "state dict) and write them, under the same names, to a .ckpt or .safetensors file. Needs no torch, and runs "
        "nothing that the file says. load_torch_state_dict loads either into a cell.",
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="a .pth, .pt, .bin, .safetensors or .ckpt file")
    parser.add_argument("target", type=Path, metavar="DST", help="a .ckpt or .safetensors file")
    parser.add_argument("--force", action="store_true", help="write over DST where it is there")
    parser.set_defaults(run=_convert, parser=parser)


def _convert(options: argparse.Namespace) -> None:
    target = options.target
    if target.suffix not in SUFFIXES:
        options.parser.error(f"DST must end in {' or '.join(SUFFIXES)}, but got {target}")
    if not target.parent.is_dir():
        options.parser.error(f"DST: there is no folder {target.parent}")
    if target.is_dir():
        options.parser.error(f"DST: {target} is a folder")
    if target.exists() and not options.force:
        options.parser.error(f"{target} is there already: --force writes over it")

    state_dict = read_state_dict(options.source)
    tensors = {name: value for name, value in state_dict.items() if is_tensor(value)}
    for name in state_dict.keys() - tensors.keys():
        print(f"mscompat: left out {_printable(name)}: not a tensor", file=sys.stderr)
    arrays = {name: to_numpy(tensors[name]) for name in _progress(tensors, "read")}
    write_state_dict(target, arrays)
    print(f"{_printable(str(target))}: {_totals(arrays.values())}")


def _add_inspect(commands: Any) -> None:
    parser = commands.add_parser(
        "inspect",
        help="list the tensors of a file of weights",
        description="List name, shape and dtype of each tensor of a file that torch.save, safetensors or MindSpore "
        "wrote (of a checkpoint, its state dict), and the totals. Runs nothing that the file says.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a .pth, .pt, .bin, .safetensors or .ckpt file")
    parser.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> None:
    state_dict = read_state_dict(options.file)
    tensors = {_printable(name): value for name, value in state_dict.items() if is_tensor(value)}
    shapes = [str(list(value.shape)) for value in tensors.values()]
    width, shape_width = max(map(len, tensors), default=0), max(map(len, shapes), default=0)
    for (name, value), shape in zip(tensors.items(), shapes, strict=True):
        print(f"{name:<{width}}  {shape:<{shape_width}}  {dtype_name(value)}")
    print(_totals(tensors.values()))


def _totals(tensors: Iterable[Any]) -> str:
    """'2 tensors, 1,030 values: 1,024 float32, 6 int64'."""
    sizes: Counter[str] = Counter()
    count = 0
    for tensor in tensors:
        count += 1
        sizes[dtype_name(tensor)] += math.prod(tensor.shape)
    each = ", ".join(f"{size:,} {dtype}" for dtype, size in sizes.most_common())
    return f"{count:,} tensor{'' if count == 1 else 's'}, {sizes.total():,} values: {each or 'none'}"


def _progress(names: Iterable[str], verb: str) -> Iterator[str]:
    """Pass the names on, and say on a terminal how far they are; elsewhere nothing."""
    names = list(names)
    shown = 0.0
    for done, name in enumerate(names):
        now = time.monotonic()
        if sys.stderr.isatty() and now - shown > 0.1:
            shown = now
            print(f"\r{verb} {done:,} of {len(names):,} tensors", end="", file=sys.stderr, flush=True)
        yield name
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _printable(name: str) -> str:
    """A name that moves no cursor and fits every terminal's encoding."""
    return name if name.isprintable() and name.isascii() else ascii(name)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())
