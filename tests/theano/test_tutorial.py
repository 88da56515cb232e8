"""What Theano's tutorial teaches, in our own words, with the numbers that Theano gives."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.ifelse import ifelse
from agnesi.theano.sandbox.rng_mrg import MRG_RandomStreams, mrg_next_value
from agnesi.theano.tensor.shared_randomstreams import RandomStreams


def test_adding_matrices():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = theano.function([x, y], x + y)
    assert f([[1, 2], [3, 4]], [[10, 20], [30, 40]]).tolist() == [[11, 22], [33, 44]]
    assert theano.pp(x + y) == "(x + y)"
    assert (x + y).eval({x: [[1.0]], y: [[2.0]]}) == [[3.0]]


def test_logistic_curve_and_several_outputs():
    x = T.dmatrix("x")
    logistic = theano.function([x], [1 / (1 + T.exp(-x)), (1 + T.tanh(x / 2)) / 2])
    first, second = logistic([[0, 1], [-1, -2]])
    np.testing.assert_allclose(first, [[0.5, 0.73105858], [0.26894142, 0.11920292]])
    np.testing.assert_allclose(first, second)


def test_defaults_by_position_and_name():
    x, y, w = T.dscalars("x", "y", "w")
    f = theano.function(
        [x, theano.In(y, value=1), theano.In(w, value=2, name="w_by_name")], (x + y) * w
    )
    assert [f(33), f(33, 2), f(33, 0, 1), f(33, w_by_name=1), f(33, w_by_name=1, y=0)] == [
        68,
        70,
        33,
        34,
        33,
    ]
    with pytest.raises(TypeError, match="Missing required input"):
        f()


def test_accumulator_givens_and_copies():
    state, inc = theano.shared(0), T.iscalar("inc")
    accumulator = theano.function([inc], state, updates=[(state, state + inc)])
    assert [int(accumulator(1)), int(accumulator(300)), int(state.get_value())] == [0, 1, 301]
    state.set_value(-1)
    accumulator(3)
    foo = T.scalar(dtype=state.dtype)
    skip = theano.function([inc, foo], state * 2 + inc, givens=[(state, foo)])
    assert skip(1, 3) == 7 and state.get_value() == 2
    new = theano.shared(0)
    other = accumulator.copy(swap={state: new})
    other(100)
    assert new.get_value() == 100 and state.get_value() == 2
    null = accumulator.copy(delete_updates=True)
    assert null(9000) == [2] and state.get_value() == 2
    again = copy.deepcopy(accumulator)
    again(5)
    assert state.get_value() == 2
    assert pickle.loads(pickle.dumps(accumulator))(1) == 2


def test_updates_swap_and_downcasts_are_refused():
    a, b = theano.shared(np.float32(1)), theano.shared(np.float32(2))
    theano.function([], [], updates=[(a, b), (b, a)])()
    assert (a.get_value(), b.get_value()) == (2, 1)
    with pytest.raises(TypeError, match="same type"):
        theano.function([], [], updates=[(a, T.dscalar("d") * a)])


def test_random_streams_are_numpys():
    srng = RandomStreams(seed=234)
    u, n = srng.uniform((2, 2)), srng.normal((2, 2))
    f = theano.function([], u)
    g = theano.function([], n, no_default_updates=True)
    zeros = theano.function([], u + u - 2 * u)
    seeds = np.random.RandomState(234)
    expected = np.random.RandomState(int(seeds.randint(2**30)))
    first = f()
    np.testing.assert_array_equal(first, expected.uniform(size=(2, 2)))
    np.testing.assert_array_equal(f(), expected.uniform(size=(2, 2)))
    np.testing.assert_array_equal(g(), g())
    assert not zeros().any()
    # Seeding one draw, and all of them.
    state = u.rng.get_value(borrow=True)
    state.seed(89234)
    u.rng.set_value(state, borrow=True)
    np.testing.assert_array_equal(f(), np.random.RandomState(89234).uniform(size=(2, 2)))
    srng.seed(902340)
    again = np.random.RandomState(902340)
    np.testing.assert_array_equal(
        f(), np.random.RandomState(int(again.randint(2**30))).uniform(size=(2, 2))
    )


def test_state_of_one_function_shared_with_another():
    srng = RandomStreams(3)
    u = srng.uniform((3,))
    f, g = theano.function([], u), theano.function([], u)
    a = f()
    b = g()
    expected = np.random.RandomState(int(np.random.RandomState(3).randint(2**30)))
    np.testing.assert_array_equal(a, expected.uniform(size=3))
    np.testing.assert_array_equal(b, expected.uniform(size=3))


@pytest.mark.parametrize(
    ("name", "args", "numpy_call"),
    [
        ("binomial", {"size": (4,), "n": 5, "p": 0.3}, lambda r: r.binomial(5, 0.3, 4)),
        ("normal", {"size": (4,), "avg": 2.0, "std": 3.0}, lambda r: r.normal(2.0, 3.0, 4)),
        ("random_integers", {"size": (4,), "low": 2, "high": 9}, lambda r: r.randint(2, 10, 4)),
        ("poisson", {"size": (4,), "lam": 3.0}, lambda r: r.poisson(3.0, 4)),
        ("choice", {"size": (4,), "a": 7}, lambda r: r.choice(7, 4)),
        ("permutation", {"n": 6}, lambda r: r.permutation(6)),
        ("multinomial", {"n": 4, "pvals": [0.2, 0.8]}, lambda r: r.multinomial(4, [0.2, 0.8])),
    ],
)
def test_each_draw_is_numpys(name, args, numpy_call):
    drawn = getattr(RandomStreams(7), name)(**args)
    expected = numpy_call(np.random.RandomState(int(np.random.RandomState(7).randint(2**30))))
    np.testing.assert_allclose(theano.function([], drawn)(), expected)


def test_mrg_is_the_recursion_written_in_python():
    stream = MRG_RandomStreams(12345)
    u = stream.uniform((13,), nstreams=3)
    f = theano.function([], u)
    rows = MRG_RandomStreams(12345).get_substream_rstates(3)
    expected = [mrg_next_value(rows[k % 3], rows[k % 3]) for k in range(13)]
    np.testing.assert_allclose(f(), expected, rtol=1e-12)
    # The next call goes on: each stream where it stopped.
    expected = [mrg_next_value(rows[k % 3], rows[k % 3]) for k in range(13)]
    np.testing.assert_allclose(f(), expected, rtol=1e-12)
    # The first number for this seed, as Theano's own reference sample has it.
    assert (
        abs(theano.function([], MRG_RandomStreams(12345).uniform((1,)))()[0] - 0.7353244530968368)
        < 1e-12
    )


def test_mrg_distributions():
    stream = MRG_RandomStreams(42)
    draws = theano.function(
        [],
        [
            stream.normal((20001,), avg=1.0, std=2.0),
            stream.binomial((20000,), p=0.3),
            stream.multinomial(pvals=np.tile([[0.2, 0.3, 0.5]], (5000, 1))),
            stream.truncated_normal((20000,)),
        ],
    )
    normal, bits, classes, short = draws()
    assert (
        normal.shape == (20001,) and abs(normal.mean() - 1) < 0.05 and abs(normal.std() - 2) < 0.05
    )
    assert abs(bits.mean() - 0.3) < 0.02
    np.testing.assert_allclose(classes.mean(0), [0.2, 0.3, 0.5], atol=0.03)
    assert (classes.sum(1) == 1).all()
    assert abs(short).max() < 2.3 / 0.8796 and abs(short.std() - 1) < 0.1


def test_derivatives():
    x = T.dscalar("x")
    assert abs(theano.function([x], T.grad(x**2, x))(94.2) - 188.4) < 1e-12
    m = T.dmatrix("m")
    dlogistic = theano.function([m], T.grad(T.sum(1 / (1 + T.exp(-m))), m))
    np.testing.assert_allclose(
        dlogistic([[0, 1], [-1, -2]]), [[0.25, 0.19661193], [0.19661193, 0.10499359]], rtol=1e-6
    )
    with pytest.raises(TypeError, match="scalar"):
        T.grad(m, m)
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(x**2, m)
    zero = T.grad(x**2, m, disconnected_inputs="ignore")
    assert not theano.function([m], zero)(np.ones((2, 2))).any()
    assert T.grad(x**2, [m], disconnected_inputs="ignore", return_disconnected="None") == [None]


def test_jacobian_and_hessian_by_scan_and_directly():
    x = T.dvector("x")
    y = x**2
    rows, updates = theano.scan(
        lambda i, y, x: T.grad(y[i], x), sequences=T.arange(y.shape[0]), non_sequences=[y, x]
    )
    by_scan = theano.function([x], rows, updates=updates)
    directly = theano.function([x], T.jacobian(y, x))
    assert by_scan([4, 4]).tolist() == directly([4, 4]).tolist() == [[8, 0], [0, 8]]
    assert theano.function([x], T.hessian(y.sum(), x))([4, 4]).tolist() == [[2, 0], [0, 2]]


def test_r_and_l_operators():
    w, v = T.dmatrix("W"), T.dmatrix("V")
    x = T.dvector("x")
    y = T.dot(x, w)
    f = theano.function([w, v, x], T.Rop(y, w, v))
    assert f([[1, 1], [1, 1]], [[2, 2], [2, 2]], [0, 1]).tolist() == [2, 2]
    u = T.dvector("u")
    g = theano.function([u, x], T.Lop(y, w, u))
    assert g([2, 2], [0, 1]).tolist() == [[0, 0], [2, 2]]
    z = T.dvector("z")
    cost = T.sum(z**2)
    vector = T.dvector("vector")
    hv = theano.function([z, vector], T.Rop(T.grad(cost, z), z, vector))
    assert hv([4, 4], [2, 2]).tolist() == [4, 4]


def test_scan_power_and_polynomial():
    k, a = T.iscalar("k"), T.vector("A")
    result, updates = theano.scan(
        fn=lambda prior, a: prior * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k
    )
    power = theano.function(inputs=[a, k], outputs=result[-1], updates=updates)
    assert power(range(10), 2).tolist() == [n**2 for n in range(10)]
    assert power(range(10), 4).tolist() == [n**4 for n in range(10)]
    coefficients, free = T.vector("coefficients"), T.scalar("x")
    terms, _ = theano.scan(
        fn=lambda c, p, x: c * (x**p),
        outputs_info=None,
        sequences=[coefficients, T.arange(10000)],
        non_sequences=free,
    )
    assert theano.function([coefficients, free], terms.sum())([1, 0, 2], 3) == 19


def test_scan_running_sums_and_dtype_mismatch():
    up_to = T.iscalar("up_to")
    seq = T.arange(up_to)
    start = T.as_tensor_variable(np.asarray(0, seq.dtype))
    total, _ = theano.scan(lambda x, so_far: so_far + x, outputs_info=start, sequences=seq)
    assert theano.function([up_to], total)(15)[-1] == 105
    with pytest.raises(ValueError, match="dtype"):
        theano.scan(
            lambda x, so_far: so_far + x, outputs_info=T.as_tensor_variable(0), sequences=seq
        )


def test_scan_taps():
    init = T.lvector()
    fib, _ = theano.scan(
        lambda two, one: one + two, outputs_info=[{"initial": init, "taps": [-2, -1]}], n_steps=8
    )
    assert theano.function([init], fib)([0, 1]).tolist() == [1, 2, 3, 5, 8, 13, 21, 34]
    x = T.vector("x")
    pairs, _ = theano.scan(lambda now, later: later - now, sequences=[{"input": x, "taps": [0, 2]}])
    assert theano.function([x], pairs)([1.0, 2, 4, 8, 16]).tolist() == [3, 6, 12]
    backwards, _ = theano.scan(lambda now: now * 2, sequences=[x], go_backwards=True)
    assert theano.function([x], backwards)([1.0, 2, 3]).tolist() == [6, 4, 2]


def test_scan_tanh_recurrence_with_two_sequences_and_taps():
    rng = np.random.RandomState(0)
    shapes = {
        "W": (2, 2),
        "W_in_1": (2, 2),
        "W_in_2": (2, 2),
        "W_feedback": (2, 2),
        "W_out": (2, 2),
    }
    weights = {name: theano.shared(rng.uniform(size=shape)) for name, shape in shapes.items()}
    u, x0, y0 = T.matrix("u"), T.matrix("x0"), T.vector("y0")

    def one_step(u_tm4, u_t, x_tm3, x_tm1, y_tm1):
        x_t = T.tanh(
            T.dot(x_tm1, weights["W"])
            + T.dot(u_t, weights["W_in_1"])
            + T.dot(u_tm4, weights["W_in_2"])
            + T.dot(y_tm1, weights["W_feedback"])
        )
        return [x_t, T.dot(x_tm3, weights["W_out"])]

    (xs, ys), updates = theano.scan(
        fn=one_step,
        sequences={"input": u, "taps": [-4, -0]},
        outputs_info=[{"initial": x0, "taps": [-3, -1]}, y0],
    )
    f = theano.function([u, x0, y0], [xs, ys], updates=updates)
    given = rng.uniform(size=(10, 2)), rng.uniform(size=(3, 2)), rng.uniform(size=2)
    got_x, got_y = f(*given)
    values = {name: w.get_value() for name, w in weights.items()}
    history, y = list(given[1]), given[2]
    for t in range(4, 10):
        new = np.tanh(
            history[-1] @ values["W"]
            + given[0][t] @ values["W_in_1"]
            + given[0][t - 4] @ values["W_in_2"]
            + y @ values["W_feedback"]
        )
        y = history[-3] @ values["W_out"]
        history.append(new)
        np.testing.assert_allclose(got_x[t - 4], new)
        np.testing.assert_allclose(got_y[t - 4], y)


def test_scan_until():
    limit = T.scalar()

    def step(previous, limit):
        return previous * 2, theano.scan_module.until(previous * 2 > limit)

    values, _ = theano.scan(step, outputs_info=T.constant(1.0), non_sequences=limit, n_steps=1024)
    assert theano.function([limit], values)(45).tolist() == [2, 4, 8, 16, 32, 64]


def test_gibbs_chain_updates_its_random_state():
    w = theano.shared(np.random.RandomState(0).normal(size=(3, 4)))
    trng = RandomStreams(1234)

    def one_step(v):
        h = T.cast(trng.binomial(size=(4,), n=1, p=T.nnet.sigmoid(T.dot(v, w))), "float64")
        return T.cast(trng.binomial(size=(3,), n=1, p=T.nnet.sigmoid(T.dot(h, w.T))), "float64")

    sample = T.vector()
    values, updates = theano.scan(one_step, outputs_info=sample, n_steps=6)
    assert len(updates) == 2
    gibbs = theano.function([sample], values, updates=updates)
    first, second = gibbs([1, 0, 1]), gibbs([1, 0, 1])
    assert first.shape == (6, 3) and set(np.unique(first)) <= {0.0, 1.0}
    # The state went on, so that the chains differ; begun again it is the same chain.
    trng.seed(1234)
    np.testing.assert_array_equal(gibbs([1, 0, 1]), first)
    assert (first != second).any()


def test_conditions():
    a, b = T.scalars("a", "b")
    x, y = T.matrices("x", "y")
    by_switch = theano.function([a, b, x, y], T.switch(T.lt(a, b), T.mean(x), T.mean(y)))
    lazily = theano.function([a, b, x, y], ifelse(T.lt(a, b), T.mean(x), T.mean(y)))
    given = 0.0, 1.0, np.ones((4, 4)), np.zeros((4, 4))
    assert by_switch(*given) == lazily(*given) == 1
    both = theano.function([a, b, x, y], ifelse(T.lt(a, b), [x + 1, y], [x, y + 1]))
    assert both(*given)[0][0, 0] == 2


def test_own_ops_in_python():
    class AXPBOp(theano.Op):
        __props__ = ("a", "b")

        def __init__(self, a, b):
            self.a, self.b = a, b

        def make_node(self, x):  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
            x = T.as_tensor_variable(x)
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage):  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
            output_storage[0][0] = self.a * inputs[0] + self.b

        def infer_shape(self, node, i0_shapes):
            return i0_shapes

        def grad(self, inputs, output_grads):
            return [self.a * output_grads[0]]

    x = T.matrix()
    op = AXPBOp(4, 1)
    f = theano.function([x], [op(x), T.grad(op(x).sum(), x)])
    value, gradient = f(np.ones((2, 2)))
    assert (value == 5).all() and (gradient == 4).all()
    assert AXPBOp(4, 1) == op and AXPBOp(5, 1) != op
    rng = np.random.RandomState(0)
    T.verify_grad(op, [rng.rand(3, 2)], rng=rng)


def test_as_op_with_and_without_shapes():
    @theano.as_op(itypes=[T.fmatrix, T.fmatrix], otypes=[T.fmatrix])
    def product(a, b):
        return a @ b

    x, y = T.fmatrices("x", "y")
    f = theano.function([x, y], product(x, y) + 1)
    got = f(np.ones((2, 3), "float32"), np.ones((3, 4), "float32"))
    assert got.shape == (2, 4) and (got == 4).all()

    @theano.as_op(T.dvector, T.dvector, infer_shape=lambda node, shapes: [shapes[0]])
    def twice(v):
        return 2 * v

    v = T.dvector()
    assert theano.function([v], twice(v))([1.0, 2.0]).tolist() == [2, 4]


def test_op_from_graph():
    x, y, z = T.scalars("x", "y", "z")
    op = theano.OpFromGraph([x, y, z], [x + y * z])
    e = op(x, y, z) + op(z, y, x)
    assert theano.function([x, y, z], e)(1, 2, 3) == 1 + 6 + 3 + 2
    g = theano.function([x, y, z], T.grad(e, y))
    assert g(1, 2, 3) == 4


def test_test_values():
    with theano.configparser.change_flags(compute_test_value="raise"):
        x = T.matrix("x")
        x.tag.test_value = np.ones((3, 2))
        w = theano.shared(np.ones((2, 4)))
        assert T.dot(x, w).tag.test_value.shape == (3, 4)
        with pytest.raises(ValueError, match="missing default value"):
            T.matrix("y") + 1


def test_nan_guard():
    from agnesi.theano.compile.nanguardmode import NanGuardMode

    x = T.dmatrix()
    f = theano.function([x], T.log(x), mode=NanGuardMode(nan_is_error=True, inf_is_error=True))
    f(np.ones((2, 2)))
    with pytest.raises(Exception, match=r"NaN|nan|inf"):
        f(-np.ones((2, 2)))


def test_printing(capsys):
    x = T.dvector("x")
    f = theano.function([x], theano.printing.Print("a value", attrs=("shape",))(x) * 2)
    assert f([1.0, 2.0, 3.0]).tolist() == [2, 4, 6]
    assert "a value shape = (3,)" in capsys.readouterr().out
    text = theano.printing.debugprint(T.tanh(T.dot(x, x)) + 1, file="str")
    assert text.splitlines()[0].startswith("Elemwise{add,no_inplace} [id A]")
    assert "dot [id C]" in text


def test_profile():
    x = T.dvector("x")
    f = theano.function([x], x * 2, profile=True)
    f([1.0])
    f([1.0])
    assert f.profile.fct_callcount == 2
    assert f.profile.compile_time > 0


def test_a_real_logistic_regression():
    rng = np.random.RandomState(0)
    data = rng.randn(400, 30), rng.randint(size=400, low=0, high=2)
    x, y = T.dmatrix("x"), T.dvector("y")
    w, b = theano.shared(rng.randn(30), name="w"), theano.shared(0.0, name="b")
    p_1 = 1 / (1 + T.exp(-T.dot(x, w) - b))
    xent = -y * T.log(p_1) - (1 - y) * T.log(1 - p_1)
    cost = xent.mean() + 0.01 * (w**2).sum()
    gw, gb = T.grad(cost, [w, b])
    train = theano.function(
        inputs=[x, y],
        outputs=[p_1 > 0.5, xent],
        updates=((w, w - 0.1 * gw), (b, b - 0.1 * gb)),
    )
    losses = [train(data[0], data[1].astype("float64"))[1].mean() for _ in range(200)]
    assert losses[-1] < 0.8 * losses[0]
    assert gw.name is None and theano.function([x], p_1 > 0.5)(data[0]).dtype == np.bool_


def test_checkpoints_of_a_scan():
    x = T.dvector("x")
    states, _ = theano.scan_checkpoints(
        lambda h, x: T.tanh(h + x),
        outputs_info=T.zeros_like(x),
        non_sequences=x,
        n_steps=20,
        save_every_N=5,
    )
    whole, _ = theano.scan(
        lambda h, x: T.tanh(h + x), outputs_info=T.zeros_like(x), non_sequences=x, n_steps=20
    )
    f = theano.function(
        [x], [states, whole[4::5], T.grad(states[-1].sum(), x), T.grad(whole[-1].sum(), x)]
    )
    kept, every, one, other = f([0.1, -0.3])
    assert kept.shape == (4, 2)
    np.testing.assert_allclose(kept, every)
    np.testing.assert_allclose(one, other)
