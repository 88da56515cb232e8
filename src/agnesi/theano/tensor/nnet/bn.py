"""Batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

import agnesi as ag
from agnesi.theano.configparser import config
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.native_op import NativeOp


def batch_normalization(
    inputs: Any, gamma: Any, beta: Any, mean: Any, std: Any, mode: str = "low_mem"
) -> Any:
    """Return ``(inputs - mean) * gamma / std + beta``.

    Args:
        inputs: array.
        gamma: scale.
        beta: what is added.
        mean: what is taken off first.
        std: what is divided by.
        mode: the order of operations: ``"low_mem"`` divides first, ``"high_mem"`` divides gamma.

    Raises:
        ValueError: another mode.
    """
    if mode == "low_mem":
        return (inputs - mean) / std * gamma + beta
    if mode == "high_mem":
        return (inputs - mean) * (gamma / std) + beta
    raise ValueError(f'mode must be either "low_mem", "high_mem", not {mode!r}')


class _Normalisation(NativeOp):
    """What ops of batch normalisation have in common.

    Attributes:
        axes: normalised over.
    """

    __props__ = ("axes",)

    def __init__(self, axes: Any = (0,)) -> None:
        if not isinstance(axes, tuple | list) or not axes:
            raise AssertionError("axes: a tuple of one axis or more")
        self.axes = tuple(int(a) for a in axes)

    def alike(self, *given: Any) -> list[Any]:
        """Return arrays in one dtype.

        Raises:
            AssertionError: they have other numbers of axes.
        """
        found = [tensor.as_tensor_variable(v) for v in given]
        if len({v.ndim for v in found}) != 1:
            raise AssertionError(f"{self.name}: arrays with the same number of axes")
        dtype = upcast(*(v.dtype for v in found))
        return [tensor.cast(v, dtype) for v in found]


class AbstractBatchNormTrain(_Normalisation):
    """Inputs normalised by their own mean and variance, mean and 1 over standard deviation.

    Operands are the inputs, scale, bias, epsilon, the factor of running averages, and maybe running
    mean and variance, of which new ones are returned then.  Gradients go through the first result.
    """

    def convert(
        self,
        x: Any,
        scale: Any,
        bias: Any,
        epsilon: Any = 1e-4,
        running_average_factor: Any = 0.1,
        running_mean: Any = None,
        running_var: Any = None,
    ) -> list[Any]:
        """Arrays of one dtype, and two numbers."""
        if (running_mean is None) != (running_var is None):
            raise AssertionError("running_mean and running_var: both, or none")
        running = [] if running_mean is None else [running_mean, running_var]
        found = self.alike(x, scale, bias, *running)
        numbers = [tensor.as_tensor_variable(n) for n in (epsilon, running_average_factor)]
        return [*found[:3], *numbers, *found[3:]]

    def build(
        self, x: Any, scale: Any, bias: Any, epsilon: Any, factor: Any, *running: Any
    ) -> list[ag.Tensor]:
        """Means and running averages are handed on without gradients, as in Theano."""
        known = tensor.known_number(epsilon)
        if known is not None:
            whole = ag.nn.batch_norm(x, scale, bias, axes=self.axes, epsilon=float(known))
            out, *moments = whole.output, whole.mean, whole.variance
            mean, var = (ag.stop_gradient(ag.reshape(m, scale.shape)) for m in moments)
        else:
            mean = ag.mean(x, self.axes, keepdims=True)
            var = ag.mean((x - mean) ** 2, self.axes, keepdims=True)
            out = (x - mean) * (scale / ag.sqrt(var + epsilon)) + bias
            mean, var = ag.stop_gradient(mean), ag.stop_gradient(var)
        results = [out, mean, 1 / ag.sqrt(var + epsilon)]
        if running:
            old_mean, old_var = map(ag.stop_gradient, running)
            count: Any = 1
            for axis in self.axes:
                count = count * x.shape[axis]
            m = ag.astype(count, x.dtype) if isinstance(count, ag.Tensor) else float(count)
            results.append(old_mean * (1 - factor) + mean * factor)
            results.append(old_var * (1 - factor) + (m / (m - 1)) * var * factor)
        return [ag.astype(r, x.dtype) for r in results]


class AbstractBatchNormInference(_Normalisation):
    """Inputs normalised by a mean and a variance that are given."""

    def convert(
        self,
        x: Any,
        scale: Any,
        bias: Any,
        estimated_mean: Any,
        estimated_variance: Any,
        epsilon: Any = 1e-4,
    ) -> list[Any]:
        """Arrays of one dtype, and a number."""
        found = self.alike(x, scale, bias, estimated_mean, estimated_variance)
        return [*found, tensor.as_tensor_variable(epsilon)]

    def build(self, x: Any, scale: Any, bias: Any, mean: Any, var: Any, epsilon: Any) -> ag.Tensor:
        """In the dtype of the inputs."""
        return ag.astype((x - mean) * (scale / ag.sqrt(var + epsilon)) + bias, x.dtype)


class AbstractBatchNormTrainGrad(_Normalisation):
    """The gradients by inputs, scale and bias, given that by the normalised inputs."""

    def convert(
        self, x: Any, dy: Any, scale: Any, x_mean: Any, x_invstd: Any, epsilon: Any = 1e-4
    ) -> list[Any]:
        """Arrays of one dtype, and a number."""
        return [*self.alike(x, dy, scale, x_mean, x_invstd), tensor.as_tensor_variable(epsilon)]

    def build(
        self, x: Any, dy: Any, scale: Any, mean: Any, invstd: Any, epsilon: Any
    ) -> list[ag.Tensor]:
        """From the means that the forward op has given."""
        del epsilon

        def average(t: Any) -> Any:
            return ag.mean(t, self.axes, keepdims=True)

        away = x - mean
        change = dy * invstd - away * (average(dy * away) * invstd**3)
        by_scale = ag.sum(dy * invstd * away, self.axes, keepdims=True)
        by_bias = ag.sum(dy, self.axes, keepdims=True)
        return [scale * (change - average(change)), by_scale, by_bias]


# -- functions -------------------------------------------------------------------------------------


def _prepare_batch_normalization_axes(axes: Any, ndim: int) -> tuple[Any, Any]:
    """Return the axes to normalise over, and the others.

    Raises:
        ValueError: there are no such axes.
    """
    if isinstance(axes, str):
        named = {"per-activation": (0,), "spatial": (0, *range(2, ndim))}
        if axes not in named:
            raise ValueError(f"invalid axes: {axes}")
        axes = named[axes]
    elif isinstance(axes, tuple | list | np.ndarray):
        axes = tuple(sorted(int(a) for a in axes))
    else:
        raise ValueError(f"invalid axes: {axes}")
    if not axes:
        raise ValueError("there should be at least one normalization axis")
    if min(axes) < 0 or max(axes) >= ndim:
        raise ValueError(f"axes should be less than ndim (<{ndim}), but {axes} given")
    return axes, tuple(k for k in range(ndim) if k not in axes)


class _Layout:
    """How parameters lie: with the axes of the inputs, or without those that are averaged over."""

    def __init__(self, axes: Any, inputs: Any, gamma: Any) -> None:
        self.ndim = inputs.ndim
        self.axes, self.others = _prepare_batch_normalization_axes(axes, self.ndim)
        self.whole = gamma.ndim == self.ndim
        self.wanted = self.ndim if self.whole else len(self.others)

    def spread(self, what: str, *parameters: Any) -> list[Any]:
        """Return parameters with the axes of the inputs.

        Raises:
            ValueError: they have other axes.
        """
        found = [tensor.as_tensor_variable(p) for p in parameters]
        if any(p.ndim != self.wanted for p in found):
            raise ValueError(
                f"{what} dimensionality must match the number of non-normalized axes, or have the "
                f"same number of dimensions as the inputs; got "
                f"{' and '.join(str(p.ndim) for p in found)} instead of {self.wanted}"
            )
        if self.whole:
            return [tensor.addbroadcast(p, *self.axes) for p in found]
        order = [self.others.index(k) if k in self.others else "x" for k in range(self.ndim)]
        return [p.dimshuffle(order) for p in found]

    def back(self, value: Any) -> Any:
        """Return a parameter as parameters were given."""
        return value if self.whole else value.dimshuffle(self.others)


def _epsilon(epsilon: Any) -> Any:
    number = np.asarray(epsilon, config.floatX)
    if number < 1e-5:
        raise ValueError(f"epsilon must be at least 1e-5, got {number}")
    return number


def batch_normalization_train(
    inputs: Any,
    gamma: Any,
    beta: Any,
    axes: Any = "per-activation",
    epsilon: float = 1e-4,
    running_average_factor: float = 0.1,
    running_mean: Any = None,
    running_var: Any = None,
) -> Any:
    """Return inputs normalised by their own mean and variance, both, and running averages.

    Args:
        inputs: array.
        gamma: scale, with the axes of ``inputs`` or those that are not normalised over.
        beta: what is added.
        axes: normalised over: ``"per-activation"`` the first, ``"spatial"`` all but the second, or
            a tuple.
        epsilon: added to the variance; at least 1e-5.
        running_average_factor: how much of the new mean and variance is taken into running ones.
        running_mean: so far.
        running_var: so far.

    Returns:
        Output, mean and 1 over the standard deviation, with the axes of ``gamma``; new running mean
        and variance if given.

    Raises:
        ValueError: axes, shapes or an epsilon that cannot be.
    """
    inputs = tensor.as_tensor_variable(inputs)
    layout = _Layout(axes, inputs, tensor.as_tensor_variable(gamma))
    scale, shift = layout.spread("gamma and beta", gamma, beta)
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be given or both be None")
    running: list[Any] = []
    if running_mean is not None:
        running = layout.spread("running_mean and running_var", running_mean, running_var)
    results = AbstractBatchNormTrain(layout.axes)(
        inputs, scale, shift, _epsilon(epsilon), running_average_factor, *running
    )
    for k, old in enumerate(running, 3):
        results[k] = tensor.patternbroadcast(results[k], old.broadcastable)
    return results[0], *map(layout.back, results[1:])


def batch_normalization_test(
    inputs: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    var: Any,
    axes: Any = "per-activation",
    epsilon: float = 1e-4,
) -> Any:
    """Return inputs normalised by a given mean and variance.

    Raises:
        ValueError: axes, shapes or an epsilon that cannot be.
    """
    inputs = tensor.as_tensor_variable(inputs)
    layout = _Layout(axes, inputs, tensor.as_tensor_variable(gamma))
    parameters = [
        *layout.spread("gamma and beta", gamma, beta),
        *layout.spread("mean and var", mean, var),
    ]
    return AbstractBatchNormInference(layout.axes)(inputs, *parameters, _epsilon(epsilon))


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
