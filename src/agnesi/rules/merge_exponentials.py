"""The parts of a softmax or a logistic function, far apart in a product, come together.

before: multiply(broadcast_to(expand_dims(divide(y, sum(exp(x), [1])), [1]), [n, 4]), exp(x))
after:  multiply(broadcast_to(expand_dims(y, [1]), [n, 4]), softmax(x, [1]))
with:   x: f32[n, 4], y: f32[n]

Such products are what gradients of naively written losses are made of: the exponential came from
one op, the divisor from another, and both may be infinite where their quotient is not.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from agnesi.ops.arithmetic import Absolute, Add, Divide, Multiply, Negative, Sign, Subtract
from agnesi.ops.choice import Where
from agnesi.ops.elementary import Erfc, Exp, Expm1, Sigmoid
from agnesi.ops.gathering import Gather, Scatter
from agnesi.ops.movement import BroadcastTo
from agnesi.ops.powers import Power, Square
from agnesi.ops.probability import Softmax
from agnesi.ops.reductions import Sum
from agnesi.ops.slicing import Place, Slice
from agnesi.ops.special import erfcx
from agnesi.rewrite.rule import rewrite
from agnesi.rules.products import (
    Product,
    flatten,
    is_same,
    join,
    origin,
    respread,
    spread_over,
    sum_of_exp,
)
from agnesi.rules.tensors import aligned, filled, literal, number

if TYPE_CHECKING:
    from agnesi.dims.dim import Shape
    from agnesi.graph.tensor import Tensor

# What is never negative, and may round to 0 or infinity: it cancels against itself all the same.
_EXPONENTIAL = (Exp, Softmax, Sigmoid)
_MOST_TERMS = 8


@rewrite(Multiply, Divide)
def merge_exponentials(node: Multiply | Divide) -> Tensor | None:
    """An exponential above the line meets what it has to do with, above or below."""
    if not node.dtype.is_float or not aligned(node):
        return None
    product = flatten(node)
    if len(product.above) + len(product.below) < 2 or not _has_exponential(product):
        return None
    return join(product, node) if _merge(product) else _distribute(product, node)


def _has_exponential(product: Product) -> bool:
    wanted = (*_EXPONENTIAL, Absolute, Sum)
    return any(isinstance(origin(f)[0], wanted) for f in (*product.above, *product.below))


def _merge(product: Product) -> bool:
    """Bring together what belongs together; whether there was anything."""
    merged = False
    while _merge_once(product):
        merged = True
    return merged


def _merge_once(product: Product) -> bool:
    above, below = product.above, product.below
    for a, factor in enumerate(above):
        for b, divisor in enumerate(below):
            quotient = _quotient(factor, divisor)
            if quotient is not None:
                above[a : a + 1] = quotient
                del below[b]
                return True
    for a, b in permutations(range(len(above)), 2):
        merged = _product(above[a], above[b])
        if merged is not None:
            above[a] = merged
            del above[b]
            return True
    return False


def _quotient(factor: Tensor, divisor: Tensor) -> list[Tensor] | None:
    """Return the factors that stand for the quotient of two, where it has a better form."""
    (core, reads), (under, others) = origin(factor), origin(divisor)
    if isinstance(core, _EXPONENTIAL) and is_same(factor, divisor):
        return []
    match core, under:
        case Exp(z), Sum(Exp(w), axes) if z is w:
            kept = [k for k in range(z.ndim) if k not in axes]
            wanted = tuple(None if k is None or k in axes else kept.index(k) for k in reads)
            return [respread(factor, Softmax(z, axes))] if wanted == others else None
        case Sum(weighted, axes), Sum(Exp(z), under_axes) if axes == under_axes:
            inside = flatten(weighted)
            at = next((k for k, f in enumerate(inside.above) if _is_exp_of(f, z)), None)
            if at is None or reads != others or factor.type is not divisor.type:
                return None
            inside.above[at] = Softmax(z, axes)
            return [respread(factor, Sum(join(inside, weighted), axes))]
        case Sigmoid(z), Exp(w) if z is w and reads == others:
            return [respread(factor, Sigmoid(_opposite(z)))]
        case Exp(Negative(Square(z))), Erfc(w) if reads == others and _is_root(z, w):
            return [respread(factor, Divide(filled(1, w.dtype, w.type.shape), erfcx(w)))]
        case (Absolute(x), _) if is_same(respread(factor, x), divisor):
            return [Sign(divisor)]
        case (_, Absolute(x)) if is_same(factor, respread(divisor, x)):
            return [Sign(factor)]
        case _:
            return None


def _is_root(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors have one square."""
    return x is y or _are_opposite(x, y)


