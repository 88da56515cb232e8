"""Find loops whose iterations are independent.

before: for i < n: for j < m: out[i*m + j] = x[i*m + j] + y[j]
after:  parallel for i < n: for j < m: out[i*m + j] = x[i*m + j] + y[j]

It is proved, not guessed: whatever a loop writes it touches only at ``stride*i + rest``, with
``rest`` from 0 up to but without ``stride``, so that no two iterations meet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agnesi.dims.dim import add
from agnesi.dims.simplify import at_least, is_nonnegative, linear_in
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    For,
    If,
    Kernel,
    Load,
    ParallelFor,
    Read,
    Store,
    While,
    dynamic_scalars,
)
from agnesi.loops.traverse import (
    assigned_in,
    scalars_in,
    walk_fresh,
    walk_scalars,
    walk_statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.dims.dim import Index, Size
    from agnesi.loops.nodes import Buffer, Local, Scalar, Statement


# Statements that access single elements.  C functions may use threads, and wait for them.
_SIMPLE = (Store, Assign, Accumulate, For, If, While)


def parallelise(kernel: Kernel) -> Kernel:
    """Mark the outermost loops whose iterations are independent."""
    private = {b for b, _ in kernel.private}
    body: list[Statement] = []
    for k, statement in enumerate(kernel.body):
        around = (*kernel.body[:k], *kernel.body[k + 1 :])
        if (
            type(statement) is For
            and _is_independent(statement, private)
            and not _shares(statement, around)
        ):
            body.append(ParallelFor(statement.index, statement.body))
        else:
            body.append(statement)
    return kernel if tuple(body) == kernel.body else replace(kernel, body=tuple(body))


def _is_independent(loop: For, private: set[Buffer]) -> bool:
    if loop.index.extent == 1 or dynamic_scalars(loop.index.extent):
        return False
    accesses = _accesses(loop.body)
    if accesses is None:
        return False
    written, offsets = accesses
    # Memory of the kernel would become memory of an iteration, which no one reckons with.
    if private & offsets.keys():
        return False
    return all(_apart(offsets[b], loop.index) for b in written) and _assigns_first(loop.body, set())


def _shares(loop: For, around: Iterable[Statement]) -> bool:
    """Whether a variable of the loop is one of the statements around it, too."""
    own = assigned_in(loop.body)
    return bool(own) and bool(own & (assigned_in(around) | _read_in(around)))


def _read_in(body: Iterable[Statement]) -> set[Local]:
    scalars = (s for statement in walk_statements(body) for s in scalars_in(statement))
    return {s.local for s in walk_scalars(scalars) if isinstance(s, Read)}


def _accesses(body: Iterable[Statement]) -> tuple[set[Buffer], dict[Buffer, set[Size]]] | None:
    """Return the buffers that are written, and where each is accessed; None if it is not seen."""
    written: set[Buffer] = set()
    offsets: dict[Buffer, set[Size]] = {}
    seen: set[Scalar] = set()
    for statement in walk_statements(body):
        if not isinstance(statement, _SIMPLE):
            return None
        if isinstance(statement, Store):
            written.add(statement.buffer)
            offsets.setdefault(statement.buffer, set()).add(statement.offset)
        for scalar in walk_fresh(statement, seen):
            if isinstance(scalar, Load):
                offsets.setdefault(scalar.buffer, set()).add(scalar.offset)
    return written, offsets


def _apart(offsets: Iterable[Size], index: Index) -> bool:
    """Whether iterations cannot meet: each keeps to a stretch of its own, as long as the stride."""
    strides: set[Size] = set()
    for offset in offsets:
        parts = linear_in(offset, index)
        if parts is None or parts[0] == 0:
            return False
        stride, rest = parts
        strides.add(stride)
        if len(strides) > 1 or not is_nonnegative(rest) or not at_least(stride, add(rest, 1)):
            return False
    return True


def _assigns_first(body: Iterable[Statement], assigned: set[Local]) -> bool:
    """Whether every variable is assigned before it is read, whichever way the body takes."""
    for statement in body:
        scalars = walk_scalars(scalars_in(statement))
        if any(isinstance(s, Read) and s.local not in assigned for s in scalars):
            return False
        match statement:
            case Accumulate(local, _, _) if local not in assigned:
                return False
            case Assign(local, _):
                assigned.add(local)
            case For(_, inner) | If(_, inner) | While(_, inner):
                if not _assigns_first(inner, set(assigned)):
                    return False
            case _:
                pass
    return True
