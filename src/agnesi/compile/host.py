"""Python code that a native program calls: what ``HostOp`` promises."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.errors import CompilerBug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Dim, Size
    from agnesi.graph.tensor import Array, Tensor
    from agnesi.lower.program import CallHost


class Host:
    """Computes the host calls of a program, by number."""

    def __init__(self, calls: Sequence[CallHost]) -> None:
        self.calls = tuple(calls)

    def __call__(self, number: int, *words: int) -> None:
        """Compute one: addresses, each followed by sizes, of the operands and the result.

        Raises:
            CompilerBug: what NumPy gives has another dtype or shape than the node.
        """
        node = self.calls[number].node
        rest = iter(words)
        known: dict[Dim, int] = {}
        arrays = [_array(t, rest, known) for t in (*node.operands, node)]
        *operands, result = arrays

        def sizes(size: Size) -> int:
            return size if isinstance(size, int) else known[size]

        found = np.asarray(node.numpy(operands, sizes))
        if found.shape != result.shape or found.dtype != result.dtype:
            raise CompilerBug(
                f"{node!r} gave {found.dtype}{list(found.shape)} in NumPy, "
                f"not {result.dtype}{list(result.shape)}"
            )
        result[...] = found


def _array(tensor: Tensor, words: Any, known: dict[Dim, int]) -> Array:
    """Return an array over native memory, and learn its sizes."""
    address = next(words)
    shape = tuple(next(words) for _ in tensor.type.shape)
    for size, number in zip(tensor.type.shape, shape, strict=True):
        if not isinstance(size, int):
            known[size] = number
    count = math.prod(shape)
    if not count:
        return np.empty(shape, tensor.dtype.numpy)
    memory = (ctypes.c_char * (count * tensor.dtype.bytes)).from_address(address)
    return np.frombuffer(memoryview(memory), tensor.dtype.numpy).reshape(shape)
