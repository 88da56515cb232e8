"""Walking and rebuilding statements and scalars, without recursion in expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.dims.simplify import substitute
from agnesi.loops.nodes import (
    Accumulate,
    Apply,
    Assign,
    For,
    FromIndex,
    Guard,
    If,
    Load,
    Scalar,
    Statement,
    Store,
    index_scalar,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agnesi.dims.dim import Dim, Size


def children_of(scalar: Scalar) -> tuple[Scalar, ...]:
    """Return the scalars a scalar is made of."""
    match scalar:
        case Apply(operands=operands):
            return operands
        case Guard(condition, value, otherwise):
            return condition, value, otherwise
        case _:
            return ()


def walk_scalars(roots: Iterable[Scalar]) -> list[Scalar]:
    """Return every scalar at and below the roots, each once."""
    seen: dict[Scalar, None] = {}
    stack = list(roots)
    while stack:
        scalar = stack.pop()
        if scalar not in seen:
            seen[scalar] = None
            stack.extend(children_of(scalar))
    return list(seen)


def walk_statements(body: Iterable[Statement]) -> Iterator[Statement]:
    """Yield every statement, outer before inner, in program order."""
    stack = list(body)[::-1]
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, For | If):
            stack.extend(statement.body[::-1])


def scalars_in(statement: Statement) -> tuple[Scalar, ...]:
    """Return the scalars that a statement itself evaluates."""
    match statement:
        case Store(_, _, value) | Assign(_, value) | Accumulate(_, _, value):
            return (value,)
        case If(condition, _):
            return (condition,)
        case _:
            return ()


def sizes_in(body: Iterable[Statement]) -> Iterator[Size]:
    """Yield every offset, extent and index value in statements."""
    for statement in walk_statements(body):
        if isinstance(statement, For):
            yield statement.index.extent
        elif isinstance(statement, Store):
            yield statement.offset
        for scalar in walk_scalars(scalars_in(statement)):
            if isinstance(scalar, Load):
                yield scalar.offset
            elif isinstance(scalar, FromIndex):
                yield scalar.size


def rebuild_scalar(
    root: Scalar,
    leaf: Callable[[Scalar], Scalar],
    known: dict[Scalar, Scalar] | None = None,
) -> Scalar:
    """Return the expression with loads, index values and other leaves replaced."""
    new: dict[Scalar, Scalar] = {} if known is None else known
    stack = [root]
    while stack:
        scalar = stack[-1]
        if scalar in new:
            stack.pop()
            continue
        waiting = [c for c in children_of(scalar) if c not in new]
        if waiting:
            stack.extend(waiting)
            continue
        match scalar:
            case Apply(prim, operands, to):
                new[scalar] = Apply(prim, tuple(new[o] for o in operands), to)
            case Guard(condition, value, otherwise):
                new[scalar] = Guard(new[condition], new[value], new[otherwise])
            case _:
                new[scalar] = leaf(scalar)
        stack.pop()
    return new[root]


def substitute_sizes(root: Scalar, replace: Mapping[Dim, Size]) -> Scalar:
    """Return the expression with sizes (loop indices, mostly) replaced in offsets and values."""

    def leaf(scalar: Scalar) -> Scalar:
        match scalar:
            case Load(buffer, offset):
                return Load(buffer, substitute(offset, replace.get))
            case FromIndex(size):
                return index_scalar(substitute(size, replace.get))
            case _:
                return scalar

    return rebuild_scalar(root, leaf)


def map_statement(
    statement: Statement,
    scalar: Callable[[Scalar], Scalar],
    size: Callable[[Size], Size] = lambda s: s,
) -> Statement:
    """Return the statement with its expressions and offsets mapped, also inside its body."""
    match statement:
        case For(index, body):
            extent = size(index.extent)
            fresh = index if extent == index.extent else index.replace(extent=extent)
            if fresh is not index:
                raise CompilerBug("an extent cannot be mapped: the index would be another one")
            return For(index, tuple(map_statement(s, scalar, size) for s in body))
        case If(condition, body):
            return If(scalar(condition), tuple(map_statement(s, scalar, size) for s in body))
        case Store(buffer, offset, value):
            return Store(buffer, size(offset), scalar(value))
        case Assign(local, value):
            return Assign(local, scalar(value))
        case Accumulate(local, prim, value):
            return Accumulate(local, prim, scalar(value))
        case _:
            raise CompilerBug(f"unknown statement {statement!r}")
