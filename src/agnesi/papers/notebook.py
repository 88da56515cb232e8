"""The folder of a run: what was measured is kept there, so that a run that was stopped goes on.

A run is many *cells*: one model, one setting, one seed.  What a cell has measured is a file of its
own; a cell that was stopped in the middle goes on from its last checkpoint.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.papers.errors import FolderTaken
from agnesi.training import Checkpoints, Diverged, MetricsFiles, Progress, train, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.console import Console

    from agnesi.training import State

    Arrays = dict[str, NDArray[Any]]


class Interrupted(Exception):
    """Ctrl-C: the run has stopped, and all of it is kept."""


class Notebook:
    """A run's folder.

    Attributes:
        folder: where everything is written.
        settings: of the run; who goes on with it has to have the same.
        console: where its progress is shown.
        lines: whether each row of measurements is a line; for runs of hours.
        seconds: of the cells measured until now, those of earlier sessions included.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        console: Console,
        *,
        resume: bool = False,
        lines: bool = False,
    ) -> None:
        """Begin a run in a folder, or go on with the one that is there.

        Raises:
            FolderTaken: there is a run and ``resume`` is False, or one with other settings; or
                the folder cannot be written.
        """
        self.folder, self.console, self.lines = folder, console, lines
        self.settings: dict[str, Any] = json.loads(json.dumps(dict(settings)))
        self.seconds: dict[str, float] = {}
        self._left = _Left()
        self._begin(resume)

    def _begin(self, resume: bool) -> None:
        path = self.folder / "run.json"
        if path.exists() and (self.folder / "cells").exists():
            self._go_on(path, resume)
            return
        try:
            write_atomically(path, _json_of(self.settings))
        except OSError as error:
            raise FolderTaken(
                f"run: the results cannot be written to {self.folder}: {error.strerror or error}\n"
                "  Name another folder with --out."
            ) from error

    def _go_on(self, path: Path, resume: bool) -> None:
        if not resume:
            state = "a finished run" if (self.folder / "report.md").exists() else "a run"
            raise FolderTaken(
                f"run: {self.folder} holds {state} already\n"
                "  Go on with it by --resume, or name another folder with --out."
            )
        try:
            before: Any = json.loads(path.read_text("utf8"))
        except (OSError, ValueError) as error:
            raise FolderTaken(
                f"run: {path} cannot be read: {error}\n  Name another folder with --out."
            ) from error
        if before != self.settings:
            other = sorted(
                name
                for name in {*before, *self.settings}
                if before.get(name) != self.settings.get(name)
            )
            lines = "".join(
                f"  {name}: {before.get(name)!r} then, {self.settings.get(name)!r} now\n"
                for name in other
            )
            raise FolderTaken(
                f"run: {self.folder} holds a run with other settings\n{lines}"
                "  Go on with the same, or name another folder with --out."
            )

    def plan(self, costs: Mapping[str, float]) -> None:
        """Say which cells there will be, and what each costs, in any unit."""
        self._left = _Left(dict(costs))

    def say(self, text: str) -> None:
        """Show a line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def cell(self, name: str, work: Callable[[Cell], Mapping[str, Any]]) -> dict[str, Any]:
        """Return what a cell has measured: from its file, or by doing its work now.

        Args:
            name: of the cell, also the path of its files below ``cells``.
            work: does it, and returns what JSON can hold.

        Raises:
            Interrupted: by Ctrl-C.
            Diverged: a loss was no number.
        """
        path = self.folder / "cells" / f"{name}.json"
        if path.exists():
            kept: dict[str, Any] = json.loads(path.read_text("utf8"))
            self.seconds[name] = kept["seconds"]
            self._left.skip(name)
            return kept["measured"]
        start = time.perf_counter()
        cell = Cell(name, self, self._left)
        measured: dict[str, Any] = json.loads(json.dumps(dict(work(cell))))
        seconds = cell.earlier + time.perf_counter() - start
        if cell.arrays:
            write_atomically(self._arrays(name), _packed(cell.arrays))
        write_atomically(path, _json_of({"measured": measured, "seconds": round(seconds, 3)}))
        shutil.rmtree(cell.folder, ignore_errors=True)  # its checkpoints
        self.seconds[name] = seconds
        self._left.did(name, time.perf_counter() - start)
        counts = f"{self._left.number:>{len(str(self._left.total))}}/{self._left.total}"
        left = self._left.seconds
        after = f"  about {in_time(left)} left" if left else ""
        self.say(f"{counts}  {name}  {cell.words(measured)}  {in_time(seconds)}{after}")
        return measured

    def arrays(self, name: str) -> Arrays:
        """Return the arrays that a cell has kept."""
        with np.load(self._arrays(name)) as held:
            return dict(held)

    def _arrays(self, name: str) -> Path:
        return self.folder / "cells" / f"{name}.npz"

    def write(self, name: str, content: bytes) -> None:
        """Put a file into the run's folder."""
        write_atomically(self.folder / name, content)


