"""The command line: ``mscompat`` and ``python -m mscompat``. What its commands do is in commands.py.

Nothing is imported here that takes its time: help, a typo and a missing file are answered at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from . import __version__
from ._terminal import CommandError, one_line

__all__ = ["main"]

# Exit codes.
_DONE = 0
_FAILED = 1
_INTERRUPTED = 130  # as of a shell's command

# Of check, which is not imported for its names.
_MODES = ("pynative", "graph")
_DTYPES = ("float64", "float32", "float16", "bfloat16")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors repeat what was typed as it may be printed."""

    def error(self, message: str) -> NoReturn:
        """End with the message, and exit code 2."""
        super().error(one_line(message))


class _Terminated(BaseException):
    """A signal asked the process to end."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0; 1 for a file or a machine that is wrong; 128 + a signal's number.

    Raises:
        SystemExit: With 2 for wrong arguments, 0 for --help and --version.
    """
    parser = _Parser(prog="mscompat", description="Carry weights from PyTorch to MindSpore.")
    parser.add_argument("--version", action="version", version=f"mscompat {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_check, _add_convert, _add_inspect):
        add(commands)
    options = parser.parse_args(arguments)
    logging.disable()  # MindSpore logs what it raises
    try:
        with _signals_raise():
            passed = options.run(options)
        sys.stdout.flush()
        return _DONE if passed else _FAILED
    except BrokenPipeError:
        # The reader (head, say) has what it wanted. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("mscompat: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except _Terminated as error:
        print("mscompat: terminated", file=sys.stderr)
        return 128 + error.signal_number
    except MemoryError:
        print("mscompat: error: there is not enough memory", file=sys.stderr)
        return _FAILED
    except (CommandError, ValueError, OSError, ImportError) as error:  # the last of MindSpore: missing, or NumPy 2
        text = str(error)
        if isinstance(error, OSError) and error.strerror:
            text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        print(f"mscompat: error: {one_line(text)}", file=sys.stderr)
        return _FAILED
    finally:
        logging.disable(logging.NOTSET)
    return _DONE


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Let the signals that end a process raise, so that temporary files go; not where someone else handles them."""
    if threading.current_thread() is not threading.main_thread():  # Python's handlers are set there only
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]

    def terminate(number: int, _: Any) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)  # a second one would stop the cleaning up
        raise _Terminated(number)

    for number in numbers:
        signal.signal(number, terminate)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _add_check(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="compare the layers on this machine with torch's recorded results",
        description="Run the layers on this machine and compare values and gradients with those that torch gives, "
        "which come with mscompat: every kind of argument, each dtype, in PyNative and in Graph mode. Takes about two "
        "minutes on 2 cores, and needs no torch. Exit code 0 says that all passed.",
    )
    targets = ("CPU", "GPU", "Ascend")
    parser.add_argument("--device-target", choices=targets, help="default: MindSpore's own choice")
    parser.add_argument("--device_target", choices=targets, help=argparse.SUPPRESS)  # as MindSpore spells it
    parser.add_argument("--mode", choices=_MODES, help="one mode (default: both)")
    parser.add_argument("--dtype", choices=_DTYPES, help="one dtype (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report too, to attach to a bug report")
    parser.add_argument(
        "--timeout", type=float, default=120, metavar="SECONDS", help="longest time for one call (default: %(default)s)"
    )
    parser.set_defaults(run=_check, parser=parser)


def _check(options: argparse.Namespace) -> bool:
    from .commands import run_check

    return run_check(options)


def _add_convert(commands: Any) -> None:
    parser = commands.add_parser(
        "convert",
        help="write a file of weights in another format",
        description="Read the weights of a file that torch.save, safetensors or MindSpore wrote (of a checkpoint, its "
        "state dict) and write them to a .ckpt or .safetensors file. Needs no torch, and runs nothing that the file "
        "says. load_torch_state_dict loads either into a cell.",
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="a .pth, .pt, .bin, .safetensors or .ckpt file")
    parser.add_argument("target", type=Path, metavar="DST", help="a .ckpt or .safetensors file")
    _add_key(parser)
    parser.add_argument(
        "--names",
        choices=("torch", "mindspore"),
        help="whose names to write (default: MindSpore's to a .ckpt, the file's own to a .safetensors). A file tells a "
        "batch norm by its running statistics, but no LayerNorm, GroupNorm, BatchNorm3d, Embedding or PReLU, whose "
        "names differ in MindSpore too: these are kept. The cell tells them all: load_torch_state_dict asks it",
    )
    parser.add_argument("--force", action="store_true", help="write over DST where it is there")
    parser.set_defaults(run=_convert, parser=parser)


def _convert(options: argparse.Namespace) -> bool:
    options.source.stat()  # raises for a missing file before anything is imported
    from .commands import run_convert

    run_convert(options)
    return True


def _add_inspect(commands: Any) -> None:
    parser = commands.add_parser(
        "inspect",
        help="list the tensors of a file of weights",
        description="List name, shape and dtype of each tensor of a file that torch.save, safetensors or MindSpore "
        "wrote, in groups, what else is in the file, and the totals. Runs nothing that the file says.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a .pth, .pt, .bin, .safetensors or .ckpt file")
    _add_key(parser)
    parser.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> bool:
    options.file.stat()
    from .commands import run_inspect

    run_inspect(options)
    return True


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        help="which group of tensors, with dots between names and indices: g_ema, models.0.state_dict; '.' for the top "
        "of the file. `mscompat inspect` lists them",
    )
