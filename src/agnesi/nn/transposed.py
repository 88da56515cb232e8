"""Transposed convolutions, and the gradients of convolutions for who writes gradients himself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, mul, sub
from agnesi.dims.simplify import floordiv, maximum
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.graph.types import shape_text
from agnesi.nn.convolution import (
    Kind,
    check_groups,
    floats,
    kind_of,
    shaped,
    shapes_of,
    sizes_of,
    with_bias,
)
from agnesi.nn.spatial import Padding, padded, per_axis, space_axes
from agnesi.ops.conv import ConvWeights, back, places, span
from agnesi.ops.lift import as_tensor, operand_lines, unify
from agnesi.ops.movement import nonempty, specify_shape
from agnesi.ops.slicing import Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape, Size


def conv_transpose(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the transpose of a convolution: what its gradient does to a cotangent.

    Along an axis of space, ``(size - 1)*stride - padding before and after + dilation*(taps - 1) +
    output_padding + 1`` elements come out, as PyTorch's ``conv_transpose2d`` has it.  V. Dumoulin,
    F. Visin: A guide to convolution arithmetic for deep learning.  arXiv 1603.07285.

    Args:
        x: ``[n, channels, *space]``, what the convolution would give.
        w: the convolution's kernel, ``[channels, results/groups, *taps]``; with channels last
            ``[*taps, results/groups, channels]``.
        bias: ``[results]``, is added.
        stride: of the convolution.
        padding: of the convolution, by which what comes out is shorter: as :func:`conv`'s; here
            ``"same"`` gives ``size*stride`` elements.
        output_padding: so many elements more at the end, fewer than ``stride`` or ``dilation``.
        dilation: of the convolution.
        groups: of the convolution.
        layout: as :func:`conv`'s.
        flip: as :func:`conv`'s.

    Raises:
        GraphTypeError: shapes or arguments that do not fit, or nothing would come out.

    >>> x, w = ag.input("x", "f32[n, 16, 7, 7]"), ag.input("w", "f32[16, 3, 4, 4]")
    >>> ag.nn.conv_transpose(x, w, stride=2, padding=1).type
    f32[n, 3, 14, 14]
    """
    dims = space_axes("conv_transpose", as_tensor(x))
    kind = kind_of("conv_transpose", dims, layout, stride, dilation, padding, groups, flip)
    return _transposed(kind, x, w, bias, output_padding)


def conv_transpose1d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the transpose of a convolution of sequences; arguments as :func:`conv_transpose`."""
    kind = kind_of("conv_transpose1d", 1, layout, stride, dilation, padding, groups, flip)
    return _transposed(kind, x, w, bias, output_padding)


def conv_transpose2d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the transpose of a convolution of pictures; arguments as :func:`conv_transpose`.

    >>> x = ag.constant([[[[1.0, 2.0]]]])
    >>> ag.nn.conv_transpose2d(x, ag.constant([[[[1.0, 10.0, 100.0]]]]), stride=(1, 2)).eval()
    array([[[[  1.,  10., 102.,  20., 200.]]]], dtype=float32)
    """
    kind = kind_of("conv_transpose2d", 2, layout, stride, dilation, padding, groups, flip)
    return _transposed(kind, x, w, bias, output_padding)


