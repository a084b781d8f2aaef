"""The command line: ``mscompat`` and ``python -m mscompat``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import __version__, check
from ._terminal import Progress
from .check import CheckError
from .weights.arrays import is_tensor, to_numpy
from .weights.files import list_groups, read_group
from .weights.groups import list_keys, plural
from .weights.listing import describe, listing, totals
from .weights.mindspore_checkpoint import CheckpointTensor
from .weights.names import Renaming, to_mindspore, to_torch
from .weights.printing import printable
from .weights.writing import SUFFIXES, write_state_dict

__all__ = ["main"]

# Exit codes.
_DONE = 0
_FAILED = 1
_INTERRUPTED = 130  # as of a shell's command


class _Terminated(BaseException):
    """A signal asked the process to end."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0; 1 for a file or a machine that is wrong; 128 + a signal's number.

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
        with _signals_raise():
            code = options.run(options)
        sys.stdout.flush()
        return _DONE if code is None else code
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
    except (CheckError, ValueError, OSError) as error:
        print(f"mscompat: error: {_one_line(error)}", file=sys.stderr)
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
        "which come with mscompat: every kind of argument, each dtype, in PyNative and in Graph mode. Needs no torch, "
        "and two to four minutes. Exit code 0 says that all passed.",
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


def _convert(options: argparse.Namespace) -> None:
    target = options.target
    if target.suffix not in SUFFIXES:
        options.parser.error(f"DST must end in {' or '.join(SUFFIXES)}, but got {target}")
    if not target.parent.is_dir():
        options.parser.error(f"DST: there is no folder {target.parent}")
    if target.is_dir():
        options.parser.error(f"DST: {target} is a folder")
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        options.parser.error(f"DST: {target} is not a regular file")
    if os.path.lexists(target) and not options.force:
        options.parser.error(f"{target} is there already: --force writes over it")

    group, others = read_group(options.source, options.key)
    state_dict = group.state_dict()
    tensors = {name: value for name, value in state_dict.items() if is_tensor(value)}
    renaming, sentence = _renaming(options.names, target, tensors)
    arrays = {}
    with Progress("read {done} of {total} tensors", len(renaming.names)) as progress:
        for name, new_name in renaming.names.items():
            progress.step()
            arrays[new_name] = to_numpy(tensors[name])
    write_state_dict(target, arrays)
    if others and options.key is None:
        _note(f"took {group.key!a} and left aside {list_keys(others)}")
    nested = {inner.path[-1]: inner for inner in group.groups}
    for name, value in state_dict.items():
        if name in nested:
            _note(f"left out {printable(name)}: a group of its own, --key {printable(nested[name].key)}")
        elif name not in tensors:
            _note(f"left out {printable(name)}: not a tensor, but {describe(value)}")
    print(f"{printable(str(target))}: {totals(arrays.values())}")
    print(f"names: {sentence}")


def _renaming(names: str | None, target: Path, tensors: dict[str, Any]) -> tuple[Renaming, str]:
    """What to call the tensors, and what to say of it."""
    if names is None:
        # A .safetensors file of MindSpore's names would fit neither library.
        from_mindspore = any(isinstance(value, CheckpointTensor) for value in tensors.values())
        names = "mindspore" if target.suffix == ".ckpt" else "torch" if from_mindspore else "kept"
    if names == "kept":
        return Renaming({name: name for name in tensors}, 0, []), "the file's own"
    renaming = to_mindspore(tensors) if names == "mindspore" else to_torch(tensors)
    whose = "MindSpore's" if names == "mindspore" else "torch's"
    renamed = sum(old != new for old, new in renaming.names.items())
    if not renaming.norms:
        sentence = f"the file's own, which shows no batch norm to give {whose}"
    else:
        sentence = f"{whose} for {plural(renaming.norms, 'batch norm')} ({renamed:,} renamed"
        sentence += f", {len(renaming.dropped):,} num_batches_tracked dropped)" if renaming.dropped else ")"
    unknown = sum(
        name.rpartition(".")[2] == "weight" and len(value.shape) == 1 and renaming.names[name] == name
        for name, value in tensors.items()
    )
    if names == "mindspore" and unknown:
        sentence += f"; {plural(unknown, 'weight')} of another norm or a PReLU cannot be told, and kept (see --help)"
    return renaming, sentence


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


def _inspect(options: argparse.Namespace) -> None:
    for line in listing(list_groups(options.file, options.key)):
        print(line)


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        help="which group of tensors, with dots between names and indices: g_ema, models.0.state_dict; '.' for the top "
        "of the file. `mscompat inspect` lists them",
    )


def _note(sentence: str) -> None:
    print(f"mscompat: {sentence}", file=sys.stderr)


def _one_line(error: Exception) -> str:
    """What is wrong, whatever a file made of it: one line that moves no cursor and fits every terminal's encoding."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return "".join(
        character if character.isprintable() and character.isascii() else ascii(character)[1:-1]
        for character in " ".join(text.split())
    )
