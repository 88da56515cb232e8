"""Texts of graphs, letter for letter those of Theano 1.0.5."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano

PRINTED = [
    ("x + y", "(x + y)"),
    ("x + 1", "(x + TensorConstant{1})"),
    ("x * 2.5 - 1", "((x * TensorConstant{2.5}) - TensorConstant{1})"),
    ("(x + y) * x / y - x ** 2", "((((x + y) * x) / y) - (x ** TensorConstant{2}))"),
    ("x // y", "(x // y)"),
    ("x % y", "mod(x, y)"),
    ("-x", "(-x)"),
    ("abs(x)", "|x|"),
    ("T.switch(x > y, x, y)", "switch(gt(x, y), x, y)"),
    ("fm + s", "(fm + s)"),
    ("T.dot(x, y)", "(x \\dot y)"),
    ("T.dot(x, v)", "(x \\dot v)"),
    ("T.batched_dot(t3, t3)", "BatchedDot(t3, t3)"),
    ("T.sqr(x) + T.inv(x) + T.sgn(x)", "((sqr(x) + inv(x)) + sgn(x))"),
    ("b & b | ~b ^ b", "or_(and_(b, b), xor(invert(b), b))"),
    ("T.clip(x, 0, 1)", "clip(x, TensorConstant{0}, TensorConstant{1})"),
    ("x.sum()", "Sum{acc_dtype=float64}(x)"),
    ("x.sum(axis=0)", "Sum{axis=[0], acc_dtype=float64}(x)"),
    ("x.sum(axis=1, keepdims=True)", "DimShuffle{0, x}(Sum{axis=[1], acc_dtype=float64}(x))"),
    ("b.sum()", "Sum{acc_dtype=int64}(b)"),
    ("fm.sum(axis=-1)", "Sum{axis=[1], acc_dtype=float64}(fm)"),
    ("x.prod()", "Prod{axis=None, dtype='float64', acc_dtype='float64'}(x)"),
    ("x.max()", "MaxAndArgmax{axis=(0, 1)}(x)"),
    ("x.max(axis=1)", "MaxAndArgmax{axis=(1,)}(x)"),
    ("x.min(axis=0)", "(-MaxAndArgmax{axis=(0,)}((-x)))"),
    ("x.argmax(axis=1)", "MaxAndArgmax{axis=(1,)}(x)"),
    ("T.argmin(x)", "MaxAndArgmax{axis=(0, 1)}((-x))"),
    ("T.any(x > 0)", "Any(gt(x, TensorConstant{0}))"),
    ("T.all(b, axis=0)", "All{0}(neq(b, TensorConstant{0}))"),
    ("x.T", "x.T"),
    ("x.dimshuffle(0, 'x', 1)", "DimShuffle{0, x, 1}(x)"),
    ("v.dimshuffle('x', 0)", "v"),
    ("t3.dimshuffle(2, 0, 1)", "DimShuffle{2, 0, 1}(t3)"),
    ("x + v", "(x + v)"),
    ("x[0]", "x[Constant{0}]"),
    ("x[1:3]", "x[int64:int64]"),
    ("x[::2, 1]", "x[::int64, Constant{1}]"),
    ("x[:, ::-1]", "x[:, ::int64]"),
    ("x[i]", "x[ScalarFromTensor(i)]"),
    ("x[i:, 0]", "x[int32:, Constant{0}]"),
    ("v[i:i + 1]", "v[int32:int32]"),
    ("v[-1]", "v[Constant{-1}]"),
    ("v[None, :]", "v"),
    ("t3[..., 0]", "t3[:, :, Constant{0}]"),
    ("x[iv]", "AdvancedSubtensor1(x, iv)"),
    ("x[iv, iv]", "AdvancedSubtensor(x, iv, iv)"),
    ("x[:, iv]", "AdvancedSubtensor1(x.T, iv).T"),
    ("T.set_subtensor(x[0], v)", "IncSubtensor{Set;int64}(x, v, Constant{0})"),
    (
        "T.set_subtensor(x[iv], 0)",
        "AdvancedIncSubtensor1{no_inplace,set}(x, TensorConstant{0}, iv)",
    ),
    ("x.reshape((2, -1))", "Reshape{2}(x, TensorConstant{[ 2 -1]})"),
    ("x.flatten()", "Reshape{1}(x, TensorConstant{(1,) of -1})"),
    ("x.shape", "Shape(x)"),
    ("x.shape[0]", "Shape(x)[Constant{0}]"),
    ("x.size", "Prod{axis=None, dtype='int64', acc_dtype='int64'}(Shape(x))"),
    ("x.astype('float32')", "float32(x)"),
    ("T.cast(iv, 'floatX')", "float64(iv)"),
    ("T.concatenate([x, y])", "join(TensorConstant{0}, x, y)"),
    ("T.concatenate([x, y], axis=1)", "join(TensorConstant{1}, x, y)"),
    ("T.stack([v, v])", "join(TensorConstant{0}, v, v)"),
    ("T.stack([s, s])", "[s, s]"),
    ("T.zeros((2, 3))", "alloc(TensorConstant{0.0}, TensorConstant{2}, TensorConstant{3})"),
    ("T.zeros_like(x)", "fill(x, TensorConstant{0.0})"),
    ("T.ones_like(x)", "fill(x, TensorConstant{1.0})"),
    ("T.arange(i)", "ARange{dtype='int64'}(TensorConstant{0}, i, TensorConstant{1})"),
    ("T.diag(x)", "ExtractDiag{offset=0, axis1=0, axis2=1, view=False}(x)"),
    ("T.nnet.softmax(x)", "Softmax(x)"),
    ("T.nnet.softmax(v)", "Softmax(v)"),
    ("T.nnet.logsoftmax(x)", "LogSoftmax(x)"),
    ("T.nnet.sigmoid(x)", "sigmoid(x)"),
    ("T.nnet.softplus(x)", "softplus(x)"),
    ("T.nnet.relu(x)", "(TensorConstant{0.5} * (x + |x|))"),
    ("T.nnet.categorical_crossentropy(x, y)", "(-Sum{axis=[1], acc_dtype=float64}((y * log(x))))"),
    ("T.sort(x)", "SortOp{quicksort, None}(x, TensorConstant{-1})"),
    ("T.argsort(x, axis=0)", "ArgSortOp{quicksort, None}(x, TensorConstant{0})"),
    ("T.cumsum(x, axis=0)", "CumOp{0, add}(x)"),
    ("alpha * x", "(\\alpha * x)"),
    ("T.nlinalg.matrix_inverse(x)", "MatrixInverse(x)"),
    ("z.real + z.imag", "(real(z) + imag(z))"),
    ("T.outer(v, v)", "(DimShuffle{0, x}(v) \\dot v)"),
    ("T.split(v, [1, 2], 2)[1]", "Split{2}(v, TensorConstant{0}, TensorConstant{[1 2]})"),
    ("x.swapaxes(0, 1)", "x.T"),
    ("T.isnan(x) + T.isinf(x)", "(isnan(x) + isinf(x))"),
    ("T.addbroadcast(x, 0)", "Rebroadcast{1}(x)"),
    ("T.unbroadcast(r, 0)", "Rebroadcast{0}(r)"),
    ("T.max_and_argmax(x, axis=1)[1]", "MaxAndArgmax{axis=(1,)}(x)"),
    ("theano.gradient.disconnected_grad(x)", "DisconnectedGrad(x)"),
]


@pytest.fixture(scope="module")
def names():
    return {
        "T": T,
        "theano": theano,
        **{n: T.dmatrix(n) for n in "xy"},
        **{n: getattr(T, kind)(n) for n, kind in KINDS.items()},
        "w": theano.shared(np.ones((3, 2)), "w"),
        "n": theano.shared(np.zeros(3)),
    }


KINDS = {
    "v": "dvector",
    "s": "dscalar",
    "alpha": "dscalar",
    "i": "iscalar",
    "iv": "lvector",
    "b": "bmatrix",
    "t3": "dtensor3",
    "t4": "dtensor4",
    "r": "drow",
    "c": "dcol",
    "fm": "fmatrix",
    "z": "zmatrix",
}


@pytest.mark.filterwarnings("ignore:DEPRECATION")
@pytest.mark.parametrize(("code", "text"), PRINTED)
def test_pp(names, code, text):
    with theano.change_flags(floatX="float64"):
        assert theano.pp(eval(code, dict(names))) == text


def test_debugprint(names):
    x, y, w = names["x"], T.lvector("y"), names["w"]
    cost = -T.mean(T.log(T.nnet.softmax(T.dot(x, w)))[T.arange(y.shape[0]), y])
    shown = theano.printing.debugprint(cost, file="str")
    assert [line.rstrip() for line in shown.splitlines()] == COST.splitlines()


COST = """\
Elemwise{neg,no_inplace} [id A] ''
 |Elemwise{true_div,no_inplace} [id B] 'mean'
   |Sum{acc_dtype=float64} [id C] ''
   | |AdvancedSubtensor [id D] ''
   |   |Elemwise{log,no_inplace} [id E] ''
   |   | |Softmax [id F] ''
   |   |   |dot [id G] ''
   |   |     |x [id H]
   |   |     |w [id I]
   |   |ARange{dtype='int64'} [id J] ''
   |   | |TensorConstant{0} [id K]
   |   | |Subtensor{int64} [id L] ''
   |   | | |Shape [id M] ''
   |   | | | |y [id N]
   |   | | |Constant{0} [id O]
   |   | |TensorConstant{1} [id P]
   |   |y [id N]
   |Subtensor{int64} [id Q] ''
     |Elemwise{Cast{float64}} [id R] ''
     | |Shape [id S] ''
     |   |AdvancedSubtensor [id D] ''
     |Constant{0} [id T]"""
