"""Every identity, from its own two sides: it fires, keeps the type, and keeps the values.

No mark: equal on special values too, down to the sign of zero.  ``fast``: nearly equal on moderate
values.  ``stable``: nearly what 50 digits say of the left side, also where the left side overflows.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Any

import mpmath  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import pytest

from agnesi.core.dtypes import BOOL, C64, C128, F32, F64, I32, I64, U8, DType
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import Constant, new_input
from agnesi.graph.text import op_name
from agnesi.graph.types import TensorType
from agnesi.ops.movement import BroadcastTo
from agnesi.rewrite.pattern import Identities, Identity
from agnesi.rules.notation import admitted
from agnesi.rules.stabilize import STABILIZE
from agnesi.rules.tensors import filled, literal, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agnesi.graph.tensor import Array, Tensor

DTYPES = (F32, F64, I32, I64, U8, BOOL, C64, C128)
IDENTITIES = [
    rule for part in STABILIZE.parts if isinstance(part, Identities) for rule in part.rules
]


def cases() -> Iterator[Any]:
    for rule in IDENTITIES:
        kinds = [admitted(kind) for kind in rule.variables.values()]
        for dtype in DTYPES:
            if dtype is BOOL and not all(dtype in kind for kind in kinds):
                continue
            if all(dtype in kind or kind == {BOOL} for kind in kinds):  # pyright: ignore[reportUnnecessaryComparison]
                yield pytest.param(rule, dtype, id=f"{rule.name}-{dtype}")


class Sides:
    """Both sides of an identity over inputs of a dtype, and values for the inputs."""

    def __init__(self, rule: Identity, dtype: DType, shape: tuple[int, ...]) -> None:
        self.dtype, self.shape = dtype, shape
        self.inputs: list[Tensor] = []
        self.new: dict[Any, Tensor] = {}
        for k, (sample, kind) in enumerate(rule.variables.items()):
            own = BOOL if admitted(kind) == {BOOL} else dtype  # pyright: ignore[reportUnnecessaryComparison]
            made: Tensor = new_input(f"x{k}", TensorType(own, shape))
            self.inputs.append(made)
            for condition in rule.conditions:
                if any(sample is part for part in condition.of):
                    made = condition.example(made)
            self.new[sample] = made
        self.left = self.retyped(rule.left)
        self.right = self.retyped(rule.right)

    def retyped(self, node: Any) -> Tensor:
        """Return a pattern over the inputs, its numbers in their dtype."""
        if node in self.new:
            return self.new[node]
        found = literal(node)
        if found is not None:
            value = found.number
            own = BOOL if node.dtype is BOOL else self.dtype
            made = filled(value, own, self.shape)
            if number(made) != value:
                pytest.skip(f"{value} is not a number of {own}")
        else:
            args = (a if not hasattr(a, "operands") else self.retyped(a) for a in node.args)
            made = type(node)(*args)
        self.new[node] = made
        return made

    def values(self, columns: list[list[Any]]) -> tuple[Array, Array]:
        """Return both sides for every combination of these values."""
        grid = np.array(list(itertools.product(*columns)), dtype=object).reshape(-1, len(columns))
        feeds = {
            x: grid[:, k].astype(x.dtype.numpy).reshape(self.shape)
            for k, x in enumerate(self.inputs)
        }
        with np.errstate(all="ignore"):
            left, right = interpret([self.left, self.right], feeds)
        return left, right


def samples(dtype: DType, count: int, moderate: bool = False) -> list[Any]:
    rng = np.random.default_rng(zlib.crc32(dtype.value.encode()))
    if dtype is BOOL:
        return [False, True]
    if dtype.is_complex:
        # Parts that are infinite or NaN give NumPy's own products and quotients.
        parts = [0.0, -0.0, 1.0, -2.5, 3e4]
        return [complex(a, b) for a, b in itertools.product(parts, parts)][:: max(1, count - 1)]
    if dtype.is_integer:
        limits = np.iinfo(dtype.numpy)
        ends = [limits.min, limits.min + 1, limits.max - 1, limits.max]
        some = [0, 1, 2, 3, 100, *ends, *rng.integers(limits.min, limits.max, 4).tolist()]
        return [*some, *([-1, -2, -7] if dtype.is_signed else [])]
    if moderate:
        return [*rng.uniform(0.01, 9, 6), *rng.uniform(-9, -0.01, 6), 1.0, -1.0, 2.0][: 99 // count]
    info = np.finfo(dtype.numpy)
    tiny = float(info.smallest_subnormal)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, tiny, -tiny, info.max, info.min]
    return [*special, float(info.tiny), 0.5, -0.5, *rng.normal(0, 2, 4), *rng.normal(0, 99, 2)]


def columns_of(rule: Identity, dtype: DType, moderate: bool = False) -> list[list[Any]]:
    kinds = [admitted(kind) for kind in rule.variables.values()]
    used = [uses(rule.left, v) for v in rule.variables]
    values = [samples(BOOL if kind == {BOOL} else dtype, len(kinds), moderate) for kind in kinds]  # pyright: ignore[reportUnnecessaryComparison]
    return [v if use else v[-1:] for v, use in zip(values, used, strict=True)]


def uses(node: Any, variable: Any) -> bool:
    return node is variable or any(
        uses(a, variable) for a in node.args if hasattr(a, "operands") and node.operands
    )


def test_names_are_unique():
    # The same identity may be marked for floats and exact for integers.
    kinds = [
        tuple(r.variables.values()) if isinstance(r, Identity) else () for r in STABILIZE.rules
    ]
    names = [(rule.name, kind) for rule, kind in zip(STABILIZE.rules, kinds, strict=True)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("rule", "dtype"), list(cases()))
def test_identity(rule: Identity, dtype: DType):
    marks = {mark.kind for mark in rule.marks}
    moderate = "fast" in marks
    columns = columns_of(rule, dtype, moderate)
    sides = Sides(rule, dtype, (int(np.prod([len(c) for c in columns])),))
    fired = rule.step(sides.left)
    assert fired is not None
    assert fired is sides.right
    assert fired.type is sides.left.type
    left, right = sides.values(columns)
    if "stable" in marks:
        with np.errstate(all="ignore"):
            usual = np.isfinite(left) & np.isfinite(right) & (abs(left) > 0.1) & (abs(left) < 9)
        np.testing.assert_allclose(left[usual], right[usual], rtol=1e-4)
    elif moderate:
        np.testing.assert_allclose(left, right, rtol=8 * eps(dtype))
    else:
        np.testing.assert_array_max_ulp(
            left, right, 2
        ) if dtype.is_float and left.dtype.kind == "f" else None
        np.testing.assert_allclose(left, right, rtol=2 * eps(dtype), atol=0)
        if left.dtype.kind == "c":
            for part in (np.real, np.imag):
                np.testing.assert_array_equal(np.signbit(part(left)), np.signbit(part(right)))
        elif left.dtype.kind == "f":
            known = ~np.isnan(left)
            np.testing.assert_array_equal(np.signbit(left)[known], np.signbit(right)[known])
        else:
            np.testing.assert_array_equal(left, right)


def eps(dtype: DType) -> float:
    return float(np.finfo(dtype.numpy).eps) if dtype.is_inexact else 0.0


EXACT = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "square": lambda x: x * x,
    "absolute": abs,
    "sqrt": mpmath.sqrt,
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
}


def exactly(node: Any, known: dict[Any, Any]) -> Any:
    """Return the value of a scalar expression with many digits."""
    if node in known:
        return known[node]
    if isinstance(node, BroadcastTo):
        return exactly(node.x, known)
    if isinstance(node, Constant):
        return mpmath.mpf(float(node.value))
    return EXACT[op_name(node)](*(exactly(o, known) for o in node.operands))


POINTS = [1e-30, 1e-9, 0.001, 0.3, 0.9, 1.7, 5, 20, 80, 95, 700]
STABLE = [r for r in IDENTITIES if any(m.kind == "stable" for m in r.marks)]


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("rule", STABLE, ids=lambda r: r.name)
def test_stable_identity_against_many_digits(rule: Identity, dtype: DType):
    points = [np.asarray(s * p).astype(dtype.numpy).item() for p in POINTS for s in (1, -1)]
    columns = [points, [0.7, -3.0]][: len(rule.variables)]
    sides = Sides(rule, dtype, (int(np.prod([len(c) for c in columns])),))
    _, right = sides.values(columns)
    finite = np.finfo(dtype.numpy)
    with mpmath.workdps(700):
        for given, found in zip(itertools.product(*columns), right, strict=True):
            feed = dict(zip(sides.inputs, map(mpmath.mpf, given), strict=True))
            try:
                exact = exactly(sides.left, feed)
            except (ZeroDivisionError, ValueError):
                continue
            if isinstance(exact, mpmath.mpc):
                assert np.isnan(found), given
            elif abs(exact) > float(finite.max):
                assert abs(found) == np.inf or abs(found) > 0.99 * float(finite.max), given
            else:
                error = abs(mpmath.mpf(float(found)) - exact)
                allowed = 16 * abs(exact) * float(finite.eps) + 2 * float(finite.tiny)
                assert error <= allowed, (given, found, mpmath.nstr(exact, 20))
