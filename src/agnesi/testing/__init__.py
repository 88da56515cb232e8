"""Checks for users and for agnesi itself: gradients, and cases derived from op classes.

``check_gradient`` is what a user of agnesi wants.  The rest reads an op's class (its samples,
domains, dtypes, reference) and says what to call it with and what has to come out.
"""

from __future__ import annotations

from agnesi.testing.cases import Case, cases_of
from agnesi.testing.compare import assert_close
from agnesi.testing.evaluators import Evaluator, interpreted, looped, native
from agnesi.testing.gradients import check_gradient

__all__ = [
    "Case",
    "Evaluator",
    "assert_close",
    "cases_of",
    "check_gradient",
    "interpreted",
    "looped",
    "native",
]
