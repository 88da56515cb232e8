"""Kernels as indented text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import value_of
from agnesi.loops.nodes import (
    Accumulate,
    Address,
    Apply,
    Assign,
    Call,
    Complex,
    Contract,
    For,
    Foreign,
    FromIndex,
    Guard,
    If,
    Kernel,
    Literal,
    Load,
    ParallelFor,
    Pass,
    Read,
    Refer,
    Scalar,
    Statement,
    Store,
    While,
    dynamic_scalars,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import children_of, scalars_in, walk_statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.dims.dim import Size
    from agnesi.loops.nodes import Argument, Local, Matrix, Procedure

_INFIX = {
    Prim.ADD: "+",
    Prim.SUB: "-",
    Prim.MUL: "*",
    Prim.DIV: "/",
    Prim.EQ: "==",
    Prim.NE: "!=",
    Prim.LT: "<",
    Prim.LE: "<=",
    Prim.GT: ">",
    Prim.GE: ">=",
    Prim.AND: "&",
    Prim.OR: "|",
    Prim.XOR: "^",
    Prim.SHL: "<<",
    Prim.SHR: ">>",
}


def kernel_text(kernel: Kernel) -> str:
    """Return a kernel as text; an expression that is used twice gets a name.

    >>> print(f.kernels[0])  # doctest: +SKIP
    kernel k0_add(x: f32, out0: f32; n)
      for i < n:
        out0[i] = x[i] + 1.0
    """
    buffers = ", ".join(
        f"{'*' if b in kernel.written else ''}{b.name}: {b.element}" for b in kernel.buffers
    )
    sizes = "".join(f", {s}" for s in kernel.sizes)[2:]
    own = "".join(f", {b.name}: {b.element}[{n}]" for b, n in kernel.private)[2:]
    given = f"{buffers}{'; ' if sizes else ''}{sizes}{'; own ' if own else ''}{own}"
    head = f"kernel {kernel.name}({given})"
    return "\n".join([head, *_Text(kernel.body).body(kernel.body, 1)])


def procedure_text(procedure: Procedure) -> str:
    """Return a procedure as text."""
    text = _Text(procedure.body, [procedure.result])
    given = ", ".join(f"{text.local(p)}: {p.element}" for p in procedure.parameters)
    lines = text.body(procedure.body, 1)
    result = text.scalar(procedure.result, lines, "  ")
    return "\n".join([f"procedure {procedure.name}({given})", *lines, f"  return {result}"])


class _Text:
    def __init__(self, body: Iterable[Statement], more: Iterable[Scalar] = ()) -> None:
        self.names: dict[Scalar, str] = {}
        self.locals: dict[Local, str] = {}
        uses: dict[Scalar, int] = {}
        seen: set[Scalar] = set()
        stack = [s for statement in walk_statements(body) for s in scalars_in(statement)]
        stack += more
        while stack:
            scalar = stack.pop()
            uses[scalar] = uses.get(scalar, 0) + 1
            if scalar not in seen:
                seen.add(scalar)
                stack.extend(children_of(scalar))
        self.repeated = {
            s for s, n in uses.items() if n > 1 and isinstance(s, Apply | Call | Guard)
        }

    def body(self, statements: Iterable[Statement], depth: int) -> list[str]:
        lines: list[str] = []
        pad = "  " * depth
        for statement in statements:
            match statement:
                case For(index, inner):
                    extent = self.size(index.extent, lines, pad)
                    how = "parallel for" if isinstance(statement, ParallelFor) else "for"
                    lines.append(f"{pad}{how} {index} < {extent}:")
                    known = dict(self.names)
                    lines += self.body(inner, depth + 1)
                    self.names = known
                case If(condition, inner):
                    lines.append(f"{pad}if {self.scalar(condition, lines, pad)}:")
                    known = dict(self.names)
                    lines += self.body(inner, depth + 1)
                    self.names = known
                case While(condition, inner):
                    lines.append(f"{pad}while {self.scalar(condition, lines, pad)}:")
                    known = dict(self.names)
                    lines += self.body(inner, depth + 1)
                    self.names = known
                case Foreign(symbol, arguments, result):
                    given = ", ".join(self.argument(a, lines, pad) for a in arguments)
                    to = f"{self.local(result)} = " if result is not None else ""
                    lines.append(f"{pad}{to}{symbol}({given})")
                case Contract(target, a, b, rows, columns, inner, adds, around):
                    at = [self.size(size, lines, pad) for size in (rows, columns, inner)]
                    shapes = ((at[0], at[1]), (at[0], at[2]), (at[2], at[1]))
                    blocks = zip((target, a, b), shapes, strict=True)
                    to, x, y = (self.matrix(m, shape, lines, pad) for m, shape in blocks)
                    turns = ""
                    for loop in around:
                        times, step, other = (self.size(s, lines, pad) for s in loop.args)
                        turns += f", {times} times [+ {step}] @ [+ {other}]"
                    lines.append(f"{pad}{to} {'+=' if adds else '='} {x} @ {y}{turns}")
                case Store(buffer, offset, value):
                    text = self.scalar(value, lines, pad)
                    place = self.size(offset, lines, pad)
                    lines.append(f"{pad}{buffer.name}[{place}] = {text}")
                case Assign(local, value):
                    text = self.scalar(value, lines, pad)
                    lines.append(f"{pad}{self.local(local)} = {text}")
                case Accumulate(local, prim, value):
                    text = self.scalar(value, lines, pad)
                    lines.append(f"{pad}{self.local(local)} {_INFIX.get(prim, prim.value)}= {text}")
                case _:
                    raise CompilerBug(f"unknown statement {statement!r}")
        return lines

    def argument(self, argument: Argument, lines: list[str], pad: str) -> str:
        match argument:
            case Pass(value):
                return self.scalar(value, lines, pad)
            case Refer(local):
                return f"&{self.local(local)}"
            case Address(buffer, offset, written):
                star = "*" if written else ""
                return f"&{star}{buffer.name}[{self.size(offset, lines, pad)}]"

    def matrix(self, matrix: Matrix, shape: tuple[str, str], lines: list[str], pad: str) -> str:
        parts = (matrix.offset, matrix.row, matrix.column)
        offset, row, column = (self.size(part, lines, pad) for part in parts)
        return f"{matrix.buffer.name}[{offset} + {shape[0]}:{row} + {shape[1]}:{column}]"

    def size(self, size: Size, lines: list[str], pad: str) -> str:
        texts = {s: self.scalar(s, lines, pad) for s in dynamic_scalars(size)}
        return _with_texts(size, texts)

    def local(self, local: Local) -> str:
        if local not in self.locals:
            taken = sum(1 for other in self.locals if other.name == local.name)
            self.locals[local] = local.name + (str(taken) if taken else "")
        return self.locals[local]

    def scalar(self, root: Scalar, lines: list[str], pad: str) -> str:
        texts: dict[Scalar, str] = dict(self.names)
        stack = [root]
        while stack:
            scalar = stack[-1]
            if scalar in texts:
                stack.pop()
                continue
            waiting = [c for c in children_of(scalar) if c not in texts]
            if waiting:
                stack.extend(waiting[::-1])
                continue
            text = self.one(scalar, texts)
            if scalar in self.repeated:
                name = f"v{len(self.names)}"
                lines.append(f"{pad}{name} = {_bare(text)}")
                self.names[scalar] = text = name
            texts[scalar] = text
            stack.pop()
        text = texts[root]
        return text[1:-1] if _wrapped(text) else text

    def one(self, scalar: Scalar, texts: dict[Scalar, str]) -> str:
        match scalar:
            case Literal():
                return repr(scalar.value)
            case FromIndex(size):
                return f"({_with_texts(size, texts)})"
            case Load(buffer, offset):
                return f"{buffer.name}[{_with_texts(offset, texts)}]"
            case Read(local):
                return self.local(local)
            case Apply(Prim.CAST, (x,), to):
                return f"{to}({_bare(texts[x])})"
            case Apply(prim, (x, y), _) if prim in _INFIX:
                return f"({texts[x]} {_INFIX[prim]} {texts[y]})"
            case Apply(Prim.NEG, (x,), _):
                return f"-{texts[x]}"
            case Apply(prim, operands, _):
                return f"{prim.value}({', '.join(_bare(texts[o]) for o in operands)})"
            case Call(procedure, operands):
                return f"{procedure.name}({', '.join(_bare(texts[o]) for o in operands)})"
            case Guard(condition, value, otherwise):
                return f"({texts[value]} if {texts[condition]} else {texts[otherwise]})"
            case Complex(re, im, _):
                return f"({texts[re]} + {texts[im]}j)"
            case _:
                raise CompilerBug(f"unknown scalar {scalar!r}")


def _with_texts(size: Size, texts: dict[Scalar, str]) -> str:
    """Return the text of a size, with scalars in the place of their values' stand-ins."""
    text = str(size)
    for scalar in dynamic_scalars(size):
        own = texts[scalar]
        bare = own.isidentifier() or own.endswith("]") or _wrapped(own)
        text = re.sub(rf"\b{value_of(scalar)}\b", own if bare else f"({own})", text)
    return text


def _bare(text: str) -> str:
    return text[1:-1] if _wrapped(text) else text


def _wrapped(text: str) -> bool:
    """Whether one pair of brackets goes around the whole."""
    if not text.startswith("("):
        return False
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
