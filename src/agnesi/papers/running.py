"""One run of a paper's experiments, from the request to the report."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agnesi.papers.errors import PaperError
from agnesi.papers.notebook import Notebook
from agnesi.papers.report import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from agnesi.papers.findings import Findings
    from agnesi.papers.paper import Paper, Request


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        findings: all that it has found.
        verdict: in one line whether the paper's claims held.
        held: whether all did that the verdict depends on.
    """

    findings: Findings
    verdict: str
    held: bool


def run_paper(
    paper: Paper,
    request: Request,
    out: Path,
    console: Console,
    *,
    resume: bool = False,
    machine: str = "",
) -> Outcome:
    """Do a paper's experiments, and write the report.

    Args:
        paper: one of :data:`agnesi.papers.PAPERS`.
        request: what is asked for.
        out: folder for the results.
        console: where progress is shown.
        resume: go on with the run in ``out``, if there is one.
        machine: that it runs on, in words, for the report.

    Raises:
        PaperError: the paper's system is not there yet, the data set cannot stand in, there are no
            seeds, or the folder cannot be used.
        DatasetError: the data are not there.
        Diverged: a loss was no number; what was measured before is kept.
        Interrupted: by Ctrl-C; what was measured is kept.
        OSError: results cannot be written.
    """
    experiments = paper.load()
    if request.dataset is not None and request.dataset not in paper.stand_ins:
        known = ", ".join(paper.stand_ins) or "none"
        raise PaperError(
            f"run: {request.dataset!r} cannot stand in for the data of {paper.name}, {paper.data}\n"
            f"  These can: {known}."
        )
    if not request.seeds or len(set(request.seeds)) != len(request.seeds):
        raise PaperError(
            f"run: the seeds are {list(request.seeds)}\n  Give at least one, none of them twice."
        )
    settings = {
        "paper": paper.name,
        "mode": "quick" if request.quick else "full",
        "seeds": list(request.seeds),
        "dataset": request.dataset,
    }
    notebook = Notebook(out, settings, console, resume=resume, lines=not request.quick)
    found = experiments(request, notebook)
    line = write_report(paper, request, found, notebook, machine or platform.machine())
    return Outcome(found, line, all(claim.holds for claim in found.claims if claim.gate))
