"""Odds and ends that programs import."""

from __future__ import annotations

import contextlib
import hashlib
import linecache
import sys
import traceback
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import scratchpad as scratchpad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import FrameType

# A parameter that was not given, where None means something.
undef = object()


class MethodNotDefined(Exception):
    """An op does not have this method."""


class MissingTestValue(AttributeError):
    """A variable has no test value."""


class TestValueError(Exception):
    """A test value is missing or cannot be computed."""

    __test__ = False


class InconsistencyError(Exception):
    """A graph may not stay as it is: it cannot be ordered, or a feature says no."""


# -- classes -------------------------------------------------------------------------------------


class MetaObject(type):
    """The class of classes whose ``__props__`` say when two objects are equal.

    Such a class gets ``_props()``, ``_props_dict()``, and where it does not have them itself
    ``__eq__``, ``__hash__`` and ``__str__``.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], dct: dict[str, Any]) -> Any:
        """Return the class."""
        props = dct.get("__props__")
        if props is None:
            return super().__new__(cls, name, bases, dct)
        if not isinstance(props, tuple):
            raise TypeError("__props__ has to be a tuple")
        if not all(isinstance(p, str) for p in props):
            raise TypeError("elements of __props__ have to be strings")

        def _props(self: Any) -> tuple[Any, ...]:
            return tuple(getattr(self, p) for p in props)

        def _props_dict(self: Any) -> dict[str, Any]:
            return {p: getattr(self, p) for p in props}

        def __eq__(self: Any, other: object) -> bool:
            return type(self) is type(other) and _props(self) == _props(other)

        def __hash__(self: Any) -> int:
            return hash((type(self), _props(self)))

        def __str__(self: Any) -> str:
            said = ", ".join(f"{p}={getattr(self, p)!r}" for p in props)
            return f"{type(self).__name__}{{{said}}}" if props else type(self).__name__

        made = {"__eq__": __eq__, "__hash__": __hash__, "__str__": __str__, **dct}
        return super().__new__(
            cls, name, bases, {**made, "_props": _props, "_props_dict": _props_dict}
        )


class object2(metaclass=MetaObject):
    """An object of a class that may have ``__props__``."""

    __slots__: Any = []

    def __ne__(self, other: object) -> bool:
        return not self == other


class D:
    """An object with these attributes."""

    def __init__(self, **d: Any) -> None:
        self.__dict__.update(d)


class Keyword:
    """A name that is true or false."""

    def __init__(self, name: str, nonzero: bool = True) -> None:
        self.name, self.nonzero = name, nonzero

    def __bool__(self) -> bool:
        return self.nonzero

    def __str__(self) -> str:
        return f"<{self.name}>"

    __repr__ = __str__


ABORT, RETRY, FAILURE = (Keyword(name, False) for name in ("ABORT", "RETRY", "FAILURE"))
ANY_TYPE, FALL_THROUGH = Keyword("ANY_TYPE"), Keyword("FALL_THROUGH")
simple_types = (int, str, float, bool, type(None), Keyword)


def hashtype(self: Any) -> int:
    """Return a hash of an object's class."""
    t = type(self)
    return hash(t.__name__) ^ hash(t.__module__)


# -- where variables were made ---------------------------------------------------------------------


def simple_extract_stack(
    f: FrameType | None = None, limit: int | None = None, skips: Sequence[str] = ()
) -> list[tuple[str, int, str, str | None]]:
    """Return the calls that led to a frame, outermost first: file, line, function, text.

    Args:
        f: the frame; by default the caller's.
        limit: how many calls there are to be.
        skips: parts of the names of files; innermost calls in them are left out.
    """
    frame: Any = sys._getframe(1) if f is None else f
    calls: list[tuple[str, int, str, str | None]] = []
    while frame is not None and (limit is None or len(calls) < limit):
        code = frame.f_code
        inside = any(s in code.co_filename for s in skips) and "tests" not in code.co_filename
        if calls or not inside:
            line = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
            calls.append((code.co_filename, frame.f_lineno, code.co_name, line or None))
        frame = frame.f_back
    return calls[::-1]


def add_tag_trace(thing: Any, user_line: int | None = None) -> Any:
    """Note on a variable's tag which calls led here; return it.

    Args:
        thing: a variable or an application.
        user_line: how many calls are noted; -1: all; by default as ``config.traceback.limit`` says.
    """
    limit = config.traceback.limit if user_line is None else user_line
    calls = simple_extract_stack(
        sys._getframe(1), None if limit == -1 else limit, ["agnesi/theano/"]
    )
    thing.tag.trace = [calls] if calls else calls
    return thing


def get_variable_trace_string(v: Any) -> str:
    """Return where a variable was made, if that was noted on its tag."""
    calls = getattr(v.tag, "trace", [])
    if not isinstance(calls, list) or not calls:
        return ""
    out = StringIO()
    print(" \nBacktrace when that variable is created:\n", file=out)
    stacks = [calls] if isinstance(calls[0], tuple) else calls
    for k, stack in enumerate(stacks):
        if len(stacks) > 1:
            print(f"trace {k}", file=out)
        traceback.print_list(stack, out)
    return out.getvalue()


# -- functions -------------------------------------------------------------------------------------


