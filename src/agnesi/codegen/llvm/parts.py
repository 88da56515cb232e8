"""The parts of a program's code: each a module of its own, compiled and kept on disk by itself."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from agnesi.codegen.llvm.vectors import with_metadata
from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# Loops that LLVM makes fast; vectors that are written out, so that it only has to choose
# instructions; calls one after the other, that take no time.
Work: TypeAlias = Literal["loops", "vectors", "calls"]


@record(frozen=True)
class Part:
    """One function with all that its module needs.

    A kernel's part says nothing of the program it is in, not even its number there: the same
    kernel in another program is the same part.

    Attributes:
        name: of the function that other parts call.
        needs: declarations, and functions of its own.
        function: LLVM IR.
        attributes: groups of attributes that functions refer to.
        work: what LLVM has to do for it.
    """

    name: str
    needs: tuple[str, ...]
    function: str
    attributes: tuple[str, ...] = ()
    work: Work = "loops"

    @cached_property
    def text(self) -> str:
        """The module."""
        return with_metadata("\n\n".join([*self.needs, self.function, *self.attributes]))


def whole(parts: Sequence[Part], called: Mapping[str, str]) -> str:
    """Return all parts as one module, for reading.

    Args:
        parts: of a program.
        called: the function of each kernel, by the kernel's name.
    """
    kernels: dict[str, list[str]] = {}
    for kernel, function in called.items():
        kernels.setdefault(function, []).append(kernel)
    here = [f"@{part.name}(" for part in parts]
    needs = dict.fromkeys(need for part in parts for need in part.needs)
    declared = [n for n in needs if not (n[:7] == "declare" and any(h in n for h in here))]
    functions = [
        "\n".join([*(f"; {kernel}" for kernel in kernels.get(p.name, ())), p.function])
        for p in parts
    ]
    ends = dict.fromkeys(end for part in parts for end in part.attributes)
    return with_metadata("\n\n".join([*declared, *functions, *ends]))
