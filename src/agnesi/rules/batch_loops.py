"""Products that need not be made step by step are made for all steps at once.

    in the step                             outside
    x_t @ u                   before:       x.reshape(t * b, k) @ u, whose rows are a new sequence
    y_t = softmax(h_t @ v)    behind:       softmax(states @ v), for states that are collected
    c = c + h_t.T @ d_t       behind:       h.reshape(t * b, k).T @ d.reshape(t * b, n)

One product of many rows is several times as fast as many of few, and threads share it.  Memory
bounds all three: rows are kept only where as many are kept anyway.

- Before: the rows of results take the place of those of sequences.  What is in between and has to
  be stored, such as the first of two products, may not be larger than both together.
- Behind: states are collected if they are no larger than what they are collected for.
- Sums of products: the factors are collected if they are together no larger than the rows that the
  loop reads and collects already; a gradient's loop reads all that was kept of the steps, and the
  factors of a weight's gradient are a state and the gradient of one.

Element-wise work stays in the step: there it costs no memory, and a step waits for its product
anyway; but for functions as dear as ``exp`` of a product of rows.  A loop that carries nothing is
no loop: everything in it is made for all steps at once, under the same bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.batching.graph import batch_graph
from agnesi.dims.dim import Dim, add, mul, sub
from agnesi.dims.simplify import at_least, maximum, minimum
from agnesi.graph.body import Part, Several
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.tensor import SizeValue, Tensor
from agnesi.ops.arithmetic import Add, Multiply, Negative, Subtract
from agnesi.ops.choice import astype
from agnesi.ops.families import Elementwise, HostOp, Op, Reduction
from agnesi.ops.linear import MatMul
from agnesi.ops.loop import Loop
from agnesi.ops.movement import (
    BroadcastTo,
    ExpandDims,
    Reshape,
    Squeeze,
    Transpose,
    broadcast,
)
from agnesi.ops.ranges import arange
from agnesi.ops.reductions import Sum
from agnesi.ops.slicing import Place, Slice
from agnesi.rules.loop_rows import States, first_rows, states_before
from agnesi.rules.tensors import aligned, filled, number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.rules.loop_drafts import Draft

# Rows of all steps that are kept for a product are together not larger than this.
_MOST_BYTES = 1 << 30
# A product with more rows than this is no faster with more of them.
_ENOUGH_ROWS = 512
# Products of no more elements are made here of parts of arrays, whatever they are long.
_SMALL_PRODUCT = 1 << 13


class _Steps:
    """The nodes of a step: which of them need what is carried, which can be made for all steps."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.inner = draft.inner()
        assert draft.length is not None
        self.length = draft.length
        self.given: dict[Tensor, Tensor] = {
            leaf: sequence
            for leaf, sequence in zip(draft.rows, draft.sequences, strict=True)
            if sequence.type.shape[1:] == leaf.type.shape
        }
        carried: set[Tensor] = set(draft.carries)
        carried.update(leaf for leaf in draft.rows if leaf not in self.given)
        for node in self.inner:
            if node in carried or isinstance(node, Input):
                continue
            if any(d in carried for d in node.dependencies) or not self.is_batchable(node):
                carried.add(node)
        self.carried = carried

    def is_batchable(self, node: Tensor) -> bool:
        """Whether a node can be computed for all steps at once."""
        if not isinstance(node, Op) or isinstance(node, HostOp | Several | Part):
            return False
        if any(d in self.inner for d in node.dependencies[len(node.operands) :]):
            return False
        return type(node).batch is not Op.batch or node.args_in_front(1) is not None

    def cone(self, nodes: Iterable[Tensor], stop: Collection[Tensor] = ()) -> list[Tensor]:
        """Return what nodes depend on in a step, without inputs, nothing below ``stop``."""
        fixed = {*self.draft.inputs, *self.draft.around, *stop}
        order = toposort(nodes, fixed)
        return [node for node in order if node in self.inner and node not in fixed]

    def rows_of(self, leaf: Tensor) -> Tensor:
        """Return all rows of an input, or of what is collected."""
        if leaf in self.draft.stacks:
            return self.draft.stacks[leaf]
        if leaf is self.draft.number:
            steps = self.length
            return arange(steps if isinstance(steps, int) else SizeValue(steps), dtype="i64")
        rows = first_rows(self.given[leaf], self.length)
        self.draft.around.add(rows)
        return rows

    def batched(self, nodes: Sequence[Tensor], base: Mapping[Tensor, Tensor]) -> list[Tensor]:
        """Return nodes for all steps, given some of those below them, and rows of sequences."""
        mapped = dict(base)
        needed = toposort(nodes, {*self.draft.inputs, *self.draft.around, *mapped})
        for leaf in needed:
            if leaf not in mapped and (leaf in self.given or leaf is self.draft.number):
                mapped[leaf] = self.rows_of(leaf)
        return batch_graph(nodes, mapped, self.length, self.draft.around)

    def fits(self, inside: Sequence[Tensor], ends: Iterable[Tensor]) -> bool:
        """Whether what has to be stored of ``inside`` is no larger than the ends are."""
        allowed = _sizes(ends)
        needed: Size = 0
        own = set(ends)
        stored: dict[Tensor, None] = {}
        for node in inside:
            if not isinstance(node, Elementwise | Reduction) and not node.moves:
                stored[node] = None
            if isinstance(node, MatMul):
                stored.update(dict.fromkeys(map(_moved, node.operands)))
        within = set(inside)
        for node in stored:
            if node in within and node not in own:
                needed = add(needed, node.type.size)
        return at_least(allowed, needed) and self.is_small(add(allowed, needed))

    def is_small(self, size: Size) -> bool:
        """Whether so many elements of all steps are not too many, as far as is known."""
        whole = mul(size, self.length)
        return not isinstance(whole, int) or whole * 4 <= _MOST_BYTES