@dataclass
class Cell:
    """One cell while its work is done.

    Attributes:
        name: of the cell.
        notebook: it belongs to.
        left: what remains of the run.
        arrays: that it keeps, for pictures.
        shown: names of measurements that are shown when it is done.
        earlier: seconds spent in earlier sessions.
    """

    name: str
    notebook: Notebook
    left: _Left
    arrays: Arrays = field(default_factory=dict[str, "NDArray[Any]"])
    shown: tuple[str, ...] = ()
    earlier: float = 0.0

    @property
    def folder(self) -> Path:
        """Where its checkpoints are until it is done."""
        return self.notebook.folder / "cells" / f"{self.name}.checkpoints"

    def train(
        self, step: Callable[..., Any], batches: Any, *, settings: Mapping[str, Any], **how: Any
    ) -> State:
        """Train as :func:`agnesi.training.train` does, with this cell's checkpoints and files.

        Args:
            step: of the training.
            batches: minibatches.
            settings: that decide the outcome.
            **how: what else ``train`` takes.

        Raises:
            Interrupted: by Ctrl-C; all of it is kept.
            Diverged: the loss was no number; the last checkpoint is kept.
        """
        notebook = self.notebook
        folder = notebook.folder / "cells"
        metrics = MetricsFiles(folder / self.name.rpartition("/")[0], self.name.rpartition("/")[2])
        shown = notebook.console.is_terminal or notebook.lines
        start = time.perf_counter()

        def after_row(state: State) -> None:
            if self.left.is_first:
                self.left.guess(self.name, state.seconds / state.done)
                notebook.say(f"at this speed the run takes about {in_time(self.left.seconds)}")

        try:
            state = train(
                step,
                batches,
                checkpoints=Checkpoints(self.folder, settings=settings),
                resume=True,
                metrics=metrics,
                progress=Progress(notebook.console, label=self.name, lines=notebook.lines)
                if shown
                else None,
                after_row=after_row,
                **how,
            )
        except Diverged as error:
            raise Diverged(f"{self.name}: {error}") from error
        self.earlier += max(0.0, state.seconds - (time.perf_counter() - start))
        if state.ended == "interrupted":
            raise Interrupted
        return state

    def words(self, measured: Mapping[str, Any]) -> str:
        """What is shown when it is done."""
        return "  ".join(f"{name} {measured[name]:.4g}" for name in self.shown)


@dataclass
class _Left:
    """How much of a run is left, in units of cost and in seconds."""

    costs: dict[str, float] = field(default_factory=dict[str, float])
    number: int = 0
    cost: float = 0.0
    spent: float = 0.0
    guessed: float | None = None

    def __post_init__(self) -> None:
        self.total = len(self.costs)

    @property
    def is_first(self) -> bool:
        """Whether nothing is known yet about the speed."""
        return self.guessed is None and not self.cost

    @property
    def seconds(self) -> float:
        """That are left, at the speed until now; 0 where it is not known."""
        left = sum(self.costs.values())
        if self.cost:
            return left * self.spent / self.cost
        return left * (self.guessed or 0.0)

    def guess(self, name: str, seconds: float) -> None:
        """A cell is going to take so long."""
        self.guessed = seconds / self.costs.get(name, math.inf)

    def skip(self, name: str) -> None:
        """A cell was done before."""
        self.costs.pop(name, None)
        self.number += 1

    def did(self, name: str, seconds: float) -> None:
        """A cell was done now."""
        self.cost += self.costs.pop(name, 0.0)
        self.spent += seconds
        self.number += 1


def in_time(seconds: float) -> str:
    """Return a time for people.

    >>> [in_time(s) for s in (4.21, 75, 5000, 90_000, 1_200_000)]
    ['4.2 s', '75 s', '83 min', '25 h', '14 days']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, name in ((1, "s"), (60, "min"), (3600, "h")):
        if seconds < 120 * unit or (name == "h" and seconds < 72 * unit):
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def _json_of(value: Any) -> bytes:
    return f"{json.dumps(value, indent=2)}\n".encode()


def _packed(arrays: Arrays) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)  # pyright: ignore[reportArgumentType]
    return content.getvalue()
