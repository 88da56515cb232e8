"""Recurrent units, one step of each: weights, a state and an input to the next state.

A state has a row of ``n`` numbers for each example, an input a row of ``k``: shapes are
``[..., n]`` and ``[..., k]``, with the same axes in front, ``[batch]`` as a rule.  Products with an
input stand in the step as in the equations: the compiler takes them out of the loop over time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from agnesi.compile.shared import shared
from agnesi.nn.initial import gaussian, glorot, identity, orthogonal
from agnesi.ops.elementary import sigmoid
from agnesi.ops.trigonometric import tanh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Tensor

# What weights are: tensors, or shared variables, which can be learnt.
T_co = TypeVar("T_co", bound="Tensor", covariant=True)


class RnnWeights(NamedTuple, Generic[T_co]):
    """Weights of a simple recurrent layer.

    Attributes:
        w: of inputs, [k, n].
        u: of the state, [n, n].
        b: biases, [n].
    """

    w: T_co
    u: T_co
    b: T_co


class LstmWeights(NamedTuple, Generic[T_co]):
    """Weights of long short-term memory; columns are those of i, f, g and o, one after the other.

    Attributes:
        w: of inputs, [k, 4 n].
        u: of the state, [n, 4 n].
        b: biases, [4 n].
    """

    w: T_co
    u: T_co
    b: T_co


class GruWeights(NamedTuple, Generic[T_co]):
    """Weights of gated recurrent units; columns are those of z, r and the candidate.

    Attributes:
        w: of inputs, [k, 3 n].
        u: of the state, for the gates, [n, 2 n].
        v: of the state, for the candidate, [n, n].
        b: biases, [3 n].
    """

    w: T_co
    u: T_co
    v: T_co
    b: T_co


class LstmState(NamedTuple, Generic[T_co]):
    """State of long short-term memory.

    Attributes:
        h: what the layer gives, [..., n].
        c: the memory, [..., n].
    """

    h: T_co
    c: T_co


def rnn_cell(
    weights: RnnWeights[Tensor],
    h: Tensor,
    x: Tensor,
    activation: Callable[[Tensor], Tensor] = tanh,
) -> Tensor:
    """Return the next state of simple recurrent units: ``activation(x @ w + h @ u + b)``.

    J. L. Elman: Finding structure in time.  Cognitive Science 14 (1990), 179-211.  With
    ``activation=ag.relu`` and :func:`irnn_weights` it is the IRNN.

    Args:
        weights: of the layer.
        h: the state, [..., n].
        x: the input, [..., k].
        activation: of each unit.

    >>> weights = ag.nn.rnn_weights(np.random.default_rng(0), inputs=3, units=2)
    >>> ag.nn.rnn_cell(weights, ag.zeros((5, 2)), ag.ones((5, 3))).eval().shape
    (5, 2)
    """
    return activation(x @ weights.w + h @ weights.u + weights.b)


def lstm_cell(
    weights: LstmWeights[Tensor], state: LstmState[Tensor], x: Tensor
) -> LstmState[Tensor]:
    """Return the next state of long short-term memory.

    ::

        i, f, g, o = split(x @ w + h @ u + b)
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(c')

    S. Hochreiter, J. Schmidhuber: Long short-term memory.  Neural Computation 9 (1997), 1735-1780;
    with the forget gate ``f`` of F. A. Gers, J. Schmidhuber, F. Cummins: Learning to forget:
    continual prediction with LSTM.  Neural Computation 12 (2000), 2451-2471.

    Args:
        weights: of the layer.
        state: ``h`` and ``c``, [..., n] each.
        x: the input, [..., k].

    >>> weights = ag.nn.lstm_weights(np.random.default_rng(0), inputs=3, units=2)
    >>> state = ag.nn.LstmState(ag.zeros((5, 2)), ag.zeros((5, 2)))
    >>> ag.nn.lstm_cell(weights, state, ag.ones((5, 3))).h.eval().shape
    (5, 2)
    """
    n = state.h.shape[-1]
    z = x @ weights.w + state.h @ weights.u + weights.b
    i, f, g, o = (z[..., k * n : (k + 1) * n] for k in range(4))
    c = sigmoid(f) * state.c + sigmoid(i) * tanh(g)
    return LstmState(sigmoid(o) * tanh(c), c)


def gru_cell(weights: GruWeights[Tensor], h: Tensor, x: Tensor) -> Tensor:
    """Return the next state of gated recurrent units.

    ::

        z, r = sigmoid(split(x @ w[:, : 2 n] + h @ u + b[: 2 n]))
        candidate = tanh(x @ w[:, 2 n :] + (r * h) @ v + b[2 n :])
        h' = z * h + (1 - z) * candidate

    K. Cho, B. van Merriënboer, C. Gulcehre, D. Bahdanau, F. Bougares, H. Schwenk, Y. Bengio:
    Learning phrase representations using RNN encoder-decoder for statistical machine translation.
    EMNLP (2014), arXiv 1406.1078, equations 5 to 8.

    Args:
        weights: of the layer.
        h: the state, [..., n].
        x: the input, [..., k].

    >>> weights = ag.nn.gru_weights(np.random.default_rng(0), inputs=3, units=2)
    >>> ag.nn.gru_cell(weights, ag.zeros((5, 2)), ag.ones((5, 3))).eval().shape
    (5, 2)
    """
    n = h.shape[-1]
    inputs = x @ weights.w + weights.b
    gates = sigmoid(inputs[..., : 2 * n] + h @ weights.u)
    z, r = gates[..., :n], gates[..., n:]
    candidate = tanh(inputs[..., 2 * n :] + (r * h) @ weights.v)
    return z * h + (1 - z) * candidate


def rnn_weights(
    rng: np.random.Generator, inputs: int, units: int, *, dtype: Any = np.float32, name: str = "rnn"
) -> RnnWeights[Shared]:
    """Return weights to begin with: Glorot's for inputs, an orthogonal matrix for the state.

    Args:
        rng: what weights are drawn from.
        inputs: size ``k`` of an input.
        units: size ``n`` of a state.
        dtype: of all weights.
        name: in front of the names of the shared variables.

    >>> ag.nn.rnn_weights(np.random.default_rng(0), 3, 2).u.get_value().shape
    (2, 2)
    """
    return _shared(
        RnnWeights[Any],
        name,
        dtype,
        w=glorot(rng, inputs, units, np.float64),
        u=orthogonal(rng, units, np.float64),
        b=np.zeros(units),
    )


def irnn_weights(
    rng: np.random.Generator,
    inputs: int,
    units: int,
    *,
    scale: float = 1.0,
    spread: float = 0.001,
    dtype: Any = np.float32,
    name: str = "irnn",
) -> RnnWeights[Shared]:
    """Return weights of a recurrent network of rectified units that begins as a sum of its inputs.

    The state's matrix is the identity, or a multiple of it, biases are 0, other weights small.

    Q. V. Le, N. Jaitly, G. E. Hinton: A simple way to initialize recurrent networks of rectified
    linear units.  arXiv 1504.00941 (2015).

    Args:
        rng: what weights are drawn from.
        inputs: size ``k`` of an input.
        units: size ``n`` of a state.
        scale: of the identity; below 1 the network forgets.
        spread: standard deviation of the weights of inputs.
        dtype: of all weights.
        name: in front of the names of the shared variables.

    >>> ag.nn.irnn_weights(np.random.default_rng(0), 3, 2).u.get_value()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return _shared(
        RnnWeights[Any],
        name,
        dtype,
        w=gaussian(rng, (inputs, units), spread, np.float64),
        u=identity(units, scale, dtype=np.float64),
        b=np.zeros(units),
    )


def lstm_weights(
    rng: np.random.Generator,
    inputs: int,
    units: int,
    *,
    forget: float = 1.0,
    dtype: Any = np.float32,
    name: str = "lstm",
) -> LstmWeights[Shared]:
    """Return weights to begin with: Glorot's for inputs, orthogonal matrices for the state.

    Args:
        rng: what weights are drawn from.
        inputs: size ``k`` of an input.
        units: size ``n`` of a state.
        forget: bias of the forget gates; 1 lets the network remember from the start, as R.
            Jozefowicz, W. Zaremba and I. Sutskever found good: An empirical exploration of
            recurrent network architectures.  ICML (2015).
        dtype: of all weights.
        name: in front of the names of the shared variables.

    >>> ag.nn.lstm_weights(np.random.default_rng(0), 3, 2).b.get_value()
    array([0., 0., 1., 1., 0., 0., 0., 0.], dtype=float32)
    """
    biases = np.zeros(4 * units)
    biases[units : 2 * units] = forget
    return _shared(
        LstmWeights[Any],
        name,
        dtype,
        w=_side_by_side(glorot(rng, inputs, units, np.float64) for _ in range(4)),
        u=_side_by_side(orthogonal(rng, units, np.float64) for _ in range(4)),
        b=biases,
    )


def gru_weights(
    rng: np.random.Generator, inputs: int, units: int, *, dtype: Any = np.float32, name: str = "gru"
) -> GruWeights[Shared]:
    """Return weights to begin with: Glorot's for inputs, orthogonal matrices for the state.

    Args:
        rng: what weights are drawn from.
        inputs: size ``k`` of an input.
        units: size ``n`` of a state.
        dtype: of all weights.
        name: in front of the names of the shared variables.

    >>> ag.nn.gru_weights(np.random.default_rng(0), 3, 2).w.get_value().shape
    (3, 6)
    """
    return _shared(
        GruWeights[Any],
        name,
        dtype,
        w=_side_by_side(glorot(rng, inputs, units, np.float64) for _ in range(3)),
        u=_side_by_side(orthogonal(rng, units, np.float64) for _ in range(2)),
        v=orthogonal(rng, units, np.float64),
        b=np.zeros(3 * units),
    )


def _side_by_side(blocks: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(list(blocks), axis=1)


def _shared(kind: Callable[..., Any], name: str, dtype: Any, **arrays: NDArray[Any]) -> Any:
    """A tuple of shared variables."""
    return kind(**{field: shared(a, f"{name}_{field}", dtype=dtype) for field, a in arrays.items()})
