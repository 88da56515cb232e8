"""PyTensor, compiled by Numba, sizes known."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.libraries import Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row

pytensor: Any = import_module("pytensor")
pt: Any = import_module("pytensor.tensor")


def layer_norm(x: Any, g: Any, b: Any) -> Any:
    """Return rows of mean 0 and variance 1, with gain and bias."""
    centred = x - x.mean(axis=1, keepdims=True)
    variance = pt.mean(centred * centred, axis=1, keepdims=True)
    return centred / pt.sqrt(variance + np.float32(1e-5)) * g + b


def cross_entropy(x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of rows of logits."""
    return -pt.mean(pt.special.log_softmax(x, axis=-1)[pt.arange(y.shape[0]), y])


def loss_and_gradient(x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of rows of logits, and its gradient."""
    loss = cross_entropy(x, y)
    return loss, pytensor.grad(loss, x)


FUNCTIONS = SimpleNamespace(
    exp=pt.exp,
    log=pt.log,
    sin=pt.sin,
    tanh=pt.tanh,
    log1p=pt.log1p,
    abs=abs,
    sigmoid=pt.sigmoid,
    relu=lambda x: pt.maximum(x, 0),
    softplus=pt.softplus,
    softmax=lambda x: pt.special.softmax(x, axis=-1),
    loss_and_gradient=loss_and_gradient,
    layer_norm=layer_norm,
    logsumexp=lambda x: pt.special.logsumexp(x, axis=1),
    variance=lambda x: pt.var(x, axis=1),
    sum=lambda x, axis: x.sum(axis=axis),
    argmax=lambda x: pt.argmax(x, axis=1),
    cumsum=lambda x: pt.cumsum(x, axis=1),
    sort=lambda x: pt.sort(x, axis=1),
    matvec=pt.dot,
    dense=lambda x, w, b: pt.dot(x, w) + b,
    dense_tanh=lambda x, w, b: pt.tanh(pt.dot(x, w) + b),
    transposed=lambda w: w.T,
    cross_entropy=cross_entropy,
)


class Library(Side):
    """PyTensor."""

    m = FUNCTIONS

    def __init__(self, threads: int, option: str) -> None:
        super().__init__(threads, option)
        pytensor.config.floatX = "float32"

    def version(self) -> str:
        """Return name and version."""
        return f"pytensor {pytensor.__version__}"

    def function(self, inputs: Any, outputs: Any, updates: Any = None) -> Any:
        """Return a compiled function that trusts its arguments."""
        f = pytensor.function(inputs, outputs, updates=updates, mode="NUMBA")
        f.trust_input = True
        return f

    def variables(self, arrays: Arrays) -> list[Any]:
        """Return an input for each array."""
        return [pt.tensor(n, dtype=str(a.dtype), shape=a.shape) for n, a in arrays.items()]

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        inputs = self.variables(arrays)
        result = row.expression(self.m, *inputs)
        several = isinstance(result, tuple)
        f = self.function(inputs, list(result) if several else result)

        def outputs(got: Any) -> Any:
            return [np.asarray(g) for g in (got if several else (got,))]

        return Program(f, tuple(arrays.values()), outputs)

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        before = list(parameters.values())
        weights = [pytensor.shared(p.copy(), shape=p.shape) for p in before]
        inputs = self.variables(data)
        loss = row.expression(self.m, weights, *inputs)
        slopes, rate = pytensor.grad(loss, weights), np.float32(row.rate)
        f = self.function(
            inputs, loss, [(w, w - rate * g) for w, g in zip(weights, slopes, strict=True)]
        )

        def outputs(got: Any) -> Any:
            now = [w.get_value() for w in weights]
            return [np.asarray(got), *(n - b for n, b in zip(now, before, strict=True))]

        return Program(f, tuple(data.values()), outputs)

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        before = arrays["table"]
        table = pytensor.shared(before.copy(), shape=before.shape)
        data = {name: arrays[name] for name in ("index", "change")}
        index, change = self.variables(data)
        update = pt.subtensor.inc_subtensor(table[index], np.float32(-row.rate) * change)
        f = self.function([index, change], [], [(table, update)])
        return Program(f, tuple(data.values()), lambda _: [table.get_value() - before])
