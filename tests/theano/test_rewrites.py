"""Rewrites that programs write, and where they register them."""

import logging
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import gof
from agnesi.theano.compile.mode import AddFeatureOptimizer, PrintCurrentFunctionGraph, optdb
from agnesi.theano.gof import FunctionGraph
from agnesi.theano.gof.opt import (
    EquilibriumOptimizer,
    LocalOptGroup,
    MergeOptimizer,
    OpKeyOptimizer,
    OpRemove,
    OpSub,
    PatternSub,
    SeqOptimizer,
    TopoOptimizer,
    check_chain,
    in2out,
    local_optimizer,
    out2in,
    pre_greedy_local_optimizer,
)
from agnesi.theano.tensor import opt as topt

from .test_function_graph import Symbol, things

f, h, k = Symbol("f"), Symbol("h"), Symbol("k")


def graph_of(*outputs: Any, names="xyz"):
    """Return a graph over things; outputs are functions of them."""
    given = things(names)
    return FunctionGraph(given, [o(*given) for o in outputs])


@pytest.fixture
def register():
    """A function that registers a rewrite for one test."""
    added = []

    def registered(database, name, rewrite, *args: Any, **named: Any):
        database.register(name, rewrite, *args, **named)
        added.append((database, name))
        return rewrite

    yield registered
    for database, name in added:
        (rewrite,) = database.__db__.pop(name)
        database._names.discard(name)
        for chosen in database.__db__.values():
            chosen.discard(rewrite)


def ops_of(function):
    return [str(n.op) for n in function.maker.fgraph.toposort()]


# -- rewrites of one application -------------------------------------------------------------------


def test_a_function_of_an_application():
    @local_optimizer([f])
    def unwrap(node):
        below = node.inputs[0].owner
        return below.inputs if below is not None and below.op == h else False

    assert str(unwrap) == "unwrap" and unwrap.tracks() == [f]
    g = graph_of(lambda x, y, z: k(f(h(x)), f(y)))
    in2out(unwrap).optimize(g)
    assert str(g) == "[k(x, f(y))]"
    with pytest.raises(ValueError, match="empty list"):
        local_optimizer([])(lambda node: None)
    with pytest.raises(ValueError, match="op classes or instances"):
        local_optimizer(["f"])(lambda node: None)


def test_dicts_say_what_is_replaced_and_what_has_to_go():
    @local_optimizer([k])
    def lift(node):
        inner = node.inputs[0].owner
        if inner is None or inner.op != f:
            return False
        return {node.outputs[0]: h(*inner.inputs, *node.inputs[1:]), "remove": [inner]}

    g = graph_of(lambda x, y, z: k(f(x)))
    TopoOptimizer(lift).optimize(g)
    assert str(g) == "[h(x)]"

    def both(x, y, z):
        return k(inner := f(x), inner)

    g = graph_of(both)
    with pytest.raises(gof.ReplacementDidntRemovedError):
        TopoOptimizer(lift, ignore_newtrees=True).optimize(g)
    assert str(g) == "[k(*1 -> f(x), *1)]"


def test_what_a_rewrite_may_return():
    def applied(result):
        g = graph_of(lambda x, y, z: f(x))
        TopoOptimizer(local_optimizer(None)(lambda node: result)).optimize(g)
        return str(g)

    assert applied(False) == applied(None) == "[f(x)]"
    with pytest.raises(ValueError, match="wrong number"):
        applied([1, 2])
    with pytest.raises(TypeError, match="wrong type"):
        applied(3)
    with pytest.raises(ValueError, match="remove a Variable that is used"):
        applied([None])


def test_ops_replaced_and_removed():
    g = graph_of(lambda x, y, z: f(f(h(x))))
    OpKeyOptimizer(OpSub(f, k)).optimize(g)
    assert str(g) == "[k(k(h(x)))]"
    out2in(OpRemove(k), name="gone").optimize(g)
    assert str(g) == "[h(x)]"
    assert str(OpSub(f, k)) == "f -> k" and str(OpRemove(k)) == "k(x) -> x"


