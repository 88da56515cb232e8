"""Sums of matrix products that are added up where they go, without memory for each.

before: t = x.T @ d;  W = W - rate*t          after: W += -rate * (x.T @ d), by BLAS itself
before: t = x @ U;  s = h @ V;  y = t + s     after: y = x @ U;  y += h @ V

A product that something else reads too stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64
from agnesi.core.record import field, record
from agnesi.graph.leaves import Constant, Input, Leaf
from agnesi.ops.arithmetic import Add, Divide, Multiply, Negative, Subtract
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import BroadcastTo, Transpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from agnesi.graph.tensor import Tensor

# Nodes looked at from one sum; one of more terms is seen in parts.
_MOST = 32


@record(frozen=True)
class Factor:
    """A number that a term is multiplied by.

    Attributes:
        number: what is known of it.
        scalars: tensors without axes, which are multiplied besides.
    """

    number: float = 1.0
    scalars: tuple[Tensor, ...] = ()


@record(frozen=True)
class Term:
    """One product of a sum.

    Attributes:
        node: the product.
        transposed: whether its transpose is added.
        factor: what it is multiplied by.
    """

    node: MatMul
    transposed: bool
    factor: Factor


@record(frozen=True)
class Accumulation:
    """A sum ``factor*base + products``.

    Attributes:
        base: what is there before, or None.
        factor: of the base.
        terms: products, at least one; two where there is no base.
        inside: nodes between the sum and its terms, with the products.
    """

    base: Tensor | None
    factor: Factor
    terms: tuple[Term, ...]
    inside: frozenset[Tensor]

    def scalars(self) -> Iterator[Tensor]:
        """Yield the tensors that factors are made of."""
        yield from self.factor.scalars
        for term in self.terms:
            yield from term.factor.scalars

    def reads(self) -> list[Tensor]:
        """Return what has to be in memory besides the operands of products."""
        return [*([] if self.base is None else [self.base]), *self.scalars()]


def find_accumulations(
    order: Sequence[Tensor],
    outputs: Iterable[Tensor],
    readers: Mapping[Tensor, int],
    changing: Collection[Tensor] = (),
) -> dict[Tensor, Accumulation]:
    """Return the sums of products of a graph, the outermost of those inside each other.

    Args:
        order: the nodes.
        outputs: nodes that are kept.
        readers: how many nodes read one.
        changing: inputs in whose place something computed is put, as with shared variables.
    """
    kept = set(outputs)
    found: dict[Tensor, Accumulation] = {}
    inside: set[Tensor] = set()
    for node in reversed(order):
        if node in inside or not isinstance(node, Add | Subtract) or node.dtype not in (F32, F64):
            continue
        sum_ = _Sum(kept, readers, changing).of(node)
        if sum_ is not None and (sum_.base is None or node in kept):
            found[node] = sum_
            inside |= sum_.inside
    return found


@record()
class _Sum:
    """Takes a sum apart."""

    kept: set[Tensor]
    readers: Mapping[Tensor, int]
    changing: Collection[Tensor] = ()
    terms: list[Term] = field(default_factory=list[Term])
    bases: list[tuple[Tensor, Factor]] = field(default_factory=list["tuple[Tensor, Factor]"])
    inside: set[Tensor] = field(default_factory=set["Tensor"])

    def of(self, root: Tensor) -> Accumulation | None:
        """Return the sum that a node is, if it has products, and no more than one other term."""
        todo: list[tuple[Tensor, Factor, bool]] = [(root, Factor(), False)]
        for _ in range(_MOST):
            if not todo:
                break
            node, factor, transposed = todo.pop()
            parts = self.parts(root, node, factor, transposed)
            if parts is None:
                if transposed:
                    return None
                self.bases.append(self.peeled(node, factor))
            else:
                todo += parts
        if todo or len(self.bases) > 1 or len(self.terms) + len(self.bases) < 2 or not self.terms:
            return None
        base, factor = self.bases[0] if self.bases else (None, Factor())
        if base is not None and not self.changes(base):
            return None
        return Accumulation(base, factor, tuple(self.terms[::-1]), frozenset(self.inside))

    def changes(self, base: Tensor) -> bool:
        """Whether something may be added where a leaf is."""
        if isinstance(base, Input):
            return base in self.changing
        return isinstance(base, Leaf) and not isinstance(base, Constant)

    def peeled(self, node: Tensor, factor: Factor) -> tuple[Tensor, Factor]:
        """Return a term without the numbers that it is multiplied by."""
        for _ in range(_MOST):
            if not isinstance(node, Multiply | Divide | Negative):
                break
            parts = _parts(node, factor, transposed=False)
            if parts is None:
                break
            ((node, factor, _),) = parts
        return node, factor

    def parts(
        self, root: Tensor, node: Tensor, factor: Factor, transposed: bool
    ) -> list[tuple[Tensor, Factor, bool]] | None:
        """Return the terms of a node; None where it is one itself."""
        if node is not root:
            if self.readers.get(node, 0) != 1 or node in self.kept:
                return None
            if isinstance(node, MatMul):
                self.terms.append(Term(node, transposed, factor))
                self.inside.add(node)
                return []
        parts = _parts(node, factor, transposed)
        if parts is not None and node is not root:
            # What holds no product is better computed as it is.
            if not any(isinstance(n, MatMul) for n in _down(node)):
                return None
            self.inside.add(node)
        return parts


def _parts(
    node: Tensor, factor: Factor, transposed: bool
) -> list[tuple[Tensor, Factor, bool]] | None:
    minus = Factor(-factor.number, factor.scalars)
    match node:
        case Add(x, y):
            return [(x, factor, transposed), (y, factor, transposed)]
        case Subtract(x, y):
            return [(x, factor, transposed), (y, minus, transposed)]
        case Negative(x):
            return [(x, minus, transposed)]
        case Multiply(x, BroadcastTo(scalar)) | Multiply(BroadcastTo(scalar), x) if (
            not scalar.ndim and x.type.shape == node.type.shape
        ):
            return [(x, _times(factor, scalar), transposed)]
        case Divide(x, BroadcastTo(Constant() as scalar)) if not scalar.ndim:
            return [(x, Factor(factor.number / float(scalar.value), factor.scalars), transposed)]
        case Transpose(x, order) if order == (*range(node.ndim - 2), node.ndim - 1, node.ndim - 2):
            return [(x, factor, not transposed)]
        case _:
            return None


def _times(factor: Factor, scalar: Tensor) -> Factor:
    if isinstance(scalar, Constant):
        return Factor(factor.number * float(scalar.value), factor.scalars)
    return Factor(factor.number, (*factor.scalars, scalar))


def _down(node: Tensor) -> Iterator[Tensor]:
    """Yield a node and what its sums and products are made of."""
    stack = [node]
    for _ in range(_MOST):
        if not stack:
            return
        at = stack.pop()
        yield at
        parts = _parts(at, Factor(), transposed=False)
        stack += [p[0] for p in parts or ()]
