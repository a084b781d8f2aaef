"""What the commands of the command line do. See cli.py for their options."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from pathlib import Path
from typing import Any

from . import check
from ._terminal import Progress
from .weights.arrays import is_tensor, to_stored
from .weights.files import list_groups, read_group
from .weights.groups import list_keys, plural
from .weights.listing import describe, listing, totals
from .weights.mindspore_checkpoint import CheckpointTensor
from .weights.names import Renaming, to_mindspore, to_torch
from .weights.printing import printable
from .weights.writing import SUFFIXES, write_state_dict

__all__ = ["run_check", "run_convert", "run_inspect"]


def run_check(options: argparse.Namespace) -> bool:
    """Check this machine, and say whether all passed."""
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
        _note(f"wrote {printable(str(options.json))}")
    return report.passed


def run_convert(options: argparse.Namespace) -> None:
    """Write a file of weights in another format."""
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
            arrays[new_name] = to_stored(tensors[name])
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


def run_inspect(options: argparse.Namespace) -> None:
    """List the tensors of a file."""
    for line in listing(list_groups(options.file, options.key)):
        print(line)


def _note(sentence: str) -> None:
    print(f"mscompat: {sentence}", file=sys.stderr)
