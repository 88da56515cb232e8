"""Random well-typed graphs, with values to run them on.

A :class:`Program` is a list of steps over earlier results, so that it prints as a script that
builds the same graph again.  Half of the steps are made by hand, for depth and for the forms that
rules look for; the others are calls of any declared op, with the arguments of its samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.core.dtypes import as_dtype
from agnesi.ops import OPS
from agnesi.ops.families import Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.core.dtypes import DType

SIZES = (0, 1, 2, 3, 5, 17)
DTYPES = ("f32", "f64", "i64", "i32", "u8", "bool", "f16", "bf16", "c64", "c128")
UNARY_FLOAT = ("sin", "tanh", "sigmoid", "softplus", "exp", "expm1", "erf", "arctan", "cos")
UNARY = ("negative", "absolute", "square", "sign", "floor", "positive")
BINARY = ("add", "subtract", "multiply", "maximum", "minimum", "divide", "arctan2")
INTEGER = ("floor_divide", "remainder", "bitwise_and", "bitwise_or", "bitwise_xor")
COMPARE = ("less", "greater_equal", "equal", "not_equal")
REDUCE = ("sum", "prod", "max", "min", "mean", "any", "all")
NAMESPACES = ("", "special.", "linalg.", "fft.")
# What says something else as soon as a last digit is rounded otherwise, or a NaN has another sign;
# and casts, whose results differ between machines where an integer does not hold a float: the
# steps made by hand cast.
_UNSTEADY = frozenset({"signbit", "copysign", "nextafter", "spacing", "frexp", "astype"})


def _path(op: type[Op]) -> str | None:
    """Return the public name of an op, from ``ag`` on, if it is called by it."""
    if op.call.__func__ is not Op.call.__func__:
        return None
    for space in NAMESPACES:
        holder = getattr(ag, space[:-1], None) if space else ag
        if holder is not None and callable(getattr(holder, op.public, None)):
            return f"ag.{space}{op.public}"
    return None


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(v) for v in value)
    return value is None or type(value) in (bool, int, float, str, slice)


def declared_calls() -> list[str]:
    """Return calls of every declared op that has a public name, as ``ag.sum({}, 0)``."""
    found: dict[str, None] = {}
    for op in OPS:
        path = _path(op)
        if path is None or op.public in _UNSTEADY:
            continue
        if path.startswith("ag.special.") and (len(op.fields) > 1 or op.public in ("j0", "j1")):
            # At what is drawn here SciPy has other ideas of poles, or loses the phase of waves;
            # and some loop millions of times.
            continue
        for sample in op.all_samples():
            extra = (*sample.extra, *sample.named.values())
            if sample.shapes and all(_is_plain(e) for e in extra):
                given = ["{}"] * len(sample.shapes) + [repr(e) for e in sample.extra]
                given += [f"{name}={value!r}" for name, value in sample.named.items()]
                found[f"{path}({', '.join(given)})"] = None
    return list(found)


CALLS = declared_calls()


@dataclass
class Program:
    """A random program.

    Attributes:
        types: dtype and shape of each input.
        symbolic: whether the inputs' sizes are unknown.
        steps: expressions of ``v[k]``, the inputs first.
        outputs: which values it returns.
        wrt: floating inputs that a gradient is taken of.
    """

    types: list[tuple[str, tuple[int, ...]]]
    symbolic: bool
    steps: list[str] = field(default_factory=list[str])
    outputs: list[int] = field(default_factory=list[int])
    wrt: list[int] = field(default_factory=list[int])

    def build(self) -> tuple[list[ag.Tensor], list[ag.Tensor]]:
        """Return inputs and outputs."""
        inputs: list[ag.Tensor] = [
            ag.input(f"x{k}", f"{dtype}[{', '.join(self.size(n) for n in shape)}]")
            for k, (dtype, shape) in enumerate(self.types)
        ]
        values: list[ag.Tensor] = list(inputs)
        for step in self.steps:
            values.append(eval(step, {"ag": ag, "v": values, "slice": slice}))
        outputs = [values[k] for k in self.outputs]
        floats = [o for o in outputs if o.dtype.is_inexact]
        if self.wrt and floats:
            cost = sum(
                (ag.mean(ag.sin(o.real.astype("f64"))) for o in floats),
                start=ag.constant(0.0, "f64"),
            )
            wrt = [inputs[k] for k in self.wrt]
            outputs += ag.grad(cost, wrt, disconnected="zero", undefined="nan")
        return inputs, outputs

    def size(self, n: int) -> str:
        """Return a size as it is written in a type; one name for each number."""
        return f"n{n}" if self.symbolic and n != 1 else str(n)

    def script(self, seed: int) -> str:
        """Return a script that shows the failure."""
        return (
            "from tests.fuzz.graphs import Program\nfrom tests.fuzz.run import check\n"
            f"check({self!r}, seed={seed})\n"
        )


def random_program(random: np.random.Generator, most: int = 12) -> Program:
    """Return a random program of up to ``most`` steps.

    Each step is tried: what the type rules refuse is left out, so that they are fuzzed as well.
    """
    rank = int(random.integers(0, 4))
    full = tuple(
        int(random.choice(SIZES[1:] if random.random() < 0.9 else SIZES)) for _ in range(rank)
    )
    types: list[tuple[str, tuple[int, ...]]] = []
    for _ in range(int(random.integers(1, 4))):
        own = full[int(random.integers(0, rank + 1)) :]
        shape = tuple(1 if random.random() < 0.15 else n for n in own)
        weights = (0.35, 0.15, 0.1, 0.05, 0.05, 0.1, 0.05, 0.05, 0.05, 0.05)
        types.append((str(random.choice(DTYPES, p=weights)), shape))
    program = Program(types, bool(random.random() < 0.6))
    values, _ = Program(types, program.symbolic, outputs=[]).build()
    shapes = [shape for _, shape in types]
    tries = 0
    goal = int(random.integers(1, most + 1))
    while len(program.steps) < goal and tries < 200:
        tries += 1
        step = random_step(random, values, shapes)
        try:
            value = eval(step, {"ag": ag, "v": values, "slice": slice})
        except (ag.GraphTypeError, IndexError):
            # A scalar has no sizes to index: the generator's own doing.
            continue
        if not isinstance(value, ag.Tensor) or value.ndim > 4:
            continue
        shape = numeric_shape(value)
        if shape is None or np.prod(shape, dtype=float) > 5000:
            continue
        program.steps.append(step)
        values.append(value)
        shapes.append(shape)
    count = len(values)
    last = list(range(max(0, count - 3), count))
    program.outputs = [k for k in last if random.random() < 0.6 or k == count - 1]
    if random.random() < 0.5:
        program.wrt = [k for k, (d, _) in enumerate(types) if as_dtype(d).is_inexact]
    return program


def numeric_shape(value: ag.Tensor) -> tuple[int, ...] | None:
    """Return the shape in numbers, from names such as ``n5``; None where it cannot be told."""
    from agnesi.dims.dim import Symbol, evaluate

    shape: list[int] = []
    for size in value.type.shape:
        if isinstance(size, int):
            shape.append(size)
            continue
        try:
            shape.append(
                evaluate(size, {a: int(a.name[1:]) for a in size.atoms if isinstance(a, Symbol)})
            )
        except (KeyError, ValueError):
            return None
    return tuple(shape)


def random_step(
    random: np.random.Generator, values: list[Any], shapes: list[tuple[int, ...]]
) -> str:
    """Return a random expression of earlier values."""

    # Recent values are likelier, so that graphs are deep.
    def pick() -> int:
        back = int(random.geometric(0.35))
        return len(values) - back if back <= len(values) else int(random.integers(len(values)))

    a, b, c = pick(), pick(), pick()
    is_float = values[a].dtype.is_inexact
    shape, ndim = shapes[a], len(shapes[a])
    if random.random() < 0.5:
        call = CALLS[int(random.integers(len(CALLS)))]
        return call.format(*(f"v[{pick()}]" for _ in range(call.count("{}"))))
    kind = int(random.integers(0, 22))
    number = round(float(random.uniform(-2, 2)), 2)
    axis = int(random.integers(-ndim, ndim)) if ndim else 0

    def choose(options: Sequence[str]) -> str:
        return str(random.choice(list(options)))

    if kind <= 2:
        return f"ag.{choose(UNARY_FLOAT)}(v[{a}])"
    if kind == 3:
        return f"ag.{choose(UNARY)}(v[{a}])"
    if kind <= 6:
        return f"ag.{choose(BINARY)}(v[{a}], v[{b}])"
    if kind == 7:
        return f"ag.{choose(BINARY[:6])}(v[{a}], {number})"
    if kind == 8:
        if is_float or values[b].dtype.is_inexact:
            # A quotient of floats jumps where rounding may fall on either side.
            return f"ag.square(v[{a}])"
        return f"ag.{choose(INTEGER)}(v[{a}], v[{b}])"
    if kind == 9:
        compare = choose(COMPARE[:2] if is_float or values[b].dtype.is_inexact else COMPARE)
        return f"ag.where(ag.{compare}(v[{a}], v[{b}]), v[{b}], v[{c}])"
    if kind == 10:
        axes = [k for k in range(ndim) if random.random() < 0.5]
        what = choose([repr(tuple(axes)), "None", str(axis)])
        return f"ag.{choose(REDUCE)}(v[{a}], {what}, keepdims={bool(random.random() < 0.5)})"
    if kind == 11:
        return f"ag.{choose(['argmax', 'argmin'])}(v[{a}], {axis})"
    if kind == 12:
        order = tuple(int(k) for k in random.permutation(ndim))
        return f"ag.transpose(v[{a}], {order})"
    if kind == 13:
        keys = [random_slice(random, n, f"v[{a}].shape[{k}]") for k, n in enumerate(shape)]
        return f"v[{a}][{', '.join(keys) or '...'}]"
    if kind == 14:
        total = int(np.prod(shape))
        divisor = next((d for d in (3, 2, 5, 17) if total and total % d == 0), 1)
        return choose([f"v[{a}].reshape(-1)", f"v[{a}].reshape({divisor}, -1)"])
    if kind == 15:
        return f"ag.{choose(['concatenate', 'stack'])}([v[{a}], v[{b}]], axis={axis})"
    if kind == 16:
        return (
            f"v[{a}] @ v[{b}]" if random.random() < 0.5 else f"v[{a}] @ ag.swapaxes(v[{a}], -1, -2)"
        )
    if kind == 17:
        return f"ag.{choose(['softmax', 'log_softmax', 'logsumexp'])}(v[{a}], axis={axis})"
    if kind == 18:
        return choose(
            [
                f"ag.flip(v[{a}], {axis})",
                f"ag.expand_dims(v[{a}], {axis})",
                f"v[{a}].astype('{choose(_casts(values[a].dtype))}')",
                f"ag.broadcast_to(v[{a}], (2,) + v[{a}].shape)",
            ]
        )
    if kind >= 20:
        keys = [random_slice(random, n, f"v[{a}].shape[{k}]") for k, n in enumerate(shape)]
        change = choose(["set", "add", "multiply", "min", "max"])
        return choose(
            [
                f"ag.sort(v[{a}], axis={axis})",
                f"ag.take(v[{a}], ag.argsort(v[{b}], axis=-1), axis={axis}, mode='wrap')",
                f"ag.take_along_axis(v[{a}], ag.argsort(v[{a}], axis={axis}), {axis})",
                f"v[{a}].at[{', '.join(keys) or '...'}].{change}({number if is_float else 1})",
                f"v[{a}].at[ag.argsort(v[{a}], axis=0)].{change}({number if is_float else 1})",
                f"v[{a}][v[{a}] > {number if is_float else 1}].sum()",
                f"v[{a}][ag.argsort(v[{b}], axis=-1) * 0]",
            ]
        )
    naive = [
        f"ag.log(ag.exp(v[{a}]).sum({axis}))",
        f"ag.exp(v[{a}]) / ag.exp(v[{a}]).sum({axis}, keepdims=True)",
        f"ag.log(1 + ag.exp(v[{a}]))",
        f"v[{a}] * v[{a}].shape[{axis}]",
        f"ag.log(ag.sigmoid(v[{a}]))",
    ]
    return choose(naive)


def _casts(dtype: DType) -> tuple[str, ...]:
    """Return dtypes to cast to.

    A float that does not fit an integer is each machine's own business.
    """
    if dtype.is_complex:
        return "c64", "c128"
    return ("f32", "f64", "f16", "bf16", "c64") if dtype.is_float else DTYPES


def random_slice(random: np.random.Generator, size: int, symbol: str) -> str:
    """Return a random index of one axis, now and then with a symbolic bound."""
    way = random.random()
    if way < 0.1 and size:
        return str(int(random.integers(-size, size)))
    if way < 0.3:
        return ":"

    def bound() -> str:
        if random.random() < 0.3:
            return ""
        if random.random() < 0.2:
            return f"{symbol} - {int(random.integers(0, 3))}"
        return str(int(random.integers(-size - 2, size + 3)))

    return f"{bound()}:{bound()}:{random.choice([-3, -2, -1, 1, 1, 2])}"


def random_arrays(program: Program, random: np.random.Generator) -> list[np.ndarray[Any, Any]]:
    """Return arrays for the inputs, laid out in memory at random."""
    arrays: list[np.ndarray[Any, Any]] = []
    for dtype, shape in program.types:
        kind = as_dtype(dtype)
        inexact = kind.is_inexact
        values = random.uniform(-3, 3, shape) if inexact else random.integers(0, 5, shape)
        if kind.is_complex:
            values = values + 1j * random.uniform(-3, 3, shape)
        arrays.append(laid_out(np.asarray(values).astype(kind.numpy), random))
    return arrays


def laid_out(array: np.ndarray[Any, Any], random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return an equal array with other strides."""
    way = int(random.integers(0, 5)) if array.ndim else 0
    if way == 1:
        return array.copy("F")
    if way == 2:
        return array[..., ::-1].copy()[..., ::-1]
    if way == 3:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1] + 1), array.dtype)
        wide[..., 1::2] = array
        return wide[..., 1::2]
    if way == 4 and array.size:
        raw = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
        raw[...] = array
        return raw
    return array
