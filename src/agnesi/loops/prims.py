"""The closed set of scalar primitives: what a backend has to spell.

``NATIVE`` ones are spelled by every backend; the others (``MATH``) are expanded by
``loops/math`` into native ones before code is emitted, or spelled by a backend that has them.

Semantics, stated once.  Floats follow IEEE 754; a multiplication and an addition may be
contracted only where ``FMA`` says so.  Integers wrap.  Integer division rounds down, a remainder
has the divisor's sign, and both give 0 for a divisor of 0, as in NumPy.  Shifts by the width or
more give 0 (or the sign).  ``MIN`` and ``MAX`` give NaN if either operand is NaN.  A cast from
float to integer truncates; what does not fit is the machine's business, as in NumPy.
"""

from __future__ import annotations

from enum import Enum


class Prim(Enum):
    """A scalar operation."""

    # arithmetic
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"  # floats only
    FLOORDIV = "floordiv"  # integers only
    MOD = "mod"  # integers only
    NEG = "neg"
    ABS = "abs"
    MIN = "min"
    MAX = "max"
    FMA = "fma"  # a*b + c with one rounding, floats only
    # comparison, giving bool
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    # bits; on bool they are logical
    AND = "and"
    OR = "or"
    XOR = "xor"
    NOT = "not"
    SHL = "shl"
    SHR = "shr"  # arithmetic for signed integers
    # choice and conversion
    SELECT = "select"
    CAST = "cast"
    BITCAST = "bitcast"  # same number of bits
    # floats, one machine instruction or so
    SQRT = "sqrt"
    FLOOR = "floor"
    CEIL = "ceil"
    TRUNC = "trunc"
    RINT = "rint"  # to nearest, ties to even
    COPYSIGN = "copysign"
    # floats, expanded by loops/math
    EXP = "exp"
    EXP2 = "exp2"
    EXPM1 = "expm1"
    LOG = "log"
    LOG2 = "log2"
    LOG10 = "log10"
    LOG1P = "log1p"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    ASIN = "asin"
    ACOS = "acos"
    ATAN = "atan"
    ATAN2 = "atan2"
    SINH = "sinh"
    COSH = "cosh"
    TANH = "tanh"
    ASINH = "asinh"
    ACOSH = "acosh"
    ATANH = "atanh"
    SIGMOID = "sigmoid"
    SOFTPLUS = "softplus"
    ERF = "erf"
    ERFC = "erfc"
    POW = "pow"
    CBRT = "cbrt"
    FMOD = "fmod"  # C's remainder, with the sign of the dividend

    __hash__ = object.__hash__


_FIRST_MATH = list(Prim).index(Prim.EXP)
NATIVE = frozenset(list(Prim)[:_FIRST_MATH])
MATH = frozenset(list(Prim)[_FIRST_MATH:])
COMPARISONS = frozenset({Prim.EQ, Prim.NE, Prim.LT, Prim.LE, Prim.GT, Prim.GE})
