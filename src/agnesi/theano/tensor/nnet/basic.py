"""Functions of neural networks: sigmoids, soft maxima, cross-entropies."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.casting import DISCRETE, to_float
from agnesi.theano.tensor.elementary import (
    exp,
    log,
    sigmoid,
    softplus,
    switch,
    ultra_fast_sigmoid,
)

as_tensor_variable = tensor.as_tensor_variable
scalar_sigmoid = sigmoid_inplace = sigmoid


class Softmax:
    """The op of the soft maximum of rows."""

    def __call__(self, x: Any) -> Any:
        return softmax(x)


def _rows(what: str, x: Any) -> Any:
    """Return a matrix, or a vector as a row of one."""
    x = as_tensor_variable(x)
    if x.ndim not in (1, 2) or x.dtype in DISCRETE:
        raise ValueError(f"x must be 1-d or 2-d tensor of floats. Got {x.type} in {what}")
    return tensor.shape_padleft(x, n_ones=1) if x.ndim == 1 else x


def softmax(c: Any) -> Any:
    """Return the soft maximum of the rows of a matrix; of a vector as a matrix of one row."""
    c = _rows("softmax", c)
    if c.broadcastable[-1]:
        import warnings

        warnings.warn(
            "The softmax is applied on a dimension of shape 1, which does not have a semantic "
            "meaning.",
            stacklevel=2,
        )
    return apply("Softmax", lambda x: ag.softmax(x, -1), [c])


def logsoftmax(c: Any) -> Any:
    """Return the logarithm of the soft maximum of rows."""
    return apply("LogSoftmax", lambda x: ag.log_softmax(x, -1), [_rows("logsoftmax", c)])


def softmax_with_bias(x: Any, b: Any) -> Any:
    """Return the soft maximum of the rows of ``x + b``."""
    return softmax(as_tensor_variable(x) + as_tensor_variable(b))


def softmax_graph(c: Any) -> Any:
    """Return the soft maximum along the last axis."""
    c = as_tensor_variable(c)
    return exp(c) / exp(c).sum(axis=-1, keepdims=True)


softmax_op, logsoftmax_op = softmax, logsoftmax


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Any:
    """Return how badly distributions describe other ones, or classes, row by row.

    Raises:
        TypeError: the ranks do not fit.
    """
    coding_dist, true_dist = as_tensor_variable(coding_dist), as_tensor_variable(true_dist)
    if true_dist.ndim == coding_dist.ndim:
        return -tensor.sum(true_dist * log(coding_dist), axis=coding_dist.ndim - 1)
    if true_dist.ndim == coding_dist.ndim - 1:
        return crossentropy_categorical_1hot(coding_dist, true_dist)
    raise TypeError("rank mismatch between coding and true distributions")


def crossentropy_categorical_1hot(coding_dist: Any, true_one_of_n: Any) -> Any:
    """Return minus the logarithm of the probabilities of classes.

    Raises:
        TypeError: the probabilities are no matrix, or the classes no vector of integers.
    """
    coding_dist, true_one_of_n = as_tensor_variable(coding_dist), as_tensor_variable(true_one_of_n)
    if coding_dist.ndim != 2:
        raise TypeError("matrix required for argument: coding_dist")
    if true_one_of_n.ndim != 1 or true_one_of_n.dtype not in DISCRETE:
        raise TypeError(
            f"integer vector required for argument: true_one_of_n(got type: {true_one_of_n.type})"
        )
    rows = tensor.arange(true_one_of_n.shape[0])
    # The logarithm first: of a soft maximum it is one function, sound for any numbers.
    return -log(coding_dist)[rows, true_one_of_n]


def crossentropy_softmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **_: Any) -> Any:
    """Return the cross-entropy of classes, and the soft maximum."""
    made = softmax_with_bias(x, b)
    return crossentropy_categorical_1hot(made, y_idx), made


def crossentropy_softmax_1hot(x: Any, y_idx: Any, **_: Any) -> Any:
    """Return the cross-entropy of classes, and the soft maximum."""
    made = softmax(x)
    return crossentropy_categorical_1hot(made, y_idx), made


def crossentropy_softmax_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **_: Any) -> Any:
    """Return the cross-entropy of classes, the soft maximum, and where it is largest."""
    nll, made = crossentropy_softmax_1hot_with_bias(x, b, y_idx)
    return nll, made, tensor.argmax(made, axis=1)


def crossentropy_softmax_max_and_argmax_1hot(x: Any, y_idx: Any, **_: Any) -> Any:
    """Return cross-entropy, soft maximum, its largest value and where that is."""
    nll, made = crossentropy_softmax_1hot(x, y_idx)
    top, where = tensor.max_and_argmax(made, axis=-1)
    return nll, made, top, where


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **_: Any) -> Any:
    """Return cross-entropy, soft maximum, its largest value and where that is."""
    return crossentropy_softmax_max_and_argmax_1hot(as_tensor_variable(x) + b, y_idx)


def binary_crossentropy(output: Any, target: Any) -> Any:
    """Return how badly probabilities describe bits: ``-(t*log(o) + (1-t)*log(1-o))``."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return -(target * log(output) + (1.0 - target) * log(1.0 - output))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Any:
    """Return the binary cross-entropy of ``sigmoid(output)``, sound for large numbers."""
    from agnesi.theano.tensor.elementary import abs_, neq

    def grad_safe(x: Any) -> Any:
        return x * (target * -1 + tensor.cast(x > 0, x.dtype)) + softplus(-abs_(x))

    del neq
    return grad_safe(as_tensor_variable(output))


