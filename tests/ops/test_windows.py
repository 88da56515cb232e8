"""Windows, interpolation, grids by slices, and shapes that are specified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag


@pytest.mark.parametrize("size", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
def test_windows_are_numpys(name: str, size: int):
    n = ag.input("n", "i64[]")
    known, symbolic = getattr(ag, name)(size).eval(), getattr(ag, name)(n).eval({n: size})
    np.testing.assert_allclose(known, getattr(np, name)(size), atol=1e-15)
    np.testing.assert_allclose(symbolic, known, atol=1e-15)


@pytest.mark.parametrize("beta", [0.0, 5.0, 14.0])
def test_kaiser_is_numpys(beta: float):
    np.testing.assert_allclose(ag.kaiser(12, beta).eval(), np.kaiser(12, beta), rtol=1e-12)


def test_grids_are_numpys():
    np.testing.assert_array_equal(ag.mgrid[0:3, 1:7:2].eval(), np.mgrid[0:3, 1:7:2])
    np.testing.assert_array_equal(ag.mgrid[2:5].eval(), np.mgrid[2:5])
    np.testing.assert_allclose(ag.mgrid[0:1:5j, 0:2].eval(), np.mgrid[0:1:5j, 0:2])
    for ours, theirs in zip(ag.ogrid[0:3, 1:7:2], np.ogrid[0:3, 1:7:2], strict=True):
        np.testing.assert_array_equal(ours.eval(), theirs)
    x = ag.input("x", "f32[n, m]")
    grid = ag.mgrid[0 : x.shape[0], 0 : x.shape[1]]
    np.testing.assert_array_equal(grid.eval({x: np.zeros((2, 3), "f4")}), np.mgrid[0:2, 0:3])
    with pytest.raises(ag.GraphTypeError, match="slices with an end"):
        ag.mgrid[1:]


def test_a_specified_shape_is_known_and_checked():
    x = ag.input("x", "f32[n, m]")
    y = ag.specify_shape(x, (None, 1))
    f = ag.function([x], y + ag.zeros((1, 3)))
    assert y.type.shape[1] == 1
    assert f(np.ones((2, 1), np.float32)).shape == (2, 3)
    with pytest.raises(ag.ShapeError):
        f(np.ones((2, 2), np.float32))
    np.testing.assert_array_equal(
        ag.grad(ag.specify_shape(x, (2, 2)).sum(), x).eval({x: np.ones((2, 2), "f4")}),
        np.ones((2, 2)),
    )
    with pytest.raises(ag.GraphTypeError, match="3 sizes"):
        ag.specify_shape(x, (1, 2, 3))
    with pytest.raises(ag.GraphTypeError, match="is not"):
        ag.specify_shape(ag.zeros((2, 3)), (2, 4))


@pytest.mark.parametrize("named", [{}, {"left": -5.0}, {"right": 7.5}, {"period": 2.5}])
def test_interpolation_is_numpys(named: dict[str, Any]):
    random = np.random.default_rng(2)
    xp = np.sort(random.uniform(0, 9, 7))
    fp, x = random.normal(size=7), random.uniform(-2, 11, (3, 4))
    x[0, 0], x[0, 1], x[0, 2] = xp[0], xp[-1], np.nan
    inputs = [ag.input("x", "f64[a, b]"), ag.input("xp", "f64[n]"), ag.input("fp", "f64[n]")]
    given, points, values = inputs
    f = ag.function(inputs, ag.interp(given, points, values, **named))
    np.testing.assert_allclose(f(x, xp, fp), np.interp(x, xp, fp, **named), rtol=1e-12, atol=1e-12)


def test_interpolation_of_one_point_and_its_slope():
    assert ag.interp(3.0, [1.0], [5.0]).eval() == 5
    x = ag.scalar("x", dtype="f64")
    slope = ag.grad(ag.interp(x, [0.0, 1.0, 3.0], [0.0, 2.0, 8.0]), x)
    assert slope.eval({x: 0.5}) == 2
    assert slope.eval({x: 2.0}) == 3
    assert slope.eval({x: 9.0}) == 0
    with pytest.raises(ag.GraphTypeError, match="two vectors"):
        ag.interp(x, [[1.0]], [1.0])