def memoize(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that keeps its results, by its arguments."""
    kept: dict[Any, Any] = {}

    def kept_or_made(*args: Any, **kwargs: Any) -> Any:
        key = args, tuple(kwargs.items())
        if key not in kept:
            kept[key] = f(*args, **kwargs)
        return kept[key]

    return kept_or_made


def deprecated(filename: str, msg: str = "") -> Callable[..., Any]:
    """Return a decorator: the function's first call prints a warning."""

    def decorated(f: Callable[..., Any]) -> Callable[..., Any]:
        told: list[bool] = []

        def telling(*args: Any, **kwargs: Any) -> Any:
            if not told:
                told.append(True)
                print(f"WARNING: {filename}.{f.__name__} deprecated. {msg}")
            return f(*args, **kwargs)

        return telling

    return decorated


def comm_guard(type1: Any, type2: Any) -> Callable[..., Any]:
    """Return a decorator: the function takes two arguments of these types, in either order.

    Other arguments go to the function of the same name that was defined before.
    """

    def decorated(f: Callable[..., Any]) -> Callable[..., Any]:
        before: Any = f.__globals__[f.__name__]

        def guarded(arg1: Any, arg2: Any, *rest: Any) -> Any:
            if not (_fits(arg1, type1) and _fits(arg2, type2)):
                if not (_fits(arg2, type1) and _fits(arg1, type2)):
                    return before(arg1, arg2, *rest)
                arg1, arg2 = arg2, arg1
            found = f(arg1, arg2, *rest)
            return before(arg1, arg2, *rest) if found is FALL_THROUGH else found

        return _described(guarded, f, before, [type1, type2])

    return decorated


def type_guard(type1: Any) -> Callable[..., Any]:
    """Return a decorator: the function takes a first argument of this type.

    Other arguments go to the function of the same name that was defined before.
    """

    def decorated(f: Callable[..., Any]) -> Callable[..., Any]:
        before: Any = f.__globals__[f.__name__]

        def guarded(arg1: Any, *rest: Any) -> Any:
            found = f(arg1, *rest) if _fits(arg1, type1) else FALL_THROUGH
            return before(arg1, *rest) if found is FALL_THROUGH else found

        return _described(guarded, f, before, [type1])

    return decorated


def _fits(value: Any, kind: Any) -> bool:
    return kind is ANY_TYPE or isinstance(value, kind)


def _described(new: Any, f: Any, before: Any, kinds: list[Any]) -> Any:
    def name(kind: Any) -> str:
        if isinstance(kind, tuple | list):
            return f"({', '.join(k.__name__ for k in kind)})"
        return str(kind) if isinstance(kind, Keyword) else kind.__name__

    new.__name__ = f.__name__
    new.__doc__ = f"{before.__doc__}\n{', '.join(map(name, kinds))}\n{f.__doc__ or ''}"
    return new


# -- collections -----------------------------------------------------------------------------------


def uniq(seq: Sequence[Any]) -> list[Any]:
    """Return each element once, in their order."""
    return [x for k, x in enumerate(seq) if seq.index(x) == k]


def unique(x: Any) -> bool:
    """Whether no element is there twice."""
    return len(set(x)) == len(x)


def difference(seq1: Iterable[Any], seq2: Iterable[Any]) -> list[Any]:
    """Return the elements of the first that are not in the second."""
    gone: Any = list(seq2)
    # What has no hash is looked for in the list.
    with contextlib.suppress(TypeError):
        gone = set(gone)
    return [x for x in seq1 if x not in gone]


def flatten(a: Any) -> list[Any]:
    """Return the elements of nested lists, tuples and sets."""
    if isinstance(a, tuple | list | set):
        return [leaf for item in a for leaf in flatten(item)]
    return [a]


def hist(coll: Iterable[Any]) -> dict[Any, int]:
    """Return how often each element is there."""
    return dict(Counter(coll))


def remove(predicate: Callable[[Any], Any], coll: Iterable[Any]) -> list[Any]:
    """Return the elements for which a condition does not hold."""
    return [x for x in coll if not predicate(x)]


def toposort(prereqs_d: Mapping[Any, set[Any]]) -> list[Any]:
    """Return keys, each behind what has to come before it."""
    left = {key: set(before) for key, before in prereqs_d.items()}
    order: list[Any] = []
    while left:
        ready = [key for key, before in left.items() if not before]
        if not ready:
            raise Exception(
                "Cannot sort topologically: there might be cycles, prereqs_d does not have a key "
                "for each element or some orderings contain invalid elements."
            )
        order += ready
        left = {k: b.difference(ready) for k, b in left.items() if b}
    return order


def to_return_values(values: Any) -> Any:
    """Return the only value, or all of them."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> Any:
    """Return values as a list."""
    return values if isinstance(values, list | tuple) else [values]


@deprecated("theano.gof.utils", msg="Use a_theano_variable.auto_name instead")
def give_variables_names(variables: Any) -> Any:
    """Give a name of its own to each variable that has none, or that of another; return them all.

    Raises:
        ValueError: names are not all different afterwards.
    """
    counts = hist([v.name for v in variables])
    nameless = [v for v in variables if not v.name or counts[v.name] > 1]
    for k, variable in enumerate(nameless):
        variable.name = f"{variable.name or ''}_{k}"
    if not unique([str(v) for v in variables]):
        raise ValueError(
            "Not all variables have unique names. Maybe you've named some of the variables "
            "identically"
        )
    return variables


# -- hashes ----------------------------------------------------------------------------------------


def hash_from_code(msg: str | bytes) -> str:
    """Return a text's SHA256 hash with an ``m`` before it."""
    return f"m{hashlib.sha256(msg.encode() if isinstance(msg, str) else msg).hexdigest()}"


def hash_from_file(file_path: str) -> str:
    """Return a file's SHA256 hash with an ``m`` before it."""
    return hash_from_code(Path(file_path).read_bytes())
