"""Products of tensors over chosen axes, all made of matrix products, movements and sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import conj
from agnesi.ops.joining import concatenate
from agnesi.ops.lapack import on_diagonal
from agnesi.ops.lift import (
    as_axis,
    as_items,
    as_tensor,
    broadcast_sizes,
    cast,
    common_dtype,
    is_integer,
    lift_all,
    operand_lines,
    unify,
)
from agnesi.ops.linear import matmul
from agnesi.ops.movement import broadcast, expand_dims, moveaxis, reshape, transpose
from agnesi.ops.reductions import sum as total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape, Size

__all__ = [
    "cross",
    "inner",
    "kron",
    "matvec",
    "outer",
    "tensordot",
    "trace",
    "vdot",
    "vecdot",
    "vecmat",
]


def alike(op: str, **given: Any) -> list[Tensor]:
    """Return operands as tensors of their common dtype.

    Raises:
        GraphTypeError: one of them is no array.
    """
    lifted = lift_all(op, list(given.values()))
    dtype = common_dtype(lifted)
    return [cast(v, dtype) for v in lifted]


def _need_axes(op: str, least: int, what: str, names: Sequence[str], xs: Sequence[Tensor]) -> None:
    for x in xs:
        if x.ndim < least:
            raise GraphTypeError(f"{op}: takes {what}\n{operand_lines(names, xs)}")


def _meet(op: str, a: Size, b: Size, names: Sequence[str], xs: Sequence[Tensor]) -> None:
    if unify(a, b) is None:
        raise GraphTypeError(
            f"{op}: sizes {a} and {b} of the axes summed over differ\n{operand_lines(names, xs)}"
        )


def vecdot(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """Return inner products of vectors along an axis, as ``numpy.vecdot``; ``x1`` is conjugated.

    Args:
        x1: vectors.
        x2: vectors; the other axes broadcast.
        axis: of both, that is summed over.

    Raises:
        GraphTypeError: sizes that are known not to fit, or there is no such axis.

    >>> ag.vecdot(ag.constant([[1, 2], [3, 4]]), ag.constant([1, 1])).eval()
    array([3, 7])
    """
    a, b = alike("vecdot", x1=x1, x2=x2)
    _need_axes("vecdot", 1, "no scalar", ("x1", "x2"), (a, b))
    a, b = (moveaxis(t, as_axis("vecdot", axis, t.ndim, t), -1) for t in (a, b))
    _meet("vecdot", a.type.shape[-1], b.type.shape[-1], ("x1", "x2"), (a, b))
    return total(conj(a) * b, -1).astype(a.dtype)


def matvec(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the products of matrices and vectors, as ``numpy.matvec``.

    Args:
        x1: ``[..., m, n]``.
        x2: ``[..., n]``; the leading axes broadcast.

    Raises:
        GraphTypeError: sizes that are known not to fit.
    """
    a, b = alike("matvec", x1=x1, x2=x2)
    _need_axes("matvec", 1, "a matrix and a vector", ("x1", "x2"), (a, b))
    _need_axes("matvec", 2, "a matrix and a vector", ("x1",), (a,))
    return matmul(a, expand_dims(b, -1))[..., 0]