def _moved(x: Tensor) -> Tensor:
    """Return what movements that cost nothing move."""
    while x.moves:
        x = x.operands[0]
    return x


def _sizes(nodes: Iterable[Tensor]) -> Size:
    """Return the number of elements of nodes together."""
    return add(0, *(node.type.size for node in dict.fromkeys(nodes)))


def _is_product(node: Tensor) -> bool:
    return isinstance(node, MatMul) and node.dtype.is_inexact


# -- before the loop -------------------------------------------------------------------------------


def lift_products_of_rows(draft: Draft) -> None:
    """What a step computes of rows alone, with a product in it, is computed before the loop."""
    if draft.length is None or draft.conditions:
        return
    steps = _Steps(draft)
    # Products beside a loop have as many rows as that takes steps: more of them cost memory alone,
    # which whoever parts a loop into loops wants to save.
    if draft.carries and any(isinstance(node, Loop) for node in steps.inner):
        return
    ends = _ends_of_rows(draft, steps)
    if not ends:
        return
    leaves = [leaf for leaf in draft.rows if leaf in steps.given]
    if not steps.fits(steps.cone(ends), [*ends, *leaves]):
        ends = [e for e in ends if steps.fits(steps.cone([e]), [e, *_leaves(steps, e)])]
    if not ends:
        return
    replaced: dict[Tensor, Tensor] = {}
    for end, rows in zip(ends, steps.batched(ends, {}), strict=True):
        draft.around.add(rows)
        if end in draft.stacks:
            draft.drop_stack(end, rows)
        replaced[end] = draft.read(rows, end.type)
    draft.substitute(replaced)


