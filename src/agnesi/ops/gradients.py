"""Values left as they are, with other derivatives: held, cut, scaled, limited, or a user's own."""

from __future__ import annotations

from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from agnesi.autodiff.reverse import filled, fit, is_continuous
from agnesi.batching.vectorize import vectorize
from agnesi.core.dtypes import ALL, REALS
from agnesi.core.errors import GradientError, GraphTypeError
from agnesi.core.record import record
from agnesi.graph.graph import toposort, with_operands
from agnesi.graph.leaves import Constant, Leaf
from agnesi.graph.tensor import Tensor
from agnesi.ops.arithmetic import ALL_NUMBERS, clip
from agnesi.ops.families import (
    ANY,
    Composite,
    Domain,
    Elementwise,
    Op,
    Reject,
    Sample,
    all_in_front,
)
from agnesi.ops.functions import unary
from agnesi.ops.lift import as_tensor, is_number
from agnesi.ops.powers import square

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Array, Sizes, TensorLike
    from agnesi.graph.types import TensorType
    from agnesi.loops.nodes import Scalar

__all__ = [
    "clip_gradient",
    "custom_gradient",
    "custom_vjp",
    "disconnect_gradient",
    "scale_gradient",
    "stop_gradient",
    "undefined_gradient",
]


def _same(x: Array, *_: Any) -> Array:
    return np.asarray(x)


class Marker(Elementwise):
    """What is the operand itself to all but derivatives; compiled functions have none of it."""

    x: Tensor

    dtypes = ALL
    keeps_halves = True
    reference = staticmethod(_same)
    domain = (ANY,)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The element itself."""
        return operands[0]


class StopGradient(Marker):
    """The array itself, as a constant to derivatives: they are 0 here.

    >>> x = ag.scalar("x")
    >>> ag.grad(ag.stop_gradient(x) * x, x).eval({x: 3.0})
    array(3., dtype=float32)
    """

    public = "stop_gradient"
    differentiable = False
    cuts_gradients = True

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class DisconnectGradient(Marker):
    """The array itself, as if it did not come from what it was computed from.

    Where :func:`stop_gradient` lets ``grad`` find a derivative of 0, here ``grad`` finds that the
    cost does not depend on the variable, and says so.
    """

    public = "disconnect_gradient"
    differentiable = False
    cuts_gradients = True
    disconnects = True

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class UndefinedGradient(Marker):
    """The array itself; asking for a derivative through it is an error."""

    public = "undefined_gradient"
    differentiable = False
    undefined = MappingProxyType({"x": "it was marked with ag.undefined_gradient"})

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient to be had."""
        return (None,)


