"""The repros of MindSpore's defects in README.md show what it says: a test fails once MindSpore mends one."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap

import mindspore as ms
import pytest

ROOT = pathlib.Path(__file__).parent.parent
SECTION = re.search(
    r"^## Known defects of MindSpore.*?(?=^## )", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.M
)[0]
REPROS = {
    int(number): textwrap.dedent(block)
    for number, block in re.findall(r"^(\d+)\. .*?```python\n(.*?)```", SECTION, re.DOTALL | re.M)
}
# The one about NumPy 2 raises nothing with NumPy 1, which everything here needs.
SLOW, ENDS_THE_PROCESS, NEEDS_ONNX = 3, 11, 12
VERSION = tuple(int(part) for part in ms.__version__.split(".")[:2])

pytestmark = pytest.mark.skipif(ms.get_context("device_target") != "CPU", reason="the defects were measured on CPU")


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # not sys.path: amp O1 adds folders to it
    )


def write(folder, number):
    path = folder / f"repro_{number}.py"
    path.write_text(REPROS[number], encoding="utf-8")
    return path


def test_each_row_has_a_repro_of_at_most_five_lines():
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", SECTION, re.M)]
    assert rows == list(REPROS) == list(range(1, len(rows) + 1))
    assert max(len(block.splitlines()) for block in REPROS.values()) == 5


def test_defects_are_still_there(tmp_path):
    """In one process: each repro's assertions hold."""
    left_out = {SLOW, ENDS_THE_PROCESS}
    if importlib.util.find_spec("onnx") is None:
        left_out.add(NEEDS_ONNX)
    numbers = [number for number in REPROS if number not in left_out]
    for number in numbers:
        write(tmp_path, number)
    script = tmp_path / "all.py"
    script.write_text(textwrap.dedent(f"""
        import runpy, traceback

        for number in {numbers}:
            try:
                runpy.run_path(f"repro_{{number}}.py")
            except Exception:
                print(number, "of README.md is mended?", traceback.format_exc())
            else:
                print(number)
    """), encoding="utf-8")
    result = run(tmp_path, script)
    assert result.stdout.split("\n") == [*map(str, numbers), ""], result.stdout + result.stderr


def test_defect_that_ends_the_process(tmp_path):
    result = run(tmp_path, write(tmp_path, ENDS_THE_PROCESS))
    assert result.returncode == -signal.SIGFPE, f"{ENDS_THE_PROCESS} of README.md is mended? {result.stderr}"


def test_slow_convolution(tmp_path):
    result = run(tmp_path, write(tmp_path, SLOW))
    assert result.returncode == 0, result.stderr
    if VERSION < (2, 9):
        pytest.skip("the slow loop came with 2.9; the oneDNN before it knows no ONEDNN_VERBOSE")
    assert ",cpu,convolution," in result.stdout
    if "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        pytest.skip("oneDNN takes the slow loop on processors with AVX-512, and this one has none")
    (expected,) = re.findall(r"# prints ([^ ,]+),", REPROS[SLOW])
    assert expected in result.stdout, f"{SLOW} of README.md is mended? {result.stdout}"
