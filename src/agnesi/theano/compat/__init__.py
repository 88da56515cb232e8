"""What programs of both Pythons imported."""

from collections import OrderedDict as OrderedDict
from itertools import islice as islice
from operator import truediv as operator_div  # noqa: F401

PY3 = True
imap, izip = map, zip


def cmp(x, y):  # type: ignore[no-untyped-def]
    """Return -1, 0 or 1."""
    return (x > y) - (x < y)


def exc_message(e):  # type: ignore[no-untyped-def]
    """Return what an exception says."""
    return e.args[0] if e.args else str(e)


def get_unbound_function(unbound):  # type: ignore[no-untyped-def]
    """Return a method's function."""
    return getattr(unbound, "__func__", unbound)


def decode(x):  # type: ignore[no-untyped-def]
    """Return bytes as text."""
    return x.decode()
