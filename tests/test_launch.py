"""PyNative mode on CPU: operators run in the thread that calls them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

import mscompat
from mscompat import _launch, _onednn

# MindSpore's own threads say whether operators run apart from the thread that calls them (2.7 to 2.10).
SCRIPT = """
import pathlib, sys
import numpy as np, mindspore as ms, mscompat
ms.set_context(mode=ms.PYNATIVE_MODE)
if sys.argv[1] == "off":
    mscompat.set_fast_cpu(False)
x = ms.Tensor(np.ones((1, 3, 5, 5), np.float32))
if sys.argv[1] != "import alone":
    mscompat.TorchConv2d(3, 2, 3)(x).asnumpy()
(x + 1).asnumpy()
names = [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
print("apart", "backend_queue" in names)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of threads in /proc")
@pytest.mark.parametrize(
    ("what", "variable", "apart"),
    [("layer", "1", False), ("layer", "0", True), ("off", "1", True), ("import alone", "1", True)],
)
def test_the_first_layer_mends(what, variable, apart):
    environment = {**os.environ, "MSCOMPAT_FAST_CPU": variable, "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, what], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert f"apart {apart}" in result.stdout


@pytest.fixture
def calls(monkeypatch, forgotten):
    """A process in which nothing has run; how often it was made to block."""
    calls = []
    monkeypatch.setattr(ms.runtime, "launch_blocking", lambda: calls.append(1))
    monkeypatch.setattr(_launch, "_is_blocking", False)
    monkeypatch.setattr(_launch, "_is_off", False)
    monkeypatch.setattr(_onednn, "_state", _onednn.State.ABSENT)
    return calls


def test_blocks_once(calls):
    for size in (20, 21):
        mscompat.TorchConv2d(1, 1, 3)(Tensor(np.ones((1, 1, size, 23), np.float32))).asnumpy()
    assert calls == [1]


def test_what_stays_is_told(calls):
    _launch.mend()
    with pytest.raises(RuntimeError, match="a layer was called, and launch_blocking stays"):
        mscompat.set_fast_cpu(False)
    assert not _launch._is_off


@pytest.mark.parametrize("batch", [1, 0])
def test_turned_off_and_on(calls, batch):
    layer, input = mscompat.TorchConv2d(1, 1, 3), Tensor(np.ones((batch, 1, 7, 23), np.float32))
    mscompat.set_fast_cpu(False)
    layer(input)
    assert calls == []
    mscompat.set_fast_cpu(True)
    layer(input)
    assert calls == [1]
