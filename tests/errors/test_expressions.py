"""What users do wrong while they write expressions, and what they are told.

A message says what was asked, what was given (types, names, lines), and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable

x = ag.input("x", "f32[batch, 784]")
w = ag.input("w", "f32[10, 784]")
b = ag.input("b", "f32[10]")
v = ag.vector("v")
i = ag.vector("i", dtype="u8")
h = x * 2
total = h.sum()

MADE_X = f"named x   from {x.source}"
MADE_H = str(h.source)

TYPE_ERRORS: list[tuple[Callable[[], Any], list[str]]] = [
    (
        lambda: h + b,
        [
            "add: shapes [batch, 784] and [10] do not broadcast",
            f"  x: f32[batch, 784]   from {MADE_H}",
            "  y: f32[10]           named b",
            "sizes have to be equal",
        ],
    ),
    (
        lambda: np.ones(3) + h,
        ["add: shapes [3] and", "x: f64[3]", f"y: f32[batch, 784]   from {MADE_H}"],
    ),
    (
        lambda: ag.where(v, b, x),
        ["where: shapes [v.0] and [10] and [batch, 784]", "condition: f32[v.0]", "named v"],
    ),
    (
        lambda: x @ w,
        ["matmul: the 784 columns of x do not meet the 10 rows of y", MADE_X, "f32[10, 784]"],
    ),
    (lambda: x @ 2, ["matmul: takes no scalar", "y: 2", "multiply with * instead"]),
    (
        lambda: ag.concatenate([x, b]),
        ["same number of axes", f"arrays[0]: f32[batch, 784]   {MADE_X}", "arrays[1]: f32[10]"],
    ),
    (
        lambda: ag.concatenate([x, w.T]),
        ["concatenate: sizes of axis 1 differ, 784 and 10", "only axis 0 may differ"],
    ),
    (lambda: ag.stack([x, b]), ["stack: arrays have to have the same shape", MADE_X]),
    (lambda: ag.stack(x), ["stack: takes a list or tuple", "f32[batch, 784]"]),  # pyright: ignore[reportArgumentType]
    (lambda: ag.concatenate([]), ["at least one array", "[]"]),
    (
        lambda: ag.input("y", "f32[3]")[5],
        ["index 5 is out of bounds for axis 0 of size 3", "y"],
    ),
    (lambda: h[:, "a"], ["an index is an integer, a slice, ... or None", "'a'", MADE_H]),
    (lambda: h[:, b > 0], ["the mask does not fit", "sizes 10 and 784", "mask: bool[10]", MADE_H]),
    (lambda: h[0, 0, 0], ["too many indices, 3 for 2 axes", MADE_H]),
    (lambda: h[..., ...], ["only one ..."]),
    (lambda: h[::0], ["the step of a slice is a known integer, not 0"]),
    (lambda: h[:: h.shape[0]], ["the step of a slice is a known integer"]),
    (
        lambda: i + 300,
        ["add: the integer 300 does not fit u8", "0 to 255", '"i64"', "x: u8[i.0]", "y: 300"],
    ),
    (
        lambda: x & x,
        ["bitwise_and: is not defined for f32", MADE_X, "it takes bool, i8", ".astype"],
    ),
    (lambda: -(x > 0), ["negative: is not defined for bool", "it takes i8"]),
    (lambda: (x > 0) - (x < 0), ["subtract: is not defined for bool"]),
    (lambda: x + None, ["add: None (NoneType) is not an array", "give numbers"]),  # pyright: ignore[reportOperatorIssue]
    (lambda: x * "a", ["multiply: 'a' (str) is not an array"]),  # pyright: ignore[reportOperatorIssue]
    (
        lambda: x.sum(2),
        ["sum: there is no axis 2 in a tensor of 2 axes", MADE_X, "from -2 to 1"],
    ),
    (lambda: total.sum(0), ["no axis 0", "a scalar has no axes"]),
    (lambda: x.sum((0, -2)), ["sum: the axes (0, -2) name an axis twice", MADE_X]),
    (lambda: ag.mean(x, 1.5), ["mean: an axis is an integer, but this is 1.5"]),  # pyright: ignore[reportArgumentType]
    (lambda: ag.input("y", "f32[0]").max(), ["max: there are no elements to choose from"]),
    (lambda: b.reshape(3, 4), ["reshape: 10 elements do not fill the shape (3, 4)", "named b"]),
    (lambda: b.reshape(-1, 3), ["10 elements do not fill", "(-1, 3)"]),
    (lambda: b.reshape(-1, -1), ["only one size may be -1", "named b"]),
    (lambda: b.reshape(-2, -5), ["a size cannot be negative"]),
    (lambda: b.reshape("a"), ["reshape: a size is an integer, but this is 'a' (str)"]),
    (lambda: x.transpose(0, 0), ["(0, 0) has to name each axis once", MADE_X]),
    (lambda: ag.moveaxis(x, 0, (0, 1)), ["moveaxis: source 0 and destination (0, 1)"]),
    (lambda: x.squeeze(0), ["squeeze: axes 0 are not all known to be of size 1", "x[:, 0]"]),
    (lambda: ag.expand_dims(b, 5), ["expand_dims: there is no axis 5"]),
    (
        lambda: ag.broadcast_to(b, (3, 4)),
        ["broadcast_to: [10] cannot be broadcast to [3, 4]", "counted from the last axis"],
    ),
    (lambda: ag.zeros(-1), ["zeros: a size cannot be negative, but the shape is [-1]"]),
    (lambda: ag.ones(2.5), ["ones: a size is an integer, but this is 2.5 (float)"]),
    (lambda: ag.full((v,), 1), ["full: a size is an integer scalar", "named v"]),
    (lambda: ag.full((2, 3), [1, 2]), ["full: [2] cannot be broadcast to [2, 3]"]),
    (lambda: ag.full_like(i, 256), ["256 does not fit u8"]),
    (lambda: x.astype("float128"), ["'float128' is not an element type", "f32 (float32)"]),
    (lambda: ag.constant(1j, "f32"), ["constant: complex numbers are no f32", "x.real"]),
    (lambda: ag.maximum(x, 1j), ["maximum: is not defined for c64", "y: 1j"]),
    (lambda: x < 1j, ["less: is not defined for c64"]),
    (lambda: ag.arange(v), ["arange: start, stop and step are", "scalar", "named v"]),
    (lambda: ag.arange(0, 5, 0), ["arange: the step is not 0"]),
    (lambda: ag.constant([1, [2]]), ["constant: [1, [2]] is not an array", "equal lengths"]),
    (lambda: ag.constant([v, [v]]), ["symbolic variables in it", "ag.stack or ag.concatenate"]),
    (lambda: ag.constant(300, "u8"), ["300 does not fit u8"]),
    (lambda: ag.input("y", "f32[3"), ["'f32[3' is not a type", '"f32[batch, 784]"']),
    (lambda: ag.input("y", "f32[a-b]"), ["'a-b'", "is not a size", "? for one that is not known"]),
    (lambda: ag.input("y", "f99[3]"), ["'f99' is not an element type"]),
    (lambda: ag.input("y", (2, 3)), ["a type is a text such as", "(2, 3)"]),  # pyright: ignore[reportArgumentType]
    (lambda: ag.input(3, "f32[?]"), ["a name is a text, but this is 3"]),  # pyright: ignore[reportArgumentType]
    (lambda: ag.vector(3), ["a name is a text, but this is 3"]),  # pyright: ignore[reportArgumentType]
    (
        lambda: ag.cross_entropy(x, b),
        ["the labels do not fit the rows of the logits", f"logits: f32[batch, 784]   {MADE_X}"],
    ),
    (lambda: ag.cross_entropy(x, b > 0), ["labels are integers or probabilities"]),
    (lambda: ag.cross_entropy(1.0, 1), ["logits need at least one axis"]),
]

SYMBOLIC_ERRORS: list[tuple[Callable[[], Any], list[str]]] = [
    (lambda: float(total), ["float: <Sum: f32[]> is an expression", ".eval(", '"f64"']),
    (lambda: int(total), ["int: <Sum: f32[]>", f"made at {total.source}", '"i64"']),
    (lambda: complex(total), ["complex: <Sum: f32[]> is an expression, not a value"]),
    (lambda: range(x.shape[0]), ["index: <SizeValue", "ag.arange instead of range"]),  # pyright: ignore[reportArgumentType]
    (lambda: 1 if x > 0 else 2, ["the truth of <Greater", "ag.where", "& | ~"]),
    (lambda: not x, ["the truth of <x: f32[batch, 784]> is not known"]),
    (lambda: x == h and x, ["the truth of <Equal"]),
    (lambda: 0 < v < 1, ["the truth of <Greater"]),
    (lambda: len(h), ["len: the first size of <Multiply", MADE_H, "x.shape[0]"]),
    (lambda: len(total), ["len: <Sum: f32[]> is a scalar"]),
    (lambda: list(v), ["iteration: the first size of <v: f32[v.0]>", "known size"]),
    (lambda: list(total), ["iteration: <Sum: f32[]> is a scalar"]),
    (lambda: 3 in v, ["in: what <v: f32[v.0]> contains", "ag.any(x == value)"]),
    (lambda: x in [h], ["the truth of <Equal"]),
    (lambda: np.asarray(h), ["numpy array: <Multiply", MADE_H, "ag.function"]),
    (lambda: np.array([total]), ["is an expression, not a value"]),
    (lambda: np.sin(h), ["numpy.sin: <Multiply", MADE_H, "in expressions, ag.sin"]),
    (lambda: np.add.reduce(h), ["numpy.add: <Multiply"]),
    (lambda: np.concatenate([h, h]), ["numpy.concatenate: <Multiply", "ag.concatenate"]),
    (lambda: h.__setitem__(0, 1), ["assignment: <Multiply", "does not change", "ag.where"]),
]

GRADIENT_ERRORS: list[tuple[Callable[[], Any], list[str]]] = [
    (
        lambda: ag.grad(h, x),
        ["cost must be a scalar, but is f32[batch, 784]", MADE_H, "grad(cost.mean(), wrt)"],
    ),
    (
        lambda: ag.grad(total, b),
        ["the cost <Sum: f32[]> does not depend on <b: f32[10]>", 'disconnected="zero"'],
    ),
    (lambda: ag.grad(i.sum(), i), ["cost must be floating-point, but is u64[]", '"f32"']),
    (lambda: ag.grad(total, i), ["<i: u8[i.0]> is not floating-point", "no derivative"]),
    (lambda: ag.grad(total, [x, 3]), ["wrt is a symbolic variable or a list", "3"]),  # pyright: ignore[reportArgumentType, reportCallIssue]
    (lambda: ag.grad(total, 3), ["wrt is a symbolic variable or a list"]),  # pyright: ignore[reportArgumentType, reportCallIssue]
    (lambda: ag.grad(3, x), ["the cost is a symbolic scalar, but this is 3"]),  # pyright: ignore[reportArgumentType, reportCallIssue]
]

ALL_ERRORS = [
    *((ag.GraphTypeError, *row) for row in TYPE_ERRORS),
    *((ag.SymbolicError, *row) for row in SYMBOLIC_ERRORS),
    *((ag.GradientError, *row) for row in GRADIENT_ERRORS),
]


@pytest.mark.parametrize(
    ("kind", "mistake", "words"), ALL_ERRORS, ids=[row[2][0] for row in ALL_ERRORS]
)
def test_message(kind: type[ag.AgnesiError], mistake: Callable[[], Any], words: list[str]):
    with pytest.raises(kind) as caught:
        mistake()
    message = str(caught.value)
    assert not [part for part in words if part not in message], message
    first, *rest = message.splitlines()
    assert first[0].islower() and not first.endswith(".")
    assert all(line.startswith("  ") for line in rest), message
    assert not message.endswith("\n")


def test_lines_are_the_users():
    assert MADE_H.startswith("test_expressions.py:") and MADE_H.endswith("  h = x * 2")


def test_errors_are_pythons_errors_too():
    assert issubclass(ag.GraphTypeError, TypeError)
    assert issubclass(ag.GradientError, ValueError)
    assert issubclass(ag.SymbolicError, TypeError)
    assert issubclass(ag.IndexOutOfBounds, IndexError)
    assert issubclass(ag.ShapeError, ValueError)


def test_a_variable_does_not_change():
    with pytest.raises(AttributeError, match="immutable"):
        x.name = "y"  # pyright: ignore[reportAttributeAccessIssue]


def test_numpys_operators_build_graphs():
    ones = np.ones(3, np.float32)
    for expression, expected in (
        (ones + v, v + ones),
        (ones - v, None),
        (ones / v, None),
        (ones @ v, None),
        (ones < v, None),
        (np.float32(2) * v, None),
        (np.arange(3) << ag.vector("k", dtype="i64"), None),
    ):
        assert isinstance(expression, ag.Tensor)
        assert expected is None or expression.type is expected.type
    ones += v  # pyright: ignore[reportAssignmentType]
    assert isinstance(ones, ag.Tensor)
