"""Expansion of elementary functions into native primitives."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.loops.math.error_function import erf, erfc
from agnesi.loops.math.exponential import exp, exp2, expm1
from agnesi.loops.math.hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
from agnesi.loops.math.inverse_trigonometric import acos, asin, atan, atan2
from agnesi.loops.math.logarithm import log, log1p, log2, log10
from agnesi.loops.math.logistic import sigmoid, softplus
from agnesi.loops.math.power import cbrt, power
from agnesi.loops.math.remainder import fmod
from agnesi.loops.math.trigonometric import cos, sin, tan
from agnesi.loops.nodes import Apply, Procedure, Scalar
from agnesi.loops.prims import MATH, Prim
from agnesi.loops.traverse import map_procedure, rebuild_scalar

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType


def expand(prim: Prim, operands: tuple[Scalar, ...]) -> Scalar:
    """Return an expression over native primitives for one elementary function.

    Args:
        prim: one of ``prims.MATH``.
        operands: its operands, all f32 or all f64.

    Raises:
        CompilerBug: the primitive is native, or the operands are not floats.
    """
    if not all(operand.dtype.is_float for operand in operands):
        raise CompilerBug(f"{prim.value}: operands of dtypes {[o.dtype for o in operands]}")
    match prim:
        case Prim.EXP:
            return exp(*operands)
        case Prim.EXP2:
            return exp2(*operands)
        case Prim.EXPM1:
            return expm1(*operands)
        case Prim.LOG:
            return log(*operands)
        case Prim.LOG2:
            return log2(*operands)
        case Prim.LOG10:
            return log10(*operands)
        case Prim.LOG1P:
            return log1p(*operands)
        case Prim.SIN:
            return sin(*operands)
        case Prim.COS:
            return cos(*operands)
        case Prim.TAN:
            return tan(*operands)
        case Prim.ASIN:
            return asin(*operands)
        case Prim.ACOS:
            return acos(*operands)
        case Prim.ATAN:
            return atan(*operands)
        case Prim.ATAN2:
            return atan2(*operands)
        case Prim.SINH:
            return sinh(*operands)
        case Prim.COSH:
            return cosh(*operands)
        case Prim.TANH:
            return tanh(*operands)
        case Prim.ASINH:
            return asinh(*operands)
        case Prim.ACOSH:
            return acosh(*operands)
        case Prim.ATANH:
            return atanh(*operands)
        case Prim.SIGMOID:
            return sigmoid(*operands)
        case Prim.SOFTPLUS:
            return softplus(*operands)
        case Prim.ERF:
            return erf(*operands)
        case Prim.ERFC:
            return erfc(*operands)
        case Prim.POW:
            return power(*operands)
        case Prim.CBRT:
            return cbrt(*operands)
        case Prim.FMOD:
            return fmod(*operands)
        case (
            Prim.ADD | Prim.SUB | Prim.MUL | Prim.DIV | Prim.FLOORDIV | Prim.MOD | Prim.NEG
            | Prim.ABS | Prim.MIN | Prim.MAX | Prim.FMA | Prim.EQ | Prim.NE | Prim.LT | Prim.LE
            | Prim.GT | Prim.GE | Prim.AND | Prim.OR | Prim.XOR | Prim.NOT | Prim.SHL | Prim.SHR
            | Prim.SELECT | Prim.CAST | Prim.BITCAST | Prim.SQRT | Prim.FLOOR | Prim.CEIL
            | Prim.TRUNC | Prim.RINT | Prim.COPYSIGN
        ):  # fmt: skip
            raise CompilerBug(f"{prim.value} is native: there is nothing to expand")


def expand_scalar(root: Scalar) -> Scalar:
    """Return the expression with every elementary function in it expanded.

    Guarded arms, values inside offsets and procedures are expanded too.
    """
    return rebuild_scalar(root, apply=_expanded, procedure=_expanded_procedure)


@cache
def _expanded_procedure(procedure: Procedure) -> Procedure:
    return map_procedure(procedure, expand_scalar)


def _expanded(prim: Prim, operands: tuple[Scalar, ...], to: DType) -> Scalar:
    return expand(prim, operands) if prim in MATH else Apply(prim, operands, to)
