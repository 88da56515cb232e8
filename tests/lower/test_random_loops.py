"""Loops made at random: the program's interpreter, and native code for a few, against NumPy."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.graph.interpret import interpret
from agnesi.lower import whole
from agnesi.lower.interpret import interpret_program
from agnesi.lower.lower import lower
from agnesi.lower.verify import verify_program
from tests.lower.test_loops import loop_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Tensor

    Known = list[tuple[str, Tensor]]


class Steps:
    """Makes the body of a loop: matrices ``m``, vectors ``v`` and numbers ``s`` are carried."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        rows, columns = self.random.choice([(4, 3), (16, 5), (1, 4), (12, 8), (9, 4)])
        size = self.random.choice(["b", str(rows)])
        self.steps = self.random.choice([0, 1, 2, 3, 5])
        self.x = ag.input("x", f"f32[t, {size}, {columns}]")
        self.w = ag.input("w", f"f32[{columns}, {columns}]")
        self.s = ag.input("s", "f32[]")
        self.kinds = [self.random.choice("mmmvs") for _ in range(self.random.randint(1, 3))]
        numbers = np.random.default_rng(seed)
        shapes = (self.steps, rows, columns), (columns, columns), ()
        self.values = [numbers.normal(size=shape).astype("f4") * 0.5 for shape in shapes]

    def pick(self, kind: str, known: Known) -> Tensor | None:
        found = [tensor for k, tensor in known if k == kind]
        return self.random.choice(found) if found else None

    def expression(self, kind: str, known: Known, depth: int) -> Tensor:
        found = self.pick(kind, known)
        if depth == 0 and found is not None:
            return found
        below = max(depth - 1, 0)
        matrix = self.pick("m", known) if kind != "m" else found
        assert matrix is not None
        if kind == "s":
            base = self.s if found is None else found
            return self.random.choice([base * 0.7 + self.s, matrix.sum() * 0.01])
        if kind == "v":
            base = matrix[0] * 0.5 if found is None else found
            return self.random.choice([base[::-1], ag.tanh(base), matrix.sum(axis=0) * 0.1])
        a = self.expression("m", known, below)
        vector = self.pick("v", known)
        makers: list[Callable[[], Tensor]] = [
            lambda: a @ self.w,
            lambda: a @ self.w.T,
            lambda: ag.tanh(a),
            lambda: a[:, ::-1] * 0.5,
            lambda: a[::-1],
            lambda: a + (self.s if vector is None else vector),
            lambda: a - a.sum(axis=1, keepdims=True) * 0.1,
            lambda: a * 0.5 + self.expression("m", known, below),
        ]
        return self.random.choice(makers)()

    def body(self, t: Tensor, *given: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        *carries, row = given
        known: Known = [*zip(self.kinds, carries, strict=True), ("m", row)]
        if self.random.random() < 0.3:
            known.append(("s", t.astype("f32") * 0.1))
        nexts: list[Tensor] = []
        for kind in self.kinds:
            twice = self.pick(kind, list(zip(self.kinds, nexts, strict=False)))
            luck = self.random.random()
            if luck < 0.1 and twice is not None:
                nexts.append(twice)
            else:
                nexts.append(self.expression(kind, known, 0 if luck < 0.2 else 3))
        rows: list[Tensor] = [*nexts, *carries, self.expression("m", known, 2)]
        return nexts, [self.random.choice(rows) for _ in range(self.random.randint(0, 3))]

    def outputs(self) -> list[Tensor]:
        begin: dict[str, list[Any]] = {
            "m": [ag.zeros(self.x.shape[1:]), ag.ones(self.x.shape[1:]) * self.s],
            "v": [self.w[0], self.w.sum(axis=0)],
            "s": [self.s, ag.constant(0.5)],
        }
        inits = [self.random.choice(begin[kind]) for kind in self.kinds]
        stop = self.random.randint(0, 4)
        asks = self.random.random() < 0.2
        loop = loop_of(
            self.body,
            inits,
            [self.x],
            self.x.type.shape[0],
            reverse=not asks and self.random.random() < 0.4,
            go=(lambda t, *_: t * t < stop) if asks else None,
        )
        parts = list(loop.parts())
        found: list[Tensor] = self.random.sample(parts, self.random.randint(1, len(parts)))
        return [*found, loop, found[0] * 2]


@pytest.mark.parametrize("first", range(0, 60, 15))
def test_loops_made_at_random(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if first % 2:
        # Rows go their own way, however little there is to do.
        monkeypatch.setattr(whole, "_SHORT_ROWS", 0)
    for seed in range(first, first + 15):
        made = Steps(seed)
        inputs: Any = [made.x, made.w, made.s]
        outputs = made.outputs()
        expected = interpret(outputs, dict(zip(inputs, made.values, strict=True)))
        program = lower("f", inputs, outputs, [])
        verify_program(program)
        results = [interpret_program(program, made.values, [])[0]]
        if seed == first:
            results.append(ag.function(inputs, outputs, on_unused_input="ignore")(*made.values))
        for found in results:
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-4, err_msg=f"seed {seed}")