def conv_transpose3d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the transpose of a convolution of volumes; arguments as :func:`conv_transpose`."""
    kind = kind_of("conv_transpose3d", 3, layout, stride, dilation, padding, groups, flip)
    return _transposed(kind, x, w, bias, output_padding)


def _transposed(
    kind: Kind, x: TensorLike, w: TensorLike, bias: TensorLike | None, output_padding: Any
) -> Tensor:
    a, b, *rest = floats(kind.op, x=x, w=w, **({} if bias is None else {"bias": bias}))
    dims = len(kind.strides)
    space_axes(kind.op, a, dims)
    array, (kernel, taps, _) = kind.array(a), _results_of(kind, a, b)
    more = per_axis(kind.op, "output_padding", output_padding, dims, 0)
    for extra, stride, dilation in zip(more, kind.strides, kind.dilations, strict=True):
        if extra >= max(stride, dilation):
            raise GraphTypeError(
                f"{kind.op}: output_padding has to be smaller than stride or dilation, but "
                f"{extra} is not smaller than {stride} or {dilation}"
            )
    whole, widths = _unpadded(kind, kind.space(a.type.shape), taps, more)
    y = back(array, kernel, whole, kind.strides, kind.dilations, kind.groups)
    y = _cut(kind.op, y, widths, operand_lines(("x", "w"), (a, b)))
    results = mul(kind.groups, kernel.type.shape[-2])
    return kind.back(with_bias(kind.op, y, results, rest))


def _results_of(kind: Kind, x: Tensor, w: Tensor) -> tuple[Tensor, Shape, Size]:
    """Return the kernel of a convolution whose results ``x`` are, its taps and its channels.

    Raises:
        GraphTypeError: they are not.
    """
    dims = len(kind.strides)
    lines = operand_lines(("x", "w"), (x, w))
    if w.ndim != dims + 2:
        raise GraphTypeError(
            f"{kind.op}: a kernel has {dims + 2} axes, but w has {w.ndim}\n{lines}"
        )
    kernel = kind.kernel(w)
    *taps, channels, results = kernel.type.shape
    given = x.type.shape[-1 if kind.last else 1]
    if unify(given, results) is None:
        order = "[*taps, results/groups, channels]"
        if not kind.last:
            order = "[channels, results/groups, *taps]"
        raise GraphTypeError(
            f"{kind.op}: x has {given} channels, but the kernel, {order}, is for {results}\n{lines}"
        )
    check_groups(kind, results, lines)
    return kernel, tuple(taps), mul(kind.groups, channels)


def _unpadded(
    kind: Kind, space: Shape, taps: Shape, more: Sequence[int]
) -> tuple[Shape, list[tuple[Size, Size]]]:
    """Return the space that a transposed convolution fills, and what is cut off at its ends."""
    whole: list[Size] = []
    cuts = kind.widths(space, taps)
    for k, size in enumerate(space):
        stride, reach = kind.strides[k], span(taps[k], kind.dilations[k])
        least = add(mul(sub(size, 1), stride), reach)
        if kind.padding == "same":
            both = maximum(0, sub(reach, stride))
            cuts[k] = floordiv(both, 2), sub(both, floordiv(both, 2))
            least = add(least, maximum(0, sub(stride, reach)))
        whole.append(add(least, more[k]))
    return tuple(whole), cuts


def _cut(op: str, y: Tensor, widths: Sequence[tuple[Size, Size]], lines: str) -> Tensor:
    """Return ``[n, *space, channels]`` without the ends of space."""
    if all(width == (0, 0) for width in widths):
        return y
    n, *space, channels = y.type.shape
    rest = [sub(size, add(*width)) for size, width in zip(space, widths, strict=True)]
    for axis, size in enumerate(rest):
        if isinstance(size, int) and size < 1:
            raise GraphTypeError(
                f"{op}: nothing is left of axis {axis} of space without its padding\n{lines}"
            )
        y = nonempty(y, size, f"elements along axis {axis} of space that {op} gives")
    starts = (0, *(before for before, _ in widths), 0)
    return Slice(y, starts, (1,) * y.ndim, (n, *rest, channels))


def conv_input_gradient(
    ct: TensorLike,
    w: TensorLike,
    shape: Any,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the gradient of ``sum(ct * conv(x, w))`` by ``x``.

    :func:`agnesi.grad` makes the same; this is for programs that write gradients themselves, with
    Theano's ``conv2d_grad_wrt_inputs`` or TensorFlow's ``conv2d_backprop_input``.

    Args:
        ct: of the shape of the convolution.
        w: the kernel.
        shape: that of ``x``; sizes may be symbolic.
        stride: this and all others as :func:`conv`'s.
        padding: of the convolution.
        dilation: of the convolution.
        groups: of the convolution.
        layout: of all.
        flip: of the convolution.

    Raises:
        GraphTypeError: shapes that are not those of a convolution.

    >>> ct, w = ag.input("ct", "f32[n, 8, 13, 13]"), ag.input("w", "f32[8, 3, 3, 3]")
    >>> ag.nn.conv_input_gradient(ct, w, (ct.shape[0], 3, 28, 28), stride=2).type
    f32[n, 3, 28, 28]
    """
    op = "conv_input_gradient"
    dims = space_axes(op, as_tensor(ct))
    kind = kind_of(op, dims, layout, stride, dilation, padding, groups, flip)
    a, b = floats(op, ct=ct, w=w)
    kernel, taps, channels = _results_of(kind, a, b)
    sizes = sizes_of(op, shape, dims)
    space = kind.space(sizes)
    widths = kind.widths(space, taps)
    array = _placed(kind, kind.array(a), sizes[0], space, widths, taps)
    if unify(sizes[-1 if kind.last else 1], channels) is None:
        raise GraphTypeError(
            f"{op}: the kernel is for {channels} channels, but the shape is {shape_text(sizes)}\n"
            f"{operand_lines(('ct', 'w'), (a, b))}"
        )
    whole = tuple(add(size, *width) for size, width in zip(space, widths, strict=True))
    y = back(array, kernel, whole, kind.strides, kind.dilations, kind.groups)
    y = _cut(op, y, widths, operand_lines(("ct", "w"), (a, b)))
    return specify_shape(kind.back(y), tuple(map(scalar_of, sizes)))


