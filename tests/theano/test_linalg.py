"""Linear algebra and Fourier transforms, against NumPy and SciPy, with Theano's conventions."""

import numpy as np
import pytest
import scipy.linalg

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.sandbox import fourier
from agnesi.theano.tensor import blas, fft, nlinalg, slinalg
from agnesi.theano.tests import unittest_tools as utt

RNG = np.random.RandomState(0)
A = RNG.rand(4, 4)
S = A @ A.T + np.eye(4)
B = RNG.rand(4, 3)


def values(outputs, **given: np.ndarray):
    """Compute variables of ``x``, ``y``."""
    inputs = [T.TensorType(v.dtype, (False,) * v.ndim)(n) for n, v in given.items()]
    made = outputs(*inputs)
    return theano.function(inputs, made)(*given.values())


@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_reads_one_triangle(lower):
    """Value and gradient are those of one triangle."""
    op = slinalg.Cholesky(lower)
    spoilt = S.copy()
    spoilt[(0, 3) if lower else (3, 0)] = 7.0
    np.testing.assert_allclose(values(op, x=spoilt), scipy.linalg.cholesky(S, lower=lower))
    x = T.dmatrix()
    slope = theano.function([x], T.grad(op(x).sum(), x))(S)
    assert not (np.triu(slope, 1) if lower else np.tril(slope, -1)).any()
    utt.verify_grad(lambda r: op(r.dot(r.T)), [RNG.rand(3, 4)], rng=RNG)


def test_cholesky_on_error():
    """A matrix that is not positive definite raises, or is NaN, and so is its gradient."""
    x, bad = T.dmatrix(), np.array([[1, 0.2], [0.2, -2]])
    raises = theano.function([x], slinalg.cholesky(x))
    with pytest.raises(np.linalg.LinAlgError):
        raises(bad)
    made = slinalg.Cholesky(on_error="nan")(x)
    value, slope = theano.function([x], [made, T.grad(made.sum(), x)])(bad)
    assert np.isnan(value).all() and np.isnan(slope).all()
    good = theano.function([x], T.grad(made.sum(), x))(S)
    assert np.isfinite(good).all()


@pytest.mark.parametrize("structure", slinalg.MATRIX_STRUCTURES)
def test_solve(structure):
    """Structures that are triangular read one triangle; gradients by both."""
    part = {"lower_triangular": np.tril, "upper_triangular": np.triu}.get(structure, np.asarray)
    op = slinalg.Solve(structure)
    np.testing.assert_allclose(values(op, x=S, y=B), np.linalg.solve(part(S), B))
    utt.verify_grad(op, [S, B], rng=RNG)
    utt.verify_grad(op, [S, B[:, 0]], rng=RNG)


def test_eigenvalues():
    """Of one triangle; of two matrices; of rotations the real parts."""
    upper = S.copy()
    upper[3, 0] = 9.0
    w, v = values(lambda x: nlinalg.eigh(x, "U"), x=upper)
    np.testing.assert_allclose(w, np.linalg.eigvalsh(S))
    np.testing.assert_allclose(np.abs(v), np.abs(np.linalg.eigh(S)[1]))
    general = values(slinalg.eigvalsh, x=S, y=S + np.eye(4))
    np.testing.assert_allclose(general, scipy.linalg.eigvalsh(S, S + np.eye(4)))
    utt.verify_grad(lambda a, b: slinalg.eigvalsh(a, b), [S, 3 * np.eye(4) + 0.1 * A], rng=RNG)
    utt.verify_grad(lambda x: nlinalg.eigh(x.dot(x.T))[0], [A], rng=RNG)
    rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    np.testing.assert_allclose(values(nlinalg.eig, x=rotation)[0], [0.0, 0.0], atol=1e-12)


def test_dtypes_of_integers():
    """Inverse and determinant keep the dtype, as Theano's do."""
    given = np.array([[2, 1], [7, 4]])
    for op in (nlinalg.matrix_inverse, nlinalg.det):
        assert values(op, x=given).dtype == "int64"


