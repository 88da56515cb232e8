"""Lower the graphs inside nodes: loops and branches become steps with steps inside.

A body is lowered as a function is, into the same memory.  What it captured it reads where that
lies outside.  In a loop a row of a sequence is a view of the sequence, and a row of a result is
written where it belongs.  What is carried is like a shared variable, and what is carried on like
its update:

- it is written over the old where the kernel that makes it reads the old only where it writes;
- if it is a row of a result, too, the row of the last step is read as the old;
- else the two have memory of their own, which change places after each step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, I64
from agnesi.core.errors import CompilerBug
from agnesi.core.record import replace
from agnesi.dims.dim import Dim, Value, mul, product, value_of
from agnesi.dims.simplify import minimum, substitute
from agnesi.graph.body import Part, Several
from agnesi.graph.graph import toposort
from agnesi.graph.tensor import Requirement, Tensor
from agnesi.loops.nodes import fresh_buffer
from agnesi.lower.products import is_computed_here, same_memory
from agnesi.lower.program import (
    BindValue,
    Carried,
    Clear,
    Copy,
    Row,
    RunBranch,
    RunLoop,
    Space,
    Storage,
)
from agnesi.lower.views import reads_of, rows_of
from agnesi.lower.whole import as_kernel
from agnesi.ops.branch import Branch
from agnesi.ops.families import HostOp
from agnesi.ops.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.body import Body
    from agnesi.graph.leaves import Input
    from agnesi.loops.nodes import Buffer
    from agnesi.lower.lower import Lowering
    from agnesi.lower.program import Step


def several_steps(outer: Lowering, number: int, node: Several) -> list[Step]:
    """Return the steps that compute a node with bodies.

    Args:
        outer: lowers the graph around.
        number: of the node's group.
        node: a loop or a branch.
    """
    match node:
        case Loop():
            return _loop(outer, number, node)
        case Branch():
            return _branch(outer, number, node)
        case _:
            raise CompilerBug(f"{node!r} has no steps")


def _loop(outer: Lowering, number: int, node: Loop) -> list[Step]:
    """Return the steps of a loop, which may be one kernel if its products are not cut."""
    products = [n for n in toposort(node.body.outputs) if is_computed_here(n)]
    # How many rows there are need not be known.
    known = all(isinstance(size, int) for leaf in node.carries for size in leaf.type.shape[1:])
    if not products or not known:
        return _LoopSteps(outer, number, node).steps()
    saved = dict(outer.buffers), dict(outer.targets), dict(outer.storage)
    loop = _LoopSteps(outer, number, node, whole=True)
    steps = loop.steps()
    if loop.is_kernel:
        return steps
    outer.buffers, outer.targets = saved[:2]
    outer.storage.clear()
    outer.storage.update(saved[2])
    return _LoopSteps(outer, number, node).steps()


def may_fail(node: Several) -> bool:
    """Whether something inside of a node may stop the function."""
    for inner in toposort(output for body in node.bodies for output in body.outputs):
        if inner.requirements() or isinstance(inner, HostOp):
            return True
        if len(inner.dependencies) > len(inner.operands):
            # Memory of a size that is computed may be too large.
            return True
        if isinstance(inner, Several) and may_fail(inner):
            return True
    return False


def _named(outer: Lowering, name: str, dtype: DType, shape: Shape, space: Space) -> Buffer:
    """Return a new buffer."""
    buffer = fresh_buffer(name, dtype.real)
    outer.storage[buffer] = Storage(space, -1, dtype, shape)
    return buffer


def _given(
    outer: Lowering,
    inner: Lowering,
    leaves: Sequence[Input],
    reads: Sequence[Tensor],
    sizes: Iterable[Size] = (),
) -> list[Step]:
    """Let inputs of a body be read where what they stand for lies; return how sizes are learnt.

    Args:
        outer: lowers the graph around.
        inner: lowers the body.
        leaves: the inputs.
        reads: what they stand for.
        sizes: more that the body needs to know.
    """
    for leaf, tensor in zip(leaves, reads, strict=True):
        inner.buffers[leaf] = outer.buffers[same_memory(tensor)]
    stand_ins = set(leaves)
    values = dict.fromkeys(inner.all_values())
    for size in sizes:
        if isinstance(size, Dim):
            values.update({a: None for a in size.atoms if isinstance(a, Value)})
    return [
        BindValue(value, inner.buffers[value.term])
        for value in values
        if isinstance(value.term, Tensor) and value.term in stand_ins
    ]


def _copies(buffers: Iterable[Sequence[Buffer]]) -> list[Step]:
    """Return how results get to all places but the first."""
    return [Copy(first, other) for first, *others in buffers for other in others]


def _number_copies(outer: Lowering, node: Several) -> list[Step]:
    """Return how the node's own value gets to all places but the first."""
    return _copies([outer.targets[node]]) if node in outer.targets else []


