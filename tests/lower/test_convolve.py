"""Convolutions as blocks of products: strides, dilations, groups, edges, sizes left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.loops.nodes import Contract
from agnesi.loops.traverse import walk_statements
from agnesi.lower import winograd
from agnesi.lower.image import spans
from agnesi.lower.interpret import interpret_program
from agnesi.lower.program import RunKernel
from agnesi.lower.winograd import by_tiles, of_image, of_kernel, of_places
from agnesi.ops.conv import Conv, ConvWeights, places
from agnesi.ops.slicing import Place

random = np.random.default_rng(0)


@dataclass(frozen=True)
class Shape:
    """A convolution: ``[n, *space, groups * c]`` by ``[*taps, c, k]``."""

    n: int
    space: tuple[int, ...]
    c: int
    taps: tuple[int, ...]
    k: int
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    groups: int = 1

    @property
    def kind(self) -> tuple[Any, Any, int]:
        ones = (1,) * len(self.space)
        return self.strides or ones, self.dilations or ones, self.groups

    @property
    def out(self) -> tuple[Any, ...]:
        return tuple(map(places, self.space, self.taps, *self.kind[:2]))

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the image, the kernel, the result."""
        image = (self.n, *self.space, self.groups * self.c)
        return image, (*self.taps, self.c, self.k), (self.n, *self.out, self.k)


SHAPES = {
    "plain": Shape(2, (7, 9), 3, (3, 3), 5),
    "panels": Shape(1, (5, 17), 4, (3, 3), 70),
    "strides": Shape(3, (9, 11), 2, (3, 2), 16, strides=(2, 3)),
    "dilated": Shape(2, (10, 11), 3, (3, 3), 7, dilations=(2, 3)),
    "dilated rows": Shape(2, (10, 11), 3, (3, 3), 7, dilations=(3, 1)),
    "groups": Shape(2, (6, 6), 4, (3, 2), 39, groups=3),
    "line": Shape(2, (50,), 3, (5,), 6, strides=(2,)),
    "long line": Shape(1, (700,), 1, (3,), 4),
    "dilated line": Shape(1, (300,), 2, (3,), 4, dilations=(4,)),
    "column": Shape(2, (30, 1), 3, (5, 1), 20),
    "solid": Shape(2, (4, 5, 6), 2, (2, 3, 2), 9, strides=(1, 2, 1)),
    "first layer": Shape(1, (40, 40), 3, (11, 11), 33, strides=(4, 4)),
    "one channel": Shape(5, (12, 12), 1, (5, 5), 20),
    "whole": Shape(2, (3, 4), 8, (3, 4), 10),
    "points": Shape(2, (5, 6), 7, (1, 1), 40, strides=(2, 2)),
    "a point": Shape(3, (1, 1), 7, (1, 1), 40),
    "many images": Shape(40, (8, 8), 16, (3, 3), 40),
    "deep": Shape(2, (6, 8), 150, (3, 3), 100),
    "two panels deep": Shape(9, (8, 8), 210, (3, 3), 70),
}


# By tiles: whole ones, others, several parts of a kernel, more channels than stay near.
TILES = {
    "whole": Shape(8, (14, 18), 16, (3, 3), 20),
    "edges": Shape(9, (15, 13), 17, (3, 3), 70),
    "five taps": Shape(6, (16, 17), 18, (5, 5), 33),
    "deep": Shape(7, (13, 15), 80, (3, 3), 150),
    "one image": Shape(1, (50, 27), 16, (3, 3), 16),
}


def arrays(shape: Shape, dtype: str = "f32") -> tuple[Any, ...]:
    kind = {"f32": np.float32, "f64": np.float64}[dtype]
    return tuple(random.standard_normal(s).astype(kind) for s in shape.shapes)


def close(found: Any, wanted: Any, depth: int) -> None:
    step = 1e-13 if found.dtype == np.float64 else 2e-5
    np.testing.assert_allclose(found, wanted, rtol=0, atol=step * depth**0.5)


def blocks(f: Any) -> int:
    kernels = [step.kernel for step in f.program.steps if isinstance(step, RunKernel)]
    found = [k for k in kernels if any(isinstance(s, Contract) for s in walk_statements(k.body))]
    return len(found)


