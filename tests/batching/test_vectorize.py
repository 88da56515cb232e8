"""Functions of one example on many; each op by itself is in tests/ops/test_derivatives.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.graph.graph import toposort
from agnesi.ops.linear import MatMul
from agnesi.testing import Evaluator, interpreted, native

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Array

both = pytest.mark.parametrize("evaluator", [interpreted, native])
random = np.random.default_rng(0)
COUNT = 4


def model(x: ag.Tensor, w: ag.Tensor, label: ag.Tensor) -> ag.Tensor:
    return ag.cross_entropy(ag.tanh(x) @ w, label)


def examples(*shapes: tuple[int, ...]) -> list[Array]:
    return [random.normal(size=(COUNT, *shape)) for shape in shapes]


def check(
    function: Callable[..., ag.Tensor],
    arrays: list[Array],
    in_axes: tuple[int | None, ...],
    evaluator: Evaluator,
) -> None:
    """Compare with the function on each example, with known and with unknown sizes."""
    rows = [
        [array if axis is None else np.take(array, k, axis) for k in range(COUNT)]
        for array, axis in zip(arrays, in_axes, strict=True)
    ]
    single = [_input(row[0], "e") for row in rows]
    one = interpreted(single, [function(*single)])
    expected = np.stack([one(list(example))[0] for example in zip(*rows, strict=True)])
    for symbolic in (False, True):
        inputs = [_input(array, f"x{k}", symbolic) for k, array in enumerate(arrays)]
        result = ag.vectorize(function, in_axes)(*inputs)
        found = evaluator(inputs, [result])(arrays)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def _input(array: Array, name: str, symbolic: bool = False) -> ag.Tensor:
    sizes = ", ".join("?" if symbolic and s != 1 else str(s) for s in array.shape)
    kind = {"f": "f64", "i": "i64", "b": "bool"}[array.dtype.kind]
    return ag.input(name, f"{kind}[{sizes}]")


LABELS = random.integers(0, 3, COUNT)
CHECKS: dict[str, tuple[Callable[..., ag.Tensor], list[Array], tuple[int | None, ...]]] = {
    "broadcasting": (lambda x, y: x * y[:, None] + y.sum(), examples((2, 3), (2,)), (0, 0)),
    "held": (lambda x, y: x * y, [*examples((3,)), random.normal(size=3)], (0, None)),
    "inner": (ag.dot, examples((3,), (3,)), (0, 0)),
    "matrix and vectors": (ag.dot, [random.normal(size=(2, 3)), *examples((3,))], (None, 0)),
    "vectors and matrix": (ag.dot, [*examples((3,)), random.normal(size=(3, 2))], (0, None)),
    "other axis": (lambda x: ag.exp(x).sum(0), [random.normal(size=(3, COUNT, 2))], (1,)),
    "last axis": (lambda x: x[::-1], [random.normal(size=(3, COUNT))], (-1,)),
    "scalars": (lambda x, y: ag.where(x > y, x, 2.0), examples((), ()), (0, 0)),
    "gradient": (
        lambda x, w: ag.grad((ag.tanh(x @ w) ** 2).sum(), w),
        examples((3,), (3, 2)),
        (0, 0),
    ),
    "gradients of a model": (
        lambda x, w, label: ag.grad(model(x, w, label), w),
        [*examples((2,)), random.normal(size=(2, 3)), LABELS],
        (0, None, 0),
    ),
    "jacobian": (lambda x: ag.jacobian(ag.softmax(x), x), examples((3,)), (0,)),
    "hessian": (lambda x: ag.hessian(ag.logsumexp(x), x), examples((3,)), (0,)),
    "forward": (lambda x, v: ag.jvp(ag.sin(x) * x.sum(), x, v), examples((3,), (3,)), (0, 0)),
    "nested": (
        lambda x, y: ag.vectorize(lambda a, b: a @ b, (None, 1))(x, y),
        examples((2, 3), (3, 5)),
        (0, 0),
    ),
    "outer": (
        lambda x, y: ag.vectorize(ag.vectorize(lambda a, b: a * b, (0, None)), (None, 0))(x, y),
        examples((2,), (3,)),
        (0, 0),
    ),
    "same for all": (lambda x: ag.arange(3).astype("f64") * 2, examples((3,)), (0,)),
    "slices of sizes": (lambda x: x[: x.shape[0] // 2].sum(), examples((5,)), (0,)),
    "reductions": (
        lambda x: x.max(-1, keepdims=True) - x.argmin(1)[:, None],
        examples((2, 3)),
        (0,),
    ),
    "concatenated": (
        lambda x, y: ag.concatenate([x, y, x]),
        [*examples((2,)), np.ones(1)],
        (0, None),
    ),
    "products": (lambda x: ag.grad(x.prod(), x), examples((3,)), (0,)),
}


@both
@pytest.mark.parametrize("name", CHECKS)
def test_vectorized_is_each_by_itself(name: str, evaluator: Evaluator):
    check(*CHECKS[name], evaluator)


def test_several_results_and_where_their_examples_lie():
    x = ag.input("x", "f64[n, 3]")

    def function(v: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
        return v.sum(), v * 2

    total, double = ag.vectorize(function, out_axes=(0, 1))(x)
    at = random.normal(size=(2, 3))
    a, b = ag.function([x], [total, double])(at)
    np.testing.assert_allclose(a, at.sum(1))
    np.testing.assert_allclose(b, 2 * at.T)
    assert isinstance(ag.vectorize(function)(x), tuple)
    last = ag.vectorize(lambda v: v * 2, out_axes=-1)(x)
    assert str(last.type) == "f64[3, n]"


def test_arrays_are_taken():
    found = ag.vectorize(ag.dot)(np.ones((2, 3)), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert found.eval().tolist() == [6, 15]


def test_a_side_that_all_examples_share_makes_one_product_of_matrices():
    x, w = ag.input("x", "f32[n, 5, 3]"), ag.input("w", "f32[3, 2]")
    for result in (
        ag.vectorize(ag.matmul, (0, None))(x, w),
        ag.vectorize(lambda a, b: b.T @ a.T, (0, None))(x, w),
    ):
        products = [n for n in toposort([result]) if isinstance(n, MatMul)]
        assert [p.ndim for p in products] == [2]


def test_the_size_of_the_graph_does_not_grow():
    lengths = {
        len(ag.vectorize(lambda v: ag.grad((v**3).sum(), v))(ag.input("x", kind)).text())
        for kind in ("f32[7, 3]", "f32[9, 3]")
    }
    assert len(lengths) == 1


def test_inputs_keep_their_names_inside():
    seen: list[str | None] = []
    x = ag.input("rows", "f32[n, 3]")
    ag.vectorize(lambda v: seen.append(v.name) or v)(x)
    assert seen == ["rows"]


def test_checks_of_values_are_those_of_all_examples():
    labels, logits = ag.input("labels", "i64[n]"), ag.input("logits", "f32[n, 3]")
    f = ag.function([logits, labels], ag.vectorize(ag.cross_entropy)(logits, labels))
    assert f(np.zeros((2, 3), np.float32), [0, 2]).shape == (2,)
    with pytest.raises(ag.IndexOutOfBounds):
        f(np.zeros((2, 3), np.float32), [0, 3])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ag.vectorize(ag.exp)(ag.scalar("x")), "axis 0, but f32[] has 0 axes"),
        (lambda: ag.vectorize(ag.exp, 2)(ag.matrix("x")), "axis 2"),
        (lambda: ag.vectorize(ag.exp, out_axes=3)(ag.matrix("x")), "out_axes names the axis 3"),
        (lambda: ag.vectorize(ag.dot, (0,))(ag.matrix("x"), ag.matrix("y")), "for 2 arguments"),
        (lambda: ag.vectorize(ag.exp, (None,))(ag.matrix("x")), "no argument is mapped"),
        (
            lambda: ag.vectorize(ag.dot)(ag.input("x", "f32[2, 3]"), ag.input("y", "f32[4, 3]")),
            "the numbers of examples differ",
        ),
        (
            lambda: ag.vectorize(lambda x, k: x[:k])(ag.matrix("x"), ag.vector("k", dtype="i64")),
            "differs between examples",
        ),
        (
            lambda: ag.vectorize(lambda x, k: x[k])(ag.matrix("x"), ag.vector("k", dtype="i64")),
            "ag.take(x, i, axis=0)",
        ),
        (lambda: ag.vectorize(lambda x: (x, x), out_axes=(0,))(ag.matrix("x")), "for 2 results"),
    ],
)
def test_bad_calls(call: Callable[[], Any], words: str):
    with pytest.raises(ag.GraphTypeError) as caught:
        call()
    assert words in str(caught.value)
    assert str(caught.value).startswith("vectorize: ")
