"""Ops made of a graph: ``OpFromGraph``, with derivatives of its own if a program gives some.

before: double = OpFromGraph([x], [x * 2], grad_overrides=lambda inputs, grads: [grads[0]])
below:  the graph of x * 2, part of the program that uses it, inside an Overridden that asks the
        program's function when a gradient is built
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import agnesi as ag
from agnesi.autodiff.forward import push
from agnesi.autodiff.reverse import pull
from agnesi.core.dtypes import ALL
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import Leaf
from agnesi.graph.tensor import Tensor
from agnesi.ops.families import Composite
from agnesi.theano import gradient
from agnesi.theano.compile.function_module import replacement
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof.graph import (
    Apply,
    Constant,
    Variable,
    followed_sizes,
    inputs,
    stands_for,
)
from agnesi.theano.tensor.applying import FunctionOp, applied, fresh
from agnesi.theano.tensor.basic import as_tensor_variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Sizes
    from agnesi.graph.types import TensorType as Kind

_KNOWN_KEYWORDS = frozenset(
    {"mode", "profile", "accept_inplace", "rebuild_strict", "allow_input_downcast", "name"}
    | {"no_default_updates", "on_unused_input"}
)


class OpFromGraph(FunctionOp):
    """An op that computes a graph of variables; it is part of the program that uses it.

    Attributes:
        local_inputs: the variables that stand for what it is applied to.
        local_outputs: what it gives.
        is_inline: nothing here: the graph is always part of the program.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        inline: bool = False,
        lop_overrides: Any = "default",
        grad_overrides: Any = "default",
        rop_overrides: Any = "default",
        connection_pattern: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Make an op of a graph.

        Args:
            inputs: variables that stand for what it is applied to.
            outputs: variables that depend on them, on shared variables, and on nothing else.
            inline: accepted; the graph is always part of the program that uses it.
            lop_overrides: what gives the gradients: a function of inputs, outputs and the
                outputs' gradients; or an ``OpFromGraph`` of all these; or a list with, for each
                input, such a function, ``"default"``, or a variable of ``NullType`` or
                ``DisconnectedType``.
            grad_overrides: the same without the outputs among the arguments.
            rop_overrides: what gives the outputs' changes, of inputs and their changes.
            connection_pattern: for each input, for each output, whether one depends on the other.
            name: of the op.
            kwargs: options of ``function``, which mean nothing for a part of a program.

        Raises:
            TypeError: outputs depend on what is no input.
            ValueError: both kinds of overrides are given.
        """
        if not isinstance(outputs, list | tuple):
            raise TypeError(f"outputs must be list, got {type(outputs)}")
        for variable in [*inputs, *outputs]:
            if not isinstance(variable, Variable):
                raise TypeError("inputs and outputs must be Variable instances", variable)
        unknown = set(kwargs) - _KNOWN_KEYWORDS
        if unknown:
            raise TypeError(f"OpFromGraph: not allowed here: {', '.join(sorted(unknown))}")
        if not _is_default(lop_overrides) and not _is_default(grad_overrides):
            raise ValueError("lop_overrides and grad_overrides are mutually exclusive")
        for variable in _free(inputs, outputs):
            raise TypeError(f"OpFromGraph: the outputs depend on {variable}, which is no input")
        self.local_inputs, self.local_outputs = list(inputs), list(outputs)
        self.is_inline = inline
        self.lop_overrides, self.grad_overrides = lop_overrides, grad_overrides
        self.rop_overrides = rop_overrides
        self.pattern = connection_pattern
        self.given_name = name
        super().__init__(name or type(self).__name__, self.build_outputs, len(outputs))

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application, to variables of the types of ``local_inputs``."""
        if len(inputs) != len(self.local_inputs):
            raise ValueError(
                f"{self}: {len(inputs)} inputs, where {len(self.local_inputs)} are needed"
            )
        pairs = zip(self.local_inputs, inputs, strict=True)
        return applied(self, [replacement(old, new) for old, new in pairs])

    def body(self) -> list[Any]:
        """Return the variables that it gives."""
        return self.local_outputs

    def with_body(self, node: Apply, outputs: Sequence[Any]) -> list[Any]:
        """Return the outputs of an application that gives something else; it is given more then."""
        more = _free(self.local_inputs, outputs)
        op = OpFromGraph([*self.local_inputs, *more], list(outputs), name=self.given_name)
        return op(*node.inputs, *more, return_list=True)

    def build_outputs(self, *ts: Tensor) -> list[Tensor]:
        """Return agnesi's tensors of the outputs."""
        results = self.plain(ts)
        overrides = (self.lop_overrides, self.grad_overrides, self.rop_overrides)
        if all(map(_is_default, overrides)) and self.pattern is None:
            return results
        own = set(ts)
        read = tuple(
            leaf
            for leaf in toposort(results, own)
            if isinstance(leaf, Leaf) and not isinstance(leaf, ConstantTensor) and leaf not in own
        )
        return [Overridden(t, tuple(ts), read, self, k) for k, t in enumerate(results)]

    def plain(self, ts: Sequence[Tensor]) -> list[Tensor]:
        """Return the outputs of the graph itself."""
        swaps = dict(zip((v.tensor for v in self.local_inputs), ts, strict=True))
        return rebuild([v.tensor for v in self.local_outputs], swaps, followed_sizes(swaps))

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Return for each input, for each output, whether the output depends on it."""
        del node
        if self.pattern is not None:
            return [list(row) for row in self.pattern]
        found = [gradient.reached(v.tensor) for v in self.local_outputs]
        return [[v.tensor in seen for seen in found] for v in self.local_inputs]

    def terms(self, ts: Sequence[Tensor], number: int, ct: Tensor) -> list[Any]:
        """Return what overrides give as gradients by the inputs; ``"default"`` where they do not.

        Args:
            ts: inputs.
            number: of the output.
            ct: its gradient; those of other outputs are 0.
        """
        lop = not _is_default(self.lop_overrides)
        override = self.lop_overrides if lop else self.grad_overrides
        if _is_default(override):
            return ["default"] * len(ts)
        given = [stands_for(t) for t in ts]
        outputs = [stands_for(t) for t in self.build_outputs(*ts)]
        upper = [fresh(ct) if k == number else v.zeros_like() for k, v in enumerate(outputs)]
        args = (given, outputs, upper) if lop else (given, upper)
        if isinstance(override, list):
            if len(override) != len(ts):
                raise ValueError(
                    f"{self}: {len(override)} overrides, where there are {len(ts)} inputs"
                )
            return [o(*args) if callable(o) else o for o in override]
        made = _asked(override, args)
        if len(made) != len(ts):
            raise ValueError(f"{self}: {len(made)} gradients, where there are {len(ts)} inputs")
        return made

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __str__(self) -> str:
        return f"{self.given_name or type(self).__name__}{{inline={self.is_inline}}}"


def _is_default(override: Any) -> bool:
    return isinstance(override, str) and override == "default"


def _asked(override: Any, args: Sequence[Any]) -> list[Any]:
    if isinstance(override, OpFromGraph):
        found = override(*(v for part in args for v in part), return_list=True)
    else:
        found = override(*args)
    return list(found) if isinstance(found, list | tuple) else [found]


def _free(given: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    known = set(given)
    return [
        v
        for v in inputs(outputs, given)
        if v not in known and not isinstance(v, Constant | SharedVariable)
    ]


class Overridden(Composite):
    """An output of an ``OpFromGraph`` whose derivatives a program gives."""

    result: Tensor
    inputs: tuple[Tensor, ...]
    read: tuple[Tensor, ...]
    of: Any
    number: int

    public = "OpFromGraph"
    dtypes = ALL
    keeps_halves = True
    undefined = MappingProxyType({})

    def infer(self) -> Kind:
        """The result's."""
        return self.result.type

    def decompose(self) -> Tensor:
        """The result."""
        return self.result

    def connected(self) -> list[Tensor]:
        """Return the operands that the result depends on, in the sense of derivatives."""
        op = self.of
        override = op.lop_overrides if not _is_default(op.lop_overrides) else op.grad_overrides
        if op.pattern is not None:
            rows = [row[self.number] for row in op.pattern]
        elif isinstance(override, list):
            rows = [not _is_disconnected(o) for o in override]
        else:
            rows = [True] * len(self.inputs)
        return [t for t, row in zip(self.inputs, rows, strict=True) if row] + list(self.read)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What overrides say; the graph's own gradient where they say nothing."""
        terms = self.of.terms(self.inputs, self.number, ct)
        targets = [t for t in (*self.inputs, *self.read) if t.dtype.is_inexact]
        own = pull([(self.result, ct)], targets).cotangents
        nulls: dict[int, str] = {}
        parts: list[Tensor | None] = []
        for place, (term, t) in enumerate(zip(terms, self.inputs, strict=True)):
            kind = getattr(term, "type", None)
            if isinstance(kind, gradient.NullType):
                nulls[place + 1] = kind.why_null
                parts.append(None)
            elif term is None or _is_disconnected(term) or not t.dtype.is_inexact:
                parts.append(None)
            elif _is_default(term):
                parts.append(own.get(t))
            else:
                parts.append(ag.astype(as_tensor_variable(term).tensor, t.dtype))
        self.__dict__["nulls"] = nulls
        return (None, *parts, *(own.get(t) for t in self.read))

    def no_derivative(self, place: int) -> str | None:
        """Why there is no derivative, where an override says so."""
        return self.__dict__.get("nulls", {}).get(place)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """What the override says; else that of the graph."""
        _, *rest = tangents
        of, count = self.of, len(self.inputs)
        if _is_default(of.rop_overrides):
            if not _is_default(of.lop_overrides) or not _is_default(of.grad_overrides):
                return super().jvp(tangents)
            given = dict(zip((*self.inputs, *self.read), rest, strict=True))
            (made,) = push([self.result], {t: d for t, d in given.items() if d is not None})
            return made
        points = [None if d is None else fresh(d) for d in rest[:count]]
        if isinstance(of.rop_overrides, OpFromGraph):
            points = [
                stands_for(t).zeros_like() if p is None else p
                for p, t in zip(points, self.inputs, strict=True)
            ]
        made = _asked(of.rop_overrides, ([stands_for(t) for t in self.inputs], points))
        found = made[self.number]
        return None if found is None else ag.astype(as_tensor_variable(found).tensor, self.dtype)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The result."""
        return operands[0]


def _is_disconnected(term: Any) -> bool:
    return isinstance(getattr(term, "type", None), gradient.DisconnectedType)
