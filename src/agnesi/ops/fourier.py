"""Fourier transforms, computed by NumPy's pocketfft: calls of Python inside a native program."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from agnesi.core.dtypes import C64, C128, DEFAULT_FLOAT, F16, F32, F64, I32, DType, complex_of
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Size, add, product
from agnesi.dims.simplify import floordiv, minimum
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import Real, conj
from agnesi.ops.creation import Arange
from agnesi.ops.families import HostOp, Op, Reject, Sample, keep
from agnesi.ops.lift import as_axes, as_axis, as_items, as_size, as_tensor, operand_lines
from agnesi.ops.powers import sqrt
from agnesi.ops.repeating import roll
from agnesi.ops.slicing import Place, Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Axes

Norm: TypeAlias = Literal["backward", "ortho", "forward"] | None
Lengths: TypeAlias = "Sequence[int | Tensor | None] | None"

_KINDS = (F32, F64, C64, C128, I32)
_REAL_KINDS = (F32, F64, I32)


class Fourier(HostOp):
    """What the transforms share."""

    tolerance = 64.0
    linear = True

    def along(self) -> tuple[int, ...]:
        """Return the axes that are transformed."""
        raise NotImplementedError

    def requirements(self) -> tuple[Requirement, ...]:
        """There is something to transform."""
        sizes = [self.type.shape[axis] for axis in self.along()]
        words = f"elements to transform in {self.operands[0].type}"
        return tuple(Requirement("at_most", 1, s, words) for s in sizes if not isinstance(s, int))


class Fft(Fourier):
    """Discrete Fourier transform over axes, or its inverse without the division."""

    x: Tensor
    axes: tuple[int, ...]
    inverse: bool

    public = "fft"
    dtypes = _KINDS
    reference = np.fft.fft
    samples = (
        Sample(((5,),)),
        Sample(((2, 6),)),
        Sample(((4, 3),), (None, 0)),
        Sample(((4, 3),), (7,)),
        Sample(((2, 8),), (5,), {"norm": "ortho"}),
        Sample(((3, 2, 4),), (), {"axis": 1, "norm": "forward"}),
        Sample(((0, 4),)),
        Sample(((1,),)),
    )
    rejects = (
        Reject(("f32[]",), "no axis"),
        Reject(("f32[3]",), "no axis 1", (None, 1)),
        Reject(("f32[0]",), "nothing to transform"),
        Reject(("f32[3]",), "nothing to transform", (0,)),
        Reject(("f32[3]",), "norm", (), {"norm": "none"}),
    )

    def along(self) -> tuple[int, ...]:
        """The axes."""
        return self.axes

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The same: its matrix is symmetric."""
        return (Fft(ct, self.axes, self.inverse),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own, which divides nothing with this ``norm``."""
        (x,) = operands
        if not x.size:
            return np.zeros_like(x)
        with np.errstate(all="ignore"):
            if self.inverse:
                return np.fft.ifftn(x, axes=self.axes, norm="forward")
            return np.fft.fftn(x, axes=self.axes)


class Rfft(Fourier):
    """The first half of the discrete Fourier transform of real numbers along an axis."""

    x: Tensor
    axis: int

    public = "rfft"
    dtypes = _REAL_KINDS
    reference = np.fft.rfft
    samples = (
        Sample(((5,),)),
        Sample(((2, 6),)),
        Sample(((4, 3),), (None, 0)),
        Sample(((4, 3),), (7,)),
        Sample(((2, 8),), (5,), {"norm": "ortho"}),
        Sample(((0, 4),)),
        Sample(((1,),)),
    )
    rejects = (
        Reject(("f32[]",), "no axis"),
        Reject(("c64[3]",), "takes real numbers"),
        Reject(("f32[0]",), "nothing to transform"),
    )

    def along(self) -> tuple[int, ...]:
        """The axis."""
        return (self.axis,)

    def infer(self) -> TensorType:
        """``n // 2 + 1`` complex numbers."""
        shape = list(self.x.type.shape)
        shape[self.axis] = add(floordiv(shape[self.axis], 2), 1)
        return TensorType(complex_of(self.x.dtype), tuple(shape))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The real part of the transform of the cotangent with zeros for the other half."""
        whole = resized(ct, self.axis, self.x.type.shape[self.axis])
        return (Real(Fft(whole, (self.axis,), False)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        (x,) = operands
        if not x.size:
            return np.zeros(tuple(map(sizes, self.type.shape)), self.dtype.numpy)
        with np.errstate(all="ignore"):
            return np.fft.rfft(x, axis=self.axis)

    def requirements(self) -> tuple[Requirement, ...]:
        """There is something to transform."""
        size = self.x.type.shape[self.axis]
        words = f"elements to transform in {self.x.type}"
        return () if isinstance(size, int) else (Requirement("at_most", 1, size, words),)


class Irfft(Fourier):
    """The inverse of :class:`Rfft` without the division; the last number tells how many."""

    x: Tensor
    axis: int
    length: Size

    public = "irfft"
    leading = MappingProxyType({"length": keep})
    dtypes = _KINDS
    reference = np.fft.irfft
    samples = (
        Sample(((5,),)),
        Sample(((2, 4),), (7,)),
        Sample(((4, 3),), (None, 0)),
        Sample(((4, 3),), (9,)),
        Sample(((2, 8),), (5,), {"norm": "ortho"}),
        Sample(((0, 4),)),
        Sample(((2,),), (1,)),
    )
    rejects = (
        Reject(("f32[]",), "no axis"),
        Reject(("f32[1]",), "nothing to transform"),
    )

    def along(self) -> tuple[int, ...]:
        """The axis."""
        return (self.axis,)

    def infer(self) -> TensorType:
        """So many real numbers."""
        shape = list(self.x.type.shape)
        shape[self.axis] = self.length
        return TensorType(self.x.dtype.real, tuple(shape))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Each number stands for itself and its conjugate, but for the first and the middle one."""
        half = conj(Rfft(ct, self.axis))
        shape = half.type.shape
        place = Arange(shape, self.axis)
        last = scalar_of(self.length)
        alone = (place == 0) | (place * 2 == last)
        return (where(alone, half, half * 2),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own, which divides nothing with this ``norm``."""
        (x,) = operands
        length = sizes(self.length)
        if not x.size:
            return np.zeros(tuple(map(sizes, self.type.shape)), self.dtype.numpy)
        with np.errstate(all="ignore"):
            return np.fft.irfft(x, length, axis=self.axis, norm="forward")


# -- arguments -----------------------------------------------------------------------------------


def resized(x: Tensor, axis: int, size: Size) -> Tensor:
    """Return ``x`` cut or filled with zeros at the end of an axis."""
    own = x.type.shape[axis]
    if own == size:
        return x
    starts, steps = (0,) * x.ndim, (1,) * x.ndim
    kept = minimum(own, size)
    inner = tuple(kept if k == axis else s for k, s in enumerate(x.type.shape))
    target = tuple(size if k == axis else s for k, s in enumerate(x.type.shape))
    cut = x if kept == own else Slice(x, starts, steps, inner)
    return cut if kept == size else Place(cut, starts, steps, target)


def _inexact(op: str, x: TensorLike, *, real: bool = False) -> Tensor:
    """Return an operand as floats or complex numbers of 32 or 64 bits, as NumPy converts it."""
    tensor = as_tensor(x)
    if real and tensor.dtype.is_complex:
        raise GraphTypeError(f"{op}: takes real numbers\n{operand_lines(('x',), (tensor,))}")
    dtype: DType = tensor.dtype
    if not dtype.is_inexact:
        dtype = F64
    elif not dtype.is_complex and dtype.bits <= F16.bits:
        dtype = F32
    return tensor.astype(dtype)


def _complex(op: str, x: TensorLike) -> Tensor:
    tensor = _inexact(op, x)
    return tensor.astype(complex_of(tensor.dtype))


def _length(op: str, n: Any, axis: int, x: Tensor) -> Size:
    size = x.type.shape[axis] if n is None or (isinstance(n, int) and n == -1) else as_size(n, op)
    if isinstance(size, int) and size < 1:
        raise GraphTypeError(
            f"{op}: nothing to transform along axis {axis}\n{operand_lines(('x',), (x,))}"
        )
    return size


def _places(op: str, x: Tensor, s: Lengths, axes: Any) -> tuple[list[int], list[Any]]:
    """Return the axes in their order and the number of elements asked for along each."""
    lengths = None if s is None else list(as_items(s))
    if axes is None:
        count = x.ndim if lengths is None else len(lengths)
        places = list(range(x.ndim - count, x.ndim))
        if count > x.ndim:
            raise GraphTypeError(f"{op}: more sizes than axes\n{operand_lines(('x',), (x,))}")
    else:
        as_axes(op, axes, x.ndim, x)
        places = [as_axis(op, a, x.ndim, x) for a in as_items(axes)]
    if lengths is not None and len(lengths) != len(places):
        raise GraphTypeError(
            f"{op}: {len(lengths)} sizes for {len(places)} axes\n{operand_lines(('x',), (x,))}"
        )
    return places, lengths or [None] * len(places)


def _scaled(op: str, x: Tensor, sizes: Sequence[Size], norm: Norm, *, inverse: bool) -> Tensor:
    """Return a transform divided as the norm asks for."""
    if norm not in (None, "backward", "ortho", "forward"):
        raise GraphTypeError(
            f'{op}: norm is "backward", "ortho" or "forward", but this is {norm!r}'
        )
    if (norm or "backward") == ("forward" if inverse else "backward"):
        return x
    count = as_tensor(scalar_of(product(sizes))).astype(x.dtype.real)
    return x / (sqrt(count) if norm == "ortho" else count)


def _transform(op: str, x: Tensor, s: Lengths, axes: Any, norm: Norm, *, inverse: bool) -> Tensor:
    places, lengths = _places(op, x, s, axes)
    sizes: list[Size] = []
    for place, n in zip(places, lengths, strict=True):
        sizes.append(_length(op, n, place, x))
        x = resized(x, place, sizes[-1])
    whole = Fft(x, tuple(places), inverse) if places else x
    return _scaled(op, whole, sizes, norm, inverse=inverse)


# -- functions -----------------------------------------------------------------------------------


def fft(
    x: TensorLike, /, n: int | Tensor | None = None, axis: int = -1, norm: Norm = None
) -> Tensor:
    """Return the discrete Fourier transform along an axis, as ``numpy.fft.fft``.

    Args:
        x: real or complex numbers.
        n: how many elements to transform, an int or a symbolic integer: others are left out,
            missing ones are 0.  By default all.
        axis: along which.
        norm: ``"backward"`` (the default) divides nothing here and by ``n`` in the inverse,
            ``"forward"`` the other way round, ``"ortho"`` by ``sqrt(n)`` in both.

    Returns:
        Complex numbers.  Python computes them: ``explain()`` shows it as ``host``.

    Raises:
        GraphTypeError: there is no such axis, or nothing to transform.

    >>> ag.fft.fft(ag.constant([1.0, 0.0, 0.0])).eval()
    array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)
    """
    tensor = _complex("fft", x)
    place = as_axis("fft", axis, tensor.ndim, tensor)
    return _transform("fft", tensor, (n,), (place,), norm, inverse=False)


def ifft(
    x: TensorLike, /, n: int | Tensor | None = None, axis: int = -1, norm: Norm = None
) -> Tensor:
    """Return the inverse of :func:`fft`, as ``numpy.fft.ifft``; arguments as there.

    >>> ag.fft.ifft(ag.constant([3.0, 0.0, 0.0])).eval()
    array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)
    """
    tensor = _complex("ifft", x)
    place = as_axis("ifft", axis, tensor.ndim, tensor)
    return _transform("ifft", tensor, (n,), (place,), norm, inverse=True)


def fftn(x: TensorLike, /, s: Lengths = None, axes: Any = None, norm: Norm = None) -> Tensor:
    """Return the transform over several axes, as ``numpy.fft.fftn``.

    Args:
        x: real or complex numbers.
        s: how many elements to transform along each axis; None or -1 for all.
        axes: by default all, or the last ones if ``s`` is given.
        norm: see :func:`fft`; ``n`` is the product of the sizes.

    Raises:
        GraphTypeError: there are no such axes, or nothing to transform.
    """
    return _transform("fftn", _complex("fftn", x), s, axes, norm, inverse=False)


def ifftn(x: TensorLike, /, s: Lengths = None, axes: Any = None, norm: Norm = None) -> Tensor:
    """Return the inverse of :func:`fftn`, as ``numpy.fft.ifftn``; arguments as there."""
    return _transform("ifftn", _complex("ifftn", x), s, axes, norm, inverse=True)


def fft2(x: TensorLike, /, s: Lengths = None, axes: Any = (-2, -1), norm: Norm = None) -> Tensor:
    """Return the transform over two axes, as ``numpy.fft.fft2``; arguments as :func:`fftn`'s."""
    return _transform("fft2", _complex("fft2", x), s, axes, norm, inverse=False)


