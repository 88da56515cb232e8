"""What to call an op with, and what has to come out: derived from the op's class.

A case is one call: arrays, other arguments, and NumPy's answer.  The cases of an op go through its
samples; dtypes take turns, so that each sample and each dtype occurs without every pair of them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL, BF16, DType, as_dtype, complex_of
from agnesi.dims.dim import fresh_symbol
from agnesi.graph.leaves import constant, new_input
from agnesi.graph.types import TensorType
from agnesi.ops import OPS
from agnesi.ops.conv import Conv, ConvWeights
from agnesi.ops.families import Composite, Domain, Elementwise, HostOp, Op, Reduction, Sample, wider
from agnesi.ops.lapack import Lapack
from agnesi.ops.linear import MatMul
from agnesi.ops.reductions import Sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agnesi.graph.leaves import Input
    from agnesi.graph.tensor import Array, Tensor


@dataclass(frozen=True)
class Case:
    """One call of an op.

    Attributes:
        op: the op.
        sample: shapes and other arguments.
        arrays: the tensor operands.
    """

    op: type[Op]
    sample: Sample
    arrays: tuple[Array, ...]

    def __str__(self) -> str:
        operands = [f"{a.dtype}{list(a.shape)}" for a in self.arrays]
        extra = [repr(e) for e in self.sample.extra]
        named = [f"{name}={value!r}" for name, value in self.sample.named.items()]
        return f"{self.op.public}({', '.join([*operands, *extra, *named])})"

    def inputs(self, *, symbolic: bool = False) -> list[Input]:
        """Return new inputs for the arrays.

        Args:
            symbolic: with unknown sizes, but for those of 1, which have to be seen.
        """
        return [
            new_input(None, type_of(array, "xyzuvw"[place] if symbolic else None))
            for place, array in enumerate(self.arrays)
        ]

    def call(self, *operands: Tensor) -> Tensor:
        """Return the expression."""
        return self.op.call(*operands, *self.sample.extra, **self.sample.named)

    @property
    def free(self) -> list[int]:
        """The places of the operands that nothing keeps from being differentiated by."""
        places = range(len(self.arrays))
        # Fields and operands go together where no field is a tuple of them.
        none = self.op.undefined
        return [k for k in places if not none or self.op.fields[k] not in none]

    def call_free(self, *free: Tensor) -> Tensor:
        """Return the expression of these operands, with the others held at their values."""
        operands: dict[int, Tensor] = {k: constant(a) for k, a in enumerate(self.arrays)}
        operands |= dict(zip(self.free, free, strict=True))
        return self.call(*operands.values())

    def reference(self) -> Array:
        """Return NumPy's answer, in NumPy's dtype.

        Functions that round are computed in a wider float and rounded once; halves in f32, which
        is what NumPy does and ml_dtypes does for most.
        """
        with np.errstate(all="ignore"):
            if _is_numpys(self.op.reference) and not self._mentions(BF16):
                kind = np.result_type(self._numpy(self.arrays))
            else:
                kind = self.call(*self.inputs()).dtype.numpy
            arrays = self.arrays
            if not self.op.keeps_halves:
                arrays = tuple(
                    a.astype(np.float32) if as_dtype(a.dtype).is_half else a for a in arrays
                )
            if as_dtype(kind).is_inexact and _rounds(self.op):
                wide = as_dtype(kind)
                moving = {k for k, a in enumerate(arrays) if a.dtype.kind in "fc"}
                arrays = tuple(
                    a.astype(wider(complex_of(wide) if a.dtype.kind == "c" else wide.real))
                    if k in moving or issubclass(self.op, Elementwise)
                    else a
                    for k, a in enumerate(arrays)
                )
            return self._numpy(arrays).astype(kind)

    def _numpy(self, arrays: tuple[Array, ...]) -> Array:
        return np.asarray(self.op.reference(*arrays, *self.sample.extra, **self.sample.named))

    def _mentions(self, dtype: DType) -> bool:
        return any(as_dtype(a.dtype) is dtype for a in self.arrays)

    @property
    def tolerance(self) -> float:
        """Largest error, in units in the last place; of a complex number, of its absolute value.

        A complex function is made of several real ones.
        """
        several = any(a.dtype.kind == "c" for a in self.arrays)
        return self.op.tolerance * (4 if several else 1)

    @property
    def scale(self) -> Array | float:
        """The magnitude whose units in the last place count errors.

        A sum of terms of both signs is as exact as the sum of their absolute values.
        """
        if issubclass(self.op, Sum | MatMul | Conv | ConvWeights):
            return self._numpy(tuple(np.abs(_wide(a)) for a in self.arrays))
        if issubclass(self.op, Lapack | HostOp):
            return float(np.abs(self._numpy(self.arrays)).max(initial=0))
        first = self.arrays[0] if self.arrays else np.zeros(0)
        if issubclass(self.op, Composite) and first.size:
            return float(np.abs(_wide(first)).max())
        return 0.0

    @property
    def signed_zero(self) -> bool:
        """Whether 0 and -0 have to be told apart."""
        return issubclass(self.op, Elementwise) and self.op.signed_zero

    def strided(self) -> Iterator[tuple[str, tuple[Array, ...]]]:
        """Yield the same arrays laid out otherwise in memory."""
        for name, lay_out in _LAYOUTS:
            yield name, tuple(lay_out(a) if a.ndim else a for a in self.arrays)


def _wide(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _is_numpys(function: Any) -> bool:
    return isinstance(function, np.ufunc) or function.__module__.startswith("numpy")


def _rounds(op: type[Op]) -> bool:
    if issubclass(op, Elementwise):
        return op.dtype_rule == "floating" and not op.exact
    return issubclass(op, Reduction | Composite | MatMul)


def type_of(array: Array, symbols: str | None = None) -> TensorType:
    """Return the type of an array, with unknown sizes if they are given a name."""
    shape = tuple(
        size if symbols is None or size == 1 else fresh_symbol(f"{symbols}.{axis}")
        for axis, size in enumerate(array.shape)
    )
    return TensorType(as_dtype(array.dtype), shape)


def _reversed(array: Array) -> Array:
    backwards = (..., *(slice(None, None, -1),) * array.ndim)
    return array[backwards].copy()[backwards]


def _transposed(array: Array) -> Array:
    return array.copy(order="F")


def _spread(array: Array) -> Array:
    wide = np.zeros((*(2 * size + 1 for size in array.shape),), array.dtype)
    view = wide[(..., *(slice(1, None, 2),) * array.ndim)]
    view[...] = array
    return view


_LAYOUTS: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("columns first", _transposed),
    ("negative strides", _reversed),
    ("every other", _spread),
)


def operand_dtypes(op: type[Op]) -> tuple[DType, ...]:
    """Return the dtypes that the op's public function takes."""
    if issubclass(op, Elementwise) and op.dtype_rule != "promote":
        return tuple(d for d in ALL if not d.is_complex or d in op.dtypes)
    return op.dtypes


