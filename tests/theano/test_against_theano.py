"""Expressions whose dtypes, patterns, values and errors Theano 1.0.5 has said.

``against_theano.json`` was written by the real Theano 1.0.5 (Python mode, floatX=float64): for each
expression the types of its results, and a weighted sum of each result's elements, or the error that
building it raises.  Where both differ on purpose there is no line (docs/from-theano.md says where).
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano

DTYPES = {
    **{"B": "bool", "b": "int8", "w": "int16", "i": "int32", "l": "int64"},
    **{"u": "uint8", "U": "uint16", "V": "uint32", "W": "uint64"},
    **{"h": "float16", "f": "float32", "d": "float64", "c": "complex64", "z": "complex128"},
}
SHAPES = {
    **{"0": (), "1": (3,), "2": (2, 3), "3": (2, 3, 2), "4": (2, 1, 3, 2), "r": (1, 3)},
    **{"c": (2, 1), "s": (3, 3), "e": (0, 3), "o": (1,), "t": (3, 2)},
}
REPEATS = {"r": (True, False), "c": (False, True), "o": (True,), "4": (False, True, False, False)}
CASES = json.loads((Path(__file__).parent / "against_theano.json").read_text())
GROUPS = 16


def value(name):
    """Return the value of a variable: ``d2`` float64 of two axes, ``l1k`` an index, ``d1p`` > 0."""
    dtype, shape = DTYPES[name[0]], SHAPES[name[1]]
    count = math.prod(shape)
    rng = np.random.RandomState(sum(map(ord, name)))
    if dtype == "bool":
        made = rng.randint(0, 2, count).astype(bool)
    elif dtype.startswith("uint"):
        made = rng.randint(0, 6, count).astype(dtype)
    elif dtype.startswith("int"):
        made = rng.randint(-4, 5, count).astype(dtype)
    elif dtype.startswith("float"):
        made = (rng.randint(-16, 17, count) / 8.0).astype(dtype)
    else:
        real, imaginary = rng.randint(-16, 17, count), rng.randint(-16, 17, count)
        made = ((real + 1j * imaginary) / 8.0).astype(dtype)
    if name.endswith("p"):
        made = (abs(made) + 1).astype(dtype)
    if name.endswith("k"):
        made = (np.abs(made) % 2).astype(dtype)
    return made.reshape(shape)


class Names(dict):
    """What expressions mention: variables are made when they are first named."""

    def __init__(self) -> None:
        super().__init__(T=T, np=np, theano=theano, shared=theano.shared)
        self.variables = {}

    def __missing__(self, name: str) -> object:
        known = len(name) in (2, 3) and name[0] in DTYPES and name[1] in SHAPES
        if not known or name[2:] not in ("", "p", "k", "q"):
            raise KeyError(name)
        repeats = REPEATS.get(name[1], (False,) * len(SHAPES[name[1]]))
        self[name] = self.variables[name] = T.TensorType(DTYPES[name[0]], repeats)(name)
        return self[name]


def weighed(array):
    """Return a sum of the elements in which each place counts otherwise; None if not finite."""
    flat = np.asarray(array).ravel()
    if flat.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag], -1).ravel()
    total = float(sum((k % 7 + 1) * float(v) for k, v in enumerate(flat)))
    return total if math.isfinite(total) else None


def complaint(case):
    """Return what is not as Theano has it; None if all is."""
    text, kind, expected, *rest = case
    names = Names()
    try:
        made = eval(text.lstrip("!"), names)
    except Exception as error:
        if kind == "error" and expected in {c.__name__ for c in type(error).__mro__}:
            return None
        return f"{text}: {type(error).__name__}: {error}"
    if kind == "error":
        return f"{text}: no {expected}"
    outputs = list(made) if isinstance(made, list | tuple) else [made]
    types = [[o.dtype, list(o.broadcastable)] for o in outputs]
    if types != expected:
        return f"{text}: {types}, not {expected}"
    if kind == "type":
        return None
    f = theano.function(list(names.variables.values()), outputs, on_unused_input="ignore")
    results = f(*map(value, names.variables))
    for result, (dtype, shape, total) in zip(results, rest[0], strict=True):
        found = weighed(result)
        if [str(result.dtype), list(result.shape)] != [dtype, shape]:
            return f"{text}: {result.dtype}{result.shape}, not {dtype}{shape}"
        close = 1e-4 if dtype in ("float16", "float32", "complex64") else 1e-9
        same = found == total or (
            None not in (found, total) and abs(found - total) <= close * max(1, abs(total))
        )
        if not same:
            return f"{text}: {result}, whose weighted sum is {found}, not {total}"
    return None


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.filterwarnings("ignore")
def test_as_theano_has_it(group):
    with np.errstate(all="ignore"):
        found = [complaint(case) for case in CASES[group::GROUPS]]
    assert not [c for c in found if c is not None]
