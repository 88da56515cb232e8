"""``agnesi papers`` and ``agnesi run``: which papers there are, and running one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agnesi.cli.machine import cpu_name
from agnesi.papers import PAPERS, run_paper

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from agnesi.papers import Paper, Request

NOT_HELD = 3
"""Exit code of a run that ended, but in which a claim did not hold."""


def listing() -> Table:
    """A table of all papers: those that can be run first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("paper")
    table.add_column("run --quick", no_wrap=True)
    for paper in sorted(PAPERS, key=lambda paper: not paper.is_built):
        what = Text(paper.title)
        what.append(f"\narXiv {paper.arxiv}; data: {paper.data}", "dim")
        state = Text(paper.quick, "green") if paper.is_built else Text("not there yet", "dim")
        table.add_row(paper.name, what, state)
    return table


def run(paper: Paper, request: Request, out: Path, console: Console, *, resume: bool) -> int:
    """Run a paper's experiments; return the exit code."""
    console.print(
        Text(f"{paper.title}\n{paper.authors}, {paper.year}, arXiv {paper.arxiv}", style="bold")
    )
    done = run_paper(paper, request, out, console, resume=resume, machine=cpu_name())
    table = Table(box=None, pad_edge=False)
    for heading in ("measured", "mean", "limit", ""):
        table.add_column(heading)
    for claim in done.findings.claims:
        sign = "≥" if claim.relation == ">=" else "≤"
        unit = f" {claim.unit}" if claim.unit else ""
        told = "" if claim.gate else ", told only"
        table.add_row(
            Text(claim.quantity),
            f"{claim.mean:.3g}{unit}",
            f"{sign} {claim.limit:g}",
            Text(f"held{told}", "green") if claim.holds else Text(f"failed{told}", "red"),
        )
    console.print(table)
    style = "green" if done.held else "red"
    console.print(Panel(Text(done.verdict), title=f"arXiv {paper.arxiv}", border_style=style))
    console.print(Text(f"{out}/: report.md, results.json, pictures, cells/"))
    return 0 if done.held else NOT_HELD
