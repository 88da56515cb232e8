"""Joining arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, sub
from agnesi.graph.leaves import constant
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor, TensorLike
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Guard, Scalar, index_scalar
from agnesi.ops.families import ANY, Op, Reject, Sample
from agnesi.ops.lift import (
    as_axis,
    as_items,
    as_tensor,
    cast,
    common_dtype,
    lift_all,
    operand_lines,
    unify,
)
from agnesi.ops.movement import expand_dims, reshape
from agnesi.ops.shaping import atleast_1d, atleast_2d, atleast_3d
from agnesi.ops.slicing import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "append",
    "array",
    "asarray",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "stack",
    "vstack",
]


def _concatenate(*arguments: Any) -> Array:
    arrays: list[Array] = [a for a in arguments if isinstance(a, np.ndarray)]
    return np.concatenate(arrays, *arguments[len(arrays) :])


class Concatenate(Op):
    """Arrays one after another along an axis."""

    parts: tuple[Tensor, ...]
    axis: int

    public = "concatenate"
    linear = True
    dtypes = ALL
    keeps_halves = True
    reference = staticmethod(_concatenate)
    domain = (ANY,)
    samples = (
        Sample(((2, 3), (4, 3))),
        Sample(((2, 3), (2, 1), (2, 2)), (1,)),
        Sample(((0,), (5,), (1,))),
        Sample(((2, 3), (4,)), (None,)),
        Sample(((3, 2, 1), (3, 0, 1)), (-2,)),
        Sample(((3,),)),
    )
    rejects = (
        Reject(("f32[2]", "f32[2, 1]"), "same number of axes"),
        Reject(("f32[]", "f32[]"), "at least one"),
        Reject(("f32[2, 3]", "f32[2, 4]"), "sizes of axis 1 differ, 3 and 4"),
        Reject(("f32[2]", "f32[2]"), "no axis 1", (1,)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function with a list of the tensors."""
        tensors = [o for o in operands if isinstance(o, Tensor)]
        return concatenate(tensors, *operands[len(tensors) :], **named)

    def infer(self) -> TensorType:
        """Sizes add up along the axis."""
        shape = list(self._other_shape())
        shape[self.axis] = add(*(p.type.shape[self.axis] for p in self.parts))
        return TensorType(self.parts[0].dtype, tuple(shape))

    def _other_shape(self) -> Shape:
        shape = list(self.parts[0].type.shape)
        for part in self.parts[1:]:
            for k, size in enumerate(part.type.shape):
                known = unify(shape[k], size)
                shape[k] = shape[k] if known is None else known
        return tuple(shape)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The first part that reaches this far."""
        offsets: list[Size] = [0]
        for part in self.parts[:-1]:
            offsets.append(add(offsets[-1], part.type.shape[self.axis]))
        here = index[self.axis]

        def inside(k: int) -> Scalar:
            own = (*index[: self.axis], sub(here, offsets[k]), *index[self.axis + 1 :])
            return read(k, own)

        result = inside(len(self.parts) - 1)
        for k in range(len(self.parts) - 2, -1, -1):
            result = Guard(index_scalar(here) < index_scalar(offsets[k + 1]), inside(k), result)
        return result

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Cut the cotangent apart."""
        pieces: list[Tensor] = []
        offset: Size = 0
        for part in self.parts:
            starts = tuple(offset if k == self.axis else 0 for k in range(self.ndim))
            extents = list(ct.type.shape)
            extents[self.axis] = part.type.shape[self.axis]
            pieces.append(Slice(ct, starts, (1,) * self.ndim, tuple(extents)))
            offset = add(offset, part.type.shape[self.axis])
        return tuple(pieces)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.concatenate(operands, self.axis)

    def requirements(self) -> tuple[Requirement, ...]:
        """The other sizes are equal."""
        needs: list[Requirement] = []
        for k, part in enumerate(self.parts):
            for axis, (own, size) in enumerate(zip(part.type.shape, self.type.shape, strict=True)):
                if axis != self.axis and own != size:
                    words = f"axis {axis} of part {k}, {part.type}, against {self.type}"
                    needs.append(Requirement("equal", own, size, words))
        return tuple(needs)


