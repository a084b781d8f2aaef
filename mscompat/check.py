"""``mscompat check``: compare the layers on this machine with recorded results of torch.

The calls run in a process of their own, mscompat._check_worker: one that ends it, or hangs, is reported, and the rest
run in a new one.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from . import _golden

__all__ = ["CheckError", "Outcome", "Report", "check", "print_report"]

DTYPES = tuple(_golden.TOLERANCES)
MODES = ("pynative", "graph")
# What MindSpore's operators lack on a device: a TypeError there is no failure.
_NOT_SUPPORTED = {("GPU", "bfloat16"), ("Ascend", "float64")}
_START_SECONDS = 300  # to import MindSpore and to start the device
_WORKER = (sys.executable, "-W", "ignore", "-m", "mscompat._check_worker")
_STATUSES = ("passed", "failed", "crashed", "not supported")


class CheckError(Exception):
    """Nothing can be checked: there is no such device, or MindSpore does not work at all."""


class Outcome(NamedTuple):
    """How one call ended."""

    case: str  # operator/name
    dtype: str
    mode: str
    status: str  # one of _STATUSES
    errors: dict[str, float | None]  # relative ones of output and gradients; None: infinite, or NaN
    message: str  # what is wrong

    @property
    def operator(self) -> str:
        """The function's name in torch.nn.functional."""
        return self.case.partition("/")[0]


