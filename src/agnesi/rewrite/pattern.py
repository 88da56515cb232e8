"""Identities: rules written as pairs of expressions, compiled to Python when first used.

>>> from agnesi.rules.notation import Float, Pairs, identities
>>> from agnesi.ops.elementary import exp, log
>>> @identities
... def LOGARITHMS(x: Float) -> Pairs:
...     return [(log(exp(x)), x)]
>>> LOGARITHMS.rules
(<rule log(exp(x)) → x>,)

The function's parameters are the pattern variables.  Each pair is ``(left, right, *notes)``: what
is looked for, what takes its place, then conditions and at most one mark.  A rule without a mark
gives the same values, also for NaN, infinities and the sign of zero; ``stable`` says that the right
side is the more accurate one, ``fast`` that it rounds differently.

``Identities.rules`` builds the pairs once as ordinary terms over sample variables and writes one
straight-line Python function for each: no pattern is interpreted while a graph is rewritten.
Start reading at ``Identities``; ``_Writer`` writes the code.
"""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from agnesi.core.record import record
from agnesi.core.term import Term
from agnesi.rewrite.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Pair: TypeAlias = "tuple[Any, ...]"
Pairs: TypeAlias = "Sequence[Pair]"

# So many times it is looked whether an identity's code is needed; then it is written.
_LOOKS = 50


@record(frozen=True)
class Mark:
    """What an identity changes in the result, and why that is right."""

    kind: Literal["stable", "fast"]
    reason: str


def stable(reason: str) -> Mark:
    """Mark an identity whose right side is accurate where the left side is not."""
    return Mark("stable", reason)


def fast(reason: str) -> Mark:
    """Mark an identity whose right side rounds differently, or differs at special values."""
    return Mark("fast", reason)


@record(frozen=True)
class Condition:
    """Something an identity asks of what its variables stand for.

    Attributes:
        name: how it is called in the rule's name.
        holds: the test.
        of: the parts of the pattern it is about.
        example: makes, of any term, one that the condition holds for; for tests.
    """

    name: str
    holds: Callable[..., bool]
    of: tuple[Term, ...]
    example: Callable[[Any], Any]


class Notation(Protocol):
    """What patterns have to know of the language they are written in."""

    def variable(self, name: str, kind: str) -> Term:
        """Return the sample that stands for a parameter of this kind."""
        ...

    def lift(self, value: object, like: Term) -> Term:
        """Return a term for the right side of a pair, which may be a plain number."""
        ...

    def literals(self, pattern: Term) -> frozenset[Term] | None:
        """Return the scalar constants that a constant of a pattern matches; None if it is none."""
        ...

    def group(self, pattern: Term) -> object:
        """Return what a literal shares with the variables that it takes its type from."""
        ...

    def admits(self, kind: str) -> frozenset[Any]:
        """Return the element types that a variable of this kind stands for."""
        ...

    def commutative(self, head: type[Term]) -> bool:
        """Whether the order of a class's two operands does not matter."""
        ...

    def spelled(self, pattern: Term, names: Mapping[Term, str]) -> str:
        """Return the pattern as text."""
        ...

    @property
    def helpers(self) -> Mapping[str, Any]:
        """Functions that the written code calls.

        ``literal(x)``: the scalar constant that ``x`` is or repeats, or None.
        ``kind(x)``: the element type.  ``shape(x)``: what operands have to have in common.
        ``fill(constant, like, root)``: the constant with the element type of ``like``, in the
        shape of ``root``.
        """
        ...


