"""The graph in NumPy: what native code is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.errors import CompilerBug, IndexOutOfBounds, LinAlgError, ShapeError
from agnesi.dims.dim import Dim, Size, Symbol, Value, evaluate
from agnesi.graph.body import Several
from agnesi.graph.graph import toposort
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def interpret(
    outputs: Sequence[Tensor],
    values: Mapping[Tensor, Array],
    seen: Callable[[Tensor, Array], Array] = lambda node, result: result,
    around: Sizes | None = None,
) -> list[Array]:
    """Compute outputs node by node in NumPy.

    Args:
        outputs: what to compute.
        values: arrays for the leaves (or any other nodes) that outputs depend on.
        seen: is shown each node with its result, and returns what to go on with.
        around: gives the sizes of the graph around, where this one is inside a node.

    Raises:
        ShapeError: sizes that have to agree do not.
        IndexOutOfBounds: an index outside its axis.
    """
    made = Interpreter(seen, around)
    for tensor, array in values.items():
        made.give(tensor, array)
    return made.run(outputs)


class Interpreter:
    """Computes nodes in NumPy, and remembers them: a graph may be run bit by bit.

    Attributes:
        results: the values that are known, by node.
    """

    def __init__(
        self,
        seen: Callable[[Tensor, Array], Array] = lambda node, result: result,
        around: Sizes | None = None,
    ) -> None:
        self.results: dict[Tensor, Array] = {}
        self.known: dict[Dim, int] = {}
        self.seen, self.around = seen, around

    def give(self, tensor: Tensor, array: Any) -> None:
        """Give a node a value, in place of what it would be.

        Raises:
            ShapeError: sizes that have to agree do not.
        """
        array = np.asarray(array)
        bind_sizes(tensor, array.shape, self.known)
        self.results[tensor] = array

    def sizes(self, size: Size) -> int:
        """Return a size as a number."""
        if isinstance(size, int):
            return size
        for atom in size.atoms:
            if isinstance(atom, Value) and isinstance(atom.term, Tensor):
                self.known[atom] = int(self.results[atom.term])
            elif self.around is not None and isinstance(atom, Symbol) and atom not in self.known:
                self.known[atom] = self.around(atom)
        return evaluate(size, self.known)

    def run(self, outputs: Sequence[Tensor]) -> list[Array]:
        """Return the values of nodes.

        Raises:
            ShapeError: sizes that have to agree do not.
            IndexOutOfBounds: an index outside its axis.
        """
        for node in toposort(outputs, self.results):
            if node not in self.results:
                self._compute(node)
        return [self.results[o] for o in outputs]

    def _compute(self, node: Tensor) -> None:
        for need in node.requirements():
            require(need, self.sizes(need.a), self.sizes(need.b), node)
        operands = [self.results[o] for o in node.operands]
        if isinstance(node, Several):
            done, parts = node.numpy_parts(operands, self.sizes)
            self.results.update(zip(node.parts(), parts, strict=True))
            self.results[node] = np.asarray(done, np.int64)
            return
        result = np.asarray(self.seen(node, compute(node, operands, self.sizes)))
        self.results[node] = result
        expected = tuple(self.sizes(s) for s in node.type.shape)
        if result.shape != expected or result.dtype != node.dtype.numpy:
            found = f"{result.dtype}{list(result.shape)}"
            raise CompilerBug(
                f"{node!r} gave {found} in NumPy, where {list(expected)} was inferred"
            )


def compute(node: Tensor, operands: Sequence[Array], sizes: Sizes) -> Array:
    """Return the value of one node; on halves computed in f32 and rounded once."""
    if node.keeps_halves or not any(o.dtype.is_half for o in node.operands):
        return np.asarray(node.numpy(operands, sizes))
    wide = [
        np.asarray(a).astype(o.dtype.arithmetic.numpy)
        for a, o in zip(operands, node.operands, strict=True)
    ]
    with np.errstate(all="ignore"):
        return np.asarray(node.numpy(wide, sizes)).astype(node.dtype.numpy)


def bind_sizes(tensor: Tensor, shape: tuple[int, ...], known: dict[Dim, int]) -> None:
    """Learn symbolic sizes from the actual shape of a tensor.

    Raises:
        ShapeError: the shape contradicts the type, or a size learnt before.
    """
    if len(shape) != tensor.ndim:
        raise ShapeError(f"{tensor!r} was given an array of {len(shape)} axes")
    for size, actual in zip(tensor.type.shape, shape, strict=True):
        if isinstance(size, Symbol):
            if known.setdefault(size, actual) != actual:
                raise ShapeError(
                    f"{tensor!r} was given the shape {shape}, but {size} is {known[size]} elsewhere"
                )
        elif isinstance(size, int) and size != actual:
            raise ShapeError(f"{tensor!r} was given the shape {shape}")


def require(need: Requirement, a: int, b: int, node: Tensor) -> None:
    """Check what a node needs, given the numbers.

    Raises:
        ShapeError: sizes do not agree.
        IndexOutOfBounds: an index outside its axis.
        LinAlgError: a matrix that is singular, or not positive definite.
    """
    if need.kind == "equal" and a != b:
        raise ShapeError(f"{node!r}: {a} and {b} differ ({need.words})")
    if need.kind == "index" and not 0 <= a < b:
        index = need.index_given(a, b)
        raise IndexOutOfBounds(
            f"{node!r}: index {index} is out of bounds for size {b} ({need.words})"
            + (f"\n  from {node.source}" if node.source else "")
        )
    if need.kind == "at_most" and a > b:
        raise ShapeError(f"{node!r}: {need.said(a, b)}: there are {b}")
    if need.kind == "sound" and a:
        raise LinAlgError(f"{node!r}: {need.words}")
