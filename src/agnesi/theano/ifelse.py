"""One of two branches, of which the other one is not computed."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.gof.graph import Variable
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.casting import upcast


class IfElse(FunctionOp):
    """The op of :func:`ifelse`.

    Attributes:
        n_outs: how many values are chosen.
        name: of the choice, or None.
    """

    def __init__(self, n_outs: int, build: Any, name: str | None = None) -> None:
        super().__init__("if", build, n_outs)
        self.n_outs, self.name = n_outs, name  # type: ignore[assignment]

    def __hash__(self) -> int:
        return hash((IfElse, self.n_outs, self.name))

    def __str__(self) -> str:
        return f"if{{{self.name or ''}}}"


def is_choice(node: Any) -> bool:
    """Whether an application is one of :func:`ifelse`."""
    return isinstance(node.op, IfElse) or getattr(node.op, "name", None) == "if"


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """Return one of two values, or lists of values; what is not chosen is not computed.

    Args:
        condition: a scalar; true unless it is 0.
        then_branch: variables that are the result where it is true.
        else_branch: as many, of the same ranks.
        name: of the choice.

    Raises:
        TypeError: the branches differ in ranks.
        ValueError: they differ in number.
    """
    single = not isinstance(then_branch, list | tuple)
    use_tuple = isinstance(then_branch, tuple)
    first = [then_branch] if single else list(then_branch)
    second = list(else_branch) if isinstance(else_branch, list | tuple) else [else_branch]
    if len(first) != len(second):
        raise ValueError(
            f"The number of values on the `then` branch should have the same number of variables "
            f"as the `else` branch : (variables on `then` {len(first)}, variables on `else` "
            f"{len(second)})"
        )
    pairs = [
        (as_tensor_variable(a), as_tensor_variable(b)) for a, b in zip(first, second, strict=True)
    ]
    for a, b in pairs:
        if a.ndim != b.ndim:
            raise TypeError(
                "The two branches should have identical types, but they are "
                f"{a.type} and {b.type} respectively."
            )
    kinds = [upcast(a.dtype, b.dtype) for a, b in pairs]
    count = len(pairs)

    def build(c: ag.Tensor, *ts: ag.Tensor) -> list[ag.Tensor]:
        then, other = ts[:count], ts[count:]
        made = ag.cond(
            ag.astype(c, "bool"),
            lambda: [ag.astype(t, d) for t, d in zip(then, kinds, strict=True)],
            lambda: [ag.astype(t, d) for t, d in zip(other, kinds, strict=True)],
        )
        return list(made)

    given = [as_tensor_variable(condition), *(a for a, _ in pairs), *(b for _, b in pairs)]
    results: list[Variable] = IfElse(count, build, name)(*given, return_list=True)
    return results[0] if single else tuple(results) if use_tuple else results
