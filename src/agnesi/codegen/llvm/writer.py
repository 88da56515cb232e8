"""A function's LLVM text: fresh names, blocks, and integer arithmetic of sizes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, DType
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Dim, FloorDiv, Max, Min, Mod, Poly, Size
from agnesi.dims.simplify import is_nonnegative

if TYPE_CHECKING:
    from agnesi.loops.nodes import Literal


def value_type(dtype: DType) -> str:
    """Return the LLVM type of a value in a register; a half is its bits."""
    if dtype is BOOL:
        return "i1"
    if dtype.is_float and not dtype.is_half:
        return "float" if dtype.bits == 32 else "double"
    return f"i{dtype.bits}"


def memory_type(dtype: DType) -> str:
    """Return the LLVM type of an element in memory."""
    return "i8" if dtype is BOOL else value_type(dtype)


def literal_text(node: Literal) -> str:
    """Return a constant; floats as the hexadecimal digits of their double, as LLVM wants."""
    if node.dtype is BOOL:
        return "true" if node.bits else "false"
    if node.dtype.is_half:
        return str(node.bits)
    if node.dtype.is_float:
        return float_text(float(node.value))
    return str(node.value)


def float_text(value: float) -> str:
    """Return a float or double as the digits of its double."""
    return "0x" + struct.pack(">d", value).hex().upper()


def type_of(argument: str) -> str:
    """Return the type in ``"type value"``; that of a vector has spaces in it."""
    end = argument.index(">") + 1 if argument.startswith("<") else argument.index(" ")
    return argument[:end]


class Writer:
    """Collects the lines of one function.

    Attributes:
        halves: whether the machine that it is for converts float16 by an instruction.
    """

    def __init__(self, prefix: str = "v", *, halves: bool = False) -> None:
        self.halves = halves
        self.lines: list[str] = []
        self.count = 0
        self.prefix = prefix
        self.block = "entry"
        self.declared: dict[str, None] = {}

    def fresh(self) -> str:
        """Return a new register name."""
        self.count += 1
        return f"%{self.prefix}{self.count}"

    def label(self, hint: str) -> str:
        """Return a new block name."""
        self.count += 1
        return f"{hint}{self.count}"

    def line(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append("  " + text)

    def let(self, text: str) -> str:
        """Append an instruction; return the register of its result."""
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def start(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        """End the block with a jump."""
        self.line(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        """End the block with a choice."""
        self.line(f"br i1 {condition}, label %{yes}, label %{no}")

    def declare(self, text: str) -> None:
        """Note an external function that the module has to declare."""
        self.declared.setdefault(f"declare {text}")

    def intrinsic(self, result: str, name: str, *arguments: str, flags: str = "") -> str:
        """Call an intrinsic on ``"type value"`` arguments, with fast-math flags if any.

        Returns:
            The register of the result; nothing where it is void.
        """
        self.declare(f"{result} @{name}({', '.join(map(type_of, arguments))})")
        call = f"call {flags} " if flags else "call "
        text = f"{call}{result} @{name}({', '.join(arguments)})"
        if result == "void":
            self.line(text)
            return ""
        return self.let(text)

    def size(self, size: Size, known: dict[Dim, str]) -> str:
        """Return an i64 operand for a size, given registers of its atoms; notes what it computes.

        Raises:
            CompilerBug: an atom has no register.
        """
        if isinstance(size, int):
            return str(size)
        if size in known:
            return known[size]
        match size:
            case Poly(monomials):
                total: str | None = None
                # A user's integers may be any, and wrap; sizes and indices are those of memory.
                flag = "" if size.values else " nsw"
                for monomial, factor in monomials:
                    term = self._monomial(monomial, factor, known, flag)
                    total = term if total is None else self.let(f"add{flag} i64 {total}, {term}")
                result = total or "0"
            case FloorDiv(a, b):
                result = self._division(a, b, known, "div")
            case Mod(a, b):
                result = self._division(a, b, known, "rem")
            case Min(a, b) | Max(a, b):
                name = "smin" if isinstance(size, Min) else "smax"
                x, y = self.size(a, known), self.size(b, known)
                result = self.intrinsic("i64", f"llvm.{name}.i64", f"i64 {x}", f"i64 {y}")
            case _:
                raise CompilerBug(f"the size {size!r} has no register")
        known[size] = result
        return result

    def _monomial(
        self, monomial: tuple[Dim, ...], factor: int, known: dict[Dim, str], flag: str
    ) -> str:
        result: str | None = None if factor == 1 and monomial else str(factor)
        for atom in monomial:
            register = self.size(atom, known)
            result = register if result is None else self.let(f"mul{flag} i64 {register}, {result}")
        return result or "1"

    def _division(self, a: Size, b: Size, known: dict[Dim, str], kind: str) -> str:
        x = self.size(a, known)
        y = self.size(b, known)
        if not isinstance(b, int):
            # A size of 0 divides nothing that is ever used; keep the machine from trapping.
            y = self.intrinsic("i64", "llvm.smax.i64", f"i64 {y}", "i64 1")
        if isinstance(b, int) and b > 0 and not b & (b - 1):
            # Rounding down is what shifts and masks do, also of negative numbers.
            if kind == "rem":
                return self.let(f"and i64 {x}, {b - 1}")
            return self.let(f"ashr i64 {x}, {b.bit_length() - 1}")
        if is_nonnegative(a):
            return self.let(f"u{kind} i64 {x}, {y}")
        rest = self.let(f"srem i64 {x}, {y}")
        negative = self.let(f"icmp slt i64 {rest}, 0")
        if kind == "rem":
            moved = self.let(f"add i64 {rest}, {y}")
            return self.let(f"select i1 {negative}, i64 {moved}, i64 {rest}")
        quotient = self.let(f"sdiv i64 {x}, {y}")
        down = self.let(f"add i64 {quotient}, -1")
        return self.let(f"select i1 {negative}, i64 {down}, i64 {quotient}")
