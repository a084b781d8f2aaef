"""The tables and the progress line that the commands share."""

from __future__ import annotations

import sys

import pytest

from mscompat._terminal import Progress, table


@pytest.fixture
def terminal(monkeypatch):
    """Make stderr a terminal; to call in the test, where stderr is what capsys captures."""
    return lambda: monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_columns_of_a_table_begin_below_each_other():
    rows = [("operator", "calls", ""), ("conv2d", "35", "x"), ("conv_transpose2d", "1,000", "")]
    assert list(table(rows)) == [
        "operator          calls",
        "conv2d            35     x",
        "conv_transpose2d  1,000",
    ]
    assert list(table([])) == []


def test_a_row_that_lacks_a_cell_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        list(table([("a", "b"), ("c",)]))


def test_progress_on_a_terminal_writes_over_itself(terminal, capsys):
    terminal()
    with Progress("read {done} of {total} tensors", 1200) as progress:
        progress.step()
        progress.step("x" * 100)
    first, second, end = capsys.readouterr().err.split("\r\x1b[K")[1:]
    assert first == "read 1 of 1,200 tensors"
    assert second == "read 2 of 1,200 tensors: " + "x" * (79 - 25)
    assert end == ""


def test_progress_without_a_step_leaves_the_terminal_alone(terminal, capsys):
    terminal()
    with Progress("{done} of {total}", 0):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("tenths", "expected"), [
    (False, ""), (True, "".join(f"{number} of 62\n" for number in (7, 13, 19, 25, 31, 38, 44, 50, 56, 62))),
])
def test_progress_in_a_log(capsys, tenths, expected):
    with Progress("{done} of {total}", 62, tenths=tenths) as progress:
        for _ in range(62):
            progress.step("a detail")
    assert capsys.readouterr().err == expected


def test_progress_is_cleared_after_an_error(terminal, capsys):
    terminal()
    def interrupted():
        with Progress("{done} of {total}", 2) as progress:
            progress.step()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert capsys.readouterr().err.endswith("1 of 2\r\x1b[K")
