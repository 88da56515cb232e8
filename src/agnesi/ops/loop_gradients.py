"""Derivatives of loops, and loops over many examples at once: each is a loop again.

Backwards, what is carried is the cotangent of what was carried, and the sum of what steps give to
each captured tensor.  A step back needs values of the step; they are rows of the same loop, done
with more results (rules make one loop of the two), or computed once more where that is cheap.

    forward    h = tanh(h @ w + x)                                     rows: h before the step
    back       g = ct * (1 - out**2);  ct = g @ w.T;  dw += h.T @ g    h before is the next ``out``

Nothing here knows of rows that are read by nobody, nor of sums that are better done outside: that
is for rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from agnesi.autodiff.forward import push
from agnesi.autodiff.reverse import filled, is_continuous, pull, undefined_text
from agnesi.core.errors import GradientError
from agnesi.core.record import field, record
from agnesi.dims.dim import value_of
from agnesi.graph.body import Body, Several, close
from agnesi.graph.graph import rebuild, size_of, toposort
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.tensor import SizeValue
from agnesi.graph.types import TensorType
from agnesi.ops.savings import saved_values
from agnesi.ops.slicing import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agnesi.autodiff.reverse import Pulled
    from agnesi.dims.dim import Dim, Size
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.loop import Loop

Parts = tuple["Tensor | None", ...]


@record()
class Making:
    """A loop in the making: what is carried, what is read, what is collected.

    Attributes:
        carried: the input, what it is at first, what becomes of it in a step.
        rows: the input, and the sequence it is a row of.
        captured: the input, and the tensor it stands for.
        collected: what becomes rows.
    """

    number: Input
    carried: list[tuple[Input, Tensor, Tensor]]
    rows: list[tuple[Input, Tensor]]
    captured: list[tuple[Input, Tensor]]
    collected: list[Tensor] = field(default_factory=list["Tensor"])

    def made(
        self, kind: type[Loop], length: Size | None, reverse: bool, condition: Tensor | None = None
    ) -> Loop:
        """Return the loop; what its steps do not read is left away.

        Args:
            kind: the class of the loop.
            length: number of steps.
            reverse: from the last row to the first.
            condition: whether there is another step, of its number, what is carried, and captured.
        """
        outputs = [*(new for _, _, new in self.carried), *self.collected]
        inputs = [leaf for leaf, *_ in (*self.carried, *self.rows, *self.captured)]
        given = [self.number, *inputs]
        asked = () if condition is None else (condition,)
        closed = close(given, [*outputs, *asked])
        body, ask = closed.parts(len(outputs), len(asked))
        # The inputs may have been renewed, where sizes in their types are values captured now.
        places = dict(zip(given, body.inputs, strict=False))
        read = set(toposort(closed.body.outputs))
        needed = [(leaf, x) for leaf, x in self.rows if places[leaf] in read]
        kept = [(leaf, x) for leaf, x in self.captured if places[leaf] in read or _is_number(leaf)]
        extra = body.inputs[len(given) :]
        captured = [*(places[leaf] for leaf, _ in kept), *extra]
        carries = [places[leaf] for leaf, _, _ in self.carried]
        before = [places[self.number], *carries]
        rows = [places[leaf] for leaf, _ in needed]
        return kind(
            length,
            reverse,
            Body((*before, *captured), ask.outputs) if asked else None,
            Body((*before, *rows, *captured), body.outputs),
            tuple(init for _, init, _ in self.carried),
            tuple(x for _, x in needed),
            (*(x for _, x in kept), *closed.captured),
        )


def _is_number(leaf: Input) -> bool:
    """Whether sizes may be the value of an input, so that types mention it."""
    return not leaf.ndim and not leaf.dtype.is_inexact


def condition_of(loop: Loop) -> Tensor | None:
    """Return what is asked before each step, of the inputs of the loop's body."""
    if loop.condition is None:
        return None
    given: dict[Tensor, Tensor] = dict(
        zip(
            loop.condition.inputs,
            (loop.number, *loop.carries, *loop.stand_ins),
            strict=True,
        )
    )
    return rebuild(loop.condition.outputs, given)[0]


