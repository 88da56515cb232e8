"""Loops as a user writes them: a function for one step, whatever it mentions, and what it carries.

The function is called once, with symbolic variables; what it returns becomes the body of a
:class:`~agnesi.ops.loop.Loop`.  What it computes without the carried values and the rows is
computed once, before the loop.
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agnesi.core.dtypes import BOOL, DEFAULT_COMPLEX, DEFAULT_FLOAT, I64, DType, weak
from agnesi.core.errors import GraphTypeError
from agnesi.core.record import record, replace
from agnesi.dims.dim import Dim, fresh_symbol, mul, sub
from agnesi.dims.simplify import at_least, floordiv, maximum
from agnesi.graph.body import Body, close
from agnesi.graph.graph import size_of, toposort
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import SizeFloat, SizeValue, Tensor
from agnesi.graph.tracing import inside_loop
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import maximum as maximum_of
from agnesi.ops.gradients import stop_gradient
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import (
    Number,
    as_size,
    as_tensor,
    is_integer,
    is_number,
    is_weak_float,
    lift,
    operand_lines,
    unify,
)
from agnesi.ops.lift import cast as converted
from agnesi.ops.logic import logical_not
from agnesi.ops.loop import Loop, Segments
from agnesi.ops.movement import BroadcastTo, Reshape, flip, specify_shape
from agnesi.ops.powers import sqrt
from agnesi.ops.slicing import Slice
from agnesi.ops.trees import Tree, flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.leaves import Input
    from agnesi.graph.tensor import TensorLike

__all__ = ["foldl", "foldr", "map", "reduce", "scan", "taps", "while_loop"]

_CARRY = "the carry"


# -- what a user calls ---------------------------------------------------------------------------


def scan(  # noqa: PLR0917 - JAX's order, and more that is better named
    step: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | Tensor | None = None,
    reverse: bool = False,
    until: Callable[..., Any] | None = None,
    checkpoint: int | bool | None = None,
    truncate: int | Tensor | None = None,
) -> tuple[Any, Any]:
    """Repeat a step that hands something on, and collect what it gives.

    In Python it would be::

        carry, ys = init, []
        for x in xs:
            carry, y = step(carry, x)
            ys.append(y)
        return carry, stack(ys)

    It is compiled as a loop; the step is called while the graph is built, with symbolic variables.

    Args:
        step: ``step(carry, x)`` returns the next carry and a result to be collected, None for none.
            It may use any variable around it; what does not depend on ``carry`` and ``x`` is
            computed once.
        init: the first carry: an array, or a nested tuple, list, dictionary or dataclass of arrays
            and None.  A Python number takes the dtype that the step makes of it.
        xs: sequences, along their first axis; nested as ``init`` may be.  The step is given a row
            of each, nested in the same way; None if there are none.
        length: number of steps; needed if there are no sequences.  Where there are, their first
            ``length`` rows are used.
        reverse: begin with the last row.  Results are at the places of the rows they came from.
        until: a function of the new carry, or of the new carry and ``y``, that gives a bool: there
            is no step after one where it holds.
        checkpoint: keep for the gradient every ``checkpoint``-th carry alone, and compute what
            is between once more; True: about as many as the square root of the number of steps.
        truncate: derivatives go back through the last so many steps, and no further.

    Returns:
        The last carry, and for each result an array with a row for each step taken.

    Raises:
        GraphTypeError: a carry whose dtype or shape changes from step to step, sequences of
            different lengths, no length, a condition that is no bool, a step that does not return
            two things.
        ShapeError: in a call, sizes that could not be told before do not agree, or the number of
            steps is negative.

    >>> x = ag.vector("x")
    >>> total, sums = ag.scan(lambda carry, row: (carry + row, carry + row), 0.0, x)
    >>> ag.function([x], [total, sums])([1.0, 2.0, 3.0])
    [array(6., dtype=float32), array([1., 3., 6.], dtype=float32)]
    >>> _, powers = ag.scan(lambda p, _: (p * 2, p), 1, length=20, until=lambda p: p > 30)
    >>> powers.eval()
    array([ 1,  2,  4,  8, 16])
    """
    sequences = _sequences("scan", xs, length)
    carried = _carried("scan", "init", init)
    stop = None if until is None else _Until(until)
    flag = (_Leaf("stopped", converted(False, BOOL)),) if stop else ()
    if stop and reverse:
        # Steps are counted from the end: they have to be the first of what the loop goes through.
        sequences = sequences.turned()

    def run(leaves: list[Tensor], rows: list[Tensor]) -> _Step:
        carry = carried.tree.build(leaves[len(flag) :])
        found = _called("scan", "step(carry, x)", step, carry, sequences.tree.build(rows))
        new, y = _pair(found)
        ys, tree = flatten(y)
        news = carried.tree.leaves("scan", _CARRY, new)
        stopped = [stop(new, y)] if stop else []
        return _Step([*stopped, *news], ys, tree)

    how = _How("scan", run, (*flag, *carried.leaves), bool(stop), reverse and not stop)
    last, ys, done = _divided(how, sequences, checkpoint, truncate)
    if stop:
        ys = _Collected([_rows(y, 0, done) for y in ys.arrays], ys.tree)
        if reverse:
            ys = _Collected([flip(y, 0) for y in ys.arrays], ys.tree)
    return carried.tree.build(last[len(flag) :]), ys.tree.build(ys.arrays)


def map(function: Callable[..., Any], *xs: Any, length: int | Tensor | None = None) -> Any:
    """Apply a function to each row of sequences.

    :func:`agnesi.vectorize` does the same for all rows at once, without a loop: it needs the memory
    of all of them.

    Args:
        function: is given a row of each of ``xs``.
        *xs: sequences, along their first axis, or nested tuples, lists or dictionaries of them.
        length: how many rows; by default all.

    Returns:
        What the function returns, nested as it is, with an axis in front.

    Raises:
        GraphTypeError: sequences of different lengths; none, and no length.

    >>> x = ag.matrix("x")
    >>> ag.map(lambda row: ag.sort(row)[0], x).eval({x: [[3, 1], [5, 9]]})
    array([1., 5.], dtype=float32)
    """
    sequences = _sequences("map", tuple(xs), length)

    def run(leaves: list[Tensor], rows: list[Tensor]) -> _Step:
        elements = sequences.tree.build(rows)
        ys, tree = flatten(_called("map", "function(*elements)", function, *elements))
        return _Step([], ys, tree)

    _, ys, _ = _divided(_How("map", run, (), False, False), sequences, None, None)
    return ys.tree.build(ys.arrays)


def reduce(
    function: Callable[[Any, Any], Any], xs: Any, init: Any, *, reverse: bool = False
) -> Any:
    """Combine the rows of sequences one after the other: ``f(f(f(init, x0), x1), x2)``.

    Args:
        function: ``function(carry, x)`` returns the next carry.
        xs: sequences, as :func:`scan` has them.
        init: the first carry, as :func:`scan` has it.
        reverse: begin with the last row.

    Returns:
        The last carry.

    Raises:
        GraphTypeError: see :func:`scan`.

    >>> x = ag.vector("x")
    >>> ag.reduce(lambda a, b: a * 2 + b, x, 0.0).eval({x: [1, 0, 1]})
    array(5., dtype=float32)
    """
    return scan(lambda carry, x: (function(carry, x), None), init, xs, reverse=reverse)[0]


def foldl(function: Callable[[Any, Any], Any], xs: Any, init: Any) -> Any:
    """Combine rows from the first to the last: :func:`reduce`.

    >>> x = ag.vector("x")
    >>> ag.foldl(lambda a, b: a - b, x, 0.0).eval({x: [1, 2]})
    array(-3., dtype=float32)
    """
    return reduce(function, xs, init)


def foldr(function: Callable[[Any, Any], Any], xs: Any, init: Any) -> Any:
    """Combine rows from the last to the first: :func:`reduce` with ``reverse=True``.

    >>> x = ag.vector("x")
    >>> ag.foldr(lambda a, b: b - a, x, 0.0).eval({x: [1, 2]})
    array(-1., dtype=float32)
    """
    return reduce(function, xs, init, reverse=True)


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """Repeat a step while a condition holds.

    Its gradient needs the memory of all the carries: the steps are counted, and done once more.

    Args:
        condition: ``condition(carry)`` gives a bool: whether there is another step.
        body: ``body(carry)`` returns the next carry.
        init: the first carry, as :func:`scan` has it.

    Returns:
        The carry for which the condition does not hold.

    Raises:
        GraphTypeError: a carry whose type changes, a condition that is no bool.

    >>> x = ag.scalar("x")
    >>> half = ag.while_loop(lambda v: v > 1, lambda v: v / 2, x)
    >>> half.eval({x: 100.0})
    array(0.78125, dtype=float32)
    """
    carried = _carried("while_loop", "init", init)

    def run(leaves: list[Tensor], rows: list[Tensor]) -> _Step:
        new = _called("while_loop", "body(carry)", body, carried.tree.build(leaves))
        news = carried.tree.leaves("while_loop", _CARRY, new)
        return _Step(news, [], flatten(None)[1])

    def go(leaves: Sequence[Tensor]) -> Tensor:
        carry = carried.tree.build(leaves)
        found = _called("while_loop", "condition(carry)", condition, carry)
        return _truth("while_loop", "the condition", found)

    how = _How("while_loop", run, carried.leaves, go, False)
    last, _, _ = _looped(how, _Sequences([], flatten(None)[1], None))
    return carried.tree.build(last)


def taps(x: TensorLike, offsets: Sequence[int]) -> tuple[Tensor, ...]:
    """Return a sequence shifted by several distances, to be read side by side in each step.

    Steps are those for which all the rows are there: of the offsets -2 and 0 the first step reads
    rows 0 and 2.  Rows are read where they lie; nothing is copied.

    Args:
        x: a sequence, along its first axis.
        offsets: distances from the step: negative for what is past, positive for what is to come.

    Returns:
        For each offset an array; all have as many rows as there are steps.

    Raises:
        GraphTypeError: the array is a scalar, or there are no offsets.

    >>> x = ag.vector("x")
    >>> difference = ag.map(lambda before, now: now - before, *ag.taps(x, [-1, 0]))
    >>> difference.eval({x: [1, 4, 9, 16]})
    array([3., 5., 7.], dtype=float32)
    """
    sequence = as_tensor(x)
    given = [int(offset) for offset in offsets if is_integer(offset)]
    if not sequence.ndim:
        raise GraphTypeError(
            f"taps: a sequence has rows, along its first axis, but x is a scalar\n"
            f"{operand_lines(('x',), (sequence,))}\n  give an array of one axis or more"
        )
    if not given or len(given) < len(offsets):
        raise GraphTypeError(
            f"taps: a sequence is shifted by integers, but these are {offsets!r}\n"
            f"{operand_lines(('x',), (sequence,))}\n"
            "  give a list of distances, such as [-1, 0]"
        )
    low, high = min(0, *given), max(0, *given)
    count = maximum(sub(sequence.type.shape[0], high - low), 0)
    return tuple(_rows(sequence, offset - low, count) for offset in given)


# -- what they are given -------------------------------------------------------------------------


@record(frozen=True)
class _Leaf:
    """A part of the first carry: where it is, and what it is."""

    path: str
    value: Tensor | Number


@record(frozen=True)
class _Carried:
    leaves: tuple[_Leaf, ...]
    tree: Tree


def _carried(op: str, role: str, value: Any) -> _Carried:
    leaves, tree = flatten(value)
    paths = [f"{role}{path}" for path in tree.paths()]
    found = [_as_leaf(op, path, leaf) for path, leaf in zip(paths, leaves, strict=True)]
    return _Carried(tuple(found), tree)


def _as_leaf(op: str, path: str, value: Any) -> _Leaf:
    return _Leaf(path, _lifted(op, path, value))


def _lifted(op: str, path: str, value: Any) -> Tensor | Number:
    try:
        return lift(value)
    except GraphTypeError as error:
        words = str(error).removeprefix("constant: ")
        raise GraphTypeError(f"{op}: {path}: {words}") from None


@record(frozen=True)
class _Sequences:
    """Arrays with a row for each step; None for the length of a loop that a condition ends."""

    arrays: list[Tensor]
    tree: Tree
    length: Size | None

    def turned(self) -> _Sequences:
        """Return the sequences from their last row to the first."""
        assert self.length is not None
        cut = [flip(_exactly(s, self.length), 0) for s in self.arrays]
        return _Sequences(cut, self.tree, self.length)

    def part(self, start: Size, count: Size) -> _Sequences:
        """Return some of the rows."""
        assert self.length is not None
        cut = [_rows(_exactly(s, self.length), start, count) for s in self.arrays]
        return _Sequences(cut, self.tree, count)


def _exactly(x: Tensor, length: Size) -> Tensor:
    """Return the first rows of a sequence that has as many or more."""
    size = x.type.shape[0]
    if size == length:
        return x
    return specify_shape(x[: SizeValue(length)], (SizeValue(length), *[None] * (x.ndim - 1)))


def _rows(x: Tensor, start: Size, count: Size) -> Tensor:
    """Return rows of an array that are known to be there."""
    size, *rest = x.type.shape
    if start == 0 and size == count:
        return x
    return Slice(x, (start, *(0 for _ in rest)), (1, *(1 for _ in rest)), (count, *rest))


def _sequences(op: str, xs: Any, length: Any) -> _Sequences:
    """Return sequences and the number of steps."""
    leaves, tree = flatten(xs)
    names = [f"xs{path}" for path in tree.paths()]
    arrays = [as_tensor(_lifted(op, n, x)) for n, x in zip(names, leaves, strict=True)]
    for name, x in zip(names, arrays, strict=True):
        if not x.ndim:
            hint = "what is the same in each step needs not be given: the step may just use it"
            if name != "xs":
                hint = "a list or tuple is several sequences: np.array([...]) is one; " + hint
            raise GraphTypeError(
                f"{op}: a sequence has rows, along its first axis, but {name} is a scalar\n"
                f"{operand_lines((name,), (x,))}\n  {hint}"
            )
    if length is not None:
        return _Sequences(arrays, tree, _as_length(op, length, names, arrays))
    if not arrays:
        raise GraphTypeError(
            f"{op}: there are no sequences and no length\n"
            "  say how many steps there are: length=n; see ag.while_loop for a condition alone"
        )
    sizes = [x.type.shape[0] for x in arrays]
    known = next((size for size in sizes if isinstance(size, int)), sizes[0])
    if any(unify(size, known) is None for size in sizes):
        raise GraphTypeError(
            f"{op}: sequences have different lengths\n{operand_lines(names, arrays)}\n"
            "  cut them, x[:n], or say how many rows are meant: length=n"
        )
    return _Sequences([_of_length(x, known) for x in arrays], tree, known)


def _of_length(x: Tensor, length: Size) -> Tensor:
    size, *rest = x.type.shape
    return x if size == length else BroadcastTo(x, (length, *rest))


def _as_length(op: str, length: Any, names: list[str], arrays: list[Tensor]) -> Size:
    size = as_size(length, f"{op}: length")
    if isinstance(size, int) and size < 0:
        raise GraphTypeError(
            f"{op}: the number of steps cannot be negative, but length is {size}"
            "\n  leave length away to take one step for each row of xs"
        )
    for name, x in zip(names, arrays, strict=True):
        rows = x.type.shape[0]
        if isinstance(size, int) and isinstance(rows, int) and rows < size:
            raise GraphTypeError(
                f"{op}: {size} steps read past the end of {name}, which has {rows} rows\n"
                f"{operand_lines(names, arrays)}\n"
                "  leave length away to go through all the rows there are"
            )
    return size


class _Until:
    """Asks a user's function whether the loop is over."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        try:
            inspect.signature(function).bind(None)
            self.alone = True
        except TypeError:
            self.alone = False
        except ValueError:  # a builtin that does not tell
            self.alone = True

    def __call__(self, carry: Any, y: Any) -> Tensor:
        found = self.function(carry) if self.alone else self.function(carry, y)
        return _truth("scan", "until", found)


