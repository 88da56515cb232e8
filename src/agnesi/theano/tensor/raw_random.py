"""Random numbers of a given state: the very numbers that NumPy's ``RandomState`` draws.

A state is an array of words to compiled functions (``pack``), a ``RandomState`` to programs.  A
draw is Python code in the midst of a function: NumPy's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.op import Op
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.basic import specify_shape
from agnesi.theano.tensor.type import TensorType
from agnesi.theano.tensor.var import TensorVariable

if TYPE_CHECKING:
    pass

# Words of a state: 624 of the generator, its position, whether a normal number is left, and that.
_WORDS = 628


def pack(state: Any) -> Any:
    """Return a ``RandomState`` as words."""
    _, keys, position, has_gauss, gauss = state.get_state()
    words = np.empty(_WORDS, np.uint32)
    words[:624] = keys
    words[624:626] = position, has_gauss
    words[626:] = np.array([gauss], np.float64).view(np.uint32)
    return words


def unpack(words: Any) -> Any:
    """Return words as a ``RandomState``."""
    words = np.asarray(words, np.uint32)
    state = np.random.RandomState()
    gauss = words[626:].copy().view(np.float64)[0]
    state.set_state(("MT19937", words[:624].copy(), int(words[624]), int(words[625]), float(gauss)))
    return state


class RandomStateType(TensorType):
    """States of NumPy's generator: programs see ``RandomState``, functions its words."""

    # Arguments and results of functions are not what functions compute with.
    encoded = True

    def __init__(self) -> None:
        super().__init__("uint32", (False,))

    def is_valid_value(self, a: Any) -> bool:
        """Whether something is a state."""
        return isinstance(a, np.random.RandomState)

    @staticmethod
    def values_eq(a: Any, b: Any, force_same_dtype: bool = True) -> bool:
        """Whether states will draw the same."""
        del force_same_dtype
        return bool(np.array_equal(pack(a), pack(b)))

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """Return a state as words."""
        del strict, allow_downcast
        if isinstance(data, np.random.RandomState):
            return pack(data)
        array = np.asarray(data)
        if array.shape == (_WORDS,) and array.dtype == np.uint32:
            return array
        raise TypeError(f"a random state is a numpy.random.RandomState, not {data!r}")

    def encode(self, value: Any) -> Any:
        """Return a state as words."""
        return self.filter(value)

    def decode(self, array: Any) -> Any:
        """Return words as a state."""
        return unpack(array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RandomStateType)

    def __hash__(self) -> int:
        return hash(RandomStateType)

    def __str__(self) -> str:
        return "RandomStateType"

    __repr__ = __str__


random_state_type = RandomStateType()
RandomStateType.Variable = TensorVariable


