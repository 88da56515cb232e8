"""Recurrent layers: cells from the first step of sequences to the last.

Sequences are ``[time, batch, k]``, or ``[batch, time, k]`` where ``batch_major`` says so; without
the axis of the batch a layer takes one sequence.  What a layer gives is the output of every step
and the state after the last one.

Sequences of different lengths stand in one array, with whatever after their ends; ``lengths`` or a
``mask`` says which steps are theirs.  In other steps the state is held and the output is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from agnesi.core.errors import GraphTypeError
from agnesi.graph.tensor import Tensor
from agnesi.nn.cells import (
    GruWeights,
    LstmState,
    LstmWeights,
    RnnWeights,
    gru_cell,
    lstm_cell,
    rnn_cell,
)
from agnesi.ops.choice import where
from agnesi.ops.creation import arange, zeros, zeros_like
from agnesi.ops.iteration import scan
from agnesi.ops.joining import concatenate
from agnesi.ops.movement import broadcast_to, swapaxes
from agnesi.ops.trigonometric import tanh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


State = TypeVar("State")
Weights_contra = TypeVar("Weights_contra", contravariant=True)
Weights = TypeVar("Weights")


class Layer(Protocol[Weights_contra, State]):
    """What :func:`rnn`, :func:`lstm`, :func:`gru`, and layers made of layers, are."""

    def __call__(
        self,
        x: Tensor,
        weights: Weights_contra,
        state: State | None = None,
        *,
        mask: Tensor | None = None,
        lengths: Tensor | None = None,
        reverse: bool = False,
        batch_major: bool = False,
    ) -> tuple[Tensor, State]:
        """Return the output of each step, and the state after the last."""
        ...


def recur(
    cell: Callable[[State, Tensor], tuple[State, Tensor]],
    x: Tensor,
    state: State,
    *,
    mask: Tensor | None = None,
    lengths: Tensor | None = None,
    reverse: bool = False,
    batch_major: bool = False,
) -> tuple[Tensor, State]:
    """Run any cell over sequences; layers are this with their cells.

    Args:
        cell: the state, nested tuples of ``[batch, ...]``, and ``[batch, k]`` inputs to the next
            state and the output, ``[batch, m]``.
        x: ``[time, batch, k]``, or ``[batch, time, k]`` where ``batch_major``.
        state: before the first step.
        mask: bool, the axes of ``x`` but the last: which steps are those of the sequence.
        lengths: integers, ``[batch]``: how many steps, the first ones, are those of the sequence.
        reverse: from the last step to the first; outputs keep their places.  The state that comes
            out is that after the first step.
        batch_major: the batch is the first axis of ``x``, ``mask`` and the output.

    Returns:
        Outputs, ``[time, batch, m]`` or ``[batch, time, m]``, and the state after the last step.

    Raises:
        GraphTypeError: ``x``, ``mask`` or ``lengths`` do not have the axes or dtypes they should,
            or the state changes its type from one step to the next.

    >>> x = ag.input("x", "f32[time, batch, 3]")
    >>> def decaying(state, row):
    ...     state = 0.5 * state + row
    ...     return state, state
    >>> y, last = ag.nn.recur(decaying, x, ag.zeros((x.shape[1], 3)))
    >>> f = ag.function([x], [y, last])
    >>> f(np.ones((3, 1, 3), np.float32))[0][:, 0, 0]
    array([1.  , 1.5 , 1.75], dtype=float32)
    """
    x = _time_first(x, batch_major)
    going = _going(x, mask, lengths, batch_major)

    def step(state: State, row: Tensor) -> tuple[State, Tensor]:
        return cell(state, row)

    def held(state: State, rows: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
        row, goes = rows
        new, output = cell(state, row)
        return _chosen(goes, new, state), _where(goes, output, zeros_like(output))

    if going is None:
        state, outputs = scan(step, state, x, reverse=reverse)
    else:
        # Of what stands after the end no NaN may get into gradients: 0 times NaN is NaN.
        x = _where(going, x, zeros_like(x))
        state, outputs = scan(held, state, (x, going), reverse=reverse)
    return _time_first(outputs, batch_major), state


def rnn(
    x: Tensor,
    weights: RnnWeights[Tensor],
    state: Tensor | None = None,
    *,
    activation: Callable[[Tensor], Tensor] = tanh,
    mask: Tensor | None = None,
    lengths: Tensor | None = None,
    reverse: bool = False,
    batch_major: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the states of simple recurrent units over sequences, and the last one.

    Equations and sources: :func:`rnn_cell`; with ``activation=ag.relu`` and the weights of
    :func:`irnn_weights` it is the IRNN.

    Args:
        x: ``[time, batch, k]``.
        weights: of the layer.
        state: before the first step, ``[batch, n]`` or ``[n]``; zeros where it is None.
        activation: of each unit.
        mask: as :func:`recur` has it.
        lengths: as :func:`recur` has it.
        reverse: as :func:`recur` has it.
        batch_major: as :func:`recur` has it.

    Returns:
        States, ``[time, batch, n]``, and the last one, ``[batch, n]``.

    Raises:
        GraphTypeError: as :func:`recur`.

    >>> weights = ag.nn.rnn_weights(np.random.default_rng(0), inputs=3, units=2)
    >>> x = ag.input("x", "f32[time, batch, 3]")
    >>> y, last = ag.nn.rnn(x, weights)
    >>> y.type, last.type
    (f32[time, batch, 2], f32[batch, 2])
    """

    def cell(h: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        h = rnn_cell(weights, h, row, activation)
        return h, h

    h = _initial(x, state, weights.u, batch_major)
    return recur(cell, x, h, mask=mask, lengths=lengths, reverse=reverse, batch_major=batch_major)


def lstm(
    x: Tensor,
    weights: LstmWeights[Tensor],
    state: LstmState[Tensor] | None = None,
    *,
    mask: Tensor | None = None,
    lengths: Tensor | None = None,
    reverse: bool = False,
    batch_major: bool = False,
) -> tuple[Tensor, LstmState[Tensor]]:
    """Return what long short-term memory gives over sequences, and its last state.

    Equations and sources: :func:`lstm_cell`.

    Args:
        x: ``[time, batch, k]``.
        weights: of the layer.
        state: before the first step, ``h`` and ``c``, each ``[batch, n]`` or ``[n]``; zeros where
            it is None.
        mask: as :func:`recur` has it.
        lengths: as :func:`recur` has it.
        reverse: as :func:`recur` has it.
        batch_major: as :func:`recur` has it.

    Returns:
        ``h`` of each step, ``[time, batch, n]``, and the last ``h`` and ``c``, ``[batch, n]`` each.

    Raises:
        GraphTypeError: as :func:`recur`.

    Two sequences of lengths 4 and 2:

    >>> weights = ag.nn.lstm_weights(np.random.default_rng(0), inputs=3, units=2)
    >>> x, lengths = ag.input("x", "f32[time, batch, 3]"), ag.input("lengths", "i64[batch]")
    >>> y, last = ag.nn.lstm(x, weights, lengths=lengths)
    >>> f = ag.function([x, lengths], [y, last.h])
    >>> outputs, h = f(np.ones((4, 2, 3), np.float32), np.array([4, 2]))
    >>> outputs[:, 1, 0] == 0
    array([False, False,  True,  True])
    >>> bool((h[1] == outputs[1, 1]).all())
    True
    """

    def cell(state: LstmState[Tensor], row: Tensor) -> tuple[LstmState[Tensor], Tensor]:
        state = lstm_cell(weights, state, row)
        return state, state.h

    h, c = (None, None) if state is None else state
    first = LstmState(*(_initial(x, part, weights.u, batch_major) for part in (h, c)))
    return recur(
        cell, x, first, mask=mask, lengths=lengths, reverse=reverse, batch_major=batch_major
    )


def gru(
    x: Tensor,
    weights: GruWeights[Tensor],
    state: Tensor | None = None,
    *,
    mask: Tensor | None = None,
    lengths: Tensor | None = None,
    reverse: bool = False,
    batch_major: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the states of gated recurrent units over sequences, and the last one.

    Equations and sources: :func:`gru_cell`.

    Args:
        x: ``[time, batch, k]``.
        weights: of the layer.
        state: before the first step, ``[batch, n]`` or ``[n]``; zeros where it is None.
        mask: as :func:`recur` has it.
        lengths: as :func:`recur` has it.
        reverse: as :func:`recur` has it.
        batch_major: as :func:`recur` has it.

    Returns:
        States, ``[time, batch, n]``, and the last one, ``[batch, n]``.

    Raises:
        GraphTypeError: as :func:`recur`.

    >>> weights = ag.nn.gru_weights(np.random.default_rng(0), inputs=3, units=2)
    >>> y, last = ag.nn.gru(ag.input("x", "f32[batch, time, 3]"), weights, batch_major=True)
    >>> y.type, last.type
    (f32[batch, time, 2], f32[batch, 2])
    """

    def cell(h: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        h = gru_cell(weights, h, row)
        return h, h

    h = _initial(x, state, weights.u, batch_major)
    return recur(cell, x, h, mask=mask, lengths=lengths, reverse=reverse, batch_major=batch_major)


def bidirectional(
    layer: Layer[Weights, State],
) -> Layer[tuple[Weights, Weights], tuple[State, State]]:
    """Return the layer that reads sequences in both directions, and puts outputs side by side.

    M. Schuster, K. K. Paliwal: Bidirectional recurrent neural networks.  IEEE Transactions on
    Signal Processing 45 (1997), 2673-2681.

    Args:
        layer: runs forward with the first weights and the first state, backward with the second.

    Returns:
        A layer that takes two weights and two states; its outputs are ``[time, batch, 2 m]``.

    >>> rng = np.random.default_rng(0)
    >>> weights = ag.nn.gru_weights(rng, 3, 2), ag.nn.gru_weights(rng, 3, 2)
    >>> x = ag.input("x", "f32[time, batch, 3]")
    >>> y, (last, first) = ag.nn.bidirectional(ag.nn.gru)(x, weights)
    >>> y.type, first.type
    (f32[time, batch, 4], f32[batch, 2])
    """

    def both(
        x: Tensor,
        weights: tuple[Weights, Weights],
        state: tuple[State, State] | None = None,
        *,
        mask: Tensor | None = None,
        lengths: Tensor | None = None,
        reverse: bool = False,
        batch_major: bool = False,
    ) -> tuple[Tensor, tuple[State, State]]:
        outputs: list[Tensor] = []
        states: list[State] = []
        for own, first, turned in zip(weights, state or (None, None), (False, True), strict=True):
            y, last = layer(
                x,
                own,
                first,
                mask=mask,
                lengths=lengths,
                reverse=reverse is not turned,
                batch_major=batch_major,
            )
            outputs.append(y)
            states.append(last)
        return concatenate(outputs, axis=-1), (states[0], states[1])

    return both


def stacked(layer: Layer[Weights, State]) -> Layer[Sequence[Weights], Sequence[State]]:
    """Return layers one above the other: each reads what the one below gives.

    Args:
        layer: runs with each weights in turn.

    Returns:
        A layer that takes a list of weights, the lowest first, and a list of states.

    >>> rng = np.random.default_rng(0)
    >>> weights = [ag.nn.lstm_weights(rng, 3, 5), ag.nn.lstm_weights(rng, 5, 2)]
    >>> y, (below, above) = ag.nn.stacked(ag.nn.lstm)(ag.input("x", "f32[time, batch, 3]"), weights)
    >>> y.type, below.h.type, above.c.type
    (f32[time, batch, 2], f32[batch, 5], f32[batch, 2])
    """

    def tower(
        x: Tensor,
        weights: Sequence[Weights],
        state: Sequence[State] | None = None,
        *,
        mask: Tensor | None = None,
        lengths: Tensor | None = None,
        reverse: bool = False,
        batch_major: bool = False,
    ) -> tuple[Tensor, Sequence[State]]:
        firsts: Sequence[State | None] = [None] * len(weights) if state is None else state
        if len(firsts) != len(weights):
            raise GraphTypeError(
                f"stacked: {len(firsts)} states for the weights of {len(weights)} layers\n"
                "  Give one for each, the lowest first, or none at all."
            )
        states: list[State] = []
        for own, first in zip(weights, firsts, strict=True):
            x, last = layer(
                x,
                own,
                first,
                mask=mask,
                lengths=lengths,
                reverse=reverse,
                batch_major=batch_major,
            )
            states.append(last)
        return x, states

    return tower


def _time_first(x: Tensor, batch_major: bool) -> Tensor:
    return swapaxes(x, 0, 1) if batch_major else x


def _initial(x: Tensor, state: Tensor | None, u: Tensor, batch_major: bool) -> Tensor:
    """The first state, a row for each example."""
    shape = (*_time_first(x, batch_major).shape[1:-1], u.shape[0])
    if state is None:
        return zeros(shape, u.dtype)
    return state if state.ndim == len(shape) else broadcast_to(state, shape)


def _going(
    x: Tensor, mask: Tensor | None, lengths: Tensor | None, batch_major: bool
) -> Tensor | None:
    """Which steps are those of a sequence, bool[time, batch]; None: all."""
    if x.ndim < 2:
        raise GraphTypeError(
            f"a recurrent layer: sequences are [time, batch, k], but this is {x!r}\n"
            "  Give an axis of time, and one of what is read in a step."
        )
    if mask is not None and lengths is not None:
        raise GraphTypeError(
            "a recurrent layer: mask and lengths both say where sequences end\n  Give one of them."
        )
    if mask is not None:
        mask = _time_first(mask, batch_major)
        if mask.ndim != x.ndim - 1 or mask.dtype.value != "bool":
            raise GraphTypeError(
                f"a recurrent layer: a mask is bool, with the axes of {x!r} but the last, "
                f"and this is {mask!r}\n  Compare numbers with 0 to make bools: mask != 0."
            )
        return mask
    if lengths is None:
        return None
    if lengths.ndim != x.ndim - 2 or lengths.dtype.is_inexact:
        raise GraphTypeError(
            f"a recurrent layer: lengths are integers, one for each sequence of {x!r}, "
            f"and this is {lengths!r}"
        )
    steps = arange(x.shape[0])
    return steps.reshape((x.shape[0], *[1] * lengths.ndim)) < lengths


def _where(goes: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """``new`` where an example goes on; ``goes`` has the first axes of both."""
    axes = new.ndim - goes.ndim
    return where(goes.reshape((*goes.shape, *[1] * axes)), new, old)


def _chosen(goes: Tensor, new: Any, old: Any) -> Any:
    """The same for nested tuples, lists and dictionaries."""
    if isinstance(new, Tensor):
        return _where(goes, new, old)
    if isinstance(new, dict):
        parts = cast("dict[Any, Any]", new)
        return {key: _chosen(goes, part, old[key]) for key, part in parts.items()}
    parts = [_chosen(goes, *pair) for pair in zip(new, old, strict=True)]
    return type(new)(*parts) if hasattr(new, "_fields") else type(new)(parts)