def _called(op: str, how: str, function: Any, *arguments: Any) -> Any:
    """Return what a user's function gives.

    Raises:
        GraphTypeError: it is none, or cannot be called like this.
    """
    name = how.partition("(")[0]
    if not callable(function):
        raise GraphTypeError(
            f"{op}: {name} is a function, called as {how}, but this is {function!r}"
        )
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        shown = getattr(function, "__qualname__", repr(function))
        code = getattr(function, "__code__", None)
        place = f"   from {Path(code.co_filename).name}:{code.co_firstlineno}" if code else ""
        raise GraphTypeError(
            f"{op}: {name} is called as {how}, but {error}\n  {name}: {shown}{place}"
        ) from None
    except ValueError:  # a builtin that does not tell
        return function(*arguments)
    return function(*arguments)


def _truth(op: str, role: str, value: Any) -> Tensor:
    """Return a condition.

    Raises:
        GraphTypeError: it is no bool scalar.
    """
    given = as_tensor(_lifted(op, role, value))
    if given.dtype is not BOOL or given.ndim:
        hint = "compare, x > 0" if given.dtype is not BOOL else "take ag.all or ag.any of it"
        raise GraphTypeError(
            f"{op}: {role} gives one bool, but this is {given.type}\n"
            f"{operand_lines((role,), (given,))}\n  {hint}"
        )
    return given


