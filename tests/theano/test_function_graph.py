"""Graphs that programs change: what is where, what is told to features, what is computed."""

import pickle
from typing import Any

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import gof
from agnesi.theano.gof import FunctionGraph, InconsistencyError, graph, toolbox, utils


class Kind(gof.Type):
    def filter(self, data, strict=False, allow_downcast=None):
        return data

    def __eq__(self, other) -> bool:
        return isinstance(other, Kind)

    def __hash__(self) -> int:
        return hash(Kind)


class Symbol(gof.Op):
    """An op of things that are no arrays."""

    def __init__(self, name, nout=1, views=None, destroys=None):
        self.name, self.nout = name, nout
        self.view_map, self.destroy_map = views or {}, destroys or {}

    def make_node(self, *inputs: Any):
        return gof.Apply(self, list(inputs), [Kind()() for _ in range(self.nout)])

    def __str__(self) -> str:
        return self.name


def things(names):
    return [gof.Variable(Kind(), None, None, name=n) for n in names]


def test_a_graph_is_a_copy_that_knows_its_readers():
    x, y = T.vectors("x", "y")
    z = T.exp(x) * y + T.exp(x)
    g = FunctionGraph([x, y], [z])
    assert [v.name for v in g.inputs] == ["x", "y"]
    assert g.inputs[0] is not x and g.outputs[0] is not z
    assert not hasattr(x, "fgraph") and not hasattr(z.owner, "fgraph")
    assert {type(n) for n in g.apply_nodes} == {gof.Apply}
    for node in g.toposort():
        assert node.fgraph is g
        for k, v in enumerate(node.inputs):
            assert (node, k) in g.clients(v)
    assert g.clients(g.outputs[0]) == [("output", 0)]
    g.check_integrity()


def test_without_a_copy_the_variables_belong_to_the_graph():
    x, y = things("xy")
    out = Symbol("f")(x, y)
    g = FunctionGraph([x, y], [out], clone=False)
    assert x.fgraph is g and g.outputs[0] is out
    with pytest.raises(Exception, match="already owned by another fgraph"):
        FunctionGraph([x, y], [out], clone=False)
    with pytest.raises(ValueError, match="output of an already existing node"):
        FunctionGraph([Symbol("g")(*things("a"))], [out], clone=False)
    g.disown()
    assert not hasattr(x, "fgraph")


def test_missing_inputs():
    x, y = T.vectors("x", "y")
    with pytest.raises(gof.MissingInputError, match="Input 1 of the graph"):
        FunctionGraph([x], [x * y])
    s = theano.shared(np.zeros(3), "s")
    with pytest.raises(gof.MissingInputError):
        FunctionGraph([x], [x * s])
    FunctionGraph([x, s], [x * s + 1])


def test_computed_inputs_cut_a_graph():
    x = T.vector("x")
    y = T.exp(x)
    g = FunctionGraph([y], [T.log(y)])
    assert len(g.apply_nodes) == 1
    assert g.inputs[0].owner is None


def test_replacing_changes_what_is_computed():
    x = T.dvector("x")
    g = FunctionGraph([x], [T.sqrt(T.exp(x)) * 2])
    root = next(n for n in g.apply_nodes if n.op == T.sqrt)
    g.replace(root.outputs[0], T.log(root.inputs[0]))
    g.check_integrity()
    f = theano.function(g.inputs, g.outputs)
    np.testing.assert_allclose(f([1.0, 2.0])[0], [2.0, 4.0])
    # Twice the same place, and something below.
    log = next(n for n in g.apply_nodes if n.op == T.log)
    g.replace(log.inputs[0], T.cosh(g.inputs[0]))
    np.testing.assert_allclose(
        g.outputs[0].eval({g.inputs[0]: [1.0, 2.0]}), 2 * np.log(np.cosh([1.0, 2.0]))
    )


def test_replacing_only_what_has_the_type():
    x, m = T.vector("x"), T.matrix("m")
    g = FunctionGraph([x, m], [T.exp(x), m])
    with pytest.raises(toolbox.BadOptimization, match="type of the replacement must be the same"):
        g.replace(g.outputs[0], g.inputs[1])
    with pytest.raises(TypeError, match="type of the replacement"):
        g.change_input("output", 0, g.inputs[1])
    other = FunctionGraph([x], [T.exp(x)])
    with pytest.raises(Exception, match="does not belong"):
        g.replace(other.outputs[0], g.outputs[0])
    # What is not there is not replaced.
    g.replace(T.log(g.inputs[0]), g.inputs[0])
    assert g.outputs[0].owner.op == T.exp


