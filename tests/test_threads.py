"""Operators on CPU: run in the thread that calls them in PyNative mode, their workers each on a core of its own."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading
from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest
from conftest import MODES
from mindspore import Tensor

import mscompat
from mscompat import _onednn, _threads

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


WORKERS = """
import os, pathlib, sys
import numpy as np, mindspore as ms, mscompat
from mindspore import Tensor, ops
ms.set_context(mode=ms.GRAPH_MODE if sys.argv[1] == "graph" else ms.PYNATIVE_MODE)
cores = sorted(os.sched_getaffinity(0))
before = sys.argv[2]
if before != "nothing":
    ops.ReLU()(Tensor(np.ones(1, np.float32))).asnumpy()
def workers():
    names = {int(path.parent.name): path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/comm")}
    return sorted(number for number, name in names.items() if name.startswith(("ActorThread", "KernelThread")))
if before == "bound":
    while len(workers()) < len(cores):
        pass
    os.sched_setaffinity(workers()[0], {cores[-1]})
print(mscompat.TorchConv2d(1, 2, 3)(Tensor(np.ones((1, 1, 9, 9), np.float32))).shape)
found = [sorted(os.sched_getaffinity(worker)) for worker in workers()]
print("own", found == [[core] for core in cores])
print("all", found == [cores] * len(cores))
print("bound", found == [[cores[-1]], *[cores] * (len(cores) - 1)])
print("caller", sorted(os.sched_getaffinity(0)) == cores)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not os.cpu_count() == len(os.sched_getaffinity(0)) == 2,
    reason="MindSpore (2.7 to 2.10) starts two workers on 2 cores, one an ActorThread; on more, nothing may be bound",
)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("before", "variable", "expected"),
    [("nothing", "1", "own"), ("an operator", "1", "own"), ("nothing", "0", "all"), ("bound", "1", "bound")],
)
def test_each_worker_has_a_core(mode, before, variable, expected):
    environment = {**os.environ, "MSCOMPAT_FAST_CPU": variable, "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", WORKERS, mode, before], env=environment, capture_output=True, text=True, check=True,
        timeout=120,
    )
    assert "(1, 2, 7, 7)" in result.stdout
    assert f"{expected} True" in result.stdout
    assert "caller True" in result.stdout


class System:
    """A process with workers, and what they were bound to."""

    def __init__(self, monkeypatch, cores=2, actors=(11,), kernels=(12,), allowed=None, bound=None, error=None):
        self.cores, self.bound, self.error = set(range(allowed or cores)), dict(bound or {}), error
        self.asked = []
        monkeypatch.setattr(_threads, "_workers", lambda wanted: (list(actors), list(kernels)))
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        monkeypatch.setattr(os, "sched_getaffinity", lambda thread: self.bound.get(thread, self.cores), raising=False)
        monkeypatch.setattr(os, "sched_setaffinity", self.bind, raising=False)
        monkeypatch.setattr(_threads, "_TASKS", pathlib.Path(__file__).parent)

    def bind(self, thread, cores):
        self.asked.append((thread, cores))
        if self.error:
            raise self.error
        self.bound[thread] = cores


@pytest.mark.parametrize(
    ("system", "asked"),
    [
        ({}, [(11, {0}), (12, {1})]),
        ({"cores": 4, "kernels": (12, 13, 14)}, [(11, {0}), (12, {1}), (13, {2}), (14, {3})]),
        ({"kernels": ()}, []),
        ({"kernels": (12, 13)}, []),
        ({"cores": 4, "actors": (11, 12), "kernels": (13, 14)}, []),
        ({"cores": 4, "allowed": 2}, []),
        ({"bound": {12: {1}}}, []),
        ({"error": PermissionError()}, [(11, {0})]),
        ({"error": ProcessLookupError()}, [(11, {0})]),
    ],
)
def test_who_is_bound(system, asked, monkeypatch):
    system = System(monkeypatch, **system)
    _threads._bind_workers()
    assert system.asked == asked


def test_what_the_user_has_configured_stays(monkeypatch):
    system = System(monkeypatch)
    configuration = SimpleNamespace(is_thread_bind_core_configured=lambda: True)
    monkeypatch.setattr(_threads, "_configuration", SimpleNamespace(get_instance=lambda: configuration))
    _threads._bind_workers()
    assert system.asked == []


def test_where_mindspore_notes_the_configuration():
    """Private, so it may go: then binding no longer minds mindspore.runtime.set_cpu_affinity. There in 2.7 to 2.10."""
    assert _threads._configuration.get_instance().is_thread_bind_core_configured() is False


def test_workers_are_found_by_name(monkeypatch, tmp_path):
    """Among threads that end meanwhile, whose names are no text, and that have not named themselves yet."""
    names = {11: b"ActorThread_0\n", 13: b"KernelThread_1\n", 14: b"caf\xc3", 15: b"python\n", 12: b"python\n"}
    for number, name in names.items():
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_bytes(name)
    (tmp_path / "16").mkdir()
    monkeypatch.setattr(_threads, "_TASKS", tmp_path)
    assert _threads._workers(2) == ([11], [13])
    later = threading.Timer(0.05, (tmp_path / "12" / "comm").write_bytes, [b"KernelThread_0\n"])
    later.start()
    assert _threads._workers(3) == ([11], [12, 13])
    later.join()
    assert _threads._workers(4) == ([11], [12, 13])


MIXED_PRECISION = """
import numpy as np, mindspore as ms, mscompat
ms.set_context(mode=ms.PYNATIVE_MODE)
layer = mscompat.TorchConv2d(3, 2, 3).to_float(ms.bfloat16)
try:
    layer(ms.Tensor(np.ones((1, 2, 7, 7), np.float32)))
except RuntimeError as error:
    print(error)
"""


def test_the_first_call_may_be_under_mixed_precision():
    """The operator that starts the workers must not be cast: CPU has no bfloat16 ReLU (MindSpore 2.7 to 2.10).

    In a process of its own: after an error in such a cell, PyNative mode goes on to cast (2.10).
    """
    environment = {**os.environ, "MSCOMPAT_FAST_CPU": "1", "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", MIXED_PRECISION], env=environment, capture_output=True, text=True, check=True,
        timeout=120,
    )
    assert "expected input[1, 2, 7, 7] to have 3 channels, but got 2 channels instead" in result.stdout


@pytest.fixture
def calls(monkeypatch, forgotten):
    """A process in which nothing has run; how often it was made to block."""
    calls = []
    monkeypatch.setattr(ms.runtime, "launch_blocking", lambda: calls.append(1))
    monkeypatch.setattr(_threads, "_is_mended", False)
    monkeypatch.setattr(_threads, "_is_off", False)
    monkeypatch.setattr(_onednn, "_state", _onednn.State.ABSENT)
    return calls


def test_blocks_once(calls):
    for size in (20, 21):
        mscompat.TorchConv2d(1, 1, 3)(Tensor(np.ones((1, 1, size, 23), np.float32))).asnumpy()
    assert calls == [1]


def test_what_stays_is_told(calls):
    _threads.mend()
    with pytest.raises(RuntimeError, match="a layer was called, and launch_blocking stays"):
        mscompat.set_fast_cpu(False)
    assert not _threads._is_off


@pytest.mark.parametrize("batch", [1, 0])
def test_turned_off_and_on(calls, batch):
    layer, input = mscompat.TorchConv2d(1, 1, 3), Tensor(np.ones((batch, 1, 7, 23), np.float32))
    mscompat.set_fast_cpu(False)
    layer(input)
    assert calls == []
    mscompat.set_fast_cpu(True)
    layer(input)
    assert calls == [1]
