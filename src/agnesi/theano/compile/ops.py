"""Ops made of Python functions, and a few that programs name."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from agnesi.theano.gof.graph import Apply, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.tensor.basic import specify_shape
from agnesi.theano.tensor.native_ops import DeepCopyOp as DeepCopyOp
from agnesi.theano.tensor.native_ops import OutputGuard as OutputGuard
from agnesi.theano.tensor.native_ops import Rebroadcast as Rebroadcast
from agnesi.theano.tensor.native_ops import SpecifyShape as SpecifyShape
from agnesi.theano.tensor.native_ops import ViewOp as ViewOp
from agnesi.theano.tensor.shapes import Shape as Shape
from agnesi.theano.tensor.shapes import Shape_i as Shape_i
from agnesi.theano.tensor.shapes import shape, size_variable
from agnesi.theano.tensor.shapes import shape_i_op as shape_i_op

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class FromFunctionOp(Op):
    """An op that calls a Python function."""

    def __init__(
        self, fn: Callable[..., Any], itypes: Sequence[Any], otypes: Sequence[Any], infer_shape: Any
    ) -> None:
        self._fn, self.itypes, self.otypes = fn, list(itypes), list(otypes)
        self.name = getattr(fn, "__name__", "function")
        if infer_shape is not None:
            self._infer_shape = infer_shape
            self.infer_shape = lambda node, shapes: infer_shape(node, shapes)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fn == other._fn  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self._fn))

    def __str__(self) -> str:
        return f"FromFunctionOp{{{self.name}}}"

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Call the function."""
        del node, params
        results = self._fn(*inputs)
        if len(self.otypes) == 1:
            results = (results,)
        if len(results) != len(output_storage):
            raise ValueError(f"{self}: {len(results)} results for {len(output_storage)} outputs")
        for cell, result in zip(output_storage, results, strict=True):
            cell[0] = result


def as_op(itypes: Any, otypes: Any, infer_shape: Any = None) -> Callable[..., FromFunctionOp]:
    """Return a decorator that makes an op of a function of arrays.

    Args:
        itypes: the type, or types, of its arguments.
        otypes: the type, or types, of its results.
        infer_shape: a function of the application and its inputs' shapes that gives those of the
            outputs; without it the function is run to learn them.
    """
    kinds = list(itypes) if isinstance(itypes, list | tuple) else [itypes]
    results = list(otypes) if isinstance(otypes, list | tuple) else [otypes]
    if infer_shape is not None and not callable(infer_shape):
        raise TypeError("infer_shape needs to be a callable")

    def make_op(fn: Callable[..., Any]) -> FromFunctionOp:
        return FromFunctionOp(fn, kinds, results, infer_shape)

    return make_op


def register_rebroadcast_c_code(typ: Any, code: Any, version: Any = ()) -> None:
    """There is no C code here: warn that it is not used."""
    del code, version
    warnings.warn(f"C code for {typ} is not used: agnesi has no C compiler", stacklevel=2)


register_view_op_c_code = register_deep_copy_op_c_code = register_rebroadcast_c_code
register_shape_c_code = register_shape_i_c_code = register_rebroadcast_c_code
register_specify_shape_c_code = register_rebroadcast_c_code


def load_back(mod: str, name: str) -> Any:
    """Return the op that a module has under a name: what pickles of ops of functions say."""
    return getattr(importlib.import_module(mod), name)


def shape_i(var: Any, i: int, fgraph: Any = None) -> Variable:
    """Return the size of an axis."""
    del fgraph
    return size_variable(var, i)


view_op, deep_copy_op, _output_guard = ViewOp(), DeepCopyOp(), OutputGuard()
__all__ = ["FromFunctionOp", "as_op", "shape", "shape_i", "specify_shape", "view_op"]
