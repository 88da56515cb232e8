"""What the experiments of a paper have found, for the report and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.papers.claims import Claim


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        title: above it.
        columns: their heads.
        rows: texts, one for each column.
        below: what has to be said about it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    below: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes:
        file: its name in the run's folder.
        shows: what is to be seen.
    """

    file: str
    shows: str


@dataclass(frozen=True)
class Beside:
    """A figure of the paper, and what was measured here.

    Attributes:
        what: it is.
        paper: the figure, or why none stands here.
        sure: how we know it.
        here: what was measured.
    """

    what: str
    paper: str
    sure: str
    here: str


@dataclass(frozen=True)
class Findings:
    """All that a run has found.

    Attributes:
        data: which data was used, a line for each fact.
        own_data: whether it is the paper's own, all of it.
        claims: the inequalities.
        beside: figures of the paper and ours.
        tables: of measurements.
        pictures: in the run's folder.
        departures: what was done otherwise than in the paper, and why.
        measured: everything for programs.
    """

    data: Sequence[str]
    own_data: bool
    claims: tuple[Claim, ...]
    beside: Sequence[Beside] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    departures: Sequence[str] = ()
    measured: Mapping[str, Any] = field(default_factory=dict[str, Any])


def mean_and_spread(values: Sequence[float], form: str = ".2f") -> str:
    """Return the mean of some seeds' numbers and half the range that they span.

    >>> mean_and_spread([48.0, 49.0, 50.0], ".1f"), mean_and_spread([3.0])
    ('49.0 ± 1.0', '3.00')
    """
    mean = sum(values) / len(values)
    if len(values) == 1:
        return format(mean, form)
    return f"{mean:{form}} ± {(max(values) - min(values)) / 2:{form}}"
