"""Decide what is computed into memory, and which of it shares a kernel.

Every node is either *stored*, or computed anew inside each kernel that reads it.  Stored are
reductions and matrix products, outputs, what a library call reads, values that sizes depend on,
and element-wise results that are too dear to compute twice.  Stored element-wise nodes of one
shape are put into one kernel where no other kernel has to come between them.

   before: exp(x), sum(exp(x)), exp(x) / sum      after: [sum(exp(x))]  [exp(x) / sum]

A reduction over trailing axes, and what it reads or what reads it row by row, share a kernel over
rows (``rows.py``): over the last axis, all of the above is one kernel.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL
from agnesi.core.record import field, record
from agnesi.dims.simplify import at_least
from agnesi.graph.body import Part, Several
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Constant, Leaf
from agnesi.graph.tensor import SizeFloat, SizeValue, Tensor
from agnesi.loops.nodes import fresh_buffer
from agnesi.lower.accumulate import Accumulation, find_accumulations
from agnesi.lower.elements import Writer, loops
from agnesi.lower.products import (
    from_half,
    is_computed_here,
    is_convolved_here,
    is_in_blocks,
    library_index,
    matrix_view,
    packable,
    same_memory,
)
from agnesi.lower.rows import Rows, rows_of
from agnesi.lower.views import only_viewed, reads_of
from agnesi.ops.conv import Conv
from agnesi.ops.families import Elementwise, HostOp, LoopOp, Movement, Op, Reduction
from agnesi.ops.gathering import Gather
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import BroadcastTo, ExpandDims, Reshape, Squeeze
from agnesi.ops.pooling import Windows
from agnesi.ops.reductions import ArgExtreme
from agnesi.ops.resampling import Resample

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from agnesi.dims.dim import Shape

# Costs in additions.  A node dearer than REPEAT is stored if two kernels read it; an expression
# dearer than WHOLE is cut, so that one kernel's code stays within what LLVM compiles quickly.
_EXPENSIVE, _REPEAT, _WHOLE = 12, 6, 300
# Factors of products that are no dearer than these are computed while they are packed: by one
# product, or by several readers.
_PACKED, _SHARED = 6, 2
# A strip has at most so many elements.
_STRIP = 64
# Nodes one kernel may store.
_MEMBERS = 16


@record()
class Group:
    """Stored nodes that one kernel (or library call) computes.

    Attributes:
        nodes: in a valid order.
        shape: of each of them, where they are element-wise.
        fusible: whether they are element-wise, in one loop nest.
        ancestors: bit mask of the groups that have to come before.
        rows: of a kernel over rows, how its members depend on each other.
    """

    nodes: list[Tensor]
    shape: Shape
    fusible: bool
    ancestors: int = 0
    rows: Rows | None = None


@record()
class Fusion:
    """The decision: stored nodes and their groups, in a valid order.

    Attributes:
        stored: nodes with memory.
        groups: in an order in which they can run.
        accumulations: stored sums of products that libraries add up in place.
        apart: nodes that are computed in loops of their own.
    """

    stored: dict[Tensor, None]
    groups: list[Group] = field(default_factory=list[Group])
    accumulations: dict[Tensor, Accumulation] = field(default_factory=dict["Tensor", Accumulation])
    apart: frozenset[Tensor] = frozenset()

    def code_reads(self, node: Tensor) -> Sequence[Tensor]:
        """Return what the code of a node reads."""
        sum_ = self.accumulations.get(node)
        if sum_ is None:
            return code_reads(node)
        return [*sum_.reads(), *(o for term in sum_.terms for o in code_reads(term.node))]

    def reads(self, group: Group) -> Iterator[Tensor]:
        """Yield the stored nodes and leaves that a group's code reads."""
        own = set(group.nodes)
        seen: set[Tensor] = set()
        stack = [d for n in group.nodes for d in self.code_reads(n)]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if is_materialised_leaf(node):
                yield node
            elif node in self.stored:
                yield node
                if node in own:
                    stack.extend(self.code_reads(node))
            else:
                stack.extend(code_reads(node))


def is_materialised_leaf(node: Tensor) -> bool:
    """Whether the node has memory of its own before the program starts."""
    return isinstance(node, Leaf) and not (isinstance(node, Constant) and not node.ndim)


