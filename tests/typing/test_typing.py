"""What mypy and pyright say of the public API: public_api.py beside this."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNIPPET = Path(__file__).with_name("public_api.py")
LINES = SNIPPET.read_text(encoding="utf-8").splitlines()


def wrong_lines(reads_mindspore):
    """The numbers of the lines that have to be errors."""
    marks = ("# wrong", "# wrong where MindSpore is read") if reads_mindspore else ("# wrong",)
    return [number for number, line in enumerate(LINES, 1) if line.endswith(marks) and not line.startswith("#")]


def run(checker, *arguments):
    """Run a type checker of this Python's environment on the snippet; skip where it is not installed."""
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    return subprocess.run(
        [sys.executable, "-m", checker, *arguments, str(SNIPPET)], cwd=ROOT, capture_output=True, text=True,
        timeout=600, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def mypy_errors(*arguments):
    """Errors by their lines. Without the project's own settings: users have others."""
    result = run(
        "mypy", "--config-file=", "--cache-dir", os.devnull, "--python-version=3.11", "--strict",
        "--follow-imports=silent", *arguments,
    )
    errors = {
        int(number): text for number, text in re.findall(r"public_api\.py:(\d+): error: (.*)", result.stdout)
    }
    assert errors, result.stdout + result.stderr
    return errors


def check(errors, reads_mindspore):
    """Hold the errors to the marks of the lines."""
    others = {number: (LINES[number - 1], text) for number, text in errors.items()
              if number not in wrong_lines(reads_mindspore)}
    assert others == {}
    assert [LINES[number - 1] for number in wrong_lines(reads_mindspore) if number not in errors] == []


def test_mypy():
    check(mypy_errors("--ignore-missing-imports"), reads_mindspore=False)


@pytest.mark.slow
def test_mypy_where_mindspore_is_read():
    check(mypy_errors("--follow-untyped-imports"), reads_mindspore=True)


@pytest.mark.slow
def test_pyright():
    """It downloads what checks on its first run, and needs node."""
    result = run("pyright", "--outputjson", "--pythonversion=3.11", "--pythonpath", sys.executable)
    if not result.stdout.startswith("{"):
        pytest.skip(f"pyright cannot run here: {result.stderr.strip()[-200:]}")
    errors = {
        one["range"]["start"]["line"] + 1: one["message"]
        for one in json.loads(result.stdout)["generalDiagnostics"] if one["severity"] == "error"
    }
    check(errors, reads_mindspore=True)
