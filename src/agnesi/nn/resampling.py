"""Larger and smaller images, and images looked at through a grid (spatial transformers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agnesi.core.dtypes import floating
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import mul
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.nn.pooling import image_axes, numbers_of
from agnesi.ops.arithmetic import clip
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange, ones_like
from agnesi.ops.gathering import gather
from agnesi.ops.joining import stack
from agnesi.ops.lift import as_axes, as_items, as_size, as_tensor, operand_lines, unify
from agnesi.ops.linear import matmul
from agnesi.ops.movement import broadcast, expand_dims, moveaxis, nonempty, swapaxes
from agnesi.ops.pooling import SpreadWindows
from agnesi.ops.resampling import Resample
from agnesi.ops.rounding import floor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.ops.resampling import Rule

__all__ = ["affine_grid", "grid_sample", "resize", "resize2d", "upsample2d"]

Mode: TypeAlias = Literal["nearest", "bilinear"]
_RULES: dict[tuple[str, bool], Rule] = {
    ("nearest", False): "nearest",
    ("bilinear", False): "linear",
    ("bilinear", True): "corners",
    ("linear", False): "linear",
    ("linear", True): "corners",
}


def _rule(op: str, mode: str, align_corners: bool, x: Tensor) -> Rule:
    rule = _RULES.get((mode, align_corners))
    if rule is None:
        raise GraphTypeError(
            f"{op}: mode is 'nearest' or 'bilinear', and only the second aligns corners, but this "
            f"is {mode!r} with align_corners={align_corners}\n{operand_lines(('x',), (x,))}"
        )
    return rule


def resize(
    x: TensorLike,
    sizes: Any,
    *,
    axes: int | tuple[int, ...],
    mode: str = "linear",
    align_corners: bool = False,
) -> Tensor:
    """Return an array with other sizes of some axes, its elements interpolated.

    Args:
        x: array of floats; integers are converted.
        sizes: new sizes, one or one for each axis; they may be symbolic.
        axes: which.
        mode: ``"nearest"``: element ``i`` of ``m`` is element ``floor(i*n/m)`` of ``n``;
            ``"linear"``: it lies on the line between two.
        align_corners: whether first and last elements stay first and last
            (``i*(n-1)/(m-1)``), or elements are cells of equal width (``(i+1/2)*n/m - 1/2``).

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> ag.nn.resize(ag.constant([0.0, 2.0]), 4, axes=0).eval()
    array([0. , 0.5, 1.5, 2. ], dtype=float32)
    >>> ag.nn.resize(ag.constant([0.0, 3.0]), 4, axes=0, align_corners=True).eval()
    array([0., 1., 2., 3.], dtype=float32)
    """
    tensor = as_tensor(x)
    return _resized("resize", tensor, sizes, axes, _rule("resize", mode, align_corners, tensor))


def _resized(op: str, x: Tensor, sizes: Any, axes: Any, rule: Rule) -> Tensor:
    shown = f"\n{operand_lines(('x',), (x,))}"
    if x.dtype.is_complex:
        raise GraphTypeError(f"{op}: is not defined for {x.dtype}{shown}")
    along = as_axes(op, axes, x.ndim, x)
    given = [as_size(size, op) for size in as_items(sizes)]
    if len(given) == 1:
        given *= len(along)
    if len(given) != len(along) or any(isinstance(s, int) and s < 1 for s in given):
        raise GraphTypeError(
            f"{op}: sizes are positive, one or one for each of the axes {along}, but these are "
            f"{sizes!r}{shown}"
        )
    result = x.astype(floating(x.dtype))
    for axis, size in zip(along, given, strict=True):
        own = result.type.shape[axis]
        if own == size:
            continue
        factor = _factor(own, size) if rule == "nearest" else None
        if factor is not None:
            result = _repeated(result, {axis: factor})
            continue
        if own == 0:
            raise GraphTypeError(f"{op}: axis {axis} has no elements{shown}")
        result = Resample(result, axis, size, rule)
    return result


def _factor(own: Size, size: Size) -> int | None:
    """Return how many times larger a size is, if that is a number."""
    if isinstance(own, int) and isinstance(size, int):
        return size // own if own and size % own == 0 else None
    return None


def _repeated(x: Tensor, times: dict[int, int]) -> Tensor:
    """Return an array with each element several times along some axes.

    Each is a window, so that the gradient is the sum of a pooling: in one pass, in any layout.
    """
    windows = tuple(times.get(axis, 1) for axis in range(x.ndim))
    target = tuple(mul(size, n) for size, n in zip(x.type.shape, windows, strict=True))
    return SpreadWindows(x, windows, (0,) * x.ndim, windows, (1,) * x.ndim, target)


def resize2d(
    x: TensorLike,
    sizes: Any,
    mode: Mode = "bilinear",
    *,
    align_corners: bool = False,
    layout: str = "NCHW",
) -> Tensor:
    """Return images of another height and width.

    Arguments and errors are those of :func:`resize`; ``layout`` is ``"NCHW"`` or ``"NHWC"``.

    >>> ag.nn.resize2d(ag.input("x", "f32[n, 3, 20, 30]"), (224, 224)).type
    f32[n, 3, 224, 224]
    """
    tensor, along = image_axes("resize2d", x, 2, layout)
    rule = _rule("resize2d", mode, align_corners, tensor)
    return _resized("resize2d", tensor, sizes, along, rule)


def upsample2d(
    x: TensorLike,
    factor: int | Sequence[int],
    mode: Mode = "nearest",
    *,
    align_corners: bool = False,
    layout: str = "NCHW",
) -> Tensor:
    """Return images that are some times as high and wide.

    Args:
        x: images.
        factor: one positive integer or one for height and one for width.
        mode: ``"nearest"`` repeats each element, ``"bilinear"`` interpolates, as :func:`resize`.
        align_corners: as in :func:`resize`.
        layout: ``"NCHW"`` or ``"NHWC"``.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> ag.nn.upsample2d(ag.constant([[[[1.0, 2.0]]]]), 2).eval()
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]], dtype=float32)
    """
    op = "upsample2d"
    tensor, along = image_axes(op, x, 2, layout)
    rule = _rule(op, mode, align_corners, tensor)
    factors = numbers_of(op, "factor", factor, along, tensor)
    if tensor.dtype.is_bool or tensor.dtype.is_complex:
        raise GraphTypeError(
            f"{op}: is not defined for {tensor.dtype}\n{operand_lines(('x',), (tensor,))}"
        )
    if rule == "nearest":
        return _repeated(tensor, dict(zip(along, factors, strict=True)))
    result = tensor
    for axis, times in zip(along, factors, strict=True):
        if times > 1:
            result = _resized(op, result, result.shape[axis] * times, axis, rule)
    return result


def affine_grid(theta: TensorLike, sizes: Sequence[Any], *, align_corners: bool = False) -> Tensor:
    """Return where each element of an image is to be looked up: an affine transformation of places.

    Places count from -1 (left, top) to 1 (right, bottom), ``x`` first, as in M. Jaderberg,
    K. Simonyan, A. Zisserman, K. Kavukcuoglu: Spatial transformer networks.  NIPS (2015), equation
    1, and in PyTorch.

    Args:
        theta: matrices ``[batch, 2, 3]`` that take ``(x, y, 1)`` of the result to ``(x, y)``.
        sizes: height and width of the result.
        align_corners: whether -1 and 1 are the middles of the first and last elements, or the
            borders of the image.  Lasagne's layer aligns them.

    Returns:
        ``[batch, height, width, 2]``, for :func:`grid_sample`.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> still = ag.constant(np.float32([[[1, 0, 0], [0, 1, 0]]]))
    >>> ag.nn.affine_grid(still, (1, 2)).eval()
    array([[[[-0.5,  0. ],
             [ 0.5,  0. ]]]], dtype=float32)
    """
    op = "affine_grid"
    matrix = as_tensor(theta)
    matrix = matrix.astype(floating(matrix.dtype))
    shown = f"\n{operand_lines(('theta',), (matrix,))}"
    if matrix.ndim != 3 or any(
        unify(a, b) is None for a, b in zip(matrix.type.shape[1:], (2, 3), strict=True)
    ):
        raise GraphTypeError(f"{op}: theta is a matrix of 2 rows and 3 columns for each{shown}")
    given = tuple(as_size(size, op) for size in as_items(sizes))
    if len(given) != 2:
        raise GraphTypeError(f"{op}: sizes are height and width, but these are {sizes!r}{shown}")
    x, y = (
        broadcast(_places(given, axis, matrix, align_corners=align_corners), given)
        for axis in (1, 0)
    )
    places = stack([x, y, ones_like(x)], -1)
    return matmul(places, expand_dims(swapaxes(matrix, 1, 2), 1))


def _places(sizes: tuple[Size, ...], axis: int, like: Tensor, *, align_corners: bool) -> Tensor:
    count = scalar_of(sizes[axis])
    index = Arange(sizes, axis).astype(like.dtype)
    if align_corners:
        if isinstance(count, int) and count == 1:
            return index
        most: Any = count - 1
        last = most if isinstance(most, int) else clip(most, 1).astype(like.dtype)
        return 2 * index / last - 1
    return (2 * index + 1) / count - 1


def grid_sample(
    x: TensorLike,
    grid: TensorLike,
    *,
    padding: Literal["zeros", "border"] = "zeros",
    align_corners: bool = False,
    layout: str = "NCHW",
) -> Tensor:
    """Return images looked up at the places of a grid, interpolated between four elements.

    It has gradients by the images and by the grid, those of PyTorch's ``grid_sample``.

    Args:
        x: images.
        grid: places ``(x, y)`` from -1 to 1: ``[batch, height, width, 2]``.
        padding: what lies outside of an image: ``"zeros"``, or the nearest element of its
            ``"border"``.
        align_corners: as for :func:`affine_grid`.
        layout: of ``x`` and the result, ``"NCHW"`` or ``"NHWC"``.

    Returns:
        Images of the height and width of the grid.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> image = ag.constant([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> turned = ag.nn.affine_grid(np.float32([[[0, -1, 0], [1, 0, 0]]]), (2, 2))
    >>> ag.nn.grid_sample(image, turned).eval()
    array([[[[2., 4.],
             [1., 3.]]]], dtype=float32)
    """
    op = "grid_sample"
    tensor, along = image_axes(op, x, 2, layout)
    tensor = tensor.astype(floating(tensor.dtype))
    places = as_tensor(grid).astype(tensor.dtype)
    lines = f"\n{operand_lines(('x', 'grid'), (tensor, places))}"
    if places.ndim != 4 or unify(places.type.shape[3], 2) is None:
        raise GraphTypeError(f"{op}: a grid is [batch, height, width, 2]{lines}")
    if unify(places.type.shape[0], tensor.type.shape[0]) is None:
        raise GraphTypeError(f"{op}: there is a grid for each image{lines}")
    if padding not in ("zeros", "border"):
        raise GraphTypeError(f"{op}: padding is 'zeros' or 'border', not {padding!r}{lines}")
    # Channels last: what is looked up lies together.
    image = moveaxis(tensor, 1, -1) if along[0] == 2 else tensor
    for axis in (1, 2):
        if image.type.shape[axis] == 0:
            raise GraphTypeError(f"{op}: there is nothing to look up in no elements{lines}")
        image = nonempty(image, image.type.shape[axis], f"elements to look up in {tensor.type}")
    corners = [
        _corners(places[..., k], image.shape[2 - k], padding, align_corners=align_corners)
        for k in (1, 0)
    ]
    example = Arange(corners[0][0][0].type.shape, 0)
    total: Tensor | None = None
    for row, height in corners[0]:
        for column, width in corners[1]:
            found = gather(image, (example, row, column), (0, 1, 2), 0)
            part = found * expand_dims(height * width, -1)
            total = part if total is None else total + part
    assert total is not None
    return moveaxis(total, -1, 1) if along[0] == 2 else total


def _corners(
    place: Tensor, size: int | Tensor, padding: str, *, align_corners: bool
) -> list[tuple[Tensor, Tensor]]:
    """Return the two elements around a place along an axis, with their shares."""
    extent: Any = size
    kind = place.dtype
    at = (place + 1) / 2 * (extent - 1) if align_corners else ((place + 1) * extent - 1) / 2
    if padding == "border":
        at = clip(at, 0, extent - 1)
    # Far away, and where there is no number, is outside.
    near = where((at > -2) & (at < extent + 1), at, -2.0)
    low = floor(near)
    share = near - low
    index = low.astype("i64")
    found: list[tuple[Tensor, Tensor]] = []
    for corner, weight in ((index, 1 - share), (index + 1, share)):
        inside = (corner >= 0) & (corner < extent)
        found.append((clip(corner, 0, extent - 1), where(inside, weight, 0).astype(kind)))
    return found
