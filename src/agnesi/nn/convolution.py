"""Convolutions of one, two and three dimensions.

Arrays have channels first as a rule, ``[n, channels, height, width]``, and kernels results first,
``[results, channels, height, width]``; with ``layout="NHWC"`` they have channels last,
``[n, height, width, channels]``, and kernels ``[height, width, channels, results]``.  What is
computed is the same: channels last, so that transpositions between layers cancel.

As in other libraries for networks a kernel is not flipped (cross-correlation); ``flip=True`` makes
it a convolution of mathematics, which is what Theano's ``conv2d`` does unless told otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.errors import GraphTypeError
from agnesi.core.record import record
from agnesi.dims.dim import add, mul
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.graph.types import shape_text
from agnesi.nn.spatial import (
    LAYOUTS,
    Padding,
    is_last,
    padded,
    paddings,
    per_axis,
    space_axes,
    to_first,
    to_last,
)
from agnesi.ops.conv import convolve, places, span
from agnesi.ops.lift import (
    as_shape,
    as_tensor,
    cast,
    common_dtype,
    is_integer,
    lift_all,
    operand_lines,
    unify,
)
from agnesi.ops.movement import flip as flipped
from agnesi.ops.movement import reshape, transpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape, Size


@record(frozen=True)
class Kind:
    """How the taps of a kernel meet an array.

    Attributes:
        op: the public function.
        last: whether channels are the last axis.
        strides: of each axis of space.
        dilations: of each axis of space.
        padding: what the user said.
        groups: into how many parts channels fall.
        flip: whether the kernel is flipped.
    """

    op: str
    last: bool
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Padding
    groups: int
    flip: bool

    def array(self, x: Tensor) -> Tensor:
        """Return an array with channels last."""
        return x if self.last else to_last(x)

    def back(self, y: Tensor) -> Tensor:
        """Return an array with channels last as the user has it."""
        return y if self.last else to_first(y)

    def kernel(self, w: Tensor) -> Tensor:
        """Return ``[*taps, channels, results]``, unflipped."""
        count = len(self.strides)
        if not self.last:
            w = transpose(w, (*range(2, count + 2), 1, 0))
        return flipped(w, tuple(range(count))) if self.flip else w

    def kernel_back(self, w: Tensor) -> Tensor:
        """Return such a kernel as the user has it."""
        count = len(self.strides)
        if self.flip:
            w = flipped(w, tuple(range(count)))
        return w if self.last else transpose(w, (count + 1, count, *range(count)))

    def space(self, shape: Shape) -> Shape:
        """Return the sizes of space of an array."""
        return shape[1:-1] if self.last else shape[2:]

    def widths(self, space: Shape, taps: Shape) -> list[tuple[Size, Size]]:
        """Return the padding of each axis of space."""
        return paddings(self.op, self.padding, space, taps, self.strides, self.dilations)


def kind_of(  # noqa: PLR0917 - what all functions of users take
    op: str,
    dims: int,
    layout: str | None,
    stride: Any,
    dilation: Any,
    padding: Padding,
    groups: Any,
    flip: bool,
) -> Kind:
    """Return what a user said of a convolution.

    Raises:
        GraphTypeError: an argument that cannot be.
    """
    if not is_integer(groups) or groups < 1:
        raise GraphTypeError(f"{op}: groups is an integer of at least 1, but it is {groups!r}")
    return Kind(
        op,
        is_last(op, layout, dims),
        per_axis(op, "stride", stride, dims),
        per_axis(op, "dilation", dilation, dims),
        padding,
        int(groups),
        flip,
    )


def floats(op: str, **given: TensorLike) -> list[Tensor]:
    """Return the operands as tensors of one float dtype."""
    values = lift_all(op, list(given.values()))
    dtype = common_dtype(values)
    if not dtype.is_float:
        lines = operand_lines(list(given), values)
        raise GraphTypeError(f"{op}: takes floats\n{lines}\n  convert with x.astype('f32')")
    return [cast(value, dtype) for value in values]


def conv(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the convolution of arrays of one to three axes of space with a kernel.

    Args:
        x: ``[n, channels, *space]``; ``[n, *space, channels]`` with a layout that says so.
        w: ``[results, channels/groups, *taps]``; ``[*taps, channels/groups, results]`` in a layout
            with channels last.
        bias: ``[results]``, is added.
        stride: how far apart the places of the kernel are: an integer, or one for each axis.
        padding: zeros around ``x``: ``"valid"`` none; ``"same"`` for ``size/stride`` places,
            rounded up, with what is odd after (as TensorFlow and JAX); ``"full"`` wherever the
            kernel meets an element; ``"half"`` half a kernel, rounded down (as Theano); in one
            dimension ``"causal"`` all before.  Or an integer, one for each axis, or for each axis a
            pair (before, after); they may be symbolic.
        dilation: how far apart the taps of the kernel are: an integer, or one for each axis.
        groups: channels and results fall into so many parts, each convolved by itself.
        layout: ``"NCW"``, ``"NCHW"``, ``"NCDHW"`` (channels first, what None is), or ``"NWC"``,
            ``"NHWC"``, ``"NDHWC"``.
        flip: reverse the axes of the kernel, as in mathematics and in Theano.

    Returns:
        The dtype of both, in the layout of ``x``.

    Raises:
        GraphTypeError: shapes or arguments that do not fit.
        ShapeError: in a call, sizes do not fit.

    >>> x, w = ag.input("x", "f32[n, 3, 32, 32]"), ag.input("w", "f32[16, 3, 5, 5]")
    >>> ag.nn.conv(x, w, stride=2, padding="same").type
    f32[n, 16, 16, 16]
    """
    dims = space_axes("conv", as_tensor(x))
    kind = kind_of("conv", dims, layout, stride, dilation, padding, groups, flip)
    return _conv(kind, x, w, bias)


