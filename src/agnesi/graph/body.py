"""Graphs inside a node: what a loop does in a step, what a branch does if it is taken.

A :class:`Body` is closed: it mentions its own inputs and nothing else of the graph around it.  What
a user's function mentions besides its arguments is *captured*: it becomes an input, and an operand
of the node.  So whatever does not change from step to step is computed once, outside.  What costs
nothing stays inside: numbers, sizes; and once derivatives have been taken (by what is moved, too),
rules have movements inside, which a kernel reads through.

before: step(h, x) = tanh(h + x @ (W * 2).T)     after: captured (W * 2); body tanh(h + x @ c.T)

A node with bodies has several results (:class:`Several`); each is a :class:`Part` of it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Self, cast

from agnesi.core.dtypes import I64
from agnesi.core.errors import CompilerBug
from agnesi.core.record import record
from agnesi.core.term import derived
from agnesi.dims.dim import Dim, Size, Symbol, Value
from agnesi.dims.simplify import substitute
from agnesi.graph.graph import rebuild, size_of, toposort
from agnesi.graph.leaves import Constant, Input, Leaf, new_input
from agnesi.graph.tensor import Enclosed, SizeFloat, SizeValue, Tensor
from agnesi.graph.types import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agnesi.graph.tensor import Array, Sizes


class Body(Enclosed):
    """A closed graph: what is computed of inputs, and of nothing else."""

    inputs: tuple[Input, ...]
    outputs: tuple[Tensor, ...]

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbolic sizes that anything inside mentions; they are those of the graph around."""
        known: tuple[Symbol, ...] | None = self.__dict__.get("symbols")
        if known is None:
            nodes = [*self.inputs, *toposort(self.outputs, set(self.inputs))]
            known = tuple(
                dict.fromkeys(a for s in _sizes(nodes) for a in s.atoms if isinstance(a, Symbol))
            )
            self.__dict__["symbols"] = known
        return known

    def with_sizes(self, replace: Callable[[Dim], Size | None]) -> Self:
        """Return the body with symbolic sizes replaced."""
        found: dict[Dim, Size] = {}
        for symbol in self.symbols:
            new = replace(symbol)
            if new is not None:
                found[symbol] = new
        if not found:
            return self
        body = _renewed(self.inputs, self.outputs, {}, found)
        return type(self)(body.inputs, body.outputs)


def _renewed(
    inputs: Iterable[Input],
    outputs: Iterable[Tensor],
    replaced: Mapping[Tensor, Input],
    sizes: Mapping[Dim, Size],
    more: Iterable[Input] = (),
) -> Body:
    """Return a body on new inputs where their types change."""
    news: dict[Tensor, Tensor] = dict(replaced)
    own: list[Input] = []
    for leaf in inputs:
        kind = with_sizes(leaf.type, sizes.get)
        own.append(leaf if kind is leaf.type else new_input(leaf.name, kind))
        if own[-1] is not leaf:
            news[leaf] = own[-1]
    if not news and not sizes:
        return Body((*own, *more), tuple(outputs))
    stops = {leaf: leaf for leaf in own} | news
    return Body((*own, *more), tuple(rebuild(outputs, stops, sizes)))


def with_sizes(kind: TensorType, replace: Callable[[Dim], Size | None]) -> TensorType:
    """Return a type with symbolic sizes replaced."""
    shape = tuple(substitute(size, replace) for size in kind.shape)
    return kind if shape == kind.shape else TensorType(kind.dtype, shape)


@record(frozen=True)
class Closed:
    """A body with what it captured.

    Attributes:
        body: its inputs are those given, then one for each captured tensor.
        captured: tensors of the graph around.
    """

    body: Body
    captured: tuple[Tensor, ...]

    def parts(self, *counts: int) -> tuple[Body, ...]:
        """Return bodies of the same inputs, with so many of the outputs each, in order."""
        outputs = iter(self.body.outputs)
        return tuple(
            Body(self.body.inputs, tuple(itertools.islice(outputs, count))) for count in counts
        )


