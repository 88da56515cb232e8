"""An integer that may be unknown: a size, or an index inside a loop.

A dim is kept in normal form, a polynomial with integer coefficients over *atoms* (a size, a loop
index, the value of a scalar, a quotient, a remainder, a minimum, a maximum).  Two dims that are
equal as polynomials are the same object, so ``n + m`` is ``m + n``.  A dim that is a known number
is a Python ``int``; everything here takes and gives ``Size = int | Dim``.

Division rounds down and a remainder has the divisor's sign, as in Python.  Divisors are positive.
Sums and products are here; quotients, remainders, minima and bounds, in ``simplify.py``.
"""

from __future__ import annotations

import itertools
import operator
import os
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from agnesi.core.term import Term, derived

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Size: TypeAlias = Union[int, "Dim"]
Shape: TypeAlias = tuple[Size, ...]
# Coefficients by monomial; a monomial is a sorted tuple of atoms, () for the constant.
Terms: TypeAlias = "dict[tuple[Atom, ...], int]"

# Sizes that are no other differ between processes too, so that a pickled graph keeps its own.
_fresh = itertools.count(int.from_bytes(os.urandom(4), "little") << 28)
_values = itertools.count(1)


class Dim(Term):
    """An integer expression with something unknown in it."""

    text: str = derived()
    key: tuple[int, str, int] = derived()
    values: tuple[Term, ...] = derived()
    atoms: frozenset[Atom] = derived()

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


class Atom(Dim):
    """A dim that algebra does not look into."""

    def setup(self) -> None:
        """Derive text, order and what is mentioned."""
        uid = getattr(self, "uid", 0)
        text = self.spell()
        self.derive(text=text)
        self.derive(key=(len(text), text, uid))
        parts = [part for part in self.args if isinstance(part, Dim)]
        values = dict.fromkeys(v for part in parts for v in part.values)
        if isinstance(self, Value):
            values = {self.term: None}
        self.derive(values=tuple(values))
        self.derive(atoms=frozenset[Atom]().union(*(part.atoms for part in parts), (self,)))

    def spell(self) -> str:
        """Return the atom as text."""
        raise NotImplementedError


class Symbol(Atom):
    """A size that is known only at run time; never negative.  Same name and uid, same size."""

    name: str
    uid: int

    def spell(self) -> str:
        """Return the name."""
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        if _RENEWED in self.__dict__:
            return renewed_symbol, (self.name,)
        return super().__reduce__()


# Marks sizes that are others when they come out of a file.
_RENEWED = "renewed"


class Index(Atom):
    """A loop index, from 0 to ``extent - 1``."""

    name: str
    extent: Size
    uid: int

    def setup(self) -> None:
        """An index mentions its own loop only; the extent is the loop's business."""
        self.derive(text=self.name)
        self.derive(key=(len(self.name), self.name, self.uid))
        self.derive(values=())
        self.derive(atoms=frozenset({self}))


class Value(Atom):
    """The value of an integer scalar that some other language computes; may be negative."""

    term: Term

    uid: int = derived()

    def setup(self) -> None:
        """Number the values of this process, which gives them an order."""
        self.derive(uid=self.term.__dict__.setdefault("value_uid", next(_values)))
        super().setup()

    def spell(self) -> str:
        """Return a stand-in name; the scalar prints elsewhere."""
        return f"value{self.uid}"


class FloorDiv(Atom):
    """``a // b``, rounded down."""

    a: Size
    b: Size

    def spell(self) -> str:
        """Return ``a // b``."""
        return f"({_inner(self.a)} // {_inner(self.b)})"


class Mod(Atom):
    """``a % b``, with the sign of ``b``."""

    a: Size
    b: Size

    def spell(self) -> str:
        """Return ``a % b``."""
        return f"({_inner(self.a)} % {_inner(self.b)})"


class Min(Atom):
    """The smaller of two."""

    a: Size
    b: Size

    def spell(self) -> str:
        """Return ``min(a, b)``."""
        return f"min({self.a}, {self.b})"


class Max(Atom):
    """The larger of two."""

    a: Size
    b: Size

    def spell(self) -> str:
        """Return ``max(a, b)``."""
        return f"max({self.a}, {self.b})"