def size_text(sizes: tuple[int, ...], name: str = "") -> str:
    return "[" + ", ".join([*([name] if name else []), *map(str, sizes[bool(name) :])]) + "]"


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("dtype", "open_"), [("f32", False), ("f64", True)])
def test_forward(name: str, dtype: str, open_: bool) -> None:
    shape = SHAPES[name]
    x, w, _ = arrays(shape, dtype)
    a = ag.input("x", dtype + size_text(x.shape, "n" if open_ else ""))
    b = ag.input("w", dtype + size_text(w.shape))
    f = ag.function([a, b], Conv(a, b, *shape.kind))
    assert blocks(f) == 1
    for count in (shape.n, *((0, 1, 7) if open_ else ())):
        given = np.resize(x, (count, *x.shape[1:]))
        wanted = Conv.reference(given.astype(float), w.astype(float), *shape.kind)
        close(f(given, w), wanted, int(np.prod(w.shape[:-1])))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("dtype", "open_"), [("f32", False), ("f64", True)])
def test_by_weights(name: str, dtype: str, open_: bool) -> None:
    shape = SHAPES[name]
    x, w, y = arrays(shape, dtype)
    a = ag.input("x", dtype + size_text(x.shape, "n" if open_ else ""))
    b = ag.input("y", dtype + size_text(y.shape, "n" if open_ else ""))
    f = ag.function([a, b], ConvWeights(a, b, *shape.kind, shape.taps))
    assert blocks(f) == 1
    for count in (shape.n, *((0, 1, 7) if open_ else ())):
        given, ct = (np.resize(z, (count, *z.shape[1:])) for z in (x, y))
        known = (*shape.kind, shape.taps)
        wanted = ConvWeights.reference(given.astype(float), ct.astype(float), *known)
        close(f(given, ct), wanted, int(np.prod(ct.shape[:-1])) + 1)
        assert f(given, ct).shape == w.shape


@pytest.mark.parametrize("open_", [False, True])
@pytest.mark.parametrize("name", TILES)
def test_tiles(name: str, open_: bool) -> None:
    """As exact as sums in order, but for a factor of about two."""
    shape = TILES[name]
    x, w, y = arrays(shape)
    a, b, c = (
        ag.input(n, "f32" + size_text(v.shape, "n" if open_ and n != "w" else ""))
        for n, v in zip("xwy", (x, w, y), strict=True)
    )
    forward, by_w = Conv(a, b, *shape.kind), ConvWeights(a, c, *shape.kind, shape.taps)
    assert by_tiles(forward)
    assert by_tiles(by_w)
    half = ag.maximum(forward * 0.5, 0)
    f = ag.function([a, b, c], [forward, half, by_w])
    assert len([s for s in f.program.steps if isinstance(s, RunKernel)]) == 2
    for count in (shape.n, *((0, 1, 5) if open_ else ())):
        given, ct = (np.resize(z, (count, *z.shape[1:])) for z in (x, y))
        first, second, third = f(given, w, ct)
        exact = Conv.reference(given.astype(float), w.astype(float), *shape.kind)
        assert first.shape == exact.shape
        np.testing.assert_allclose(first, exact, rtol=0, atol=3e-5 * w[..., 0].size ** 0.5)
        np.testing.assert_array_equal(second, np.maximum(first * np.float32(0.5), 0))
        known = (*shape.kind, shape.taps)
        exact = ConvWeights.reference(given.astype(float), ct.astype(float), *known)
        np.testing.assert_allclose(third, exact, rtol=0, atol=4e-5 * (ct[..., 0].size + 1) ** 0.5)


def test_tiles_are_as_exact_as_sums_in_order() -> None:
    shape = Shape(2, (18, 18), 64, (3, 3), 64)
    x, w, _ = arrays(shape)
    a, b = ag.input("x", "f32" + size_text(x.shape)), ag.input("w", "f32" + size_text(w.shape))
    y = Conv(a, b, *shape.kind)
    assert by_tiles(y)
    exact = Conv.reference(x.astype(float), w.astype(float), *shape.kind)
    error = np.abs(ag.function([a, b], y)(x, w) - exact)
    in_order = np.zeros_like(exact, dtype=np.float32)
    for r in range(3):
        for s in range(3):
            for c in range(64):
                in_order += x[:, r : r + 16, s : s + 16, c, None] * w[r, s, c]
    assert error.std() < 3 * np.abs(in_order - exact).std()


