"""Branches as a user writes them: of several functions one is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.dtypes import BOOL, I64, DType, weak
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Dim
from agnesi.graph.body import close
from agnesi.graph.tensor import SizeValue, Tensor, now
from agnesi.ops.branch import Branch
from agnesi.ops.choice import astype
from agnesi.ops.lift import (
    Number,
    as_tensor,
    common_dtype,
    is_number,
    is_weak_float,
    lift,
    operand_lines,
    unify,
)
from agnesi.ops.lift import cast as converted
from agnesi.ops.movement import BroadcastTo
from agnesi.ops.trees import flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Shape

__all__ = ["cond", "switch_case"]


def cond(
    predicate: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], /, *args: Any
) -> Any:
    """Compute one of two functions; the other is not computed.

    :func:`agnesi.where` chooses element by element, of two arrays that are both computed.

    Args:
        predicate: bool scalar.
        on_true: is called with ``args`` where it holds.
        on_false: is called with ``args`` where it does not.  What either function builds while it
            is called is computed only if it is taken; what was built before, always.
        *args: whatever the functions take.

    Returns:
        What the function returns: an array, or nested tuples, lists and dictionaries of arrays.

    Raises:
        GraphTypeError: the functions return something of different types, or the predicate is no
            bool scalar.

    >>> x = ag.scalar("x")
    >>> y = ag.cond(x > 0, lambda v: ag.sqrt(v), lambda v: v * 0, x)
    >>> y.eval({x: -4.0}), y.eval({x: 4.0})
    (array(-0., dtype=float32), array(2., dtype=float32))
    """
    given = _scalar("cond", "the predicate", predicate)
    if given.dtype is not BOOL:
        raise GraphTypeError(
            f"cond: the predicate is one bool, but this is {given.type}\n"
            f"{operand_lines(('predicate',), (given,))}\n  compare, x > 0"
        )
    return _branched("cond", astype(given, I64), (on_false, on_true), args)


def switch_case(index: Any, branches: Sequence[Callable[..., Any]], /, *args: Any) -> Any:
    """Compute one of several functions, by number; the others are not computed.

    Args:
        index: integer scalar; what is below 0 counts as 0, what is beyond the last as the last.
        branches: functions of ``args``.
        *args: whatever the functions take.

    Returns:
        What the function returns: an array, or nested tuples, lists and dictionaries of arrays.

    Raises:
        GraphTypeError: the functions return something of different types, there is none, or the
            index is no integer scalar.

    >>> k, x = ag.input("k", "i64[]"), ag.scalar("x")
    >>> y = ag.switch_case(k, [ag.sin, ag.cos, ag.exp], x)
    >>> y.eval({k: 2, x: 0.0})
    array(1., dtype=float32)
    """
    given = _scalar("switch_case", "the index", index)
    if not given.dtype.is_integer:
        raise GraphTypeError(
            f"switch_case: the index is an integer, but this is {given.type}\n"
            f"{operand_lines(('index',), (given,))}\n  ag.cond takes a bool"
        )
    if not branches:
        raise GraphTypeError("switch_case: there are no branches\n  give at least one function")
    return _branched("switch_case", astype(given, I64), tuple(branches), args)


def _scalar(op: str, role: str, value: Any) -> Tensor:
    given = as_tensor(value)
    if given.ndim:
        raise GraphTypeError(
            f"{op}: {role} is a scalar, but this is {given.type}\n"
            f"{operand_lines((role.removeprefix('the '),), (given,))}\n"
            "  to choose element by element there is ag.where"
        )
    return given


def _branched(
    op: str, index: Tensor, functions: tuple[Callable[..., Any], ...], args: tuple[Any, ...]
) -> Any:
    """Build the node; return its results, nested as the functions return them."""
    for k, function in enumerate(functions):
        if not callable(function):
            role = ("on_false", "on_true")[k] if op == "cond" else f"branches[{k}]"
            raise GraphTypeError(
                f"{op}: {role} is a function, to be called if it is taken, not {function!r}\n"
                "  write lambda: x; of arrays that are both computed, ag.where chooses"
            )
    since = now()
    leaves, tree = flatten(functions[0](*args))
    columns = [leaves]
    for function in functions[1:]:
        columns.append(tree.leaves(op, "what a branch returns", function(*args)))
    rows = list(zip(*columns, strict=True))
    alike = [_alike(op, path, row) for path, row in zip(tree.paths(), rows, strict=True)]
    outputs = [row[k] for k in range(len(functions)) for row in alike]
    # A size of a result is needed whichever branch is taken: it is computed before.
    sizes = [size for output in outputs for size in output.type.shape if isinstance(size, Dim)]
    told = [v for size in sizes for v in size.values if isinstance(v, Tensor)]
    closed = close([], outputs, since, told)
    bodies = closed.parts(*[len(alike)] * len(functions))
    return tree.build(Branch(index, bodies, closed.captured).parts())


def _alike(op: str, path: str, row: Sequence[Any]) -> list[Tensor]:
    """Return one result of each branch, all of one type.

    Raises:
        GraphTypeError: they have different types.
    """
    given = [_lifted(op, path, value) for value in row]
    strong = {v.dtype for v in given if isinstance(v, Tensor) and not _is_weak(v)}
    if not strong:
        strong = {common_dtype(given)}
    found = [_in_dtype(v, strong) for v in given]
    shape: Shape | None = found[0].type.shape
    for tensor in found[1:]:
        shape = None if shape is None else _common(shape, tensor.type.shape)
    if len({t.dtype for t in found}) > 1 or shape is None:
        names = (
            ["on_false", "on_true"]
            if op == "cond"
            else [f"branches[{k}]" for k in range(len(found))]
        )
        raise GraphTypeError(
            f"{op}: the branches return different types{f' for {path}' if path else ''}\n"
            f"{operand_lines(names, found)}\n"
            "  one of them is taken, so that what they return has to have one dtype and one shape; "
            "convert with x.astype(...), or repeat with ag.broadcast_to"
        )
    return [t if t.type.shape == shape else BroadcastTo(t, shape) for t in found]


def _lifted(op: str, path: str, value: Any) -> Tensor | Number:
    try:
        return lift(value)
    except GraphTypeError as error:
        words = str(error).removeprefix("constant: ")
        raise GraphTypeError(f"{op}: what a branch returns{path}: {words}") from None


def _is_weak(value: Tensor) -> bool:
    return isinstance(value, SizeValue) or is_weak_float(value)


def _in_dtype(value: Tensor | Number, strong: set[DType]) -> Tensor:
    """Return a value as a tensor; a number takes the dtype of the other branches."""
    if isinstance(value, Tensor) and not _is_weak(value):
        return value
    number: Number = value if is_number(value) else 0.0
    if isinstance(value, SizeValue):
        number = 0
    if len(strong) == 1:
        (dtype,) = strong
        if weak(number, (dtype,)) is dtype:
            return converted(value, dtype)
    return as_tensor(value)


def _common(a: Shape, b: Shape) -> Shape | None:
    """Return the better known of two shapes that may be equal; None where they cannot be."""
    if len(a) != len(b):
        return None
    sizes = [unify(x, y) for x, y in zip(a, b, strict=True)]
    if any(1 in (x, y) and x != y for x, y in zip(a, b, strict=True)):
        return None
    found = tuple(size for size in sizes if size is not None)
    return found if len(found) == len(sizes) else None
