"""What programs and their tests use beside graphs: copies, recordings, checks."""

from io import StringIO

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.scan_module import scan_utils
from agnesi.theano.tests import record, unittest_tools
from agnesi.theano.tests.disturb_mem import disturb_mem


class TestScanUtils:
    """theano.scan_module.scan_utils."""

    def test_safe_new(self):
        x = T.fmatrix("x")
        new = scan_utils.safe_new(x, "_copy")
        assert (new.name, new.type, new is x) == ("x_copy", x.type, False)
        assert scan_utils.safe_new(x, dtype="float64").dtype == "float64"
        number = scan_utils.safe_new(T.constant(2, dtype="int8"), dtype="float32")
        assert (number.dtype, float(number.data)) == ("float32", 2.0)

    def test_reconstruct(self):
        x, w = T.dvector("x"), theano.shared(3.0, "w")
        (new,), (out,) = scan_utils.reconstruct_graph([x], [w * x], "_b")
        assert new.name == "x_b"
        np.testing.assert_array_equal(theano.function([new], out)([1, 2]), [3, 6])

    def test_forced_replace(self):
        x, y = T.dvectors("x", "y")
        out = T.nnet.sigmoid(x) * (1 - T.nnet.sigmoid(x))
        new = scan_utils.forced_replace(out, T.nnet.sigmoid(x), y)
        np.testing.assert_array_equal(theano.function([y], new)([2.0]), [-2])

    def test_equal_computations(self):
        a, b, c, d = T.dscalars("a", "b", "c", "d")
        same = scan_utils.equal_computations
        assert same([a + b], [a + b])
        assert not same([a + b], [a - b])
        assert not same([a + b], [c + d])
        assert same([a + b], [c + d], [a, b], [c, d])

    def test_infer_shape(self):
        x = T.dmatrix("x")
        (shape,) = scan_utils.infer_shape([T.dot(x, x.T)], [x], [(T.constant(4), T.constant(5))])
        assert theano.function([], list(shape))() == [4, 4]

    def test_small_ones(self):
        x = T.dvector("x")
        grown = theano.function([x], scan_utils.expand_empty(x, 2))([1, 2])
        assert grown.shape == (4,)
        assert scan_utils.expand_empty(x, 0) is x
        assert list(grown[:2]) == [1, 2]
        checks = {None: True, "a": True, 1.5: False, float("nan"): True, float("-inf"): True}
        assert {k: scan_utils.isNaN_or_Inf_or_None(k) for k in checks} == checks
        assert not scan_utils.isNaN_or_Inf_or_None(x)
        assert scan_utils.isNaN_or_Inf_or_None(T.constant(np.inf))
        nested = scan_utils.hash_listsDictsTuples
        assert nested([1, (2, {3: 4})]) == nested([1, (2, {3: 4})]) != nested([1, 2])
        assert scan_utils.traverse(T.exp(x) + 1, x, T.ones(3), {}).keys() == {x}

    def test_validator(self):
        x, y, z = T.dvectors("x", "y", "z")
        check = scan_utils.Validator(valid=[z], invalid=[y], valid_equivalent={x: z})
        out, same = check.check(T.exp(x) + 1)
        assert not same
        np.testing.assert_allclose(theano.function([z], out)([0.0]), [2])
        assert check.check(z * 2)[1]
        assert check.check(T.exp(y)) is None

    def test_map_variables_goes_into_loops(self):
        x, w = T.dvector("x"), theano.shared(10.0, "w")

        def step(a, s):
            total = a + s
            total.tag.instead = w * (a - s)
            return total

        sums, _ = theano.scan(step, x, T.constant(0.0, dtype="float64"))
        (new,) = scan_utils.map_variables(lambda v: getattr(v.tag, "instead", v), [sums * 2])
        before, after = theano.function([x], [sums * 2, new])([1.0, 2.0])
        np.testing.assert_array_equal(before, [2, 6])
        np.testing.assert_array_equal(after, [20, 2 * 10 * (2 - 10)])
        w.update = w + 1
        with pytest.raises(NotImplementedError, match="update associated"):
            scan_utils.map_variables(lambda v: getattr(v.tag, "instead", v), [sums])