def _pair(found: Any) -> tuple[Any, Any]:
    parts = cast("tuple[Any, ...]", found) if type(found) is tuple else ()
    if len(parts) != 2:
        shown = (
            repr(found)
            if isinstance(found, Tensor)
            else f"a {type(cast('object', found)).__name__}"
        )
        raise GraphTypeError(
            f"scan: the step returns two things, the next carry and a result, but this is {shown}\n"
            "  where there is nothing to collect: return carry, None"
        )
    return parts


# -- from a step to a loop -----------------------------------------------------------------------


@record(frozen=True)
class _Step:
    """What a step gave: what is carried on, and results."""

    news: list[Any]
    ys: list[Any]
    tree: Tree


@record(frozen=True)
class _Collected:
    arrays: list[Tensor]
    tree: Tree


@record(frozen=True)
class _How:
    """A loop to be built.

    Attributes:
        op: the public function.
        run: gives what a step does, of what is carried and the rows.
        inits: what is carried at first.
        go: whether there is another step; True if the first carried value says that there is none.
        reverse: from the last row to the first.
        kind: the class of the loop.
    """

    op: str
    run: Callable[[list[Tensor], list[Tensor]], _Step]
    inits: tuple[_Leaf, ...]
    go: bool | Callable[[Sequence[Tensor]], Tensor]
    reverse: bool
    kind: type[Loop] = Loop

    def beginning(self, inits: Sequence[Tensor]) -> _How:
        """Return the loop with other first values."""
        leaves = [_Leaf(old.path, new) for old, new in zip(self.inits, inits, strict=True)]
        return replace(self, inits=tuple(leaves))