class Identity(Rule):
    """A rule that came from a pair of expressions.

    Its name and its code are written when it first seems to have something to do: most identities
    have nothing to do with most graphs.

    Attributes:
        variables: the samples that stand for the parameters, with their kinds.
        left: what is looked for, over the samples.
        right: what takes its place.
        conditions: what is asked of the variables.
        marks: what it changes.
        code: the Python it was compiled to.
    """

    variables: Mapping[Term, str]
    left: Term
    right: Term
    conditions: tuple[Condition, ...]
    marks: tuple[Mark, ...]
    code: str

    def __init__(
        self, notation: Notation, names: Mapping[Term, str], kinds: Mapping[str, str], pair: Pair
    ) -> None:
        left: Term = pair[0]
        notes = pair[2:]
        operands = [a for a in _operands(left) if a not in names]
        inner = [a for a in operands if notation.literals(a) is None]
        self.__dict__.update(
            heads=(type(left),),
            step=self._first_steps,
            variables={term: kinds[name] for term, name in names.items()},
            left=left,
            right=notation.lift(pair[1], left),
            conditions=tuple(note for note in notes if isinstance(note, Condition)),
            marks=tuple(note for note in notes if isinstance(note, Mark)),
            _notation=notation,
            _names=names,
            _steps=itertools.count(),
            # Classes that are among those of a node's operands, and whether a number is.
            _classes={type(a) for a in inner},
            _number=len(inner) < len(operands),
        )

    def __getattr__(self, attribute: str) -> Any:
        # Called for what is not there.
        if attribute not in ("name", "code"):
            raise AttributeError(attribute)
        self._write()
        return self.__dict__[attribute]

    def _first_steps(self, node: Any) -> Any:
        """Do what ``step`` will do: look at the operands, and write the code if they fit."""
        found: set[type] = {type(a) for a in node.args}
        fits = self._classes <= found and (not self._number or self._has_number(node))
        if not fits and next(self._steps) < _LOOKS:
            return None
        self._write()
        return self.step(node)

    def _has_number(self, node: Any) -> bool:
        literal = self._notation.helpers["literal"]
        return any(literal(a) is not None for a in _operands(node))

    def _write(self) -> None:
        """Write the name and the code."""
        notation, names = self._notation, self._names
        text = f"{notation.spelled(self.left, names)} → {notation.spelled(self.right, names)}"
        for condition in self.conditions:
            text += f" if {condition.name}({', '.join(names[t] for t in condition.of)})"
        writer = _Writer(notation, names, self.variables, self.conditions)
        code = writer.function(self.left, self.right)
        space = writer.space
        exec(compile(code, f"<{text}>", "exec"), space)
        self.__dict__.update(name=text, code=code, step=space["step"])