class TestUnittestTools:
    """theano.tests.unittest_tools."""

    def test_seeds(self):
        assert unittest_tools.fetch_seed() == 666
        assert unittest_tools.fetch_seed("random") is None
        assert unittest_tools.fetch_seed(7) == 7
        unittest_tools.seed_rng(3)
        assert np.random.uniform() == np.random.RandomState(3).uniform()
        assert unittest_tools.MockRandomState(0).randint(5, 9)[0] == 5
        assert unittest_tools.MockRandomState(1).randint(5, size=2).tolist() == [4, 4]
        assert unittest_tools.MockRandomState(0.5).rand(2).tolist() == [0.5, 0.5]

    def test_closeness(self):
        unittest_tools.assert_allclose(np.float32(1), np.float32(1.00001))
        with pytest.raises(unittest_tools.WrongValue) as error:
            unittest_tools.assert_allclose(np.ones(2), np.array([1, 1.1]))
        said = str(error.value)
        assert "Max Abs Diff:  0.1" in said
        assert "rtol, atol: 1e-05 1e-08" in said
        unittest_tools.assert_allclose(1.0, 1.05, rtol=0.1)

    def test_gradients(self):
        unittest_tools.verify_grad(T.tanh, [np.ones(3)])
        with pytest.raises(unittest_tools.verify_grad.E_grad):
            unittest_tools.verify_grad(
                lambda x: theano.gradient.grad_clip(x, -0.1, 0.1) * 3, [np.ones(3)]
            )

    def test_many_times(self):
        seen = []

        @unittest_tools.AttemptManyTimes(n_attempts=4, n_req_successes=2)
        def test():
            seen.append(theano.config.unittests.rseed)
            assert int(seen[-1]) % 2

        test()
        assert seen == ["666", "667", "668", "669"]
        assert theano.config.unittests.rseed == "666"

    def test_shapes(self):
        class Check(unittest_tools.InferShapeTester):
            def runTest(self) -> None:
                x = T.dmatrix()
                self._compile_and_check([x], [T.dot(x, x.T)], [np.ones((2, 3))], type(out.owner.op))

        x = T.dmatrix()
        out = T.dot(x, x.T)
        Check().debug()

    def test_contract(self):
        class Ops(unittest_tools.T_OpContractMixin):
            ops = (theano.printing.Print("a"), theano.printing.Print("b"))

            def clone(self, op):
                return theano.printing.Print(op.message)

        for check in ("test_eq", "test_hash", "test_name"):
            getattr(Ops(), check)()


class TestRecord:
    """theano.tests.record."""

    def test_lines(self):
        out = StringIO()
        record.Record(file_object=out).handle_line("one\n")
        again = record.Record(file_object=StringIO(out.getvalue()), replay=True)
        again.handle_line("one\n")
        with pytest.raises(record.MismatchError, match="wanted to write"):
            again.handle_line("two\n")

    def test_mode(self, tmp_path):
        x = T.dvector("x")

        def run(value, replay=False):
            disturb_mem()
            mode = record.RecordMode(file_path=tmp_path / "r", replay=replay)
            with mode.record.f:
                theano.function([x], T.exp(x).sum(), mode=mode, name="f")(value)

        run([1.0, 2.0])
        run([1.0, 2.0], replay=True)
        with pytest.raises(record.MismatchError):
            run([1.0, 2.5], replay=True)


