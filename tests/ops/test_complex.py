"""Complex numbers where formulas could go wrong: branch cuts, extreme sizes, gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.testing import assert_close, check_gradient

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = np.random.default_rng(5)
GRID = [complex(a, b) for a in (-2.5, -1, -0.3, 0.0, 0.4, 1, 3) for b in (-2, -0.0, 0.0, 0.7, 9)]
FUNCTIONS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt square sin cos tan sinh cosh tanh "
    "arcsin arccos arctan arcsinh arccosh arctanh reciprocal absolute sign conj real imag"
)


def _point(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)


def _numpys(name: str) -> Callable[..., Any]:
    return getattr(np, name)


@pytest.fixture(scope="module", params=[np.complex64, np.complex128], ids=["c64", "c128"])
def computed(request: pytest.FixtureRequest) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the grid and every function of it, compiled at once."""
    values = np.array(GRID, request.param)
    x = ag.vector("x", dtype=values.dtype)
    names = FUNCTIONS.split()
    results = ag.function([x], [getattr(ag, name)(x) for name in names])(values)
    return values, dict(zip(names, results, strict=True))


@pytest.mark.parametrize("name", FUNCTIONS.split())
def test_functions_on_both_sides_of_branch_cuts(
    name: str, computed: tuple[np.ndarray, dict[str, np.ndarray]]
):
    values, results = computed
    with np.errstate(all="ignore"):
        exact = _numpys(name)(values.astype(np.complex128))
        wanted = np.asarray(exact).astype(_numpys(name)(values).dtype)
    # At its poles a function is infinite in some direction.
    usual = np.isfinite(wanted)
    found = results[name]
    assert not np.isfinite(found[~usual]).any()
    assert_close(found[usual], wanted[usual], 32, what=name)


def test_numbers_whose_squares_overflow_or_underflow():
    for kind, most in ((np.complex64, 1e38), (np.complex128, 1e307)):
        values = np.array([most + most * 1j, most / 3 - 1j, 1 / most + 1j / most, 3 / most], kind)
        x = ag.vector("x", dtype=kind)
        f = ag.function([x], [abs(x), ag.sqrt(x), ag.log(x), x / x, 1 / x])
        size, root, logarithm, one, inverse = f(values)
        assert_close(size, np.abs(values.astype(np.clongdouble)).astype(size.dtype), 4)
        assert_close(root, np.sqrt(values.astype(np.clongdouble)).astype(kind), 8)
        assert_close(logarithm, np.log(values.astype(np.clongdouble)).astype(kind), 8)
        assert_close(one, np.ones(4, kind), 4)
        assert np.isfinite(inverse[:2]).all()


def test_exponentials_whose_size_overflows_before_the_product_does():
    values = np.array([89 + 0.785j, 88.9 + 0.8j, -np.inf + 5j, -200 + 3j], np.complex64)
    x = ag.vector("x", dtype="c64")
    found = ag.function([x], ag.exp(x))(values)
    exact = np.exp(values[:2].astype(np.complex128))
    np.testing.assert_allclose(found[:2].astype(np.complex128), exact, rtol=1e-6)
    assert (found[2:] == 0).all()


def test_angle_and_polar_form():
    z = ag.vector("z", dtype="c64")
    values = _point(20).astype(np.complex64)
    f = ag.function(
        [z], [ag.angle(z), ag.angle(z, True), ag.complex_from_polar(abs(z), ag.angle(z))]
    )
    angle, degrees, again = f(values)
    assert_close(angle, np.angle(values), 8)
    assert_close(degrees, np.angle(values, deg=True), 8)
    assert_close(again, values, 16)
    assert (ag.angle(ag.constant([-1.0, 2.0])).eval() == np.angle(np.array([-1, 2], "f4"))).all()
    for name in ("isreal", "iscomplex"):
        mixed = np.array([1 + 1j, 1, 0, 1j])
        assert (getattr(ag, name)(mixed).eval() == _numpys(name)(mixed)).all()
        assert (getattr(ag, name)(np.real(mixed)).eval() == _numpys(name)(np.real(mixed))).all()
        assert getattr(ag, name + "obj")(mixed) is _numpys(name + "obj")(mixed)


def test_long_sums_and_products():
    values = _point(3, 9001).astype(np.complex64) / 50
    x = ag.matrix("x", dtype="c64")
    f = ag.function([x], [x.sum(), x.sum(0), x.sum(1), (x / abs(x)).prod(1), x.mean(1), x.prod(0)])
    wide = values.astype(np.complex128)
    unit = wide / np.abs(wide)
    wanted = [wide.sum(), wide.sum(0), wide.sum(1), unit.prod(1), wide.mean(1), wide.prod(0)]
    for found, exact in zip(f(values), wanted, strict=True):
        scale = np.abs(exact) + (1 if np.ndim(exact) < 2 and np.size(exact) < 9 else 0)
        assert (np.abs(found - exact) <= 2e-3 * scale).all()
        assert found.dtype == np.complex64


