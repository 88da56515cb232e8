"""Convolutions whose kernel is another one at each place: locally connected layers."""

from __future__ import annotations

from typing import Any

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import mul
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.nn.convolution import check_groups, floats, kind_of
from agnesi.nn.spatial import Padding, padded, space_axes, to_last
from agnesi.ops.conv import places
from agnesi.ops.creation import Arange
from agnesi.ops.einstein import einsum
from agnesi.ops.lift import operand_lines, unify
from agnesi.ops.movement import expand_dims, reshape, specify_shape
from agnesi.ops.movement import flip as flipped

__all__ = ["unshared_conv2d"]


def unshared_conv2d(
    x: TensorLike,
    w: TensorLike,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    flip: bool = False,
) -> Tensor:
    """Return the convolution of pictures with a kernel of its own at each place.

    K. Gregor, Y. LeCun: Emergence of complex-like cells in a temporal product network with local
    receptive fields.  arXiv 1006.0448.

    Args:
        x: ``[n, channels, height, width]``.
        w: ``[results, rows, columns, channels/groups, taps, taps]``, for as many places as rows and
            columns come out.
        stride: this and all others as :func:`conv`'s.
        padding: as :func:`conv`'s.
        dilation: as :func:`conv`'s.
        groups: as :func:`conv`'s.
        flip: as :func:`conv`'s.

    Returns:
        ``[n, results, rows, columns]``.

    Raises:
        GraphTypeError: shapes or arguments that do not fit.
        ShapeError: in a call, sizes do not fit.

    >>> x, w = ag.input("x", "f32[n, 3, 8, 8]"), ag.input("w", "f32[16, 6, 6, 3, 3, 3]")
    >>> ag.nn.unshared_conv2d(x, w).type
    f32[n, 16, 6, 6]
    """
    op = "unshared_conv2d"
    a, b = floats(op, x=x, w=w)
    kind = kind_of(op, 2, None, stride, dilation, padding, groups, flip)
    space_axes(op, a, 2)
    lines = operand_lines(("x", "w"), (a, b))
    if b.ndim != 6:
        raise GraphTypeError(
            f"{op}: a kernel has 6 axes, [results, rows, columns, channels, taps, taps], but w has "
            f"{b.ndim}\n{lines}"
        )
    results, *rows, channels = b.type.shape[:4]
    taps = b.type.shape[4:]
    if unify(a.type.shape[1], mul(kind.groups, channels)) is None:
        raise GraphTypeError(
            f"{op}: x has {a.type.shape[1]} channels, but the kernel is for {kind.groups} groups "
            f"of {channels}\n{lines}"
        )
    check_groups(kind, results, lines)
    widths = kind.widths(a.type.shape[2:], taps)
    whole = padded(to_last(a), widths)
    space = whole.type.shape[1:3]
    out = tuple(map(places, space, taps, kind.strides, kind.dilations))
    if any(unify(o, r) is None for o, r in zip(out, rows, strict=True)):
        raise GraphTypeError(
            f"{op}: the kernel is for {rows[0]} x {rows[1]} places, but there are "
            f"{out[0]} x {out[1]}\n{lines}"
        )
    kernel = specify_shape(b, (None, *map(scalar_of, out), None, None, None))
    kernel = flipped(kernel, (4, 5)) if flip else kernel
    grouped = (kind.groups, -1)
    kernel = reshape(kernel, (*grouped, *kernel.shape[1:]))
    high, wide = (
        expand_dims(Arange((o,), 0), 1) * s + Arange((t,), 0) * d
        for o, t, s, d in zip(out, taps, kind.strides, kind.dilations, strict=True)
    )
    windows = whole[:, high[:, :, None, None], wide[None, None]]
    windows = reshape(windows, (*windows.shape[:5], *grouped))
    made = einsum("nihjwgc,gfijchw->ngfij", windows, kernel)
    return reshape(made, (made.shape[0], -1, *made.shape[3:]))
