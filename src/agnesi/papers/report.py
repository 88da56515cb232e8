"""The report of a run: ``report.md`` for people, ``results.json`` for programs."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

from agnesi._version import __version__
from agnesi.papers.claims import verdict
from agnesi.papers.notebook import in_time
from agnesi.runtime.threads import get_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.papers.claims import Claim
    from agnesi.papers.findings import Findings
    from agnesi.papers.notebook import Notebook
    from agnesi.papers.paper import Paper, Request


def write_report(
    paper: Paper, request: Request, found: Findings, notebook: Notebook, machine: str
) -> str:
    """Write both files into the run's folder; return in one line whether the claims held.

    ``results.json`` holds nothing but what was measured, so that it is the same to the last bit
    whether a run was stopped in between or not.  Times and the machine are in ``report.md``.

    Raises:
        OSError: they cannot be written.
    """
    line = verdict(found.claims, len(request.seeds))
    results = {
        "paper": {"name": paper.name, "title": paper.title, "arxiv": paper.arxiv},
        "verdict": line,
        "held": all(claim.holds for claim in found.claims if claim.gate),
        "data": list(found.data),
        "own_data": found.own_data,
        "seeds": list(request.seeds),
        "claims": [claim.to_json() for claim in found.claims],
        **found.measured,
    }
    notebook.write("results.json", f"{json.dumps(results, indent=2)}\n".encode())
    notebook.write(
        "report.md",
        _markdown(paper, request, found, line, _facts(request, notebook, machine)).encode(),
    )
    return line


def _markdown(
    paper: Paper,
    request: Request,
    found: Findings,
    line: str,
    facts: Sequence[str],
) -> str:
    parts = [
        f"# {paper.title}",
        f"{paper.authors}, {paper.year}. [arXiv {paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})",
        f"**{line}**",
        paper.claim,
        "## Data",
        _list(found.data),
        ""
        if found.own_data
        else "This is not all of the paper's own data: figures are not the paper's figures.",
        "## The claims, as measured inequalities",
        _claims(found.claims, request.seeds),
    ]
    if found.beside:
        head = ("", "in the paper", "how sure", "measured here")
        rows = [(each.what, each.paper, each.sure, each.here) for each in found.beside]
        parts += ["## Beside the paper's figures", _table(head, rows)]
    for table in found.tables:
        parts += [f"## {table.title}", _table(table.columns, table.rows), table.below]
    if found.pictures:
        parts.append("## Pictures")
        parts += [f"![{each.shows}]({each.file})\n\n{each.shows}" for each in found.pictures]
    if found.departures:
        parts += ["## What was done otherwise than in the paper", _list(found.departures)]
    parts += ["## The run", _list(facts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _claims(claims: Sequence[Claim], seeds: Sequence[int]) -> str:
    columns = (
        "the paper says",
        "measured",
        *(f"seed {seed}" for seed in seeds),
        "mean",
        "limit (each seed)",
        "margin",
        "",
    )
    rows: list[Sequence[str]] = []
    for claim in claims:
        sign = "≥" if claim.relation == ">=" else "≤"
        outcome = "held" if claim.holds else "**failed**"
        rows.append(
            (
                claim.says,
                claim.quantity + (f", {claim.unit}" if claim.unit else ""),
                *(f"{value:.3g}" for value in claim.values),
                f"{claim.mean:.3g}",
                f"{sign} {claim.limit:g} ({sign} {claim.each_limit:g})",
                f"{claim.margin:+.3g}",
                outcome if claim.gate else f"{outcome}, told only",
            )
        )
    return _table(columns, rows)


def _facts(request: Request, notebook: Notebook, machine: str) -> list[str]:
    seconds = sum(notebook.seconds.values())
    return [
        f"{'--quick' if request.quick else '--full'}, seeds "
        + ", ".join(str(seed) for seed in request.seeds),
        f"{in_time(seconds)} for {len(notebook.seconds)} experiments; preparation of the data and "
        "pictures are left out",
        f"{machine}, {get_threads()} threads",
        f"agnesi {__version__}, Python {platform.python_version()}, {platform.system()}",
        "everything measured: results.json; every epoch: cells/",
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
