"""Convolution and correlation of sequences: sums over windows that are never stored."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from agnesi.core.dtypes import ALL, BOOL
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, mul, sub
from agnesi.dims.simplify import floordiv, maximum, minimum
from agnesi.graph.tensor import Array, Reader, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import index_scalar
from agnesi.ops.complex_parts import conj
from agnesi.ops.families import Movement, Op, Sample, keep
from agnesi.ops.lapack import pick
from agnesi.ops.lift import operand_lines
from agnesi.ops.movement import broadcast_to, expand_dims, flip, nonempty
from agnesi.ops.reductions import sum as total
from agnesi.ops.slicing import Place, Slice
from agnesi.ops.tensor_products import alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.loops.nodes import Scalar

__all__ = ["convolve", "correlate"]

Mode: TypeAlias = Literal["full", "same", "valid"]


def _straight(x: Array, rows: int) -> Array:
    columns = [x[..., j : j + rows, j] for j in range(x.shape[-1])]
    return np.stack(columns, -1) if columns else x[..., :rows, :]


class Straight(Movement):
    """Each column moved up by its number: ``y[i, j] = x[i + j, j]``."""

    x: Tensor
    rows: Size

    public = "straight"
    reference = staticmethod(_straight)
    leading = MappingProxyType({"rows": keep})
    samples = (Sample(((5, 3),), (3,)), Sample(((2, 4, 2),), (3,)), Sample(((3, 1),), (3,)))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """So many rows."""
        *stack, _, m = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, self.rows, m))

    def source_index(self, index: Shape) -> Shape:
        """Further down by the number of the column."""
        *stack, i, j = index
        return (*stack, add(i, j), j)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Move back down."""
        return (Slanted(ct, self.x.type.shape[-2]),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _straight(operands[0], sizes(self.rows))


def _slanted(x: Array, rows: int) -> Array:
    *stack, k, m = x.shape
    result = np.zeros((*stack, rows, m), x.dtype)
    for j in range(m):
        result[..., j : j + k, j] = x[..., :, j]
    return result


class Slanted(Op):
    """Each column moved down by its number, with zeros around it: ``y[i + j, j] = x[i, j]``."""

    x: Tensor
    rows: Size

    public = "slanted"
    dtypes = ALL
    linear = True
    reference = staticmethod(_slanted)
    leading = MappingProxyType({"rows": keep})
    samples = (Sample(((3, 3),), (5,)), Sample(((2, 3, 2),), (4,)), Sample(((3, 1),), (3,)))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """So many rows."""
        *stack, _, m = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, self.rows, m))

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Further up by the number of the column, if there is something."""
        *stack, i, j = index
        place = sub(i, j)
        here = index_scalar(place)
        inside = (here >= 0) & (here < index_scalar(self.x.type.shape[-2]))
        return pick(inside, read(0, (*stack, place, j)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Move back up."""
        return (Straight(ct, self.x.type.shape[-2]),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _slanted(operands[0], sizes(self.rows))


def convolve(x1: TensorLike, x2: TensorLike, /, mode: Mode = "full") -> Tensor:
    """Return the convolution of two sequences, as ``numpy.convolve``.

    For long ones transforms are faster: multiply ``ag.fft.rfft`` of both.

    Args:
        x1: vector of ``n`` elements.
        x2: vector of ``m`` elements.
        mode: ``"full"`` for all ``n + m - 1`` sums, ``"same"`` for the middle ``max(n, m)``,
            ``"valid"`` for those in which all of the shorter one takes part.

    Raises:
        GraphTypeError: no vectors, or another mode.

    >>> ag.convolve(ag.constant([1, 2, 3]), ag.constant([1, 10])).eval()
    array([ 1, 12, 23, 30])
    """
    a, b = _sequences("convolve", x1, x2)
    return _convolved("convolve", a, b, mode, turned=False)


def correlate(x1: TensorLike, x2: TensorLike, /, mode: Mode = "valid") -> Tensor:
    """Return the correlation ``sum(x1[k + i] * conj(x2[i]))``, as ``numpy.correlate``.

    Arguments as :func:`convolve`'s.

    >>> ag.correlate(ag.constant([1, 2, 3]), ag.constant([1, 10])).eval()
    array([21, 32])
    """
    a, b = _sequences("correlate", x1, x2)
    return _convolved("correlate", a, flip(conj(b)), mode, turned=True)


def _sequences(op: str, x1: TensorLike, x2: TensorLike) -> tuple[Tensor, Tensor]:
    a, b = alike(op, x1=x1, x2=x2)
    lines = operand_lines(("x1", "x2"), (a, b))
    if a.ndim != 1 or b.ndim != 1:
        raise GraphTypeError(f"{op}: takes two vectors\n{lines}")
    if 0 in (a.type.shape[0], b.type.shape[0]):
        raise GraphTypeError(f"{op}: there is nothing to sum in no elements\n{lines}")
    for name, operand in (("x1", a), ("x2", b)):
        a = nonempty(
            a, operand.type.shape[0], f"elements to sum in {name}, {operand.type}, of {op}"
        )
    return a, b


def _convolved(op: str, a: Tensor, b: Tensor, mode: str, *, turned: bool) -> Tensor:
    """Return sums over windows of ``a`` with zeros around it."""
    (n,), (m,) = a.type.shape, b.type.shape
    least, most = minimum(n, m), maximum(n, m)
    whole = sub(add(n, m), 1)
    starts: dict[str, tuple[Size, Size]] = {
        "full": (0, whole),
        "same": (sub(sub(least, 1), floordiv(least, 2)), most),
        "valid": (sub(least, 1), add(sub(most, least), 1)),
    }
    if mode not in starts:
        raise GraphTypeError(f'{op}: mode is "full", "same" or "valid", but this is {mode!r}')
    start, size = starts[mode]
    if turned:
        # NumPy exchanges a shorter first one with the second and turns the result around.
        shorter = minimum(1, maximum(0, sub(m, n)))
        start = add(start, mul(shorter, sub(sub(whole, size), mul(2, start))))
    margin = sub(m, 1)
    padded = Place(a, (margin,), (1,), (add(n, mul(2, margin)),))
    rows = padded.type.shape[0]
    spread = broadcast_to(expand_dims(padded, -1), (scalar_of(rows), scalar_of(m)))
    windows = Straight(spread, whole)
    if mode != "full":
        # They lie within, which is more than the algebra of sizes sees.
        windows = Slice(windows, (start, 0), (1, 1), (size, m))
    products = windows * flip(b)
    return products.any(-1) if a.dtype is BOOL else total(products, -1).astype(a.dtype)


OPS: tuple[type[Op], ...] = (Straight, Slanted)
