"""Write elementary functions as arithmetic that every machine has.

before: y = exp(x)
after:  y = 2**n * polynomial(r), with n and r from x
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import replace
from agnesi.loops.math.expand import expand_scalar
from agnesi.loops.nodes import Apply, Call, Scalar
from agnesi.loops.prims import MATH
from agnesi.loops.traverse import map_statement, walk_fresh, walk_statements

if TYPE_CHECKING:
    from agnesi.loops.nodes import Kernel


def expand_math(kernel: Kernel) -> Kernel:
    """Expand every elementary function of a kernel."""
    seen: set[Scalar] = set()
    scalars = (s for statement in walk_statements(kernel.body) for s in walk_fresh(statement, seen))
    if not any(isinstance(s, Call) or (isinstance(s, Apply) and s.prim in MATH) for s in scalars):
        return kernel
    body = tuple(map_statement(s, expand_scalar) for s in kernel.body)
    return kernel if body == kernel.body else replace(kernel, body=body)
