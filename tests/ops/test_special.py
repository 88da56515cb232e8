"""Special functions at numbers that are known, at their ends, and where SciPy is no measure."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.ops import special as ops

if TYPE_CHECKING:
    from collections.abc import Callable

mp: Any = importlib.import_module("mpmath")
INF, NAN = math.inf, math.nan

# name, arguments, value
KNOWN: list[tuple[str, tuple[float, ...], float]] = [
    ("gamma", (0.5,), math.sqrt(math.pi)),
    ("gamma", (171.0,), math.gamma(171.0)),
    ("gamma", (171.7,), INF),
    ("gamma", (-0.5,), -2 * math.sqrt(math.pi)),
    ("gamma", (-3.0,), NAN),
    ("gamma", (-INF,), NAN),
    ("lgamma", (-INF,), INF),
    ("lgamma", (1e300,), math.lgamma(1e300)),
    ("psi", (1.0,), -0.5772156649015329),
    ("trigamma", (1.0,), math.pi**2 / 6),
    ("trigamma", (-2.0,), INF),
    ("polygamma", (1.5, 2.0), NAN),
    ("zeta", (2.0, 1.0), math.pi**2 / 6),
    ("zeta", (2.0, -0.5), 4 + math.pi**2 / 2),
    ("zeta", (1.0, 2.0), INF),
    ("beta", (2.0, 3.0), 1 / 12),
    ("beta", (0.0, 0.0), INF),
    ("betaln", (2.0, 2e6), -math.log(2e6) - math.log(2e6 + 1)),
    ("betainc", (2.0, 3.0, 0.5), 0.6875),
    ("betainc", (0.0, 2.0, 0.5), 1.0),
    ("betainc", (2.0, 0.0, 0.5), 0.0),
    ("betainc", (1.0, 1.0, 1.5), NAN),
    ("gammainc", (1.0, 1.0), -math.expm1(-1)),
    ("gammaincc", (0.5, 1.0), math.erfc(1)),
    ("gammaincc", (1e-10, 0.5), 5.5977359480549881e-11),
    ("gammainc", (0.0, 0.0), NAN),
    ("chi2sf", (3.841458820694124, 1.0), 0.05),
    ("erfinv", (1.0,), INF),
    ("erfinv", (-0.0,), -0.0),
    ("erfinv", (1.1,), NAN),
    ("erfcinv", (2.0,), -INF),
    ("ndtri", (0.5,), 0.0),
    ("ndtr", (-37.0,), float(mp.ncdf(-37))),
    ("log_ndtr", (-1e10,), -5e19),
    ("erfcx", (1e10,), 5.641895835477563e-11),
    ("erfcx", (-27.0,), INF),
    ("j0", (INF,), 0.0),
    ("i0", (INF,), INF),
    ("i1", (-713.5,), -float(mp.besseli(1, 713.5))),
    ("i1", (-INF,), -INF),
    ("i0", (-1e5,), INF),
    ("iv", (700.0, -1e5), INF),
    ("jv", (1e300, 1.0), 0.0),
    ("zeta", (2.0, 1e300), 1e-300),
    ("zeta", (NAN, 1.0), NAN),
    ("polygamma", (2.0, -(2.0**-70)), 2.0**211),
    ("beta", (1e10, -0.5), -2 * math.sqrt(math.pi) * 1e5 * (1 - 3 / 8e10)),
    ("gammainc", (2.0, 1e300), 1.0),
    ("rel_entr", (1e18, 1e-300), 1e18 * math.log(10) * 318),
    ("jv", (0.5, 2.0), math.sqrt(1 / math.pi) * math.sin(2)),
    ("jv", (-3.0, 2.0), -0.12894324947440205),
    ("jv", (0.5, -2.0), NAN),
    ("jv", (1e7, 2e7), NAN),
    ("iv", (0.5, 2.0), math.sqrt(1 / math.pi) * math.sinh(2)),
    ("iv", (2.0, -3.0), 2.245212440929951),
    ("logit", (1.0,), INF),
    ("expit", (0.0,), 0.5),
    ("log_expit", (-1e3,), -1e3),
    ("xlogy", (0.0, 0.0), 0.0),
    ("xlogy", (0.0, NAN), NAN),
    ("entr", (-1.0,), -INF),
    ("kl_div", (1.0, 1 + 2.0**-30), 2.0**-61 * (1 - 2.0**-29 / 3)),
    ("exprel", (0.0,), 1.0),
    ("exprel", (712.0,), float(mp.expm1(712) / 712)),
    ("erf", (0.5,), math.erf(0.5)),
    ("erfc", (3.0,), math.erfc(3.0)),
]


def test_known_values():
    operands = [[ag.scalar(dtype="f64") for _ in given] for _, given, _ in KNOWN]
    results = [
        getattr(ag.special, name)(*xs) for (name, _, _), xs in zip(KNOWN, operands, strict=True)
    ]
    f = ag.function([x for xs in operands for x in xs], results)
    found = f(*(value for _, given, _ in KNOWN for value in given))
    for (name, given, expected), actual in zip(KNOWN, found, strict=True):
        what = f"{name}{given} is {float(actual)!r}"
        np.testing.assert_allclose(actual, expected, rtol=4e-15, err_msg=what)
        assert np.isnan(expected) or np.signbit(actual) == np.signbit(expected), what


# name, ranges of the arguments, largest error in units in the last place, mpmath's function
EXACT: list[tuple[str, tuple[tuple[float, float], ...], float, Callable[..., Any]]] = [
    ("gamma", ((-20, 160),), 8, mp.gamma),
    ("gammaln", ((0.01, 300),), 8, mp.loggamma),
    ("digamma", ((0.01, 300),), 4, mp.digamma),
    ("trigamma", ((0.01, 300),), 6, lambda x: mp.polygamma(1, x)),
    ("beta", ((0.1, 70), (0.1, 70)), 12, mp.beta),
    ("gammainc", ((0.1, 100), (0.1, 150)), 30, lambda a, x: mp.gammainc(a, 0, x, True)),
    ("gammaincc", ((0.1, 100), (0.1, 150)), 30, lambda a, x: mp.gammainc(a, x, mp.inf, True)),
    ("erfinv", ((-1, 1),), 4, mp.erfinv),
    ("ndtr", ((-37, 5),), 4, lambda x: mp.erfc(-x / mp.sqrt(2)) / 2),
    ("i0", ((-100, 100),), 4, lambda x: mp.besseli(0, x)),
    ("i1e", ((-100, 100),), 4, lambda x: mp.besseli(1, x) * mp.exp(-abs(x))),
]


@pytest.mark.parametrize(("name", "ranges", "most", "exact"), EXACT, ids=[e[0] for e in EXACT])
def test_errors(
    name: str,
    ranges: tuple[tuple[float, float], ...],
    most: float,
    exact: Callable[..., Any],
):
    random = np.random.default_rng(5)
    points = [random.uniform(low, high, 60) for low, high in ranges]
    xs = [ag.vector(dtype="f64") for _ in ranges]
    found = ag.function(xs, getattr(ag.special, name)(*xs))(*points)
    with mp.workdps(50):
        for k, actual in enumerate(found):
            at = [float(p[k]) for p in points]
            wanted = mp.re(exact(*map(mp.mpf, at)))
            unit = float(np.spacing(abs(float(wanted))))
            error = abs(mp.mpf(float(actual)) - wanted) / unit
            assert error <= most, f"{name}{at} is off by {float(error):.3g} units"


WAVES = {"j0": (0.0,), "j1": (1.0,), "jv": (3.5,)}


@pytest.mark.parametrize("name", WAVES)
def test_bessel_functions_are_exact_beside_their_amplitude(name: str):
    (order,) = WAVES[name]
    points = np.concatenate([np.linspace(0.01, 40, 80), [1e3, 12345.678, 1e7]])
    x = ag.vector(dtype="f64")
    call = getattr(ag.special, name)
    found = ag.function([x], call(order, x) if name == "jv" else call(x))(points)
    exact = np.array([float(mp.besselj(order, p)) for p in points])
    amplitude = np.minimum(1, np.sqrt(2 / (np.pi * points)))
    assert (np.abs(found - exact) / amplitude).max() < 20 * 2.0**-52


def test_slope_of_gammainc_by_its_parameter():
    a, x = ag.scalar("a", dtype="f64"), ag.scalar("x", dtype="f64")
    by_a = ag.function([a, x], ag.grad(ag.special.gammaincc(a, x), a))
    for at in ((0.7, 0.3), (5.0, 9.0), (30.0, 25.0)):
        with mp.workdps(40):
            exact = mp.diff(lambda t, y=at[1]: mp.gammainc(t, y, mp.inf, True), at[0])
        np.testing.assert_allclose(by_a(*at), float(exact), rtol=1e-13)


def test_derivatives_that_there_are_not():
    v, x = ag.scalar("v"), ag.scalar("x")
    with pytest.raises(ag.GradientError, match="by their order"):
        ag.grad(ag.special.jv(v, x), v)
    slope = ag.grad(ag.special.gammainc(v, x), v)
    with pytest.raises(ag.GradientError, match="only once"):
        ag.grad(slope, v)


def test_without_scipy_constants_are_left_to_native_code(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(ops.importlib, "import_module", missing)
    assert float(ag.special.gamma(ag.constant(5.0)).eval()) == 24
