"""Units that are left out, or made noisy, at random while a network learns.

Noise comes from a stream, or from a key (:mod:`agnesi.random`): its numbers are computed where they
are read, and again in the gradient, so that no mask lies in memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.errors import GraphTypeError
from agnesi.graph.tensor import Tensor
from agnesi.ops.choice import where
from agnesi.ops.elementary import relu
from agnesi.ops.functions import as_bool, as_float
from agnesi.ops.lift import as_axes, as_tensor, is_number, operand_lines
from agnesi.ops.movement import broadcast_to
from agnesi.ops.random import as_key, normal, uniform
from agnesi.ops.random_discrete import bernoulli
from agnesi.random import Stream

if TYPE_CHECKING:
    from agnesi.graph.tensor import Axes, TensorLike

# What a unit that is left out of a self-normalising network is: where selu ends, for small x.
_SATURATION = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def dropout(
    x: TensorLike,
    /,
    random: Stream | TensorLike,
    rate: TensorLike = 0.5,
    *,
    training: bool | Tensor = True,
    broadcast_axes: Axes = (),
) -> Tensor:
    """Leave units out at random, and scale the others by ``1 / (1 - rate)``.

    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov: Dropout: a simple way
    to prevent neural networks from overfitting.  Journal of Machine Learning Research 15 (2014),
    1929-1958.  Scaled here, so that nothing has to be scaled when the network is used.

    Args:
        x: array of floats.
        random: a stream of :mod:`agnesi.random`, or a key.
        rate: the probability that a unit is left out, 0 to 1; an array broadcasts to ``x``
            (``[n, 1]``: one for each example).  Where a call finds it out of bounds, it is taken
            as the bound; NaN leaves all out.
        training: whether to; a scalar bool tensor is asked in each call.
        broadcast_axes: along these all units are left out together: ``(2, 3)`` leaves out whole
            channels of ``[n, c, h, w]`` (J. Tompson and others: Efficient object localization using
            convolutional networks.  CVPR (2015)), the axis of time the same units at all times.

    Returns:
        An array like ``x``.

    Raises:
        GraphTypeError: a rate that is no probability or does not broadcast, or no such axes.

    >>> stream = ag.random.Stream(seed=1)
    >>> f = ag.function([], ag.nn.dropout(ag.ones((1000,)), stream, 0.25))
    >>> kept = f()
    >>> [round(float(value), 4) for value in np.unique(kept)], bool(700 < (kept > 0).sum() < 800)
    ([0.0, 1.3333], True)
    """
    number = as_float(x)
    if _is_off(training) or _is(rate, 0):
        return number
    keep, mask = _kept(
        "dropout", number, random, rate, training=training, broadcast_axes=broadcast_axes
    )
    if is_number(keep):
        return where(mask, number * (1 / keep if keep else 0.0), 0)
    # Where nothing is kept, nothing is divided by 0: the gradient would be NaN.
    scale = where(keep > 0, 1 / where(keep > 0, keep, 1), 0)
    return where(mask, number * scale.astype(number.dtype), 0)


def gaussian_dropout(
    x: TensorLike,
    /,
    random: Stream | TensorLike,
    rate: TensorLike = 0.5,
    *,
    training: bool | Tensor = True,
) -> Tensor:
    """Multiply by numbers of mean 1 and the variance that dropout of this rate would have.

    ``x * (1 + sqrt(rate / (1 - rate)) * z)``.  N. Srivastava and others: Dropout: a simple way to
    prevent neural networks from overfitting.  Journal of Machine Learning Research 15 (2014),
    1929-1958, section 10.

    Args:
        x: array of floats.
        random: a stream, or a key.
        rate: 0 up to but without 1; an array broadcasts to ``x``, and may be learnt.
        training: as :func:`dropout`.

    Raises:
        GraphTypeError: a rate that is none, or does not broadcast.

    >>> stream = ag.random.Stream(seed=1)
    >>> y = ag.nn.gaussian_dropout(ag.ones((10000,)), stream, 0.2).eval()
    >>> bool(0.98 < y.mean() < 1.02), bool(0.48 < y.std() < 0.52)
    (True, True)
    """
    number = as_float(x)
    if _is_off(training) or _is(rate, 0):
        return number
    if is_number(rate):
        _check("gaussian_dropout", number, rate, below=True)
        spread: float | Tensor = math.sqrt(rate / (1 - rate))  # type: ignore[operator]
    else:
        share = as_tensor(rate).astype(number.dtype)
        spread = (share / (1 - share)) ** 0.5
    noise = normal(_key("gaussian_dropout", random), number.shape, dtype=number.dtype)
    return _unless(training, number * (1 + spread * noise), number)


def alpha_dropout(
    x: TensorLike,
    /,
    random: Stream | TensorLike,
    rate: float = 0.1,
    *,
    training: bool | Tensor = True,
    broadcast_axes: Axes = (),
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1 behind :func:`agnesi.selu`.

    Units that are left out get the value that ``selu`` ends at; then all are scaled and shifted.
    G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter: Self-normalizing neural networks.  NIPS 30
    (2017), arXiv 1706.02515, section "New dropout technique".

    Args:
        x: array of floats.
        random: a stream, or a key.
        rate: 0 up to but without 1.
        training: as :func:`dropout`.
        broadcast_axes: as :func:`dropout`.

    Raises:
        GraphTypeError: a rate that is none, or no such axes.

    >>> stream = ag.random.Stream(seed=1)
    >>> y = ag.nn.alpha_dropout(stream.normal((20000,)), stream, 0.2).eval()
    >>> bool(abs(y.mean()) < 0.05), bool(0.95 < y.std() < 1.05)
    (True, True)
    """
    number = as_float(x)
    if _is_off(training) or _is(rate, 0):
        return number
    _check("alpha_dropout", number, rate, below=True)
    _, mask = _kept("alpha_dropout", number, random, rate, broadcast_axes=broadcast_axes)
    keep = 1 - rate
    scale = (keep + _SATURATION**2 * keep * rate) ** -0.5
    shift = -scale * rate * _SATURATION
    return _unless(training, where(mask, number, _SATURATION) * scale + shift, number)


