"""The families of ops.  A family derives nearly everything; an op states what sets it apart.

=============  ===============================================================================
Elementwise    operands of one shape and (mostly) one dtype; ``scalar`` over primitives
Movement       an element of the result is an element of an operand; ``source`` maps its index
Reduction      ``unit`` and ``combine`` over axes
Composite      ``decompose`` into other ops; derivative and code come from there
LoopOp         ``loops``: statements of its own, such as a scan, a sort, a call of LAPACK
HostOp         Python code runs it, in the middle of the native program
=============  ===============================================================================

The public function of an op stands beside its class, under the name ``public``: made by
``unary`` or ``binary`` of ``functions.py``, or written by hand where its arguments
need thought.
"""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, cast

import numpy as np

from agnesi.autodiff.forward import push, transposed
from agnesi.autodiff.reverse import filled, is_continuous, pull
from agnesi.batching.graph import batch_graph, in_front
from agnesi.core.dtypes import ALL, BOOL, C64, F32, FLOATS, REALS, DType
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.core.record import field, record
from agnesi.dims.dim import Dim
from agnesi.graph.graph import rebuild, with_operands
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType, shape_text
from agnesi.loops.nodes import Address, Scalar, Statement, apply
from agnesi.ops.lift import broadcast_shape, operand_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.loops.nodes import Buffer
    from agnesi.loops.prims import Prim

# To which dtype operands are brought, and what the result has:
#   promote    their common dtype, which the result has
#   floating   a float dtype, float32 for what fits it
#   quotient   a float dtype, float64 for any integers
#   compare    their common dtype; the result is bool
#   logical    bool; the result too
DTypeRule: TypeAlias = Literal["promote", "floating", "quotient", "compare", "logical"]


@record(frozen=True)
class Domain:
    """Where an operand's sample values are drawn from.

    Attributes:
        low: least value.
        high: greatest value.
        special: values that tests try besides, such as 0, -0.0, inf and NaN.
        avoid: points near which a derivative is not compared.
        dtypes: the operand's dtypes, where they are not those of the first operand.
    """

    low: float = -3.0
    high: float = 3.0
    special: tuple[float, ...] = ()
    avoid: tuple[float, ...] = ()
    dtypes: tuple[DType, ...] = ()


@record(frozen=True)
class Sample:
    """Arguments of one call of an op's public function, for tests.

    ``shapes`` are those of the tensor operands; ``extra`` the other arguments.
    """

    shapes: tuple[tuple[int, ...], ...]
    extra: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict[str, Any])


@record(frozen=True)
class Reject:
    """A bad call: operand types as text, other arguments, and words the error has to hold."""

    types: tuple[str, ...]
    words: str
    extra: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict[str, Any])


