"""Time mscompat, MindSpore's own layers and torch, in turns: `python tests/benchmark/run.py`. See --help.

Each contender runs in a process of its own (see worker.py), and only one of them at a time. Needs the examples extra,
and torch to compare with it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pathlib
import platform
import re
import select
import signal
import subprocess
import sys
import tempfile
from typing import Any

import chart
import report
from workload import BACKWARD, FORWARD, GROUPS, OVERHEAD, PASSES, Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a worker may import.
PATHS = {
    "mscompat": (ROOT, ROOT / "examples", ROOT / "tests"),
    "native": (ROOT / "examples", ROOT / "tests"),
    "torch": (ROOT / "tests" / "examples",),
}
CONTENDERS = ("mscompat graph", "native graph", "mscompat pynative", "native pynative", "torch")
# PyNative mode with each operator awaited, or the time of the short calls would be that of the scheduler.
OVERHEAD_CONTENDERS = ("mscompat blocking",)
LONG = 5.0  # seconds: a first call above counts as the only one
PRETENDED_LONG = 0.5  # the same, of the reference loop: a hundred times as slow, whatever the spread
# What runs the reference loop alone, which holds no AVX-512; the rest would end the process.
PRETENDED = (
    "dense", "zeros", "padding mode", "transposed", "output_padding", "1-D", "transposed 1-D", "3-D", "transposed 3-D",
    "large kernel",
)
SAMPLE = 0.05  # seconds that a contender's turn takes at least
# Of short calls, a difference of a tenth counts: in many short turns, the machine is as slow for one as for the other.
OVERHEAD_SAMPLE, OVERHEAD_TURNS = 0.01, 40


class Contender:
    """A worker process, started when first asked and again after it was stopped.

    It is suspended unless it is asked: threads that wait for work may spin, and slow the one that is timed.
    """

    def __init__(self, name: str, pretend_avx512: bool = False) -> None:
        self.name = name
        self.pretend_avx512 = pretend_avx512
        self.environment: dict[str, str] = {}
        self._log: Any = None
        self._process: Any = None

    def ask(self, limit: float | None = None, **request: Any) -> Any:
        """The answer, or None if it takes longer than limit seconds: the process is stopped then."""
        if self._process is None:
            self._start()
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], limit)[0]:
            self.stop()
            return None
        return self._read()

    def takes(self, case: Case, passes: str) -> bool:
        """Whether it can run: of MindSpore's own layers, what a pretended AVX-512 leaves."""
        return not (self.pretend_avx512 and self.name.startswith("native")) or (
            case.kind in PRETENDED and passes == FORWARD
        )

    def long(self) -> float:
        """Seconds: a first call above counts as the only one."""
        return PRETENDED_LONG if self.pretend_avx512 and self.name.startswith("native") else LONG

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
            self._log.close()

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        paths = map(str, PATHS[self.name.split()[0]])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(
            [
                sys.executable, str(pathlib.Path(__file__).with_name("worker.py")), self.name,
                *(["--pretend-avx512"] if self.pretend_avx512 else []),
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment, text=True,
            start_new_session=True,  # Ctrl-C is for this process: see main()
        )
        self.environment = self._read()

    def _read(self) -> Any:
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"{self.name} has ended:\n{self._log.read()[-4000:]}")
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(line)


def measure(
    group: tuple[Case, ...], passes: str, contenders: list[Contender], rounds: int, limit: float, sample: float = SAMPLE
) -> list[dict[str, Any]]:
    """Time the cases of a group in all contenders, in turns."""
    measurements = []
    turns: dict[tuple[str, Contender], tuple[int, list[float]]] = {}
    for case in group:
        for contender in (one for one in contenders if one.takes(case, passes)):
            prepared = contender.ask(
                limit, do="prepare", key=case.name, case=case._asdict(), backward=passes == BACKWARD
            )
            seconds = [limit if prepared is None else prepared["seconds"]]
            measurements.append({
                "case": case.name, "kind": case.kind, "count": case.count, "pass": passes, "contender": contender.name,
                "stopped": prepared is None, "seconds": seconds, "digests": prepared and prepared["digests"],
            })
            if prepared is None:  # with the process, its earlier calls are gone
                turns = {key: turn for key, turn in turns.items() if key[1] is not contender}
            elif seconds[0] < contender.long():
                (again,) = contender.ask(do="time", key=case.name, times=1)
                turns[case.name, contender] = max(1, round(sample / again)), seconds
    for _, seconds in turns.values():
        seconds.clear()  # the first call was to warm up
    for _ in range(rounds):
        for (key, contender), (times, seconds) in turns.items():
            seconds.extend(contender.ask(do="time", key=key, times=times))
    for contender in contenders:
        contender.ask(do="forget")
    return measurements


