"""Values of single applications, for test values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.core.errors import AgnesiError
from agnesi.graph.graph import rebuild
from agnesi.graph.interpret import interpret
from agnesi.theano.compile.function_module import _sizes
from agnesi.theano.gof import objects

if TYPE_CHECKING:
    from collections.abc import Mapping


def values_of(node: Any, given: Mapping[Any, Any]) -> list[Any]:
    """Return what an application gives for values of its inputs.

    Raises:
        ValueError: the values do not fit.
        TypeError: a value is not of its variable's type.
    """
    constants: dict[Any, Any] = {}
    for v, a in given.items():
        if v.tensor is not None and (v.owner is None or v in node.inputs):
            try:
                value = v.type.filter(a)
            except TypeError as error:
                raise TypeError(
                    f"For compute_test_value, one input test value does not have the requested "
                    f"type: {v}: {error}"
                ) from error
            encoded = v.type.encode(value) if v.type.encoded else value
            constants[v.tensor] = ag.constant(np.asarray(encoded, v.tensor.dtype.numpy))
    try:
        roots = rebuild([v.tensor for v in node.outputs], constants, _sizes(constants))
        with objects.Call():
            made = [np.asarray(r) for r in interpret(roots, {})]
            return [
                v.type.decode(a) if v.type.encoded else a
                for v, a in zip(node.outputs, made, strict=True)
            ]
    except AgnesiError as error:
        raise ValueError(f"The test values of {node} do not fit: {error}") from error