def test_a_graph_without_a_cycle():
    x, y = things("xy")
    f, h = Symbol("f"), Symbol("h")
    g = FunctionGraph([x, y], [h(f(x), y)])
    inner = g.outputs[0].owner.inputs[0]
    with pytest.raises(InconsistencyError, match="cycles"):
        g.replace_validate(inner, g.outputs[0])
    assert str(g) == "[h(f(x), y)]"
    g.check_integrity()
    # A variable may become a function of itself.
    g.replace_validate(g.inputs[0], f(g.inputs[0]))
    assert str(g) == "[h(f(f(x)), y)]"


class Watcher:
    def __init__(self):
        self.seen = []

    def on_attach(self, fgraph):
        self.seen.append("attach")

    def on_import(self, fgraph, node, reason):
        self.seen.append(("import", str(node.op), reason))

    def on_prune(self, fgraph, node, reason):
        self.seen.append(("prune", str(node.op), reason))

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        self.seen.append(("change", str(getattr(node, "op", node)), i, reason))

    def on_detach(self, fgraph):
        self.seen.append("detach")


def test_features_are_told():
    x, y = things("xy")
    f, h = Symbol("f"), Symbol("h")
    watcher = Watcher()
    g = FunctionGraph([x, y], [f(x)], features=[watcher])
    g.replace(g.outputs[0], h(g.inputs[0], g.inputs[1]), reason="why")
    g.attach_feature(watcher)
    g.remove_feature(watcher)
    g.replace(g.outputs[0], g.inputs[0])
    assert watcher.seen == [
        "attach",
        ("import", "f", "init"),
        ("import", "h", "why"),
        ("prune", "f", "why"),
        ("change", "output", 0, "why"),
        "detach",
    ]
    assert g.collect_callbacks("orderings", g) != {}


def test_a_feature_says_no():
    class Never:
        def validate(self, fgraph):
            if any(str(n.op) == "h" for n in fgraph.apply_nodes):
                raise InconsistencyError("no h")

    x, y = things("xy")
    g = FunctionGraph([x, y], [Symbol("f")(x)])
    g.attach_feature(Never())
    assert g.consistent()
    with pytest.raises(InconsistencyError, match="no h"):
        g.replace_validate(g.outputs[0], Symbol("h")(g.inputs[1]))
    assert str(g) == "[f(x)]"
    g.replace(g.outputs[0], Symbol("h")(g.inputs[1]))
    assert not g.consistent()


def test_history_goes_back():
    x, y = things("xy")
    f, h = Symbol("f"), Symbol("h")
    g = FunctionGraph([x, y], [f(h(x))])
    point = g.checkpoint()
    g.replace(g.outputs[0].owner.inputs[0], h(g.inputs[1]))
    g.replace(g.outputs[0], g.inputs[1])
    assert str(g) == "[y]"
    g.revert(point)
    assert str(g) == "[f(h(x))]"
    g.check_integrity()


def test_replacements_that_have_to_remove_something(capsys):
    x, y = things("xy")
    f, h = Symbol("f"), Symbol("h")
    inner = h(x)
    g = FunctionGraph([x, y], [f(inner), inner])
    node = g.outputs[1].owner
    with pytest.raises(toolbox.ReplacementDidntRemovedError):
        g.replace_all_validate_remove([(g.outputs[0], g.inputs[0])], remove=[node])
    assert "doesn't remove it" in capsys.readouterr().err
    assert str(g) == "[f(*1 -> h(x)), *1]"


def test_features_of_graphs(capsys):
    x, y = things("xy")
    f, h = Symbol("f"), Symbol("h")
    g = FunctionGraph([x, y], [f(h(x), h(y))])
    g.attach_feature(toolbox.NodeFinder())
    assert len(g.get_nodes(h)) == 2
    g.attach_feature(toolbox.PrintListener())
    g.attach_feature(toolbox.PreserveNames())
    g.outputs[0].name = "out"
    new = f(g.inputs[0])
    g.replace(g.outputs[0], new, reason="r")
    assert new.name == "out"
    assert len(g.get_nodes(h)) == 0
    said = capsys.readouterr().out
    assert "-- importing: f(x), reason: r" in said
    assert "-- pruning: h(y), reason: r" in said


def test_orders_that_features_want():
    x, y = things("xy")
    f, h = Symbol("f"), Symbol("h")
    g = FunctionGraph([x, y], [f(x), h(y)])
    first, second = (v.owner for v in g.outputs)
    assert g.toposort() == [first, second]

    class After:
        def orderings(self, fgraph):
            from collections import OrderedDict

            return OrderedDict([(first, [second])])

    g.attach_feature(After())
    assert g.toposort() == [second, first]


