"""Ops: what is applied to variables, those of programs too.

An op that a program writes, with ``make_node`` and ``perform``, is Python code that the compiled
function calls in its midst; its ``grad`` is asked when a gradient is built.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL, as_dtype
from agnesi.dims.dim import value_of
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import Input
from agnesi.graph.tensor import Tensor
from agnesi.graph.types import TensorType as Kind
from agnesi.ops.families import HostOp
from agnesi.theano.configparser import config
from agnesi.theano.gof import objects
from agnesi.theano.gof.graph import Apply, Variable, stands_for
from agnesi.theano.gof.utils import MethodNotDefined, MissingTestValue, TestValueError
from agnesi.theano.missing import submodule

if TYPE_CHECKING:
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Array, Sizes


class CLinkerObject:
    """What might have C code."""


class CLinkerOp(CLinkerObject):
    """An op that might have C code."""


class PureOp:
    """What is applied to variables, and gives variables."""

    default_output: int | None = None
    __props__: Any = None

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application to variables."""
        kinds = getattr(self, "itypes", None)
        results = getattr(self, "otypes", None)
        if kinds is None or results is None:
            raise NotImplementedError(
                f"{type(self).__name__} has neither make_node nor itypes and otypes"
            )
        if len(inputs) != len(kinds):
            raise ValueError(f"We expected {len(kinds)} inputs but got {len(inputs)}.")
        given = [_variable(x) for x in inputs]
        for variable, kind in zip(given, kinds, strict=True):
            if variable.type != kind and kind.convert_variable(variable) is None:
                raise TypeError(
                    f"We expected inputs of types '{list(kinds)}' but got types "
                    f"'{[v.type for v in given]}'"
                )
        return Apply(self, given, [kind() for kind in results])

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        many = kwargs.pop("return_list", False)
        node = self.make_node(*inputs, **kwargs)
        compute(node)
        add_test_values(node)
        if self.default_output is not None:
            found = node.outputs[self.default_output]
            return [found] if many else found
        return list(node.outputs) if many or len(node.outputs) != 1 else node.outputs[0]

    def __eq__(self, other: object) -> bool:
        names = self.__props__
        if names is None:
            return self is other
        return type(self) is type(other) and all(
            getattr(self, n) == getattr(other, n) for n in names
        )

    def __hash__(self) -> int:
        names = self.__props__
        if names is None:
            return object.__hash__(self)
        return hash((type(self), tuple(getattr(self, n) for n in names)))

    def __str__(self) -> str:
        if self.__props__:
            said = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.__props__)
            return f"{type(self).__name__}{{{said}}}"
        return getattr(self, "name", None) or type(self).__name__

    __repr__ = __str__

    def add_tag_trace(self, thing: Any, user_line: Any = None) -> Any:
        """Return the thing: agnesi notes the program's line itself."""
        del user_line
        return thing

    @classmethod
    def _get_test_value(cls, v: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        """Return the test value of a variable: an old name of :func:`get_test_value`."""
        return get_test_value(v)

    def do_constant_folding(self, node: Apply) -> bool:
        """Whether it is computed once, where all inputs are known."""
        del node
        return True


class Op(PureOp, CLinkerOp):
    """Base of the ops that programs write."""

    def _computes(self, node: Apply) -> None:
        """Give the outputs of an application their tensors."""
        compute(node)

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Compute: put results into the lists of ``output_storage``."""
        raise MethodNotDefined(
            "perform",
            type(self),
            type(self).__name__,
            "Did you used Theano flags mode=FAST_COMPILE?",
        )

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
        """Return the gradients by the inputs, given those by the outputs."""
        del outputs
        return self.grad(inputs, output_grads)

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Return the gradients by the inputs, given those by the outputs."""
        raise NotImplementedError(f"{self} has no gradient: it defines neither grad nor L_op")

    def R_op(self, inputs: Any, eval_points: Any) -> Any:
        """Return the change of the outputs, given that of the inputs."""
        raise NotImplementedError(f"{self} of class {type(self).__name__} does not implement R_op.")


class OpenMPOp(Op):
    """An op whose C code would use OpenMP; Python code is used here."""

    def __init__(self, openmp: Any = None) -> None:
        self.openmp = openmp


class COp(Op):
    """An op in C, for which there is no compiler here."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError(
            "theano.COp: agnesi has no C compiler; write perform(), in Python, or build the op of "
            "agnesi's functions with theano.OpFromGraph"
        )


def _variable(x: Any) -> Variable:
    if isinstance(x, Variable):
        return x
    from agnesi.theano.tensor.basic import as_tensor_variable

    return as_tensor_variable(x)


# -- what agnesi runs --------------------------------------------------------------------------


# Adds to an error which application it comes from; put there by theano.compile.
failed: list[Callable[..., None]] = []


class Call:
    """One application of a program's op, as nodes of agnesi hold it: compared by identity.

    Attributes:
        op: the op.
        node: an application with the same types.
    """

    def __init__(self, op: Any, node: Apply) -> None:
        self.op, self.node = op, node
        self.objects = any(v.type.is_object for v in (*node.inputs, *node.outputs))
        self.last: tuple[list[Any], list[Any], Any] | None = None
        # Numbers of the results that costs have been found to depend on.
        self.used: set[int] = set()
        # Who has had the last results: nobody asks twice for those of one computation.
        self.served: set[Any] = set()

    def run(self, operands: Sequence[Array], who: Any) -> list[Any]:
        """Return the results for a node: computed once for the nodes of a call, which share them.

        Args:
            operands: arrays.
            who: which node asks.
        """
        if self.last is not None and who not in self.served and self._same(operands):
            self.served.add(who)
            return self.last[1]
        self.served = {who}
        given = [self._passed(v, a) for v, a in zip(self.node.inputs, operands, strict=True)]
        storage: list[list[Any]] = [[None] for _ in self.node.outputs]
        try:
            self.node.performed(given, storage)
        except Exception as error:
            failed[0](error, self.node, given)
            raise
        results: list[Any] = []
        for cell, output in zip(storage, self.node.outputs, strict=True):
            if cell[0] is None and not output.type.is_object:
                raise ValueError(f"{self.op}: perform() left an output of {output.type} empty")
            value = output.type.filter(cell[0], allow_downcast=None)
            results.append(output.type.encode(value) if output.type.encoded else value)
        if len(self.node.outputs) > 1 or getattr(self.op, "infer_shape", None) is None:
            self.last = [np.array(a) for a in operands], results, self._around()
        return results

    def _same(self, operands: Sequence[Array]) -> bool:
        """Whether the operands are those of the last results; objects: in the same call."""
        return (
            self.last is not None
            and self.last[2] is self._around()
            and all(
                np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
                for a, b in zip(self.last[0], operands, strict=True)
            )
        )

    def _around(self) -> Any:
        return objects.present_call() if self.objects else None

    @staticmethod
    def _passed(variable: Any, array: Array) -> Any:
        # A copy: what a program keeps is not memory of the function.
        return variable.type.decode(array) if variable.type.encoded else np.array(array)


class PerformedShape(HostOp):
    """The shape of a result of a program's op, found by running it."""

    xs: tuple[Tensor, ...]
    call_: Any
    number: int
    ndim_: int

    dtypes = ALL
    public = "perform"
    folds = False

    def infer(self) -> Kind:
        """So many sizes."""
        return Kind(as_dtype("i64"), (self.ndim_,))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Sizes have no gradient."""
        return (None,) * len(self.xs)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Run the op."""
        return np.array(
            np.shape(self.call_.run(operands, ("shape", self.number))[self.number]), np.int64
        )


class Performed(HostOp):
    """A result of an op that a program wrote: Python code in the midst of native code."""

    xs: tuple[Tensor, ...]
    call_: Any
    number: int
    element_: Any
    extents: tuple[Any, ...]

    dtypes = ALL
    public = "perform"
    folds = False

    def infer(self) -> Kind:
        """What the op said."""
        return Kind(self.element_, self.extents)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Ask the op."""
        from agnesi.theano.gradient import gradients_of_op

        return gradients_of_op(self, ct)

    def no_derivative(self, place: int) -> str | None:
        """What the op said when it was asked last."""
        return self.__dict__.get("nulls", {}).get(place)

    def connected(self) -> list[Tensor]:
        """Return the operands that the result depends on, as the op says."""
        pattern = getattr(self.call_.op, "connection_pattern", None)
        if pattern is None:
            return list(self.xs)
        rows = pattern(self.call_.node)
        return [x for x, row in zip(self.xs, rows, strict=True) if row[self.number]]

    @property
    def disconnects(self) -> bool:  # type: ignore[override]
        """Whether no operand is connected with the result."""
        return not self.connected()

    @property
    def cuts_gradients(self) -> bool:  # type: ignore[override]
        """Whether there is no derivative."""
        return self.disconnects

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """Ask the op."""
        from agnesi.theano.gradient import change_of_op

        return change_of_op(self, tangents)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Run the op."""
        found = np.asarray(self.call_.run(operands, self.number)[self.number])
        wanted = tuple(sizes(s) for s in self.extents)
        if found.shape != wanted:
            raise ValueError(
                f"{self.call_.op}: perform() gave the shape {found.shape}, where its type and "
                f"infer_shape() say {wanted}"
            )
        return found


def compute(node: Apply) -> None:
    """Give the outputs of an application of a program's op their tensors."""
    if isinstance(getattr(node, "built", None), bool):
        return
    if all("tensor" in v.__dict__ and v.tensor is None for v in node.outputs):
        # A graph of other objects than arrays: to be looked at and rewritten, not compiled.
        return
    if any(v.type.members for v in (*node.inputs, *node.outputs)):
        importlib.import_module("agnesi.theano.sparse.performed").compute_of_matrices(node)
        return
    tensors = [v.tensor for v in node.inputs if v.tensor is not None]
    if len(tensors) != len(node.inputs):
        # There is nothing that native code could do with other objects.
        missing = [v for v in node.inputs if v.tensor is None]
        raise TypeError(f"{node.op}: {missing[0]!r} ({missing[0].type}) has no value")
    call = Call(node.op, node)
    shapes = _shapes(node, call, tensors)
    node.built = True  # type: ignore[attr-defined]
    for number, (output, shape) in enumerate(zip(node.outputs, shapes, strict=True)):
        element = as_dtype(output.type.native_kind()[0])
        output.tensor = Performed(tuple(tensors), call, number, element, tuple(shape))
        from agnesi.theano.gof.graph import _standing

        _standing[id(output.tensor)] = output


def _shapes(node: Apply, call: Call, tensors: list[Tensor]) -> list[tuple[Size, ...]]:
    """Return the shapes of an application's outputs: as the op says, else found by running it."""
    infer = getattr(node.op, "infer_shape", None)
    if infer is not None:
        from agnesi.theano.tensor.basic import as_tensor_variable

        said = infer(node, [_shape(v) for v in node.inputs])
        found: list[tuple[Size, ...]] = []
        for output, shape in zip(node.outputs, said, strict=True):
            if output.type.is_object:
                found.append(())
                continue
            sizes = [s if isinstance(s, int) else as_tensor_variable(s).tensor for s in shape]
            found.append(
                _with_ones(output, [s if isinstance(s, int) else size_of(s) for s in sizes])
            )
        return found
    shapes: list[tuple[Size, ...]] = []
    for number, output in enumerate(node.outputs):
        pattern = output.type.native_kind()[1]
        if all(pattern):
            shapes.append((1,) * len(pattern))
            continue
        shape = PerformedShape(tuple(tensors), call, number, output.type.ndim)
        shapes.append(_with_ones(output, [value_of(shape[k]) for k in range(output.type.ndim)]))
    return shapes


def _shape(variable: Any) -> Any:
    """Return a variable's shape; None for what has none."""
    from agnesi.theano.tensor.shapes import shape_tuple

    return None if variable.type.is_object else shape_tuple(variable)


def _with_ones(output: Any, sizes: Sequence[Size]) -> tuple[Size, ...]:
    return tuple(
        1 if one else size for one, size in zip(output.type.broadcastable, sizes, strict=True)
    )


# -- test values -------------------------------------------------------------------------------


def get_test_value(v: Any) -> Any:
    """Return the test value of a variable.

    Raises:
        AttributeError: it has none.
    """
    if not isinstance(v, Variable):
        v = _variable(v)
    if isinstance(v, Variable) and hasattr(v, "data"):
        return v.data
    if hasattr(v, "get_value"):
        return v.get_value(borrow=True)
    if not hasattr(v.tag, "test_value") and not (v.tensor is None or isinstance(v.tensor, Input)):
        from agnesi.theano.compile.debugging import value_of_derived

        v.tag.test_value = value_of_derived(v)
    if not hasattr(v.tag, "test_value"):
        raise MissingTestValue(f"{v} ({v.type}) has no test value")
    return v.tag.test_value


def add_test_values(node: Apply) -> None:
    """Compute the test values of an application's outputs, if settings ask for it."""
    how = config.compute_test_value
    if how == "off":
        return
    from agnesi.theano.compile.debugging import values_of

    variable = None
    try:
        given: dict[Any, Any] = {}
        for variable in node.inputs:
            given[variable] = get_test_value(variable)
        values = values_of(node, given)
    except MissingTestValue:
        if how == "ignore":
            return
        kind = "" if variable is None else f" ({variable.type})"
        message = (
            f"Cannot compute test value: input {variable}{kind} of Op {node} missing default value."
        )
        if how == "warn":
            warnings.warn(message, stacklevel=3)
            return
        raise ValueError(message) from None
    for output, value in zip(node.outputs, values, strict=True):
        output.tag.test_value = value


def add_test_value(variable: Any) -> None:
    """Compute the test value of what a gradient made, if settings ask for it."""
    if config.compute_test_value == "off":
        return
    try:
        get_test_value(variable)
    except AttributeError:
        if config.compute_test_value == "raise":
            raise


def get_debug_values(*args: Any) -> list[Any]:
    """Return the test values of variables, for a loop that runs once, or not at all.

    Returns:
        A list of one value, or of one tuple of values; an empty one where test values are off, or
        where one is missing.
    """
    if config.compute_test_value == "off":
        return []
    found: list[Any] = []
    for k, arg in enumerate(args):
        try:
            found.append(get_test_value(arg))
        except AttributeError:
            name = getattr(arg, "name", None)
            missing_test_message(
                f"Argument {k}('{name}') has no test value"
                if name is not None
                else f"Argument {k} has no test value"
            )
            return []
    return found if len(found) == 1 else [tuple(found)]


def debug_assert(condition: Any, msg: str | None = None) -> None:
    """Raise, or warn, for a condition that does not hold where test values are computed."""
    if condition:
        return
    if config.compute_test_value in ("raise", "ignore"):
        raise AssertionError(msg or "debug_assert failed")
    warnings.warn(msg or "debug_assert failed", stacklevel=2)


def debug_error_message(msg: str) -> None:
    """Raise, or warn, where test values are computed and an error was found in them."""
    action = config.compute_test_value
    if action == "off":
        raise AssertionError("debug_error_message: test values are off")
    if action in ("raise", "ignore"):
        raise ValueError(msg)
    warnings.warn(msg, stacklevel=2)


def missing_test_message(msg: str) -> None:
    """Raise, or warn, for a missing test value, as settings say."""
    action = config.compute_test_value
    if action == "raise":
        raise AttributeError(msg)
    if action == "warn":
        warnings.warn(msg, stacklevel=2)


__all__ = [
    "CLinkerObject",
    "CLinkerOp",
    "COp",
    "Op",
    "OpenMPOp",
    "PureOp",
    "TestValueError",
    "debug_assert",
    "debug_error_message",
    "get_debug_values",
    "get_test_value",
    "missing_test_message",
    "stands_for",
]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