class TestMultinomial:
    """theano.sandbox.multinomial, with the numbers that Theano 1.0.5 gives."""

    @pytest.fixture
    def given(self):
        rng = np.random.RandomState(1)
        pvals = rng.uniform(size=(4, 5)).astype("float32")
        pvals /= pvals.sum(1, keepdims=True)
        return pvals, rng.uniform(size=12).astype("float32")

    def test_counts(self, given):
        from agnesi.theano.sandbox.multinomial import MultinomialFromUniform

        p, u, n = T.fmatrix("p"), T.fvector("u"), T.iscalar("n")
        out = MultinomialFromUniform("auto")(p, u, n)
        assert (str(out), out.dtype) == ("MultinomialFromUniform{auto}.0", "float32")
        found = theano.function([p, u, n], out)(*given, 3)
        assert found.tolist() == [
            [1, 0, 0, 2, 0],
            [0, 0, 0, 0, 3],
            [2, 1, 0, 0, 0],
            [1, 1, 1, 0, 0],
        ]
        assert MultinomialFromUniform("int16")(p, u, n).dtype == "int16"
        with pytest.raises(NotImplementedError, match="pvals ndim"):
            MultinomialFromUniform("auto")(u, u)

    def test_choices(self, given):
        from agnesi.theano.sandbox.multinomial import ChoiceFromUniform

        p, u = T.fmatrix("p"), T.fvector("u")
        f = theano.function([p, u], ChoiceFromUniform("auto")(p, u, 3))
        assert f(*given).tolist() == [[3, 1, 0], [4, 3, 2], [1, 0, 2], [2, 0, 1]]
        g = theano.function([p, u], ChoiceFromUniform("auto", replace=True)(p, u, 3))
        assert g(*given).tolist() == [[3, 3, 0], [4, 4, 4], [1, 0, 0], [2, 0, 1]]
        h = theano.function([p, u], ChoiceFromUniform("auto")(p, u, 6))
        with pytest.raises(ValueError, match="Cannot sample"):
            h(given[0], np.zeros(24, "float32"))
        n = T.iscalar("n")
        k = theano.function([p, u, n], ChoiceFromUniform("auto")(p, u, n))
        assert k(*given, 3).tolist() == f(*given).tolist()


class TestFiles:
    """T.load."""

    def test_load(self, tmp_path):
        path = tmp_path / "a.npy"
        np.save(path, np.arange(5, dtype=np.int32))
        name = theano.gof.generic("path")
        f = theano.function([name], T.load(name, "int32", (False,)) * 2)
        assert f(str(path)).tolist() == [0, 2, 4, 6, 8]
        fixed = T.load(str(path), "int32", (False,), mmap_mode="c")
        g = theano.function([], fixed.sum())
        assert g() == 10
        np.save(path, np.ones(3, dtype=np.int32))
        assert g() == 3
        wrong = theano.function([], T.load(str(path), "int64", (False,)))
        with pytest.raises(TypeError, match="int64"):
            wrong()
        with pytest.raises(ValueError, match="npy file"):
            f("a.npz")
        with pytest.raises(ValueError, match="mmap_mode"):
            T.load("a", "int32", (), mmap_mode="r+")

    def test_mpi(self, monkeypatch):
        from agnesi.theano.tensor import io

        x = T.dvector("x")
        f = theano.function([x], T.send(x, 1, 11))
        g = theano.function([], T.recv((2,), "float64", 1, 11) + 1)
        monkeypatch.setattr(io, "mpi_enabled", False)
        with pytest.raises(RuntimeError, match="mpi4py"):
            f([1.0])
        sent = {}

        class Request:
            def __init__(self, act):
                self.wait = act

        class World:
            def Isend(self, data, to, tag):
                return Request(lambda: sent.update({(to, tag): data.copy()}))

            def Irecv(self, data, source, tag):
                return Request(lambda: data.__setitem__(slice(None), sent[source, tag]))

        monkeypatch.setattr(io, "_world", World)
        assert f([1.0, 2.0]) is True
        assert g().tolist() == [2, 3]
        nodes = sorted([T.recv((2,), "float64", 1, 11).owner, T.isend(x, 1, 2)[0].owner],
                       key=io.mpi_send_wait_key)  # fmt: skip
        assert io.mpi_tag_key(nodes[0]) == 2


