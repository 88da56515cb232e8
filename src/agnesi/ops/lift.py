"""From what a user passes to operands an op accepts: tensors of one dtype and one shape."""

from __future__ import annotations

import typing
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from agnesi.core.dtypes import (
    BOOL,
    C128,
    DEFAULT_COMPLEX,
    DEFAULT_FLOAT,
    DEFAULT_INTEGER,
    F64,
    U64,
    DType,
    promote,
    weak,
)
from agnesi.core.errors import GraphTypeError
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import Constant, constant, scalar_constant
from agnesi.graph.tensor import SizeFloat, SizeValue, Tensor
from agnesi.graph.types import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import TypeIs

    from agnesi.dims.dim import Shape, Size

Number: TypeAlias = bool | int | float | complex


def is_number(value: object) -> TypeIs[Number]:
    """Whether the value is a Python number, which is weak (NumPy's scalars are not)."""
    return isinstance(value, bool | int | float | complex) and not isinstance(value, np.generic)


def is_integer(value: object) -> TypeIs[int]:
    """Whether the value is an integer of Python or NumPy; a bool is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def as_items(value: Any) -> tuple[Any, ...]:
    """Return a tuple or list as a tuple, anything else as a tuple of one."""
    if isinstance(value, tuple | list):
        return tuple(typing.cast("Iterable[Any]", value))
    return (value,)


def as_tensor(value: Any) -> Tensor:
    """Return a tensor as it is, anything else as a constant."""
    return value if isinstance(value, Tensor) else constant(value)


def lift(value: Any) -> Tensor | Number:
    """Return a Python number as it is, since it is weak, anything else as a tensor."""
    return value if is_number(value) else as_tensor(value)


def lift_all(op: str, values: Sequence[Any]) -> list[Tensor | Number]:
    """Return the operands of a public function, each by :func:`lift`.

    Raises:
        GraphTypeError: one of them is neither a tensor nor an array.
    """
    try:
        return [lift(value) for value in values]
    except GraphTypeError as error:
        raise GraphTypeError(f"{op}: {str(error).removeprefix('constant: ')}") from None


def common_dtype(
    values: Sequence[Tensor | Number], each: Callable[[DType], DType] = lambda dtype: dtype
) -> DType:
    """Return the dtype that NumPy 2 would compute in; Python numbers and sizes are weak.

    Args:
        values: the operands.
        each: is applied to the dtype of each before they are brought together.

    Raises:
        GraphTypeError: a Python integer that does not fit the dtype it would take.
    """
    strong = strong_dtypes(values)
    numbers = [_stand_in(v) for v in values if _is_weak(v)]
    sized = any(isinstance(v, Tensor) for v in values)
    if strong:
        kinds = (*strong, *(weak(number, strong) for number in numbers))
        return promote(*(each(kind) for kind in kinds))
    if any(isinstance(number, complex) for number in numbers):
        return C128 if sized else DEFAULT_COMPLEX
    if any(isinstance(number, float) for number in numbers):
        return F64 if sized else DEFAULT_FLOAT
    if all(isinstance(value, bool) for value in values):
        return BOOL
    large = any(isinstance(number, int) and number >= 2**63 for number in numbers)
    return U64 if large else DEFAULT_INTEGER


def strong_dtypes(values: Iterable[Tensor | Number]) -> tuple[DType, ...]:
    """Return the dtypes of the values that are not weak."""
    return tuple(v.dtype for v in values if isinstance(v, Tensor) and not _is_weak(v))


def _is_weak(value: Tensor | Number) -> bool:
    return is_number(value) or isinstance(value, SizeValue) or is_weak_float(value)


def _stand_in(value: Tensor | Number) -> Number:
    """Return a Python number that is as weak as the value."""
    if isinstance(value, Tensor):
        return 0.0 if is_weak_float(value) else 0
    return value


def is_weak_float(value: Tensor) -> bool:
    """Whether a scalar is computed of sizes and numbers alone, as ``1 / n``."""
    if value.dtype is not F64 or value.type.shape:
        return False
    known: bool | None = value.__dict__.get("is_weak")
    if known is None:
        parts = value.operands
        known = isinstance(value, SizeFloat) or (
            any(is_weak_float(part) for part in parts)
            and all(isinstance(part, Constant) or is_weak_float(part) for part in parts)
        )
        value.__dict__["is_weak"] = known
    return known


def cast_all(values: Sequence[Tensor | Number], dtype: DType) -> list[Tensor]:
    """Return the operands of one op in a dtype; of sizes and numbers alone, they stay weak."""
    if dtype is not F64 or strong_dtypes(values):
        return [cast(value, dtype) for value in values]
    return [SizeFloat(v.extent) if isinstance(v, SizeValue) else cast(v, dtype) for v in values]


def fold_sizes(rule: Callable[..., Size | None] | None, values: Sequence[Any]) -> Tensor | None:
    """Return a function of sizes as a size, so that a shape stays something to reason about.

    None where there is no such rule, or a value is neither a size nor an integer.
    """
    if rule is None or not any(isinstance(v, SizeValue) for v in values):
        return None
    sizes: list[Size] = []
    for value in values:
        if isinstance(value, SizeValue):
            sizes.append(value.extent)
        elif is_integer(value):
            sizes.append(int(value))
        else:
            return None
    size = rule(*sizes)
    return None if size is None else SizeValue(size)


def cast(value: Tensor | Number, dtype: DType) -> Tensor:
    """Return the value as a tensor of this dtype."""
    if is_number(value):
        return scalar_constant(value, dtype)
    if value.dtype is dtype:
        return value
    if isinstance(value, Constant):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            data = value.value.astype(dtype.numpy).tobytes()
        return Constant(data, value.type.replace(dtype=dtype))
    return value.astype(dtype)


def operand_lines(names: Sequence[str], values: Sequence[Any]) -> str:
    """Return one line for each operand: its name, type, given name and source line."""
    titles = [str(v.type) if isinstance(v, Tensor) else _shown(v) for v in values]
    widths = max(map(len, names[: len(titles)])), max(map(len, titles))
    lines: list[str] = []
    for name, title, value in zip(names, titles, values, strict=False):
        known = f"   named {value.name}" if isinstance(value, Tensor) and value.name else ""
        made = f"   from {value.source}" if isinstance(value, Tensor) and value.source else ""
        lines.append(f"  {name + ':':<{widths[0] + 1}} {title:<{widths[1]}}{known}{made}".rstrip())
    return "\n".join(lines)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def unify(a: Size, b: Size) -> Size | None:
    """Return the better known of two sizes that have to be equal; None if they cannot be."""
    if a is b or a == b:
        return a
    if isinstance(a, int):
        return None if isinstance(b, int) else a
    return b if isinstance(b, int) else a


def broadcast_shape(
    op: str,
    names: Sequence[str],
    tensors: Sequence[Tensor],
    given: Sequence[Tensor | Number] | None = None,
) -> Shape:
    """Return the shape that operands broadcast to, as NumPy; unknown sizes count as equal.

    Args:
        op: the public function.
        names: of the operands.
        tensors: the operands.
        given: what the user gave for them, to be shown in the message.

    Raises:
        GraphTypeError: the shapes do not broadcast.
    """
    shape = broadcast_sizes([t.type.shape for t in tensors])
    if shape is None:
        shapes = " and ".join(shape_text(t.type.shape) for t in tensors)
        raise GraphTypeError(
            f"{op}: shapes {shapes} do not broadcast\n{operand_lines(names, given or tensors)}\n"
            "  sizes have to be equal, or 1 in the type; see ag.reshape, ag.expand_dims"
        )
    return shape


def broadcast_sizes(shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape that these shapes broadcast to; None if they do not."""
    ndim = max(map(len, shapes))
    result: list[Size] = []
    for position in range(-ndim, 0):
        size: Size = 1
        for shape in shapes:
            own = shape[position] if len(shape) >= -position else 1
            if own == 1:
                continue
            both = own if size == 1 else unify(size, own)
            if both is None:
                return None
            size = both
        result.append(size)
    return tuple(result)


