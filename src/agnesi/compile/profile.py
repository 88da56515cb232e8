"""Where the time of calls goes: ``ag.function(..., profile=True)`` and ``f.profile``.

The callable reads the clock before and after each step of its program and adds what it took to a
few words of memory (``codegen/llvm/entry.py``); here they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.codegen.llvm.layout import ARENA_BYTES, METER
from agnesi.core.record import record
from agnesi.dims.dim import Index
from agnesi.dims.simplify import substitute
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Leaf
from agnesi.graph.text import op_name
from agnesi.lower.cost import bytes_moved, flops
from agnesi.lower.program import (
    BindValue,
    CallHost,
    Clear,
    Copy,
    MultiplyMatrices,
    Program,
    Require,
    RunBranch,
    RunKernel,
    RunLoop,
    Step,
    walk_steps,
)
from agnesi.runtime.peak import peak

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agnesi.codegen.llvm.layout import Layout
    from agnesi.dims.dim import Dim, Size
    from agnesi.graph.tensor import Array, Tensor


# Ops that are but another way to look at what is there.
OF_AXES = frozenset(["broadcast_to", "expand_dims", "squeeze", "cast", "reshape", "transpose"])


@record(frozen=True)
class StepTime:
    """What one step has taken since the function was made, or ``reset``.

    Attributes:
        name: of the kernel; ``blas``, ``host``, ``copy``, ``clear``, ``loop`` or ``branch``.
        nodes: what it computes.
        depth: how many loops and branches are around it.
        calls: how often it ran.
        seconds: in it, what is inside of it included.
        own: seconds in it, without what is inside.
        share: of the time of all calls that it took by itself.
        bytes: of the arrays that it read and wrote, each counted once a call.
        flops: floating-point operations, as ``f.explain()`` estimates them.
    """

    name: str
    nodes: tuple[Tensor, ...]
    depth: int
    calls: int
    seconds: float
    own: float
    share: float
    bytes: int
    flops: int

    @property
    def ops(self) -> tuple[str, ...]:
        """The names of the ops that it computes; those that only give axes are left out."""
        names = dict.fromkeys(op_name(node) for node in self.nodes)
        return tuple(name for name in names if name not in OF_AXES) or tuple(names)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the program that it comes from."""
        return tuple(dict.fromkeys(str(n.source) for n in self.nodes if n.source))

    @property
    def of_peak(self) -> float:
        """The share of the machine's best that it reached: of operations or of bytes, the larger.

        The best is that of products of large matrices and of copies of large arrays, measured when
        this is first asked for.  What finds its data in caches may be above 1.
        """
        if not self.own:
            return 0.0
        best = peak()
        wide = any(node.dtype.bits > 32 for node in self.nodes)
        arithmetic = best.flops / (2 if wide else 1)
        return max(self.flops / arithmetic, self.bytes / best.bandwidth) / self.own


