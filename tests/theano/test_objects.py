"""Python objects as inputs, outputs and intermediate values of functions."""

import threading

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.gof import Apply, Op, Type, generic, objects


class Item(Op):
    """Reads an array out of a dict."""

    __props__ = ("key",)

    def __init__(self, key):
        self.key = key

    def make_node(self, table):
        return Apply(self, [table], [T.dvector()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = np.asarray(inputs[0][self.key], "float64")


class With(Op):
    """Puts an array into a copy of a dict; counts them too."""

    __props__ = ()

    def make_node(self, table, x):
        return Apply(self, [table, T.as_tensor_variable(x)], [generic(), T.lscalar()])

    def perform(self, node, inputs, output_storage, params=None):
        made = dict(inputs[0], new=inputs[1])
        output_storage[0][0], output_storage[1][0] = made, np.asarray(len(made))


class Name(Type):
    """Texts, as a program would write a type."""

    def filter(self, x, strict=False, allow_downcast=None):
        if not isinstance(x, str):
            raise TypeError(f"a text, not {x!r}")
        return x

    def __eq__(self, other) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return "Name"


@theano.as_op(itypes=[Name(), T.lscalar], otypes=[Name()])
def repeated(text, times):
    return text * int(times)


@pytest.fixture(autouse=True)
def nothing_left():
    """What a call makes is gone at its end."""
    before = len(objects._objects)
    yield
    assert len(objects._objects) - before < 4


class TestStages:
    """Objects before, between and behind native code."""

    def test_object_in_array_out(self):
        table = generic("table")
        f = theano.function([table], Item("x")(table) * 2 + 1)
        np.testing.assert_array_equal(f({"x": [1, 2]}), [3, 5])
        np.testing.assert_array_equal(f({"x": [1, 2, 3]}), [3, 5, 7])
        np.testing.assert_array_equal(f(table={"x": []}), [])

    def test_array_in_object_out(self):
        table, x = generic("table"), T.dvector("x")
        made, count = With()(table, T.exp(x))
        f = theano.function([table, x], [made, count + 1, x.sum()])
        found, number, total = f({"a": 1}, [0, 0])
        np.testing.assert_array_equal(found["new"], [1, 1])
        assert (found["a"], int(number), float(total)) == (1, 3, 0)

    def test_native_between_objects(self):
        table, x = generic("table"), T.dvector("x")
        first, _ = With()(table, x * 2)
        between = T.tanh(Item("new")(first)) + 1
        second, _ = With()(first, between)
        f = theano.function([table, x], second)
        found = f({}, [0, 1])
        np.testing.assert_allclose(found["new"], np.tanh([0, 2]) + 1)

    def test_what_is_mutated_is_the_programs(self):
        table = generic("table")
        f = theano.function([table], [table, Item("x")(table)])
        given = {"x": [1.0]}
        out, _ = f(given)
        assert out == given
        assert out is not given

    def test_same_object_changed_between_calls(self):
        table = generic("table")
        f = theano.function([table], Item("x")(table).sum())
        given = {"x": [1.0]}
        assert f(given) == 1
        given["x"] = [5.0]
        assert f(given) == 5

    def test_two_threads(self):
        table = generic("table")
        f = theano.function([table], Item("x")(table) + 1)
        found = {}

        def run(k):
            for _ in range(20):
                found.setdefault(k, []).append(f({"x": [k]})[0])

        threads = [threading.Thread(target=run, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {k: [k + 1] * 20 for k in range(3)}


class TestTypesOfPrograms:
    """A type that a program writes."""

    def test_function(self):
        name, n = Name()("name"), T.lscalar("n")
        f = theano.function([name, n], repeated(name, n + 1))
        assert f("ab", 1) == "abab"
        with pytest.raises(TypeError, match="a text"):
            f(3, 1)

    def test_constant(self):
        n = T.lscalar("n")
        text = Name().make_constant("xy")
        assert theano.function([n], repeated(text, n))(2) == "xyxy"
        assert text.equals(Name().make_constant("xy"))
        assert not text.equals(Name().make_constant("xz"))


class TestShared:
    """Shared variables that hold any object."""

    def test_value(self):
        held = theano.shared({"x": [1.0]}, "held")
        f = theano.function([], Item("x")(held))
        np.testing.assert_array_equal(f(), [1])
        held.set_value({"x": [2.0, 3.0]})
        np.testing.assert_array_equal(f(), [2, 3])
        held.get_value(borrow=True)["x"] = [4.0]
        np.testing.assert_array_equal(f(), [4])

    def test_updates(self):
        held, x = theano.shared({}, "held"), T.dvector("x")
        made, count = With()(held, x)
        f = theano.function([x], count, updates=[(held, made)])
        assert f([1.0]) == 1
        np.testing.assert_array_equal(held.get_value()["new"], [1])
        assert f([2.0, 3.0]) == 1
        np.testing.assert_array_equal(held.get_value()["new"], [2, 3])

    def test_classes_and_none(self):
        assert theano.shared(np.float32).get_value() is np.float32
        assert theano.shared(None).get_value() is None

    def test_givens_and_defaults(self):
        table = generic("table")
        out = Item("x")(table) * 2
        held = theano.shared({"x": [3.0]})
        np.testing.assert_array_equal(theano.function([], out, givens={table: held})(), [6])
        f = theano.function([theano.In(table, value={"x": [1.0]})], out)
        np.testing.assert_array_equal(f(), [2])
        np.testing.assert_array_equal(f({"x": [4.0]}), [8])


class TestRandomStates:
    """States of NumPy's generator are objects to programs."""

    def test_in_and_out(self):
        from agnesi.theano.tensor import raw_random

        state = raw_random.random_state_type("state")
        after, numbers = raw_random.uniform(state, (3,))
        f = theano.function([state], [after, numbers])
        after, numbers = f(np.random.RandomState(5))
        twin = np.random.RandomState(5)
        np.testing.assert_array_equal(numbers, twin.uniform(size=3))
        assert after.uniform() == twin.uniform()


def test_a_number_of_another_process():
    with pytest.raises(RuntimeError, match="is gone"):
        objects.object_of(3)


def test_test_values():
    table = generic("table")
    table.tag.test_value = {"x": [1.0, 2.0]}
    with theano.change_flags(compute_test_value="raise"):
        out = Item("x")(table)
    np.testing.assert_array_equal(out.tag.test_value, [1, 2])


class TestSlices:
    """Slices and None as variables."""

    def test_made(self):
        from agnesi.theano.tensor.type_other import NoneConst, make_slice, slicetype

        i = T.iscalar("i")
        f = theano.function([i], make_slice(i, None, 2))
        assert f(3) == slice(3, None, 2)
        assert make_slice(slice(1, i)).owner.inputs[2] is NoneConst
        assert make_slice(i, None, 2).owner.inputs[1].equals(NoneConst)
        with pytest.raises(TypeError, match="index must be integers"):
            make_slice(T.dscalar())
        assert str(slicetype.make_constant(slice(np.int64(1), None))) == (
            "SliceConstant{1, None, None}"
        )
        x = T.dvector("x")
        g = theano.function([x, i], x[make_slice(i, None)])
        np.testing.assert_array_equal(g([1, 2, 3], 1), [2, 3])

    def test_given(self):
        from agnesi.theano.tensor.type_other import slicetype

        x, s = T.dmatrix("x"), slicetype("s")
        f = theano.function([x, s], x[s] * 2)
        data = np.arange(12.0).reshape(4, 3)
        np.testing.assert_array_equal(f(data, slice(1, 3)), data[1:3] * 2)
        np.testing.assert_array_equal(f(data, slice(None, None, -1)), data[::-1] * 2)
        g = theano.function([x, s], x[s, s])
        np.testing.assert_array_equal(g(data, slice(1, 2)), data[1:2, 1:2])
        with pytest.raises(TypeError, match="Expected a slice"):
            f(data, 1)
        with pytest.raises(TypeError, match="read twice"):
            x[s, 0]


def test_modes_that_run_step_by_step():
    from agnesi.theano.compile.monitormode import MonitorMode

    seen = []
    table, x, held = generic("table"), T.dvector("x"), theano.shared({}, "held")
    made, _ = With()(table, x * 2)
    f = theano.function(
        [table, x],
        [made, Item("new")(made) + 1],
        updates=[(held, made)],
        mode=MonitorMode(post_func=lambda i, node, fn: seen.append(str(node.op))),
    )
    out, numbers = f({}, [1.0])
    np.testing.assert_array_equal(out["new"], [2])
    np.testing.assert_array_equal(numbers, [3])
    np.testing.assert_array_equal(held.get_value()["new"], [2])
    assert "With" in seen


def test_functions_are_pickled(tmp_path):
    import pickle
    import subprocess
    import sys

    from agnesi.theano.tensor.type_other import make_slice
    from agnesi.theano.typed_list import TypedListType

    x, i = TypedListType(T.dvector)("x"), T.lscalar("i")
    f = theano.function([x, i], [x[1:], x[0] * 2, make_slice(i, None)], profile=True)
    given = [np.ones(1), np.zeros(2)], 3
    f(*given)
    again = pickle.loads(pickle.dumps(f))(*given)
    assert again[2] == slice(3, None)
    (tmp_path / "f").write_bytes(pickle.dumps(f))
    code = (
        "import pickle, numpy as np, sys, agnesi.theano;"
        "f = pickle.load(open(sys.argv[1], 'rb'));"
        "print(f([np.ones(1), np.zeros(2)], 3))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "f"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[[array([0., 0.])], array([2.]), slice(3, None, None)]\n"


@pytest.mark.parametrize("mode", ["DebugMode", "NanGuardMode"])
def test_modes_that_check(mode):
    from agnesi.theano.typed_list import TypedListType, length

    x, m = TypedListType(T.dvector)("x"), T.dvector("m")
    if mode == "NanGuardMode":
        mode = theano.compile.nanguardmode.NanGuardMode(True, True, True)
    f = theano.function([x, m], [x.append(m * 2)[1].sum(), length(x.reverse())], mode=mode)
    assert f([np.ones(2)], np.ones(3)) == [6, 1]


def test_parameters_of_ops():
    class Scaled(Op):
        __props__ = ("factor",)
        params_type = generic

        def __init__(self, factor):
            self.factor = factor

        def get_params(self, node):
            return {"factor": self.factor}

        def make_node(self, x):
            return Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage, params):
            output_storage[0][0] = inputs[0] * params["factor"]

    x = T.dvector("x")
    assert theano.function([x], Scaled(3)(x))([1.0, 2.0]).tolist() == [3, 6]


def test_objects_live_as_long_as_somebody_holds_them():
    import gc
    import pickle

    held = theano.shared({"x": [1.0]}, "held")
    twin = held.clone()
    del held
    gc.collect()
    np.testing.assert_array_equal(theano.function([], Item("x")(twin))(), [1])
    again = pickle.loads(pickle.dumps(twin))
    again.set_value({"x": [3.0]})
    np.testing.assert_array_equal(theano.function([], Item("x")(again))(), [3])
    np.testing.assert_array_equal(theano.function([], Item("x")(twin))(), [1])
    before = len(objects._objects)
    table, more = generic.make_constant({"x": [2.0]}), theano.shared([1])
    assert len(objects._objects) == before + 2
    del table, more
    gc.collect()
    assert len(objects._objects) == before
