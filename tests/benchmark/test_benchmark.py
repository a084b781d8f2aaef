"""The benchmark runs, times what it says it times, and judges right. No time is asserted."""

from __future__ import annotations

import importlib.util
import json
import math
import pathlib
import subprocess
import sys

import pytest

SHORT = ("layer", "operators", "functional", "padded_layer", "padded_operators")
BENCHMARK = pathlib.Path(__file__).parent


@pytest.fixture
def modules(monkeypatch):
    """Import the benchmark's modules by name."""
    monkeypatch.syspath_prepend(str(BENCHMARK))
    return importlib.import_module


@pytest.mark.slow
def test_the_command(tmp_path):
    image = pytest.importorskip("matplotlib.image", reason="the chart needs matplotlib, of the examples extra")
    command = [
        sys.executable, str(BENCHMARK / "run.py"), "--quick", "--rounds", "1", "--only", "DCGAN|CycleGAN up",
        "--output", str(tmp_path),
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "results.json").read_text())

    names = ["mscompat graph", "native graph", "mscompat pynative", "native pynative"]
    names += ["torch"] if importlib.util.find_spec("torch") else []
    cases = ["DCGAN 256-128 k4, 8, /2", "CycleGAN up 256-128 k3, 64, output_padding 1"]
    wanted = {(case, passes, name) for case in cases for passes in ("forward", "forward+backward") for name in names}
    wanted |= {(f"16-16 k3, 8, {subject}", "forward", "mscompat blocking") for subject in SHORT}
    found = {(one["case"], one["pass"], one["contender"]): one for one in results["measurements"]}
    assert set(found) == wanted
    assert len(results["measurements"]) == len(wanted)
    for (case, _, contender), one in found.items():
        assert not one["stopped"]
        assert all(math.isfinite(value) and value > 0 for value in one["quartiles"])
        # MindSpore's output_padding is: see the README.
        assert one["wrong"] == ("output_padding" in case and contender.startswith("native"))
        assert case in printed
    for seconds in results["import"].values():
        assert all(math.isfinite(value) and value > 0 for value in seconds)
    judged = [target["name"] for target in results["targets"] if target["met"] is not None]
    assert ("graph: mscompat / torch, forward, mean" in judged) == ("torch" in names)
    assert "import mscompat after mindspore, ms" in judged

    picture = image.imread(tmp_path / "results.png")
    assert picture.shape[1] > 1000
    assert picture.std() > 0.1


@pytest.mark.slow
def test_a_call_over_the_limit_is_stopped_and_the_next_one_runs(modules):
    pytest.importorskip("matplotlib", reason="run.py draws a chart: matplotlib, of the examples extra")
    run, workload = modules("run"), modules("workload")
    contender, group = run.Contender("native pynative"), workload.OVERHEAD[:2]  # a layer and its operators
    try:
        stopped = run.measure(group, workload.FORWARD, [contender], 1, 1e-6)
        timed = run.measure(group, workload.FORWARD, [contender], 1, 60)
    finally:
        contender.stop()
    assert [(one["stopped"], one["seconds"]) for one in stopped] == [(True, [1e-6])] * 2
    assert [one["stopped"] for one in timed] == [False, False]
    assert timed[0]["digests"][0] == pytest.approx(timed[1]["digests"][0])


def _results(modules, seconds, avx512):
    """Results where the median of every contender is given."""
    workload = modules("workload")
    cases = [case for group in workload.GROUPS for case in group]
    measurements = [
        {
            "case": case.name, "kind": case.kind, "count": case.count, "pass": passes, "contender": contender,
            "stopped": False, "seconds": [median] * 3, "digests": [[1.0, 1.0]],
        }
        for case in cases for passes in workload.PASSES for contender, median in seconds.items()
    ]
    measurements += [
        {
            "case": case.name, "kind": case.kind, "count": 1, "pass": "forward", "contender": "mscompat blocking",
            "stopped": False, "seconds": [median], "digests": [[1.0, 1.0]],
        }
        for case, median in zip(workload.OVERHEAD, (150e-6, 100e-6, 120e-6, 500e-6, 540e-6), strict=True)
    ]
    return {
        "environment": {"avx512": avx512, "pretended_avx512": False, "oneDNN": "3.10.1"},
        "measurements": measurements,
        "import": {"mindspore": [2.0], "mscompat": [0.04]},
    }


@pytest.mark.parametrize("avx512", [True, False])
def test_targets(modules, avx512):
    report = modules("report")
    seconds = {"mscompat graph": 1.0, "native graph": 130.0, "mscompat pynative": 1.0, "native pynative": 0.5,
               "torch": 0.4}
    results = _results(modules, seconds, avx512)
    report.summarize(results)
    targets = {one["name"]: (one["value"], one["met"]) for one in report.judge(results)}

    def judged(value, met, here=True):
        return (pytest.approx(value), met) if here else (None, None)

    assert targets["graph: native / mscompat, dense k>1, forward, mean"] == judged(130, True, avx512)
    assert targets["pynative: native / mscompat, dense k>1, forward, least"] == judged(0.5, False, avx512)
    assert targets["graph: mscompat / native, no padding mode, forward, mean"] == judged(1 / 130, True, not avx512)
    assert targets["pynative: mscompat / native, no padding mode, forward, mean"] == judged(2, False, not avx512)
    assert targets["graph: mscompat / torch, forward, mean"] == judged(2.5, False)
    assert targets["graph: mscompat / torch, forward+backward, mean"] == judged(2.5, True)
    assert targets["graph: mscompat / torch, depthwise and grouped, forward+backward, worst"] == judged(2.5, True)
    assert targets["graph: padding modes / zeros, forward, worst"] == judged(1, True)
    assert targets["pynative: a call beyond its operators, microseconds"] == judged(50, False)
    assert targets["pynative: a functional call beyond its operators, microseconds"] == judged(20, True)
    assert targets["pynative: a padded call beyond its operators, microseconds"] == judged(-40, True)
    assert targets["import mscompat after mindspore, ms"] == judged(40, True)


def test_without_torch(modules):
    report = modules("report")
    results = _results(modules, {"mscompat graph": 1.0, "native graph": 1.0}, False)
    results["measurements"][1]["digests"] = [[1.01, 1.0]]
    report.summarize(results)
    results["targets"] = report.judge(results)
    assert [one["wrong"] for one in results["measurements"][:3]] == [False, True, False]
    (against_torch,) = (one for one in results["targets"] if one["name"] == "graph: mscompat / torch, forward, mean")
    assert (against_torch["met"], against_torch["why"]) == (None, "not measured")
    assert json.loads(report.to_json(results)) == results