@pytest.mark.parametrize(
    ("build", "old", "new", "expected"),
    [
        (lambda x, y, z: f(h(x, y), z), (f, (h, "1", "2"), "3"), (k, "3", "2"), "k(z, y)"),
        (lambda x, y, z: f(h(x, x), z), (f, (h, "1", "1"), "2"), (k, "2", "1"), "k(z, x)"),
        (lambda x, y, z: f(h(x, y), z), (f, (h, "1", "1"), "2"), (k, "2", "1"), "f(h(x, y), z)"),
        (lambda x, y, z: f(f(f(f(x)))), (f, (f, "1")), "1", "x"),
        (lambda x, y, z: f(x, y), (f, "1", "2"), (k, (h, "1"), (h, "2")), "k(h(x), h(y))"),
        (lambda x, y, z: f(x), (f, "1", "2"), "1", "f(x)"),
    ],
)
def test_patterns(build, old, new, expected):
    g = graph_of(build)
    OpKeyOptimizer(PatternSub(old, new)).optimize(g)
    assert str(g) == f"[{expected}]"


def test_patterns_with_constraints_constants_and_readers():
    g = graph_of(lambda x, y, z: k(f(h(x)), f(f(x))))
    only_h = {"pattern": "1", "constraint": lambda v: v.owner is not None and v.owner.op == h}
    OpKeyOptimizer(PatternSub((f, only_h), (h, "1"))).optimize(g)
    assert str(g) == "[k(h(h(x)), f(f(x)))]"
    # What is read elsewhere too is no part of a match, unless that is allowed.

    def twice(x, y, z):
        return k(f(inner := h(x)), inner)

    for allowed, expected in ((False, "[k(f(*1 -> h(x)), *1)]"), (True, "[k(x, h(x))]")):
        g = graph_of(twice)
        rewrite = PatternSub((f, (h, "1")), "1", allow_multiple_clients=allowed)
        OpKeyOptimizer(rewrite).optimize(g)
        assert str(g) == expected
    x = T.dvector("x")
    g = FunctionGraph([x], [T.pow(x, T.constant(2.0).dimshuffle("x"))])
    in2out(topt.constant_folding).optimize(g)
    in2out(PatternSub((T.pow, "v", 2), (T.sqr, "v")), name="squares").optimize(g)
    assert [str(n.op) for n in g.toposort()] == [str(T.sqr)]
    # Through what does not change a value.
    skip = PatternSub(
        (f, (h, "1")),
        "1",
        skip_identities_fn=lambda v: v.owner and v.owner.op == k and v.owner.inputs[0],
    )
    g = graph_of(lambda x, y, z: f(k(h(x))))
    OpKeyOptimizer(skip).optimize(g)
    assert str(g) == "[x]"


def test_groups_of_rewrites():
    def named(op, new):
        return local_optimizer([op])(lambda node: [new(*node.inputs)])

    g = graph_of(lambda x, y, z: f(x))
    TopoOptimizer(LocalOptGroup(named(f, h), named(h, k)), ignore_newtrees=True).optimize(g)
    assert str(g) == "[h(x)]"
    g = graph_of(lambda x, y, z: f(x))
    group = LocalOptGroup(named(f, h), named(h, k), apply_all_opts=True)
    TopoOptimizer(group, ignore_newtrees=True).optimize(g)
    assert str(g) == "[k(x)]" and group.tracks() == [f, h]


# -- rewrites of whole graphs ----------------------------------------------------------------------


def test_orders_of_navigators():
    seen = []
    look = local_optimizer(None)(lambda node: seen.append(str(node)))
    g = graph_of(lambda x, y, z: f(h(x)))
    TopoOptimizer(look).optimize(g)
    TopoOptimizer(look, order="out_to_in").optimize(g)
    assert seen == ["h(x)", "f(h.0)", "f(h.0)", "h(x)"]
    with pytest.raises(ValueError, match="order must be"):
        TopoOptimizer(look, order="sideways")
    with pytest.raises(TypeError, match="op_key"):
        OpKeyOptimizer(look)


def test_what_is_the_same_is_merged():
    g = graph_of(lambda x, y, z: f(h(x, y), h(x, y), h(x, z)))
    MergeOptimizer().optimize(g)
    assert str(g) == "[f(*1 -> h(x, y), *1, h(x, z))]"
    g = graph_of(lambda x, y, z: k(f(h(x)), f(h(x))), lambda x, y, z: f(h(x)))
    MergeOptimizer().optimize(g)
    assert str(g) == "[k(*1 -> f(h(x)), *1), *1]"
    x = T.vector("x")
    g = FunctionGraph([x], [T.exp(x * 2) + T.exp(x * 2)])
    MergeOptimizer().optimize(g)
    g.check_integrity()
    assert sum(n.op == T.exp for n in g.apply_nodes) == 1


