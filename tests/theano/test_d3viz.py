"""Graphs as pages."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import d3viz
from agnesi.theano.d3viz import formatting
from agnesi.theano.d3viz.d3viz import replace_patterns, safe_json
from agnesi.theano.dot_language import Dot, Edge, Node
from agnesi.theano.layout import laid_out


def shown(path):
    """Return the graph of a page."""
    page = path.read_text()
    assert "%%" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    return json.loads(re.search(r"^const graph = (.*);$", page, re.M).group(1))


@pytest.fixture
def mlp():
    x = T.dmatrix("x")
    w, b = theano.shared(np.ones((5, 3)), "w"), theano.shared(np.zeros(3), "b")
    hidden = T.tanh(T.dot(x, w) + b)
    hidden.name = "hidden"
    return theano.function([x], T.nnet.softmax(hidden), updates=[(b, b + 1)])


class TestPages:
    """d3viz and d3write."""

    def test_function(self, mlp, tmp_path):
        d3viz.d3viz(mlp, tmp_path / "made" / "mlp.html")
        graph = shown(tmp_path / "made" / "mlp.html")
        labels = {n["label"]: n for n in graph["nodes"]}
        assert labels["x"]["fill"] == "limegreen"
        assert labels["w"]["fill"] == "YellowGreen"
        assert labels["hidden"]["box"]
        assert "type: dmatrix" in labels["x"]["told"]
        ids = {n["id"] for n in graph["nodes"]}
        assert all({e["source"], e["target"]} <= ids for e in graph["edges"])
        assert [e["label"] for e in graph["edges"]].count("update") == 1
        assert all(0 < n["x"] < graph["width"] for n in graph["nodes"])
        assert [p.name for p in (tmp_path / "made").iterdir()] == ["mlp.html"]

    def test_bodies(self, tmp_path):
        a, b = T.dscalars("a", "b")
        op = theano.OpFromGraph([a, b], [T.exp(a) * b], name="inner")
        sums, _ = theano.scan(lambda r: op(r, b) + 1, T.dvector("v"))
        d3viz.d3viz(sums, tmp_path / "n.html")
        (loop,) = [n for n in shown(tmp_path / "n.html")["nodes"] if n["inner"]]
        (body,) = [n for n in loop["inner"]["nodes"] if n["inner"]]
        assert {"a", "b"} <= {n["label"] for n in body["inner"]["nodes"]}
        assert body["id"].startswith(f"{loop['id']}_")

    def test_text(self, mlp, tmp_path):
        d3viz.d3write(mlp, tmp_path / "g.dot")
        assert (tmp_path / "g.dot").read_text().startswith('digraph "G" {')

    def test_what_may_stand_in_a_page(self, tmp_path):
        x = T.dscalar("</script>")
        d3viz.d3viz(x + 1, tmp_path / "x.html")
        assert (tmp_path / "x.html").read_text().count("</script>") == 1
        assert safe_json({"a": "<b>"}) == '{"a": "\\u003cb>"}'
        assert replace_patterns("a-b", {"a": 1, "b": 2}) == "1-2"

    def test_times(self, tmp_path):
        x = T.dvector("x")
        f = theano.function([x], T.exp(x))

        class Times:
            fct_call_time = 2.0
            apply_time = dict.fromkeys(f.maker.fgraph.toposort(), 0.5)

        f.profile = Times()
        d3viz.d3viz(f, tmp_path / "t.html")
        nodes = shown(tmp_path / "t.html")["nodes"]
        assert {n["share"] for n in nodes if not n["box"]} <= {0.25, 0.0}


class TestFormatter:
    """PyDotFormatter."""

    def test_compact(self):
        x, y = T.dmatrices("x", "y")
        z = T.exp(x + y)
        short, whole = formatting.PyDotFormatter()(z), formatting.PyDotFormatter(compact=False)(z)
        kinds = [n.get_attributes()["node_type"] for n in short.get_nodes()]
        assert sorted(kinds) == ["apply", "apply", "input", "input", "output"]
        assert len(whole.get_nodes()) == 6

    def test_labels(self):
        assert formatting.var_label(T.constant(1.23456)) == "1.235"
        assert formatting.var_label(T.constant([1, 2])) == "[1 2]"
        assert formatting.var_label(T.dvector()) == "dvector"
        assert formatting.type_to_str(T.ftensor4()) == "float32"
        assert formatting.type_to_str(theano.gof.generic) == "Generic"
        assert formatting.dtype_to_char("uint8") == "X"
        x = T.dvector()
        x.tag.trace = []
        assert formatting.var_tag(x) is None
        x.tag.trace = [[("/a/<b>.py", 3, "f", "x = 1")]]
        assert formatting.var_tag(x) == ["b.py", 3, "x = 1"]


class TestLayout:
    """Where nodes go."""

    def test_layers(self):
        ends = [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c"), ("c", "a")]
        placed = laid_out(dict.fromkeys("abcd", 40.0), ends)
        y = {n: p[1] for n, p in placed.nodes.items()}
        assert y["a"] < y["b"] < y["c"]
        assert y["d"] == y["b"]
        assert len(placed.edges[2]) == 3
        rows = {}
        for name, (x, row, width) in placed.nodes.items():
            rows.setdefault(row, []).append((x - width / 2, x + width / 2, name))
        for row in rows.values():
            row.sort()
            assert all(a[1] <= b[0] for a, b in pairwise(row))

    def test_nothing(self):
        assert laid_out({}, []).nodes == {}

    def test_svg(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        dot = Dot()
        dot.add_node(Node("a", label='say "a"\n', shape="box"))
        dot.add_edge(Edge("a", "a", label="round"))
        dot.add_edge(Edge("a", "b"))
        assert '"a" [label="say \\"a\\"\\n", shape="box"];' in dot.to_string()
        assert b"<svg" in dot.create(format="svg")


def test_dot_stays_the_product():
    assert callable(theano.dot)
