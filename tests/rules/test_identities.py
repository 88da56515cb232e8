"""Each identity, from its own two sides: random numbers and special ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from agnesi.core.dtypes import BOOL, F32, F64, FLOATS, I32, INTEGERS, U8, DType
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import named_symbol
from agnesi.graph.graph import rebuild
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.types import TensorType
from agnesi.rewrite.pattern import Identities
from agnesi.rewrite.trace import Trace
from agnesi.rules import simplify_arithmetic, stabilize

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

SETS: list[Identities] = [
    value
    for module in (simplify_arithmetic, stabilize)
    for value in vars(module).values()
    if isinstance(value, Identities)
]
DTYPES: dict[str, tuple[DType, ...]] = {
    "Number": (F64, I32, U8),
    "Float": (F32, F64),
    "Integer": (I32, U8),
    "Signed": (I32,),
    "Bool": (BOOL,),
    "Tensor": (F64, I32, BOOL),
}
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-30, -1e30)


def kinds_of(identities: Identities) -> list[DType]:
    """Return dtypes that all number-like variables of the identities can share."""
    free = [k for k in identities.kinds.values() if k != "Bool"]
    if not free:
        return [BOOL]
    return [d for d in DTYPES[free[0]] if all(d in DTYPES[k] for k in free)]


ROWS = [
    pytest.param(identities, place, id=rule.name)
    for identities in SETS
    for place, rule in enumerate(identities.rules)
]


def left_side(identities: Identities, place: int, dtype: DType) -> tuple[dict[str, Input], Tensor]:
    """Return the variables of an identity and its left side, on variables of this dtype."""
    shape = (named_symbol("n"),)
    leaves = {
        name: new_input(name, TensorType(BOOL if kind == "Bool" else dtype, shape))
        for name, kind in identities.kinds.items()
    }
    pair: Any = identities.function(**leaves)[place]
    left: Tensor = pair[0]
    for condition in pair[2:]:
        for part in getattr(condition, "of", ()):
            (left,) = rebuild([left], {part: condition.example(part)})
    return leaves, left


def values(leaf: Input, random: np.random.Generator, *, tame: bool) -> np.ndarray[Any, Any]:
    """Return sample values of a variable."""
    if leaf.dtype is BOOL:
        return random.integers(0, 2, 40).astype(bool)
    if leaf.dtype in INTEGERS:
        return random.integers(0 if leaf.dtype is U8 else -9, 10, 40).astype(leaf.dtype.numpy)
    numbers = random.uniform(-4, 4, 40)
    if not tame:
        numbers[: len(SPECIAL)] = random.permutation(SPECIAL)
    return numbers.astype(leaf.dtype.numpy)


@pytest.mark.parametrize(("identities", "place"), ROWS)
def test_both_sides_are_equal(identities: Identities, place: int):
    rule, fired = identities.rules[place], 0
    for dtype in kinds_of(identities):
        try:
            leaves, left = left_side(identities, place, dtype)
        except GraphTypeError:
            # A pattern of the set has a negative number, which unsigned integers have not.
            continue
        right = rule.step(left)
        if right is None:
            # The numbers of the pattern make another dtype of it, which no rule is asked for.
            continue
        fired += 1
        assert right.type is left.type
        compare(leaves, left, right, tame=bool(rule.marks))
    assert fired


def compare(leaves: dict[str, Input], left: Tensor, right: Tensor, *, tame: bool) -> None:
    """Compare the numbers of two expressions."""
    for seed in range(6):
        random = np.random.default_rng(seed)
        arrays: dict[Tensor, Any] = {
            leaf: values(leaf, random, tame=tame) for leaf in leaves.values()
        }
        with np.errstate(all="ignore"):
            one, two = interpret([left, right], arrays)
        if left.dtype not in FLOATS:
            np.testing.assert_array_equal(one, two)
        elif tame:
            rough = 3e-3 if left.dtype is F32 else 1e-9
            np.testing.assert_allclose(one, two, rtol=rough, atol=rough / 10)
        else:
            np.testing.assert_array_equal(np.isnan(one), np.isnan(two))
            plain = [np.where(np.isfinite(a), a, np.sign(np.nan_to_num(a))) for a in (one, two)]
            np.testing.assert_array_max_ulp(plain[0], plain[1], 4)


NAIVE = {
    "log-sum-exp": lambda ag, x: ag.log(ag.exp(x).sum(1)),
    "softmax": lambda ag, x: ag.exp(x) / ag.exp(x).sum(1, keepdims=True),
    "log-softmax": lambda ag, x: ag.log(ag.softmax(x)),
    "log of a written softmax": lambda ag, x: ag.log(ag.exp(x) / ag.exp(x).sum(1, keepdims=True)),
    "softplus": lambda ag, x: ag.log(1 + ag.exp(x)),
    "log-sigmoid": lambda ag, x: ag.log(ag.sigmoid(x)),
    "log of a written sigmoid": lambda ag, x: ag.log(1 / (1 + ag.exp(-x))),
    "log of the other": lambda ag, x: ag.log(1 - ag.sigmoid(x)),
}


def weighted(ag: Any, y: Tensor) -> Tensor:
    """Return a sum with weights that differ along the last axis."""
    return (y * np.array([0.3, 1.0, -0.7], np.float32)).sum() if y.ndim > 1 else ag.sum(y)


@pytest.mark.parametrize("name", NAIVE)
def test_what_would_overflow_does_not(name: str):
    import agnesi as ag

    x = ag.input("x", "f32[n, 3]")
    y = NAIVE[name](ag, x)
    slope_of_y = ag.grad(weighted(ag, y), x)
    f = ag.function([x], [y, slope_of_y])
    large = np.array([[1e3, -1e3, 999.0], [-1e3, 0, 1]], np.float32)
    value, slope = f(large)
    assert np.isfinite(value).all(), value
    assert np.isfinite(slope).all(), slope
    small = np.random.default_rng(0).uniform(-2, 2, (4, 3)).astype(np.float32)
    expected = interpret([y, slope_of_y], {x: small})
    for found, wanted in zip(f(small), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_rules_leave_a_trace():
    import agnesi as ag

    x = ag.vector("x")
    trace = Trace()
    stabilize.stabilize([ag.log(ag.exp(x).sum())], trace)
    assert trace.firings.total() > 0
