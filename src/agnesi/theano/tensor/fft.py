"""Fourier transforms of stacks of arrays; complex numbers are pairs along a last axis."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.basic import as_tensor_variable


def _scale(norm: Any, forward: bool) -> Any:
    if norm not in (None, "ortho", "no_norm"):
        raise ValueError(f"Invalid value {norm} for norm, must be None, 'ortho' or 'no norm'")
    if norm == "ortho":
        return "ortho"
    if norm == "no_norm":
        return "backward" if forward else "forward"
    return "backward"


def rfft(inp: Any, norm: Any = None) -> Any:
    """Return the transform of real arrays over all axes but the first."""
    x = as_tensor_variable(inp)
    if x.ndim < 2:
        raise TypeError(f"rfft: a stack of arrays is needed, not {x.type}")
    how = _scale(norm, forward=True)

    def build(t: ag.Tensor) -> ag.Tensor:
        made = ag.fft.rfftn(t, axes=tuple(range(1, t.ndim)), norm=how)
        return ag.stack([ag.real(made), ag.imag(made)], -1)

    return apply("RFFTOp", build, [x])


def irfft(inp: Any, norm: Any = None, is_odd: bool = False) -> Any:
    """Return real arrays whose transform is given."""
    x = as_tensor_variable(inp)
    if is_odd not in (True, False):
        raise ValueError(f"Invalid value {is_odd} for id_odd, must be True or False")
    how = _scale(norm, forward=False)

    def build(t: ag.Tensor) -> ag.Tensor:
        made = ag.complex(t[..., 0], t[..., 1])
        axes = tuple(range(1, made.ndim))
        sizes = [made.shape[a] for a in axes]
        sizes[-1] = (sizes[-1] - 1) * 2 + int(is_odd)
        return ag.fft.irfftn(made, s=tuple(sizes), axes=axes, norm=how)

    return apply("IRFFTOp", build, [x])
