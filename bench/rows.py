"""The rows of our own benchmarks: what is computed, on what, and the least that it can cost.

A row's expression is written once, over the functions ``m`` that each library provides under one
name (``bench/libraries``).  ``pure`` rows compute results of their arrays.  ``train`` rows are
steps of gradient descent on a loss, which change the parameters in place; NumPy's are written by
hand.  ``scatter`` subtracts rows at indices from a table, in place.

Nothing here needs agnesi: other libraries' Pythons read this file too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Arrays = dict[str, np.ndarray[Any, Any]]
Sizes = dict[str, int]
Random = np.random.Generator


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: what it is called in tables.
        group: the rows it stands among.
        what: what is computed, for readers.
        sizes: by name.
        arrays: makes the arrays, by name, in the order of the expression's arguments.
        expression: of ``m`` and the arrays; of ``m``, the parameters and the data in ``train``.
        kind: what a call does.
        parameters: arrays that a call changes.
        rate: of the descent.
        step: the name of NumPy's step, in ``train``.
        flops: operations of a call, at least.
        bytes: memory read and written by a call, at least.
    """

    name: str
    group: str
    what: str
    sizes: Mapping[str, int]
    arrays: Callable[[Sizes, Random], Arrays]
    expression: Callable[..., Any]
    kind: Literal["pure", "train", "scatter"] = "pure"
    parameters: tuple[str, ...] = ()
    rate: float = 0.1
    step: str = ""
    flops: Callable[[Sizes], float] | None = None
    bytes: Callable[[Sizes], float] | None = None

    def make(self) -> Arrays:
        """Return the arrays: the same in every process."""
        return self.arrays(dict(self.sizes), np.random.default_rng(20))

    def tiny(self) -> Row:
        """Return the row with sizes of a few elements, for tests."""
        return replace(self, sizes={name: min(size, 6) for name, size in self.sizes.items()})


# -- arrays --------------------------------------------------------------------------------------


def normal(random: Random, *shape: int, scale: float = 1.0, dtype: Any = np.float32) -> Any:
    """Return normal numbers, made without a larger copy in between."""
    numbers = random.standard_normal(shape, dtype)
    numbers *= dtype(scale)
    return numbers


def layer(random: Random, rows: int, columns: int) -> Any:
    """Return weights of a layer."""
    return normal(random, rows, columns, scale=rows**-0.5)


def vector(s: Sizes, random: Random, dtype: Any = np.float32) -> Arrays:
    return {"x": normal(random, s["n"], dtype=dtype)}


def positive(s: Sizes, random: Random, dtype: Any = np.float32) -> Arrays:
    return {"x": random.uniform(0.1, 3, s["n"]).astype(dtype)}


def matrix(s: Sizes, random: Random) -> Arrays:
    return {"x": normal(random, s["m"], s["n"])}


def normed(s: Sizes, random: Random) -> Arrays:
    return matrix(s, random) | {"g": normal(random, s["n"]), "b": normal(random, s["n"])}


def labelled(s: Sizes, random: Random) -> Arrays:
    return matrix(s, random) | {"y": random.integers(0, s["n"], s["m"])}


def cube(s: Sizes, random: Random) -> Arrays:
    return {"x": normal(random, s["k"], s["m"], s["n"])}


def pair(s: Sizes, random: Random) -> Arrays:
    return {"a": normal(random, s["m"], s["k"]), "b": normal(random, s["k"], s["n"])}


def batched(s: Sizes, random: Random) -> Arrays:
    n, b = s["n"], s["batch"]
    return {"a": normal(random, b, n, n), "b": normal(random, b, n, n)}


def matrix_vector(s: Sizes, random: Random) -> Arrays:
    return {"a": normal(random, s["n"], s["n"]), "b": normal(random, s["n"])}


def dense(s: Sizes, random: Random) -> Arrays:
    return {
        "x": normal(random, s["batch"], s["inputs"]),
        "w": layer(random, s["inputs"], s["outputs"]),
        "b": normal(random, s["outputs"]),
    }


def network(s: Sizes, random: Random, *, layers: int) -> Arrays:
    widths = [s["inputs"], *([s["hidden"]] * (layers - 1)), s["classes"]]
    made: Arrays = {}
    for k, (rows, columns) in enumerate(pairwise(widths)):
        made[f"w{k}"] = layer(random, rows, columns)
        made[f"b{k}"] = normal(random, columns, scale=0.01)
    made["x"] = random.random((s["batch"], s["inputs"]), np.float32)
    made["y"] = random.integers(0, s["classes"], s["batch"])
    return made


def tied(s: Sizes, random: Random) -> Arrays:
    return {
        "w": normal(random, s["inputs"], s["hidden"], scale=0.02),
        "b": normal(random, s["hidden"], scale=0.01),
        "c": normal(random, s["inputs"], scale=0.01),
        "x": random.random((s["batch"], s["inputs"]), np.float32),
    }


