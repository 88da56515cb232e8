"""Loops before and after: less in a step, and the same results in the interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import I64
from agnesi.core.errors import IndexOutOfBounds
from agnesi.dims.dim import sub
from agnesi.graph.body import Body, Several, close, in_bodies
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import new_input
from agnesi.graph.text import graph_text, op_name
from agnesi.graph.types import TensorType
from agnesi.graph.verify import verify_graph
from agnesi.ops.branch import Branch
from agnesi.ops.loop import Loop
from agnesi.ops.movement import BroadcastTo, Reshape
from agnesi.ops.slicing import Place
from agnesi.rewrite.trace import Trace
from agnesi.rules import part_loops
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.loops import loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Tensor

T, B, K, N = 5, 3, 4, 6
x = ag.input("x", "f32[t, b, k]")
w = ag.input("w", "f32[n, n]")
u = ag.input("u", "f32[k, n]")
v = ag.input("v", "f32[n, m]")
h0 = ag.input("h0", "f32[b, n]")
t, b, k = x.type.shape
SIZES = {"t": T, "b": B, "k": K, "n": N, "m": 2}


def loop(
    step: Callable[..., tuple[Sequence[Tensor], Sequence[Tensor]]],
    inits: Sequence[Tensor],
    sequences: Sequence[Tensor] = (),
    *,
    length: Any = None,
    reverse: bool = False,
    until: Callable[..., Tensor] | None = None,
) -> Loop:
    """Return the loop of a step that is given its number, what is carried, and rows."""
    number = new_input("step", TensorType(I64, ()))
    carries = [new_input(f"c{j}", init.type) for j, init in enumerate(inits)]
    rows = [
        new_input(f"r{j}", TensorType(s.dtype, s.type.shape[1:])) for j, s in enumerate(sequences)
    ]
    nexts, collected = step(number, *carries, *rows)
    asked = [] if until is None else [until(number, *carries)]
    closed = close([number, *carries, *rows], [*nexts, *collected, *asked])
    inputs, outputs = closed.body.inputs, closed.body.outputs
    condition = None
    if asked:
        first = 1 + len(inits)
        condition = Body((*inputs[:first], *inputs[first + len(rows) :]), outputs[-1:])
        outputs = outputs[:-1]
    size = sequences[0].type.shape[0] if length is None else length
    body = Body(inputs, outputs)
    return Loop(size, reverse, condition, body, tuple(inits), tuple(sequences), closed.captured)


def arrays(*outputs: Tensor) -> dict[Tensor, Any]:
    """Return values for the inputs that outputs depend on."""
    rng = np.random.default_rng(1)
    given: dict[Tensor, Any] = {}
    for node in toposort(outputs):
        if node.name and not node.operands:
            shape = tuple(s if isinstance(s, int) else SIZES[str(s)] for s in node.type.shape)
            values = rng.integers(0, 3, shape) if node.dtype is I64 else rng.normal(size=shape)
            given[node] = np.asarray(values * 0.4 if node.dtype is not I64 else values)
            given[node] = given[node].astype(node.dtype.numpy)
    return given


def canonical(outputs: Sequence[Tensor]) -> list[Tensor]:
    return in_bodies(canonicalize(outputs, Trace()), canonical)


def rewritten(*outputs: Tensor, tolerance: float = 2e-5) -> list[Tensor]:
    """Return the outputs rewritten; they compute the same, and are done with."""
    after = loops(canonical(outputs), Trace())
    verify_graph(after)
    given = arrays(*outputs)
    for old, new in zip(interpret(outputs, given), interpret(after, given), strict=True):
        np.testing.assert_allclose(new, old, rtol=tolerance, atol=tolerance)
    assert [a.type.ndim for a in after] == [a.type.ndim for a in outputs]
    again = loops(after, Trace())
    assert all(a is b for a, b in zip(again, after, strict=True)), graph_text(*again)
    return after


def loops_of(*outputs: Tensor) -> list[Loop]:
    return [node for node in toposort(outputs) if isinstance(node, Loop)]


def the_loop(*outputs: Tensor) -> Loop:
    """Return the only loop that outputs depend on."""
    (found,) = loops_of(*outputs)
    return found


def ops_of(body: Body) -> list[str]:
    """Return the names of the ops of a body, in order."""
    return [op_name(node) for node in toposort(body.outputs, set(body.inputs)) if node.operands]


def recurrent(_: Tensor, h: Tensor, row: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    new = ag.tanh(h @ w + row @ u)
    return [new], [new]


# -- what nobody reads ------------------------------------------------------------------------


def test_rows_that_are_not_read_are_not_collected():
    last, _ = loop(recurrent, [h0], [x]).parts()
    (new,) = rewritten(last)
    assert len(the_loop(new).part_types) == 1


def test_what_is_carried_for_itself_alone_is_dropped_with_all_it_needs():
    def step(_: Tensor, h: Tensor, c: Tensor, d: Tensor, row: Tensor) -> Any:
        return [ag.tanh(h), ag.sin(c + row @ u + d), d * 2], [c]

    first, *_ = loop(step, [h0, h0, h0], [x], length=t).parts()
    made = the_loop(*rewritten(first))
    assert (len(made.inits), len(made.sequences), made.captured) == (1, 0, ())


def test_a_loop_nobody_needs_is_gone():
    made = loop(recurrent, [h0], [x])
    (count,) = rewritten(made)
    assert not loops_of(count)
    assert interpret([count], arrays(x))[0] == T
    (steps,) = rewritten(loop(recurrent, [h0], [x], until=lambda n, h: h.sum() < 1))
    assert len(loops_of(steps)) == 1


def test_a_sequence_whose_length_a_call_has_to_check_stays():
    other = ag.input("other", "f32[s]")
    made = loop(lambda n, h, r, s: ([h * 2 + r[0, 0]], []), [h0], [x, other])
    kept = the_loop(*loops(list(made.parts()), Trace()))
    assert kept.sequences == (x, other)


def test_what_a_later_loop_does_not_need_an_earlier_one_does_not_collect():
    _, states = loop(recurrent, [h0], [x]).parts()
    second = loop(lambda n, a, c, r: ([ag.tanh(a), c + r], []), [h0, h0], [states])
    made = rewritten(second.parts()[0])
    assert len(loops_of(*made)) == 1


def test_branches_drop_outputs_and_captured_tensors():
    index = ag.input("index", "i64[]")
    inputs = [new_input(n, kind.type) for n, kind in zip("pq", (h0, w), strict=True)]
    p, q = inputs
    bodies = (Body((p, q), (p + 1, q * 2)), Body((p, q), (p * 3, q + 1)))
    first, second = Branch(index, bodies, (h0, w)).parts()
    (new,) = rewritten(first)
    (branch,) = [n for n in toposort([new]) if isinstance(n, Branch)]
    assert branch.captured == (h0,)
    assert not [n for n in toposort(rewritten(second[:0])) if n is h0]


# -- what does not change ------------------------------------------------------------------------


def test_what_does_not_change_is_not_carried():
    def step(_: Tensor, h: Tensor, c: Tensor, s: Tensor, row: Tensor) -> Any:
        return [ag.tanh(h * c + row.sum(1, keepdims=True) + s), c, h0], [h]

    results = loop(step, [h0, h0 * 2, h0], [x]).parts()
    made = rewritten(*results)
    assert len(the_loop(*made).inits) == 1
    assert made[2] is h0


def test_what_no_longer_depends_on_the_step_is_computed_outside():
    def step(_: Tensor, h: Tensor, c: Tensor) -> Any:
        return [h @ ag.exp(c), c], []

    made = the_loop(*rewritten(loop(step, [h0, w], length=4).parts()[0]))
    assert ops_of(made.body) == ["mat_mul"]
    assert [op_name(c) for c in made.captured] == ["exp"]


def test_values_that_are_always_equal_are_carried_once():
    def step(_: Tensor, f: Tensor, g: Tensor, h: Tensor) -> Any:
        # The two change places: that they are equal can only be seen of both together.
        return [g + 1, f + 1, h + f], [f, g]

    results = loop(step, [h0, h0, h0], length=4).parts()
    made = the_loop(*rewritten(*results))
    assert (len(made.inits), len(made.collected)) == (1, 1)


@pytest.mark.parametrize("length", [0, 1])
def test_no_step_or_one_needs_no_loop(length: int):
    def step(n: Tensor, h: Tensor, row: Tensor) -> Any:
        return [h @ w + row @ u + n.astype("f32")], [row, h]

    made = rewritten(*loop(step, [h0], [x], length=length).parts())
    assert not loops_of(*made)


def test_a_branch_that_is_known_is_what_it_computes():
    p = new_input("p", h0.type)
    bodies = (Body((p,), (p + 1,)), Body((p,), (p * 3,)))
    for index, expected in ((-1, h0 + 1), (1, h0 * 3), (7, h0 * 3)):
        (made,) = rewritten(*Branch(ag.constant(index), bodies, (h0,)).parts())
        assert made is expected


def test_what_all_branches_give_is_computed_outside():
    index = ag.input("index", "i64[]")
    p, q = new_input("p", h0.type), new_input("q", h0.type)
    bodies = (Body((p,), (p + 1, p)), Body((q,), (q + 1, q * 3)))
    first, second = rewritten(*Branch(index, bodies, (h0,)).parts())
    assert first is h0 + 1
    assert len(second.dependencies[0].dependencies) == 2


# -- loops beside each other -------------------------------------------------------------------


def test_the_loop_of_a_result_and_that_of_its_gradient_are_one():
    _, states = loop(recurrent, [h0], [x]).parts()

    def saving(_: Tensor, h: Tensor, row: Tensor) -> Any:
        # Written in another way.
        new = ag.tanh(h.T.T @ w * 1 + row @ u)
        return [new], [h, new]

    _, before, after = loop(saving, [h0], [x]).parts()
    made = rewritten(states.sum(), before * after)
    assert len(loops_of(*made)) == 1
    assert len(the_loop(*made).collected) == 2


def test_layers_are_merged_with_those_of_their_gradients():
    inputs: list[Tensor] = [x, x]
    weights = [u, w, w]
    for each in weights:
        rows = inputs[0]
        pair = []
        for saved in (False, True):

            def step(_: Tensor, h: Tensor, row: Tensor, each: Tensor = each, saved: Any = saved):
                new = ag.tanh(h @ w + row @ each)
                return [new], [new, *([h] if saved else [])]

            pair.append(loop(step, [h0], [rows]).parts())
        inputs = [pair[0][1], pair[1][2]]
    made = rewritten(inputs[0].sum(), inputs[1].sum())
    assert len(loops_of(*made)) == 3


def test_many_layers_find_those_of_their_gradients():
    rows: Any = ag.input("rows", "f32[t, 2, 3]")
    weight, start = ag.input("weight", "f32[3, 3]"), ag.zeros((2, 3))
    for factor in range(1, 13):

        def step(h: Tensor, row: Tensor, factor: int = factor) -> Any:
            h = ag.tanh(h @ weight * factor + row)
            return h, h

        _, rows = ag.scan(step, start, rows)
    cost = rows.sum()
    made = loops(canonical([cost, ag.grad(cost, weight)]), Trace())
    # One forward and one back for each layer, no matter how many begin with the same zeros.
    assert len(loops_of(*made)) == 24


def test_loops_that_need_each_other_stay_apart():
    last, states = loop(recurrent, [h0], [x]).parts()
    second = loop(lambda n, h, r: ([ag.tanh(h @ w + r @ u + last)], []), [h0], [x])
    assert len(loops_of(*rewritten(*second.parts()))) == 2
    backwards = loop(recurrent, [h0], [x], reverse=True).parts()
    assert len(loops_of(*rewritten(states, backwards[1]))) == 2


def test_what_may_end_differently_stays_apart():
    first = loop(lambda n, h: ([h + 1], []), [h0], length=6, until=lambda n, h: h.sum() < 40)
    second = loop(lambda n, h: ([h + 1], [h]), [h0], length=6, until=lambda n, h: h.sum() < 40)
    third = loop(lambda n, h: ([h + 1], []), [h0], length=6, until=lambda n, h: h.sum() < 60)
    made = rewritten(first.parts()[0], second.parts()[1], third.parts()[0], first, second)
    assert len(loops_of(*made)) == 2


def test_small_steps_over_one_sequence_are_taken_together():
    first = loop(lambda n, h, r: ([h * 0.5 + r.sum()], []), [h0], [x]).parts()
    second = loop(lambda n, h, r: ([ag.maximum(h, r.max())], []), [h0 * 2], [x]).parts()
    assert len(loops_of(*rewritten(*first, *second))) == 1


def test_bodies_inside_of_bodies_come_first():
    def outer(_: Tensor, h: Tensor) -> Any:
        inner = loop(lambda n, c, d: ([ag.tanh(c @ w) + ag.exp(h0), d], []), [h, h0], length=3)
        return [inner.parts()[0]], []

    made = the_loop(*rewritten(*loop(outer, [h0], length=4).parts()))
    (inner,) = [n for n in toposort(made.body.outputs) if isinstance(n, Several)]
    assert len(inner.part_types) == 1
    # What does not depend on any step went out of both.
    assert "exp" not in ops_of(made.body)


def test_lines_of_the_user_are_kept():
    last, _ = loop(recurrent, [h0], [x]).parts()
    made = the_loop(*rewritten(last))
    inside = [n for n in toposort(made.body.outputs, set(made.body.inputs)) if n.operands]
    assert all(node.source and node.source.file == __file__ for node in [made, *inside])


# -- products outside ----------------------------------------------------------------------------


def products(body: Body) -> int:
    return ops_of(body).count("mat_mul")


def test_products_of_rows_are_made_before_the_loop():
    last, states = rewritten(*loop(recurrent, [h0], [x]).parts())
    made = the_loop(last, states)
    assert ops_of(made.body) == ["mat_mul", "add", "tanh"]
    assert str(made.sequences[0].type) == "f32[t, b, n]"
    assert products(Body((), (made.sequences[0],))) == 1


def test_what_follows_a_product_of_rows_goes_with_it():
    def step(_: Tensor, h: Tensor, row: Tensor) -> Any:
        return [ag.tanh(h + ag.exp(row @ u + h0))], []

    made = the_loop(*rewritten(*loop(step, [h0], [x], reverse=True).parts()))
    assert ops_of(made.body) == ["add", "tanh"]


def test_elementwise_work_on_rows_stays_in_the_step():
    rows = ag.input("rows", "f32[t, b, n]")
    made = loop(lambda _, h, r: ([h @ w + r * r], []), [h0], [rows])
    made = the_loop(*rewritten(*made.parts()))
    assert ops_of(made.body) == ["mat_mul", "square", "add"]


def test_products_that_need_more_memory_stay():
    wide, back = ag.input("wide", "f32[4, 500]"), ag.input("back", "f32[500, 4]")
    rows = ag.input("rows", "f32[t, b, 4]")

    def step(_: Tensor, h: Tensor, row: Tensor) -> Any:
        return [ag.tanh(h + ag.exp(row @ wide) @ back)], []

    made = the_loop(*rewritten(*loop(step, [rows[0]], [rows]).parts()))
    assert products(made.body) == 2


def test_a_loop_that_carries_nothing_is_no_loop():
    def step(n: Tensor, row: Tensor) -> Any:
        return [], [ag.tanh(row @ u) + n.astype("f32"), row * 2, row, h0 * 2]

    made = rewritten(*loop(step, [], [x]).parts())
    assert not loops_of(*made)


def test_results_that_no_step_needs_are_computed_behind():
    def step(_: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h @ w + row @ u)
        return [new], [new, ag.softmax(new @ v, axis=-1)]

    made = the_loop(*rewritten(*loop(step, [h0], [x]).parts()[1:]))
    assert products(made.body) == 1
    assert len(made.collected) == 1


def test_results_smaller_than_states_stay():
    def step(_: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h @ w + row @ u)
        return [new], [(new @ v).sum()]

    made = the_loop(*rewritten(loop(step, [h0], [x]).parts()[1]))
    assert products(made.body) == 2


def backwards(*, extra: Callable[..., list[Tensor]] = lambda *_: []) -> Any:
    """Return the step of a gradient: of what is carried, weights and bias."""

    def step(_: Tensor, dh: Tensor, dw: Tensor, du: Tensor, db: Tensor, *rows: Tensor) -> Any:
        ct, h, before, row = rows
        d = (dh + ct) * (1 - h * h)
        nexts = [d @ w.T, dw + before.T @ d, du - 2.0 * (row.T @ d), d.sum(0) + db]
        return nexts, extra(d)

    return step


def gradient(**options: Any) -> tuple[Tensor, ...]:
    """Return the results of a recurrent net and of its gradient."""

    def saving(_: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h @ w + row @ u)
        return [new], [new, h]

    _, states = loop(recurrent, [h0], [x]).parts()
    _, new, old = loop(saving, [h0], [x]).parts()
    inits = [ag.zeros(s) for s in (h0.shape, w.shape, u.shape, h0.shape[1:])]
    sequences = [states * 2.0, new, old, x]
    back = loop(backwards(**options), inits, sequences, reverse=True)
    return (states.sum(), *back.parts())


def test_gradients_of_weights_are_one_product():
    made = rewritten(*gradient())
    forward, back = loops_of(*made)
    assert [products(forward.body), products(back.body)] == [1, 1]
    assert len(back.inits) == 1
    assert [op_name(m) for m in made[2:]] == ["mat_mul", "multiply", "sum"]
    # The rows of the cotangent are computed in the step.
    assert len(back.sequences) == 1


def test_gradients_by_sequences_are_computed_behind():
    made = rewritten(*gradient(extra=lambda d: [d @ u.T]))
    assert [products(each.body) for each in loops_of(*made)] == [1, 1]


def test_sums_of_what_is_large_stay():
    def step(_: Tensor, c: Tensor, a: Tensor) -> Any:
        new = ag.tanh(a)
        return [c + new.T @ new, new], []

    kept = the_loop(*rewritten(*loop(step, [w * 0, w], length=4).parts()))
    assert products(kept.body) == 1


def test_a_factor_that_is_carried_is_collected_as_the_product_wants_it():
    square = ag.input("square", "f32[t, n, n]")

    def step(_: Tensor, c: Tensor, d: Tensor, row: Tensor) -> Any:
        return [ag.tanh(c + row), d + (c @ row) * 0.5], []

    made = the_loop(*rewritten(loop(step, [w, w], [square]).parts()[1]))
    assert products(made.body) == 0


@pytest.mark.parametrize("read", ["before", "after", "function"])
def test_sums_that_steps_read_stay(read: str):
    def step(_: Tensor, c: Tensor, row: Tensor) -> Any:
        new = c + row.T @ row
        return [new], [{"before": c, "after": new, "function": ag.tanh(new)}[read]]

    assert loops_of(*rewritten(*loop(step, [ag.zeros((u.shape[0],) * 2)], [x]).parts()))


def test_a_factor_that_does_not_change_multiplies_the_sum():
    def step(_: Tensor, c: Tensor, d: Tensor, row: Tensor) -> Any:
        return [c + w @ row.T, d + 3.0], []

    init = ag.zeros((w.shape[0], h0.shape[0]))
    rows = ag.input("rows", "f32[t, b, n]")
    made = rewritten(*loop(step, [init, h0], [rows]).parts())
    assert not loops_of(*made)


# -- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_state_alone_is_kept(reverse: bool):
    _, states = loop(recurrent, [h0], [x], reverse=reverse).parts()
    last = states[0] if reverse else states[-1]
    (made,) = rewritten(last * 2.0)
    assert not the_loop(made).collected
    (made,) = rewritten(states[1] + last)
    assert the_loop(made).collected


def test_the_last_result_alone_is_kept():
    def step(_: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h @ w + row @ u)
        return [new], [ag.exp(new)]

    states = loop(step, [h0], [x]).parts()[1]
    made = the_loop(*rewritten(states[-1:, 1]))
    assert not made.collected


def test_reading_past_the_end_still_fails():
    _, states = loop(recurrent, [h0], [x]).parts()
    (made,) = loops([states[-1]], Trace())
    given = arrays(made)
    given[x] = given[x][:0]
    with pytest.raises(IndexOutOfBounds):
        interpret([made], given)


def test_the_gradient_of_the_last_state_is_carried_in():
    def step(_: Tensor, dh: Tensor, ct: Tensor) -> Any:
        return [ag.tanh((dh + ct) @ w)], []

    n = w.type.shape[0]
    ct = Place(h0[None], (sub(t, 1), 0, 0), (1, 1, 1), (t, b, n))
    last = loop(step, [h0 * 0.5], [ct], reverse=True).parts()[0]
    made, _ = rewritten(last, x)
    assert not the_loop(made).sequences


def test_rows_of_functions_are_functions_of_rows():
    y = ag.input("y", "f32[t, n]")
    rows = ag.input("rows", "f32[t, b, n]")
    sequence = (rows * 2.0 + y[:, None]) * ag.ones_like(rows) - h0
    repeated = ag.broadcast_to(h0, rows.shape)

    def step(_: Tensor, h: Tensor, r: Tensor, s: Tensor) -> Any:
        return [ag.tanh(h @ w + r * s)], []

    made = the_loop(*rewritten(*loop(step, [h0], [sequence, repeated]).parts()))
    assert set(made.sequences) == {rows, y}
    # What others read, too, is there already.
    kept = the_loop(*rewritten(*loop(step, [h0], [sequence, repeated]).parts(), sequence))
    assert len(kept.sequences) == 1
    dear = the_loop(*rewritten(*loop(step, [h0], [ag.exp(rows), rows]).parts()))
    assert len(dear.sequences) == 2


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", ["[t, 2, 4]", "[1, 2, 4]", "[7, 1, 4]"])
def test_states_before_a_step_are_those_after_the_step_before(reverse: bool, steps: str):
    rows = ag.input("rows", f"f32{steps}")
    weight, start = ag.input("weight", "f32[4, 4]"), ag.input("start", f"f32[{steps[-5]}, 4]")

    def step(h: Tensor, row: Tensor) -> Any:
        h = ag.tanh(h @ weight + row)
        return h, h

    for init in (start, ag.zeros_like(start)):
        _, states = ag.scan(step, init, rows, reverse=reverse)
        made = rewritten(*ag.grad((states**2).sum(), [weight, rows]))
        if steps[1] == "1":
            assert not loops_of(*made)
            continue
        forward, back = loops_of(*made)
        given = arrays(*made)
        given[rows] = given[rows][: 0 if steps[1] == "t" else None]
        for found in interpret(made[:1], given):
            assert found.any() == (steps[1] != "t")
        # The states are kept once, and the loop back reads them instead of carrying them.
        assert len(forward.collected) == 1
        assert (len(back.inits), len(back.sequences)) == (1, 1)


# -- loops as users write them -------------------------------------------------------------------


def cell(state: Any, row: Tensor) -> Any:
    h, c = state
    size = h.shape[1]
    gates = row @ ag.concatenate([u] * 4, 1) + h @ ag.concatenate([w, w * 0.5, -w, w], 1)
    i, f, o, g = (gates[:, k * size : (k + 1) * size] for k in range(4))
    c = ag.sigmoid(f) * c + ag.sigmoid(i) * ag.tanh(g)
    h = ag.sigmoid(o) * ag.tanh(c)
    return (h, c), h


def known(*outputs: Tensor) -> tuple[list[Tensor], dict[Tensor, Any]]:
    """Return outputs with known sizes, and values for their inputs."""
    given = arrays(*outputs)
    fresh = {i: ag.input(str(i.name), f"f32{list(a.shape)}") for i, a in given.items()}
    sizes: Any = {}
    for old, new in fresh.items():
        sizes.update(zip(old.type.shape, new.type.shape, strict=True))
    found = rebuild(outputs, fresh, {s: n for s, n in sizes.items() if not isinstance(s, int)})
    return found, {fresh[i]: a for i, a in given.items()}


def lstm_costs(**options: Any) -> list[Tensor]:
    """Return the cost of a recurrent net, and its gradients."""
    _, states = ag.scan(cell, (h0, ag.zeros_like(h0)), x, **options)
    cost = (states**2).sum() + states[-1].sum()
    return [cost, *ag.grad(cost, [w, u, x, h0])]


def test_gradient_of_a_recurrent_net():
    outputs, _ = known(*lstm_costs())
    made = rewritten(*outputs, tolerance=1e-4)
    assert [products(each.body) for each in loops_of(*made)] == [1, 1]
    forward, back = loops_of(*made)
    # What is carried back is the gradient of the state, no weight's.
    assert len(back.inits) == 2
    assert len(forward.sequences) == 1


@pytest.mark.parametrize("options", [{}, {"checkpoint": 2}, {"reverse": True}])
def test_native_code_of_gradients(options: dict[str, Any]):
    outputs, given = known(*lstm_costs(**options))
    function = ag.function(list(given), outputs)
    expected = interpret(outputs, given)
    for found, value in zip(function(*given.values()), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=2e-4, atol=2e-4)


def test_steps_kept_for_a_gradient_are_computed_once_more_only_where_asked():
    whole = loops_of(*rewritten(*known(*lstm_costs())[0], tolerance=1e-4))
    parted = rewritten(*known(*lstm_costs(checkpoint=2))[0], tolerance=1e-4)
    # A loop over segments keeps its states: no step of it is kept whole.
    kept = max(size_in(each) for each in loops_of(*parted))
    assert kept < max(size_in(each) for each in whole)


def size_in(made: Loop) -> int:
    """Return how many numbers a loop collects."""
    return sum(int(str(kind.size)) for kind in made.part_types[len(made.inits) :])


def test_second_derivatives_of_loops():
    def step(h: Tensor, row: Tensor) -> Any:
        h = ag.tanh(h @ w + row @ u)
        return h, h

    _, states = ag.scan(step, h0, x)
    slope = ag.grad((states**2).sum(), w)
    outputs = [slope, *ag.grad((slope * w).sum(), [w, u])]
    made = rewritten(*known(*outputs)[0], tolerance=1e-3)
    assert len(loops_of(*made)) <= 4


def test_loops_of_unknown_length():
    def more(state: Any) -> Tensor:
        return state[1] < 7

    def step(state: Any) -> Any:
        return ag.tanh(state[0] @ w), state[1] + 1

    last, _ = ag.while_loop(more, step, (h0, ag.constant(0)))
    outputs = [last, *ag.grad(last.sum(), [w, h0])]
    rewritten(*known(*outputs)[0], tolerance=1e-4)


def test_branches_in_loops():
    def step(h: Tensor, row: Tensor) -> Any:
        h = ag.cond(row.sum() > 0, lambda: ag.tanh(h @ w + row @ u), lambda: h * 0.5)
        return h, h

    _, states = ag.scan(step, h0, x)
    outputs = [states.sum(), *ag.grad(states.sum(), [w, u, h0])]
    made, given = known(*outputs)
    rewritten(*made, tolerance=1e-4)
    function = ag.function(list(given), made)
    for found, value in zip(function(*given.values()), interpret(made, given), strict=True):
        np.testing.assert_allclose(found, value, rtol=2e-4, atol=2e-4)


def test_checkpoints_keep_their_promise():
    def step(h: Tensor, row: Tensor) -> Any:
        h = ag.tanh(h @ weight + row @ weight)
        return h, h

    rows, weight = ag.input("rows", "f32[64, 4, 8]"), ag.input("weight", "f32[8, 8]")
    last, _ = ag.scan(step, ag.zeros((4, 8)), rows, checkpoint=8)
    made = rewritten((last**2).sum(), ag.grad((last**2).sum(), weight), tolerance=1e-4)
    # What is computed and what is kept is one loop over segments; products stay within those.
    assert len(loops_of(*made)) == 2
    stored = [node for node in toposort(made) if not isinstance(node, BroadcastTo | Reshape)]
    assert all(int(str(n.type.size)) <= 8 * 4 * 8 for n in stored if n.operands)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [16, 19])
def test_long_loops_make_products_part_by_part(
    reverse: bool, steps: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(part_loops, "_FAR", 64)
    monkeypatch.setattr(part_loops, "_NEAR", 64)
    rows, weight = ag.input("rows", f"f32[{steps}, 2, 3]"), ag.input("weight", "f32[3, 4]")
    start, other = ag.input("start", "f32[2, 4]"), ag.input("other", "f32[4, 4]")

    def step(state: Any, row: Tensor) -> Any:
        h, c = state
        h = ag.tanh(h @ other + row @ weight)
        return (h, c * 0.5 + h.sum(1)), h

    (last, total), states = ag.scan(step, (start, start[:, 0]), rows, reverse=reverse)
    made = rewritten(last, total, states[0] if reverse else states[-1])
    outer = loops_of(*made)
    assert len(outer) == (2 if steps % 8 else 1)
    # No product has rows of more than 8 steps.
    (inner,) = [n for each in outer for n in toposort(each.body.outputs) if isinstance(n, Loop)]
    assert {each.length for each in (*outer, inner)} == {2, 8} | ({steps % 8} - {0})
    given = arrays(last)
    function = ag.function(list(given), [last, total])
    for found, value in zip(
        function(*given.values()), interpret([last, total], given), strict=True
    ):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-4)


def test_sums_of_what_is_put_at_places_that_steps_find():
    """The gradient of picking rows: each step adds at a place of its own."""
    index = ag.input("index", "i64[t]")
    _, picked = ag.scan(lambda c, i: (c, w[i]), ag.constant(0.0), index)
    g = ag.grad((picked * picked).sum(), w)
    f = ag.function([w, index], g)
    given = np.arange(9, dtype="f4").reshape(3, 3)
    expected = np.zeros((3, 3), "f4")
    np.add.at(expected, [1, 2, 1], 2 * given[[1, 2, 1]])
    np.testing.assert_allclose(f(given, np.array([1, 2, 1])), expected)
