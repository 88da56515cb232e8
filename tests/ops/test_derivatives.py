"""Forward mode and examples along an axis in front, for every op: derived from its class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.autodiff.forward import transposed
from agnesi.core.dtypes import C128, F64, DType
from agnesi.graph.leaves import new_input
from agnesi.ops import OPS
from agnesi.ops.gradients import ClipGradient
from agnesi.testing import Case, Evaluator, assert_close, cases_of, interpreted, native
from agnesi.testing.cases import sample_case, smooth_ops, type_of

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array
    from agnesi.ops.families import Op, Sample

ops = pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
SMOOTH = [(op, s) for op in smooth_ops() for s in op.all_samples()]


def _text(value: type[Op] | Sample) -> str:
    if isinstance(value, type):
        return value.__name__
    return "-".join("x".join(map(str, shape)) for shape in value.shapes) or "scalar"


def _values(random: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> Array:
    values = random.uniform(0.5, 1.5, shape)
    if dtype.is_complex:
        values = values + 1j * random.uniform(0.5, 1.5, shape)
    return values.astype(dtype.numpy)


def _inner(a: Array, b: Array) -> float:
    """What pairs a cotangent with a tangent, as a real number."""
    wide = np.complex128 if "c" in a.dtype.kind + b.dtype.kind else np.float64
    return float((a.astype(wide) * b.astype(wide)).sum().real)


@pytest.mark.parametrize("dtype", [F64, C128])
@pytest.mark.parametrize(("op", "sample"), SMOOTH, ids=_text)
def test_forward_mode_is_reverse_mode(op: type[Op], sample: Sample, dtype: DType):
    """``<ct, jvp(t)>`` is ``<vjp(ct), t>``, for the op and once more for its derivative."""
    if dtype not in op.dtypes and dtype is not F64:
        return
    random = np.random.default_rng(11)
    case = sample_case(op, sample, dtype, random, smooth=True)
    inputs = case.inputs(symbolic=True)
    moving = [k for k in case.free if case.arrays[k].dtype == dtype.numpy]
    variables = [inputs[k] for k in moving]
    try:
        result = case.call(*inputs)
    except ag.GraphTypeError as error:
        # An op that is not defined for complex numbers with these arguments.
        assert dtype is C128 and "not defined for c128" in str(error)
        return
    if not moving or not result.dtype.is_inexact:
        return
    tangents = [new_input(None, v.type) for v in variables]
    ct = new_input(None, result.type)
    forward = ag.jvp(result, variables, tangents, disconnected="zero")
    backward = ag.vjp(result, variables, ct, disconnected="zero")
    twice_there = op.orders > 1
    second = ag.jvp(backward, variables, tangents, disconnected="zero") if twice_there else []
    assert forward.dtype is result.dtype
    assert forward.ndim == result.ndim
    along = [_values(random, case.arrays[k].shape, dtype) for k in moving]
    weights = _values(random, case.reference().shape, result.dtype)
    values = [*case.arrays, *along, weights]
    run = interpreted([*inputs, *tangents, ct], [forward, *backward, *second])
    found, *rest = run(values)
    pulled, twice = rest[: len(moving)], rest[len(moving) :]
    back = sum(_inner(p, t) for p, t in zip(pulled, along, strict=True))
    digits = 9 if result.dtype in (F64, C128) else 6 if result.dtype.bits >= 32 else 2
    np.testing.assert_allclose(_inner(weights, found), back, rtol=10**-digits, atol=1e-9)
    if digits < 9 or not result.dtype.is_float or dtype is not F64 or not twice_there:
        return
    # The second derivative is symmetric: the same number from reverse over reverse.
    slope = [(b * t).sum() for b, t in zip(backward, tangents, strict=True)]
    again = ag.grad(slope, variables, disconnected="zero")
    for a, b in zip(interpreted([*inputs, *tangents, ct], again)(values), twice, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-8)


@ops
def test_forward_mode_is_the_transpose_of_reverse_mode(op: type[Op]):
    """What a family says of forward mode is what follows from the gradient."""
    for case in cases_of(op, specials=False)[:3]:
        result = case.call(*case.inputs())
        if not isinstance(result, op) or not result.dtype.is_float:
            continue
        tangents = tuple(
            new_input(None, o.type) if o.dtype.is_float else None for o in result.operands
        )
        if op is ClipGradient:
            # Its gradient is not linear in the cotangent, and forward mode does not follow.
            with pytest.raises(ag.GradientError, match="not linear"):
                transposed(result, tangents)
            continue
        pair = [result.jvp(tangents), transposed(result, tangents)]
        assert [t is None for t in pair] in ([True, True], [False, False])
        for tangent in pair:
            assert tangent is None or tangent.type == result.type


@pytest.mark.parametrize("evaluator", [interpreted, native])
@ops
def test_examples_in_front(op: type[Op], evaluator: Evaluator):
    """``vectorize(op)`` on examples along an axis is each example by itself, along an axis."""
    cases = [case for case in cases_of(op, specials=False)[:10] if case.arrays]
    groups = [_Examples(case, turn) for turn, case in enumerate(cases)]
    if groups:
        inputs = [leaf for group in groups for leaf in group.inputs]
        run = evaluator(inputs, [group.result for group in groups])
        found = run([array for group in groups for array in group.arrays])
        for group, actual in zip(groups, found, strict=True):
            group.check(actual)


class _Examples:
    """Three examples of a case, of which some operands are the same for all."""

    def __init__(self, case: Case, turn: int) -> None:
        randoms = [np.random.default_rng(seed) for seed in (1, 2)]
        dtype = type_of(case.arrays[0]).dtype
        others = [sample_case(case.op, case.sample, dtype, random) for random in randoms]
        self.case = case
        self.rows = [
            [own, *(other.arrays[k].astype(own.dtype) for other in others)]
            for k, own in enumerate(case.arrays)
        ]
        count = len(self.rows)
        # One operand in turn is held, or none.
        self.axes: list[int | None] = [
            None if count > 1 and turn % (count + 1) == k else (0 if (turn + k) % 2 else -1)
            for k in range(count)
        ]
        try:
            self.result = self.expression()
        except ag.GraphTypeError as error:
            # An index that differs between examples; the array may.
            assert "differs between examples" in str(error)
            self.axes = [0, *(None for _ in range(count - 1))]
            self.result = self.expression()

    def expression(self) -> ag.Tensor:
        self.arrays = [
            row[0] if axis is None else np.stack(row, axis)
            for row, axis in zip(self.rows, self.axes, strict=True)
        ]
        self.inputs = [
            new_input(None, type_of(array, f"x{k}")) for k, array in enumerate(self.arrays)
        ]
        return ag.vectorize(self.case.call, in_axes=self.axes)(*self.inputs)

    def check(self, actual: Array) -> None:
        chosen = [
            [row[0 if axis is None else k] for row, axis in zip(self.rows, self.axes, strict=True)]
            for k in range(3)
        ]
        cases = [Case(self.case.op, self.case.sample, tuple(arrays)) for arrays in chosen]
        scales = np.stack([np.asarray(case.scale) for case in cases])
        expected = np.stack([case.reference() for case in cases])
        scales = scales.reshape(scales.shape + (1,) * (expected.ndim - scales.ndim))
        assert_close(
            actual,
            expected,
            self.case.tolerance,
            scale=scales,
            what=f"{self.case}, {self.axes}",
        )