def vecmat(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the products of vectors, conjugated, and matrices, as ``numpy.vecmat``.

    Args:
        x1: ``[..., n]``.
        x2: ``[..., n, m]``; the leading axes broadcast.

    Raises:
        GraphTypeError: sizes that are known not to fit.
    """
    a, b = alike("vecmat", x1=x1, x2=x2)
    _need_axes("vecmat", 1, "a vector and a matrix", ("x1", "x2"), (a, b))
    _need_axes("vecmat", 2, "a vector and a matrix", ("x2",), (b,))
    return matmul(expand_dims(conj(a), -2), b)[..., 0, :]


def vdot(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the inner product of all elements, the first conjugated, as ``numpy.vdot``.

    Raises:
        GraphTypeError: numbers of elements that are known to differ.

    >>> ag.vdot(ag.constant([[1, 2], [3, 4]]), ag.constant([[1, 0], [0, 1]])).eval()
    array(5)
    """
    a, b = alike("vdot", x1=x1, x2=x2)
    _meet("vdot", a.type.size, b.type.size, ("x1", "x2"), (a, b))
    return matmul(reshape(conj(a), -1), reshape(b, -1))


def inner(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the sums of products over the last axes of both, as ``numpy.inner``.

    Raises:
        GraphTypeError: sizes that are known not to fit.
    """
    a, b = alike("inner", x1=x1, x2=x2)
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, ([-1], [-1]))


def outer(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the products of each element of one with each of the other, as ``numpy.outer``.

    >>> ag.outer(ag.constant([1, 2]), ag.constant([3, 4])).eval()
    array([[3, 4],
           [6, 8]])
    """
    a, b = alike("outer", x1=x1, x2=x2)
    return expand_dims(reshape(a, -1), 1) * expand_dims(reshape(b, -1), 0)


def tensordot(x1: TensorLike, x2: TensorLike, /, axes: Any = 2) -> Tensor:
    """Return the sum of products over several axes of both, as ``numpy.tensordot``.

    Args:
        x1: array.
        x2: array.
        axes: how many: the last ones of ``x1`` with the first ones of ``x2``; or two lists of
            axes, those of ``x1`` and those of ``x2``.

    Returns:
        The other axes of ``x1``, then those of ``x2``.

    Raises:
        GraphTypeError: axes that are not there, or sizes that are known not to fit.

    >>> x, y = ag.input("x", "f32[2, n, 3]"), ag.input("y", "f32[3, n, 5]")
    >>> ag.tensordot(x, y, ([1, 2], [1, 0])).type
    f32[2, 5]
    """
    a, b = alike("tensordot", x1=x1, x2=x2)
    lines = operand_lines(("x1", "x2"), (a, b))
    if is_integer(axes):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise GraphTypeError(f"tensordot: {axes} axes are more than there are\n{lines}")
        left, right = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        pair = as_items(axes)
        if len(pair) != 2:
            raise GraphTypeError(
                f"tensordot: axes are a number, or a list for each array, not {axes!r}"
            )
        left = [as_axis("tensordot", k, a.ndim, a) for k in as_items(pair[0])]
        right = [as_axis("tensordot", k, b.ndim, b) for k in as_items(pair[1])]
    if len(left) != len(right) or len(set(left)) < len(left) or len(set(right)) < len(right):
        raise GraphTypeError(
            f"tensordot: axes {axes} have to name as many axes of both, each once\n{lines}"
        )
    for k, m in zip(left, right, strict=True):
        _meet("tensordot", a.type.shape[k], b.type.shape[m], ("x1", "x2"), (a, b))
    names_a, names_b = list(range(a.ndim)), list(range(a.ndim, a.ndim + b.ndim))
    for k, m in zip(left, right, strict=True):
        names_b[m] = names_a[k]
    kept = [k for k in (*names_a, *names_b) if k not in set(names_a) & set(names_b)]
    return contract(a, names_a, b, names_b, kept)


def contract(
    a: Tensor, names_a: Sequence[Any], b: Tensor, names_b: Sequence[Any], kept: Sequence[Any]
) -> Tensor:
    """Return the sum of products of two arrays whose axes have names.

    Args:
        a: array.
        names_a: a name for each of its axes, each another one.
        b: array.
        names_b: names of its axes; those that are also ``a``'s have the same sizes.
        kept: the names that are left, in their order; what one array alone has is among them.
    """
    both = [n for n in names_a if n in names_b]
    shared, summed = [n for n in both if n in kept], [n for n in both if n not in kept]
    rows = [n for n in names_a if n not in both]
    columns = [n for n in names_b if n not in both]
    sizes = {n: a.type.shape[k] for k, n in enumerate(names_a)}
    for k, n in enumerate(names_b):
        known = unify(sizes[n], b.type.shape[k]) if n in sizes else b.type.shape[k]
        sizes[n] = b.type.shape[k] if known is None else known
    order = (*shared, *rows, *columns)
    if not summed or (not rows and not columns):
        wide_a = _spread(a, names_a, (*order, *summed))
        wide_b = _spread(b, names_b, (*order, *summed))
        result = wide_a * wide_b
        if summed:
            places = tuple(range(len(order), len(order) + len(summed)))
            result = total(result, places).astype(a.dtype)
    else:
        left = _grouped(a, names_a, (shared, rows, summed))
        right = _grouped(b, names_b, (shared, summed, columns))
        flat = matmul(left, right)
        result = reshape(flat, tuple(scalar_of(sizes[n]) for n in order))
    return transpose(result, tuple(order.index(n) for n in kept))


def _spread(x: Tensor, names: Sequence[Any], order: Sequence[Any]) -> Tensor:
    """Return ``x`` with its axes in this order, and axes of size 1 where it has none."""
    own = [n for n in order if n in names]
    moved = transpose(x, tuple(list(names).index(n) for n in own))
    missing = tuple(k for k, n in enumerate(order) if n not in names)
    return expand_dims(moved, missing) if missing else moved


def _grouped(x: Tensor, names: Sequence[Any], groups: Sequence[Sequence[Any]]) -> Tensor:
    """Return ``x`` with an axis for each group of its axes; none for the first if it is empty."""
    order = [n for group in groups for n in group]
    moved = transpose(x, tuple(list(names).index(n) for n in order))
    shape: list[Size] = []
    start = 0
    for k, group in enumerate(groups):
        if k or group:
            shape.append(product(moved.type.shape[start : start + len(group)]))
        start += len(group)
    return reshape(moved, tuple(map(scalar_of, shape)))


def kron(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the Kronecker product: ``x2`` times each element of ``x1``, as ``numpy.kron``.

    >>> ag.kron(ag.constant([1, 10]), ag.constant([1, 2, 3])).eval()
    array([ 1,  2,  3, 10, 20, 30])
    """
    a, b = alike("kron", x1=x1, x2=x2)
    ndim = max(a.ndim, b.ndim)
    a, b = (expand_dims(t, tuple(range(ndim - t.ndim))) if t.ndim < ndim else t for t in (a, b))
    spread = expand_dims(a, tuple(range(1, 2 * ndim, 2))) if ndim else a
    tile = expand_dims(b, tuple(range(0, 2 * ndim, 2))) if ndim else b
    pairs = zip(a.type.shape, b.type.shape, strict=True)
    return reshape(spread * tile, tuple(scalar_of(product(pair)) for pair in pairs))


def cross(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """Return the cross products of vectors of three elements, as ``numpy.cross``.

    Args:
        x1: vectors along ``axis``.
        x2: vectors along ``axis``; the other axes broadcast.
        axis: of size 3.

    Raises:
        GraphTypeError: the axis is not known to be of size 3.

    >>> ag.cross(ag.constant([1, 0, 0]), ag.constant([0, 1, 0])).eval()
    array([0, 0, 1])
    """
    a, b = alike("cross", x1=x1, x2=x2)
    _need_axes("cross", 1, "no scalar", ("x1", "x2"), (a, b))
    a, b = (moveaxis(t, as_axis("cross", axis, t.ndim, t), -1) for t in (a, b))
    if a.type.shape[-1] != 3 or b.type.shape[-1] != 3:
        raise GraphTypeError(
            f"cross: takes vectors of three elements along axis {axis}\n"
            f"{operand_lines(('x1', 'x2'), (a, b))}"
        )
    stack = broadcast_sizes([a.type.shape, b.type.shape])
    if stack is None:
        raise GraphTypeError(
            f"cross: the other axes do not broadcast\n{operand_lines(('x1', 'x2'), (a, b))}"
        )
    a, b = broadcast(a, stack), broadcast(b, stack)
    result = turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1)
    return moveaxis(result, -1, axis)


def turned(x: Tensor, by: int) -> Tensor:
    """Return the elements along the last axis, of size 3, turned forwards."""
    return concatenate([x[..., by:], x[..., :by]], -1)


def trace(
    x: TensorLike, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None
) -> Tensor:
    """Return the sums along diagonals, as ``numpy.trace``.

    Args:
        x: array.
        offset: of the diagonal, above the main one.
        axis1: first axis of the matrices.
        axis2: second axis.
        dtype: to sum in; by default NumPy's for a sum.

    Raises:
        GraphTypeError: there are no two axes.

    >>> ag.trace(ag.constant([[1, 2], [3, 4]])).eval()
    array(5)
    """
    tensor = as_tensor(x)
    if tensor.ndim < 2:
        raise GraphTypeError(f"trace: takes matrices\n{operand_lines(('x',), (tensor,))}")
    wide = tensor if dtype is None else tensor.astype(dtype)
    matrices = moveaxis(wide, (axis1, axis2), (-2, -1))
    masked = where(on_diagonal(matrices, offset), matrices, 0)
    result = total(masked, (-2, -1))
    return result if dtype is None else result.astype(dtype)


def cheapest_order(
    names: Sequence[frozenset[Any]], kept: frozenset[Any], sizes: dict[Any, float]
) -> list[tuple[int, int]]:
    """Return which two of what is left to contract at each step; the result goes to the end.

    For up to eight operands the order of least work, else the cheapest pair at each step.

    Args:
        names: of the axes of each operand.
        kept: names that are left in the end.
        sizes: of the axes.
    """
    if len(names) <= 8:
        return _steps(_best_tree(names, kept, sizes), len(names))
    left: list[frozenset[Any]] = list(names)
    path: list[tuple[int, int]] = []
    while len(left) > 1:
        best: tuple[float, int, int] | None = None
        for i in range(len(left)):
            for j in range(i + 1, len(left)):
                rest: frozenset[Any] = kept.union(
                    *(n for k, n in enumerate(left) if k not in (i, j))
                )
                union = left[i] | left[j]
                gain = _volume(union & rest, sizes) - _volume(left[i], sizes)
                cost = gain - _volume(left[j], sizes) + 1e-3 * _volume(union, sizes)
                if best is None or cost < best[0]:
                    best = (cost, i, j)
        assert best is not None
        _, i, j = best
        path.append((i, j))
        rest: frozenset[Any] = kept.union(*(n for k, n in enumerate(left) if k not in (i, j)))
        merged = (left[i] | left[j]) & rest
        left = [*(n for k, n in enumerate(left) if k not in (i, j)), merged]
    return path


def _volume(names: frozenset[Any], sizes: dict[Any, float]) -> float:
    return math.prod(sizes[n] for n in names)


def _best_tree(
    names: Sequence[frozenset[Any]], kept: frozenset[Any], sizes: dict[Any, float]
) -> Any:
    """Return the binary tree of least work: dynamic programming over sets of operands."""
    everything = (1 << len(names)) - 1

    def inside(mask: int) -> frozenset[Any]:
        own = frozenset[Any]().union(*(n for k, n in enumerate(names) if mask >> k & 1))
        others = kept.union(*(n for k, n in enumerate(names) if not mask >> k & 1))
        return own & others

    best: dict[int, tuple[float, Any]] = {1 << k: (0.0, k) for k in range(len(names))}
    for mask in sorted(range(1, everything + 1), key=int.bit_count):
        if mask in best:
            continue
        lowest = mask & -mask
        part = (mask - 1) & mask
        found: tuple[float, Any] | None = None
        while part:
            if part & lowest:
                other = mask ^ part
                work = _volume(inside(part) | inside(other), sizes)
                cost = best[part][0] + best[other][0] + work
                if found is None or cost < found[0]:
                    found = (cost, (best[part][1], best[other][1]))
            part = (part - 1) & mask
        assert found is not None
        best[mask] = found
    return best[everything][1]


def _steps(tree: Any, count: int) -> list[tuple[int, int]]:
    """Return a tree of pairs as steps over a list from which pairs are taken."""
    left: list[Any] = list(range(count))
    path: list[tuple[int, int]] = []

    def visit(node: Any) -> None:
        if isinstance(node, int):
            return
        visit(node[0])
        visit(node[1])
        i, j = sorted((left.index(node[0]), left.index(node[1])))
        path.append((i, j))
        left.pop(j)
        left.pop(i)
        left.append(node)

    visit(tree)
    return path


def guess(shape: Shape) -> list[float]:
    """Return sizes as numbers; those that are not known count as 64."""
    return [float(s) if isinstance(s, int) else 64.0 for s in shape]


def multi_dot(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return the product of a chain of matrices in the cheapest order.

    As ``numpy.linalg.multi_dot``; sizes that are not known count as 64.

    Args:
        arrays: at least two; all matrices, but that the first and the last may be vectors.

    Raises:
        GraphTypeError: fewer than two, or sizes that are known not to fit.
    """
    given = as_items(arrays)
    if len(given) < 2:
        raise GraphTypeError(f"multi_dot: takes at least two arrays, but these are {len(given)}")
    lifted = lift_all("multi_dot", given)
    dtype = common_dtype(lifted)
    parts = [cast(v, dtype) for v in lifted]
    titles = [f"arrays[{k}]" for k in range(len(parts))]
    for k, part in enumerate(parts):
        if part.ndim != 2 and not (part.ndim == 1 and k in (0, len(parts) - 1)):
            raise GraphTypeError(
                f"multi_dot: takes matrices, with vectors at the ends\n"
                f"{operand_lines(titles, parts)}"
            )
    names = [(k, k + 1) for k in range(len(parts))]
    named = [
        n[2 - p.ndim :] if k == 0 else n[: p.ndim]
        for k, (n, p) in enumerate(zip(names, parts, strict=True))
    ]
    kept = tuple(n for n in (0, len(parts)) if any(n in own for own in named))
    for k in range(len(parts) - 1):
        _meet("multi_dot", parts[k].type.shape[-1], parts[k + 1].type.shape[0], titles, parts)
    return contract_all(parts, named, kept)


def contract_all(
    parts: Sequence[Tensor], named: Sequence[Sequence[Any]], kept: Sequence[Any]
) -> Tensor:
    """Return the sum of products of arrays whose axes have names, in the cheapest order."""
    sizes: dict[Any, float] = {}
    for part, own in zip(parts, named, strict=True):
        for name, size in zip(own, guess(part.type.shape), strict=True):
            sizes[name] = max(size, sizes.get(name, 0.0))
    left: list[tuple[Tensor, tuple[Any, ...]]] = []
    for k, (part, own) in enumerate(zip(parts, named, strict=True)):
        others = {n for m, names in enumerate(named) if m != k for n in names} | set(kept)
        left.append(_summed(part, tuple(own), others))
    for i, j in cheapest_order([frozenset(n) for _, n in left], frozenset(kept), sizes):
        (a, names_a), (b, names_b) = left[i], left[j]
        left = [pair for k, pair in enumerate(left) if k not in (i, j)]
        wanted = {n for _, names in left for n in names} | set(kept)
        both = dict.fromkeys((*names_a, *names_b))
        order = tuple(kept) if not left else tuple(n for n in both if n in wanted)
        left.append((contract(a, names_a, b, names_b, order), order))
    result, names = left[0]
    return transpose(result, tuple(names.index(n) for n in kept))


def _summed(x: Tensor, names: tuple[Any, ...], wanted: set[Any]) -> tuple[Tensor, tuple[Any, ...]]:
    """Return ``x`` summed over the axes that nobody else has, and the names of the others."""
    alone = tuple(k for k, n in enumerate(names) if n not in wanted)
    if not alone:
        return x, names
    return total(x, alone).astype(x.dtype), tuple(n for n in names if n in wanted)
