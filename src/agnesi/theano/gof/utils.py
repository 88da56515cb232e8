"""Odds and ends that programs import."""

from __future__ import annotations

import traceback
from typing import Any

from agnesi.theano.gof.graph import scratchpad as scratchpad


class MethodNotDefined(Exception):
    """An op does not have this method."""


class TestValueError(Exception):
    """A test value is missing or cannot be computed."""

    __test__ = False


class object2:
    """An object."""


def hashtype(self: Any) -> int:
    """Return a hash of an object's class."""
    t = type(self)
    return hash(t.__name__) ^ hash(t.__module__)


def give_variables_names(variables: Any) -> list[str]:
    """Give each of some variables a name of its own; return the names."""
    names: list[str] = []
    for index, variable in enumerate(variables):
        if variable.name is None or variable.name in names:
            variable.name = f"{variable.name or 'V'}_{index}"
        names.append(variable.name)
    return names


def flatten(a: Any) -> list[Any]:
    """Return the elements of nested lists, tuples and sets."""
    if isinstance(a, tuple | list | set):
        return [leaf for item in a for leaf in flatten(item)]
    return [a]


def uniq(seq: Any) -> list[Any]:
    """Return each element once, in their order."""
    return list(dict.fromkeys(seq))


def difference(seq1: Any, seq2: Any) -> list[Any]:
    """Return the elements of the first that are not in the second."""
    gone = list(seq2)
    return [x for x in seq1 if x not in gone]


def get_variable_trace_string(v: Any) -> str:
    """Return where a variable was made, as text; empty where that is not known."""
    found = getattr(v.tag, "trace", None)
    if not found:
        return ""
    lines = ["\nBacktrace when that variable is created:\n\n"]
    for number, trace in enumerate(found):
        if len(found) > 1:
            lines.append(f"trace {number}\n")
        lines += traceback.format_list([tuple(entry) for entry in trace])
    return "".join(lines)


def to_return_values(values: Any) -> Any:
    """Return the only value, or all of them."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> list[Any]:
    """Return values as a list."""
    return list(values) if isinstance(values, list | tuple) else [values]
