"""Loops and branches in programs: interpreters and native code against NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import I64
from agnesi.core.errors import IndexOutOfBounds, ShapeError
from agnesi.graph.body import Body, close
from agnesi.graph.graph import size_of
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import new_input
from agnesi.graph.types import TensorType
from agnesi.loops.text import kernel_text
from agnesi.lower.interpret import interpret_program
from agnesi.lower.lower import lower
from agnesi.lower.program import (
    Copy,
    MultiplyMatrices,
    RunBranch,
    RunKernel,
    RunLoop,
    Space,
    walk_steps,
)
from agnesi.lower.verify import verify_program
from agnesi.ops.branch import Branch
from agnesi.ops.lift import as_tensor
from agnesi.ops.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.lower.program import Program

    Array = np.ndarray[Any, Any]
    Step = Callable[..., tuple[Sequence[Tensor], Sequence[Tensor]]]


def loop_of(
    step: Step,
    inits: Sequence[Tensor],
    sequences: Sequence[Tensor] = (),
    length: Size | None = None,
    *,
    reverse: bool = False,
    go: Callable[..., Tensor] | None = None,
) -> Loop:
    """Return a loop whose step is given its number, what is carried and rows."""
    number = new_input("t", TensorType(I64, ()))
    carries = [new_input(f"c{k}", i.type) for k, i in enumerate(inits)]
    rows = [
        new_input(f"x{k}", TensorType(s.dtype, s.type.shape[1:])) for k, s in enumerate(sequences)
    ]
    nexts, collected = step(number, *carries, *rows)
    asks = [] if go is None else [as_tensor(go(number, *carries))]
    closed = close([number, *carries, *rows], [*nexts, *collected, *asks])
    outputs = closed.body.outputs
    count = len(nexts) + len(collected)
    body = Body(closed.body.inputs, outputs[:count])
    condition = None
    if asks:
        seen = (number, *carries)
        kept = (*body.inputs[: len(seen)], *body.inputs[len(seen) + len(rows) :])
        condition = Body(kept, outputs[count:])
    return Loop(length, reverse, condition, body, tuple(inits), tuple(sequences), closed.captured)


def checked(inputs: Sequence[Any], outputs: Sequence[Tensor], *values: Any) -> Program:
    """Return the program of a function whose interpreters agree."""
    program = lower("f", inputs, outputs, [])
    verify_program(program)
    arrays = [np.asarray(v, i.dtype.numpy) for v, i in zip(values, inputs, strict=True)]
    found, _ = interpret_program(program, arrays, [])
    expected = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    return program


def native(inputs: Sequence[Tensor], outputs: Sequence[Tensor], *values: Any) -> Any:
    """Return the compiled function, which agrees with the interpreter."""
    arrays = [np.asarray(v, i.dtype.numpy) for v, i in zip(values, inputs, strict=True)]
    f = ag.function(list(inputs), list(outputs))
    expected = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    for _ in range(2):
        for a, b in zip(f(*arrays), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    return f


def the_loop(program: Program) -> RunLoop:
    (found,) = [s for s in program.steps if isinstance(s, RunLoop)]
    return found


def rnn(length: Size | None = None) -> tuple[list[Any], Loop]:
    x, w = ag.input("x", "f32[t, b, h]"), ag.input("w", "f32[h, h]")
    start = ag.zeros((x.shape[1], x.shape[2]))

    def step(t: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h @ w + row)
        return [new], [new]

    return [x, w], loop_of(step, [start], [x], length or x.type.shape[0])


def arrays(*shapes: tuple[int, ...]) -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=s).astype("f4") * 0.3 for s in shapes]


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_last_state_is_computed_where_it_is_returned(steps: int) -> None:
    x = ag.input("x", "f32[t, b, h]")

    def step(t: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h * 2 + row)
        return [new], [new]

    loop = loop_of(step, [ag.zeros((x.shape[1], x.shape[2]))], [x], x.type.shape[0])
    program = checked([x], [loop.parts()[0]], *arrays((steps, 3, 4)))
    inner = the_loop(program)
    # One state, which begins in the output: no copies, no rows.
    assert program.storage[inner.kept[0]].space is Space.OUTPUT
    assert not inner.carried
    assert not [s for s in walk_steps(program.steps) if isinstance(s, Copy)]
    assert not program.slots


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_rows_of_a_result_are_what_is_carried(steps: int) -> None:
    inputs, loop = rnn()
    last, states = loop.parts()
    program = checked(inputs, [states, last, loop], *arrays((steps, 3, 4), (4, 4)))
    inner = the_loop(program)
    assert not inner.kept
    assert [c.then for c in inner.carried] == [inner.rows[1].buffer]
    # The last state alone is copied, once.
    assert not [s for s in inner.steps if isinstance(s, Copy)]
    assert [type(s) for s in inner.last] == [Copy]


def test_steps_in_native_code() -> None:
    inputs, loop = rnn()
    last, states = loop.parts()
    f = native(inputs, [last, states, states.sum(), loop], *arrays((7, 3, 4), (4, 4)))
    for steps in (0, 1, 2):
        x, w = arrays((steps, 3, 4), (4, 4))
        found, rows, _, count = f(x, w)
        assert (rows.shape, count) == ((steps, 3, 4), steps)
        np.testing.assert_array_equal(found, rows[-1] if steps else np.zeros((3, 4), "f4"))
    text = str(f.explain())
    assert "loop t times" in text
    assert "k1.x0 is a row of x" in text


def test_states_that_change_places() -> None:
    x = ag.input("x", "f32[n]")
    # Each element is made of another one of the old: nothing may be written over.
    loop = loop_of(lambda t, c: ([c[::-1] * 2], []), [x], length=3)
    program = checked([x], loop.parts(), np.arange(5))
    inner = the_loop(program)
    assert len(inner.carried) == 2
    assert not inner.kept
    native([x], loop.parts(), np.arange(5))


def test_what_is_carried_across() -> None:
    a, b = ag.input("a", "f32[]"), ag.input("b", "f32[]")
    loop = loop_of(lambda t, x, y: ([y, x + y], [x]), [a, b], length=6)
    program = checked([a, b], loop.parts(), 0, 1)
    assert program is not None
    f = native([a, b], loop.parts(), 0, 1)
    assert [float(v) for v in f(0, 1)[2]] == [0, 1, 1, 2, 3, 5]


def test_sums_of_products_are_added_up_in_place() -> None:
    x, d = ag.input("x", "f64[t, b, n]"), ag.input("d", "f64[t, b, m]")
    start = ag.zeros((x.shape[2], d.shape[2]), "f64")

    def step(t: Tensor, w: Tensor, row: Tensor, ct: Tensor) -> Any:
        return [w + row.T @ ct], []

    loop = loop_of(step, [start], [x, d], x.type.shape[0])
    values = [v.astype("f8") for v in arrays((5, 2, 3), (5, 2, 4))]
    program = checked([x, d], loop.parts(), *values)
    assert [type(s) for s in the_loop(program).steps] == [MultiplyMatrices]
    native([x, d], loop.parts(), *values)


def test_back_to_front_with_numbers() -> None:
    x = ag.input("x", "f32[t, n]")

    def step(t: Tensor, c: Tensor, row: Tensor) -> Any:
        return [c * 0.5 + row], [c + t.astype("f32"), row * 2]

    loop = loop_of(step, [ag.zeros((x.shape[1],))], [x], x.type.shape[0], reverse=True)
    for steps in (0, 1, 4):
        checked([x], loop.parts(), *arrays((steps, 3)))
    native([x], loop.parts(), *arrays((4, 3)))


def test_a_condition_ends_a_loop() -> None:
    x, most = ag.input("x", "f32[2]"), ag.input("most", "f32[]")

    def step(t: Tensor, c: Tensor) -> Any:
        return [c * 2], [c]

    def go(t: Tensor, c: Tensor) -> Tensor:
        return c.sum() < most

    for length in (6, None):
        loop = loop_of(step if length else lambda t, c: ([c * 2], []), [x], length=length, go=go)
        for limit in (0, 10, 1000):
            outputs = [loop, *loop.parts()]
            if length is None or limit < 1000 or length == 6:
                checked([x, most], outputs, [1, 2], limit)
        native([x, most], [loop, *loop.parts()], [1, 2], 10)


def test_what_is_not_wanted_is_not_computed() -> None:
    x = ag.input("x", "f32[t, 3]")

    def step(t: Tensor, c: Tensor, row: Tensor) -> Any:
        return [c + row], [ag.exp(row), c]

    loop = loop_of(step, [ag.zeros((3,))], [x], x.type.shape[0])
    program = checked([x], [loop.parts()[0]], *arrays((4, 3)))
    assert "exp" not in "".join(str(s) for s in walk_steps(program.steps))
    assert not program.slots


def test_an_index_out_of_bounds_inside() -> None:
    x, n = ag.input("x", "f32[k]"), ag.input("n", "i64[]")
    count = ag.shared(np.zeros(1, "f4"))

    loop = loop_of(lambda t, c: ([c + x[t]], []), [ag.constant(0.0)], length=size_of(n))
    total = loop.parts()[0]
    program = lower("f", [x, n], [total], [])
    verify_program(program)
    with pytest.raises(IndexOutOfBounds):
        interpret_program(program, [np.ones(3, "f4"), np.asarray(4)], [])
    f = ag.function([x, n], total, updates=[(count, count + total)])
    assert f(np.ones(3, "f4"), 3) == 3
    with pytest.raises(IndexOutOfBounds, match="index 3 is out of bounds"):
        f(np.ones(3, "f4"), 4)
    assert count.get_value() == 3


def test_invariant_requirements_are_checked_before_the_first_step() -> None:
    x, w = ag.input("x", "f32[t, n]"), ag.input("w", "f32[m]")
    loop = loop_of(lambda t, c, row: ([c + row * w], []), [ag.zeros((x.shape[1],))], [x], 2)
    program = lower("f", [x, w], [loop.parts()[0]], [])
    assert the_loop(program).first
    f = ag.function([x, w], loop.parts()[0])
    assert f(np.ones((2, 3), "f4"), np.ones(3, "f4")).tolist() == [2, 2, 2]
    with pytest.raises(ShapeError):
        f(np.ones((2, 3), "f4"), np.ones(4, "f4"))


def test_memory_of_a_size_that_changes_from_step_to_step() -> None:
    x = ag.input("x", "f32[n]")

    def step(t: Tensor, c: Tensor) -> Any:
        return [c + ag.sort(x[: t + 1])[0] * ag.sort(x[t:])[-1]], []

    loop = loop_of(step, [ag.constant(0.0)], length=5)
    program = checked([x], loop.parts(), [3, 1, 4, 1, 5])
    assert any(s.space is Space.LATE for s in program.storage.values())
    native([x], loop.parts(), [3, 1, 4, 1, 5])


def test_loops_inside_loops() -> None:
    x, w = ag.input("x", "f32[t, s, n]"), ag.input("w", "f32[n, n]")

    def outer(t: Tensor, c: Tensor, rows: Tensor) -> Any:
        inner = loop_of(
            lambda s, h, row: ([ag.tanh(h @ w + row)], [h]), [c], [rows], x.type.shape[1]
        )
        last, states = inner.parts()
        return [last], [states.sum(axis=1), last]

    loop = loop_of(outer, [ag.zeros((x.shape[2],))], [x], x.type.shape[0])
    for t, s in ((2, 3), (0, 3), (2, 0), (1, 1)):
        checked([x, w], loop.parts(), *arrays((t, s, 4), (4, 4)))
    native([x, w], loop.parts(), *arrays((2, 3, 4), (4, 4)))


def branch_of(
    index: Tensor, given: Sequence[Tensor], *functions: Callable[..., Sequence[Tensor]]
) -> Branch:
    """Return a branch between functions of what is given."""
    inputs = [new_input(f"g{k}", tensor.type) for k, tensor in enumerate(given)]
    results = [function(*inputs) for function in functions]
    closed = close(inputs, [tensor for each in results for tensor in each])
    left = iter(closed.body.outputs)
    bodies = [Body(closed.body.inputs, tuple(next(left) for _ in each)) for each in results]
    return Branch(index, tuple(bodies), (*given, *closed.captured))


def test_one_branch_runs() -> None:
    x, k = ag.input("x", "f32[n]"), ag.input("k", "i64[]")
    branch = branch_of(
        k,
        [x],
        lambda x: [ag.exp(x), x.sum()],
        lambda x: [x, ag.constant(2.0)],
        lambda x: [ag.sort(x)[::-1] + 1, x[0]],
    )
    outputs = [*branch.parts(), branch, branch.parts()[0] * 2]
    for which in (-1, 0, 1, 2, 7):
        program = checked([x, k], outputs, *arrays((4,)), which)
        assert sum(isinstance(s, RunBranch) for s in program.steps) == 1
    f = native([x, k], outputs, *arrays((4,)), 2)
    np.testing.assert_array_equal(f(np.zeros(3, "f4"), 0)[0], np.ones(3, "f4"))
    # What is not taken does not fail.
    assert f(np.zeros(0, "f4"), 1)[1] == 2
    with pytest.raises(IndexOutOfBounds):
        f(np.zeros(0, "f4"), 2)
    assert "branch" in str(f.explain())


def test_branches_of_other_sizes_are_refused() -> None:
    x, y, k = ag.input("x", "f32[n]"), ag.input("y", "f32[m]"), ag.input("k", "i64[]")
    branch = branch_of(k, [x, y], lambda x, y: [x + 1], lambda x, y: [y * 2])
    f = ag.function([x, y, k], branch.parts()[0])
    np.testing.assert_array_equal(f(np.ones(2, "f4"), np.ones(2, "f4"), 1), [2, 2])
    np.testing.assert_array_equal(f(np.ones(2, "f4"), np.ones(3, "f4"), 0), [2, 2])
    with pytest.raises(ShapeError, match="3 and 2 differ"):
        f(np.ones(2, "f4"), np.ones(3, "f4"), 1)


def test_loops_in_branches_and_branches_in_loops() -> None:
    x = ag.input("x", "f32[t, n]")

    def step(t: Tensor, c: Tensor, row: Tensor) -> Any:
        branch = branch_of(
            t % 2, [c, row], lambda c, row: [c + row], lambda c, row: [c * row[::-1]]
        )
        return [branch.parts()[0]], [branch.parts()[0] + 1]

    def looped(x: Tensor) -> Sequence[Tensor]:
        return loop_of(step, [ag.ones((x.shape[1],))], [x], x.type.shape[0]).parts()

    k = ag.input("k", "i64[]")
    branch = branch_of(k, [x], looped, lambda x: [x.sum(axis=0), x])
    for which in (0, 1):
        checked([x, k], branch.parts(), *arrays((5, 3)), which)
    native([x, k], branch.parts(), *arrays((5, 3)), 0)


def test_a_shared_variable_takes_the_last_state() -> None:
    w = ag.shared(np.ones((2, 2), "f4"))
    loop = loop_of(lambda t, c: ([c * 2], []), [w], length=3)
    f = ag.function([], w.sum(), updates=[(w, loop.parts()[0])])
    assert f() == 4
    np.testing.assert_array_equal(w.get_value(), np.full((2, 2), 8))


def test_a_last_state_that_another_loop_begins_with() -> None:
    """It is an update, too: the second loop may not begin in its memory."""
    x = ag.input("x", "f64[n, 3]")
    state = ag.shared(np.zeros(3), "state")
    last, _ = ag.scan(lambda h, row: (ag.tanh(h + row), None), state, x)
    again, _ = ag.scan(lambda h, row: (ag.sin(h) * row, None), last, x)
    xs = np.random.default_rng(0).normal(size=(4, 3))
    f = ag.function([x], again, updates=[(state, last)])
    first = np.zeros(3)
    for row in xs:
        first = np.tanh(first + row)
    second = first
    for row in xs:
        second = np.sin(second) * row
    np.testing.assert_allclose(f(xs), second, rtol=1e-12)
    np.testing.assert_allclose(state.get_value(), first, rtol=1e-12)


def test_the_same_value_carried_and_collected_twice() -> None:
    x = ag.input("x", "f32[3]")

    def step(t: Tensor, a: Tensor, b: Tensor) -> Any:
        new = a + b + 1
        return [new, new], [new, new, a]

    loop = loop_of(step, [x, x], length=3)
    checked([x], loop.parts(), [1, 2, 3])
    native([x], loop.parts(), [1, 2, 3])


def test_what_never_changes() -> None:
    x = ag.input("x", "f32[3]")
    loop = loop_of(lambda t, a, b: ([a, b + a], [a]), [x, x], length=3)
    checked([x], loop.parts(), [1, 2, 3])


def test_a_long_loop_of_short_kernels() -> None:
    # Other Python threads may run meanwhile, though nothing in it is parallel.
    x = ag.input("x", "f32[4]")
    loop = loop_of(lambda t, c: ([c * x], []), [ag.ones((4,))], length=100_000)
    f = ag.function([x], loop.parts()[0])
    assert f(np.ones(4, "f4")).tolist() == [1, 1, 1, 1]


def kernel_of(program: Program) -> str:
    """Return the text of the only kernel that is a whole loop."""
    (found,) = [
        s.kernel
        for s in program.steps
        if isinstance(s, RunKernel) and s.kernel.name.endswith("_loop")
    ]
    return kernel_text(found)


def test_small_steps_are_one_kernel() -> None:
    x, w = ag.input("x", "f32[t, 1, 4]"), ag.input("w", "f32[4, 4]")

    def step(t: Tensor, h: Tensor, row: Tensor) -> Any:
        new = ag.tanh(h @ w + row)
        return [new], [new * 2]

    loop = loop_of(step, [ag.zeros((1, 4))], [x], x.type.shape[0])
    program = checked([x, w], [*loop.parts(), loop], *arrays((3, 1, 4), (4, 4)))
    # The product is there before anything of the state is written over.
    assert (
        kernel_of(program)
        == """\