def test_until_nothing_changes(caplog):
    patterns = [
        PatternSub((f, "x", "y"), (h, "x", "y")),
        PatternSub((k, "x", "y"), (f, "x", "y")),
        PatternSub((f, (h, "x", "y")), (k, "x", "y")),
    ]
    g = graph_of(lambda x, y, z: f(k(x, y)))
    EquilibriumOptimizer(patterns, max_use_ratio=10).optimize(g)
    assert str(g) == "[h(x, y)]"
    endless = PatternSub((f, "x", "y"), (f, "y", "x"))
    g = graph_of(lambda x, y, z: f(x, y))
    with caplog.at_level(logging.ERROR, "theano.gof.opt"):
        EquilibriumOptimizer([endless], max_use_ratio=2).optimize(g)
    assert "max'ed out" in caplog.text
    with theano.change_flags(on_opt_error="raise"), pytest.raises(AssertionError, match="max'ed"):
        EquilibriumOptimizer([endless], max_use_ratio=2).optimize(g)


def test_errors_in_rewrites(caplog):
    def bad(node):
        raise RuntimeError("in a rewrite")

    g = graph_of(lambda x, y, z: f(x))
    with pytest.raises(RuntimeError, match="in a rewrite"):
        TopoOptimizer(local_optimizer(None)(bad)).optimize(g)
    warned = in2out(local_optimizer(None)(bad))
    with caplog.at_level(logging.ERROR, "theano.gof.opt"):
        warned.optimize(g)
    assert "Optimization failure due to: bad" in caplog.text
    assert "RuntimeError: in a rewrite" in caplog.text
    caplog.clear()
    with theano.change_flags(on_opt_error="ignore"):
        warned.optimize(g)
    assert not caplog.text
    with theano.change_flags(on_opt_error="raise"), pytest.raises(RuntimeError):
        warned.optimize(g)
    sequence = SeqOptimizer(gof.optimizer(bad), failure_callback=SeqOptimizer.warn)
    sequence.optimize(g)
    assert "SeqOptimizer apply bad" in caplog.text


def test_helpers_of_rewrites():
    (x,) = things("x")
    assert check_chain(f(h(x)), f, h)
    assert check_chain(f(x), f, None) and not check_chain(f(h(x)), f, None)
    assert check_chain(f(h(x)).owner, Symbol, Symbol)
    out = T.constant(2.0) * T.constant(3.0) + T.dscalar("a")
    folded = pre_greedy_local_optimizer([topt.constant_folding], out)
    assert float(folded.owner.inputs[0].data) == 6.0


# -- databases -------------------------------------------------------------------------------------


def some(name):
    return gof.opt.FromFunctionOptimizer(lambda fgraph: None)


def test_names_and_tags():
    db = gof.DB()
    db.register("a", some("a"))
    db.register("c", some("c"), "tag", "other")
    assert "a" in db and "tag" in db and db["tag"] is db["c"]
    with pytest.raises(ValueError, match="The name"):
        db.register("tag", some("t"))
    with pytest.raises(ValueError, match="The tag"):
        db.register("u", some("u"), "a")
    with pytest.raises(TypeError, match="cannot be registered"):
        db.register("v", object())
    assert list(db.query("+a", "+tag")) == [db["a"], db["c"]]
    assert list(db.query("+a", "+tag", "-other")) == [db["a"]]
    assert list(db.query("+a", "+tag", "&other")) == [db["c"]]
    with pytest.raises(ValueError, match="must start with"):
        db.query("a")
    db.remove_tags("c", "tag")
    assert not list(db.query(gof.Query(include=["tag"])))
    with pytest.raises(KeyError):
        db["nothing"]


def test_sequences_have_positions():
    db = gof.SequenceDB()
    for name, position in (("late", 3), ("early", 1), ("end", "last")):
        db.register(name, some(name), position, "t")
    found = db.query(gof.Query(include=["t"]))
    assert [o.name for o in found] == ["early", "late", "end"]
    assert db.__position__["end"] == 4
    assert [o.name for o in db.query("+t", position_cutoff=2)] == ["early"]
    extra = some("extra")
    with_extra = db.query(gof.Query(include=["t"]).register((extra, 2)))
    assert list(with_extra)[1] is extra


