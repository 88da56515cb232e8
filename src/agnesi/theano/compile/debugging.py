"""Values of single applications, for test values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.graph.graph import rebuild
from agnesi.theano.compile.function_module import _sizes
from agnesi.theano.gof import objects

if TYPE_CHECKING:
    from collections.abc import Mapping


def values_of(node: Any, given: Mapping[Any, Any]) -> list[Any]:
    """Return what an application gives for values of its inputs."""
    import agnesi as ag

    constants: dict[Any, Any] = {
        v.tensor: ag.constant(np.asarray(v.type.encode(a), v.type.native_kind()[0]))
        for v, a in given.items()
        if (v.tensor is not None and v.owner is None) or v in node.inputs
    }
    roots = rebuild([v.tensor for v in node.outputs], constants, _sizes(constants))
    with objects.Call():
        made = [np.asarray(r.eval()) for r in roots]
        return [
            v.type.decode(a) if v.type.encoded else a
            for v, a in zip(node.outputs, made, strict=True)
        ]
