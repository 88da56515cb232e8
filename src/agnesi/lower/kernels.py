"""Write the loop nest of a group of stored nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, F32, F64, I64
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import (
    Atom,
    Dim,
    FloorDiv,
    Index,
    Mod,
    Shape,
    Symbol,
    Value,
    add,
    fresh_index,
    mul,
    product,
)
from agnesi.dims.simplify import ceildiv, minimum
from agnesi.graph.text import op_name
from agnesi.loops.nodes import (
    Accumulate,
    Address,
    Assign,
    Buffer,
    Complex,
    For,
    Kernel,
    Load,
    Read,
    Scalar,
    Statement,
    Store,
    apply,
    fresh_buffer,
    fresh_local,
    index_scalar,
    literal,
    parts_of,
    select,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import (
    accessed_buffers,
    sizes_in,
    substitute_sizes,
    walk_scalars,
)
from agnesi.lower.fuse import Group, is_inlinable, same_memory
from agnesi.ops.families import Reduction
from agnesi.ops.movement import ravel, unravel
from agnesi.ops.reductions import ArgExtreme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.families import LoopOp

# Partial sums of this many elements are added up in a wider (or at least another) variable, so
# that a long float sum is about as accurate as pairwise summation.
SUM_BLOCK = 128
# As many rows of float32 are added up in float32; more of them, in memory of float64.
ROW_BLOCK = 16
_NAMES = "ijklmnpqrstuvw"


@dataclass
class Writer:
    """Elements of nodes as scalars, given which nodes have buffers.

    Attributes:
        buffers: memory of stored nodes and leaves.
        inside: stored nodes that this kernel itself computes, and so inlines.
    """

    buffers: Mapping[Tensor, Buffer]
    inside: frozenset[Tensor] = frozenset()
    known: dict[tuple[Tensor, Shape], Scalar] = field(
        default_factory=dict["tuple[Tensor, Shape]", Scalar]
    )

    def element(self, node: Tensor, index: Shape) -> Scalar:
        """Return the element of a node at an index; no recursion, chains may be long."""
        todo: list[tuple[Tensor, Shape]] = [(node, index)]
        while todo:
            here = todo[-1]
            if here in self.known:
                todo.pop()
                continue
            at, where = here
            if at in self.buffers and at not in self.inside:
                self.known[here] = load(self.buffers[at], ravel(where, at.type.shape), at.dtype)
                todo.pop()
                continue
            missing: list[tuple[Tensor, Shape]] = []
            value = at.element(where, _Reader(self, at, missing))
            if missing:
                todo.extend(missing[::-1])
            else:
                self.known[here] = value
                todo.pop()
        return self.known[node, index]


class _Reader:
    """Reads operands; notes those that are not known yet, with a stand-in of the right dtype."""

    def __init__(self, writer: Writer, node: Tensor, missing: list[tuple[Tensor, Shape]]) -> None:
        self.writer, self.node, self.missing = writer, node, missing

    def __call__(self, operand: int, index: Shape) -> Scalar:
        key = (self.node.operands[operand], index)
        value = self.writer.known.get(key)
        if value is None:
            self.missing.append(key)
            return literal(0, key[0].dtype)
        return value


def write_kernel(
    name: str,
    group: Group,
    buffers: Mapping[Tensor, Buffer],
    targets: Mapping[Tensor, Sequence[Buffer]],
    scratch: dict[Buffer, Size] | None = None,
) -> Kernel:
    """Return the kernel that computes a group.

    Args:
        name: of the kernel.
        group: stored nodes.
        buffers: memory of every stored node and leaf.
        targets: buffers that each node of the group is written to.
        scratch: takes the memory that the kernel wants besides, with the number of its elements.
    """
    node = group.nodes[0]
    if isinstance(node, Reduction):
        body = _reduction(node, Writer(buffers), targets[node], {} if scratch is None else scratch)
    elif isinstance(node, ArgExtreme):
        body = _arg_extreme(node, Writer(buffers), targets[node])
    elif is_inlinable(node):
        body = _elementwise(group, Writer(buffers, frozenset(group.nodes)), targets)
    else:
        raise CompilerBug(f"{node!r} has no loops")
    return close_kernel(f"{name}_{'_'.join(op_name(n) for n in group.nodes[:3])}", body)


class _Memory:
    """The memory that an op's own loops work on."""

    def __init__(
        self, node: LoopOp, buffers: Mapping[Tensor, Buffer], target: Buffer, begun: bool
    ) -> None:
        self.node, self.buffers, self.target, self.begun = node, buffers, target, begun
        self.writer = Writer(buffers)
        self.made: dict[Buffer, Size] = {}

    def read(self, operand: int, index: Shape) -> Scalar:
        return self.writer.element(self.node.operands[operand], index)

    def load(self, index: Shape) -> Scalar:
        return load(self.target, ravel(index, self.node.type.shape), self.node.dtype)

    def store(self, index: Shape, value: Scalar) -> tuple[Statement, ...]:
        offset = ravel(index, self.node.type.shape)
        return tuple(hold(store(self.target, offset, value)))

    def operand(self, operand: int, index: Shape) -> Address:
        tensor = self.node.operands[operand]
        place = mul(ravel(index, tensor.type.shape), _numbers(tensor.dtype))
        return Address(self.buffers[same_memory(tensor)], place, written=False)

    def result(self, index: Shape) -> Address:
        place = mul(ravel(index, self.node.type.shape), _numbers(self.node.dtype))
        return Address(self.target, place, written=True)

    def begin(self) -> tuple[Statement, ...]:
        operand = self.node.begins_with
        if operand is None:
            raise CompilerBug(f"{self.node!r} does not say what its result begins with")
        begun = self.node.operands[operand]
        if self.begun or self.buffers.get(same_memory(begun)) is self.target:
            return ()
        indices = tuple(_loops(begun.type.shape))
        return _nest(indices, self.store(indices, self.read(operand, indices)))

    def scratch(self, name: str, dtype: DType, size: Size) -> Buffer:
        buffer = fresh_buffer(name, dtype.real)
        self.made[buffer] = mul(size, _numbers(dtype))
        return buffer