def is_inlinable(node: Tensor) -> bool:
    """Whether the node can be computed element by element inside a kernel."""
    own = isinstance(node, Reduction | ArgExtreme | MatMul | LoopOp | HostOp | Several | Part)
    return not own and not is_materialised_leaf(node)


def code_reads(node: Tensor) -> Sequence[Tensor]:
    """Return what the code of a node reads: for what has to be in memory, through its views."""
    match node:
        case MatMul():
            return [matrix_view(operand)[0] for operand in node.operands]
        case HostOp():
            return [same_memory(operand) for operand in node.operands]
        case Several():
            return reads_of(node)
        case Conv() if is_convolved_here(node):
            return [same_memory(node.x), node.w]
        case LoopOp():
            return [o if k in node.streams else same_memory(o) for k, o in enumerate(node.operands)]
        case _:
            return node.operands


def in_memory(node: Tensor) -> Sequence[Tensor]:
    """Return what has to have memory for the code of a node to read it."""
    reads = code_reads(node)
    match node:
        case MatMul() | HostOp() | Several():
            return reads
        case Conv() if is_convolved_here(node):
            # The kernel is packed as it is read.
            return reads[:1]
        case LoopOp():
            return [read for k, read in enumerate(reads) if k not in node.streams]
        case Op() if node.wholes:
            return [reads[k] for k in node.wholes]
        case _:
            return ()


def read_besides(node: Tensor) -> Sequence[Tensor]:
    """Return operands that read the leaf which the result of an op's loops begins with.

    With these in memory the loops may change the leaf in place.
    """
    if not isinstance(node, LoopOp) or node.begins_with is None:
        return ()
    begun = same_memory(node.operands[node.begins_with])
    if not is_materialised_leaf(begun) or isinstance(begun, Constant):
        return ()
    others = [o for k, o in enumerate(node.operands) if k != node.begins_with]
    return [o for o in others if o is not begun and begun in set(toposort([o]))]


def fuse(outputs: Sequence[Tensor], changing: Collection[Tensor] = ()) -> Fusion:
    """Decide which nodes are stored, and group them into kernels.

    Args:
        outputs: what is computed.
        changing: leaves in whose place something computed is put.
    """
    order = toposort(outputs)
    readers: dict[Tensor, int] = {}
    for node in order:
        for operand in set(node.dependencies):
            readers[operand] = readers.get(operand, 0) + 1
    sums = find_accumulations(order, outputs, readers, changing)
    sums = {node: sum_ for node, sum_ in sums.items() if not _better_here(sum_)}
    apart = _unlike_strips(order)
    fusion = Fusion(_stored(order, {*outputs, *apart}, sums, readers), accumulations=sums)
    fusion.apart = frozenset(apart)
    _group(order, fusion)
    _join_products(fusion)
    return fusion


def _stored(
    order: list[Tensor],
    outputs: Iterable[Tensor],
    sums: Mapping[Tensor, Accumulation],
    readers: Mapping[Tensor, int],
) -> dict[Tensor, None]:
    """Return the nodes that get memory."""
    must: set[Tensor] = {*outputs, *sums}
    inside = {node for sum_ in sums.values() for node in sum_.inside}
    packed = packable(order, inside)
    for sum_ in sums.values():
        must.update(sum_.reads())
    views = only_viewed(order, outputs, readers)
    for node in order:
        hidden = node.dependencies[len(node.operands) :]
        must.update(hidden)
        reads = in_memory(node)
        must.update(r for r in reads if r not in packed or not isinstance(node, MatMul))
        must.update(read_besides(node))
        if isinstance(node, Reshape) and node not in views and not _flat(node.x):
            must.add(node.x)
        if node in packed and from_half(node) and is_inlinable(node.operands[0]):
            # What is computed in between is kept as halves.
            must.update(() if isinstance(node.operands[0], Movement) else node.operands)
    must = {node for node in must if not is_materialised_leaf(node)}
    stored: dict[Tensor, None] = {}
    cost: dict[Tensor, int] = {}
    dear: set[Tensor] = set()
    for node in order:
        if is_materialised_leaf(node) or isinstance(node, Constant | SizeFloat | SizeValue):
            cost[node] = 0
            if node in must and not is_materialised_leaf(node):
                stored[node] = None
            continue
        if node in inside:
            cost[node] = 0
            continue
        if not is_inlinable(node) or node in sums:
            stored[node] = None
            cost[node] = 0
            continue
        for source in _reread(node):
            if source in dear and source.ndim and source not in stored:
                stored[source] = None
                cost[source] = 0
                dear.discard(source)
        own = _EXPENSIVE if isinstance(node, Op) and node.expensive else 1
        whole = own + sum(cost[o] for o in set(node.operands))
        if (isinstance(node, Op) and node.expensive) or any(o in dear for o in node.operands):
            dear.add(node)
        repeated = readers.get(node, 0) > 1 and whole > _REPEAT and not _redrawn(node, whole - own)
        if node in packed and not _cheap_to_pack(node, whole, readers.get(node, 0)):
            must.add(node)
        if node in must or (repeated and not isinstance(node, BroadcastTo)) or whole > _WHOLE:
            stored[node] = None
            dear.discard(node)
            whole = 0
        cost[node] = whole
    position = {node: k for k, node in enumerate(order)}
    return dict.fromkeys(sorted(stored, key=position.__getitem__))


