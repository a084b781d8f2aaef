"""What every command of mscompat prints alike: tables, and how far it is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["CommandError", "Progress", "one_line", "table"]

_WIDTH = 79  # of a progress line: a longer one would wrap, and could not be written over
_CLEAR = "\r\x1b[K"


class CommandError(Exception):
    """What ends a command, with exit code 1 and its text as one line."""


def one_line(text: str) -> str:
    """The text as one line that moves no cursor and fits every terminal's encoding."""
    return "".join(
        character if character.isprintable() and character.isascii() else ascii(character)[1:-1]
        for character in " ".join(text.split())
    )


def table(rows: Iterable[Sequence[str]], numbers: int | None = None, gap: int = 2) -> Iterator[str]:
    """Give a line for each row: cells begin below each other, but those of numbers end below each other.

    Args:
        rows (iterable): of cells.
        numbers (int, optional): the first column of numbers, which is followed by no others. Default: None, there are
            none.
        gap (int): spaces between columns.
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if numbers is not None:
            cells[numbers:] = [cell.strip().rjust(len(cell)) for cell in cells[numbers:]]
        yield (" " * gap).join(cells).rstrip()


class Progress:
    """A line of stderr that says how far a command is; threads may share it.

    On a terminal the line changes with each step, and is cleared at the end. Elsewhere there is nothing, or, with
    `tenths`, one line for each tenth of the way, so that a log shows that a long command is alive.
    """

    def __init__(self, what: str, total: int, tenths: bool = False) -> None:
        self._what = what  # with the numbers in it: "read {done} of {total} tensors"
        self._total = total
        self._tenths = tenths
        self._done = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._done and sys.stderr.isatty():
            print(_CLEAR, end="", file=sys.stderr, flush=True)

    def step(self, detail: str = "") -> None:
        """Say that the next of all steps begins, and on a terminal, which one that is."""
        with self._lock:
            self._done += 1
            text = self._what.format(done=f"{self._done:,}", total=f"{self._total:,}")
            if sys.stderr.isatty():
                print(f"{_CLEAR}{f'{text}: {detail}' if detail else text}"[: _WIDTH + len(_CLEAR)], end="",
                      file=sys.stderr, flush=True)
            elif self._tenths and self._done * 10 // self._total != (self._done - 1) * 10 // self._total:
                print(text, file=sys.stderr, flush=True)