def test_updates_in_place_use_both_parts_of_the_old_value():
    for way in ("", "loops"):
        with setting(interpret=way):
            s = ag.shared(np.array([1 + 2j, 3 - 1j], np.complex64))
            f = ag.function([], s.sum(), updates=[(s, s * s + 1j)])
            assert f() == 4 + 1j
        old = np.array([1 + 2j, 3 - 1j], np.complex64)
        assert_close(s.get_value(), old * old + 1j, 1)


@pytest.mark.parametrize("way", ["", "loops", "graph"])
def test_movement_matrices_and_indexing(way: str):
    values = _point(4, 6)
    with setting(interpret=way):
        x = ag.input("x", "c128[n, m]")
        i = ag.input("i", "i64[k]")
        f = ag.function(
            [x, i],
            [
                x[::-1, 1:],
                x.T.reshape(-1),
                x @ x.T,
                x[i],
                ag.concatenate([x, ag.conj(x)]),
                ag.where(x.real > 0, x, 0),
                x.at[i].add(1j),
                ag.stack([x.real, x.imag]),
            ],
        )
    given = np.array([2, 0, 2])
    added = values.copy()
    np.add.at(added, given, 1j)
    wanted = [
        values[::-1, 1:],
        values.T.reshape(-1),
        values @ values.T,
        values[given],
        np.concatenate([values, values.conj()]),
        np.where(np.real(values) > 0, values, 0),
        added,
        np.stack([np.real(values), np.imag(values)]),
    ]
    for strided in (values, np.asfortranarray(values), np.repeat(values, 2, 1)[:, ::2]):
        for found, exact in zip(f(strided, given), wanted, strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-13)
    assert f(values[:0], given[:0])[2].shape == (0, 0)


GRADIENTS: dict[str, Callable[..., ag.Tensor]] = {
    "least squares": lambda a, x, y: (abs(a @ x - y) ** 2).sum(),
    "parts": lambda a, x, y: (x.real * x.imag).sum() + (a.conj() * a).real.sum() + y.imag.sum(),
    "angle": lambda a, x, y: ag.angle(x).sum() + abs(a.sum() * y).sum(),
    "holomorphic": lambda a, x, y: (
        ag.exp(ag.sin(a) * 0.3).real.sum() + ag.sqrt(x / y[:3]).imag.sum()
    ),
    "from reals": lambda a, x, y: abs(ag.complex(abs(x), y[:3].real).prod() + a.prod(0).sum()),
    "sign": lambda a, x, y: (ag.sign(x) * y[:3]).real.sum() + ag.log(abs(a)).sum(),
    "index": lambda a, x, y: abs(a[[0, 0, 2]] * x[:3] ** 2).sum() + (y[::-1] * y).real.sum(),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_real_costs(name: str):
    function = GRADIENTS[name]
    check_gradient(function, _point(5, 3), _point(3), _point(5))


def test_the_gradient_points_uphill():
    z = ag.scalar("z", dtype="c128")
    at = 1.5 - 0.5j
    assert ag.grad(abs(z) ** 2, z).eval({z: at}) == pytest.approx(2 * at)
    assert ag.grad(z.real, z).eval({z: at}) == 1
    assert ag.grad(z.imag, z).eval({z: at}) == 1j
    assert ag.grad(abs(z), z).eval({z: 0j}) == 0
    # Gradients that are known are given as they are returned.
    square = z * z
    known = ag.grad(abs(square), square)
    assert ag.grad(None, z, known={square: known}).eval({z: at}) == pytest.approx(
        complex(ag.grad(abs(square), z).eval({z: at}))
    )
    with pytest.raises(ag.GradientError, match="must be real"):
        ag.grad(z * z, z)


def test_descending_finds_the_solution():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(8, 3)) + 1j * rng.normal(size=(8, 3))
    solution = np.array([1 - 2j, 0.5j, -1.0])
    x = ag.shared(np.zeros(3, np.complex128))
    cost = (abs(ag.constant(a) @ x - ag.constant(a @ solution)) ** 2).sum()
    step = ag.function([], cost, updates=[(x, x - 0.01 * ag.grad(cost, x))])
    for _ in range(400):
        step()
    np.testing.assert_allclose(x.get_value(), solution, atol=1e-6)


def test_what_has_no_order_is_refused():
    z, w = ag.vector("z", dtype="c64"), ag.vector("w", dtype="c64")
    for bad in (
        lambda: z < w,
        lambda: ag.maximum(z, w),
        lambda: z // w,
        lambda: z % w,
        lambda: ag.floor(z),
        lambda: z.max(),
        lambda: ag.argmin(z),
        lambda: ag.erf(z),
        lambda: ag.arctan2(z, w),
        lambda: z & w,
        lambda: z.at[0].max(w[0]),
    ):
        with pytest.raises(ag.GraphTypeError, match=r"not defined for c64|complex"):
            bad()
    with pytest.raises(ag.GraphTypeError, match="takes real numbers"):
        ag.complex(z, w)
    f = ag.function([z], z)
    with pytest.raises(ag.CallError, match="c64"):
        f(np.ones(3, np.complex128))
