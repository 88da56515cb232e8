"""Walking and rebuilding statements and scalars, without recursion in expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Value
from agnesi.dims.simplify import substitute
from agnesi.loops.nodes import (
    Accumulate,
    Address,
    Apply,
    Argument,
    Around,
    Assign,
    Buffer,
    Call,
    Complex,
    Contract,
    For,
    Foreign,
    FromIndex,
    Guard,
    If,
    Load,
    Matrix,
    Pass,
    Procedure,
    Refer,
    Scalar,
    Statement,
    Store,
    While,
    dynamic_scalars,
    index_of,
    index_scalar,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Dim, Size
    from agnesi.loops.nodes import Local
    from agnesi.loops.prims import Prim


def children_of(scalar: Scalar) -> tuple[Scalar, ...]:
    """Return the scalars a scalar is made of."""
    # Most are of these two kinds.
    if isinstance(scalar, Apply):
        return scalar.operands
    if isinstance(scalar, Load):
        return dynamic_scalars(scalar.offset)
    match scalar:
        case Call(operands=operands):
            return operands
        case Guard(condition, value, otherwise):
            return condition, value, otherwise
        case Complex(re, im, _):
            return re, im
        case FromIndex(size):
            return dynamic_scalars(size)
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


def walk_fresh(statement: Statement, seen: set[Scalar]) -> list[Scalar]:
    """Return the scalars at and below those of a statement that were not seen; notes them."""
    found: list[Scalar] = []
    stack = list(scalars_in(statement))
    while stack:
        scalar = stack.pop()
        if scalar not in seen:
            seen.add(scalar)
            found.append(scalar)
            stack.extend(children_of(scalar))
    return found


def walk_statements(body: Iterable[Statement]) -> Iterator[Statement]:
    """Yield every statement, outer before inner, in program order."""
    stack = list(body)[::-1]
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, For | If | While):
            stack.extend(statement.body[::-1])


def scalars_in(statement: Statement) -> tuple[Scalar, ...]:
    """Return the scalars that a statement itself evaluates."""
    match statement:
        case Store(_, offset, value):
            return value, *dynamic_scalars(offset)
        case Assign(_, value) | Accumulate(_, _, value):
            return (value,)
        case If(condition, _) | While(condition, _):
            return (condition,)
        case For(index, _):
            return dynamic_scalars(index.extent)
        case Foreign(_, arguments, _):
            return tuple(s for a in arguments for s in _scalars_of(a))
        case Contract():
            return tuple(s for size in statement.sizes for s in dynamic_scalars(size))
        case _:
            return ()


def _scalars_of(argument: Argument) -> tuple[Scalar, ...]:
    match argument:
        case Pass(value):
            return (value,)
        case Address(_, offset, _):
            return dynamic_scalars(offset)
        case _:
            return ()


def assigned_in(body: Iterable[Statement]) -> set[Local]:
    """Return the variables that statements assign or change."""
    found: set[Local] = set()
    for statement in walk_statements(body):
        match statement:
            case Assign(local, _) | Accumulate(local, _, _):
                found.add(local)
            case Foreign(_, arguments, result):
                found.update(a.local for a in arguments if isinstance(a, Refer))
                found.update(() if result is None else (result,))
            case _:
                pass
    return found


def accessed_buffers(body: Iterable[Statement]) -> tuple[dict[Buffer, None], dict[Buffer, None]]:
    """Return all buffers that statements mention, and those they write."""
    buffers: dict[Buffer, None] = {}
    written: dict[Buffer, None] = {}
    seen: set[Scalar] = set()
    for statement in walk_statements(body):
        if isinstance(statement, Store):
            buffers.setdefault(statement.buffer)
            written.setdefault(statement.buffer)
        if isinstance(statement, Foreign):
            for argument in statement.arguments:
                if isinstance(argument, Address):
                    buffers.setdefault(argument.buffer)
                    if argument.written:
                        written.setdefault(argument.buffer)
        if isinstance(statement, Contract):
            for matrix in statement.matrices:
                buffers.setdefault(matrix.buffer)
            written.setdefault(statement.target.buffer)
        for scalar in walk_fresh(statement, seen):
            if isinstance(scalar, Load):
                buffers.setdefault(scalar.buffer)
    return buffers, written


def sizes_in(body: Iterable[Statement]) -> Iterator[Size]:
    """Yield every offset, extent and index value in statements."""
    seen: set[Scalar] = set()
    for statement in walk_statements(body):
        if isinstance(statement, For):
            yield statement.index.extent
        elif isinstance(statement, Store):
            yield statement.offset
        elif isinstance(statement, Foreign):
            yield from (a.offset for a in statement.arguments if isinstance(a, Address))
        elif isinstance(statement, Contract):
            yield from statement.sizes
        for scalar in walk_fresh(statement, seen):
            if isinstance(scalar, Load):
                yield scalar.offset
            elif isinstance(scalar, FromIndex):
                yield scalar.size


def rebuild_scalar(
    root: Scalar,
    leaf: Callable[[Scalar], Scalar] = lambda scalar: scalar,
    apply: Callable[[Prim, tuple[Scalar, ...], DType], Scalar] = Apply,
    procedure: Callable[[Procedure], Procedure] = lambda procedure: procedure,
    *,
    guard: Callable[[Scalar, Scalar, Scalar], Scalar] = Guard,
    known: Mapping[Scalar, Scalar] | None = None,
) -> Scalar:
    """Return the expression with loads, index values and other leaves replaced.

    Args:
        root: the expression.
        leaf: is given each leaf.
        apply: is given each primitive with its new operands.
        procedure: is given each procedure that is called.
        guard: is given the new parts of each guard.
        known: expressions with what takes their place.
    """
    new: dict[Scalar, Scalar] = dict(known or {})
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
                new[scalar] = apply(prim, tuple(new[o] for o in operands), to)
            case Call(called, operands):
                new[scalar] = Call(procedure(called), tuple(new[o] for o in operands))
            case Guard(condition, value, otherwise):
                new[scalar] = guard(new[condition], new[value], new[otherwise])
            case Complex(re, im, to):
                new[scalar] = Complex(new[re], new[im], to)
            case _:
                new[scalar] = _with_values(leaf(scalar), new)
        stack.pop()
    return new[root]


def _with_values(scalar: Scalar, new: Mapping[Scalar, Scalar]) -> Scalar:
    """Return a load or index value with the scalars in its offset replaced."""
    match scalar:
        case Load(buffer, offset) if dynamic_scalars(offset):
            return Load(buffer, map_values(offset, lambda s: new.get(s, s)))
        case FromIndex(size) if dynamic_scalars(size):
            return index_scalar(map_values(size, lambda s: new.get(s, s)))
        case _:
            return scalar


def map_values(size: Size, scalar: Callable[[Scalar], Scalar]) -> Size:
    """Return a size with the scalars whose values it mentions mapped."""
    if not dynamic_scalars(size):
        return size

    def replace(part: Size) -> Size | None:
        if isinstance(part, Value) and isinstance(part.term, Scalar):
            return index_of(scalar(part.term))
        return None

    return substitute(size, replace)


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
            extent = map_values(size(index.extent), scalar)
            fresh = index if extent == index.extent else index.replace(extent=extent)
            if fresh is not index:
                raise CompilerBug("an extent cannot be mapped: the index would be another one")
            inner = tuple(map_statement(s, scalar, size) for s in body)
            return type(statement)(index, inner)
        case If(condition, body) | While(condition, body):
            inner = tuple(map_statement(s, scalar, size) for s in body)
            return type(statement)(scalar(condition), inner)
        case Store(buffer, offset, value):
            return Store(buffer, map_values(size(offset), scalar), scalar(value))
        case Foreign(symbol, arguments, result):
            return Foreign(symbol, tuple(_map_argument(a, scalar, size) for a in arguments), result)
        case Contract(_, _, _, rows, columns, depth, adds, around):
            target, a, b = (_map_matrix(m, scalar, size) for m in statement.matrices)
            rows, columns, depth = (map_values(size(s), scalar) for s in (rows, columns, depth))
            turns = tuple(
                Around(*(map_values(size(s), scalar) for s in loop.args)) for loop in around
            )
            return Contract(target, a, b, rows, columns, depth, adds, turns)
        case Assign(local, value):
            return Assign(local, scalar(value))
        case Accumulate(local, prim, value):
            return Accumulate(local, prim, scalar(value))
        case _:
            raise CompilerBug(f"unknown statement {statement!r}")


def _map_matrix(
    matrix: Matrix, scalar: Callable[[Scalar], Scalar], size: Callable[[Size], Size]
) -> Matrix:
    buffer, *places = matrix.args
    offset, row, column = (map_values(size(s), scalar) for s in places)
    return Matrix(buffer, offset, row, column)


def map_procedure(procedure: Procedure, scalar: Callable[[Scalar], Scalar]) -> Procedure:
    """Return the procedure with its expressions mapped."""
    body = tuple(map_statement(s, scalar) for s in procedure.body)
    return Procedure(procedure.name, procedure.parameters, body, scalar(procedure.result))


def _map_argument(
    argument: Argument, scalar: Callable[[Scalar], Scalar], size: Callable[[Size], Size]
) -> Argument:
    match argument:
        case Pass(value):
            return Pass(scalar(value))
        case Address(buffer, offset, written):
            return Address(buffer, map_values(size(offset), scalar), written)
        case _:
            return argument
