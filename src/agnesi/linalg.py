"""Linear algebra: ``ag.linalg``, after ``numpy.linalg`` and the array API's ``linalg``.

All functions take stacks of matrices along leading axes, in float32 or float64; integers are
converted to floats.  All have gradients, to any order.
"""

from __future__ import annotations

from agnesi.core.errors import LinAlgError
from agnesi.ops.factorizations import (
    LuFactorResult,
    LuResult,
    SlogdetResult,
    cho_solve,
    cholesky,
    det,
    inv,
    lu,
    lu_factor,
    slogdet,
    solve,
    solve_triangular,
)

__all__ = [
    "LinAlgError",
    "LuFactorResult",
    "LuResult",
    "SlogdetResult",
    "cho_solve",
    "cholesky",
    "det",
    "inv",
    "lu",
    "lu_factor",
    "slogdet",
    "solve",
    "solve_triangular",
]
