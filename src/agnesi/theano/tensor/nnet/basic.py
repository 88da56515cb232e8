"""Functions of neural networks: sigmoids, soft maxima, cross-entropies."""

from __future__ import annotations

import warnings
from typing import Any

import agnesi as ag
from agnesi.ops.bounds import within_bounds
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.casting import DISCRETE, FLOATS, to_float
from agnesi.theano.tensor.elementary import (
    abs_,
    eq,
    exp,
    expm1,
    log,
    minimum,
    sigmoid,
    softplus,
    switch,
    ultra_fast_sigmoid,
)
from agnesi.theano.tensor.extra_ops import Unique
from agnesi.theano.tensor.native_op import NativeOp

as_tensor_variable = tensor.as_tensor_variable
scalar_sigmoid = sigmoid_inplace = sigmoid


def _floats(what: str, v: Any, axes: tuple[int, ...]) -> Any:
    """Return a variable of floats that has so many axes.

    Raises:
        ValueError: it is another one.
    """
    v = as_tensor_variable(v)
    if v.ndim not in axes or v.dtype not in FLOATS:
        raise ValueError(
            f"{what} must be {' or '.join(f'{n}-d' for n in axes)} tensor of floats. Got {v.type}"
        )
    return v


def _classes(v: Any) -> Any:
    v = as_tensor_variable(v)
    if v.ndim != 1 or v.dtype not in DISCRETE:
        raise ValueError("y_idx must be 1-d tensor of [u]ints", v.type)
    return v


def _rows(y: ag.Tensor) -> ag.Tensor:
    return ag.arange(y.shape[0])


