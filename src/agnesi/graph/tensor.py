"""The node of the tensor language: the application of an op is the op's own object.

Semantics, stated once.  A tensor is a pure value.  NaN and infinity follow IEEE 754, integer
overflow wraps, integer division by zero gives 0 (as NumPy), evaluation order is free, and a
reduction may be reassociated.  Sizes that are not known never broadcast: a size of 1 has to be
visible in the type.

Operators and methods of :class:`Tensor` (``x + y``, ``x.sum()``) build ops that live in rooms
below this one; ``SURFACE`` is where those rooms hand over their functions, once, when the
package is imported (``agnesi/api/surface.py``).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias, Union, cast

import numpy as np

from agnesi.core import source
from agnesi.core.dtypes import F64, I64, DType
from agnesi.core.errors import SymbolicError
from agnesi.core.record import record
from agnesi.core.term import Term, derived
from agnesi.dims.dim import Dim, Shape, Size
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import index_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agnesi.loops.nodes import Scalar

Axes: TypeAlias = int | tuple[int, ...] | None
TensorLike: TypeAlias = Union[
    "Tensor",
    "np.ndarray[Any, Any]",
    "np.generic[Any]",
    bool | int | float | complex,
    list[Any] | tuple[Any, ...],
]
Array: TypeAlias = "np.ndarray[Any, Any]"
Reader: TypeAlias = "Callable[[int, Shape], Scalar]"
Sizes: TypeAlias = "Callable[[Size], int]"

# Functions behind the operators and methods, by name.
SURFACE: dict[str, Callable[..., Any]] = {}

_births = itertools.count()


def now() -> int:
    """Return a number that is larger than ``born`` of every node there is."""
    return next(_births)


@record(frozen=True)
class Requirement:
    """What a node needs of sizes or index values that only a call can tell.

    ``equal``: ``a == b``.  ``index``: ``0 <= a < b``.  ``divides``: ``a`` is a multiple of ``b``.
    ``at_most``: ``a <= b``.  ``sound``: ``a``, the number of matrices that failed, is 0.
    ``wrapped``: the index may have counted from the end, and ``b`` was added to it.
    """

    kind: Literal["equal", "index", "divides", "at_most", "sound"]
    a: Size
    b: Size
    words: str
    wrapped: bool = False

    def index_given(self, a: int, b: int) -> int:
        """Return the index that the user gave, from the number that is out of bounds."""
        return a - b if self.wrapped and a < 0 else a

    def said(self, a: int, b: int) -> str:
        """Return the words, with the numbers where they speak of them: ``{a} of {b}``."""
        return self.words.replace("{a}", str(a)).replace("{b}", str(b))


class Enclosed(Term):
    """A graph inside a node, such as what a loop does in a step (``graph/body.py``)."""

    def with_sizes(self, replace: Callable[[Dim], Size | None]) -> Self:
        """Return it with symbolic sizes replaced."""
        raise NotImplementedError


class Tensor(Term):
    """A symbolic array: what to compute, with its type.

    Attributes:
        type: dtype and shape.
        operands: the tensors this node is computed from, in order.
        name: a name given by the user, or None.
        cuts_gradients: derivatives do not pass from the result to the operands.
        disconnects: nor is it seen there that the result depends on the operands.
        keeps_halves: it takes halves as they are; others compute on them in f32 and round.
        rebuilds_sizes: ``batch`` finds anew the sizes among the attributes that are values.
        moves: whoever reads the result can as well read through it: it needs no memory of its own.
        born: a number that grows from node to node, as they are made.
    """

    cuts_gradients: ClassVar[bool] = False
    disconnects: ClassVar[bool] = False
    keeps_halves: ClassVar[bool] = False
    rebuilds_sizes: ClassVar[bool] = False
    moves: ClassVar[bool] = False

    type: TensorType = derived()
    operands: tuple[Tensor, ...] = derived()
    born: int = derived()

    # -- what an op tells of itself ---------------------------------------------------------

    def infer(self) -> TensorType:
        """Return the type of the result, or raise GraphTypeError."""
        raise NotImplementedError

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the cotangent of each operand, given that of the result.

        None stands for one that is 0 (nearly) everywhere, and for an operand that is no float.
        Where there is no derivative to be had, :meth:`no_derivative` says so.
        """
        raise NotImplementedError

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """Return the tangent of the result, given those of the operands; None for one that is 0."""
        raise NotImplementedError

    def no_derivative(self, place: int) -> str | None:
        """Return why there is no derivative by this operand; None where there is one, also of 0."""
        return None

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Return the same op on many examples at once, along an axis in front of the result.

        Args:
            operands: what the operands became.
            batched: which of them have the axis in front; at least one.
            size: of the axis.
        """
        raise NotImplementedError

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Compute the result in NumPy: the reference that native code is held against."""
        raise NotImplementedError

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Return the element at an index, given a reader of the operands' elements."""
        raise NotImplementedError

    def requirements(self) -> tuple[Requirement, ...]:
        """Return what has to hold in a call and cannot be proved before."""
        return ()

    # -- derived ----------------------------------------------------------------------------

    def setup(self) -> None:
        """Find operands, infer the type, remember the user's line."""
        operands: list[Tensor] = []
        for arg in self.args:
            if isinstance(arg, Tensor):
                operands.append(arg)
            elif isinstance(arg, tuple):
                operands.extend(a for a in arg if isinstance(a, Tensor))  # type: ignore[misc]
        self.derive(operands=tuple(operands), born=next(_births))
        self.derive(type=self.infer())
        source.note(self)

    @property
    def operand_names(self) -> tuple[str, ...]:
        """The names of the operands: those of their fields, with a number in a tuple."""
        names: list[str] = []
        for field, arg in zip(self.fields, self.args, strict=True):
            if isinstance(arg, Tensor):
                names.append(field)
            elif isinstance(arg, tuple):
                items = enumerate(cast("tuple[Any, ...]", arg))
                names += [f"{field}[{k}]" for k, a in items if isinstance(a, Tensor)]
        return tuple(names)

    @property
    def dependencies(self) -> tuple[Tensor, ...]:
        """Operands, and tensors whose values are sizes or indices among the attributes."""
        known: tuple[Tensor, ...] | None = self.__dict__.get("dependencies_known")
        if known is None:
            hidden = dict.fromkeys(
                value
                for size in self.sizes_mentioned()
                for value in size.values
                if isinstance(value, Tensor)
            )
            known = self.operands + tuple(hidden)
            self.__dict__["dependencies_known"] = known
        return known

    def sizes_mentioned(self) -> Iterator[Dim]:
        """Yield the symbolic sizes among the attributes."""
        for arg in self.args:
            if isinstance(arg, Dim):
                yield arg
            elif isinstance(arg, tuple):
                yield from (a for a in arg if isinstance(a, Dim))  # type: ignore[misc]

    @property
    def name(self) -> str | None:
        """The name the user gave, if any."""
        return None

    @property
    def dtype(self) -> DType:
        """Element type."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.type.shape)

    @property
    def shape(self) -> tuple[int | Tensor, ...]:
        """Sizes of the axes: an int where known, else a symbolic integer.

        Computing a size never computes the tensor.
        """
        return tuple(map(scalar_of, self.type.shape))

    @property
    def size(self) -> int | Tensor:
        """Number of elements, an int where known."""
        return scalar_of(self.type.size)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.bytes

    @property
    def nbytes(self) -> int | Tensor:
        """Bytes of all elements, an int where known."""
        return self.size * self.itemsize

    @property
    def source(self) -> source.Source | None:
        """The user's line that made this node."""
        return source.source_of(self)

    def text(self) -> str:
        """Return the graph below this node as typed lines."""
        return SURFACE["text"](self)

    def __repr__(self) -> str:
        title = self.name or type(self).__name__
        return f"<{title}: {self.type}>"

    # -- what a symbolic variable cannot do --------------------------------------------------

    def __bool__(self) -> bool:
        raise SymbolicError(
            f"the truth of {self!r} is not known: it is an expression, not a value\n"
            f"{_made(self)}"
            "  choose between values with ag.where(condition, x, y); "
            "combine conditions with & | ~; get the value with .eval({input: array})"
        )

    def __len__(self) -> int:
        if not self.ndim:
            raise SymbolicError(
                f"len: {self!r} is a scalar and has no length\n{_made(self)}"
                "  the number of its elements, x.size, is 1"
            )
        size = self.type.shape[0]
        if isinstance(size, int):
            return size
        raise SymbolicError(
            f"len: the first size of {self!r} is known only at run time\n{_made(self)}"
            "  use x.shape[0], a symbolic integer"
        )

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise SymbolicError(
                f"iteration: {self!r} is a scalar\n{_made(self)}  give it an axis with x[None]"
            )
        if not isinstance(self.type.shape[0], int):
            raise SymbolicError(
                f"iteration: the first size of {self!r} is known only at run time\n{_made(self)}"
                "  write the whole-array expression instead, or give the input a known size"
            )
        return (self[k] for k in range(self.type.shape[0]))

    def _no_value(self, kind: str, hint: str = "") -> SymbolicError:
        return SymbolicError(
            f"{kind}: {self!r} is an expression, not a value\n{_made(self)}"
            f"  get the value with .eval({{input: array}}), or compile with ag.function{hint}"
        )

    def __float__(self) -> float:
        raise self._no_value("float", '; convert elements with x.astype("f64")')

    def __int__(self) -> int:
        raise self._no_value("int", '; convert elements with x.astype("i64")')

    def __index__(self) -> int:
        raise self._no_value(
            "index",
            "; a symbolic integer counts as a shape, a bound or an index of symbolic variables "
            "only: ag.arange instead of range",
        )

    def __complex__(self) -> complex:
        raise self._no_value("complex")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._no_value("numpy array")

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **named: Any) -> Any:
        """Build a graph for NumPy's operators, ``np.ones(3) + x``; refuse its other functions."""
        if method == "__call__" and ufunc.__name__ in _OPERATORS:
            return SURFACE[_OPERATORS[ufunc.__name__]](*operands)
        raise self._no_value(f"numpy.{ufunc.__name__}", f"; in expressions, ag.{ufunc.__name__}")

    def __array_function__(self, function: Any, *_: Any) -> Any:
        """Refuse NumPy's functions of arrays."""
        name = function.__name__
        raise self._no_value(f"numpy.{name}", f"; in expressions, ag.{name} where there is one")

    def __setitem__(self, key: object, value: object) -> None:
        raise SymbolicError(
            f"assignment: {self!r} is an expression and does not change\n{_made(self)}"
            "  make another one: x.at[key].set(value), ag.where(condition, value, x)"
        )

    def __contains__(self, item: object) -> bool:
        raise SymbolicError(
            f"in: what {self!r} contains is not known\n{_made(self)}"
            "  write ag.any(x == value) instead"
        )

    # -- operators ---------------------------------------------------------------------------

    def __add__(self, other: TensorLike) -> Tensor:
        return SURFACE["add"](self, other)

    def __radd__(self, other: TensorLike) -> Tensor:
        return SURFACE["add"](other, self)

    def __sub__(self, other: TensorLike) -> Tensor:
        return SURFACE["subtract"](self, other)

    def __rsub__(self, other: TensorLike) -> Tensor:
        return SURFACE["subtract"](other, self)

    def __mul__(self, other: TensorLike) -> Tensor:
        return SURFACE["multiply"](self, other)

    def __rmul__(self, other: TensorLike) -> Tensor:
        return SURFACE["multiply"](other, self)

    def __truediv__(self, other: TensorLike) -> Tensor:
        return SURFACE["divide"](self, other)

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return SURFACE["divide"](other, self)

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return SURFACE["floor_divide"](self, other)

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return SURFACE["floor_divide"](other, self)

    def __mod__(self, other: TensorLike) -> Tensor:
        return SURFACE["remainder"](self, other)

    def __rmod__(self, other: TensorLike) -> Tensor:
        return SURFACE["remainder"](other, self)

    def __divmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return SURFACE["floor_divide"](other, self), SURFACE["remainder"](other, self)

    def __pow__(self, other: TensorLike) -> Tensor:
        return SURFACE["power"](self, other)

    def __rpow__(self, other: TensorLike) -> Tensor:
        return SURFACE["power"](other, self)

    def __matmul__(self, other: TensorLike) -> Tensor:
        return SURFACE["matmul"](self, other)

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return SURFACE["matmul"](other, self)

    def __neg__(self) -> Tensor:
        return SURFACE["negative"](self)

    def __pos__(self) -> Tensor:
        return SURFACE["positive"](self)

    def __abs__(self) -> Tensor:
        return SURFACE["absolute"](self)

    def __invert__(self) -> Tensor:
        return SURFACE["bitwise_invert"](self)

    def __and__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_and"](self, other)

    def __rand__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_and"](other, self)

    def __or__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_or"](self, other)

    def __ror__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_or"](other, self)

    def __xor__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_xor"](self, other)

    def __rxor__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_xor"](other, self)

    def __lshift__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_left_shift"](self, other)

    def __rlshift__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_left_shift"](other, self)

    def __rshift__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_right_shift"](self, other)

    def __rrshift__(self, other: TensorLike) -> Tensor:
        return SURFACE["bitwise_right_shift"](other, self)

    # Comparison is element by element, as NumPy, JAX and PyTorch have it; nodes stay hashable by
    # identity, and agnesi itself compares nodes with `is`.
    def __eq__(self, other: TensorLike) -> Tensor:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return SURFACE["equal"](self, other)

    def __ne__(self, other: TensorLike) -> Tensor:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return SURFACE["not_equal"](self, other)

    __hash__ = Term.__hash__

    def __lt__(self, other: TensorLike) -> Tensor:
        return SURFACE["less"](self, other)

    def __le__(self, other: TensorLike) -> Tensor:
        return SURFACE["less_equal"](self, other)

    def __gt__(self, other: TensorLike) -> Tensor:
        return SURFACE["greater"](self, other)

    def __ge__(self, other: TensorLike) -> Tensor:
        return SURFACE["greater_equal"](self, other)

    def __getitem__(self, key: Any) -> Tensor:
        return SURFACE["getitem"](self, key)

    @property
    def at(self) -> Any:
        """With brackets, elements to change: ``x.at[key].add(y)`` returns a changed array.

        >>> ag.constant([1.0, 2.0]).at[0].set(5.0).eval()
        array([5., 2.], dtype=float32)
        """
        return SURFACE["at"](self)

    # -- methods, as NumPy names them --------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """All axes reversed."""
        return SURFACE["transpose"](self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return SURFACE["matrix_transpose"](self)

    def sum(self, axis: Axes = None, dtype: Any = None, **named: Any) -> Tensor:
        """Sum over axes; ``keepdims``, ``initial`` and ``where`` as :func:`agnesi.sum`."""
        return SURFACE["sum"](self, axis, dtype, **named)

    def prod(self, axis: Axes = None, dtype: Any = None, **named: Any) -> Tensor:
        """Product over axes; arguments as :func:`agnesi.prod`."""
        return SURFACE["prod"](self, axis, dtype, **named)

    def max(self, axis: Axes = None, **named: Any) -> Tensor:
        """Largest element over axes; arguments as :func:`agnesi.max`."""
        return SURFACE["max"](self, axis, **named)

    def min(self, axis: Axes = None, **named: Any) -> Tensor:
        """Smallest element over axes; arguments as :func:`agnesi.min`."""
        return SURFACE["min"](self, axis, **named)

    def ptp(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Largest less smallest element over axes."""
        return SURFACE["ptp"](self, axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, dtype: Any = None, **named: Any) -> Tensor:
        """Arithmetic mean over axes; arguments as :func:`agnesi.mean`."""
        return SURFACE["mean"](self, axis, dtype, **named)

    def var(self, axis: Axes = None, dtype: Any = None, **named: Any) -> Tensor:
        """Variance over axes; ``ddof`` and others as :func:`agnesi.var`."""
        return SURFACE["var"](self, axis, dtype, **named)

    def std(self, axis: Axes = None, dtype: Any = None, **named: Any) -> Tensor:
        """Standard deviation over axes; arguments as :func:`agnesi.std`."""
        return SURFACE["std"](self, axis, dtype, **named)

    def any(self, axis: Axes = None, **named: Any) -> Tensor:
        """Whether any element is true, over axes; arguments as :func:`agnesi.any`."""
        return SURFACE["any"](self, axis, **named)

    def all(self, axis: Axes = None, **named: Any) -> Tensor:
        """Whether all elements are true, over axes; arguments as :func:`agnesi.all`."""
        return SURFACE["all"](self, axis, **named)

    def argmax(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Index of the first largest element."""
        return SURFACE["argmax"](self, axis, keepdims=keepdims)

    def argmin(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Index of the first smallest element."""
        return SURFACE["argmin"](self, axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None, dtype: Any = None) -> Tensor:
        """Running sums along an axis, or of all elements."""
        return SURFACE["cumsum"](self, axis, dtype)

    def cumprod(self, axis: int | None = None, dtype: Any = None) -> Tensor:
        """Running products along an axis, or of all elements."""
        return SURFACE["cumprod"](self, axis, dtype)

    def take(self, indices: TensorLike, axis: int | None = None, *, mode: Any = "raise") -> Tensor:
        """Elements at integers along an axis."""
        return SURFACE["take"](self, indices, axis, mode=mode)

    def compress(self, condition: TensorLike, axis: int | None = None) -> Tensor:
        """Slices along an axis for which a condition holds."""
        return SURFACE["compress"](condition, self, axis)

    def choose(self, choices: Any, *, mode: Any = "raise") -> Tensor:
        """Elements of arrays that these integers name."""
        return SURFACE["choose"](self, choices, mode=mode)

    def nonzero(self) -> tuple[Tensor, ...]:
        """Indices of the elements that are not 0, for each axis."""
        return SURFACE["nonzero"](self)

    def searchsorted(
        self, v: TensorLike, side: Any = "left", sorter: TensorLike | None = None
    ) -> Tensor:
        """Where values belong in this sorted vector."""
        return SURFACE["searchsorted"](self, v, side, sorter)

    def sort(self, axis: int | None = -1, *, descending: bool = False) -> Tensor:
        """The elements in order along an axis; the array itself stays as it is."""
        return SURFACE["sort"](self, axis, descending=descending)

    def argsort(self, axis: int | None = -1, *, descending: bool = False) -> Tensor:
        """Positions of the elements in order along an axis."""
        return SURFACE["argsort"](self, axis, descending=descending)

    def partition(self, kth: Any, axis: int | None = -1) -> Tensor:
        """The elements with those less than element ``kth`` before it."""
        return SURFACE["partition"](self, kth, axis)

    def argpartition(self, kth: Any, axis: int | None = -1) -> Tensor:
        """Positions of the elements as ``partition`` orders them."""
        return SURFACE["argpartition"](self, kth, axis)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; one size may be -1."""
        return SURFACE["reshape"](self, *shape)

    def transpose(self, *axes: Any) -> Tensor:
        """Axes in another order; reversed without arguments."""
        return SURFACE["transpose"](self, *axes)

    def squeeze(self, axis: Axes = None) -> Tensor:
        """Without axes of size 1."""
        return SURFACE["squeeze"](self, axis)

    def flatten(self) -> Tensor:
        """All elements along one axis."""
        return SURFACE["reshape"](self, -1)

    ravel = flatten

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes exchanged."""
        return SURFACE["swapaxes"](self, axis1, axis2)

    def repeat(self, repeats: int | Tensor, axis: int | None = None) -> Tensor:
        """Each element several times along an axis."""
        return SURFACE["repeat"](self, repeats, axis)

    def diagonal(self, offset: int | Tensor = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """A diagonal of two axes, as a new last axis."""
        return SURFACE["diagonal"](self, offset, axis1, axis2)

    def trace(
        self, offset: int | Tensor = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None
    ) -> Tensor:
        """The sum along a diagonal of two axes."""
        return SURFACE["trace"](self, offset, axis1, axis2, dtype)

    def copy(self) -> Tensor:
        """The tensor: it never changes, so that it is its own copy."""
        return self

    def astype(self, dtype: Any, *, copy: bool = True) -> Tensor:
        """The same values in another dtype; ``copy`` changes nothing."""
        return SURFACE["astype"](self, dtype, copy=copy)

    def clip(self, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
        """Values limited to an interval."""
        return SURFACE["clip"](self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Values rounded to a number of decimals."""
        return SURFACE["round"](self, decimals)

    def dot(self, other: TensorLike) -> Tensor:
        """Matrix product, as :func:`agnesi.dot`."""
        return SURFACE["dot"](self, other)

    @property
    def real(self) -> Tensor:
        """The real part of each element."""
        return SURFACE["real"](self)

    @property
    def imag(self) -> Tensor:
        """The imaginary part of each element."""
        return SURFACE["imag"](self)

    def conj(self) -> Tensor:
        """The complex conjugate of each element."""
        return SURFACE["conj"](self)

    conjugate = conj

    def eval(self, inputs: Mapping[Tensor, Any] | None = None) -> Any:
        """Compile and compute the value, given a value for each input it depends on.

        >>> x = ag.vector("x")
        >>> (x * 2).eval({x: [1.0, 2.0]})
        array([2., 4.], dtype=float32)
        """
        return SURFACE["eval"](self, inputs)


# NumPy's operators that build a graph when a symbolic variable stands beside an array.
_NAMES = (
    "add subtract multiply divide floor_divide remainder power matmul bitwise_and bitwise_or "
    "bitwise_xor equal not_equal less less_equal greater greater_equal"
)
_OPERATORS = {
    **{name: name for name in _NAMES.split()},
    "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
}


def _made(tensor: Tensor) -> str:
    line = tensor.source
    return f"  made at {line}\n" if line else ""


class SizeValue(Tensor):
    """A symbolic size as an integer scalar.  It is weak: it takes the dtype of its partners.

    A size that turned out to be a number, as ``n - n``, stays one of these to stay weak.
    """

    extent: Size

    def infer(self) -> TensorType:
        """An integer scalar."""
        return TensorType(I64, ())

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No operands."""
        return ()

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Evaluate the size."""
        return np.asarray(sizes(self.extent), I64.numpy)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Evaluate the size in the kernel."""
        return index_scalar(self.extent)


class SizeFloat(Tensor):
    """A symbolic size among the operands of a function that gives floats, as ``1 / n``.

    What is computed of such sizes and of Python numbers alone is weak as they are: it is exact to
    float64, and takes the float dtype of its partners.
    """

    extent: Size

    def infer(self) -> TensorType:
        """A float64 scalar."""
        return TensorType(F64, ())

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No operands."""
        return ()

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Evaluate the size."""
        return np.asarray(sizes(self.extent), F64.numpy)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Evaluate the size in the kernel."""
        return index_scalar(self.extent).cast(F64)


def scalar_of(size: Size) -> int | Tensor:
    """Return a size as a user sees it: an int where it is known, else a symbolic integer."""
    return size if isinstance(size, int) else SizeValue(size)