def _numbers(dtype: DType) -> int:
    """Return how many numbers of a buffer are one element."""
    return 2 if dtype.is_complex else 1


def write_loops(
    name: str,
    node: LoopOp,
    buffers: Mapping[Tensor, Buffer],
    target: Buffer,
    *,
    begun: bool = False,
) -> tuple[Kernel, dict[Buffer, Size]]:
    """Return the kernel of an op that writes its own loops, and the scratch memory it wants.

    Args:
        name: of the kernel.
        node: the op.
        buffers: memory of every stored node and leaf.
        target: where the result goes.
        begun: whether the operand that the result begins with is there already.
    """
    memory = _Memory(node, buffers, target, begun)
    kernel = close_kernel(f"{name}_{op_name(node)}", tuple(node.loops(memory)))
    return kernel, {b: size for b, size in memory.made.items() if b in kernel.buffers}


def _loops(shape: Shape) -> list[Index]:
    return [fresh_index(_NAMES[k] if k < len(_NAMES) else f"i{k}", s) for k, s in enumerate(shape)]


def _nest(indices: Sequence[Index], body: Sequence[Statement]) -> tuple[Statement, ...]:
    result = tuple(body)
    for index in reversed(indices):
        result = (For(index, result),)
    return result


def _elementwise(
    group: Group, writer: Writer, targets: Mapping[Tensor, Sequence[Buffer]]
) -> tuple[Statement, ...]:
    indices = _loops(group.shape)
    # All loads come before all stores, so that a kernel may write over what it reads.
    values = [(n, writer.element(n, tuple(indices))) for n in group.nodes]
    stores: list[Statement] = []
    for node, value in values:
        offset = ravel(tuple(indices), node.type.shape)
        stores += [s for buffer in targets[node] for s in store(buffer, offset, value)]
    return _nest(indices, hold(stores))


def load(buffer: Buffer, offset: Size, dtype: DType) -> Scalar:
    """Return an element of a tensor of this dtype, which lies at this place of its elements."""
    if not dtype.is_complex:
        return Load(buffer, offset)
    first = mul(offset, 2)
    return Complex(Load(buffer, first), Load(buffer, add(first, 1)), dtype)


def store(buffer: Buffer, offset: Size, value: Scalar) -> list[Statement]:
    """Return the statements that store an element of a tensor."""
    parts = parts_of(value)
    if len(parts) == 1:
        return [Store(buffer, offset, value)]
    first = mul(offset, 2)
    return [Store(buffer, add(first, k), part) for k, part in enumerate(parts)]


def hold(stores: list[Statement]) -> list[Statement]:
    """Put the values of several stores into variables first, where a store could change a load."""
    written = {s.buffer for s in stores if isinstance(s, Store)}
    values = [s for s in stores if isinstance(s, Store)]
    if len(values) == 1 or not any(b in written for s in values for b in loads_of(s.value)):
        return stores
    held: list[Statement] = []
    after: list[Statement] = []
    locals_: dict[Scalar, Scalar] = {}
    for store in values:
        if store.value not in locals_:
            local = fresh_local("v", store.value.dtype)
            held.append(Assign(local, store.value))
            locals_[store.value] = Read(local)
        after.append(Store(store.buffer, store.offset, locals_[store.value]))
    return held + after