class _LoopSteps:
    """Writes the steps of one loop."""

    def __init__(self, outer: Lowering, number: int, node: Loop, *, whole: bool = False) -> None:
        self.outer, self.me, self.node, self.whole = outer, number, node, whole
        self.is_kernel = False
        # Buffers that there were before.
        self.known = set(outer.storage)
        self.prefix = f"{outer.prefix}k{number}."
        self.used = set(toposort(o for body in node.bodies for o in body.outputs))
        self.before: list[Step] = []
        self.last: list[Step] = []
        self.rows: list[Row] = []
        self.carried: list[Carried] = []
        self.kept: list[Buffer] = []
        # Leaves that are carried on in the place of others, with where to copy them.
        self.across: list[tuple[Tensor, Buffer]] = []
        parts = [Part(node, k) for k in range(len(node.part_types))]
        # Where the results go that are wanted.
        self.wanted = {k: outer.targets[p] for k, p in enumerate(parts) if p in outer.targets}

    def steps(self) -> list[Step]:
        """Return all steps."""
        node, outer = self.node, self.outer
        collected = [k for k in range(len(node.collected)) if len(node.inits) + k in self.wanted]
        inner = outer.inside(self.prefix, node.body, [node.collected[k] for k in collected])
        inner.whole = self.whole
        inner.updates = dict(zip(node.carries, node.nexts, strict=True))
        inner.analyse()
        number = self.number(inner)
        hoisted = _given(outer, inner, node.stand_ins, node.captured)
        self.sequences(inner)
        # What is carried is where it is only after what reads it is known.
        for k, leaf in enumerate(node.carries):
            inner.buffers[leaf] = self.home_of(k)
        inner.homes = {inner.buffers[leaf] for leaf in node.carries}
        inner.place_constants()
        rows = [self.result(k) for k in collected]
        inner.place_outputs(rows)
        inner.place_stored()
        inner.relate()
        for k, leaf in enumerate(node.carries):
            self.carry(inner, k, leaf)
        inner.first_copies = [Copy(inner.buffers[new], spare) for new, spare in self.across]
        inner.place_bodies()
        bound: set[Dim] = {step.value for step in hoisted if isinstance(step, BindValue)}
        pending = [*inner.all_requirements(), *self.same_sizes()]
        first: list[Step] = []
        if node.condition is None:
            inner.release(pending, bound, first)
        condition, go, more = self.condition(inner, number)
        body = inner.ordered_steps(rows, pending, bound)
        done = outer.buffers.get(node)
        loop = RunLoop(
            node=node,
            length=node.length,
            reverse=node.reverse,
            number=number,
            done=done,
            rows=tuple(self.rows),
            carried=tuple(self.carried),
            kept=tuple(dict.fromkeys(self.kept)),
            first=tuple(first),
            condition=tuple(condition),
            go=go,
            steps=tuple(body),
            last=tuple(self.last),
        )
        after = [*_copies(self.wanted.values()), *_number_copies(outer, node)]
        return [*hoisted, *more, *self.before, *self.fast(loop), *after]

    def fast(self, loop: RunLoop) -> list[Step]:
        """Return a loop as one kernel, where its steps are small."""
        fresh = set(self.outer.storage) - self.known
        kernel = as_kernel(loop, self.outer.storage, fresh, f"{self.prefix[:-1]}_loop")
        if kernel is None or loop.length is None:
            return [loop]
        self.is_kernel = True
        if not loop.first:
            return [kernel]
        # What has to hold if there is a step.
        once = replace(
            loop,
            length=minimum(loop.length, 1),
            number=None,
            done=None,
            rows=(),
            carried=(),
            kept=(),
            steps=(),
            last=(),
        )
        return [once, kernel]

    def number(self, inner: Lowering) -> Buffer | None:
        """Return where the number of the step is, if something reads it."""
        leaf = self.node.number
        bodies = [body.inputs[0] for body in self.node.bodies]
        if not any(each in self.used for each in bodies):
            return None
        buffer = _named(self.outer, f"{self.prefix}t", I64, (), Space.ARENA)
        inner.buffers[leaf] = buffer
        return buffer

    def sequences(self, inner: Lowering) -> None:
        """Let the rows of sequences be views of them."""
        for leaf, sequence in zip(self.node.rows, self.node.sequences, strict=True):
            if leaf not in self.used:
                continue
            found = rows_of(sequence)
            name, shape = f"{self.prefix}{leaf.name or 'row'}", leaf.type.shape
            view = _named(self.outer, name, leaf.dtype, shape, Space.VIEW)
            parts = 2 if leaf.dtype.is_complex else 1
            start, stride = mul(found.start, parts), mul(found.stride, parts)
            self.rows.append(Row(view, self.outer.buffers[found.base], start, stride))
            inner.buffers[leaf] = view

    def result(self, k: int) -> Buffer:
        """Return a view of row ``t`` of a collected result."""
        output = self.node.collected[k]
        base = self.wanted[len(self.node.inits) + k][0]
        if self.node.condition is not None:
            self.before.append(Clear(base))
        dtype, shape = output.dtype, output.type.shape
        view = _named(self.outer, f"{self.prefix}y{k}", dtype, shape, Space.VIEW)
        self.rows.append(Row(view, base, 0, mul(product(shape), 2 if dtype.is_complex else 1)))
        return view

    # -- what is carried ---------------------------------------------------------------------

    def home_of(self, k: int) -> Buffer:
        """Return where what is carried lies if that is one place: where its last value goes."""
        if k in self.wanted:
            return self.wanted[k][0]
        return self.memory(k, "")

    def memory(self, k: int, suffix: str) -> Buffer:
        """Return new memory for what is carried."""
        init, leaf = self.node.inits[k], self.node.carries[k]
        name = f"{self.prefix}{leaf.name or f'carry{k}'}{suffix}"
        return _named(self.outer, name, init.dtype, init.type.shape, Space.ARENA)

    def carry(self, inner: Lowering, k: int, leaf: Input) -> None:
        """Decide how a value gets from one step to the next."""
        own, new = inner.buffers[leaf], self.node.nexts[k]
        if new is leaf:
            self.unchanged(inner, k, leaf)
            return
        row = self.row_of(inner, new)
        if row is not None:
            view = self.view(inner, k, leaf, own)
            self.carried.append(Carried(view, self.start_of(k), row))
            return
        if new in inner.home and inner.may_write_over(leaf, new):
            inner.targets.setdefault(new, []).append(own)
            inner.buffers.setdefault(new, own)
            self.kept.append(own)
            self.begin(k, own)
            return
        view = self.view(inner, k, leaf, own)
        one, other = self.memory(k, "0"), self.memory(k, "1")
        spare = _named(self.outer, f"{view.name}'", leaf.dtype, leaf.type.shape, Space.VIEW)
        self.carried += [Carried(view, one, spare), Carried(spare, other, view)]
        self.begin(k, one)
        if new in inner.home:
            inner.targets.setdefault(new, []).append(spare)
            inner.buffers.setdefault(new, spare)
        else:
            self.across.append((new, spare))

    def row_of(self, inner: Lowering, new: Tensor) -> Buffer | None:
        """Return the row of a sequence or of a result that is the same, if there is one."""
        if any(new is leaf for leaf in self.node.rows):
            return inner.buffers[new]
        if new not in inner.home:
            return None
        views = {row.buffer for row in self.rows}
        return next((b for b in inner.targets.get(new, ()) if b in views), None)

    def view(self, inner: Lowering, k: int, leaf: Input, own: Buffer) -> Buffer:
        """Let what is carried be a view; its last value is copied where it is wanted."""
        shape = leaf.type.shape
        name = f"{self.prefix}{leaf.name or f'carry{k}'}"
        view = _named(self.outer, name, leaf.dtype, shape, Space.VIEW)
        inner.buffers[leaf] = view
        if k in self.wanted:
            self.last.append(Copy(view, own))
        return view

    def unchanged(self, inner: Lowering, k: int, leaf: Input) -> None:
        """Let what never changes be read where it begins."""
        inner.buffers[leaf] = self.start_of(k)
        if k in self.wanted:
            self.before.append(Copy(self.start_of(k), self.wanted[k][0]))

    def start_of(self, k: int) -> Buffer:
        """Return where the first value lies."""
        return self.outer.buffers[same_memory(self.node.inits[k])]

    def begin(self, k: int, memory: Buffer) -> None:
        """See to it that the first value lies in memory that will be written over."""
        outer, init = self.outer, self.node.inits[k]
        if self.is_only_ours(init):
            # It is computed where it is wanted.
            old = outer.buffers[init]
            outer.targets[init] = [memory]
            outer.buffers[init] = memory
            del outer.storage[old]
        else:
            self.before.append(Copy(self.start_of(k), memory))

    def is_only_ours(self, init: Tensor) -> bool:
        """Whether nothing but this loop reads a value, and where it lies is free to choose."""
        outer = self.outer
        if init not in outer.home or outer.readers.get(init, set()) != {self.me}:
            return False
        if any(same_memory(new) is init for new in outer.updates.values()):
            # It is copied to a shared variable, or carried on by a loop around, at the end.
            return False
        operands = reads_of(self.node)
        if sum(o is init for o in operands) > 1 or len(outer.targets.get(init, ())) != 1:
            return False
        space = outer.storage[outer.buffers[init]].space
        return space is Space.ARENA and init not in outer.mentioned

    def same_sizes(self) -> list[tuple[Requirement, Tensor]]:
        """Return what has to hold for what is carried on to fit."""
        found: list[tuple[Requirement, Tensor]] = []
        for leaf, new in zip(self.node.carries, self.node.nexts, strict=True):
            for axis, (old, size) in enumerate(zip(leaf.type.shape, new.type.shape, strict=True)):
                if old != size and not isinstance(old, int):
                    words = f"axis {axis} of what a loop carries on, {new.type}, is {old} before"
                    found.append((Requirement("equal", size, old, words), new))
        return found

    # -- the end -----------------------------------------------------------------------------

    def condition(
        self, inner: Lowering, number: Buffer | None
    ) -> tuple[list[Step], Buffer | None, list[Step]]:
        """Return the steps that ask for another step, where they say so, and what comes before."""
        node, body = self.node, self.node.condition
        if body is None:
            return [], None, []
        asks = self.outer.inside(f"{self.prefix}c.", body, body.outputs)
        asks.analyse()
        count = len(node.inits)
        for leaf, carry in zip(body.inputs[1 : 1 + count], node.carries, strict=True):
            asks.buffers[leaf] = inner.buffers[carry]
        if number is not None:
            asks.buffers[body.inputs[0]] = number
        more = _given(self.outer, asks, body.inputs[1 + count :], node.captured)
        go = _named(self.outer, f"{self.prefix}go", BOOL, (), Space.ARENA)
        steps = _lowered(asks, [go], {s.value for s in more if isinstance(s, BindValue)})
        return steps, go, more