def conv1d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the convolution of sequences, ``[n, channels, width]``; arguments as :func:`conv`.

    >>> x, w = ag.input("x", "f32[n, 100, 8]"), ag.input("w", "f32[3, 8, 4]")
    >>> ag.nn.conv1d(x, w, padding="causal", layout="NWC").type
    f32[n, 100, 4]
    """
    kind = kind_of("conv1d", 1, layout, stride, dilation, padding, groups, flip)
    return _conv(kind, x, w, bias)


def conv2d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the convolution of pictures, ``[n, channels, height, width]``.

    Arguments as :func:`conv`.

    >>> x = ag.constant([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    >>> ag.nn.conv2d(x, ag.constant([[[[1.0, 10.0]]]]), padding=(0, 1)).eval()
    array([[[[10., 21., 32.,  3.],
             [40., 54., 65.,  6.]]]], dtype=float32)
    """
    kind = kind_of("conv2d", 2, layout, stride, dilation, padding, groups, flip)
    return _conv(kind, x, w, bias)


def conv3d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return the convolution of volumes, ``[n, channels, depth, height, width]``.

    Arguments as :func:`conv`.

    >>> x, w = ag.input("x", "f32[n, 1, 8, 16, 16]"), ag.input("w", "f32[4, 1, 3, 3, 3]")
    >>> ag.nn.conv3d(x, w).type
    f32[n, 4, 6, 14, 14]
    """
    kind = kind_of("conv3d", 3, layout, stride, dilation, padding, groups, flip)
    return _conv(kind, x, w, bias)


def _conv(kind: Kind, x: TensorLike, w: TensorLike, bias: TensorLike | None) -> Tensor:
    a, b, *rest = floats(kind.op, x=x, w=w, **({} if bias is None else {"bias": bias}))
    _check(kind, a, b)
    kernel = kind.kernel(b)
    *taps, _, results = kernel.type.shape
    widths = kind.widths(kind.space(a.type.shape), tuple(taps))
    array = padded(kind.array(a), widths)
    _check_fit(kind, array.type.shape[1:-1], tuple(taps), (a, b))
    y = convolve(array, kernel, kind.strides, kind.dilations, kind.groups)
    return kind.back(with_bias(kind.op, y, results, rest))


def _check(kind: Kind, x: Tensor, w: Tensor) -> None:
    """Check that an array and a kernel, as the user has them, fit.

    Raises:
        GraphTypeError: they do not.
    """
    dims = len(kind.strides)
    space_axes(kind.op, x, dims)
    lines = operand_lines(("x", "w"), (x, w))
    order = "[*taps, channels, results]" if kind.last else "[results, channels, *taps]"
    if w.ndim != dims + 2:
        raise GraphTypeError(
            f"{kind.op}: a kernel has {dims + 2} axes, {order}, but w has {w.ndim}\n{lines}"
        )
    own = w.type.shape[-2 if kind.last else 1]
    results = w.type.shape[-1 if kind.last else 0]
    channels = x.type.shape[-1 if kind.last else 1]
    if unify(channels, mul(kind.groups, own)) is None:
        said = f"{kind.groups} groups of {own}" if kind.groups > 1 else f"{own}"
        raise GraphTypeError(
            f"{kind.op}: x has {channels} channels, but the kernel is for {said}\n{lines}\n"
            f"  the layout is {LAYOUTS[dims][kind.last]}, a kernel is {order}"
        )
    check_groups(kind, results, lines)


def check_groups(kind: Kind, results: Size, lines: str) -> None:
    """Check that results fall into groups.

    Raises:
        GraphTypeError: they do not.
    """
    if isinstance(results, int) and results % kind.groups:
        raise GraphTypeError(
            f"{kind.op}: {results} results of the kernel do not fall into {kind.groups} groups\n"
            f"{lines}"
        )


def with_bias(op: str, y: Tensor, results: Size, given: Sequence[Tensor]) -> Tensor:
    """Return ``[..., results]`` with a bias added, if one is given.

    Raises:
        GraphTypeError: it is no bias of so many results.
    """
    for bias in given:
        if bias.ndim != 1 or unify(bias.type.shape[0], results) is None:
            raise GraphTypeError(
                f"{op}: a bias has a number for each of the {results} results\n"
                f"{operand_lines(('bias',), (bias,))}"
            )
        y = y + bias
    return y


def depthwise_conv2d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return each channel convolved with kernels of its own.

    Args:
        x: ``[n, channels, height, width]``, or ``[n, height, width, channels]``.
        w: ``[channels*m, 1, height, width]``, ``m`` results of each channel beside each other; with
            channels last ``[height, width, channels, m]``, as TensorFlow.
        bias: ``[channels*m]``, is added.
        stride: this and all others as :func:`conv`'s.
        padding: as :func:`conv`'s.
        dilation: as :func:`conv`'s.
        layout: as :func:`conv`'s.
        flip: as :func:`conv`'s.

    Raises:
        GraphTypeError: shapes or arguments that do not fit, or the number of channels is not known.

    >>> x, w = ag.input("x", "f32[n, 8, 32, 32]"), ag.input("w", "f32[16, 1, 3, 3]")
    >>> ag.nn.depthwise_conv2d(x, w, padding="same").type
    f32[n, 16, 32, 32]
    """
    op = "depthwise_conv2d"
    array, kernel = as_tensor(x), as_tensor(w)
    space_axes(op, array, 2)
    last = is_last(op, layout, 2)
    channels = array.type.shape[-1 if last else 1]
    lines = operand_lines(("x", "w"), (array, kernel))
    if not isinstance(channels, int):
        raise GraphTypeError(f"{op}: the number of channels has to be known\n{lines}")
    if (
        kernel.ndim != 4
        or unify(kernel.type.shape[2 if last else 1], channels if last else 1) is None
    ):
        order = "[height, width, channels, m]" if last else "[channels*m, 1, height, width]"
        raise GraphTypeError(f"{op}: the kernel has to be {order} for {channels} channels\n{lines}")
    if last:
        height, width, _, several = kernel.shape
        kernel = reshape(kernel, (height, width, 1, several * channels))
    kind = kind_of(op, 2, layout, stride, dilation, padding, channels, flip)
    return _conv(kind, array, kernel, bias)