def concatenate(arrays: Sequence[TensorLike], axis: int | None = 0, *, dtype: Any = None) -> Tensor:
    """Join arrays along an axis, as ``numpy.concatenate``.

    Args:
        arrays: arrays of one rank, equal in all sizes but that of ``axis``.
        axis: the axis; None joins the flattened arrays.
        dtype: element type; by default the arrays' common one.

    Raises:
        GraphTypeError: no arrays, ranks or sizes that do not fit.

    >>> ag.concatenate([ag.constant([1, 2]), ag.constant([3])]).eval()
    array([1, 2, 3])
    """
    parts = _alike("concatenate", arrays, dtype)
    if axis is None:
        parts, axis = [reshape(p, -1) for p in parts], 0
    return _join("concatenate", parts, axis)


concat = concatenate


def _join(op: str, parts: list[Tensor], axis: int) -> Tensor:
    names = [f"arrays[{k}]" for k in range(len(parts))]
    if any(p.ndim != parts[0].ndim for p in parts) or not parts[0].ndim:
        raise GraphTypeError(
            f"{op}: arrays have to have the same number of axes, at least one\n"
            + operand_lines(names, parts)
        )
    along = as_axis(op, axis, parts[0].ndim)
    for part in parts[1:]:
        for k, (a, b) in enumerate(zip(parts[0].type.shape, part.type.shape, strict=True)):
            if k != along and unify(a, b) is None:
                raise GraphTypeError(
                    f"{op}: sizes of axis {k} differ, {a} and {b}\n"
                    f"{operand_lines(names, parts)}\n  only axis {along} may differ"
                )
    return Concatenate(tuple(parts), along) if len(parts) > 1 else parts[0]


def stack(arrays: Sequence[TensorLike], axis: int = 0, *, dtype: Any = None) -> Tensor:
    """Join arrays of one shape along a new axis, as ``numpy.stack``.

    Args:
        arrays: arrays of one shape.
        axis: where the new axis stands in the result.
        dtype: element type; by default the arrays' common one.

    Raises:
        GraphTypeError: no arrays, or shapes that differ.

    >>> ag.stack([ag.constant([1, 2]), ag.constant([3, 4])], axis=1).eval()
    array([[1, 3],
           [2, 4]])
    """
    parts = _alike("stack", arrays, dtype)
    names = [f"arrays[{k}]" for k in range(len(parts))]
    shape = parts[0].type.shape
    for part in parts:
        if part.ndim != len(shape) or any(
            unify(a, b) is None for a, b in zip(shape, part.type.shape, strict=True)
        ):
            raise GraphTypeError(
                "stack: arrays have to have the same shape\n" + operand_lines(names, parts)
            )
    return _join("stack", [expand_dims(p, axis) for p in parts], axis)


def vstack(arrays: Sequence[TensorLike], *, dtype: Any = None) -> Tensor:
    """Join arrays along the first axis; vectors are rows, as ``numpy.vstack``.

    Raises:
        GraphTypeError: no arrays, or shapes that do not fit.
    """
    return _join("vstack", [atleast_2d(p) for p in _alike("vstack", arrays, dtype)], 0)


def hstack(arrays: Sequence[TensorLike], *, dtype: Any = None) -> Tensor:
    """Join arrays along the second axis, vectors along their only one, as ``numpy.hstack``.

    Raises:
        GraphTypeError: no arrays, or shapes that do not fit.
    """
    parts = [atleast_1d(p) for p in _alike("hstack", arrays, dtype)]
    return _join("hstack", parts, 0 if parts[0].ndim == 1 else 1)


def dstack(arrays: Sequence[TensorLike]) -> Tensor:
    """Join arrays along the third axis, as ``numpy.dstack``.

    Raises:
        GraphTypeError: no arrays, or shapes that do not fit.
    """
    return _join("dstack", [atleast_3d(p) for p in _alike("dstack", arrays)], 2)


def column_stack(arrays: Sequence[TensorLike]) -> Tensor:
    """Join vectors as columns, and matrices side by side, as ``numpy.column_stack``.

    Raises:
        GraphTypeError: no arrays, or shapes that do not fit.
    """
    parts = _alike("column_stack", arrays)
    columns = [p if p.ndim > 1 else reshape(p, (-1, 1)) for p in parts]
    return _join("column_stack", columns, 1)


