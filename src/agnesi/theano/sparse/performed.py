"""Ops that programs write, with ``perform``, of sparse matrices.

Python code is called with matrices of SciPy; native code around it knows the arrays that they are
made of.

before: op(x), x a sparse matrix
after:  op of elements, indices, starts and shape, which are put together for ``perform``
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.dtypes import ALL
from agnesi.graph.graph import size_of
from agnesi.graph.tensor import Tensor
from agnesi.ops.sparse import Standing, compressed
from agnesi.theano.gof.graph import Apply, _standing
from agnesi.theano.gof.op import Op, compute
from agnesi.theano.sparse.type import SparseType
from agnesi.theano.tensor.applying import fresh
from agnesi.theano.tensor.type import TensorType

if TYPE_CHECKING:
    pass


class _OfArrays(Op):
    """A program's op, of the arrays that its sparse matrices are made of."""

    def __init__(self, of: Apply) -> None:
        self.of = of

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Put matrices together, call the program's code, and take its matrices apart."""
        del node, params
        arrays = iter(inputs)
        given: list[Any] = []
        for variable in self.of.inputs:
            if isinstance(variable.type, SparseType):
                given.append(variable.type.gathered([next(arrays) for _ in range(4)]))
            else:
                given.append(next(arrays))
        storage: list[list[Any]] = [[None] for _ in self.of.outputs]
        self.of.performed(given, storage)
        cells = iter(output_storage)
        for variable, (value,) in zip(self.of.outputs, storage, strict=True):
            if not isinstance(variable.type, SparseType):
                next(cells)[0] = value
                continue
            *parts, shape = variable.type.spread(variable.type.filter(value))
            for part in (*parts, shape.shape[:2]):
                next(cells)[0] = part

    def __str__(self) -> str:
        return str(self.of.op)


class Program(Standing):
    """A result of a program's op of sparse matrices, with the gradient that the op says."""

    xs: tuple[Tensor, ...]
    call_: Any
    number: int

    dtypes = ALL

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Ask the op."""
        from agnesi.theano.gradient import gradients_of_op

        asked = _Asked(self.xs, self.call_, self.number, self.x)
        found = gradients_of_op(asked, ct)
        self.__dict__["nulls"] = asked.nulls
        return (None, *found)

    def no_derivative(self, place: int) -> str | None:
        """What the op said is undefined."""
        return self.__dict__.get("nulls", {}).get(place - 1)


class _Asked:
    """What the gradient of a program's op is asked of."""

    def __init__(self, xs: Any, call: Any, number: int, tensor: Any) -> None:
        self.xs, self.call_, self.number, self.tensor = xs, call, number, tensor
        self.nulls: dict[int, str] = {}


class _Call:
    """The application of a program's op."""

    def __init__(self, node: Apply) -> None:
        self.op, self.node = node.op, node


def compute_of_matrices(node: Apply) -> None:
    """Give the outputs of an application of a program's op of sparse matrices their tensors."""
    given: list[Any] = []
    for variable in node.inputs:
        if isinstance(variable.type, SparseType):
            given += [fresh(t) for t in variable.type.results_of(variable.tensor)]
        else:
            given.append(variable)
    outputs: list[Any] = []
    for variable in node.outputs:
        if isinstance(variable.type, SparseType):
            dtypes = (variable.type.dtype, "int32", "int32", "int64")
            outputs += [TensorType(d, (False,))() for d in dtypes]
        else:
            outputs.append(variable.type())
    inner = Apply(_OfArrays(node), given, outputs)
    compute(inner)
    node.built = True  # type: ignore[attr-defined]
    made = iter(v.tensor for v in inner.outputs)
    call, xs = _Call(node), tuple(v.tensor for v in node.inputs)
    for number, variable in enumerate(node.outputs):
        if isinstance(variable.type, SparseType):
            data, indices, starts, shape = (next(made) for _ in range(4))
            rows, columns = (size_of(shape[k]) for k in range(2))
            by_column = variable.type.by_column
            found: Any = compressed(data, indices, starts, rows, columns, by_column=by_column)
        else:
            found = next(made)
        variable.tensor = Program(found, xs, call, number)
        _standing[id(variable.tensor)] = variable
