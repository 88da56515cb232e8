"""agnesi: sizes are left open, arrays are NumPy's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from bench.libraries import Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row


def layer_norm(x: ag.Tensor, g: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
    """Return rows of mean 0 and variance 1, with gain and bias."""
    centred = x - x.mean(1, keepdims=True)
    variance = (centred * centred).mean(1, keepdims=True)
    return centred / ag.sqrt(variance + 1e-5) * g + b


def loss_and_gradient(x: ag.Tensor, y: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
    """Return the mean cross-entropy of rows of logits, and its gradient."""
    loss = ag.cross_entropy(x, y).mean()
    return loss, ag.grad(loss, x)


FUNCTIONS = SimpleNamespace(
    exp=ag.exp,
    log=ag.log,
    sin=ag.sin,
    tanh=ag.tanh,
    log1p=ag.log1p,
    abs=ag.abs,
    sigmoid=ag.sigmoid,
    relu=ag.relu,
    softplus=ag.softplus,
    softmax=lambda x: ag.softmax(x, 1),
    loss_and_gradient=loss_and_gradient,
    layer_norm=layer_norm,
    logsumexp=lambda x: ag.logsumexp(x, 1),
    variance=lambda x: x.var(1),
    sum=lambda x, axis: x.sum(axis),
    argmax=lambda x: x.argmax(1),
    cumsum=lambda x: ag.cumsum(x, 1),
    sort=lambda x: ag.sort(x, 1),
    matvec=lambda a, b: a @ b,
    dense=lambda x, w, b: x @ w + b,
    dense_tanh=lambda x, w, b: ag.tanh(x @ w + b),
    transposed=lambda w: w.T,
    cross_entropy=lambda x, y: ag.cross_entropy(x, y).mean(),
)


def variable(name: str, array: Any) -> ag.Tensor:
    """Return an input for an array, of any size."""
    kind = f"{array.dtype.kind}{8 * array.dtype.itemsize}"
    return ag.input(name, f"{kind}[{', '.join('?' * array.ndim)}]")


class Library(Side):
    """agnesi."""

    m = FUNCTIONS

    def version(self) -> str:
        """Return name and version."""
        return f"agnesi {ag.__version__}"

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        inputs = [variable(name, a) for name, a in arrays.items()]
        result = row.expression(self.m, *inputs)
        several = isinstance(result, tuple)
        f = ag.function(inputs, list(result) if several else result)
        return Program(
            f,
            tuple(arrays.values()),
            lambda got: [np.asarray(g) for g in (got if several else (got,))],
        )

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        before = list(parameters.values())
        weights = [ag.shared(p.copy(), name=name) for name, p in parameters.items()]
        inputs = [variable(name, a) for name, a in data.items()]
        loss = row.expression(self.m, weights, *inputs)
        slopes = ag.grad(loss, weights)
        updates = [(w, w - row.rate * g) for w, g in zip(weights, slopes, strict=True)]
        f = ag.function(inputs, loss, updates=updates)

        def outputs(got: Any) -> list[Any]:
            now = [w.get_value() for w in weights]
            return [np.asarray(got), *(n - b for n, b in zip(now, before, strict=True))]

        return Program(f, tuple(data.values()), outputs)

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        before = arrays["table"]
        table = ag.shared(before.copy(), name="table")
        index, change = (variable(name, arrays[name]) for name in ("index", "change"))
        update = table.at[index].add(-row.rate * change)
        f = ag.function([index, change], [], updates=[(table, update)])
        given = arrays["index"], arrays["change"]
        return Program(f, given, lambda _: [table.get_value() - before])
