"""Optimisers against the same formulas in NumPy, over several steps."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

SHAPES = ((), (3,), (2, 4))
STEPS = 4


def cost(parameters: list[Any]) -> Any:
    """Has the gradient ``p**3 + (k + 1) * p``."""
    return sum((p**4 / 4 + (k + 1) * p**2 / 2).sum() for k, p in enumerate(parameters))


def slope(p: Array, k: int) -> Array:
    return p**3 + (k + 1) * p


def starts(dtype: Any = np.float64) -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def run(optimiser: Callable[..., Any], dtype: Any = np.float64) -> list[Array]:
    parameters = [ag.shared(p, f"p{k}") for k, p in enumerate(starts(dtype))]
    gradients = ag.grad(cost(parameters), parameters)
    step = ag.function([], [], updates=optimiser(gradients, parameters))
    for _ in range(STEPS):
        step()
    return [p.get_value() for p in parameters]


def sgd(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    return p - 0.1 * g


def momentum(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["v"] = 0.8 * m["v"] - 0.1 * g
    return p + m["v"]


def nesterov(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    """The gradient is taken where the speed leads; ``p`` here is that place (Bengio, eq. 7)."""
    before = m["v"]
    m["v"] = 0.8 * before - 0.1 * g
    return p - 0.8 * before + 1.8 * m["v"]


def adagrad(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["s"] = m["s"] + g**2
    return p - 0.1 * g / (np.sqrt(m["s"]) + 1e-6)


def rmsprop(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["s"] = 0.95 * m["s"] + 0.05 * g**2
    return p - 0.1 * g / (np.sqrt(m["s"]) + 1e-6)


def graves(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["n"] = 0.95 * m["n"] + 0.05 * g**2
    m["g"] = 0.95 * m["g"] + 0.05 * g
    m["d"] = 0.7 * m["d"] - 0.02 * g / np.sqrt(m["n"] - m["g"] ** 2 + 1e-3)
    return p + m["d"]


def adadelta(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["g"] = 0.9 * m["g"] + 0.1 * g**2
    step = -np.sqrt(m["x"] + 1e-3) / np.sqrt(m["g"] + 1e-3) * g
    m["x"] = 0.9 * m["x"] + 0.1 * step**2
    return p + 2 * step


def adam(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["m"] = 0.85 * m["m"] + 0.15 * g
    m["v"] = 0.99 * m["v"] + 0.01 * g**2
    return p - 0.1 * m["m"] / (1 - 0.85**t) / (np.sqrt(m["v"] / (1 - 0.99**t)) + 1e-7)


def amsgrad(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    """Decays that forget fast, so that the largest mean of squares is not the last."""
    m["m"] = 0.5 * m["m"] + 0.5 * g
    m["v"] = 0.3 * m["v"] + 0.7 * g**2
    m["most"] = np.maximum(m["most"], m["v"])
    return p - 0.1 * m["m"] / (1 - 0.5**t) / (np.sqrt(m["most"] / (1 - 0.3**t)) + 1e-7)


def adamw(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    return adam(p, g, t, m) - 0.1 * 0.3 * p


def adamax(p: Array, g: Array, t: int, m: dict[str, Array]) -> Array:
    m["m"] = 0.85 * m["m"] + 0.15 * g
    m["u"] = np.maximum(0.99 * m["u"], abs(g))
    return p - 0.1 / (1 - 0.85**t) * m["m"] / (m["u"] + 1e-7)


OPTIMISERS = {
    sgd: lambda g, p: ag.optim.sgd(g, p, 0.1),
    momentum: lambda g, p: ag.optim.momentum(g, p, 0.1, 0.8),
    nesterov: lambda g, p: ag.optim.momentum(g, p, 0.1, 0.8, nesterov=True),
    adagrad: lambda g, p: ag.optim.adagrad(g, p, 0.1, 1e-6),
    rmsprop: lambda g, p: ag.optim.rmsprop(g, p, 0.1, 0.95, 1e-6),
    graves: lambda g, p: ag.optim.graves_rmsprop(g, p, 0.02, 0.95, momentum=0.7, epsilon=1e-3),
    adadelta: lambda g, p: ag.optim.adadelta(g, p, 2.0, 0.9, 1e-3),
    adam: lambda g, p: ag.optim.adam(g, p, 0.1, (0.85, 0.99), 1e-7),
    amsgrad: lambda g, p: ag.optim.adam(g, p, 0.1, (0.5, 0.3), 1e-7, amsgrad=True),
    adamw: lambda g, p: ag.optim.adamw(g, p, 0.1, (0.85, 0.99), 1e-7, weight_decay=0.3),
    adamax: lambda g, p: ag.optim.adamax(g, p, 0.1, (0.85, 0.99), 1e-7),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reference", OPTIMISERS, ids=lambda f: f.__name__)
def test_steps(reference: Callable[..., Array], dtype: Any):
    got = run(OPTIMISERS[reference], dtype)
    for k, p in enumerate(starts()):
        memory: dict[str, Array] = defaultdict(lambda p=p: np.zeros_like(p))
        for t in range(1, STEPS + 1):
            p = reference(p, slope(p, k), t, memory)
        assert got[k].dtype == dtype
        np.testing.assert_allclose(got[k], p, rtol=1e-12 if dtype == np.float64 else 2e-5)


def test_graves_variance_is_never_below_zero():
    """Gradients so large and equal that the difference of the means is rounding alone."""
    w = ag.shared(np.full(64, 1.0, np.float32), "w")
    g = ag.constant(np.linspace(1e4, 3e4, 64, dtype=np.float32))
    step = ag.function([], [], updates=ag.optim.graves_rmsprop([g], [w], 1e-4, 0.0))
    for _ in range(50):
        step()
    assert np.isfinite(w.get_value()).all()


@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_rates_take_the_dtype_of_what_they_scale(kind: str):
    rate = ag.scalar("rate", dtype=kind)
    for dtype in (np.float16, np.float32, np.float64):
        w = ag.shared(np.ones(2, dtype), "w")
        updates = ag.optim.adamw(ag.grad((w * w).sum(), [w]), [w], rate, weight_decay=0.0)
        updates += ag.optim.momentum([w], [ag.shared(np.ones(2, dtype))], rate)
        assert all(v.dtype == new.dtype for v, new in updates)
        ag.function([rate], [], updates=updates)(0.5)
        np.testing.assert_allclose(w.get_value(), 0.5, rtol=1e-3 if dtype == np.float16 else 1e-5)


def test_rate_as_an_input_and_float32():
    w = ag.shared(np.ones(2, np.float32), "w")
    rate = ag.scalar("rate")
    step = ag.function([rate], [], updates=ag.optim.adam(ag.grad((w * w).sum(), [w]), [w], rate))
    step(np.float32(0.5))
    np.testing.assert_allclose(w.get_value(), 0.5, rtol=1e-5)
    step(np.float32(0.0))
    np.testing.assert_allclose(w.get_value(), 0.5, rtol=1e-5)


def test_clipping():
    gradients = [np.array([3.0, 0.0]), np.array([[0.0], [4.0]]), np.array(12.0)]
    limit = ag.scalar("limit", dtype="f64")
    symbols = [ag.constant(g) for g in gradients]
    f = ag.function(
        [limit], [ag.optim.global_norm(symbols), *ag.optim.clip_by_global_norm(symbols, limit)]
    )
    for most in (6.5, 13.0, 20.0):
        norm, *clipped = f(most)
        assert norm == 13
        for got, g in zip(clipped, gradients, strict=True):
            np.testing.assert_allclose(got, g * min(1, most / 13), rtol=1e-15)


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
@pytest.mark.parametrize("reference", OPTIMISERS, ids=lambda f: f.__name__)
def test_half_precision_steps_as_float32_does(reference: Callable[..., Array], dtype: str):
    start = np.array([1.0, -2.0, 0.5, 4.0], np.float32)
    values: dict[str, Array] = {}
    for kind in (dtype, "f32"):
        w = ag.shared(start, "w", dtype=kind)
        # Nothing, what has no square in float16, what is usual, and what has one that overflows.
        gradient = ag.constant([0.0, 1e-5, -1.0, 2000.0], dtype=kind)
        step = ag.function([], [], updates=OPTIMISERS[reference]([gradient], [w]))
        for _ in range(3):
            step()
        values[kind] = w.get_value().astype(np.float32)
        assert w.get_value().dtype == w.dtype.numpy
    assert np.isfinite(values[dtype]).all()
    np.testing.assert_allclose(values[dtype], values["f32"], rtol=3e-3 if dtype == "f16" else 3e-2)


def test_half_precision_norms():
    long = ag.constant(np.full(3000, 20.0), dtype="f16")
    (clipped,) = ag.optim.clip_by_global_norm([long], 1.0)
    assert clipped.dtype == ag.float16
    np.testing.assert_allclose(clipped.eval(), 1 / np.sqrt(3000), rtol=1e-3)
    w = ag.shared(np.zeros((3000, 1), np.float16), "w")
    updates = ag.optim.max_norm([(w, long.reshape(3000, 1))], [w], 2.0)
    np.testing.assert_allclose(updates[0][1].eval(), 2 / np.sqrt(3000), rtol=2e-3)


def test_what_does_not_fit():
    w, x = ag.shared(np.ones(2), "w"), ag.vector("x", dtype="f64")
    with pytest.raises(ag.FunctionError, match="sgd: 1 gradients for 2 parameters"):
        ag.optim.sgd([w], [w, w], 0.1)
    with pytest.raises(ag.FunctionError, match=r"adam: .*x.* is no shared variable"):
        ag.optim.adam([w], [x])  # pyright: ignore[reportArgumentType]
    count = ag.shared(np.ones(2, np.int64), "count")
    with pytest.raises(ag.FunctionError, match="holds i64, which small steps cannot change"):
        ag.optim.adagrad([count], [count])
    with pytest.raises(ag.FunctionError, match="rate is a number or a scalar"):
        ag.optim.rmsprop([w], [w], ag.vector("rates"))
    with pytest.raises(ag.FunctionError, match="rate is a number or a scalar"):
        ag.optim.sgd([w], [w], np.ones(2))  # pyright: ignore[reportArgumentType]
    v = ag.shared(np.ones((3, 2)), "v")
    with pytest.raises(ag.FunctionError, match=r"adam: gradient 0 does not .*\n.*2\].*\n.*3, 2\]"):
        ag.optim.adam([w, v], [v, w])
    with pytest.raises(ag.FunctionError, match=r"sgd: <w: .*> is there twice"):
        ag.optim.sgd([w, w], [w, w], 0.1)
    with pytest.raises(ag.FunctionError, match="clip_by_global_norm: the largest norm is above 0"):
        ag.optim.clip_by_global_norm([w], -1.0)
    with pytest.raises(ag.FunctionError, match="clip_by_norm: the largest norm is above 0"):
        ag.optim.clip_by_norm([w], 0.0)
    with pytest.raises(ag.FunctionError, match=r"max_norm: .* has no update"):
        ag.optim.max_norm(ag.optim.sgd([w], [w], 0.1), [ag.shared(np.ones(2), "v")], 1.0)
    with pytest.raises(ag.FunctionError, match="above 0"):
        ag.optim.max_norm(ag.optim.sgd([w], [w], 0.1), [w], 0.0)
    with pytest.raises(ag.FunctionError, match="nothing lies between"):
        ag.optim.clip_by_value([w], 1.0, 0.0)
    with pytest.raises(ag.FunctionError, match="nothing lies between"):
        ag.optim.clip_weights(ag.optim.sgd([w], [w], 0.1), [w], 1.0, 0.0)
    with pytest.raises(ag.FunctionError, match="global_norm: no gradients"):
        ag.optim.clip_by_global_norm([], 1.0)


def after(updates: Any, *variables: ag.Shared, calls: int = 1) -> list[Array]:
    step = ag.function([], [], updates=updates)
    for _ in range(calls):
        step()
    return [v.get_value() for v in variables]


def test_clipping_by_value_and_by_own_norm():
    gradients = [np.array([3.0, -4.0]), np.array([0.5])]
    symbols = [ag.constant(g) for g in gradients]
    for got, g in zip(ag.optim.clip_by_value(symbols, -1.0, 2.0), gradients, strict=True):
        np.testing.assert_array_equal(got.eval(), g.clip(-1, 2))
    for got, g in zip(ag.optim.clip_by_norm(symbols, 2.5), gradients, strict=True):
        np.testing.assert_allclose(got.eval(), g * min(1, 2.5 / np.linalg.norm(g)))


@pytest.mark.parametrize(("l2", "l1"), [(0.5, 0.0), (0.0, 0.25), (0.5, 0.25)])
def test_weight_decay_is_the_gradient_of_a_penalty(l2: float, l1: float):
    value = np.array([1.5, -2.0, 0.25])
    w, scale = ag.shared(value, "w"), ag.scalar("scale")
    penalty = l2 / 2 * (w * w).sum() + l1 * ag.abs(w).sum()
    (expected,) = ag.grad((w**3).sum() + penalty, [w])
    (got,) = ag.optim.weight_decay(ag.grad((w**3).sum(), [w]), [w], l2, l1)
    np.testing.assert_allclose(got.eval(), expected.eval(), rtol=1e-14)
    (symbolic,) = ag.optim.weight_decay([ag.zeros(3, dtype="f64")], [w], l2=scale)
    np.testing.assert_array_equal(ag.function([scale], symbolic)(2.0), 2 * value)


@pytest.mark.parametrize("axes", [0, 1, (0, 1)])
def test_norms_of_units(axes: Any):
    value = np.array([[3.0, 0.1, 0.0], [-4.0, 0.2, 0.0]])
    norms = np.sqrt((value**2).sum(axes, keepdims=True))
    w = ag.shared(value, "w")
    still = ag.optim.sgd([ag.zeros((2, 3), dtype="f64")], [w], 1.0)
    (got,) = after(ag.optim.max_norm(still, [w], 2.0, axes), w)
    np.testing.assert_allclose(got, np.where(norms > 2, value * 2 / np.maximum(norms, 2), value))
    w.set_value(value)
    (got,) = after(ag.optim.unit_norm(still, [w], axes), w)
    np.testing.assert_allclose(got, value / np.where(norms > 0, norms, 1))


def test_bounds_of_weights_leave_others_alone():
    v, w = ag.shared(np.array([-2.0, 0.5, 3.0]), "v"), ag.shared(np.array([-2.0]), "w")
    still = ag.optim.sgd([0 * v, 0 * w], [v, w], 1.0)
    values = after(ag.optim.clip_weights(still, [v], -1.0, 1.0), v, w)
    np.testing.assert_array_equal(values[0], [-1, 0.5, 1])
    np.testing.assert_array_equal(values[1], [-2])
    values = after(ag.optim.non_negative(still, [w]), v, w)
    np.testing.assert_array_equal(values[0], [-1, 0.5, 1])
    np.testing.assert_array_equal(values[1], [0])


def test_averages():
    w = ag.shared(np.array([1.0, 2.0], np.float32), "w")
    updates, (mean,) = ag.optim.exponential_average([(w, w * 2)], [w], 0.9)
    expected, p = w.get_value(), w.get_value()
    for _ in range(3):
        p = p * 2
        expected = 0.9 * expected + 0.1 * p
    np.testing.assert_allclose(after(updates, mean, calls=3)[0], expected, rtol=1e-6)
    w.set_value(np.array([1.0, 2.0], np.float32))
    updates, (mean,) = ag.optim.polyak_average([(w, w * 2)], [w], after=2)
    step = ag.function([], [], updates=updates)
    seen = []
    for k in range(5):
        step()
        seen.append(w.get_value())
        np.testing.assert_allclose(mean.get_value(), np.mean(seen[min(2, k) :], axis=0), rtol=1e-6)
    f = ag.function([], w.sum(), givens=dict(zip([w], [mean], strict=True)))
    assert f() == mean.get_value().sum()


SCHEDULES: dict[str, tuple[Callable[[Any], Any], Callable[[int], float]]] = {
    "constant": (lambda k: ag.optim.constant_rate(k, 0.3), lambda k: 0.3),
    "step": (lambda k: ag.optim.step_decay(k, 0.3, 4, 0.5), lambda k: 0.3 * 0.5 ** (k // 4)),
    "exponential": (
        lambda k: ag.optim.exponential_decay(k, 0.3, 5, 0.1),
        lambda k: 0.3 * 0.1 ** (k / 5),
    ),
    "inverse": (lambda k: ag.optim.inverse_time_decay(k, 0.3, 5), lambda k: 0.3 / (1 + k / 5)),
    "linear": (
        lambda k: ag.optim.linear_decay(k, 0.3, 7, 0.1),
        lambda k: 0.3 + (0.1 - 0.3) * min(k / 7, 1),
    ),
    "cosine": (
        lambda k: ag.optim.cosine_decay(k, 0.3, 7, 0.1),
        lambda k: 0.1 + 0.1 * (1 + np.cos(np.pi * min(k / 7, 1))),
    ),
    "restarts": (
        lambda k: ag.optim.cosine_decay(k, 0.3, 4, restarts=True),
        lambda k: 0.15 * (1 + np.cos(np.pi * (k % 4) / 4)),
    ),
    "piecewise": (
        lambda k: ag.optim.piecewise_rate(k, [2, 5], [0.3, 0.2, 0.1]),
        lambda k: 0.3 if k < 2 else 0.2 if k < 5 else 0.1,
    ),
    "warm-up": (
        lambda k: ag.optim.warm_up(k, ag.optim.step_decay(k, 0.3, 6, 0.5), 4),
        lambda k: 0.3 * 0.5 ** (k // 6) * min(1, (k + 1) / 4),
    ),
}


def test_schedules_count_by_themselves():
    steps = ag.optim.step_counter()
    f = ag.function([], [made(steps) for made, _ in SCHEDULES.values()])
    show = ag.function([], steps, no_default_updates=True)
    for k in range(10):
        assert show() == k
        rates = f()
        assert all(rate.dtype == np.float32 and rate.shape == () for rate in rates)
        expected = [said(k) for _, said in SCHEDULES.values()]
        np.testing.assert_allclose(rates, expected, rtol=1e-6, err_msg=f"{k}, {list(SCHEDULES)}")


def test_schedules_are_exact_late():
    """A float32 knows no odd numbers from 2**24 on."""
    steps = ag.optim.step_counter(first=2**24 + 1)
    rate = ag.optim.linear_decay(steps, 1.0, 2**24 + 2, dtype="f64")
    assert rate.eval() == 1 - (2**24 + 1) / (2**24 + 2)


def test_schedules_that_make_no_sense():
    k = ag.optim.step_counter()
    with pytest.raises(ag.FunctionError, match="step_decay: every is above 0"):
        ag.optim.step_decay(k, 0.1, 0)
    with pytest.raises(ag.FunctionError, match="factor is above 0"):
        ag.optim.exponential_decay(k, 0.1, 10, 0.0)
    with pytest.raises(ag.FunctionError, match=r"piecewise_rate: rates .* for ends"):
        ag.optim.piecewise_rate(k, [1, 2], [0.1, 0.2])
    with pytest.raises(ag.FunctionError, match="a count is a scalar"):
        ag.optim.warm_up(ag.vector("k"), 0.1, 10)


def test_plateau():
    rate = ag.shared(np.float32(1.0), "rate")
    plateau = ag.optim.ReduceOnPlateau(rate, 0.5, patience=2, least=0.3, maximise=True)
    other = ag.optim.ReduceOnPlateau(rate, 0.5, patience=2, least=0.3, maximise=True)
    seen = [plateau.see(value) for value in (0.5, float("nan"), 0.6, 0.6, 0.6)]
    assert seen == [False, False, False, False, True]
    assert rate.get_value() == 0.5
    other.set_state(plateau.get_state())
    assert [other.see(0.1) for _ in range(4)] == [False, True, False, False]
    assert rate.get_value() == np.float32(0.3)
    with pytest.raises(ag.CallError, match="is no state"):
        other.set_state({})
    with pytest.raises(ag.FunctionError, match="shared scalar"):
        ag.optim.ReduceOnPlateau(ag.shared(np.ones(2, np.float32)))
    with pytest.raises(ag.FunctionError, match="factor lies between"):
        ag.optim.ReduceOnPlateau(rate, factor=1.5)
