"""What programs import from the optimiser: ``Assert``, and where they register their rewrites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agnesi.compile.shared import Shared
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Input
from agnesi.theano.compile.debugging import values_of
from agnesi.theano.compile.mode import local_useless, optdb, ours
from agnesi.theano.gof import opt as opt
from agnesi.theano.gof.graph import Apply, Constant
from agnesi.theano.gof.op import Op
from agnesi.theano.gof.opt import copy_stack_trace as copy_stack_trace
from agnesi.theano.gof.opt import in2out, local_optimizer
from agnesi.theano.gof.opt import out2in as out2in
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import NotScalarConstantError as NotScalarConstantError
from agnesi.theano.tensor.basic import alloc, as_tensor_variable, cast, patternbroadcast
from agnesi.theano.tensor.basic import get_scalar_constant_value as get_scalar_constant_value
from agnesi.theano.tensor.shape_feature import ShapeFeature as ShapeFeature
from agnesi.theano.tensor.shape_feature import ShapeOptimizer as ShapeOptimizer
from agnesi.theano.tensor.shapes import MakeVector as MakeVector
from agnesi.theano.tensor.shapes import Shape as Shape
from agnesi.theano.tensor.shapes import Shape_i as Shape_i

if TYPE_CHECKING:
    from collections.abc import Callable


class Assert(Op):
    """A value that is handed on if conditions hold: ``Assert("message")(value, condition)``."""

    __props__ = ("msg",)
    view_map: ClassVar[dict[int, list[int]]] = {0: [0]}

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


assert_op = assert_ = Assert()


make_vector = MakeVector()


# -- rewrites of programs ------------------------------------------------------------------------


optdb.register("ShapeOpt", ours(ShapeOptimizer()), 0.1, "fast_run", "fast_compile")


def _registrar(database: str) -> Callable[..., Any]:
    """Return the decorator that registers a rewrite in one of the databases of ``optdb``."""

    def register(lopt: Any, *tags: str, **kwargs: Any) -> Any:
        if isinstance(lopt, str):
            return lambda inner: register(inner, lopt, *tags, **kwargs)
        name = kwargs.pop("name", None) or lopt.__name__
        optdb[database].register(name, lopt, "fast_run", *tags, **kwargs)
        return lopt

    register.__name__ = f"register_{database}"
    register.__doc__ = f"""Register a rewrite in the database "{database}", and return it.

    Args:
        lopt: the rewrite; or a tag, for a decorator that takes the rewrite.
        tags: by which it can be chosen, besides "fast_run" and "{database}".
        kwargs: ``name``, and what the database takes.
    """
    return register


register_canonicalize = _registrar("canonicalize")
register_stabilize = _registrar("stabilize")
register_specialize = _registrar("specialize")
register_uncanonicalize = _registrar("uncanonicalize")
register_specialize_device = _registrar("specialize_device")


def register_useless(lopt: Any, *tags: str, **kwargs: Any) -> Any:
    """Register a rewrite that only takes applications away, and return it.

    Args:
        lopt: the rewrite; or a tag, for a decorator that takes the rewrite.
        tags: by which it can be chosen, besides ``"fast_run"``.
        kwargs: ``name``, and what the database takes.
    """
    if isinstance(lopt, str):
        return lambda inner: register_useless(inner, lopt, *tags, **kwargs)
    name = kwargs.pop("name", None) or lopt.__name__
    local_useless.register(name, lopt, "last", "fast_run", *tags, **kwargs)
    return lopt


@local_optimizer(None)
def constant_folding(node: Any) -> Any:
    """Replace what is computed of constants by its value."""
    if not node.inputs or not all(isinstance(v, Constant) for v in node.inputs):
        return False
    if not getattr(node.op, "do_constant_folding", lambda _: True)(node):
        return False
    if any(v.type.members for v in node.outputs):
        # Of a sparse matrix only compiled functions know the arrays.
        return False
    if not all(_is_known(v.tensor) for v in node.outputs):
        return False
    held = sum(getattr(v.data, "size", 1) for v in node.inputs)
    if sum(v.tensor.type.size for v in node.outputs) > held:
        # An array is not kept where a number says it.
        return False
    values = values_of(node, {v: v.data for v in node.inputs})
    return [v.type.Constant(v.type, value) for v, value in zip(node.outputs, values, strict=True)]


def encompasses_broadcastable(b1: Any, b2: Any) -> bool:
    """Whether arrays with the axes of one pattern hold those with the axes of another one.

    Args:
        b1: for each axis whether it repeats.
        b2: the same of what is to be held.
    """
    if len(b1) < len(b2):
        return False
    return not any(a and not b for a, b in zip(b1[len(b1) - len(b2) :], b2, strict=True))


def broadcast_like(value: Any, template: Any, fgraph: Any, dtype: Any = None) -> Any:
    """Return a value repeated to the shape of a variable of a graph.

    Args:
        value: a variable or a number.
        template: the variable.
        fgraph: its graph.
        dtype: of the result; by default the variable's.

    Raises:
        NotImplementedError: the variable is not part of the graph.
    """
    value = as_tensor_variable(value)
    if value.type == template.type:
        return value
    if template not in fgraph.variables:
        raise NotImplementedError(
            "broadcast_like currently requires the template Variable to be in the fgraph already"
        )
    wanted = template.dtype if dtype is None else dtype
    known = getattr(fgraph, "shape_feature", None)
    if known is None:
        shape = [template.shape[k] for k in range(template.ndim)]
    else:
        shape = known.shape_of[template]
    repeated = alloc(cast(value, wanted), *shape)
    same = repeated.broadcastable == template.broadcastable
    return repeated if same else patternbroadcast(repeated, template.broadcastable)


def _is_known(tensor: Any) -> bool:
    """Whether a tensor depends on constants alone, and has known sizes."""
    if tensor is None:
        return False
    for node in toposort([tensor]):
        if isinstance(node, Input | Shared):
            return False
        if any(not isinstance(s, int) for s in (*node.type.shape, *node.sizes_mentioned())):
            return False
    return True


topo_constant_folding = ours(in2out(constant_folding, ignore_newtrees=True))
topo_constant_folding.__name__ = "topo_constant_folding"
for _register in (
    register_canonicalize,
    register_uncanonicalize,
    register_stabilize,
    register_specialize,
):
    _register(topo_constant_folding, "fast_compile", final_opt=True)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