IEEE = (0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan"))
# Halves show how a function rounds.
HALVES = (0.5, 1.5, 2.5, -0.5, -1.5)
ANY = Domain(special=IEEE)


def _sizes_in_front(value: Any, size: Size) -> Any:
    return (size, *value)


def _axes_in_front(value: Any, size: Size) -> Any:
    return value + 1 if isinstance(value, int) else tuple(axis + 1 for axis in value)


def keep(value: Any, size: Size) -> Any:
    """The rule of an attribute that has nothing to do with axes."""
    return value


# What becomes of an attribute of this name when every operand gets an axis in front.
LeadingRule: TypeAlias = "Callable[[Any, Size], Any]"
LEADING: Mapping[str, LeadingRule] = MappingProxyType(
    {
        "axis": _axes_in_front,
        "axes": _axes_in_front,
        "order": lambda value, _: (0, *(axis + 1 for axis in value)),
        "target": _sizes_in_front,
        "extents": _sizes_in_front,
        "starts": lambda value, _: (0, *value),
        "steps": lambda value, _: (1, *value),
    }
)


def _counts_axes(arg: Any) -> bool:
    """Whether an attribute may be about axes or sizes."""
    if isinstance(arg, tuple):
        return any(not isinstance(item, Tensor) for item in cast("tuple[Any, ...]", arg))
    return isinstance(arg, int | Dim) and not isinstance(arg, bool)


def all_in_front(
    operands: Sequence[Tensor], batched: Sequence[bool], size: Size
) -> tuple[Tensor, ...]:
    """Return the operands, each of them with the axis of examples in front."""
    pairs = zip(operands, batched, strict=True)
    return tuple(o if has else in_front(o, size) for o, has in pairs)


class Op(Tensor):
    """What every op has besides what a tensor has.

    Attributes:
        public: the name of its function, which stands in the module of the class.
        reference: NumPy's word on it: a callable of the public function's own arguments.
        samples: calls that the derived tests make.
        rejects: calls that have to fail, with words of their messages.
        dtypes: what it is defined for.
        domain: where sample values come from, one for each operand; the last goes on.
        differentiable: whether there is a derivative that is not 0 nearly everywhere.
        tolerance: largest error against the reference, in units in the last place.
        linear: the result is linear in its float operands together: ``op(a + b) = op(a) + op(b)``.
        multilinear: the result is linear in each float operand while the others are held.
        undefined: names of operands by which there is no derivative, and why.
        orders: how many times it can be differentiated, as far as tests go.
        leading: for attributes whose name is not in ``LEADING``, what becomes of them when every
            operand gets an axis in front.
        of_distribution: its derivative is that of the distribution of its numbers, not that of the
            way in which they are computed.
        expensive: an element is worth computing once rather than again for each reader.
        in_strips: elements that follow each other in C order are computed together for less than
            they cost one by one.
        folds: of known operands, it is computed before a call, in NumPy.
        wholes: operands that every element reads, so that they are computed before, into memory.
    """

    public: ClassVar[str] = ""
    reference: ClassVar[Callable[..., Any]]
    samples: ClassVar[tuple[Sample, ...]] = ()
    rejects: ClassVar[tuple[Reject, ...]] = ()
    dtypes: ClassVar[tuple[DType, ...]] = REALS
    domain: ClassVar[tuple[Domain, ...]] = (Domain(),)
    differentiable: ClassVar[bool] = True
    tolerance: ClassVar[float] = 4.0
    linear: ClassVar[bool] = False
    multilinear: ClassVar[bool] = False
    undefined: ClassVar[Mapping[str, str]] = MappingProxyType({})
    orders: ClassVar[int] = 2
    leading: ClassVar[Mapping[str, LeadingRule]] = MappingProxyType({})
    of_distribution: ClassVar[bool] = False
    expensive: ClassVar[bool] = False
    wholes: ClassVar[tuple[int, ...]] = ()
    in_strips: ClassVar[bool] = False
    folds: ClassVar[bool] = True

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The op itself where it is linear, else the transpose of ``vjp``."""
        if self.linear:
            return self._on_tangents(tangents)
        if not self.multilinear:
            return transposed(self, tangents)
        total: Tensor | None = None
        for place, tangent in enumerate(tangents):
            if tangent is not None:
                changed = (*self.operands[:place], tangent, *self.operands[place + 1 :])
                part = with_operands(self, changed)
                total = part if total is None else total + part
        return total

    def _on_tangents(self, tangents: tuple[Tensor | None, ...]) -> Tensor:
        def moved(operand: Tensor, tangent: Tensor | None) -> Tensor:
            if tangent is not None:
                return tangent
            return filled(operand, 0) if is_continuous(operand) else operand

        return with_operands(self, map(moved, self.operands, tangents))

    def no_derivative(self, place: int) -> str | None:
        """What ``undefined`` says."""
        return self.undefined.get(self.operand_names[place].split("[")[0])

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The same op with its axes one further back, on operands that all have the axis."""
        args = self.args_in_front(size)
        if args is None:
            raise CompilerBug(
                f"vectorize: {type(self).__name__} has attributes of which ops/families.py cannot "
                "tell what becomes of them when each operand gets an axis in front: give them "
                "names that LEADING knows, say it in `leading`, or write batch()"
            )
        return with_operands(self, all_in_front(operands, batched, size), args)

    def args_in_front(self, size: Size) -> tuple[Any, ...] | None:
        """Return the fields for operands with an axis in front; None where that is not known."""
        changed: list[Any] = []
        for name, arg in zip(self.fields, self.args, strict=True):
            rule = self.leading.get(name) or LEADING.get(name)
            if rule is not None:
                changed.append(rule(arg, size))
            elif _counts_axes(arg):
                return None
            else:
                changed.append(arg)
        return tuple(changed)

    def setup(self) -> None:
        """What a tensor does; complex operands are for ops that say that they take them."""
        super().setup()
        for operand in self.operands:
            if operand.dtype.is_complex and operand.dtype not in type(self).dtypes:
                known = ", ".join(map(str, type(self).dtypes))
                raise GraphTypeError(
                    f"{self.public}: is not defined for {operand.dtype}\n"
                    f"{operand_lines(self.fields, self.args)}\n"
                    f"  it takes {known}; take x.real, x.imag or abs(x)"
                )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the op's public function: how tests build it."""
        return getattr(sys.modules[cls.__module__], cls.public)(*operands, **named)

    @classmethod
    def all_samples(cls) -> tuple[Sample, ...]:
        """Return the samples, also those that the family derives."""
        return cls.samples

    @classmethod
    def all_rejects(cls) -> tuple[Reject, ...]:
        """Return the rejects, also those that the family derives."""
        return cls.rejects

    def index_limit(self) -> Size | None:
        """Return ``n`` where every element is seen to be an integer ``0 <= i < n``, else None.

        Indices of which this is known need no check in a call.
        """
        return None


class Elementwise(Op):
    """The same scalar function at each index.

    Attributes:
        dtype_rule: how operands come to one dtype, and the result to its own.
        commutative: whether two operands may change places.
        size_rule: the same function of symbolic sizes, where it has one; None from it where not.
        exact: a matter of bits, so that the reference is not called in a wider float.
        signed_zero: whether it is said which of the zeros comes out.
    """

    dtype_rule: ClassVar[DTypeRule] = "promote"
    commutative: ClassVar[bool] = False
    size_rule: ClassVar[Callable[..., Size | None] | None] = None
    exact: ClassVar[bool] = False
    signed_zero: ClassVar[bool] = True

    def scalar(self, *operands: Scalar) -> Scalar:
        """Return the value at one index from the operands' values there."""
        raise NotImplementedError

    def infer(self) -> TensorType:
        """One shape and dtype for all operands; unknown sizes count as equal."""
        name = type(self).__name__
        kinds = {o.dtype for o in self.operands}
        if len(kinds) > 1 or len({o.ndim for o in self.operands}) > 1:
            raise CompilerBug(f"{name}: operands {[o.type for o in self.operands]} are not alike")
        return TensorType(self.result_dtype(next(iter(kinds))), self.common_shape())

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The Jacobian is diagonal, so that it is its own transpose."""
        # That of a function of complex numbers is so only where there is a complex derivative.
        if self.linear or any(o.dtype.is_complex for o in self.operands):
            return super().jvp(tangents)
        total: Tensor | None = None
        for place, tangent in enumerate(tangents):
            part = None if tangent is None else self.vjp(tangent)[place]
            if part is not None:
                total = part if total is None else total + part
        return total

    def common_shape(self) -> Shape:
        """Return the shape of the result, taking the best known size of each axis."""
        return broadcast_shape(type(self).public, type(self).fields, self.operands)

    def result_dtype(self, operand: DType) -> DType:
        """Return the dtype of the result for operands of this dtype."""
        return BOOL if self.dtype_rule in ("compare", "logical") else operand

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The scalar function of the operands' elements."""
        return self.scalar(*(read(k, index) for k in range(len(self.operands))))

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Call the NumPy reference."""
        with np.errstate(all="ignore"):
            result = type(self).reference(*operands)
        return np.asarray(result, dtype=self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes of the operands that are not seen to be equal have to be."""
        return same_shapes(self.operands, self.type.shape)

    @classmethod
    def all_samples(cls) -> tuple[Sample, ...]:
        """Return the op's own samples, or else every way that operands can broadcast."""
        return cls.samples or _BROADCASTS[len(cls.domain)]

    @classmethod
    def all_rejects(cls) -> tuple[Reject, ...]:
        """Return the op's own rejects, shapes that do not fit, and dtypes it is not defined for."""
        arity, known = len(cls.domain), cls.dtypes[0]
        derived: list[Reject] = []
        if arity > 1:
            types = (f"{known}[2]",) * (arity - 1) + (f"{known}[3]",)
            derived.append(Reject(types, "do not broadcast"))
        if cls.dtype_rule == "promote":
            missing = [d for d in (BOOL, F32, C64) if d not in cls.dtypes]
            first = next(iter(cls.all_samples()), Sample(()))
            derived += [
                Reject((f"{d}[2]",) * arity, f"not defined for {d}", first.extra, first.named)
                for d in missing
            ]
        return (*cls.rejects, *derived)


_BROADCASTS = {
    1: tuple(Sample((s,)) for s in ((), (1,), (67,), (0,), (2, 3), (3, 0, 2), (2, 1, 3, 2))),
    2: (
        Sample(((), ())),
        Sample(((67,), (67,))),
        Sample(((2, 3), (3,))),
        Sample(((2, 1), (1, 3))),
        Sample(((), (5,))),
        Sample(((2, 1, 3, 1), (5, 1, 2))),
        Sample(((0,), (1,))),
        Sample(((2, 0), (2, 1))),
    ),
    3: (
        Sample(((3,), (3,), (3,))),
        Sample(((2, 1), (3,), ())),
        Sample(((), (2, 3), (2, 1))),
        Sample(((0,), (1,), (0,))),
    ),
}


class Floating(Elementwise):
    """A function of one float that one primitive computes; integers are converted."""

    x: Tensor

    dtype_rule = "floating"
    dtypes = FLOATS
    domain = (ANY,)
    expensive = True
    prim: ClassVar[Prim]

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(type(self).prim, *operands)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Call the reference in a wider type, since NumPy's own are some units off."""
        wide = wider(self.dtype)
        with np.errstate(all="ignore"):
            result = type(self).reference(*(np.asarray(o).astype(wide) for o in operands))
            return np.asarray(result).astype(self.dtype.numpy)


def wider(dtype: DType) -> type[np.inexact[Any]]:
    """Return a NumPy type with more digits than this dtype has."""
    if dtype.is_complex:
        return np.complex128 if dtype is C64 else np.clongdouble
    return np.longdouble if dtype.bits == 64 else np.float64


def same_shapes(tensors: Sequence[Tensor], shape: Shape) -> tuple[Requirement, ...]:
    """Return the requirement that these tensors have this shape, where it is not seen."""
    needs: list[Requirement] = []
    for k, tensor in enumerate(tensors):
        for axis, (own, size) in enumerate(zip(tensor.type.shape, shape, strict=True)):
            if own != size:
                words = f"axis {axis} of operand {k}, {tensor.type}, against {shape_text(shape)}"
                needs.append(Requirement("equal", own, size, words))
    return tuple(needs)


class Movement(Op):
    """Each element of the result is an element of the operand.

    Attributes:
        repeats: whether it may read an element several times.
    """

    repeats: ClassVar[bool] = False

    linear = True
    dtypes = ALL
    keeps_halves = True

    def source_index(self, index: Shape) -> Shape:
        """Return the operand's index of the element at this index of the result."""
        raise NotImplementedError

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Read where the element comes from."""
        return read(0, self.source_index(index))

    def index_limit(self) -> Size | None:
        """The operand's."""
        (x,) = self.operands
        return x.index_limit() if isinstance(x, Op) else None


class Reduction(Op):
    """Elements along axes combined into one.

    Attributes:
        combine: the primitive.
    """

    x: Tensor
    axes: tuple[int, ...]

    combine: ClassVar[Prim]

    def infer(self) -> TensorType:
        """The axes disappear."""
        return TensorType(self.x.dtype, without_axes(self.x.type.shape, self.axes))

    def unit(self) -> Scalar:
        """Return the value that changes nothing when combined, of the operand's dtype."""
        raise NotImplementedError

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Call the NumPy reference."""
        with np.errstate(all="ignore"):
            result = type(self).reference(operands[0], axis=self.axes)
        return np.asarray(result, dtype=self.dtype.numpy)


def without_axes(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """Return the sizes of the other axes."""
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


class Composite(Op):
    """An op that is an expression of other ops.

    It stays one node while rules look at the graph, and is decomposed before lowering.
    """

    def decompose(self) -> Tensor:
        """Return the expression of simpler ops."""
        raise NotImplementedError

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """That of the expression, where the op does not know better."""
        alone = _on_its_own(self)
        pulled = pull([(alone.decompose(), ct)], alone.operands, constants=alone.operands)
        found = [pulled.cotangents.get(o) for o in alone.operands]
        back = dict(zip(alone.operands, self.operands, strict=True))
        kept = [k for k, part in enumerate(found) if part is not None]
        parts = dict(zip(kept, rebuild([p for p in found if p is not None], back), strict=True))
        return tuple(parts.get(k) for k in range(len(found)))

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """That of the expression, or the transpose of the op's own ``vjp``."""
        if type(self).vjp is not Composite.vjp:
            return super().jvp(tangents)
        alone = _on_its_own(self)
        pairs = zip(alone.operands, tangents, strict=True)
        given = {o: t for o, t in pairs if t is not None}
        (tangent,) = push([alone.decompose()], given, stop=alone.operands)
        if tangent is None:
            return None
        return rebuild([tangent], dict(zip(alone.operands, self.operands, strict=True)))[0]

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The op with its axes one further back, or that of the expression."""
        if self.args_in_front(size) is not None:
            return super().batch(operands, batched, size)
        alone = _on_its_own(self)
        spread = all_in_front(operands, batched, size)
        mapped = dict(zip(alone.operands, spread, strict=True))
        return batch_graph([alone.decompose()], mapped, size)[0]

    def infer(self) -> TensorType:
        """The type of the first operand."""
        return self.operands[0].type


def _on_its_own(node: Composite) -> Composite:
    """Return the op on inputs of its own, each of them another one."""
    inputs = [new_input(None, operand.type) for operand in node.operands]
    alone = with_operands(node, inputs)
    assert isinstance(alone, Composite)
    return alone


class Memory(Protocol):
    """What the loops of a :class:`LoopOp` work on; indices are symbolic, as in ``element``."""

    def read(self, operand: int, index: Shape) -> Scalar:
        """Return the element of an operand."""
        ...

    def load(self, index: Shape) -> Scalar:
        """Return the element of the result, which was stored before."""
        ...

    def store(self, index: Shape, value: Scalar) -> tuple[Statement, ...]:
        """Return statements that put an element into the result."""
        ...

    def operand(self, operand: int, index: Shape) -> Address:
        """Return a pointer to an element of an operand, for a C function that reads there."""
        ...

    def result(self, index: Shape) -> Address:
        """Return a pointer to an element of the result, for a C function that writes there."""
        ...

    def begin(self) -> tuple[Statement, ...]:
        """Return statements that copy the operand the result begins with into the result.

        There are none where the result is written over that operand.
        """
        ...

    def scratch(self, name: str, dtype: DType, size: Size) -> Buffer:
        """Return memory for so many elements; it holds rubbish, and lasts as long as the loops."""
        ...


class LoopOp(Op):
    """An op that writes its own loops.  They fill the whole result, whatever was there before.

    Attributes:
        streams: operands read so seldom (once or twice each element) that they need no memory: an
            expression is computed as it is read.  The others have memory, and ``operand`` points
            into it.
        begins_with: the operand of which the result is a changed copy, or None.  An op that has one
            calls ``begin`` first, and does not read the operand again.
    """

    streams: ClassVar[tuple[int, ...]] = ()
    begins_with: ClassVar[int | None] = None

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Return the statements that compute the result."""
        raise NotImplementedError


class HostOp(Op):
    """An op that ``numpy`` computes, called from the native program: slow to reach, never fused.

    For what has no native code and is long enough not to mind, such as a Fourier transform.
    """