def close(
    inputs: Sequence[Input],
    outputs: Sequence[Tensor],
    since: int | None = None,
    around: Iterable[Tensor] = (),
    *,
    through: bool = False,
) -> Closed:
    """Return the closed graph of outputs that were built from fresh inputs, and whatever else.

    Args:
        inputs: stand for what the node that will have the body gives it.
        outputs: expressions in the inputs and in tensors of the graph around.
        since: what was made after this moment (``tensor.now()``) is inside even where it does
            not depend on the inputs: it is computed only if the body is.
        around: tensors known to be of the graph around, so that nothing below them is looked at.
        through: whether movements come inside, and what they move is captured in their place.
    """
    captured = _captured(inputs, outputs, since, around, through=through)
    stand_in: dict[Tensor, Input] = {}
    sizes: dict[Dim, Size] = {}
    for tensor in captured:
        if not tensor.ndim and not tensor.dtype.is_inexact:
            stand_in[tensor] = new_input(tensor.name or "captured", tensor.type)
            size = size_of(tensor)
            if isinstance(size, Value):
                sizes[size] = size_of(stand_in[tensor])
    for tensor in captured:
        if tensor not in stand_in:
            kind = with_sizes(tensor.type, sizes.get)
            stand_in[tensor] = new_input(tensor.name or "captured", kind)
    more = [stand_in[tensor] for tensor in captured]
    body = _renewed(inputs, outputs, stand_in, sizes, more)
    return Closed(body, tuple(captured))


def _captured(
    inputs: Sequence[Input],
    outputs: Sequence[Tensor],
    since: int | None,
    around: Iterable[Tensor],
    *,
    through: bool,
) -> list[Tensor]:
    """Return the outer tensors that have to be given, numbers that sizes mention first."""
    outer = set(around)
    order = toposort(outputs, {*inputs, *outer})
    inner: set[Tensor] = set(inputs)
    for node in order:
        fresh = since is not None and node.born > since and not isinstance(node, Leaf)
        if node in outer or node in inner:
            continue
        if fresh or any(d in inner for d in node.dependencies):
            inner.add(node)
    found: dict[Tensor, None] = {}
    numbers: dict[Tensor, None] = {}
    seen: set[Tensor] = set()

    def mention(nodes: Iterable[Tensor]) -> None:
        for size in _sizes(nodes):
            for term in size.values:
                if isinstance(term, Tensor) and term not in inner:
                    numbers[term] = None

    mention([*inputs, *(node for node in order if node in inner)])
    operands = [d for node in order if node in inner for d in node.operands]
    stack = [*outputs, *operands][::-1]
    while stack:
        node = stack.pop()
        if node in inner or node in seen:
            continue
        seen.add(node)
        mention([node])
        if _is_number(node):
            continue
        if node.moves and (through or _repeats_numbers(node)):
            stack.extend(node.operands)
        else:
            found[node] = None
    return list(numbers | found)


def _is_number(node: Tensor) -> bool:
    return isinstance(node, SizeValue | SizeFloat) or (isinstance(node, Constant) and not node.ndim)


def _repeats_numbers(node: Tensor) -> bool:
    """Whether movements make an array of nothing but numbers."""
    return node.moves and all(_is_number(o) or _repeats_numbers(o) for o in node.operands)


def _sizes(nodes: Iterable[Tensor]) -> Iterator[Dim]:
    """Yield the symbolic sizes that nodes, their types and their requirements mention."""
    for node in nodes:
        yield from node.sizes_mentioned()
        yield from (s for s in node.type.shape if isinstance(s, Dim))
        for need in node.requirements():
            yield from (s for s in (need.a, need.b) if isinstance(s, Dim))