class RandomFunction(Op):
    """A method of ``RandomState`` as an op: of a state, a size and parameters it gives both.

    Attributes:
        fn: the method's name, or a function of a state, parameters and a size.
        outtype: type of the numbers.
    """

    __props__ = ("fn", "outtype", "inplace", "ndim_added")
    # Drawing has no derivative, not even one of 0.
    gradient_is_undefined = True

    def __init__(self, fn: Any, outtype: Any, inplace: bool = False, ndim_added: int = 0) -> None:
        self.fn, self.outtype = fn, outtype
        self.inplace, self.ndim_added = inplace, ndim_added
        if inplace:
            self.destroy_map = {0: [0]}

    @property
    def exec_fn(self) -> Any:
        """What is called: of a state, parameters and a size."""
        return getattr(np.random.RandomState, self.fn) if isinstance(self.fn, str) else self.fn

    def __str__(self) -> str:
        return f"RandomFunction{{{self.exec_fn.__name__}}}"

    def make_node(self, r: Any, shape: Any, *args: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application: a new state and the numbers."""
        given = [tensor.as_tensor_variable(a) for a in args]
        empty = shape is None or (isinstance(shape, list | tuple) and not shape)
        size = tensor.as_tensor_variable(np.zeros(0, np.int64) if empty else shape)
        known = shapes.elements_of(size)
        if known and size.dtype != "int64":
            size = shapes.make_vector([tensor.as_tensor_variable(k).astype("int64") for k in known])
        elif size.dtype != "int64":
            size = size.astype("int64")
        return Apply(self, [r, size, *given], [random_state_type(), self.outtype()])

    def infer_shape(self, node: Apply, shapes_: Any) -> Any:
        """The size that was given, or that of the parameters."""
        state, size, *parameters = node.inputs
        known = shapes.elements_of(size)
        count = self.outtype.ndim - self.ndim_added
        sizes: list[Any]
        if known is not None and len(known) == count:
            sizes = list(known)
        elif size.tensor.type.shape[0] == 0 or (known is not None and not known):
            sizes = _broadcast([s for s, p in zip(shapes_[2:], parameters, strict=True) if p.ndim])
            sizes = sizes[:count]
        else:
            size = specify_shape(size, (count,))
            sizes = [size[k] for k in range(count)]
        if self.ndim_added > 0:
            sizes += list(shapes_[-1])[-self.ndim_added :]
        del state
        return [(_WORDS,), tuple(sizes)]

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Draw."""
        del params
        state, size, *args = inputs
        shape: Any = tuple(int(n) for n in size)
        if shape and len(shape) != self.outtype.ndim - self.ndim_added:
            raise ValueError(
                f"{self.fn}: a size of {self.outtype.ndim - self.ndim_added} numbers is needed, "
                f"not {shape}"
            )
        if not shape and self.outtype.ndim > self.ndim_added:
            shape = None
        made = np.asarray(self.exec_fn(state, *args, shape))
        if made.dtype != self.outtype.numpy_dtype:
            made = made.astype(self.outtype.numpy_dtype)
        del node
        output_storage[0][0], output_storage[1][0] = pack(state), made

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Draws have no gradient."""
        from agnesi.theano.gradient import grad_undefined

        del output_grads
        return [
            grad_undefined(self, k, x, "No gradient defined through raw random numbers op")
            for k, x in enumerate(inputs)
        ]


def _broadcast(given: list[Any]) -> list[Any]:
    """Return the shape of arrays that repeat."""
    if not given:
        return []
    longest = max(given, key=len)
    sizes: list[Any] = []
    for k in range(len(longest)):
        found = [s[k - len(longest)] for s in given if len(s) >= len(longest) - k]
        best = next(
            (s for s in found if getattr(getattr(s, "tensor", None), "extent", None) != 1), found[0]
        )
        sizes.append(best)
    return sizes


def _size(ndim: int | None, size: Any, *args: Any) -> tuple[int, Any, list[bool]]:
    """Return how many axes numbers have, their size, and which axes repeat."""
    given = [tensor.as_tensor_variable(a) for a in args]
    least = max((a.ndim for a in given), default=0)
    if size is None:
        count = least if ndim is None else max(least, ndim)
        pattern = [
            all(a.broadcastable[k - count] if a.ndim >= count - k else True for a in given)
            for k in range(count)
        ]
        return count, None, pattern
    items = shapes.size_list(size, ndim)
    if isinstance(size, int | np.integer):
        items = [int(size)]
    items = _inferred(items, given)
    count = len(items)
    if ndim is not None and ndim != count:
        raise ValueError(f"ndim should be {count}, the number of sizes, but it is {ndim}")
    return (
        count,
        shapes.make_vector(items) if items else np.zeros(0, np.int64),
        [isinstance(i, int) and i == 1 for i in items],
    )


def _inferred(items: list[Any], given: list[Any]) -> list[Any]:
    """Return sizes with those of parameters where -1 stands."""
    found = list(items)
    for place, item in enumerate(items):
        if isinstance(item, int | np.integer) and item < 0:
            behind = len(items) - place
            known = [shapes.shape_tuple(a)[-behind] for a in given if a.ndim >= behind]
            if item != -1 or not known:
                raise ValueError(f"a size is -1 where a parameter tells it: {items}")
            found[place] = known[0]
    return found


def _infer_ndim_bcast(  # pyright: ignore[reportUnusedFunction]
    ndim: int | None, shape: Any, *args: Any
) -> tuple[int, Any, Any]:
    """Return how many axes numbers have, their size as a vector, and which axes repeat."""
    count, vector, pattern = _size(ndim, shape, *args)
    if vector is None:
        vector = np.zeros(0, np.int64)
    return count, tensor.as_tensor_variable(vector), tuple(pattern)


def _draw(
    fn: Any, state: Any, size: Any, ndim: int | None, dtype: Any, args: list[Any], added: int = 0
) -> tuple[Any, Any]:
    from agnesi.theano.tensor.casting import upcast

    _, vector, pattern = _size(ndim, size, *args)
    given = [tensor.as_tensor_variable(a) for a in args]
    if dtype is None:
        dtype = upcast(config.floatX, *(a.dtype for a in given))
    op = RandomFunction(fn, TensorType(dtype, pattern + [False] * added), ndim_added=added)
    return op(state, vector, *given)


def uniform(
    random_state: Any,
    size: Any = None,
    low: Any = 0.0,
    high: Any = 1.0,
    ndim: Any = None,
    dtype: Any = None,
) -> Any:
    """Return a new state and numbers between ``low`` and ``high``."""
    return _draw("uniform", random_state, size, ndim, dtype, [low, high])


def normal(
    random_state: Any,
    size: Any = None,
    avg: Any = 0.0,
    std: Any = 1.0,
    ndim: Any = None,
    dtype: Any = None,
) -> Any:
    """Return a new state and normal numbers."""
    return _draw("normal", random_state, size, ndim, dtype, [avg, std])


def binomial(
    random_state: Any,
    size: Any = None,
    n: Any = 1,
    p: Any = 0.5,
    ndim: Any = None,
    dtype: Any = "int64",
    prob: Any = None,
) -> Any:
    """Return a new state and how many of ``n`` tries succeed."""
    if prob is not None:
        p = prob
    return _draw("binomial", random_state, size, ndim, dtype, [n, p])


def random_integers_helper(random_state: Any, low: Any, high: Any, size: Any) -> Any:
    """Return integers of both ends, as ``RandomState.random_integers`` gave them."""
    if np.ndim(low) or np.ndim(high):
        return random_state.randint(np.asarray(low), np.asarray(high) + 1, size)
    return random_state.randint(int(low), int(high) + 1, size)


def random_integers(
    random_state: Any,
    size: Any = None,
    low: Any = 0,
    high: Any = 1,
    ndim: Any = None,
    dtype: Any = "int64",
) -> Any:
    """Return a new state and integers from ``low`` to ``high``, both included."""
    return _draw(random_integers_helper, random_state, size, ndim, dtype, [low, high])


def poisson(
    random_state: Any, size: Any = None, lam: Any = 1.0, ndim: Any = None, dtype: Any = "int64"
) -> Any:
    """Return a new state and Poisson numbers."""
    return _draw("poisson", random_state, size, ndim, dtype, [lam])


def choice_helper(random_state: Any, a: Any, replace: Any, p: Any, size: Any) -> Any:
    """Return elements of a vector, or numbers below ``a``; no ``p``: all are as likely."""
    pool = int(a) if np.ndim(a) == 0 else a
    weights = p if np.ndim(p) and np.size(p) else None
    return random_state.choice(pool, size, bool(replace), weights)


def choice(
    random_state: Any,
    size: Any = None,
    a: Any = 2,
    replace: bool = True,
    p: Any = None,
    ndim: Any = None,
    dtype: Any = "int64",
) -> Any:
    """Return a new state and elements of a vector, or numbers below ``a``."""
    weights = np.zeros(0) if p is None else p
    items = [] if size is None else shapes.size_list(size, ndim)
    vector = shapes.make_vector(items) if items else np.zeros(0, np.int64)
    op = RandomFunction(choice_helper, TensorType(dtype, [False] * len(items)))
    return op(random_state, vector, a, np.int8(bool(replace)), weights)


def permutation_helper(random_state: Any, n: Any, shape: Any) -> Any:
    """Return the numbers below ``n`` in random orders, one for each element of a shape."""
    size = shape
    count = int(np.prod(size or ()))
    made = [random_state.permutation(int(n)) for _ in range(count)]
    return np.array(made).reshape(*(size or ()), int(n))


class _Permutation(RandomFunction):
    """Orders of ``n`` numbers."""

    def infer_shape(self, node: Apply, shapes_: Any) -> Any:
        """The size, and ``n``."""
        del shapes_
        known = shapes.elements_of(node.inputs[1]) or ()
        return [(_WORDS,), (*known, node.inputs[2].astype("int64"))]


def permutation(
    random_state: Any, size: Any = None, n: Any = 1, ndim: Any = None, dtype: Any = "int64"
) -> Any:
    """Return a new state and the numbers below ``n`` in a random order, once or several times."""
    items = [] if size is None else shapes.size_list(size, ndim)
    vector = shapes.make_vector(items) if items else np.zeros(0, np.int64)
    kind = TensorType(dtype, [False] * (len(items) + 1))
    return _Permutation(permutation_helper, kind, ndim_added=1)(random_state, vector, n)


def multinomial_helper(random_state: Any, n: Any, pvals: Any, size: Any) -> Any:
    """Return how many of ``n`` tries fall into which class, for each row of ``pvals``."""
    pvals, n = np.asarray(pvals, np.float64), np.asarray(n)
    shape = tuple(size) if size else pvals.shape[:-1]
    rows = np.broadcast_to(pvals, (*shape, pvals.shape[-1])).reshape(-1, pvals.shape[-1])
    counts = np.broadcast_to(n, shape).reshape(-1)
    made = [
        random_state.multinomial(int(k), row / row.sum())
        for k, row in zip(counts, rows, strict=True)
    ]
    return np.array(made).reshape(*shape, pvals.shape[-1])


def multinomial(
    random_state: Any,
    size: Any = None,
    n: Any = 1,
    pvals: Any = (0.5, 0.5),
    ndim: Any = None,
    dtype: Any = "int64",
) -> Any:
    """Return a new state and how many of ``n`` tries fall into which class."""
    p = tensor.as_tensor_variable(pvals)
    items: list[Any] = []
    if size is None:
        vector: Any = (
            shapes.make_vector(shapes.shape_tuple(p)[:-1]) if p.ndim > 1 else np.zeros(0, np.int64)
        )
        count = p.ndim - 1
    else:
        items = _inferred(shapes.size_list(size, ndim), [p[..., 0]])
        vector, count = (shapes.make_vector(items) if items else np.zeros(0, np.int64)), len(items)
    ones = [isinstance(i, int) and i == 1 for i in items or [None] * count]
    kind = TensorType(dtype, [*ones, False])
    return RandomFunction(multinomial_helper, kind, ndim_added=1)(random_state, vector, n, p)


def __getattr__(name: str) -> Any:
    if name == "RandomStreamsBase":
        from agnesi.theano.tensor.shared_randomstreams import RandomStreamsBase

        return RandomStreamsBase
    return submodule(__name__, name)
