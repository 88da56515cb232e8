"""Streams, and the default updates of shared variables that they are made of."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.graph.tracing import inside_loop, loop_indices
from agnesi.ops.random import stream_key
from agnesi.testing import interpreted


def test_two_calls_and_two_draws_differ_and_one_draw_is_one_value():
    stream = ag.random.Stream(1)
    u = stream.uniform((4,))
    f = ag.function([], [u, u + 0, stream.uniform((4,))])
    a, b, c = f()
    d = f()[0]
    assert (a == b).all()
    assert not np.isin(c, a).any()
    assert not np.isin(d, a).any()
    assert stream.count.get_value() == 2


def test_the_same_seed_gives_the_same_program_the_same_numbers():
    found = []
    for seed in (5, 5, 6):
        stream = ag.random.Stream(seed)
        f = ag.function([], [stream.normal((3,)), stream.uniform((2,))])
        found.append([f(), f()])
    assert str(found[0]) == str(found[1])
    assert str(found[0]) != str(found[2])


def test_a_streams_draw_is_the_pure_draw_of_its_key():
    stream = ag.random.Stream(9)
    stream.normal((1,))
    f = ag.function([], stream.bits((5,)))
    f()
    key = stream_key(ag.random.key(9), ag.constant(1), 1)
    assert (f() == ag.random.bits(key, (5,)).eval()).all()


def test_functions_of_one_stream_go_on_from_each_other():
    stream = ag.random.Stream(2)
    u = stream.uniform(())
    f, g = ag.function([], u), ag.function([], u)
    assert len({float(f()), float(g()), float(f()), float(g())}) == 4


def test_reseeding_reaches_compiled_functions():
    stream = ag.random.Stream(2)
    f = ag.function([], stream.uniform((3,)))
    first = [f(), f()]
    stream.seed(2)
    again = [f(), f()]
    stream.seed(3)
    assert str(first) == str(again)
    assert str(f()) != str(first[0])


def test_a_state_can_be_kept_as_text():
    stream = ag.random.Stream()
    f = ag.function([], stream.uniform((3,)))
    f()
    state = json.loads(json.dumps(stream.get_state()))
    expected = f()
    stream.seed(1)
    f()
    stream.set_state(state)
    assert (f() == expected).all()
    for bad in ({}, {"key": [1], "count": 0}, {"key": "ab", "count": 0}, {"key": [-1, 0]}):
        with pytest.raises(ag.CallError, match="set_state"):
            stream.set_state(bad)


def test_streams_without_a_seed_differ():
    first, second = (ag.random.Stream().key.get_value() for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, "a"])
def test_seeds_that_are_none_are_refused(seed: object):
    with pytest.raises(ag.FunctionError, match="seed"):
        ag.random.Stream(seed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ag.GraphTypeError, match="seed"):
        ag.random.key(seed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_symbolic_seeds_are_those_of_numbers():
    n = ag.input("n", "i64[]")
    f = ag.function([n], ag.random.key(n))
    assert f(5).tolist() == [5, 0]
    assert f((1 << 40) + 3).tolist() == [3, 256]
    assert ag.random.key((7 << 32) + 1).eval().tolist() == [1, 7]


def test_shapes_may_be_symbolic():
    stream = ag.random.Stream(1)
    x, n = ag.matrix("x"), ag.input("n", "i64[]")
    f = ag.function([x, n], [stream.normal(x.shape), stream.uniform((n, 2)), stream.normal(n)])
    a, b, c = f(np.zeros((3, 70), np.float32), 4)
    assert (a.shape, b.shape, c.shape) == ((3, 70), (4, 2), (4,))
    assert f(np.zeros((0, 7), np.float32), 0)[0].shape == (0, 7)
    with pytest.raises(ValueError, match="negative"):
        f(np.zeros((3, 3), np.float32), -1)


def test_streams_and_their_functions_are_pickled_and_copied():
    stream = ag.random.Stream(4)
    f = ag.function([], stream.uniform((2,)))
    f()
    for made in (pickle.loads(pickle.dumps((stream, f))), copy.deepcopy((stream, f))):
        other, g = made
        assert other.count is not stream.count
        update = other.count.default_update
        assert update is not None
        assert update.operands[0] is other.count
        assert other.count.get_value() == 1
        g()
    assert (pickle.loads(pickle.dumps(f))() == f()).all()
    assert stream.count.get_value() == 2


@pytest.mark.parametrize("how", ["graph", "loops"])
def test_interpreters_count_too(how: str):
    stream = ag.random.Stream(4)
    draws = [stream.uniform((70,), dtype="f64"), stream.bits((3,))]
    expected = ag.function([], draws)
    with setting(interpret=how):
        f = ag.function([], draws)
    found = [f(), f()]
    stream.seed(4)
    for values in found:
        for a, b in zip(values, expected(), strict=True):
            assert a.tobytes() == b.tobytes()


def test_inside_a_loop_a_draw_depends_on_the_step():
    stream = ag.random.Stream(4)
    outer, inner = ag.input("outer", "i64[]"), ag.input("inner", "i64[]")
    with inside_loop(outer):
        assert loop_indices() == (outer,)
        a = stream.uniform((2,))
        with inside_loop(inner):
            b = stream.uniform((2,))
    assert loop_indices() == ()
    f = ag.function([outer, inner], [a, b], no_default_updates=True)
    numbers = {str(f(i, j)[1]) for i in range(3) for j in range(3)}
    assert len(numbers) == 9
    assert str(f(1, 0)[0]) == str(f(1, 2)[0]) != str(f(2, 0)[0])
    assert str(f(1, 0)[1]) != str(f(0, 1)[1])


# -- default updates -----------------------------------------------------------------------------


def counter(start: int = 0) -> ag.Shared:
    """Return a variable that counts calls."""
    made = ag.shared(start, "calls")
    made.set_default_update(made + 1)
    return made


def test_what_uses_a_variable_updates_it():
    calls = counter()
    f = ag.function([], calls * 10)
    assert (int(f()), int(f()), int(calls.get_value())) == (0, 10, 2)
    ag.function([], ag.constant(1.0))()
    assert calls.get_value() == 2


def test_updates_take_the_place_of_default_updates():
    calls = counter()
    ag.function([], calls, updates=[(calls, calls + 5)])()
    assert calls.get_value() == 5


def test_default_updates_can_be_left_out():
    first, second = counter(), counter()
    ag.function([], first + second, no_default_updates=True)()
    ag.function([], first + second, no_default_updates=[first])()
    assert (first.get_value(), second.get_value()) == (0, 1)
    ag.function([], first + second, no_default_updates=False)()
    assert (first.get_value(), second.get_value()) == (1, 2)
    with pytest.raises(ag.FunctionError, match="no_default_updates"):
        ag.function([], first, no_default_updates=["first"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def test_default_updates_follow_each_other():
    first, second = counter(), ag.shared(0, "second")
    second.default_update = second + first  # type: ignore[misc]  # pyright: ignore
    f = ag.function([], second)
    f(), f(), f()
    assert (int(first.get_value()), int(second.get_value())) == (3, 3)


def test_what_givens_replace_is_not_updated():
    calls = counter()
    ag.function([], calls + 1, givens={calls: ag.constant(3)})()
    assert calls.get_value() == 0
    x, y = ag.input("x", "i64[]"), ag.input("y", "i64[]")
    calls.set_default_update(calls + x - x + 1)
    f = ag.function([y], calls + x, givens={x: y * 2})
    assert int(f(2)) == 4
    assert calls.get_value() == 1


def test_a_default_update_has_the_variables_type():
    calls = ag.shared(0, "calls")
    with pytest.raises(ag.FunctionError, match="default_update"):
        calls.set_default_update(1)
    calls.set_default_update(calls * 0.5)
    with pytest.raises(ag.FunctionError, match="default update of"):
        ag.function([], calls)
    calls.set_default_update(None)
    assert calls.default_update is None
    ag.function([], calls)()


def test_copies_of_a_function_keep_or_lose_default_updates():
    calls = counter()
    f = ag.function([], calls)
    other = counter(100)
    g = f.copy(swap={calls: other})
    assert (int(g()), int(g())) == (100, 101)
    h = f.copy(delete_updates=True)
    assert (int(h()), int(h())) == (0, 0)


# -- loops ---------------------------------------------------------------------------------------


def test_steps_of_loops_draw_other_numbers():
    stream = ag.random.Stream(4)
    _, rows = ag.scan(lambda c, _: (c, stream.uniform((3,))), 0.0, length=20)
    _, pieces = ag.scan(lambda c, _: (c, stream.uniform(())), 0.0, length=20, checkpoint=4)
    nested = ag.map(lambda: ag.map(lambda: stream.uniform(()), length=4), length=5)
    run = interpreted([], [rows, pieces, nested])
    first = run([])
    stream.count.set_value(1)
    for one, other in zip(first, run([]), strict=True):
        assert len(np.unique(one)) == one.size
        assert not np.isin(one, other).any()
    key = ag.random.key(1)
    _, same = ag.scan(lambda c, _: (c, ag.random.uniform(key, ())), 0.0, length=3)
    (found,) = interpreted([], [same])([])
    assert len(np.unique(found)) == 1
