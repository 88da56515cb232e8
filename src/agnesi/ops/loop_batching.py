"""A loop for many examples at once: one loop, whose steps do those of all examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.autodiff.reverse import filled
from agnesi.batching.graph import batch_graph, in_front
from agnesi.core.dtypes import I64
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Input, new_input, scalar_constant
from agnesi.graph.types import TensorType
from agnesi.ops.choice import Where, astype
from agnesi.ops.loop_gradients import Making, condition_of
from agnesi.ops.movement import BroadcastTo, moveaxis, restore_axes
from agnesi.ops.reductions import any as any_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.loop import Loop


def loop_batch(
    loop: Loop, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the number of steps and the results of a loop for many examples.

    Where the condition differs between examples, there are steps as long as it holds for any of
    them; those for which it does not keep what they carry, and have a number of steps each.
    """
    return _Batch(loop, operands, batched, size).run()


class _Batch:
    """The body for all examples."""

    def __init__(
        self, loop: Loop, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size
    ) -> None:
        self.loop = loop
        self.size = size
        self.first = len(loop.inits)
        second = self.first + len(loop.sequences)
        self.inits = operands[: self.first]
        # Steps go along the first axis of sequences, examples along the next.
        self.sequences = [
            moveaxis(x, 0, 1) if is_batched else x
            for x, is_batched in zip(
                operands[self.first : second], batched[self.first : second], strict=True
            )
        ]
        self.captured = operands[second:]
        self.condition = condition_of(loop)
        inputs = loop.body.inputs[1:]
        self.differ: set[Tensor] = {i for i, b in zip(inputs, batched, strict=True) if b}
        self.given = {k for k in range(self.first) if batched[k]}
        self._settle()

    def _settle(self) -> None:
        """Find which carries come to differ between examples."""
        loop = self.loop
        roots = [*loop.body.outputs, *(() if self.condition is None else (self.condition,))]
        while True:
            depends = set(self.differ)
            for node in toposort(roots, set(loop.body.inputs)):
                if any(d in depends for d in node.dependencies):
                    depends.add(node)
            masked = self.condition is not None and self.condition in depends
            more = {
                carry
                for carry, new in zip(loop.carries, loop.nexts, strict=True)
                if masked or new in depends
            }
            if more <= self.differ:
                self.depends, self.masked = depends, masked
                return
            self.differ |= more

    def run(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Build the loop."""
        loop = self.loop
        wide: dict[Tensor, Input] = {
            leaf: new_input(leaf.name, TensorType(leaf.dtype, (self.size, *leaf.type.shape)))
            for leaf in loop.body.inputs
            if leaf in self.differ
        }
        asked = () if self.condition is None else (self.condition,)
        outputs = self._outputs([*loop.body.outputs, *asked], wide)
        condition = outputs.pop() if asked else None
        inits = [
            in_front(x, self.size) if leaf in wide and k not in self.given else x
            for k, (leaf, x) in enumerate(zip(loop.carries, self.inits, strict=True))
        ]
        making = Making(
            loop.number,
            [
                (wide.get(leaf, leaf), init, new)
                for leaf, init, new in zip(loop.carries, inits, outputs, strict=False)
            ],
            _paired(loop.rows, self.sequences, wide),
            _paired(loop.stand_ins, self.captured, wide),
            outputs[self.first :],
        )
        if self.masked and condition is not None:
            condition = self._mask(making, condition)
        made = making.made(type(loop), loop.length, loop.reverse, condition)
        parts = made.parts()
        count = len(making.carried)
        lasts, rows = parts[: self.first], parts[count:]
        own = parts[self.first] if self.masked else made
        return own, (
            *(
                x if leaf in wide else in_front(x, self.size)
                for leaf, x in zip(loop.carries, lasts, strict=True)
            ),
            *(
                moveaxis(x, 1, 0) if self.masked or y in self.depends else in_front(x, self.size)
                for y, x in zip(loop.collected, rows, strict=True)
            ),
        )

    def _outputs(self, old: Sequence[Tensor], wide: dict[Tensor, Input]) -> list[Tensor]:
        """Return outputs for all examples, where they differ."""
        news = iter(batch_graph([o for o in old if o in self.depends], wide, self.size))
        found = [next(news) if o in self.depends else o for o in old]
        # A carry that differs stays so, whatever becomes of it in a step.
        for k, (leaf, new) in enumerate(zip(self.loop.carries, self.loop.nexts, strict=True)):
            if leaf in wide and new not in self.depends:
                found[k] = in_front(new, self.size)
        return found

    def _mask(self, making: Making, condition: Tensor) -> Tensor:
        """Let examples that are done keep what they carry; return whether any is not done."""
        carried = [
            (leaf, init, _chosen(condition, new, leaf)) for leaf, init, new in making.carried
        ]
        count = new_input("steps", TensorType(I64, (self.size,)))
        zero = BroadcastTo(scalar_constant(0, I64), (self.size,))
        making.carried = [*carried, (count, zero, count + astype(condition, I64))]
        wide = [
            x if y in self.depends else in_front(x, self.size)
            for x, y in zip(making.collected, self.loop.collected, strict=True)
        ]
        making.collected = [_chosen(condition, x, filled(x, 0)) for x in wide]
        return any_of(condition)


def _paired(
    leaves: Iterable[Input], tensors: Iterable[Tensor], wide: dict[Tensor, Input]
) -> list[tuple[Input, Tensor]]:
    return [(wide.get(leaf, leaf), x) for leaf, x in zip(leaves, tensors, strict=True)]


def _chosen(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return what holds for each example, along the first axis."""
    behind = restore_axes(condition, tuple(range(1, x.ndim)))
    return Where(BroadcastTo(behind, x.type.shape), x, y)
