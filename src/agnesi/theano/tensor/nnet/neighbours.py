"""Patches of images as rows."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.basic import as_tensor_variable


def _pair(given: Any) -> tuple[int, int]:
    data = getattr(given, "data", given)
    a, b = (int(getattr(n, "data", n)) for n in data)
    return a, b


def images2neibs(ten4: Any, neib_shape: Any, neib_step: Any = None, mode: Any = "valid") -> Any:
    """Return the patches of images ``[n, channels, rows, columns]`` as rows of a matrix."""
    window = _pair(neib_shape)
    step = window if neib_step is None else _pair(neib_step)
    return apply(
        "Images2Neibs", lambda t: ag.nn.images2neibs(t, window, step, mode=mode), [ten4], mode=mode
    )


def neibs2images(neibs: Any, neib_shape: Any, original_shape: Any, mode: Any = "valid") -> Any:
    """Return the images that patches without overlap came from."""
    window = _pair(neib_shape)
    shape = original_shape
    sizes = list(shape) if isinstance(shape, list | tuple) else None
    if sizes is None:
        sizes = [as_tensor_variable(shape)[k] for k in range(4)]
    given = [as_tensor_variable(s) for s in sizes]

    def build(t: ag.Tensor, *ts: ag.Tensor) -> ag.Tensor:
        from agnesi.theano.tensor import shapes

        wanted = [shapes.one_size(s) for s in ts]
        whole = tuple(w if isinstance(w, int) else shapes.SizeValue(w) for w in wanted)
        return ag.nn.neibs2images(t, window, whole, mode=mode)

    return apply("Neibs2Images", build, [neibs, *given], mode=mode)