def sizes_of_products(draft: Draft) -> list[int]:
    """Return the sizes of what a step computes of rows with products; none where one is unknown."""
    if draft.length is None or not draft.carries:
        return []
    steps = _Steps(draft)
    if any(isinstance(node, Loop) for node in steps.inner):
        return []
    sizes = [end.type.size for end in _ends_of_rows(draft, steps)]
    found = [size for size in sizes if isinstance(size, int)]
    return found if len(found) == len(sizes) else []


def _leaves(steps: _Steps, end: Tensor) -> list[Tensor]:
    return [leaf for leaf in toposort([end], steps.draft.around) if leaf in steps.given]


def _ends_of_rows(draft: Draft, steps: _Steps) -> list[Tensor]:
    """Return the nodes of rows alone that what is carried, or a result, reads."""
    free = not draft.carries
    worth: set[Tensor] = set()
    for node in steps.inner:
        if node in steps.carried or isinstance(node, Input):
            continue
        if free or _is_product(node) or any(o in worth for o in node.operands):
            worth.add(node)
    read: set[Tensor] = {root for root in draft.roots if root in worth}
    ends: dict[Tensor, None] = dict.fromkeys(root for root in draft.collected if root in worth)
    for node in reversed(steps.inner):
        through = node in read and node not in ends and _stays_in_step(node, steps, worth)
        if node in steps.carried or through:
            read.update(o for o in node.operands if o in worth)
    for node in steps.inner:
        if node in read and not _stays_in_step(node, steps, worth):
            ends[node] = None
    return list(ends)


def _stays_in_step(node: Tensor, steps: _Steps, worth: Collection[Tensor]) -> bool:
    """Whether a node costs nothing in a step that is given its operand.

    So does what is cheap of one product and of what does not change: the library that makes large
    products cannot do it to the product in passing.
    """
    if node.moves:
        return True
    if not isinstance(node, Elementwise) or node.expensive or not steps.draft.carries:
        return False
    if node.dtype.bytes < node.operands[0].dtype.bytes:
        return False
    own = {o for o in node.operands if o in steps.inner}
    return len(own) == 1 and all(o in worth for o in own)


# -- behind the loop -----------------------------------------------------------------------------


def lift_results(draft: Draft) -> None:
    """Results with a product in them that no step needs are computed behind the loop."""
    if draft.length is None or draft.conditions:
        return
    steps = _Steps(draft)
    core = set(steps.cone(draft.nexts))
    worth: set[Tensor] = set()
    for node in steps.inner:
        if node in core or isinstance(node, Input):
            continue
        if _is_product(node) or any(o in worth for o in node.operands):
            worth.add(node)
    for value in draft.collected:
        if value in worth and value not in core:
            _lift_result(draft, steps, value, core)


def _lift_result(draft: Draft, steps: _Steps, value: Tensor, core: set[Tensor]) -> None:
    inside = steps.cone([value], core)
    if not all(steps.is_batchable(node) for node in inside):
        return
    own = set(inside)
    below = dict.fromkeys(
        d
        for node in inside
        for d in node.operands
        if d in steps.inner and d not in own and d not in steps.given and d is not draft.number
    )
    fresh = [d for d in below if d not in draft.stacks]
    if any(not _is_stackable(steps, d) for d in below):
        return
    leaves = [d for node in inside for d in node.operands if d in steps.given]
    allowed = at_least(value.type.size, _sizes(fresh))
    if not allowed or not steps.fits(inside, [value, *below, *leaves]):
        return
    base = {d: draft.collect(d) for d in below}
    (rows,) = steps.batched([value], base)
    draft.drop_stack(value, rows)


def _is_stackable(steps: _Steps, node: Tensor) -> bool:
    """Whether the size of a node is that of the tensor around which its rows make."""
    sizes = (size for size in node.type.shape if isinstance(size, Dim))
    return not any(value in steps.inner for size in sizes for value in size.values)


# -- sums over the steps ---------------------------------------------------------------------------