def _redrawn(node: Tensor, cost: int) -> bool:
    """Whether each kernel that reads a node draws it anew: a mask, of cheap chances."""
    return isinstance(node, Op) and node.in_strips and node.dtype is BOOL and cost <= _SHARED


def _cheap_to_pack(node: Tensor, whole: int, readers: int) -> bool:
    """Whether products may compute a node anew wherever they pack it."""
    return whole <= (_PACKED if readers == 1 or from_half(node) else _SHARED)


def _unlike_strips(order: list[Tensor]) -> set[Tensor]:
    """Return nodes that are computed in strips, but are read otherwise than in one stretch.

    Storing them costs less than computing each element for itself.
    """
    strips = {n for n in order if isinstance(n, Op) and n.in_strips and _has_rows(n)}
    if not strips:
        return set()
    found: set[Tensor] = set()
    otherwise: set[Tensor] = set()
    plain: dict[Tensor, bool] = {}
    for node in order:
        scalar = isinstance(node, BroadcastTo) and not node.x.ndim
        passes = isinstance(node, Elementwise | Reshape | ExpandDims | Squeeze)
        own = is_materialised_leaf(node) or scalar or passes or node in strips or not node.ndim
        plain[node] = own and (not passes or all(plain[o] for o in node.operands))
        if not passes or not plain[node]:
            otherwise.add(node)
    for node in reversed(order):
        if node in otherwise:
            for operand in node.operands:
                if isinstance(operand, Elementwise | Reshape | ExpandDims | Squeeze):
                    otherwise.add(operand)
                elif isinstance(operand, Op) and operand.in_strips:
                    found.add(operand)
    return found & strips


def _has_rows(node: Tensor) -> bool:
    """Whether rows may begin in the middle of a strip."""
    *outer, last = node.type.shape or (1,)
    aligned = isinstance(last, int) and last % _STRIP == 0
    return any(size != 1 for size in outer) and not aligned


def _reread(node: Tensor) -> Sequence[Tensor]:
    """Return the operands whose elements may be read several times."""
    if isinstance(node, Gather):
        return () if at_least(node.x.type.size, node.type.size) else node.operands[:1]
    if isinstance(node, Windows | Resample):
        return node.operands if node.rereads else ()
    return node.operands[:1] if isinstance(node, Movement) and node.repeats else ()


def _flat(node: Tensor) -> bool:
    """Whether elements are read in C order all the way down, so that a reshape costs nothing."""
    stack, steps = [node], 0
    while stack:
        node, steps = stack.pop(), steps + 1
        if is_materialised_leaf(node) or not is_inlinable(node):
            continue
        scalar = isinstance(node, BroadcastTo) and not node.x.ndim
        if scalar:
            continue
        if not isinstance(node, Elementwise | Reshape | ExpandDims | Squeeze) or steps > 64:
            return False
        stack.extend(node.operands)
    return True