class Several(Tensor):
    """A node with bodies and several results.

    As a tensor it is an i64 scalar, which says what was done: how many steps, which branch.

    Attributes:
        part_types: the type of each result.
    """

    part_types: tuple[TensorType, ...] = derived()

    def setup(self) -> None:
        """What a tensor does, and the types of the results."""
        super().setup()
        self.derive(part_types=self.infer_parts())

    def infer(self) -> TensorType:
        """What was done is a number."""
        return TensorType(I64, ())

    def infer_parts(self) -> tuple[TensorType, ...]:
        """Return the type of each result."""
        raise NotImplementedError

    def vjp_parts(
        self, cts: tuple[Tensor | None, ...], wanted: tuple[bool, ...]
    ) -> tuple[Tensor | None, ...]:
        """Return the cotangent of each operand, given those of the results; None for 0.

        Args:
            cts: of the results.
            wanted: which operands are asked about; the others may get None.
        """
        raise NotImplementedError

    def jvp_parts(self, tangents: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        """Return the tangent of each result, given those of the operands; None for 0."""
        raise NotImplementedError

    def batch_parts(
        self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the own value and each result for many examples, along an axis in front.

        The own value is a scalar where it is the same for all of them.
        """
        raise NotImplementedError

    def numpy_parts(self, operands: Sequence[Array], sizes: Sizes) -> tuple[int, list[Array]]:
        """Return the own value and the results, in NumPy."""
        raise NotImplementedError

    @property
    def bodies(self) -> tuple[Body, ...]:
        """The bodies, in order."""
        found: list[Body] = []
        for arg in self.args:
            items = cast("tuple[Any, ...]", arg) if isinstance(arg, tuple) else (arg,)
            found += [item for item in items if isinstance(item, Body)]
        return tuple(found)

    def with_bodies(self, bodies: Sequence[Body]) -> Self:
        """Return the node with other bodies, of the same inputs."""
        fresh = iter(bodies)

        def now(arg: Any) -> Any:
            if isinstance(arg, tuple):
                return tuple(now(item) for item in arg)  # type: ignore[misc]
            return next(fresh) if isinstance(arg, Body) else arg

        return type(self)(*map(now, self.args))

    def sizes_mentioned(self) -> Iterator[Dim]:
        """Yield the sizes among the attributes, and those that bodies mention."""
        yield from super().sizes_mentioned()
        for body in self.bodies:
            yield from body.symbols

    def parts(self) -> tuple[Part, ...]:
        """Return the results as tensors."""
        return tuple(Part(self, place) for place in range(len(self.part_types)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What was done is no float: never asked."""
        raise CompilerBug(f"{self!r} has no cotangent of its own")

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """What was done is a number that does not vary."""
        return None


class Part(Tensor):
    """One of several results."""

    of: Several
    place: int

    def infer(self) -> TensorType:
        """As the node says."""
        return self.of.part_types[self.place]

    @property
    def name(self) -> str | None:
        """No name."""
        return None


def outward(body: Body, given: Iterable[Tensor]) -> Callable[[Dim], Size | None]:
    """Return what sizes that are values of a body's inputs are outside.

    Args:
        body: whose sizes are meant.
        given: what stands for each of its last inputs.
    """
    given = list(given)
    inputs = body.inputs[len(body.inputs) - len(given) :]
    known: dict[Dim, Size] = {}
    for leaf, tensor in zip(inputs, given, strict=True):
        if not leaf.ndim and not leaf.dtype.is_inexact:
            size = size_of(leaf)
            if isinstance(size, Dim):
                known[size] = size_of(tensor)
    return known.get


def in_bodies(
    outputs: Sequence[Tensor], run: Callable[[list[Tensor]], list[Tensor]]
) -> list[Tensor]:
    """Return the outputs with the bodies of their nodes changed.

    Args:
        outputs: of a graph.
        run: gives the outputs of a body anew; it sees to bodies inside of it by itself.
    """
    if not any(isinstance(node, Several) for node in toposort(outputs)):
        return list(outputs)

    def visit(node: Tensor) -> Tensor:
        if not isinstance(node, Several):
            return node
        news = [Body(body.inputs, tuple(run(list(body.outputs)))) for body in node.bodies]
        changed = any(new is not old for new, old in zip(news, node.bodies, strict=True))
        return node.with_bodies(news) if changed else node

    return rebuild(outputs, {}, visit=visit)
