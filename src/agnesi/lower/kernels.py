"""Write the loop nest of a group of stored nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import (
    Atom,
    Dim,
    Shape,
    Symbol,
    Value,
    add,
    mul,
)
from agnesi.graph.text import op_name
from agnesi.loops.nodes import (
    Address,
    Buffer,
    Kernel,
    Scalar,
    Statement,
    fresh_buffer,
)
from agnesi.loops.traverse import (
    accessed_buffers,
    sizes_in,
)
from agnesi.lower.combine import Room
from agnesi.lower.elements import Writer, hold, load, loops, nest, store
from agnesi.lower.fuse import Group, is_inlinable
from agnesi.lower.positions import arg_extreme
from agnesi.lower.products import same_memory
from agnesi.lower.reductions import reduction
from agnesi.lower.row_loops import write_rows
from agnesi.ops.families import Reduction
from agnesi.ops.joining import Concatenate
from agnesi.ops.movement import ravel
from agnesi.ops.reductions import ArgExtreme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.families import LoopOp


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
    room = Room({} if scratch is None else scratch)
    if group.rows is not None and len(group.nodes) > 1:
        body = write_rows(group.rows, group.nodes, buffers, targets, room)
    elif isinstance(node, Reduction):
        body = reduction(node, Writer(buffers), targets[node], room)
    elif isinstance(node, ArgExtreme):
        body = arg_extreme(node, Writer(buffers), targets[node], room)
    elif is_inlinable(node):
        body = _elementwise(group, Writer(buffers, frozenset(group.nodes)), targets)
    else:
        raise CompilerBug(f"{node!r} has no loops")
    return close_kernel(
        f"{name}_{'_'.join(op_name(n) for n in group.nodes[:3])}", body, room.private
    )


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
        indices = tuple(loops(begun.type.shape))
        return nest(indices, self.store(indices, self.read(operand, indices)))

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


def _elementwise(
    group: Group, writer: Writer, targets: Mapping[Tensor, Sequence[Buffer]]
) -> tuple[Statement, ...]:
    only = group.nodes[0]
    if len(group.nodes) == 1 and isinstance(only, Concatenate):
        return _parts(only, writer, targets)
    indices = loops(group.shape)
    # An axis of size 1 needs no loop.
    where: Shape = tuple(0 if i.extent == 1 else i for i in indices)
    # All loads come before all stores, so that a kernel may write over what it reads.
    values = [(n, writer.element(n, where)) for n in group.nodes]
    stores: list[Statement] = []
    for node, value in values:
        offset = ravel(where, node.type.shape)
        stores += [s for buffer in targets.get(node, ()) for s in store(buffer, offset, value)]
    return nest([i for i in indices if i.extent != 1], hold(stores))


def _parts(
    node: Concatenate, writer: Writer, targets: Mapping[Tensor, Sequence[Buffer]]
) -> tuple[Statement, ...]:
    """Return loops over each part of a joined array, so that no element has to ask whose it is.

    What may be written over is read where it is written, which is in one part alone.
    """
    outer = loops(node.type.shape[: node.axis])
    begins: Size = 0
    statements: list[Statement] = []
    for part in node.parts:
        inner = loops(part.type.shape)[node.axis :]
        where = (*outer, *inner)
        place = (*outer, add(inner[0], begins), *inner[1:])
        offset = ravel(place, node.type.shape)
        value = writer.element(part, where)
        stores = [s for buffer in targets.get(node, ()) for s in store(buffer, offset, value)]
        statements += nest(inner, hold(stores))
        begins = add(begins, part.type.shape[node.axis])
    return nest(outer, statements)


def close_kernel(
    name: str, body: tuple[Statement, ...], private: Mapping[Buffer, int] | None = None
) -> Kernel:
    """Return a kernel with the buffers and sizes that its body mentions.

    Args:
        name: of the kernel.
        body: what it does.
        private: buffers of its own, with the number of their elements.
    """
    mentioned, stored = accessed_buffers(body)
    own = {b: n for b, n in (private or {}).items() if b in mentioned}
    buffers = [b for b in mentioned if b not in own]
    written = [b for b in stored if b not in own]
    given = {
        atom: None
        for size in sizes_in(body)
        if isinstance(size, Dim)
        for atom in sorted(filter(is_given, size.atoms), key=lambda a: a.key)
    }
    return Kernel(name, tuple(buffers), tuple(given), body, frozenset(written), tuple(own.items()))


def is_given(atom: Atom) -> bool:
    """Whether the atom's number is handed to the kernel: not an index, not arithmetic."""
    return isinstance(atom, Symbol) or (
        isinstance(atom, Value) and not isinstance(atom.term, Scalar)
    )
