"""NumPy, as someone who cares for speed writes it: in place where that can be."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.libraries import Program, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.rows import Arrays, Row

Array = np.ndarray[Any, Any]


def softmax(x: Array) -> Array:
    """Return each row's softmax."""
    e = x - x.max(1, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(1, keepdims=True)
    return e


def logsumexp(x: Array) -> Array:
    """Return the logarithm of each row's sum of exponentials."""
    top = x.max(1, keepdims=True)
    e = x - top
    np.exp(e, out=e)
    return np.log(e.sum(1)) + top[:, 0]


def layer_norm(x: Array, g: Array, b: Array) -> Array:
    """Return rows of mean 0 and variance 1, with gain and bias."""
    y = x - x.mean(1, keepdims=True)
    y /= np.sqrt((y * y).mean(1, keepdims=True) + np.float32(1e-5))
    y *= g
    y += b
    return y


def loss_and_gradient(x: Array, y: Array) -> tuple[Any, Array]:
    """Return the mean cross-entropy of rows of logits, and its gradient."""
    rows = np.arange(len(y))
    z = x - x.max(1, keepdims=True)
    picked = z[rows, y]
    np.exp(z, out=z)
    sums = z.sum(1, keepdims=True)
    loss = (np.log(sums[:, 0]) - picked).mean()
    z /= sums
    z[rows, y] -= 1
    z /= np.float32(len(y))
    return loss, z


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), written into x."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    return np.reciprocal(x, out=x)


def dense_tanh(x: Array, w: Array, b: Array) -> Array:
    """Return tanh(x @ w + b)."""
    y = x @ w
    y += b
    return np.tanh(y, out=y)


# -- steps of training, with gradients by hand ---------------------------------------------------


def descend(parameters: list[Array], gradients: list[Array], rate: float) -> None:
    """Take a step, in place."""
    for p, g in zip(parameters, gradients, strict=True):
        g *= p.dtype.type(rate)
        p -= g


def network(parameters: list[Array], x: Array, y: Array, *, rate: float, relu: bool) -> Any:
    """Take a step of a network's training; return the loss before it."""
    layers = len(parameters) // 2
    seen = [x]
    for k in range(layers):
        z = seen[-1] @ parameters[2 * k]
        z += parameters[2 * k + 1]
        if k < layers - 1:
            z = np.maximum(z, 0, out=z) if relu else np.tanh(z, out=z)
        seen.append(z)
    loss, d = loss_and_gradient(seen.pop(), y)
    gradients: list[Array] = []
    for k in reversed(range(layers)):
        gradients[:0] = [seen[k].T @ d, d.sum(0)]
        if k:
            d = d @ parameters[2 * k].T
            d *= (seen[k] > 0) if relu else 1 - seen[k] * seen[k]
    descend(parameters, gradients, rate)
    return loss


def tied(parameters: list[Array], x: Array, *, rate: float) -> Any:
    """Take a step of a tied auto-encoder's training; return the loss before it."""
    w, b, c = parameters
    h = x @ w
    h += b
    h = sigmoid(h)
    out = h @ w.T
    out += c
    out = sigmoid(out)
    d = out - x
    loss = np.vdot(d, d) / np.float32(100)
    d *= np.float32(2 / 100)
    d *= out * (1 - out)
    back = d @ w
    back *= h * (1 - h)
    slope = d.T @ h
    slope += x.T @ back
    descend(parameters, [slope, back.sum(0), d.sum(0)], rate)
    return loss


def variational(parameters: list[Array], x: Array, noise: Array, *, rate: float) -> Any:
    """Take a step of a variational auto-encoder's training; return the loss before it."""
    w0, b0, w1, b1, w2, b2, w3, b3, w4, b4 = parameters
    h = dense_tanh(x, w0, b0)
    mean = h @ w1 + b1
    log_variance = h @ w2 + b2
    spread = np.exp(log_variance * np.float32(0.5))
    z = mean + spread * noise
    g = dense_tanh(z, w3, b3)
    out = g @ w4
    out += b4
    variance = spread * spread
    reconstruction = (np.logaddexp(out, np.float32(0)) - x * out).sum()
    divergence = (1 + log_variance - mean * mean - variance).sum()
    scale = np.float32(1 / 100)
    d = sigmoid(out)
    d -= x
    d *= scale
    slopes4 = [g.T @ d, d.sum(0)]
    d = d @ w4.T
    d *= 1 - g * g
    slopes3 = [z.T @ d, d.sum(0)]
    dz = d @ w3.T
    d_mean = dz + mean * scale
    d_spread = dz * noise * spread * np.float32(0.5)
    d_spread += (variance - 1) * (np.float32(0.5) * scale)
    d = d_mean @ w1.T
    d += d_spread @ w2.T
    d *= 1 - h * h
    gradients = [x.T @ d, d.sum(0), h.T @ d_mean, d_mean.sum(0), h.T @ d_spread, d_spread.sum(0)]
    descend(parameters, [*gradients, *slopes3, *slopes4], rate)
    return (reconstruction - np.float32(0.5) * divergence) * scale


STEPS: dict[str, Callable[..., Any]] = {
    "network_tanh": partial(network, relu=False),
    "network_relu": partial(network, relu=True),
    "tied": tied,
    "variational": variational,
}

FUNCTIONS = SimpleNamespace(
    exp=np.exp,
    log=np.log,
    sin=np.sin,
    tanh=np.tanh,
    log1p=np.log1p,
    abs=np.abs,
    softmax=softmax,
    loss_and_gradient=loss_and_gradient,
    layer_norm=layer_norm,
    logsumexp=logsumexp,
    variance=lambda x: x.var(1),
    sum=lambda x, axis: x.sum(axis),
    argmax=lambda x: x.argmax(1),
    cumsum=lambda x: x.cumsum(1),
    sort=lambda x: np.sort(x, 1),
    matvec=lambda a, b: a @ b,
    dense_tanh=dense_tanh,
)


def changed(now: list[Array], before: list[Array]) -> list[Array]:
    """Return what has been added to arrays."""
    return [n - b for n, b in zip(now, before, strict=True)]


class Library(Side):
    """NumPy."""

    m = FUNCTIONS

    def version(self) -> str:
        """Return name and version."""
        return f"numpy {np.__version__}"

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""

        def outputs(result: Any) -> list[Array]:
            return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]

        return Program(partial(row.expression, self.m), tuple(arrays.values()), outputs)

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        before = list(parameters.values())
        now = [p.copy() for p in before]
        step = partial(STEPS[row.step], rate=row.rate)
        return Program(
            step,
            (now, *data.values()),
            lambda loss: [np.asarray(loss), *changed(now, before)],
        )

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        before, index, change = arrays.values()
        now, rate = before.copy(), np.float32(row.rate)

        def call(table: Array, index: Array, change: Array) -> None:
            np.subtract.at(table, index, rate * change)

        return Program(call, (now, index, change), lambda _: changed([now], [before]))
