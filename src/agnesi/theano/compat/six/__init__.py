"""What programs used of ``six``."""

import builtins as _builtins

PY2, PY3 = False, True
string_types, integer_types, class_types = (str,), (int,), (type,)
text_type, binary_type = str, bytes
Iterator = object
next = _builtins.next


def iteritems(d):  # type: ignore[no-untyped-def]
    """Return a dict's pairs."""
    return iter(d.items())


def iterkeys(d):  # type: ignore[no-untyped-def]
    """Return a dict's keys."""
    return iter(d.keys())


def itervalues(d):  # type: ignore[no-untyped-def]
    """Return a dict's values."""
    return iter(d.values())


def b(s):  # type: ignore[no-untyped-def]
    """Return text as bytes."""
    return s.encode("latin-1")


def u(s):  # type: ignore[no-untyped-def]
    """Return text."""
    return s


def reraise(tp, value, tb=None):  # type: ignore[no-untyped-def]
    """Raise an exception again."""
    raise (tp() if value is None else value).with_traceback(tb)


def with_metaclass(meta, *bases):  # type: ignore[no-untyped-def]
    """Return a base with a metaclass."""
    return meta("NewBase", bases or (object,), {})


def add_metaclass(metaclass):  # type: ignore[no-untyped-def]
    """Return a decorator that gives a class a metaclass."""

    def wrapper(cls):  # type: ignore[no-untyped-def]
        members = {k: v for k, v in cls.__dict__.items() if k not in ("__dict__", "__weakref__")}
        return metaclass(cls.__name__, cls.__bases__, members)

    return wrapper
