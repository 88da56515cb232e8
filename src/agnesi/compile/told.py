"""Sizes that a program itself tells: ``x @ W`` with 784 rows in ``W`` needs 784 columns in ``x``.

before: x: f32[n, k], k has to equal 784 wherever x is multiplied
after:  x: f32[n, 784], checked once when an argument is taken; kernels have 784 as a constant

A call with another size fails with the words of the node that needs it, as it did before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.core.record import record
from agnesi.dims.dim import Dim, Symbol
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import new_input
from agnesi.graph.types import TensorType
from agnesi.lower.program import Require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.leaves import Leaf
    from agnesi.graph.tensor import Tensor


@record(frozen=True)
class Told:
    """A graph whose inputs have the sizes that it needs.

    Attributes:
        inputs: in order; those with a size that is told are new.
        outputs: the graph.
        because: by position and axis of an input, the requirement that tells the size.
    """

    inputs: list[Leaf]
    outputs: list[Tensor]
    because: dict[tuple[int, int], Require]


def tell_sizes(inputs: Sequence[Leaf], outputs: Sequence[Tensor]) -> Told:
    """Return the graph with sizes of inputs replaced by the numbers they have to be."""
    needs = _needs(inputs, outputs)
    same = Told(list(inputs), list(outputs), {})
    if not needs:
        return same
    sizes: dict[Dim, Size] = {symbol: _number(need) for symbol, need in needs.items()}
    news: list[Leaf] = []
    because: dict[tuple[int, int], Require] = {}
    for k, leaf in enumerate(inputs):
        shape = tuple(sizes.get(s, s) if isinstance(s, Dim) else s for s in leaf.type.shape)
        changed = shape != leaf.type.shape
        news.append(new_input(leaf.name, TensorType(leaf.dtype, shape)) if changed else leaf)
        for axis, size in enumerate(leaf.type.shape):
            if isinstance(size, Symbol) and size in needs:
                because[k, axis] = needs[size]
    try:
        changed = rebuild(outputs, dict(zip(inputs, news, strict=True)), sizes)
    except (GraphTypeError, CompilerBug):
        # Needs that contradict each other: every call fails, with the words of the graph as it is.
        return same
    return Told(news, changed, because)


def _needs(inputs: Sequence[Leaf], outputs: Sequence[Tensor]) -> Mapping[Symbol, Require]:
    """Return the requirement that tells each size; none where two contradict each other."""
    known = {s for leaf in inputs for s in leaf.type.shape if isinstance(s, Symbol)}
    found: dict[Symbol, Require] = {}
    numbers: dict[Symbol, set[int]] = {}
    for node in toposort(outputs, set(inputs)):
        for need in node.requirements():
            if need.kind != "equal":
                continue
            for symbol, number in ((need.a, need.b), (need.b, need.a)):
                # A size of 1 would look like one that is repeated.
                if isinstance(symbol, Symbol) and symbol in known and isinstance(number, int):
                    found.setdefault(symbol, Require(need, node))
                    numbers.setdefault(symbol, set()).add(number)
    return {s: r for s, r in found.items() if len(numbers[s]) == 1 and min(numbers[s]) > 1}


def _number(require: Require) -> int:
    need = require.need
    number = need.a if isinstance(need.a, int) else need.b
    if not isinstance(number, int):
        raise CompilerBug(f"{need} tells no size")
    return number