def _looped(how: _How, sequences: _Sequences) -> tuple[list[Tensor], _Collected, Loop]:
    """Build the loop; return the last values, what was collected, and the node."""
    number = new_input("step", TensorType(I64, ()))
    rows = _row_inputs(sequences)
    inits = _settled(how, rows)
    carries = [
        new_input(leaf.path.replace("init", "carry"), x.type)
        for leaf, x in zip(how.inits, inits, strict=True)
    ]
    with inside_loop(number):
        step = how.run(list(carries), list(rows))
    news = [
        _fitting(how.op, leaf.path, init, new)
        for leaf, init, new in zip(how.inits, inits, step.news, strict=True)
    ]
    paths = step.tree.paths()
    ys = [as_tensor(_lifted(how.op, f"y{p}", y)) for p, y in zip(paths, step.ys, strict=True)]
    for path, y in zip(paths, ys, strict=True):
        _check_size(how.op, f"y{path}", y, {number, *carries, *rows})
    go: list[Tensor] = []
    if how.go is True:
        go = [logical_not(carries[0])]
    elif how.go:
        with inside_loop(number):
            go = [how.go(carries)]
    closed = close([number, *carries, *rows], [*news, *ys, *go])
    body, ask = closed.parts(len(news) + len(ys), len(go))
    length = sequences.length
    condition = _condition(ask, len(carries), len(rows)) if go else None
    arrays = tuple(sequences.arrays)
    loop = how.kind(length, how.reverse, condition, body, tuple(inits), arrays, closed.captured)
    parts = loop.parts()
    return list(parts[: len(news)]), _Collected(list(parts[len(news) :]), step.tree), loop


