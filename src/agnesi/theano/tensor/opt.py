"""What programs import from the optimiser: ``Assert``, and registrations that mean nothing here."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.op import Op
from agnesi.theano.tensor.shapes import MakeVector as MakeVector


class Assert(Op):
    """A value that is handed on if conditions hold: ``Assert("message")(value, condition)``."""

    def __init__(self, msg: str = "Theano Assert failed!") -> None:
        self.msg = msg

    def make_node(self, value: Any, *conds: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        from agnesi.theano.tensor.basic import as_tensor_variable

        value = as_tensor_variable(value)
        conditions = [as_tensor_variable(c) for c in conds]
        for c in conditions:
            if c.ndim:
                raise TypeError(f"Assert: a condition is a scalar, not {c.type}")
        return Apply(self, [value, *conditions], [value.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Check, and hand on."""
        del node, params
        if not np.all(inputs[1:]):
            raise AssertionError(self.msg)
        output_storage[0][0] = inputs[0]

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """As of the value."""
        from agnesi.theano.gradient import DisconnectedType

        return [*output_grads, *(DisconnectedType()() for _ in inputs[1:])]

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """As of the value."""
        del node
        return [shapes[0]]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.msg == other.msg  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((Assert, self.msg))


assert_op = assert_ = Assert()


make_vector = MakeVector()


def _registered(*args: Any, **_: Any) -> Any:
    """Return a rewrite as it is, or a decorator that does: agnesi has rewrites of its own."""
    if args and callable(args[0]):
        return args[0]
    return lambda rewrite: rewrite


register_canonicalize = register_specialize = register_stabilize = _registered
register_uncanonicalize = register_specialize_device = _registered