@record(frozen=True)
class Identities:
    """A function that lists identities, and the rules that they become."""

    function: Callable[..., Pairs]
    notation: Notation

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each parameter, by name."""
        given = {n: str(k) for n, k in self.function.__annotations__.items() if n != "return"}
        return {name: kind.rpartition(".")[2] for name, kind in given.items()}

    @property
    def rules(self) -> tuple[Identity, ...]:
        """The rules."""
        return self._rules

    @cached_property
    def _rules(self) -> tuple[Identity, ...]:
        # Built when first asked for, not while the package is imported.
        kinds = self.kinds
        variables = {n: self.notation.variable(n, kind) for n, kind in kinds.items()}
        names = {term: name for name, term in variables.items()}
        pairs = self.function(**variables)
        return tuple(Identity(self.notation, names, kinds, pair) for pair in pairs)


class _Writer:
    """Writes the function that matches the left side and builds the right side."""

    def __init__(
        self,
        notation: Notation,
        names: Mapping[Term, str],
        kinds: Mapping[Term, str],
        conditions: tuple[Condition, ...],
    ) -> None:
        self.notation = notation
        self.names = names
        self.kinds = kinds
        self.conditions = conditions
        self.space: dict[str, Any] = dict(notation.helpers)
        self.lines: list[str] = []
        self.depth = 1
        self.bound: dict[Term, str] = {}
        self.turned = False

    def function(self, left: Term, right: Term) -> str:
        """Return the source of ``step``."""
        self.lines = ["def step(n0):"]
        for swapped in self._orders(left):
            self.depth, self.bound = 1, {}
            fresh = itertools.count(1)
            self._match(left, "n0", swapped, fresh)
            self._check()
            self.turned = left in swapped
            self._line(f"return {self._build(right, left)}")
        return "\n".join([*self.lines, "    return None", ""])

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _test(self, text: str) -> None:
        self._line(f"if {text}:")
        self.depth += 1

    def _hold(self, value: Any, name: str) -> str:
        """Return the name by which the written code refers to a value."""
        known = next((k for k, v in self.space.items() if v is value), None)
        if known is None:
            known = name if name not in self.space else f"{name}_{len(self.space)}"
            self.space[known] = value
        return known

    # -- left side ---------------------------------------------------------------------------

    def _orders(self, left: Term) -> list[frozenset[Term]]:
        """Return, for each order of the operands to try, the nodes that are turned round."""
        turning = [node for node in self._inner(left) if self._turns(node, left)]
        return [
            frozenset(node for node, turned in zip(turning, choice, strict=True) if turned)
            for choice in itertools.product((False, True), repeat=len(turning))
        ]

    def _inner(self, pattern: Term) -> list[Term]:
        """Return the nodes of a pattern that are neither variables nor literals, each once."""
        found: dict[Term, None] = {}
        stack = [pattern]
        while stack:
            node = stack.pop()
            if node not in self.names and self.notation.literals(node) is None:
                found[node] = None
                stack.extend(_operands(node))
        return list(found)

    def _turns(self, node: Term, left: Term) -> bool:
        """Whether turning the operands round matches anything new."""
        if not self.notation.commutative(type(node)):
            return False
        a, b = _operands(node)
        uses = [o for n in self._inner(left) for o in _operands(n)]
        asked = [t for condition in self.conditions for t in condition.of]
        alike = self.kinds.get(a) == self.kinds.get(b) and a in self.names
        plain = all(
            sum(o is v for o in uses) == 1 and not any(t is v for t in asked) for v in (a, b)
        )
        return a is not b and not (alike and plain)

    def _match(
        self, pattern: Term, name: str, swapped: frozenset[Term], fresh: itertools.count[int]
    ) -> None:
        if pattern in self.bound:
            self._test(f"{name} is {self.bound[pattern]}")
            return
        literals = self.notation.literals(pattern)
        if literals is not None:
            self._test(f"literal({name}) in {self._hold(literals, 'LITERAL')}")
            return
        self.bound[pattern] = name
        if pattern in self.names:
            return
        if name != "n0":
            self._test(f"type({name}) is {self._hold(type(pattern), type(pattern).__name__)}")
        parts = [f"n{next(fresh)}" for _ in pattern.args]
        order = list(pattern.args[::-1] if pattern in swapped else pattern.args)
        self._line(f"{', '.join(parts)}, = {name}.args")
        operands = [(a, p) for a, p in zip(order, parts, strict=True) if isinstance(a, Term)]
        for value, part in zip(order, parts, strict=True):
            if not isinstance(value, Term):
                self._test(f"{part} == {self._hold(value, 'VALUE')}")
        # What says most comes first; variables match anything.
        for value, part in sorted(operands, key=lambda pair: pair[0] in self.names):
            self._match(value, part, swapped, fresh)
        if len(operands) > 1:
            shapes = [f"shape({part})" for _, part in operands]
            self._test(" == ".join(shapes))

    def _check(self) -> None:
        for pattern, name in self.bound.items():
            if pattern in self.names:
                admitted = self.notation.admits(self.kinds[pattern])
                self._test(f"kind({name}) in {self._hold(admitted, 'KINDS')}")
        for condition in self.conditions:
            holds = self._hold(condition.holds, "CONDITION")
            self._test(f"{holds}({', '.join(self.bound[t] for t in condition.of)})")

    # -- right side --------------------------------------------------------------------------

    def _build(self, pattern: Term, left: Term) -> str:
        literals = self.notation.literals(pattern)
        if literals is not None:
            number = self._hold(pattern, "NUMBER")
            return f"fill({number}, {self._like(pattern, left)}, n0)"
        if pattern in self.bound:
            return self.bound[pattern]
        head = self._hold(type(pattern), type(pattern).__name__)
        args = pattern.args
        # Operands stay in the order they had, so that y*x does not come up beside x*y.
        if (
            self.turned
            and self.notation.commutative(type(pattern))
            and set(args) <= set(self.names)
        ):
            args = args[::-1]
        inside = (
            self._build(arg, left) if isinstance(arg, Term) else self._hold(arg, "VALUE")
            for arg in args
        )
        return f"{head}({', '.join(inside)})"

    def _like(self, literal: Term, left: Term) -> str:
        """Return the name of a matched node of the literal's element type."""
        group = self.notation.group(literal)
        for pattern in (left, *self.names):
            if pattern in self.bound and self.notation.group(pattern) == group:
                return self.bound[pattern]
        raise TypeError(f"nothing in {left!r} has the type of {literal!r}")


def _operands(node: Term) -> list[Term]:
    return [arg for arg in node.args if isinstance(arg, Term)]