def conv_weight_gradient(
    x: TensorLike,
    ct: TensorLike,
    shape: Any,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the gradient of ``sum(ct * conv(x, w))`` by the kernel ``w``.

    Theano's ``conv2d_grad_wrt_weights``, TensorFlow's ``conv2d_backprop_filter``.

    Args:
        x: array.
        ct: of the shape of the convolution.
        shape: that of the kernel; sizes may be symbolic.
        stride: this and all others as :func:`conv`'s.
        padding: of the convolution.
        dilation: of the convolution.
        groups: of the convolution.
        layout: of all.
        flip: of the convolution.

    Raises:
        GraphTypeError: shapes that are not those of a convolution.

    >>> x, ct = ag.input("x", "f32[n, 3, 28, 28]"), ag.input("ct", "f32[n, 8, 13, 13]")
    >>> ag.nn.conv_weight_gradient(x, ct, (8, 3, 3, 3), stride=2).type
    f32[8, 3, 3, 3]
    """
    op = "conv_weight_gradient"
    dims = space_axes(op, as_tensor(x))
    kind = kind_of(op, dims, layout, stride, dilation, padding, groups, flip)
    a, b = floats(op, x=x, ct=ct)
    sizes = sizes_of(op, shape, dims)
    taps = sizes[:-2] if kind.last else sizes[2:]
    space = kind.space(a.type.shape)
    widths = kind.widths(space, taps)
    array = padded(kind.array(a), widths)
    if b.ndim != a.ndim:
        raise GraphTypeError(
            f"{op}: ct has {b.ndim} axes, x {a.ndim}\n{operand_lines(('x', 'ct'), (a, b))}"
        )
    cts = _placed(kind, kind.array(b), a.type.shape[0], space, widths, taps)
    for tensor, name in ((array, "x"), (cts, "ct")):
        count = tensor.type.shape[-1]
        if isinstance(count, int) and count % kind.groups:
            raise GraphTypeError(
                f"{op}: {count} channels of {name} do not fall into {kind.groups} groups\n"
                f"{operand_lines(('x', 'ct'), (a, b))}"
            )
    y = kind.kernel_back(ConvWeights(array, cts, kind.strides, kind.dilations, kind.groups, taps))
    pairs = zip(y.type.shape, sizes, strict=True)
    if any(unify(own, given) is None for own, given in pairs):
        raise GraphTypeError(
            f"{op}: the kernel has the shape {shape_text(y.type.shape)}, not {shape_text(sizes)}\n"
            f"{operand_lines(('x', 'ct'), (a, b))}"
        )
    return specify_shape(y, tuple(map(scalar_of, sizes)))


def _placed(  # noqa: PLR0917 - a convolution
    kind: Kind,
    ct: Tensor,
    n: Size,
    space: Shape,
    widths: Sequence[tuple[Size, Size]],
    taps: Shape,
) -> Tensor:
    """Return a cotangent, channels last, of which is known that it has a number for each place.

    Raises:
        GraphTypeError: it has not.
    """
    whole = [add(size, *width) for size, width in zip(space, widths, strict=True)]
    out = tuple(map(places, whole, taps, kind.strides, kind.dilations))
    own = ct.type.shape
    wanted = (n, *out, own[-1])
    if any(unify(a, b) is None for a, b in zip(own, wanted, strict=True)):
        raise GraphTypeError(
            f"{kind.op}: for an array of {n} examples and space {shape_text(space)}, and taps "
            f"{shape_text(taps)}, a cotangent is {shape_text(wanted)} with channels last, "
            f"but this is {shape_text(own)}"
        )
    return specify_shape(ct, tuple(map(scalar_of, wanted)))


def conv_transpose_output_shape(
    shape: Any,
    kernel: Any,
    *,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
) -> tuple[int | Tensor, ...]:
    """Return the shape of a transposed convolution; arguments as :func:`conv_transpose`'s.

    >>> ag.nn.conv_transpose_output_shape((8, 16, 7, 7), (16, 3, 4, 4), stride=2, padding=1)
    (8, 3, 14, 14)
    """
    op = "conv_transpose_output_shape"
    kind, sizes, (taps, channels, _) = shapes_of(
        op, shape, kernel, layout, stride, dilation, padding
    )
    more = per_axis(op, "output_padding", output_padding, len(taps), 0)
    whole, widths = _unpadded(kind, kind.space(sizes), taps, more)
    out = tuple(sub(size, add(*width)) for size, width in zip(whole, widths, strict=True))
    return shaped(kind, sizes[0], out, mul(groups, channels))
