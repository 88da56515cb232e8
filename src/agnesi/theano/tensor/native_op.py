"""Ops of arrays with Theano's class names and settings, which are agnesi's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.theano.gof import native

if TYPE_CHECKING:
    from agnesi.theano.gof.graph import Apply


class NativeOp(native.NativeOp):
    """An op whose settings are the attributes named in ``__props__``.

    A subclass says in ``build`` what agnesi computes, and in ``convert`` what it takes.
    """

    __props__: Any = ()

    if TYPE_CHECKING:
        # Subclasses name their operands.
        convert: Any
        build: Any
    else:

        def convert(self, *inputs: Any) -> list[Any]:
            """Return the operands as variables that fit, or raise."""
            return super().given(*inputs)

    def given(self, *inputs: Any) -> list[Any]:
        """Return the operands as variables that fit."""
        return self.convert(*inputs)

    @property
    def name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    def make_node(self, *inputs: Any, **named: Any) -> Apply:
        """Return the application."""
        given = self.convert(*inputs, **named)
        return self.applied(given, [v.tensor for v in given])