def loads_of(scalar: Scalar) -> set[Buffer]:
    """Return the buffers that an expression loads from."""
    return {s.buffer for s in walk_scalars([scalar]) if isinstance(s, Load)}


_COMBINE_BOOL = {Prim.ADD: Prim.OR, Prim.MUL: Prim.AND, Prim.MAX: Prim.OR, Prim.MIN: Prim.AND}


def _reduction(
    node: Reduction, writer: Writer, targets: Sequence[Buffer], scratch: dict[Buffer, Size]
) -> tuple[Statement, ...]:
    """Loops in the operand's order: trailing reduced axes into a variable, others into memory.

    Sums of float32 over leading axes are added up in memory of float64.
    """
    shape = node.x.type.shape
    indices = _loops(shape)
    kept = [k for k in range(len(shape)) if k not in node.axes]
    trailing = len(shape)
    while trailing and (trailing - 1) in node.axes:
        trailing -= 1
    leading = [k for k in node.axes if k < trailing]
    value = writer.element(node.x, tuple(indices))
    prim = (
        _COMBINE_BOOL[node.combine]
        if value.dtype is BOOL and node.combine in _COMBINE_BOOL
        else node.combine
    )
    offset = ravel(tuple(indices[k] for k in kept), node.type.shape)
    first, *others = targets
    inner: list[Statement] = []
    total: Scalar = value
    if trailing < len(shape):
        total = _accumulate(prim, node.unit(), value, indices[trailing:], inner)
    if not leading:
        stores = [s for buffer in targets for s in store(buffer, offset, total)]
        return _nest([indices[k] for k in kept], [*inner, *stores])
    if prim is Prim.ADD and node.dtype is F32 and _long([indices[k] for k in leading], ROW_BLOCK):
        first = fresh_buffer("wide", F64)
        scratch[first] = node.type.size
        cleared = _loops(node.type.shape)
        nothing = Store(first, ravel(tuple(cleared), node.type.shape), literal(0.0, F64))
        clear = _nest(cleared, [nothing])
        inner.append(Store(first, offset, Load(first, offset) + total.cast(F64)))
        into = _loops(node.type.shape)
        place = ravel(tuple(into), node.type.shape)
        stores = [Store(buffer, place, Load(first, place).cast(F32)) for buffer in targets]
        return (*clear, *_nest(indices[:trailing], inner), *_nest(into, stores))
    fresh = _loops(node.type.shape)
    clear = _nest(fresh, store(first, ravel(tuple(fresh), node.type.shape), node.unit()))
    combined = apply(prim, load(first, offset, node.dtype), total)
    inner += hold(store(first, offset, combined))
    result = (*clear, *_nest(indices[:trailing], inner))
    if others:
        again = _loops(node.type.shape)
        where = ravel(tuple(again), node.type.shape)
        whole = load(first, where, node.dtype)
        result += _nest(again, [s for b in others for s in store(b, where, whole)])
    return result


def _accumulate(
    prim: Prim, unit: Scalar, value: Scalar, indices: Sequence[Index], into: list[Statement]
) -> Scalar:
    """Append statements that combine the value over loops; return the result."""
    if value.dtype.is_complex and prim is not Prim.ADD:
        return _product_of_pairs(prim, unit, value, indices, into)
    # The parts of a complex sum are two sums.
    units, values = parts_of(unit), parts_of(value)
    if prim is not Prim.ADD or not value.dtype.is_inexact or not _long(indices):
        held = [fresh_local("acc", v.dtype) for v in values]
        into.extend(Assign(v, u) for v, u in zip(held, units, strict=True))
        steps = [Accumulate(local, prim, v) for local, v in zip(held, values, strict=True)]
        into.extend(_nest(indices, steps))
        return _whole([Read(local) for local in held], value.dtype)
    indices, values = _as_one(indices, values)
    last = indices[-1]
    kind = value.dtype.real
    wide = F64 if kind is F32 else kind
    totals = [fresh_local("total", wide) for _ in values]
    parts = [fresh_local("part", kind) for _ in values]
    block = fresh_index("block", ceildiv(last.extent, SUM_BLOCK))
    start = mul(block, SUM_BLOCK)
    within = fresh_index(last.name, minimum(SUM_BLOCK, add(last.extent, mul(start, -1))))
    shifted = [substitute_sizes(v, {last: add(start, within)}) for v in values]
    inner = tuple(Accumulate(p, prim, v) for p, v in zip(parts, shifted, strict=True))
    chunk: list[Statement] = [
        *(Assign(p, u) for p, u in zip(parts, units, strict=True)),
        For(within, inner),
        *(Accumulate(t, prim, Read(p).cast(wide)) for t, p in zip(totals, parts, strict=True)),
    ]
    into.extend(Assign(t, literal(0.0, wide)) for t in totals)
    into.extend(_nest([*indices[:-1], block], chunk))
    return _whole([Read(t).cast(kind) for t in totals], value.dtype)


