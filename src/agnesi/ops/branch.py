"""A choice as a node: one of several graphs is computed, the others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.graph.body import Body, Several, outward, with_sizes
from agnesi.graph.interpret import interpret
from agnesi.ops.branch_derivatives import branch_batch, branch_jvp, branch_vjp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Array, Sizes, Tensor
    from agnesi.graph.types import TensorType


class Branch(Several):
    """One of several bodies, by number.

    Its own value is the number of the branch that was taken.

    Attributes:
        index: i64 scalar; what is below 0 counts as 0, what is beyond the last as the last.
        branches: of the same inputs, which stand for what was captured; their outputs have the
            same types.
        captured: what the branches need.
    """

    index: Tensor
    branches: tuple[Body, ...]
    captured: tuple[Tensor, ...]

    def infer_parts(self) -> tuple[TensorType, ...]:
        """Those of the first branch."""
        first = self.branches[0]
        for body in self.branches:
            kinds = [(o.dtype, o.ndim) for o in body.outputs]
            if len(body.inputs) != len(self.captured) or kinds != [
                (o.dtype, o.ndim) for o in first.outputs
            ]:
                raise CompilerBug(f"branches differ: {body!r} and {first!r}")
        outside = outward(first, self.captured)
        return tuple(with_sizes(output.type, outside) for output in first.outputs)

    def vjp_parts(
        self, cts: tuple[Tensor | None, ...], wanted: tuple[bool, ...]
    ) -> tuple[Tensor | None, ...]:
        """The cotangents of the branch taken."""
        return branch_vjp(self, cts, wanted)

    def jvp_parts(self, tangents: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        """The tangents of the branch taken."""
        return branch_jvp(self, tangents)

    def batch_parts(
        self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The branch for all examples; all branches, where each example takes its own."""
        return branch_batch(self, operands, batched, size)

    def numpy_parts(self, operands: Sequence[Array], sizes: Sizes) -> tuple[int, list[Array]]:
        """Compute the branch taken."""
        taken = min(max(int(operands[0]), 0), len(self.branches) - 1)
        body = self.branches[taken]
        values: dict[Tensor, Array] = dict(zip(body.inputs, operands[1:], strict=True))
        return taken, interpret(body.outputs, values, around=sizes)
