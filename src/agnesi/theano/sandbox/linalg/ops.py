"""Linear algebra, under its old path; and hints, which say what is known of a matrix.

A hint is read by programs (``is_psd``); agnesi's own rewrites do not go by them.
"""

from __future__ import annotations

from typing import Any

from agnesi.theano.gof.graph import Apply
from agnesi.theano.missing import submodule
from agnesi.theano.sandbox.linalg import *
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import nlinalg, slinalg
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.elementary import pow as power
from agnesi.theano.tensor.nlinalg import trace as _trace


class Hint(FunctionOp):
    """Gives what it is given, and says something of it.

    Attributes:
        hints: pairs of a name and what is said.
    """

    def __init__(self, **kwargs: Any) -> None:
        self.hints = tuple(kwargs.items())
        self.view_map = {0: [0]}
        super().__init__("Hint", lambda x: x)
        self.props = {"hints": self.hints}


def is_hint_node(node: Apply) -> bool:
    """Whether an application says something of its input."""
    return isinstance(node.op, Hint)


def hints(variable: Any) -> dict[str, Any]:
    """Return what is said of a variable."""
    owner = variable.owner
    return dict(owner.op.hints) if owner is not None and is_hint_node(owner) else {}


def psd(v: Any) -> Any:
    """Return a matrix that is said to be symmetric, with no negative eigenvalue."""
    return Hint(psd=True, symmetric=True)(tensor.as_tensor_variable(v))


def is_psd(v: Any) -> Any:
    """Whether a matrix is said to have no negative eigenvalue."""
    return hints(v).get("psd", False)


def is_symmetric(v: Any) -> Any:
    """Whether a matrix is said to be symmetric."""
    return hints(v).get("symmetric", False)


def is_positive(v: Any) -> bool:
    """Whether elements are said, or known as even powers, not to be negative."""
    if hints(v).get("positive", False):
        return True
    if v.owner is None or v.owner.op != power:
        return False
    try:
        exponent = tensor.get_scalar_constant_value(v.owner.inputs[1])
    except tensor.NotScalarConstantError:
        return False
    return bool(exponent % 2 == 0)


def spectral_radius_bound(X: Any, log2_exponent: Any) -> Any:
    """Return an upper bound of the largest eigenvalue of a symmetric matrix.

    The bound is the ``n``-th root of the trace of the ``n``-th power of the matrix (V. Pan, 1990).

    Args:
        X: the matrix.
        log2_exponent: ``n`` is 2 to this power: more is tighter, and slower.

    Raises:
        TypeError: it is no matrix, or the exponent no integer.
        ValueError: the exponent is not positive.
    """
    if X.type.ndim != 2:
        raise TypeError("spectral_radius_bound requires a matrix argument", X)
    if not isinstance(log2_exponent, int):
        raise TypeError("spectral_radius_bound requires an integer exponent", log2_exponent)
    if log2_exponent <= 0:
        raise ValueError(
            "spectral_radius_bound requires a strictly positive exponent", log2_exponent
        )
    for _ in range(log2_exponent):
        X = tensor.dot(X, X)
    return power(_trace(X), 2.0 ** (-log2_exponent))


def __getattr__(name: str) -> Any:
    for module in (nlinalg, slinalg):
        if not name.startswith("_") and name in vars(module):
            return vars(module)[name]
    return submodule(__name__, name)
