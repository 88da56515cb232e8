"""Sparse matrices, with SciPy as the reference."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import agnesi as ag
import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import sparse
from agnesi.theano.sparse.sandbox import sp2

FORMATS = ["csr", "csc"]
RNG = np.random.RandomState(3)


def random(
    format: str = "csr", shape: tuple[int, int] = (6, 5), seed: int = 0, **named: Any
) -> Any:
    found = sp.random(*shape, density=0.4, random_state=seed, dtype=np.float64)
    return getattr(sp, f"{format}_matrix")(found.astype(named.get("dtype", "float64")))


def given(*values: Any) -> list[Any]:
    return [
        sparse.matrix(v.format, dtype=v.dtype)
        if sp.issparse(v)
        else T.TensorType(v.dtype, (False,) * v.ndim)()
        for v in values
    ]


def run(build: Any, *values: Any) -> Any:
    variables = given(*values)
    return theano.function(variables, build(*variables))(*values)


def close(a: Any, b: Any) -> None:
    dense = [x.toarray() if sp.issparse(x) else np.asarray(x) for x in (a, b)]
    np.testing.assert_allclose(*dense, rtol=1e-6)


def slope(build: Any, *values: Any) -> None:
    """Hold gradients by what is stored, and by arrays, against differences."""

    def of_parts(*parts: Any) -> Any:
        made = [
            sparse.CSM(v.format)(p, v.indices, v.indptr, v.shape) if sp.issparse(v) else p
            for p, v in zip(parts, values, strict=True)
        ]
        found = build(*made)
        return found.toarray() if isinstance(found.type, sparse.SparseType) else found

    points = [v.data if sp.issparse(v) else v for v in values]
    theano.gradient.verify_grad(of_parts, points, rng=RNG)


def whole_slope(build: Any, *values: Any) -> None:
    """Hold gradients by all elements against differences."""

    def of_arrays(*arrays: Any) -> Any:
        made = [
            sparse.SparseFromDense(v.format)(a) if sp.issparse(v) else a
            for a, v in zip(arrays, values, strict=True)
        ]
        found = build(*made)
        if isinstance(found.type, sparse.SparseType):
            return sparse.DenseFromSparse(structured=False)(found)
        return found

    points = [v.toarray() if sp.issparse(v) else v for v in values]
    theano.gradient.verify_grad(of_arrays, points, rng=RNG)


# -- types and functions -----------------------------------------------------------------------


@pytest.mark.parametrize("format", [*FORMATS, "bsr"])
def test_matrices_go_in_and_out(format: str):
    a = random(format)
    x = sparse.matrix(format, "x", "float64")
    out = theano.function([x], x)(a)
    assert out.format == format
    assert out.dtype == "float64"
    close(out, a)


def test_types():
    assert sparse.csr_matrix("x").type == sparse.SparseType("csr", theano.config.floatX)
    assert str(sparse.csc_fmatrix) == "Sparse[float32, csc]"
    assert str(sparse.csr_matrix("x", "float32")) == "SparseVariable{csr,float32}"
    with pytest.raises(NotImplementedError):
        sparse.SparseType("coo", "float32")
    with pytest.raises(NotImplementedError):
        sparse.SparseType("csr", "float16")
    with pytest.raises(TypeError):
        T.exp(sparse.csr_matrix("x"))
    assert sparse.enable_sparse


def test_arguments_are_converted_and_checked():
    x = sparse.csr_matrix("x", "float64")
    f = theano.function([x], x * 2)
    close(f(random("csc")), 2 * random().toarray())
    with pytest.raises(NotImplementedError, match="float64"):
        f(random(dtype="float32"))
    bad = sp.csr_matrix(random())
    bad.indices[0] = 77
    with pytest.raises(ag.IndexOutOfBounds):
        f(bad)


def test_unpruned_arguments():
    a = random()
    longer = sp.csr_matrix(
        (np.append(a.data, 9.0), np.append(a.indices, 0), a.indptr), shape=a.shape
    )
    close(run(lambda x: x.toarray(), longer), a)


def test_what_a_variable_has():
    x = sparse.csc_matrix("x", "float64")
    assert (x.ndim, x.dtype, x.format, x.T.format) == (2, "float64", "csc", "csr")
    a = random("csc")
    shape, size = theano.function([x], [x.shape, x.size])(a)
    assert list(shape) == [6, 5]
    assert size == a.nnz
    assert x.owner is None
    assert isinstance(x.T.owner.op, sparse.Transpose)
    close(x.eval({x: a}), a)
    close(x.astype("float32").eval({x: a}), a.astype("float32"))


def test_constants():
    a = random()
    x = sparse.as_sparse_variable(a)
    assert isinstance(x, sparse.SparseConstant)
    assert x.data is not a
    assert x.signature() == sparse.as_sparse_variable(a).signature()
    close((x * 3).eval(), a * 3)
    with pytest.raises(TypeError):
        sparse.as_sparse_variable(T.dmatrix())
    with pytest.raises(TypeError):
        sparse.as_sparse_variable(np.eye(2))


def test_shared():
    a, b = random(), random(shape=(4, 5), seed=2)
    s = theano.shared(a, "s")
    total = theano.function([], sparse.sp_sum(s))
    assert total() == pytest.approx(a.sum())
    s.set_value(b)
    assert total() == pytest.approx(b.sum())
    assert s.get_value().format == "csr"
    close(s.get_value(), b)
    again = pickle.loads(pickle.dumps(s))
    close(again.get_value(), b)
    with pytest.raises(NotImplementedError):
        s.set_value(b.astype("float32"))


def test_updates_may_store_more():
    s = theano.shared(random(shape=(4, 4)), "s")
    x = sparse.csr_matrix("x", "float64")
    step = theano.function([x], sparse.sp_sum(s), updates=[(s, s + x)])
    expected = s.get_value().toarray()
    for seed in range(4):
        a = random(shape=(4, 4), seed=seed)
        assert step(a) == pytest.approx(expected.sum())
        expected = expected + a.toarray()
        close(s.get_value(), expected)
    with pytest.raises(TypeError):
        theano.function([], [], updates=[(s, sparse.csc_from_dense(T.eye(4)))])


def test_default_update_and_copies():
    s = theano.shared(random(), "s")
    s.default_update = s * 2
    f = theano.function([], sparse.sp_sum(s))
    first = f()
    assert f() == pytest.approx(2 * first)
    other = theano.shared(random(seed=9), "other")
    g = f.copy(swap={s: other}, delete_updates=True)
    assert g() == pytest.approx(random(seed=9).sum())
    assert f.get_shared() == [s]


def test_givens_and_clones():
    x, y = sparse.csr_matrix("x", "float64"), sparse.csr_matrix("y", "float64")
    a, b = random(), random(seed=4)
    z = sparse.structured_exp(x)
    total = sparse.sp_sum(z) + sparse.sp_sum(x)
    f = theano.function([y], total, givens={x: y})
    assert f(b) == pytest.approx(np.exp(b.data).sum() + b.sum())
    f = theano.function([x, y], total, givens={z: y})
    assert f(a, b) == pytest.approx(b.sum() + a.sum())
    made = theano.clone(total, replace={x: theano.shared(b)})
    assert made.eval() == pytest.approx(np.exp(b.data).sum() + b.sum())


def test_in_a_scan():
    x, w = sparse.csr_matrix("x", "float64"), T.dvector("w")
    steps, updates = theano.scan(
        lambda h, m: T.tanh(sparse.dot(m, h)), outputs_info=w, non_sequences=[x], n_steps=3
    )
    assert not updates
    a, h = random(shape=(4, 4)), np.arange(4.0)
    out = theano.function([x, w], steps)(a, h)
    for k in range(3):
        h = np.tanh(a @ h)
        close(out[k], h)


def test_defaults_and_names():
    x = sparse.csr_matrix("x", "float64")
    f = theano.function([theano.In(x, value=random())], sparse.sp_sum(x))
    assert f() == pytest.approx(random().sum())
    assert f(x=random(seed=5)) == pytest.approx(random(seed=5).sum())


# -- parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_properties_and_construction(format: str):
    a = random(format)
    data, indices, indptr, shape = run(lambda x: sparse.csm_properties(x), a)
    close(data, a.data)
    assert (indices == a.indices).all()
    assert (indptr == a.indptr).all()
    assert list(shape) == list(a.shape)
    assert {v.dtype.name for v in (indices, indptr, shape)} == {"int32"}
    d, i, p, s = T.dvector(), T.ivector(), T.ivector(), T.ivector()
    made = sparse.CSM(format)(d, i, p, s)
    f = theano.function([d, i, p, s], made)
    close(f(a.data, a.indices, a.indptr, np.array(a.shape, "int32")), a)
    with pytest.raises(ag.IndexOutOfBounds):
        f(a.data, a.indices + 5, a.indptr, np.array(a.shape, "int32"))
    with pytest.raises(TypeError):
        sparse.CSM(format)(T.dmatrix(), i, p, s)


@pytest.mark.parametrize("format", FORMATS)
def test_conversions(format: str):
    a = random(format)
    from_dense = sparse.SparseFromDense(format)
    out = run(from_dense, a.toarray())
    assert out.format == format
    assert out.nnz == a.nnz
    assert (out.indices == a.sorted_indices().indices).all()
    close(out, a)
    whole_slope(from_dense, a.toarray())
    slope(lambda x: x.toarray(), a)
    assert run(sparse.csr_from_dense, np.arange(3.0)).shape == (1, 3)


def test_zeros_ones_clean():
    a = random()
    a.data[::2] = 0
    close(run(sparse.sp_ones_like, a).data, np.ones(a.nnz))
    assert run(sparse.sp_zeros_like, a).nnz == 0
    assert run(sparse.remove0, a).nnz == np.count_nonzero(a.data)
    mixed = sp.csr_matrix((a.data, 4 - a.indices, a.indptr), shape=a.shape)
    out = run(sparse.clean, mixed)
    assert out.has_sorted_indices
    close(out, mixed)


# -- arithmetic --------------------------------------------------------------------------------


@pytest.mark.parametrize("one", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_sums_and_products_of_elements(one: str, other: str):
    a, b = random(one), random(other, seed=1)
    for build in (sparse.add, sparse.sub):
        out = run(build, a, b)
        assert out.format == one
        expected = a + b if build is sparse.add else a - b
        assert out.nnz == expected.nnz
        close(out, expected)
        whole_slope(build, a, b)
    out = run(sparse.mul, a, b)
    assert out.nnz == a.multiply(b).nnz
    close(out, a.multiply(b))
    whole_slope(sparse.mul, a, b)
    close(run(sparse.add_s_s_data, a, a * 3), a * 4)


@pytest.mark.parametrize("format", FORMATS)
def test_with_arrays_and_numbers(format: str):
    a, b = random(format), np.random.RandomState(1).randn(6, 5)
    close(run(lambda x, y: x + y, a, b), a.toarray() + b)
    close(run(lambda x, y: y - x, a, b), b - a.toarray())
    out = run(lambda x, y: x * y, a, b)
    assert sp.issparse(out)
    close(out, a.multiply(b))
    close(run(lambda x: 2 * x, a), a * 2)
    close(run(lambda x: -x, a), -a)
    slope(lambda x, y: x + y, a, b)
    whole_slope(lambda x, y: x * y, a, b)
    whole_slope(lambda x, y: x * y, a, np.array(3.0))
    whole_slope(lambda x: -x, a)


@pytest.mark.parametrize("format", FORMATS)
def test_scales_and_sums(format: str):
    a, rows, columns = random(format), np.arange(6.0) + 1, np.arange(5.0) + 1
    close(run(sparse.row_scale, a, rows), a.toarray() * rows[:, None])
    close(run(sparse.col_scale, a, columns), a.toarray() * columns)
    close(run(sparse.mul_s_v, a, columns), a.toarray() * columns)
    close(run(sparse.structured_add_s_v, a, columns), a.toarray() + (a.toarray() != 0) * columns)
    whole_slope(sparse.row_scale, a, rows)
    whole_slope(sparse.col_scale, a, columns)
    slope(sparse.structured_add_s_v, a, columns)
    for axis in (None, 0, 1):
        total = partial(sparse.sp_sum, axis=axis)
        close(run(total, a), np.asarray(a.sum(axis)).ravel().squeeze())
        whole_slope(total, a)
        slope(partial(total, sparse_grad=True), a)
    square = random(format, (5, 5))
    close(run(sparse.diag, square), square.diagonal())
    whole_slope(sparse.diag, square)
    close(run(sparse.square_diagonal, columns), np.diag(columns))
    with pytest.raises(ag.ShapeError, match="square"):
        run(sparse.diag, a)


FUNCTIONS = {
    "structured_exp": np.exp,
    "structured_log": np.log,
    "structured_sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sqr": np.square,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "arcsinh": np.arcsinh,
    "tanh": np.tanh,
    "arctanh": np.arctanh,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "rint": np.rint,
    "ceil": np.ceil,
    "floor": np.floor,
    "trunc": np.trunc,
    "sgn": np.sign,
    "deg2rad": np.deg2rad,
    "rad2deg": np.rad2deg,
}


def test_functions_of_what_is_stored():
    a = random()
    x = sparse.csr_matrix("x", "float64")
    outs = theano.function([x], [getattr(sparse, name)(x) for name in FUNCTIONS])(a)
    for out, function in zip(outs, FUNCTIONS.values(), strict=True):
        assert (out.indices == a.indices).all()
        close(out.data, function(a.data))
    close(run(lambda x: sparse.structured_pow(x, 2), a).data, a.data**2)
    close(run(lambda x: sparse.structured_maximum(x, 0.5), a).data, np.maximum(a.data, 0.5))
    close(run(lambda x: sparse.structured_minimum(x, 0.5), a).data, np.minimum(a.data, 0.5))
    close(run(lambda x: sparse.structured_add(x, 2), a).data, a.data + 2)
    slope(sparse.structured_exp, a)
    own = sparse.structured_monoid(T.exp)(lambda x: x)
    close(run(own, a).data, np.exp(a.data))


@pytest.mark.parametrize("format", FORMATS)
def test_comparisons(format: str):
    a, b = random(format), random(format, seed=1)
    b[0, :] = a[0, :]
    for name, function in (
        ("eq", np.equal),
        ("neq", np.not_equal),
        ("lt", np.less),
        ("gt", np.greater),
        ("le", np.less_equal),
        ("ge", np.greater_equal),
    ):
        build = getattr(sparse, name)
        expected = function(a.toarray(), b.toarray())
        out = run(build, a, b)
        assert out.dtype == "uint8"
        close(out, expected)
        close(run(build, a, b.toarray()), expected)
        close(run(build, a.toarray(), b), expected)


# -- products ----------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_products_with_arrays(format: str):
    a, w, v = random(format), RNG.randn(5, 3), RNG.randn(4, 6)
    for build in (sparse.structured_dot, sparse.dot, T.dot):
        close(run(build, a, w), a @ w)
        slope(build, a, w)
    close(run(sparse.structured_dot, v, a), v @ a)
    close(run(sparse.dot, v, a), v @ a)
    slope(sparse.structured_dot, v, a)
    whole_slope(sparse.dot, v, a)
    whole_slope(sparse.dot, a, w)
    close(run(sparse.dot, a, w[:, 0]), a @ w[:, 0])
    close(run(sparse.dot, v[0], a), v[0] @ a)
    out = run(sparse.true_dot, a, w)
    assert out.format == format
    close(out, a @ w)
    whole_slope(sparse.true_dot, a, w)
    alpha, z = np.array(2.0), RNG.randn(6, 3)
    close(run(sparse.usmm, alpha, a, w, z), 2 * (a @ w) + z)
    with pytest.raises(TypeError):
        sparse.dot(T.dmatrix(), T.dmatrix())


@pytest.mark.parametrize("one", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_products_of_sparse_matrices(one: str, other: str):
    a, b = random(one), random(other, (5, 7), 1)
    for build in (sparse.structured_dot, sparse.true_dot):
        out = run(build, a, b)
        assert out.format == one
        assert out.nnz == (a @ b).nnz
        close(out, a @ b)
    close(run(sparse.dot, a, b), (a @ b).toarray())
    whole_slope(sparse.true_dot, a, b)
    whole_slope(sparse.dot, a, b)
    slope(sparse.structured_dot, a, b)


@pytest.mark.parametrize("dtype", ["float32", "int32", "complex128"])
def test_products_of_other_dtypes(dtype: str):
    a, w = (random() * 9).astype(dtype), (RNG.randn(5, 3) * 9).astype(dtype)
    out = run(sparse.structured_dot, a, w)
    assert out.dtype == dtype
    close(out, a @ w)


@pytest.mark.parametrize("format", FORMATS)
def test_sampling_dot(format: str):
    p, x, y = random(format), RNG.randn(6, 3), RNG.randn(5, 3)
    out = run(sparse.sampling_dot, x, y, p)
    close(out, p.multiply(x @ y.T))
    build = lambda a, b: sparse.sampling_dot(a, b, sparse.as_sparse_variable(p))  # noqa: E731
    slope(build, x, y)
    variables = given(x, y, p)
    cost = sparse.sp_sum(sparse.sampling_dot(*variables))
    with pytest.raises(theano.gradient.NullTypeGradError):
        T.grad(cost, variables[2])


def test_gradients_are_sparse():
    a, w = random(), RNG.randn(5, 3)
    x, v = given(a, w)
    cost = (sparse.structured_dot(x, v) ** 2).sum()
    gx, gw = T.grad(cost, [x, v])
    assert isinstance(gx.type, sparse.SparseType)
    out, dense = theano.function([x, v], [gx, gw])(a, w)
    full = 2 * (a @ w) @ w.T
    assert (out.indices == a.indices).all()
    close(out, full * (a.toarray() != 0))
    close(dense, a.T @ (2 * (a @ w)))
    whole = T.grad((sparse.dot(x, v) ** 2).sum(), x)
    close(theano.function([x, v], whole)(a, w), full)


def test_logistic_regression_learns():
    words = random(shape=(40, 12), seed=7, dtype=theano.config.floatX)
    labels = np.asarray(words.sum(1)).ravel() > 2.4
    x, y = sparse.csr_matrix("x"), T.vector("y")
    w = theano.shared(np.zeros((12, 1), theano.config.floatX))
    b = theano.shared(np.zeros((), theano.config.floatX))
    p = T.nnet.sigmoid(sparse.structured_dot(x, w)[:, 0] + b)
    cost = T.nnet.binary_crossentropy(p, y).mean()
    updates = [(v, v - T.cast(2.0, theano.config.floatX) * T.grad(cost, v)) for v in (w, b)]
    train = theano.function([x, y], cost, updates=updates)
    costs = [float(train(words, labels.astype(theano.config.floatX))) for _ in range(60)]
    assert costs[-1] < 0.4 < costs[0]


# -- pieces ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_stacks(format: str):
    a, b, c = random(format), random("csr", (6, 3), 1), random("csc", (2, 5), 2)
    for other in (None, *FORMATS):
        out = run(lambda x, y, other=other: sparse.hstack([x, y], format=other), a, b)
        assert out.format == (other or "csc")
        close(out, np.hstack([a.toarray(), b.toarray()]))
        out = run(lambda x, y, other=other: sparse.vstack([x, y], format=other), a, c)
        close(out, np.vstack([a.toarray(), c.toarray()]))
    whole_slope(lambda x, y: sparse.hstack([x, y]), a, b)
    whole_slope(lambda x, y: sparse.vstack([x, y], dtype="float64"), a, c)


@pytest.mark.parametrize("format", FORMATS)
def test_slices(format: str):
    a = random(format, (9, 8))
    for key in (
        np.s_[2:5],
        np.s_[:, 1:4],
        np.s_[1:8:2, 2:7],
        np.s_[::-1, ::3],
        np.s_[-3:, :-2],
        np.s_[4:4, :],
    ):
        out = run(lambda x, key=key: x[key], a)
        assert out.format == format
        close(out, a.toarray()[key])
    whole_slope(lambda x: x[1:8:2, 2:7], a)
    i, j = T.iscalar(), T.iscalar()
    x = sparse.matrix(format, dtype="float64")
    close(theano.function([x, i], x[::i, 1::i])(a, 3), a.toarray()[::3, 1::3])
    f = theano.function([x, i, j], [x[i:j], x[i, j]])
    out, number = f(a, 2, 5)
    close(out, a.toarray()[2:5])
    assert number == a[2, 5]
    assert f(a, -2, -1)[1] == a[-2, -1]
    with pytest.raises(NotImplementedError):
        x[2]
    with pytest.raises(ValueError, match="not supported"):
        x[T.ivector(), 1:2]
    with pytest.raises(ag.IndexOutOfBounds):
        f(a, 9, 9)


@pytest.mark.parametrize("format", FORMATS)
def test_lists(format: str):
    a = random(format, (7, 6))
    rows, columns = [0, 5, 5, -1], [1, 2, 2, 3]
    out = run(lambda x: x[rows], a)
    assert out.format == format
    close(out, a.toarray()[rows])
    whole_slope(lambda x: x[rows], a)
    out = run(lambda x: x[rows, columns], a)
    close(out, a.toarray()[rows, columns].astype(theano.config.floatX))


def test_construct_sparse_from_list():
    x, values, places = T.dmatrix(), T.dmatrix(), T.ivector()
    f = theano.function([x, values, places], sparse.construct_sparse_from_list(x, values, places))
    v = RNG.randn(2, 3)
    out = f(np.zeros((5, 3)), v, [4, 1])
    expected = np.zeros((5, 3))
    expected[[4, 1]] = v
    assert out.format == "csc"
    close(out, expected)


def test_shapes_that_do_not_fit():
    a, numbers = random(), np.ones(9)
    for shape in ((2, 2), (30, 40)):
        b = random("csc", shape)
        for build in (
            sparse.add,
            sparse.mul,
            sparse.true_dot,
            sparse.dot,
            lambda x, y: sparse.hstack([x, y]),
            lambda x, y: sparse.vstack([x, y]),
        ):
            with pytest.raises(ag.ShapeError):
                run(build, a, b)
        for build in (sparse.mul, sparse.add, sparse.structured_dot):
            with pytest.raises(ag.ShapeError):
                run(build, a, b.toarray())
    for build in (sparse.row_scale, sparse.col_scale, sparse.structured_add_s_v):
        with pytest.raises(ag.ShapeError):
            run(build, a, numbers)
    with pytest.raises(ag.ShapeError):
        run(sparse.sampling_dot, np.ones((6, 2)), np.ones((4, 2)), a)


@pytest.mark.parametrize("starts", [[0, 2, 1, 3], [1, 2, 3, 3], [0, 1, 2, 2], [0, 1, 2]])
def test_starts_that_are_none(starts: list[int]):
    data, indices, indptr = T.dvector(), T.ivector(), T.ivector()
    f = theano.function([data, indices, indptr], sparse.CSR(data, indices, indptr, [3, 4]))
    with pytest.raises(ag.ShapeError):
        f(np.ones(3), [0, 1, 2], starts)


# -- ops of programs ---------------------------------------------------------------------------


class Doubled(theano.Op):
    __props__ = ()

    def make_node(self, x: Any) -> Any:
        x = sparse.as_sparse_variable(x)
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        (x,) = inputs
        assert isinstance(x, sp.csr_matrix)
        output_storage[0][0] = x * 2

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [output_grads[0] * 2]


def test_an_op_in_python():
    a = random()
    close(run(Doubled(), a), a * 2)
    close(run(lambda x: sparse.sp_sum(Doubled()(x) * x), a), (2 * a.data**2).sum())
    slope(Doubled(), a)


def test_random_matrices():
    np.random.seed(5)
    a = random() * 5
    out = run(sp2.poisson, a)
    np.random.seed(5)
    expected = a.copy()
    expected.data = np.random.poisson(a.data).astype("float64")
    close(out, expected)
    n, p, shape = T.lscalar(), T.dscalar(), T.lvector()
    f = theano.function([n, p, shape], sp2.csr_dbinomial(n, p, shape))
    np.random.seed(6)
    out = f(5, 0.3, [3, 4])
    np.random.seed(6)
    close(out, np.random.binomial(5, 0.3, size=(3, 4)))
    chances = sp.csr_matrix(np.array([[0.5, 0.5, 0], [0, 0.25, 0.75]]))
    counts = run(sp2.multinomial, np.array([3, 7]), chances)
    assert counts.sum(1).ravel().tolist() == [[3, 7]]
    with pytest.raises(theano.gradient.NullTypeGradError):
        x = sparse.csr_matrix("x", "float64")
        T.grad(sparse.sp_sum(sp2.poisson(x)), x)
