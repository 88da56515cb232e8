"""Pooling: values against loops over windows, gradients against slopes, both layouts, bad calls."""

from __future__ import annotations

import itertools
import math
from typing import Any, cast

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import check_gradient, looped

Array = np.ndarray[Any, Any]


def places(size: int, window: int, step: int, pads: tuple[int, int], dilation: int, drop: bool):
    """Yield the elements that each window has along an axis, by counting."""
    first = -pads[0]
    while True:
        covered = [first + dilation * k for k in range(window)]
        if covered[-1] >= size + pads[1]:
            begins = first < size
            # One more, if it begins within, and the one before did not reach the end.
            before = first - step + dilation * (window - 1)
            if drop or not begins or (first > -pads[0] and before >= size + pads[1] - 1):
                return
            yield covered
            first += step
            continue
        yield covered
        first += step


def pooled(
    x: Array, mode: str, axes: list[list[list[int]]], pads: list[tuple[int, int]], include: bool
) -> Array:
    """Pool the last axes, window by window."""
    count = len(axes)
    sizes = x.shape[-count:]
    result = np.zeros((*x.shape[:-count], *map(len, axes)), x.dtype)
    for where in itertools.product(*(range(len(a)) for a in axes)):
        inside, padded = [], 0
        for place in itertools.product(*(a[k] for a, k in zip(axes, where, strict=True))):
            if all(0 <= p < s for p, s in zip(place, sizes, strict=True)):
                inside.append(x[(..., *place)])
            rows = zip(place, sizes, pads, strict=True)
            padded += all(-b <= p < s + a for p, s, (b, a) in rows)
        values = np.stack(inside)
        if mode == "max":
            result[(..., *where)] = values.max(0)
        else:
            divisor = 1 if mode == "sum" else padded if include else len(inside)
            result[(..., *where)] = values.sum(0) / divisor
    return result


CASES = [
    # sizes, window, strides, padding in pairs, dilation
    ((6,), (2,), (2,), [(0, 0)], (1,)),
    ((7,), (3,), (2,), [(1, 2)], (1,)),
    ((9,), (3,), (1,), [(2, 0)], (2,)),
    ((6, 8), (2, 2), (2, 2), [(0, 0)] * 2, (1, 1)),
    ((7, 9), (2, 2), (2, 2), [(0, 0)] * 2, (1, 1)),
    ((7, 8), (3, 3), (2, 2), [(0, 0)] * 2, (1, 1)),
    ((8, 7), (3, 2), (2, 1), [(1, 1), (1, 0)], (1, 1)),
    ((5, 6), (2, 3), (3, 4), [(0, 1), (2, 2)], (1, 1)),
    ((8, 9), (2, 3), (1, 2), [(1, 0), (0, 2)], (2, 2)),
    ((20, 40), (3, 3), (2, 2), [(1, 1), (1, 1)], (1, 1)),
    ((7, 8), (6, 7), (1, 1), [(0, 0)] * 2, (1, 1)),
    ((4, 5, 6), (2, 2, 2), (2, 2, 2), [(0, 0)] * 3, (1, 1, 1)),
    ((4, 5, 4), (2, 3, 2), (1, 2, 2), [(0, 1), (1, 1), (1, 0)], (1, 1, 1)),
]


def expected(x: Array, case: Any, mode: str, drop: bool, include: bool = True) -> Array:
    sizes, window, strides, pads, dilation = case
    rows = zip(sizes, window, strides, pads, dilation, strict=True)
    axes = [list(places(*row, drop)) for row in rows]
    return pooled(x, mode, axes, pads, include)


