"""One of two branches, of which the other one is not computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnesi as ag
from agnesi.graph.tensor import SizeValue
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.basic import as_tensor_variable, patternbroadcast

if TYPE_CHECKING:
    from collections.abc import Sequence


class IfElse(FunctionOp):
    """The op of :func:`ifelse`: of a condition, so many values, and as many others.

    Attributes:
        n_outs: how many values there are.
        as_view: nothing here: results never share memory with what they are chosen from.
        name: of the choice.
    """

    def __init__(
        self, n_outs: int, as_view: bool = False, gpu: bool = False, name: str | None = None
    ) -> None:
        self.n_outs, self.as_view, self.gpu = n_outs, as_view, gpu
        super().__init__("if", self.chosen, n_outs, n_outs=n_outs)
        self.name = name  # type: ignore[assignment]

    def chosen(self, c: ag.Tensor, *ts: ag.Tensor) -> list[ag.Tensor]:
        """Return agnesi's choice between the first half of tensors and the second."""
        then, other = ts[: self.n_outs], ts[self.n_outs :]
        condition = ag.astype(c, "bool")
        sizes = _sizes(condition, then, other)
        made = ag.cond(
            condition,
            lambda: [ag.specify_shape(t, s) for t, s in zip(then, sizes, strict=True)],
            lambda: [ag.specify_shape(t, s) for t, s in zip(other, sizes, strict=True)],
        )
        return list(made)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IfElse) and self.n_outs == other.n_outs and self.name == other.name

    def __hash__(self) -> int:
        return hash((IfElse, self.n_outs, self.name))

    def __str__(self) -> str:
        return f"if{{{self.name or ''}}}"

    __repr__ = __str__


def is_choice(node: Any) -> bool:
    """Whether an application is one of :func:`ifelse`."""
    return isinstance(node.op, IfElse)


def _sizes(
    condition: ag.Tensor, then: Sequence[ag.Tensor], other: Sequence[ag.Tensor]
) -> list[list[Any]]:
    """Return the shapes of what is chosen: sizes in which branches differ are chosen themselves."""
    places = [
        (k, axis)
        for k, (a, b) in enumerate(zip(then, other, strict=True))
        for axis in range(a.ndim)
        if a.type.shape[axis] != b.type.shape[axis]
    ]
    shapes: list[list[Any]] = [[None] * t.ndim for t in then]
    if not places:
        return shapes

    def of(ts: Sequence[ag.Tensor]) -> list[ag.Tensor]:
        return [SizeValue(ts[k].type.shape[axis]) for k, axis in places]

    found = ag.cond(condition, lambda: of(then), lambda: of(other))
    for (k, axis), size in zip(places, found, strict=True):
        shapes[k][axis] = size
    return shapes


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """Return one of two values, or lists of values; what is not chosen is not computed.

    Args:
        condition: a scalar; true unless it is 0.
        then_branch: variables that are the result where it is true.
        else_branch: as many, of the same dtypes and ranks; their sizes may be others.
        name: of the choice.

    Raises:
        TypeError: the branches differ in dtypes or ranks.
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
    thens: list[Any] = []
    elses: list[Any] = []
    for given in zip(first, second, strict=True):
        a, b = map(as_tensor_variable, given)
        if a.ndim != b.ndim or a.dtype != b.dtype:
            raise TypeError(
                "The two branches should have identical types, but they are "
                f"{a.type} and {b.type} respectively. This error could be raised if for example "
                "you provided a one element list on the `then` branch but a tensor on the `else` "
                "branch."
            )
        both = [p and q for p, q in zip(a.broadcastable, b.broadcastable, strict=True)]
        thens.append(patternbroadcast(a, both))
        elses.append(patternbroadcast(b, both))
    results = IfElse(len(thens), name=name)(
        as_tensor_variable(condition), *thens, *elses, return_list=True
    )
    return results[0] if single else tuple(results) if use_tuple else results