def relu(x: Any, alpha: Any = 0) -> Any:
    """Return positive elements, and ``alpha`` times the others."""
    from agnesi.theano.tensor.elementary import abs_

    x = as_tensor_variable(x)
    if isinstance(alpha, int) and alpha == 0:
        return 0.5 * (x + abs_(x))
    alpha = as_tensor_variable(alpha)
    f1, f2 = 0.5 * (1 + alpha), 0.5 * (1 - alpha)
    return f1 * x + f2 * abs_(x)


def elu(x: Any, alpha: Any = 1) -> Any:
    """Return positive elements, and ``alpha * (exp(x) - 1)`` of the others."""
    from agnesi.theano.tensor.elementary import expm1, minimum

    x = as_tensor_variable(x)
    return switch(x > 0, x, alpha * expm1(minimum(x, 0)))


def selu(x: Any) -> Any:
    """Return the scaled exponential linear unit."""
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def softsign(x: Any) -> Any:
    """Return ``x / (1 + abs(x))``."""
    from agnesi.theano.tensor.elementary import abs_

    x = as_tensor_variable(x)
    return x / (1.0 + abs_(x))


def hard_sigmoid(x: Any) -> Any:
    """Return ``clip(0.2 * x + 0.5, 0, 1)``."""
    x = as_tensor_variable(x)
    dtype = to_float(x.dtype)
    slope, shift = tensor.constant(0.2, dtype=dtype), tensor.constant(0.5, dtype=dtype)
    return tensor.clip(x * slope + shift, 0, 1)


def h_softmax(
    x: Any,
    batch_size: Any,
    n_outputs: Any,
    n_classes: Any,
    n_outputs_per_class: Any,
    W1: Any,
    b1: Any,
    W2: Any,
    b2: Any,
    target: Any = None,
) -> Any:
    """Return probabilities of two-level soft maxima: of all outputs, or of the targets."""
    class_probs = softmax(tensor.dot(x, W1) + b1)
    if target is None:
        activations = tensor.tensordot(x, W2, (1, 1)) + b2
        output_probs = softmax(activations.reshape((-1, n_outputs_per_class), ndim=2))
        output_probs = output_probs.reshape((batch_size, n_classes, -1), ndim=3)
        probs = class_probs.dimshuffle(0, 1, "x") * output_probs
        return probs.reshape((batch_size, -1), ndim=2)[:, :n_outputs]
    target = target.flatten()
    target_classes = target // n_outputs_per_class
    target_outputs = target % n_outputs_per_class
    activations = tensor.batched_dot(x, W2[target_classes]) + b2[target_classes]
    output_probs = softmax(activations)
    rows = tensor.arange(batch_size)
    return class_probs[rows, target_classes] * output_probs[rows, target_outputs]


def prepend_scalar_to_each_row(val: Any, mat: Any) -> Any:
    """Return a matrix with a column of one number in front."""
    mat = as_tensor_variable(mat)
    column = tensor.alloc(tensor.cast(val, mat.dtype), mat.shape[0], 1)
    return tensor.concatenate([column, mat], axis=1)


def prepend_0_to_each_row(mat: Any) -> Any:
    """Return a matrix with a column of zeros in front."""
    return prepend_scalar_to_each_row(0, mat)


def prepend_1_to_each_row(mat: Any) -> Any:
    """Return a matrix with a column of ones in front."""
    return prepend_scalar_to_each_row(1, mat)


def confusion_matrix(actual: Any, pred: Any) -> Any:
    """Return how often which class was taken for which, and the classes."""
    actual, pred = as_tensor_variable(actual), as_tensor_variable(pred)
    if actual.ndim != 1 or pred.ndim != 1:
        raise ValueError("actual and pred must be 1-d tensor variables")
    order = apply("Unique", lambda a, p: ag.unique(ag.concatenate([a, p])), [actual, pred])
    hits_a = tensor.eq(actual.dimshuffle(0, "x"), order.dimshuffle("x", 0)).astype("int64")
    hits_p = tensor.eq(pred.dimshuffle(0, "x"), order.dimshuffle("x", 0)).astype("int64")
    return [tensor.dot(hits_a.T, hits_p), order]


__all__ = [
    "Softmax",
    "binary_crossentropy",
    "categorical_crossentropy",
    "confusion_matrix",
    "crossentropy_categorical_1hot",
    "crossentropy_softmax_1hot",
    "crossentropy_softmax_1hot_with_bias",
    "crossentropy_softmax_argmax_1hot_with_bias",
    "crossentropy_softmax_max_and_argmax_1hot",
    "crossentropy_softmax_max_and_argmax_1hot_with_bias",
    "elu",
    "h_softmax",
    "hard_sigmoid",
    "logsoftmax",
    "logsoftmax_op",
    "prepend_0_to_each_row",
    "prepend_1_to_each_row",
    "prepend_scalar_to_each_row",
    "relu",
    "scalar_sigmoid",
    "selu",
    "sigmoid",
    "sigmoid_binary_crossentropy",
    "sigmoid_inplace",
    "softmax",
    "softmax_graph",
    "softmax_op",
    "softmax_with_bias",
    "softplus",
    "softsign",
    "ultra_fast_sigmoid",
]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