def _like(name: str, kind: TensorType, front: tuple[Size, ...] = ()) -> Input:
    return new_input(name, TensorType(kind.dtype, (*front, *kind.shape)))


# -- reverse mode --------------------------------------------------------------------------------


def loop_vjp(loop: Loop, cts: Parts, wanted: tuple[bool, ...]) -> Parts:
    """Return the cotangents of the operands of a loop.

    Args:
        loop: the node.
        cts: of its results; None for 0.
        wanted: of which operands they are asked for.
    """
    back = _Back(loop, cts, wanted)
    return back.run()


class _Back:
    """What a step back computes."""

    def __init__(self, loop: Loop, cts: Parts, wanted: tuple[bool, ...]) -> None:
        self.loop = loop
        first, second = len(loop.inits), len(loop.inits) + len(loop.sequences)
        self.of_last, self.of_rows = cts[:first], cts[first:]
        asked = [w and is_continuous(o) for w, o in zip(wanted, loop.operands, strict=True)]
        self.rows = [k for k in range(len(loop.sequences)) if asked[first + k]]
        self.captured = [k for k in range(len(loop.captured)) if asked[second + k]]
        self.asked_inits = {k for k in range(first) if asked[k]}
        self.varying = self._varying()
        self.order = toposort(loop.body.outputs, set(loop.body.inputs))
        self.ct_carries = [_like("ct", n.type) for n in loop.nexts]
        self.ct_rows = [_like("ct_row", y.type) for y in loop.collected]
        self.live = self._live()
        self.pulled = self._pulled()

    def _varying(self) -> set[int]:
        """Return the carries that depend on what cotangents are asked for."""
        loop = self.loop
        found = set(self.asked_inits)
        given = [loop.rows[k] for k in self.rows] + [loop.stand_ins[k] for k in self.captured]
        while True:
            depends: set[Tensor] = {*given, *(loop.carries[k] for k in found)}
            for node in toposort(loop.nexts, set(loop.body.inputs)):
                if not node.cuts_gradients and any(o in depends for o in node.operands):
                    depends.add(node)
            more = {k for k, new in enumerate(loop.nexts) if new in depends and is_continuous(new)}
            if more <= found:
                return found
            found |= more

    def _live(self) -> set[int]:
        """Return the carries whose cotangent may not be 0 in some step."""
        loop = self.loop
        live = {k for k in self.varying if self.of_last[k] is not None}
        while True:
            roots = [loop.nexts[k] for k in live]
            roots += [
                y for y, ct in zip(loop.collected, self.of_rows, strict=True) if ct is not None
            ]
            below = set(toposort(roots))
            more = {k for k in self.varying if loop.carries[k] in below}
            if more <= live:
                return live
            live |= more

    def _pulled(self) -> Pulled:
        """Walk back through the body, until it is known which cotangents are 0 in every step."""
        loop = self.loop
        targets: list[Tensor] = [
            *(loop.carries[k] for k in sorted(self.varying)),
            *(loop.rows[k] for k in self.rows),
            *(loop.stand_ins[k] for k in self.captured),
        ]
        while True:
            seeds: list[tuple[Tensor, Tensor]] = [
                (loop.nexts[k], self.ct_carries[k]) for k in sorted(self.live)
            ]
            for k, ct in enumerate(self.of_rows):
                if ct is not None and is_continuous(loop.collected[k]):
                    seeds.append((loop.collected[k], self.ct_rows[k]))
            pulled = pull(seeds, targets)
            for target in targets:
                if target in pulled.undefined:
                    self._refuse(target, pulled)
            still = {
                k
                for k in self.live
                if self.of_last[k] is not None or loop.carries[k] in pulled.cotangents
            }
            if still == self.live:
                return pulled
            self.live = still

    def _refuse(self, target: Tensor, pulled: Pulled) -> None:
        loop = self.loop
        places = dict(zip(loop.body.inputs[1:], loop.operands, strict=True))
        raise GradientError(
            undefined_text("grad", places[cast("Input", target)], *pulled.undefined[target])
        )

    def run(self) -> Parts:
        """Return the cotangents."""
        loop = self.loop
        found = self.pulled.cotangents
        live = sorted(self.live)
        rows = [k for k in self.rows if loop.rows[k] in found]
        sums = [k for k in self.captured if loop.stand_ins[k] in found]
        nexts = [
            found[loop.carries[k]] if loop.carries[k] in found else filled(loop.carries[k], 0)
            for k in live
        ]
        totals = [_like("sum", loop.stand_ins[k].type) for k in sums]
        if not (rows or sums or self.asked_inits & self.live):
            return tuple(None for _ in loop.operands)
        parts = [found[loop.stand_ins[k]] for k in sums]
        collected = [found[loop.rows[k]] for k in rows]
        cts: list[Input] = [
            *(self.ct_carries[k] for k in live),
            *(c for c, ct in zip(self.ct_rows, self.of_rows, strict=True) if ct is not None),
        ]
        outputs, again = self._with_values([*nexts, *parts, *collected], cts)
        nexts, outputs = outputs[: len(live)], outputs[len(live) :]
        parts, collected = outputs[: len(sums)], outputs[len(sums) :]
        making = again.making
        for k, new in zip(live, nexts, strict=True):
            ct = self.of_last[k]
            init = filled(loop.inits[k], 0) if ct is None else ct
            making.carried.append((self.ct_carries[k], init, new))
        for k, total, part in zip(sums, totals, parts, strict=True):
            making.carried.append((total, filled(loop.captured[k], 0), total + part))
        for ct_row, ct in zip(self.ct_rows, self.of_rows, strict=True):
            if ct is not None:
                making.rows.append((ct_row, ct))
        making.collected = collected
        kind = type(loop)
        back = making.made(kind, again.length, not loop.reverse)
        results = back.parts()[len(making.carried) - len(live) - len(sums) :]
        return self._results(results, live, sums, rows)

    def _results(
        self, results: Sequence[Tensor], live: list[int], sums: list[int], rows: list[int]
    ) -> Parts:
        loop = self.loop
        of_inits = dict(zip(live, results, strict=False))
        of_captured = dict(zip(sums, results[len(live) :], strict=False))
        of_rows = dict(zip(rows, results[len(live) + len(sums) :], strict=True))
        return (
            *(of_inits.get(k) if k in self.asked_inits else None for k in range(len(loop.inits))),
            *(_in_place(of_rows.get(k), s) for k, s in enumerate(loop.sequences)),
            *(of_captured.get(k) for k in range(len(loop.captured))),
        )

    def _with_values(
        self, outputs: list[Tensor], cts: Iterable[Input]
    ) -> tuple[list[Tensor], _Again]:
        """Return the outputs in terms of what a step back is given, and the loop in the making."""
        loop = self.loop
        kept = saved_values(loop, outputs, set(cts))
        again = _Again(loop, kept)
        return rebuild(outputs, again.stand_ins, again.sizes), again


