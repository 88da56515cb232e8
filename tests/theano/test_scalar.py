"""Scalar ops: numbers as variables, types of results, ops of programs, graphs as one op."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import scalar
from agnesi.theano.tensor.elemwise import CAReduce, CAReduceDtype, Elemwise


def test_numbers_are_variables():
    x, y = scalar.float64("x"), scalar.int32("y")
    z = scalar.exp(x * y) + x**2 - abs(-y)
    assert z.dtype == "float64" and z.type is scalar.float64 and z.ndim == 0
    f = theano.function([x, y], [z, x // y, x % y, x / y, x < y])
    values = f(1.5, 2)
    expected = [np.exp(3.0) + 2.25 - 2, 0.0, 1.5, 0.75, True]
    np.testing.assert_allclose(np.array(values, "float64"), expected)
    assert isinstance(values[0], np.float64)
    assert z.owner.op == scalar.sub and z.owner.inputs[0].owner.op == scalar.add


@pytest.mark.parametrize(
    ("op", "given", "result"),
    [
        (scalar.add, ("int8", "int16"), "int16"),
        (scalar.mul, ("int32", "float32"), "float64"),
        (scalar.exp, ("int8",), "float32"),
        (scalar.exp, ("int32",), "float64"),
        (scalar.floor, ("int8",), "float32"),
        (scalar.pow, ("bool", "bool"), "int8"),
        (scalar.abs_, ("complex64",), "float32"),
        (scalar.angle, ("complex64",), "float64"),
        (scalar.chi2sf, ("float32", "float32"), "float64"),
        (scalar.lt, ("float32", "int8"), "bool"),
        (scalar.and_, ("int8", "int32"), "int32"),
        (scalar.switch, ("bool", "int8", "float32"), "float32"),
        (scalar.second, ("float64", "int8"), "int8"),
        (scalar.complex, ("float32", "int32"), "complex128"),
        (scalar.true_div, ("int8", "int8"), "float64"),
    ],
)
def test_types_of_results(op, given, result):
    types = [scalar.get_scalar_type(d) for d in given]
    assert op.output_types(types)[0] == scalar.get_scalar_type(result)
    made = Elemwise(op)(*(T.TensorType(d, (False,))() for d in given))
    assert made.dtype == result


@pytest.mark.parametrize(
    ("op", "given"),
    [
        (scalar.sub, ("bool", "bool")),
        (scalar.neg, ("bool",)),
        (scalar.or_, ("float32", "int8")),
        (scalar.ceil, ("complex64",)),
        (scalar.round_half_to_even, ("int8",)),
        (scalar.clip, ("complex64", "int8", "int8")),
    ],
)
def test_types_that_are_refused(op, given):
    with pytest.raises(TypeError):
        op.output_types([scalar.get_scalar_type(d) for d in given])


def test_ops_are_told_apart_by_class_and_types():
    assert Elemwise(scalar.add) == T.add and hash(Elemwise(scalar.add)) == hash(T.add)
    assert T.add != T.mul and T.add.scalar_op is scalar.add
    assert isinstance(T.exp.scalar_op, scalar.Exp) and str(T.exp) == "Elemwise{exp,no_inplace}"
    assert T.inplace.exp_inplace != T.exp and T.inplace.exp_inplace.inplace_pattern == {0: 0}
    assert str(scalar.gt) == "GT" and str(scalar.convert_to_int8) == "Cast{int8}"
    with pytest.raises(ValueError, match="inplace"):
        T.inplace.add_inplace(T.row(), T.matrix())
    with pytest.raises(TypeError, match="Wrong number of inputs"):
        T.exp(1, 2)


class Cubed(scalar.UnaryScalarOp):
    def impl(self, *inputs):  # noqa: ANN002
        return inputs[0] ** 3

    def grad(self, inputs, output_grads):
        (x,), (gz,) = inputs, output_grads
        return [gz * 3 * scalar.sqr(x)]


class Both(scalar.BinaryScalarOp):
    nout = 2

    def output_types(self, types):
        return [*scalar.upcast_out(*types), scalar.bool]

    def impl(self, *inputs):  # noqa: ANN002
        x, y = inputs
        return x + y, x > y


def test_ops_of_programs_run_number_by_number():
    cubed = Elemwise(Cubed(scalar.upgrade_to_float, name="cubed"))
    x, v = T.dmatrix("x"), T.dvector("v")
    y = cubed(x) * v
    f = theano.function([x, v], [y, *T.grad(y.sum(), [x, v])])
    X, V = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0, 2.0])
    for found, expected in zip(f(X, V), (X**3 * V, 3 * X**2 * V, (X**3).sum(0)), strict=True):
        np.testing.assert_allclose(found, expected)
    s = scalar.float64("s")
    assert theano.function([s], Cubed(scalar.same_out)(s) + 1)(2.0) == 9


def test_an_op_with_two_results_repeats_its_operands():
    x, v = T.dmatrix("x"), T.dvector("v")
    total, larger = Elemwise(Both())(x, v)
    X, V = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    a, b = theano.function([x, v], [total, larger])(X, V)
    np.testing.assert_array_equal(a, X + V)
    np.testing.assert_array_equal(b, X > V)


def test_composites():
    i0, i1 = scalar.float64("i0"), scalar.float64("i1")
    op = scalar.Composite([i0, i1], [scalar.exp(i0) + i0 * i1, i0 - 2.0])
    x, v = T.dmatrix("x"), T.dvector("v")
    a, b = Elemwise(op)(x, v)
    X, V = np.arange(6.0).reshape(2, 3) / 5, np.array([1.0, -1.0, 2.0])
    f = theano.function([x, v], [a, b, T.grad((a * b).sum(), x)])
    found = f(X, V)
    np.testing.assert_allclose(found[0], np.exp(X) + X * V)
    np.testing.assert_allclose(found[1], X - 2)
    slope = (np.exp(X) + V) * (X - 2) + np.exp(X) + X * V
    np.testing.assert_allclose(found[2], slope, atol=1e-12)
    assert op.impl(0.0, 3.0) == [1.0, -2.0]
    again = scalar.Composite([i0, i1], [scalar.exp(i0) + i0 * i1, i0 - 2.0])
    assert op == again and hash(op) == hash(again)
    assert str(op) == "Composite{(exp(i0) + (i0 * i1)), (i0 - ScalarConstant{2.0})}".replace(
        "ScalarConstant", "Constant"
    )
    nested = scalar.Composite([i0, i1], [op(i0, i1)[0]])
    inner = Elemwise(scalar.Composite([i0], [nested(i0, i0)]))
    np.testing.assert_allclose(theano.function([x], inner(x))(X), np.exp(X) + X * X)


def test_reductions_by_scalar_ops():
    x, i = T.dmatrix("x"), T.imatrix("i")
    X, I = np.array([[3.0, -1.0], [2.0, 5.0]]), np.array([[3, 5], [6, 7]], "int32")
    f = theano.function(
        [x, i],
        [
            CAReduce(scalar.maximum, 0)(x),
            CAReduce(scalar.minimum)(x),
            CAReduce(scalar.and_, axis=[1])(i),
            CAReduce(scalar.xor)(i),
            CAReduceDtype(scalar.mul, axis=1, dtype="float32")(i),
            T.elemwise.ProdWithoutZeros(axis=0)(x * [1, 0]),
        ],
    )
    found = f(X, I)
    expected = [[3, 5], -1, [1, 6], 3 ^ 5 ^ 6 ^ 7, [15, 42], [6, 1]]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [a.dtype.name for a in found] == [
        "float64", "float64", "int32", "int32", "float32", "float64",
    ]  # fmt: skip
    assert str(T.sum(x, axis=0).owner.op) == "Sum{axis=[0], acc_dtype=float64}"
    assert str(CAReduce(scalar.add, axis=(0, 1))) == "Reduce{add}{0, 1}"
    with pytest.raises(TypeError, match="precision would be lost"):
        T.sum(x, acc_dtype="float32")


def test_subclasses_of_programs_are_asked():
    class Reversed(theano.compile.ViewOp):
        def grad(self, inputs, output_grads):
            return [-output_grads[0]]

    class Doubled(T.elemwise.Sum):
        def perform(self, node, inputs, output_storage, params=None):
            output_storage[0][0] = np.asarray(2 * inputs[0].sum())

    x = T.dvector("x")
    f = theano.function([x], T.grad((Reversed()(x) ** 2).sum(), x))
    np.testing.assert_array_equal(f([1.0, 2.0]), [-2, -4])
    assert theano.function([x], Doubled()(x))([1.0, 2.0]) == 6
    assert theano.function([x], T.exp.make_node(x).outputs[0])([0.0]).tolist() == [1]


def test_ops_are_called_by_hand():
    x = T.dmatrix("x")
    node = T.dot(x, x).owner
    storage = [[None]]
    node.op.perform(node, [np.eye(2), 2 * np.eye(2)], storage)
    np.testing.assert_array_equal(storage[0][0], 2 * np.eye(2))
    (g,) = T.exp.grad([x], [T.ones_like(x)])
    np.testing.assert_allclose(theano.function([x], g)(np.eye(2)), np.exp(np.eye(2)))