def block(arrays: Any) -> Tensor:
    """Join nested lists of arrays, as ``numpy.block``.

    The innermost lists are joined along the last axis, those around them along the one before.

    Args:
        arrays: an array, or lists of one depth.

    Raises:
        GraphTypeError: lists of different depths, or shapes that do not fit.

    >>> one = ag.ones((1, 1))
    >>> ag.block([[one, 2 * one], [3 * one, 4 * one]]).eval()
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    depth = _depth(arrays)
    leaves = _leaves(arrays)
    if not leaves:
        raise GraphTypeError("block: there is an empty list, but no array")
    parts = iter(_alike("block", leaves))
    ndim = max(depth, *(as_tensor(leaf).ndim for leaf in leaves))

    def joined(value: Any, level: int) -> Tensor:
        if not isinstance(value, list):
            tensor = next(parts)
            return expand_dims(tensor, tuple(range(ndim - tensor.ndim)))
        inner = [joined(item, level - 1) for item in as_items(value)]
        return _join("block", inner, -level)

    return joined(arrays, depth)


def _depth(value: Any) -> int:
    if isinstance(value, tuple):
        raise GraphTypeError("block: takes lists; a tuple is not one of them")
    if not isinstance(value, list):
        return 0
    depths = {_depth(item) for item in as_items(value)}
    if len(depths) > 1:
        raise GraphTypeError(f"block: lists are nested to different depths, {sorted(depths)}")
    return 1 + max(depths, default=0)


def _leaves(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [leaf for item in as_items(value) for leaf in _leaves(item)]


def append(x: TensorLike, values: TensorLike, axis: int | None = None) -> Tensor:
    """Join values to the end of an array, both flattened without an axis, as ``numpy.append``.

    Raises:
        GraphTypeError: ranks or sizes that do not fit.
    """
    parts = _alike("append", (x, values))
    if axis is None:
        return _join("append", [reshape(p, -1) for p in parts], 0)
    return _join("append", parts, axis)


def asarray(value: Any, /, dtype: Any = None, *, copy: bool | None = None) -> Tensor:
    """Return a tensor: as it is, or from an array, a number or nested lists, as ``numpy.asarray``.

    Lists may hold symbolic variables, which are joined.

    Args:
        value: tensor, array, number, or nested lists of them.
        dtype: element type; by default the value's.
        copy: changes nothing, since an array never changes.

    Raises:
        GraphTypeError: the value is not an array, or its parts do not fit together.

    >>> x = ag.scalar("x")
    >>> ag.asarray([[x, 0], [1, x]]).eval({x: 2.0})
    array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    if isinstance(value, tuple | list) and any(
        isinstance(leaf, Tensor) for leaf in _all_leaves(value)
    ):
        leaves = _all_leaves(value)
        parts = iter(_alike("asarray", leaves, dtype))
        return _stacked(value, parts)
    if isinstance(value, Tensor):
        return value if dtype is None else value.astype(dtype)
    return constant(value, dtype)


array = asarray


def _all_leaves(value: Any) -> list[Any]:
    if not isinstance(value, tuple | list):
        return [value]
    return [leaf for item in as_items(value) for leaf in _all_leaves(item)]


def _stacked(value: Any, parts: Iterator[Tensor]) -> Tensor:
    if not isinstance(value, tuple | list):
        return next(parts)
    return stack([_stacked(item, parts) for item in as_items(value)])


def _alike(op: str, arrays: Any, dtype: Any = None) -> list[Tensor]:
    if not isinstance(arrays, tuple | list) or not arrays:
        shown = str(arrays.type) if isinstance(arrays, Tensor) else f"{arrays!r}"
        raise GraphTypeError(
            f"{op}: takes a list or tuple of at least one array, but this is {shown}"
        )
    lifted = lift_all(op, as_items(arrays))
    kind = common_dtype(lifted) if dtype is None else as_dtype(dtype)
    return [cast(a, kind) for a in lifted]


OPS: tuple[type[Op], ...] = (Concatenate,)
