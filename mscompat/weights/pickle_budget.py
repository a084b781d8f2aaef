"""What a pickle may cost: memory for each of its bytes, and keys that do not collide.

An instruction of one byte makes a dict of 64; one of three copies a list of millions that the memo knows. So each byte
that is read grants an amount of memory, and whatever an instruction makes or copies is paid for, before it is made
where it can be large. The file beside the pickle grants nothing.
"""

from __future__ import annotations

from typing import Any, NoReturn

from .inert import InertObject
from .tensor_file import File
from .tensors import TorchTensor

__all__ = ["GRANT", "Budget"]

GRANT = 20
"""Bytes of memory for each byte of a pickle. torch.save's take 5 (numbers) to 15 (small tensors)."""

_FREE = 2**25  # for all: in protocol 4, an empty list, which takes 72, has two bytes, and small tensors take up to 24
_PLAIN_KEYS = {str, bytes, bool, float, type(None)}
_KEY_PARTS = 100
_MOST_COLLISIONS = 1000


class Budget:
    """Memory that a pickle may still take."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.left = _FREE
        self._keys: dict[int, Any] = {}  # by their hashes
        self._collisions = 0

    def fail(self, sentence: str) -> NoReturn:
        """Raise TorchFileError."""
        self.file.fail(sentence)

    def exceeded(self) -> NoReturn:
        """Say that nothing is left."""
        self.fail("the pickle makes more of its values than it holds")

    def spend(self, count: int) -> None:
        """Pay for what is made next."""
        self.left -= count
        if self.left < 0:
            self.exceeded()

    def key(self, key: Any) -> Any:
        """Check a key of a dict or an element of a set: its hash must be quick, and not be made to collide.

        Python's hashes of str and bytes are secret, and of int and float below 2**63 few collide. Hashes of the
        others are known: of them, as many may collide as do by chance, (-1, 0) and (-2, 0), say.
        """
        kind = type(key)
        if kind is str or kind is bytes:
            if len(key) > 64:
                self.spend(len(key) >> 3)  # for comparing it with another that is the same
            return key
        if kind in _PLAIN_KEYS or (kind is int and -(2**63) <= key < 2**63):
            return key
        if isinstance(key, (InertObject, TorchTensor)):
            return key  # their hash is their address
        if kind in (int, complex, tuple, frozenset):
            self.spend(100 + 20 * self._count_parts(key))  # for the time that their hash takes, too
            if self._keys.setdefault(hash(key), key) != key:
                self._collisions += 1
                if self._collisions > _MOST_COLLISIONS:
                    self.fail("the pickle has keys that are made to collide")
            return key
        self.fail(f"the pickle is damaged: a key of a dict is of type {kind.__name__}")

    def _count_parts(self, key: Any) -> int:
        todo = [key]
        for count in range(_KEY_PARTS + 1):
            if not todo:
                return count
            part = todo.pop()
            if type(part) in (tuple, frozenset):
                todo.extend(part if len(part) < _KEY_PARTS else [None] * _KEY_PARTS)
            elif type(part) not in (int, complex):
                self.key(part)
        self.fail(f"a key of a dict has more than {_KEY_PARTS} parts")