class _Again:
    """The loop once more, with the values that a step back needs as rows.

    What was carried into a step is what was carried out of the one before.  Going back, that is
    read one step later, so that it needs no rows of its own: it is carried.
    """

    def __init__(self, loop: Loop, kept: list[Tensor]) -> None:
        first = len(loop.inits)
        known = set(kept)
        # Values that the step back before has read: which is carried, by what they are.
        after: dict[Tensor, int] = {}
        for k, (carry, new) in enumerate(zip(loop.carries, loop.nexts, strict=True)):
            if carry in known and new in known and not isinstance(new, Input):
                after.setdefault(new, k)
        saved = [v for v in kept if v not in after]
        ends = loop.length is None or loop.condition is not None
        length = size_of(loop) if ends else loop.length
        condition = None if loop.length is None else condition_of(loop)
        making = Making(
            loop.number,
            list(zip(loop.carries, loop.inits, loop.nexts, strict=True)),
            list(zip(loop.rows, loop.sequences, strict=True)),
            list(zip(loop.stand_ins, loop.captured, strict=True)),
            # A number of steps is told by a scalar; the loop that has it is not needed for that.
            [SizeValue(size_of(v)) if isinstance(v, Several) else v for v in saved],
        )
        stacks: Sequence[Tensor] = ()
        lasts: Sequence[Tensor] = ()
        if saved:
            steps = length if loop.length is None else loop.length
            forward = making.made(type(loop), steps, loop.reverse, condition)
            lasts, stacks = forward.parts()[:first], forward.parts()[first:]
            length = length if condition is None else size_of(forward)
        self.length = length
        self.stand_ins: dict[Tensor, Tensor] = {}
        self.sizes: dict[Dim, Size] = {}
        rows: list[tuple[Input, Tensor]] = []
        for value, stack in zip(saved, stacks, strict=True):
            leaf = _like("saved", value.type)
            if isinstance(value, Several):
                self.sizes[value_of(value)] = size_of(leaf)
            else:
                self.stand_ins[value] = leaf
            rows.append((leaf, stack))
        carried: list[tuple[Input, Tensor, Tensor]] = []
        for value, k in after.items():
            leaf = _like("out", value.type)
            self.stand_ins[value] = leaf
            carried.append((leaf, lasts[k], self.stand_ins[loop.carries[k]]))
        self.making = Making(loop.number, carried, [*rows, *making.rows], list(making.captured), [])


