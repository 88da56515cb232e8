"""How much work a step is: bytes moved and floating-point operations, as formulas of the sizes."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from agnesi.dims.dim import Index, Min, Size, add, mul, product
from agnesi.dims.simplify import maximum, substitute
from agnesi.loops.nodes import Accumulate, Apply, Call, Contract, For, If, Statement, Store
from agnesi.loops.prims import MATH, Prim
from agnesi.loops.traverse import scalars_in, walk_scalars, walk_statements
from agnesi.lower.plan import touched
from agnesi.lower.program import (
    MultiplyMatrices,
    Program,
    RunBranch,
    RunKernel,
    RunLoop,
    Step,
)
from agnesi.ops.linear import MatMul

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.loops.nodes import Buffer

# What an elementary function counts for; a convention, near to what its polynomial takes.
FUNCTION_FLOPS = 10
# How many a special function takes depends on its argument; this is near to the least.
PROCEDURE_FLOPS = 50
_FREE = frozenset({Prim.SELECT, Prim.CAST, Prim.BITCAST, Prim.AND, Prim.OR, Prim.XOR, Prim.NOT})


def flops(step: Step) -> Size:
    """Return the floating-point operations of a step.

    An elementary function counts as ``FUNCTION_FLOPS``, a procedure as ``PROCEDURE_FLOPS``, a
    fused multiply-add as two.  A loop that ends when something holds counts as one turn.
    """
    match step:
        case MultiplyMatrices(batch=batch, m=m, n=n, k=k):
            # A product of complex numbers is four products and two sums, and is added by two.
            return mul(8 if step.node.dtype.is_complex else 2, product((batch, m, n, k)))
        case RunKernel(kernel, (MatMul() as node, *_)):
            # Blocks at the edges are smaller; together they are the product and its elements.
            packed = {b for b, _ in kernel.private}
            each = [s for s in walk_statements(kernel.body) if not isinstance(s, For | Contract)]
            each = [s for s in each if not (isinstance(s, Store) and s.buffer in packed)]
            own = add(mul(2, node.x.type.shape[-1]), *(_statement_flops(s) for s in each))
            return add(mul(product(node.type.shape), own), _packing_flops(kernel.body, packed))
        case RunKernel(kernel=kernel):
            return add(*(_statement_flops(s) for s in kernel.body)) if kernel.body else 0
        case RunLoop(_, length):
            once = add(0, *(flops(s) for s in (*step.condition, *step.steps)))
            return once if length is None else mul(length, once)
        case RunBranch(_, _, _, parts):
            # As those of the dearest, if that is seen.
            return reduce(maximum, (add(0, *map(flops, part)) for part in parts))
        case _:
            return 0


def _statement_flops(statement: Statement) -> Size:
    match statement:
        case For(index, body):
            inner = [s for s in body if not _is_block(s, index)]
            whole = add(0, *(_block_flops(s, index) for s in body if _is_block(s, index)))
            once = add(0, *(_statement_flops(s) for s in inner))
            # Where turns differ they are taken to be like the first.
            once = substitute(once, lambda part: 0 if part is index else None)
            return add(whole, mul(index.extent, once))
        case If(_, body):
            return add(0, *(_statement_flops(s) for s in body))
        case Contract(_, _, _, rows, columns, depth, _, around):
            return mul(2, product((rows, columns, depth, *(loop.extent for loop in around))))
        case _:
            own = 1 if isinstance(statement, Accumulate) else 0
            return own + sum(_weight(s) for s in walk_scalars(scalars_in(statement)))


def _packing_flops(body: Iterable[Statement], packed: set[Buffer]) -> Size:
    """Return the work of computing factors; what is at the edges is taken to be like the rest."""
    total: Size = 0
    for statement in body:
        if isinstance(statement, For):
            index = statement.index
            inner = mul(index.extent, _packing_flops(statement.body, packed))
            total = add(total, substitute(inner, lambda part, i=index: 0 if part is i else None))
        elif isinstance(statement, Store) and statement.buffer in packed:
            total = add(total, _statement_flops(statement))
    return total


def _is_block(statement: Statement, outer: Index) -> bool:
    """Whether this loop goes over one block of what ``outer`` counts the blocks of."""
    return (
        isinstance(statement, For)
        and isinstance(statement.index.extent, Min)
        and outer in statement.index.extent.atoms
    )


def _block_flops(statement: Statement, outer: Index) -> Size:
    """Return the work of all blocks together: ``min(block, n - block*outer)`` adds up to ``n``."""
    if not isinstance(statement, For) or not isinstance(statement.index.extent, Min):
        return 0
    block, left = statement.index.extent.a, statement.index.extent.b
    if not isinstance(block, int):
        block, left = left, block
    body = add(0, *(_statement_flops(s) for s in statement.body))
    return mul(add(left, mul(block, outer)), body)


def _weight(scalar: object) -> int:
    if isinstance(scalar, Call):
        return PROCEDURE_FLOPS
    if not isinstance(scalar, Apply) or not scalar.operands[-1].dtype.is_float:
        return 0
    if scalar.prim in MATH:
        return FUNCTION_FLOPS
    return 2 if scalar.prim is Prim.FMA else int(scalar.prim not in _FREE)


def bytes_moved(step: Step, program: Program) -> Size:
    """Return the bytes of all buffers that a step touches, each counted once."""
    total: Size = 0
    for buffer in dict.fromkeys(touched(step)):
        storage = program.storage[buffer]
        total = add(total, mul(product(storage.shape), storage.dtype.bytes))
    return total
