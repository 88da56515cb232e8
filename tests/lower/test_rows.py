"""Kernels over rows: what shares one, as text; its values; and what it must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.loops.text import kernel_text
from agnesi.lower.program import Copy
from agnesi.testing.compare import assert_close
from agnesi.testing.evaluators import interpreted, looped, native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Tensor


def bodies(inputs: list[str], build: Callable[..., Any]) -> list[str]:
    """Return the loops of each kernel, without its first line."""
    symbols = [ag.input(name, kind) for name, kind in (text.split(": ") for text in inputs)]
    f = ag.function(symbols, build(*symbols), on_unused_input="ignore")
    return ["\n".join(kernel_text(k).splitlines()[1:]) for k in f.kernels]


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """As people write it."""
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred / ag.sqrt(variance + 1e-5) * gain + bias


def loss_and_gradient(x: Tensor, labels: Tensor) -> list[Tensor]:
    """The mean cross-entropy and its gradient."""
    loss = ag.cross_entropy(x, labels).mean()
    return [loss, ag.grad(loss, x)]


TEXTS = {
    "softmax": (
        ["x: f32[n, 100]"],
        lambda x: ag.softmax(x),
        """\
  parallel for i < n:
    acc = -inf
    for j < 100:
      acc max= x[100*i + j]
    top = acc
    acc1 = 0.0
    for j < 100:
      exp = exp(x[100*i + j] - select(abs(top) < inf, top, 0.0))
      acc1 += exp
      out0[100*i + j] = exp
    sum = acc1
    for j < 100:
      exp = out0[100*i + j]
      divide = exp / sum
      out0[100*i + j] = divide""",
    ),
    "what is cheap is computed again": (
        ["x: f32[n, 100]"],
        lambda x: ag.log_softmax(x),
        """\
  parallel for i < n:
    acc = -inf
    for j < 100:
      acc max= x[100*i + j]
    top = acc
    acc1 = 0.0
    for j < 100:
      v0 = select(abs(top) < inf, top, 0.0)
      subtract = x[100*i + j] - v0
      acc1 += exp(subtract)
    sum = acc1
    log = log(sum)
    for j < 100:
      v0 = select(abs(top) < inf, top, 0.0)
      subtract = x[100*i + j] - v0
      subtract1 = subtract - log
      out0[100*i + j] = subtract1""",
    ),
    "sums of one level share a loop": (
        ["x: i64[n, m]"],
        lambda x: [x.sum(1), (x * x).sum(1) + x.max(1)],
        """\
  parallel for i < n:
    acc = 0
    acc1 = 0
    acc2 = -9223372036854775808
    for j < m:
      acc += x[i*m + j]
      acc1 += x[i*m + j] * x[i*m + j]
      acc2 max= x[i*m + j]
    sum = acc
    out0[i] = sum
    sum1 = acc1
    max = acc2
    add = sum1 + max
    out1[i] = add""",
    ),
    "what leads to no result waits in memory of the row": (
        ["x: f32[n, 40]"],
        lambda x: (ag.tanh(x) / ag.tanh(x).sum(1, keepdims=True)).max(1),
        """\
  parallel for i < n:
    acc = 0.0
    for j < 40:
      tanh = tanh(x[40*i + j])
      acc += tanh
      tanhs[j] = tanh
    sum = acc
    acc1 = -inf
    for j < 40:
      tanh = tanhs[j]
      acc1 max= tanh / sum
    max = acc1
    out0[i] = max""",
    ),
    "rows of few columns are written out": (
        ["x: f32[n, 2]"],
        lambda x: x / x.sum(1, keepdims=True),
        """\
  parallel for i < n:
    sum = x[2*i] + x[2*i + 1]
    divide_0 = x[2*i] / sum
    divide_1 = x[2*i + 1] / sum
    out0[2*i] = divide_0
    out0[2*i + 1] = divide_1""",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_one_kernel(name: str):
    inputs, build, expected = TEXTS[name]
    assert bodies(inputs, build) == [expected]


ONE_KERNEL = {
    "softmax": (["x: f32[n, m]"], lambda x: ag.softmax(x)),
    "log-softmax": (["x: f32[n, m]"], lambda x: ag.log_softmax(x)),
    "logsumexp": (["x: f32[n, m]"], lambda x: ag.logsumexp(x, -1)),
    "layer norm": (["x: f32[n, m]", "g: f32[m]", "b: f32[m]"], layer_norm),
    "variance": (["x: f32[n, m]"], lambda x: x.var(-1)),
    "standard deviation": (["x: f32[k, n, m]"], lambda x: x.std((1, 2))),
    "gradient of softmax": (
        ["x: f32[n, m]"],
        lambda x: ag.grad((ag.softmax(x) ** 2).sum(), x),
    ),
    "scores of attention": (
        ["x: f32[b, h, n, m]", "mask: bool[n, m]"],
        lambda x, mask: ag.softmax(ag.where(mask, x * 0.125, -1e9)),
    ),
}


@pytest.mark.parametrize("name", ONE_KERNEL)
def test_memory_is_gone_through_once(name: str):
    assert len(bodies(*ONE_KERNEL[name])) == 1


def test_cross_entropy_and_its_gradient_are_one_kernel_besides_the_labels_and_the_mean():
    found = bodies(["x: f32[n, m]", "y: i64[n]"], loss_and_gradient)
    assert sum("exp(" in text for text in found) == 1
    assert sum("x[" in text for text in found) == 1
    assert len(found) == 5


BUILDS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "softmax": (("x",), lambda x: ag.softmax(x)),
    "log-softmax": (("x",), lambda x: ag.log_softmax(x)),
    "logsumexp": (("x",), lambda x: ag.logsumexp(x, -1, keepdims=True)),
    "layer norm": (("x", "g", "b"), layer_norm),
    "variance": (("x",), lambda x: [x.var(-1), x.std(-1), x.mean(-1)]),
    "extremes": (("x",), lambda x: [x.max(1), x.min(1), x - x.max(1, keepdims=True)]),
    "normalised": (("x",), lambda x: x / ag.sqrt((x * x).sum(-1, keepdims=True))),
    "reversed": (("x",), lambda x: ag.softmax(x)[:, ::-1] / ag.softmax(x).max(-1, keepdims=True)),
    "turned": (("x",), lambda x: ag.softmax(x).T - ag.softmax(x).T.sum(1, keepdims=True)),
    "the other axis": (("x",), lambda x: ag.softmax(x, 0) - x.mean(1, keepdims=True)),
    "first column": (
        ("x",),
        lambda x: x - x[:, 0][:, None] + (x - x[:, 0][:, None]).sum(-1)[:, None],
    ),
    "gradient": (("x",), lambda x: ag.grad((ag.softmax(x) ** 2).sum(), x)),
    "gradient of layer norm": (
        ("x", "g", "b"),
        lambda x, g, b: ag.grad((layer_norm(x, g, b) ** 2).sum(), [x, g, b]),
    ),
    "counts": (("x",), lambda x: [(x > 0).all(1), (x > 0).sum(1), (x > x.mean(1)[:, None]).any(1)]),
    "complex": (
        ("x",),
        lambda x: (x + 1j * x * x) / (1 + abs((x + 1j * x * x).sum(-1, keepdims=True))),
    ),
}


def samples(names: tuple[str, ...], rows: int, columns: int, kind: str) -> list[Any]:
    """Return arrays for inputs of these names."""
    rng = np.random.default_rng(rows * 1000 + columns)
    shapes = {"x": (rows, columns), "g": (columns,), "b": (columns,)}
    dtype = kind.replace("f", "float")
    return [(rng.standard_normal(shapes[name]) * 2).astype(dtype) for name in names]


def check(
    inputs: Sequence[Tensor], outputs: Any, every: list[list[Any]], evaluate: Any = native
) -> None:
    """Compare with NumPy, node by node, to a few units of the largest element."""
    outputs = outputs if isinstance(outputs, list) else [outputs]
    run, right = evaluate(inputs, outputs), interpreted(inputs, outputs)
    for arrays in every:
        with np.errstate(all="ignore"):
            expected = right(arrays)
        for found, wanted in zip(run(arrays), expected, strict=True):
            size = 1.0
            if wanted.dtype.kind in "fc":
                size = np.abs(wanted[np.isfinite(wanted)]).max(initial=1)
            what = f"{evaluate.__name__} of {[a.shape for a in arrays]}"
            assert_close(found, wanted, 40, scale=size, what=what)


def prepared(name: str, kind: str, columns: int | str) -> tuple[list[Any], Any]:
    """Return inputs of this many columns, and what is built of them."""
    names, build = BUILDS[name]
    types = {"x": f"{kind}[n, {columns}]", "g": f"{kind}[{columns}]", "b": f"{kind}[{columns}]"}
    inputs = [ag.input(each, types[each]) for each in names]
    return inputs, build(*inputs)


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize(("kind", "columns"), [("f32", 3), ("f64", 40), ("f32", 300)])
def test_values(name: str, kind: str, columns: int):
    every = [samples(BUILDS[name][0], rows, columns, kind) for rows in (1, 5, 37)]
    check(*prepared(name, kind, columns), every)


@pytest.mark.parametrize("name", BUILDS)
def test_values_of_unknown_sizes(name: str):
    names, _ = BUILDS[name]
    least = 2 if name == "variance" else 1
    every = [samples(names, 5, columns, "f32") for columns in (least, 3, 17, 128, 300)]
    check(*prepared(name, "f32", "m"), every)
    check(*prepared(name, "f64", "m"), [samples(names, 3, 6, "f64")], looped)


@pytest.mark.parametrize("name", BUILDS)
def test_loops_as_they_are_interpreted(name: str):
    check(*prepared(name, "f32", 4), [samples(BUILDS[name][0], 3, 4, "f32")], looped)


@pytest.mark.parametrize("name", ["softmax", "log-softmax", "layer norm", "normalised", "counts"])
def test_nothing(name: str):
    every = [samples(BUILDS[name][0], *shape, "f32") for shape in ((0, 5), (4, 0), (0, 0))]
    check(*prepared(name, "f32", "m"), every)


@pytest.mark.parametrize("columns", [4, 40])
@pytest.mark.parametrize("name", ["softmax", "log-softmax", "logsumexp", "layer norm", "extremes"])
def test_infinities_and_nan(name: str, columns: int):
    arrays = samples(BUILDS[name][0], 8, columns, "f32")
    arrays[0][1] = -np.inf
    arrays[0][2, 1] = np.inf
    arrays[0][3, columns - 1] = np.nan
    arrays[0][4, :2] = np.inf, -np.inf
    arrays[0][5, 0] = -np.nan
    arrays[0][6] = np.inf
    check(*prepared(name, "f32", columns), [arrays])


def test_several_axes():
    x = ag.input("x", "f32[a, b, 3, c]")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, 4, 3, 50)).astype(np.float32)]
    outputs = [
        ag.softmax(x, -1),
        ag.softmax(x, (2, 3)),
        x - x.mean((1, 2, 3), keepdims=True),
        ag.logsumexp(x, (0, 3)),
        x.transpose(3, 1, 2, 0) / abs(x).transpose(3, 1, 2, 0).sum((2, 3), keepdims=True),
    ]
    check([x], outputs, [arrays])


def test_rows_of_a_broadcast_and_of_one_column():
    x, y = ag.input("x", "f32[n, 1]"), ag.input("y", "f32[5, 1, 60]")
    rng = np.random.default_rng(0)
    arrays = [rng.random((4, 1), np.float32), rng.random((5, 1, 60), np.float32)]
    wide = ag.exp(x + y)
    outputs = [
        x / x.sum(1, keepdims=True),
        wide / wide.sum(-1, keepdims=True),
        y - y.max((1, 2), keepdims=True),
    ]
    check([x, y], outputs, [arrays])


def test_what_a_product_needs_comes_between():
    x, w = ag.input("x", "f32[n, 8]"), ag.input("w", "f32[8, 8]")
    rng = np.random.default_rng(0)
    arrays = [rng.random((6, 8), np.float32), rng.random((8, 8), np.float32)]
    p = ag.softmax(x)
    q = p @ w
    outputs = [ag.softmax(q + p), (q * p).sum(1), p.max(1) + q.sum(1)]
    check([x, w], outputs, [arrays])


def test_rows_chosen_by_numbers():
    x, labels = ag.input("x", "f32[n, m]"), ag.input("y", "i64[n]")
    rng = np.random.default_rng(0)
    arrays = [rng.random((30, 70), np.float32), rng.integers(0, 70, 30)]
    logs = ag.log_softmax(x)
    picked = ag.take_along_axis(logs, labels[:, None], 1)[:, 0]
    check([x, labels], [-picked.mean(), logs], [arrays])
    check([x, labels], loss_and_gradient(x, labels), [arrays])
    few = [arrays[0][:4], arrays[1][:4]]
    check([x, labels], loss_and_gradient(x, labels), [few], looped)


@pytest.mark.parametrize("columns", [7, 70])
def test_an_update_by_rows_is_written_in_place(columns: int):
    start = np.random.default_rng(0).random((20, columns), np.float32)
    w = ag.shared(start.copy(), "w")
    f = ag.function([], [], updates=[(w, w / ag.sqrt((w * w).sum(1, keepdims=True)))])
    assert len(f.kernels) == 1
    assert not any(isinstance(s, Copy) for s in f.program.steps)
    f()
    right = start / np.sqrt((start * start).sum(1, keepdims=True))
    np.testing.assert_allclose(w.get_value(), right, rtol=1e-6)


@pytest.mark.parametrize("columns", [7, 70])
def test_an_old_value_that_rows_read_later_is_not_overwritten(columns: int):
    start = np.random.default_rng(0).random((20, columns), np.float32)
    a, b = (ag.shared(start.copy(), name) for name in "ab")
    doubled = a * 2
    total = doubled.sum(1, keepdims=True)
    mixed = a / total
    ag.function([], [], updates=[(a, doubled), (b, mixed)])()
    np.testing.assert_array_equal(a.get_value(), start * 2)
    right = start / (start * 2).sum(1, keepdims=True)
    np.testing.assert_allclose(b.get_value(), right, rtol=1e-6)
    # Rows in another order.
    c = ag.shared(start.copy(), "c")
    ag.function([], [], updates=[(c, c[::-1] - c.max(1, keepdims=True))])()
    np.testing.assert_array_equal(c.get_value(), start[::-1] - start.max(1, keepdims=True))


def test_sums_of_rows_are_as_good_as_alone():
    x = ag.input("x", "f32[n, m]")
    values = np.random.default_rng(0).random((20, 100_003), np.float32)
    total, squares = ag.function([x], [x.sum(1), (x * x).sum(1)])(values)
    exact = values.astype(np.float64)
    np.testing.assert_allclose(total, exact.sum(1), rtol=1.2e-7)
    np.testing.assert_allclose(squares, (exact * exact).sum(1), rtol=1.2e-7)


def test_channels_of_a_batch_are_rows_where_they_lie_apart():
    # [n, c, h, w]: what reads a mean over all but the channels shares a kernel with it.
    x = ag.input("x", "f32[5, 20, 9, 8]")
    mean = x.mean((0, 2, 3), keepdims=True)
    centred = x - mean
    scaled = centred / ag.sqrt((centred * centred).mean((0, 2, 3), keepdims=True) + 1)
    f = ag.function([x], [scaled, scaled.max((0, 2, 3))])
    assert str(f.explain()).count("kernel k") == 1
    value = np.random.default_rng(0).normal(size=(5, 20, 9, 8)).astype(np.float32)
    wide = value - value.mean((0, 2, 3), keepdims=True, dtype="f8")
    wanted = wide / np.sqrt((wide**2).mean((0, 2, 3), keepdims=True) + 1)
    result, top = f(value)
    np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(top, wanted.max((0, 2, 3)), rtol=1e-5)


def test_rows_in_short_stretches_are_no_rows():
    # Of [n, c, 2] the sums of several channels are taken at once.
    x = ag.input("x", "f32[500, 20, 2]")
    f = ag.function([x], x - x.mean((0, 2), keepdims=True))
    assert str(f.explain()).count("kernel k") == 2
    value = np.random.default_rng(0).normal(size=(500, 20, 2)).astype(np.float32)
    wanted = value - value.mean((0, 2), keepdims=True, dtype="f8")
    np.testing.assert_allclose(f(value), wanted, atol=1e-6)
