"""The benchmark runs, times what it says it times, and judges right. No time is asserted."""

from __future__ import annotations

import importlib.util
import json
import math
import pathlib
import platform
import subprocess
import sys

import pytest

from mscompat._mindspore import onednn

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
        sys.executable, str(BENCHMARK / "run.py"), "--quick", "--rounds", "1",
        "--only", r"DCGAN|CycleGAN up|HiFi-GAN|R3D-18", "--output", str(tmp_path),
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "results.json").read_text())

    names = ["mscompat graph", "native graph", "mscompat pynative", "native pynative"]
    names += ["torch"] if importlib.util.find_spec("torch") else []
    cases = [
        "DCGAN 256-128 k4, 8, /2", "CycleGAN up 256-128 k3, 64, output_padding 1", "HiFi-GAN up 512-256 k16, 32, /8",
        "R3D-18 512-512 k3, 2x7x7", "DCGAN's generator",
    ]
    wanted = {(case, passes, name) for case in cases for passes in ("forward", "forward+backward") for name in names}
    wanted |= {(f"16-16 k3, 8, {subject}", "forward", "mscompat blocking") for subject in SHORT}
    found = {(one["case"], one["pass"], one["contender"]): one for one in results["measurements"]}
    assert set(found) == wanted
    assert len(results["measurements"]) == len(wanted)
    for (case, _, contender), one in found.items():
        assert not one["stopped"]
        assert all(math.isfinite(value) and value > 0 for value in one["quartiles"])
        # MindSpore's output_padding is: see MS-01.
        assert one["wrong"] == ("output_padding" in case and contender.startswith("native"))
        assert case in printed
    for seconds in results["import"].values():
        assert all(math.isfinite(value) and value > 0 for value in seconds)
    judged = [target["name"] for target in results["targets"] if target["met"] is not None]
    assert ("graph: mscompat / torch, layers of image networks, forward, mean" in judged) == ("torch" in names)
    assert ("graph: mscompat / torch, 1-D, 3-D, large kernels, forward, worst" in judged) == ("torch" in names)
    assert "import mscompat after mindspore, ms" in judged

    for name in ("results.png", "networks.png") if "torch" in names else ("results.png",):
        picture = image.imread(tmp_path / name)
        assert picture.shape[1] > 800
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


def _small_cases(case):
    """Layers of each number of dimensions, with and without a bias; where the axes may differ, they do."""

    def make(kind, sizes, kernel_size, **others):
        arguments = {"in_channels": 4, "out_channels": 6, "kernel_size": kernel_size}
        transposed = kind.startswith("transposed")
        return case(f"{kind}, {others}", kind, (2, 4, *sizes), {**arguments, **others}, transposed)

    volume = {"stride": (1, 2, 1), "padding": (0, 1, 2)}
    return (
        make("dense", (9, 9), 3, stride=2, padding=1, groups=2),
        make("transposed", (5, 5), 3, stride=2, padding=1, bias=False),
        make("1-D", (40,), 3, stride=2, padding=4, dilation=3),
        make("1-D", (40,), 3, bias=False),
        make("transposed 1-D", (12,), 4, stride=2, padding=1),
        make("3-D", (4, 6, 5), (1, 2, 3), **volume),
        make("3-D", (4, 6, 5), 2, bias=False),
        make("transposed 3-D", (4, 5, 6), (1, 4, 5), **volume),
        make("large kernel", (20, 20), 11, padding=5),
    )


@pytest.mark.slow
def test_contenders_compute_the_same(modules):
    pytest.importorskip("matplotlib", reason="run.py draws a chart: matplotlib, of the examples extra")
    pytest.importorskip("torch", reason="compares with torch")
    run, report, workload = modules("run"), modules("report"), modules("workload")
    cases = _small_cases(workload.Case)
    assert {case.kind for case in cases} >= set(run.PRETENDED) - {"zeros", "padding mode", "output_padding"}
    contenders = [run.Contender(name) for name in run.CONTENDERS]
    try:
        measurements = [
            one for passes in workload.PASSES for one in run.measure(cases, passes, contenders, 1, 60, 0.001)
        ]
    finally:
        for contender in contenders:
            contender.stop()
    assert len(measurements) == len(cases) * len(workload.PASSES) * len(contenders)
    for one in measurements:
        gradients = 2 if "'bias': False" in one["case"] else 3
        assert len(one["digests"]) == 1 + (gradients if one["pass"] == workload.BACKWARD else 0)
    report.summarize({"measurements": measurements})
    assert [one for one in measurements if one["wrong"] or one["stopped"]] == []