def _lowered(
    inner: Lowering,
    outputs: Sequence[Buffer],
    bound: set[Dim],
    needs: Iterable[tuple[Requirement, Tensor]] = (),
) -> list[Step]:
    """Return the steps of a body whose inputs have their places, with all of its checks."""
    inner.place_constants()
    inner.place_outputs(outputs)
    inner.place_stored()
    inner.relate()
    inner.place_bodies()
    return inner.ordered_steps(outputs, [*needs, *inner.all_requirements()], bound)


def _branch(outer: Lowering, number: int, node: Branch) -> list[Step]:
    """Return the steps of a branch: each body writes into the same memory."""
    parts = [Part(node, k) for k in range(len(node.part_types))]
    wanted = {k: outer.targets[p] for k, p in enumerate(parts) if p in outer.targets}
    lists: list[tuple[Step, ...]] = []
    for which, body in enumerate(node.branches):
        inner = outer.inside(
            f"{outer.prefix}k{number}.{which}.", body, [body.outputs[k] for k in wanted]
        )
        inner.analyse()
        needs = list(_like_the_first(node, body, wanted))
        sizes = [size for need, _ in needs for size in (need.a, need.b)]
        bind = _given(outer, inner, body.inputs, node.captured, sizes)
        bound: set[Dim] = {step.value for step in bind if isinstance(step, BindValue)}
        steps = _lowered(inner, [places[0] for places in wanted.values()], bound, needs)
        lists.append((*bind, *steps))
    index = outer.buffers[same_memory(node.index)]
    run = RunBranch(node, index, outer.buffers.get(node), tuple(lists))
    return [run, *_copies(wanted.values()), *_number_copies(outer, node)]


def _like_the_first(
    node: Branch, body: Body, wanted: Iterable[int]
) -> Iterator[tuple[Requirement, Tensor]]:
    """Yield what has to hold for results of a branch to have the sizes of the first one's."""
    inputs, firsts = node.branches[0].inputs, node.branches[0].outputs
    stand_in: dict[Dim, Size] = {}
    for old, new in zip(inputs, body.inputs, strict=True):
        if old is not new and not old.ndim and not old.dtype.is_inexact:
            stand_in[value_of(old)] = value_of(new)
    for k in wanted:
        sizes = zip(body.outputs[k].type.shape, firsts[k].type.shape, strict=True)
        for axis, (size, first) in enumerate(sizes):
            wants = substitute(first, stand_in.get)
            if size != wants:
                words = f"axis {axis} of result {k} of a branch is {size}, but {first} in the first"
                yield Requirement("equal", size, wants, words), body.outputs[k]