def _check_size(op: str, path: str, y: Tensor, inner: set[Tensor]) -> None:
    """Raise an error if the shape of a result is known only once the step is done."""
    sizes = [size for size in y.type.shape if isinstance(size, Dim)]
    told = [value for size in sizes for value in size.values if isinstance(value, Tensor)]
    if any(node in inner for node in toposort(told)):
        raise GraphTypeError(
            f"{op}: {path} has another shape in each step, {y.type}: its rows make no array\n"
            f"{operand_lines((path,), (y,))}\n"
            "  give as many numbers in each step, with ag.where or ag.pad, or combine them in it"
        )


def _row_inputs(sequences: _Sequences) -> list[Input]:
    """Return variables for a row of each sequence."""
    return [
        new_input("x" + path, TensorType(s.dtype, s.type.shape[1:]))
        for s, path in zip(sequences.arrays, sequences.tree.paths(), strict=True)
    ]


def _condition(ask: Body, carries: int, rows: int) -> Body:
    """Return the condition without the rows among its inputs, which it does not see."""
    first = 1 + carries
    return Body((*ask.inputs[:first], *ask.inputs[first + rows :]), ask.outputs)


def _settled(how: _How, rows: Sequence[Tensor]) -> list[Tensor]:
    """Return what is carried at first; numbers take the dtype that the step makes of them."""
    values = [leaf.value for leaf in how.inits]
    found = [_default(value) for value in values]
    open_ = {k for k, value in enumerate(values) if _stand_in(value) is not None}
    while open_:
        carries: list[Tensor] = []
        for k, leaf in enumerate(how.inits):
            stand = _stand_in(values[k]) if k in open_ else None
            carries.append(new_input(leaf.path, found[k].type) if stand is None else stand)
        news = how.run(carries, list(rows)).news
        settled = {k for k in open_ if _strong(news[k]) is not None}
        for k in settled:
            dtype = _strong(news[k])
            if dtype is not None and _takes(values[k], dtype):
                found[k] = converted(how.inits[k].value, dtype)
        whole = {k for k in open_ if isinstance(carries[k], SizeValue)}
        broken = {k for k in whole if _is_fraction(news[k])}
        for k in broken:
            values[k], found[k] = 0.0, converted(how.inits[k].value, DEFAULT_FLOAT)
        if not settled and not broken:
            # What stays whole is an integer; others may depend on it.
            settled = whole if whole != open_ else set[int]()
            if not settled:
                break
        open_ -= settled
    return found


