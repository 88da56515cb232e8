"""The libraries that are measured, each behind one class: ``with_NAME.Library``.

Nothing is imported before it is asked for: each library has a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from bench.rows import Arrays, Row


@dataclass(frozen=True)
class Entry:
    """How a library is found.

    Attributes:
        module: what has to be importable.
        file: in this folder.
        option: handed to its class.
        usual: whether it takes part unless others are asked for; those that compile for minutes
            do not.
    """

    module: str
    file: str
    option: str = ""
    usual: bool = True


LIBRARIES = {
    "agnesi": Entry("agnesi", "with_agnesi"),
    "numpy": Entry("numpy", "with_numpy"),
    "numexpr": Entry("numexpr", "with_numexpr"),
    "torch": Entry("torch", "with_torch"),
    "torch.compile": Entry("torch", "with_torch", "compile", usual=False),
    "jax": Entry("jax", "with_jax"),
    "tensorflow": Entry("tensorflow", "with_tensorflow"),
    "tensorflow.xla": Entry("tensorflow", "with_tensorflow", "xla", usual=False),
    "pytensor": Entry("pytensor", "with_pytensor", usual=False),
    "drjit": Entry("drjit", "with_drjit"),
}


class Program(NamedTuple):
    """A row, ready to run.

    Attributes:
        call: computes the row on ``given`` and returns when the result is there.
        given: what it is called with.
        outputs: the results as NumPy arrays, of what ``call`` returned; for rows that change
            parameters the loss, where there is one, and the changes since the program was made.
    """

    call: Callable[..., Any]
    given: tuple[Any, ...]
    outputs: Callable[[Any], list[np.ndarray[Any, Any]]]


class Missing(Exception):
    """A library does not have what a row needs."""


class Side:
    """What every library's class does.

    Attributes:
        m: the functions that expressions are written with.
    """

    m: Any = None

    def __init__(self, threads: int, option: str) -> None:
        self.threads, self.option = threads, option

    def version(self) -> str:
        """Return name and version."""
        raise NotImplementedError

    def build(self, row: Row, arrays: Arrays) -> Program:
        """Return the program of a row.

        Raises:
            Missing: the library cannot.
        """
        if row.kind == "pure":
            return self.pure(row, arrays)
        if row.kind == "scatter":
            return self.scatter(row, arrays)
        parameters = {name: arrays[name] for name in row.parameters}
        data = {name: a for name, a in arrays.items() if name not in row.parameters}
        return self.train(row, parameters, data)

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        raise Missing

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        raise Missing

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        raise Missing


def side(name: str, threads: int) -> Side:
    """Return a library, imported."""
    entry = LIBRARIES[name]
    return import_module(f"bench.libraries.{entry.file}").Library(threads, entry.option)
