"""Products of tensors: held against NumPy's, over dtypes, empty sizes and unknown sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agnesi as ag
from agnesi.ops.tensor_products import cheapest_order
from agnesi.testing import check_gradient, interpreted, native

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array

RANDOM = np.random.default_rng(5)

# The function, the shapes of its arrays, its other arguments.
CALLS: list[tuple[str, tuple[tuple[int, ...], ...], dict[str, Any]]] = [
    ("vecdot", ((3,), (3,)), {}),
    ("vecdot", ((2, 3), (3,)), {}),
    ("vecdot", ((4, 2), (4, 2)), {"axis": 0}),
    ("vecdot", ((2, 0), (2, 0)), {}),
    ("matvec", ((2, 3), (3,)), {}),
    ("matvec", ((4, 2, 3), (3,)), {}),
    ("matvec", ((2, 3), (4, 3)), {}),
    ("vecmat", ((2,), (2, 3)), {}),
    ("vecmat", ((4, 2), (2, 3)), {}),
    ("vdot", ((2, 3), (2, 3)), {}),
    ("vdot", ((0,), (0,)), {}),
    ("inner", ((2, 3), (4, 3)), {}),
    ("inner", ((2, 2, 3), (4, 3)), {}),
    ("inner", ((), (4, 3)), {}),
    ("inner", ((3,), (3,)), {}),
    ("outer", ((2,), (3,)), {}),
    ("outer", ((2, 2), (3,)), {}),
    ("outer", ((), (0,)), {}),
    ("tensordot", ((2, 3, 4), (3, 4, 5)), {}),
    ("tensordot", ((2, 3), (4, 5)), {"axes": 0}),
    ("tensordot", ((2, 3), (3, 5)), {"axes": 1}),
    ("tensordot", ((2, 3, 4), (4, 3, 5)), {"axes": ([1, 2], [1, 0])}),
    ("tensordot", ((2, 3, 4), (4, 3, 2)), {"axes": ([0, 1, 2], [2, 1, 0])}),
    ("tensordot", ((2, 0), (0, 5)), {"axes": 1}),
    ("tensordot", ((2, 3), (3,)), {"axes": (-1, 0)}),
    ("kron", ((2,), (3,)), {}),
    ("kron", ((2, 3), (3, 2)), {}),
    ("kron", ((3,), (2, 2)), {}),
    ("kron", ((2, 1, 2), (3, 2)), {}),
    ("kron", ((), (2, 2)), {}),
    ("cross", ((3,), (3,)), {}),
    ("cross", ((2, 3), (3,)), {}),
    ("cross", ((4, 1, 3), (5, 3)), {}),
    ("trace", ((3, 3),), {}),
    ("trace", ((3, 4),), {"offset": 1}),
    ("trace", ((4, 3),), {"offset": -2}),
    ("trace", ((2, 3, 4),), {"axis1": 2, "axis2": 0}),
    ("trace", ((0, 2),), {}),
    ("dot", ((2, 3, 4), (5, 4, 2)), {}),
    *(
        (name, shapes, {"mode": mode})
        for name in ("convolve", "correlate")
        for shapes in (((5,), (4,)), ((4,), (5,)), ((6,), (3,)), ((2,), (7,)), ((1,), (1,)))
        for mode in ("full", "same", "valid")
    ),
    ("dot", ((2, 3), (3,)), {}),
]


def arrays_of(shapes: tuple[tuple[int, ...], ...], kind: str) -> list[Array]:
    """Return random arrays."""
    if kind[0] == "c":
        return [RANDOM.normal(size=s) + 1j * RANDOM.normal(size=s) for s in shapes]
    if kind[0] == "f":
        return [RANDOM.normal(size=s).astype(kind) for s in shapes]
    return [RANDOM.integers(-9 if kind[0] == "i" else 0, 9, s).astype(kind) for s in shapes]


def found(function: Any, arrays: list[Array], *, symbolic: bool) -> list[Array]:
    """Return the results of NumPy and native code."""
    inputs = [
        ag.input(
            f"x{k}",
            f"{a.dtype}["
            + ", ".join(
                f"x{k}_{n}" if symbolic and s not in (1, 3) else str(s)
                for n, s in enumerate(a.shape)
            )
            + "]",
        )
        for k, a in enumerate(arrays)
    ]
    made = function(*inputs)
    return [way(inputs, [made])(arrays)[0] for way in (native, interpreted)]


@pytest.mark.parametrize("symbolic", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("kind", ["float64", "float32", "int32", "complex128"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_products_are_numpys(call: Any, kind: str, symbolic: bool):
    name, shapes, named = call
    arrays = arrays_of(shapes, kind)
    expected = np.asarray(getattr(np, name)(*arrays, **named))
    for actual in found(lambda *x: getattr(ag, name)(*x, **named), arrays, symbolic=symbolic):
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("call", [c for c in CALLS if 0 not in sum(c[1], ())][::2], ids=str)
def test_products_have_gradients(call: Any):
    name, shapes, named = call
    check_gradient(
        lambda *x: getattr(ag, name)(*x, **named),
        *arrays_of(shapes, "float64"),
        evaluator=interpreted,
    )


EINSUMS: list[tuple[Any, ...]] = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("iii", (3, 3, 3)),
    ("i,i", (3,), (3,)),
    ("i,j->ij", (3,), (2,)),
    ("i->", (3,)),
    ("ij->j", (3, 2)),
    ("...ij,...jk->...ik", (2, 3, 4), (4, 5)),
    ("...ij,...jk->...ik", (5, 1, 3, 4), (2, 4, 5)),
    ("...i->...", (2, 3, 4)),
    ("i...->...", (2, 3, 4)),
    ("...", (2, 3)),
    ("...,...", (2, 3), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bij,bkj->kbi", (2, 3, 4), (2, 5, 4)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 5), (5, 6)),
    ("ab,bc,cd,de,ef,fg->ag", (2, 3), (3, 2), (2, 4), (4, 2), (2, 3), (3, 2)),
    ("i,ij,j", (3,), (3, 4), (4,)),
    ("ij,ij->i", (3, 4), (3, 4)),
    ("ij,kl->ijkl", (2, 3), (3, 2)),
    ("ij,ij,ij->", (2, 3), (2, 3), (2, 3)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("ij,j->ij", (2, 3), (1,)),
    (" i j , j k -> k i ", (2, 3), (3, 4)),
    (",ij->ji", (), (2, 3)),
    ("a,b,c,d,e,f,g,h,i->abi", (2,), (2,), (2,), (2,), (2,), (2,), (2,), (2,), (3,)),
]  # fmt: skip


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0].replace(" ", "_"))
def test_einsum_is_numpys(case: Any):
    text, *shapes = case
    for kind in ("float64", "int64", "complex128"):
        arrays = arrays_of(tuple(shapes), kind)
        expected = np.asarray(np.einsum(text, *arrays))
        known = found(lambda *x: ag.einsum(text, *x), arrays, symbolic=False)
        unknown = found(lambda *x: ag.einsum(text, *x), arrays, symbolic=True)
        for actual in (*known, *unknown):
            assert actual.dtype == expected.dtype
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@st.composite
def _expressions(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    sizes = {letter: draw(st.integers(0, 4)) for letter in "abcde"}
    count = draw(st.integers(1, 4))
    parts = [draw(st.text("abcde", min_size=0, max_size=3)) for _ in range(count)]
    letters = sorted(set("".join(parts)))
    kept = draw(st.lists(st.sampled_from(letters), unique=True, max_size=4)) if letters else []
    text = ",".join(parts)
    arrow = "->" + "".join(kept) if draw(st.booleans()) else ""
    return text + arrow, [tuple(sizes[n] for n in part) for part in parts]


@settings(max_examples=150, deadline=None)
@given(_expressions())
def test_random_einsums_are_numpys(case: tuple[str, list[tuple[int, ...]]]):
    text, shapes = case
    arrays = arrays_of(tuple(shapes), "float64")
    expected = np.einsum(text, *arrays)
    inputs = [ag.constant(a) for a in arrays]
    made = ag.einsum(text, *inputs)
    np.testing.assert_allclose(interpreted([], [made])([])[0], expected, rtol=1e-9, atol=1e-9)


def test_einsum_takes_lists_of_axes():
    a, b = arrays_of(((2, 3), (3, 4)), "float64")
    for ours, numpys in (
        (ag.einsum(a, [0, 1], b, [1, 2], [2, 0]), np.einsum(a, [0, 1], b, [1, 2], [2, 0])),
        (ag.einsum("ij,jk", a, b, optimize=False), np.einsum("ij,jk", a, b)),
        (ag.einsum(a, [0, 1], b, [1, 2]), np.einsum(a, [0, 1], b, [1, 2])),
        (ag.einsum(a, [..., 7], [7, ...]), np.einsum("...b->b...", a)),
    ):
        np.testing.assert_allclose(ours.eval(), numpys)


@pytest.mark.parametrize("case", [c for c in EINSUMS if 0 not in sum(c[1:], ())][::3], ids=str)
def test_einsum_has_gradients(case: Any):
    text, *shapes = case
    arrays = arrays_of(tuple(shapes), "float64")
    check_gradient(lambda *x: ag.einsum(text, *x), *arrays, evaluator=interpreted)


def test_the_cheapest_order_is_taken():
    sizes = {"i": 10.0, "j": 1000.0, "k": 2.0, "l": 500.0}
    chain = [frozenset("ij"), frozenset("jk"), frozenset("kl")]
    assert cheapest_order(chain, frozenset("il"), sizes) == [(0, 1), (0, 1)]
    many = [frozenset((k, k + 1)) for k in range(12)]
    path = cheapest_order(many, frozenset((0, 12)), dict.fromkeys(range(13), 8.0))
    assert len(path) == 11


REJECTS = [
    (lambda x, y: ag.einsum("ij,jk->iz", x, y), "which no array has"),
    (lambda x, y: ag.einsum("ij->ij", x, y), "is about 1 arrays"),
    (lambda x, y: ag.einsum("ij,kl->ii", x, y), "twice"),
    (lambda x, y: ag.einsum("ijk,jk", x, y), "does not name 2 axes"),
    (lambda x, y: ag.einsum("ij,ij", x, y), "has the sizes 2 and 3"),
    (lambda x, y: ag.einsum("i$,jk", x, y), "subscripts are letters"),
    (lambda x, y: ag.einsum("i...,jk->ijk", x, y), "under `...`"),
    (lambda x, y: ag.einsum(), "takes subscripts"),
    (lambda x, y: ag.tensordot(x, y, 3), "more than there are"),
    (lambda x, y: ag.tensordot(x, y, ([0], [1, 0])), "as many axes"),
    (lambda x, y: ag.tensordot(x, y, ([0], [0])), "sizes 2 and 3"),
    (lambda x, y: ag.vecdot(x, y), "sizes 3 and 4"),
    (lambda x, y: ag.vdot(x, y), "sizes 6 and 12"),
    (lambda x, y: ag.cross(x, y), "three elements"),
    (lambda x, y: ag.matvec(x[0], y), "a matrix and a vector"),
    (lambda x, y: ag.trace(x[0]), "takes matrices"),
    (lambda x, y: ag.convolve(x, y), "takes two vectors"),
    (lambda x, y: ag.correlate(x[0], y[0, :0]), "no elements"),
    (lambda x, y: ag.convolve(x[0], y[0], cast("Any", "half")), 'mode is "full"'),
]


@pytest.mark.parametrize("case", REJECTS, ids=lambda case: case[1])
def test_bad_calls_say_what_is_wrong(case: Any):
    call, words = case
    x, y = ag.input("x", "f32[2, 3]"), ag.input("y", "f32[3, 4]")
    with pytest.raises(ag.GraphTypeError) as caught:
        call(x, y)
    assert words in str(caught.value)


def test_unknown_sizes_of_one_letter_are_compared_in_the_call():
    x, y = ag.input("x", "f64[n, a]"), ag.input("y", "f64[m, b]")
    for text in ("ij,ik->ijk", "ij,ik->jk", "ij,kj->ik"):
        f = ag.function([x, y], ag.einsum(text, x, y))
        with pytest.raises(ag.ShapeError):
            f(np.ones((2, 3)), np.ones((5, 4)))
