"""Patches of images: Theano's ``images2neibs`` and back, and patches with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import sub
from agnesi.dims.simplify import floordiv, mod
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.nn.pooling import Spec, image_axes, numbers_of
from agnesi.ops.lift import as_size, as_tensor, operand_lines
from agnesi.ops.movement import nonempty, reshape, transpose
from agnesi.ops.padding import pad
from agnesi.ops.patches import PutWindows, TakeWindows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.nn.pooling import Padding, PerAxis

__all__ = ["extract_patches", "images2neibs", "neibs2images"]

Mode: TypeAlias = Literal["valid", "ignore_borders", "wrap_centered", "half", "full"]


def extract_patches(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCHW",
) -> Tensor:
    """Return all windows of images, with zeros around these.

    Args:
        x: images.
        window: height and width of a patch, or one number.
        strides: how far from patch to patch; the window by default.
        padding: around an image, as for :func:`agnesi.nn.max_pool2d`.
        dilation: how far from element to element of a patch.
        ignore_border: whether a patch that reaches beyond the padded image is dropped.
        layout: ``"NCHW"`` or ``"NHWC"``.

    Returns:
        ``[batch, rows, columns, channels, height, width]`` of the patches, or
        ``[batch, rows, columns, height, width, channels]`` where the channels are last.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> x = ag.input("x", "f32[n, 3, 32, 32]")
    >>> ag.nn.extract_patches(x, 8, strides=4).type
    f32[n, 7, 7, 3, 8, 8]
    """
    op = "extract_patches"
    tensor, along = image_axes(op, x, 2, layout)
    spec = Spec(op, tensor, along, window, strides, padding, dilation, ignore_border)
    windows = TakeWindows(tensor, *spec.all_fields())
    # Both halves of the axes are [n, c, h, w] or [n, h, w, c]; the second has one n and one c.
    batch, rows, columns = (windows.shape[k] for k in (0, *along))
    if along[0] == 2:
        order, channel = (0, 2, 3, 4, 5, 1, 6, 7), 1
        inner = (tensor.shape[channel], *windows.shape[6:8])
    else:
        order, channel = (0, 1, 2, 4, 7, 5, 6, 3), 3
        inner = (*windows.shape[5:7], tensor.shape[channel])
    return reshape(transpose(windows, order), (batch, rows, columns, *inner))


def images2neibs(
    x: TensorLike,
    neib_shape: int | Sequence[int],
    neib_step: int | Sequence[int] | None = None,
    mode: Mode = "valid",
) -> Tensor:
    """Return a matrix with a patch of an image in each row, as Theano's ``images2neibs``.

    Rows follow image by image, channel by channel, place by place.

    Args:
        x: images ``[batch, channels, height, width]``.
        neib_shape: height and width of a patch, or one number.
        neib_step: how far from patch to patch; the patch by default.
        mode: ``"valid"``: patches have to fit exactly; ``"ignore_borders"``: what is left over is
            left out; ``"half"`` and ``"full"``: as valid, with ``shape // 2`` or ``shape - 1``
            zeros on each side; ``"wrap_centered"``: a patch of odd sizes around every
            ``neib_step``-th element, the image continued by itself.

    Raises:
        GraphTypeError: an argument that cannot be, or patches that do not fit.
        ShapeError: in a call, patches that do not fit.

    >>> x = ag.constant(np.arange(16.0).reshape(1, 1, 4, 4))
    >>> ag.nn.images2neibs(x, (2, 2)).eval().tolist()
    [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0], [8.0, 9.0, 12.0, 13.0], [10.0, 11.0, 14.0, 15.0]]
    """
    op = "images2neibs"
    tensor, along = image_axes(op, x, 2, "NCHW")
    shape = numbers_of(op, "neib_shape", neib_shape, along, tensor)
    given = shape if neib_step is None else neib_step
    step = numbers_of(op, "neib_step", given, along, tensor)
    shown = f"\n{operand_lines(('x',), (tensor,))}"
    widths: dict[str, tuple[int, ...]] = {
        "valid": (0, 0),
        "ignore_borders": (0, 0),
        "half": tuple(s // 2 for s in shape),
        "full": tuple(s - 1 for s in shape),
        "wrap_centered": (0, 0),
    }
    if mode not in widths:
        raise GraphTypeError(f"{op}: mode is one of {', '.join(widths)}, not {mode!r}{shown}")
    if mode == "wrap_centered":
        tensor = _wrapped(op, tensor, shape)
    elif mode != "ignore_borders":
        for axis, size, far, width in zip(along, shape, step, widths[mode], strict=True):
            room = sub(tensor.type.shape[axis], size - 2 * width)
            tensor = _fitting(op, tensor, axis, room, far)
    spec = Spec(op, tensor, along, shape, step, [(w, w) for w in widths[mode]], 1, True)
    windows = TakeWindows(tensor, *spec.all_fields())
    return reshape(windows, (-1, shape[0] * shape[1]))


def _fitting(op: str, x: Tensor, axis: int, room: Size, step: int) -> Tensor:
    """Return ``x``; where it is not known, a call checks that steps fit.

    Raises:
        GraphTypeError: they do not.
    """
    rest = mod(room, step)
    if isinstance(rest, int) and rest:
        raise GraphTypeError(
            f"{op}: patches leave {rest} elements over along axis {axis}\n"
            f"{operand_lines(('x',), (x,))}\n  mode='ignore_borders' leaves them out"
        )
    words = f"1, less the elements that patches leave over along axis {axis} of {x.type}"
    return x if rest == 0 else nonempty(x, sub(1, rest), words)


def _wrapped(op: str, x: Tensor, shape: Sequence[int]) -> Tensor:
    """Return images continued by themselves, as far as centred patches reach."""
    for size in shape:
        if size % 2 == 0:
            raise GraphTypeError(
                f"{op}: centred patches have odd sizes, not {size}\n{operand_lines(('x',), (x,))}"
            )
    return pad(x, ((0, 0), (0, 0), *((size // 2, size // 2) for size in shape)), "wrap")


def neibs2images(
    neibs: TensorLike,
    neib_shape: int | Sequence[int],
    original_shape: Sequence[Any],
    mode: Literal["valid", "ignore_borders"] = "valid",
) -> Tensor:
    """Return the images that patches side by side are of: :func:`images2neibs` undone.

    Args:
        neibs: a patch in each row.
        neib_shape: height and width of a patch, or one number.
        original_shape: ``(batch, channels, height, width)`` of the images.
        mode: ``"ignore_borders"`` puts zeros where there was no patch.

    Raises:
        GraphTypeError: an argument that cannot be, or patches that do not fit.

    >>> x = ag.constant(np.arange(16.0).reshape(1, 1, 4, 4))
    >>> again = ag.nn.neibs2images(ag.nn.images2neibs(x, 2), 2, x.shape)
    >>> bool((again.eval() == x.eval()).all())
    True
    """
    op = "neibs2images"
    tensor = as_tensor(neibs)
    shown = f"\n{operand_lines(('neibs',), (tensor,))}"
    if mode not in ("valid", "ignore_borders"):
        raise GraphTypeError(f"{op}: mode is 'valid' or 'ignore_borders', not {mode!r}{shown}")
    if tensor.ndim != 2:
        raise GraphTypeError(f"{op}: takes a matrix with a patch in each row{shown}")
    target = tuple(as_size(size, op) for size in original_shape)
    if len(target) != 4:
        raise GraphTypeError(
            f"{op}: the shape is (batch, channels, height, width), not {original_shape!r}{shown}"
        )
    shape = numbers_of(op, "neib_shape", neib_shape, (2, 3), tensor)
    counts: list[Size] = []
    for axis, size in zip((2, 3), shape, strict=True):
        own = target[axis]
        if mode == "valid":
            tensor = _fitting(op, tensor, axis, own, size)
        counts.append(floordiv(own, size))
    whole = (*target[:2], *counts, 1, 1, *shape)
    windows = reshape(tensor, tuple(scalar_of(size) for size in whole))
    one = (1, 1, *shape)
    return PutWindows(windows, one, (0, 0, 0, 0), one, (1, 1, 1, 1), target)
