"""One form for what can be written in many ways: folded constants, merged movements, less to do.

before: add(multiply(x, 1.0), negative(transpose(transpose(y, [1, 0]), [1, 0])))
after:  subtract(x, y)
with:   x: f32[n, 4], y: f32[n, 4]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.rewrite.rule import RuleSet
from agnesi.rules.convolutions import CONVOLUTIONS
from agnesi.rules.fold_constants import FOLD
from agnesi.rules.merge_movement import MERGE
from agnesi.rules.merge_updates import UPDATES
from agnesi.rules.simplify_arithmetic import SIMPLIFY
from agnesi.rules.simplify_reductions import REDUCE
from agnesi.rules.tensors import apply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace

CANONICALIZE = RuleSet(
    "canonicalize",
    "each rule leaves fewer or cheaper ops, or moves one towards the output where it is smaller",
    (*FOLD, *MERGE, *SIMPLIFY, *REDUCE, *CONVOLUTIONS, *UPDATES),
)


def canonicalize(outputs: Iterable[Tensor], trace: Trace) -> list[Tensor]:
    """Return the outputs in normal form."""
    return apply(outputs, CANONICALIZE, trace)
