"""Machine code against NumPy, for every op, dtype, shape, layout and special value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agnesi.core.dtypes import C128, F64, DType
from agnesi.core.knobs import setting
from agnesi.ops import OPS
from agnesi.ops.arithmetic import Sign
from agnesi.testing import Case, Evaluator, assert_close, cases_of, check_gradient, looped, native
from agnesi.testing.cases import operand_dtypes, sample_case, smooth_ops

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Array
    from agnesi.ops.families import Op

ops = pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)


@ops
def test_values_are_numpys(op: type[Op]):
    cases = cases_of(op)
    with setting(optimise=3):
        run = _compiled(cases, native)
    layouts = [("as made", [case.arrays for case in cases])]
    for turn, (name, _) in enumerate(cases[0].strided()):
        layouts.append((name, [list(case.strided())[turn][1] for case in cases]))
    expected = [case.reference() for case in cases]
    for name, arrays in layouts:
        found = run([array for group in arrays for array in group])
        for case, actual, wanted in zip(cases, found, expected, strict=True):
            _compare(case, actual, wanted, name)


@ops
def test_kernels_say_the_same(op: type[Op]):
    cases = cases_of(op, specials=False)[::2]
    with setting(verify=1):
        run = _compiled(cases, looped)
    found = run([array for case in cases for array in case.arrays])
    for case, actual in zip(cases, found, strict=True):
        _compare(case, actual, case.reference(), "kernels interpreted")


def _compiled(cases: list[Case], evaluator: Evaluator) -> Callable[[list[Array]], list[Array]]:
    """Return one function for all cases: compiling is what takes time."""
    operands = [case.inputs(symbolic=True) for case in cases]
    results = [case.call(*inputs) for case, inputs in zip(cases, operands, strict=True)]
    return evaluator([leaf for leaves in operands for leaf in leaves], results)


def _compare(case: Case, actual: Array, expected: Array, how: str) -> None:
    assert_close(
        actual,
        expected,
        case.tolerance,
        scale=case.scale,
        signed_zero=case.signed_zero,
        what=f"{case}, {how}",
    )


SMOOTH = [
    pytest.param(op, dtype, id=f"{op.__name__}-{dtype}")
    for op in OPS
    for dtype in (F64, C128)
    if (op in smooth_ops() or (op is Sign and dtype is C128)) and dtype in operand_dtypes(op)
]


@pytest.mark.parametrize(("op", "dtype"), SMOOTH)
def test_gradient_is_the_slope(op: type[Op], dtype: DType):
    samples = [s for s in op.all_samples() if s.shapes]
    widest = max(samples, key=lambda s: (len(s.shapes), max(map(len, s.shapes)), s.shapes))
    case = sample_case(op, widest, dtype, np.random.default_rng(3), smooth=True)
    check_gradient(case.call_free, *(case.arrays[k] for k in case.free), order=op.orders)