def test_the_database_of_theano():
    for name, position in (("canonicalize", 1), ("stabilize", 1.5), ("specialize", 2)):
        assert optdb.__position__[name] == position
        assert isinstance(optdb[name], gof.EquilibriumDB)
    assert theano.compile.optdb is theano.compile.mode.optdb is optdb
    proxy = gof.ProxyDB(optdb["canonicalize"])
    assert isinstance(proxy.query(gof.Query(include=["fast_run"])), EquilibriumOptimizer)


# -- functions -------------------------------------------------------------------------------------


class Twice(theano.Op):
    """Has no perform: a rewrite has to take it away."""

    __props__ = ()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return theano.Apply(self, [x], [x.type()])

    def infer_shape(self, node, shapes):
        return shapes


def to_sum(node):
    return [node.inputs[0] + node.inputs[0]]


def test_registered_rewrites_run(register):
    register(optdb["specialize"], "twice_to_sum", local_optimizer([Twice])(to_sum), "fast_run")
    x = T.dvector("x")
    s = theano.shared(np.zeros(2), "s")
    fn = theano.function([x], Twice()(x) * 3, updates=[(s, s + Twice()(x))])
    assert "Twice" not in " ".join(ops_of(fn))
    np.testing.assert_array_equal(fn([1.0, 2.0]), [6.0, 12.0])
    np.testing.assert_array_equal(fn([1.0, 2.0]), [6.0, 12.0])
    np.testing.assert_array_equal(s.get_value(), [4.0, 8.0])
    # Also where the graph has its place from givens, defaults and other functions.
    y = T.dvector("y")
    fn = theano.function([theano.In(x, value=[5.0])], Twice()(y), givens={y: x + 1})
    np.testing.assert_array_equal(fn(), [12.0])
    copied = fn.copy()
    np.testing.assert_array_equal(copied([1.0]), [[4.0]])
    # Not where a mode leaves it out: the op cannot be computed then.
    without = theano.compile.get_default_mode().excluding("twice_to_sum")
    fn = theano.function([x], Twice()(x), mode=without)
    assert ops_of(fn) == ["Twice"]
    fn = theano.function([x], Twice()(x), mode="FAST_COMPILE")
    assert ops_of(fn) == ["Twice"]


def test_rewrites_run_in_bodies(register):
    register(optdb["specialize"], "twice_to_sum", local_optimizer([Twice])(to_sum), "fast_run")
    x, b = T.dvectors("x", "b")
    w = theano.shared(np.array([1.0, 2.0]), "w")
    around = T.exp(b)
    rows, _ = theano.scan(
        lambda step, state: Twice()(step) + state * w + Twice()(around)[0],
        sequences=x,
        outputs_info=T.zeros((2,)),
    )
    fn = theano.function([x, b], rows[-1])
    np.testing.assert_array_equal(fn([1.0, 2.0], [0.0, 0.0]), [10.0, 14.0])
    inner = theano.OpFromGraph([x], [Twice()(x) * 3])
    np.testing.assert_array_equal(theano.function([x], inner(x) + 1)([1.0, 2.0]), [7.0, 13.0])


def test_what_constants_give_is_known():
    x = T.dvector("x")
    g = FunctionGraph([x], [x + T.sqrt(T.constant(4.0)) * 3])
    topt.topo_constant_folding.optimize(g)
    (node,) = (n for n in g.apply_nodes if n.op == T.add)
    assert [v.data.tolist() for v in node.inputs if isinstance(v, theano.Constant)] == [[6.0]]
    # An array is not kept where a number says it.
    g = FunctionGraph([], [T.zeros((1000, 1000))])
    topt.topo_constant_folding.optimize(g)
    assert len(g.apply_nodes) == 1


def test_shapes_are_known_to_rewrites(register):
    def look(node):
        (x,) = node.inputs
        shapes = node.fgraph.shape_feature
        assert shapes.same_shape(x, node.outputs[0])
        return [T.sin(x) * shapes.shape_of[x][0]]

    register(optdb["specialize"], "looks_at_shapes", local_optimizer([T.tanh])(look), "fast_run")
    x = T.dmatrix("x")
    fn = theano.function([x], T.tanh(T.exp(x)))
    np.testing.assert_allclose(fn(np.zeros((3, 2))), np.full((3, 2), 3 * np.sin(1.0)))