@pytest.mark.slow
@pytest.mark.skipif(onednn.version() is None or onednn.version()[0] < 3, reason="oneDNN 2 has no such loop")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX-512 is of x86-64")
def test_what_a_pretended_avx512_leaves_runs(modules):
    pytest.importorskip("matplotlib", reason="run.py draws a chart: matplotlib, of the examples extra")
    run, workload = modules("run"), modules("workload")
    contender = run.Contender("native graph", pretend_avx512=True)
    cases = _small_cases(workload.Case)
    assert not any(contender.takes(case, workload.BACKWARD) for case in cases)
    try:
        found = run.measure(cases, workload.FORWARD, [contender], 1, 60, 0.001)
    finally:
        contender.stop()
    assert [one["case"] for one in found] == [case.name for case in cases]


def test_shapes_are_torchs(modules):
    torch = pytest.importorskip("torch", reason="compares with torch")
    workload = modules("workload")
    cases = [case for group in (*workload.GROUPS, workload.OVERHEAD) for case in group]
    layers = [case for case in cases if case.subject not in ("cell", "network")]
    for case in (*layers, *_small_cases(workload.Case)):
        with torch.device("meta"):
            layer = getattr(torch.nn, case.layer)(**case.arguments)
            output = layer(torch.empty(case.input))
        bias = None if layer.bias is None else tuple(layer.bias.shape)
        assert case.shapes == (tuple(layer.weight.shape), bias, tuple(output.shape)), case.name


def test_json_gives_the_case_back(modules):
    workload = modules("workload")
    for case in _small_cases(workload.Case):
        assert workload.Case.from_json(json.loads(json.dumps(case._asdict()))) == case


def test_every_layer_is_judged(modules):
    report, workload = modules("report"), modules("workload")
    kinds = {case.kind for group in workload.GROUPS for case in group}
    assert kinds == set(report.COMPARED)


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
    for what in ("image networks, no padding mode", "1-D, 3-D, large kernels", "whole networks"):
        assert targets[f"graph: mscompat / native, {what}, forward, mean"] == judged(1 / 130, True, not avx512)
        assert targets[f"pynative: mscompat / native, {what}, forward, mean"] == judged(2, False, not avx512)
    for what in ("layers of image networks", "1-D, 3-D, large kernels"):
        assert targets[f"graph: mscompat / torch, {what}, forward, mean"] == judged(2.5, False)
        assert targets[f"graph: mscompat / torch, {what}, forward+backward, mean"] == judged(2.5, True)
    assert targets["graph: mscompat / torch, 1-D, 3-D, large kernels, forward, worst"] == judged(2.5, True)
    assert "pynative: mscompat / torch, 1-D, 3-D, large kernels, forward, mean" not in targets
    assert targets["graph: mscompat / torch, depthwise and grouped, forward+backward, worst"] == judged(2.5, True)
    assert targets["graph: mscompat / torch, whole networks, forward, mean"] == judged(2.5, False)
    assert targets["pynative: mscompat / native, other cells, forward, beyond the quartiles, worst"] == judged(2, False)
    assert targets["graph: padding modes / zeros, forward, worst"] == judged(1, True)
    assert targets["pynative: a call beyond its operators, microseconds"] == judged(50, False)
    assert targets["pynative: a functional call beyond its operators, microseconds"] == judged(20, True)
    assert targets["pynative: a padded call beyond its operators, microseconds"] == judged(-40, True)
    assert targets["import mscompat after mindspore, ms"] == judged(40, True)


@pytest.mark.parametrize(("mscompat", "native", "value"), [
    ((1.0, 2.0, 3.0), (1.0, 1.5, 2.0), 0.6),  # 1.33 of the medians, which the quartiles explain
    ((2.0, 2.2, 2.4), (1.0, 1.5, 1.7), 2.1 / 1.6),
])
def test_slower_than_native_beyond_the_noise(modules, mscompat, native, value):
    report = modules("report")
    results = _results(modules, {"mscompat graph": 1.0, "native graph": 1.0}, True)
    for one in results["measurements"]:
        if one["case"].startswith("V-Net") and one["pass"] == "forward":
            one["seconds"] = list(mscompat if one["contender"] == "mscompat graph" else native)
    report.summarize(results)
    name = "graph: mscompat / native, 1-D, 3-D, large kernels, forward, beyond the quartiles, worst"
    (target,) = (one for one in report.judge(results) if one["name"] == name)
    assert target["value"] == pytest.approx(max(1, value))  # the other rows' is 1
    assert target["met"] == (value < 1)


def test_without_torch(modules):
    report = modules("report")
    results = _results(modules, {"mscompat graph": 1.0, "native graph": 1.0}, False)
    results["measurements"][1]["digests"] = [[1.01, 1.0]]
    report.summarize(results)
    results["targets"] = report.judge(results)
    assert [one["wrong"] for one in results["measurements"][:3]] == [False, True, False]
    name = "graph: mscompat / torch, layers of image networks, forward, mean"
    (against_torch,) = (one for one in results["targets"] if one["name"] == name)
    assert (against_torch["met"], against_torch["why"]) == (None, "not measured")
    assert json.loads(report.to_json(results)) == results