def import_seconds(rounds: int) -> dict[str, list[float]]:
    """How long `import mindspore` takes, and `import mscompat.nn` after it, once Python has compiled them."""
    script = (
        "import time; a = time.perf_counter(); import mindspore; b = time.perf_counter(); import mscompat.nn; "
        "print(b - a, time.perf_counter() - b)"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as cache:
        environment["PYTHONPYCACHEPREFIX"] = cache
        outputs = [
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
            for _ in range(rounds + 1)
        ][1:]
    mindspore, mscompat = zip(*(map(float, output.split()[-2:]) for output in outputs), strict=True)
    return {"mindspore": list(mindspore), "mscompat": list(mscompat)}


def environment(contenders: list[Contender]) -> dict[str, Any]:
    """What the times depend on."""
    info = pathlib.Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    found = {
        "processor": model[1] if model else platform.processor(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "avx2": bool(re.search(r"\bavx2\b", text)),
        "avx512": bool(re.search(r"\bavx512f\b", text)),
        "python": platform.python_version(),
        "pretended_avx512": any(contender.pretend_avx512 for contender in contenders),
    }
    for contender in contenders:
        found.update(contender.environment)
    return found


def is_asked_for(case: Case, expression: str) -> bool:
    """Whether a regular expression is in the name or the kind of a case: network, cell..."""
    return re.search(expression, f"{case.name} ({case.kind})") is not None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="some of the cases, in two minutes")
    parser.add_argument("--only", metavar="REGEX", default="", help="only the cases whose 'name (kind)' has this")
    parser.add_argument("--rounds", type=int, help="turns of each contender (default: 5; with --quick 3)")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a call is stopped (default: 60)")
    parser.add_argument(
        "--pretend-avx512", action="store_true",
        help="tell MindSpore's oneDNN that the processor has AVX-512 (it takes its slow loops then, and mscompat mends "
        "them); torch is told nothing",
    )
    parser.add_argument(
        "--output", type=pathlib.Path, default=ROOT / "build" / "benchmark",
        help="directory for results.json, results.png and networks.png (default: build/benchmark)",
    )
    return parser.parse_args()


def main() -> None:
    options = arguments()
    rounds = options.rounds or (3 if options.quick else 5)
    groups = [
        group
        for group in (tuple(case for case in group if is_asked_for(case, options.only)) for group in GROUPS)
        if group and (not options.quick or group[0].quick)
    ]
    names = [name for name in CONTENDERS if name != "torch" or importlib.util.find_spec("torch")]
    contenders = [Contender(name, options.pretend_avx512) for name in names]
    overhead = [Contender(name, options.pretend_avx512) for name in OVERHEAD_CONTENDERS]
    steps = [(group, passes, contenders, rounds, SAMPLE) for group in groups for passes in PASSES]
    steps.append((OVERHEAD, FORWARD, overhead, rounds * OVERHEAD_TURNS, OVERHEAD_SAMPLE))
    measurements = []
    for interruption in (signal.SIGINT, signal.SIGTERM):  # the former is ignored in a shell's background
        signal.signal(interruption, signal.default_int_handler)
    try:
        for number, (group, passes, those, turns, sample) in enumerate(steps, 1):
            print(f"[{number}/{len(steps)}] {group[0].name}, {passes}", file=sys.stderr)
            measurements += measure(group, passes, those, turns, options.limit, sample)
    except KeyboardInterrupt:
        if not measurements:
            raise
        print("Interrupted: here is what was measured.", file=sys.stderr)
    finally:
        for contender in (*contenders, *overhead):
            contender.stop()
    print("import", file=sys.stderr)
    results: dict[str, Any] = {
        "environment": environment([*contenders, *overhead]),
        "measurements": measurements,
        "import": import_seconds(rounds),
    }
    report.summarize(results)
    results["targets"] = report.judge(results)
    print(report.text(results))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(report.to_json(results))
    chart.draw(results, options.output / "results.png")
    written = [options.output / "results.json", options.output / "results.png"]
    if chart.draw_networks(results, options.output / "networks.png"):
        written.append(options.output / "networks.png")
    print(f"\nWritten: {', '.join(map(str, written))}")


if __name__ == "__main__":
    main()