def _is_exp_of(x: Tensor, z: Tensor) -> bool:
    return isinstance(x, Exp) and x.x is z


def _product(x: Tensor, y: Tensor) -> Tensor | None:
    """Return the product of two factors, where it has a better form than ``x * y``."""
    (core, reads), (other, others) = origin(x), origin(y)
    match core, other:
        case Exp(z), Sigmoid(w) if _are_opposite(z, w) and reads == others:
            return respread(x, Sigmoid(z))
        case Place(inside, starts, steps, shape), _ if core is x and isinstance(y, _EXPONENTIAL):
            placed = flatten(inside)
            for k, divisor in enumerate(placed.below):
                if _takes(origin(divisor)[0], y, starts, steps):
                    del placed.below[k]
                    return Place(join(placed, inside), starts, steps, shape)
            return None
        case Scatter(), _ if core is x and isinstance(y, _EXPONENTIAL) and _adds_to_zeros(core):
            added = flatten(core.y)
            for k, divisor in enumerate(added.below):
                if isinstance(divisor, Gather) and _reads_from(divisor, y, core):
                    del added.below[k]
                    return core.replace(y=join(added, core.y))
            return None
        case _:
            return None


def _takes(part: Tensor, whole: Tensor, starts: Shape, steps: tuple[int, ...]) -> bool:
    """Whether a tensor is the part of another that is taken from these places."""
    if not isinstance(part, Slice):
        return False
    return part.x is whole and part.starts == starts and part.steps == steps


def _adds_to_zeros(node: Scatter) -> bool:
    return node.how == "add" and number(node.x) == 0


def _reads_from(part: Gather, whole: Tensor, node: Scatter) -> bool:
    """Whether a part is read of an array at the places that a node adds to."""
    same = all(i is k for i, k in zip(part.indices, node.indices, strict=False))
    return part.x is whole and same and (part.axes, part.place) == (node.axes, node.place)


def _opposite(x: Tensor) -> Tensor:
    return x.x if isinstance(x, Negative) else Negative(x)


def _are_opposite(x: Tensor, y: Tensor) -> bool:
    match x, y:
        case (Negative(z), w) | (w, Negative(z)) if z is w:
            return True
        case Multiply(a, b), Multiply(c, d) if a is c:
            one, other = literal(b), literal(d)
            return one is not None and other is not None and one.number == -other.number
        case _:
            return False


def _distribute(product: Product, node: Tensor) -> Tensor | None:
    """Multiply a sum out, where one of its terms has to do with another factor.

    before: multiply(subtract(divide(y, sigmoid(x)), z), sigmoid(x))
    after:  subtract(y, multiply(z, sigmoid(x)))
    with:   x: f32[n], y: f32[n], z: f32[n]
    """
    for position, total in enumerate(product.above):
        if not _is_sum(origin(total)[0]):
            continue
        for other, factor in enumerate(product.above):
            if other == position or not isinstance(origin(factor)[0], _EXPONENTIAL):
                continue
            inner = _times_sum(total, factor)
            if inner is not None:
                rest = [f for k, f in enumerate(product.above) if k not in (position, other)]
                return join(Product([*rest, inner], product.below, product.negative), node)
    return None