def _class(t: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
    """Return classes, which a call checks: none is negative, or beyond the columns."""
    return within_bounds(ag.astype(y, "i64"), t.type.shape[1], "classes")


def _own(t: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
    """Return of each row the element of its class."""
    return t[_rows(y), _class(t, y)]


class _OfRows(NativeOp):
    """A function of the rows of a matrix; a vector is a matrix of one row."""

    def convert(self, x: Any) -> list[Any]:
        """A matrix of floats."""
        x = _floats("x", x, (1, 2))
        if x.ndim == 1:
            warnings.warn(
                f"DEPRECATION: If x is a vector, {self.name} will not automatically pad x anymore "
                "in next releases. If you need it, please do it manually.",
                stacklevel=5,
            )
            x = tensor.shape_padleft(x, n_ones=1)
        return [x]


class Softmax(_OfRows):
    """The soft maximum of rows."""

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """Sound for any numbers."""
        return ag.softmax(x, -1)


class LogSoftmax(_OfRows):
    """The logarithm of the soft maximum of rows."""

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """Sound for any numbers."""
        return ag.log_softmax(x, -1)


class SoftmaxWithBias(NativeOp):
    """The soft maximum of the rows of ``x + b``."""

    def convert(self, x: Any, b: Any) -> list[Any]:
        """A matrix and a vector of floats."""
        return [_floats("x", x, (2,)), _floats("b", b, (1,))]

    def build(self, x: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
        """In the dtype of the matrix."""
        return ag.astype(ag.softmax(x + b, -1), x.dtype)


class SoftmaxGrad(NativeOp):
    """The gradient by what the soft maximum of rows is taken of, given that by it, and itself."""

    def convert(self, dy: Any, sm: Any) -> list[Any]:
        """Two matrices of floats."""
        given = [_floats("dy", dy, (1, 2)), as_tensor_variable(sm)]
        return [tensor.shape_padleft(v, n_ones=1) if v.ndim == 1 else v for v in given]

    def build(self, dy: ag.Tensor, sm: ag.Tensor) -> ag.Tensor:
        """In the dtype of the soft maximum."""
        return ag.astype(sm * (dy - ag.sum(dy * sm, -1, keepdims=True)), sm.dtype)


softmax_op, logsoftmax_op = Softmax(), LogSoftmax()
softmax_with_bias, softmax_grad = SoftmaxWithBias(), SoftmaxGrad()


def softmax(c: Any) -> Any:
    """Return the soft maximum of the rows of a matrix; of a vector as a matrix of one row."""
    c = as_tensor_variable(c)
    if c.broadcastable[-1:] == (True,):
        warnings.warn(
            "The softmax is applied on a dimension of shape 1, which does not have a semantic "
            "meaning.",
            stacklevel=2,
        )
    return softmax_op(c)


def logsoftmax(c: Any) -> Any:
    """Return the logarithm of the soft maximum of rows."""
    return logsoftmax_op(c)


def softmax_graph(c: Any) -> Any:
    """Return the soft maximum along the last axis."""
    c = as_tensor_variable(c)
    return exp(c) / exp(c).sum(axis=-1, keepdims=True)


class CrossentropySoftmaxArgmax1HotWithBias(NativeOp):
    """Cross-entropies of classes, the soft maximum of ``x + b``, and where it is largest."""

    nin, nout = 3, 3

    def convert(self, x: Any, b: Any, y_idx: Any) -> list[Any]:
        """A matrix, a vector, and a class for each row."""
        return [_floats("x", x, (2,)), _floats("b", b, (1,)), _classes(y_idx)]

    def build(self, x: ag.Tensor, b: ag.Tensor, y: ag.Tensor) -> list[ag.Tensor]:
        """Places in the dtype of the classes."""
        z = ag.astype(x + b, x.dtype)
        nll = -_own(ag.log_softmax(z, -1), y)
        return [nll, ag.softmax(z, -1), ag.astype(ag.argmax(z, -1), y.dtype)]


class CrossentropySoftmax1HotWithBiasDx(NativeOp):
    """The gradient of cross-entropies by what the soft maximum is taken of."""

    def convert(self, dy: Any, sm: Any, y_idx: Any) -> list[Any]:
        """The gradient by the cross-entropies, the soft maximum, and classes."""
        return [_floats("dy", dy, (0, 1)), _floats("sm", sm, (2,)), _classes(y_idx)]

    def build(self, dy: ag.Tensor, sm: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
        """In the dtype of the soft maximum."""
        change = sm.at[_rows(y), _class(sm, y)].add(-1)
        return ag.astype(change * (dy[:, None] if dy.ndim else dy), sm.dtype)


class CrossentropyCategorical1Hot(NativeOp):
    """Minus the logarithm of the probabilities of classes."""

    def convert(self, coding_dist: Any, true_one_of_n: Any) -> list[Any]:
        """A matrix of probabilities, and a class for each row.

        Raises:
            TypeError: they are other ones.
        """
        coding, y = as_tensor_variable(coding_dist), as_tensor_variable(true_one_of_n)
        if coding.ndim != 2:
            raise TypeError("matrix required for argument: coding_dist")
        if y.ndim != 1 or y.dtype not in DISCRETE:
            raise TypeError(
                f"integer vector required for argument: true_one_of_n(got type: {y.type})"
            )
        return [coding, y]

    def build(self, coding: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
        """The logarithm first: of a soft maximum it is one function, sound for any numbers."""
        return -_own(ag.log(coding), y)


class CrossentropyCategorical1HotGrad(NativeOp):
    """The gradient of cross-entropies of classes by the probabilities."""

    def build(self, g_y: ag.Tensor, coding: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
        """Zeros but for the classes."""
        change = -g_y / _own(coding, y)
        return ag.zeros_like(coding).at[_rows(y), y].add(ag.astype(change, coding.dtype))


crossentropy_softmax_argmax_1hot_with_bias = CrossentropySoftmaxArgmax1HotWithBias()
crossentropy_softmax_1hot_with_bias_dx = CrossentropySoftmax1HotWithBiasDx()
crossentropy_categorical_1hot = CrossentropyCategorical1Hot()
crossentropy_categorical_1hot_grad = CrossentropyCategorical1HotGrad()


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


def crossentropy_softmax_1hot_with_bias(x: Any, b: Any, y_idx: Any) -> Any:
    """Return the cross-entropy of classes, and the soft maximum of ``x + b``."""
    return crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx)[:2]


def crossentropy_softmax_1hot(x: Any, y_idx: Any) -> Any:
    """Return the cross-entropy of classes, and the soft maximum."""
    x = as_tensor_variable(x)
    return crossentropy_softmax_1hot_with_bias(x, tensor.zeros_like(x[0, :]), y_idx)


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any) -> Any:
    """Return cross-entropy, soft maximum, its largest value and where that is."""
    nll, made = crossentropy_softmax_1hot_with_bias(x, b, y_idx)
    top, where = tensor.max_and_argmax(made, axis=-1)
    return nll, made, top, where


def crossentropy_softmax_max_and_argmax_1hot(x: Any, y_idx: Any) -> Any:
    """Return cross-entropy, soft maximum, its largest value and where that is."""
    x = as_tensor_variable(x)
    zeros = tensor.zeros_like(x[0, :])
    return crossentropy_softmax_max_and_argmax_1hot_with_bias(x, zeros, y_idx)


def binary_crossentropy(output: Any, target: Any) -> Any:
    """Return how badly probabilities describe bits: ``-(t*log(o) + (1-t)*log(1-o))``."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return -(target * log(output) + (1.0 - target) * log(1.0 - output))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Any:
    """Return the binary cross-entropy of ``sigmoid(output)``, sound for large numbers."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    size = abs_(output)
    # The half makes the gradient at 0 that of the sigmoid.
    return softplus(-size) + 0.5 * (output + size) - output * target


def relu(x: Any, alpha: Any = 0) -> Any:
    """Return positive elements, and ``alpha`` times the others."""
    x = as_tensor_variable(x)
    if isinstance(alpha, int | float) and alpha == 0:
        return 0.5 * (x + abs_(x))
    alpha = as_tensor_variable(alpha)
    f1, f2 = 0.5 * (1 + alpha), 0.5 * (1 - alpha)
    return f1 * x + f2 * abs_(x)


def elu(x: Any, alpha: Any = 1) -> Any:
    """Return positive elements, and ``alpha * (exp(x) - 1)`` of the others."""
    x = as_tensor_variable(x)
    return switch(x > 0, x, alpha * expm1(minimum(x, 0)))


def selu(x: Any) -> Any:
    """Return the scaled exponential linear unit."""
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def softsign(x: Any) -> Any:
    """Return ``x / (1 + abs(x))``."""
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


class Prepend_scalar_to_each_row(NativeOp):
    """A matrix with a column of one number in front."""

    def convert(self, val: Any, mat: Any) -> list[Any]:
        """A scalar and a matrix.

        Raises:
            TypeError: there is no matrix.
        """
        val, mat = as_tensor_variable(val), as_tensor_variable(mat)
        if mat.ndim != 2 or any(mat.broadcastable):
            raise TypeError("Expected a matrix as input")
        if val.ndim:
            raise AssertionError("prepend_scalar_to_each_row: a scalar is put in front")
        return [val, mat]

    def build(self, val: ag.Tensor, mat: ag.Tensor) -> ag.Tensor:
        """In the dtype of the matrix."""
        column = ag.broadcast_to(ag.astype(val, mat.dtype), (mat.shape[0], 1))
        return ag.concatenate([column, mat], 1)


class Prepend_scalar_constant_to_each_row(NativeOp):
    """A matrix with a column of a known number in front.

    Attributes:
        val: the number.
    """

    __props__ = ("val",)

    def __init__(self, val: Any = 0) -> None:
        self.val = val

    def convert(self, mat: Any) -> list[Any]:
        """A matrix."""
        return Prepend_scalar_to_each_row().convert(self.val, mat)[1:]

    def build(self, mat: ag.Tensor) -> ag.Tensor:
        """In the dtype of the matrix."""
        return Prepend_scalar_to_each_row().build(ag.constant(float(self.val)), mat)


prepend_scalar_to_each_row = Prepend_scalar_to_each_row()
prepend_0_to_each_row = Prepend_scalar_constant_to_each_row(0.0)
prepend_1_to_each_row = Prepend_scalar_constant_to_each_row(1.0)


def confusion_matrix(actual: Any, pred: Any) -> Any:
    """Return how often which class was taken for which, and the classes.

    Raises:
        ValueError: they are no vectors.
    """
    actual, pred = as_tensor_variable(actual), as_tensor_variable(pred)
    for name, given in (("actual", actual), ("pred", pred)):
        if given.ndim != 1:
            raise ValueError(f"{name} must be 1-d tensor variable")
    order = Unique(False, False, False)(tensor.concatenate([actual, pred]))
    row = order.dimshuffle("x", 0)
    hits_a, hits_p = (eq(v.dimshuffle(0, "x"), row).astype("int64") for v in (actual, pred))
    return [tensor.dot(hits_a.T, hits_p), order]


__all__ = [
    "CrossentropyCategorical1Hot",
    "CrossentropyCategorical1HotGrad",
    "CrossentropySoftmax1HotWithBiasDx",
    "CrossentropySoftmaxArgmax1HotWithBias",
    "LogSoftmax",
    "Prepend_scalar_constant_to_each_row",
    "Prepend_scalar_to_each_row",
    "Softmax",
    "SoftmaxGrad",
    "SoftmaxWithBias",
    "binary_crossentropy",
    "categorical_crossentropy",
    "confusion_matrix",
    "crossentropy_categorical_1hot",
    "crossentropy_categorical_1hot_grad",
    "crossentropy_softmax_1hot",
    "crossentropy_softmax_1hot_with_bias",
    "crossentropy_softmax_1hot_with_bias_dx",
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
    "softmax_grad",
    "softmax_graph",
    "softmax_op",
    "softmax_with_bias",
    "softplus",
    "softsign",
    "ultra_fast_sigmoid",
]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
