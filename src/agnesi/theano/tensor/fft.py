"""Fourier transforms of stacks of arrays; complex numbers are pairs along a last axis."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.casting import DISCRETE
from agnesi.theano.tensor.elementary import sqrt
from agnesi.theano.tensor.native_op import NativeOp


def _lengths(what: str, s: Any) -> Any:
    s = as_tensor_variable(s)
    if s.dtype not in DISCRETE:
        raise TypeError(f"{what}: length of the transformed axis must be of type integer")
    return s


def _symbolic(sizes: list[Any]) -> tuple[Any, ...]:
    return tuple(n if isinstance(n, int) else shapes.SizeValue(n) for n in sizes)


class RFFTOp(NativeOp):
    """The transform of real arrays over all axes but the first: ``rfft_op(a, s)``.

    The second operand says how many elements of each axis are taken; zeros fill up.
    """

    def convert(self, a: Any, s: Any = None) -> list[Any]:
        """A stack of arrays, and lengths."""
        a = as_tensor_variable(a)
        if a.ndim < 2:
            raise TypeError(
                f"{self.name}: input must have dimension > 2, with first dimension batches"
            )
        return [a, _lengths(self.name, a.shape[1:] if s is None else s)]

    def build(self, a: ag.Tensor, s: ag.Tensor) -> ag.Tensor:
        """Real and imaginary parts side by side, in the dtype of the input."""
        axes = tuple(range(1, a.ndim))
        sizes = _symbolic(shapes.sizes_in(s, a.ndim - 1))
        made = ag.fft.rfftn(a, s=sizes, axes=axes)
        return ag.astype(ag.stack([ag.real(made), ag.imag(made)], -1), a.dtype)


class IRFFTOp(NativeOp):
    """The inverse of :class:`RFFTOp`, without division by the number of elements."""

    def convert(self, a: Any, s: Any = None) -> list[Any]:
        """A stack of halves of transforms, and lengths of what comes out."""
        a = as_tensor_variable(a)
        if a.ndim < 3:
            raise TypeError(
                f"{self.name}: input must have dimension >= 3,  with first dimension batches and "
                "last real/imag parts"
            )
        return [a, _lengths(self.name, _whole_shape(a, 0) if s is None else s)]

    def build(self, a: ag.Tensor, s: ag.Tensor) -> ag.Tensor:
        """In the dtype of the input."""
        made = ag.complex(a[..., 0], a[..., 1])
        axes = tuple(range(1, made.ndim))
        sizes = _symbolic(shapes.sizes_in(s, len(axes)))
        return ag.astype(ag.fft.irfftn(made, s=sizes, axes=axes, norm="forward"), a.dtype)


rfft_op, irfft_op = RFFTOp(), IRFFTOp()


def _whole_shape(a: Any, odd: int) -> Any:
    """Return the shape of the arrays that halves of transforms came from."""
    sizes = [a.shape[k] for k in range(1, a.ndim - 1)]
    return shapes.make_vector([*sizes[:-1], (sizes[-1] - 1) * 2 + odd])


def _unitary(norm: Any) -> Any:
    if norm not in (None, "ortho", "no_norm"):
        raise ValueError(f"Invalid value {norm} for norm, must be None, 'ortho' or 'no norm'")
    return norm


def rfft(inp: Any, norm: Any = None) -> Any:
    """Return the transform of real arrays over all axes but the first.

    Args:
        inp: ``[stack, ..., n]``, real.
        norm: ``"ortho"`` divides by the root of the number of elements; None and ``"no_norm"`` by
            nothing.

    Returns:
        ``[stack, ..., n // 2 + 1, 2]``: real and imaginary parts.
    """
    inp = as_tensor_variable(inp)
    s: Any = shapes.make_vector([inp.shape[k] for k in range(1, inp.ndim)])
    made = rfft_op(inp, s)
    return made / sqrt(s.prod().astype(inp.dtype)) if _unitary(norm) == "ortho" else made


def irfft(inp: Any, norm: Any = None, is_odd: bool = False) -> Any:
    """Return real arrays of which the halves of the transforms are given.

    Args:
        inp: ``[stack, ..., n // 2 + 1, 2]``.
        norm: None divides by the number of elements, ``"ortho"`` by its root, ``"no_norm"`` by
            nothing.
        is_odd: whether ``n`` is odd.
    """
    if is_odd not in (True, False):
        raise ValueError(f"Invalid value {is_odd} for id_odd, must be True or False")
    inp = as_tensor_variable(inp)
    s: Any = _whole_shape(inp, int(is_odd)) if inp.ndim > 2 else None
    made, how = irfft_op(inp, s), _unitary(norm)
    if how == "no_norm":
        return made
    count = s.prod().astype(inp.dtype)
    return made / (count if how is None else sqrt(count))