def _group(order: list[Tensor], fusion: Fusion) -> None:
    """Put stored element-wise nodes of one shape together where nothing has to come between.

    Sets of groups are bit masks.  A node may join a group unless a group it needs depends, however
    indirectly, on that group.  A number that a size or a check mentions has to be there before the
    kernel begins: its group is one to come before, not to join.

    What reads a product that is computed here is to be done to it in its own kernel, so a group
    reads one of them, or what also reads another one.
    """
    needs: dict[Tensor, int] = {}
    before: dict[Tensor, int] = {}
    groups = fusion.groups
    rows = _RowGroups(fusion)
    by_shape: dict[Shape, list[int]] = {}
    products = _Products(fusion)
    for node in order:
        direct = 0
        for d in node.dependencies:
            direct |= needs[d]
        needs[node] = direct
        before[node] = 0
        for k, d in enumerate(node.dependencies):
            hidden = k >= len(node.operands)
            before[node] |= needs[d] if hidden else 0 if d in fusion.stored else before[d]
        if node not in fusion.stored:
            continue
        if isinstance(node, Part):
            # What has several results has a group of its own, with those that are wanted.
            (home,) = _bits(needs[node.of])
            groups[home].nodes.append(node)
            needs[node] = 1 << home
            continue
        whole = len(node.dependencies) == len(node.operands)
        own = node in fusion.accumulations or node in fusion.apart
        free = is_inlinable(node) and whole and not own
        candidates = by_shape.setdefault(node.type.shape, []) if free else []
        late = before[node]
        reduces = whole and isinstance(node, Reduction)
        home = rows.home(node, direct, late) if free or reduces else None
        if home is None:
            # A group that one of those needed depends on would have to come before and after it.
            barred = late
            for k in _bits(direct) if candidates else ():
                barred |= groups[k].ancestors
            # What the node reads is best where it is: then nothing is read from memory.
            shape = node.type.shape
            near = [k for k in _bits(direct) if groups[k].fusible and groups[k].shape == shape]
            near = chain(near, candidates) if candidates else ()
            alike = (k for k in near if not barred >> k & 1 and groups[k].rows is None)
            may = (k for k in alike if products.fit(node, k))
            home = next((k for k in may if len(groups[k].nodes) < _MEMBERS), None)
        fresh = home is None
        if home is None:
            home = len(groups)
            groups.append(Group([], node.type.shape, free))
            candidates.append(home)
            if reduces:
                rows.begin(home, node)
        groups[home].nodes.append(node)
        products.join(node, home)
        _extend(home, direct & ~(1 << home), groups, fresh=fresh)
        needs[node] = 1 << home


class _Products:
    """Which products computed here nodes and groups read, as bit masks."""

    def __init__(self, fusion: Fusion) -> None:
        self.stored = fusion.stored
        self.numbers: dict[Tensor, int] = {}
        self.read: dict[Tensor, int] = {}
        self.made_of: dict[Tensor, int] = {}
        self.groups: dict[int, int] = {}

    def behind(self, node: Tensor) -> int:
        """Return the products that an element-wise node is made of, of its own shape."""
        if not isinstance(node, Elementwise):
            return 0
        if node in self.made_of:
            return self.made_of[node]
        stack, found = list(node.operands), 0
        seen: set[Tensor] = {node}
        while stack:
            operand = stack.pop()
            if operand in seen:
                continue
            seen.add(operand)
            known = self.read.get(operand)
            if known is not None:
                found |= known
            elif is_in_blocks(operand):
                self.read[operand] = 1 << self.numbers.setdefault(operand, len(self.numbers))
                found |= self.read[operand]
            elif isinstance(operand, Elementwise) and operand not in self.stored:
                stack.extend(operand.operands)
        self.made_of[node] = found
        return found

    def fit(self, node: Tensor, group: int) -> bool:
        """Whether a node and a group read the same products, or one of them none."""
        own, theirs = self.behind(node), self.groups.get(group, 0)
        return not own or not theirs or bool(own & theirs)

    def join(self, node: Tensor, group: int) -> None:
        """Note that a node is of a group."""
        self.groups[group] = self.groups.get(group, 0) | self.behind(node)


