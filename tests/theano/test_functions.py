"""Functions as objects: containers, copies, makers, pickles, and calls that go wrong."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import subprocess
import sys
import weakref
import zipfile

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.compile import FunctionMaker, function_module, pfunc, rebuild_collect_shared
from agnesi.theano.compile.sharedvalue import Container
from agnesi.theano.misc import pkl_utils


def accumulator():
    """Return a function with a default and a state, and its variables."""
    a = T.scalar()
    x, s = T.scalars("xs")
    f = theano.function(
        [x, theano.In(a, value=1.0, name="a"), theano.In(s, value=0.0, update=s + a * x)],
        s + a * x,
    )
    return f, a, x, s


# -- values and containers -------------------------------------------------------------------------


def test_values_by_variable_name_and_number():
    f, a, x, s = accumulator()
    assert (f[a], f["a"], f[1], f[s], f.value[s]) == (1, 1, 1, 0, 0)
    assert f(3.0) == 3
    assert f(3.0, a=2.0) == 9
    assert (f[a], f[s]) == (1, 9)
    f[a] = 5.0
    assert f(3.0) == 24
    # A default that was set is for one call.
    assert f[a] == 1
    f.container[s].value = 0
    assert f(1.0) == 1
    assert a in f
    assert "nothing" not in f
    with pytest.raises(KeyError):
        f.container["nothing"]
    with pytest.raises(TypeError, match="Unknown input or state: nothing"):
        f["nothing"]
    with pytest.raises(TypeError, match=r"The function has 3 named inputs \(x, a, s\)"):
        f["nothing"] = 1
    assert f.container[x].value is None
    assert isinstance(f.container[s].storage, list)
    assert [d[:2] for d in f.defaults] == [(True, False), (False, True), (False, False)]


def test_functions_share_a_state():
    x, s = T.scalars("xs")
    inc = theano.function([x, theano.In(s, update=s + x, value=10.0)], [])
    dec = theano.function(
        [x, theano.In(s, update=s - x, value=inc.container[s], implicit=False)], []
    )
    assert dec[s] is inc[s]
    inc[s] = 2
    assert dec[s] == 2
    dec(1)
    assert inc[s] == 1
    # What is shared may not be given, unless it is said.
    other = theano.function([x, theano.In(s, value=inc.container[s])], s + x)
    assert other(1.0) == 2
    with pytest.raises(TypeError, match="implicit input: s"):
        other(1.0, 2.0)
    w = theano.shared(3.0, "w")
    held = theano.function([x, theano.In(s, value=w)], s + x)
    w.set_value(5.0)
    assert held(1.0) == 6


def test_states_survive_new_sizes_of_shared_variables():
    f_state, w = T.scalar("s"), theano.shared(np.ones(2), "w")
    f = theano.function([theano.In(f_state, value=1.0, update=f_state + 1)], w.sum() * f_state)
    assert f() == 2
    w.set_value(np.ones(3))
    assert f() == 6


def test_shared_variables_are_values_too():
    x, w = T.dscalar("x"), theano.shared(2.0, "w")
    f = theano.function([x], x + w)
    assert (f[w], f["w"]) == (2, 2)
    f["w"] = 3.0
    assert (f(1.0), w.get_value()) == (4, 3)
    assert f.container[w] is w.container
    w.container.storage[0] = np.array(7.0)
    assert f(0.0) == 7
    assert w.container.data == 7
    with pytest.raises(TypeError, match="implicit input: w"):
        f(1.0, w=2.0)


def test_a_container_of_a_programs_own():
    held = Container(T.dvector("v"), [None], name="mine")
    held.value = [1, 2]
    assert held.value.tolist() == [1, 2]
    assert str(held) == "<[1. 2.]>"
    fixed = Container(T.dvector, [np.zeros(1)], readonly=True)
    with pytest.raises(Exception, match="readonly"):
        fixed.value = [1]
    with pytest.raises(TypeError):
        Container(T.dvector, np.zeros(1))


# -- calls that go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("direct", [True, False])
def test_what_is_said_of_wrong_arguments(direct):
    x = T.dvector("x")
    inputs = [x] if direct else [x, theano.In(T.dscalar("y"), value=1.0)]
    f = theano.function(inputs, x * 2, name="mine", on_unused_input="ignore")
    np.testing.assert_array_equal(f(x=[1, 2]), [2, 4])
    text = r'Bad input argument to theano function with name "mine" at index 0 \(0-based\)'
    with pytest.raises(TypeError, match=text) as caught:
        f(np.ones((2, 2)))
    assert "Backtrace when that variable is created" in str(caught.value)
    assert 'x = T.dvector("x")' in str(caught.value)
    with pytest.raises(ValueError, match=text):
        f("a")
    with pytest.raises(TypeError, match=r'Bad input argument with name "x" to theano'):
        f(x)
    with pytest.raises(TypeError, match="Missing required input: x"):
        f()
    with pytest.raises(TypeError, match="Too many parameter passed"):
        f([1], 2, 3)
    with pytest.raises(TypeError, match=r"Unknown input or state: z\. The function has"):
        f(z=[1])
    with pytest.raises(TypeError, match=r"Multiple values|Too many"):
        f([1], x=[1])


def test_what_may_be_lost_in_arguments():
    x = T.fvector("x")
    f = theano.function([x], x)
    with pytest.raises(TypeError, match="risking loss"):
        f(np.ones(2))
    g = theano.function([x], x, allow_input_downcast=True)
    assert g(np.ones(2)).dtype == np.float32
    h = theano.function([theano.In(x, strict=True)], x)
    with pytest.raises(TypeError, match="expected a ndarray"):
        h([1.0])


def test_functions_that_cannot_be():
    x, y = T.dscalars("x", "y")
    z = x * y
    with pytest.raises(theano.compile.UnusedInputError):
        theano.function([x, z], z * 2)
    assert theano.function([z], z * 2)(3) == 6
    with pytest.raises(theano.compile.UnusedInputError):
        theano.function([y], [x])
    with pytest.raises(RuntimeError, match="givens"):
        theano.function([x], y, givens={x: x + 1})
    with pytest.raises(TypeError, match="boolean or a list"):
        theano.function([], y, no_default_updates="y")
    with pytest.raises(AssertionError, match="mutable"):
        theano.In(x, mutable=True, borrow=False)
    with pytest.raises(theano.gof.MissingInputError):
        theano.function([theano.In(x, update=x + y, value=1.0)], [])


def test_givens_of_a_variable_with_an_update_of_its_own():
    a = theano.shared(1.0, "a")
    a.default_update = a + 3
    f = theano.function([], a + 10, givens={a: a + 10})
    assert [float(f()), float(f())] == [21, 34]
    del a.default_update
    assert a.default_update is None


def test_an_input_that_only_an_update_of_a_shared_variable_uses():
    x, y, a = theano.shared(0), theano.shared(1), T.lscalar("a")
    x.default_update = y
    y.default_update = y + a
    f = theano.function([a], x)
    assert [int(f(2)), int(f(2)), int(f(2))] == [0, 1, 3]
    with pytest.raises(theano.compile.UnusedInputError):
        theano.function([a], x, no_default_updates=True)


# -- copies and pickles ----------------------------------------------------------------------------


def test_copies_have_states_of_their_own_and_give_lists():
    f, a, x, s = accumulator()
    f(2.0)
    g = copy.copy(f)
    assert g.container[s] is not f.container[s]
    assert g[a] is f[a]
    assert f(2.0) == g(2.0)[0]
    f(1.0, 2.0)
    assert f(1.0) != g(1.0)[0]
    assert g.name == f"{f.name} copy"
    assert f.copy(name="q").name == "q"
    both = theano.function([x], {"a": x, "b": x + 1})
    assert both.copy()(1.0) == [1, 2]


def test_deep_copies_share_what_was_shared():
    f, _, x, s = accumulator()
    y = T.scalar("y")
    h = theano.function([y, theano.In(s, value=f.container[s])], s + y)
    w = theano.shared(1.0, "w")
    k = theano.function([x], x + w, updates=[(w, w + 1)])
    f2, h2, k2, w2 = copy.deepcopy([f, h, k, w])
    f(1.0)
    assert (h(0.0), h2(0.0)) == (1, 0)
    f2(5.0)
    assert (h(0.0), h2(0.0)) == (1, 5)
    k2(1.0)
    assert (w.get_value(), w2.get_value()) == (1, 2)
    memo: dict[int, object] = {}
    s3 = copy.deepcopy(s, memo)
    f3 = copy.deepcopy(f, memo)
    assert f3[s3] == f[s]
    assert s not in f3
    f.trust_input = True
    assert copy.deepcopy(f).trust_input is True


def test_pickles_of_functions():
    f, _, x, _ = accumulator()
    f(2.0)
    for protocol in (0, 2, 4):
        g = pickle.loads(pickle.dumps(f, protocol))
        assert (g["s"], g(1.0)) == (2, 3)
    with theano.change_flags(unpickle_function=False):
        assert pickle.loads(pickle.dumps(f)) is None
    w = theano.shared(1.0, "w")
    k = theano.function([x], x + w, updates=[(w, w + 1)], profile=theano.ProfileStats(False))
    k2, w2 = pickle.loads(pickle.dumps((k, w)))
    k2(1.0)
    assert (w.get_value(), w2.get_value()) == (1, 2)


def test_test_values_need_not_be_pickled():
    x = T.dscalar("x")
    x.tag.test_value = np.array(1.0)
    assert pickle.loads(pickle.dumps(x)).tag.test_value == 1
    with theano.change_flags(pickle_test_value=False):
        assert not hasattr(pickle.loads(pickle.dumps(x)).tag, "test_value")
    assert theano.function([x], x, name="mine").maker.fgraph.name == "mine"


def test_functions_are_let_go():
    x = T.dscalar("x")
    f = theano.function([x], x + 1)
    f(1)
    known = weakref.ref(f)
    del f
    gc.collect()
    assert known() is None


# -- makers and other names ------------------------------------------------------------------------


def test_makers_of_functions():
    x, w = T.dscalar("x"), theano.shared(1.0, "w")
    f = theano.function([x], x + w, updates=[(w, w + 1)])
    assert isinstance(f.maker, FunctionMaker)
    assert [i.variable for i in f.maker.inputs] == [x, w]
    assert f.maker.inputs[1].value is w.container
    assert f.maker.inputs[1].update is not None
    assert (f.maker.unpack_single, f.maker.return_none) == (True, False)
    maker = FunctionMaker([theano.In(x, value=2.0)], [x * 3], name="mine")
    g = maker.create()
    assert (g(), g.name) == ([6], "mine")
    assert maker.create([5.0])() == [15]
    h = function_module.orig_function([x], x + 1, output_keys=None)
    assert h(1.0) == 2
    assert FunctionMaker([x], [x, x + 1], output_keys=["a", "b"]).create()(1.0)["b"] == 2


def test_inputs_in_every_form():
    x, y = T.dscalars("x", "y")
    convert = theano.compile.convert_function_input
    assert convert(x).variable is x
    assert convert(("name", x)).name == "name"
    assert convert((x, 3.0)).value == 3
    assert convert(([x, x + 1], 3.0)).update is not None
    with pytest.raises(TypeError):
        convert(3)
    assert function_module.get_info_on_inputs([], 0) == "The function has no inputs."
    assert function_module.get_info_on_inputs(["a"], 0) == "The function has 1 named input (a)."
    assert "2 unnamed inputs" in function_module.get_info_on_inputs(["a"], 2)
    assert pfunc([x, y], [x + y], output_keys=["s"])(1, 2)["s"] == 3


def test_copies_of_graphs_with_shared_variables():
    x, w = T.dscalar("x"), theano.shared(1.0, "w")
    w.default_update = w + 2
    inputs, outputs, (became, changes, _, every) = rebuild_collect_shared(
        [x * w], [x], replace={x: x + 1}
    )
    assert inputs[0].eval({x: 1.0}) == 2
    assert outputs[0].eval({x: 1.0}) == 2
    assert list(changes) == every == [w]
    assert became[x] is inputs[0]
    fresh, made, _ = rebuild_collect_shared(x * 2, [x], copy_inputs_over=False)
    assert fresh[0] is not x
    assert made.eval({fresh[0]: 3.0}) == 6


def test_checkers_see_inputs(monkeypatch):
    monkeypatch.setattr(function_module, "_checkers", [])
    seen = []
    theano.compile.register_checker(lambda variable, storage: seen.append(variable))
    x = T.dscalar("x")
    theano.function([x], x)
    assert seen == [x]


def test_a_name_from_the_programs_line():
    x = T.dscalar("x")
    f = theano.function([x], x)
    assert f.name.startswith(__file__)
    assert theano.function([x], None, on_unused_input="ignore").return_none


# -- files -----------------------------------------------------------------------------------------


def test_a_call_of_function_in_a_file(tmp_path):
    x = T.dscalar("x")
    x.tag.test_value, x.tag.other = np.array(1.0), "kept"
    path = tmp_path / "dump.pkl"
    theano.function_dump(path, [x], x + 1, extra_tag_to_remove=["gone"])
    arguments = pickle.loads(path.read_bytes())
    assert arguments["name"] is None
    variable = arguments["inputs"][0]
    assert variable.tag.other == "kept"
    assert not hasattr(variable.tag, "test_value")
    assert theano.function(**arguments)(1.0) == 2
    # What was dumped is as it was.
    assert x.tag.test_value == 1


def test_archives_of_shared_variables():
    first, second, third = (theano.shared(np.arange(k + 1.0), n) for k, n in enumerate("xxy"))
    array = np.array([9.0])
    file = io.BytesIO()
    pkl_utils.dump((first, second, third, theano.shared(np.zeros(1)), array, array), file)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["x", "x_2", "y", "array_0", "array_1", "pkl"]
    file.seek(0)
    np.testing.assert_array_equal(np.load(file)["x_2"], [0, 1])
    file.seek(0)
    a, b, c, _, e, g = pkl_utils.load(file)
    assert [v.name for v in (a, b, c)] == ["x", "x", "y"]
    np.testing.assert_array_equal(c.get_value(), [0, 1, 2])
    assert e is g
    twice = lambda z: pkl_utils.PersistentSharedVariableID(z, allow_duplicates=False)  # noqa: E731
    with pytest.raises(ValueError, match="multiple shared variables"):
        pkl_utils.dump((first, second), io.BytesIO(), persistent_id=twice)
    unnamed = lambda z: pkl_utils.PersistentSharedVariableID(z, allow_unnamed=False)  # noqa: E731
    with pytest.raises(ValueError, match="unnamed"):
        pkl_utils.dump(theano.shared(1.0), io.BytesIO(), persistent_id=unnamed)
    with pytest.raises(ValueError, match="name `pkl`"):
        pkl_utils.dump(theano.shared(1.0, "pkl"), io.BytesIO())


def test_pickles_of_python_2():
    old = b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR."
    assert pkl_utils.CompatUnpickler(io.BytesIO(old)).load() == np.float64
    text = io.BytesIO()
    pkl_utils.StripPickler(text, protocol=2).dump([1, T.dscalar("x")])
    text.seek(0)
    assert pkl_utils.CompatUnpickler(text, encoding="latin1").load()[1].name == "x"


def test_names_that_are_modules_and_functions_under_the_alias():
    code = (
        "from theano.compile.pfunc import pfunc, rebuild_collect_shared\n"
        "from theano.compile.function import function_dump\n"
        "import theano, theano.compile.pfunc\n"
        "x = theano.tensor.dscalar()\n"
        "print(theano.compile.pfunc([x], x)(1), theano.compile.function([x], x)(2))\n"
        "from theano.version import version\n"
        "print(version, theano.__version__)\n"
    )
    prelude = "from agnesi.theano.alias import install; install()\n"
    done = subprocess.run(
        [sys.executable, "-c", prelude + code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == ["1.0 2.0", "1.0.5 1.0.5"]
