"""JAX, every row under ``jit``; parameters are donated."""

from __future__ import annotations

import os
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.libraries import Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row

os.environ.setdefault("JAX_PLATFORMS", "cpu")
jax: Any = import_module("jax")
jnp: Any = import_module("jax.numpy")


def layer_norm(x: Any, g: Any, b: Any) -> Any:
    """Return rows of mean 0 and variance 1, with gain and bias."""
    centred = x - x.mean(1, keepdims=True)
    variance = (centred * centred).mean(1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * g + b


def cross_entropy(x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of rows of logits."""
    picked = jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1)
    return -picked.mean()


FUNCTIONS = SimpleNamespace(
    exp=jnp.exp,
    log=jnp.log,
    sin=jnp.sin,
    tanh=jnp.tanh,
    log1p=jnp.log1p,
    abs=jnp.abs,
    sigmoid=jax.nn.sigmoid,
    relu=jax.nn.relu,
    softplus=jax.nn.softplus,
    softmax=lambda x: jax.nn.softmax(x, 1),
    loss_and_gradient=jax.value_and_grad(cross_entropy),
    layer_norm=layer_norm,
    logsumexp=lambda x: jax.nn.logsumexp(x, 1),
    variance=lambda x: x.var(1),
    sum=lambda x, axis: x.sum(axis),
    argmax=lambda x: x.argmax(1),
    cumsum=lambda x: x.cumsum(1),
    sort=lambda x: jnp.sort(x, 1),
    matvec=lambda a, b: a @ b,
    dense=lambda x, w, b: x @ w + b,
    dense_tanh=lambda x, w, b: jnp.tanh(x @ w + b),
    transposed=lambda w: w.T,
    cross_entropy=cross_entropy,
)


def on_device(arrays: Arrays) -> list[Any]:
    """Return JAX's arrays; float64 only where a row is of float64, as its users have it."""
    wide = any(a.dtype == np.float64 for a in arrays.values())
    jax.config.update("jax_enable_x64", wide)
    return [jnp.asarray(a) for a in arrays.values()]


class Library(Side):
    """JAX."""

    m = FUNCTIONS

    def version(self) -> str:
        """Return name and version."""
        return f"jax {jax.__version__}"

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        given = on_device(arrays)
        f, ready = jax.jit(lambda *a: row.expression(self.m, *a)), jax.block_until_ready

        def outputs(got: Any) -> Any:
            return [np.asarray(g) for g in (got if isinstance(got, tuple) else (got,))]

        if isinstance(jax.eval_shape(f, *given), tuple):
            return Program(lambda *a: ready(f(*a)), tuple(given), outputs)
        return Program(lambda *a: f(*a).block_until_ready(), tuple(given), outputs)

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        before = list(parameters.values())
        state = [on_device({k: p.copy() for k, p in parameters.items()})]

        def step(weights: Any, *given: Any) -> Any:
            loss, slopes = jax.value_and_grad(
                lambda weights: row.expression(self.m, weights, *given)
            )(weights)
            return loss, [w - row.rate * g for w, g in zip(weights, slopes, strict=True)]

        f = jax.jit(step, donate_argnums=0)

        def call(*given: Any) -> Any:
            loss, state[0] = f(state[0], *given)
            jax.block_until_ready(state[0])
            return loss.block_until_ready()

        def outputs(loss: Any) -> Any:
            now = [np.asarray(w) for w in state[0]]
            return [np.asarray(loss), *(n - b for n, b in zip(now, before, strict=True))]

        return Program(call, tuple(on_device(data)), outputs)

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        before = arrays["table"]
        state, index, change = on_device({**arrays, "table": before.copy()})
        held = [state]
        f = jax.jit(lambda t, i, c: t.at[i].add(-row.rate * c), donate_argnums=0)

        def call(index: Any, change: Any) -> None:
            held[0] = f(held[0], index, change)
            held[0].block_until_ready()

        return Program(call, (index, change), lambda _: [np.asarray(held[0]) - before])