kernel k1_loop(*out0: f32, w: f32, x: f32, *out1: f32, *out2: i64; t; own sums: f32[4])
  for t < t:
    sums[0 + 1:4 + 4:1] = out0[0 + 1:4 + 4:1] @ w[0 + 4:4 + 4:1]
    for i < 1:
      for j < 4:
        v0 = tanh(sums[4*i + j] + x[4*i + j + 4*t])
        out0[4*i + j] = v0
        out1[4*i + j + 4*t] = v0 * 2.0
  out2[0] = t"""
    )


def test_states_of_a_kernel_that_change_places() -> None:
    x, y = ag.input("x", "f32[3]"), ag.input("y", "f32[]")

    def step(t: Tensor, c: Tensor, n: Tensor, before: Tensor) -> Any:
        new = c[::-1] * 2 + n
        return [new, n + t.astype("f32"), n], [new, before]

    for reverse in (False, True):
        loop = loop_of(step, [x, y, y], length=4, reverse=reverse)
        program = checked([x, y], loop.parts(), [1, 2, 3], 0.5)
        assert kernel_of(program)
        native([x, y], loop.parts(), [1, 2, 3], 0.5)


def test_small_loops_in_small_loops() -> None:
    x = ag.input("x", "f32[5, 4, 3]")

    def outer(t: Tensor, c: Tensor, rows: Tensor) -> Any:
        inner = loop_of(lambda s, h, row: ([h[::-1] + row], [h]), [c], [rows], 4)
        last, states = inner.parts()
        return [last * 0.5], [states.sum(axis=1)]

    loop = loop_of(outer, [ag.zeros((3,))], [x], 5)
    program = checked([x], loop.parts(), *arrays((5, 4, 3)))
    assert kernel_of(program).count("for") > 3
    native([x], loop.parts(), *arrays((5, 4, 3)))


@pytest.mark.parametrize(
    ("columns", "depth", "dtype"), [(2, 1, "f32"), (33, 5, "f32"), (40, 70, "f64"), (250, 9, "f32")]
)
def test_products_of_one_row_inside(columns: int, depth: int, dtype: str) -> None:
    x = ag.input("x", f"{dtype}[3, 1, {depth}]")
    w = ag.input("w", f"{dtype}[{depth}, {columns}]")

    def step(t: Tensor, c: Tensor, row: Tensor) -> Any:
        new = ag.tanh(c[:, :1] + row) @ w
        return [c + new], [new]

    loop = loop_of(step, [ag.zeros((1, columns), dtype)], [x], 3)
    values = arrays((3, 1, depth), (depth, columns))
    program = checked([x, w], loop.parts(), *values)
    assert kernel_of(program)
    f = native([x, w], loop.parts(), *values)
    assert "call void @block" not in str(f.llvm)


def test_rows_that_do_not_know_of_each_other_go_their_own_way() -> None:
    x, w = ag.input("x", "f32[t, 12, 40]"), ag.input("w", "f32[40, 40]")

    def step(t: Tensor, h: Tensor, c: Tensor, row: Tensor) -> Any:
        z = h @ w.T + row
        new = ag.tanh(z) + c[:, ::-1] * t.astype("f32")
        return [new * 0.1, c + z / (1 + abs(z).sum(axis=1, keepdims=True))], [c, new]

    inits = [ag.zeros((12, 40)), ag.ones((12, 40))]
    for reverse in (False, True):
        loop = loop_of(step, inits, [x], x.type.shape[0], reverse=reverse)
        program = checked([x, w], loop.parts(), *arrays((3, 12, 40), (40, 40)))
        # Four rows at a time, from the first step to the last; the matrix is turned once.
        assert "parallel for p < 3:\n" in kernel_of(program)
        assert " @ t" in kernel_of(program)
        native([x, w], loop.parts(), *arrays((3, 12, 40), (40, 40)))
    f = ag.function([x, w], loop.parts()[0])
    x, w = arrays((200, 12, 40), (40, 40))
    assert np.isfinite(f(x, w)).all()


def test_rows_that_know_of_each_other() -> None:
    x = ag.input("x", "f32[3, 12, 40]")
    for mix in (lambda h: h[::-1], lambda h: h - h.sum(axis=0), lambda h: h.T @ h @ h.T):

        def step(t: Tensor, h: Tensor, row: Tensor, mix: Any = mix) -> Any:
            return [ag.tanh(mix(h)[:12, :12].sum(axis=1, keepdims=True) + row)], []

        loop = loop_of(step, [ag.ones((12, 40))], [x], 3)
        program = checked([x], loop.parts(), *arrays((3, 12, 40)))
        assert not any(
            "parallel for p" in kernel_text(s.kernel)
            for s in walk_steps(program.steps)
            if isinstance(s, RunKernel)
        )


def test_a_few_numbers_of_a_state_are_named_one_by_one() -> None:
    a = ag.input("a", "f32[3]")
    loop = loop_of(lambda t, c: ([c * a], []), [ag.ones((3,))], length=1000)
    program = checked([a], loop.parts(), [1, 0.999, 1.001])
    assert "out0[2] = out0[2] * a[2]" in kernel_of(program)
    native([a], loop.parts(), [1, 0.999, 1.001])


def test_rows_of_any_number_go_their_own_way() -> None:
    x, w = ag.input("x", "f32[t, b, 24]"), ag.input("w", "f32[24, 24]")

    def step(t: Tensor, h: Tensor, c: Tensor, row: Tensor) -> Any:
        z = h @ w + row
        return [ag.tanh(z) + c[:, ::-1], c + z / (1 + abs(z).sum(axis=1, keepdims=True))], [c, z]

    start = ag.zeros((x.shape[1], 24))
    loop = loop_of(step, [start, start + 1], [x], x.type.shape[0])
    for steps, rows in ((2, 1), (3, 8), (2, 13), (0, 4), (2, 0)):
        program = checked([x, w], loop.parts(), *arrays((steps, rows, 24), (24, 24)))
    assert "parallel for p < ((b + 7) // 8):\n" in kernel_of(program)
    f = native([x, w], loop.parts(), *arrays((3, 13, 24), (24, 24)))
    for steps, rows in ((2, 1), (1, 16), (0, 4), (2, 0)):
        assert f(*arrays((steps, rows, 24), (24, 24)))[3].shape == (steps, rows, 24)


@pytest.mark.parametrize("size", [8, 600])
def test_memory_of_many_steps_is_that_of_one(size: int) -> None:
    x = ag.input("x", f"f32[{size}, {size}]")

    def step(t: Tensor, c: Tensor, s: Tensor) -> Any:
        return [ag.tanh(c[::-1] @ x), s + c.sum(axis=0)], []

    loop = loop_of(step, [x, x[0]], length=10_000)
    program = lower("f", [x], [loop.parts()[0]], [])
    state = 4 * (size * size + size)
    arena = sum(slot for slot in program.slots if isinstance(slot, int))
    # What a step reads and what it makes, and some totals.
    assert arena < 2.05 * state


@pytest.mark.parametrize(
    "cell",
    [
        lambda a, b, low: [ag.tanh(b - low), a + b - low],
        lambda a, b, low: [b - low, a * low],
        lambda a, b, low: [a - low, b - low + a],
    ],
)
def test_several_states_of_one_kernel_over_rows(cell: Callable[..., Sequence[Tensor]]) -> None:
    x = ag.input("x", "f32[5, 4, 3]")

    def step(t: Tensor, a: Tensor, b: Tensor, row: Tensor) -> Any:
        first, second = cell(a, b, (a * b + b).sum(axis=1, keepdims=True) * 0.1)
        return [first + row, second], []

    loop = loop_of(step, [ag.zeros((4, 3)), ag.ones((4, 3))], [x], 5)
    checked([x], loop.parts(), *arrays((5, 4, 3)))
    checked([x], loop.parts()[:1], *arrays((5, 4, 3)))


def test_memory_of_inner_loops_is_used_again_in_between() -> None:
    x, w = ag.input("x", "f32[t, b, 4]"), ag.input("w", "f32[4, 4]")

    def outer(t: Tensor, c: Tensor, row: Tensor) -> Any:
        a, b = ag.tanh(c * 0.5 + row), row[:, ::-1]
        first = loop_of(lambda s, h: ([ag.tanh(h[::-1] @ w) + b], [h]), [a], length=2)
        second = loop_of(lambda s, h: ([ag.tanh(h[::-1] @ w) + a], [h]), [b], length=3)
        sums = [loop.parts()[1].sum(axis=0) for loop in (first, second)]
        return [sums[0][::-1] + c.mean() + sums[1]], [first.parts()[0]]

    loop = loop_of(outer, [x[0]], [x], x.type.shape[0])
    checked([x, w], loop.parts(), *arrays((3, 5, 4), (4, 4)))
    native([x, w], loop.parts(), *arrays((3, 5, 4), (4, 4)))
