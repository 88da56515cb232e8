"""The loop: steps over minibatches, with all that is around them.

:func:`train` is made of parts that work alone: minibatches, means, progress, metrics, checkpoints.
Where it does not fit, a ``for`` loop of one's own with the same parts is the way.
"""

from __future__ import annotations

import math
import signal
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.compile.function import Function
from agnesi.training.checkpoints import read
from agnesi.training.checkpoints import variables as variables_of
from agnesi.training.errors import CheckpointCorrupt, Diverged, TrainingError
from agnesi.training.metrics import Means, Writer, count_examples, named

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from types import FrameType, TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from agnesi.compile.shared import Shared
    from agnesi.training.checkpoints import Checkpoints
    from agnesi.training.metrics import Batches
    from agnesi.training.progress import Progress


@dataclass(frozen=True)
class Best:
    """Which row of measurements is the best; its variables are what a run ends with.

    The measurement has to be one of data that is neither trained on nor reported: what is chosen on
    a test set says nothing of other data.

    Attributes:
        name: of the measurement, such as ``"valid_error"``.
        patience: rows without a better one after which the run ends; None to go on to its end.
        largest: whether more is better.
        least: how much better a row has to be.
    """

    name: str
    patience: int | None = None
    largest: bool = False
    least: float = 0.0

    def is_better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than the best one until now; what is no number never is."""
        if math.isnan(value):
            return False
        if than is None:
            return True
        return value > than + self.least if self.largest else value < than - self.least


@dataclass
class State:
    """Where a run is; checkpoints hold it.

    Attributes:
        epochs: how many there shall be.
        steps_per_epoch: minibatches of an epoch.
        unit: what is counted.
        epoch: epochs that are over.
        place: minibatches of the one under way that are done.
        step: steps since the start.
        examples: of all these.
        seconds: of training, since the start; measuring and saving are left out.
        means: of what the step returned, since the last row.
        rows: measurements until now, each a dictionary.
        best: the best value, None before the first.
        best_row: number of its row.
        ended: why the run has ended: "done", "stopped early" or "interrupted"; "" before.
    """

    epochs: int
    steps_per_epoch: int
    unit: str = "examples"
    epoch: int = 0
    place: int = 0
    step: int = 0
    examples: int = 0
    seconds: float = 0.0
    means: Means = field(default_factory=Means)
    rows: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    best: float | None = None
    best_row: int | None = None
    ended: str = ""

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    @property
    def done(self) -> float:
        """The fraction of the run that is done."""
        return self.step / self.total_steps

    @property
    def examples_per_second(self) -> float:
        """Speed over the whole run."""
        return self.examples / max(self.seconds, 1e-9)

    def to_json(self) -> dict[str, Any]:
        """Return what :meth:`take` takes."""
        kept = ("epoch", "place", "step", "examples", "seconds", "rows", "best", "best_row")
        return {
            **{name: getattr(self, name) for name in kept},
            "ended": self.ended if self.ended == "stopped early" else "",
            "sums": self.means.sums,
            "weight": self.means.weight,
        }

    def take(self, state: dict[str, Any]) -> None:
        """Go on from where a run was."""
        kept = dict(state)
        self.means.sums, self.means.weight = kept.pop("sums"), kept.pop("weight")
        for name, value in kept.items():
            setattr(self, name, value)


def half_cosine(first: float, last: float = 0.0) -> Callable[[float], float]:
    """Return a rate that falls along half a period of a cosine, for :func:`train`.

    I. Loshchilov, F. Hutter: SGDR: stochastic gradient descent with warm restarts.  ICLR (2017),
    arXiv 1608.03983, equation 5.

    >>> rate = half_cosine(0.1)
    >>> [round(rate(done), 3) for done in (0, 0.5, 1)]
    [0.1, 0.05, 0.0]
    """
    return lambda done: last + 0.5 * (first - last) * (1 + math.cos(math.pi * done))


def train(
    step: Callable[..., Any],
    batches: Batches,
    *,
    epochs: int,
    names: Sequence[str] = ("loss",),
    rate: Callable[[float], float] | None = None,
    measure: Callable[[], Mapping[str, float]] | None = None,
    every: int | None = None,
    best: Best | None = None,
    variables: Any = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    metrics: Writer | Sequence[Writer] = (),
    progress: Progress | None = None,
    before_epoch: Callable[[State], None] | None = None,
    after_step: Callable[[State], None] | None = None,
    after_row: Callable[[State], None] | None = None,
    counted: Callable[[Sequence[NDArray[Any]]], int] = count_examples,
    unit: str = "examples",
) -> State:
    """Call a step for each minibatch of some epochs; measure, show, write and save meanwhile.

    At the end of each epoch, or after ``every`` steps, there is a row of measurements: ``epoch``
    (counted from 1), ``step``, ``examples``, ``seconds`` of training, means of what the step
    returned since the row before (``train_loss`` ...), each example seen with the weights of its
    moment, and what ``measure`` returns.

    Ctrl-C ends the run after the step that is under way: what was learnt is saved, and the state
    says ``ended="interrupted"``.  A second Ctrl-C is a ``KeyboardInterrupt``, at once.

    A run that is resumed does what it would have done had it never stopped, to the last bit: the
    step has to be a compiled function, or one of Python that keeps nothing but what ``variables``
    and ``checkpoints`` hold.

    Args:
        step: a minibatch's arrays, and the rate if there is one, to the loss: a number, a list
            that begins with it, or a dict that does.  It updates what is learnt.
        batches: such as :class:`Minibatches`.
        epochs: times over the data.
        names: of the step's outputs, the loss first; a dict has its own.
        rate: the fraction of the run that is done, from 0 up to 1, to a learning rate, which the
            step gets as a float32 after the minibatch's arrays; such as ``half_cosine(0.1)``.
        measure: called for each row; returns measurements by name, such as
            ``evaluate(f, valid, prefix="valid_")``.
        every: steps from row to row; None for a row at the end of each epoch.  There is always one
            at the end of the run.
        best: the row whose variables the run ends with, and when to stop early.
        variables: shared variables, or functions that use them, that are saved; those of ``step``
            by default, if it is a compiled function.  Name what ``measure`` changes, too.
        checkpoints: where they are saved; None for nowhere.
        resume: go on from the last checkpoint, if there is one.
        metrics: where rows are written: :class:`MetricsFiles`, :class:`TensorBoard`, or both.
        progress: shows the run; None for silence.
        before_epoch: called at the start of each epoch.
        after_step: called after each step.
        after_row: called after each row, ``state.rows[-1]``.
        counted: a minibatch to the number of examples in it, the weight of its means.
        unit: what is counted, a column of the rows.

    Returns:
        The state at the end: ``rows``, ``ended``, ``best_row``, ``seconds`` ...

    Raises:
        Diverged: the loss is infinite or no number; the last checkpoint is kept.
        TrainingError: outputs do not fit the names; the best row's measurement is not there; there
            is a run in the folder for checkpoints and ``resume`` is False; or ``resume`` is True
            without checkpoints.
        CheckpointError: the last checkpoint is of another program or other settings; no
            checkpoint is whole; one cannot be written.
        MetricsUnwritable: metrics cannot be written.

    >>> from agnesi.training import Minibatches
    >>> x, w = ag.vector("x"), ag.shared(np.float32(0), "w")
    >>> loss = ((w - x) ** 2).mean()
    >>> step = ag.function([x], loss, updates=ag.optim.sgd(ag.grad(loss, [w]), [w], rate=0.25))
    >>> data = np.array([1, 2, 3, 2], np.float32)
    >>> state = train(step, Minibatches(data, size=2), epochs=20)
    >>> state.ended, len(state.rows), state.rows[-1]["step"]
    ('done', 20, 40)
    """
    _check_counts(batches, epochs, every)
    if resume and checkpoints is None:
        raise TrainingError(
            "train: resume=True, but there are no checkpoints to go on from\n"
            "  Say where they are: checkpoints=Checkpoints(folder)."
        )
    state = State(epochs, len(batches), unit)
    if checkpoints is not None:
        checkpoints = checkpoints.with_settings(minibatches=batches.settings())
    writers = list(metrics) if isinstance(metrics, Sequence) else [metrics]
    held = _held(step, variables) if best is not None or checkpoints is not None else {}
    run = _Run(state, best, checkpoints, held, writers, progress)
    with _interruptions() as interrupted, run:
        run.begin(resume)
        while state.epoch < epochs and not state.ended:
            if before_epoch is not None and not state.place:
                before_epoch(state)
            with closing(batches.epoch(state.epoch, state.place)) as minibatches:
                for _ in range(state.place, len(batches)):
                    start = time.perf_counter()
                    batch = _next(minibatches, state)
                    arguments = batch if rate is None else (*batch, np.float32(rate(state.done)))
                    values = named(step(*arguments), names)
                    run.count(values, counted(batch), time.perf_counter() - start)
                    if after_step is not None:
                        after_step(state)
                    over = state.epoch == epochs
                    if over or not (state.place if every is None else state.step % every):
                        run.row(measure)
                        if after_row is not None:
                            after_row(state)
                    if interrupted() and not (over or state.ended):
                        state.ended = "interrupted"
                    if state.ended:
                        break
                    run.save_if_due()
        run.end()
    return state


def _check_counts(batches: Batches, epochs: int, every: int | None) -> None:
    if epochs < 1 or (every is not None and every < 1) or not len(batches):
        raise TrainingError(
            f"train: {epochs} epochs of {len(batches)} minibatches"
            f"{'' if every is None else f', a row every {every} steps'}\n"
            "  Give at least one of each."
        )


def _held(step: Any, given: Any) -> dict[str, Shared]:
    """Variables that are saved."""
    if given is not None:
        return variables_of(given)
    if not isinstance(step, Function):
        raise TrainingError(
            f"train: the step is {step!r}, no compiled function, so that it is not known what "
            "to save\n  Say it: variables=[...], shared variables or functions that use them."
        )
    return variables_of(step)


def _next(minibatches: Iterator[tuple[Any, ...]], state: State) -> tuple[Any, ...]:
    batch = next(minibatches, None)
    if batch is None:
        raise TrainingError(
            f"train: epoch {state.epoch + 1} has ended after {state.place} minibatches, "
            f"but len(batches) is {state.steps_per_epoch}\n  Let them agree."
        )
    return batch


def _kept(checkpoints: Checkpoints) -> str:
    """Say which checkpoints are left, the newest first, down to one whose numbers are finite.

    A loss may be a number still when what is learnt is none any more.
    """
    lines: list[str] = []
    for path in checkpoints.paths():
        try:
            arrays, _ = read(path)
        except CheckpointCorrupt:
            continue
        spoilt = [name for name, array in arrays.items() if not _is_finite(array)]
        lines.append(
            f"  the last checkpoint {'before it ' * bool(lines)}is {path}"
            + (f"\n    but it has numbers that are not finite: {', '.join(spoilt)}" * bool(spoilt))
            + "\n"
        )
        if not spoilt:
            break
    return "".join(lines) or "  there is no checkpoint yet\n"


def _is_finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "biu" or bool(np.isfinite(array).all())


@dataclass
class _Run:
    """What is done to a run's state between two steps."""

    state: State
    best: Best | None
    checkpoints: Checkpoints | None
    held: dict[str, Shared]
    writers: list[Writer]
    progress: Progress | None
    copies: dict[str, NDArray[Any]] = field(default_factory=dict[str, "NDArray[Any]"])

    def __enter__(self) -> Self:
        if self.progress is not None:
            self.progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self.writers:
            writer.close()
        if self.progress is not None:
            self.progress.__exit__(kind, error, trace)

    def begin(self, resume: bool) -> None:
        """Begin anew, or go on from the last checkpoint."""
        if self.checkpoints is not None:
            self.checkpoints.check_writable()
        if self.checkpoints is not None and resume:
            found = self.checkpoints.load(self.held)
            if found is not None:
                self.state.take(found.state)
                for error in found.skipped:
                    self._warn(str(error))
                done = f"epoch {self.state.epoch}, step {self.state.step:,}"
                self._say(f"going on from {found.path}: {done}")
        elif self.checkpoints is not None and self.checkpoints.paths():
            raise TrainingError(
                f"train: {self.checkpoints.folder} holds a run already\n"
                "  Go on with it (resume=True, --resume), name another folder, or remove it."
            )
        for writer in self.writers:
            writer.begin(self.state.rows)
        if self.progress is not None:
            self.progress.begin(self.state)

    def count(self, values: dict[str, float], examples: int, seconds: float) -> None:
        """Count a step that was done."""
        state = self.state
        loss, value = next(iter(values.items()))
        if not math.isfinite(value):
            raise Diverged(self._diverged(loss, value))
        state.means.add(values, examples)
        state.step, state.place = state.step + 1, state.place + 1
        if state.place == state.steps_per_epoch:
            state.epoch, state.place = state.epoch + 1, 0
        state.examples += examples
        state.seconds += seconds
        if self.progress is not None:
            self.progress.update(state)

    def row(self, measure: Callable[[], Mapping[str, float]] | None) -> None:
        """Measure; keep the best; write and show."""
        state = self.state
        row: dict[str, float] = {
            "epoch": state.epoch + (state.place > 0),
            "step": state.step,
            state.unit: state.examples,
            "seconds": round(state.seconds, 3),
            **{f"train_{name}": value for name, value in state.means.values().items()},
        }
        if measure is not None:
            row |= {name: float(value) for name, value in measure().items()}
        state.rows.append(row)
        if self.progress is not None:
            self.progress.update(state, last=True)
            self.progress.row(row, state)
        state.means = Means()
        if self.best is not None:
            self._judge(self.best, row)
        for writer in self.writers:
            writer.add(row)

    def _judge(self, best: Best, row: dict[str, float]) -> None:
        state = self.state
        if best.name not in row:
            raise TrainingError(
                f"train: the best row is that of {best.name}, which is not measured\n"
                f"  there are {', '.join(row)}"
            )
        number = len(state.rows) - 1
        if best.is_better(row[best.name], state.best):
            state.best, state.best_row = row[best.name], number
            if self.checkpoints is not None:
                self.checkpoints.save_best(self.held, state.to_json())
            else:
                self.copies = {name: held.get_value() for name, held in self.held.items()}
        elif best.patience is not None and number - (state.best_row or 0) >= best.patience:
            state.ended = "stopped early"

    def save_if_due(self) -> None:
        """Save a checkpoint if it is time for one."""
        if self.checkpoints is not None and self.checkpoints.is_due(self.state.step):
            self.checkpoints.save(self.held, self.state.to_json(), self.state.step)

    def end(self) -> None:
        """Save where the run is; give the variables their best values."""
        state = self.state
        state.ended = state.ended or "done"
        if self.checkpoints is not None:
            self.checkpoints.save(self.held, state.to_json(), state.step)
        if state.best_row is not None and self.best is not None:
            self._give_best(int(state.rows[state.best_row]["step"]))
        if state.ended == "interrupted":
            self._say(f"stopped by Ctrl-C in epoch {state.epoch + 1} of {state.epochs}")

    def _give_best(self, step: int) -> None:
        if self.checkpoints is None:
            for name, value in self.copies.items():
                self.held[name].set_value(value)
        elif not self.checkpoints.load_best(self.held, step):
            self._warn(
                f"{self.checkpoints.best} is of a later step than {step:,}, the best until now: "
                "the run was killed behind it\n"
                "  The variables are those of the last step; go on to where the best one was."
            )

    def _diverged(self, loss: str, value: float) -> str:
        state = self.state
        kept = _kept(self.checkpoints) if self.checkpoints is not None else ""
        return (
            f"train: {loss} is {value} in step {state.step + 1:,}, "
            f"minibatch {state.place + 1:,} of epoch {state.epoch + 1}\n"
            + kept
            + "  Try a lower rate, clipped gradients, or another seed."
        )

    def _say(self, text: str) -> None:
        if self.progress is not None:
            self.progress.say(text)

    def _warn(self, text: str) -> None:
        if self.progress is not None:
            self.progress.say(text)
        else:
            warnings.warn(text, RuntimeWarning, stacklevel=4)


@contextmanager
def _interruptions() -> Generator[Callable[[], bool]]:
    """Give whether Ctrl-C was pressed; a second time it is a ``KeyboardInterrupt`` again.

    So a step that is under way ends, and what is counted agrees with what was updated.  Outside the
    main thread, and where the process ignores Ctrl-C, nothing changes.
    """
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def was_pressed() -> bool:
        return pressed

    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not main or before in (signal.SIG_IGN, None):
        yield was_pressed
        return
    signal.signal(signal.SIGINT, press)
    try:
        yield was_pressed
    finally:
        signal.signal(signal.SIGINT, before)