def separable_conv2d(
    x: TensorLike,
    depthwise: TensorLike,
    pointwise: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    layout: str | None = None,
    flip: bool = False,
) -> Tensor:
    """Return each channel convolved with kernels of its own, and sums over channels of that.

    F. Chollet: Xception: deep learning with depthwise separable convolutions.  CVPR (2017).

    Args:
        x: ``[n, channels, height, width]``, or ``[n, height, width, channels]``.
        depthwise: the kernel of :func:`depthwise_conv2d`.
        pointwise: the kernel of a :func:`conv2d` of one tap.
        bias: ``[results]``, is added.
        stride: this and all others of the first, as :func:`conv`'s.
        padding: as :func:`conv`'s.
        dilation: as :func:`conv`'s.
        layout: as :func:`conv`'s.
        flip: as :func:`conv`'s.

    >>> x, d = ag.input("x", "f32[n, 8, 32, 32]"), ag.input("d", "f32[8, 1, 3, 3]")
    >>> ag.nn.separable_conv2d(x, d, ag.input("p", "f32[24, 8, 1, 1]")).type
    f32[n, 24, 30, 30]
    """
    y = depthwise_conv2d(
        x, depthwise, stride=stride, padding=padding, dilation=dilation, layout=layout, flip=flip
    )
    return conv2d(y, pointwise, bias, layout=layout)


