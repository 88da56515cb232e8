"""What stops, cuts, scales or replaces gradients; and what asks for them otherwise."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.graph.graph import toposort
from agnesi.ops.gradients import CustomGradient, Marker
from agnesi.testing import check_gradient, interpreted, native

if TYPE_CHECKING:
    from collections.abc import Callable

x = ag.vector("x", dtype="f64")
w = ag.vector("w", dtype="f64")
at = np.array([1.0, -2.0, 3.0])
AT = {x: at, w: np.array([2.0, 5.0, -1.0])}


def value(expression: ag.Tensor) -> list[float]:
    """Native and interpreted; they have to agree."""
    inputs, arrays = list(AT), list(AT.values())
    (first,), (second,) = (how(inputs, [expression])(arrays) for how in (interpreted, native))
    np.testing.assert_array_max_ulp(first, second, 2)
    return first.tolist()


class TestMarkers:
    def test_values_are_left_as_they_are(self):
        marked = [
            ag.stop_gradient(x),
            ag.disconnect_gradient(x),
            ag.undefined_gradient(x),
            ag.scale_gradient(x, -2),
            ag.clip_gradient(x, -1, 1),
        ]
        for expression in marked:
            assert value(expression) == at.tolist()
            assert value(ag.exp(expression)) == value(ag.exp(x))
            assert not any(isinstance(n, Marker) for n in _rewritten(ag.exp(expression)))

    def test_stop_gradient(self):
        assert value(ag.grad((ag.stop_gradient(x) * x).sum(), x)) == at.tolist()
        assert value(ag.grad(ag.stop_gradient(x).sum(), x)) == [0, 0, 0]
        assert value(ag.jvp(ag.stop_gradient(x) * x, x, np.ones(3))) == at.tolist()

    def test_disconnect_gradient(self):
        assert value(ag.grad((ag.disconnect_gradient(x) * x).sum(), x)) == at.tolist()
        with pytest.raises(ag.GradientError, match="does not depend on"):
            ag.grad(ag.disconnect_gradient(x).sum(), x)
        with pytest.raises(ag.GradientError, match="not depend on"):
            ag.jvp(ag.disconnect_gradient(x), x, x)

    def test_undefined_gradient(self):
        with pytest.raises(ag.GradientError, match="undefined_gradient has none by its operand x"):
            ag.grad((ag.undefined_gradient(x * 2) * w).sum(), x)
        # What does not come from there has its gradient.
        assert value(ag.grad((ag.undefined_gradient(x) * w).sum(), w)) == at.tolist()
        # Nor does anybody ask behind a constant.
        assert value(ag.grad((ag.stop_gradient(ag.undefined_gradient(x)) * x).sum(), x)) == value(x)
        held = ag.undefined_gradient(ag.stop_gradient(x)) * x
        assert value(ag.grad(held.sum(), x)) == value(x)
        assert np.isnan(
            value(ag.grad((ag.undefined_gradient(x) * w).sum(), x, undefined="nan"))
        ).all()

    def test_scale_gradient(self):
        assert value(ag.grad((ag.scale_gradient(x, -0.5) ** 2).sum(), x)) == (-at).tolist()
        assert value(ag.jvp(ag.scale_gradient(x, -0.5) ** 2, x, np.ones(3))) == (-at).tolist()

    def test_clip_gradient(self):
        assert value(ag.grad((ag.clip_gradient(x, -1, 2.5) ** 2).sum(), x)) == [2, -1, 2.5]
        assert value(ag.jvp(ag.clip_gradient(x, -1, 1) ** 2, x, np.ones(3))) == [2, -4, 6]
        clipped = ag.grad((ag.clip_gradient(x, -5, 5) ** 2).sum(), x)
        assert value(ag.grad(clipped.sum(), x)) == [2, 2, 0]


def test_undefined_is_told_from_zero():
    position = ag.argmax(x).astype("f64")
    with pytest.raises(ag.GradientError) as caught:
        ag.grad(position * 2, x)
    message = str(caught.value)
    assert "there is no derivative by <x: f64" in message
    assert "position" in message and "test_gradients.py" in message
    with pytest.raises(ag.GradientError, match="position"):
        ag.jvp(position, x, x)
    # Taking the element at a position is another thing, and so is being right.
    assert value(ag.grad((x[ag.argmax(x)] * 2), x)) == [0, 0, 2]
    right = (ag.argmax(x) == 2).astype("f64")
    assert value(ag.grad(right, x)) == [0, 0, 0]
    for flat in (ag.floor(x), (x > 1).astype("f64"), x.astype("i64").astype("f64"), ag.sign(x)):
        assert value(ag.grad(flat.sum(), x)) == [0, 0, 0]
        assert value(ag.jvp(flat, x, np.ones(3))) == [0, 0, 0]


class TestCustomGradient:
    def test_replaces_the_gradient_in_every_mode_and_order(self):
        # The derivative of x**2 is said to be sin(x).
        f = ag.custom_gradient(lambda v: v**2, lambda ct, v: ct * ag.sin(v))
        y = f(x)
        assert value(y) == (at**2).tolist()
        np.testing.assert_allclose(value(ag.grad(y.sum(), x)), np.sin(at))
        np.testing.assert_allclose(value(ag.jvp(y, x, np.ones(3))), np.sin(at))
        second = ag.grad(ag.grad(y.sum(), x).sum(), x)
        np.testing.assert_allclose(value(second), np.cos(at))
        np.testing.assert_allclose(value(ag.hvp(y.sum(), x, np.ones(3))), np.cos(at))
        np.testing.assert_allclose(value(ag.jacobian(y, x)), np.diag(np.sin(at)))
        np.testing.assert_allclose(value(ag.hessian(y.sum(), x)), np.diag(np.cos(at)))

    def test_of_several_variables(self):
        f = ag.custom_gradient(
            lambda a, b, k: a * b + k, lambda ct, a, b, k: (ct * b, (ct * a).sum(), None)
        )
        s, k = ag.scalar("s", dtype="f64"), ag.scalar("k", dtype="i64")
        y = f(x, s, k)
        gx, gs = ag.grad(y.sum(), [x, s])
        found = interpreted([x, s, k], [gx, gs])([at, np.array(3.0), np.array(1)])
        assert found[0].tolist() == [3, 3, 3]
        assert found[1] == 2
        check_gradient(f, at, np.float64(3), np.int64(1))

    def test_identity_with_another_gradient(self):
        reverse = ag.custom_gradient(lambda v: v, lambda ct, v: -ct)
        assert value(ag.grad((reverse(x) * w).sum(), x)) == (-AT[w]).tolist()
        assert value(ag.grad((reverse(x) * x).sum(), x)) == [0, 0, 0]

    def test_what_it_reads_besides_its_arguments_has_no_gradient(self):
        f = ag.custom_gradient(lambda v: v * w, lambda ct, v: ct * w)
        assert value(ag.grad(f(x).sum(), x)) == AT[w].tolist()
        with pytest.raises(ag.GradientError, match="without taking it as an argument"):
            ag.grad(f(x).sum(), w)
        with pytest.raises(ag.GradientError, match="without taking it as an argument"):
            ag.jvp(f(x), w, w)
        g = ag.custom_gradient(lambda v: v * ag.stop_gradient(w), lambda ct, v: ct * w)
        assert value(ag.grad((g(x) + w).sum(), w)) == [1, 1, 1]

    def test_inside_vectorize(self):
        f = ag.custom_gradient(lambda v, b: (v * b).sum(), lambda ct, v, b: (ct * b * 2, ct * v))
        rows, b = ag.input("rows", "f64[n, 3]"), ag.input("b", "f64[3]")
        y = ag.vectorize(f, in_axes=(0, None))(rows, b)
        # The rows' gradient is said to be twice what it is; that of b is the sum over rows.
        found = ag.function([rows, b], [y, *ag.grad((y**2).sum(), [rows, b])])
        arrays = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 0.5])
        values, by_rows, by_b = found(*arrays)
        np.testing.assert_allclose(values, arrays[0] @ arrays[1])
        np.testing.assert_allclose(by_rows, 4 * values[:, None] * arrays[1])
        np.testing.assert_allclose(by_b, 2 * values @ arrays[0])

    def test_compiled_functions_have_none_of_it(self):
        f = ag.custom_gradient(lambda v: v**2, lambda ct, v: ct * v)
        steps = ag.function([x], f(x) + 1).program.steps
        nodes = [node for step in steps for node in getattr(step, "nodes", ())]
        assert nodes and not any(isinstance(n, CustomGradient) for n in toposort(nodes))

    def test_pickles_by_the_functions_name(self):
        node = CustomGradient.call(x)
        assert pickle.loads(pickle.dumps(node)) is node

    def test_bad_functions(self):
        with pytest.raises(ag.GraphTypeError, match="return one symbolic variable"):
            ag.custom_gradient(lambda v: (v, v), lambda ct, v: ct)(x)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
        two = ag.custom_gradient(lambda v: v, lambda ct, v: (ct, ct))
        with pytest.raises(ag.GradientError, match="for each of the function's 1 arguments"):
            ag.grad(two(x).sum(), x)
        wide = ag.custom_gradient(lambda v: v.sum(), lambda ct, v: ct)
        with pytest.raises(ag.GradientError, match="does not fit"):
            ag.grad(wide(x), x)

    def test_custom_vjp(self):
        @ag.custom_vjp
        def root(v: ag.Tensor) -> ag.Tensor:
            """Square root with a derivative of 0 at 0."""
            return ag.sqrt(v)

        with pytest.raises(ag.GradientError, match="root has no gradient yet"):
            root(x)

        def forward(v: ag.Tensor) -> Any:
            result = root(v)
            return result, (v, result)

        def backward(kept: Any, ct: ag.Tensor) -> tuple[ag.Tensor]:
            v, result = kept
            safe = ag.where(v > 0, result, 1)
            return (ag.where(v > 0, ct * 0.5 / safe, 0),)

        root.defvjp(forward, backward)
        slope = ag.grad(root(x).sum(), x)
        assert interpreted([x], [slope])([np.array([0.0, 4.0])])[0].tolist() == [0, 0.25]
        curve = ag.grad(slope.sum(), x)
        assert interpreted([x], [curve])([np.array([0.0, 4.0])])[0].tolist() == [0, -1 / 32]
        assert root.__doc__ is not None and root.__name__ == "root"


class TestAsking:
    def test_known_gradients(self):
        y = x**2
        assert value(ag.grad(None, x, known={y: AT[w]})) == (2 * at * AT[w]).tolist()
        # It replaces what would come from the cost.
        assert value(ag.grad((y * 5).sum(), x, known={y: np.ones(3)})) == (2 * at).tolist()
        assert value(ag.grad((y + x).sum(), x, known={y: 0.0})) == [1, 1, 1]
        with pytest.raises(ag.GradientError, match="neither a cost nor"):
            ag.grad(None, x)
        with pytest.raises(ag.GradientError, match=r"known gradient .* does not fit"):
            ag.grad(None, x, known={x.sum(): np.ones(3)})
        with pytest.raises(ag.GradientError, match="dictionary"):
            ag.grad(None, x, known=[y])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]

    def test_several_costs_are_their_sum(self):
        costs = [(x**2).sum(), (x * w).sum()]
        assert value(ag.grad(costs, x)) == value(ag.grad(costs[0] + costs[1], x))
        # One may be computed from another.
        assert value(ag.grad([costs[0], costs[0] * 3], x)) == (8 * at).tolist()
        assert value(ag.grad([costs[0], costs[0]], x)) == (4 * at).tolist()

    def test_consider_constant(self):
        y = x**2
        assert value(ag.grad((y * x).sum(), x, consider_constant=y)) == (at**2).tolist()
        assert value(ag.grad((y * x).sum(), x, consider_constant=[y])) == (at**2).tolist()
        with pytest.raises(ag.GradientError, match="does not depend"):
            ag.grad(y.sum(), x, consider_constant=[y])
        # A constant has a gradient of its own.
        assert value(ag.grad((y * x).sum(), y, consider_constant=[y])) == at.tolist()

    def test_disconnected(self):
        cost = x.sum()
        with pytest.warns(UserWarning, match="does not depend on") as caught:
            zero = ag.grad(cost, w, disconnected="warn")
        assert caught[0].filename == __file__
        assert zero.type is w.type
        assert value(ag.grad(cost, w, disconnected="zero") + w) == AT[w].tolist()
        with pytest.raises(ag.GradientError, match='"raise", "warn" or "zero"'):
            ag.grad(cost, w, disconnected="ignore")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
        with pytest.warns(UserWarning, match="not depend on") as caught:
            ag.jvp(cost, w, w, disconnected="warn")
        assert caught[0].filename == __file__

    def test_vjp(self):
        y = x[:, None] * w
        ct = np.arange(9.0).reshape(3, 3)
        gx, gw = ag.vjp(y, [x, w], ct)
        assert value(gx + 0 * w.sum()) == (ct @ AT[w]).tolist()
        assert value(gw + 0 * w.sum()) == (ct.T @ at).tolist()
        both = ag.vjp([x * 2, x.sum()], x, [np.ones(3), 10.0])
        assert value(both + 0 * x) == [12, 12, 12]

    def test_parts_of_a_graph(self):
        h = x * w
        cost = (h**2).sum()
        whole = ag.grad(cost, [x, w])
        none, at_h = ag.subgraph_grad([], [h], cost=cost)
        assert none == []
        gw, gx = ag.subgraph_grad([w], [x], start={h: at_h[0]})
        assert value(gw[0]) == value(whole[1])
        assert value(gx[0]) == value(whole[0])

    def test_value_and_grad(self):
        cost = (x**2).sum()
        found = ag.value_and_grad(cost, [x])
        assert found[0] is cost
        assert found[1][0] is ag.grad(cost, x)

    @pytest.mark.parametrize(
        ("ask", "words"),
        [
            (lambda: ag.grad(x, x), "cost must be a scalar"),
            (lambda: ag.grad(3.0, x), "symbolic scalar"),  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
            (lambda: ag.grad(x.sum().astype("i64"), x), "must be floating-point"),
            (lambda: ag.grad(x.sum(), "x"), "holds 'x'"),  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
            (lambda: ag.grad(x.sum(), ag.scalar("n", dtype="i64")), "is an index or a count"),
            (lambda: ag.vjp(x, x, [np.ones(2), 1]), "does not fit"),
            (lambda: ag.vjp([x, w], x, [1.0]), "a cotangent for each of 2"),
        ],
    )
    def test_bad_calls(self, ask: Callable[[], Any], words: str):
        with pytest.raises(ag.GradientError) as caught:
            ask()
        assert words in str(caught.value)


def _rewritten(y: ag.Tensor) -> list[ag.Tensor]:
    from agnesi.rewrite.trace import Trace
    from agnesi.rules.canonicalize import canonicalize

    return toposort(canonicalize([y], Trace()))


class TestCheckGradientsMessages:
    def test_the_argument_and_the_element_are_named(self):
        wrong = ag.custom_gradient(
            lambda a, b: a * b**2,
            lambda ct, a, b: (ct * b**2, ct * a * b * ag.where(b > 1.5, 2.5, 2.0)),
        )
        with pytest.raises(AssertionError) as caught:
            check_gradient(wrong, np.array([1.0, 2.0]), np.array([1.0, 3.0]))
        message = str(caught.value)
        assert "derivative 1 along a random direction" in message
        assert "in reverse mode" in message
        assert "argument 1, float64[2]: mismatched elements: 1 of the first 2" in message
        assert "max absolute difference" in message and ", at [1]" in message
        assert "argument 0" not in message

    def test_a_clipped_gradient_is_not_the_slope(self):
        def clipped(v: ag.Tensor) -> ag.Tensor:
            return ag.clip_gradient(v, -0.01, 0.01) * 3

        with pytest.raises(AssertionError, match="in reverse mode"):
            check_gradient(clipped, np.array([1.0, 2.0]), order=1)

    def test_complex_arguments(self):
        wrong = ag.custom_gradient(lambda z: z * z, lambda ct, z: ct * z)
        with pytest.raises(AssertionError, match="argument 0, complex128"):
            check_gradient(wrong, np.array([1.0 + 2j]))
        check_gradient(lambda z: abs(z * z), np.array([1.0 + 2j, -0.5j]))
