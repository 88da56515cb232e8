"""Linear algebra: ``ag.linalg``, after ``numpy.linalg`` and the array API's ``linalg``.

All functions take stacks of matrices along leading axes, in float32 or float64; integers are
converted to floats.  All have gradients, to any order.  Where a matrix will not do (it is
singular, not positive definite, or an iteration does not converge) a call raises
:class:`LinAlgError` before any shared variable is written, or, with ``on_error="nan"``, gives NaN
for that matrix.
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
from agnesi.ops.linear import matmul
from agnesi.ops.matrix_functions import (
    LstsqResult,
    block_diag,
    cond,
    expm,
    lstsq,
    matrix_norm,
    matrix_power,
    matrix_rank,
    norm,
    pinv,
    tensorinv,
    tensorsolve,
    vector_norm,
)
from agnesi.ops.matrix_functions import matrix_diagonal as diagonal
from agnesi.ops.matrix_functions import matrix_trace as trace
from agnesi.ops.matrix_functions import vector_outer as outer
from agnesi.ops.movement import matrix_transpose
from agnesi.ops.orthogonal import QRResult, qr
from agnesi.ops.spectral import (
    EighResult,
    EigResult,
    SVDResult,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    svd,
    svdvals,
)
from agnesi.ops.tensor_products import cross, multi_dot, tensordot, vecdot

__all__ = [
    "EigResult",
    "EighResult",
    "LinAlgError",
    "LstsqResult",
    "LuFactorResult",
    "LuResult",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "block_diag",
    "cho_solve",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "lstsq",
    "lu",
    "lu_factor",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]
