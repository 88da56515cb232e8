"""erf and erfc.

``erf`` below 1.1875 is ``x + x P(x**2)`` (errors 2^-26.0 and 2^-56.0).  Above, f32 has
``1 - P(w)**4``, for the fourth root of ``erfc`` is tame (error 2^-28.2 of 1), and f64 has
``1 - 2**P(w)`` (error 2^-62.0).

``erfc(x) = exp(-x**2) G(x) / (1 + 2 x)`` for a positive ``x``.  ``G - 1`` is small, a polynomial of
``(x - a) / (x + a)`` (errors 2^-27.0 and 2^-56.9); the rounding error of ``x**2`` goes into the
exponential.  For a negative ``x`` the result is 2 less that of ``-x``.
"""

from __future__ import annotations

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.bits import at_most, copysign, multiples, power_of_two
from agnesi.loops.math.exponential import exp2_fraction, exp_of_negative
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# erf(t) = t + t * P(t**2) for |t| <= 1.1875
_NEAR = {
    F32: (
        0.12837915122509003,
        -0.3761253356933594,
        0.11282646656036377,
        -0.026818878948688507,
        0.005129369907081127,
        -0.0007549415458925068,
        6.495515845017508e-05,
    ),
    F64: (
        0.12837916709551256,
        -0.37612638903183404,
        0.11283791670941944,
        -0.02686617064316266,
        0.005223977610103962,
        -0.0008548326309305673,
        0.00012055311545823391,
        -1.4925217041235218e-05,
        1.6456080910067167e-06,
        -1.630765343674681e-07,
        1.4422866276663997e-08,
        -1.060922709757132e-09,
        4.868896500032295e-11,
    ),
}

# The fourth root of erfc(w + 2.5625) for w in [-1.375, 1.375]
_FOURTH_ROOT = (
    0.13051584362983704,
    -0.17850792407989502,
    0.09119515120983124,
    -0.013789716176688671,
    -0.0056182318367064,
    0.002707346808165312,
    -6.698793731629848e-05,
    -0.00022123831149656326,
    -7.471127901226282e-06,
)

# log2(erfc(w + 3.59375)) for w in [-2.40625, 2.40625]
_LOG_ERFC = (
    -21.354967236524637,
    -10.744472396599019,
    -1.3967854316880965,
    -0.007084469605908476,
    0.0011653330570225513,
    -0.00019371256172553609,
    3.170272142520418e-05,
    -5.010525287429279e-06,
    7.505890773075347e-07,
    -1.0980610034234718e-07,
    6.748443985207563e-09,
    -3.305133643307514e-09,
    1.1398428902507765e-09,
    1.965285066853627e-09,
    1.2076719543789054e-09,
    4.5434215588822953e-10,
    1.0384780839638082e-10,
    1.404080950821563e-11,
    8.253578013119143e-13,
)

# (1 + 2 x) * exp(x**2) * erfc(x) - 1 of w = (x - a) / (x + a), and a and the largest x of interest
_SCALED = {
    F32: (
        0.25300806760787964,
        -0.1356211006641388,
        -0.04756307974457741,
        0.1296449601650238,
        -0.11926286667585373,
        0.06831132620573044,
        -0.02382590062916279,
        0.0025049352552741766,
        0.0020184817258268595,
        -0.0006943490589037538,
        -0.00022892288689035922,
    ),
    F64: (
        0.2329951186255525,
        -0.1396211168405625,
        0.015379652102622876,
        0.06809705425469127,
        -0.10103906603646845,
        0.09373283499835951,
        -0.06633036580884247,
        0.03716751553821292,
        -0.01619773409345357,
        0.005031969962026116,
        -0.0007577730705063067,
        -0.00019925655204999093,
        0.0001506208633746179,
        -2.4399903213129625e-05,
        -1.1220184393125764e-05,
        5.711671762607229e-06,
        2.91403533272586e-07,
        -8.286051190728623e-07,
        7.607532445014037e-08,
        1.128712659436801e-07,
        -1.7854828077825504e-08,
        -1.514287312246897e-08,
        1.4910125195335945e-09,
        1.2604276971017343e-09,
    ),
}
_MIDDLE = {F32: 3.0, F64: 4.0}
_FADED = {F32: 10.1, F64: 27.3}


def erf(x: Scalar) -> Scalar:
    """Return the error function."""
    size = abs(x)
    near = fma(x, horner(x * x, _NEAR[x.dtype]), x)
    far = _beyond_f32(size) if x.dtype is F32 else _beyond_f64(size)
    return select(size < 1.1875, near, copysign(far, x))


def _beyond_f32(size: Scalar) -> Scalar:
    root = horner(at_most(size, 3.9375) - 2.5625, _FOURTH_ROOT)
    square = root * root
    return fma(-square, square, 1.0)


def _beyond_f64(size: Scalar) -> Scalar:
    logarithm = horner(at_most(size, 6.0) - 3.59375, _LOG_ERFC)
    n, bits = multiples(logarithm, 1.0)
    return fma(-exp2_fraction(logarithm - n), power_of_two(bits, F64), 1.0)


def erfc(x: Scalar) -> Scalar:
    """Return the complementary error function."""
    size = at_most(abs(x), _FADED[x.dtype])
    square = size * size
    value = exp_of_negative(-square, fma(-size, size, square)) * scaled_erfc(size)
    return select(x < 0.0, 2.0 - value, value)


def scaled_erfc(x: Scalar) -> Scalar:
    """Return ``exp(x**2) erfc(x)`` for x from 0 to where ``erfc`` has faded away."""
    double = x + x
    # (x - a) / (x + a), in a way that is accurate for small x
    w = double / (x + _MIDDLE[x.dtype]) - 1.0
    return (horner(w, _SCALED[x.dtype]) + 1.0) / (double + 1.0)
