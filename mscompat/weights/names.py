"""Names of tensors: prefixes that say nothing, and MindSpore's names for torch's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

__all__ = ["BATCH_NORM", "Renaming", "common_prefix", "to_mindspore", "to_torch"]

BATCH_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""torch's names in a batch norm, and MindSpore's."""
_COUNT = "num_batches_tracked"  # which MindSpore's have not


def common_prefix(names: Iterable[str], wanted: Collection[str]) -> str:
    """What to take off the names: the components that all begin with, where that makes the names fit.

    Only where no name fits as it is; then as many components as make most names fit, the fewest of those. So goes the
    'module.' of DataParallel, the '_orig_mod.' of torch.compile and the 'model.' of a wrapper, one or several of them,
    but no prefix that the wanted names have too, and none from the middle of a name.
    """
    wanted = set(wanted)
    parts = [name.split(".") for name in names]
    if not parts or any(".".join(name) in wanted for name in parts):
        return ""
    first, last = min(parts), max(parts)  # all begin with what these two have in common
    shared = 0
    while shared < min(map(len, parts)) - 1 and first[shared] == last[shared]:
        shared += 1
    fitting = [sum(".".join(name[count:]) in wanted for name in parts) for count in range(shared + 1)]
    count = fitting.index(max(fitting))
    return "".join(f"{part}." for part in parts[0][:count])


class Renaming(NamedTuple):
    """What to call tensors."""

    names: dict[str, str]  # old name, new name
    norms: int  # batch norms that were renamed
    dropped: list[str]  # names that have no place there


def to_mindspore(names: Collection[str]) -> Renaming:
    """MindSpore's names where torch's show what they are: beside running statistics stands a batch norm."""
    return _rename(names, BATCH_NORM, drop=True)


def to_torch(names: Collection[str]) -> Renaming:
    """The inverse of to_mindspore."""
    return _rename(names, {new: old for old, new in BATCH_NORM.items()}, drop=False)


def _rename(names: Collection[str], table: dict[str, str], drop: bool) -> Renaming:
    known = set(names)
    *_, mean, variance = table
    renamed: dict[str, str] = {}
    dropped: list[str] = []
    norms = 0
    for name in names:
        prefix, dot, own = name.rpartition(".")
        prefix += dot
        if own != mean or prefix + variance not in known or any(prefix + new in known for new in table.values()):
            continue
        norms += 1
        renamed |= {prefix + old: prefix + new for old, new in table.items() if prefix + old in known}
        if drop and prefix + _COUNT in known:
            dropped.append(prefix + _COUNT)
    return Renaming({name: renamed.get(name, name) for name in names if name not in set(dropped)}, norms, dropped)
