"""That CONTRIBUTING.md names files, tests and extras that exist."""

from __future__ import annotations

import configparser
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# What only the root holds, and folders that are made by the commands, aside.
PATHS = sorted(set(re.findall(r"(?<![\w/.])(?:mscompat|tests|examples|\.ci)/[\w./-]*\w", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_paths_exist(path):
    assert (ROOT / path).exists()


def test_paths_are_found():
    assert {".ci/run", "mscompat/_conv/geometry.py", "tests/upstream", "tests/smoke.py"} <= set(PATHS)


def test_extras_exist():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = {name for names in re.findall(r"'\.\[([\w,]+)\]'", TEXT) for name in names.split(",")}
    assert extras
    assert extras <= set(config["options.extras_require"])


def test_names_in_files_exist():
    for name, file in (
        ("PaddingMode", "mscompat/_conv/spec.py"), ("pad_index", "mscompat/_conv/geometry.py"),
        ("PADDING_MODES", "tests/cases.py"), ("__version__", "mscompat/__init__.py"),
    ):
        assert name in TEXT
        assert re.search(rf"\b{name}\b", (ROOT / file).read_text(encoding="utf-8"))
