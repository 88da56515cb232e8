"""Joining arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, sub
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor, TensorLike
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Guard, Scalar, index_scalar
from agnesi.ops.families import ANY, Op, Reject, Sample
from agnesi.ops.lift import as_axis, as_items, cast, common_dtype, lift_all, operand_lines, unify
from agnesi.ops.movement import expand_dims, reshape
from agnesi.ops.slicing import Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["concatenate", "stack"]


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


def concatenate(arrays: Sequence[TensorLike], axis: int | None = 0) -> Tensor:
    """Join arrays along an axis, as ``numpy.concatenate``.

    Args:
        arrays: arrays of one rank, equal in all sizes but that of ``axis``.
        axis: the axis; None joins the flattened arrays.

    Raises:
        GraphTypeError: no arrays, ranks or sizes that do not fit.
    """
    parts = _alike("concatenate", arrays)
    if axis is None:
        parts, axis = [reshape(p, -1) for p in parts], 0
    names = [f"arrays[{k}]" for k in range(len(parts))]
    if any(p.ndim != parts[0].ndim for p in parts) or not parts[0].ndim:
        raise GraphTypeError(
            "concatenate: arrays have to have the same number of axes, at least one\n"
            + operand_lines(names, parts)
        )
    along = as_axis("concatenate", axis, parts[0].ndim)
    for part in parts[1:]:
        for k, (a, b) in enumerate(zip(parts[0].type.shape, part.type.shape, strict=True)):
            if k != along and unify(a, b) is None:
                raise GraphTypeError(
                    f"concatenate: sizes of axis {k} differ, {a} and {b}\n"
                    f"{operand_lines(names, parts)}\n  only axis {along} may differ"
                )
    return Concatenate(tuple(parts), along) if len(parts) > 1 else parts[0]


def stack(arrays: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Join arrays of one shape along a new axis, as ``numpy.stack``.

    Raises:
        GraphTypeError: no arrays, or shapes that differ.
    """
    parts = _alike("stack", arrays)
    if any(p.ndim != parts[0].ndim for p in parts):
        raise GraphTypeError(
            "stack: arrays have to have the same shape\n"
            + operand_lines([f"arrays[{k}]" for k in range(len(parts))], parts)
        )
    return concatenate([expand_dims(p, axis) for p in parts], axis)


def _alike(op: str, arrays: Any) -> list[Tensor]:
    if not isinstance(arrays, tuple | list) or not arrays:
        shown = str(arrays.type) if isinstance(arrays, Tensor) else f"{arrays!r}"
        raise GraphTypeError(
            f"{op}: takes a list or tuple of at least one array, but this is {shown}"
        )
    lifted = lift_all(op, as_items(arrays))
    dtype = common_dtype(lifted)
    return [cast(a, dtype) for a in lifted]


OPS: tuple[type[Op], ...] = (Concatenate,)