def test_decompositions():
    """QR in all modes, SVD, least squares, inverses of arrays."""
    for mode in ("reduced", "complete", "raw"):
        for found, expected in zip(
            values(lambda x, m=mode: nlinalg.qr(x, m), x=B), np.linalg.qr(B, mode), strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(values(lambda x: nlinalg.qr(x, "r"), x=B), np.linalg.qr(B, "r"))
    assert [v.shape for v in values(nlinalg.svd, x=B)] == [(4, 4), (3,), (3, 3)]
    assert [v.shape for v in values(lambda x: nlinalg.svd(x, 0), x=B)] == [(4, 3), (3,), (3, 3)]
    found = values(lambda x, y: nlinalg.lstsq()(x, y, 1e-9), x=B, y=A)
    for one, other in zip(found, np.linalg.lstsq(B, A, 1e-9), strict=True):
        np.testing.assert_allclose(one, other)
    t = RNG.rand(2, 3, 2, 3)
    np.testing.assert_allclose(values(nlinalg.tensorinv, x=t), np.linalg.tensorinv(t))
    b = RNG.rand(2, 3)
    np.testing.assert_allclose(values(nlinalg.tensorsolve, x=t, y=b), np.linalg.tensorsolve(t, b))


def test_norms():
    """The orders that Theano knows, and errors for others."""
    v, m = A[0] - 0.5, A - 0.5
    for order in (None, 1, 2, 3, -1, 1.5):
        np.testing.assert_allclose(
            values(lambda x, o=order: nlinalg.norm(x, o), x=v), np.linalg.norm(v, order)
        )
    for order, same in ((None, None), ("fro", "fro"), ("inf", np.inf), ("-inf", -np.inf), (1, 1)):
        np.testing.assert_allclose(
            values(lambda x, o=order: nlinalg.norm(x, o), x=m), np.linalg.norm(m, same)
        )
    for rank, order, error in (
        (2, 3, ValueError),
        (0, None, ValueError),
        (3, 1, NotImplementedError),
    ):
        with pytest.raises(error):
            nlinalg.norm(T.TensorType("float64", (False,) * rank)(), order)
    with pytest.raises(ValueError):
        nlinalg.norm(T.dvector(), "fro")


def test_kron_and_expm():
    """In SciPy's order; vectors stand as a row of the matrix."""
    np.testing.assert_allclose(values(slinalg.kron, x=A, y=B), np.kron(A, B))
    assert values(slinalg.kron, x=A[0], y=B).shape == (4 * 4 * 3,)
    np.testing.assert_allclose(values(slinalg.expm, x=A), scipy.linalg.expm(A))
    utt.verify_grad(slinalg.expm, [A], rng=RNG)
    with pytest.raises(TypeError):
        slinalg.kron(T.dvector(), T.dvector())


def test_op_classes():
    """Ops are equal if their settings are, and are seen in the graph."""
    assert slinalg.Cholesky(False) == slinalg.Cholesky(lower=False) != slinalg.cholesky
    made = nlinalg.svd(T.dmatrix(), compute_uv=False)
    assert isinstance(made.owner.op, nlinalg.SVD) and not made.owner.op.compute_uv
    assert nlinalg.qr(T.dmatrix(), "r").owner.op == nlinalg.QRIncomplete("r")


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 6)])
@pytest.mark.parametrize("norm", [None, "ortho", "no_norm"])
def test_fourier(shape, norm):
    """There and back, and gradients."""
    x = RNG.rand(*shape)
    odd, axes = bool(shape[-1] % 2), tuple(range(1, len(shape)))
    there = values(lambda x: fft.rfft(x, norm), x=x)
    expected = np.fft.rfftn(x, axes=axes, norm="ortho" if norm == "ortho" else None)
    np.testing.assert_allclose(there[..., 0] + 1j * there[..., 1], expected)
    scale = x[0].size if norm == "no_norm" else 1
    back = values(lambda x: fft.irfft(x, norm, is_odd=odd), x=there)
    np.testing.assert_allclose(back, x * scale)
    utt.verify_grad(lambda t: fft.irfft(fft.rfft(t, norm) ** 2, norm, odd), [x], rng=RNG)


def test_fourier_of_lengths():
    """The ops take as many elements as they are told."""
    t, s = T.dmatrix(), T.lvector()
    made = theano.function([t, s], fft.rfft_op(t, s))(A, [6])
    expected = np.fft.rfft(A, 6)
    np.testing.assert_allclose(made[..., 0] + 1j * made[..., 1], expected)


def test_blas_ops():
    """Products by name, as programs that build them themselves have them."""
    z, x, y = T.dmatrices("z", "x", "y")
    a, b, v, u, s = T.dscalar(), T.dscalar(), T.dvector(), T.dvector(), T.dtensor3()
    Z, X, Y, stack = RNG.rand(2, 4), RNG.rand(2, 3), RNG.rand(3, 4), RNG.rand(2, 3, 5)
    outputs = [
        blas.gemm(z, a, x, y, b),
        blas.gemv(v, a, y, u, b),
        blas.ger(y, a, v, u),
        blas._dot22scalar(x, y, a),
        blas.batched_dot(x, s),
    ]
    found = theano.function([z, x, y, a, b, v, u, s], outputs)(Z, X, Y, 2.0, 0.5, X[0], Z[0], stack)
    expected = [
        0.5 * Z + 2 * X @ Y,
        0.5 * X[0] + 2 * Y @ Z[0],
        Y + 2 * np.outer(X[0], Z[0]),
        2 * X @ Y,
        np.einsum("bi,bij->bj", X, stack),
    ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other)
    assert str(outputs[0].owner.op) == "Gemm{no_inplace}"
    for bad in (lambda: blas.gemm(v, a, x, y, b), lambda: blas.gemm(z, a, T.fmatrix(), y, b)):
        with pytest.raises(TypeError):
            bad()


def test_transforms_of_early_programs():
    """Complex, of rows or columns; and cosines."""
    x = T.dmatrix()
    found = theano.function([x], [fourier.fft(x, 3, 1), fourier.half_fft(x, 4, 0)])(A)
    np.testing.assert_allclose(found[0], np.fft.fft(A, 3, 1))
    np.testing.assert_allclose(found[1], np.fft.fft(A, 4, 0)[:2])
    matrix = fourier.dct_matrix(4, 4)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(4), atol=1e-12)
