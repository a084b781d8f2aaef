"""How the calls ended, and how a report says it: on the terminal, and as JSON for a bug report."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from .._terminal import one_line, table
from . import golden

__all__ = ["Outcome", "Report", "print_report"]

STATUSES = ("passed", "failed", "crashed", "not supported")
_HEADS = ("passed", "failed", "crashed", "refused")  # of their columns
_MOST_FAILURES = 20  # on the terminal
_WIDTH = 80  # of the terminal


class Outcome(NamedTuple):
    """How one call ended."""

    case: str  # operator/name
    dtype: str
    mode: str
    status: str  # one of STATUSES
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
        return {"run": counts.total(), **{status: counts[status] for status in STATUSES}}

    def worst_errors(self) -> dict[str, dict[str, float | None]]:
        """By operator and dtype, the largest relative error; None where it is infinite."""
        worst: dict[str, dict[str, float | None]] = {}
        for outcome in self.outcomes:
            for error in outcome.errors.values():
                of_operator = worst.setdefault(outcome.operator, {})
                so_far = of_operator.get(outcome.dtype, 0.0)
                of_operator[outcome.dtype] = None if error is None or so_far is None else max(error, so_far)
        return worst


def print_report(report: Report) -> None:
    """The tables, the failures, and the verdict as last line."""
    for line in table(_environment(report)):
        print(line)
    print()
    rows = _without_zeros(list(_rows(report)))
    # All columns fit only with one space between them.
    for line in table(rows, numbers=3, gap=1 if len(rows[0]) == 5 + len(STATUSES) else 2):
        print(line)
    print()
    wrong = [outcome for outcome in report.outcomes if outcome.status in ("failed", "crashed")]
    for outcome in wrong[:_MOST_FAILURES]:
        message = one_line(outcome.message)[:300]
        print(f"{outcome.status}: {outcome.case}, {outcome.dtype}, {outcome.mode}: {message}")
    if len(wrong) > _MOST_FAILURES:
        print(f"... and {len(wrong) - _MOST_FAILURES} more: --json FILE writes them all")
    print(_verdict(report))


def _environment(report: Report) -> Iterator[tuple[str, str]]:
    """A row for each fact, or several where it is long."""
    width = _WIDTH - 2 - max(map(len, report.environment))
    for name, value in report.environment.items():
        for number, line in enumerate(textwrap.wrap(one_line(value), width) or [""]):
            yield "" if number else name, line


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    """A row for each operator, dtype and mode, below the heads of the columns."""
    yield "operator", "dtype", "mode", *_HEADS, "error", "limit"
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in report.outcomes:
        groups.setdefault((outcome.operator, outcome.dtype, outcome.mode), []).append(outcome)
    for key, outcomes in groups.items():
        part = report._replace(outcomes=outcomes)
        counts = part.counts()
        ends = [str(counts[status]) for status in STATUSES]
        if counts["not supported"] == counts["run"]:
            yield *key, *ends, "-", "-"
            continue
        worst = part.worst_errors().get(key[0], {}).get(key[1], 0.0)
        limit = f"{golden.TOLERANCES[key[1]]:.0e}"
        yield *key, *ends, "infinite" if worst is None else f"{worst:.1e}", limit


def _without_zeros(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows without the columns that are 0 in all of them, below their heads."""
    columns = [column for column in zip(*rows, strict=True) if set(column[1:]) != {"0"}]
    return list(zip(*columns, strict=True))


def _verdict(report: Report) -> str:
    """Whether all is well, in one sentence."""
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
    """What a failing call was given, so that it can be made again without the package's file."""
    for record in golden.load()[1]:
        call = record.golden
        if f"{call.operator}/{call.name}" == case:
            return f"input {call.input_shape}, output_size {call.output_size}, {call.arguments}"
    return ""
