"""Are two arrays the same, up to rounding?  Errors are counted in units in the last place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array


def assert_close(
    actual: Array,
    expected: Array,
    tolerance: float = 4.0,
    *,
    scale: Array | float = 0.0,
    signed_zero: bool = False,
    what: str = "",
) -> None:
    """Raise unless dtypes and shapes are equal and numbers as good as equal.

    Args:
        actual: what came out.
        expected: what should have; not a number, infinite and integer elements have to be equal.
        tolerance: largest error of floats, in units in the last place of the expected number; of
            complex numbers, of its absolute value.
        scale: units are those of this magnitude where it is larger than the expected number, such
            as the sum of absolute terms of a sum.
        signed_zero: whether 0 and -0 differ.
        what: said first in the message.

    Raises:
        AssertionError: they differ; the message shows the worst element.
    """
    head = f"{what}: " if what else ""
    kinds = f"{actual.dtype}{list(actual.shape)} instead of {expected.dtype}{list(expected.shape)}"
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        raise AssertionError(head + kinds)
    errors = ulp_error(actual, expected, scale)
    if signed_zero and expected.dtype.kind == "f":
        errors[np.signbit(actual) != np.signbit(expected)] = np.inf
        errors[np.isnan(actual) & np.isnan(expected)] = 0
    if errors.size and not errors.max() <= tolerance:
        worst = np.unravel_index(int(errors.argmax()), errors.shape)
        raise AssertionError(
            f"{head}at {[int(i) for i in worst]} it is {actual[worst]!r} "
            f"instead of {expected[worst]!r}, "
            f"{errors[worst]:.3g} units in the last place away (allowed: {tolerance:g}); "
            f"{int((errors > tolerance).sum())} of {errors.size} elements are wrong"
        )


def ulp_error(actual: Array, expected: Array, scale: Array | float = 0.0) -> Array:
    """Return the error of each element in units in the last place; infinite if it cannot be one."""
    if expected.dtype.kind == "V":
        return _ulp_error_bf16(actual, expected, scale)
    if expected.dtype.kind == "c":
        return _ulp_error_complex(actual, expected, scale)
    if expected.dtype.kind != "f":
        return np.where(actual == expected, 0.0, np.inf)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(expected), np.asarray(scale, expected.dtype))
        unit = np.spacing(np.where(np.isfinite(size), size, 0))
        difference = np.abs(actual.astype(np.longdouble) - expected.astype(np.longdouble)) / unit
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    finite = np.isfinite(actual) & np.isfinite(expected)
    return np.where(same, 0.0, np.where(finite, difference, np.inf)).astype(np.float64)


def _ulp_error_bf16(actual: Array, expected: Array, scale: Array | float) -> Array:
    """Count in units of bfloat16, each as large as 2**16 of float32."""
    wide, exact = actual.astype(np.float32), expected.astype(np.float32)
    return ulp_error(wide, exact, np.asarray(scale, np.float32)) / 2**16


def _ulp_error_complex(actual: Array, expected: Array, scale: Array | float) -> Array:
    """Count in units of the absolute value; parts that are no finite numbers have to be equal."""
    size = np.where(np.isfinite(expected), np.abs(expected), 0)
    size = np.maximum(size, np.abs(scale))
    re, im = (ulp_error(part(actual), part(expected), size) for part in (np.real, np.imag))
    return np.maximum(re, im)
