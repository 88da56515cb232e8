"""Plots of ratios: one bar for each row, readable on light and on dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.page import in_order, most_first
from bench.results import ROOT, Results, best_peer, kept, ratio
from bench.targets import TARGETS

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

PLOTS = ROOT / "docs" / "plots"
AHEAD, BEHIND, TEXT = "#3b8fd4", "#d9772b", "#808080"


def order(results: Results, threads: str) -> list[str]:
    """Return the rows with a ratio, those with goals first."""
    rows = results.rows[threads]
    goals = [t.row for t in TARGETS if t.row in rows] if results.suite == "shared" else []
    names = goals + [n for n in in_order(rows) if n not in goals]
    return [n for n in names if ratio(n, rows[n]) is not None]


def draw(results: Results, threads: str, path: Path) -> None:
    """Write the plot of one table."""
    rows = results.rows[threads]
    names = order(results, threads)
    ratios = [ratio(n, rows[n]) or 1.0 for n in names]
    shared = results.suite == "shared"
    goals = {t.row: t.ratio for t in TARGETS if t.ratio and not t.against and shared}
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "agnesi",
        "font.size": 9,
        "text.color": TEXT,
        "axes.edgecolor": TEXT,
        "axes.labelcolor": TEXT,
        "xtick.color": TEXT,
        "ytick.color": TEXT,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(8, 0.6 + 0.21 * len(names)), layout="constrained")
        axes = figure.subplots()
        places = range(len(names))
        colours = [AHEAD if r >= 1 else BEHIND for r in ratios]
        axes.barh(places, [r - 1 for r in ratios], left=1, color=colours, height=0.7)
        for place, name, r in zip(places, names, ratios, strict=True):
            goal = goals.get(name, 1)
            label = f"{r:.2f}  {best_peer(name, rows[name])}"
            axes.text(max(r, goal, 1) * 1.04, place, label, va="center", size=8)
            if name in goals:
                axes.plot([goal] * 2, [place - 0.45, place + 0.45], color=TEXT, linewidth=2)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlim(min([0.5, *ratios]) * 0.9, max([2, *ratios]) * 2.2)
        axes.axvline(1, color=TEXT, linewidth=1)
        axes.set_yticks(list(places), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel("best peer's time in ours (log scale; over 1: agnesi is ahead)")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, transparent=True, metadata={"Date": None})


def draw_all(folder: Path = PLOTS) -> None:
    """Write the plots that the page shows."""
    for suite in ("shared", "own"):
        for name, results in kept(suite):
            for threads in most_first(results):
                draw(results, threads, folder / f"{name}-t{threads}.svg")
