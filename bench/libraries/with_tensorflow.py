"""TensorFlow, every row a ``tf.function``, with XLA where asked for."""

from __future__ import annotations

import os
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bench.libraries import Missing, Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf: Any = import_module("tensorflow")


def layer_norm(x: Any, g: Any, b: Any) -> Any:
    """Return rows of mean 0 and variance 1, with gain and bias."""
    mean, variance = tf.nn.moments(x, [1], keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-5) * g + b


def cross_entropy(x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of rows of logits."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x))


def loss_and_gradient(x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of rows of logits, and its gradient."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = cross_entropy(x, y)
    return loss, tape.gradient(loss, x)


FUNCTIONS = SimpleNamespace(
    exp=tf.exp,
    log=tf.math.log,
    sin=tf.sin,
    tanh=tf.tanh,
    log1p=tf.math.log1p,
    abs=tf.abs,
    sigmoid=tf.sigmoid,
    relu=tf.nn.relu,
    softplus=tf.nn.softplus,
    softmax=lambda x: tf.nn.softmax(x, 1),
    loss_and_gradient=loss_and_gradient,
    layer_norm=layer_norm,
    logsumexp=lambda x: tf.reduce_logsumexp(x, 1),
    variance=lambda x: tf.math.reduce_variance(x, 1),
    sum=tf.reduce_sum,
    argmax=lambda x: tf.argmax(x, 1),
    cumsum=lambda x: tf.cumsum(x, 1),
    sort=lambda x: tf.sort(x, 1),
    matvec=tf.linalg.matvec,
    dense=lambda x, w, b: tf.matmul(x, w) + b,
    dense_tanh=lambda x, w, b: tf.tanh(tf.matmul(x, w) + b),
    transposed=tf.transpose,
    cross_entropy=cross_entropy,
)


class Library(Side):
    """TensorFlow."""

    m = FUNCTIONS

    def __init__(self, threads: int, option: str) -> None:
        super().__init__(threads, option)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    def version(self) -> str:
        """Return name and version."""
        return f"tensorflow {tf.__version__}"

    def compiled(self, function: Any) -> Any:
        """Return a function of a graph."""
        wanted = True if self.option == "xla" else None
        return tf.function(function, jit_compile=wanted, autograph=False)

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        given = tuple(tf.constant(a) for a in arrays.values())

        def outputs(got: Any) -> Any:
            return [g.numpy() for g in (got if isinstance(got, tuple) else (got,))]

        return Program(self.compiled(lambda *a: row.expression(self.m, *a)), given, outputs)

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        before = list(parameters.values())
        weights = [tf.Variable(p) for p in before]

        def step(*given: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = row.expression(self.m, weights, *given)
            for w, g in zip(weights, tape.gradient(loss, weights), strict=True):
                w.assign_sub(row.rate * tf.convert_to_tensor(g))
            return loss

        def outputs(loss: Any) -> Any:
            now = [w.numpy() for w in weights]
            return [loss.numpy(), *(n - b for n, b in zip(now, before, strict=True))]

        return Program(self.compiled(step), tuple(tf.constant(d) for d in data.values()), outputs)

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        if self.option == "xla":
            raise Missing
        before = arrays["table"]
        table = tf.Variable(before)

        def call(index: Any, change: Any) -> Any:
            return table.scatter_sub(tf.IndexedSlices(row.rate * change, index))

        given = tuple(tf.constant(arrays[name]) for name in ("index", "change"))
        return Program(self.compiled(call), given, lambda _: [table.numpy() - before])
