"""The command line, in a folder of its own."""

from __future__ import annotations

import pytest

from mscompat import cli


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in tmp_path: its exit code, what it prints, and what it prints to stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        try:
            code = cli.main(arguments)
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run
