"""Text that comes from a file, for people to read."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """Return the text if it moves no cursor and fits every terminal's encoding, else its characters escaped."""
    return text if text.isprintable() and text.isascii() else ascii(text)
