"""The command line in a folder of its own, and files made by hand."""

from __future__ import annotations

import pytest

from mscompat import cli, load_torch_file


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


@pytest.fixture
def load(tmp_path):
    """Read a torch file that has this content."""
    path = tmp_path / "made.pth"

    def load(content):
        path.write_bytes(content)
        return load_torch_file(path)

    return load
