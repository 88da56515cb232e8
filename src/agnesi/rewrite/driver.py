"""Applies a rule set to a graph: bottom-up, each node to its fixed point, each node once.

What is needed of the language whose terms are rewritten comes in as a :class:`Language`.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from agnesi.core import source
from agnesi.core.errors import CompilerBug
from agnesi.core.term import Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agnesi.rewrite.rule import Rule, RuleSet
    from agnesi.rewrite.trace import Trace

T = TypeVar("T", bound=Term)

# More firings than this, for each node and on top, and the rules are taken to go in circles.
_FIRINGS_PER_NODE = 100
_FIRINGS_AT_LEAST = 10_000


class Language(Protocol[T]):
    """What the driver has to know of the terms it rewrites."""

    def dependencies(self, node: T) -> Sequence[T]:
        """Return the nodes that have to be rewritten before this one."""
        ...

    def rebuild(self, node: T, new: Mapping[T, T]) -> T:
        """Return the node on its rewritten dependencies; itself if none of them changed."""
        ...

    def check(self, before: T, after: T) -> str | None:
        """Return what is wrong with putting one node in another's place, if anything is."""
        ...

    def text(self, node: T) -> str:
        """Return one line that shows the node."""
        ...


def apply(outputs: Iterable[T], rules: RuleSet, trace: Trace, language: Language[T]) -> list[T]:
    """Return the outputs with the rules applied until none of them has anything to do.

    Where nothing changes the very same object comes back.  A node that a rule makes takes the
    source line of the node it stands for.

    Raises:
        CompilerBug: the rules go in circles, or a rule changed the type of a node.
    """
    walk = _Walk(rules, trace, language)
    roots = list(outputs)
    walk.limit = _FIRINGS_AT_LEAST + _FIRINGS_PER_NODE * _count(roots, language)
    for root in roots:
        walk.visit(root)
    return [walk.done[root] for root in roots]


def _count(roots: Sequence[T], language: Language[T]) -> int:
    seen: set[T] = set(roots)
    stack = list(roots)
    while stack:
        for node in language.dependencies(stack.pop()):
            if node not in seen:
                seen.add(node)
                stack.append(node)
    return len(seen)


class _Walk(Generic[T]):
    """The state of one application: what each node became, and what it waits for."""

    def __init__(self, rules: RuleSet, trace: Trace, language: Language[T]) -> None:
        self.rules = rules
        self.trace = trace
        self.language = language
        self.done: dict[T, T] = {}
        self.limit = 0
        self.fired = 0
        self.recent: deque[str] = deque(maxlen=24)

    def visit(self, root: T) -> None:
        """Rewrite everything below a root, without recursion: graphs are deep."""
        done = self.done
        becomes: dict[T, T] = {}
        opened: set[T] = set()
        stack = [root]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            if node not in opened:
                opened.add(node)
                needs = [d for d in self.language.dependencies(node) if d not in done]
                self._no_circle(needs, opened)
                stack.extend(reversed(needs))
                if needs:
                    continue
            if node not in becomes:
                becomes[node] = self._rewritten(node)
            target = becomes[node]
            if target is node:
                done[node] = node
            elif target in done:
                done[node] = done[target]
            else:
                self._no_circle((target,), opened)
                stack.append(target)

    def _no_circle(self, needs: Iterable[T], opened: set[T]) -> None:
        # What is opened and not done waits for the top of the stack.
        if any(need in opened for need in needs):
            raise self._circle()

    def _rewritten(self, node: T) -> T:
        """Return what a node becomes in one step; itself at a fixed point."""
        with source.standing_for(node):
            fresh = self.language.rebuild(node, self.done)
            if fresh is not node:
                return fresh
            for rule in self.rules.for_head(type(node)):
                new = rule.step(node)
                if new is not None and new is not node:
                    if self.rules.required or self.trace.permits():
                        self._fire(rule, node, new)
                        return new
                    break
        return node

    def _fire(self, rule: Rule, before: T, after: T) -> None:
        wrong = self.language.check(before, after)
        if wrong:
            shown = f"{self.language.text(before)} -> {self.language.text(after)}"
            raise CompilerBug(f"rule {rule.name} of {self.rules.name}: {wrong}\n  {shown}")
        self.fired += 1
        self.recent.append(rule.name)
        self.trace.count(rule.name)
        if self.trace.prints:
            texts = self.language.text(before), self.language.text(after)
            self.trace.show(rule.name, *texts, source.source_of(before))
        if self.fired > self.limit:
            raise self._circle()

    def _circle(self) -> CompilerBug:
        names = ", ".join(name for name, _ in Counter(self.recent).most_common())
        return CompilerBug(
            f"the rules of {self.rules.name} go in circles after {self.fired} firings\n"
            f"  the last ones were: {names}\n  they were to end because {self.rules.ends}"
        )
