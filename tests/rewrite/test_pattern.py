"""Identities: what they are called, what they match, what they build."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import agnesi as ag
from agnesi.ops.arithmetic import Add, Multiply
from agnesi.rewrite.pattern import Identities, Pairs, fast, stable
from agnesi.rules.notation import Bool, Float, Integer, Number, constant, identities, positive

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.pattern import Identity


@identities
def SAMPLES(x: Number, y: Number, c: Number) -> Pairs:
    return [
        (x * 1, x),
        (ag.exp(x) * y, ag.exp(x) + y, fast("a test")),
        (ag.maximum(x, x), x),
        ((x + c) * 2.5, x, constant(c)),
        (x - y, 0),
    ]


@identities
def KINDS(x: Float, n: Integer, b: Bool) -> Pairs:
    return [(ag.sqrt(x), 1), (-n, n), (ag.logical_not(b), b), (x + 0.0, x, positive(x))]


UNIT, TIMES, TWICE, CONSTANT, ZERO = range(5)
x, y = ag.input("x", "f32[n, 4]"), ag.input("y", "f32[n, 4]")


def rule(of: Identities, position: int) -> Identity:
    return of.rules[position]


def test_a_rule_is_called_as_it_is_written():
    assert [r.name for r in SAMPLES.rules] == [
        "x * 1 → x",
        "exp(x) * y → exp(x) + y",
        "maximum(x, x) → x",
        "(x + c) * 2.5 → x if constant(c)",
        "x - y → 0",
    ]


def test_marks_are_kept():
    assert [m.kind for m in rule(SAMPLES, TIMES).marks] == ["fast"]
    assert stable("why").reason == "why"


def test_literals_match_through_broadcast_in_both_orders_and_any_dtype():
    step = rule(SAMPLES, UNIT).step
    assert step(x * 1.0) is x
    assert step(1.0 * x) is x
    assert step(x * 2.0) is None
    n = ag.input("n", "u8[]")
    assert step(n * 1) is n


def test_variables_that_stand_twice_have_to_be_the_same():
    step = rule(SAMPLES, TWICE).step
    assert step(ag.maximum(x, x)) is x
    assert step(ag.maximum(x, y)) is None


def test_the_order_of_commutative_operands_does_not_matter():
    step = rule(SAMPLES, TIMES).step
    assert step(ag.exp(x) * y) is Add(ag.exp(x), y)
    assert step(y * ag.exp(x)) is Add(ag.exp(x), y)
    assert step(x * y) is None


def test_conditions():
    step = rule(SAMPLES, CONSTANT).step
    assert step((x + 3.0) * 2.5) is x
    assert step(2.5 * (3.0 + x)) is x
    assert step((x + y) * 2.5) is None
    assert rule(KINDS, 3).step(ag.exp(x) + 0.0) is ag.exp(x)
    assert rule(KINDS, 3).step(x + 0.0) is None
    assert rule(KINDS, 3).step(ag.exp(x) + -0.0) is None


def test_a_number_takes_the_type_of_what_it_stands_for():
    made: Tensor = rule(SAMPLES, ZERO).step(x - y)
    assert made is ag.zeros_like(x)


def test_kinds():
    n, u, b = (ag.input(k, f"{k}[3]") for k in ("i32", "u8", "bool"))
    assert rule(KINDS, 0).step(ag.sqrt(x)) is ag.ones_like(x)
    assert rule(KINDS, 1).step(-n) is n
    assert rule(KINDS, 1).step(-u) is u
    assert rule(KINDS, 1).step(-x) is None
    assert rule(KINDS, 2).step(ag.logical_not(b)) is b


def test_sizes_that_a_call_has_to_compare_are_left_alone():
    other = ag.input("other", "f32[m, 4]")
    assert Multiply(ag.ones_like(other), x).type.shape == other.type.shape
    assert rule(SAMPLES, UNIT).step(Multiply(x, ag.ones_like(other))) is None


def test_the_code_is_straight_python():
    code = rule(SAMPLES, UNIT).code
    assert code.startswith("def step(n0):\n    n1, n2, = n0.args\n")
    assert "while" not in code
    assert "for" not in code


def test_a_literal_without_a_type_is_refused():
    @identities
    def BAD(x: Float) -> Pairs:
        return [(x < 1.0, ag.where(x < 1.0, 1, 2) < 3)]

    with pytest.raises(TypeError, match="type"):
        _ = BAD.rules[0].code


def test_importing_compiles_nothing():
    script = (
        "import agnesi.rules.stabilize as s, agnesi.rewrite.pattern as p;"
        "held = [i for i in s.STABILIZE.parts if isinstance(i, p.Identities)];"
        "assert held and not any('_rules' in vars(i) for i in held)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
