"""Functions of each element, with Theano's dtypes and broadcasting; and axes moved about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnesi as ag
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import SizeValue
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply
from agnesi.theano.tensor.applying import FunctionOp, applied
from agnesi.theano.tensor.casting import COMPLEXES, DISCRETE, to_float, upcast

if TYPE_CHECKING:
    from collections.abc import Callable

# How the operands' dtypes become the one that is computed in, and the result's.
RULES: dict[str, Callable[[tuple[str, ...]], Any]] = {
    "upcast": lambda d: (upcast(*d), upcast(*d)),
    "float": lambda d: (to_float(upcast(*d)),) * 2,
    "compare": lambda d: (upcast(*d), "bool"),
    "test": lambda d: (upcast(*d), "bool"),
    "real": lambda d: (d[0], {"complex64": "float32", "complex128": "float64"}.get(d[0], d[0])),
    "divide": lambda d: _divided(d),
}


def _divided(dtypes: tuple[str, ...]) -> tuple[str, str]:
    dtype = upcast(*dtypes)
    dtype = config.floatX if dtype in DISCRETE else dtype
    return dtype, dtype


class ScalarOp:
    """The function of one element that an :class:`Elemwise` repeats."""

    def __init__(self, name: str, nin: int | None) -> None:
        self.name, self.nin = name, nin

    def __str__(self) -> str:
        return self.name


class Elemwise(FunctionOp):
    """A function of each element.

    Attributes:
        name: Theano's name.
        function: agnesi's function.
        rule: of dtypes, in ``RULES``.
        nin: how many operands; None for any number, two at a time.
        scalar_op: the function of one element.
    """

    def __init__(
        self,
        name: Any,
        function: Callable[..., Any] | None = None,
        rule: str = "upcast",
        nin: int | None = 1,
        **named: Any,
    ) -> None:
        del named
        if function is None:
            # Elemwise(scalar_op): the op of an element, applied to all.
            made: Any = name
            name, function, rule, nin = made.name, made.function, made.rule, made.nin
        super().__init__(f"Elemwise{{{name}}}", self._build)
        self.function, self.rule, self.nin = function, rule, nin
        self.scalar_op = ScalarOp(name, nin)
        self.short = name
        self.nfunc_spec = None
        self.inplace_pattern: dict[int, int] = {}
        self.__name__ = name

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        name, dtype = named.pop("name", None), named.pop("dtype", None)
        if self.nin is not None and len(inputs) != self.nin:
            raise TypeError(f"{self.short}: takes {self.nin} inputs, not {len(inputs)}")
        if self.nin is None and not inputs:
            raise TypeError(f"{self.short}: takes one input at least")
        if self.nin is None and len(inputs) > 2:
            total = inputs[0]
            for other in inputs[1:]:
                total = self(total, other)
            result = total
        else:
            result = super().__call__(*inputs, **named)
        if dtype is not None:
            result = result.astype(dtype)
        if name is not None:
            result.name = name
        return result

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application; axes are put in front of operands with fewer."""
        from agnesi.theano.tensor.basic import as_tensor_variable, shape_padleft

        given = [as_tensor_variable(x) for x in inputs]
        ndim = max(v.ndim for v in given)
        given = [shape_padleft(v, ndim - v.ndim) if v.ndim < ndim else v for v in given]
        return applied(self, given)

    def _build(self, *tensors: ag.Tensor) -> ag.Tensor:
        if self.nin is None and len(tensors) == 1:
            return tensors[0]
        inside, outside = RULES[self.rule](tuple(t.dtype.numpy.name for t in tensors))
        operands = [_number_or_cast(t, inside, tensors) for t in tensors]
        function: Any = self.function
        made = function(*operands)
        if isinstance(made, SizeValue) and outside == "int64":
            return made
        return ag.astype(made, outside)

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.short == other.short  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((Elemwise, self.short))


def _number_or_cast(t: ag.Tensor, dtype: str, all_: tuple[ag.Tensor, ...]) -> Any:
    """Return an operand in a dtype; numbers beside sizes as numbers, so that sizes stay sizes."""
    if dtype == "int64" and any(isinstance(o, SizeValue) for o in all_):
        if isinstance(t, SizeValue):
            return t
        if isinstance(t, ConstantTensor) and not t.ndim:
            return int(t.number)  # type: ignore[arg-type]
    return ag.astype(t, dtype)


class DimShuffle(FunctionOp):
    """Axes in another order; ``"x"`` is a new one, what is left out has size 1.

    Attributes:
        input_broadcastable: of the operand.
        new_order: an axis of the operand, or ``"x"``, for each of the result.
    """

    def __init__(self, input_broadcastable: Any, new_order: Any, inplace: bool = True) -> None:
        del inplace
        self.input_broadcastable = tuple(input_broadcastable)
        order: tuple[Any, ...] = tuple("x" if o == "x" else int(o) for o in new_order)
        for axis in order:
            if axis != "x" and not 0 <= axis < len(self.input_broadcastable):
                raise ValueError(
                    f"new_order[{order.index(axis)}] is {axis}, but the input only has "
                    f"{len(self.input_broadcastable)} axes."
                )
        kept = [o for o in order if o != "x"]
        if len(set(kept)) != len(kept):
            raise ValueError(
                "The same input dimension may not appear twice in the list of output dimensions",
                new_order,
            )
        self.drop = [a for a in range(len(self.input_broadcastable)) if a not in kept]
        for axis in self.drop:
            if not self.input_broadcastable[axis]:
                raise ValueError(
                    f"You cannot drop a non-broadcastable dimension: {self.input_broadcastable}, "
                    f"{new_order}"
                )
        self.new_order = order
        super().__init__("DimShuffle", self._build)
        self.props = {"new_order": order}

    def _build(self, x: ag.Tensor) -> ag.Tensor:
        kept = [o for o in self.new_order if o != "x"]
        if self.drop:
            x = ag.squeeze(x, tuple(self.drop))
        left = sorted(kept)
        if kept != left:
            x = ag.transpose(x, [left.index(o) for o in kept])
        added = tuple(k for k, o in enumerate(self.new_order) if o == "x")
        return ag.expand_dims(x, added) if added else x

    def __str__(self) -> str:
        return f"DimShuffle{{{','.join(map(str, self.new_order))}}}"

    __repr__ = __str__


class CAReduce(FunctionOp):
    """A reduction over axes; what ``Sum``, ``Prod`` and others are."""


class Sum(CAReduce):
    """Sum over axes."""


class Prod(CAReduce):
    """Product over axes."""


def is_complex(dtype: str) -> bool:
    """Whether a dtype is one of complex numbers."""
    return dtype in COMPLEXES
