"""An error in the midst of a function."""

from __future__ import annotations

from typing import Any

from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.op import Op


class Raise(Op):
    """Gives nothing, but raises an error when it is computed.

    Attributes:
        msg: what the error says.
        exc: class of the error.
    """

    __props__ = ("msg", "exc")

    def __init__(self, msg: str = "", exc: type[BaseException] = NotImplementedError) -> None:
        self.msg = msg
        self.exc = exc

    def __str__(self) -> str:
        return f"Raise{{{self.exc}({self.msg})}}"

    def make_node(self, x: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application, whose result is of the type of ``x``."""
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Raise."""
        del node, inputs, output_storage, params
        raise self.exc(self.msg)

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """Return the shape that ``x`` has."""
        del node
        return shapes