def test_values_repeated_like_others():
    x, c = T.dmatrix("x"), T.dcol("c")
    g = FunctionGraph([x, c], [T.exp(x), T.exp(c)])
    g.attach_feature(topt.ShapeFeature())
    for old, pattern in zip(list(g.outputs), ((False, False), (False, True)), strict=True):
        new = topt.broadcast_like(2, old, g)
        assert new.dtype == "float64" and new.broadcastable == pattern
        g.replace(old, new)
    shown = theano.function(g.inputs, g.outputs)(np.zeros((2, 3)), np.zeros((4, 1)))
    assert [a.tolist() for a in shown] == [[[2.0] * 3] * 2, [[2.0]] * 4]
    with pytest.raises(NotImplementedError, match="template"):
        topt.broadcast_like(2, x, g)
    assert topt.encompasses_broadcastable((False, True), (True,))
    assert not topt.encompasses_broadcastable((True,), (False,))


def test_debug_mode_compares_values(register):
    x = T.dvector("x")
    wrong = PatternSub((T.tanh, "v"), (T.sin, "v"), name="tanh_to_sin")
    register(optdb["specialize"], "tanh_to_sin", wrong, "fast_run")
    fn = theano.function([x], T.exp(T.tanh(x)), mode="DebugMode")
    with pytest.raises(gof.toolbox.BadOptimization, match="tanh_to_sin") as error:
        fn([1.0, 2.0])
    np.testing.assert_array_equal(error.value.old_r_val, np.tanh([1.0, 2.0]))
    np.testing.assert_array_equal(error.value.new_r_val, np.sin([1.0, 2.0]))
    times = []

    def unsteady(fgraph):
        times.append(fgraph)
        if len(times) % 2:
            fgraph.replace(fgraph.outputs[0], T.exp(T.log(fgraph.outputs[0])), reason="unsteady")

    mode = theano.compile.debugmode.DebugMode(optimizer=gof.optimizer(unsteady))
    with pytest.raises(theano.compile.debugmode.StochasticOrder, match="unsteady"):
        theano.function([x], T.cosh(x), mode=mode)


def test_decorators_register():
    database = optdb["canonicalize"]

    @topt.register_canonicalize("fast_compile", name="for_this_test")
    @local_optimizer([T.tanh])
    def rewritten(node):
        return [T.sin(node.inputs[0])]

    try:
        assert database["for_this_test"] is rewritten
        x = T.dscalar("x")
        for mode in (None, "FAST_COMPILE", theano.Mode(optimizer="fast_run")):
            assert theano.function([x], T.tanh(x), mode=mode)(1.0) == np.sin(1.0)
        assert theano.function([x], T.tanh(x), mode=theano.Mode(optimizer=None))(1.0) == np.tanh(
            1.0
        )
    finally:
        del database.__db__["for_this_test"]
        database._names.discard("for_this_test")
        for chosen in database.__db__.values():
            chosen.discard(rewritten)


def test_tags_choose(register):
    rewrite = in2out(PatternSub((T.tanh, "v"), (T.sin, "v")), name="r")
    register(optdb, "tanh_to_sin", rewrite, 2.2, "mytag")
    x = T.dscalar("x")
    mode = theano.compile.get_default_mode()
    assert theano.function([x], T.tanh(x))(1.0) == np.tanh(1.0)
    for chosen in (
        mode.including("mytag"),
        mode.including("tanh_to_sin"),
        theano.Mode(optimizer=gof.Query(include=["mytag"])),
    ):
        assert theano.function([x], T.tanh(x), mode=chosen)(1.0) == np.sin(1.0)
    assert theano.function(
        [x], T.tanh(x), mode=mode.including("mytag").excluding("r", "tanh_to_sin")
    )(1.0) == np.tanh(1.0)
    cut = gof.Query(include=["mytag"], position_cutoff=2)
    assert theano.function([x], T.tanh(x), mode=theano.Mode(optimizer=cut))(1.0) == np.tanh(1.0)


