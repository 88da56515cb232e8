"""Weights to begin with, as NumPy arrays drawn from a NumPy generator.

A shape is that of the weights.  How many numbers a unit reads and is read by (fan in and fan out)
depends on which axes are inputs and outputs: ``layout`` names them, ``i`` and ``o``; the others are
places of a kernel.  By default it is ``"io"`` for matrices (``x @ w``) and ``"oi..."`` for kernels
(``[out, in, height, width]``); ``"hwio"`` is that of channels last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.errors import FunctionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from agnesi.compile.shared import Shared

    Generator = np.random.Generator


def fans(shape: Sequence[int], layout: str | None = None) -> tuple[int, int]:
    """Return how many numbers a unit reads, and how many units read a number.

    Args:
        shape: of weights, at least two axes.
        layout: a letter for each axis: ``i`` inputs, ``o`` outputs, others places of a kernel.

    Raises:
        FunctionError: the layout does not fit the shape.

    >>> ag.nn.fans((30, 20)), ag.nn.fans((16, 8, 3, 3)), ag.nn.fans((3, 3, 8, 16), "hwio")
    ((30, 20), (72, 144), (72, 144))
    """
    sizes = tuple(shape)
    ends = _ends(sizes, layout)
    inputs, outputs = (sizes[axis] for axis in ends)
    places = math.prod(size for axis, size in enumerate(sizes) if axis not in ends)
    return inputs * places, outputs * places


def _ends(shape: tuple[int, ...], layout: str | None) -> tuple[int, int]:
    """Return the axes of inputs and of outputs."""
    if layout is None:
        layout = "io" if len(shape) == 2 else "oi" + "." * (len(shape) - 2)
    if len(shape) != len(layout) or layout.count("i") != 1 or layout.count("o") != 1:
        raise FunctionError(
            f"initial weights: a layout {layout!r} for weights of shape {shape}\n"
            "  Give a letter for each axis, of which one is i (inputs) and one is o (outputs)."
        )
    return layout.index("i"), layout.index("o")


def glorot_uniform(
    rng: Generator,
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    layout: str | None = None,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return uniform weights that keep variances, forward and backward.

    X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks.
    AISTATS (2010), equation 16: between ``-r`` and ``r``, ``r = sqrt(6 / (fan_in + fan_out))``.

    Args:
        rng: NumPy generator.
        shape: of the weights.
        gain: scales them.
        layout: of the axes (:func:`fans`).
        dtype: of the result.

    Raises:
        FunctionError: the layout does not fit the shape.

    >>> weights = ag.nn.glorot_uniform(np.random.default_rng(0), (16, 8, 3, 3))
    >>> weights.dtype, bool(abs(weights).max() <= (6 / (72 + 144)) ** 0.5)
    (dtype('float32'), True)
    """
    return _uniform(rng, shape, gain * _spread(sum(fans(shape, layout)) / 2), dtype)


