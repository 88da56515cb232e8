"""Measurements: means over minibatches, and the files that rows of them are written to."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from agnesi.training.errors import MetricsUnwritable, TrainingError
from agnesi.training.files import check_writable, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from agnesi.training.files import PathLike

    Row = Mapping[str, float]


class Batches(Protocol):
    """What :func:`agnesi.training.train` reads: :class:`agnesi.training.Minibatches`, or alike."""

    def __len__(self) -> int:
        """Minibatches of an epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Generator[tuple[Any, ...], None, None]:
        """The minibatches of an epoch, without the first ``start``."""
        ...

    def settings(self) -> dict[str, int]:
        """What the minibatches depend on."""
        ...


class Means:
    """Means of named numbers, each weighted by how many examples it is of.

    >>> means = Means()
    >>> means.add({"loss": 1.0}, weight=3)
    >>> means.add({"loss": 3.0}, weight=1)
    >>> means.values()
    {'loss': 1.5}
    """

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.weight = 0

    def add(self, values: Mapping[str, float], weight: int) -> None:
        """Count numbers that are means of ``weight`` examples."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + weight * value
        self.weight += weight

    def values(self) -> dict[str, float]:
        """Return the means; none before there is anything."""
        return {name: total / self.weight for name, total in self.sums.items()}


def named(outputs: Any, names: Sequence[str]) -> dict[str, float]:
    """Return what a step has returned as numbers by name.

    Args:
        outputs: of a compiled function: a scalar, a list of scalars, or a dict of them.
        names: of a scalar or of a list's items; a dict has its own.

    Raises:
        TrainingError: there are more or fewer outputs than names, or one is no scalar.

    >>> named([np.float32(0.5), np.float32(0.25)], ("loss", "error"))
    {'loss': 0.5, 'error': 0.25}
    """
    if isinstance(outputs, Mapping):
        found: dict[str, Any] = dict(outputs)  # pyright: ignore[reportUnknownArgumentType]
    else:
        several = isinstance(outputs, list | tuple)
        listed: list[Any] = [*outputs] if several else [outputs]  # pyright: ignore
        if len(listed) != len(names):
            raise TrainingError(
                f"the step returns {len(listed)} outputs, but there are {len(names)} names: "
                f"{', '.join(names)}\n"
                '  Name each, the loss first: names=("loss", "error"); or let it return a dict.'
            )
        found = dict(zip(names, listed, strict=True))
    for name, value in found.items():
        if np.ndim(value):
            raise TrainingError(
                f"the step's output {name} has the shape {list(np.shape(value))}, "
                "but it has to be a number\n  Take its mean: .mean()."
            )
    return {name: float(value) for name, value in found.items()}


def count_examples(batch: Sequence[Any]) -> int:
    """Return the length of a minibatch's first array."""
    return len(batch[0])


def evaluate(
    function: Callable[..., Any],
    batches: Batches,
    *,
    names: Sequence[str] = ("loss",),
    prefix: str = "",
    counted: Callable[[Sequence[Any]], int] = count_examples,
) -> dict[str, float]:
    """Return the means of a function's outputs over all minibatches of a data set.

    Args:
        function: a minibatch's arrays to means over it: a scalar, a list, or a dict.
        batches: of the data set; its epoch 0 is read.
        names: of the outputs, unless they are a dict.
        prefix: put in front of each name.
        counted: how many examples a minibatch has, its weight in the means.

    Raises:
        TrainingError: the outputs are not as many as the names, or no scalars.

    >>> from agnesi.training import Minibatches
    >>> x = ag.vector("x")
    >>> batches = Minibatches(np.arange(5, dtype=np.float32), size=2, shuffle=False)
    >>> evaluate(ag.function([x], x.mean()), batches, names=["mean"], prefix="valid_")
    {'valid_mean': 2.0}
    """
    means = Means()
    with closing(batches.epoch(0)) as minibatches:
        for batch in minibatches:
            means.add(named(function(*batch), names), counted(batch))
    return {prefix + name: value for name, value in means.values().items()}


def confusion(read: Callable[..., Any], batches: Batches, classes: int) -> NDArray[np.int64]:
    """Return how often each class (row) was taken for each class (column), i64[classes, classes].

    Args:
        read: a minibatch's arrays but the last to the numbers of classes, i64[n].
        batches: of the data set, whose last array is labels; epoch 0 is read.
        classes: how many there are.

    >>> from agnesi.training import Minibatches
    >>> x = ag.matrix("x")
    >>> points, labels = np.eye(3, dtype=np.float32), np.array([0, 1, 1])
    >>> batches = Minibatches((points, labels), size=2, shuffle=False)
    >>> confusion(ag.function([x], ag.argmax(x, axis=1)), batches, 3)
    array([[1, 0, 0],
           [0, 1, 1],
           [0, 0, 0]])
    """
    counts = np.zeros((classes, classes), np.int64)
    with closing(batches.epoch(0)) as minibatches:
        for *arrays, labels in minibatches:
            np.add.at(counts, (labels, read(*arrays)), 1)
    return counts