def variational(s: Sizes, random: Random) -> Arrays:
    i, h, z = s["inputs"], s["hidden"], s["latent"]
    made: Arrays = {}
    for k, (rows, columns) in enumerate([(i, h), (h, z), (h, z), (z, h), (h, i)]):
        made[f"w{k}"] = layer(random, rows, columns)
        made[f"b{k}"] = normal(random, columns, scale=0.01)
    made["x"] = (random.random((s["batch"], i), np.float32) > 0.7).astype(np.float32)
    made["noise"] = normal(random, s["batch"], z)
    return made


def embedding(s: Sizes, random: Random) -> Arrays:
    return {
        "table": normal(random, s["words"], s["width"]),
        "index": random.integers(0, s["words"], s["batch"]),
        "change": normal(random, s["batch"], s["width"]),
    }


# -- expressions ---------------------------------------------------------------------------------


def chain(m: Any, x: Any) -> Any:
    return m.exp(-x * x / 2) * m.tanh(1.3 * x + 0.2) + m.log1p(m.abs(x))


def thirty(m: Any, x: Any) -> Any:
    for k in range(10):
        x = m.tanh(x * (0.7 + 0.05 * k) + (0.3 - 0.06 * k))
    return x


def network_loss(m: Any, parameters: Any, x: Any, y: Any, *, layers: int, activation: str) -> Any:
    for k in range(layers):
        x = m.dense(x, parameters[2 * k], parameters[2 * k + 1])
        if k < layers - 1:
            x = getattr(m, activation)(x)
    return m.cross_entropy(x, y)


def tied_loss(m: Any, parameters: Any, x: Any) -> Any:
    w, b, c = parameters
    error = x - m.sigmoid(m.sigmoid(x @ w + b) @ m.transposed(w) + c)
    return m.sum(error * error, None) / 100


def variational_loss(m: Any, parameters: Any, x: Any, noise: Any) -> Any:
    w0, b0, w1, b1, w2, b2, w3, b3, w4, b4 = parameters
    h = m.tanh(m.dense(x, w0, b0))
    mean, log_variance = m.dense(h, w1, b1), m.dense(h, w2, b2)
    z = mean + m.exp(log_variance * 0.5) * noise
    out = m.dense(m.tanh(m.dense(z, w3, b3)), w4, b4)
    divergence = 1 + log_variance - mean * mean - m.exp(log_variance)
    return (m.sum(m.softplus(out) - x * out, None) - 0.5 * m.sum(divergence, None)) / 100


# -- rows ----------------------------------------------------------------------------------------

K, M = 1000, 1_000_000
BIG = {"m": 1024, "n": 1000}
CUBE = {"k": 512, "m": 512, "n": 64}


def elementwise(name: str, what: str, n: int, dtype: Any, expression: Any) -> Row:
    size = np.dtype(dtype).itemsize
    suffix = f"f{8 * size}.1e{len(str(n)) - 1}"
    return Row(
        f"{name}.{suffix}",
        "element-wise",
        f"{what}, {n:,} float{8 * size}",
        {"n": n},
        partial(positive if name.startswith("fn") else vector, dtype=dtype),
        expression,
        bytes=lambda s: 2 * size * s["n"],
    )


def of_rows(name: str, what: str, expression: Any, moved: int, arrays: Any = matrix) -> Row:
    return Row(
        f"row.{name}",
        "row operations",
        f"{what}, 1024 x 1000 float32",
        BIG,
        arrays,
        expression,
        bytes=lambda s: 4 * moved * s["m"] * s["n"],
    )


def summed(name: str, axis: int | None) -> Row:
    return Row(
        f"sum.{name}",
        "sums and orders",
        f"sum over {'all axes' if axis is None else f'axis {axis}'}, 512 x 512 x 64 float32",
        CUBE,
        cube,
        lambda m, x: m.sum(x, axis),
        bytes=lambda s: 4 * s["k"] * s["m"] * s["n"],
    )


def ordered(name: str, what: str, moved: int) -> Row:
    return Row(
        name,
        "sums and orders",
        f"{what} along axis 1, 1024 x 1000 float32",
        BIG,
        matrix,
        lambda m, x: getattr(m, name)(x),
        bytes=lambda s: 4 * moved * s["m"] * s["n"],
    )


def product(n: int) -> Row:
    return Row(
        f"gemm.{n}",
        "matrix products",
        f"product of {n} x {n} float32",
        {"m": n, "k": n, "n": n},
        pair,
        lambda m, a, b: a @ b,
        flops=lambda s: 2 * s["m"] * s["k"] * s["n"],
    )


def matvec(n: int) -> Row:
    return Row(
        f"gemv.{n}",
        "matrix products",
        f"{n} x {n} matrix times vector, float32",
        {"n": n},
        matrix_vector,
        lambda m, a, b: m.matvec(a, b),
        bytes=lambda s: 4 * s["n"] ** 2,
    )