def smooth_ops() -> list[type[Op]]:
    """Return the ops whose derivatives are the slopes of what they compute."""
    return [op for op in OPS if op.differentiable and not op.of_distribution]


def cases_of(op: type[Op], *, seed: int = 0, specials: bool = True) -> list[Case]:
    """Return calls of an op: its samples, each of its dtypes, and special values.

    Args:
        op: an op.
        seed: of the values.
        specials: add calls with every combination of the domains' special values.
    """
    random = np.random.default_rng(seed)
    samples = op.all_samples()
    dtypes = operand_dtypes(op)
    # Floats first: they are what an op is for, and have the finest cases.
    ordered = sorted(dtypes, key=lambda d: not d.is_inexact)
    count = max(len(samples), len(ordered)) if samples and samples[0].shapes else len(samples)
    made = [
        sample_case(op, samples[k % len(samples)], ordered[k % len(ordered)], random)
        for k in range(count)
    ]
    if specials and issubclass(op, Elementwise) and any(d.special for d in op.domain):
        for dtype in dtypes:
            arrays = special_arrays(op, dtype)
            made.append(Case(op, Sample(tuple(a.shape for a in arrays)), arrays))
    return made


def sample_case(
    op: type[Op],
    sample: Sample,
    dtype: DType,
    random: np.random.Generator,
    *,
    smooth: bool = False,
) -> Case:
    """Return the sample with random values.

    Args:
        op: the op.
        sample: shapes and other arguments.
        dtype: of the operands, but those whose domain names other ones.
        random: where values come from.
        smooth: keep away from the points that the domains avoid.
    """
    arrays: list[Array] = []
    for place, shape in enumerate(sample.shapes):
        domain = op.domain[min(place, len(op.domain) - 1)]
        kind = domain.dtypes[int(random.integers(len(domain.dtypes)))] if domain.dtypes else dtype
        values = _values(domain, kind, math.prod(shape), random)
        if smooth and kind.is_inexact:
            for point in domain.avoid:
                near = np.abs(values - point) < 0.1
                away = np.copysign(0.1, (values - point).real)
                values = np.where(near, point + away, values)
        arrays.append(values.astype(kind.numpy).reshape(shape))
    return Case(op, sample, tuple(arrays))


def _values(domain: Domain, dtype: DType, count: int, random: np.random.Generator) -> Array:
    if dtype.is_float:
        return random.uniform(domain.low, domain.high, count)
    if dtype.is_complex:
        re, im = (random.uniform(domain.low, domain.high, count) for _ in range(2))
        return re + 1j * im
    if dtype.is_bool:
        return random.integers(0, 2, count)
    low = max(math.ceil(domain.low), 0 if dtype.is_unsigned else -(2**31))
    return random.integers(low, max(math.floor(domain.high), low) + 1, count)


def special_arrays(op: type[Op], dtype: DType) -> tuple[Array, ...]:
    """Return arrays that hold every combination of the operands' special values."""
    choices = [
        _specials(op, domain, domain.dtypes[0] if domain.dtypes else dtype) for domain in op.domain
    ]
    table = list(zip(*itertools.product(*choices), strict=True))
    kinds = [domain.dtypes[0] if domain.dtypes else dtype for domain in op.domain]
    with np.errstate(over="ignore"):
        return tuple(np.array(c, k.numpy) for c, k in zip(table, kinds, strict=True))


def _specials(op: type[Op], domain: Domain, dtype: DType) -> list[Any]:
    if dtype.is_float:
        return [*domain.special, domain.low, domain.high]
    if dtype.is_complex:
        # What C says of infinite and NaN parts is not followed.
        parts = [*(s for s in domain.special if math.isfinite(s)), 0.5]
        return [complex(a, b) for a, b in itertools.product(parts, parts)]
    if dtype.is_bool:
        return [False, True]
    limits = np.iinfo(dtype.numpy)
    whole = [int(s) for s in domain.special if math.isfinite(s)]
    ends = [] if issubclass(op, Elementwise) and _to_float(op) else [limits.min, limits.max]
    low, high = max(domain.low, limits.min), min(domain.high, limits.max)
    inside = [
        w for w in (*whole, math.ceil(low), math.floor(high)) if limits.min <= w <= limits.max
    ]
    return list(dict.fromkeys([*inside, *(ends if domain.special else [])]))


def _to_float(op: type[Elementwise]) -> bool:
    return op.dtype_rule in ("floating", "quotient")