def ifft2(x: TensorLike, /, s: Lengths = None, axes: Any = (-2, -1), norm: Norm = None) -> Tensor:
    """Return the inverse of :func:`fft2`, as ``numpy.fft.ifft2``."""
    return _transform("ifft2", _complex("ifft2", x), s, axes, norm, inverse=True)


def rfft(
    x: TensorLike, /, n: int | Tensor | None = None, axis: int = -1, norm: Norm = None
) -> Tensor:
    """Return the first ``n // 2 + 1`` numbers of the transform of real ones.

    As ``numpy.fft.rfft``; the others are their conjugates.  Arguments as :func:`fft`'s.

    Raises:
        GraphTypeError: complex numbers, no such axis, or nothing to transform.

    >>> ag.fft.rfft(ag.constant([1.0, 0.0, 0.0])).eval()
    array([1.+0.j, 1.+0.j], dtype=complex64)
    """
    return _real_transform("rfft", _inexact("rfft", x, real=True), n, axis, norm)


def _real_transform(op: str, x: Tensor, n: Any, axis: int, norm: Norm) -> Tensor:
    place = as_axis(op, axis, x.ndim, x)
    size = _length(op, n, place, x)
    half = Rfft(resized(x, place, size), place)
    return _scaled(op, half, [size], norm, inverse=False)


