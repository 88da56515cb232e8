"""The passes, in order, as data; and the runner that gives each the same services."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from agnesi.core import knobs
from agnesi.core.record import field, record
from agnesi.graph.body import in_bodies
from agnesi.graph.graph import toposort
from agnesi.graph.text import graph_text
from agnesi.graph.verify import verify_graph
from agnesi.loops.passes.collapse import collapse
from agnesi.loops.passes.expand_math import expand_math
from agnesi.loops.passes.parallelise import parallelise
from agnesi.loops.passes.pieces import pieces
from agnesi.loops.passes.residues import residues
from agnesi.loops.passes.strips import strips
from agnesi.loops.passes.tiles import tiles
from agnesi.loops.verify import verify_kernel
from agnesi.rewrite.trace import Trace
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.decompose import decompose
from agnesi.rules.layouts import lay_out
from agnesi.rules.loops import loops
from agnesi.rules.stabilize import stabilize

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Tensor
    from agnesi.loops.nodes import Kernel


@record(frozen=True)
class Pass:
    """A named step of compilation with a phrase for humans.

    Attributes:
        name: the name.
        run: what it does.
        phrase: what it is for.
        inside: whether it is run on each graph inside a node by itself; else it sees to them.
    """

    name: str
    run: Callable[..., Any]
    phrase: str
    inside: bool = True


GRAPH = (
    Pass("canonicalize", canonicalize, "one form for what can be written in many ways"),
    Pass("stabilize", stabilize, "no overflow where the result is finite"),
    Pass("decompose", decompose, "composite ops become what they stand for"),
    Pass("simplify", canonicalize, "what decomposition left over"),
    Pass("layouts", lay_out, "transpositions around convolutions cancel"),
    Pass("loops", loops, "less in each step of a loop, and fewer loops", inside=False),
)

KERNEL = (
    Pass("residues", residues, "loops that read at quotients of an index become evenly spaced"),
    Pass("pieces", pieces, "loops over what is joined or padded become loops over its pieces"),
    Pass("collapse", collapse, "nested loops that walk through memory as one become one"),
    Pass("strips", strips, "what elements of a few stretches share is computed once"),
    Pass("parallelise", parallelise, "loops whose iterations are independent are marked"),
    Pass("tiles", tiles, "what lies the other way is read a tile at a time"),
)

# What a backend wants of a kernel that is otherwise ready.
MACHINE = (Pass("expand_math", expand_math, "elementary functions become arithmetic"),)


@record()
class Stage:
    """What a pass did.

    Attributes:
        name: of the pass.
        phrase: what it is for.
        seconds: it took.
        before: nodes before.
        after: nodes after.
        outputs: the graph after it.
        changed: whether it did anything.
    """

    name: str
    phrase: str
    seconds: float
    before: int
    after: int
    outputs: tuple[Tensor, ...]
    changed: bool

    def text(self) -> str:
        """Return the graph after the pass."""
        return graph_text(*self.outputs)


@record()
class Log:
    """All that happened in one compilation."""

    trace: Trace = field(default_factory=Trace)
    stages: list[Stage] = field(default_factory=list[Stage])
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    def time(self, name: str, start: float) -> None:
        """Note the seconds since ``start``."""
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


def run_graph_passes(outputs: list[Tensor], log: Log) -> list[Tensor]:
    """Rewrite the outputs through every graph pass."""
    for each in GRAPH:
        start = perf_counter()
        before = len(toposort(outputs))
        new = _everywhere(each, outputs, log.trace)
        seconds = perf_counter() - start
        after = len(toposort(new))
        changed = any(a is not b for a, b in zip(outputs, new, strict=True))
        log.stages.append(
            Stage(each.name, each.phrase, seconds, before, after, tuple(new), changed)
        )
        log.time(each.name, start)
        _report(log.stages[-1])
        if knobs.VERIFY.number:
            verify_graph(new)
        outputs = new
    return outputs


def _everywhere(each: Pass, outputs: list[Tensor], trace: Trace) -> list[Tensor]:
    """Return what a pass makes of a graph and of the graphs inside its nodes."""
    new: list[Tensor] = each.run(outputs, trace)
    if not each.inside:
        return new
    return in_bodies(new, lambda inner: _everywhere(each, inner, trace))


def _report(stage: Stage) -> None:
    if knobs.TIME.number or "passes" in knobs.TRACE.words:
        mark = "" if stage.changed else "  (nothing)"
        sys.stderr.write(
            f"{stage.name:<14}{stage.seconds * 1e3:9.2f} ms  "
            f"{stage.before:6} -> {stage.after:<6} nodes{mark}\n"
        )


def run_kernel_passes(kernel: Kernel, passes: tuple[Pass, ...], log: Log) -> Kernel:
    """Change a kernel through these passes."""
    for each in passes:
        start = perf_counter()
        kernel = each.run(kernel)
        log.time(each.name, start)
        if knobs.VERIFY.number:
            verify_kernel(kernel, native=passes is MACHINE)
    return kernel