def test_what_destroys_comes_last():
    x, y = things("xy")
    view, inplace = Symbol("view", views={0: [0]}), Symbol("inplace", destroys={0: [0]})
    f = Symbol("f")
    g = FunctionGraph([x, y], [f(inplace(x), view(x))])
    g.attach_feature(gof.DestroyHandler())
    assert not g.consistent()
    node = g.outputs[0].owner.inputs[1].owner
    g.replace_validate(node.outputs[0], f(g.inputs[0]))
    assert g.consistent()
    assert [str(n.op) for n in g.toposort()] == ["f", "inplace", "f"]
    assert [str(n.op) for n in g.destroyers(g.inputs[0])] == ["inplace"]


def test_copies_and_pickles():
    x = T.dvector("x")
    g = FunctionGraph([x], [T.exp(x) + 1])
    copy, became = g.clone_get_equiv()
    assert str(copy) == str(g) and became[g.inputs[0]] is copy.inputs[0]
    g.replace(g.outputs[0], g.inputs[0])
    again = pickle.loads(pickle.dumps(copy))
    again.check_integrity()
    np.testing.assert_allclose(theano.function(again.inputs, again.outputs)([0.0])[0], [2.0])
    again.replace_validate(again.outputs[0], again.inputs[0])


def test_walks_over_graphs():
    x, y, z = things("xyz")
    f = Symbol("f")
    inner = f(x, y)
    out = f(inner, z)
    assert graph.inputs([out]) == [x, y, z]
    assert graph.as_string([x, y, z], [f(inner, inner)]) == ["f(*1 -> f(x, y), *1)"]
    inner.name = "inner"
    assert graph.as_string([inner], [out]) == ["f(inner, z)"]
    assert graph.io_toposort([z], [out]) == [inner.owner, out.owner]
    assert graph.list_of_nodes([], [out]) == [out.owner, inner.owner]
    assert graph.is_in_ancestors(out.owner, inner.owner)
    assert graph.io_connection_pattern([x, z], [inner, out]) == [[True, True], [False, True]]
    with graph.nodes_constructed() as made:
        new = f(x)
    assert made == [new]


def test_same_graphs():
    x, y = T.vectors("x", "y")
    assert graph.is_same_graph(x * 2 + y, x * 2 + y)
    assert not graph.is_same_graph(x * 2, y * 2)
    assert graph.is_same_graph(x * 2, y * 2, givens={y: x})
    assert not graph.is_same_graph(x * (y * x), (x * y) * x)


def test_utilities(capsys):
    class Pair(utils.object2):
        __props__ = ("a", "b")

        def __init__(self, a, b):
            self.a, self.b = a, b

    assert Pair(1, 2) == Pair(1, 2) != Pair(1, 3)
    assert hash(Pair(1, 2)) == hash(Pair(1, 2))
    assert str(Pair(1, "x")) == "Pair{a=1, b='x'}"
    assert Pair(1, 2)._props_dict() == {"a": 1, "b": 2}
    with pytest.raises(TypeError, match="tuple"):
        type(utils.object2)("Bad", (utils.object2,), {"__props__": ["a"]})

    calls = []
    twice = utils.memoize(lambda v: calls.append(v) or 2 * v)
    assert (twice(3), twice(3), calls) == (6, 6, [3])

    @utils.deprecated("here", "use that")
    def old():
        return 1

    assert old() == old() == 1
    assert capsys.readouterr().out == "WARNING: here.old deprecated. use that\n"
    assert utils.uniq([1, [], 1, []]) == [1, []]
    assert utils.difference([1, [2], 3], [[2]]) == [1, 3]
    assert utils.flatten([1, (2, [3])]) == [1, 2, 3]
    assert utils.hist("aab") == {"a": 2, "b": 1}
    assert utils.toposort({1: {2}, 2: set(), 3: {1}}) == [2, 1, 3]
    assert not utils.ABORT and utils.ANY_TYPE
    assert utils.hash_from_code("abc") == (
        "mba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    variables = T.vector("v"), T.vector(), T.vector("v")
    utils.give_variables_names(variables)
    assert [v.name for v in variables] == ["v_0", "_1", "v_2"]


def make_vector():
    return T.vector("v")


def test_variables_know_who_made_them():
    with theano.change_flags(**{"traceback.limit": 2}):
        v = make_vector()
    (calls,) = v.tag.trace
    assert [c[2] for c in calls] == ["test_variables_know_who_made_them", "make_vector"]
    assert calls[1][3] == 'return T.vector("v")'
    assert "make_vector" in utils.get_variable_trace_string(v)
    with theano.change_flags(**{"traceback.limit": 0}):
        assert not hasattr(make_vector().tag, "trace")
    out = v + 1
    gof.opt.copy_stack_trace(v, out)
    assert len(out.tag.trace) == 2
    assert gof.opt.check_stack_trace(theano.function([v], out), "all")
    with gof.opt.inherit_stack_trace(v):
        new = T.exp(v)
    assert len(new.tag.trace) == 2
