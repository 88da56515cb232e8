"""Rules as values: a name, the classes of node a rule looks at, and a function ``node -> node``.

A rule returns a new node that stands for the old one, or ``None``.  It never looks at users.  A
rule set is a tuple of rules with a sentence that says why applying them ends.  Start reading at
:func:`rewrite`; the other form of rule, identities, is in ``pattern.py``.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agnesi.core.record import field, record
from agnesi.core.term import Term

if TYPE_CHECKING:
    from collections.abc import Callable

Node = TypeVar("Node", bound=Term)


@record(frozen=True)
class Rule:
    """One way to replace a node.

    Attributes:
        name: what traces, bisection and reports show.
        heads: classes of the nodes it looks at; subclasses count.
        step: returns what the node becomes, or None.
    """

    name: str
    heads: tuple[type[Term], ...]
    step: Callable[[Any], Any]

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


def rewrite(*heads: type[Node]) -> Callable[[Callable[[Node], Term | None]], Rule]:
    """Make a rule of a function, for nodes of these classes.

    The function's name is the rule's: it starts with a direction (``lift_``, ``sink_``,
    ``merge_``, ``split_``, ``drop_``, ``fold_``, ``expand_``).
    """

    def rule(step: Callable[[Node], Term | None]) -> Rule:
        return Rule(step.__name__, heads, step)

    return rule


class Rules(Protocol):
    """Whatever holds rules: identities, which become rules when they are first asked for."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules."""
        ...


@record(frozen=True)
class RuleSet:
    """Rules that are applied together, until none of them has anything to do.

    Attributes:
        name: the set's name in messages.
        ends: why that happens: what gets smaller.
        parts: rules, and identities that become rules when they are first used.
        required: later stages count on these rules, so that bisection does not leave them out.
    """

    name: str
    ends: str
    parts: tuple[Rule | Rules, ...]
    required: bool = False
    _by_head: dict[type[Term], tuple[Rule, ...]] = field(
        default_factory=dict[type[Term], tuple[Rule, ...]], repr=False, compare=False
    )

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, in the order in which they are tried."""
        found: list[Rule] = []
        for part in self.parts:
            found.extend([part] if isinstance(part, Rule) else part.rules)
        return tuple(found)

    def for_head(self, head: type[Term]) -> tuple[Rule, ...]:
        """Return the rules that look at nodes of this class."""
        known = self._by_head.get(head)
        if known is None:
            known = tuple(rule for rule in self.rules if issubclass(head, rule.heads))
            self._by_head[head] = known
        return known
