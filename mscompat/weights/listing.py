"""Groups of tensors as text: what `mscompat inspect` prints. Nothing of a file gets to a terminal as it is."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._terminal import table
from .arrays import dtype_name, is_tensor
from .groups import FOLD, TOP, Group, plural
from .inert import InertObject
from .printing import printable

__all__ = ["describe", "listing", "totals"]

_WIDEST = 60
_MOST_OTHERS = 100


def listing(root: Group) -> Iterator[str]:
    """The lines for a tree: each group with its tensors, then what else is there, and the totals.

    Of a plain state dict, the tensors and the totals.
    """
    others = list(_others(root, False))
    if not root.groups and not others:
        yield from _rows(root.tensors)
        yield totals(root.tensors.values())
        return
    yield from _groups(root, False)
    if others:
        yield "besides:"
        yield from (f"  {line}" for line in others)
        yield ""
    yield f"in all: {totals(_all_tensors(root))}"


def totals(tensors: Iterable[Any]) -> str:
    """'2 tensors, 1,030 values: 1,024 float32, 6 int64'."""
    sizes: Counter[str] = Counter()
    count = 0
    for tensor in tensors:
        count += 1
        sizes[printable(dtype_name(tensor))] += math.prod(tensor.shape)
    each = ", ".join(f"{size:,} {dtype}" for dtype, size in sizes.most_common())
    return f"{plural(count, 'tensor')}, {sizes.total():,} values: {each or 'none'}"


def describe(value: Any) -> str:
    """A value in a few words: 'int 3', 'dict of 12'. Nothing of it is called, and nothing long is printed."""
    if is_tensor(value):
        return f"tensor {list(value.shape)} {printable(dtype_name(value))}"
    if isinstance(value, InertObject):
        return f"{_cut(value.name)}, not run"
    if isinstance(value, (Mapping, list, tuple, set, frozenset, bytes, bytearray)):
        return f"{type(value).__name__} of {len(value):,}"
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"str {_cut(value[:_WIDEST], quoted=True)}"
    if type(value) is int and value.bit_length() > 64:
        return f"int of {value.bit_length():,} bits"
    if isinstance(value, (bool, int, float, complex)):
        return f"{type(value).__name__} {value}"
    return _cut(type(value).__name__)


def _cut(text: str, quoted: bool = False) -> str:
    text = ascii(text) if quoted else printable(text)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _groups(group: Group, fold: bool) -> Iterator[str]:
    """Each group with its tensors; where there are many side by side and they may be folded, their number."""
    if group.tensors:
        yield f"{printable(group.key)}{' (the top of the file)' if group.key == TOP else ''}:"
        yield from (f"  {row}" for row in _rows(group.tensors))
        yield f"  {totals(group.tensors.values())}"
        yield ""
    if fold and len(group.groups) > FOLD:
        inner = [nested for each in group.groups for nested in each.walk()]
        found = totals(tensor for nested in inner for tensor in nested.tensors.values())
        key = printable(group.key)
        yield f"{key}: {plural(len(inner), 'group')}, {found} (--key {key} lists them)"
        yield ""
        return
    for nested in group.groups:
        yield from _groups(nested, True)


def _all_tensors(group: Group) -> Iterator[Any]:
    for each in group.walk():
        yield from each.tensors.values()


def _rows(tensors: Mapping[str, Any]) -> Iterator[str]:
    """A line for each tensor: name, shape, dtype."""
    return table(
        (printable(name), str(list(tensor.shape)), printable(dtype_name(tensor))) for name, tensor in tensors.items()
    )


def _others(group: Group, fold: bool) -> Iterator[str]:
    """What else is in the groups that are listed."""
    def line(name: str, text: str) -> str:
        return f"{printable('.'.join((*group.path, name)))}: {text}"

    for name, same in group.same.items():
        yield line(name, f"the same as {printable(same.key)}")
    others = group.others()
    for name, value in itertools.islice(others, _MOST_OTHERS):
        yield line(name, describe(value))
    left = sum(1 for _ in others)
    if left:
        yield line("...", f"{left:,} more")
    if not (fold and len(group.groups) > FOLD):
        for nested in group.groups:
            yield from _others(nested, True)
