"""Batch normalisation."""

from __future__ import annotations

from typing import Any

from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.elementary import sqrt


def batch_normalization(
    inputs: Any, gamma: Any, beta: Any, mean: Any, std: Any, mode: str = "low_mem"
) -> Any:
    """Return ``(inputs - mean) * gamma / std + beta``."""
    if mode not in ("low_mem", "high_mem"):
        raise ValueError(f'mode must be either "low_mem", "high_mem", not {mode!r}')
    return (inputs - mean) * (gamma / std) + beta


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes == "per-activation":
        return (0,)
    if axes == "spatial":
        return (0, *range(2, ndim))
    found = tuple(int(a) for a in (axes if isinstance(axes, list | tuple) else [axes]))
    if not found:
        raise ValueError("there should be at least one normalization axis")
    if min(found) < 0 or max(found) >= ndim:
        raise ValueError(f"axes should be less than ndim (<{ndim}), but {found} given")
    return tuple(sorted(found))


def _over(value: Any, axes: tuple[int, ...], ndim: int) -> Any:
    """Return parameters of the other axes with axes of size 1 in the places of ``axes``."""
    value = tensor.as_tensor_variable(value)
    if value.ndim == ndim:
        return tensor.addbroadcast(value, *axes)
    others = [a for a in range(ndim) if a not in axes]
    if value.ndim != len(others):
        raise ValueError(
            f"parameters have {value.ndim} axes, where {ndim} or {len(others)} are needed"
        )
    order = ["x" if a in axes else others.index(a) for a in range(ndim)]
    return value.dimshuffle(*order)


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
        epsilon: added to the variance.
        running_average_factor: how much of the new mean and variance is taken into running ones.
        running_mean: so far.
        running_var: so far.

    Returns:
        Output, mean and 1 over the standard deviation, with the axes of ``gamma``; new running mean
        and variance if given.
    """
    inputs = tensor.as_tensor_variable(inputs)
    ndim = inputs.ndim
    over = _axes(axes, ndim)
    scale, shift = _over(gamma, over, ndim), _over(beta, over, ndim)
    mean = inputs.mean(over, keepdims=True)
    variance = inputs.var(over, keepdims=True)
    invstd = 1.0 / sqrt(variance + epsilon)
    out = (inputs - mean) * (scale * invstd) + shift
    shown = [_like(value.astype(inputs.dtype), gamma, over) for value in (mean, invstd)]
    results = [out.astype(inputs.dtype), *shown]
    if running_mean is not None:
        f = running_average_factor
        old = _over(running_mean, over, ndim)
        results.append(_like(old * (1.0 - f) + mean * f, running_mean, over))
    if running_var is not None:
        f = running_average_factor
        count = 1
        for a in over:
            count = count * inputs.shape[a]
        m = tensor.cast(count, variance.dtype)
        old = _over(running_var, over, ndim)
        unbiased = (m / (m - 1)) * variance
        results.append(_like(old * (1.0 - f) + unbiased * f, running_var, over))
    return results


def _like(value: Any, model: Any, over: tuple[int, ...]) -> Any:
    """Return parameters with the axes and the dtype that other ones have."""
    model = tensor.as_tensor_variable(model)
    value = value.astype(model.dtype)
    if model.ndim == value.ndim:
        return tensor.patternbroadcast(value, model.broadcastable)
    return value.dimshuffle([a for a in range(value.ndim) if a not in over])


def batch_normalization_test(
    inputs: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    var: Any,
    axes: Any = "per-activation",
    epsilon: float = 1e-4,
) -> Any:
    """Return inputs normalised by a given mean and variance."""
    inputs = tensor.as_tensor_variable(inputs)
    ndim = inputs.ndim
    over = _axes(axes, ndim)
    gamma, beta, mean, var = (_over(p, over, ndim) for p in (gamma, beta, mean, var))
    return ((inputs - mean) * gamma / sqrt(var + epsilon) + beta).astype(inputs.dtype)
