"""The calls in processes of their own, mscompat.check.worker: one that ends its process, or hangs, is reported.

The rest run in a new process.
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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from .._terminal import CommandError, Progress
from .golden import FILE, TOLERANCES, load
from .report import Outcome, Report

__all__ = ["DTYPES", "MODES", "CheckError", "check"]

DTYPES = tuple(TOLERANCES)
MODES = ("pynative", "graph")
_START_SECONDS = 300  # to import MindSpore and to start the device
_CALL_SECONDS = 0.24  # of one core for a call: all 792 took 95 s on 2 cores (AMD EPYC, MindSpore 2.10)
_WORKER = (sys.executable, "-W", "ignore", "-m", "mscompat.check.worker")


class CheckError(CommandError):
    """Nothing can be checked: there is no such device, or MindSpore does not work at all."""


class _Job(NamedTuple):
    """A recorded call in one dtype and one mode."""

    number: int  # of the call in the file
    case: str
    dtype: str
    mode: str


def check(
    device_target: str | None = None,
    modes: Sequence[str] = MODES,
    dtypes: Sequence[str] = DTYPES,
    timeout: float = 120,
    golden: Path = FILE,
    worker: Sequence[str] = _WORKER,
) -> Report:
    """Run every recorded call.

    Args:
        device_target (str, optional): 'CPU', 'GPU' or 'Ascend'. Default: None, MindSpore's own choice.
        modes (sequence of str): of 'pynative' and 'graph'.
        dtypes (sequence of str): of 'float64', 'float32', 'float16' and 'bfloat16'.
        timeout (float): seconds that a call may take, compiling included.
        golden (Path): a file that mscompat.check.golden.save wrote.
        worker (sequence of str): the command line of the process that runs the calls.

    Raises:
        CheckError: If nothing can be checked: there is no such device, or MindSpore does not work at all.
    """
    with tempfile.TemporaryFile() as stderr, _Worker(worker, _task(golden, device_target, []), stderr) as process:
        environment = _start(process, device_target)
    names = [f"{record.golden.operator}/{record.golden.name}" for record in load(golden)[1]]
    jobs = [
        _Job(number, name, dtype, mode) for mode in modes for dtype in dtypes for number, name in enumerate(names)
    ]
    # A graph is compiled by one core. Accelerators are not shared: a process may take all the memory of one.
    shares = min(2, os.cpu_count() or 1, len(jobs)) if environment["device target"] == "CPU" else 1
    print(f"mscompat: {len(jobs)} calls{_duration(len(jobs), shares, environment['device target'])}", file=sys.stderr)
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
                    progress.step(", ".join(reversed(jobs[position][1:])))
                    outcomes[position] = _outcome(process, jobs[position], timeout, target)
                    if outcomes[position].status == "crashed":
                        break

    with Progress("{done} of {total} calls", len(jobs), tenths=True) as progress, ThreadPoolExecutor(shares) as pool:
        try:
            list(pool.map(run_share, range(shares)))
        finally:
            stop.set()  # after Ctrl-C
    return Report(environment, outcomes)


def _task(golden: Path, device_target: str | None, jobs: list[_Job]) -> dict[str, Any]:
    """What a worker reads."""
    return {
        "golden": str(golden),
        "device_target": device_target,
        "jobs": [(job.number, job.dtype, job.mode) for job in jobs],
    }


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
        """Put each message into the queue, and None after the last."""
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
        """What the process printed last."""
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return "Its last words: " + " | ".join(lines[-5:])[-1000:] if lines else ""


class _WorkerError(Exception):
    """The process ended, or hangs."""


def _ending(code: int) -> str:
    """How a process ended, by its exit code."""
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
                reason = f": {message['no_device']}" if message["no_device"] else ""
                raise CheckError(f"there is no {device_target} that MindSpore can use{reason}")
            if "broken" in message:
                _raise_broken(message["broken"])
            if "ready" in message:
                return environment
            environment = message["environment"]
    except _WorkerError as error:
        _raise_broken(str(error))


def _raise_broken(what: str) -> NoReturn:
    """Say that no call would work."""
    raise CheckError(f"MindSpore does not work at all here. Its first tensor operator: {what}")


def _outcome(worker: _Worker, job: _Job, timeout: float, target: str) -> Outcome:
    """Wait for the end of the job that the worker runs next, and judge it."""
    identity = job[1:]
    try:
        worker.receive(_START_SECONDS)  # that it started
        message = worker.receive(timeout)
    except _WorkerError as error:
        return Outcome(*identity, "crashed", {}, str(error))
    if "raised" in message:
        lacking = message["type"] == "TypeError" and _is_refused(target, job.dtype)
        text = f"{message['type']}: {message['raised']}"
        return Outcome(*identity, "not supported" if lacking else "failed", {}, text)
    tolerance = TOLERANCES[job.dtype]
    wrong = [
        f"{name}: {f'relative error {error:.1e} above {tolerance:.0e}' if isinstance(error, float) else error}"
        for name, error in message["errors"].items() if isinstance(error, str) or error > tolerance
    ]
    errors = {
        name: error if math.isfinite(error) else None
        for name, error in message["errors"].items() if isinstance(error, float)
    }
    return Outcome(*identity, "failed" if wrong else "passed", errors, "; ".join(wrong))


def _duration(calls: int, shares: int, target: str) -> str:
    """What to say of the time that calls take, which was measured on CPU alone."""
    if target != "CPU":
        return ""
    minutes = math.ceil(calls * _CALL_SECONDS / shares / 60)
    return f", which take {f'about {minutes} minutes' if minutes > 1 else 'a minute at most'}"


def _is_refused(target: str, dtype: str) -> bool:
    """Whether no kernel of the device takes the dtype. The table is read where it counts: it imports MindSpore."""
    from .._conv.devices import REFUSED

    return (target, dtype) in REFUSED