SETTINGS = """
import agnesi.theano as theano, agnesi.theano.tensor as T
from agnesi.theano.gof import opt
for name, tag in (("a", "fast_run"), ("b", "mytag")):
    rewrite = opt.in2out(opt.PatternSub((T.tanh, "v"), (T.sin, "v")), name=name)
    theano.compile.optdb.register("to_sin_" + name, rewrite, 2.2, tag)
x = T.dscalar("x")
print(theano.function([x], T.tanh(x)).maker.fgraph)
"""


@pytest.mark.parametrize(
    ("flags", "is_sine"),
    [
        ("", True),
        ("optimizer_excluding=to_sin_a", False),
        ("optimizer_excluding=to_sin_a:b,optimizer_including=mytag", True),
        ("optimizer=fast_compile", False),
        ("optimizer_requiring=mytag", False),
    ],
)
def test_settings_choose(flags, is_sine):
    told = {**os.environ, "THEANO_FLAGS": flags}
    command = [sys.executable, "-c", SETTINGS]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=True)
    assert ("sin" in done.stdout) == is_sine


def test_modes_with_rewrites(capsys):
    class ToSine(gof.Optimizer):
        def add_requirements(self, fgraph):
            fgraph.attach_feature(gof.toolbox.ReplaceValidate())

        def apply(self, fgraph):
            for node in fgraph.toposort():
                if node.op == T.tanh:
                    fgraph.replace_validate(node.outputs[0], T.sin(node.inputs[0]), "sine")

    x = T.dscalar("x")
    fn = theano.function([x], T.tanh(x) + 1, mode=theano.Mode(optimizer=ToSine()))
    assert fn(1.0) == np.sin(1.0) + 1
    mode = theano.Mode(optimizer="fast_run").register((ToSine(), 3.5))
    assert theano.function([x], T.tanh(x), mode=mode)(1.0) == np.sin(1.0)
    theano.compile.register_optimizer("to_sine", ToSine())
    theano.compile.register_mode("SINE", theano.Mode(optimizer="to_sine"))
    try:
        assert theano.function([x], T.tanh(x), mode="SINE")(1.0) == np.sin(1.0)
        with pytest.raises(ValueError, match="already taken"):
            theano.compile.register_optimizer("to_sine", ToSine())
    finally:
        del theano.compile.predefined_optimizers["to_sine"], theano.compile.predefined_modes["SINE"]
    finder = gof.NodeFinder()
    mode = theano.Mode(optimizer="fast_run").register((AddFeatureOptimizer(finder), 2.5))
    fn = theano.function([x], T.tanh(x), mode=mode)
    assert [str(n.op) for n in fn.maker.fgraph.get_nodes(T.tanh)] == [str(T.tanh)]
    mode = theano.Mode(optimizer="fast_run").register((PrintCurrentFunctionGraph("here"), 2.5))
    theano.function([x], T.tanh(x), mode=mode)
    assert "PrintCurrentFunctionGraph: here" in capsys.readouterr().out
    for wrong in ({"linker": "no"}, {"optimizer": "no"}):
        with pytest.raises(KeyError):
            theano.Mode(**wrong)
    with pytest.raises(Exception, match="No predefined mode exist for string: no"):
        theano.function([x], x, mode="no")


def test_nothing_is_rewritten_where_nothing_is_registered():
    assert theano.compile.get_default_mode().rewrites() is None
    assert theano.compile.mode.FAST_COMPILE.excluding("inplace").rewrites() is None
    x = T.dvector("x")
    fn = theano.function([x], T.exp(x) + T.exp(x))
    assert fn.request.fgraph is None
    graph = fn.maker.fgraph
    assert graph is fn.maker.fgraph and len(graph.outputs) == 1
    assert all(v is not x for v in graph.inputs)


def test_rewrites_see_updates_of_random_streams(register):
    seen = []
    register(
        optdb,
        "looks_on",
        gof.optimizer(
            lambda fgraph: seen.append((len(fgraph.outputs), dict(fgraph.update_mapping)))
        ),
        2.3,
        "fast_run",
    )
    srng = T.shared_randomstreams.RandomStreams(3)
    draw = srng.normal((2,))
    fn = theano.function([], draw)
    reference = np.random.RandomState(int(np.random.RandomState(3).randint(2**30)))
    np.testing.assert_allclose(fn(), reference.normal(size=2))
    np.testing.assert_allclose(fn(), reference.normal(size=2))
    assert seen == [(2, {1: 0})]
