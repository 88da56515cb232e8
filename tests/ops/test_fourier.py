"""Fourier transforms: held against NumPy's; inverses, gradients, unknown sizes, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.lower.program import CallHost
from agnesi.testing import check_gradient, interpreted, native

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array

RANDOM = np.random.default_rng(8)

CALLS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    (name, shape, {**named, "norm": norm})
    for norm in (None, "ortho", "forward")
    for name, shape, named in (
        ("fft", (2, 5), {}),
        ("ifft", (2, 5), {}),
        ("ifft", (4, 3), {"axis": 0, "n": 6}),
        ("rfft", (2, 5), {"n": 4}),
        ("irfft", (2, 5), {}),
        ("irfft", (2, 5), {"n": 7}),
        ("hfft", (2, 5), {}),
        ("hfft", (3, 2), {"n": 5, "axis": 0}),
        ("ihfft", (2, 6), {}),
        ("fft2", (2, 3, 4), {}),
        ("ifft2", (2, 3, 4), {"axes": (0, 1)}),
        ("fftn", (2, 3, 4), {}),
        ("fftn", (2, 3, 4), {"s": (5, 2), "axes": (0, 2)}),
        ("ifftn", (2, 3, 4), {"axes": (-1,)}),
        ("rfftn", (2, 3, 4), {}),
        ("rfftn", (2, 3, 4), {"s": (2, 6), "axes": (1, 0)}),
        ("rfft2", (2, 3, 4), {}),
        ("irfftn", (2, 3, 4), {}),
        ("irfftn", (2, 3, 4), {"s": (3, 5), "axes": (1, 2)}),
        ("irfft2", (2, 3, 4), {}),
    )
]
REAL = ("rfft", "rfftn", "rfft2", "ihfft")


def _array(name: str, shape: tuple[int, ...], kind: str) -> Array:
    x = RANDOM.normal(size=shape)
    if np.dtype(kind).kind == "c" and name not in REAL:
        return (x + 1j * RANDOM.normal(size=shape)).astype(kind)
    return x.astype(np.dtype(kind).type(0).real.dtype)


@pytest.mark.parametrize("symbolic", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("kind", ["complex128", "complex64", "float64", "float32"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_transforms_are_numpys(call: Any, kind: str, symbolic: bool):
    name, shape, named = call
    array = _array(name, shape, kind)
    expected = np.asarray(getattr(np.fft, name)(array, **named))
    sizes = [f"n{k}" if symbolic else str(n) for k, n in enumerate(shape)]
    x = ag.input("x", f"{array.dtype}[{', '.join(sizes)}]")
    made = getattr(ag.fft, name)(x, **named)
    near = 1e-5 if kind in ("complex64", "float32") else 1e-12
    for way in (native, interpreted):
        actual = way([x], [made])([array])[0]
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=near, atol=near)


@pytest.mark.parametrize("call", CALLS[:20], ids=str)
@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_transforms_have_gradients(call: Any, kind: str):
    name, shape, named = call

    def cost(x: ag.Tensor) -> ag.Tensor:
        y = getattr(ag.fft, name)(x, **named)
        return ag.real(y) * ag.real(y) + ag.imag(y) * ag.real(y) if y.dtype.is_complex else y * y

    check_gradient(cost, _array(name, shape, kind), evaluator=interpreted)


def test_there_and_back_again():
    x = ag.input("x", "f64[n, m]")
    array = RANDOM.normal(size=(6, 9))
    there = ag.fft.rfft(x)
    back = ag.function([x], ag.fft.irfft(there, x.shape[1]))
    np.testing.assert_allclose(back(array), array, atol=1e-12)
    whole = ag.function([x], ag.real(ag.fft.ifftn(ag.fft.fftn(x, norm="ortho"), norm="ortho")))
    np.testing.assert_allclose(whole(array), array, atol=1e-12)


def test_a_convolution_by_transforms_with_an_unknown_length():
    x, y = ag.input("x", "f64[n]"), ag.input("y", "f64[m]")
    length = x.shape[0] + y.shape[0] - 1
    made = ag.fft.irfft(ag.fft.rfft(x, length) * ag.fft.rfft(y, length), length)
    f = ag.function([x, y], made)
    a, b = RANDOM.normal(size=7), RANDOM.normal(size=4)
    np.testing.assert_allclose(f(a, b), np.convolve(a, b), atol=1e-12)


def test_python_computes_it_and_explain_says_so():
    x = ag.input("x", "f32[n]")
    f = ag.function([x], ag.fft.fft(x))
    assert any(isinstance(step, CallHost) for step in f.program.steps)
    assert "host" in f.explain()


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies_and_shifts(n: int):
    count = ag.input("x", "f32[n]").shape[0]
    x = ag.input("x", "f32[n]")
    for ours, numpys in (
        (ag.fft.fftfreq(n, 0.5), np.fft.fftfreq(n, 0.5)),
        (ag.fft.rfftfreq(n, d=2.0), np.fft.rfftfreq(n, 2.0)),
    ):
        np.testing.assert_allclose(ours.eval(), numpys.astype(np.float32), rtol=1e-6)
    assert count is not None
    f = ag.function([x], [ag.fft.fftfreq(x.shape[0]), ag.fft.fftshift(x), ag.fft.ifftshift(x)])
    array = np.arange(n, dtype=np.float32)
    frequencies, there, back = f(array)
    np.testing.assert_allclose(frequencies, np.fft.fftfreq(n).astype(np.float32), rtol=1e-6)
    np.testing.assert_array_equal(there, np.fft.fftshift(array))
    np.testing.assert_array_equal(back, np.fft.ifftshift(array))
    y = RANDOM.normal(size=(n, 3))
    for axes in (None, 0, (0, 1)):
        made = ag.fft.fftshift(ag.constant(y), axes).eval()
        np.testing.assert_array_equal(made, np.fft.fftshift(y, axes))


def test_what_is_not_finite_goes_through_without_a_warning():
    x = ag.input("x", "f64[n]")
    array = np.array([np.inf, 1.0, -np.inf, 1e308, 1e308])
    for made in (ag.fft.fft(x), ag.fft.ifft(x), ag.fft.rfft(x), ag.fft.irfft(x)):
        for way in (native, interpreted):
            assert not np.isfinite(way([x], [made])([array])[0]).all()


def test_nothing_to_transform_is_an_error_in_the_call():
    x = ag.input("x", "f64[n]")
    for made in (ag.fft.fft(x), ag.fft.rfft(x)):
        with pytest.raises(ag.ShapeError):
            ag.function([x], made)(np.zeros(0))


WRONG: list[Any] = [2.5, "half"]
BAD_CALLS: list[tuple[Any, str]] = [
    (lambda x: ag.fft.fft(x, axis=2), "no axis 2"),
    (lambda x: ag.fft.fft(x, 0), "nothing to transform"),
    (lambda x: ag.fft.fft(x, WRONG[0]), "a size is an integer"),
    (lambda x: ag.fft.fft(x, norm=WRONG[1]), 'norm is "backward"'),
    (lambda x: ag.fft.fftn(x, (2, 2, 2)), "more sizes than axes"),
    (lambda x: ag.fft.fftn(x, (2,), (0, 1)), "1 sizes for 2 axes"),
    (lambda x: ag.fft.fftn(x, axes=(0, 0)), "twice"),
    (lambda x: ag.fft.rfft(ag.complex(x, x)), "takes real numbers"),
    (lambda x: ag.fft.rfftn(x, axes=()), "at least one axis"),
    (lambda x: ag.fft.irfft(x[:, :1]), "nothing to transform"),
]


@pytest.mark.parametrize("case", BAD_CALLS, ids=lambda case: case[1])
def test_bad_calls_say_what_is_wrong(case: Any):
    call, words = case
    with pytest.raises(ag.GraphTypeError) as caught:
        call(ag.input("x", "f32[2, 3]"))
    assert words in str(caught.value)


def test_lengths_that_a_call_tells():
    """``s`` may be computed."""
    x, n = ag.input("x", "f64[2, m]"), ag.input("n", "i64[]")
    f = ag.function([x, n], ag.fft.irfftn(ag.fft.rfftn(x, (n,), (1,)), (n,), (1,)))
    given = RANDOM.random((2, 5))
    np.testing.assert_allclose(f(given, 5), given)
    np.testing.assert_allclose(f(given, 6)[:, :5], given)
