"""launch_blocking: in which thread operators run, and that nothing but a call of it changes that."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import mindspore as ms
import pytest

import mscompat

ROOT = pathlib.Path(__file__).parents[2]

# MindSpore's own threads say whether operators run apart from the thread that calls them (2.7 to 2.10).
SCRIPT = """
import os, pathlib, sys
import numpy as np, mindspore as ms, mscompat
from mindspore import Tensor
ms.set_context(mode=ms.PYNATIVE_MODE)
cores = os.sched_getaffinity(0)
if sys.argv[1] == "launch_blocking":
    mscompat.launch_blocking()
x = Tensor(np.ones((1, 3, 5, 5), np.float32))
mscompat.TorchConv2d(3, 2, 3)(x).asnumpy()
(x + 1).asnumpy()
tasks = list(pathlib.Path("/proc/self/task").iterdir())
print("apart", "backend_queue" in [(task / "comm").read_text().strip() for task in tasks])
print("pinned", any(os.sched_getaffinity(int(task.name)) != cores for task in tasks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of threads in /proc")
@pytest.mark.parametrize(
    ("what", "variable", "apart"),
    [("layer alone", "1", True), ("launch_blocking", "1", False), ("launch_blocking", "0", True)],
)
def test_operators_run_in_the_calling_thread_when_asked(what, variable, apart):
    environment = {**os.environ, "MSCOMPAT_FAST_CPU": variable, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, what], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert f"apart {apart}" in result.stdout
    assert "pinned False" in result.stdout


def test_other_devices_stay_as_they_are(monkeypatch):
    calls = []
    monkeypatch.setattr(ms.runtime, "launch_blocking", lambda: calls.append(1))
    monkeypatch.delenv("MSCOMPAT_FAST_CPU", raising=False)
    for target in ("GPU", "Ascend"):
        monkeypatch.setattr(ms, "get_current_device", lambda target=target: (target, 0))
        mscompat.launch_blocking()
    assert calls == []
    monkeypatch.setattr(ms, "get_current_device", lambda: ("CPU", 0))
    mscompat.launch_blocking()
    assert calls == [1]
