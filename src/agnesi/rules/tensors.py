"""What the driver and the rules have to know of tensors.

The driver is told how to rebuild a node; the rules are helped to see what a node is: a number
repeated over a shape, operands whose shapes are seen to be equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core import knobs
from agnesi.graph.graph import remake
from agnesi.graph.leaves import Constant, scalar_constant
from agnesi.graph.tensor import SizeValue, Tensor
from agnesi.graph.text import op_name
from agnesi.ops.lift import unify
from agnesi.ops.movement import BroadcastTo, broadcast
from agnesi.rewrite import driver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Shape
    from agnesi.rewrite.rule import RuleSet
    from agnesi.rewrite.trace import Trace

# Nesting shown of a node in a trace.
_SHOWN_DEPTH = 3


class _Tensors:
    """Tensors as the language that the driver rewrites."""

    def dependencies(self, node: Tensor) -> tuple[Tensor, ...]:
        """Operands, and tensors whose values are sizes."""
        return node.dependencies

    def rebuild(self, node: Tensor, new: Mapping[Tensor, Tensor]) -> Tensor:
        """The op on new operands and sizes."""
        return remake(node, new)

    def check(self, before: Tensor, after: Tensor) -> str | None:
        """A rule keeps dtype and shape; sizes that a call has to find equal count as equal."""
        old, new = before.type, after.type
        if old is new:
            return None
        fits = old.dtype is new.dtype and old.ndim == new.ndim
        if fits and knobs.VERIFY.number >= 2:
            pairs = zip(old.shape, new.shape, strict=True)
            fits = all(unify(a, b) is not None for a, b in pairs)
        return None if fits else f"it turned {old} into {new}"

    def text(self, node: Tensor) -> str:
        """The node with the nodes close below it."""
        return short_text(node)


_TENSORS = _Tensors()


def apply(outputs: Iterable[Tensor], rules: RuleSet, trace: Trace) -> list[Tensor]:
    """Return the outputs with the rules applied until none of them has anything to do."""
    return driver.apply(outputs, rules, trace, _TENSORS)


def short_text(node: Tensor, depth: int = _SHOWN_DEPTH) -> str:
    """Return a node as nested calls, cut off below a few levels."""
    if node.name is not None and not node.operands:
        return node.name
    match node:
        case Constant():
            return repr(node.number) if not node.ndim else f"constant {node.type}"
        case SizeValue(extent):
            return f"size({extent})"
        case BroadcastTo(Constant() as inner) if not inner.ndim:
            return repr(inner.number)
        case _ if not depth:
            return "…"
        case _:
            inside = ", ".join(_argument(arg, depth - 1) for arg in node.args)
            return f"{op_name(node)}({inside})"


def _argument(arg: object, depth: int) -> str:
    if isinstance(arg, Tensor):
        return short_text(arg, depth)
    if isinstance(arg, tuple):
        return "[" + ", ".join(_argument(a, depth) for a in arg) + "]"  # type: ignore[misc]
    return str(arg)


def literal(x: Tensor) -> Constant | None:
    """Return the scalar constant that a tensor is, or repeats."""
    if type(x) is BroadcastTo:
        x = x.x
    return x if type(x) is Constant and not x.type.shape else None


def number(x: Tensor) -> bool | int | float | complex | None:
    """Return the number that a tensor is at every index, if it is known."""
    found = literal(x)
    return None if found is None else found.number


def filled(value: bool | int | float | complex, dtype: DType, shape: Shape) -> Tensor:
    """Return a number repeated over a shape."""
    return broadcast(scalar_constant(value, dtype), shape)


def aligned(node: Tensor) -> bool:
    """Whether all operands are seen to have the node's shape: nothing is left for a call to find.

    A rule that drops a node which is not aligned would drop a check that the user counts on.
    """
    shape = node.type.shape
    return all(operand.type.shape == shape for operand in node.operands)
