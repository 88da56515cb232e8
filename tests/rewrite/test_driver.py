"""The driver on a toy language: numbers, negatives and sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agnesi.core import knobs, source
from agnesi.core.errors import CompilerBug
from agnesi.core.term import Term
from agnesi.rewrite.driver import apply
from agnesi.rewrite.rule import Rule, RuleSet, rewrite
from agnesi.rewrite.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping


class Toy(Term):
    pass


class Number(Toy):
    value: int


class Minus(Toy):
    x: Toy


class Plus(Toy):
    x: Toy
    y: Toy


class _Language:
    def dependencies(self, node: Toy) -> tuple[Toy, ...]:
        return tuple(a for a in node.args if isinstance(a, Toy))

    def rebuild(self, node: Toy, new: Mapping[Toy, Toy]) -> Toy:
        return type(node)(*(new[a] if isinstance(a, Toy) else a for a in node.args))

    def check(self, before: Toy, after: Toy) -> str | None:
        return "seven below zero is not allowed" if after is Number(-7) else None

    def text(self, node: Toy) -> str:
        return repr(node)


@rewrite(Minus)
def drop_minus(node: Minus) -> Toy | None:
    return node.x.x if isinstance(node.x, Minus) else None


@rewrite(Plus)
def fold_plus(node: Plus) -> Toy | None:
    match node:
        case Plus(Number(a), Number(b)):
            return Number(a + b)
        case _:
            return None


TOY = RuleSet("toy", "every rule makes the tree smaller", (drop_minus, fold_plus))


def run(*outputs: Toy, rules: RuleSet = TOY, trace: Trace | None = None) -> list[Toy]:
    return apply(outputs, rules, trace or Trace(), _Language())


def rules_of(*rules: Rule, required: bool = False) -> RuleSet:
    return RuleSet("test", "they do", rules, required)


def test_rewrites_to_a_fixed_point():
    node = Minus(Minus(Minus(Minus(Plus(Number(1), Plus(Number(2), Number(4)))))))
    assert run(node)[0] is Number(7)


def test_no_change_gives_the_same_object():
    node = Plus(Minus(Number(1)), Number(2))
    assert run(node)[0] is node
    assert run(node, node, Number(1))[2] is Number(1)


def test_applying_twice_changes_nothing():
    once = run(Plus(Minus(Minus(Number(1))), Minus(Number(2))))
    assert run(*once)[0] is once[0]


def test_shared_nodes_are_rewritten_once():
    trace = Trace()
    shared: Toy = Minus(Minus(Number(1)))
    for _ in range(60):
        shared = Plus(Minus(shared), Minus(shared))
    run(shared, trace=trace)
    assert trace.firings["drop_minus"] == 1


def test_deep_chain_without_recursion():
    node: Toy = Minus(Number(0))
    for k in range(100_000):
        node = Plus(node, Number(k % 5))
    assert run(node)[0] is node


def test_a_chain_of_firings_without_recursion():
    node: Toy = Number(0)
    for _ in range(10_000):
        node = Plus(Minus(Minus(node)), Number(1))
    assert run(node)[0] is Number(10_000)


def test_a_required_set_is_not_bisected():
    node = Minus(Minus(Number(1)))
    with knobs.setting(bisect=0):
        assert run(node)[0] is node
        assert run(node, rules=rules_of(drop_minus, required=True))[0] is Number(1)


def test_bisection_lets_the_first_firings_happen():
    node = Plus(Minus(Minus(Number(1))), Minus(Minus(Number(2))))
    seen: list[Toy] = []
    for n in range(5):
        with knobs.setting(bisect=n):
            trace = Trace()
            seen.append(run(node, trace=trace)[0])
            assert trace.firings.total() == min(n, 3)
    assert seen[0] is node
    assert seen[2] is Plus(Number(1), Number(2))
    assert seen[3] is seen[4] is Number(3)


def test_bisection_counts_over_all_passes_of_a_compilation():
    with knobs.setting(bisect=1):
        trace = Trace()
        assert run(Minus(Minus(Number(1))), trace=trace)[0] is Number(1)
        node = Minus(Minus(Number(2)))
        assert run(node, trace=trace)[0] is node


def test_trace_prints_each_firing(capsys: pytest.CaptureFixture[str]):
    with knobs.setting(trace="rules"):
        run(Minus(Minus(Number(5))))
    printed = capsys.readouterr().err
    assert printed == "drop_minus: Minus(x=Minus(x=Number(value=5))) -> Number(value=5)\n"


def test_trace_summary_lists_the_busiest_first():
    trace = Trace()
    run(Plus(Minus(Minus(Number(1))), Minus(Minus(Minus(Minus(Number(2)))))), trace=trace)
    assert trace.summary() == [("drop_minus", 2), ("fold_plus", 1)]


@rewrite(Minus)
def turn_minus(node: Minus) -> Toy | None:
    return Plus(node.x, Number(0)) if isinstance(node.x, Number) else None


@rewrite(Plus)
def turn_plus(node: Plus) -> Toy | None:
    return Minus(node.x) if node.y is Number(0) else None


@rewrite(Number)
def grow(node: Number) -> Toy | None:
    return Number(node.value + 1)


@rewrite(Number)
def wrap(node: Number) -> Toy | None:
    return Minus(node)


@rewrite(Number)
def grow_inside(node: Number) -> Toy | None:
    return Minus(Number(node.value + 10))


@pytest.mark.parametrize("rules", [(turn_minus, turn_plus), (grow,), (wrap,), (grow_inside,)])
def test_circles_are_named(rules: tuple[Rule, ...]):
    with pytest.raises(CompilerBug, match="circles") as caught:
        run(Minus(Number(100)), rules=rules_of(*rules))
    for rule in rules:
        assert rule.name in str(caught.value)


def test_a_rule_that_breaks_the_type_is_named():
    with pytest.raises(CompilerBug, match=r"rule fold_plus of toy: seven") as caught:
        run(Plus(Number(-3), Number(-4)))
    assert "Plus(" in str(caught.value)


def test_new_nodes_stand_for_the_line_of_the_old_one():
    @rewrite(Minus)
    def rename(node: Minus) -> Toy | None:
        if node.x is not Number(31):
            return None
        new = Plus(node.x, Number(32))
        source.note(new)
        return new

    old = Minus(Number(31))
    source.note(old)
    new = run(old, rules=rules_of(rename))[0]
    assert source.source_of(new) == source.source_of(old) is not None


def test_heads_are_found_by_subclass():
    @rewrite(Toy)
    def any_toy(node: Toy) -> Toy | None:
        return Number(1) if node is Number(0) else None

    assert rules_of(any_toy).for_head(Plus) == (any_toy,)
    assert rules_of(drop_minus).for_head(Plus) == ()
    assert run(Minus(Number(0)), rules=rules_of(any_toy))[0] is Minus(Number(1))
