"""Ops made of Python functions, and a few that programs name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.theano.gof.graph import Apply, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.basic import patternbroadcast, specify_shape
from agnesi.theano.tensor.shapes import shape, size_variable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class FromFunctionOp(Op):
    """An op that calls a Python function."""

    def __init__(
        self, fn: Callable[..., Any], itypes: Sequence[Any], otypes: Sequence[Any], infer_shape: Any
    ) -> None:
        self._fn, self.itypes, self.otypes = fn, list(itypes), list(otypes)
        self.name = getattr(fn, "__name__", "function")
        if infer_shape is not None:
            self._infer_shape = infer_shape
            self.infer_shape = lambda node, shapes: infer_shape(node, shapes)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fn == other._fn  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self._fn))

    def __str__(self) -> str:
        return f"FromFunctionOp{{{self.name}}}"

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Call the function."""
        del node, params
        results = self._fn(*inputs)
        if len(self.otypes) == 1:
            results = (results,)
        if len(results) != len(output_storage):
            raise ValueError(f"{self}: {len(results)} results for {len(output_storage)} outputs")
        for cell, result in zip(output_storage, results, strict=True):
            cell[0] = result


def as_op(itypes: Any, otypes: Any, infer_shape: Any = None) -> Callable[..., FromFunctionOp]:
    """Return a decorator that makes an op of a function of arrays.

    Args:
        itypes: the type, or types, of its arguments.
        otypes: the type, or types, of its results.
        infer_shape: a function of the application and its inputs' shapes that gives those of the
            outputs; without it the function is run to learn them.
    """
    kinds = list(itypes) if isinstance(itypes, list | tuple) else [itypes]
    results = list(otypes) if isinstance(otypes, list | tuple) else [otypes]
    if infer_shape is not None and not callable(infer_shape):
        raise TypeError("infer_shape needs to be a callable")

    def make_op(fn: Callable[..., Any]) -> FromFunctionOp:
        return FromFunctionOp(fn, kinds, results, infer_shape)

    return make_op


class _View:
    """An op that gives what it is given."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, x: Any) -> Variable:
        return apply(self.name, lambda t: t, [x])

    def __str__(self) -> str:
        return self.name


class ViewOp(_View):
    """Gives what it is given; programs make ops with other gradients of it.

    A class of a program's own that says ``grad`` has it asked.
    """

    def __init__(self) -> None:
        super().__init__("ViewOp")

    def __call__(self, x: Any) -> Variable:
        rule = type(self).__dict__.get("grad") or type(self).__dict__.get("L_op")
        if rule is None:
            return super().__call__(x)
        from agnesi.theano.gradient import with_gradient

        return with_gradient(self, x)

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        return self(x).owner  # type: ignore[return-value]


class DeepCopyOp(_View):
    """Gives a copy."""

    def __init__(self) -> None:
        super().__init__("DeepCopyOp")


class Rebroadcast:
    """Says of axes whether they repeat: ``Rebroadcast((0, True))(x)``."""

    def __init__(self, *axis: tuple[int, bool]) -> None:
        self.axis = dict(axis)

    def __call__(self, x: Any) -> Variable:
        return patternbroadcast(
            x, [bool(self.axis.get(k, one)) for k, one in enumerate(x.broadcastable)]
        )


class Shape:
    """The op of ``shape(x)``."""

    def __call__(self, x: Any) -> Variable:
        return shape(x)


class Shape_i:
    """The op of a size."""

    def __init__(self, i: int) -> None:
        self.i = i

    def __call__(self, x: Any) -> Variable:
        return size_variable(x, self.i)


class SpecifyShape:
    """The op of ``specify_shape``."""

    def __call__(self, x: Any, shape: Any) -> Variable:
        return specify_shape(x, shape)


def shape_i(var: Any, i: int, fgraph: Any = None) -> Variable:
    """Return the size of an axis."""
    del fgraph
    return size_variable(var, i)


view_op, deep_copy_op = ViewOp(), DeepCopyOp()
__all__ = ["FromFunctionOp", "as_op", "shape", "shape_i", "specify_shape", "view_op"]
