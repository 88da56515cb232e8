"""Other ways to run a function: in an interpreter, watched for NaN; and dumps of every stage."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from agnesi.compile.binder import failure
from agnesi.compile.shared import Shared
from agnesi.core import knobs
from agnesi.core.errors import ShapeError
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.graph.text import op_name
from agnesi.loops.text import kernel_text
from agnesi.lower.interpret import interpret_program
from agnesi.runtime.symbols import provide
from agnesi.runtime.turns import turns

if TYPE_CHECKING:
    from agnesi.compile.explain import Text
    from agnesi.compile.pipeline import Stage
    from agnesi.graph.tensor import Array, Tensor
    from agnesi.loops.nodes import Kernel
    from agnesi.lower.program import Program


class Debuggable(Protocol):
    """What is needed of a function here."""

    name: str
    program: Program
    request: Any
    native: Any

    @property
    def stages(self) -> list[Stage]:
        """Graph passes."""
        ...

    @property
    def kernels(self) -> list[Kernel]:
        """Loop nests."""
        ...

    @property
    def llvm(self) -> Text:
        """LLVM IR."""
        ...

    def assembly(self) -> Text:
        """Machine code."""
        ...


class Interpreted:
    """A function run without native code: the graph in NumPy, or the kernels one by one."""

    def __init__(self, function: Debuggable, how: str) -> None:
        self.function, self.how = function, how
        self.binder = function.request.binder

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run it; updates happen at the end, all at once."""
        request = self.function.request
        arrays = self.binder(*args, **named)
        held = [leaf for leaf in self.function.program.shareds if isinstance(leaf, Shared)]
        with turns([s.cell.turn.entry(written=s in request.updates) for s in held]):
            if self.how == "graph":
                results, news = self.in_numpy(arrays)
            else:
                results, news = self.in_loops(arrays)
            for shared, value in news.items():
                shared.cell.array = np.array(value, order="C", copy=True)
        return packed(request, results)

    def in_numpy(self, arrays: tuple[Array, ...]) -> tuple[list[Array], dict[Shared, Array]]:
        """Compute the unrewritten graph."""
        request = self.function.request
        values = graph_values(request, arrays)
        roots = [*request.outputs, *request.updates.values()]
        computed = interpret(roots, values)
        count = len(request.outputs)
        news = dict(zip(request.updates, computed[count:], strict=True))
        for leaf, new in news.items():
            require_fits(self.function.name, leaf, new)
        return computed[:count], news

    def in_loops(self, arrays: tuple[Array, ...]) -> tuple[list[Array], dict[Shared, Array]]:
        """Run the program's steps."""
        provide()
        program = self.function.program
        held = [leaf.cell.array for leaf in program.shareds if isinstance(leaf, Shared)]
        failed = partial(failure, self.function.name)
        results, news = interpret_program(program, arrays, held, failed)
        by_leaf = {program.shareds[k]: value for k, value in news.items()}
        return results, {s: v for s, v in by_leaf.items() if isinstance(s, Shared)}


def require_fits(function: str, leaf: Shared, new: Array) -> None:
    """Raise ShapeError where a new value lacks a size that its variable declares."""
    for axis, (size, actual) in enumerate(zip(leaf.type.shape, new.shape, strict=True)):
        if isinstance(size, int) and size != actual:
            raise ShapeError(
                f"{function}: sizes {actual} and {size} differ: "
                f"axis {axis} of the update of {leaf!r}"
            )


def graph_values(request: Any, arrays: tuple[Array, ...]) -> dict[Tensor, Array]:
    """Return the values of a request's leaves: arguments, and shared variables as they are now."""
    values: dict[Tensor, Array] = {
        p.leaf: a for p, a in zip(request.parameters, arrays, strict=True)
    }
    roots: list[Tensor] = [*request.outputs, *request.updates.values()]
    for node in toposort(roots):
        if isinstance(node, Shared):
            values[node] = node.cell.array
    return values


def packed(request: Any, results: list[Array]) -> Any:
    """Return results in the form that was asked for."""
    fresh = [np.array(r, order="C", copy=True) for r in results]
    match request.form:
        case "one":
            return fresh[0]
        case "list":
            return fresh
        case "dict":
            return dict(zip(request.keys, fresh, strict=True))
        case _:
            return None


class WatchNan:
    """A function that first looks, node by node, for the one that makes the first NaN."""

    def __init__(self, function: Debuggable) -> None:
        self.function = function
        self.run = function.native
        self.binder = function.request.binder

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run it.

        Raises:
            FloatingPointError: a node gives NaN though none of its operands has one.
        """
        request = self.function.request
        arrays = self.binder(*args, **named)
        values = graph_values(request, arrays)
        roots: list[Tensor] = [*request.outputs, *request.updates.values()]
        nodes = toposort(roots, set(values))
        computed = dict(zip(nodes, interpret(nodes, values), strict=True))
        for node in nodes:
            if _has_nan(computed[node]) and not any(_has_nan(computed[o]) for o in node.operands):
                line = f"\n  from {node.source}" if node.source else ""
                operands = "".join(f"\n  {o!r}: {_range(computed[o])}" for o in node.operands)
                raise FloatingPointError(
                    f"{self.function.name}: {op_name(node)} gives NaN, {node!r}{line}{operands}"
                )
        return self.run(*arrays)


def _has_nan(array: Array) -> bool:
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def _range(array: Array) -> str:
    return f"from {array.min()} to {array.max()}" if array.size else "empty"


def dump(function: Debuggable) -> None:
    """Write the stages that ``AGNESI_DUMP`` names as numbered text files."""
    wanted = set(knobs.DUMP.words)
    if not wanted:
        return
    known = {"graph", "loops", "llvm", "asm", "all"}
    if not wanted <= known:
        raise ValueError(
            f"{knobs.DUMP.variable} takes {sorted(known)}, not {sorted(wanted - known)}"
        )
    folder = Path(knobs.DUMP_FOLDER.value) / function.name
    folder.mkdir(parents=True, exist_ok=True)
    everything = "all" in wanted
    texts: list[tuple[str, str]] = []
    if everything or "graph" in wanted:
        texts += [(f"graph-{stage.name}", stage.text()) for stage in function.stages]
    if everything or "loops" in wanted:
        texts.append(("loops", "\n\n".join(map(kernel_text, function.kernels))))
    if everything or "llvm" in wanted:
        texts.append(("llvm", str(function.llvm)))
    if everything or "asm" in wanted:
        texts.append(("asm", str(function.assembly())))
    for k, (name, text) in enumerate(texts):
        (folder / f"{k:02}-{name}.txt").write_text(text + "\n")