def irfft(
    x: TensorLike, /, n: int | Tensor | None = None, axis: int = -1, norm: Norm = None
) -> Tensor:
    """Return the inverse of :func:`rfft`, as ``numpy.fft.irfft``.

    Args:
        x: ``n // 2 + 1`` numbers along the axis; others are left out, missing ones are 0.
        n: how many real numbers come out; by default ``2 * (m - 1)`` for ``m`` in.
        axis: along which.
        norm: see :func:`fft`.

    Raises:
        GraphTypeError: there is no such axis, or nothing comes out.

    >>> ag.fft.irfft(ag.constant([2.0, 0.0])).eval()
    array([1., 1.], dtype=float32)
    """
    return _to_real("irfft", _complex("irfft", x), n, axis, norm)


def _to_real(op: str, x: Tensor, n: Any, axis: int, norm: Norm) -> Tensor:
    place = as_axis(op, axis, x.ndim, x)
    given = scalar_of(x.type.shape[place])
    size = _length(op, 2 * (given - 1) if n is None else n, place, x)
    half = resized(x, place, add(floordiv(size, 2), 1))
    return _scaled(op, Irfft(half, place, size), [size], norm, inverse=True)


def rfftn(x: TensorLike, /, s: Lengths = None, axes: Any = None, norm: Norm = None) -> Tensor:
    """Return the transform of real numbers over axes, half of it along the last one named.

    As ``numpy.fft.rfftn``; arguments as :func:`fftn`'s.

    Raises:
        GraphTypeError: complex numbers, no such axes, or nothing to transform.
    """
    return _real_over("rfftn", x, s, axes, norm)