class Report(NamedTuple):
    """What check found."""

    environment: dict[str, str]
    outcomes: list[Outcome]

    @property
    def passed(self) -> bool:
        """Whether some did, and all that the device supports."""
        statuses = {outcome.status for outcome in self.outcomes}
        return "passed" in statuses and not {"failed", "crashed"} & statuses

    def to_json(self) -> str:
        """All of it, without what takes space in a bug report and says nothing."""
        return json.dumps(
            {
                "passed": self.passed,
                "environment": self.environment,
                "counts": self.counts(),
                "worst_errors": self.worst_errors(),
                "failures": [
                    {**outcome._asdict(), "arguments": _arguments(outcome.case)}
                    for outcome in self.outcomes if outcome.status in ("failed", "crashed")
                ],
                "not_supported": [
                    outcome._asdict() for outcome in self.outcomes if outcome.status == "not supported"
                ],
            },
            indent=1, allow_nan=False,
        )

    def counts(self) -> dict[str, int]:
        """How many calls ended how."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        return {"run": counts.total(), **{status: counts[status] for status in _STATUSES}}

    def worst_errors(self) -> dict[str, dict[str, float | None]]:
        """By operator and dtype, the largest relative error; None where it is infinite."""
        worst: dict[str, dict[str, float | None]] = {}
        for outcome in self.outcomes:
            for error in outcome.errors.values():
                of_operator = worst.setdefault(outcome.operator, {})
                so_far = of_operator.get(outcome.dtype, 0.0)
                of_operator[outcome.dtype] = None if error is None or so_far is None else max(error, so_far)
        return worst


class _Job(NamedTuple):
    number: int  # of the call in the file
    case: str
    dtype: str
    mode: str


def check(
    device_target: str | None = None,
    modes: Sequence[str] = MODES,
    dtypes: Sequence[str] = DTYPES,
    timeout: float = 120,
    golden: Path = _golden.FILE,
    worker: Sequence[str] = _WORKER,
) -> Report:
    """Run every recorded call.

    Args:
        device_target (str, optional): 'CPU', 'GPU' or 'Ascend'. Default: None, MindSpore's own choice.
        modes (sequence of str): of 'pynative' and 'graph'.
        dtypes (sequence of str): of 'float64', 'float32', 'float16' and 'bfloat16'.
        timeout (float): seconds that a call may take, compiling included.
        golden (Path): a file that mscompat._golden.save wrote.
        worker (sequence of str): the command line of the process that runs the calls.

    Raises:
        CheckError: If nothing can be checked: there is no such device, or MindSpore does not work at all.
    """
    with tempfile.TemporaryFile() as stderr, _Worker(worker, _task(golden, device_target, []), stderr) as process:
        environment = _start(process, device_target)
    names = [f"{record.golden.operator}/{record.golden.name}" for record in _golden.load(golden)[1]]
    jobs = [
        _Job(number, name, dtype, mode) for mode in modes for dtype in dtypes for number, name in enumerate(names)
    ]
    # A graph is compiled by one core. Accelerators are not shared: a process may take all the memory of one.
    shares = min(2, os.cpu_count() or 1, len(jobs)) if environment["device target"] == "CPU" else 1
    progress = _Progress(len(jobs))
    outcomes: list[Any] = [None] * len(jobs)
    stop = threading.Event()

    def run_share(share: int) -> None:
        """Run jobs in one process, and after each that crashes, in a new one."""
        remaining = list(range(share, len(jobs), shares))
        while remaining and not stop.is_set():
            task = _task(golden, device_target, [jobs[position] for position in remaining])
            with tempfile.TemporaryFile() as stderr, _Worker(worker, task, stderr) as process:
                try:
                    target = _start(process, device_target)["device target"]
                except CheckError as error:  # it did start before
                    for position in remaining:
                        outcomes[position] = Outcome(*jobs[position][1:], "crashed", {}, f"not run: {error}")
                    return
                while remaining and not stop.is_set():
                    position = remaining.pop(0)
                    progress.start(jobs[position])
                    outcomes[position] = _outcome(process, jobs[position], timeout, target)
                    if outcomes[position].status == "crashed":
                        break

    with ThreadPoolExecutor(shares) as pool:
        try:
            list(pool.map(run_share, range(shares)))
        finally:
            stop.set()  # after Ctrl-C
            progress.end()
    return Report(environment, outcomes)


def _task(golden: Path, device_target: str | None, jobs: list[_Job]) -> dict[str, Any]:
    """What a worker reads."""
    return {
        "golden": str(golden),
        "device_target": device_target,
        "jobs": [(job.number, job.dtype, job.mode) for job in jobs],
    }


class _Progress:
    """On a terminal a line of stderr that changes; elsewhere one line for each tenth."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = 0
        self._lock = threading.Lock()

    def start(self, job: _Job) -> None:
        """Say that a job starts."""
        with self._lock:
            self._started += 1
            text = f"{self._started:,} of {self._total:,} calls"
            if sys.stderr.isatty():
                text = f"{text}: {job.mode}, {job.dtype}, {job.case}"[:79]
                print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            elif self._started * 10 // self._total != (self._started - 1) * 10 // self._total:
                print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Clear the line."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class _Worker:
    """A process that runs jobs; its messages."""

    def __init__(self, command: Sequence[str], task: dict[str, Any], stderr: IO[bytes]) -> None:
        self._stderr = stderr  # a file: a pipe that nobody reads would fill up
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: receive says so
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.close()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(json.JSONDecodeError):  # what MindSpore printed while it was imported
                self._messages.put(json.loads(line))
        self._process.stdout.close()
        self._messages.put(None)

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next message. Raises _WorkerError if the process ends first, or takes longer."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            raise _WorkerError(f"no end after {seconds:g} seconds") from None
        if message is None:
            raise _WorkerError(f"{_ending(self._process.wait())}. {self._last_lines()}".rstrip())
        return message

    def _last_lines(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return "Its last words: " + " | ".join(lines[-5:])[-1000:] if lines else ""


class _WorkerError(Exception):
    """The process ended, or hangs."""


def _ending(code: int) -> str:
    if code < 0:
        return f"the process ended by signal {-code} ({signal.Signals(-code).name})"
    return f"the process ended with exit code {code}"


def _start(worker: _Worker, device_target: str | None) -> dict[str, str]:
    """Wait for the first tensor operator; the environment that the worker has found."""
    environment: dict[str, str] = {}
    try:
        while True:
            message = worker.receive(_START_SECONDS)
            if "no_device" in message:
                sentence = message["no_device"].partition(". ")[0]
                raise CheckError(f"there is no {device_target} that MindSpore can use: {sentence}")
            if "broken" in message:
                _raise_broken(message["broken"])
            if "ready" in message:
                return environment
            environment = message["environment"]
    except _WorkerError as error:
        _raise_broken(str(error))


def _raise_broken(what: str) -> NoReturn:
    raise CheckError(f"MindSpore does not work at all here. Its first tensor operator: {what}")


def _outcome(worker: _Worker, job: _Job, timeout: float, target: str) -> Outcome:
    identity = job[1:]
    try:
        worker.receive(_START_SECONDS)  # that it started
        message = worker.receive(timeout)
    except _WorkerError as error:
        return Outcome(*identity, "crashed", {}, str(error))
    if "raised" in message:
        lacking = message["type"] == "TypeError" and (target, job.dtype) in _NOT_SUPPORTED
        text = f"{message['type']}: {message['raised']}"
        return Outcome(*identity, "not supported" if lacking else "failed", {}, text)
    tolerance = _golden.TOLERANCES[job.dtype]
    wrong = [
        f"{name}: {f'relative error {error:.1e} above {tolerance:.0e}' if isinstance(error, float) else error}"
        for name, error in message["errors"].items() if isinstance(error, str) or error > tolerance
    ]
    errors = {
        name: error if math.isfinite(error) else None
        for name, error in message["errors"].items() if isinstance(error, float)
    }
    return Outcome(*identity, "failed" if wrong else "passed", errors, "; ".join(wrong))


def print_report(report: Report) -> None:
    """The tables, the failures, and the verdict as last line."""
    width = max(map(len, report.environment))
    for name, value in report.environment.items():
        print(f"{name:<{width}}  {value}")
    print()
    rows = list(_rows(report))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    print()
    wrong = [outcome for outcome in report.outcomes if outcome.status in ("failed", "crashed")]
    for outcome in wrong[:20]:
        message = " ".join(outcome.message.split())
        print(f"{outcome.status}: {outcome.case}, {outcome.dtype}, {outcome.mode}: {message[:300]}")
    if len(wrong) > 20:
        print(f"... and {len(wrong) - 20} more: --json FILE writes them all")
    print(_verdict(report))


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    yield "operator", "dtype", "mode", "calls", *_STATUSES, "worst error", "allowed"
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in report.outcomes:
        groups.setdefault((outcome.operator, outcome.dtype, outcome.mode), []).append(outcome)
    for key, outcomes in groups.items():
        part = report._replace(outcomes=outcomes)
        counts = part.counts()
        if counts["not supported"] == counts["run"]:
            yield *key, str(counts["run"]), *["-"] * 3, "all", "-", "-"
            continue
        worst = part.worst_errors().get(key[0], {}).get(key[1], 0.0)
        yield (
            *key, *map(str, counts.values()), "infinite" if worst is None else f"{worst:.1e}",
            f"{_golden.TOLERANCES[key[1]]:.0e}",
        )


def _verdict(report: Report) -> str:
    counts = report.counts()
    lacking = f"; {counts['not supported']} not supported by MindSpore here" if counts["not supported"] else ""
    target = report.environment["device target"]
    if report.passed:
        return f"PASSED: on {target}, {counts['passed']} calls give torch's values and gradients{lacking}."
    return (
        f"NOT PASSED: on {target}, {counts['failed']} calls failed and {counts['crashed']} crashed, of "
        f"{counts['run']}{lacking}."
    )


def _arguments(case: str) -> str:
    operator, _, name = case.partition("/")
    for record in _golden.load()[1]:
        golden = record.golden
        if (golden.operator, golden.name) == (operator, name):
            return f"input {golden.input_shape}, output_size {golden.output_size}, {golden.arguments}"
    return ""

