"""One paper: what it is about, which data it wants, and the module that does its experiments."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agnesi.papers.errors import NotBuilt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agnesi.papers.findings import Findings
    from agnesi.papers.notebook import Notebook


@dataclass(frozen=True)
class Request:
    """What a user asks of a run.

    Attributes:
        quick: minutes on a small machine, else the paper's own settings.
        seeds: each experiment is done once with each.
        data: folder with data sets; None for the usual places.
        dataset: to be used in place of the paper's own; None for that.
    """

    quick: bool
    seeds: tuple[int, ...]
    data: Path | None = None
    dataset: str | None = None


@dataclass(frozen=True)
class Paper:
    """A paper whose system is, or shall be, rebuilt here.

    Attributes:
        name: short, for commands.
        title: of the paper.
        authors: of the paper.
        year: of the first version.
        arxiv: its number there.
        claim: what the paper says, in a line.
        data: which data sets its experiments want.
        quick: how long ``--quick`` takes on two cores; "" where the system is not there yet.
        seeds: that ``--quick`` and ``--full`` use unless others are given.
        stand_ins: data sets that may be used in place of the paper's.
        module: has ``run(request, notebook)``, which does the experiments; "" where the system is
            not there yet.
    """

    name: str
    title: str
    authors: str
    year: int
    arxiv: str
    claim: str
    data: str
    quick: str = ""
    seeds: tuple[int, ...] = (0, 1, 2)
    stand_ins: tuple[str, ...] = ()
    module: str = ""

    @property
    def is_built(self) -> bool:
        """Whether it can be run."""
        return bool(self.module)

    def load(self) -> Callable[[Request, Notebook], Findings]:
        """Import what does its experiments.

        Raises:
            NotBuilt: it is not there yet.
        """
        if not self.is_built:
            raise NotBuilt(
                f"run: {self.name} ({self.title}) is not there yet\n"
                "  agnesi papers lists those that are."
            )
        module: Any = import_module(self.module)
        return module.run