def _default(value: Tensor | Number) -> Tensor:
    if isinstance(value, Tensor):
        return converted(value, DEFAULT_FLOAT) if is_weak_float(value) else value
    return as_tensor(value)


def _stand_in(value: Tensor | Number) -> Tensor | None:
    """Return a scalar that is as weak as the value; None if it is not weak."""
    if isinstance(value, float) or (isinstance(value, Tensor) and is_weak_float(value)):
        return SizeFloat(fresh_symbol("number"))
    if (is_number(value) and type(value) is int) or isinstance(value, SizeValue):
        return SizeValue(fresh_symbol("number"))
    if is_number(value) and isinstance(value, complex):
        return new_input("number", TensorType(DEFAULT_COMPLEX, ()))
    return None


def _strong(value: Any) -> DType | None:
    """Return the dtype that a step made of something weak; None if it is still weak."""
    if not isinstance(value, Tensor):
        return None if is_number(value) else as_tensor(value).dtype
    return None if isinstance(value, SizeValue) or is_weak_float(value) else value.dtype


def _is_fraction(value: Any) -> bool:
    """Whether a step made something weak that is no integer."""
    return isinstance(value, float) or (isinstance(value, Tensor) and is_weak_float(value))


def _takes(value: Tensor | Number, dtype: DType) -> bool:
    """Whether something weak may have this dtype."""
    if isinstance(value, Tensor):
        value = 0.0 if is_weak_float(value) else 0
    return weak(value, (dtype,)) is dtype


