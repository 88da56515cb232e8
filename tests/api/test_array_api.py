"""The names of the array API standard: there and callable, or absent for a reason that is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import BOOL, FLOATS, INTEGERS, DType
from agnesi.graph.leaves import new_input
from agnesi.testing import assert_close
from agnesi.testing.cases import type_of
from agnesi.testing.evaluators import native
from tests.api.array_api import (
    ABSENT,
    NOTES,
    SECTIONS,
    elementwise_names,
    entries,
    find,
    is_there,
    markdown,
)

if TYPE_CHECKING:
    from agnesi.graph.leaves import Input

PROPERTIES = {"Tensor.dtype", "Tensor.mT", "Tensor.ndim", "Tensor.shape", "Tensor.size", "Tensor.T"}
COMPLEX = {"conj", "imag", "real"}
KINDS: dict[str, tuple[DType, ...]] = {
    "any": (BOOL, *INTEGERS, *FLOATS),
    "boolean": (BOOL,),
    "integer": INTEGERS,
    "integer or boolean": (BOOL, *INTEGERS),
    "numeric": (*INTEGERS, *FLOATS),
    "real numeric": (*INTEGERS, *FLOATS),
    "floating-point": FLOATS,
    "real floating-point": FLOATS,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_each_name_is_there_or_absent_for_a_reason(section: str):
    for entry in entries():
        if entry.section != section:
            continue
        if not entry.present:
            assert len(entry.remark.split()) >= 3, f"{entry.name}: say in ABSENT why it is absent"
        elif section not in ("Constants", "Data types") and entry.name not in PROPERTIES:
            assert callable(find(entry.name)), entry.name


def test_every_element_wise_function_is_there():
    assert not [name for name in elementwise_names() if find(name) is None]


def test_nothing_that_is_there_is_said_to_be_absent():
    assert not [name for name in ABSENT if is_there(name)]


def test_the_table_is_whole_and_names_nothing_else():
    names = [entry.name for entry in entries()]
    assert len(names) == len(set(names))
    assert set(ABSENT) <= set(names) and set(NOTES) <= set(names)
    # The standard's own counts.
    assert len(elementwise_names()) == 67
    assert len(SECTIONS["Manipulation functions"].split()) == 14
    assert all(f"`{name}`" in markdown() for name in names)


@pytest.mark.parametrize("name", [n for n in elementwise_names() if n not in COMPLEX])
def test_element_wise_functions_take_the_standards_dtypes(name: str):
    """Values, shapes and dtypes are NumPy's for every dtype that the standard names."""
    kind, arity = elementwise_names()[name]
    shapes = [((2, 3),), ((),), ((0, 2),)] if arity == 1 else [((2, 3), (3,)), ((1, 2), (3, 1))]
    inputs: list[Input] = []
    arrays: list[Any] = []
    results: list[ag.Tensor] = []
    expected: list[Any] = []
    random = np.random.default_rng(0)
    for dtype in KINDS[kind]:
        for shape in shapes:
            low, high = (0, 2) if dtype is BOOL else (0.1, 0.9) if dtype.is_float else (1, 5)
            made = [random.uniform(low, high, s).astype(dtype.numpy) for s in shape]
            leaves = [new_input(None, type_of(array, "n")) for array in made]
            inputs += leaves
            arrays += made
            results.append(getattr(ag, name)(*leaves))
            with np.errstate(all="ignore"):
                expected.append(np.asarray(_numpys(name)(*made)))
    for found, wanted in zip(native(inputs, results)(arrays), expected, strict=True):
        assert_close(found, wanted, what=name)


def _numpys(name: str) -> Any:
    return getattr(np, name) if name != "clip" else np.positive
