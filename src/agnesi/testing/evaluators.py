"""Ways to get numbers from expressions; a check is given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agnesi.compile.function import function
from agnesi.core.knobs import setting
from agnesi.graph.interpret import interpret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Array, Tensor


class Evaluator(Protocol):
    """Makes a function of arrays from inputs and outputs."""

    def __call__(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], /
    ) -> Callable[[Sequence[Array]], list[Array]]:
        """Return a function from arrays for the inputs to arrays of the outputs."""
        ...


def interpreted(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], /
) -> Callable[[Sequence[Array]], list[Array]]:
    """Compute in NumPy, node by node: slow, and right if anything is."""

    def run(arrays: Sequence[Array]) -> list[Array]:
        return interpret(outputs, dict(zip(inputs, arrays, strict=True)))

    return run


def looped(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], /
) -> Callable[[Sequence[Array]], list[Array]]:
    """Rewrite and lower to kernels, and run these number by number: what native code has to do."""
    with setting(interpret="loops"):
        compiled = function(list(inputs), list(outputs), on_unused_input="ignore")

    def run(arrays: Sequence[Array]) -> list[Array]:
        return compiled(*arrays)

    return run


def native(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], /
) -> Callable[[Sequence[Array]], list[Array]]:
    """Compile to machine code, as :func:`agnesi.function` does."""
    compiled = function(list(inputs), list(outputs), on_unused_input="ignore")

    def run(arrays: Sequence[Array]) -> list[Array]:
        return compiled(*arrays)

    return run
