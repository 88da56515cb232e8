"""Pooling of the last two or three axes."""

from __future__ import annotations

import warnings
from typing import Any

import agnesi as ag
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.basic import as_tensor_variable

_FUNCTIONS = {
    2: (ag.nn.max_pool2d, ag.nn.sum_pool2d, ag.nn.avg_pool2d),
    3: (ag.nn.max_pool3d, ag.nn.sum_pool3d, ag.nn.avg_pool3d),
}
_MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")


def _renamed(new: Any, old: Any, what: tuple[str, str]) -> Any:
    if old is None:
        return new
    if new not in (None, (0, 0), (0, 0, 0)):
        raise ValueError(f"You can't provide a tuple value to both '{what[0]}' and '{what[1]}'.")
    return old


def _ints(given: Any, space: int) -> tuple[int, ...]:
    items = (given,) * space if isinstance(given, int) else tuple(given)
    return tuple(int(getattr(n, "data", n)) for n in items)


def _pool(
    space: int, input: Any, ws: Any, ignore_border: Any, stride: Any, pad: Any, mode: str
) -> Any:
    x = as_tensor_variable(input)
    if x.ndim < space:
        raise NotImplementedError(f"pool_{space}d requires a dimension >= {space}")
    if ws is None:
        raise ValueError("pool: the window ws is not given")
    if mode not in _MODES:
        raise ValueError(f"Pool mode parameter only support {', '.join(_MODES)}. Got {mode}")
    if ignore_border is None:
        warnings.warn(
            "pool: the default value of ignore_border, False, will change to True; say which one "
            "is meant",
            stacklevel=3,
        )
        ignore_border = False
    window, padding = _ints(ws, space), _ints(pad, space)
    strides = window if stride is None else _ints(stride, space)
    if any(padding):
        if not ignore_border:
            raise NotImplementedError("padding works only with ignore_border=True")
        if any(p >= w for p, w in zip(padding, window, strict=True)):
            raise NotImplementedError("padding must be smaller than strides")
    largest, total, average = _FUNCTIONS[space]
    layout = "NCHW" if space == 2 else "NCDHW"

    def build(t: ag.Tensor) -> ag.Tensor:
        space_sizes = t.shape[-space:]
        flat = t if t.ndim == space + 2 else ag.reshape(t, (-1, 1, *space_sizes))
        named: dict[str, Any] = {"ignore_border": bool(ignore_border), "layout": layout}
        if mode == "max":
            made: Any = largest(flat, window, strides, padding, ties="all", **named)
        elif mode == "sum":
            made = total(flat, window, strides, padding, **named)
        else:
            counted = mode == "average_inc_pad"
            made = average(flat, window, strides, padding, count_include_pad=counted, **named)
        if t.ndim == space + 2:
            return made
        return ag.reshape(made, (*t.shape[:-space], *made.shape[-space:]))

    return apply("Pool", build, [x], ws=window, mode=mode, ignore_border=bool(ignore_border))


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: Any = None,
    stride: Any = None,
    pad: Any = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """Return images with the largest, the sum or the mean of each window of the last two axes.

    Args:
        input: images, along the last two axes.
        ws: rows and columns of a window.
        ignore_border: whether windows that reach beyond the image are dropped.
        stride: how far from window to window; ``ws`` by default.
        pad: zeros around.
        mode: ``"max"``, ``"sum"``, ``"average_inc_pad"`` or ``"average_exc_pad"``.
        ds: an old name of ``ws``.
        st: an old name of ``stride``.
        padding: an old name of ``pad``.
    """
    ws, stride = _renamed(ws, ds, ("ws", "ds")), _renamed(stride, st, ("st", "stride"))
    pad = _renamed(pad, padding, ("pad", "padding"))
    return _pool(2, input, ws, ignore_border, stride, pad, mode)


def pool_3d(
    input: Any,
    ws: Any = None,
    ignore_border: Any = None,
    stride: Any = None,
    pad: Any = (0, 0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """Return volumes with the largest, the sum or the mean of each window of three axes."""
    ws, stride = _renamed(ws, ds, ("ws", "ds")), _renamed(stride, st, ("st", "stride"))
    pad = _renamed(pad, padding, ("pad", "padding"))
    return _pool(3, input, ws, ignore_border, stride, pad, mode)


def max_pool_2d_same_size(input: Any, patch_size: Any) -> Any:
    """Return images in which all but the largest element of each window are 0."""
    from agnesi.theano.gradient import grad

    x = as_tensor_variable(input)
    pooled = pool_2d(x, patch_size, ignore_border=True)
    return grad(None, x, known_grads={pooled: pooled})


class Pool:
    """The op of pooling; only its shapes are here."""

    @staticmethod
    def out_shape(
        imgshape: Any,
        ws: Any = None,
        ignore_border: bool = False,
        stride: Any = None,
        pad: Any = None,
        ndim: int = 2,
        ds: Any = None,
        st: Any = None,
        padding: Any = None,
    ) -> list[Any]:
        """Return the shape of pooled images."""
        window = ds if ws is None else ws
        steps = (st if stride is None else stride) or window
        around = (padding if pad is None else pad) or (0,) * ndim
        sizes = ag.nn.pool_output_shape(
            tuple(imgshape[-ndim:]),
            tuple(window),
            tuple(steps),
            tuple(around),
            ignore_border=ignore_border,
        )
        return [*imgshape[:-ndim], *sizes]