def lift_sums(draft: Draft) -> None:
    """Products that steps only add up are one product over all steps."""
    if draft.length is None or draft.conditions:
        return
    steps = _Steps(draft)
    readers: dict[Tensor, int] = {}
    for node in steps.inner:
        for d in set(node.dependencies):
            readers[d] = readers.get(d, 0) + 1
    for root in [*draft.nexts, *draft.collected]:
        readers[root] = readers.get(root, 0) + 1
    allowed = _sizes([*draft.rows, *draft.collected])
    sums = _Sums(draft, steps, allowed, readers)
    lone = dict(_lone_readers(steps, readers))
    for place, after in enumerate(draft.nexts):
        # What is carried on is read by nothing else, either.
        if readers[after] == 1:
            _lift_sum(draft, sums, place, lone)


def _lone_readers(steps: _Steps, readers: Mapping[Tensor, int]) -> list[tuple[Tensor, Tensor]]:
    return [
        (operand, node)
        for node in steps.inner
        for operand in node.operands
        if readers[operand] == 1
    ]


def _lift_sum(draft: Draft, sums: _Sums, place: int, lone: Mapping[Tensor, Tensor]) -> None:
    """Take those terms that a carried value adds up, and that can be added later, out of it."""
    leaf, after = draft.carries[place], draft.nexts[place]
    terms: list[tuple[Tensor, bool]] = []
    node: Tensor = leaf
    while node is not after:
        reader = lone.get(node)
        if not isinstance(reader, Add | Subtract) or not aligned(reader) or reader.x is reader.y:
            return
        if isinstance(reader, Subtract) and reader.y is node:
            return
        other = reader.y if reader.x is node else reader.x
        terms.append((other, isinstance(reader, Subtract)))
        node = reader
    if not terms or not leaf.dtype.is_inexact:
        return
    later = [(term, minus) for term, minus in terms if sums.accepts(term)]
    if not later:
        return
    final = new_input(leaf.name, draft.finals[place].type)
    # Where nothing else is added, and it starts as 0, the sum is all.
    alone = len(later) == len(terms) and number(draft.inits[place]) == 0
    meaning: Tensor | None = None if alone else final
    for term, minus in later:
        whole = sums.total(term)
        if meaning is None:
            meaning = Negative(whole) if minus else whole
        else:
            meaning = Subtract(meaning, whole) if minus else Add(meaning, whole)
    assert meaning is not None
    draft.meanings[draft.finals[place]] = meaning
    draft.finals[place] = final
    kept: Tensor = leaf
    for term, minus in terms:
        if not any(term is other for other, _ in later):
            kept = Subtract(kept, term) if minus else Add(kept, term)
    draft.nexts[place] = kept
    draft.changed = True


