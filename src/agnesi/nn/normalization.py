"""Normalisation of activations, and of weights.

Images are ``[batch, channels, ...]``, or of another ``layout``.  Scales and shifts (``gamma`` and
``beta``) are tensors; None leaves them out.  Variances are means of squares of centred values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from agnesi.core.dtypes import floating
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.nn.pooling import pool
from agnesi.ops.arithmetic import maximum
from agnesi.ops.creation import full
from agnesi.ops.families import without_axes
from agnesi.ops.lift import as_axes, as_tensor, cast, is_integer, lift_all, operand_lines, unify
from agnesi.ops.movement import broadcast, expand_dims, reshape, squeeze
from agnesi.ops.normalization import Normalize, moments
from agnesi.ops.powers import sqrt

if TYPE_CHECKING:
    from agnesi.dims.dim import Shape

__all__ = [
    "BatchNorm",
    "batch_norm",
    "batch_norm_inference",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "weight_norm",
]

BatchAxes: TypeAlias = "Literal['spatial', 'per-activation'] | tuple[int, ...]"


class BatchNorm(NamedTuple):
    """What :func:`batch_norm` gives.

    Attributes:
        output: the normalised array.
        mean: of the batch, of the shape of ``gamma``.
        variance: of the batch, of the shape of ``gamma``.
        updates: the running mean and variance, each with its new value, for ``ag.function``.
    """

    output: Tensor
    mean: Tensor
    variance: Tensor
    updates: list[tuple[Any, Tensor]]


class _Axes:
    """What is averaged over, and how parameters of the other axes are read.

    Raises:
        GraphTypeError: there are no such axes.
    """

    def __init__(self, op: str, x: Tensor, axes: Any, layout: str | None) -> None:
        self.op, self.x = op, x
        self.shown = f"\n{operand_lines(('x',), (x,))}"
        if isinstance(axes, str):
            if axes not in ("spatial", "per-activation"):
                raise GraphTypeError(
                    f"{op}: axes are 'spatial', 'per-activation' or integers, but this is "
                    f"{axes!r}{self.shown}"
                )
            channel = channel_axis(op, x, layout)
            batch = 0 if layout is None else layout.index("N")
            every = range(x.ndim)
            axes = tuple(k for k in every if k != channel) if axes == "spatial" else (batch,)
        self.axes = as_axes(op, axes, x.ndim, x)
        if not self.axes:
            raise GraphTypeError(f"{op}: there has to be an axis to average over{self.shown}")
        self.kept: Shape = without_axes(x.type.shape, self.axes)

    def parameter(self, name: str, given: TensorLike | None, default: float) -> Tensor:
        """Return a parameter as an array of the kept axes.

        Raises:
            GraphTypeError: it has another shape.
        """
        if given is None:
            return full(tuple(map(scalar_of, self.kept)), default, self.x.dtype)
        tensor = cast(lift_all(self.op, (given,))[0], self.x.dtype)
        if tensor.ndim == self.x.ndim and all(tensor.type.shape[k] == 1 for k in self.axes):
            tensor = squeeze(tensor, self.axes)
        own = tensor.type.shape
        fits = len(own) == len(self.kept) and all(
            unify(a, b) is not None for a, b in zip(own, self.kept, strict=True)
        )
        if not fits and tensor.ndim:
            wanted = ", ".join(map(str, self.kept))
            raise GraphTypeError(
                f"{self.op}: {name} has the sizes of the axes that are not averaged over, "
                f"[{wanted}]\n{operand_lines(('x', name), (self.x, tensor))}"
            )
        return tensor if tensor.ndim else broadcast(tensor, self.kept)

    def spread(self, parameter: Tensor) -> Tensor:
        """Return a parameter with axes of size 1, to be broadcast against ``x``."""
        return expand_dims(parameter, self.axes)

    def like(self, given: TensorLike, value: Tensor) -> Tensor:
        """Return a number of each kept axis in the shape and dtype of what the user has."""
        tensor = as_tensor(given)
        shaped = self.spread(value) if tensor.ndim == self.x.ndim != value.ndim else value
        return shaped.astype(tensor.dtype)


def channel_axis(op: str, x: Tensor, layout: str | None) -> int:
    """Return the axis of channels, the second one where nothing is said.

    Raises:
        GraphTypeError: the layout is none of ``x``.
    """
    if layout is None:
        if x.ndim < 2:
            raise GraphTypeError(
                f"{op}: takes arrays [batch, channels, ...]\n{operand_lines(('x',), (x,))}"
            )
        return 1
    space = set(layout) - {"N", "C"}
    if len(layout) != x.ndim or len(set(layout)) != x.ndim or len(space) != x.ndim - 2:
        raise GraphTypeError(
            f"{op}: layout names each axis of x, such as 'NCHW' or 'NHWC', but this is {layout!r}\n"
            f"{operand_lines(('x',), (x,))}"
        )
    return layout.index("C")


def _real(op: str, x: TensorLike) -> Tensor:
    tensor = as_tensor(x)
    if tensor.dtype.is_complex:
        raise GraphTypeError(
            f"{op}: is not defined for {tensor.dtype}\n{operand_lines(('x',), (tensor,))}"
        )
    return tensor.astype(floating(tensor.dtype))


def _normalize(
    x: Tensor, gamma: Tensor, beta: Tensor, axes: tuple[int, ...], epsilon: float
) -> Tensor:
    """Return the node; halves are computed in float32."""
    kind = x.dtype.arithmetic
    wide = [t.astype(kind) for t in (x, gamma, beta)]
    return Normalize(wide[0], wide[1], wide[2], axes, float(epsilon)).astype(x.dtype)


def _not_negative(op: str, name: str, value: Any, shown: str) -> None:
    if not isinstance(value, int | float) or value < 0:
        raise GraphTypeError(
            f"{op}: {name} is a number, not negative, but this is {value!r}{shown}"
        )


def batch_norm(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    running_mean: Tensor | None = None,
    running_variance: Tensor | None = None,
    *,
    axes: BatchAxes = "spatial",
    layout: str | None = None,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> BatchNorm:
    """Normalise by the mean and variance of the batch, as in training.

    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, of S. Ioffe, C. Szegedy: Batch
    normalization: accelerating deep network training by reducing internal covariate shift.  ICML
    (2015), arXiv 1502.03167.

    Running values follow as ``(1 - momentum) * old + momentum * new`` (PyTorch's ``momentum``,
    Theano's ``running_average_factor``); the variance among them is that of a sample, divided by
    ``count - 1``, as in both.

    Args:
        x: array of a batch.
        gamma: scales, with the sizes of the axes that are not averaged over, or those and ones;
            1 by default.
        beta: shifts; 0 by default.
        running_mean: a shared variable of the same shape as ``gamma``.
        running_variance: a shared variable.
        axes: to average over: ``"spatial"`` all but the channels, ``"per-activation"`` the batch
            alone, or integers.
        layout: where the channels are, such as ``"NHWC"``; the second axis by default.
        momentum: how much of the new value goes into the running ones.
        epsilon: added to the variance.

    Returns:
        :class:`BatchNorm`: output, mean, variance, updates.

    Raises:
        GraphTypeError: an argument that cannot be, or one running value without the other.

    >>> x = ag.input("x", "f32[n, 64, 7, 7]")
    >>> ag.nn.batch_norm(x, ag.ones(64), ag.zeros(64)).output.type
    f32[n, 64, 7, 7]
    >>> mean, variance = ag.shared(np.zeros(3, "f4")), ag.shared(np.ones(3, "f4"))
    >>> x = ag.input("x", "f32[n, 3]")
    >>> norm = ag.nn.batch_norm(x, running_mean=mean, running_variance=variance)
    >>> step = ag.function([x], norm.output, updates=norm.updates)
    >>> step(np.float32([[1, 2, 3], [3, 6, 9]])).round(2)
    array([[-1., -1., -1.],
           [ 1.,  1.,  1.]], dtype=float32)
    >>> mean.get_value()
    array([0.2, 0.4, 0.6], dtype=float32)
    """
    op = "batch_norm"
    tensor = _real(op, x)
    over = _Axes(op, tensor, axes, layout)
    _not_negative(op, "epsilon", epsilon, over.shown)
    _not_negative(op, "momentum", momentum, over.shown)
    if (running_mean is None) is not (running_variance is None):
        raise GraphTypeError(f"{op}: takes a running mean and variance, or neither{over.shown}")
    scale, shift = over.parameter("gamma", gamma, 1), over.parameter("beta", beta, 0)
    output = _normalize(tensor, scale, shift, over.axes, epsilon)
    mean, variance = moments(tensor.astype(tensor.dtype.arithmetic), over.axes)
    updates: list[tuple[Any, Tensor]] = []
    if running_mean is not None and running_variance is not None:
        count = scalar_of(product(tensor.type.shape[k] for k in over.axes))
        least = max(count - 1, 1) if isinstance(count, int) else maximum(count - 1, 1)
        sample = variance * count / least
        for running, new in ((running_mean, mean), (running_variance, sample)):
            over.parameter("a running value", running, 0)
            following = over.like(running, new)
            updates.append((running, running * (1 - momentum) + following * momentum))
    return BatchNorm(output, mean, variance, updates)


def batch_norm_inference(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    *,
    axes: BatchAxes = "spatial",
    layout: str | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """Normalise by a mean and variance that are known, such as the running ones.

    Arguments and errors are those of :func:`batch_norm`.

    >>> ag.nn.batch_norm_inference(
    ...     ag.constant([[1.0, 2.0]]), [1.0, 0.0], [1.0, 4.0], epsilon=0
    ... ).eval()
    array([[0., 1.]], dtype=float32)
    """
    op = "batch_norm_inference"
    tensor = _real(op, x)
    over = _Axes(op, tensor, axes, layout)
    _not_negative(op, "epsilon", epsilon, over.shown)
    named = {"gamma": (gamma, 1), "beta": (beta, 0), "mean": (mean, 0), "variance": (variance, 1)}
    scale, shift, centre, spread = (over.parameter(n, g, d) for n, (g, d) in named.items())
    factor = scale / sqrt(spread + float(epsilon))
    return (tensor - over.spread(centre)) * over.spread(factor) + over.spread(shift)


def layer_norm(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    *,
    axes: int | tuple[int, ...] = -1,
    epsilon: float = 1e-5,
) -> Tensor:
    """Normalise each example over some of its axes.

    J. L. Ba, J. R. Kiros, G. E. Hinton: Layer normalization (2016), arXiv 1607.06450.

    Args:
        x: array.
        gamma: scales; they broadcast to ``x``, with the sizes of ``axes``, say.
        beta: shifts; they broadcast to ``x``.
        axes: to average over, the last one by default.
        epsilon: added to the variance.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> ag.nn.layer_norm(ag.constant([[1.0, 3.0], [5.0, 1.0]]), epsilon=0).eval()
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    return _by_example("layer_norm", _real("layer_norm", x), axes, gamma, beta, epsilon)


def _by_example(  # noqa: PLR0917 - what users say, in their order
    op: str,
    x: Tensor,
    axes: Any,
    gamma: TensorLike | None,
    beta: TensorLike | None,
    epsilon: float,
) -> Tensor:
    over = _Axes(op, x, axes, None)
    _not_negative(op, "epsilon", epsilon, over.shown)
    one, zero = over.parameter("gamma", None, 1), over.parameter("beta", None, 0)
    result = _normalize(x, one, zero, over.axes, epsilon)
    if gamma is not None:
        result = result * cast(lift_all(op, (gamma,))[0], x.dtype)
    if beta is not None:
        result = result + cast(lift_all(op, (beta,))[0], x.dtype)
    if result.ndim != x.ndim:
        raise GraphTypeError(f"{op}: gamma and beta broadcast to x{over.shown}")
    return result


def _by_channel(op: str, x: Tensor, given: TensorLike | None, channel: int) -> Tensor | None:
    """Return numbers of the channels, to be broadcast against ``x``."""
    if given is None:
        return None
    tensor = as_tensor(given)
    if tensor.ndim != 1 or unify(tensor.type.shape[0], x.type.shape[channel]) is None:
        raise GraphTypeError(
            f"{op}: gamma and beta are vectors of a number for each channel\n"
            f"{operand_lines(('x', 'given'), (x, tensor))}"
        )
    return expand_dims(tensor, tuple(range(1, x.ndim - channel)))


def instance_norm(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    *,
    layout: str | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each example over its space.

    D. Ulyanov, A. Vedaldi, V. Lempitsky: Instance normalization: the missing ingredient for fast
    stylization (2016), arXiv 1607.08022.

    Args:
        x: ``[batch, channels, ...]``, or as ``layout`` says.
        gamma: a scale for each channel.
        beta: a shift for each channel.
        layout: such as ``"NHWC"``; channels are the second axis by default.
        epsilon: added to the variance.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> ag.nn.instance_norm(ag.input("x", "f32[n, 3, 8, 8]")).type
    f32[n, 3, 8, 8]
    """
    op = "instance_norm"
    tensor = _real(op, x)
    channel = channel_axis(op, tensor, layout)
    batch = 0 if layout is None else layout.index("N")
    axes = tuple(k for k in range(tensor.ndim) if k not in (batch, channel))
    own = [_by_channel(op, tensor, given, channel) for given in (gamma, beta)]
    return _by_example(op, tensor, axes, own[0], own[1], epsilon)


def group_norm(
    x: TensorLike,
    groups: int,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    *,
    layout: str | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """Normalise each group of channels of each example over its space.

    Y. Wu, K. He: Group normalization.  ECCV (2018), arXiv 1803.08494.

    Args:
        x: ``[batch, channels, ...]``, or as ``layout`` says.
        groups: how many; the number of channels is a multiple.
        gamma: a scale for each channel.
        beta: a shift for each channel.
        layout: such as ``"NHWC"``; channels are the second axis by default.
        epsilon: added to the variance.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> ag.nn.group_norm(ag.input("x", "f32[n, 12, 8, 8]"), 4).type
    f32[n, 12, 8, 8]
    """
    op = "group_norm"
    tensor = _real(op, x)
    shown = f"\n{operand_lines(('x',), (tensor,))}"
    channel = channel_axis(op, tensor, layout)
    size: Any = tensor.shape[channel]
    if not is_integer(groups) or groups < 1:
        raise GraphTypeError(f"{op}: groups are a positive integer, not {groups!r}{shown}")
    if isinstance(size, int) and size % groups:
        raise GraphTypeError(f"{op}: {size} channels are no multiple of {groups} groups{shown}")
    batch = 0 if layout is None else layout.index("N")
    shape = (*tensor.shape[:channel], groups, size // groups, *tensor.shape[channel + 1 :])
    axes = tuple(k for k in range(tensor.ndim + 1) if k != channel and k - (k > channel) != batch)
    apart = _by_example(op, reshape(tensor, shape), axes, None, None, epsilon)
    result = reshape(apart, tensor.shape)
    scale, shift = (_by_channel(op, tensor, given, channel) for given in (gamma, beta))
    if scale is not None:
        result = result * scale.astype(result.dtype)
    return result if shift is None else result + shift.astype(result.dtype)


def local_response_norm(
    x: TensorLike,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 2.0,
    *,
    layout: str | None = None,
) -> Tensor:
    """Divide each element by the activity of the channels around it.

    ``x / (k + alpha * s) ** beta``, with ``s`` the sum of squares over ``size`` channels around an
    element's own, as in A. Krizhevsky, I. Sutskever, G. E. Hinton: ImageNet classification with
    deep convolutional neural networks.  NIPS (2012), section 3.3, whose numbers are the defaults,
    and in Theano and Lasagne.  cuDNN and PyTorch divide ``alpha`` by ``size``: give
    ``alpha / size`` for theirs.

    Args:
        x: ``[batch, channels, ...]``, or as ``layout`` says.
        size: how many channels; of an even number one more comes before than after.
        alpha: factor of the sum.
        beta: exponent.
        k: what is added.
        layout: such as ``"NHWC"``; channels are the second axis by default.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> x = ag.constant(np.ones((1, 3, 1, 1), np.float32))
    >>> ag.nn.local_response_norm(x, 3, alpha=1.0, beta=1.0, k=1.0).eval().ravel()
    array([0.33333334, 0.25      , 0.33333334], dtype=float32)
    """
    op = "local_response_norm"
    tensor = _real(op, x)
    channel = channel_axis(op, tensor, layout)
    shown = f"\n{operand_lines(('x',), (tensor,))}"
    if not is_integer(size) or size < 1:
        raise GraphTypeError(f"{op}: size is a positive integer, not {size!r}{shown}")
    around = ((size // 2, (size - 1) // 2),)
    squares = pool(tensor * tensor, size, 1, around, mode="sum", axes=channel)
    return tensor / (k + alpha * squares) ** beta


def weight_norm(
    v: TensorLike, g: TensorLike, *, axes: int | tuple[int, ...] | None = None
) -> Tensor:
    """Return weights of given norms: ``g * v / norm(v)``.

    T. Salimans, D. P. Kingma: Weight normalization.  NIPS (2016), arXiv 1602.07868, equation 2.

    Args:
        v: weights, in any scale.
        g: norms; they broadcast to the axes that are not in ``axes``, with those kept as 1.
        axes: to take the norm over; None is all but the last one (the units of ``x @ w``).

    Raises:
        GraphTypeError: there are no such axes.

    >>> w = ag.nn.weight_norm(ag.constant([[3.0, 0.0], [4.0, 2.0]]), ag.constant([1.0, 10.0]))
    >>> w.eval()
    array([[ 0.6,  0. ],
           [ 0.8, 10. ]], dtype=float32)
    """
    tensor = _real("weight_norm", v)
    given = tuple(range(tensor.ndim - 1)) if axes is None else axes
    along = as_axes("weight_norm", given, tensor.ndim, tensor)
    norms = sqrt((tensor * tensor).sum(along, keepdims=True))
    return tensor * (cast(lift_all("weight_norm", (g,))[0], tensor.dtype) / norms)
