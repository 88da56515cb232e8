"""Nodes, leaves, rebuilding, text, and where nodes were made."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Dim, Size
from agnesi.graph.graph import Graph, rebuild, size_of, toposort
from agnesi.graph.interpret import bind_sizes, interpret
from agnesi.graph.leaves import Constant
from agnesi.graph.tensor import SizeValue
from agnesi.graph.text import graph_text
from agnesi.graph.types import TensorType, parse_type, shape_text
from agnesi.ops.arithmetic import Add


def _line() -> int:
    return sys._getframe(1).f_lineno


class TestTypes:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("f32", "f32[]"),
            ("f32[]", "f32[]"),
            (" i64 [ 3 , n ] ", "i64[3, n]"),
            ("float64[2,]", "f64[2]"),
            ("bool[batch, 28, 28]", "bool[batch, 28, 28]"),
            ("u8[?, _]", "u8[x.0, x.1]"),
        ],
    )
    def test_parse(self, text: str, shown: str):
        assert str(parse_type(text, "x")) == shown

    def test_names_are_sizes(self):
        a, b = parse_type("f32[n, ?]", "x"), parse_type("f32[n, ?]", "x")
        assert a.shape[0] is b.shape[0]
        assert a.shape[1] is not b.shape[1]
        assert parse_type("f32[n]", "x") is parse_type("f32[n]", "y")

    def test_size(self):
        kind = parse_type("f32[n, 2, 3]", "x")
        assert str(kind.size) == "6*n" and kind.ndim == 3
        assert shape_text(()) == "[]"


class TestLeaves:
    def test_inputs_are_no_others(self):
        assert ag.vector("x") is not ag.vector("x")
        assert ag.input("x", "f32[3]") is not ag.input("x", "f32[3]")

    def test_shorthands(self):
        assert [
            str(make("x").type)
            for make in (ag.scalar, ag.vector, ag.row, ag.col, ag.matrix, ag.tensor3, ag.tensor4)
        ] == [
            "f32[]",
            "f32[x.0]",
            "f32[1, x.1]",
            "f32[x.0, 1]",
            "f32[x.0, x.1]",
            "f32[x.0, x.1, x.2]",
            "f32[x.0, x.1, x.2, x.3]",
        ]
        assert ag.matrix(dtype="i8").type.dtype.numpy == np.int8
        assert ag.vector().name is None

    def test_equal_constants_are_one(self):
        assert ag.constant([1.0, 2.0]) is ag.constant(np.array([1, 2], np.float32))
        assert ag.constant(1) is not ag.constant(1.0)
        assert ag.constant(0.0) is not ag.constant(-0.0)
        assert ag.constant(np.nan) is ag.constant(np.nan)
        assert ag.constant([[1, 2]]) is not ag.constant([1, 2])

    def test_a_constant_keeps_its_array(self):
        array = np.arange(6, dtype=">i4").reshape(2, 3)[:, ::-1]
        constant = ag.constant(array)
        assert constant.type is parse_type("i32[2, 3]", "")
        assert (constant.value == array).all()
        array[0, 0] = 99
        assert constant.value[0, 0] == 2
        with pytest.raises(ValueError, match="read-only"):
            constant.value[0, 0] = 5
        assert ag.constant(2.5).number == 2.5

    def test_an_input_has_no_value_of_its_own(self):
        x = ag.vector("x")
        with pytest.raises(CompilerBug, match="has no value"):
            interpret([x + 1], {})


class TestIdentity:
    def test_equal_expressions_are_one_node(self):
        x, y = ag.vector("x"), ag.vector("y")
        assert x + y is x + y
        assert ag.exp(x * 2) is ag.exp(x * 2)
        assert x + y is not y + x
        assert x.sum(0) is x.sum() and x.sum(-1) is x.sum()

    def test_nodes_are_dictionary_keys(self):
        x = ag.vector("x")
        table = {x + 1: "a", x + 2: "b"}
        assert table[x + 1] == "a" and (x + 2) in table

    def test_nodes_die(self):
        x = ag.vector("x")
        died = weakref.ref(ag.exp(x) + 12345.0)
        gc.collect()
        assert died() is None

    def test_sizes_do_not_keep_nodes_alive(self):
        n = ag.scalar("n", dtype="i64") + 1
        size = size_of(n)
        assert isinstance(size, Dim)
        ag.zeros((n + 1,))[1:][:-1]
        died = weakref.ref(n)
        del n, size
        # An atom is among its own atoms, so that each layer of sizes takes a collection.
        for _ in range(4):
            gc.collect()
        assert died() is None

    def test_a_graph_goes_through_another_process(self):
        x = ag.matrix("x")
        n = ag.scalar("n", dtype="i64")
        y = (x[1:] - x[:-1]).sum(0) + ag.arange(n)[2] * x.shape[0]
        script = (
            "import pickle, sys, agnesi as ag\n"
            "a, b = ag.matrix('x'), ag.vector('x')\n"
            "x, n, y = pickle.load(sys.stdin.buffer)\n"
            "assert a.type.shape[0] is not x.type.shape[0]\n"
            "pickle.dump((x, n, y, y * 2, str(y.type)), sys.stdout.buffer)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=pickle.dumps((x, n, y)),
            capture_output=True,
            check=True,
        )
        x2, n2, y2, double, text = pickle.loads(done.stdout)
        assert x2 is x and n2 is n and y2 is y
        assert double is y * 2 and text == str(y.type)


class TestGraph:
    def test_order(self):
        x, y = ag.vector("x"), ag.vector("y")
        z = ag.exp(x) + y
        nodes = Graph((x, y), (z,)).nodes()
        place = {node: k for k, node in enumerate(nodes)}
        assert place[x] < place[ag.exp(x)] < place[z]
        assert len(nodes) == len(place) == 4
        assert toposort([z], {ag.exp(x)})[0] is ag.exp(x)
        assert x not in set(toposort([z], {ag.exp(x)}))

    def test_sizes_are_dependencies(self):
        n = ag.scalar("n", dtype="i64")
        ramp = ag.arange(n * 2)
        assert n in set(toposort([ramp]))
        assert (n * 2) in ramp.dependencies and not ramp.operands

    def test_rebuild_puts_nodes_in_place(self):
        x, y = ag.vector("x"), ag.vector("x")
        z = ag.exp(x) * x
        pairs = zip(x.type.shape, y.type.shape, strict=True)
        sizes = {old: new for old, new in pairs if isinstance(old, Dim)}
        (new,) = rebuild([z], {x: y}, sizes)
        assert new is ag.exp(y) * y
        assert rebuild([z], {})[0] is z

    def test_rebuild_follows_sizes(self):
        x = ag.vector("x")
        y = ag.zeros((x.shape[0], 2)) + x.shape[0]
        known: dict[Dim, Size] = {s: 3 for s in x.type.shape if isinstance(s, Dim)}
        (new,) = rebuild([y], {}, known)
        assert new.type.shape == (3, 2)
        n, m = ag.scalar("n", dtype="i64"), ag.scalar("m", dtype="i64")
        (ramp,) = rebuild([ag.arange(n + 1)], {n: m})
        assert ramp is ag.arange(m + 1)
        (fixed,) = rebuild([ag.arange(n)], {n: ag.constant(4)})
        assert fixed.type.shape == (4,)

    def test_rebuild_visits_nodes_once_their_operands_are_new(self):
        x = ag.vector("x")
        seen: list[ag.Tensor] = []

        def visit(node: ag.Tensor) -> ag.Tensor:
            seen.append(node)
            return node.operands[1] if isinstance(node, Add) else node

        (new,) = rebuild([ag.exp(x + x) * 2], {}, visit=visit)
        assert new is ag.exp(x) * 2
        assert any(node is ag.exp(x) for node in seen)


class TestInterpreter:
    def test_shapes_teach_sizes(self):
        x = ag.input("x", "f32[n, n]")
        known: dict[Dim, int] = {}
        bind_sizes(x, (3, 3), known)
        assert list(known.values()) == [3]
        with pytest.raises(ag.ShapeError, match="n is 3 elsewhere"):
            bind_sizes(x, (3, 4), {})
        with pytest.raises(ag.ShapeError, match="3 axes"):
            bind_sizes(x, (3, 3, 3), {})
        with pytest.raises(ag.ShapeError, match="was given the shape"):
            bind_sizes(ag.input("y", "f32[2]"), (3,), {})

    def test_any_node_can_be_given(self):
        x = ag.vector("x")
        h = ag.exp(x)
        assert interpret([h * 2], {h: np.ones(3, np.float32)})[0].tolist() == [2, 2, 2]

    def test_a_wrong_reference_is_seen(self):
        class Broken(Add):
            def numpy(self, operands, sizes):
                return np.zeros(1)

        x = ag.vector("x")
        with pytest.raises(CompilerBug, match="was inferred"):
            interpret([Broken(x, x)], {x: np.ones(3, np.float32)})


class TestText:
    def test_lines(self):
        x, w = ag.input("x", "f32[batch, 4]"), ag.input("w", "f32[4, 2]")
        y = ag.tanh(x @ w).sum(0) / x.shape[0] + np.arange(2, dtype=np.float32)
        assert y.text().splitlines() == [
            "%x: f32[batch, 4] = input",
            "%w: f32[4, 2] = input",
            "%0: f32[batch, 2] = mat_mul(%x, %w)",
            "%1: f32[batch, 2] = tanh(%0)",
            "%2: f32[2] = sum(%1, [0])",
            "%3: f32[] = cast(size(batch), f32)",
            "%4: f32[2] = broadcast_to(%3, [2])",
            "%5: f32[2] = divide(%2, %4)",
            "%6: f32[2] = constant([0., 1.])",
            "%7: f32[2] = add(%5, %6)",
            "return %7",
        ]

    def test_inputs_of_one_name_are_told_apart(self):
        a, b = ag.vector("x"), ag.vector("x")
        assert "%0: f32[x.0] = add(%x, %x')" in (a + b).text()

    def test_outputs_may_be_named_and_lines_shown(self):
        x = ag.scalar("x")
        here = _line() + 1
        y = ag.exp(x)
        text = graph_text(y, names=["y"], sources=True)
        assert f"# test_graph.py:{here}  y = ag.exp(x)" in text
        assert text.endswith("return y=%0")

    def test_repr(self):
        x = ag.input("x", "f32[n]")
        assert repr(x) == "<x: f32[n]>" and repr(ag.exp(x)) == "<Exp: f32[n]>"
        assert repr(TensorType(x.dtype, (2,))) == "f32[2]"


class TestSource:
    def test_the_users_line_is_kept(self):
        x, here = ag.vector("x"), _line()
        assert x.source is not None
        assert (x.source.file, x.source.line) == (__file__, here)
        y, here = ag.log_softmax(x) * 2, _line()
        assert all(n.source is not None and n.source.line == here for n in y.operands)
        assert str(y.source).startswith(f"test_graph.py:{here}  y, here = ag.log_softmax(x)")

    def test_the_first_maker_wins(self):
        x = ag.vector("x")
        first, here = ag.exp(x), _line()
        again = ag.exp(x)
        assert again is first and first.source is not None and first.source.line == here

    def test_gradients_stand_for_what_they_differentiate(self):
        x = ag.vector("x")
        y, here = ag.tanh(x), _line()
        slope = ag.grad(y.sum(), x)
        assert slope.source is not None and slope.source.line == here

    def test_rebuilt_nodes_keep_their_lines(self):
        x, y = ag.vector("x"), ag.vector("y")
        z, here = ag.sin(x), _line()
        (new,) = rebuild([z], {x: y})
        assert new.source is not None and new.source.line == here


def test_a_size_is_the_value_of_a_scalar():
    x = ag.vector("x")
    assert size_of(ag.constant(3)) == 3
    assert size_of(x.shape[0]) is x.type.shape[0]  # type: ignore[arg-type]
    assert isinstance(size_of(ag.scalar("n", dtype="i64")), Dim)
    assert isinstance(ag.constant(3), Constant)
    assert isinstance(x.shape[0], SizeValue)
