"""Functions of one example made functions of many."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from agnesi.batching.graph import batch_graph
from agnesi.core.errors import GraphTypeError
from agnesi.graph.leaves import constant, new_input
from agnesi.graph.tensor import SURFACE, Tensor
from agnesi.graph.types import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Size

InAxes: TypeAlias = "int | Sequence[int | None]"
OutAxes: TypeAlias = "int | Sequence[int]"
_Result = TypeVar("_Result", bound="Tensor | Sequence[Tensor]")


def vectorize(
    function: Callable[..., _Result], in_axes: InAxes = 0, out_axes: OutAxes = 0
) -> Callable[..., _Result]:
    """Return a function that does for many examples what a function does for one.

    There is no loop in the result: each op of the function works on all the examples at once.

    Args:
        function: takes symbolic variables (or arrays) and returns one, or a tuple or list of them.
            It sees one example.
        in_axes: the axis of each argument along which the examples lie; None for an argument that
            is the same for all of them.  One axis stands for all arguments.
        out_axes: where the axis of the examples is put in the result, or in each of the results.

    Returns:
        A function of as many arguments; each that is mapped has one axis more.

    Raises:
        GraphTypeError: when called: an argument without the axis, numbers of examples that are
            known to differ, or a result whose shape depends on an example's values.

    >>> x, w = ag.input("x", "f32[n, 3]"), ag.input("w", "f32[3]")
    >>> ag.vectorize(ag.dot, in_axes=(0, None))(x, w).type
    f32[n]
    >>> slopes = ag.vectorize(lambda v: ag.grad((v**3).sum(), v))(x)
    >>> slopes.eval({x: [[1, 2, 3], [4, 5, 6]]})
    array([[  3.,  12.,  27.],
           [ 48.,  75., 108.]], dtype=float32)
    """

    @functools.wraps(function)
    def vectorized(*arguments: Any) -> Any:
        tensors = [a if isinstance(a, Tensor) else constant(a) for a in arguments]
        axes = _in_axes(in_axes, tensors)
        size = _common_size(tensors, axes)
        examples: list[Tensor] = []
        mapped: dict[Tensor, Tensor] = {}
        for tensor, axis in zip(tensors, axes, strict=True):
            if axis is None:
                examples.append(tensor)
                continue
            shape = tensor.type.shape
            kind = TensorType(tensor.dtype, (*shape[:axis], *shape[axis + 1 :]))
            example = new_input(tensor.name, kind)
            examples.append(example)
            mapped[example] = _moved(tensor, axis, 0)
        result = function(*examples)
        several = isinstance(result, tuple | list)
        results = list(cast("Sequence[Any]", result)) if several else [result]
        results = [r if isinstance(r, Tensor) else constant(r) for r in results]
        found = batch_graph(results, mapped, size)
        places = [out_axes] * len(found) if isinstance(out_axes, int) else list(out_axes)
        if len(places) != len(found):
            raise GraphTypeError(
                f"vectorize: out_axes {out_axes} are {len(places)}, for {len(found)} results"
            )
        moved = [_moved(f, 0, _axis("out_axes", p, f)) for f, p in zip(found, places, strict=True)]
        return type(result)(moved) if several else moved[0]  # type: ignore[call-arg]

    return vectorized


def _in_axes(given: InAxes, tensors: list[Tensor]) -> list[int | None]:
    """Return the axis of each argument, counted from the front."""
    axes = [given] * len(tensors) if isinstance(given, int) else list(given)
    if len(axes) != len(tensors):
        raise GraphTypeError(
            f"vectorize: in_axes {given} are {len(axes)}, for {len(tensors)} arguments"
        )
    if all(axis is None for axis in axes):
        raise GraphTypeError(
            "vectorize: no argument is mapped: at least one in in_axes has to be an axis"
        )
    pairs = zip(axes, tensors, strict=True)
    return [None if axis is None else _axis("in_axes", axis, t) for axis, t in pairs]


def _axis(role: str, axis: int, x: Tensor) -> int:
    if not -x.ndim <= axis < x.ndim:
        made = f"   from {x.source}" if x.source else ""
        raise GraphTypeError(
            f"vectorize: {role} names the axis {axis}, but {x.type} has {x.ndim} axes\n"
            f"  {role.removesuffix('_axes')}: {x!r}{made}\n"
            "  for an argument that is the same for all examples, say None in in_axes"
        )
    return axis % x.ndim


def _common_size(tensors: list[Tensor], axes: list[int | None]) -> Size:
    """Return the number of examples: unknown ones count as equal."""
    sizes = [t.type.shape[a] for t, a in zip(tensors, axes, strict=True) if a is not None]
    known = {size for size in sizes if isinstance(size, int)}
    if len(known) > 1:
        lines = "\n".join(
            f"  argument {k}: {t.type}, " + ("not mapped" if a is None else f"axis {a}")
            for k, (t, a) in enumerate(zip(tensors, axes, strict=True))
        )
        raise GraphTypeError(f"vectorize: the numbers of examples differ\n{lines}")
    return known.pop() if known else sizes[0]


def _moved(x: Tensor, source: int, destination: int) -> Tensor:
    """Return the tensor with one axis moved."""
    order = [k for k in range(x.ndim) if k != source]
    order.insert(destination, source)
    return SURFACE["transpose"](x, tuple(order)) if x.ndim else x
