"""What the functions that stand for names in a pickle have in common."""

from __future__ import annotations

from typing import Final

from .inert import InertObject

__all__ = ["UNKNOWN", "Named", "StorageType"]

UNKNOWN: Final = object()
"""What such a function returns for arguments that it does not know: the call then stays an InertObject."""


class Named(InertObject):
    """A class or function itself, which a pickle names and may call."""

    __slots__ = ()


class StorageType(Named):
    """A class of torch's for storages."""

    __slots__ = ("dtype",)

    def __init__(self, name: str, dtype: str) -> None:
        super().__init__(name)
        self.dtype = dtype
