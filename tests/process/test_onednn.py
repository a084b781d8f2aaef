"""The cap of MindSpore's oneDNN: when it is set, when not, and what oneDNN then takes."""

from __future__ import annotations

import logging
import os
import pathlib
import platform
import subprocess
import sys
import warnings
from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

import mscompat
from mscompat._mindspore import onednn, switch
from mscompat._mindspore.onednn import State

TESTS = pathlib.Path(__file__).parents[1]


@pytest.fixture
def process(monkeypatch):
    """A process with AVX-512 and oneDNN 3.10 in which nothing has run; `calls` is what set_max_cpu_isa was told."""
    library = SimpleNamespace(calls=[], answer=0, effective=0x27)
    library.dnnl_set_max_cpu_isa = lambda isa: library.calls.append(isa) or library.answer
    library.dnnl_get_effective_cpu_isa = lambda: library.effective
    library.version = (3, 10, 1)
    for name in (*onednn._ISA_VARIABLES, switch.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(onednn, "_has_avx512", lambda: True)
    monkeypatch.setattr(onednn, "version", lambda: library.version)
    monkeypatch.setattr(onednn, "_library", lambda: library)
    monkeypatch.setattr(onednn, "_state", None)
    monkeypatch.setattr(onednn, "_warned", False)
    return library


def cap_and_look():
    onednn.cap()
    return onednn.state()


def test_caps_once_and_says_so(process, caplog):
    caplog.set_level(logging.INFO, "mscompat")
    assert [cap_and_look(), cap_and_look()] == [State.CAPPED] * 2
    assert process.calls == [7]
    assert not onednn.is_slow()
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert "capped at AVX2" in record.getMessage()
    assert "MSCOMPAT_FAST_CPU=0" in record.getMessage()


@pytest.mark.parametrize(
    ("avx512", "version", "state"),
    [
        (True, (2, 2, 0), State.ABSENT),
        (False, (3, 10, 1), State.ABSENT),
        (False, None, State.ABSENT),
        (None, (2, 2, 0), State.ABSENT),
        (None, (3, 10, 1), State.UNKNOWN),
        (True, None, State.UNKNOWN),
        (None, None, State.UNKNOWN),
    ],
)
def test_leaves_alone_what_is_fast_or_not_known(process, monkeypatch, avx512, version, state, caplog):
    """None: the processor, or oneDNN, could not be looked at. Every warning is an error here."""
    caplog.set_level(logging.DEBUG, "mscompat")
    monkeypatch.setattr(onednn, "_has_avx512", lambda: avx512)
    process.version = version
    assert onednn.state() is state
    assert cap_and_look() is state
    assert not onednn.is_slow()
    assert process.calls == []
    assert not caplog.records


def test_other_devices_are_left_alone(process, monkeypatch):
    """Should the process turn to the CPU later, it is too late to cap: layers convolve by products, and say so."""
    monkeypatch.setattr(ms, "get_current_device", lambda: ("Ascend", 0))
    assert cap_and_look() is State.LATE
    assert process.calls == []
    with pytest.warns(RuntimeWarning, match="or had another device then"):
        assert onednn.is_slow()


@pytest.mark.parametrize("variable", onednn._ISA_VARIABLES)
@pytest.mark.parametrize(
    ("value", "state"),
    [("AVX2", State.ABSENT), ("sse41", State.ABSENT), ("ALL", State.ENVIRONMENT), ("AVX512_CORE", State.ENVIRONMENT)],
)
def test_never_overrides_the_user(process, monkeypatch, variable, value, state):
    monkeypatch.setenv(variable, value)
    assert cap_and_look() is state
    assert process.calls == []
    assert onednn.is_slow() == (state is State.ENVIRONMENT)


def test_too_late_warns_once(process):
    process.answer = 2
    assert cap_and_look() is State.LATE
    with pytest.warns(RuntimeWarning, match="Import mscompat.nn before the first operator, or set ONEDNN_MAX_CPU_ISA"):
        assert onednn.is_slow()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert onednn.is_slow()


def test_too_late_under_a_cap_is_not_slow(process):
    process.answer, process.effective = 2, 0x7
    assert cap_and_look() is State.ABSENT


def test_environment_turns_it_off(process, monkeypatch):
    monkeypatch.setenv("MSCOMPAT_FAST_CPU", "0")
    assert cap_and_look() is State.DISABLED
    assert process.calls == []
    assert not onednn.is_slow()


def test_version():
    expected = {"2.7": 2, "2.8": 2, "2.9": 3, "2.10": 3}.get(ms.__version__.rpartition(".")[0])
    assert onednn.version() is not None
    assert expected in (None, onednn.version()[0])


def pretend(how):
    environment = {name: value for name, value in os.environ.items() if "MAX_CPU_ISA" not in name}
    result = subprocess.run(
        [sys.executable, str(TESTS / "pretend_avx512.py"), how],
        env={**environment, "ONEDNN_VERBOSE": "2", "PYTHONPATH": str(TESTS.parent), "MSCOMPAT_FAST_CPU": "1"},
        capture_output=True, text=True, check=True, timeout=120,
    )
    if "no record" in result.stdout:
        pytest.skip("oneDNN's record of the processor was not found")
    convolutions = [line for line in result.stdout.splitlines() if ",create:" in line and ",convolution," in line]
    return convolutions, result


@pytest.mark.skipif(onednn.version() is None or onednn.version()[0] < 3, reason="oneDNN 2 has no such loop")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX-512 is of x86-64")
class TestPretendedAvx512:
    """With AVX-512, pretended where there is none: MindSpore 2.9 and 2.10.

    When test_native fails, MindSpore has mended it: then see whether the cap is still needed.
    """

    def test_native(self):
        convolutions, _ = pretend("native")
        assert "jit_uni_ncsp:conv+ref:any" in convolutions[0]

    def test_capped(self):
        convolutions, result = pretend("capped")
        assert convolutions
        assert all("gemm:jit" in line for line in convolutions)
        assert "slow False state CAPPED error 0.0" in result.stdout

    def test_late(self):
        convolutions, result = pretend("late")
        assert "ref:any" in convolutions[0]
        assert "slow True state LATE" in result.stdout
        assert "Import mscompat.nn before the first operator" in result.stderr


@pytest.mark.parametrize("state", [State.ABSENT, State.ENVIRONMENT])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 6), (np.float32, 600), (np.float16, 6)])
def test_export_holds_the_operators(monkeypatch, tmp_path, state, dtype, size):
    """However the layer itself computes: by products, or, where it narrows and is large, flipped."""
    monkeypatch.setattr(onednn, "_state", state)
    layer = mscompat.TorchConv2d(8, 4, 3, padding="same", groups=2, dtype=dtype)
    input = Tensor(np.ones((2, 8, 5, size), dtype))
    layer(input).asnumpy()
    ms.export(layer, input, file_name=str(tmp_path / "layer"), file_format="MINDIR")
    graph = (tmp_path / "layer.mindir").read_bytes()
    assert b"Conv2D" in graph
    for name in (b"Conv2DTranspose", b"Conv2DBackpropInput", b"ReverseV2", b"Im2Col", b"Cast"):
        assert name not in graph