def _in_place(ct: Tensor | None, sequence: Tensor) -> Tensor | None:
    """Return the cotangent of a sequence that may have more rows than there were steps."""
    if ct is None or ct.type.shape[0] == sequence.type.shape[0]:
        return ct
    zeros = (0,) * ct.ndim
    return Place(ct, zeros, (1,) * ct.ndim, sequence.type.shape)


# -- forward mode --------------------------------------------------------------------------------


def loop_jvp(loop: Loop, tangents: Parts) -> Parts:
    """Return the tangents of the results of a loop, given those of its operands."""
    first, second = len(loop.inits), len(loop.inits) + len(loop.sequences)
    ahead = [_like("tangent", c.type) for c in loop.carries]
    rows = _tangent_inputs(loop.rows, tangents[first:second])
    captured = _tangent_inputs(loop.stand_ins, tangents[second:])
    live = {k for k in range(first) if tangents[k] is not None}
    while True:
        given: dict[Tensor, Tensor] = {loop.carries[k]: ahead[k] for k in live}
        given.update({leaf: t for leaf, t, _ in (*rows, *captured)})
        found = push(loop.body.outputs, given)
        more = {k for k in range(first) if found[k] is not None} | live
        if more == live:
            break
        live = more
    order = sorted(live)
    making = Making(
        loop.number,
        list(zip(loop.carries, loop.inits, loop.nexts, strict=True)),
        [*zip(loop.rows, loop.sequences, strict=True), *((t, s) for _, t, s in rows)],
        [*zip(loop.stand_ins, loop.captured, strict=True), *((t, c) for _, t, c in captured)],
    )
    for k in order:
        init = tangents[k]
        new = found[k]
        making.carried.append(
            (
                ahead[k],
                filled(loop.inits[k], 0) if init is None else init,
                filled(loop.carries[k], 0) if new is None else new,
            )
        )
    collected = [k for k, t in enumerate(found[first:]) if t is not None]
    making.collected = [t for t in found[first:] if t is not None]
    pushed = making.made(type(loop), loop.length, loop.reverse, condition_of(loop))
    results = pushed.parts()[first:]
    of_last = dict(zip(order, results, strict=False))
    of_rows = dict(zip(collected, results[len(order) :], strict=True))
    return (
        *(of_last.get(k) for k in range(first)),
        *(of_rows.get(k) for k in range(len(loop.collected))),
    )


def _tangent_inputs(leaves: Sequence[Input], tangents: Parts) -> list[tuple[Input, Input, Tensor]]:
    return [
        (leaf, _like("tangent", leaf.type), tangent)
        for leaf, tangent in zip(leaves, tangents, strict=True)
        if tangent is not None
    ]
