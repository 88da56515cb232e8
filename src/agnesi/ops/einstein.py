"""Einstein's summation: products summed over the letters that the result leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.errors import GraphTypeError
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange
from agnesi.ops.lift import as_items, cast, common_dtype, is_integer, lift_all, operand_lines, unify
from agnesi.ops.movement import BroadcastTo, squeeze
from agnesi.ops.reductions import sum as total
from agnesi.ops.tensor_products import cheapest_order, contract_all, guess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = ["einsum", "einsum_path"]

# Stands for the axes of `...`, the last of which is -1.
_DOTS = "..."


def einsum(*operands: Any, optimize: object = True) -> Tensor:
    """Return a sum of products, as ``numpy.einsum``.

    The products are taken two at a time, in the order of least work (sizes that are not known
    count as 64), by BLAS where axes are summed over.

    Args:
        *operands: the subscripts, ``"ij,jk->ik"``, then the arrays; or each array followed by a
            list of integers for its axes, and last the list of the result's.
        optimize: changes nothing, since the order is always chosen.

    Returns:
        The sum over every letter that the result does not have.  Without ``->`` the result has
        the letters that occur once, in the order of the alphabet.  A letter that an array has
        twice is its diagonal.  ``...`` is the axes that have no letters, which broadcast.

    Raises:
        GraphTypeError: subscripts that do not fit the arrays, or sizes that are known to differ.

    >>> x, y = ag.input("x", "f32[b, n, k]"), ag.input("y", "f32[k, m]")
    >>> ag.einsum("bnk,km->bnm", x, y).type
    f32[b, n, m]
    >>> ag.einsum("ii", ag.constant([[1, 2], [3, 4]])).eval()
    array(5)
    """
    parts, named, kept = _prepared(*operands)
    return contract_all(parts, named, kept)


def einsum_path(*operands: Any) -> list[tuple[int, int]]:
    """Return the order in which :func:`einsum` takes its products.

    Returns:
        For each step the places of two arrays, which are taken out and whose product is put at
        the end.

    >>> x, y = ag.input("x", "f32[9, 2]"), ag.input("y", "f32[2, 9]")
    >>> ag.einsum_path("ij,jk,kl->il", x, y, x)
    [(1, 2), (0, 1)]
    """
    parts, named, kept = _prepared(*operands)
    sizes: dict[Any, float] = {}
    for part, own in zip(parts, named, strict=True):
        sizes.update(zip(own, guess(part.type.shape), strict=True))
    return cheapest_order([frozenset(n) for n in named], frozenset(kept), sizes)


def _prepared(*operands: Any) -> tuple[list[Tensor], list[list[Any]], list[Any]]:
    """Return arrays, a name for each of their axes, each once, and the names that are kept."""
    arrays, wanted, result = _parsed(operands)
    lifted = lift_all("einsum", arrays)
    dtype = common_dtype(lifted)
    parts = [cast(v, dtype) for v in lifted]
    titles = [f"array {k}" for k in range(len(parts))]
    lines = operand_lines(titles, parts)
    named = [_without_dots(names, part, lines) for names, part in zip(wanted, parts, strict=True)]
    dots = sorted({n for own in named for n in own if _is_dot(n)}, key=lambda n: n[1])
    if result is None:
        count: dict[Any, int] = {}
        for name in (n for own in named for n in own):
            count[name] = count.get(name, 0) + 1
        once = [n for n, times in count.items() if times == 1 and not _is_dot(n)]
        kept: list[Any] = [*dots, *sorted(once)]
    else:
        kept = [n for name in result for n in (dots if name == _DOTS else [name])]
        if dots and _DOTS not in result:
            raise GraphTypeError(
                f"einsum: the arrays have axes under `...`, which the result has to have\n{lines}"
            )
    for name in kept:
        if kept.count(name) > 1:
            raise GraphTypeError(f"einsum: the result has {name!r} twice\n{lines}")
        if not any(name in own for own in named):
            raise GraphTypeError(f"einsum: the result has {name!r}, which no array has\n{lines}")
    sizes = _sizes(parts, named, lines)
    pairs = [_plain(p, own, sizes) for p, own in zip(parts, named, strict=True)]
    return [p for p, _ in pairs], [n for _, n in pairs], kept


def _parsed(
    operands: Sequence[Any],
) -> tuple[list[TensorLike], list[list[Any]], list[Any] | None]:
    """Return the arrays, names of the axes of each, and those of the result if they are given."""
    if operands and isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), list(operands[1:])
        left, arrow, right = text.partition("->")
        named = [_letters(part, text) for part in left.split(",")]
        if len(named) != len(arrays):
            raise GraphTypeError(
                f'einsum: "{text}" is about {len(named)} arrays, but {len(arrays)} are given'
            )
        return arrays, named, _letters(right, text) if arrow else None
    arrays = list(operands[0 : len(operands) // 2 * 2 : 2])
    lists = list(operands[1::2])
    named = [_numbers(names) for names in lists]
    if not arrays:
        raise GraphTypeError("einsum: takes subscripts and arrays, einsum('ij,jk->ik', x, y)")
    return arrays, named, _numbers(operands[-1]) if len(operands) % 2 else None


def _letters(part: str, text: str) -> list[Any]:
    before, dots, after = part.partition("...")
    names = [*before, *([_DOTS] if dots else []), *after]
    wrong = [n for n in names if n != _DOTS and not n.isalpha()]
    if wrong:
        raise GraphTypeError(
            f'einsum: "{text}" holds {wrong[0]!r}; subscripts are letters, `,`, `->` and `...`'
        )
    return names


def _numbers(names: Any) -> list[Any]:
    found: list[Any] = []
    for name in as_items(names):
        if name is Ellipsis:
            found.append(_DOTS)
        elif is_integer(name):
            found.append(int(name))
        else:
            raise GraphTypeError(f"einsum: a list of axes holds integers or ..., not {name!r}")
    return found


def _is_dot(name: Any) -> bool:
    return isinstance(name, tuple)


def _without_dots(names: list[Any], x: Tensor, lines: str) -> list[Any]:
    """Return a name for each axis, those of `...` counted from their last."""
    if names.count(_DOTS) > 1:
        raise GraphTypeError(
            f"einsum: only one `...` may stand in the subscripts of an array\n{lines}"
        )
    spare = x.ndim - len([n for n in names if n != _DOTS])
    if spare < 0 or (spare and _DOTS not in names):
        shown = "".join(map(str, names))
        raise GraphTypeError(f'einsum: "{shown}" does not name {x.ndim} axes\n{lines}')
    full: list[Any] = []
    for name in names:
        full += [(_DOTS, k) for k in range(-spare, 0)] if name == _DOTS else [name]
    return full


def _sizes(parts: list[Tensor], named: list[list[Any]], lines: str) -> dict[Any, Size]:
    """Return the size of each name; axes of size 1 broadcast."""
    sizes: dict[Any, Size] = {}
    for part, own in zip(parts, named, strict=True):
        for name, size in zip(own, part.type.shape, strict=True):
            sofar = sizes.get(name, 1)
            known = size if sofar == 1 else sofar if size == 1 else unify(sofar, size)
            if known is None:
                raise GraphTypeError(f"einsum: {name!r} has the sizes {sofar} and {size}\n{lines}")
            sizes[name] = known
    return sizes


def _plain(x: Tensor, names: list[Any], sizes: dict[Any, Size]) -> tuple[Tensor, list[Any]]:
    """Return an array with each name once and each axis of its size: no repeats, no broadcast."""
    for name in [n for n in dict.fromkeys(names) if names.count(n) > 1]:
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            x = _diagonal(x, first, second)
            names = [n for k, n in enumerate(names) if k != second]
    repeated = tuple(k for k, n in enumerate(names) if x.type.shape[k] == 1 and sizes[n] != 1)
    if repeated:
        x = squeeze(x, repeated)
        names = [n for k, n in enumerate(names) if k not in repeated]
    shape = tuple(sizes[n] for n in names)
    # A call compares the sizes that may differ.
    return (x if x.type.shape == shape else BroadcastTo(x, shape)), names


def _diagonal(x: Tensor, first: int, second: int) -> Tensor:
    """Return where two axes have one index, along the first; the second is gone."""
    shape = x.type.shape
    a, b = shape[first], shape[second]
    if a != b:
        size = b if a == 1 else a
        target = tuple(size if k in (first, second) else s for k, s in enumerate(shape))
        x = BroadcastTo(x, target)
    same = Arange(x.type.shape, first) == Arange(x.type.shape, second)
    return total(where(same, x, 0), second).astype(x.dtype)
