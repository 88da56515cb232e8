"""DebugMode: ops held to what they declare, and native results to those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.compile import debugmode
from agnesi.theano.compile.debugmode import DebugMode


class Written(theano.Op):
    """An op of two vectors that does what it is told."""

    def __init__(self, do, kinds=(T.dvector,), view_map=None, destroy_map=None):
        self.do, self.kinds = do, kinds
        self.view_map, self.destroy_map = view_map or {}, destroy_map or {}

    def make_node(self, a, b):
        return theano.Apply(self, [a, b], [kind() for kind in self.kinds])

    def perform(self, node, inputs, output_storage, params=None):
        self.do(*inputs, *output_storage)


def called(op, mode="DEBUG_MODE", use=lambda out: out):
    x, y = T.dvector("x"), T.dvector("y")
    made = op(x, y)
    f = theano.function([x, y], use(made), mode=mode)
    return f([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])


def put(value):
    def do(a, b, out):
        out[0] = value(a, b)

    return do


def test_good_functions_are_as_they_are():
    x, w = T.dmatrix("x"), theano.shared(np.eye(3), "w")
    h, _ = theano.scan(lambda row: T.tanh(T.dot(row, w)), x)
    cost = T.sqr(h).sum() + T.nnet.softmax(T.dot(x, w)).max()
    f = theano.function([x], [cost], updates=[(w, w - 0.1 * T.grad(cost, w))], mode="DebugMode")
    a = np.random.default_rng(0).normal(size=(4, 3))
    first = f(a)[0]
    assert f(a)[0] != first
    assert called(Written(put(lambda a, b: a + b))).tolist() == [5, 7, 9]


def test_what_an_op_writes_over_has_to_be_declared():
    def adds(a, b, out):
        a += b
        out[0] = a

    with pytest.raises(debugmode.BadDestroyMap) as caught:
        called(Written(adds))
    assert caught.value.idx == 0
    np.testing.assert_array_equal(caught.value.old_val, [1, 2, 3])
    np.testing.assert_array_equal(caught.value.new_val, [5, 7, 9])
    assert "changed input idx: 0" in str(caught.value)
    assert called(Written(adds, destroy_map={0: [0]})).tolist() == [5, 7, 9]


@pytest.mark.parametrize("view", [lambda b: b, lambda b: b[1:3]])
def test_views_have_to_be_declared(view):
    with pytest.raises(debugmode.BadViewMap) as caught:
        called(Written(put(lambda a, b: view(b))))
    assert caught.value.in_alias_idx == [1]
    assert "aliased to inputs: [1]" in str(caught.value)
    called(Written(put(lambda a, b: view(b)), view_map={0: [1]}))


def test_results_that_share_memory_where_both_are_used():
    def both(a, b, first, second):
        first[0] = a * 2
        second[0] = first[0][1:]

    op = Written(both, (T.dvector, T.dvector))
    assert [len(r) for r in called(op)] == [3, 2]
    with pytest.raises(debugmode.BadViewMap):
        called(op, use=lambda out: out[0].sum() + out[1].sum())


@pytest.mark.parametrize(
    "value",
    [
        lambda a, b: (a + b).astype("float32"),
        lambda a, b: (a + b)[None],
        lambda a, b: [1.0, 2.0, 3.0],
        lambda a, b: np.log(a - 1),
        lambda a, b: np.log(-a),
    ],
)
def test_values_have_to_be_of_their_type_and_finite(value):
    with pytest.raises(debugmode.InvalidValueError) as caught, np.errstate(all="ignore"):
        called(Written(put(value)))
    assert "perform output" in str(caught.value)


def test_numbers_that_are_not_finite():
    x = T.dvector("x")
    f = theano.function([x], T.log(x), mode="DEBUG_MODE")
    assert f([1.0]) == 0
    for bad in ([-1.0], [0.0], [np.nan], [np.inf]):
        with pytest.raises(debugmode.InvalidValueError, match="non-finite"):
            f(bad)
    g = theano.function([x], T.log(x), mode=DebugMode(check_isfinite=False))
    assert np.isnan(g([-1.0])).all()
    mode = theano.compile.predefined_modes["DEBUG_MODE"]
    mode.check_isfinite = False
    try:
        assert np.isneginf(f([0.0])).all()
    finally:
        mode.check_isfinite = True


@pytest.mark.parametrize("kind", ["c_contiguous", "f_contiguous", "strided", "wrong_size", "ALL"])
def test_ops_are_offered_memory_for_their_results(kind):
    seen = []

    def good(a, b, out):
        if out[0] is not None:
            seen.append(out[0].shape)
        out[0] = a + b

    def bad(a, b, out):
        if out[0] is None:
            out[0] = a + b
        else:
            out[0][...] = 0

    mode = DebugMode(check_preallocated_output=[kind])
    assert called(Written(good), mode).tolist() == [5, 7, 9]
    assert seen
    with pytest.raises(debugmode.BadThunkOutput) as caught:
        called(Written(bad), mode)
    assert "perform into" in str(caught.value)
    assert caught.value.offending_op() is Written


def test_an_op_that_lies_in_its_shape_is_not_believed():
    x = T.dvector("x")

    class Grows(theano.Op):
        def make_node(self, x):
            return theano.Apply(self, [x], [T.dvector()])

        def infer_shape(self, node, shapes):
            return [(shapes[0][0] + 1,)]

        def perform(self, node, inputs, output_storage, params=None):
            output_storage[0][0] = inputs[0] * 2

    f = theano.function([x], Grows()(x) + 1, mode="DEBUG_MODE")
    with pytest.raises(ValueError, match="shape"):
        f([1.0, 2.0])


def test_native_results_are_compared(monkeypatch):
    x = T.dvector("x")
    w = theano.shared(np.ones(2), "w")
    f = theano.function([x], x * 2, updates=[(w, w + x)], mode="DEBUG_MODE")
    f([1.0, 2.0])
    wrong = f.native.native

    def lies(a):
        return [result + 1 for result in wrong(a)]

    monkeypatch.setattr(f.native, "native", lies)
    with pytest.raises(debugmode.BadOptimization, match=r"Max Abs Diff: 1\.0") as caught:
        f([1.0, 2.0])
    np.testing.assert_array_equal(caught.value.old_r_val, [2, 4])
    np.testing.assert_array_equal(caught.value.new_r_val, [3, 5])
    assert str(debugmode.BadOptimization("again")) == "again"


def test_its_options():
    assert DebugMode().stability_patience == 10
    with theano.change_flags({"DebugMode.check_finite": False, "DebugMode.patience": 3}):
        made = DebugMode()
    assert (made.check_isfinite, made.stability_patience) == (False, 3)
    with pytest.raises(ValueError, match="at least one"):
        DebugMode(check_py_code=False)
    with pytest.raises(Exception, match="own linker"):
        DebugMode(linker="cvm")
    assert made.clone(optimizer="fast_compile").check_isfinite is False
    x = T.dvector("x")
    with pytest.raises(Exception, match="profiling"):
        theano.function([x], x, mode="DEBUG_MODE", profile=True)


def test_small_helpers():
    assert [debugmode.char_from_number(n) for n in (0, 25, 26)] == ["A", "Z", "BA"]
    x = T.fvector("x")
    assert debugmode.check_eq(x, np.float32([1]), np.float32([1 + 1e-6]))
    assert not debugmode.check_eq(x, np.float32([1]), np.float32([1.1]))
    assert str(debugmode.data_destroyed) == "data destroyed"
