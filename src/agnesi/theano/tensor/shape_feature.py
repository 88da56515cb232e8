"""The shapes of a graph's variables, for rewrites that look at them: ``fgraph.shape_feature``."""

from __future__ import annotations

from typing import Any

from agnesi.theano.gof.opt import Optimizer
from agnesi.theano.gof.toolbox import AlreadyThere, Feature
from agnesi.theano.tensor.basic import as_tensor_variable, constant
from agnesi.theano.tensor.shapes import shape_tuple


class _Shapes(dict[Any, Any]):
    """Shapes by variable, found when somebody asks."""

    def __missing__(self, variable: Any) -> Any:
        known = getattr(variable, "tensor", None) is not None and hasattr(variable.type, "dtype")
        found = tuple(map(as_tensor_variable, shape_tuple(variable))) if known else None
        self[variable] = found
        return found


class ShapeFeature(Feature):
    """Knows the shapes of variables without computing them.

    Attributes:
        shape_of: for each variable a tuple of int64 scalars; None for what is no array.
    """

    def __init__(self) -> None:
        self.shape_of = _Shapes()
        self.lscalar_one = constant(1, dtype="int64")

    def on_attach(self, fgraph: Any) -> None:
        """Let the graph know."""
        if hasattr(fgraph, "shape_feature"):
            raise AlreadyThere("ShapeFeature is already present")
        fgraph.shape_feature = self

    def on_detach(self, fgraph: Any) -> None:
        """End."""
        del fgraph.shape_feature

    pickle_rm_attr = ("shape_feature",)

    def unpickle(self, fgraph: Any) -> None:
        """Let a graph that was read know."""
        fgraph.shape_feature = self

    def __getstate__(self) -> dict[str, Any]:
        return {"shape_of": _Shapes(), "lscalar_one": self.lscalar_one}

    def get_shape(self, var: Any, idx: int) -> Any:
        """Return the size of one axis as a scalar."""
        return self.shape_of[var][idx]

    def shape_ir(self, i: int, r: Any) -> Any:
        """Return the size of one axis as a scalar."""
        return self.shape_of[r][i]

    def shape_tuple(self, r: Any) -> Any:
        """Return all sizes as scalars; None for what is no array."""
        return self.shape_of[r]

    def set_shape(self, r: Any, s: Any, override: bool = False) -> None:
        """Say what a variable's shape is."""
        if r in self.shape_of and not override:
            raise AssertionError(f"the shape of {r} is known already")
        self.shape_of[r] = None if s is None else tuple(as_tensor_variable(x) for x in s)

    def set_shape_i(self, r: Any, i: int, s_i: Any) -> None:
        """Say what the size of one of its axes is."""
        sizes = list(self.shape_of[r])
        sizes[i] = as_tensor_variable(s_i)
        self.shape_of[r] = tuple(sizes)

    def same_shape(
        self, x: Any, y: Any, dim_x: int | None = None, dim_y: int | None = None
    ) -> bool:
        """Whether two variables, or an axis of each, are known to have the same sizes."""
        if getattr(x, "tensor", None) is None or getattr(y, "tensor", None) is None:
            return False
        one, other = x.tensor.type.shape, y.tensor.type.shape
        if dim_x is not None:
            one = (one[dim_x],)
        if dim_y is not None:
            other = (other[dim_y],)
        return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))


class ShapeOptimizer(Optimizer):
    """Attaches a :class:`ShapeFeature` to graphs."""

    def add_requirements(self, fgraph: Any) -> None:
        """Attach it."""
        fgraph.attach_feature(ShapeFeature())
