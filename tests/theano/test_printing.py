"""Graphs as text and as pictures."""

import hashlib
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import printing
from agnesi.theano.printing import debugprint, pp, pprint


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


class TestPp:
    """Mathematics."""

    @pytest.mark.parametrize(
        ("build", "text"),
        [
            (lambda x, y: x + y, "(x + y)"),
            (
                lambda x, y: (x + y) * x / y - x**2,
                "((((x + y) * x) / y) - (x ** TensorConstant{2}))",
            ),
            (lambda x, y: x // y, "(x // y)"),
            (lambda x, _: -x, "(-x)"),
            (lambda x, _: abs(x), "|x|"),
            (lambda x, _: x.T, "x.T"),
            (lambda x, y: T.dot(x, y), "(x \\dot y)"),
            (lambda x, _: x.dimshuffle(0, "x", 1), "DimShuffle{0, x, 1}(x)"),
            (lambda x, _: x + x[0].dimshuffle("x", 0)[0], None),
            (lambda x, y: T.switch(x > y, x, y), "switch(gt(x, y), x, y)"),
            (lambda x, _: T.exp(x) + T.sqr(x), "(exp(x) + sqr(x))"),
            (lambda x, y: x % y, "mod(x, y)"),
        ],
    )
    def test_expressions(self, build, text):
        x, y = T.dmatrices("x", "y")
        found = pp(build(x, y))
        assert found.startswith("(x + ") if text is None else found == text

    def test_greek(self):
        alpha = T.dscalar("alpha")
        assert pp(alpha * 2) == "(\\alpha * TensorConstant{2})"

    def test_printers_of_a_program(self):
        x = T.dscalar("x")
        own = pprint.clone_assign(lambda _, r: r.name == "z", printing.LeafPrinter())
        z = T.exp(x)
        z.name = "z"
        assert pprint.process(z) == "exp(x)"
        own.assign(T.exp, printing.PatternPrinter("e^%(0)s"))
        assert own(z) == "e^x"
        assert pprint(z) == "exp(x)"
        own.assign(T.exp, printing.IgnorePrinter())
        assert own(z) == "x"
        own.assign(type(T.exp), printing.FunctionPrinter("f"))
        assert own(T.sin(x)) == "f(x)"

    def test_graph(self):
        x, y = T.dscalars("x", "y")
        z = x + y
        z.name = "z"
        assert pprint(x, [z, z * 2], {}) == "z = (x + y)\nout[1] = (z * TensorConstant{2})"
        shown = pprint.process_graph([x, y], [z], {}, display_inputs=True)
        assert shown == "inputs: x, y\nreturn (x + y)"
        with pytest.raises(TypeError):
            pprint()

    def test_a_leaf_is_no_operation(self):
        with pytest.raises(TypeError, match="not the result of an operation"):
            printing.OperatorPrinter("+", 1).process(T.scalar("x"), printing.PrinterState())


class TestDebugprint:
    """Trees."""

    def test_letters(self):
        assert [printing.char_from_number(n) for n in (0, 1, 25, 26, 27, 676)] == [
            "A", "B", "Z", "BA", "BB", "BAA",
        ]  # fmt: skip

    def test_tree(self):
        x, y = T.dvectors("x", "y")
        z = (x + y) * x
        z.name = "z"
        mul, add = z.owner.op, (x + y).owner.op
        assert lines(debugprint(z, file="str")) == [
            f"{mul} [id A] 'z'",
            f" |{add} [id B] ''",
            " | |x [id C]",
            " | |y [id D]",
            " |x [id C]",
        ]
        assert lines(debugprint(z, depth=1, file="str")) == [f"{mul} [id A] 'z'"]
        assert lines(debugprint(z, ids="int", depth=1, file="str")) == [f"{mul} [id 0] 'z'"]
        assert lines(debugprint(z, ids="", depth=1, file="str")) == [f"{mul}  'z'"]
        assert lines(debugprint(z, stop_on_name=True, file="str")) == [f"{mul} [id A] 'z'"]
        typed = lines(debugprint([x], print_type=True, file="str"))
        assert typed == ["x [id A] <TensorType(float64, vector)>"]
        with pytest.raises(ValueError, match="CHAR"):
            debugprint(z, ids="letters", file="str")

    def test_calls_share_what_is_done(self):
        x = T.dvector("x")
        z, done, used = T.exp(x), {}, {}
        debugprint(z, done=done, used_ids=used, file="str")
        again = debugprint([z + 1], done=done, used_ids=used, file="str")
        assert lines(again)[1:3] == [f" |{z.owner.op} [id A] ''", lines(again)[2]]
        assert "x [id" not in again

    def test_functions(self):
        x, w = T.dvector("x"), theano.shared(2.0, "w")
        f = theano.function([x], w * x, updates=[(w, w + 1)])
        shown = debugprint(f, print_storage=True, print_clients=True, file="str")
        assert re.search(r"w \[id \w+\] \[array\(2\.\)\]", shown)
        assert re.search(r"''   \d+ \[None\]", shown)
        e = T.exp(x)
        twice = theano.function([x], [e + x, e * 2])
        assert "clients:[('[id " in debugprint(twice, print_clients=True, file="str")

    def test_loops(self):
        x = T.dvector("x")
        out, _ = theano.scan(lambda a, s: a + s, x, T.constant(0.0, dtype="float64"))
        shown = lines(debugprint(out, file="str"))
        assert shown[0] == "for{cpu,scan_fn} [id A] ''"
        at = shown.index("Inner graphs of the scan ops:")
        assert shown[at + 2] == "for{cpu,scan_fn} [id A] ''"
        assert shown[at + 3].startswith(" >Elemwise{add")
        assert all(" -> [id " in line for line in shown[at + 4 :])

    def test_other_objects(self):
        x = T.dvector("x")
        assert lines(debugprint([theano.In(x), 3, np.zeros(2)], file="str")) == [
            "3",
            "[0. 0.]",
            "x [id A]",
        ]
        assert len(lines(debugprint(T.exp(x).owner, file="str"))) == 2
        with pytest.raises(TypeError, match="cannot print"):
            debugprint("x", file="str")


class TestShortTexts:
    """min_informative_str and its kin."""

    def test_informative(self):
        a = T.matrix(name="A")
        b = T.matrix(name="B")
        c = a + b
        d = c * T.dscalar("D")
        d.name = "D"
        op = c.owner.op
        assert printing.min_informative_str(c) == f"A. {op}\n B. A\n C. B"
        assert printing.min_informative_str(d, 2) == "  A. D"

    def test_descriptor(self):
        x, y = T.matrix(name="X"), T.matrix(name="Y")
        z = x + y
        z.name = "Z"
        again = T.matrix(name="X") + T.matrix(name="Y")
        assert printing.var_descriptor(z) == f"A={z.owner.op}(B=X,C=Y)"
        assert printing.var_descriptor(again) == printing.var_descriptor(z)
        digest = hashlib.sha256(np.zeros(2).tobytes()).hexdigest()
        assert printing.var_descriptor(np.zeros(2)) == f"A=<ndarray:strides=[8],digest={digest}>"
        assert printing.position_independent_str(x) == f"theano_var{{type={x.type}}}"
        assert printing.hex_digest(np.zeros(2)) == f"{digest}|strides=[8]|shape=[2]"


class TestPrint:
    """Values in the midst of a computation."""

    def test_attributes(self, capsys):
        x = T.dvector("x")
        f = theano.function([x], printing.Print("x", ("shape", "mean"))(x) * 2)
        np.testing.assert_array_equal(f([1, 3]), [2, 6])
        assert capsys.readouterr().out == "x shape = (2,)\nx mean = 2.0\n"

    def test_function_of_a_program(self):
        seen = []
        x = T.dvector("x")
        hook = printing.Print("m", global_fn=lambda op, value: seen.append((op.message, value)))
        theano.function([x], T.grad(hook(x).sum(), x))([1.0, 2.0])
        theano.function([x], hook(x))([1.0, 2.0])
        assert seen[-1][0] == "m"
        np.testing.assert_array_equal(seen[-1][1], [1, 2])


class TestPictures:
    """pydotprint."""

    def test_dot(self, tmp_path, capsys):
        x, w = T.dvector("x"), theano.shared(np.ones(2), "w")
        f = theano.function([x], T.exp(x * w), updates=[(w, w + x)])
        printing.pydotprint(f, tmp_path / "f", format="dot")
        text = (tmp_path / "f.dot").read_text()
        assert "The output file is available at" in capsys.readouterr().out
        assert 'label="name=x TensorType(float64, vector)", shape="box"' in text
        assert 'fillcolor="cyan"' in text
        assert 'label="UPDATE"' in text
        simple = printing.pydotprint(
            f, return_image=True, format="dot", var_with_name_simple=True, high_contrast=False
        ).decode()
        assert 'label="x", shape="box", color="green"' in simple
        assert "fillcolor" not in simple
        short = printing.pydotprint(f, return_image=True, format="dot", max_label_size=8).decode()
        assert max(map(len, re.findall(r'label="([^"]*)"', short))) <= 8 + len(" id=10...")
        ids = printing.pydotprint(f, return_image=True, format="dot", with_ids=True).decode()
        assert " id=0" in ids
        whole = printing.pydotprint(f, return_image=True, format="dot", compact=False).decode()
        assert len(whole) > len(ids)

    def test_svg_needs_no_program(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        x = T.dmatrix("x<y>")
        image = printing.pydotprint(T.tanh(T.dot(x, x)) + x, return_image=True, format="svg")
        root = ET.fromstring(image)
        said = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "name=x<y> TensorType(float64, matrix)" in said
        with pytest.raises(RuntimeError, match="Graphviz"):
            printing.pydotprint(x + 1, return_image=True)

    def test_branches_and_loops(self, tmp_path):
        from agnesi.theano.ifelse import ifelse

        c, x = T.bscalar("c"), T.dvector("x")
        chosen = ifelse(c, T.exp(x), T.sin(x), name="which")
        text = printing.pydotprint(
            chosen, return_image=True, format="dot", cond_highlight="which"
        ).decode()
        assert 'subgraph "cluster_Left"' in text
        with pytest.warns(UserWarning, match="cond_highlight"):
            printing.pydotprint(x + 1, return_image=True, format="dot", cond_highlight="a")
        out, _ = theano.scan(lambda a: a * 2, x)
        printing.pydotprint(out, tmp_path / "s", format="dot", scan_graphs=True)
        assert len(list(tmp_path.iterdir())) == 2


class TestVariables:
    """What variables say."""

    def test_texts(self):
        x = T.dvector("x")
        assert str(x) == "x"
        assert str(T.dvector()) == "<TensorType(float64, vector)>"
        assert str(T.exp(x)) == f"{T.exp}.0"
        assert str(T.constant(2.5)) == "TensorConstant{2.5}"
        assert str(T.constant(2.5, name="c")) == "TensorConstant{2.5}"
        assert str(T.constant(np.zeros((2, 3)))) == "TensorConstant{(2, 3) of 0.0}"
        assert str(T.constant(np.arange(9))) == "TensorConstant{[0 1 2 3 4 5 6 7 8]}"
        assert str(T.constant(np.arange(20))) == "TensorConstant{[ 0  1  2 .. 17 18 19]}"
        assert str(theano.gof.generic.make_constant("t")) == "Constant{t}"
        assert str(theano.shared(1.0)) == "<TensorType(float64, scalar)>"
        assert str(theano.shared(1.0, "w")) == "w"
        assert str((x + x).owner).endswith("(x, x)")

    def test_test_values(self):
        x = T.dscalar("x")
        x.tag.test_value = 2.5
        assert repr(x) == "x"
        with theano.change_flags(print_test_value=True):
            assert repr(x) == "x\n2.5"
            assert repr(T.dscalar("y")) == "y"
