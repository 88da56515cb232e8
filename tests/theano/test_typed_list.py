"""Lists of arrays as variables."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import typed_list
from agnesi.theano.typed_list import TypedListType

KIND = T.dmatrix


@pytest.fixture
def items():
    rng = np.random.default_rng(3)
    return [rng.normal(size=(k + 1, 2)) for k in range(3)]


def same(found, wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


class TestType:
    """What fits."""

    def test_values(self, items):
        kind = TypedListType(KIND)
        same(kind.filter(items), items)
        same(kind.filter(items, strict=True), items)
        for bad in ([np.zeros(2)], [None]):
            with pytest.raises(TypeError):
                kind.filter(bad)
        with pytest.raises(TypeError, match="python list"):
            kind.filter((1, 2), strict=True)
        assert kind.values_eq(items, [x.copy() for x in items])
        assert not kind.values_eq(items, items[:2])
        assert kind.may_share_memory(items, items[1:])
        assert not kind.may_share_memory(items, [items[0].copy()])

    def test_depth(self, items):
        kind = TypedListType(KIND, 2)
        assert kind == TypedListType(TypedListType(TypedListType(KIND)))
        assert hash(kind) == hash(TypedListType(KIND, 2))
        assert kind.get_depth() == 2
        assert kind != TypedListType(KIND, 1)
        assert str(TypedListType(T.dvector)) == "TypedList <TensorType(float64, vector)>"
        same(kind.filter([[items]])[0][0], items)
        with pytest.raises(ValueError, match="depth"):
            TypedListType(KIND, -1)
        with pytest.raises(TypeError, match="Type"):
            TypedListType(3)

    def test_variables(self):
        x = TypedListType(KIND)("x")
        assert (x.ttype, x.dtype, x.ndim) == (KIND, "float64", 3)


class TestOps:
    """What is done with lists."""

    @pytest.fixture
    def x(self):
        return TypedListType(KIND)("x")

    def test_reading(self, x, items):
        i = T.lscalar("i")
        f = theano.function([x, i], [x[i], x[1] * 2, x[1:]])
        one, twice, rest = f(items, 2)
        np.testing.assert_array_equal(one, items[2])
        np.testing.assert_array_equal(twice, items[1] * 2)
        same(rest, items[1:])
        with pytest.raises(TypeError, match="Expected scalar or slice"):
            x[T.dvector()]
        with pytest.raises(AssertionError, match="int64"):
            x[T.iscalar()]

    def test_changing(self, x, items):
        m = KIND("m")
        f = theano.function(
            [x, m], [x.append(m), x.extend(x), x.insert(1, m), x.reverse(), x.remove(m)]
        )
        given = list(items)
        appended, doubled, inserted, turned, removed = f(given, items[0])
        same(appended, [*items, items[0]])
        same(doubled, items * 2)
        same(inserted, [items[0], items[0], *items[1:]])
        same(turned, items[::-1])
        same(removed, items[1:])
        same(given, items)

    def test_counting(self, x, items):
        m = KIND("m")
        f = theano.function([x, m], [typed_list.length(x), x.count(m), x.ind(m)])
        length, count, place = f([*items, items[1]], items[1])
        assert (length, count, place) == (4, 2, 1)
        assert (length.dtype, count.dtype) == (np.int64, np.dtype(theano.config.floatX))
        with pytest.raises(ValueError, match="not in the list"):
            f(items, np.zeros((1, 2)))

    def test_making(self, items):
        a, b = KIND("a"), KIND("b")
        made = typed_list.make_list((a, b * 2))
        f = theano.function([a, b], [made, made[0] + 1])
        found, more = f(items[0], items[1])
        same(found, [items[0], items[1] * 2])
        np.testing.assert_array_equal(more, items[0] + 1)
        with pytest.raises(TypeError, match="same type"):
            typed_list.make_list((a, T.dvector()))

    def test_lists_of_lists(self, items):
        x = TypedListType(KIND, 1)("x")
        same(theano.function([x], x[0])([items, items[:1]]), items)

    def test_wrong_elements(self, x):
        for change in (typed_list.append, typed_list.remove, typed_list.count):
            with pytest.raises(AssertionError, match="is wanted"):
                change(x, T.fmatrix())
        with pytest.raises(AssertionError, match="is wanted"):
            typed_list.extend(x, KIND())

    def test_shared_and_constants(self, x, items):
        held = theano.compile.sharedvalue.SharedVariable("h", x.type, list(items), False)
        longer = typed_list.append(held, typed_list.getitem(held, 0) * 2)
        theano.function([], [], updates=[(held, longer)])()
        same(held.get_value(), [*items, items[0] * 2])
        known = typed_list.TypedListConstant(x.type, items)
        same(theano.function([], known.reverse())(), items[::-1])

    def test_in_one_computation_with_gradients(self, x, items):
        w = theano.shared(2.0, "w")
        cost = ((x[0] * w) ** 2).sum()
        f = theano.function([x], theano.grad(cost, w))
        np.testing.assert_allclose(f(items), 2 * 2.0 * (items[0] ** 2).sum())


def test_lists_of_sparse_matrices():
    import scipy.sparse

    from agnesi.theano import sparse

    x, s = TypedListType(sparse.SparseType("csr", "float64"))("x"), sparse.csr_matrix("s")
    a, b = (scipy.sparse.random(5, 4, 0.3, "csr", random_state=k) for k in range(2))
    f = theano.function([x, s], [x.ind(s), x[0], x.append(s)], allow_input_downcast=True)
    place, first, longer = f([a, b], b)
    assert place == 1
    assert (first != a).nnz == 0
    assert len(longer) == 3
    assert (longer[2] != b).nnz == 0


def test_memory_of_sparse_matrices():
    import scipy.sparse

    from agnesi.theano.misc.may_share_memory import may_share_memory

    a = scipy.sparse.random(5, 4, 0.3, "csr", random_state=1)
    assert may_share_memory(a, a)
    assert may_share_memory(a, a.data[1:])
    assert not may_share_memory(a, a.copy())
    assert not may_share_memory(a, 3, raise_other_type=False)
    with pytest.raises(TypeError, match="arrays"):
        may_share_memory(a, 3)