def rrelu(
    x: TensorLike,
    /,
    random: Stream | TensorLike,
    low: float = 1 / 8,
    high: float = 1 / 3,
    *,
    training: bool | Tensor = True,
) -> Tensor:
    """Rectifier whose slope below 0 is random for each element, and the mean when not training.

    B. Xu, N. Wang, T. Chen, M. Li: Empirical evaluation of rectified activations in convolutional
    network.  arXiv 1505.00853 (2015), section 2.4.

    Args:
        x: array of floats.
        random: a stream, or a key.
        low: the least slope.
        high: the greatest slope.
        training: as :func:`dropout`.

    >>> stream = ag.random.Stream(seed=1)
    >>> y = ag.nn.rrelu(ag.constant([-24.0, 1.0]), stream, training=False)
    >>> y.eval()
    array([-5.5, 1. ], dtype=float32)
    """
    number = as_float(x)
    mean = (low + high) / 2
    if _is_off(training):
        return relu(number, mean)
    slopes = uniform(_key("rrelu", random), number.shape, low, high, dtype=number.dtype)
    return relu(number, _unless(training, slopes, mean))


def _key(what: str, random: Stream | TensorLike) -> Tensor:
    return random.next_key() if isinstance(random, Stream) else as_key(what, random)


def _is(value: Any, number: float) -> bool:
    return is_number(value) and value == number


def _check(what: str, x: Tensor, rate: Any, *, below: bool) -> None:
    """Refuse a number that is no rate."""
    if not (0 <= rate < 1 if below else 0 <= rate <= 1):
        raise GraphTypeError(
            f"{what}: a rate lies between 0 and 1, but this is {rate!r}\n"
            f"{operand_lines(('x',), (x,))}"
        )


def _is_off(training: object) -> bool:
    """Whether there is no noise at all, which is known already.

    Raises:
        GraphTypeError: it is neither a bool nor a tensor.
    """
    if isinstance(training, bool | np.bool_):
        return not training
    if not isinstance(training, Tensor):
        raise GraphTypeError(
            f"training is True, False or a scalar of each call, but this is {training!r}"
        )
    return False


def _unless(training: bool | Tensor, noisy: Tensor, clean: TensorLike) -> Tensor:
    """Return what is noisy while training, which a call may say."""
    if not isinstance(training, Tensor):
        return noisy
    if training.ndim:
        raise GraphTypeError(
            f"dropout: training is a bool or a scalar\n{operand_lines(('training',), (training,))}"
        )
    return where(as_bool(training), noisy, clean)


def _kept(
    what: str,
    x: Tensor,
    random: Stream | TensorLike,
    rate: Any,
    *,
    training: bool | Tensor = True,
    broadcast_axes: Axes,
) -> tuple[Any, Tensor]:
    """The probability to be kept, 1 in calls that do not train, and which units are."""
    if is_number(rate):
        _check(what, x, rate, below=False)
    keep: Any = 1 - rate if is_number(rate) else 1 - as_tensor(rate).astype("f64")
    if isinstance(training, Tensor):
        keep = _unless(training, as_tensor(keep), 1.0)
    axes = () if broadcast_axes == () else as_axes(what, broadcast_axes, x.ndim, x)
    shape = tuple(1 if k in axes else size for k, size in enumerate(x.shape))
    mask = bernoulli(_key(what, random), keep, shape)
    return keep, broadcast_to(mask, x.shape) if axes else mask
