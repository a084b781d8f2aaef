"""Text of a file as it may be printed: it moves no cursor."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """The text itself if it is printable ASCII, else escaped, in quotes."""
    return text if text.isprintable() and text.isascii() else ascii(text)
