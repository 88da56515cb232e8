"""Closed graphs: order, substitution, counting."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from agnesi.core import source
from agnesi.core.record import record
from agnesi.dims.dim import Dim, Size, Value, value_of
from agnesi.dims.simplify import substitute as substitute_size
from agnesi.graph.leaves import Constant, scalar_constant
from agnesi.graph.tensor import Enclosed, SizeValue, Tensor
from agnesi.graph.types import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from typing import Any


@record(frozen=True)
class Graph:
    """Outputs and the leaves they may depend on."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def nodes(self) -> list[Tensor]:
        """Return every node, operands before users."""
        return toposort(self.outputs, set(self.inputs))


def toposort(outputs: Iterable[Tensor], stop: Container[Tensor] = ()) -> list[Tensor]:
    """Return the nodes that outputs depend on, operands first; nothing below ``stop``."""
    order: dict[Tensor, None] = {}
    opened: set[Tensor] = set()
    stack = list(outputs)[::-1]
    while stack:
        node = stack[-1]
        if node in order:
            stack.pop()
        elif node in opened or node in stop:
            order[node] = None
            stack.pop()
        else:
            opened.add(node)
            stack.extend(d for d in reversed(node.dependencies) if d not in order)
    return list(order)


def size_of(tensor: Tensor) -> Size:
    """Return the size that is the value of an integer scalar."""
    match tensor:
        case SizeValue(extent):
            return extent
        case Constant() if not tensor.ndim:
            return int(tensor.value)
        case _:
            return value_of(tensor)


def map_sizes(node: Tensor, replace: Callable[[Dim], Size | None]) -> tuple[Any, ...]:
    """Return the fields of a node with its symbolic sizes replaced."""
    changed: list[Any] = []
    for arg in node.args:
        if isinstance(arg, Dim):
            changed.append(substitute_size(arg, replace))
        elif isinstance(arg, tuple):
            items = cast("tuple[Any, ...]", arg)
            changed.append(tuple(_with_sizes(item, replace) for item in items))
        elif isinstance(arg, Enclosed):
            changed.append(arg.with_sizes(replace))
        elif isinstance(arg, TensorType):
            shape = tuple(substitute_size(s, replace) for s in arg.shape)
            changed.append(TensorType(arg.dtype, shape))
        else:
            changed.append(arg)
    return tuple(changed)


def _with_sizes(item: Any, replace: Callable[[Dim], Size | None]) -> Any:
    if isinstance(item, Dim):
        return substitute_size(item, replace)
    return item.with_sizes(replace) if isinstance(item, Enclosed) else item


def with_operands(
    node: Tensor, operands: Iterable[Tensor], args: tuple[Any, ...] | None = None
) -> Tensor:
    """Return the same op on other operands, and with other attributes where ``args`` has them."""
    fresh = iter(operands)
    return type(node)(*(_refill(arg, fresh) for arg in (node.args if args is None else args)))


def _refill(arg: Any, fresh: Any) -> Any:
    if isinstance(arg, Tensor):
        return next(fresh)
    if isinstance(arg, tuple):
        return tuple(_refill(item, fresh) for item in cast("tuple[Any, ...]", arg))
    return arg


def remake(
    node: Tensor, new: Mapping[Tensor, Tensor], sizes: Mapping[Dim, Size] | None = None
) -> Tensor:
    """Return the node on new operands; symbolic sizes follow the tensors whose values they are.

    Args:
        node: the node; it comes back itself where nothing below it changed.
        new: what each of its dependencies became.
        sizes: new sizes by old, on top.
    """
    known = sizes or {}
    if not known and all(new[d] is d for d in node.dependencies):
        return node

    def size_now(size: Dim) -> Size | None:
        if size in known:
            return known[size]
        if isinstance(size, Value) and isinstance(size.term, Tensor):
            now = new[size.term]
            return None if now is size.term else size_of(now)
        return None

    args = node.args
    if any(True for _ in node.sizes_mentioned()):
        args = map_sizes(node, size_now)
        if isinstance(node, SizeValue) and isinstance(args[0], int):
            return scalar_constant(args[0], node.dtype)
    operands = [new[o] for o in node.operands]
    if any(a is not b for a, b in zip(operands, node.operands, strict=True)):
        fresh = iter(operands)
        args = tuple(_refill(arg, fresh) for arg in args)
    return node if args is node.args else type(node)(*args)


def rebuild(
    outputs: Iterable[Tensor],
    replace: Mapping[Tensor, Tensor],
    sizes: Mapping[Dim, Size] | None = None,
    visit: Callable[[Tensor], Tensor] = lambda node: node,
) -> list[Tensor]:
    """Return the outputs with nodes replaced, everything above them built anew.

    Args:
        outputs: what to rebuild.
        replace: new nodes by old.
        sizes: new sizes by old, for the attributes and for sizes that replaced nodes brought in.
        visit: is applied to each node once its operands are new.
    """
    outputs = list(outputs)
    new: dict[Tensor, Tensor] = dict(replace)
    for node in toposort(outputs, set(replace)):
        if node in new:
            continue
        with source.standing_for(node):
            new[node] = visit(remake(node, new, sizes))
    return [new[output] for output in outputs]
