"""What the measurements say: which results are wrong, which targets are met, and a table."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from typing import Any

from workload import BACKWARD, FORWARD, OVERHEAD, OVERHEAD_PAIRS, PASSES

Measurement = dict[str, Any]
IMAGES = ("dense", "zeros", "pointwise", "depthwise", "grouped", "transposed", "padding mode", "output_padding")
OTHERS = ("1-D", "transposed 1-D", "3-D", "transposed 3-D", "large kernel", "large kernel, one channel")
OTHERS_NAME = "1-D, 3-D, large kernels"
LAYERS = (*IMAGES, *OTHERS)
COMPARED = (*LAYERS, "cell", "network")
MODES = ("graph", "pynative")

SUMMARIES = {"mean": statistics.geometric_mean, "worst": max, "least": min}
# What is judged apart: kinds, modes, and the most that mscompat's time may be as a multiple of torch's.
TORCH_TARGETS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], dict[tuple[str, str], float]], ...] = (
    ("layers of image networks", IMAGES, MODES, {(FORWARD, "mean"): 2, (BACKWARD, "mean"): 3}),
    ("depthwise and grouped", ("depthwise", "grouped"), MODES, {(BACKWARD, "worst"): 8}),
    (
        OTHERS_NAME, OTHERS, ("graph",),
        {(FORWARD, "mean"): 2, (BACKWARD, "mean"): 3, (FORWARD, "worst"): 8, (BACKWARD, "worst"): 8},
    ),
    ("whole networks", ("network",), ("graph",), {(FORWARD, "mean"): 1.25, (BACKWARD, "mean"): 1.1}),
    ("whole networks", ("network",), ("pynative",), {(FORWARD, "mean"): 1.6, (BACKWARD, "mean"): 1.5}),
)
# The same kinds against MindSpore's own layers. These have no padding modes, and compute output_padding wrong.
NATIVE_KINDS = {
    "image networks, no padding mode": tuple(kind for kind in IMAGES if kind not in ("padding mode", "output_padding")),
    OTHERS_NAME: OTHERS,
    "whole networks": ("network",),
}


def summarize(results: dict[str, Any]) -> None:
    """Replace the times by their quartiles, and the digests by whether they differ from torch's."""
    measurements = results["measurements"]
    references = {}
    for reference in ("mscompat graph", "torch"):  # torch's, where it is installed
        references.update({_key(one): one["digests"] for one in measurements if one["contender"] == reference})
    for one in measurements:
        pairs = zip(one.pop("digests") or (), references.get(_key(one)) or (), strict=False)
        one["wrong"] = one["kind"] in COMPARED and "Dropout" not in one["case"] and any(
            abs(value - wanted) > 1e-3 * scale for (value, _), (wanted, scale) in pairs
        )
        seconds = one.pop("seconds")
        one["calls"] = len(seconds)
        one["quartiles"] = [float(f"{value:.4g}") for value in _quartiles(seconds)]
        one["median"] = one["quartiles"][1]