def test_tiles_in_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "_LEAST", 1)
    monkeypatch.setattr(winograd, "_FIXED", 0)
    shape = Shape(1, (9, 8), 1, (3, 3), 2)
    given = arrays(shape)
    a, b, c = (ag.input(n, "f32" + size_text(v.shape)) for n, v in zip("xwy", given, strict=True))
    nodes = Conv(a, b, *shape.kind), ConvWeights(a, c, *shape.kind, shape.taps)
    assert all(map(by_tiles, nodes))
    f = ag.function([a, b, c], [node + 1 for node in nodes])
    wanted, _ = interpret_program(f.program, given, [])
    for found, value in zip(f(*given), wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=0, atol=1e-4)


def test_tiles_update_weights_in_place() -> None:
    shape = TILES["edges"]
    x, w, y = arrays(shape)
    own = ag.shared(w, "w")
    a, c = ag.input("x", "f32" + size_text(x.shape)), ag.input("y", "f32" + size_text(y.shape))
    by_w = ConvWeights(a, c, *shape.kind, shape.taps)
    f = ag.function([a, c], Conv(a, own, *shape.kind) + 1, updates={own: own - by_w})
    assert len(f.program.steps) == 2
    found = f(x, y)
    exact = Conv.reference(x.astype(float), w.astype(float), *shape.kind) + 1
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-3)
    known = (*shape.kind, shape.taps)
    exact = w - ConvWeights.reference(x.astype(float), y.astype(float), *known)
    np.testing.assert_allclose(own.get_value(), exact, rtol=0, atol=2e-3)


def test_points_make_what_taps_make() -> None:
    for taps in (2, 3, 4, 5):
        places = 7 - taps
        image, kernel = (random.integers(-9, 9, n).tolist() for n in (6, taps))
        rows, weights = (
            [sum(a * b for a, b in zip(row, v, strict=True)) for row in m]
            for m, v in ((of_image()[0], image), (of_kernel(taps), kernel))
        )
        both = [a * b for a, b in zip(rows, weights, strict=True)]
        found = [sum(a * b for a, b in zip(row, both, strict=True)) for row in of_places(places)]
        assert found == [sum(image[k + j] * kernel[j] for j in range(taps)) for k in range(places)]


@pytest.mark.parametrize("name", ["plain", "strides", "solid", "column", "panels"])
def test_no_size_of_the_image_is_known(name: str) -> None:
    shape = SHAPES[name]
    x, w, y = arrays(shape)
    letters = ", ".join("pqr"[: len(shape.space)])
    a = ag.input("x", f"f32[n, {letters}, {x.shape[-1]}]")
    b = ag.input("w", "f32" + size_text(w.shape))
    z = Conv(a, b, *shape.kind)
    f = ag.function([a, b], [z, ag.grad((z * z).sum() / 2, b)])
    assert blocks(f) == 2
    found, by_w = f(x, w)
    wanted = Conv.reference(x.astype(float), w.astype(float), *shape.kind)
    close(found, wanted, int(np.prod(w.shape[:-1])))
    known = (*shape.kind, shape.taps)
    close(by_w, ConvWeights.reference(x.astype(float), wanted, *known), 20 * y.size)