class TestSmallPaths:
    """Names under old, or later, paths."""

    def test_hints(self):
        from agnesi.theano.sandbox.linalg import ops

        x = T.dmatrix("x")
        known = ops.psd(x)
        assert ops.is_psd(known)
        assert ops.is_symmetric(known)
        assert not ops.is_psd(x)
        assert ops.is_positive(x**2)
        assert not ops.is_positive(x**3)
        data = np.array([[2.0, 1.0], [1.0, 3.0]])
        bound = theano.function([x], ops.spectral_radius_bound(known, 5))(data)
        top = np.linalg.eigvalsh(data).max()
        assert top <= bound < top * 1.03
        np.testing.assert_array_equal(theano.function([x], T.grad(known.sum(), x))(data), 1)
        for bad in (T.dvector(), x):
            with pytest.raises(TypeError):
                ops.spectral_radius_bound(bad, 2.0)

    def test_devices(self):
        x = T.dvector("x")
        assert x.transfer("cpu") is x
        with pytest.raises(ValueError, match="Can't transfer"):
            x.transfer("dev0")
        T.basic.register_transfer(lambda v, target: v * 2 if target == "twice" else None)
        try:
            assert theano.function([x], x.transfer("twice"))([1.0]).tolist() == [2]
        finally:
            T.basic._transfers.clear()

    def test_later_graph_modules(self):
        from agnesi.theano.graph.basic import ancestors, graph_inputs, walk
        from agnesi.theano.graph.fg import MissingInputError

        x, y = T.dscalars("x", "y")
        z = x + y
        assert list(graph_inputs([z])) == [x, y]
        assert set(ancestors([z])) == {x, y, z}
        found = list(walk([z], lambda v: v.owner and v.owner.inputs))
        assert found == [z, x, y]
        assert MissingInputError is theano.gof.MissingInputError

    def test_texts(self):
        from agnesi.theano.misc import strutil

        assert strutil.render_string("%(a)s!", {"a": 1}) == "1!"
        with pytest.raises(Exception, match=r"x %\(b\)<<<< caused exception 'b'"):
            strutil.render_string("x %(b)s y", {})
        assert strutil.pretty_format("f {\n a;\n}") == "f {\n    a;\n}"

    def test_paths(self):
        from agnesi.theano.compat.six.moves import cPickle
        from agnesi.theano.gof.compilelock import get_lock, lock_ctx, release_lock
        from agnesi.theano.sandbox.scan import scan
        from agnesi.theano.scan_module.scan_op import Scan

        x = T.dvector("x")
        assert isinstance(scan(lambda a: a + 1, x)[0].owner.op, Scan)
        assert cPickle.loads(cPickle.dumps(3)) == 3
        assert theano.version.version == "1.0.5"
        get_lock()
        release_lock()
        with lock_ctx():
            pass


class TestDebugValues:
    """What programs ask about test values."""

    def test_values(self):
        from agnesi.theano.gof import op

        x, y = T.dvectors("x", "y")
        x.tag.test_value = np.ones(2)
        assert op.get_debug_values(x) == []
        with theano.change_flags(compute_test_value="raise"):
            assert op.get_debug_values(x) == [x.tag.test_value]
            ((a, b),) = op.get_debug_values(x, np.zeros(3))
            assert (a.shape, b.shape) == ((2,), (3,))
            with pytest.raises(AttributeError, match=r"Argument 1\('y'\) has no test value"):
                op.get_debug_values(x, y)
            with pytest.raises(ValueError, match="wrong"):
                op.debug_error_message("wrong")
            with pytest.raises(AssertionError, match="so"):
                op.debug_assert(False, "so")
        with theano.change_flags(compute_test_value="warn"):
            with pytest.warns(UserWarning, match="no test value"):
                assert op.get_debug_values(y) == []
            with pytest.warns(UserWarning, match="wrong"):
                op.debug_error_message("wrong")
