"""Elements of nodes as scalars, and what every loop nest is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import field, record
from agnesi.dims.dim import (
    Index,
    Shape,
    add,
    fresh_index,
    mul,
)
from agnesi.loops.nodes import (
    Assign,
    Buffer,
    Complex,
    For,
    Load,
    Read,
    Scalar,
    Statement,
    Store,
    fresh_local,
    literal,
    parts_of,
)
from agnesi.loops.traverse import (
    walk_scalars,
)
from agnesi.ops.movement import ravel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor

_NAMES = "ijklmnpqrstuvw"


@record()
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
            given = self.given(at, where)
            if given is not None:
                self.known[here] = given
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

    def given(self, node: Tensor, where: Shape) -> Scalar | None:
        """Return an element that is there already, None where it has to be computed."""
        if node in self.buffers and node not in self.inside:
            return load(self.buffers[node], ravel(where, node.type.shape), node.dtype)
        return None


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


def loops(shape: Shape) -> list[Index]:
    """Return an index for each axis."""
    return [fresh_index(_NAMES[k] if k < len(_NAMES) else f"i{k}", s) for k, s in enumerate(shape)]


def nest(indices: Sequence[Index], body: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return loops over the indices, the first outermost, around the body."""
    result = tuple(body)
    for index in reversed(indices):
        result = (For(index, result),)
    return result


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


def finish(
    nodes: Sequence[Tensor],
    buffers: Mapping[Tensor, Buffer],
    targets: Mapping[Tensor, Sequence[Buffer]],
    first: tuple[Shape, Scalar, Sequence[Buffer]],
) -> list[Statement]:
    """Return the stores of a node's element, and of those of the element-wise nodes that read it.

    Args:
        nodes: the node first.
        buffers: memory of what is read.
        targets: buffers that each node is written to.
        first: the index, the element of the first node there, and its targets that hold it already.
    """
    index, value, done = first
    writer = Writer(buffers, frozenset(nodes))
    writer.known[nodes[0], index] = value
    stores: list[Statement] = []
    # All loads come before all stores, so that a kernel may write over what it reads.
    for node in nodes:
        element = writer.element(node, index)
        offset = ravel(index, node.type.shape)
        for buffer in targets.get(node, ()):
            if node is not nodes[0] or buffer not in done:
                stores += store(buffer, offset, element)
    return hold(stores)


def loads_of(scalar: Scalar) -> set[Buffer]:
    """Return the buffers that an expression loads from."""
    return {s.buffer for s in walk_scalars([scalar]) if isinstance(s, Load)}
