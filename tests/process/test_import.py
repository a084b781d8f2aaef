"""What an import of mscompat does to the process, and what it refuses."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def run(script, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )


def test_numpy_2_is_refused_before_mindspore_is_imported():
    """MindSpore's first tensor operator would raise a bare SystemError."""
    result = run("""
import sys, numpy
numpy.__version__ = "2.1.0"
try:
    import mscompat
except ImportError as error:
    print(error)
print("mindspore" in sys.modules)
""")
    sentence, imported = result.stdout.splitlines()
    assert "cannot work with NumPy 2.1.0, for it was compiled against NumPy 1" in sentence
    assert sentence.endswith("To mend it: pip install 'numpy<2'")
    assert imported == "False"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_import_starts_no_thread_and_runs_no_operator():
    """Beside what `import mindspore` does: MindSpore's threads start with its first operator."""
    script = """
import os, pathlib
import {module}
print(sorted((path / "comm").read_text().strip() for path in pathlib.Path("/proc/self/task").iterdir()))
print(sorted(os.sched_getaffinity(0)))
"""
    ours, alone = (run(script.format(module=module)).stdout for module in ("mscompat", "mindspore"))
    assert ours == alone != ""


def test_torch_is_not_imported():
    result = run("import sys, mscompat; print('torch' in sys.modules)")
    assert result.stdout == "False\n", result.stderr
