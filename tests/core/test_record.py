"""Records are data classes in all but how they are made."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from agnesi.core.record import field, record, replace


@record(frozen=True)
class Point:
    """A frozen one."""

    x: int
    y: int = 2
    note: str = field(default="", repr=False, compare=False)


@record(frozen=True)
class Solid(Point):
    """One that inherits fields."""

    z: int = 3


@record()
class Bag:
    """An open one."""

    name: str
    items: list[int] = field(default_factory=list[int])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bag) and other.name == self.name

    __hash__ = object.__hash__


@record(frozen=True)
class Nothing:
    """One without fields."""


def test_fields_and_defaults():
    assert (Point(1).x, Point(1).y, Point(y=5, x=4).y) == (1, 2, 5)
    assert Solid(1, 2, "n", 4).z == 4
    assert Bag("a").items is not Bag("a").items
    for wrong in (lambda: Point(), lambda: Point(1, 2, "", 3), lambda: Point(1, w=2)):  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            wrong()


def test_shown_and_compared():
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert repr(Solid(1)) == "Solid(x=1, y=2, z=3)"
    assert Point(1, note="a") == Point(1, note="b") != Point(2)
    assert hash(Point(1, note="a")) == hash(Point(1))
    assert Point(1) != Solid(1)
    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing())
    assert Bag("a", [1]) == Bag("a", [2])


def test_frozen_ones_stay_as_they_are():
    point: Any = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    bag = Bag("a")
    bag.name = "b"
    assert bag.name == "b"


def test_an_open_one_has_no_hash_by_its_content():
    @record()
    class Open:
        """Compared by content."""

        x: int

    with pytest.raises(TypeError):
        hash(Open(1))


def test_what_works_on_data_classes_works_on_records():
    assert replace(Point(1), y=7) == Point(1, 7)
    assert dataclasses.replace(Point(1), y=7) == Point(1, 7)
    assert dataclasses.asdict(Solid(1)) == {"x": 1, "y": 2, "note": "", "z": 3}
    assert pickle.loads(pickle.dumps(Solid(1))) == Solid(1) == copy.deepcopy(Solid(1))
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
