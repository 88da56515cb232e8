"""What every op has to do, derived from its class; values by the NumPy interpreter."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import BF16, C64, F16, F32, F64
from agnesi.dims.dim import Dim, Symbol, evaluate
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.text import op_name
from agnesi.graph.types import parse_type
from agnesi.ops import OPS
from agnesi.testing import Case, assert_close, cases_of, check_gradient, interpreted
from agnesi.testing.cases import sample_case, smooth_ops

if TYPE_CHECKING:
    from agnesi.ops.families import Op, Reject, Sample

ops = pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)


@ops
def test_values_are_numpys(op: type[Op]):
    for case in cases_of(op):
        for symbolic in (False, True):
            inputs = case.inputs(symbolic=symbolic)
            run = interpreted(inputs, [case.call(*inputs)])
            assert_close(
                run(case.arrays)[0],
                case.reference(),
                case.tolerance,
                scale=case.scale,
                signed_zero=case.signed_zero,
                what=str(case),
            )


@ops
def test_inferred_type_is_numpys(op: type[Op]):
    for case in cases_of(op):
        expected = case.reference()
        inferred = case.call(*case.inputs()).type
        assert inferred.dtype.numpy == expected.dtype, str(case)
        assert inferred.shape == expected.shape, str(case)


@ops
def test_symbolic_shape_is_the_shape(op: type[Op]):
    for case in cases_of(op, specials=False):
        inputs = case.inputs(symbolic=True)
        inferred = case.call(*inputs).type
        assert inferred.dtype is case.call(*case.inputs()).dtype
        known = _sizes_of(inputs, case)
        shape = tuple(s if isinstance(s, int) else evaluate(s, known) for s in inferred.shape)
        assert shape == case.reference().shape, str(case)


def _sizes_of(inputs: list[Input], case: Case) -> dict[Dim, int]:
    return {
        size: actual
        for leaf, array in zip(inputs, case.arrays, strict=True)
        for size, actual in zip(leaf.type.shape, array.shape, strict=True)
        if isinstance(size, Symbol)
    }


@pytest.mark.parametrize(
    ("op", "sample"),
    [(op, s) for op in smooth_ops() for s in op.all_samples()],
    ids=lambda value: value.__name__ if isinstance(value, type) else _sample_text(value),
)
def test_gradient_is_the_slope(op: type[Op], sample: Sample):
    case = sample_case(op, sample, F64, np.random.default_rng(7), smooth=True)
    # A rounded number has no slope at the scale of the rounding.
    rounded = case.call(*case.inputs()).dtype in (F16, BF16, F32, C64)
    if all(array.size for array in case.arrays) and not rounded:
        arrays = [case.arrays[k] for k in case.free]
        check_gradient(case.call_free, *arrays, order=op.orders, evaluator=interpreted)


def _sample_text(sample: Sample) -> str:
    return "-".join("x".join(map(str, shape)) for shape in sample.shapes) or "scalar"


@ops
def test_what_is_not_differentiable_has_no_gradient(op: type[Op]):
    if op.differentiable:
        return
    for case in cases_of(op, specials=False):
        inputs = case.inputs()
        result = case.call(*inputs)
        if result.dtype.is_complex:
            continue  # a complex sign turns with its number
        while not isinstance(result, op) and result.operands:
            result = result.operands[0]
        assert all(part is None for part in result.vjp(ag.constant(1.0)))


@ops
def test_is_interned_pickled_replaced_and_printed(op: type[Op]):
    for case in cases_of(op, specials=False)[:4]:
        for symbolic in (False, True):
            inputs = case.inputs(symbolic=symbolic)
            node = case.call(*inputs)
            assert case.call(*inputs) is node
            assert node.replace() is node
            assert type(node)(*node.args) is node
            assert pickle.loads(pickle.dumps(node)) is node
            found = {type(n) for n in _below(node)}
            lines = node.text().splitlines()
            assert lines[-1].startswith("return ")
            if op in found and node.operands:
                assert any(f"= {op_name_of(op)}(" in line for line in lines), node.text()
            assert str(node.type) in node.text() or not node.operands
            assert repr(node).startswith("<")


def op_name_of(op: type[Op]) -> str:
    instance = object.__new__(op)
    return op_name(instance)


def _below(node: ag.Tensor) -> list[ag.Tensor]:
    found = [node]
    for each in found:
        found.extend(o for o in each.operands if not any(o is f for f in found))
    return found


@pytest.mark.parametrize(
    ("op", "reject"),
    [(op, r) for op in OPS for r in op.all_rejects()],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.words,
)
def test_rejects_are_rejected_with_their_words(op: type[Op], reject: Reject):
    inputs = [new_input(n, parse_type(t, n)) for n, t in zip("xyz", reject.types, strict=False)]
    with pytest.raises(ag.GraphTypeError) as caught:
        op.call(*inputs, *reject.extra, **reject.named)
    message = str(caught.value)
    assert reject.words in message
    assert message[0].islower()
