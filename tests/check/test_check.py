"""mscompat check: what it finds, what it survives, and what it says."""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest

import mscompat
from mscompat import check, cli
from mscompat.check import Outcome, Report, runner
from mscompat.check.golden import FACTORS, TOLERANCES, load, make_inputs, multiply, relative_error, save
from mscompat.check.worker import _array, _tensor, run_job

CHECK = check.check
RECORDS = {f"{record.golden.operator}/{record.golden.name}": record for record in load()[1]}
FEW = ("conv2d/stride_tuple", "conv2d/padding_int", "conv_transpose2d/one_pixel_output",
       "conv_transpose2d/output_size_(7, 13)")


def write_few(path, wrong=None):
    """A file of few calls, where one element of the output of the call named wrong is wrong."""
    records = [RECORDS[name] for name in FEW]
    for number, record in enumerate(records):
        if record.golden.name == wrong:
            output = record.results.output.copy()
            output.flat[-1] += 1
            records[number] = record._replace(results=record.results._replace(output=output))
    save(path, "2.0", records)
    return path


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run ``mscompat check``: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **private):
        monkeypatch.setattr(check, "check", functools.partial(CHECK, **private))
        try:
            code = cli.main(["check", *arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capfd.readouterr()

    return run


def worker(folder, body):
    """The command of a worker where these lines come before each call of run_job(record, dtype)."""
    path = folder / "worker.py"
    path.write_text(f"""
import os, signal, time
from mscompat.check import worker

run_job = worker.run_job

def wrapper(record, dtype):
    name = record.golden.name
{body}
    return run_job(record, dtype)

worker.run_job = wrapper
worker.main()
""", encoding="utf-8")
    return [sys.executable, "-W", "ignore", str(path)]


def test_wrong_and_crashing_calls_are_named_and_the_rest_run(run, tmp_path):
    command = worker(tmp_path, """
    if (name, dtype) == ("padding_int", "float32"):
        print("about to fall", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if (name, dtype) == ("output_size_(7, 13)", "float16"):
        os._exit(139)
    if (name, dtype) == ("output_size_(7, 13)", "float64"):
        raise RuntimeError("no such kernel")
""")
    golden = write_few(tmp_path / "few.npz", wrong="stride_tuple")
    code, output, error = run("--mode", "pynative", "--json", "report.json", golden=golden, worker=command)
    assert code == 1
    report = json.loads(Path("report.json").read_text())
    assert report["counts"] == {"run": 16, "passed": 9, "failed": 5, "crashed": 2, "not supported": 0}
    assert not report["passed"]
    wrong = {(failure["case"], failure["dtype"]): failure for failure in report["failures"]}
    first, segfault, one_pixel, ended = FEW
    assert set(wrong) == {
        *((first, dtype) for dtype in check.DTYPES), (segfault, "float32"), (ended, "float16"), (ended, "float64"),
    }
    assert one_pixel not in {case for case, _ in wrong}
    for dtype in check.DTYPES:
        failure = wrong[first, dtype]
        assert failure["status"] == "failed"
        assert failure["message"].startswith("output: relative error")
        assert failure["errors"]["output"] > TOLERANCES[dtype]
        assert failure["errors"]["input_gradient"] <= TOLERANCES[dtype]
        assert "'stride': (2, 3)" in failure["arguments"]
    assert wrong[segfault, "float32"]["status"] == wrong[ended, "float16"]["status"] == "crashed"
    assert wrong[segfault, "float32"]["message"] == (
        "the process ended by signal 11 (SIGSEGV). Its last words: about to fall"
    )
    assert wrong[ended, "float16"]["message"].startswith("the process ended with exit code 139")
    assert wrong[ended, "float64"]["message"] == "RuntimeError: no such kernel"
    assert report["environment"]["MindSpore"] == ms.__version__
    assert report["environment"]["mscompat"] == mscompat.__version__
    assert set(report["worst_errors"]) == {"conv2d", "conv_transpose2d"}

    lines = output.splitlines()
    assert lines[-1] == "NOT PASSED: on CPU, 5 calls failed and 2 crashed, of 16."
    assert "crashed: conv2d/padding_int, float32, pynative: the process ended by signal 11 (SIGSEGV)" in output
    assert [line.split() for line in lines if line.startswith("operator ")] == [
        ["operator", "dtype", "mode", "passed", "failed", "crashed", "error", "limit"]
    ]
    assert [line.split()[:6] for line in lines if line.startswith("conv2d ") and "float32" in line] == [
        ["conv2d", "float32", "pynative", "0", "1", "1"]
    ]
    assert error.startswith("mscompat: 16 calls, which take a minute at most\n")
    assert "16 of 16 calls" in error


def test_a_device_that_is_not_there(run):
    target = ms.get_context("device_target")
    missing = "GPU" if target != "GPU" else "Ascend"
    for option in ("--device-target", "--device_target"):
        assert run(option, missing) == (1, "", f"mscompat: error: there is no {missing} that MindSpore can use\n")


def test_a_mindspore_that_does_not_work(run, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text("""
import json
print("a line of somebody else")
print(json.dumps({"environment": {"MindSpore": "2.10"}}))
print(json.dumps({"broken": "pyboost_add"}))
""", encoding="utf-8")
    message = "mscompat: error: MindSpore does not work at all here. Its first tensor operator: pyboost_add\n"
    assert run(worker=[sys.executable, str(script)]) == (1, "", message)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--device-target", "TPU"], "argument --device-target: invalid choice: 'TPU'"),
    (["--device_target", "TPU"], "argument --device_target: invalid choice: 'TPU'"),
    (["--mode", "eager"], "argument --mode: invalid choice: 'eager'"),
    (["--dtype", "int8"], "argument --dtype: invalid choice: 'int8'"),
    (["--json", "nowhere/report.json"], "--json: there is no folder nowhere"),
    (["--timeout", "0"], "--timeout must be positive, but got 0"),
    (["extra"], "unrecognized arguments: extra"),
])
def test_usage(run, arguments, message):
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert message in error


def outcome(status, dtype="float32", **fields):
    values = {"case": "conv2d/a", "dtype": dtype, "mode": "graph", "status": status, "errors": {}, "message": ""}
    return Outcome(**{**values, **fields})


def test_not_supported_is_no_failure(capsys):
    report = Report({"device target": "GPU"}, [
        outcome("passed", errors={"output": 1e-7}), outcome("not supported", "bfloat16", message="TypeError: no"),
    ])
    assert report.passed
    check.print_report(report)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "PASSED: on GPU, 1 calls give torch's values and gradients; 1 not supported by MindSpore here."
    assert [line.split() for line in lines if line.startswith(("operator", "conv2d"))] == [
        ["operator", "dtype", "mode", "passed", "refused", "error", "limit"],
        ["conv2d", "float32", "graph", "1", "0", "1.0e-07", "5e-07"],
        ["conv2d", "bfloat16", "graph", "0", "1", "-", "-"],
    ]
    assert not Report(report.environment, report.outcomes[1:]).passed


@pytest.mark.parametrize(("target", "dtype", "kind", "status"), [
    ("GPU", "bfloat16", "TypeError", "not supported"),
    ("Ascend", "float64", "TypeError", "not supported"),
    ("CPU", "float64", "TypeError", "failed"),
    ("GPU", "float32", "TypeError", "failed"),
    ("GPU", "bfloat16", "RuntimeError", "failed"),
])
def test_what_counts_as_not_supported(target, dtype, kind, status):
    class Worker:
        def receive(self, seconds):
            return {"raised": "text", "type": kind}

    job = runner._Job(0, "conv2d/a", dtype, "graph")
    result = runner._outcome(Worker(), job, 1, target)
    assert (result.status, result.message) == (status, f"{kind}: text")


TABLE = """\
device target  CPU
processor      x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x
               x\\x1b x\\x1b

operator         dtype    mode     passed failed crashed refused    error limit
conv_transpose2d float32  pynative      0      1       1       0 infinite 5e-07
conv_transpose2d bfloat16 pynative      1      0       0       1  3.0e-03 4e-03

failed: conv_transpose2d/a, float32, pynative: a b\\x1b[2J
crashed: conv_transpose2d/a, float32, pynative:\x20
NOT PASSED: on CPU, 1 calls failed and 1 crashed, of 4; 1 not supported by MindSpore here.
"""


def test_tables_fit_80_columns_and_move_no_cursor(capsys):
    case = {"case": "conv_transpose2d/a", "mode": "pynative"}
    check.print_report(Report({"device target": "CPU", "processor": "x " * 33 + "x\x1b x\x1b"}, [
        outcome("failed", errors={"output": None}, message="a\nb\x1b[2J", **case), outcome("crashed", **case),
        outcome("passed", "bfloat16", errors={"output": 3e-3}, **case), outcome("not supported", "bfloat16", **case),
    ]))
    assert capsys.readouterr().out == TABLE


def test_the_command_line_names_what_can_be_checked():
    assert (cli._MODES, cli._DTYPES) == (check.MODES, check.DTYPES)


def test_infinite_errors(capsys):
    values = np.array([1.0, np.nan]), np.array([1.0, 2.0]), np.ones(2)
    assert relative_error(*values) == math.inf
    report = Report({"device target": "CPU"}, [outcome("failed", errors={"output": None, "weight_gradient": 1.0})])
    assert json.loads(report.to_json())["worst_errors"] == {"conv2d": {"float32": None}}
    check.print_report(report)
    assert "infinite" in capsys.readouterr().out


def test_a_wrong_shape_is_an_error():
    record = RECORDS["conv2d/stride_tuple"]
    wrong = record._replace(
        results=record.results._replace(bias_gradient=record.results.bias_gradient[:-1]),
        scales=record.scales._replace(bias_gradient=record.scales.bias_gradient[:-1]),
    )
    channels = record.golden.arguments["out_channels"]
    assert run_job(wrong, "float32")["bias_gradient"] == f"shape ({channels},), expected ({channels - 1},)"


def test_float32_is_seen_in_float64_and_tf32_in_float32():
    """What the numbers of a record can tell apart: the inputs need more than 11 bits, their products more than 24."""
    for name in FEW:
        golden, results, scales = RECORDS[name]
        inputs = make_inputs(golden)
        for dtype, bits in (("float64", 24), ("float32", 11)):
            factor = FACTORS[dtype]
            exact = multiply(inputs, factor).input
            for values in multiply(results, factor)[:2]:
                if bits == 24:
                    assert (values.astype(np.float32) != values).any()
            mantissas, exponents = np.frexp(exact)
            rounded = np.ldexp(np.round(mantissas * 2**bits) / 2**bits, exponents)
            assert bits == 24 or np.abs(rounded / exact - 1).max() > 100 * TOLERANCES[dtype]
        assert scales.output.min() > 0


@pytest.mark.parametrize("dtype", check.DTYPES)
def test_inputs_are_exact(dtype):
    factor = FACTORS[dtype]
    for record in RECORDS.values():
        inputs = multiply(make_inputs(record.golden), factor)
        for values in (inputs.input, inputs.weight):
            np.testing.assert_array_equal(_array(_tensor(values, dtype)), values)


@pytest.mark.slow
def test_a_call_that_hangs_is_reported(run, tmp_path):
    command = worker(tmp_path, '    if name == "padding_int":\n        time.sleep(1000)\n')
    code, output, _ = run("--dtype", "float32", "--mode", "pynative", "--timeout", "20",
                          golden=write_few(tmp_path / "few.npz"), worker=command)
    assert code == 1
    assert "crashed: conv2d/padding_int, float32, pynative: no end after 20 seconds\n" in output
    assert output.endswith("NOT PASSED: on CPU, 0 calls failed and 1 crashed, of 4.\n")


@pytest.mark.slow
def test_all_calls_pass_here(tmp_path):
    """As a user runs it: from another folder, both modes, all dtypes."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mscompat", "check", "--json", "report.json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True, text=True, check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    calls = 8 * len(load()[1])
    assert result.stdout.endswith(f"PASSED: on CPU, {calls} calls give torch's values and gradients.\n")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"] == {"run": calls, "passed": calls, "failed": 0, "crashed": 0, "not supported": 0}
    assert report["failures"] == []
    assert set(report["worst_errors"]["conv2d"]) == set(check.DTYPES)
    assert {path.name for path in tmp_path.iterdir()} == {"report.json"}
