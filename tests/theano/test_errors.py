"""What errors of calls say: the application, its inputs, the program's line."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.compile.monitormode import MonitorMode

MODES = [None, MonitorMode()]


def line() -> int:
    """Return the number of the line that calls."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.mark.parametrize("mode", MODES)
def test_sizes_that_differ(mode):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    product, number = T.dot(x, y), line()
    f = theano.function([x, y], T.exp(product + 1).sum(), mode=mode)
    assert f(np.ones((2, 3)), np.zeros((3, 4))) == pytest.approx(8 * np.e)
    with pytest.raises(ValueError) as caught:
        f(np.ones((2, 3)), np.ones((4, 5)))
    text = str(caught.value)
    for words in (
        "Apply node that caused the error: dot(x, y)",
        "Toposort index: ",
        "Inputs types: [TensorType(float64, matrix), TensorType(float64, matrix)]",
        "Inputs shapes: [(2, 3), (4, 5)]",
        "Inputs strides: [(24, 8), (40, 8)]",
        "Inputs values: ['not shown', 'not shown']",
        "Outputs clients: [[Elemwise{add",
        "Backtrace when the node is created",
        f'test_errors.py", line {number}, in test_sizes_that_differ',
        "product, number = T.dot(x, y), line()",
        "HINT: Use the Theano flag 'exception_verbosity=high'",
    ):
        assert words in text, words
    assert caught.value.__op_instance__ is product.owner
    assert caught.value.__thunk_trace__ == product.tag.trace
    assert caught.value.__applynode_index__ is not None


@pytest.mark.parametrize("mode", MODES)
def test_indices_out_of_bounds(mode):
    v, i = T.dvector("v"), T.iscalar("i")
    f = theano.function([v, i], v[i] * 2, mode=mode)
    with pytest.raises(IndexError, match="out of bounds") as caught:
        f([1, 2], 5)
    assert "Inputs values: [array([1., 2.]), " in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_errors_of_a_programs_op(mode):
    class Fails(theano.Op):
        def make_node(self, x):
            return theano.Apply(self, [x], [x.type()])

        def infer_shape(self, node, shapes):
            return shapes

        def perform(self, node, inputs, output_storage, params=None):
            raise KeyError("mine", 2) if inputs[0][0] else ArithmeticError("mine")

    x = T.dvector("x")
    f = theano.function([x], Fails()(x + 1) * 2, mode=mode)
    with pytest.raises(ArithmeticError, match=r"^mine\nApply node that caused") as caught:
        f([-1.0])
    assert "Inputs shapes: [(1,)]" in str(caught.value)
    assert "Fails" in str(caught.value)
    with pytest.raises(KeyError) as other:
        f([1.0])
    assert other.value.args == ("mine", 2)
    assert any("Apply node" in note for note in other.value.__notes__)


def test_more_is_said_if_asked_for():
    x = T.dvector("x")
    w = theano.shared(np.ones(3), "w")
    f = theano.function([x], x + w)
    with theano.change_flags(exception_verbosity="high"), pytest.raises(ValueError) as caught:
        f(np.ones(4))
    text = str(caught.value)
    for words in (
        "Inputs type_num: [12, 12]",
        "Debugprint of the apply node:",
        "Storage map footprint:",
        " - x, Input, Shape: (4,), ElemSize: 8 Byte(s), TotalSize: 32 Byte(s)",
        " - w, Shared Input, Shape: (3,), ElemSize: 8 Byte(s), TotalSize: 24 Byte(s)",
        "TotalSize inputs: 56 Byte(s)",
    ):
        assert words in text, words
    assert "HINT" not in text
    # Nothing is left behind.
    np.testing.assert_array_equal(f(np.ones(3)), [2, 2, 2])


def test_lines_of_the_program():
    def inner():
        return T.dvector("x") + 1

    y = inner()
    (calls,) = y.tag.trace
    assert [(c[2], c[3]) for c in calls[-2:]] == [
        ("test_lines_of_the_program", "y = inner()"),
        ("inner", 'return T.dvector("x") + 1'),
    ]
    assert len(calls) <= 8
    with theano.change_flags({"traceback.limit": 1}):
        assert [c[2] for c in inner().tag.trace[0]] == ["inner"]
    with theano.change_flags({"traceback.limit": 0}):
        assert not hasattr(inner().tag, "trace")
    with theano.change_flags({"traceback.limit": -1}):
        assert len(inner().tag.trace[0]) > 8
    assert "inner" in theano.gof.utils.get_variable_trace_string(y)
    x = T.dvector("x")
    assert x.tag.trace[0][-1][2] == "test_lines_of_the_program"
    # What a gradient has made knows the line that it comes from.
    cost = T.tanh(x).sum()
    assert T.grad(cost, x).owner is not None


def test_errors_in_updates_leave_shared_variables_alone():
    x, w = T.dvector("x"), theano.shared(np.ones(3), "w")
    f = theano.function([x], x.sum(), updates=[(w, w + x)])
    with pytest.raises(ValueError, match="Apply node"):
        f(np.ones(2))
    np.testing.assert_array_equal(w.get_value(), [1, 1, 1])


def test_raise_with_op():
    x = T.dvector("x")
    y = T.exp(x)
    with pytest.raises(RuntimeError, match=r"Apply node that caused the error: Elemwise.exp"):
        try:
            raise RuntimeError("mine")
        except RuntimeError:
            theano.gof.link.raise_with_op(y.owner)