@pytest.mark.parametrize(
    ("case", "drop", "mode"),
    [
        *((case, bool(k % 2), "max") for k, case in enumerate(CASES)),
        *((case, not k % 2, "max") for k, case in enumerate(CASES[:9])),
        *((CASES[k], bool(k % 2), mode) for k in (1, 7, 8, 10, 12) for mode in ("sum", "average")),
        (CASES[7], False, "average"),
    ],
    ids=str,
)
def test_values(case: Any, drop: bool, mode: str):
    sizes, window, strides, pads, dilation = case
    random = np.random.default_rng(3)
    x = random.normal(size=(2, 3, *sizes))
    name = {"max": "max_pool", "sum": "sum_pool", "average": "avg_pool"}[mode]
    function = getattr(ag.nn, f"{name}{len(sizes)}d")
    given: dict[str, Any] = {"dilation": dilation, "ignore_border": drop}
    n = len(sizes)
    last = {1: "NWC", 2: "NHWC", 3: "NDHWC"}[n]
    known = ag.input("x", f"f64[{', '.join(map(str, x.shape))}]")
    unknown = ag.input("x", f"f64[{', '.join('?' * x.ndim)}]")
    turned = np.moveaxis(x, 1, -1)
    wide = ag.input("x", f"f64[?, {', '.join(map(str, turned.shape[1:]))}]")
    for include in (True, False) if mode == "average" else (True,):
        if mode == "average":
            given["count_include_pad"] = include
        wanted = expected(x, case, mode, drop, include)
        for leaf in (known, unknown):
            y = function(leaf, window, strides, pads, **given)
            np.testing.assert_allclose(ag.function([leaf], y)(x), wanted, rtol=1e-12)
            if leaf is known:
                assert y.type.shape == wanted.shape
        y = function(wide, window, strides, pads, layout=last, **given)
        np.testing.assert_allclose(
            ag.function([wide], y)(np.ascontiguousarray(turned)),
            np.moveaxis(wanted, 1, -1),
            rtol=1e-12,
        )
    size = ag.nn.pool_output_shape(
        sizes, window, strides, pads, dilation=dilation, ignore_border=drop
    )
    assert size == expected(x, case, mode, drop).shape[2:]


@pytest.mark.parametrize("case", CASES[1:9], ids=str)
def test_gradients_of_both_layouts(case: Any):
    sizes, window, strides, pads, dilation = case
    mode = "average" if case in (CASES[2], CASES[6], CASES[8]) else "max"
    x = np.random.default_rng(5).permutation(math.prod((1, 2, *sizes))).reshape(1, 2, *sizes) / 7.0

    def f(layout: str | None, drop: bool):
        def run(x: ag.Tensor) -> ag.Tensor:
            last = tuple(range(1, len(sizes) + 1))
            axes = last if layout == "last" else tuple(a + 1 for a in last)
            return ag.nn.pool(
                x, window, strides, pads,
                mode=mode,  # type: ignore[arg-type]
                axes=axes, dilation=dilation, ignore_border=drop,
            )  # fmt: skip

        return run

    check_gradient(f(None, True), x, order=2, evaluator=looped)
    check_gradient(f(None, False), x, order=1)
    check_gradient(f("last", False), np.moveaxis(x, 1, -1).copy(), order=1)


def gradient(x: Array, ct: Array, window: int, step: int, **given: Any) -> Array:
    leaf = ag.input("x", "f32[?, ?, ?, ?]")
    weights = ag.input("ct", "f32[?, ?, ?, ?]")
    cost = (ag.nn.max_pool2d(leaf, window, step, **given) * weights).sum()
    return ag.function([leaf, weights], ag.grad(cost, leaf))(x, ct)


def test_ties_go_to_the_first_or_to_all():
    x = np.array([[[[1, 2, 2], [2, 2, 0], [5, 5, 5]]]], np.float32)
    ct = np.array([[[[10, 20], [30, 40]]]], np.float32)
    first = [[0, 10 + 20, 0], [0, 0, 0], [30, 40, 0]]
    np.testing.assert_array_equal(gradient(x, ct, 2, 1)[0, 0], first)
    every = [[0, 30, 20], [10, 30, 0], [30, 70, 40]]
    np.testing.assert_array_equal(gradient(x, ct, 2, 1, ties="all")[0, 0], every)
    # In a window of nothing but padding's own number, nothing is lost to the padding's side.
    low = np.full((1, 1, 2, 2), -np.inf, np.float32)
    assert ag.nn.max_pool2d(low, 3, 2, 1).eval() == -np.inf