class Poly(Dim):
    """A sum of integer multiples of products of atoms, in canonical order."""

    monomials: tuple[tuple[tuple[Atom, ...], int], ...]

    def __getattr__(self, name: str) -> Any:
        # Most sums are only passed through: what is derived of one is when it is first asked for.
        match name:
            case "text":
                found: Any = self._text()
            case "key":
                found = (len(self.text), self.text, 0)
            case "values":
                found = tuple(dict.fromkeys(v for a in self._every() for v in a.values))
            case "atoms":
                found = frozenset[Atom]().union(*(a.atoms for a in self._every()))
            case _:
                raise AttributeError(name)
        self.derive(**{name: found})
        return found

    def _every(self) -> Iterable[Atom]:
        return dict.fromkeys(a for monomial, _ in self.monomials for a in monomial)

    def _text(self) -> str:
        text = ""
        for monomial, factor in self.monomials:
            product = "*".join(
                ([str(abs(factor))] if abs(factor) != 1 or not monomial else [])
                + [atom.text for atom in monomial]
            )
            sign = "-" if factor < 0 else "+"
            text += f" {sign} {product}" if text else ("-" if factor < 0 else "") + product
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        # The canonical order is this process's own.
        return _from_monomials, (self.monomials,)


def _from_monomials(monomials: tuple[tuple[tuple[Atom, ...], int], ...]) -> Size:
    return from_terms({tuple(sorted(m, key=_key)): factor for m, factor in monomials})


def _key(atom: Atom) -> tuple[int, str, int]:
    return atom.key


def _inner(size: Size) -> str:
    return f"({size})" if isinstance(size, Poly) else str(size)


def fresh_symbol(name: str) -> Symbol:
    """Return a size that is equal to no other."""
    return Symbol(name, next(_fresh))


def renewed_symbol(name: str) -> Symbol:
    """Return a size that is equal to no other, and out of a file to none of this process.

    The sizes of one file are still those of one another.
    """
    symbol = fresh_symbol(name)
    symbol.__dict__[_RENEWED] = True
    return symbol


def named_symbol(name: str) -> Symbol:
    """Return the size of this name; the same name is the same size everywhere."""
    return Symbol(name, 0)


def fresh_index(name: str, extent: Size) -> Index:
    """Return a new loop index with this extent."""
    return Index(name, extent, next(_fresh))


def value_of(term: Term) -> Value:
    """Return the dim that is the value of this integer scalar."""
    return Value(term)


def terms_of(size: Size) -> Terms:
    """Return the polynomial as a dictionary from monomial to coefficient."""
    if isinstance(size, Poly):
        return dict(size.monomials)
    if isinstance(size, Atom):
        return {(size,): 1}
    if isinstance(size, int):
        return {(): size} if size else {}
    raise TypeError(f"not a size: {size!r}")


def from_terms(terms: Terms) -> Size:
    """Return the size with these terms, in normal form."""
    terms = _rejoin({m: c for m, c in terms.items() if c})
    if not terms:
        return 0
    if len(terms) == 1:
        ((monomial, factor),) = terms.items()
        if not monomial:
            return factor
        if factor == 1 and len(monomial) == 1:
            return monomial[0]
    if len(terms) == 1:
        return Poly(tuple(terms.items()))
    order = sorted(terms.items(), key=lambda item: (-len(item[0]), [a.key for a in item[0]]))
    return Poly(tuple(order))


def _rejoin(terms: Terms) -> Terms:
    """``(x // s) * s * c + (x % s) * c`` is ``x * c``."""
    for monomial, factor in terms.items():
        for atom in monomial:
            if isinstance(atom, Mod):
                rest = without(monomial, atom)
                quotient = mul(FloorDiv(atom.a, atom.b), from_monomial(rest))
                whole = terms_of(mul(quotient, atom.b))
                if whole and all(terms.get(m) == factor * c for m, c in whole.items()):
                    joined = {m: c for m, c in terms.items() if m not in whole and m != monomial}
                    x = terms_of(mul(mul(atom.a, from_monomial(rest)), factor))
                    for m, c in x.items():
                        joined[m] = joined.get(m, 0) + c
                    return _rejoin({m: c for m, c in joined.items() if c})
    return terms


