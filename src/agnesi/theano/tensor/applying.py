"""How functions of Theano become nodes of agnesi: an op, its variables, and what it computes."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from agnesi.graph.graph import rebuild
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import Leaf
from agnesi.theano.gof.graph import Apply, Variable, _restored, _wrap, followed_sizes
from agnesi.theano.gof.native import _typed
from agnesi.theano.gof.op import PureOp, add_test_values
from agnesi.theano.tensor.type import TensorType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import agnesi as ag


class FunctionOp(PureOp):
    """An op that is one of Theano's functions with its settings.

    Attributes:
        name: the name that Theano's op has.
        props: settings, by name.
        build: what agnesi computes, from its tensors.
    """

    def __init__(self, name: str, build: Callable[..., Any], nout: int = 1, **props: Any) -> None:
        self.name, self.build, self.nout, self.props = name, build, nout, props
        self.__dict__.update(props)

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application."""
        return applied(self, inputs)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        many = named.pop("return_list", False)
        node = self.make_node(*inputs)
        add_test_values(node)
        return node.outputs if many or self.nout > 1 else node.outputs[0]

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and self.name == other.name  # type: ignore[attr-defined]
            and _frozen(self.props) == _frozen(other.props)  # type: ignore[attr-defined]
            and _same(self.build, other.build)  # type: ignore[attr-defined]
        )

    def __hash__(self) -> int:
        return hash((self.name, _frozen(self.props)))

    def __str__(self) -> str:
        if not self.props:
            return self.name
        return f"{self.name}{{{', '.join(f'{n}={v}' for n, v in self.props.items())}}}"

    __repr__ = __str__

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what cannot be written to a file: an application tells what it computes."""
        state = dict(self.__dict__)
        if "<" in getattr(self.build, "__qualname__", "") or isinstance(self.build, Replayed):
            state["build"] = None
        return state


class Replayed:
    """What an op of a file computes: what its application in the file does, of other inputs."""

    def __init__(self, node: Apply) -> None:
        self.node = node

    def __call__(self, *ts: Any) -> list[Any]:
        """Return the outputs for other tensors."""
        swaps = dict(zip((v.tensor for v in self.node.inputs), ts, strict=True))
        return rebuild([v.tensor for v in self.node.outputs], swaps, followed_sizes(swaps))


def restored(node: Apply) -> None:
    """Give the op of an application from a file what it computes."""
    op = node.op
    if isinstance(op, FunctionOp) and op.build is None:
        op.build = Replayed(node)


def _same(a: Any, b: Any) -> bool:
    """Whether two things that make tensors are the same: the same code with the same values."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, MethodType):
        return a.__func__ is b.__func__
    if isinstance(a, FunctionType):
        return (
            a.__code__ is b.__code__
            and _same(a.__defaults__, b.__defaults__)
            and _same(_enclosed(a), _enclosed(b))
        )
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return isinstance(a, int | float | str | slice) and bool(a == b)


def _enclosed(function: Any) -> tuple[Any, ...]:
    return tuple(cell.cell_contents for cell in function.__closure__ or ())


def _frozen(props: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((name, str(value)) for name, value in props.items())


def applied(op: Any, inputs: Sequence[Any]) -> Apply:
    """Return the application of an op that builds tensors."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    given = [x if isinstance(x, Variable) else as_tensor_variable(x) for x in inputs]
    made = op.build(*(v.tensor for v in given))
    tensors = made if isinstance(made, list | tuple) else [made]
    node = Apply(op, given, [fresh(t) for t in tensors])
    node.built = True  # type: ignore[attr-defined]
    return node


def apply(name: str, build: Callable[..., Any], inputs: Sequence[Any], **props: Any) -> Any:
    """Apply a function once, and return what comes out."""
    return FunctionOp(name, build, **props)(*inputs)


def apply_many(
    name: str, build: Callable[..., Any], inputs: Sequence[Any], nout: int, **props: Any
) -> list[Any]:
    """Apply a function with several results."""
    return FunctionOp(name, build, nout, **props)(*inputs, return_list=True)


def fresh(tensor: ag.Tensor, name: str | None = None) -> Any:
    """Return a new variable for a tensor."""
    kind = type_of(tensor)
    if isinstance(tensor, ConstantTensor):
        return kind.Constant(kind, tensor.value, name)
    if isinstance(tensor, Leaf) and name is None:
        name = tensor.name
    return kind.Variable(kind, name=name, tensor=tensor)


def result(tensor: ag.Tensor) -> Any:
    """Return a variable for what an op has made."""
    kind = type_of(tensor)
    return kind.Variable(kind, tensor=tensor)


_wrap.append(fresh)
_restored.append(restored)
_typed.append(result)

__all__ = ["FunctionOp", "TensorType", "applied", "apply", "apply_many", "fresh"]