class Profile:
    """Where the time of a function's calls went; it prints as a table.

    Attributes:
        name: of the function.
    """

    def __init__(self, name: str, program: Program, words: Array, layout: Layout) -> None:
        self.name = name
        self._steps = list(_deep(program.steps, 0))
        self._said = [_said(step) for step, _ in self._steps]
        self._computed = {node for _, nodes in self._said for node in nodes}
        self._words = words
        first = layout.first_meter
        # The words that native code counts in: the call's own meter, then one for each step.
        self._meters = words[first : first + METER * layout.meters].reshape(-1, METER)

    @property
    def calls(self) -> int:
        """How many calls have returned."""
        return int(self._meters[0, 0])

    @property
    def seconds(self) -> float:
        """The time of all calls, from their first instruction to their last."""
        return float(self._meters[0, 1]) / 1e9

    @property
    def steps(self) -> list[StepTime]:
        """The steps, in the order in which they run; those inside of others follow them."""
        meters = self._meters[1:].copy()
        whole = self.seconds or 1.0
        found: list[StepTime] = []
        for k, (step, depth) in enumerate(self._steps):
            if isinstance(step, BindValue | Require):
                continue
            calls, spent, moved, work = (int(n) for n in meters[k])
            inside = _inside(self._steps, k)
            own = max(spent - sum(int(meters[j, 1]) for j in inside), 0) / 1e9
            name, nodes = self._said[k]
            every, share = self._all(nodes), own / whole
            found.append(StepTime(name, every, depth, calls, spent / 1e9, own, share, moved, work))
        return found

    def _all(self, nodes: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return what a step computes, with what it computes of it by the way."""
        below = [o for node in nodes for o in node.operands]
        inside = toposort(below, self._computed)
        more = [n for n in inside if n not in self._computed and not isinstance(n, Leaf)]
        return (*nodes, *more)

    @property
    def rest(self) -> float:
        """Seconds outside of steps: arguments, checks, memory, results."""
        return max(self.seconds - sum(s.own for s in self.steps), 0.0)

    @property
    def scratch(self) -> int:
        """The bytes of scratch memory that the function keeps at present."""
        return int(self._words[ARENA_BYTES])

    def reset(self) -> None:
        """Begin anew."""
        self._meters[...] = 0

    def __str__(self) -> str:
        return "\n".join(self._table())

    __repr__ = __str__

    def _table(self) -> Iterator[str]:
        calls = self.calls
        each = f", {_time(self.seconds / calls)} each" if calls else ""
        yield f"{self.name}: {calls} {'call' if calls == 1 else 'calls'}{each}"
        if not calls:
            return
        yield "  share       time    calls      a call  GFLOP/s    GB/s  of peak  step"
        for step in sorted(self.steps, key=lambda s: -s.own):
            if not step.calls:
                continue
            speed, rate = (n / step.own / 1e9 if step.own else 0 for n in (step.flops, step.bytes))
            ops = ", ".join(step.ops)
            yield (
                f"{step.share:7.1%}{_time(step.own):>11}{step.calls:9}"
                f"{_time(step.own / step.calls):>12}{speed:9.2f}{rate:8.2f}{step.of_peak:9.0%}"
                f"  {step.name}{f': {ops}' if ops else ''}"
            )
            yield from (f"{'':67}{line}" for line in step.lines)
        rest = self.rest
        yield (
            f"{rest / (self.seconds or 1.0):7.1%}{_time(rest):>11}{'':9}{_time(rest / calls):>12}"
            f"{'':26}  arguments, checks, memory, results"
        )


def amounts(program: Program) -> list[tuple[Size, Size]]:
    """Return the bytes and operations of each step, as ``walk_steps`` gives them.

    Of loops and branches, whose steps are measured themselves, there are none.
    """
    found: list[tuple[Size, Size]] = []
    for step in walk_steps(program.steps):
        measured = isinstance(step, RunKernel | MultiplyMatrices | CallHost | Copy | Clear)
        sizes = (bytes_moved(step, program), flops(step)) if measured else (0, 0)
        moved, work = (substitute(size, _turn) for size in sizes)
        found.append((moved, work))
    return found


def _turn(part: Dim) -> Size | None:
    """Return which turn of a loop stands for all, where an estimate depends on it: the first."""
    return 0 if isinstance(part, Index) else None


def _deep(steps: Sequence[Step], depth: int) -> Iterator[tuple[Step, int]]:
    """Yield each step as ``walk_steps`` does, with how deep it is inside."""
    for step in steps:
        yield step, depth
        if isinstance(step, RunLoop | RunBranch):
            for part in step.parts:
                yield from _deep(part, depth + 1)


def _inside(steps: Sequence[tuple[Step, int]], k: int) -> Iterator[int]:
    """Yield the numbers of the measured steps that are directly inside of a step."""
    depth = steps[k][1]
    for j in range(k + 1, len(steps)):
        step, other = steps[j]
        if other <= depth:
            return
        if other == depth + 1 and not isinstance(step, BindValue | Require):
            yield j


def _said(step: Step) -> tuple[str, tuple[Tensor, ...]]:
    """Return a step's name and what it computes."""
    match step:
        case RunKernel(kernel, nodes):
            return kernel.name, nodes
        case MultiplyMatrices(node=node):
            return "blas", (node,)
        case CallHost(node=node):
            return "host", (node,)
        case Copy(_, target):
            return f"copy to {target.name}", ()
        case Clear(target):
            return f"clear {target.name}", ()
        case RunLoop(node=node):
            return "loop", (node,)
        case RunBranch(node=node):
            return "branch", (node,)
        case _:
            return type(step).__name__, ()


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.2f} {unit}"
    raise AssertionError