def as_size(value: Any, what: str) -> Size:
    """Return a size from an int or an integer scalar tensor.

    Raises:
        GraphTypeError: the value is neither.
    """
    if isinstance(value, Tensor):
        if value.ndim or not value.dtype.is_integer:
            raise GraphTypeError(
                f"{what}: a size is an integer scalar, but this is {value!r}\n"
                f"{operand_lines(('size',), (value,))}"
            )
        return size_of(value)
    if not is_integer(value):
        raise GraphTypeError(
            f"{what}: a size is an integer, but this is {value!r} ({type(value).__name__})"
        )
    return int(value)


def as_shape(op: str, shape: Any) -> Shape:
    """Return a shape from a size, or a tuple or list of them.

    Raises:
        GraphTypeError: a size that is not an integer, or is negative.
    """
    sizes = tuple(as_size(s, op) for s in as_items(shape))
    if any(isinstance(s, int) and s < 0 for s in sizes):
        raise GraphTypeError(
            f"{op}: a size cannot be negative, but the shape is {shape_text(sizes)}"
        )
    return sizes


def as_axis(op: str, axis: Any, ndim: int, x: Tensor | None = None) -> int:
    """Return the axis counted from the front.

    Args:
        op: the public function.
        axis: what the user gave.
        ndim: the number of axes.
        x: the operand, to be shown in the message.

    Raises:
        GraphTypeError: there is no such axis.
    """
    shown = "" if x is None else "\n" + operand_lines(("x",), (x,))
    if not is_integer(axis):
        raise GraphTypeError(f"{op}: an axis is an integer, but this is {axis!r}{shown}")
    if not -ndim <= axis < ndim:
        raise GraphTypeError(
            f"{op}: there is no axis {axis} in a tensor of {ndim} axes{shown}\n"
            + (f"  axes run from {-ndim} to {ndim - 1}" if ndim else "  a scalar has no axes")
        )
    return int(axis) % ndim


def as_axes(op: str, axis: Any, ndim: int, x: Tensor | None = None) -> tuple[int, ...]:
    """Return axes counted from the front, in order; None is all of them.

    Arguments are those of :func:`as_axis`.

    Raises:
        GraphTypeError: an axis that is not there, or is named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    given = as_items(axis)
    axes = tuple(sorted(as_axis(op, a, ndim, x) for a in given))
    if len(set(axes)) != len(axes):
        shown = "" if x is None else "\n" + operand_lines(("x",), (x,))
        raise GraphTypeError(f"{op}: the axes {given} name an axis twice{shown}")
    return axes