def _is_sum(x: Tensor) -> bool:
    return isinstance(x, Add | Subtract) and aligned(x)


def _times_sum(total: Tensor, factor: Tensor) -> Tensor | None:
    """Return the sum times the factor, if that has a better form for one of the terms."""
    terms = _terms(total)
    for term in terms:
        term.above.append(factor)
    if not any(_merge(term) for term in terms):
        return None
    shared = next((f for f in terms[0].above if isinstance(origin(f)[0], Softmax | Sigmoid)), None)
    if shared is not None and all(any(is_same(f, shared) for f in t.above) for t in terms):
        for term in terms:
            at = next(k for k, f in enumerate(term.above) if is_same(f, shared))
            del term.above[at]
        return Multiply(_sum(terms, total), shared)
    return _sum(terms, total)


def _terms(total: Tensor) -> list[Product]:
    found: list[Product] = []
    todo = [(total, False)]
    while todo:
        x, negative = todo.pop()
        core = origin(x)[0]
        if isinstance(core, Add | Subtract) and _is_sum(core) and len(found) < _MOST_TERMS:
            turned = negative ^ isinstance(core, Subtract)
            todo += [(respread(x, core.y), turned), (respread(x, core.x), negative)]
        else:
            term = flatten(x)
            term.negative ^= negative
            found.append(term)
    return found


def _sum(terms: list[Product], like: Tensor) -> Tensor:
    result = join(terms[0], like)
    for term in terms[1:]:
        positive = Product(term.above, term.below)
        result = (Subtract if term.negative else Add)(result, join(positive, like))
    return result


@rewrite(Sum)
def lift_divisor(node: Sum) -> Tensor | None:
    """A sum of quotients by one sum of exponentials is divided once.

    before: sum(divide(y, broadcast_to(expand_dims(sum(exp(x), [1]), [1]), [n, 4])), [1])
    after:  divide(sum(y, [1]), sum(exp(x), [1]))
    with:   x: f32[n, 4], y: f32[n, 4]
    """
    if type(node) is not Sum or not node.dtype.is_float:
        return None
    product = flatten(node.x)
    for k, divisor in enumerate(product.below):
        total, axes = spread_over(divisor)
        if axes == node.axes and sum_of_exp(total) is not None:
            del product.below[k]
            return Divide(Sum(join(product, node.x), axes), total)
    return None


@rewrite(Multiply, Divide)
def sink_choice(node: Multiply | Divide) -> Tensor | None:
    """What is 0 by choice stays 0, also times what is infinite where it was not chosen.

    before: divide(where(greater(x, 0.0), y, 0.0), x)
    after:  where(greater(x, 0.0), divide(y, x), 0.0)
    with:   x: f32[n], y: f32[n]
    """
    if not node.dtype.is_float or not aligned(node):
        return None
    product = flatten(node)
    if not _may_be_infinite(product):
        return None
    for k, factor in enumerate(product.above):
        if not isinstance(factor, Where) or not aligned(factor):
            continue
        for kept, zero in ((factor.x, factor.y), (factor.y, factor.x)):
            if number(zero) == 0:
                product.above[k] = kept
                inner = join(product, node)
                parts = (inner, zero) if kept is factor.x else (zero, inner)
                return Where(factor.condition, *parts)
    return None


def _may_be_infinite(product: Product) -> bool:
    """Whether factors are infinite for some numbers; not those that others cancel."""
    # What is repeated, such as the deviation of a channel, is no number of the element itself.
    below = [
        origin(f)[0] for f in product.below if number(f) is None and not isinstance(f, BroadcastTo)
    ]
    if any(isinstance(f, (*_EXPONENTIAL, Absolute, Sum)) for f in below):
        return False
    return bool(below) or any(isinstance(origin(f)[0], Exp | Expm1 | Power) for f in product.above)


MERGE_EXPONENTIALS = (merge_exponentials, lift_divisor, sink_choice)