def rfft2(x: TensorLike, /, s: Lengths = None, axes: Any = (-2, -1), norm: Norm = None) -> Tensor:
    """Return the transform of real numbers over two axes, as ``numpy.fft.rfft2``."""
    return _real_over("rfft2", x, s, axes, norm)


def _real_over(op: str, x: TensorLike, s: Lengths, axes: Any, norm: Norm) -> Tensor:
    tensor = _inexact(op, x, real=True)
    places, lengths = _places(op, tensor, s, axes)
    if not places:
        raise GraphTypeError(f"{op}: takes at least one axis\n{operand_lines(('x',), (tensor,))}")
    half = _real_transform(op, tensor, lengths[-1], places[-1], norm)
    if len(places) == 1:
        return half
    return _transform(op, half, lengths[:-1], tuple(places[:-1]), norm, inverse=False)


def irfftn(x: TensorLike, /, s: Lengths = None, axes: Any = None, norm: Norm = None) -> Tensor:
    """Return the inverse of :func:`rfftn`, as ``numpy.fft.irfftn``.

    Args:
        x: numbers, of the last axis named the first half.
        s: how many come out along each axis; of the last by default ``2 * (m - 1)``.
        axes: see :func:`fftn`.
        norm: see :func:`fft`.

    Raises:
        GraphTypeError: there are no such axes, or nothing to transform.
    """
    return _to_real_over("irfftn", x, s, axes, norm)


