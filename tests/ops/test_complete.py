"""No op, fact or description is missing."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import pytest

import agnesi as ag
import agnesi.ops
from agnesi.graph.tensor import SURFACE, Tensor
from agnesi.ops import OPS
from agnesi.ops.families import Elementwise, Op
from agnesi.ops.slicing import Indexed

MODULES = [
    import_module(f"agnesi.ops.{found.name}") for found in pkgutil.iter_modules(agnesi.ops.__path__)
]
ops = pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)


def _classes() -> list[type[Op]]:
    return [
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Op) and value.__module__ == module.__name__
    ]


def test_every_op_with_a_name_of_its_own_is_listed_once():
    final = {c for c in _classes() if "public" in vars(c) and c is not Op}
    listed = set(OPS)
    # An index that only a call can check is a slice to the user.
    assert final <= listed
    assert len(OPS) == len(listed)


def test_classes_are_abstract_or_final():
    for op in OPS:
        parents = [c for c in op.__mro__[1:] if c in OPS]
        assert not parents or op is Indexed, (op, parents)


@ops
def test_every_fact_is_there(op: type[Op]):
    assert op.public
    assert callable(op.reference)
    assert op.all_samples()
    assert op.__doc__ is not None and "vjp" in {n for c in op.__mro__[:-2] for n in vars(c)}
    first = inspect.cleandoc(op.__doc__).splitlines()[0]
    assert first.endswith((".", ":")), first
    if issubclass(op, Elementwise):
        assert len(op.domain) == sum(1 for _ in op.all_samples()[0].shapes)


@ops
def test_fields_do_not_hide_what_a_tensor_has(op: type[Op]):
    hidden = [name for name in op.fields if hasattr(Tensor, name)]
    assert not hidden, f"{op.__name__}: {hidden}"


def test_the_package_shows_functions_and_no_helpers():
    for module in MODULES:
        names = getattr(module, "__all__", [])
        for name in names:
            value = getattr(module, name)
            assert inspect.isfunction(value), name
            assert getattr(ag, name) is value
            assert value.__module__ == module.__name__, name
            assert value.__doc__ and value.__doc__.splitlines()[0].endswith("."), name
    for name, value in vars(ag).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            assert value.__module__.startswith("agnesi."), name
            assert value.__module__ not in ("agnesi.ops.lift", "agnesi.ops.families"), name


def test_every_method_has_its_function():
    for name, function in SURFACE.items():
        assert callable(function), name
