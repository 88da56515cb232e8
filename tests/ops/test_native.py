"""Machine code against NumPy, for every op, dtype, shape, layout and special value."""

from __future__ import annotations

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import F64
from agnesi.ops import OPS
from agnesi.ops.families import Elementwise, Op
from agnesi.testing import assert_close, cases_of, check_gradient
from agnesi.testing.cases import sample_case

ops = pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)


@ops
def test_values_are_numpys(op: type[Op]):
    # One function for all cases: compiling is what takes time.
    cases = cases_of(op)
    operands = [case.inputs(symbolic=True) for case in cases]
    results = [case.call(*inputs) for case, inputs in zip(cases, operands, strict=True)]
    inputs = [
        ag.In(leaf, name=f"{leaf.name}{k}") for k, leaves in enumerate(operands) for leaf in leaves
    ]
    run = ag.function(inputs, results, on_unused_input="ignore")
    layouts = [("as made", [case.arrays for case in cases])]
    for turn, (name, _) in enumerate(cases[0].strided()):
        layouts.append((name, [list(case.strided())[turn][1] for case in cases]))
    expected = [case.reference() for case in cases]
    signed = issubclass(op, Elementwise) and op.public not in ("minimum", "maximum")
    for name, arrays in layouts:
        found = run(*(array for group in arrays for array in group))
        for case, actual, wanted in zip(cases, found, expected, strict=True):
            assert_close(
                actual,
                wanted,
                op.tolerance,
                scale=case.scale,
                signed_zero=signed,
                what=f"{case}, {name}",
            )


@pytest.mark.parametrize("op", [op for op in OPS if op.differentiable], ids=lambda op: op.__name__)
def test_gradient_is_the_slope(op: type[Op]):
    samples = [s for s in op.all_samples() if s.shapes]
    widest = max(samples, key=lambda s: (len(s.shapes), max(map(len, s.shapes)), s.shapes))
    case = sample_case(op, widest, F64, np.random.default_rng(3), smooth=True)
    check_gradient(case.call, *case.arrays)
