"""How each native primitive is written in LLVM IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.codegen.llvm.writer import Writer, value_type
from agnesi.core.dtypes import BOOL, DType
from agnesi.core.errors import CompilerBug
from agnesi.loops.prims import Prim

if TYPE_CHECKING:
    from collections.abc import Sequence


def spell(w: Writer, prim: Prim, operands: Sequence[str], kind: DType, result: DType) -> str:
    """Write one primitive.

    Args:
        w: where to.
        prim: a native primitive.
        operands: registers or constants.
        kind: dtype of the operands (of the values, for SELECT).
        result: dtype of the result.

    Raises:
        CompilerBug: the primitive is not native, or not defined for the dtype.
    """
    t = value_type(kind)
    x = operands[0]
    y = operands[1] if len(operands) > 1 else ""
    match prim:
        case Prim.ADD | Prim.SUB | Prim.MUL:
            return w.let(f"{'f' if kind.is_float else ''}{prim.value} {t} {x}, {y}")
        case Prim.DIV:
            return w.let(f"fdiv {t} {x}, {y}")
        case Prim.FLOORDIV | Prim.MOD:
            return _integer_division(w, prim, x, y, kind)
        case Prim.NEG:
            return w.let(f"fneg {t} {x}" if kind.is_float else f"sub {t} 0, {x}")
        case Prim.ABS:
            if kind.is_float:
                return w.intrinsic(t, f"llvm.fabs.{_suffix(kind)}", f"{t} {x}")
            if kind.is_unsigned:
                return x
            return w.intrinsic(t, f"llvm.abs.{t}", f"{t} {x}", "i1 false")
        case Prim.MIN | Prim.MAX:
            return _extreme(w, prim, x, y, kind)
        case Prim.FMA:
            three = [f"{t} {o}" for o in operands]
            return w.intrinsic(t, f"llvm.fma.{_suffix(kind)}", *three)
        case Prim.EQ | Prim.NE | Prim.LT | Prim.LE | Prim.GT | Prim.GE:
            return w.let(f"{_comparison(prim, kind)} {t} {x}, {y}")
        case Prim.AND | Prim.OR | Prim.XOR:
            return w.let(f"{prim.value} {t} {x}, {y}")
        case Prim.NOT:
            return w.let(f"xor {t} {x}, {'true' if kind is BOOL else '-1'}")
        case Prim.SHL | Prim.SHR:
            return _shift(w, prim, x, y, kind)
        case Prim.SELECT:
            return w.let(f"select i1 {x}, {t} {y}, {t} {operands[2]}")
        case Prim.CAST:
            return cast(w, x, kind, result)
        case Prim.BITCAST:
            return w.let(f"bitcast {t} {x} to {value_type(result)}")
        case Prim.SQRT | Prim.FLOOR | Prim.CEIL | Prim.TRUNC | Prim.RINT:
            name = "nearbyint" if prim is Prim.RINT else prim.value
            return w.intrinsic(t, f"llvm.{name}.{_suffix(kind)}", f"{t} {x}")
        case Prim.COPYSIGN:
            return w.intrinsic(t, f"llvm.copysign.{_suffix(kind)}", f"{t} {x}", f"{t} {y}")
        case _:
            raise CompilerBug(f"{prim.value} is not native: loops/math expands it")


def _suffix(kind: DType) -> str:
    return f"f{kind.bits}"


_ORDERED = {
    Prim.EQ: "oeq",
    Prim.NE: "une",
    Prim.LT: "olt",
    Prim.LE: "ole",
    Prim.GT: "ogt",
    Prim.GE: "oge",
}


def _comparison(prim: Prim, kind: DType) -> str:
    if kind.is_float:
        return f"fcmp {_ORDERED[prim]}"
    if prim in (Prim.EQ, Prim.NE):
        return f"icmp {prim.value}"
    return f"icmp {'s' if kind.is_signed else 'u'}{prim.value}"


def _extreme(w: Writer, prim: Prim, x: str, y: str, kind: DType) -> str:
    t = value_type(kind)
    if kind is BOOL:
        return w.let(f"{'or' if prim is Prim.MAX else 'and'} i1 {x}, {y}")
    if kind.is_float:
        name = "maximum" if prim is Prim.MAX else "minimum"
        return w.intrinsic(t, f"llvm.{name}.{_suffix(kind)}", f"{t} {x}", f"{t} {y}")
    name = ("s" if kind.is_signed else "u") + prim.value
    return w.intrinsic(t, f"llvm.{name}.{t}", f"{t} {x}", f"{t} {y}")


def _integer_division(w: Writer, prim: Prim, x: str, y: str, kind: DType) -> str:
    """Round down, give 0 for a divisor of 0, and keep the machine from trapping."""
    t = value_type(kind)
    zero = w.let(f"icmp eq {t} {y}, 0")
    if not kind.is_signed:
        safe = w.let(f"select i1 {zero}, {t} 1, {t} {y}")
        plain = w.let(f"{'udiv' if prim is Prim.FLOORDIV else 'urem'} {t} {x}, {safe}")
        return w.let(f"select i1 {zero}, {t} 0, {t} {plain}")
    minus = w.let(f"icmp eq {t} {y}, -1")
    odd = w.let(f"or i1 {zero}, {minus}")
    safe = w.let(f"select i1 {odd}, {t} 1, {t} {y}")
    rest = w.let(f"srem {t} {x}, {safe}")
    signs = w.let(f"xor {t} {rest}, {y}")
    differ = w.let(f"icmp slt {t} {signs}, 0")
    uneven = w.let(f"icmp ne {t} {rest}, 0")
    down = w.let(f"and i1 {differ}, {uneven}")
    if prim is Prim.MOD:
        moved = w.let(f"add {t} {rest}, {y}")
        return w.let(f"select i1 {down}, {t} {moved}, {t} {rest}")
    quotient = w.let(f"sdiv {t} {x}, {safe}")
    less = w.let(f"add {t} {quotient}, -1")
    floored = w.let(f"select i1 {down}, {t} {less}, {t} {quotient}")
    negated = w.let(f"sub {t} 0, {x}")
    signed = w.let(f"select i1 {minus}, {t} {negated}, {t} {floored}")
    return w.let(f"select i1 {zero}, {t} 0, {t} {signed}")


def _shift(w: Writer, prim: Prim, x: str, y: str, kind: DType) -> str:
    """Shifts by the width or more leave 0, or the sign."""
    t = value_type(kind)
    far = w.let(f"icmp uge {t} {y}, {kind.bits}")
    if prim is Prim.SHR and kind.is_signed:
        most = w.let(f"select i1 {far}, {t} {kind.bits - 1}, {t} {y}")
        return w.let(f"ashr {t} {x}, {most}")
    safe = w.let(f"select i1 {far}, {t} 0, {t} {y}")
    plain = w.let(f"{'shl' if prim is Prim.SHL else 'lshr'} {t} {x}, {safe}")
    return w.let(f"select i1 {far}, {t} 0, {t} {plain}")


def cast(w: Writer, x: str, kind: DType, result: DType) -> str:
    """Convert a value.  A float that does not fit an integer becomes the nearest; NaN becomes 0."""
    t, u = value_type(kind), value_type(result)
    if kind is result:
        return x
    if result is BOOL:
        return w.let(f"fcmp une {t} {x}, 0.0" if kind.is_float else f"icmp ne {t} {x}, 0")
    if kind.is_float and result.is_float:
        return w.let(f"{'fpext' if result.bits > kind.bits else 'fptrunc'} {t} {x} to {u}")
    if kind.is_float:
        name = f"llvm.fpto{'s' if result.is_signed else 'u'}i.sat.{u}.{_suffix(kind)}"
        return w.intrinsic(u, name, f"{t} {x}")
    signed = kind.is_signed
    if result.is_float:
        return w.let(f"{'si' if signed else 'ui'}tofp {t} {x} to {u}")
    if result.bits < kind.bits:
        return w.let(f"trunc {t} {x} to {u}")
    if result.bits > kind.bits or kind is BOOL:
        return w.let(f"{'sext' if signed else 'zext'} {t} {x} to {u}")
    return x