def irfft2(x: TensorLike, /, s: Lengths = None, axes: Any = (-2, -1), norm: Norm = None) -> Tensor:
    """Return the inverse of :func:`rfft2`, as ``numpy.fft.irfft2``."""
    return _to_real_over("irfft2", x, s, axes, norm)


def _to_real_over(op: str, x: TensorLike, s: Lengths, axes: Any, norm: Norm) -> Tensor:
    tensor = _complex(op, x)
    places, lengths = _places(op, tensor, s, axes)
    if not places:
        raise GraphTypeError(f"{op}: takes at least one axis\n{operand_lines(('x',), (tensor,))}")
    if len(places) > 1:
        others = tuple(places[:-1])
        tensor = _transform(op, tensor, lengths[:-1], others, norm, inverse=True)
    last = None if isinstance(lengths[-1], int) and lengths[-1] == -1 else lengths[-1]
    return _to_real(op, tensor, last, places[-1], norm)


def hfft(
    x: TensorLike, /, n: int | Tensor | None = None, axis: int = -1, norm: Norm = None
) -> Tensor:
    """Return the real transform of what is its own conjugate reversed, as ``numpy.fft.hfft``.

    Arguments as :func:`irfft`'s.
    """
    return _to_real("hfft", conj(_complex("hfft", x)), n, axis, _turned(norm))


def ihfft(
    x: TensorLike, /, n: int | Tensor | None = None, axis: int = -1, norm: Norm = None
) -> Tensor:
    """Return the inverse of :func:`hfft`, as ``numpy.fft.ihfft``; arguments as :func:`rfft`'s."""
    tensor = _inexact("ihfft", x, real=True)
    return conj(_real_transform("ihfft", tensor, n, axis, _turned(norm)))


def _turned(norm: Norm) -> Norm:
    """Return the norm that divides in the other direction."""
    turned: dict[Any, Norm] = {None: "forward", "backward": "forward", "forward": "backward"}
    return turned.get(norm, norm)


def fftfreq(n: int | Tensor, /, d: float = 1.0, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return the frequencies of :func:`fft`'s numbers, as ``numpy.fft.fftfreq``.

    Args:
        n: how many.
        d: time between samples.
        dtype: of the result, float32 by default.

    >>> ag.fft.fftfreq(4).eval()
    array([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32)
    """
    size = _length("fftfreq", n, 0, Arange((as_size(n, "fftfreq"),), 0))
    place, count = Arange((size,), 0), scalar_of(size)
    whole = where(place * 2 < count, place, place - count)
    return whole.astype(dtype) / (as_tensor(count).astype(dtype) * d)


def rfftfreq(n: int | Tensor, /, d: float = 1.0, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return the frequencies of :func:`rfft`'s numbers, as ``numpy.fft.rfftfreq``.

    >>> ag.fft.rfftfreq(4).eval()
    array([0.  , 0.25, 0.5 ], dtype=float32)
    """
    size = _length("rfftfreq", n, 0, Arange((as_size(n, "rfftfreq"),), 0))
    place, count = Arange((add(floordiv(size, 2), 1),), 0), scalar_of(size)
    return place.astype(dtype) / (as_tensor(count).astype(dtype) * d)


def fftshift(x: TensorLike, /, axes: Axes = None) -> Tensor:
    """Move frequency 0 to the middle, as ``numpy.fft.fftshift``.

    >>> ag.fft.fftshift(ag.constant([0, 1, 2, -2, -1])).eval()
    array([-2, -1,  0,  1,  2])
    """
    return _shifted("fftshift", x, axes, 0)


def ifftshift(x: TensorLike, /, axes: Axes = None) -> Tensor:
    """Undo :func:`fftshift`, as ``numpy.fft.ifftshift``."""
    return _shifted("ifftshift", x, axes, 1)


def _shifted(op: str, x: TensorLike, axes: Axes, more: int) -> Tensor:
    tensor = as_tensor(x)
    for axis in as_axes(op, axes, tensor.ndim, tensor):
        by = floordiv(add(tensor.type.shape[axis], more), 2)
        tensor = roll(tensor, scalar_of(by), axis)
    return tensor


OPS: tuple[type[Op], ...] = (Fft, Rfft, Irfft)
