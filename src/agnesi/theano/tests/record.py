"""Recordings of what functions compute, to tell whether it is the same the next time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.compile.monitormode import MonitorMode
from agnesi.theano.compile.stepwise import Stepwise
from agnesi.theano.printing import hex_digest, min_informative_str

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.theano.compile.stepwise import Run


class MismatchError(Exception):
    """What happens is not what was recorded."""


class Record:
    """Lines, written to a file or held against those in it.

    Attributes:
        f: the file.
        replay: whether lines are compared with those in the file.
    """

    def __init__(
        self, file_object: Any = None, file_path: Any = None, replay: bool = False
    ) -> None:
        if file_object is None and file_path is None:
            raise AssertionError("Record: a file, or the path of one, is needed")
        self.replay = replay
        self.f = (
            Path(file_path).open("r" if replay else "w")  # noqa: SIM115 - it is used by many calls
            if file_object is None
            else file_object
        )

    def handle_line(self, line: str) -> None:
        """Write a line, or compare it with the next one.

        Raises:
            MismatchError: the next one is another.
        """
        if not line.endswith("\n") or "\n" in line[:-1]:
            raise AssertionError(f"one line is recorded at a time, not {line!r}")
        if not self.replay:
            self.f.write(line)
            return
        before = self.f.readline()
        if before != line:
            wanted, found = (t if len(t) <= 100 else f"{t[:100]}..." for t in (line, before))
            raise MismatchError(
                "Replay detected mismatch.\n"
                f" I wanted to write:\n{wanted}\nwhen previous job wrote:\n{found}"
            )


class RecordMode(MonitorMode):
    """Records for each application of named functions what it is given and what it gives.

    Attributes:
        record: where to.
        known_fgraphs: names of the functions that have been called.
    """

    def __init__(self, record: Record | None = None, **kwargs: Any) -> None:
        """Make the mode.

        Args:
            record: where to.
            kwargs: those of a :class:`Record` to be made.
        """
        if record is not None and kwargs:
            raise AssertionError("RecordMode: a record, or what it is made of")
        self.set_record(record if record is not None else Record(**kwargs))
        super().__init__()

    def set_record(self, record: Record) -> None:
        """Record to another place from now on."""
        self.record = record
        self.known_fgraphs: set[str] = set()

    def watched(self, function: Any) -> Stepwise:
        """Return what runs a function."""
        name = function.name
        if name is None:
            raise ValueError(
                "Un-named functions are not allowed with RecordMode, because they make it "
                "impossible to tell if the same function is running during the playback."
            )

        def around(i: int, node: Any, fn: Any) -> None:
            fn()
            self._note(name, i, node, fn)

        return _Recorded(self, function, around)

    def _note(self, name: str, i: int, node: Any, fn: Any) -> None:
        """Record an application that has been computed."""
        try:
            self.record.handle_line(f"Node {i}:{node.op}\n")
            self.record.handle_line(_digests("Inputs", fn.inputs))
            self.record.handle_line(_digests("Outputs", fn.outputs))
        except MismatchError as error:
            inputs = "\n".join(map(min_informative_str, node.inputs))
            raise MismatchError(
                f"Non-determinism detected by RecordMode: {error}\nin application {i} of {name}: "
                f"{node}\nof the inputs\n{inputs}"
            ) from error

    def clone(self, link_kwargs: Any = None, optimizer: Any = "", **named: Any) -> RecordMode:
        """Return a mode that records to the same place."""
        del link_kwargs, optimizer, named
        return type(self)(self.record)


class _Recorded(Stepwise):
    """A function whose calls are recorded, beside its applications."""

    def __init__(self, mode: RecordMode, function: Any, around: Any) -> None:
        super().__init__(function, function.graph(), around)
        self.mode = mode

    def run(self, arrays: Sequence[Any]) -> Run:
        """Compute everything."""
        record, name = self.mode.record, self.function.name
        if name not in self.mode.known_fgraphs:
            self.mode.known_fgraphs.add(name)
            record.handle_line(f"Function {name} has {len(self.graph.nodes)} apply nodes.\n")
        record.handle_line(f"Function name: {name}\n")
        record.handle_line(_digests("Given", [[a] for a in arrays]))
        return super().run(arrays)


def _digests(what: str, cells: Sequence[Any]) -> str:
    return f"{what}: {' '.join(_digest(cell[0]) for cell in cells)}\n"


def _digest(value: Any) -> str:
    return hex_digest(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else "-"
