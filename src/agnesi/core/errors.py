"""Every exception of agnesi, in one tree.

AgnesiError
├── GraphTypeError (TypeError)         an expression that cannot be: dtype, rank or shape
├── GradientError (ValueError)         a derivative that is asked for but does not exist
├── FunctionError (ValueError)         `function` was given inputs, updates or givens that clash
├── CallError (TypeError)              a compiled function was called with what does not fit
│   ├── ShapeError (ValueError)        sizes that disagree, seen when the function ran
│   ├── IndexOutOfBounds (IndexError)  an index outside its axis, seen when the function ran
│   └── LinAlgError (ValueError)       a matrix that is singular, or not positive definite
├── SymbolicError (TypeError)          a symbolic variable was used where a value is needed
└── CompilerBug                        agnesi's own fault

A message says what was asked, what was given, and what to do, in that order.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "AgnesiError",
    "CallError",
    "CompilerBug",
    "FunctionError",
    "GradientError",
    "GraphTypeError",
    "IndexOutOfBounds",
    "LinAlgError",
    "ShapeError",
    "SymbolicError",
]


class AgnesiError(Exception):
    """Whatever agnesi raises."""


class GraphTypeError(AgnesiError, TypeError, ValueError):
    """An expression that cannot be built: its dtypes, ranks or shapes do not fit.

    A ``ValueError`` too, which NumPy raises for shapes.
    """


class GraphIndexError(GraphTypeError, IndexError):
    """An expression that cannot be built: an index is known to lie outside its axis."""


class GradientError(AgnesiError, ValueError):
    """A derivative was asked for that does not exist."""


class FunctionError(AgnesiError, ValueError):
    """The inputs, outputs, updates or givens of `function` clash."""


class CallError(AgnesiError, TypeError):
    """A compiled function was called with arguments that do not fit."""


class ShapeError(CallError, ValueError):
    """Sizes that had to be equal, or to divide, were seen to differ in a call."""


class IndexOutOfBounds(CallError, IndexError):
    """An index fell outside its axis in a call."""


class LinAlgError(CallError, np.linalg.LinAlgError):
    """A call met a matrix without what was asked of it: an inverse, a Cholesky factor."""


class SymbolicError(AgnesiError, TypeError):
    """A symbolic variable was used where only a value will do."""


class CompilerBug(AgnesiError):
    """A fault of agnesi itself; the message holds what is needed to report it."""