@pytest.mark.parametrize("name", ["plain", "groups", "solid", "column", "long line"])
def test_what_reads_it_is_computed_at_once(name: str) -> None:
    shape = SHAPES[name]
    x, w, y = arrays(shape)
    bias = random.standard_normal(shape.k).astype(np.float32)
    a, b, c = (
        ag.input(n, "f32" + size_text(v.shape)) for n, v in zip("xwb", (x, w, bias), strict=True)
    )
    d = ag.input("d", "f32" + size_text(y.shape))
    z = Conv(a, b, *shape.kind) + c
    f = ag.function([a, b, c, d], [ag.maximum(z, 0), ag.where(z > 0, d, 0)])
    assert len([s for s in f.program.steps if isinstance(s, RunKernel)]) == 1
    first, second = f(x, w, bias, y)
    wanted = Conv.reference(x.astype(float), w.astype(float), *shape.kind) + bias
    depth = int(np.prod(w.shape[:-1]))
    close(first, np.maximum(wanted, 0), depth)
    sure = np.abs(wanted) > 1e-3
    np.testing.assert_array_equal(second[sure], np.where(wanted > 0, y, 0)[sure])


@pytest.mark.parametrize("name", ["plain", "many images", "two panels deep", "groups"])
def test_weights_are_updated_in_place(name: str) -> None:
    shape = SHAPES[name]
    x, w, y = arrays(shape)
    own = ag.shared(w, "w")
    a, b = ag.input("x", "f32" + size_text(x.shape)), ag.input("y", "f32" + size_text(y.shape))
    step = ConvWeights(a, b, *shape.kind, shape.taps)
    f = ag.function([a, b], [], updates={own: own - 0.5 * step})
    assert len(f.program.steps) == 1
    f(x, y)
    known = (*shape.kind, shape.taps)
    wanted = w - 0.5 * ConvWeights.reference(x.astype(float), y.astype(float), *known)
    close(own.get_value(), wanted, int(np.prod(y.shape[:-1])))


@pytest.mark.parametrize("name", ["plain", "strides", "groups", "column", "dilated", "one channel"])
def test_interpreter_agrees(name: str) -> None:
    shape = SHAPES[name]
    x, w, y = arrays(shape)
    a, b, c = (
        ag.input(n, "f32" + size_text(v.shape, "n" if n != "w" else ""))
        for n, v in zip("xwy", (x, w, y), strict=True)
    )
    f = ag.function(
        [a, b, c],
        [Conv(a, b, *shape.kind) * 2, ConvWeights(a, c, *shape.kind, shape.taps)],
    )
    given = (x, w, y)
    wanted, _ = interpret_program(f.program, given, [])
    for found, value in zip(f(*given), wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-4)


def test_padding_and_gradients_of_both_kinds() -> None:
    shape = Shape(2, (6, 7), 3, (3, 4), 5, strides=(2, 1))
    x, w, _ = arrays(shape, "f64")
    a, b = ag.input("x", "f64[n, 6, 7, 3]"), ag.input("w", "f64[3, 4, 3, 5]")
    padded = Place(a, (0, 1, 2, 0), (1, 1, 1, 1), (a.type.shape[0], 8, 11, 3))
    y = Conv(padded, b, *shape.kind)
    cost = (ag.tanh(y) ** 2).sum()
    f = ag.function([a, b], [y, *ag.grad(cost, [a, b])])
    found = f(x, w)
    wide = np.zeros((2, 8, 11, 3))
    wide[:, 1:7, 2:9] = x
    wanted = Conv.reference(wide, w, *shape.kind)
    close(found[0], wanted, 36)
    ct = 2 * np.tanh(wanted) * (1 - np.tanh(wanted) ** 2)
    close(found[2], ConvWeights.reference(wide, ct, *shape.kind, (3, 4)), 1000)
    step = random.standard_normal(x.shape)
    size = 1e-6

    def value(z: Any) -> float:
        wide[:, 1:7, 2:9] = z
        return float((np.tanh(Conv.reference(wide, w, *shape.kind)) ** 2).sum())

    slope = (value(x + size * step) - value(x - size * step)) / (2 * size)
    np.testing.assert_allclose((found[1] * step).sum(), slope, rtol=1e-6)


@pytest.mark.parametrize(("size", "most", "parts"), [(5, 5, 1), (10, 4, 2), (8, 4, 1), (3, 7, 1)])
def test_stretches(size: int, most: int, parts: int) -> None:
    lengths: list[Any] = []

    def body(start: Any, count: Any) -> list[Any]:
        del start
        lengths.append(count)
        return []

    spans(size, most, body)
    assert len(lengths) == parts
    assert lengths[0] == min(size, most)
