"""The two modes, the algorithms, and scripts in processes of their own."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import mindspore as ms
import pytest
from mindspore import nn

from mscompat._conv import devices, plan
from mscompat._conv.algorithms import linked, padding, tiles
from mscompat._mindspore import onednn

ROOT = Path(__file__).parents[1]

MODES = {"pynative": ms.PYNATIVE_MODE, "graph": ms.GRAPH_MODE}


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """With pytest-xdist, a process for each core, up to 4, unless the command line says how many."""
    if not config.pluginmanager.has_plugin("xdist") or hasattr(config, "workerinput"):
        return
    if config.option.numprocesses is None and not config.option.usepdb:
        config.option.numprocesses = min(os.cpu_count() or 1, 4)
        config.option.dist = "worksteal"


def pytest_collection_finish():
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()


def pytest_terminal_summary(terminalreporter):
    """One line on torch's own inputs: what tests/nn recorded of its comparisons."""
    reports = [report for status in ("passed", "failed") for report in terminalreporter.getreports(status)]
    for kind in ("modules", "functions"):
        rows = [value for report in reports for name, value in report.user_properties if name == f"torch_{kind}"]
        if rows:
            inputs, differing = sum(count for _, count, _ in rows), sum(count for *_, count in rows)
            terminalreporter.write_line(
                f"torch's own suite: {len({name for name, *_ in rows})} {kind}, {inputs} inputs, {inputs - differing} "
                f"equal, {differing} differing"
            )


@pytest.fixture(autouse=True, scope="module")
def keep_from_collection():
    """MindSpore collects garbage with every graph it compiles (2.7 to 2.10): among what stays, for half a second."""
    yield
    gc.collect()
    gc.freeze()


class _Sum(nn.Cell):
    """What makes later graphs of this process read tuples in another way (MS-79)."""

    def construct(self, input):
        output = input * 2
        output += input
        return output[0]


@pytest.fixture(autouse=True, scope="session")
def used_process():
    """A process whose user had graphs of his own before: all tests see the same, in whatever order they run."""
    ms.set_context(mode=ms.GRAPH_MODE)
    for _ in range(2):
        _Sum()(ms.Tensor([[1.0]]))
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(params=MODES)
def mode(request):
    """Run the test in PyNative and in Graph mode."""
    ms.set_context(mode=MODES[request.param])
    yield request.param
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture
def graph_mode():
    """Run the test in Graph mode."""
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture
def slow_onednn(monkeypatch, forgotten):
    """A process in which oneDNN takes its reference loop, and can no longer be kept from it."""
    monkeypatch.setattr(onednn, "_state", onednn.State.ENVIRONMENT)


@pytest.fixture
def small_tiles(monkeypatch, forgotten):
    """Products of a fifth of the patches, at most: several tiles in every case."""
    monkeypatch.setattr(tiles, "patch_limit", lambda c: max(c.patches() // 5, 1))


@pytest.fixture
def always_flipped(monkeypatch, forgotten):
    """Convolutions are flipped however small they are."""
    monkeypatch.setattr(devices, "_FEWEST_PATCHES", 0)
    monkeypatch.setattr(devices, "_FEWEST_POSITIONS", 0)


@pytest.fixture
def always_refused(monkeypatch, forgotten):
    """Convolutions are computed as those of large kernels are, however small they are."""
    monkeypatch.setattr(devices, "_PATCHES_PER_ELEMENT", 0)
    monkeypatch.setattr(devices, "_FEWEST_PRODUCTS", 0)


@pytest.fixture
def forgotten():
    """What was made before the test, and in it; to call, so that what was made so far is."""
    makers = (
        plan._known_plan, linked.conv, linked.input_gradient, linked.weight_gradient, padding.pad_operator,
        padding._pad_gradient,
    )

    def forget():
        for maker in makers:
            maker.cache_clear()

    forget()
    yield forget
    forget()


@pytest.fixture
def run_script(tmp_path):
    """Run a script as its reader would, in tmp_path, where it leaves its files and MindSpore its folders."""
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    def run(script, *arguments):
        return subprocess.run(
            [sys.executable, script, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=300, check=False,
        )

    return run