class _RowGroups:
    """Which groups are kernels over rows, and what may join them."""

    def __init__(self, fusion: Fusion) -> None:
        self.groups = fusion.groups
        self.stored = fusion.stored
        self.alike: dict[Shape, list[int]] = {}

    def has_memory(self, node: Tensor) -> bool:
        return node in self.stored or is_materialised_leaf(node)

    def begin(self, number: int, node: Tensor) -> None:
        """Let a reduction's own group be a kernel over rows, if it can be."""
        if not isinstance(node, Reduction):
            return
        self.groups[number].rows = rows_of(node, self.has_memory)
        self.alike.setdefault(node.x.type.shape, []).append(number)

    def home(self, node: Tensor, direct: int, late: int) -> int | None:
        """Return the group over rows that a node enters, with its draft made a member."""
        reads = list(_bits(direct))[::-1]
        for k in reads:
            if not late >> k & 1 and _may_join(k, direct, self.groups) and self.enter(k, node):
                return k
        if not isinstance(node, Reduction):
            return None
        for k in reversed(self.alike.get(node.x.type.shape, ())):
            if k in reads or late >> k & 1 or not _may_join(k, direct, self.groups):
                continue
            if self.shares(k, node):
                return k
        return None

    def enter(self, number: int, node: Tensor) -> bool:
        """Whether a node that reads members of a group is now one of them."""
        group = self.groups[number]
        if group.rows is not None:
            member = group.rows.draft(node)
            if member is None or not member.needs:
                return False
            group.rows.take(member)
            return True
        if not group.fusible or not isinstance(node, Reduction):
            return False
        # Element-wise results that are then reduced.
        if group.shape != node.x.type.shape:
            return False
        rows = rows_of(node, self.has_memory, group.nodes)
        if rows is None:
            return False
        group.rows, group.fusible = rows, False
        self.alike.setdefault(group.shape, []).append(number)
        return True

    def shares(self, number: int, node: Reduction) -> bool:
        """Whether a reduction reads what a group reads, and is now one of its members."""
        rows = self.groups[number].rows
        member = None if rows is None else rows.draft(node)
        if rows is None or member is None or not rows.streams(member) & rows.read:
            return False
        rows.take(member)
        return True


def _may_join(home: int, direct: int, groups: list[Group]) -> bool:
    if len(groups[home].nodes) >= _MEMBERS:
        return False
    others = direct & ~(1 << home)
    return not any(groups[k].ancestors >> home & 1 for k in _bits(others))


def _extend(home: int, direct: int, groups: list[Group], *, fresh: bool) -> None:
    """Let a group, and all that depend on it, depend on these groups; on a fresh one none does."""
    added = direct
    for k in _bits(direct):
        added |= groups[k].ancestors
    groups[home].ancestors |= added
    for group in () if fresh else groups:
        if group.ancestors >> home & 1:
            group.ancestors |= added


def _better_here(sum_: Accumulation) -> bool:
    """Whether a product that is added to something is computed here, and added up as it is."""
    node = sum_.terms[0].node
    return len(sum_.terms) == 1 and is_computed_here(node) and library_index(node) is None


def _join_products(fusion: Fusion) -> None:
    """Put a product into the kernel of element-wise nodes that read it, where nothing is between.

    Two groups that become one keep both numbers, as ancestors.
    """
    groups = fusion.groups
    home = {node: k for k, group in enumerate(groups) for node in group.nodes}
    readers: dict[Tensor, list[int]] = {}
    for k, group in enumerate(groups):
        for node in dict.fromkeys(fusion.reads(group)):
            if node in home and is_in_blocks(node):
                readers.setdefault(node, []).append(k)
    gone: set[int] = set()
    for node, found in readers.items():
        own = home[node]
        for k in found:
            group = groups[k]
            if k == own or not group.fusible or group.shape != node.type.shape:
                continue
            between = group.ancestors & ~(1 << own)
            if any(groups[b].ancestors >> own & 1 for b in _bits(between)):
                continue
            if is_in_blocks(group.nodes[0]) or not _reads_in_order(group, node, fusion):
                continue
            group.nodes.insert(0, node)
            both = 1 << own | 1 << k
            group.ancestors = (group.ancestors | groups[own].ancestors) & ~both
            for other in groups:
                if other.ancestors & both and other is not group:
                    other.ancestors |= both | group.ancestors
            gone.add(own)
            break
    fusion.groups = [group for k, group in enumerate(groups) if k not in gone]


def _reads_in_order(group: Group, node: Tensor, fusion: Fusion) -> bool:
    """Whether the elements of a group read just the element of a node at their own index."""
    index = tuple(loops(group.shape))
    marks = {n: fresh_buffer("?", n.dtype.real) for n in fusion.reads(group)}
    writer = Writer(marks, frozenset(group.nodes))
    for member in group.nodes:
        writer.element(member, index)
    return all(where == index for read, where in writer.known if read is node)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