def _fitting(op: str, path: str, init: Tensor, new: Any) -> Tensor:
    """Return what a step carries on, of the type of what it was given.

    Raises:
        GraphTypeError: the type changes.
    """
    path = path.replace("init", "carry")
    given = _lifted(op, path, new)
    if is_number(given) and weak(given, (init.dtype,)) is init.dtype:
        given = converted(given, init.dtype)
    after = as_tensor(given)
    if (isinstance(after, SizeValue) or is_weak_float(after)) and _takes(after, init.dtype):
        after = converted(after, init.dtype)
    old, now = init.type.shape, after.type.shape
    same = after.dtype is init.dtype and len(old) == len(now)
    if same and all(_may_be(a, b) for a, b in zip(old, now, strict=True)):
        return after if old == now else BroadcastTo(after, old)
    hint = f'convert it: x.astype("{init.dtype}"), or begin with ag.asarray(..., "{after.dtype}")'
    if after.dtype is init.dtype:
        hint = "begin with an array of the shape that the step gives, such as ag.zeros(shape)"
    raise GraphTypeError(
        f"{op}: {path} changes its type: {init.type} before a step, {after.type} after it\n"
        f"{operand_lines(('before', 'after'), (init, after))}\n"
        f"  every step has to give what the next one takes; {hint}"
    )


def _may_be(old: Size, new: Size) -> bool:
    """Whether a size may be another; what has size 1 would be repeated, not checked."""
    return unify(old, new) is not None and (new != 1 or old == 1)


# -- loops in several pieces ---------------------------------------------------------------------


def _divided(
    how: _How,
    sequences: _Sequences,
    checkpoint: int | bool | None,
    truncate: int | Tensor | None,
) -> tuple[list[Tensor], _Collected, Size]:
    """Build a loop as one, or in pieces; return the last values, rows, and the number of steps."""
    length = sequences.length
    assert length is not None
    if checkpoint is None and truncate is None:
        last, ys, loop = _looped(how, sequences)
        return last, ys, size_of(loop)
    how = how.beginning(_settled(how, _row_inputs(sequences)))
    if truncate is None:
        return _segmented(how, sequences, _segment(checkpoint, length))
    if how.go:
        raise GraphTypeError(
            "scan: truncate counts steps from the end, which until leaves unknown\n"
            "  leave one of them away; ag.stop_gradient on the carry cuts derivatives in each step"
        )
    cut = as_size(truncate, "scan: truncate")
    if isinstance(cut, int) and cut < 0:
        raise GraphTypeError(
            f"scan: truncate is a number of steps, not {cut}\n"
            "  leave truncate away for the whole gradient; 0 lets none through"
        )
    early = maximum(sub(length, cut), 0)
    first, second = _halves(sequences, early, how.reverse)
    held, ys, _ = _segmented(how, first, _segment(checkpoint, early))
    how = how.beginning([stop_gradient(x) for x in held])
    last, more, _ = _segmented(how, second, _segment(checkpoint, sub(length, early)))
    both = [stop_gradient(y) for y in ys.arrays], more.arrays
    return last, _joined(*both, how.reverse, ys.tree), length