def training(
    name: str, what: str, layers: int, batch: int, *, hidden: int = 1, activation: str = "tanh"
) -> Row:
    def flops(s: Sizes) -> float:
        widths = [s["inputs"], *([s["hidden"]] * (layers - 1)), s["classes"]]
        products = [i * o for i, o in pairwise(widths)]
        return 2 * s["batch"] * (3 * sum(products) - products[0])

    return Row(
        name,
        "training steps",
        f"{what}, batch {batch}: loss, gradient, update",
        {"inputs": 784, "hidden": hidden, "classes": 10, "batch": batch},
        partial(network, layers=layers),
        partial(network_loss, layers=layers, activation=activation),
        kind="train",
        parameters=tuple(f"{c}{k}" for k in range(layers) for c in "wb"),
        step=f"network_{activation}",
        flops=flops,
    )


def add(m: Any, x: Any) -> Any:
    return x + 1


CHAIN = "exp(-x\\*x/2) \\* tanh(a\\*x+b) + log1p(abs(x))"
THIRTY = "tanh(x\\*c+d), ten times over"
FLOATS = (np.float32, np.float64)

ROWS: tuple[Row, ...] = (
    Row("call.add10", "calls", "x + 1 on 10 float32", {"n": 10}, vector, add),
    Row("call.g30", "calls", f"{THIRTY}, on 10 float32", {"n": 10}, vector, thirty),
    *(
        elementwise("chain", CHAIN, n, dtype, chain)
        for dtype in FLOATS
        for n in (K, 100 * K, 10 * M)
    ),
    elementwise("g30", THIRTY, 10 * M, np.float32, thirty),
    *(
        elementwise(f"fn.{f}", f, 100 * K, dtype, lambda m, x, f=f: getattr(m, f)(x))
        for dtype in FLOATS
        for f in ("exp", "log", "sin", "tanh")
    ),
    of_rows("softmax", "softmax", lambda m, x: m.softmax(x), 2),
    of_rows(
        "loss_grad",
        "cross-entropy of a log-softmax, and its gradient",
        lambda m, x, y: m.loss_and_gradient(x, y),
        2,
        labelled,
    ),
    of_rows(
        "layernorm", "layer norm with gain and bias", lambda m, *a: m.layer_norm(*a), 2, normed
    ),
    of_rows("logsumexp", "log of the sum of exp", lambda m, x: m.logsumexp(x), 1),
    of_rows("variance", "variance", lambda m, x: m.variance(x), 1),
    summed("0", 0),
    summed("1", 1),
    summed("2", 2),
    summed("all", None),
    ordered("argmax", "index of the greatest", 1),
    ordered("cumsum", "running sum", 2),
    ordered("sort", "sorted", 2),
    *(product(n) for n in (64, 128, 256, 512, 1024, 2048)),
    Row(
        "bmm.64x128",
        "matrix products",
        "64 products of 128 x 128 float32",
        {"batch": 64, "n": 128},
        batched,
        lambda m, a, b: a @ b,
        flops=lambda s: 2 * s["batch"] * s["n"] ** 3,
    ),
    matvec(512),
    matvec(2048),
    Row(
        "dense_tanh.128",
        "matrix products",
        "tanh(x @ w + b), 128 x 784 times 784 x 500 float32",
        {"batch": 128, "inputs": 784, "outputs": 500},
        dense,
        lambda m, x, w, b: m.dense_tanh(x, w, b),
        flops=lambda s: 2 * s["batch"] * s["inputs"] * s["outputs"],
    ),
    training("logreg.b60", "logistic regression 784-10", 1, 60),
    training("logreg.b600", "logistic regression 784-10", 1, 600),
    training("mlp.b60", "network 784-500-10, tanh", 2, 60, hidden=500),
    training("mlp.b500", "network 784-500-10, tanh", 2, 500, hidden=500),
    training(
        "mlp3x1000.b128",
        "network 784-1000-1000-1000-10, relu",
        4,
        128,
        hidden=1000,
        activation="relu",
    ),
    Row(
        "ae.3072-1000",
        "training steps",
        "tied auto-encoder 3072-1000, sigmoid, batch 100: loss, gradient, update",
        {"inputs": 3072, "hidden": 1000, "batch": 100},
        tied,
        tied_loss,
        kind="train",
        parameters=("w", "b", "c"),
        rate=0.01,
        step="tied",
        flops=lambda s: 10 * s["batch"] * s["inputs"] * s["hidden"],
    ),
    Row(
        "vae.784-500-50",
        "training steps",
        "variational auto-encoder 784-500-50, its noise given, batch 100",
        {"inputs": 784, "hidden": 500, "latent": 50, "batch": 100},
        variational,
        variational_loss,
        kind="train",
        parameters=tuple(f"{c}{k}" for k in range(5) for c in "wb"),
        rate=1e-3,
        step="variational",
        flops=lambda s: 2 * s["batch"] * s["hidden"] * (5 * s["inputs"] + 9 * s["latent"]),
    ),
    Row(
        "embedding",
        "training steps",
        "512 of 50,000 rows of 256 float32 changed in place",
        {"words": 50_000, "width": 256, "batch": 512},
        embedding,
        lambda m, table, index, change: m.scatter(table, index, change),
        kind="scatter",
        parameters=("table",),
        bytes=lambda s: 12 * s["batch"] * s["width"],
    ),
)

BY_NAME = {row.name: row for row in ROWS}