def _long(indices: Sequence[Index], most: int = SUM_BLOCK) -> bool:
    """Whether the loops together may run over more elements than are added up in one variable."""
    count = product(index.extent for index in indices)
    return not isinstance(count, int) or count > most


def _as_one(
    indices: Sequence[Index], values: tuple[Scalar, ...]
) -> tuple[Sequence[Index], tuple[Scalar, ...]]:
    """Return one loop instead of several, where it walks through memory as they do."""
    indices = list(indices)
    while len(indices) > 1:
        outer, inner = indices[-2:]
        flat = fresh_index(inner.name, mul(outer.extent, inner.extent))
        first, second = unravel(flat, (outer.extent, inner.extent))
        found = tuple(substitute_sizes(v, {outer: first, inner: second}) for v in values)
        sizes = sizes_in([Assign(fresh_local("v", v.dtype), v) for v in found])
        if any(_divides(size, flat) for size in sizes):
            break
        indices[-2:], values = [flat], found
    return indices, values


def _divides(size: Size, index: Index) -> bool:
    """Whether an offset mentions a quotient or remainder of an index."""
    atoms = () if isinstance(size, int) else size.atoms
    return any(isinstance(a, FloorDiv | Mod) and index in a.atoms for a in atoms)


def _whole(parts: Sequence[Scalar], dtype: DType) -> Scalar:
    """Return the number that has these parts."""
    return Complex(parts[0], parts[1], dtype) if dtype.is_complex else parts[0]


def _product_of_pairs(
    prim: Prim, unit: Scalar, value: Scalar, indices: Sequence[Index], into: list[Statement]
) -> Scalar:
    """Combine complex numbers of which each part needs both parts so far."""
    kind = value.dtype.real
    held = [fresh_local(name, kind) for name in ("re", "im")]
    following = [fresh_local("next", kind) for _ in held]
    so_far = _whole([Read(local) for local in held], value.dtype)
    combined = parts_of(apply(prim, so_far, value))
    into.extend(Assign(v, part) for v, part in zip(held, parts_of(unit), strict=True))
    steps = [Assign(v, part) for v, part in zip(following, combined, strict=True)]
    steps += [Assign(v, Read(new)) for v, new in zip(held, following, strict=True)]
    into.extend(_nest(indices, steps))
    return so_far


def _arg_extreme(
    node: ArgExtreme, writer: Writer, targets: Sequence[Buffer]
) -> tuple[Statement, ...]:
    shape = node.x.type.shape
    indices = _loops(shape)
    kept = [i for k, i in enumerate(indices) if k != node.axis]
    here = indices[node.axis]
    value = writer.element(node.x, tuple(indices))
    start = writer.element(node.x, tuple(0 if k == node.axis else i for k, i in enumerate(indices)))
    best, position = fresh_local("best", value.dtype), fresh_local("position", I64)
    better = compare(node.better, value, Read(best))
    body = [
        Assign(best, start),
        Assign(position, literal(0, I64)),
        For(
            here,
            (
                Assign(position, select(better, index_scalar(here), Read(position))),
                Assign(best, select(better, value, Read(best))),
            ),
        ),
        *(Store(b, ravel(tuple(kept), node.type.shape), Read(position)) for b in targets),
    ]
    return _nest(kept, body)


def compare(better: Prim, value: Scalar, best: Scalar) -> Scalar:
    """Return whether a value beats the best so far; NaN beats all but NaN."""
    if value.dtype is BOOL:
        return value & ~best if better is Prim.GT else best & ~value
    wins = apply(better, value, best)
    if not value.dtype.is_float:
        return wins
    return wins | (value.differs(value) & best.equals(best))


def close_kernel(name: str, body: tuple[Statement, ...]) -> Kernel:
    """Return a kernel with the buffers and sizes that its body mentions."""
    buffers, written = accessed_buffers(body)
    given = {
        atom: None
        for size in sizes_in(body)
        if isinstance(size, Dim)
        for atom in sorted(size.atoms, key=lambda a: a.key)
        if is_given(atom)
    }
    return Kernel(name, tuple(buffers), tuple(given), body, frozenset(written))


def is_given(atom: Atom) -> bool:
    """Whether the atom's number is handed to the kernel: not an index, not arithmetic."""
    return isinstance(atom, Symbol) or (
        isinstance(atom, Value) and not isinstance(atom.term, Scalar)
    )
