"""Complex numbers taken apart and put together.

Cotangents of complex tensors are such that a change ``dz`` changes a real cost by the real part
of ``ct * dz``: a holomorphic function multiplies by its derivative, and ``grad`` conjugates at the
end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL, REALS, DType, complex_of
from agnesi.core.errors import GraphTypeError
from agnesi.loops.nodes import Complex, Scalar, imaginary_part, real_part
from agnesi.ops.choice import astype
from agnesi.ops.families import ANY, Elementwise, Op, Reject
from agnesi.ops.lift import as_tensor, broadcast_shape, cast, common_dtype, lift_all, operand_lines
from agnesi.ops.movement import broadcast, filled_like

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = ["complex", "conj", "conjugate", "imag", "real"]


class Real(Elementwise):
    """Real part of each element; real numbers are themselves."""

    x: Tensor

    public = "real"
    dtypes = ALL
    keeps_halves = True
    linear = True
    reference = np.real
    domain = (ANY,)

    def result_dtype(self, operand: DType) -> DType:
        """The dtype of the parts."""
        return operand.real

    def scalar(self, *operands: Scalar) -> Scalar:
        """The first of the pair."""
        return real_part(operands[0])

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent as a complex number."""
        return (astype(ct, self.x.dtype),)


class Imag(Elementwise):
    """Imaginary part of each element; 0 for real numbers."""

    x: Tensor

    public = "imag"
    dtypes = ALL
    keeps_halves = True
    linear = True
    reference = np.imag
    domain = (ANY,)

    def result_dtype(self, operand: DType) -> DType:
        """The dtype of the parts."""
        return operand.real

    def scalar(self, *operands: Scalar) -> Scalar:
        """The second of the pair."""
        return imaginary_part(operands[0])

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-i`` times the cotangent."""
        return (MakeComplex(filled_like(ct, 0), -ct),)


def _conjugate(x: Array) -> Array:
    return np.asarray(np.conj(x) if x.dtype.kind == "c" else x)


class Conjugate(Elementwise):
    """Complex conjugate of each element; real numbers are themselves.

    >>> ag.conj(ag.constant([1 + 2j, 3])).eval()
    array([1.-2.j, 3.-0.j], dtype=complex64)
    """

    x: Tensor

    public = "conj"
    dtypes = ALL
    keeps_halves = True
    linear = True
    reference = staticmethod(_conjugate)
    domain = (ANY,)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The second of the pair negated."""
        (x,) = operands
        return Complex(real_part(x), -imaginary_part(x), x.dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The conjugate of the cotangent."""
        return (Conjugate(ct),)


def _complex(re: Array, im: Array) -> Array:
    kind = np.result_type(re, im, np.complex64)
    re, im = np.broadcast_arrays(re, im)
    result = np.empty(re.shape, kind)
    result.real, result.imag = re, im
    return result


class MakeComplex(Elementwise):
    """Complex numbers of these real and imaginary parts."""

    re: Tensor
    im: Tensor

    public = "complex"
    dtype_rule = "floating"
    dtypes = REALS
    linear = True
    reference = staticmethod(_complex)
    domain = (ANY, ANY)
    rejects = (Reject(("c64[2]", "f32[2]"), "takes real numbers"),)

    def result_dtype(self, operand: DType) -> DType:
        """The complex dtype."""
        return complex_of(operand)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The pair."""
        re, im = operands
        return Complex(re, im, self.dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The parts of the conjugate of the cotangent."""
        return Real(ct), -Imag(ct)

    def numpy(self, operands: Any, sizes: Any) -> Array:
        """Put the parts side by side."""
        return _complex(*operands)


def real(x: TensorLike, /) -> Tensor:
    """Return the real part of each element, as ``numpy.real``; also ``x.real``.

    >>> ag.real(ag.constant([1 + 2j, 3])).eval()
    array([1., 3.], dtype=float32)
    """
    tensor = as_tensor(x)
    return Real(tensor) if tensor.dtype.is_complex else tensor


def imag(x: TensorLike, /) -> Tensor:
    """Return the imaginary part of each element, as ``numpy.imag``; also ``x.imag``.

    >>> ag.imag(ag.constant([1 + 2j, 3])).eval()
    array([2., 0.], dtype=float32)
    """
    tensor = as_tensor(x)
    return Imag(tensor) if tensor.dtype.is_complex else filled_like(tensor, 0)


def conj(x: TensorLike, /) -> Tensor:
    """Return the complex conjugate of each element, as ``numpy.conj``; also ``x.conj()``.

    >>> ag.conj(ag.constant([1 + 2j])).eval()
    array([1.-2.j], dtype=complex64)
    """
    tensor = as_tensor(x)
    return Conjugate(tensor) if tensor.dtype.is_complex else tensor


def complex(re: TensorLike, im: TensorLike, /) -> Tensor:
    """Return complex numbers of these real and imaginary parts, which broadcast.

    Args:
        re: real parts.
        im: imaginary parts.

    Returns:
        complex64, or complex128 where a part is float64 or an integer of 32 bits or more.

    Raises:
        GraphTypeError: a part is complex itself, or the shapes do not broadcast.

    >>> ag.complex(ag.constant([1.0, 2.0]), 0.5).eval()
    array([1.+0.5j, 2.+0.5j], dtype=complex64)
    """
    given = lift_all("complex", (re, im))
    dtype = common_dtype(given)
    if dtype.is_complex:
        raise GraphTypeError(
            f"complex: takes real numbers, but was given complex ones\n"
            f"{operand_lines(MakeComplex.fields, given)}"
        )
    part = complex_of(dtype).real
    tensors = [cast(v, part) for v in given]
    shape = broadcast_shape("complex", MakeComplex.fields, tensors, given)
    return MakeComplex(*(broadcast(t, shape) for t in tensors))


conjugate = conj

OPS: tuple[type[Op], ...] = (Real, Imag, Conjugate, MakeComplex)
