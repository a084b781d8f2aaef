"""Bar charts of the measurements: of all of them, and of the whole networks."""

from __future__ import annotations

import pathlib
from typing import Any

import matplotlib
from workload import BACKWARD, FORWARD, PASSES

matplotlib.use("Agg")
from matplotlib import pyplot

CONTENDERS = {"mscompat graph": "#1f77b4", "native graph": "#ff7f0e", "torch": "#888888"}
LABELS = {"mscompat graph": "mscompat", "native graph": "MindSpore's own layers", "torch": "torch"}


def draw(results: dict[str, Any], path: pathlib.Path) -> None:
    """Draw the medians in Graph mode, a panel for each pass."""
    those = [one for one in results["measurements"] if one["contender"] in CONTENDERS]
    cases = list(dict.fromkeys(one["case"] for one in those))
    contenders = [contender for contender in CONTENDERS if any(one["contender"] == contender for one in those)]
    figure, panels = pyplot.subplots(
        1, len(PASSES), sharey=True, figsize=(12, 1.6 + 0.34 * len(cases)), layout="constrained"
    )
    height = 0.8 / len(contenders)
    for panel, passes in zip(panels, PASSES, strict=True):
        for place, contender in enumerate(contenders):
            bars = [one for one in those if (one["contender"], one["pass"]) == (contender, passes)]
            rows = [cases.index(one["case"]) + (place - (len(contenders) - 1) / 2) * height for one in bars]
            drawn = panel.barh(
                rows, [1e3 * one["median"] for one in bars], height, color=CONTENDERS[contender],
                label=LABELS[contender],
            )
            labels = ["stopped here" if one["stopped"] else "wrong result" if one["wrong"] else "" for one in bars]
            panel.bar_label(drawn, labels, padding=2, fontsize=7)
        panel.set_xscale("log")
        medians = [1e3 * one["median"] for one in those if one["pass"] == passes]
        panel.set_xlim(0.5 * min(medians), 5 * max(medians))  # on the right, room for the labels
        panel.set_title(passes)
        panel.set_xlabel("ms (log scale, less is better)")
        panel.grid(axis="x", alpha=0.4)
        panel.set_axisbelow(True)
        panel.margins(y=0.01)
    panels[0].set_yticks(range(len(cases)), cases)
    panels[0].invert_yaxis()
    found = results["environment"]
    versions = ", ".join(f"{name} {found[name]}" for name in ("mscompat", "mindspore", "torch") if name in found)
    pretended = ", AVX-512 pretended" if found["pretended_avx512"] else ""
    figure.suptitle(f"{versions}, Graph mode, {found['processor']}, {found['cores']} cores{pretended}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(contenders))
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def draw_networks(results: dict[str, Any], path: pathlib.Path) -> bool:
    """Draw the whole networks' times in Graph mode, torch's being 1. Returns whether there were any to draw."""
    medians = {
        (one["case"], one["pass"], one["contender"]): one["median"]
        for one in results["measurements"] if one["kind"] == "network"
    }
    cases = [case for case, passes, contender in medians if (passes, contender) == (FORWARD, "torch")]
    if not cases:
        return False
    contenders = ("mscompat graph", "native graph")
    figure, panels = pyplot.subplots(1, len(PASSES), sharey=True, figsize=(8, 3.2), layout="constrained")
    for panel, (passes, title) in zip(panels, ((FORWARD, "inference"), (BACKWARD, "training step")), strict=True):
        for place, contender in enumerate(contenders):
            multiples = [
                medians.get((case, passes, contender), float("nan")) / medians[case, passes, "torch"] for case in cases
            ]
            rows = [row + (place - 0.5) * 0.4 for row in range(len(cases))]
            drawn = panel.barh(rows, multiples, 0.4, color=CONTENDERS[contender], label=LABELS[contender])
            panel.bar_label(drawn, [f"{multiple:.1f}" for multiple in multiples], padding=2, fontsize=7)
        panel.axvline(1, color=CONTENDERS["torch"], label="torch")
        panel.set_xlim(0, 1.1 * panel.get_xlim()[1])
        panel.set_title(title)
        panel.set_xlabel("time, as a multiple of torch's")
    panels[0].set_yticks(range(len(cases)), cases)
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return True
