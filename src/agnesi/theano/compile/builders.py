"""Ops made of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof.graph import Variable, copied, inputs

if TYPE_CHECKING:
    from collections.abc import Sequence


class OpFromGraph:
    """An op that computes a graph of variables; it is part of the program that uses it.

    Attributes:
        local_inputs: the variables that stand for what it is applied to.
        local_outputs: what it gives.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        inline: bool = False,
        lop_overrides: Any = "default",
        grad_overrides: Any = "default",
        rop_overrides: Any = "default",
        connection_pattern: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        del connection_pattern
        if not isinstance(outputs, list | tuple):
            raise TypeError(f"outputs must be list, got {type(outputs)}")
        for variable in [*inputs, *outputs]:
            if not isinstance(variable, Variable):
                raise TypeError("inputs and outputs must be Variable instances", variable)
        if "updates" in kwargs or "givens" in kwargs:
            raise TypeError("updates and givens are not allowed here")
        given = (
            {lop_overrides, grad_overrides, rop_overrides} - {"default"}
            if all(isinstance(o, str) for o in (lop_overrides, grad_overrides, rop_overrides))
            else None
        )
        if lop_overrides != "default" and grad_overrides != "default":
            raise ValueError("lop_overrides and grad_overrides are mutually exclusive")
        del given
        for variable in _free(inputs, outputs):
            raise TypeError(f"OpFromGraph: the outputs depend on {variable}, which is no input")
        self.local_inputs, self.local_outputs = list(inputs), list(outputs)
        self.is_inline, self.name = inline, name
        self.lop_overrides, self.grad_overrides = lop_overrides, grad_overrides
        self.rop_overrides = rop_overrides

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        from agnesi.theano.compile.function_module import replacement

        many = named.pop("return_list", False)
        if len(inputs) != len(self.local_inputs):
            raise ValueError(
                f"{self}: {len(inputs)} inputs, where {len(self.local_inputs)} are needed"
            )
        swaps = {
            old: replacement(old, new) for old, new in zip(self.local_inputs, inputs, strict=True)
        }
        outputs = copied(self.local_outputs, swaps)[0]
        override = self.grad_overrides if self.grad_overrides != "default" else self.lop_overrides
        if override != "default":
            from agnesi.theano.gradient import overridden

            outputs = overridden(self, list(swaps.values()), outputs, override)
        return outputs if many or len(outputs) > 1 else outputs[0]

    def __str__(self) -> str:
        return f"{self.name or type(self).__name__}{{inline={self.is_inline}}}"


def _free(given: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    from agnesi.theano.gof.graph import Constant

    known = set(given)
    return [
        v
        for v in inputs(outputs, given)
        if v not in known and not isinstance(v, Constant | SharedVariable)
    ]