def _halves(sequences: _Sequences, early: Size, reverse: bool) -> tuple[_Sequences, _Sequences]:
    """Return the rows of the first ``early`` steps, and those of the others."""
    assert sequences.length is not None
    late = sub(sequences.length, early)
    if reverse:
        return sequences.part(late, early), sequences.part(0, late)
    return sequences.part(0, early), sequences.part(early, late)


def _joined(first: list[Tensor], second: list[Tensor], reverse: bool, tree: Tree) -> _Collected:
    """Return rows of the earlier and of the later steps, in the order of the sequences."""
    pairs = zip(second, first, strict=True) if reverse else zip(first, second, strict=True)
    return _Collected([concatenate(pair) for pair in pairs], tree)


def _segment(checkpoint: int | bool | None, length: Size) -> Size | None:
    """Return how many steps a segment has; None for a loop that is not divided."""
    if checkpoint is None or checkpoint is False:
        return None
    if checkpoint is not True:
        if not is_integer(checkpoint) or checkpoint < 1:
            raise GraphTypeError(
                f"scan: checkpoint is how many steps lie between two carries that are kept, "
                f"not {checkpoint!r}\n  an integer from 1 on, or True for the square root"
            )
        return int(checkpoint)
    if isinstance(length, int):
        return max(1, math.isqrt(length))
    root = sqrt(maximum_of(SizeValue(length).astype("f64"), 1))
    return size_of(root.astype(I64))


def _segmented(
    how: _How, sequences: _Sequences, segment: Size | None
) -> tuple[list[Tensor], _Collected, Size]:
    """Build a loop over segments, of loops over their steps; what is left over is one more."""
    length = sequences.length
    assert length is not None
    if segment is None or at_least(segment, length):
        last, ys, loop = _looped(how, sequences)
        return last, ys, size_of(loop)
    stops = how.go is True
    if stops:
        how = _counted(how)
    count = floordiv(length, segment)
    whole = mul(count, segment)
    rest = sub(length, whole)

    def run(leaves: list[Tensor], rows: list[Tensor]) -> _Step:
        inner = _Sequences(rows, sequences.tree, segment)
        news, ys, _ = _looped(how.beginning(leaves), inner)
        return _Step(news, list(ys.arrays), ys.tree)

    outer = replace(how, run=run, kind=Segments)
    # Backwards, what is left over comes first.
    main, left = (
        _halves(sequences, rest, True)[::-1] if how.reverse else _halves(sequences, whole, False)
    )
    cut: list[Tensor] = [Reshape(x, (count, segment, *x.type.shape[1:])) for x in main.arrays]
    segments = _Sequences(cut, sequences.tree, count)
    more = _Collected([], sequences.tree)
    if how.reverse and rest != 0:
        last, more, _ = _looped(how, left)
        outer = outer.beginning(last)
    last, ys, _ = _looped(outer, segments)
    rows: list[Tensor] = [Reshape(y, (whole, *y.type.shape[2:])) for y in ys.arrays]
    if not how.reverse and rest != 0:
        last, more, _ = _looped(how.beginning(last), left)
    if rest != 0:
        both = (more.arrays, rows) if how.reverse else (rows, more.arrays)
        rows = _joined(*both, how.reverse, ys.tree).arrays
    done = size_of(last.pop(1)) if stops else length
    return last, _Collected(rows, ys.tree), done


def _counted(how: _How) -> _How:
    """Return a loop that carries the number of steps done, behind whether it is over."""

    def run(leaves: list[Tensor], rows: list[Tensor]) -> _Step:
        stopped, count, *others = leaves
        step = how.run([stopped, *others], rows)
        return _Step([step.news[0], count + 1, *step.news[1:]], step.ys, step.tree)

    stopped, *others = how.inits
    return replace(how, run=run, inits=(stopped, _Leaf("done", converted(0, I64)), *others))
