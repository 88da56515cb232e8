"""Functions of complex numbers that are made of other ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops.complex_parts import complex, imag, real
from agnesi.ops.creation import full_like
from agnesi.ops.lift import as_tensor
from agnesi.ops.trigonometric import arctan2, cos, sin

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = ["angle", "complex_from_polar", "iscomplex", "iscomplexobj", "isreal", "isrealobj"]


def angle(z: TensorLike, /, deg: bool = False) -> Tensor:
    """Return the angle of each complex number in the plane, as ``numpy.angle``.

    Args:
        z: array; a negative real number has the angle pi.
        deg: in degrees rather than radians.

    >>> ag.angle(ag.constant([1j, -1])).eval()
    array([1.5707964, 3.1415927], dtype=float32)
    """
    tensor = as_tensor(z)
    result = arctan2(imag(tensor), real(tensor))
    return result * (180 / 3.141592653589793) if deg else result


def complex_from_polar(size: TensorLike, angle: TensorLike, /) -> Tensor:
    """Return the complex numbers of these absolute values and angles, in radians.

    >>> ag.complex_from_polar(ag.constant([2.0]), 0.0).eval()
    array([2.+0.j], dtype=complex64)
    """
    radius, turn = as_tensor(size), as_tensor(angle)
    return complex(radius * cos(turn), radius * sin(turn))


def iscomplex(x: TensorLike, /) -> Tensor:
    """Whether the imaginary part of each element is not 0, as ``numpy.iscomplex``."""
    tensor = as_tensor(x)
    return imag(tensor) != 0 if tensor.dtype.is_complex else full_like(tensor, False, "bool")


def isreal(x: TensorLike, /) -> Tensor:
    """Whether the imaginary part of each element is 0, as ``numpy.isreal``.

    >>> ag.isreal(ag.constant([1 + 1j, 1])).eval()
    array([False,  True])
    """
    tensor = as_tensor(x)
    return imag(tensor) == 0 if tensor.dtype.is_complex else full_like(tensor, True, "bool")


def iscomplexobj(x: TensorLike, /) -> bool:
    """Whether the dtype is complex, as ``numpy.iscomplexobj``."""
    return as_tensor(x).dtype.is_complex


def isrealobj(x: TensorLike, /) -> bool:
    """Whether the dtype is not complex, as ``numpy.isrealobj``."""
    return not iscomplexobj(x)