def test_large_windows_are_pooled_axis_by_axis_with_the_same_first_maximum():
    random = np.random.default_rng(1)
    x = random.integers(0, 3, (1, 2, 12, 14)).astype(np.float32)
    leaf = ag.input("x", "f32[1, 2, 12, 14]")
    y, where = ag.nn.max_pool2d(leaf, (7, 6), (3, 2), return_indices=True)
    total, places = ag.function([leaf], [ag.grad((y * y).sum(), leaf), where])(x)
    wanted = np.zeros_like(x)
    for n, c, i, j in np.ndindex(places.shape):
        part = x[n, c, 3 * i : 3 * i + 7, 2 * j : 2 * j + 6]
        a, b = divmod(int(part.argmax()), 6)
        assert places[n, c, i, j] == (3 * i + a) * 14 + 2 * j + b
        wanted[n, c, 3 * i + a, 2 * j + b] += 2 * part.max()
    np.testing.assert_array_equal(total, wanted)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_maxima_go_back_to_where_they_were(layout: str):
    random = np.random.default_rng(2)
    x = random.normal(size=(2, 6, 8, 4)).astype(np.float32)
    leaf = ag.input("x", "f32[?, 6, 8, 4]")
    y, where = ag.nn.max_pool2d(leaf, 2, return_indices=True, layout=layout)
    back = ag.nn.max_unpool2d(y, where, 2, layout=layout)
    again = ag.nn.max_pool2d(ag.where(back == 0, -np.inf, back), 2, layout=layout)
    found, whole, top = ag.function([leaf], [again, back, y])(x)
    np.testing.assert_array_equal(found, top)
    assert (whole != 0).sum() == top.size
    assert ((whole == 0) | (whole == x)).all()
    weights = random.normal(size=top.shape)
    places = ag.function([leaf], where)(x)

    def f(values: ag.Tensor) -> ag.Tensor:
        return ag.nn.max_unpool2d(values, places, 2, layout=layout)

    check_gradient(f, weights, order=2)


def test_indices_count_from_the_first_element_of_the_image_also_with_padding():
    x = np.full((1, 1, 3, 3), -np.inf, np.float32)
    _, where = ag.nn.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert where.eval().tolist() == [[[[0, 1], [3, 4]]]]
    x[0, 0, 2, 2] = np.nan
    y, where = ag.nn.max_pool2d(x, 3, return_indices=True)
    assert where.eval() == 8 and np.isnan(y.eval())
    y, where = ag.nn.max_pool1d(x[0], 2, padding=1, dilation=2, return_indices=True)
    assert where.eval().tolist() == [[[1, 1]] * 3]


