"""A loop as a node: the same step again and again, with what it carries from one to the next.

Everything that repeats is one of these: ``scan``, ``map``, ``while_loop``, and their gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.core.errors import CompilerBug, ShapeError
from agnesi.dims.simplify import is_nonnegative
from agnesi.graph.body import Body, Several, outward, with_sizes
from agnesi.graph.interpret import interpret
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.ops.loop_batching import loop_batch
from agnesi.ops.loop_gradients import loop_jvp, loop_vjp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.leaves import Input


class Loop(Several):
    """Steps, one after the other.

    In step ``t`` the body is given the number ``t``, what is carried, row ``t`` of each sequence,
    and what was captured; it gives what is carried on, and a row of each collected result.  The
    results of the node are the last carried values and then the collected rows, along an axis in
    front.  Its own value is the number of steps taken.

    Attributes:
        keeps_carries: a step back is given what was carried, and computes the rest once more.
        length: how many steps; None where the condition alone ends the loop.
        reverse: the steps are ``length - 1`` down to 0; rows keep their places.
        condition: asked before each step, of the number of the step, what is carried and what was
            captured: whether there is another one.  Rows that are not reached are 0.
        body: inputs: the number of the step, what is carried, rows, what was captured; outputs:
            what is carried on, rows.
        inits: what is carried into the first step.
        sequences: at least ``length`` rows each.
        captured: what steps need besides.
    """

    keeps_carries: ClassVar[bool] = False

    length: Size | None
    reverse: bool
    condition: Body | None
    body: Body
    inits: tuple[Tensor, ...]
    sequences: tuple[Tensor, ...]
    captured: tuple[Tensor, ...]

    @property
    def number(self) -> Input:
        """The body's input for the number of the step."""
        return self.body.inputs[0]

    @property
    def carries(self) -> tuple[Input, ...]:
        """The body's inputs for what is carried."""
        return self.body.inputs[1 : 1 + len(self.inits)]

    @property
    def rows(self) -> tuple[Input, ...]:
        """The body's inputs for the rows of sequences."""
        first = 1 + len(self.inits)
        return self.body.inputs[first : first + len(self.sequences)]

    @property
    def stand_ins(self) -> tuple[Input, ...]:
        """The body's inputs for what was captured."""
        return self.body.inputs[1 + len(self.inits) + len(self.sequences) :]

    @property
    def nexts(self) -> tuple[Tensor, ...]:
        """The body's outputs that are carried on."""
        return self.body.outputs[: len(self.inits)]

    @property
    def collected(self) -> tuple[Tensor, ...]:
        """The body's outputs that become rows."""
        return self.body.outputs[len(self.inits) :]

    def infer_parts(self) -> tuple[TensorType, ...]:
        """The last of what is carried, then the rows."""
        outside = outward(self.body, self.captured)
        self._check_types()
        found = [init.type for init in self.inits]
        for output in self.collected:
            if self.length is None:
                raise CompilerBug("a loop of unknown length collects rows")
            kind = with_sizes(output.type, outside)
            found.append(TensorType(kind.dtype, (self.length, *kind.shape)))
        return tuple(found)

    def _check_types(self) -> None:
        own = len(self.inits), len(self.sequences), len(self.captured)
        if len(self.body.inputs) != 1 + sum(own) or len(self.body.outputs) < own[0]:
            raise CompilerBug(f"a loop over {own} has a body of {len(self.body.inputs)} inputs")
        rows = [TensorType(s.dtype, s.type.shape[1:]) for s in self.sequences]
        pairs = [
            *zip(self.carries, (i.type for i in self.inits), strict=True),
            *zip(self.nexts, (i.type for i in self.inits), strict=True),
            *zip(self.rows, rows, strict=True),
            *zip(self.stand_ins, (c.type for c in self.captured), strict=True),
        ]
        for inner, kind in pairs:
            if inner.dtype is not kind.dtype or inner.ndim != kind.ndim:
                raise CompilerBug(f"in a loop {inner!r} stands for a {kind}")
        if self.length is None and (self.sequences or self.condition is None or self.reverse):
            raise CompilerBug("a loop of unknown length has sequences, no end, or is reversed")
        if self.condition is not None and self.reverse:
            raise CompilerBug("a reversed loop has a condition: which rows are reached is unknown")

    def requirements(self) -> tuple[Requirement, ...]:
        """The number of steps is not negative, and none reads past the end of a sequence."""
        needs: list[Requirement] = []
        if self.length is not None and not is_nonnegative(self.length):
            needs.append(Requirement("at_most", 0, self.length, "the number of steps of a loop"))
        for k, sequence in enumerate(self.sequences):
            size = sequence.type.shape[0]
            if self.length is not None and size != self.length:
                words = (
                    f"{{a}} steps read past the end of sequence {k}, {sequence.type}, "
                    "which has {b} rows"
                )
                needs.append(Requirement("at_most", self.length, size, words))
        return tuple(needs)

    def vjp_parts(
        self, cts: tuple[Tensor | None, ...], wanted: tuple[bool, ...]
    ) -> tuple[Tensor | None, ...]:
        """A loop back, over values that this one keeps."""
        return loop_vjp(self, cts, wanted)

    def jvp_parts(self, tangents: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        """A loop that carries tangents too."""
        return loop_jvp(self, tangents)

    def batch_parts(
        self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """A loop over the steps of all examples at once."""
        return loop_batch(self, operands, batched, size)

    def numpy_parts(self, operands: Sequence[Array], sizes: Sizes) -> tuple[int, list[Array]]:
        """Step by step."""
        first = len(self.inits)
        state = list(operands[:first])
        sequences = operands[first : first + len(self.sequences)]
        captured = list(operands[first + len(self.sequences) :])
        length = None if self.length is None else max(sizes(self.length), 0)
        rows: list[dict[int, Array]] = [{} for _ in self.collected]
        done = 0
        values: dict[Tensor, Array] = {}
        while length is None or done < length:
            t = length - 1 - done if self.reverse and length is not None else done
            number = np.asarray(t, np.int64)
            if self.condition is not None:
                values = dict(zip(self.condition.inputs, [number, *state, *captured], strict=True))
                (go,) = interpret(self.condition.outputs, values, around=sizes)
                if not go:
                    break
            given = [number, *state, *(s[t] for s in sequences), *captured]
            values = dict(zip(self.body.inputs, given, strict=True))
            found = interpret(self.body.outputs, values, around=sizes)
            for new, old in zip(found, state, strict=False):
                if new.shape != old.shape:
                    raise ShapeError(f"{self!r}: {old.shape} is carried on as {new.shape}")
            state = found[:first]
            for store, row in zip(rows, found[first:], strict=True):
                store[t] = row
            done += 1
        results = [self._rows(k, store, length or 0, sizes) for k, store in enumerate(rows)]
        return done, [*state, *results]

    def _rows(self, k: int, store: dict[int, Array], length: int, sizes: Sizes) -> Array:
        kind = self.part_types[len(self.inits) + k]
        shape = next((row.shape for row in store.values()), None)
        if shape is None:
            shape = tuple(map(sizes, kind.shape[1:]))
        result = np.zeros((length, *shape), kind.dtype.numpy)
        for t, row in store.items():
            result[t] = row
        return result


class Segments(Loop):
    """A loop whose gradient keeps what is carried alone, and computes everything else once more.

    Its steps are loops themselves: of ``n`` steps every ``k``-th carry is kept.
    """

    keeps_carries = True