class _Sums:
    """Sums over the steps of what they compute, made outside of rows."""

    def __init__(
        self, draft: Draft, steps: _Steps, allowed: Size, readers: Mapping[Tensor, int]
    ) -> None:
        self.readers = readers
        self.draft = draft
        self.steps = steps
        self.allowed = allowed
        self.taken: dict[Tensor, None] = {}
        self.of_rows: dict[Tensor, bool] = {}

    def accepts(self, term: Tensor) -> bool:
        """Whether a sum is better made outside; what it needs is then counted as collected."""
        needs: dict[Tensor, None] = {}
        if not self._may(term, needs, within=False):
            return False
        fresh = [d for d in needs if d not in self.taken and d not in self.draft.stacks]
        whole = _sizes([*self.taken, *fresh])
        if not at_least(self.allowed, whole) or not self.steps.is_small(whole):
            return False
        self.taken.update(dict.fromkeys(fresh))
        return True

    def _may(self, x: Tensor, needs: dict[Tensor, None], *, within: bool) -> bool:
        """Whether the sum of ``x`` can be made, and which rows it needs that are not there.

        Args:
            x: of a step.
            needs: gets what has to be collected.
            within: whether it is found in a product, so that anything may be collected for it.
        """
        if x not in self.steps.inner:
            return True
        if self._is_there(x):
            return True
        if any(d in self.steps.inner for d in x.dependencies[len(x.operands) :]):
            # A place or a size that a step finds: the sum of places is not the place of a sum.
            return False
        match x:
            case Negative(a) | Transpose(a) | ExpandDims(a) | Squeeze(a) | Place(a):
                return self._may(a, needs, within=within)
            case Reshape(a) | BroadcastTo(a) if not x.requirements():
                return self._may(a, needs, within=within)
            case Multiply(a, c) if aligned(x) and c not in self.steps.inner:
                return self._may(a, needs, within=within)
            case Add(a, c) | Subtract(a, c) if aligned(x):
                return all(self._may(e, needs, within=within) for e in (a, c))
            case Sum(a) if type(x) is Sum:
                return self._is_there(a)
            case MatMul(a, c) if x.ndim == 2 and not x.requirements():
                return self._may_multiply(a, c, needs)
            case _:
                if within:
                    needs[x] = None
                return within

    def _may_multiply(self, a: Tensor, c: Tensor, needs: dict[Tensor, None]) -> bool:
        inner = self.steps.inner
        if a not in inner or c not in inner:
            return self._may(c if a not in inner else a, needs, within=True)
        rows = a.type.shape[1]
        if isinstance(rows, int) and rows >= _ENOUGH_ROWS:
            return False
        for factor in (_transposed(a), c):
            base = self._base(factor)
            # A loop inside gives it: its product has many rows, and its rows would be kept longer.
            if isinstance(base, Part) or not _is_stackable(self.steps, base):
                return False
            if not self._is_there(base):
                needs[base] = None
        return True

    def _is_there(self, x: Tensor) -> bool:
        """Whether the rows of a node are there, or are found from rows of sequences."""
        if x in self.draft.stacks or x in self.taken or x in self.steps.given:
            return True
        if x.moves and self.steps.is_batchable(x) and x.operands[0] in self.steps.inner:
            return self._is_there(x.operands[0])
        return self._is_of_rows(x)

    def _is_of_rows(self, x: Tensor) -> bool:
        """Whether a node can be computed for all steps from rows of sequences, as it can in one."""
        # What is made on the way, such as a transposed factor, is not among the nodes of the step.
        if x in self.steps.carried or x not in self.steps.inner or isinstance(x, Input):
            return False
        known = self.of_rows.get(x)
        if known is None:
            ends = [x, *_leaves(self.steps, x)]
            known = self.of_rows[x] = self.steps.fits(self.steps.cone([x]), ends)
        return known

    def _base(self, x: Tensor) -> Tensor:
        """Return what a node only moves about."""
        while x.moves or isinstance(x, Reshape):
            if self._is_there(x) or not self.steps.is_batchable(x) or x.requirements():
                break
            if isinstance(x, BroadcastTo) or x.operands[0] not in self.steps.inner:
                break
            x = x.operands[0]
        return x

    def rows(self, x: Tensor) -> Tensor:
        """Return the rows of a node."""
        if self._is_of_rows(x) and x not in self.draft.stacks:
            return self.steps.batched([x], {})[0]
        base = self._base(x)
        while base not in self.draft.stacks and base not in self.steps.given and base.moves:
            if base in self.taken:
                break
            base = base.operands[0]
        if base in self.steps.given and base not in self.draft.stacks:
            known = self.steps.rows_of(base)
        else:
            known = self.draft.collect(base)
        if base is x:
            return known
        (found,) = self.steps.batched([x], {base: known})
        return found

    def total(self, x: Tensor) -> Tensor:
        """Return the sum of a node over all steps, outside."""
        if x not in self.steps.inner:
            return self._repeated(x)
        if self._is_there(x):
            return Sum(self.rows(x), (0,))
        match x:
            case Negative(a):
                return Negative(self.total(a))
            case Transpose(a, order):
                return Transpose(self.total(a), order)
            case ExpandDims(a, axes):
                return ExpandDims(self.total(a), axes)
            case Squeeze(a, axes):
                return Squeeze(self.total(a), axes)
            case Place(a, starts, strides, target):
                return Place(self.total(a), starts, strides, target)
            case Reshape(a, target):
                return Reshape(self.total(a), target)
            case BroadcastTo(a, target):
                return BroadcastTo(self.total(a), target)
            case Multiply(a, c):
                return Multiply(self.total(a), c)
            case Add(a, c):
                return Add(self.total(a), self.total(c))
            case Subtract(a, c):
                return Subtract(self.total(a), self.total(c))
            case Sum(a, axes):
                return Sum(self.rows(a), (0, *(k + 1 for k in axes)))
            case MatMul(a, c):
                return self._product(a, c)
            case _:
                raise AssertionError(x)

    def _product(self, a: Tensor, c: Tensor) -> Tensor:
        inner = self.steps.inner
        if a not in inner:
            return MatMul(a, self.total(c))
        if c not in inner:
            return MatMul(self.total(a), c)
        right = self.rows(c)
        found = self._states(_transposed(a), right)
        if found is not None:
            return self._shifted(found, right)
        left = self.rows(_transposed(a))
        return MatMul(Transpose(_one_below_another(left), (1, 0)), _one_below_another(right))

    def _states(self, factor: Tensor, right: Tensor) -> States | None:
        """Return the states of the loop before, where a factor is all of them but the last.

        They are collected as they are after each step: where nothing else reads them as they are
        before it, they need not be collected twice.  Only where the product is small: a library
        wants its own copies of factors that are parts of arrays.
        """
        if factor not in self.steps.given or self.readers.get(factor) != 1:
            return None
        found = states_before(self.steps.given[factor])
        size = mul(factor.type.shape[1], right.type.shape[2])
        if found is None or not isinstance(size, int) or size > _SMALL_PRODUCT:
            return None
        states = found[1]
        return states if states.after.type.shape[0] == self.steps.length else None

    def _shifted(self, states: States, right: Tensor) -> Tensor:
        """Return the sum of the products of a state before each step with rows."""
        length, rest = self.steps.length, states.after.type.shape[1:]
        other = right.type.shape[1:]
        early, late = (1, 0) if states.reverse else (0, 1)
        count, one = maximum(sub(length, 1), 0), minimum(length, 1)
        first = sub(length, one) if states.reverse else 0
        before = _rows_from(states.after, early, count, rest)
        product = MatMul(
            Transpose(_one_below_another(before), (1, 0)),
            _one_below_another(_rows_from(right, late, count, other)),
        )
        self.draft.around.update((states.after, states.init))
        if number(states.init) == 0:
            return product
        start = Sum(_rows_from(right, first, one, other), (0,))
        return Add(product, MatMul(Transpose(states.init, (1, 0)), start))

    def _repeated(self, x: Tensor) -> Tensor:
        """Return what does not depend on the step, as often as there are steps."""
        length = self.steps.length
        if isinstance(length, int):
            return Multiply(x, filled(length, x.dtype, x.type.shape))
        return Multiply(x, broadcast(astype(SizeValue(length), x.dtype), x.type.shape))


def _rows_from(x: Tensor, first: Size, count: Size, rest: tuple[Size, ...]) -> Tensor:
    return Slice(x, (first, *(0 for _ in rest)), (1,) * x.ndim, (count, *rest))


def _one_below_another(rows: Tensor) -> Tensor:
    """Return matrices, one for each step, as the blocks of one matrix."""
    steps, height, width = rows.type.shape
    return Reshape(rows, (mul(steps, height), width))


def _transposed(x: Tensor) -> Tensor:
    match x:
        case Transpose(inner, (1, 0)):
            return inner
        case _:
            return Transpose(x, (1, 0))