def without(monomial: tuple[Atom, ...], atom: Atom) -> tuple[Atom, ...]:
    """Return the monomial divided by one of its atoms."""
    position = monomial.index(atom)
    return monomial[:position] + monomial[position + 1 :]


def from_monomial(monomial: tuple[Atom, ...]) -> Size:
    """Return the product of these atoms."""
    return from_terms({monomial: 1})


def add(*sizes: Size) -> Size:
    """Return the sum."""
    if all(isinstance(s, int) for s in sizes):
        return sum(s for s in sizes if isinstance(s, int))
    total: Terms = {}
    for size in sizes:
        for monomial, factor in terms_of(size).items():
            total[monomial] = total.get(monomial, 0) + factor
    return from_terms(total)


def mul(a: Size, b: Size) -> Size:
    """Return the product."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if isinstance(a, int):
        return _times(b, a)
    if isinstance(b, int):
        return _times(a, b)
    total: Terms = {}
    right = terms_of(b).items()
    for m, c in terms_of(a).items():
        for n, d in right:
            monomial = tuple(sorted(m + n, key=_key))
            total[monomial] = total.get(monomial, 0) + c * d
    return from_terms(total)


def _times(size: Size, factor: int) -> Size:
    """Return a multiple: its terms are in order as they are."""
    if factor == 1:
        return size
    if isinstance(size, int) or factor == 0:
        return size * factor if isinstance(size, int) else 0
    if isinstance(size, Poly):
        terms = tuple((monomial, c * factor) for monomial, c in size.monomials)
        # What has one term and the factor 1 is no sum.
        return from_terms(dict(terms)) if len(terms) == 1 else Poly(terms)
    return Poly((((size,), factor),))  # type: ignore[arg-type]


def neg(a: Size) -> Size:
    """Return ``-a``."""
    return mul(a, -1)


def sub(a: Size, b: Size) -> Size:
    """Return ``a - b``."""
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    if a is b:
        return 0
    total = terms_of(a)
    for monomial, factor in terms_of(b).items():
        total[monomial] = total.get(monomial, 0) - factor
    return from_terms(total)


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of all; 1 for none."""
    return reduce(mul, sizes, 1)


def divide_exactly(a: Size, b: Size) -> tuple[Size, Size]:
    """Return ``q, r`` with ``a == q * b + r``, taking out of ``a`` the multiples of ``b`` seen.

    Only a divisor of one term is looked for inside the terms of ``a``.
    """
    divisor = terms_of(b)
    if a == b:
        return 1, 0
    if len(divisor) != 1:
        return 0, a
    ((atoms, factor),) = divisor.items()
    quotient: Terms = {}
    rest: Terms = {}
    for monomial, c in terms_of(a).items():
        left: tuple[Atom, ...] | None = monomial
        for atom in atoms:
            left = without(left, atom) if left is not None and atom in left else None
        if left is None or (atoms and c % factor):
            rest[monomial] = c
        else:
            quotient[left] = c // factor
            if c % factor:
                rest[monomial] = c % factor
    return from_terms(quotient), from_terms(rest)


def evaluate(size: Size, known: Mapping[Dim, int]) -> int:
    """Return the number, given the numbers of symbols, indices and values.

    A divisor that turns out to be 0 counts as 1: what it divides is then without elements.

    Raises:
        KeyError: an atom is not known.
    """
    match size:
        case int():
            return size
        case Poly(monomials):
            return sum(
                reduce(operator.mul, (evaluate(a, known) for a in monomial), factor)
                for monomial, factor in monomials
            )
        case _ if size in known:
            return known[size]
        case FloorDiv(a, b):
            return evaluate(a, known) // (evaluate(b, known) or 1)
        case Mod(a, b):
            return evaluate(a, known) % (evaluate(b, known) or 1)
        case Min(a, b):
            return min(evaluate(a, known), evaluate(b, known))
        case Max(a, b):
            return max(evaluate(a, known), evaluate(b, known))
        case _:
            raise KeyError(size)
