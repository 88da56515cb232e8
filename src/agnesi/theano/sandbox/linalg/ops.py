"""Linear algebra, under its old path; hints about matrices change nothing."""

from agnesi.theano.sandbox.linalg import *
from agnesi.theano.tensor.basic import as_tensor_variable as _variable


def psd(v):  # type: ignore[no-untyped-def]
    """Return a matrix that is said to be positive."""
    return _variable(v)


def hints(variable):  # type: ignore[no-untyped-def]
    """Return what is said of a matrix: nothing."""
    del variable
    return {}
