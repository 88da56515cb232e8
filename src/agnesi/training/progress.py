"""What is seen of a run while it goes on: a live bar in a terminal, lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agnesi.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    import rich.progress
    from rich.console import Console

    from agnesi.training.loop import State

_SECONDS = 0.1  # between two looks


def progress_bar(console: Console) -> rich.progress.Progress:
    """Return a live bar whose tasks have a field ``state``; silent where no terminal shows it."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=5,
        disable=not console.is_terminal,
    )


class Progress:
    """Shows a run: loss, other measurements, examples a second and the time left, in one live bar.

    Where no terminal shows it, and where ``lines`` says so, each row of measurements is a line.

    Attributes:
        console: where it is shown.
        label: in front of the bar and of each line, for one run of several.
        lines: whether rows are lines also in a terminal.
    """

    def __init__(
        self, console: Console | None = None, *, label: str = "", lines: bool = False
    ) -> None:
        """Show runs on a console of rich, the standard output by default.

        Raises:
            TrainingError: rich is not installed.
        """
        try:
            from rich.console import Console as RichConsole
        except ImportError as error:
            raise TrainingError(
                'Progress: the package rich is not installed\n  pip install "agnesi[training]"'
            ) from error
        self.console = console if console is not None else RichConsole()
        self.label, self.lines = f"{label}  " if label else "", lines
        self._bar: rich.progress.Progress | None = None
        self._task: Any = None
        self._next = 0.0

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar = progress_bar(self.console)
        self._bar.start()
        self._task = self._bar.add_task(f"{self.label}starting", total=None, state="")
        self._next = 0.0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def begin(self, state: State) -> None:
        """Show where a run begins or goes on; the time left is guessed from what comes now."""
        if self._bar is not None:
            self._bar.reset(self._task, total=state.total_steps, completed=state.step)

    def update(self, state: State, *, last: bool = False) -> None:
        """Show where a run is; ten times a second at most, but always the last time."""
        now = time.monotonic()
        if self._bar is None or (now < self._next and not last):
            return
        self._next = now + _SECONDS
        current = min(state.epoch + 1, state.epochs)
        speed = f"{state.examples_per_second:,.0f} {state.unit}/s"
        self._bar.update(
            self._task,
            completed=state.step,
            description=f"{self.label}epoch {current}/{state.epochs}",
            state=f"{in_words(state.means.values())}  {speed}",
        )

    def row(self, row: Mapping[str, float], state: State) -> None:
        """Show a row of measurements."""
        if self.lines or not self.console.is_terminal:
            rest = {k: v for k, v in row.items() if k not in ("epoch", "step", "seconds", "rate")}
            self.say(
                f"{self.label}epoch {row['epoch']:.0f}/{state.epochs}  {row['seconds']:.1f} s  "
                f"{in_words(rest)}"
            )

    def say(self, text: str) -> None:
        """Show a line above the bar."""
        console = self._bar.console if self._bar is not None else self.console
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def in_words(values: Mapping[str, float]) -> str:
    """Return named numbers for people; errors and accuracies as percentages.

    >>> in_words({"examples": 60000, "train_loss": 0.123456, "valid_error": 0.0123})
    'examples 60,000  train_loss 0.1235  valid_error 1.23%'
    """
    return "  ".join(f"{name} {_shown(name, value)}" for name, value in values.items())


def _shown(name: str, value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if name.endswith(("error", "accuracy")):
        return f"{value:.2%}"
    return f"{value:.4g}"