def conv_output_shape(
    shape: Any,
    kernel: Any,
    *,
    stride: Any = 1,
    padding: Padding = "valid",
    dilation: Any = 1,
    layout: str | None = None,
) -> tuple[int | Tensor, ...]:
    """Return the shape of a convolution.

    Args:
        shape: that of ``x``; sizes may be symbolic.
        kernel: the kernel's shape.
        stride: this and all others as :func:`conv`'s.
        padding: as :func:`conv`'s.
        dilation: as :func:`conv`'s.
        layout: as :func:`conv`'s.

    Raises:
        GraphTypeError: an argument that cannot be, or the kernel does not fit.

    >>> ag.nn.conv_output_shape((8, 3, 32, 32), (16, 3, 5, 5), stride=2, padding="half")
    (8, 16, 16, 16)
    """
    op = "conv_output_shape"
    kind, sizes, (taps, _, results) = shapes_of(
        op, shape, kernel, layout, stride, dilation, padding
    )
    space = kind.space(sizes)
    widths = kind.widths(space, taps)
    whole = tuple(add(size, *width) for size, width in zip(space, widths, strict=True))
    _check_fit(kind, whole, taps)
    out = tuple(map(places, whole, taps, kind.strides, kind.dilations))
    return shaped(kind, sizes[0], out, results)


def _check_fit(kind: Kind, whole: Shape, taps: Shape, given: tuple[Tensor, ...] = ()) -> None:
    """See that a kernel fits into an array with its padding, as far as sizes are known.

    Raises:
        GraphTypeError: it does not.
    """
    for axis, (size, count, dilation) in enumerate(zip(whole, taps, kind.dilations, strict=True)):
        reach = span(count, dilation)
        if isinstance(size, int) and isinstance(reach, int) and reach > size:
            shown = f"\n{operand_lines(('x', 'w'), given)}" if given else ""
            raise GraphTypeError(
                f"{kind.op}: a kernel of {count} taps, which reaches over {reach} elements, does "
                f"not fit into the {size} elements, with padding, along axis {axis} of space{shown}"
            )


def shapes_of(  # noqa: PLR0917 - what all functions of users take
    op: str,
    shape: Any,
    kernel: Any,
    layout: str | None,
    stride: Any,
    dilation: Any,
    padding: Padding,
) -> tuple[Kind, Shape, tuple[Shape, Size, Size]]:
    """Return a convolution, the shape of ``x``, and taps, channels and results of the kernel.

    Raises:
        GraphTypeError: an argument that cannot be.
    """
    sizes = as_shape(op, shape)
    dims = len(sizes) - 2
    if dims not in LAYOUTS:
        raise GraphTypeError(f"{op}: a shape of 3 to 5 sizes, but this is {shape_text(sizes)}")
    kind = kind_of(op, dims, layout, stride, dilation, padding, 1, False)
    own = sizes_of(op, kernel, dims)
    if kind.last:
        return kind, sizes, (own[:-2], own[-2], own[-1])
    return kind, sizes, (own[2:], own[1], own[0])


def shaped(kind: Kind, n: Size, out: Shape, channels: Size) -> tuple[int | Tensor, ...]:
    """Return a shape in the user's layout."""
    shape = (n, *out, channels) if kind.last else (n, channels, *out)
    return tuple(map(scalar_of, shape))


def sizes_of(op: str, shape: Any, dims: int) -> Shape:
    """Return the shape of an array or a kernel that a user gave.

    Raises:
        GraphTypeError: it is none of so many axes of space.
    """
    sizes = as_shape(op, shape)
    if len(sizes) != dims + 2:
        raise GraphTypeError(f"{op}: a shape of {dims + 2} sizes, but this is {shape_text(sizes)}")
    return sizes