def test_adaptive_and_global_averages():
    random = np.random.default_rng(4)
    x = random.normal(size=(2, 3, 7, 8))
    known, unknown = ag.input("x", "f64[2, 3, 7, 8]"), ag.input("x", "f64[?, ?, ?, ?]")
    wanted = np.zeros((2, 3, 3, 4))
    for i, j in np.ndindex(3, 4):
        rows = slice(7 * i // 3, -(-7 * (i + 1) // 3))
        wanted[:, :, i, j] = x[:, :, rows, 2 * j : 2 * j + 2].mean((2, 3))
    for leaf in (known, unknown):
        y = ag.nn.adaptive_avg_pool(leaf, (3, 4))
        np.testing.assert_allclose(ag.function([leaf], y)(x), wanted, rtol=1e-12)
        turned = ag.nn.adaptive_avg_pool(ag.moveaxis(leaf, 1, -1), (3, 4), layout="NHWC")
        result = ag.function([leaf], turned)(x)
        np.testing.assert_allclose(result, np.moveaxis(wanted, 1, -1), rtol=1e-12)
    for layout, axes in (("NCHW", (2, 3)), ("NHWC", (1, 2))):
        mean = ag.nn.global_avg_pool(known, layout=layout)
        np.testing.assert_allclose(mean.eval({known: x}), x.mean(axes), rtol=1e-12)
        top = ag.nn.global_max_pool(known, layout=layout)
        np.testing.assert_array_equal(top.eval({known: x}), x.max(axes))
    check_gradient(lambda x: ag.nn.adaptive_avg_pool(x, 3), x[:1, :1])


def test_same_padding_and_examples_of_a_batch():
    x = ag.input("x", "f32[n, 3, 13, 14]")
    assert ag.nn.max_pool2d(x, 3, 2, "same").type.shape[2:] == (7, 7)
    assert ag.nn.max_pool2d(x, 2, padding="same").type.shape[2:] == (7, 7)
    assert ag.nn.max_pool2d(x, 5, 1, "same").type.shape[2:] == (13, 14)
    n = ag.input("x", "f32[?]")
    y = ag.nn.pool(n, 3, 2, "same")
    for size in range(1, 9):
        row = np.arange(size, dtype=np.float32)
        assert y.eval({n: row}).shape == (-(-size // 2),)
    many = ag.vectorize(lambda row: ag.grad(ag.nn.pool(row, 3, 2, "same").sum(), row))(
        ag.constant(np.array([[1, 5, 2, 4, 3], [9, 8, 7, 6, 5]], np.float32))
    )
    np.testing.assert_array_equal(many.eval(), [[0, 2, 0, 1, 0], [1, 1, 0, 1, 0]])


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("positive integers", lambda x: ag.nn.max_pool2d(x, 0)),
        ("positive integers", lambda x: ag.nn.max_pool2d(x, 2, -1)),
        ("positive integers", lambda x: ag.nn.max_pool2d(x, 2, dilation=0)),
        ("not negative", lambda x: ag.nn.max_pool2d(x, 2, padding=-1)),
        ("each of the 2 axes", lambda x: ag.nn.max_pool2d(x, (1, 2, 3))),
        ("can lie outside", lambda x: ag.nn.max_pool2d(x, 2, padding=2)),
        ("does not fit into 5", lambda x: ag.nn.max_pool2d(x, 6)),
        ("'valid' or 'same'", lambda x: ag.nn.max_pool2d(x, 2, padding=cast("Any", "full"))),
        ("in pairs", lambda x: ag.nn.max_pool2d(x, 2, padding=((1, 1),))),
        ("takes arrays of 5 axes", lambda x: ag.nn.max_pool3d(x, 2)),
        ("layout is 'NCHW' or 'NHWC'", lambda x: ag.nn.avg_pool2d(x, 2, layout="NWHC")),
        ("mode is", lambda x: ag.nn.pool(x, 2, mode=cast("Any", "min"))),
        ("ties is", lambda x: ag.nn.max_pool2d(x, 2, ties=cast("Any", "last"))),
        ("up to 64", lambda x: ag.nn.pool(ag.ones(100), 65, ties="all")),
        ("not defined for bool", lambda x: ag.nn.max_pool2d(x > 0, 2)),
        ("no axis 4", lambda x: ag.nn.pool(x, 2, axes=4)),
        ("index for each", lambda x: ag.nn.max_unpool2d(x, ag.zeros(3, "i64"), 2)),
        ("sizes are 2 numbers", lambda x: ag.nn.max_unpool2d(x, x.astype("i64"), 2, sizes=(3,))),
    ],
)
def test_bad_calls(words: str, call: Any):
    with pytest.raises(ag.GraphTypeError, match=words):
        call(ag.input("x", "f32[2, 3, 5, 5]"))


def test_a_call_with_an_image_that_is_too_small_fails():
    x = ag.input("x", "f32[n, c, h, w]")
    f = ag.function([x], ag.nn.max_pool2d(x, 3))
    assert f(np.zeros((0, 2, 3, 3), np.float32)).shape == (0, 2, 1, 1)
    with pytest.raises(ag.ShapeError, match="windows"):
        f(np.zeros((1, 1, 3, 2), np.float32))