class Writer(Protocol):
    """Somewhere that rows of measurements go: :class:`MetricsFiles`, :class:`TensorBoard`."""

    def begin(self, rows: Sequence[Row]) -> None:
        """Hold these rows and no others: those of a run that goes on, or none."""
        ...

    def add(self, row: Row) -> None:
        """Hold one more."""
        ...

    def close(self) -> None:
        """Bring all of it to where it belongs."""
        ...


class MetricsFiles:
    """Rows of measurements in two files of the same content, ``.jsonl`` and ``.csv``.

    Both are replaced as wholes with each row: who reads them, also after a process was killed,
    finds whole rows.  Numbers are written so that they read back as the same ones; what is no
    number is ``null`` in the one and empty in the other.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     files = MetricsFiles(Path(folder))
    ...     files.add({"epoch": 1, "loss": 0.5})
    ...     files.add({"epoch": 2, "loss": 0.25, "valid_loss": 0.75})
    ...     print((Path(folder) / "metrics.csv").read_text())
    epoch,loss,valid_loss
    1,0.5,
    2,0.25,0.75
    """

    def __init__(self, folder: PathLike, name: str = "metrics") -> None:
        """Name the files: ``folder/name.jsonl`` and ``folder/name.csv``."""
        self.jsonl, self.csv = Path(folder) / f"{name}.jsonl", Path(folder) / f"{name}.csv"
        self._rows: list[Row] = []

    def begin(self, rows: Sequence[Row]) -> None:
        """Hold these rows and no others.

        Raises:
            MetricsUnwritable: the files cannot be written.
        """
        try:
            check_writable(self.jsonl.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        self._rows = list(rows)
        if rows or self.jsonl.exists() or self.csv.exists():
            self._write()

    def add(self, row: Row) -> None:
        """Hold one more.

        Raises:
            MetricsUnwritable: the files cannot be written; they hold the rows before.
        """
        self._rows.append(dict(row))
        self._write()

    def close(self) -> None:
        """Do nothing: all is written."""

    def _write(self) -> None:
        lines = [json.dumps({k: _or_none(v) for k, v in row.items()}) for row in self._rows]
        try:
            write_atomically(self.jsonl, "".join(f"{line}\n" for line in lines).encode())
            write_atomically(self.csv, csv_of(self._rows))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> MetricsUnwritable:
        return MetricsUnwritable(
            f"metrics: {self.jsonl.with_suffix('')}.* cannot be written: "
            f"{error.strerror or error}\n"
            "  Make room, or name another folder; rows that were there still are."
        )


def csv_of(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV, under all names that there are, in the order of their first use."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: _or_none(value) for name, value in row.items()})
    return text.getvalue().encode()


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


class TensorBoard:
    """Rows of measurements for TensorBoard, through the package tensorboard or tensorboardX.

    What was written for steps after those of a run that goes on is hidden by TensorBoard.
    """

    def __init__(self, folder: PathLike) -> None:
        """Name the folder for TensorBoard's files.

        Raises:
            TrainingError: neither package is installed.
        """
        self._writer = _tensorboard(Path(folder))

    def begin(self, rows: Sequence[Row]) -> None:
        """Go on after the last of these rows, which were written before."""
        self._writer.begin(int(rows[-1]["step"]) + 1 if rows else 0)

    def add(self, row: Row) -> None:
        """Write the numbers of a row, at its ``step``."""
        scalars = {name: value for name, value in row.items() if name != "step"}
        self._writer.add(int(row["step"]), scalars)

    def close(self) -> None:
        """Write what waits."""
        self._writer.close()


class _Events(Protocol):
    def begin(self, step: int) -> None: ...
    def add(self, step: int, scalars: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


def _tensorboard(folder: Path) -> _Events:
    for make in (_WithTensorBoard, _WithTensorBoardX):
        try:
            return make(folder)
        except ImportError:
            continue
    raise TrainingError(
        "TensorBoard: neither the package tensorboard nor tensorboardX is installed\n"
        "  pip install tensorboard, or write MetricsFiles."
    )


class _WithTensorBoard:
    """Events by TensorBoard's own package."""

    def __init__(self, folder: Path) -> None:
        from importlib import import_module

        proto = "tensorboard.compat.proto"
        self._event: Any = import_module(f"{proto}.event_pb2")
        self._summary: Any = import_module(f"{proto}.summary_pb2").Summary
        module: Any = import_module("tensorboard.summary.writer.event_file_writer")
        self._file: Any = module.EventFileWriter(str(folder))

    def begin(self, step: int) -> None:
        start = self._event.SessionLog(status=self._event.SessionLog.START)
        self._put(step, session_log=start)

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        values = [self._summary.Value(tag=k, simple_value=v) for k, v in scalars.items()]
        self._put(step, summary=self._summary(value=values))
        self._file.flush()

    def _put(self, step: int, **what: Any) -> None:
        self._file.add_event(self._event.Event(wall_time=time.time(), step=step, **what))

    def close(self) -> None:
        self._file.close()


class _WithTensorBoardX:
    """Events by tensorboardX."""

    def __init__(self, folder: Path) -> None:
        from importlib import import_module

        self._module: Any = import_module("tensorboardX")
        self._folder = folder
        self._file: Any = None

    def begin(self, step: int) -> None:
        self._file = self._module.SummaryWriter(str(self._folder), purge_step=step)

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            self._file.add_scalar(name, value, step)
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
