"""From a rewritten graph to a program: kernels, buffers and their order.

Outputs are written where they are returned from.  The new value of a shared variable is written
over the old one when every other reader of the old value can come first and the kernel reads the
old value only at the place it writes; otherwise it is copied at the end.  Whatever can fail comes
before anything that a failure must leave as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.core.machine import PLAIN, Machine
from agnesi.core.record import field, record, replace
from agnesi.dims.dim import Dim, Size, Symbol, Value, product
from agnesi.graph.body import Several
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Constant, Input, Leaf, owner_of
from agnesi.graph.tensor import Requirement, SizeFloat, SizeValue, Tensor
from agnesi.loops.nodes import Buffer, Contract, Load, Store, fresh_buffer
from agnesi.loops.traverse import scalars_in, walk_scalars, walk_statements
from agnesi.lower.contract import write_contraction
from agnesi.lower.convolve import write_convolution
from agnesi.lower.fuse import (
    Fusion,
    Group,
    code_reads,
    fuse,
    is_inlinable,
    is_materialised_leaf,
)
from agnesi.lower.kernels import write_kernel, write_loops
from agnesi.lower.nested import may_fail, several_steps
from agnesi.lower.plan import plan_buffers
from agnesi.lower.products import (
    is_computed_here,
    is_convolved_here,
    is_in_blocks,
    library_index,
    matrix_view,
    same_memory,
)
from agnesi.lower.program import (
    NOTHING,
    ONE,
    BindValue,
    CallHost,
    Copy,
    MultiplyMatrices,
    Program,
    Require,
    RunBranch,
    RunKernel,
    Scale,
    Space,
    Step,
    Storage,
)
from agnesi.lower.row_loops import may_write_over
from agnesi.lower.turned import turn_once
from agnesi.ops.families import HostOp, LoopOp
from agnesi.ops.linear import MatMul

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.graph.body import Body
    from agnesi.loops.nodes import Kernel
    from agnesi.lower.accumulate import Accumulation, Factor, Term


def lower(
    name: str,
    inputs: Sequence[Leaf],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Leaf, Tensor]],
    machine: Machine = PLAIN,
) -> Program:
    """Return the program that computes outputs and updates shared variables.

    Args:
        name: of the function.
        inputs: its parameters.
        outputs: what it returns.
        updates: shared variables with their new values, all from the old values.
        machine: what it is for.
    """
    roots = turn_once([*outputs, *(value for _, value in updates)])
    news = dict(zip((leaf for leaf, _ in updates), roots[len(outputs) :], strict=True))
    return Lowering(name, inputs, roots[: len(outputs)], news, machine).run()


@record()
class Lowering:
    """Lowers one graph: a function's, or one inside a node of it, which shares its memory.

    Attributes:
        name: of the function.
        inputs: leaves whose values are given.
        outputs: what is computed.
        updates: leaves with what takes their place.
        machine: what it is for.
        prefix: what names of kernels begin with.
        whole: whether small products are not cut: they may become part of a larger kernel.
        buffers: where each stored node is read.
        targets: where each stored node is written.
        storage: of all buffers of the function.
        constants: of the function.
        homes: buffers that stay what they are while what is in them changes, as shared variables.
    """

    name: str
    inputs: Sequence[Leaf]
    outputs: Sequence[Tensor]
    updates: Mapping[Leaf, Tensor]
    machine: Machine = PLAIN
    prefix: str = ""
    whole: bool = False
    buffers: dict[Tensor, Buffer] = field(default_factory=dict[Tensor, Buffer])
    targets: dict[Tensor, list[Buffer]] = field(default_factory=dict[Tensor, "list[Buffer]"])
    storage: dict[Buffer, Storage] = field(default_factory=dict[Buffer, Storage])
    constants: dict[Constant, Buffer] = field(default_factory=dict[Constant, Buffer])
    homes: set[Buffer] = field(default_factory=set["Buffer"])

    def run(self) -> Program:
        """Lower everything, in the order of this method's lines."""
        self.analyse()
        self.place_inputs()
        self.place_leaves()
        output_buffers = [
            self.new_buffer(f"out{k}", node, Space.OUTPUT, k) for k, node in enumerate(self.outputs)
        ]
        self.place_outputs(output_buffers)
        self.place_stored()
        self.relate()
        self.guards = self.late_guards()
        commits, renewed = self.place_updates()
        self.place_bodies()
        steps = self.ordered_steps(output_buffers, self.all_requirements(), set())
        steps += commits
        program = Program(
            name=self.name,
            inputs=tuple(self.inputs),
            shareds=tuple(self.shareds),
            constants=tuple(self.constants),
            outputs=tuple(output_buffers),
            renewed=renewed,
            updated=frozenset(self.position[s] for s in self.updates),
            storage=self.storage,
            steps=steps,
            symbols=self.symbols(),
        )
        plan_buffers(program)
        return program

    def inside(self, prefix: str, body: Body, outputs: Sequence[Tensor]) -> Lowering:
        """Return what lowers a graph inside a node."""
        return Lowering(
            name=self.name,
            inputs=body.inputs,
            outputs=outputs,
            updates={},
            machine=self.machine,
            prefix=prefix,
            storage=self.storage,
            constants=self.constants,
        )

    def analyse(self) -> None:
        """Decide what is stored, and what shares a kernel."""
        self.written = [_writes(output) for output in self.outputs]
        self.roots = [*self.written, *self.updates.values()]
        self.nodes = toposort([*self.outputs, *self.roots], set(self.inputs))
        # Numbers that only a view on the way to an output mentions are computed all the same.
        below = set(toposort(self.roots, set(self.inputs)))
        views = [node for node in self.nodes if node not in below]
        numbers = [d for node in views for d in node.dependencies[len(node.operands) :]]
        self.fusion: Fusion = fuse([*self.roots, *numbers], {*self.updates})
        self.home = {n: g for g in self.fusion.groups for n in g.nodes}

    def relate(self) -> None:
        """Find which group reads what, and which has to come before which."""
        self.before: dict[int, set[int]] = {}
        self.number = {id(g): k for k, g in enumerate(self.fusion.groups)}
        self.reads = [dict.fromkeys(self.fusion.reads(g)) for g in self.fusion.groups]
        self.readers: dict[Tensor, set[int]] = {}
        for k, reads in enumerate(self.reads):
            for node in reads:
                self.readers.setdefault(node, set()).add(k)
        self.needs = [self.group_needs(g) for g in self.fusion.groups]
        self.followers: dict[int, set[int]] = {}
        for k, needs in enumerate(self.needs):
            for need in needs:
                self.followers.setdefault(need, set()).add(k)
        # Numbers that sizes mention.
        self.mentioned = {d for n in self.nodes for d in n.dependencies[len(n.operands) :]}
        self.guards: set[int] = set()
        self.first_copies: list[Copy] = []

    def place_bodies(self) -> None:
        """Lower the graphs inside nodes, what comes last first: it says where to begin it."""
        self.inner: dict[int, list[Step]] = {}
        for k in reversed(range(len(self.fusion.groups))):
            node = self.fusion.groups[k].nodes[0]
            if isinstance(node, Several):
                self.inner[k] = several_steps(self, k, node)

    # -- memory ------------------------------------------------------------------------------

    def new_buffer(self, name: str, node: Tensor, space: Space, position: int) -> Buffer:
        """Return a buffer for a tensor, with its storage noted."""
        buffer = fresh_buffer(name, node.dtype.real)
        self.storage[buffer] = Storage(space, position, node.dtype, node.type.shape)
        return buffer

    def place_inputs(self) -> None:
        """Give inputs their buffers."""
        for k, leaf in enumerate(self.inputs):
            self.buffers[leaf] = self.new_buffer(leaf.name or f"input{k}", leaf, Space.INPUT, k)

    def place_leaves(self) -> None:
        """Give shared variables and constants their buffers."""
        self.shareds: list[Leaf] = []
        self.position: dict[Tensor, int] = {}
        self.place_constants()
        for node in [*self.nodes, *self.updates, *self.owners()]:
            if node in self.buffers or not is_materialised_leaf(node):
                continue
            if isinstance(node, Input):
                # Native code would read memory that nobody gave.
                raise CompilerBug(f"{self.name} reads {node!r}, which is no input of it")
            position = len(self.shareds)
            self.shareds.append(node)  # type: ignore[arg-type]
            self.position[node] = position
            label = node.name or f"shared{position}"
            self.buffers[node] = self.new_buffer(label, node, Space.SHARED, position)
            self.homes.add(self.buffers[node])

    def place_constants(self) -> None:
        """Give constants their buffers, which are those of the whole function."""
        for node in self.nodes:
            if isinstance(node, Constant) and node.ndim:
                position = len(self.constants)
                if node not in self.constants:
                    buffer = self.new_buffer(f"c{position}", node, Space.CONSTANT, position)
                    self.constants[node] = buffer
                self.buffers[node] = self.constants[node]

    def owners(self) -> list[Leaf]:
        """Return the shared variables whose sizes are mentioned, whether or not their values are."""  # noqa: E501
        found: dict[Leaf, None] = {}
        for node in [*self.nodes, *self.updates]:
            for size in (*node.sizes_mentioned(), *node.type.shape):
                for atom in size.atoms if isinstance(size, Dim) else ():
                    owner = owner_of(atom) if isinstance(atom, Symbol) else None
                    if owner is not None:
                        found[owner] = None
        return list(found)

    def place_outputs(self, buffers: Sequence[Buffer]) -> None:
        """Let the node that makes an output write it where it belongs."""
        for node, buffer in zip(self.written, buffers, strict=True):
            if not is_materialised_leaf(node):
                self.targets.setdefault(node, []).append(buffer)
                self.buffers.setdefault(node, buffer)

    def place_stored(self) -> None:
        """Give every other stored node a place in the arena, unless only an update wants it."""
        wanted = self.stored_readers()
        updated = set(self.updates.values())
        for k, node in enumerate(self.fusion.stored):
            if node in self.buffers:
                continue
            if node in updated and node not in wanted:
                continue
            group = self.home[node]
            alone = group.rows is not None or (group.fusible and is_inlinable(node))
            if alone and node not in wanted:
                # Only its own kernel reads it, which keeps it as it sees fit.
                continue
            if isinstance(node, Several) and node not in wanted:
                continue
            if node not in wanted and len(self.home[node].nodes) > 1 and is_in_blocks(node):
                rows = node.type.shape[-2]
                if not self.whole or isinstance(rows, int):
                    continue
            buffer = self.new_buffer(f"t{k}", node, Space.ARENA, -1)
            self.buffers[node] = buffer
            self.targets[node] = [buffer]

    def stored_readers(self) -> set[Tensor]:
        """Return stored nodes that a group other than their own reads."""
        wanted: set[Tensor] = set()
        for group in self.fusion.groups:
            for node in self.fusion.reads(group):
                if node in self.home and self.home[node] is not group:
                    wanted.add(node)
        for node in self.nodes:
            wanted.update(node.dependencies[len(node.operands) :])
        return wanted

    # -- order -------------------------------------------------------------------------------

    def group_needs(self, group: Group) -> set[int]:
        """Return the groups that have to run before this one."""
        needs: set[int] = set()
        for node in self.reads[self.number[id(group)]]:
            if node in self.home:
                needs.add(self.number[id(self.home[node])])
        seen: set[Tensor] = set()
        stack: list[Tensor] = list(group.nodes)
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            for hidden in node.dependencies[len(node.operands) :]:
                if hidden in self.home:
                    needs.add(self.number[id(self.home[hidden])])
            inlined = [o for o in node.operands if o not in self.fusion.stored]
            stack.extend(o for o in inlined if not is_materialised_leaf(o))
        needs.discard(self.number[id(group)])
        return needs

    def late_guards(self) -> set[int]:
        """Return the groups that can fail, or whose results are checked or sizes of memory."""
        values = [term for term in map(_term, self.all_values()) if term in self.home]
        hosts = [node for node in self.home if isinstance(node, HostOp)]
        inner = [node for node in self.home if isinstance(node, Several) and may_fail(node)]
        return {self.number[id(self.home[node])] for node in (*values, *hosts, *inner)}

    def place_updates(self) -> tuple[list[Copy], dict[int, Buffer]]:
        """Decide for each shared variable how its new value gets there."""
        commits: list[Copy] = []
        staged: list[Copy] = []
        renewed: dict[int, Buffer] = {}
        for k, (leaf, value) in enumerate(self.updates.items()):
            if value is leaf:
                continue
            own = self.buffers[leaf]
            position = self.position[leaf]
            if not all(isinstance(s, int) for s in leaf.type.shape):
                fresh = self.new_buffer(f"new{position}", value, Space.RENEWED, position)
                renewed[position] = fresh
                if value in self.home:
                    self.targets.setdefault(value, []).append(fresh)
                    self.buffers.setdefault(value, fresh)
                else:
                    staged.append(Copy(self.buffers[value], fresh))
                continue
            if value in self.home and self.may_write_over(leaf, value):
                self.targets.setdefault(value, []).append(own)
                self.buffers.setdefault(value, own)
                continue
            if value in self.home and value not in self.buffers:
                buffer = self.new_buffer(f"u{k}", value, Space.ARENA, -1)
                self.buffers[value] = buffer
                self.targets[value] = [buffer]
            source = self.buffers[value]
            if value in self.updates:
                # A variable that is itself about to change: its old value is set aside first.
                stage = self.new_buffer(f"s{k}", value, Space.ARENA, -1)
                staged.append(Copy(source, stage))
                source = stage
            commits.append(Copy(source, own))
        self.first_copies = staged
        return commits, renewed

    def may_write_over(self, leaf: Leaf, value: Tensor) -> bool:
        """Whether the group of the new value may write it over the old; notes the order if so."""
        group = self.home[value]
        me = self.number[id(group)]
        own_loops = isinstance(value, LoopOp) and value.begins_with is not None
        adds = value in self.fusion.accumulations
        fits = group.fusible or group.rows is not None or own_loops or adds
        if not fits or leaf.type.shape != value.type.shape:
            return False
        own = self.buffers[leaf]
        if value in self.buffers and self.buffers[value] in self.homes:
            return False
        if not self.reads_in_place(group, value, own):
            return False
        earlier = (self.readers.get(leaf, set()) | self.guards) - {me}
        # In a loop the old value is copied first where it takes the place of another one.
        if me in self.guards or (not self.prefix and any(n is leaf for n in self.updates.values())):
            return False
        if not earlier.isdisjoint(self.after(me)):
            return False
        self.before.setdefault(me, set()).update(earlier)
        for k in earlier:
            self.followers.setdefault(k, set()).add(me)
        return True

    def reads_in_place(self, group: Group, value: Tensor, own: Buffer) -> bool:
        """Whether the group's kernel loads from the buffer only where it stores the new value.

        Loops of an op's own may change a copy of the old value; they then read nothing else of it.
        """
        if isinstance(value, LoopOp) and not is_in_blocks(value):
            return self.changes_in_place(value, own)
        if value in self.fusion.accumulations:
            return self.adds_in_place(value, own)
        stand_in = {
            n: self.targets.get(n) or [fresh_buffer("?", n.dtype.real)] for n in group.nodes
        }
        mark = fresh_buffer("mark", value.dtype.real)
        if group.rows is not None:
            # Other new values have no place yet, but will be written.
            news = {n: stand_in[n] for n in self.updates.values() if n in stand_in}
            targets = {**news, **self.targets, value: [mark]}
            return may_write_over(group.rows, group.nodes, self.buffers, targets, (value, own))
        if is_in_blocks(group.nodes[0]):
            targets = {n: self.targets.get(n, []) for n in group.nodes}
            kernel = self.contraction("trial", group, self.buffers, {**targets, value: [mark]})
        else:
            known = {**{n: b[0] for n, b in stand_in.items()}, **self.buffers}
            kernel = write_kernel("trial", group, known, {**stand_in, value: [mark]})
        statements = list(walk_statements(kernel.body))
        # A product in one block is all there before anything is stored: it may be one of the old.
        first = kernel.body[0]
        alone = isinstance(first, Contract) and first.target.buffer is not mark
        products = [s for s in statements[1 if alone else 0 :] if isinstance(s, Contract)]
        if any(own in (s.a.buffer, s.b.buffer) for s in products):
            return False
        offsets = {s.offset for s in statements if isinstance(s, Store) and s.buffer is mark}
        return all(
            scalar.offset in offsets
            for statement in statements
            for scalar in walk_scalars(scalars_in(statement))
            if isinstance(scalar, Load) and scalar.buffer is own
        )

    def changes_in_place(self, value: LoopOp, own: Buffer) -> bool:
        """Whether an op's loops change what is in the buffer, and read it nowhere else."""
        begun = same_memory(value.operands[value.begins_with or 0])
        if self.buffers.get(begun) is not own or value in self.buffers:
            return False
        mark = fresh_buffer("mark", value.dtype.real)
        kernel, _ = write_loops("trial", value, self.buffers, mark, begun=True)
        return own not in kernel.buffers

    def adds_in_place(self, value: Tensor, own: Buffer) -> bool:
        """Whether products are added to what is in the buffer, and are not made of it."""
        sum_ = self.fusion.accumulations[value]
        if sum_.base is None or self.buffers[sum_.base] is not own or value in self.buffers:
            return False
        reads = [*sum_.scalars(), *(o for t in sum_.terms for o in code_reads(t.node))]
        return all(self.buffers[node] is not own for node in reads)

    def after(self, start: int) -> set[int]:
        """Return the groups that have to come after one, directly or not."""
        seen: set[int] = set()
        stack = [*self.followers.get(start, ())]
        while stack:
            k = stack.pop()
            if k not in seen:
                seen.add(k)
                stack.extend(self.followers.get(k, ()))
        return seen

    def ordered_steps(
        self, outputs: Sequence[Buffer], pending: list[tuple[Requirement, Tensor]], bound: set[Dim]
    ) -> list[Step]:
        """Return all steps but the last copies into shared variables.

        Args:
            outputs: where they go.
            pending: what is to be checked.
            bound: values that are known already.
        """
        steps: list[Step] = []
        values = self.all_values()
        for value in values:
            term = _term(value)
            if value not in bound and term in self.buffers and is_materialised_leaf(term):
                steps.append(BindValue(value, self.buffers[term]))
                bound.add(value)
        self.release(pending, bound, steps)
        for node, buffer in zip(self.written, outputs, strict=True):
            if is_materialised_leaf(node):
                steps.append(Copy(self.buffers[node], buffer))
        steps += self.first_copies
        for k in self.group_order():
            group = self.fusion.groups[k]
            steps += self.group_steps(k, group)
            for value in values:
                term = _term(value)
                if value not in bound and self.home.get(term) is group:
                    steps.append(BindValue(value, self.buffers[term]))
                    bound.add(value)
                    self.release(pending, bound, steps)
        if pending:
            raise CompilerBug(f"never checked: {pending}")
        return steps

    def group_order(self) -> list[int]:
        """Return a valid order of groups, as near to the graph's own as can be."""
        done: dict[int, None] = {}
        stack = list(range(len(self.fusion.groups)))[::-1]
        opened: set[int] = set()
        while stack:
            k = stack[-1]
            if k in done:
                stack.pop()
                continue
            waiting = [
                n for n in sorted(self.needs[k] | self.before.get(k, set())) if n not in done
            ]
            if not waiting:
                done[k] = None
                stack.pop()
            elif k in opened and any(n in opened for n in waiting):
                raise CompilerBug(f"groups of {self.name} need each other")
            else:
                opened.add(k)
                stack.extend(waiting[::-1])
        return list(done)

    def all_values(self) -> list[Value]:
        """Return every symbolic value that something mentions."""
        found: dict[Value, None] = {}
        for node in self.nodes:
            sizes: list[Size] = [*node.sizes_mentioned(), *node.type.shape]
            for need in node.requirements():
                sizes += [need.a, need.b]
            for size in sizes:
                if isinstance(size, Dim):
                    found.update({a: None for a in size.atoms if isinstance(a, Value)})
        return sorted(found, key=lambda v: v.uid)

    def all_requirements(self) -> list[tuple[Requirement, Tensor]]:
        """Return what has to be checked, each once."""
        found: dict[tuple[str, Size, Size], tuple[Requirement, Tensor]] = {}
        for node in self.nodes:
            for need in node.requirements():
                found.setdefault((need.kind, need.a, need.b), (need, node))
        for leaf, value in self.updates.items():
            for size, new in zip(leaf.type.shape, value.type.shape, strict=True):
                if isinstance(size, int) and size != new:
                    words = f"update of {leaf!r} by {value.type}"
                    need = Requirement("equal", new, size, words)
                    found.setdefault(("equal", new, size), (need, value))
        return list(found.values())

    def release(
        self, pending: list[tuple[Requirement, Tensor]], bound: set[Dim], steps: list[Step]
    ) -> None:
        """Move the requirements whose numbers are known from pending to the steps."""
        waiting: list[tuple[Requirement, Tensor]] = []
        for need, node in pending:
            if all(v in bound for v in _values(need)):
                steps.append(Require(need, node))
            else:
                waiting.append((need, node))
        pending[:] = waiting

    def group_steps(self, k: int, group: Group) -> list[Step]:
        """Return the steps that compute a group."""
        node = group.nodes[0]
        if k in self.inner:
            return self.inner[k]
        if node in self.fusion.accumulations:
            first, *others = self.targets[node]
            steps = self.accumulate(self.fusion.accumulations[node], first)
            return [*steps, *(Copy(first, other) for other in others)]
        if isinstance(node, MatMul) and is_computed_here(node):
            kernel = self.contraction(f"{self.prefix}k{k}", group)
            here = RunKernel(kernel, tuple(group.nodes))
            index = library_index(node)
            if index is None:
                return [here]
            return [RunBranch(node, index, None, ((here,), self.by_library(k, group, node)))]
        if is_convolved_here(node):
            return [RunKernel(self.contraction(f"{self.prefix}k{k}", group), tuple(group.nodes))]
        if isinstance(node, MatMul):
            first, *others = self.targets[node]
            return [self.matmul_step(node, first), *(Copy(first, other) for other in others)]
        if isinstance(node, HostOp):
            first, *others = self.targets[node]
            reads = tuple(self.buffers[same_memory(o)] for o in node.operands)
            call = CallHost(node, reads, first)
            return [call, *(Copy(first, other) for other in others)]
        if isinstance(node, LoopOp):
            first, *others = self.targets[node]
            kernel, scratch = write_loops(f"{self.prefix}k{k}", node, self.buffers, first)
            self.add_scratch(scratch)
            return [RunKernel(kernel, (node,)), *(Copy(first, other) for other in others)]
        wanted: dict[Buffer, Size] = {}
        kernel = write_kernel(f"{self.prefix}k{k}", group, self.buffers, self.targets, wanted)
        self.add_scratch(wanted)
        return [RunKernel(kernel, tuple(group.nodes))]

    def by_library(self, k: int, group: Group, node: MatMul) -> tuple[Step, ...]:
        """Return the steps of a group that begins with a product, which a library computes."""
        if not self.targets.get(node):
            own = self.place_of_product(k, group, node)
            targets, buffers = {**self.targets, node: [own]}, {**self.buffers, node: own}
        else:
            targets, buffers = self.targets, self.buffers
        first, *others = targets[node]
        steps: list[Step] = [self.matmul_step(node, first)]
        steps += [Copy(first, other) for other in others]
        rest = group.nodes[1:]
        if rest:
            wanted: dict[Buffer, Size] = {}
            after = replace(group, nodes=rest)
            kernel = write_kernel(f"{self.prefix}k{k}b", after, buffers, targets, wanted)
            self.add_scratch(wanted)
            steps.append(RunKernel(kernel, tuple(rest)))
        return tuple(steps)

    def place_of_product(self, k: int, group: Group, node: MatMul) -> Buffer:
        """Return memory for a product that its group alone reads: where a result of it goes."""
        own = set(group.nodes)
        taken = {self.buffers[read] for read in self.fusion.reads(group) if read not in own}
        for reader in group.nodes[1:]:
            for target in self.targets.get(reader, ()):
                storage = self.storage[target]
                fits = storage.dtype is node.dtype and storage.space in (Space.OUTPUT, Space.ARENA)
                if fits and target not in taken:
                    return target
        return self.new_buffer(f"t{k}", node, Space.ARENA, -1)

    def contraction(
        self,
        name: str,
        group: Group,
        buffers: Mapping[Tensor, Buffer] | None = None,
        targets: Mapping[Tensor, Sequence[Buffer]] | None = None,
    ) -> Kernel:
        """Return the kernel of a group that begins with a product, or a convolution.

        By default it is stored into its targets.
        """
        memory, into = buffers or self.buffers, targets or self.targets
        wanted: dict[Buffer, Size] = {}
        if is_convolved_here(group.nodes[0]):
            kernel = write_convolution(name, group, memory, into, wanted, machine=self.machine)
        else:
            kernel = write_contraction(
                name, group, memory, into, wanted, machine=self.machine, whole=self.whole
            )
        if targets is None:
            self.add_scratch(wanted)
        return kernel

    def add_scratch(self, wanted: Mapping[Buffer, Size]) -> None:
        """Give a kernel the memory that it wants while it runs."""
        for buffer, size in wanted.items():
            self.storage[buffer] = Storage(Space.ARENA, -1, buffer.element, (size,))

    def accumulate(self, sum_: Accumulation, target: Buffer) -> list[Step]:
        """Return the steps that add products up in a buffer."""
        steps: list[Step] = []
        beta = NOTHING
        if sum_.base is not None:
            beta = self.scale(sum_.factor)
            if self.buffers[sum_.base] is not target:
                steps.append(Copy(self.buffers[sum_.base], target))
        for term in sum_.terms:
            steps.append(self.matmul_step(term.node, target, term, beta))
            beta = ONE
        return steps

    def scale(self, factor: Factor) -> Scale:
        """Return a factor with the places of its scalars."""
        return Scale(factor.number, tuple(self.buffers[s] for s in factor.scalars))

    def matmul_step(
        self, node: MatMul, target: Buffer, term: Term | None = None, beta: Scale = NOTHING
    ) -> Step:
        """Return the library call of a matrix product, or of its transpose."""
        (a, transpose_a), (b, transpose_b) = matrix_view(node.x), matrix_view(node.y)
        m, n, k = node.type.shape[-2], node.type.shape[-1], node.x.type.shape[-1]
        if term is not None and term.transposed:
            # The transpose of a product is the product of the transposes, in turn.
            (a, transpose_a), (b, transpose_b) = (b, not transpose_b), (a, not transpose_a)
            m, n = n, m
        return MultiplyMatrices(
            node,
            self.buffers[a],
            self.buffers[b],
            target,
            transpose_a,
            transpose_b,
            product(node.type.shape[:-2]),
            m,
            n,
            k,
            ONE if term is None else self.scale(term.factor),
            beta,
        )

    def symbols(self) -> tuple[Dim, ...]:
        """Return the sizes that the shapes of inputs and shared variables tell."""
        found: dict[Dim, None] = {}
        for leaf in [*self.inputs, *self.shareds]:
            found.update({s: None for s in leaf.type.shape if isinstance(s, Symbol)})
        return tuple(found)


def _writes(output: Tensor) -> Tensor:
    """Return the node that is written where an output belongs: what it is a view of."""
    node = same_memory(output)
    same = node.type.size == output.type.size and not isinstance(node, Leaf | SizeValue | SizeFloat)
    return node if same else output


def _term(value: Value) -> Tensor:
    """Return the tensor behind a symbolic value of the graph."""
    if not isinstance(value.term, Tensor):
        raise CompilerBug(f"{value!r} is the value of {value.term!r}, not of a tensor")
    return value.term


def _values(need: Requirement) -> list[Value]:
    sizes = [s for s in (need.a, need.b) if isinstance(s, Dim)]
    return [a for s in sizes for a in s.atoms if isinstance(a, Value)]