def glorot_normal(
    rng: Generator,
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    layout: str | None = None,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return normal weights that keep variances: ``gain * sqrt(2 / (fan_in + fan_out)) * z``.

    X. Glorot, Y. Bengio (2010), equation 12; arguments are those of :func:`glorot_uniform`.
    """
    return _normal(rng, shape, gain * _spread(sum(fans(shape, layout)) / 2), dtype)


def he_uniform(
    rng: Generator,
    shape: Sequence[int],
    *,
    slope: float = 0.0,
    layout: str | None = None,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return uniform weights that keep variances through rectifiers.

    K. He, X. Zhang, S. Ren, J. Sun: Delving deep into rectifiers.  ICCV (2015), arXiv 1502.01852,
    equation 15: a variance of ``2 / ((1 + slope**2) * fan_in)``.

    Args:
        rng: NumPy generator.
        shape: of the weights.
        slope: that of the rectifiers below 0.
        layout: of the axes (:func:`fans`).
        dtype: of the result.

    Raises:
        FunctionError: the layout does not fit the shape.
    """
    return _uniform(rng, shape, _rectified(slope) * _spread(fans(shape, layout)[0]), dtype)


def he_normal(
    rng: Generator,
    shape: Sequence[int],
    *,
    slope: float = 0.0,
    layout: str | None = None,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return normal weights that keep variances through rectifiers.

    He and others (2015), equation 15; arguments are those of :func:`he_uniform`.

    >>> weights = ag.nn.he_normal(np.random.default_rng(0), (1000, 100))
    >>> bool(abs(weights.std() - (2 / 1000) ** 0.5) < 1e-3)
    True
    """
    return _normal(rng, shape, _rectified(slope) * _spread(fans(shape, layout)[0]), dtype)


def lecun_uniform(
    rng: Generator, shape: Sequence[int], *, layout: str | None = None, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return uniform weights of variance ``1 / fan_in``; see :func:`lecun_normal`."""
    return _uniform(rng, shape, _spread(fans(shape, layout)[0]), dtype)


def lecun_normal(
    rng: Generator, shape: Sequence[int], *, layout: str | None = None, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return normal weights of variance ``1 / fan_in``, which :func:`agnesi.selu` wants, too.

    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Mueller: Efficient BackProp.  Neural networks: tricks of
    the trade (1998), equation 16.

    Args:
        rng: NumPy generator.
        shape: of the weights.
        layout: of the axes (:func:`fans`).
        dtype: of the result.

    Raises:
        FunctionError: the layout does not fit the shape.
    """
    return _normal(rng, shape, _spread(fans(shape, layout)[0]), dtype)


def glorot(rng: Generator, inputs: int, outputs: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Return :func:`glorot_uniform` weights of a layer: [inputs, outputs].

    >>> weights = ag.nn.glorot(np.random.default_rng(0), 30, 20)
    >>> weights.shape, bool(abs(weights).max() <= (6 / 50) ** 0.5)
    ((30, 20), True)
    """
    return glorot_uniform(rng, (inputs, outputs), dtype=dtype)


def gaussian(
    rng: Generator, shape: Sequence[int], scale: float = 0.01, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return normal weights of mean 0 and a standard deviation.

    >>> ag.nn.gaussian(np.random.default_rng(0), (2, 3), scale=0.01).shape
    (2, 3)
    """
    return _normal(rng, shape, scale, dtype)


def uniform(
    rng: Generator,
    shape: Sequence[int],
    low: float = -0.05,
    high: float = 0.05,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return weights between two bounds, equally likely."""
    return rng.uniform(low, high, tuple(shape)).astype(dtype)


def constant(shape: Sequence[int], value: ArrayLike = 0.0, dtype: Any = np.float32) -> NDArray[Any]:
    """Return weights that are one number, or whatever broadcasts to the shape.

    >>> ag.nn.constant((2, 3), 0.5)
    array([[0.5, 0.5, 0.5],
           [0.5, 0.5, 0.5]], dtype=float32)
    """
    return np.full(tuple(shape), value, dtype)


def identity(
    shape: int | Sequence[int],
    gain: float = 1.0,
    *,
    layout: str | None = None,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return weights that give what they read, as far as there are outputs for inputs.

    A kernel reads the place in its middle.  For recurrent layers: Q. V. Le, N. Jaitly, G. E.
    Hinton: A simple way to initialize recurrent networks of rectified linear units.  arXiv
    1504.00941 (2015).

    Args:
        shape: of the weights; an integer is a square matrix.
        gain: what is on the diagonal.
        layout: of the axes (:func:`fans`).
        dtype: of the result.

    Raises:
        FunctionError: the layout does not fit the shape.

    >>> ag.nn.identity(2, 0.5)
    array([[0.5, 0. ],
           [0. , 0.5]], dtype=float32)
    """
    sizes = _square(shape)
    ends = _ends(sizes, layout)
    weights = np.zeros(sizes, dtype)
    count = np.arange(min(sizes[k] for k in ends))
    weights[tuple(count if k in ends else s // 2 for k, s in enumerate(sizes))] = gain
    return weights


def orthogonal(
    rng: Generator,
    shape: int | Sequence[int],
    dtype: Any = np.float32,
    *,
    gain: float = 1.0,
    layout: str | None = None,
) -> NDArray[Any]:
    """Return random orthogonal weights, every one as likely as any other.

    Of a matrix that is not square, columns or rows are orthonormal, whichever are fewer; a kernel
    is a matrix of all that a unit reads and of units.  A. M. Saxe, J. L. McClelland, S. Ganguli:
    Exact solutions to the nonlinear dynamics of learning in deep linear neural networks.  ICLR
    (2014), arXiv 1312.6120.

    Args:
        rng: NumPy generator.
        shape: of the weights; an integer is a square matrix.
        dtype: of the result.
        gain: scales them.
        layout: of the axes (:func:`fans`).

    Raises:
        FunctionError: the layout does not fit the shape.

    >>> q = ag.nn.orthogonal(np.random.default_rng(0), 4, np.float64)
    >>> np.allclose(q.T @ q, np.eye(4))
    True
    """
    sizes = _square(shape)
    _, place = _ends(sizes, layout)
    others = [s for k, s in enumerate(sizes) if k != place]
    rows, columns = math.prod(others), sizes[place]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    matrix = q if rows >= columns else q.T
    return np.moveaxis(gain * matrix.reshape(*others, columns), -1, place).astype(dtype, order="C")


def sparse(
    rng: Generator,
    shape: Sequence[int],
    connections: int = 15,
    scale: float = 1.0,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Return weights of which each unit has a few that are not 0: [inputs, outputs].

    J. Martens: Deep learning via Hessian-free optimization.  ICML (2010), section 5.

    Args:
        rng: NumPy generator.
        shape: inputs and outputs.
        connections: how many weights of a unit are not 0, at most.
        scale: their standard deviation.
        dtype: of the result.

    >>> weights = ag.nn.sparse(np.random.default_rng(0), (100, 20), connections=15)
    >>> np.unique((weights != 0).sum(axis=0))
    array([15])
    """
    inputs, outputs = shape
    kept = min(connections, inputs)
    weights = np.zeros((inputs, outputs))
    for unit in range(outputs):
        chosen = rng.choice(inputs, kept, replace=False)
        weights[chosen, unit] = scale * rng.standard_normal(kept)
    return weights.astype(dtype)


def principal(
    data: ArrayLike, units: int, *, whiten: bool = False, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return the directions in which data varies most, as columns: [inputs, units].

    Args:
        data: ``[examples, inputs]``; its mean is taken away.
        units: how many directions, at most as many as inputs and examples.
        whiten: scale each, so that data has variance 1 along it.
        dtype: of the result.

    Raises:
        FunctionError: there are not so many directions.

    >>> data = np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 5.0, 2.0]
    >>> abs(ag.nn.principal(data, 2)).argmax(axis=0)
    array([1, 2])
    """
    rows = _rows("principal", data)
    centred = rows - rows.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    if not 0 < units <= len(lengths):
        raise FunctionError(
            f"principal: {units} directions of data of shape {rows.shape}, which has {len(lengths)}"
        )
    scale = math.sqrt(len(rows)) / np.maximum(lengths[:units], 1e-12) if whiten else 1.0
    return (directions[:units].T * scale).astype(dtype)


def exemplars(
    rng: Generator, data: ArrayLike, units: int, *, scale: float = 1.0, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return examples drawn from data, each made of one length, as columns: [inputs, units].

    What is random and yet like the data; give whitened data.  A. Coates, A. Y. Ng: The importance
    of encoding versus training with sparse coding and vector quantization.  ICML (2011), section
    3.1 ("randomly sampled patches").

    Args:
        rng: NumPy generator.
        data: ``[examples, inputs]``.
        units: how many; examples are taken twice only where there are fewer.
        scale: the length of a column; examples that are all 0 stay so.
        dtype: of the result.

    >>> data = np.random.default_rng(0).normal(size=(50, 8))
    >>> weights = ag.nn.exemplars(np.random.default_rng(0), data, 5)
    >>> weights.shape, np.allclose(np.linalg.norm(weights, axis=0), 1)
    ((8, 5), True)
    """
    rows = _rows("exemplars", data)
    chosen = rows[rng.choice(len(rows), units, replace=units > len(rows))]
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    return (scale * chosen / np.where(lengths > 0, lengths, 1)).T.astype(dtype)


def data_scaled(
    weights: Shared,
    output: Callable[[], NDArray[Any]],
    *,
    scale: float = 1.0,
    tolerance: float = 0.01,
    tries: int = 10,
) -> float:
    """Scale a layer's weights until what the layer gives for a batch has a standard deviation.

    Layer by layer, from the first: D. Mishkin, J. Matas: All you need is a good init.  ICLR (2016),
    arXiv 1511.06422, algorithm 1, where the weights begin as :func:`orthogonal` ones.

    Args:
        weights: a shared variable, which is changed.
        output: gives what the layer gives for some batch, with the weights as they are.
        scale: the standard deviation that is wanted.
        tolerance: how far from it is near enough.
        tries: how often to scale, at most.

    Returns:
        The standard deviation that was reached.

    Raises:
        FunctionError: the outputs are all the same, or not finite.

    >>> rng = np.random.default_rng(0)
    >>> w = ag.shared(ag.nn.orthogonal(rng, (20, 10)), "w")
    >>> layer = ag.function([], ag.relu(ag.constant(rng.normal(size=(50, 20)).astype("f4")) @ w))
    >>> bool(abs(ag.nn.data_scaled(w, layer) - 1) <= 0.01)
    True
    """
    for attempt in range(tries + 1):
        found = float(np.std(np.asarray(output(), np.float64)))
        if not 0 < found < math.inf:
            raise FunctionError(
                f"data_scaled: what the layer of {weights!r} gives has the standard deviation "
                f"{found}\n  Begin with other weights, or another batch."
            )
        if abs(found - scale) <= tolerance or attempt == tries:
            return found
        value = weights.get_value()
        weights.set_value((value * (scale / found)).astype(value.dtype))
    raise AssertionError


def _spread(fan: float) -> float:
    return math.sqrt(1 / fan) if fan else 0.0


def _rectified(slope: float) -> float:
    return math.sqrt(2 / (1 + slope**2))


def _uniform(rng: Generator, shape: Sequence[int], spread: float, dtype: Any) -> NDArray[Any]:
    reach = math.sqrt(3) * spread
    return rng.uniform(-reach, reach, tuple(shape)).astype(dtype)


def _normal(rng: Generator, shape: Sequence[int], spread: float, dtype: Any) -> NDArray[Any]:
    return (spread * rng.standard_normal(tuple(shape))).astype(dtype)


def _square(shape: int | Sequence[int]) -> tuple[int, ...]:
    return (shape, shape) if isinstance(shape, int) else tuple(shape)


def _rows(what: str, data: ArrayLike) -> NDArray[Any]:
    rows = np.asarray(data, np.float64)
    if rows.ndim != 2 or not len(rows):
        raise FunctionError(f"{what}: data is [examples, inputs], and this has shape {rows.shape}")
    return rows