class ScaleGradient(Marker):
    """The array itself, with its derivative multiplied by a factor."""

    factor: float

    public = "scale_gradient"
    domain = (Domain(),)
    # With another factor the derivative is not the slope, which tests compare it with.
    samples = tuple(Sample((shape,), (1,)) for shape in ((3,), (2, 0), (), (2, 3)))
    rejects = (Reject(("f32[2]",), "a number", ("a",)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent, scaled."""
        return (ct * self.factor,)


class ClipGradient(Marker):
    """The array itself, with its gradient limited to an interval; tangents are not limited."""

    low: float
    high: float

    public = "clip_gradient"
    dtypes = REALS
    domain = (Domain(),)
    samples = (Sample(((3,),), (-1e3, 1e3)), Sample(((2, 0),), (0, 1)), Sample(((),), (-1e3, 1e3)))
    rejects = (
        Reject(("f32[2]",), "least", (1.0, -1.0)),
        Reject(("f32[2]",), "numbers", ("a", 1.0)),
    )

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent within the limits."""
        return (clip(ct, self.low, self.high),)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The tangent as it is: limits are for what comes back."""
        return tangents[0]


stop_gradient = unary(StopGradient)
disconnect_gradient = unary(DisconnectGradient)
undefined_gradient = unary(UndefinedGradient)


def scale_gradient(x: TensorLike, /, factor: float) -> Tensor:
    """Return the array itself, with its derivative multiplied by a factor.

    Args:
        x: array.
        factor: a number, such as -1 to reverse the gradient.

    Raises:
        GraphTypeError: the factor is no number.

    Note: for a symbolic factor there is :func:`custom_gradient`.

    >>> x = ag.scalar("x")
    >>> ag.grad(ag.scale_gradient(x**2, 0.5), x).eval({x: 3.0})
    array(3., dtype=float32)
    """
    if not is_number(factor):
        raise GraphTypeError(f"scale_gradient: the factor is a number, but this is {factor!r}")
    return ScaleGradient(as_tensor(x), float(factor))


def clip_gradient(x: TensorLike, /, low: float, high: float) -> Tensor:
    """Return the array itself, with the gradient that flows back limited to an interval.

    Args:
        x: array.
        low: least element of the gradient.
        high: greatest element of the gradient.

    Raises:
        GraphTypeError: limits that are no numbers, or the wrong way round.

    Note: in forward mode tangents pass as they are.

    >>> x = ag.vector("x")
    >>> ag.grad((ag.clip_gradient(x, -1, 1) ** 2).sum(), x).eval({x: [-3.0, 0.25]})
    array([-1. ,  0.5], dtype=float32)
    """
    if not (is_number(low) and is_number(high)):
        raise GraphTypeError(
            f"clip_gradient: the limits are numbers, but these are {low!r} and {high!r}"
        )
    if low > high:
        raise GraphTypeError(
            f"clip_gradient: the least value {low} is greater than the greatest, {high}"
        )
    return ClipGradient(as_tensor(x), float(low), float(high))


# -- a user's own ----------------------------------------------------------------------------------


@record(frozen=True)
class Backward:
    """A user's function from a cotangent and the inputs to the cotangents of the inputs.

    Attributes:
        function: of one example.
        times: how many axes of examples there are in front of everything.
    """

    function: Callable[..., Any]
    times: int = 0

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))

    def __call__(self, ct: Tensor, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return a cotangent for each input that is floating-point."""
        moving = [k for k, x in enumerate(inputs) if is_continuous(x)]

        def checked(ct: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
            parts = _parts(self, self.function(ct, *inputs), inputs)
            return tuple(
                filled(inputs[k], 0)
                if parts[k] is None
                else fit(
                    "custom_gradient",
                    f"cotangent from {self!r}",
                    inputs[k],
                    parts[k],
                    repeat=False,
                )
                for k in moving
            )

        run: Callable[..., tuple[Tensor, ...]] = checked
        for _ in range(self.times):
            run = vectorize(run)
        return run(ct, *inputs) if moving else ()


def _parts(rule: Backward, returned: Any, inputs: Sequence[Tensor]) -> tuple[Any, ...]:
    several = isinstance(returned, tuple | list)
    parts = tuple(cast("Sequence[Any]", returned)) if several else (returned,)
    if len(parts) != len(inputs):
        raise GradientError(
            f"custom_gradient: {rule!r} has to return a cotangent for each of the function's "
            f"{len(inputs)} arguments, but returned {len(parts)}\n"
            "  give None for an argument that has none"
        )
    return parts


class CustomGradient(Composite):
    """What a user's function of the inputs gave, with a gradient of the user's own.

    ``captured`` holds what the function reads besides its inputs.
    """

    result: Tensor
    inputs: tuple[Tensor, ...]
    captured: tuple[Tensor, ...]
    backward: Backward

    public = "custom_gradient"
    reference = np.square
    dtypes = ALL_NUMBERS
    keeps_halves = True
    samples = (Sample(((3,),)), Sample(((2, 0),)), Sample(((),)), Sample(((2, 3),)))
    undefined = MappingProxyType(
        {
            "captured": "the function of a custom gradient reads it without taking it as an "
            "argument, so that its backward function gives no gradient for it: pass it as one"
        }
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """A square that states its gradient."""
        return custom_gradient(square, _square_back)(*operands)

    def infer(self) -> TensorType:
        """The result's."""
        return self.result.type

    def decompose(self) -> Tensor:
        """The result."""
        return self.result

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What the user's function says."""
        parts = iter(self.backward(ct, self.inputs))
        own = [next(parts) if is_continuous(x) else None for x in self.inputs]
        return (None, *own, *(None for _ in self.captured))

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The result for all examples, with the user's function for each of them."""
        backward = Backward(self.backward.function, self.backward.times + 1)
        args = (self.result, self.inputs, self.captured, backward)
        return with_operands(self, all_in_front(operands, batched, size), args)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The result."""
        return operands[0]


def _square_back(ct: Tensor, x: Tensor) -> Tensor:
    return ct * x * 2


def custom_gradient(
    function: Callable[..., Tensor], backward: Callable[..., Any]
) -> Callable[..., Tensor]:
    """Return a function with a gradient of your own.

    Args:
        function: takes symbolic variables and returns one.
        backward: takes the cotangent of the result, and the same variables; returns the
            cotangent of each: a tuple, with None for a variable that has none, or just the one.
            It uses symbolic variables, so that it can be differentiated in its turn; what the
            function returned, ``function(...)`` gives again, at no cost.

    Returns:
        The function; derivatives of every order and mode go by ``backward``.

    Raises:
        GraphTypeError: when called: the function does not return one symbolic variable.
        GradientError: when differentiated: ``backward`` returns what does not fit; or the
            derivative is by something that the function reads without taking it as an argument.

    >>> half = ag.custom_gradient(lambda x: x, lambda ct, x: ct * 0.5)
    >>> x = ag.scalar("x")
    >>> ag.grad(half(x) ** 2, x).eval({x: 3.0})
    array(3., dtype=float32)
    """

    @wraps(function)
    def with_gradient(*arguments: Any) -> Tensor:
        inputs = tuple(map(as_tensor, arguments))
        result: Any = function(*inputs)
        if not isinstance(result, Tensor):
            raise GraphTypeError(
                f"custom_gradient: the function has to return one symbolic variable, "
                f"but returned {result!r}"
            )
        return CustomGradient(result, inputs, _captured(result, inputs), Backward(backward))

    return with_gradient


def _captured(result: Tensor, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the floats that a result is computed from besides the inputs, and not constants."""
    order = toposort([result], set(inputs))
    given, own, varies = set(inputs), set(inputs), set(inputs)
    for node in order:
        if any(o in own for o in node.operands):
            own.add(node)
        leaf = isinstance(node, Leaf) and not isinstance(node, Constant)
        if leaf or any(o in varies for o in node.operands):
            varies.add(node)
    made = [node for node in order if node in own and node not in given]
    read = [o for node in made for o in node.operands]
    if result not in own:
        read.append(result)
    return tuple(
        dict.fromkeys(o for o in read if o not in own and o in varies and is_continuous(o))
    )


class CustomFunction:
    """A function that :func:`custom_vjp` gave a gradient of its own."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self._function = function
        self._with_gradient: Callable[..., Tensor] | None = None
        self.__name__ = getattr(function, "__name__", "custom_vjp")
        self.__doc__ = function.__doc__

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Say what the gradient is.

        Args:
            forward: takes the function's arguments; returns the result, and whatever ``backward``
                wants of it.
            backward: takes that, and the cotangent of the result; returns a tuple with the
                cotangent of each argument, None for one that has none.
        """

        def back(ct: Tensor, *inputs: Tensor) -> Any:
            _, kept = forward(*inputs)
            return backward(kept, ct)

        back.__qualname__ = getattr(backward, "__qualname__", "backward")
        self._with_gradient = custom_gradient(self._function, back)

    def __call__(self, *arguments: Any) -> Tensor:
        """Call the function."""
        if self._with_gradient is None:
            raise GradientError(
                f"custom_vjp: {self.__name__} has no gradient yet: call "
                f"{self.__name__}.defvjp(forward, backward) first"
            )
        return self._with_gradient(*arguments)


def custom_vjp(function: Callable[..., Tensor]) -> CustomFunction:
    """Return a function whose gradient is given by its ``defvjp``, as in JAX; for use as decorator.

    See :func:`custom_gradient` for the same thing in one call.

    >>> @ag.custom_vjp
    ... def log1pexp(x):
    ...     return ag.log(1 + ag.exp(x))
    >>> log1pexp.defvjp(
    ...     lambda x: (log1pexp(x), x),
    ...     lambda x, ct: (ct * ag.sigmoid(x),),
    ... )
    >>> x = ag.scalar("x")
    >>> ag.grad(log1pexp(x), x).eval({x: 100.0})
    array(1., dtype=float32)
    """
    return CustomFunction(function)


OPS: tuple[type[Op], ...] = (
    StopGradient,
    DisconnectGradient,
    UndefinedGradient,
    ScaleGradient,
    ClipGradient,
    CustomGradient,
)