def judge(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with the value found, and whether it is met: None where that cannot be told."""
    found = results["environment"]
    # oneDNN 2 (MindSpore 2.7 and 2.8) is sound; oneDNN 3 takes its reference loop on processors with AVX-512.
    affected = (found["avx512"] or found["pretended_avx512"]) and found["oneDNN"].startswith("3.")
    sound = "MindSpore's own convolutions are fast here"
    slow = "MindSpore's own convolutions are slow here"
    targets = []

    def target(name: str, unit: str, ratios: list[float], summary: str, limit: float, why: str = "") -> None:
        value = SUMMARIES[summary](ratios) if ratios and not why else None
        met = None if value is None else bool(value >= limit if unit == "at least" else value <= limit)
        targets.append({
            "name": name, "limit": limit, "unit": unit, "value": value, "met": met,
            "why": why or ("" if ratios else "not measured"), "cases": len(ratios),
        })

    for mode in MODES:
        def ratios(
            kinds: Iterable[str], passes: str, over: str, quartiles: tuple[int, int] = (1, 1), mode: str = mode
        ) -> list[float]:
            return _ratios(results["measurements"], kinds, passes, f"mscompat {mode}", over, quartiles)

        native = f"native {mode}"
        faster = [1 / ratio for ratio in ratios(("dense", "zeros"), FORWARD, native)]
        for summary, limit in (("mean", 120), ("least", 1)):
            target(f"{mode}: native / mscompat, dense k>1, {FORWARD}, {summary}", "at least", faster, summary, limit,
                   "" if affected else sound)
        for what, kinds in NATIVE_KINDS.items():
            for passes in PASSES:
                target(f"{mode}: mscompat / native, {what}, {passes}, mean", "at most", ratios(kinds, passes, native),
                       "mean", 1.02, slow if affected else "")
        for passes in PASSES:
            # A row is slower if its quarter of the fastest calls is slower than the native quarter of the slowest.
            # Judged everywhere: the cap must not make slow what MindSpore does fast with AVX-512.
            target(f"{mode}: mscompat / native, {OTHERS_NAME}, {passes}, beyond the quartiles, worst",
                   "at most", ratios(OTHERS, passes, native, (0, 2)), "worst", 1)
            target(f"{mode}: mscompat / native, other cells, {passes}, beyond the quartiles, worst",
                   "at most", ratios(("cell",), passes, native, (0, 2)), "worst", 1.1)
        for what, kinds, modes, limits in TORCH_TARGETS:
            for (passes, summary), limit in limits.items() if mode in modes else ():
                target(f"{mode}: mscompat / torch, {what}, {passes}, {summary}", "at most",
                       ratios(kinds, passes, "torch"), summary, limit)
        for passes in PASSES:
            target(f"{mode}: padding modes / zeros, {passes}, worst", "at most",
                   _padding_ratios(results["measurements"], passes, f"mscompat {mode}"), "worst", 1.3)
    short = {one["case"]: one["median"] * 1e6 for one in results["measurements"] if one["kind"] == "overhead"}
    names = {case.subject: case.name for case in OVERHEAD}
    for what, pair in OVERHEAD_PAIRS.items():
        call, operators = (short.get(names[subject]) for subject in pair)
        beyond = [] if call is None or operators is None else [call - operators]
        target(f"pynative: {what} beyond its operators, microseconds", "at most", beyond, "worst", 30)
    target("import mscompat after mindspore, ms", "at most",
           [1e3 * statistics.median(results["import"]["mscompat"])], "worst", 50)
    return targets


def text(results: dict[str, Any]) -> str:
    """The table, and the targets below it."""
    by_row: dict[tuple[str, str], dict[str, Measurement]] = {}
    for one in results["measurements"]:
        by_row.setdefault(_key(one), {})[one["contender"]] = one
    columns = list(dict.fromkeys(one["contender"] for one in results["measurements"] if one["kind"] != "overhead"))
    lines = [
        ", ".join(f"{name}: {value}" for name, value in results["environment"].items()),
        "Medians in ms, with half the distance of the quartiles. > was stopped; ! computes other numbers than torch.",
        "m/n, m/t: mscompat's time as a multiple of MindSpore's own, of torch's; Graph mode, then PyNative mode.",
        "",
    ]
    ratios = [(f"mscompat {mode}", other) for mode in MODES for other in (f"native {mode}", "torch")]
    heads = [column.replace("graph", "G").replace("pynative", "P") for column in columns]
    for passes in PASSES:
        lines.append(f"{passes:50}" + "".join(f"{head:>16}" for head in heads) + "   G m/n   G m/t   P m/n   P m/t")
        for (case, its_pass), cells in by_row.items():
            if its_pass != passes or "mscompat blocking" in cells:
                continue
            count = next(iter(cells.values()))["count"]
            line = f"{case + (f', {count} times' if count > 1 else ''):50}"
            line += "".join(f"{_cell(cells[column]) if column in cells else '-':>16}" for column in columns)
            for one, other in ratios:
                both = one in cells and other in cells
                line += f"{cells[one]['median'] / cells[other]['median']:8.2f}" if both else f"{'-':>8}"
            lines.append(line)
        lines.append("")
    blocking = [
        f"{cells['mscompat blocking']['median'] * 1e6:.0f} us ({case})"
        for (case, _), cells in by_row.items() if "mscompat blocking" in cells
    ]
    lines.append(f"A short call in PyNative mode: {', '.join(blocking)}")
    mindspore = statistics.median(results["import"]["mindspore"])
    lines.append(f"import mindspore: {mindspore:.2f} s")
    lines.append("")
    width = max(len(one["name"]) for one in results["targets"])
    for one in results["targets"]:
        value = "" if one["value"] is None else f"{one['value']:.2f}"
        verdict = {True: "met", False: "NOT MET", None: f"cannot be judged here: {one['why']}"}[one["met"]]
        lines.append(f"{one['name']:{width}} {value:>8}  {one['unit']} {one['limit']:<5} {verdict}")
    return "\n".join(lines)


def to_json(results: dict[str, Any]) -> str:
    """One line for each measurement."""
    members = []
    for name, value in results.items():
        lines = ",\n".join(map(json.dumps, value)) if isinstance(value, list) else ""
        members.append(f"{json.dumps(name)}: " + (f"[\n{lines}\n]" if lines else json.dumps(value)))
    return "{\n" + ",\n".join(members) + "\n}\n"


def _quartiles(seconds: list[float]) -> list[float]:
    return statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3


def _cell(one: Measurement) -> str:
    first, median, third = one["quartiles"]
    spread = f" ±{50 * (third - first) / median:.0f}%" if one["calls"] > 1 else ""
    return f"{'!' if one['wrong'] else ''}{'>' if one['stopped'] else ''}{median * 1e3:.2f}{spread}"


def _key(one: Measurement) -> tuple[str, str]:
    return one["case"], one["pass"]


def _ratios(
    measurements: list[Measurement], kinds: Iterable[str], passes: str, contender: str, over: str,
    quartiles: tuple[int, int] = (1, 1),
) -> list[float]:
    """Of each case that both have run: a quartile of the one's times to a quartile of the other's."""
    times = {
        (one["case"], one["contender"]): one["quartiles"]
        for one in measurements if one["pass"] == passes and one["kind"] in kinds
    }
    return [
        its_times[quartiles[0]] / times[case, over][quartiles[1]]
        for (case, its_contender), its_times in times.items() if its_contender == contender and (case, over) in times
    ]


def _padding_ratios(measurements: list[Measurement], passes: str, contender: str) -> list[float]:
    """Of the padding modes to the zeros that took turns with them."""
    those = [one for one in measurements if one["pass"] == passes and one["contender"] == contender]
    zeros = next((one for one in those if one["kind"] == "zeros"), None)
    if zeros is None:
        return []
    prefix = zeros["case"].removesuffix("zeros")
    return [
        one["median"] / zeros["median"] for one in those if one["case"].startswith(prefix) and one is not zeros
    ]
