"""What a function does, as text: passes, kernels, buffers, work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.dims.dim import Dim, Size, Symbol, add, evaluate, mul, product
from agnesi.graph.text import op_name
from agnesi.loops.nodes import Buffer
from agnesi.loops.text import kernel_text
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
    Scale,
    Space,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agnesi.compile.pipeline import Log


class Text(str):
    """Text that an interactive session shows as it is, not quoted."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def explain(signature: str, program: Program, log: Log, sizes: Mapping[str, int]) -> Text:
    """Return the report of a function.

    Args:
        signature: the call as text.
        program: what it runs.
        log: of its compilation.
        sizes: numbers for named sizes, put into the formulas.
    """
    known: dict[Dim, int] = {
        s: sizes[s.name] for s in program.symbols if isinstance(s, Symbol) and s.name in sizes
    }
    parts = [
        signature,
        _passes(log),
        _buffers(program, known),
        _steps(program, known),
    ]
    return Text("\n\n".join(parts))


def _passes(log: Log) -> str:
    lines = ["passes"]
    for stage in log.stages:
        change = f"{stage.before} -> {stage.after} nodes" if stage.changed else "nothing to do"
        lines.append(f"  {stage.name:<14}{stage.seconds * 1e3:8.1f} ms  {change:<24}{stage.phrase}")
    graph = {stage.name for stage in log.stages}
    for name, seconds in log.seconds.items():
        if name not in graph:
            lines.append(f"  {name:<14}{seconds * 1e3:8.1f} ms")
    fired = log.trace.summary()
    if fired:
        lines.append("rules that fired")
        lines += [f"  {count:5} x {rule}" for rule, count in fired]
    return "\n".join(lines)


def _buffers(program: Program, known: Mapping[Dim, int]) -> str:
    lines = ["buffers"]
    for buffer, storage in program.storage.items():
        size = mul(product(storage.shape), storage.dtype.bytes)
        place = storage.space.value
        if storage.space is Space.ARENA:
            if storage.position < 0:
                continue
            place = f"arena slot {storage.position}"
        shape = ", ".join(map(str, storage.shape))
        kind = f"{storage.dtype}[{shape}]"
        lines.append(f"  {buffer.name:<10}{kind:<24}{place:<16}{number(size, known)} bytes")
    total = number(add(0, *program.slots), known)
    lines.append(f"  arena: {len(program.slots)} slots, {total} bytes")
    return "\n".join(lines)


def _steps(program: Program, known: Mapping[Dim, int]) -> str:
    lines = ["steps"]
    work: Size = 0
    for k, step in enumerate(program.steps):
        work = add(work, flops(step))
        first, *others = _lines(step, program, known)
        lines += [f"{k:3}  {first}", *(f"     {line}" for line in others)]
    lines.append(f"in all {number(work, known)} FLOPs")
    return "\n".join(lines)


def _lines(step: Step, program: Program, known: Mapping[Dim, int]) -> list[str]:
    """Return the lines of a step, those of steps inside of it indented."""
    lines = [_step(step)]
    if isinstance(step, RunKernel | MultiplyMatrices):
        moved = number(bytes_moved(step, program), known)
        lines.append(f"{number(flops(step), known)} FLOPs, {moved} bytes")
    if isinstance(step, RunKernel):
        lines += kernel_text(step.kernel).splitlines()[1:]
        lines += [f"# {s}" for s in _sources(step)]
    if isinstance(step, RunLoop):
        lines += [f"  {row.buffer.name} is a row of {row.base.name}" for row in step.rows]
        lines += [
            f"  {c.buffer.name} is first {c.first.name}, then {c.then.name}" for c in step.carried
        ]
        parts = zip(("once", "while", "each", "at last"), step.parts, strict=True)
        lines += _inside(parts, program, known)
    if isinstance(step, RunBranch):
        parts = ((str(k), part) for k, part in enumerate(step.parts))
        lines += _inside(parts, program, known)
    return lines


def _inside(
    parts: Iterable[tuple[str, Sequence[Step]]], program: Program, known: Mapping[Dim, int]
) -> Iterator[str]:
    for title, steps in parts:
        if steps:
            yield f"  {title}:"
        for step in steps:
            yield from (f"    {line}" for line in _lines(step, program, known))


def _scale(scale: Scale) -> str:
    """Return a factor as text, nothing for 1."""
    parts = [b.name for b in scale.scalars]
    if scale.number != 1 or not parts:
        parts.insert(0, f"{scale.number:.9g}")
    return "" if parts == ["1"] else "*".join(parts) + "*"


def _sources(step: RunKernel) -> list[str]:
    return list(dict.fromkeys(str(n.source) for n in step.nodes if n.source))


def _step(step: Step) -> str:
    match step:
        case RunKernel(kernel=kernel):
            return kernel_text(kernel).splitlines()[0]
        case MultiplyMatrices():
            a = step.a.name + (".T" if step.transpose_a else "")
            b = step.b.name + (".T" if step.transpose_b else "")
            stack = f", {step.batch} times" if step.batch != 1 else ""
            c, alpha, beta = step.c.name, _scale(step.alpha), _scale(step.beta)
            more = f" + {beta}{c}" if step.adds else ""
            sizes = f"(m={step.m}, n={step.n}, k={step.k}{stack})"
            return f"blas {c} = {alpha}{a} @ {b}{more}   {sizes}"
        case CallHost(node, operands, result):
            given = ", ".join(b.name for b in operands)
            return f"host {result.name} = {op_name(node)}({given})"
        case BindValue(value, buffer):
            return f"size {value} = {buffer.name}[0]"
        case Require(need, _):
            return f"require {need.kind} {need.a}, {need.b}   ({need.words})"
        case Copy(source, target):
            return f"copy {target.name} = {source.name}"
        case Clear(target):
            return f"clear {target.name}"
        case RunLoop(_, length, reverse, t, done):
            turns = f"loop {length} times" if length is not None else "loop"
            turns += " back to front" if reverse else ""
            turns += f", {t.name} is the number" if t is not None else ""
            turns += f", on while {step.go.name}[0]" if step.go is not None else ""
            return turns + (f", {done.name} counts" if done is not None else "")
        case RunBranch(_, index, taken, _):
            own = f"{taken.name} = " if taken is not None else ""
            return f"branch {own}{f'{index.name}[0]' if isinstance(index, Buffer) else index}"


def number(size: Size, known: Mapping[Dim, int]) -> str:
    """Return a size as digits where it is known, else as its formula."""
    if isinstance(size, int):
        return f"{size:,}"
    if all(atom in known for atom in size.atoms if isinstance(atom, Symbol)):
        try:
            return f"{evaluate(size, known):,}"
        except KeyError:
            return str(size)
    return str(size)
