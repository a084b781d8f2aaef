"""Groups of tensors in what a file holds, and which of them is meant.

A checkpoint is a tree of dicts, lists and objects. Each place in it that holds tensors is a *group*; a state dict is
one. A group's key is its place: the names on the way to it, with dots between them, "." for the top.

The rules for which group is meant where no key says it. Some groups are set aside: lists of tensors, all of an
optimizer, a scheduler or a random number generator (by name, or by 'state' beside 'param_groups'), settings ('hparams',
'args', 'config'), a module's own '_extra_state'. So are tensors beside one of the usual names of weights ('state_dict',
'model'): a loss, a batch. Of what remains there must be one. No name is preferred to another, 'model' to 'model_ema',
say: nobody would notice if the wrong one was taken.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .arrays import is_tensor
from .inert import InertObject, module_state_dict
from .printing import printable

__all__ = [
    "FOLD", "TOP", "Group", "GroupError", "choose_group", "entries", "find_group", "find_groups", "is_container",
    "list_keys", "plural",
]  # fmt: skip

TOP = "."
"""The key of the top."""
FOLD = 12
"""Groups side by side that are listed one by one; of more, the place and the number."""

_DEEPEST = 100
_PLAIN = {bool, int, float, str, bytes, type(None)}
_ADVICE = "name one by key=, or by --key in the command line"

_USUAL = {"state_dict", "model_state_dict", "model", "module", "net", "network", "network_weights", "params", "weights"}
_SETTINGS = {"args", "config", "hparams", "hyper_parameters", "_extra_state"}
_ASIDE = re.compile(r"(?<![a-z])(optims?|opts?|optimi[sz]ers?[a-z]?|schedulers?|rng|random_states?)(?![a-z])")


class GroupError(ValueError):
    """It is not clear which tensors are meant, or there are none."""


class Group:
    """A place that holds tensors, or groups that do.

    Attributes:
        path (tuple of str): the names on the way to it.
        value (Any): what is there.
        tensors (dict): the tensors there.
        groups (list of Group): the groups there.
        same (dict): names of groups there that have another place too, and the group.
    """

    __slots__ = ("groups", "path", "same", "tensors", "value")

    def __init__(self, path: tuple[str, ...], value: Any) -> None:
        self.path = path
        self.value = value
        self.tensors: dict[str, Any] = {}
        self.groups: list[Group] = []
        self.same: dict[str, Group] = {}

    @property
    def key(self) -> str:
        """Its place, as a user writes it."""
        return ".".join(self.path) or TOP

    def walk(self) -> Iterator[Group]:
        """This group and those in it that hold tensors themselves."""
        if self.tensors:
            yield self
        for group in self.groups:
            yield from group.walk()

    def others(self) -> Iterator[tuple[str, Any]]:
        """What else is there."""
        groups = {group.path[-1] for group in self.groups}
        for name, inner in entries(self.value):
            if name not in self.tensors and name not in groups and name not in self.same:
                yield name, inner

    def state_dict(self) -> dict[str, Any]:
        """Everything there, by name.

        Raises:
            GroupError: If two entries have the same name: 1 and '1'.
        """
        state_dict = dict(entries(self.value))
        if isinstance(self.value, Mapping) and len(state_dict) < len(self.value):
            raise GroupError(f"two entries of {printable(self.key)} have the same name")
        return state_dict


def find_groups(value: Any, path: tuple[str, ...] = ()) -> Group:
    """The tree of all groups; the top is there even if it holds none."""
    return _find(value, path, {}) or Group(path, value)


def find_group(value: Any, key: str) -> Group:
    """The tree of groups at a key.

    Raises:
        GroupError: If there are no tensors.
    """
    path = () if key == TOP else tuple(key.split("."))
    if not is_container(value):
        raise GroupError(f"there is no {key!a}, but a {type(value).__name__}")
    found = list(itertools.islice(_follow(value, path), 2))
    if len(found) > 1:
        raise GroupError(f"{key!a} may mean {' and '.join(ascii(names) for names, _ in found)}")
    if not found:
        raise GroupError(f"there is no {key!a}, but {list_keys(find_groups(value).walk()) or 'no tensors'}")
    ((names, inner),) = found
    if not is_container(inner):
        raise GroupError(f"{key!a} is no group of tensors, but {_article(inner)}")
    group = find_groups(inner, names)
    if not next(group.walk(), None):
        raise GroupError(f"there are no tensors in {key!a}")
    return group


def choose_group(value: Any, key: str | None = None) -> Group:
    """The group that is meant: see the rules above. With a key, the one there, or the only one in it that is meant.

    Raises:
        GroupError: If it is not clear, with what could be meant; or there are no tensors where the key says.
    """
    root = find_groups(value) if key is None else find_group(value, key)
    if key is not None and root.tensors:
        return root
    meant = _meant(root)
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise GroupError(f"several groups of tensors could be meant, {list_keys(meant)}: {_ADVICE}")
    if next(root.walk(), None):
        raise GroupError(f"no group of tensors looks like a state dict, of {list_keys(root.walk())}: {_ADVICE}")
    return root


def plural(count: int, noun: str) -> str:
    """'1 tensor', '2,000 tensors'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container holds, by name: nothing where it is none."""
    if isinstance(value, Mapping):
        for index, (key, inner) in enumerate(value.items()):
            yield key if type(key) is str else _name(key, index), inner
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield str(index), inner
    elif isinstance(value, InertObject):
        module = module_state_dict(value)
        if module is not None:
            yield from module.items()
            return
        for part in (value.entries, value.state, value.arguments):
            if not isinstance(part, InertObject):
                yield from entries(part)


def _name(key: Any, index: int) -> str:
    """Of a key that is no str: of a number, as it is written; of others, in which a repr may have no end, its place."""
    if key is None or isinstance(key, (str, bytes, float)) or (isinstance(key, int) and key.bit_length() < 100):
        return str(key) if not isinstance(key, bytes) else ascii(key)
    return f"<{type(key).__name__} {index}>"


def is_container(value: Any) -> bool:
    """Whether tensors could be in it."""
    return isinstance(value, (dict, list, tuple, InertObject, Mapping)) and not is_tensor(value)


def _find(value: Any, path: tuple[str, ...], seen: dict[int, Any]) -> Group | None:
    """The tree of groups, None where there are no tensors. Seen: a group or a value for each id, which it keeps."""
    seen[id(value)] = value
    group = None
    for name, inner in entries(value):
        if type(inner) in _PLAIN:
            continue
        nested = known = None
        tensor = not isinstance(inner, (dict, list, tuple)) and is_tensor(inner) and not isinstance(inner, np.generic)
        if not tensor and is_container(inner) and inner and len(path) < _DEEPEST:
            known = seen.get(id(inner))
            nested = _find(inner, (*path, name), seen) if known is None else None
        if not (tensor or nested or isinstance(known, Group)):
            continue
        group = group or Group(path, value)
        if tensor:
            group.tensors[name] = inner
        elif nested:
            group.groups.append(nested)
        elif isinstance(known, Group):
            group.same[name] = known
    if group is not None:
        seen[id(value)] = group
    return group


def _is_set_aside(group: Group) -> bool:
    value = group.value
    if isinstance(value, Mapping) and "state" in value and "param_groups" in value:
        return True
    names = [*group.path[-1:], *([value.name] if isinstance(value, InertObject) else [])]
    return any(name.rpartition(".")[2] in _SETTINGS or _ASIDE.search(name.lower()) for name in names)


def _meant(group: Group) -> list[Group]:
    if _is_set_aside(group):
        return []
    nested = [(inner.path[-1], _meant(inner)) for inner in group.groups]
    beside = any(found and name in _USUAL for name, found in nested)
    own = group.tensors and not beside and not isinstance(group.value, (list, tuple))
    return [*([group] if own else []), *(meant for _, found in nested for meant in found)]


def _follow(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is at a path, and the names to it: where names have dots in them, perhaps at several places."""
    if not path:
        yield (), value
        return
    inner = dict(entries(value))
    for count in range(len(path), 0, -1):
        name = ".".join(path[:count])
        if name in inner:
            yield from (((name, *names), found) for names, found in _follow(inner[name], path[count:]))


def list_keys(groups: Iterable[Group]) -> str:
    """'g_ema' (2 tensors), '.' (1 tensor): of many, the first."""
    listed = list(groups)
    shown = [f"{group.key!a} ({plural(len(group.tensors), 'tensor')})" for group in listed[:FOLD]]
    return ", ".join([*shown, *([f"and {len(listed) - FOLD:,} more"] if len(listed) > FOLD else [])])


def _article(value: Any) -> str:
    return "a tensor" if is_tensor(value) else f"of type {type(value).__name__}"