PEAK = """
import sys
import numpy as np, mindspore as ms, mscompat
from mscompat import functional as F
from mscompat._mindspore import onednn
onednn._state = onednn.State.ENVIRONMENT if sys.argv[1] == "products" else onednn.State.ABSENT
call, shape, weight = {
    "conv2d": (F.conv2d, (1, 64, 512, 512), (64, 64, 4, 4)),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w, stride=2), (1, 64, 256, 256), (64, 64, 4, 4)),
    "large": (lambda x, w: F.conv2d(x, w, padding="same"), (1, 120, 1024, 640), (240, 120, 4, 4)),
}[sys.argv[2]]
input, weight = (ms.Tensor(np.ones(size, np.float32)) for size in (shape, weight))
if sys.argv[3] == "forward":
    run = call
else:
    gradients = ms.grad(lambda input, weight: call(input, weight).sum(), (0, 1))
    run = lambda input, weight: gradients(input, weight)[0]
def peak():  # not getrusage's, which begins with the parent's
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
run(input[:, :, :8, :8], weight).asnumpy()
before = peak()
result = run(input, weight)  # complete: the first call made PyNative mode wait for its operators
after = peak()
size = result.size if sys.argv[3] == "forward" else call(input, weight).size
print("times", (after - before) * 1024 / (4 * (input.size + size + weight.size)))
"""


def peak(*arguments):
    """The memory that a call needs, as a multiple of input, output and weight."""
    result = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
        capture_output=True, text=True, check=True, timeout=600,
    )
    return float(result.stdout.rpartition("times")[2])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["conv2d", "conv_transpose2d", "large"])
def test_memory_is_bounded(kind):
    """At most 4 times input, output and weight; the patches of the whole would be 8 to 16 times the input.

    "large", a case of MindSpore's own page on torch's operators, is 600 GFLOP; 4 times its arrays is 3.8 GB.
    """
    assert peak("products", kind, "forward") < 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["conv2d", "conv_transpose2d"])
def test_memory_of_gradients_is_bounded(kind):
    """MindSpore's own operators need 7 to 9 times input, output and weight (2.10); products at most 4 times more."""
    assert peak("products", kind, "training") < peak("native", kind, "training") + 4
