"""How each native primitive is written in LLVM IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.codegen.llvm.writer import Writer, float_text, value_type
from agnesi.core.dtypes import BF16, BOOL, F16, F32, F64, DType
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
            return extreme(w, prim, x, y, kind)
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


def extreme(w: Writer, prim: Prim, x: str, y: str, kind: DType, *, flags: str = "") -> str:
    """Write the larger or smaller of two; of floats, with what LLVM may take for granted."""
    t = value_type(kind)
    if kind is BOOL:
        return w.let(f"{'or' if prim is Prim.MAX else 'and'} i1 {x}, {y}")
    if kind.is_float:
        name = "maximum" if prim is Prim.MAX else "minimum"
        return w.intrinsic(t, f"llvm.{name}.{_suffix(kind)}", f"{t} {x}", f"{t} {y}", flags=flags)
    name = ("s" if kind.is_signed else "u") + prim.value
    return w.intrinsic(t, f"llvm.{name}.{t}", f"{t} {x}", f"{t} {y}")


def _integer_division(w: Writer, prim: Prim, x: str, y: str, kind: DType) -> str:
    """Round down, give 0 for a divisor of 0, and keep the machine from trapping."""
    if kind.bits <= 32:
        return _small_division(w, prim, x, y, kind)
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


def _small_division(w: Writer, prim: Prim, x: str, y: str, kind: DType) -> str:
    """Divide integers of up to 32 bits as floats, of which there are vectors.

    A quotient ``a / b`` that is no integer is at least ``1 / b`` away from the next one, which is
    further than rounding moves it: ``a / b * 2**-53``, or ``2**-24`` of it for up to 16 bits.
    """
    t, f = value_type(kind), "double" if kind.bits == 32 else "float"
    s = "s" if kind.is_signed else "u"
    zero = w.let(f"icmp eq {t} {y}, 0")
    odd = zero
    minus = w.let(f"icmp eq {t} {y}, -1") if kind.is_signed else ""
    if minus:
        odd = w.let(f"or i1 {zero}, {minus}")
    safe = w.let(f"select i1 {odd}, {t} 1, {t} {y}")
    a, b = (w.let(f"{s}itofp {t} {v} to {f}") for v in (x, safe))
    ratio = w.let(f"fdiv {f} {a}, {b}")
    down = w.intrinsic(f, f"llvm.floor.{'f64' if f == 'double' else 'f32'}", f"{f} {ratio}")
    quotient = w.let(f"fpto{s}i {f} {down} to {t}")
    if prim is Prim.MOD:
        return w.let(f"sub {t} {x}, {w.let(f'mul {t} {quotient}, {safe}')}")
    if minus:
        negated = w.let(f"sub {t} 0, {x}")
        quotient = w.let(f"select i1 {minus}, {t} {negated}, {t} {quotient}")
    return w.let(f"select i1 {zero}, {t} 0, {t} {quotient}")


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
    if kind.is_half:
        return cast(w, _from_half(w, x, kind), F32, result)
    if result.is_half:
        return _to_half(w, _rounded_once(w, x, kind, result), result)
    if result is BOOL:
        return w.let(f"fcmp une {t} {x}, 0.0" if kind.is_float else f"icmp ne {t} {x}, 0")
    if kind.is_float and result.is_float:
        return w.let(f"{'fpext' if result.bits > kind.bits else 'fptrunc'} {t} {x} to {u}")
    if kind.is_float:
        return _saturated(w, x, kind, result)
    signed = kind.is_signed
    if result.is_float:
        return w.let(f"{'si' if signed else 'ui'}tofp {t} {x} to {u}")
    if result.bits < kind.bits:
        return w.let(f"trunc {t} {x} to {u}")
    if result.bits > kind.bits or kind is BOOL:
        return w.let(f"{'sext' if signed else 'zext'} {t} {x} to {u}")
    return x


def _saturated(w: Writer, x: str, kind: DType, result: DType) -> str:
    """Convert a float to the nearest integer that there is; NaN becomes 0.

    LLVM's own saturating conversion is not made vectors of.
    """
    t, u = value_type(kind), value_type(result)
    bits = result.bits - result.is_signed
    most, least = (1 << bits) - 1, -(1 << bits) if result.is_signed else 0
    # Powers of 2, and so floats.
    top, bottom = float_text(most + 1.0), float_text(float(least))
    above = w.let(f"fcmp ogt {t} {x}, {bottom}")
    inside = w.let(f"and i1 {above}, {w.let(f'fcmp olt {t} {x}, {top}')}")
    safe = w.let(f"select i1 {inside}, {t} {x}, {t} 0.0")
    wide = u if result.bits >= 32 else "i32"
    value = w.let(f"fpto{'s' if result.is_signed else 'u'}i {t} {safe} to {wide}")
    if wide != u:
        value = w.let(f"trunc {wide} {value} to {u}")
    value = w.let(f"select i1 {w.let(f'fcmp oge {t} {x}, {top}')}, {u} {most}, {u} {value}")
    if not result.is_signed:
        return value
    return w.let(f"select i1 {w.let(f'fcmp ole {t} {x}, {bottom}')}, {u} {least}, {u} {value}")


def _from_half(w: Writer, x: str, kind: DType) -> str:
    """Return a half as a float, exactly: by an instruction, or by integer arithmetic."""
    if kind is F16 and w.halves:
        return w.let(f"fpext half {w.let(f'bitcast i16 {x} to half')} to float")
    wide = w.let(f"zext i16 {x} to i32")
    if kind is BF16:
        return w.let(f"bitcast i32 {w.let(f'shl i32 {wide}, 16')} to float")
    size = w.let(f"shl i32 {w.let(f'and i32 {wide}, 32767')}, 13")
    # The exponent is moved by a product, which makes normal numbers of subnormal ones.
    moved = w.let(f"fmul float {w.let(f'bitcast i32 {size} to float')}, 0x46F0000000000000")
    finite = w.let(f"icmp ult i32 {size}, {0x7C00 << 13}")
    infinite = w.let(f"or i32 {size}, {0x7F800000}")
    bits = w.let(f"bitcast float {moved} to i32")
    chosen = w.let(f"select i1 {finite}, i32 {bits}, i32 {infinite}")
    sign = w.let(f"shl i32 {w.let(f'and i32 {wide}, 32768')}, 16")
    return w.let(f"bitcast i32 {w.let(f'or i32 {chosen}, {sign}')} to float")


def _rounded_once(w: Writer, x: str, kind: DType, result: DType) -> str:
    """Return a value as a float whose rounding to a half is that of the value.

    A double that is no float is made the neighbour with an odd last bit, so that rounding again
    does not see a tie that was none.  Note: for bf16 it is rounded twice, as ml_dtypes does.
    """
    near = cast(w, x, kind, F32)
    if kind is not F64 or result is not F16:
        return near
    back = w.let(f"fpext float {near} to double")
    inexact = w.let(f"fcmp one double {back}, {x}")
    sizes = [w.intrinsic("double", "llvm.fabs.f64", f"double {v}") for v in (back, x)]
    above = w.let(f"zext i1 {w.let(f'fcmp ogt double {sizes[0]}, {sizes[1]}')} to i32")
    bits = w.let(f"bitcast float {near} to i32")
    odd = w.let(f"or i32 {w.let(f'sub i32 {bits}, {above}')}, 1")
    return w.let(f"bitcast i32 {w.let(f'select i1 {inexact}, i32 {odd}, i32 {bits}')} to float")


def _to_half(w: Writer, x: str, result: DType) -> str:
    """Round a float to the nearest half, ties to even.

    By integer arithmetic where the machine has no instruction: LLVM's own conversion may then end
    in a call of a function that is not there.
    """
    if result is F16 and w.halves:
        # Unless something stands between, LLVM rounds the parts of a copysign, one of which may be
        # a double, for which there is no instruction.
        own = w.intrinsic("float", "llvm.canonicalize.f32", f"float {x}")
        return w.let(f"bitcast half {w.let(f'fptrunc float {own} to half')} to i16")
    bits = w.let(f"bitcast float {x} to i32")
    unordered = w.let(f"fcmp uno float {x}, {x}")
    if result is BF16:
        high = w.let(f"lshr i32 {bits}, 16")
        tie = w.let(f"and i32 {high}, 1")
        up = w.let(f"add i32 {w.let(f'add i32 {bits}, 32767')}, {tie}")
        rounded = w.let(f"lshr i32 {up}, 16")
        # Adding could carry a NaN into infinity; it keeps its sign, and some bit.
        quiet = w.let(f"or i32 {high}, 64")
        chosen = w.let(f"select i1 {unordered}, i32 {quiet}, i32 {rounded}")
        return w.let(f"trunc i32 {chosen} to i16")
    size = w.let(f"and i32 {bits}, {0x7FFFFFFF}")
    tie = w.let(f"and i32 {w.let(f'lshr i32 {size}, 13')}, 1")
    up = w.let(f"add i32 {w.let(f'add i32 {size}, {0xFFF - (112 << 23)}')}, {tie}")
    normal = w.let(f"lshr i32 {up}, 13")
    # Adding 0.5 shifts the digits of a subnormal number to where they belong, rounded.
    shifted = w.let(f"fadd float {w.let(f'bitcast i32 {size} to float')}, 0.5")
    digits = w.let(f"sub i32 {w.let(f'bitcast float {shifted} to i32')}, {126 << 23}")
    small = w.let(f"icmp ult i32 {size}, {113 << 23}")
    large = w.let(f"icmp uge i32 {size}, {143 << 23}")
    finite = w.let(f"select i1 {small}, i32 {digits}, i32 {normal}")
    infinite = w.let(f"select i1 {unordered}, i32 {0x7E00}, i32 {0x7C00}")
    chosen = w.let(f"select i1 {large}, i32 {infinite}, i32 {finite}")
    sign = w.let(f"and i32 {w.let(f'lshr i32 {bits}, 16')}, 32768")
    return w.let(f"trunc i32 {w.let(f'or i32 {chosen}, {sign}')} to i16")
