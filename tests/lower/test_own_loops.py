"""Ops with loops of their own, scratch memory, C functions, and Python code in a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import F64, I32, I64
from agnesi.core.knobs import setting
from agnesi.dims.dim import fresh_index
from agnesi.graph.leaves import new_input
from agnesi.graph.types import TensorType, parse_type
from agnesi.loops.nodes import (
    Assign,
    For,
    Foreign,
    If,
    Load,
    Pass,
    Read,
    Store,
    While,
    fresh_local,
    index_of,
    index_scalar,
    literal,
)
from agnesi.lower.program import CallHost
from agnesi.ops.families import HostOp, LoopOp, Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Sizes, Tensor
    from agnesi.loops.nodes import Statement


class Backwards(LoopOp):
    """The elements in reverse, by way of scratch memory and computed offsets."""

    x: Tensor

    def infer(self) -> TensorType:
        return self.x.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        (n,) = self.type.shape
        i, j = fresh_index("i", n), fresh_index("j", n)
        order = at.scratch("order", I64, n)
        place = index_of(Load(order, j))
        last = index_scalar(n) - 1
        return [
            For(i, (Store(order, i, last - index_scalar(i)),)),
            For(j, at.store((j,), at.read(0, (place,)))),
        ]

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        return operands[0][::-1]


class Halvings(LoopOp):
    """How often each number can be halved before it is below 1."""

    x: Tensor
    streams = (0,)

    def infer(self) -> TensorType:
        return TensorType(I64, self.x.type.shape)

    def loops(self, at: Memory) -> Sequence[Statement]:
        i = fresh_index("i", self.type.shape[0])
        rest, count = fresh_local("rest", self.x.dtype), fresh_local("count", I64)
        turn = (
            Assign(rest, Read(rest) * 0.5),
            If(Read(rest) < 1e9, (Assign(count, Read(count) + 1),)),
        )
        body = (
            Assign(rest, at.read(0, (i,))),
            Assign(count, literal(0, I64)),
            While(Read(rest) >= 1.0, turn),
            *at.store((i,), Read(count)),
        )
        return [For(i, body)]

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        return np.frexp(np.maximum(operands[0], 0.5))[1].astype(np.int64)


class Norm(LoopOp):
    """The Euclidean norm of each row, by BLAS."""

    x: Tensor

    def infer(self) -> TensorType:
        return TensorType(F64, self.x.type.shape[:1])

    def loops(self, at: Memory) -> Sequence[Statement]:
        n, m = self.x.type.shape
        i = fresh_index("i", n)
        found = fresh_local("norm", F64)
        count = index_scalar(m).cast(I32)
        call = Foreign(
            "scipy_cblas_dnrm2",
            (Pass(count), at.operand(0, (i, 0)), Pass(literal(1, I32))),
            found,
        )
        return [For(i, (call, *at.store((i,), Read(found))))]

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        return np.sqrt((operands[0] ** 2).sum(1))


class Sorted(HostOp):
    """The elements in order."""

    x: Tensor

    def infer(self) -> TensorType:
        return self.x.type

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        if np.isnan(operands[0]).any():
            raise ValueError("no order among NaN")
        return np.sort(operands[0])


def given(text: str) -> Tensor:
    return new_input("x", parse_type(text, "x"))


@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("op", [Backwards, Halvings, Sorted])
def test_own_loops_in_every_interpreter(op: type, n: int):
    x = given("f64[n]")
    y = op(x * 2 + 1) * 3
    array = np.random.default_rng(0).uniform(0, 40, n)
    with setting(verify=1):
        results = [ag.function([x], y)(array)]
    for how in ("graph", "loops"):
        with setting(interpret=how):
            results.append(ag.function([x], y)(array))
    for result in results[1:]:
        np.testing.assert_array_equal(results[0], result)


def test_c_functions_are_called_by_pointer():
    x = given("f64[n, m]")
    array = np.random.default_rng(0).normal(size=(5, 4))
    wanted = np.sqrt((array**2).sum(1))
    np.testing.assert_allclose(ag.function([x], Norm(x))(array), wanted)
    with setting(interpret="loops"):
        np.testing.assert_allclose(ag.function([x], Norm(x))(array), wanted)


def test_streamed_operands_are_fused_and_others_stored():
    x = given("f64[n]")
    fused = ag.function([x], Halvings(ag.exp(x)))
    assert len(fused.kernels) == 1
    stored = ag.function([x], Backwards(ag.exp(x)))
    assert len(stored.kernels) == 2


def test_an_output_and_an_update_of_own_loops():
    x, state = given("f64[3]"), ag.shared(np.zeros(3))
    f = ag.function([x], Backwards(x), updates=[(state, Backwards(x))])
    f(np.arange(3.0))
    np.testing.assert_array_equal(state.get_value(), [2, 1, 0])


def test_an_error_in_host_code_is_the_callers_and_nothing_changes():
    x, state = given("f64[3]"), ag.shared(np.zeros(3))
    f = ag.function(
        [x],
        None,
        updates=[
            (state, state + 1 + 0 * Sorted(x).sum()),
        ],
    )
    with pytest.raises(ValueError, match="no order"):
        f(np.full(3, np.nan))
    np.testing.assert_array_equal(state.get_value(), np.zeros(3))
    f(np.ones(3))
    np.testing.assert_array_equal(state.get_value(), np.ones(3))
    assert any(isinstance(s, CallHost) for s in f.program.steps)
    assert "host" in f.explain()


def test_host_calls_keep_no_references():
    import sys

    x = given("f64[n]")
    f = ag.function([x], Sorted(x))
    array = np.ones(100)
    f(array)
    before = sys.getrefcount(array)
    for _ in range(20):
        f(array)
    assert sys.getrefcount(array) == before
