"""Convolutions against sums over sliding windows in NumPy, and against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal

import agnesi as ag
from agnesi.testing import check_gradient

RANDOM = np.random.default_rng(7)

# Shape of x, of the kernel, other arguments; channels first.
CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 7, 6), (4, 3, 3, 2), {}),
    ((2, 3, 7, 6), (4, 3, 3, 2), {"padding": "full"}),
    ((2, 3, 7, 6), (4, 3, 3, 2), {"padding": "half", "stride": 2}),
    ((1, 2, 9, 8), (3, 2, 3, 4), {"padding": "same", "stride": (2, 3)}),
    ((1, 2, 9, 8), (3, 2, 3, 4), {"padding": "same", "dilation": (2, 1)}),
    ((1, 4, 8, 9), (6, 2, 3, 3), {"padding": 1, "groups": 2, "stride": 2}),
    ((1, 4, 8, 9), (6, 2, 3, 2), {"padding": (2, 3), "groups": 2, "dilation": (1, 2)}),
    ((1, 4, 5, 6), (8, 1, 3, 3), {"padding": ((0, 1), (2, 1)), "groups": 4}),
    ((2, 5, 4, 3), (3, 5, 1, 1), {}),
    ((2, 5, 5, 4), (3, 5, 1, 1), {"stride": 2}),
    ((2, 3, 5, 4), (7, 3, 5, 4), {}),
    ((2, 3, 11), (4, 3, 4), {"padding": "causal", "dilation": 2}),
    ((2, 3, 11), (4, 3, 4), {"padding": ((1, 2),), "stride": 3}),
    ((2, 2, 4, 5, 6), (3, 2, 2, 3, 1), {"padding": (1, 0, 2), "stride": (1, 2, 1)}),
    ((1, 2, 6, 5), (3, 2, 3, 2), {"flip": True, "padding": 1, "stride": 2}),
]
cases = pytest.mark.parametrize(
    ("shape", "kernel", "named"), CASES, ids=[f"{k}{n}" for k, (*_, n) in enumerate(CASES)]
)


def widths(shape: tuple[int, ...], kernel: tuple[int, ...], named: dict[str, Any]):
    """Return strides, dilations and padding before and after, written out."""
    count = len(shape) - 2
    each = [named.get(k, 1) for k in ("stride", "dilation")]
    strides, dilations = ([e] * count if isinstance(e, int) else list(e) for e in each)
    reaches = [(t - 1) * d + 1 for t, d in zip(kernel[2:], dilations, strict=True)]
    padding = named.get("padding", "valid")
    pairs: list[tuple[int, int]] = []
    for k, (size, reach, stride) in enumerate(zip(shape[2:], reaches, strides, strict=True)):
        match padding:
            case "valid":
                pairs.append((0, 0))
            case "full":
                pairs.append((reach - 1, reach - 1))
            case "half":
                pairs.append((reach // 2, reach // 2))
            case "causal":
                pairs.append((reach - 1, 0))
            case "same":
                whole = max((-(-size // stride) - 1) * stride + reach - size, 0)
                pairs.append((whole // 2, whole - whole // 2))
            case int():
                pairs.append((padding, padding))
            case _:
                own = padding[k]
                pairs.append((own, own) if isinstance(own, int) else own)
    return strides, dilations, pairs


def convolved(x: Any, w: Any, named: dict[str, Any]) -> Any:
    strides, dilations, pairs = widths(x.shape, w.shape, named)
    if named.get("flip"):
        w = w[(slice(None), slice(None), *([slice(None, None, -1)] * len(pairs)))]
    x = np.pad(x, [(0, 0), (0, 0), *pairs])
    axes = tuple(range(2, x.ndim))
    reaches = [(t - 1) * d + 1 for t, d in zip(w.shape[2:], dilations, strict=True)]
    windows = sliding_window_view(x, reaches, axes)
    cut = [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    windows = windows[(slice(None), slice(None), *cut)]
    groups = named.get("groups", 1)
    parts = zip(np.split(windows, groups, 1), np.split(w, groups), strict=True)
    count = len(axes)
    letters = "xyz"[:count], "ijk"[:count]
    sums = f"nc{letters[0]}{letters[1]},oc{letters[1]}->no{letters[0]}"
    return np.concatenate([np.einsum(sums, a, b) for a, b in parts], 1)


def put(x: Any, w: Any, named: dict[str, Any]) -> Any:
    """The transpose: each element adds the kernel where it stood."""
    strides, dilations, pairs = widths(x.shape, w.shape, named)
    more = named.get("output_padding", 0)
    extra = [more] * len(strides) if isinstance(more, int) else more
    groups = named.get("groups", 1)
    each = w.shape[1]
    sizes = [
        (n - 1) * s + (t - 1) * d + 1
        for n, s, t, d in zip(x.shape[2:], strides, w.shape[2:], dilations, strict=True)
    ]
    whole = np.zeros((len(x), groups * each, *(s + e for s, e in zip(sizes, extra, strict=True))))
    for place in np.ndindex(*x.shape[2:]):
        for tap in np.ndindex(*w.shape[2:]):
            at = tuple(
                p * s + t * d for p, s, t, d in zip(place, strides, tap, dilations, strict=True)
            )
            for g in range(groups):
                rows = np.split(x, groups, 1)[g][(..., *place)]
                columns = np.split(w, groups)[g][(..., *tap)]
                whole[(slice(None), slice(g * each, (g + 1) * each), *at)] += rows @ columns
    cut = tuple(slice(b, n - a) for n, (b, a) in zip(whole.shape[2:], pairs, strict=True))
    return whole[(..., *cut)]


def last(x: Any) -> Any:
    return np.moveaxis(x, 1, -1)


def kernel_last(w: Any) -> Any:
    return np.moveaxis(w, (0, 1), (-1, -2))


def drawn(*shapes: tuple[int, ...], dtype: Any = np.float64) -> list[Any]:
    return [RANDOM.standard_normal(shape).astype(dtype) for shape in shapes]


@cases
def test_values_and_gradients(
    shape: tuple[int, ...], kernel: tuple[int, ...], named: dict[str, Any]
):
    x, w, b = drawn(shape, kernel, kernel[:1])
    wanted = convolved(x, w, named) + b.reshape(1, -1, *([1] * (x.ndim - 2)))
    (ct,) = drawn(wanted.shape)
    sx, sw, sb, sc = (
        ag.input(n, f"f64{list(a.shape)}") for n, a in zip("xwbc", (x, w, b, ct), strict=True)
    )
    y = ag.nn.conv(sx, sw, sb, **named)
    assert y.type.shape == wanted.shape == ag.nn.conv_output_shape(shape, kernel, **_placing(named))
    # The gradient is checked against sums of products, which it is linear in.
    gradients = ag.grad((y * sc).sum(), [sx, sw, sb])
    f = ag.function([sx, sw, sb, sc], [y, *gradients])
    result, dx, dw, db = f(x, w, b, ct)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)
    tx, tw = drawn(shape, kernel)
    np.testing.assert_allclose((dx * tx).sum(), (ct * convolved(tx, w, named)).sum())
    np.testing.assert_allclose((dw * tw).sum(), (ct * convolved(x, tw, named)).sum())
    np.testing.assert_allclose(db, ct.sum((0, *range(2, ct.ndim))))


def _placing(named: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in named.items() if k not in ("groups", "flip")}


@cases
def test_channels_last_and_unknown_sizes(
    shape: tuple[int, ...], kernel: tuple[int, ...], named: dict[str, Any]
):
    x, w = drawn(shape, kernel)
    layout = {3: "NWC", 4: "NHWC", 5: "NDHWC"}[len(shape)]
    sx = ag.input("x", f"f64[{', '.join('abcdef'[: x.ndim])}]")
    sw = ag.input("w", f"f64[{', '.join('uvwxyz'[: x.ndim])}]")
    y = ag.nn.conv(sx, sw, layout=layout, **named)
    wanted = convolved(x, w, named)
    f = ag.function([sx, sw], [y, ag.grad((y * y).sum(), sw), ag.grad((y * y).sum(), sx)])
    result, dw, dx = f(last(x), kernel_last(w))
    np.testing.assert_allclose(result, last(wanted), rtol=1e-12, atol=1e-12)
    tx, tw = drawn(shape, kernel)
    slope = (2 * wanted * convolved(x, tw, named)).sum()
    np.testing.assert_allclose((dw * kernel_last(tw)).sum(), slope)
    slope = (2 * wanted * convolved(tx, w, named)).sum()
    np.testing.assert_allclose((dx * last(tx)).sum(), slope)


@pytest.mark.parametrize("case", [0, 3, 5, 8, 12, 13])
def test_second_derivatives(case: int):
    shape, kernel, named = CASES[case]
    x, w = drawn(shape, kernel)
    check_gradient(lambda a, b: ag.nn.conv(a, b, **named) ** 3, x, w)


@pytest.mark.parametrize(
    ("mode", "padding"), [("full", "full"), ("valid", "valid"), ("same", "half")]
)
def test_one_channel_is_scipys(mode: Any, padding: str):
    x, w = drawn((9, 8), (3, 5))
    y = ag.nn.conv2d(x[None, None], w[None, None], padding=padding).eval()
    np.testing.assert_allclose(y[0, 0], signal.correlate(x, w, mode), atol=1e-12)
    y = ag.nn.conv2d(x[None, None], w[None, None], padding=padding, flip=True).eval()
    np.testing.assert_allclose(y[0, 0], signal.convolve(x, w, mode), atol=1e-12)


TRANSPOSED: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 4, 5), (3, 2, 3, 2), {}),
    ((2, 3, 4, 5), (3, 2, 4, 4), {"stride": 2, "padding": 1}),
    ((1, 4, 3, 4), (4, 3, 3, 3), {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2)}),
    ((1, 4, 3, 4), (4, 3, 3, 3), {"dilation": (2, 1), "padding": 2, "groups": 2}),
    ((1, 4, 3, 4), (4, 3, 3, 3), {"dilation": 3, "output_padding": 1}),
    ((2, 3, 5), (3, 2, 4), {"stride": 3, "padding": ((2, 1),)}),
    ((1, 2, 3, 2, 3), (2, 3, 2, 3, 2), {"stride": (1, 2, 2)}),
    ((1, 4, 3, 3), (4, 1, 2, 2), {"groups": 4, "stride": 2}),
]


@pytest.mark.parametrize(("shape", "kernel", "named"), TRANSPOSED)
def test_transposed_adds_kernels(
    shape: tuple[int, ...], kernel: tuple[int, ...], named: dict[str, Any]
):
    x, w = drawn(shape, kernel)
    results = kernel[1] * named.get("groups", 1)
    (b,) = drawn((results,))
    wanted = put(x, w, named) + b.reshape(1, -1, *([1] * (x.ndim - 2)))
    sx, sw = ag.input("x", f"f64{list(shape)}"), ag.input("w", f"f64{list(kernel)}")
    y = ag.nn.conv_transpose(sx, sw, b, **named)
    assert y.type.shape == ag.nn.conv_transpose_output_shape(shape, kernel, **named) == wanted.shape
    (ct,) = drawn(wanted.shape)
    f = ag.function([sx, sw], [y, *ag.grad((y * ct).sum(), [sx, sw])])
    result, dx, dw = f(x, w)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)
    tx, tw = drawn(shape, kernel)
    np.testing.assert_allclose((dx * tx).sum(), (ct * put(tx, w, named)).sum())
    np.testing.assert_allclose((dw * tw).sum(), (ct * put(x, tw, named)).sum())
    layout = {3: "NWC", 4: "NHWC", 5: "NDHWC"}[x.ndim]
    lx, lw = last(x), kernel_last(w)
    np.testing.assert_allclose(
        ag.nn.conv_transpose(lx, lw, b, layout=layout, **named).eval(), last(wanted), atol=1e-12
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("taps", [1, 2, 3, 4])
def test_transposed_same_is_the_gradient_of_same(stride: int, taps: int):
    x, w = drawn((2, 3, 5, 4), (3, 2, taps, taps))
    y = ag.nn.conv_transpose2d(x, w, stride=stride, padding="same")
    z = ag.input("z", f"f64{[2, 2, 5 * stride, 4 * stride]}")
    assert y.type == z.type
    cost = (ag.nn.conv2d(z, w, stride=stride, padding="same") * x).sum()
    (wanted,) = ag.grad(cost, [z])
    np.testing.assert_allclose(
        y.eval(), wanted.eval({z: np.zeros((2, 2, 5 * stride, 4 * stride))}), atol=1e-12
    )


@cases
def test_gradients_of_who_writes_them_himself(
    shape: tuple[int, ...], kernel: tuple[int, ...], named: dict[str, Any]
):
    x, w = drawn(shape, kernel)
    (ct,) = drawn(convolved(x, w, named).shape)
    sx, sw, sc = (
        ag.input(n, f"f64{list(a.shape)}") for n, a in zip("xwc", (x, w, ct), strict=True)
    )
    wanted = ag.grad((ag.nn.conv(sx, sw, **named) * sc).sum(), [sx, sw])
    own = [
        ag.nn.conv_input_gradient(sc, sw, shape, **named),
        ag.nn.conv_weight_gradient(sx, sc, kernel, **named),
    ]
    assert [o.type for o in own] == [o.type for o in wanted]
    a, b, c, d = ag.function([sx, sw, sc], [*own, *wanted])(x, w, ct)
    np.testing.assert_allclose(a, c, atol=1e-12)
    np.testing.assert_allclose(b, d, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_and_separable(stride: int):
    x, d, p = drawn((2, 4, 7, 6), (8, 1, 3, 3), (5, 8, 1, 1))
    b = np.arange(5.0)
    named: dict[str, Any] = {"stride": stride, "padding": "same"}
    wanted = convolved(x, d, {**named, "groups": 4})
    sx, sd = ag.input("x", "f64[n, 4, h, w]"), ag.input("d", "f64[8, 1, 3, 3]")
    y = ag.nn.depthwise_conv2d(sx, sd, **named)
    (ct,) = drawn(wanted.shape)
    f = ag.function([sx, sd], [y, *ag.grad((y * ct).sum(), [sx, sd])])
    result, dx, dw = f(x, d)
    np.testing.assert_allclose(result, wanted, atol=1e-12)
    tx, td = drawn(x.shape, d.shape)
    kind = {**named, "groups": 4}
    np.testing.assert_allclose((dx * tx).sum(), (ct * convolved(tx, d, kind)).sum())
    np.testing.assert_allclose((dw * td).sum(), (ct * convolved(x, td, kind)).sum())
    both = ag.nn.separable_conv2d(x, d, p, b, **named).eval()
    np.testing.assert_allclose(both, convolved(wanted, p, {}) + b[:, None, None], atol=1e-12)
    # Channels last: the kernel of each channel has the results of it last.
    tensorflow = np.moveaxis(d.reshape(4, 2, 3, 3), (0, 1), (2, 3))
    turned = ag.nn.depthwise_conv2d(last(x), tensorflow, layout="NHWC", **named).eval()
    np.testing.assert_allclose(turned, last(wanted), atol=1e-12)


def test_examples_with_kernels_of_their_own():
    x, w = drawn((3, 2, 4, 6, 5), (3, 4, 2, 3, 3))
    sx, sw = ag.input("x", "f64[b, 2, 4, 6, 5]"), ag.input("w", "f64[b, 4, 2, 3, 3]")
    kind: dict[str, Any] = {"groups": 2, "stride": 2, "padding": 1}
    y = ag.vectorize(lambda a, b: ag.nn.conv2d(a, b, **kind))(sx, sw)
    f = ag.function([sx, sw], [y, ag.grad((y**2).sum(), sw)])
    result, dw = f(x, w)
    for k in range(3):
        one = convolved(x[k], w[k], kind)
        np.testing.assert_allclose(result[k], one, atol=1e-12)
        (t,) = drawn(w[k].shape)
        np.testing.assert_allclose((dw[k] * t).sum(), (2 * one * convolved(x[k], t, kind)).sum())


def test_gradients_of_each_example():
    x, w = drawn((3, 2, 6, 5), (4, 2, 3, 3))
    sx, sw = ag.input("x", "f64[n, 2, 6, 5]"), ag.input("w", "f64[4, 2, 3, 3]")

    def cost(example: ag.Tensor) -> ag.Tensor:
        return (ag.nn.conv2d(example[None], sw, padding=1) ** 2).sum()

    each = ag.vectorize(lambda example: ag.grad(cost(example), sw))(sx)
    result = ag.function([sx, sw], each)(x, w)
    (t,) = drawn(w.shape)
    for k in range(3):
        a, b = (convolved(x[k : k + 1], v, {"padding": 1}) for v in (w, t))
        np.testing.assert_allclose((result[k] * t).sum(), (2 * a * b).sum())


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32"])
def test_dtypes(dtype: str):
    kind = ag.input("x", f"{dtype}[]").dtype.numpy
    x, w = drawn((2, 3, 6, 5), (4, 3, 3, 3), dtype=np.float32)
    x, w = x.astype(kind), w.astype(kind)
    y = ag.nn.conv2d(x, w, padding=1).eval()
    assert y.dtype == kind
    wanted = convolved(x.astype("f8"), w.astype("f8"), {"padding": 1})
    error = {"f16": 2e-3, "bf16": 1e-2, "f32": 1e-5}[dtype]
    np.testing.assert_allclose(y.astype("f8"), wanted, rtol=error, atol=error)


def test_what_comes_together_is_promoted():
    w = np.ones((1, 1, 2, 2), np.float32)
    y = ag.nn.conv2d(np.full((1, 1, 3, 3), 200, np.uint8), w)
    assert y.dtype.numpy == np.float32
    np.testing.assert_array_equal(y.eval(), np.full((1, 1, 2, 2), 800.0))


def test_widths_may_be_symbolic():
    x, n = ag.input("x", "f64[1, 2, a, b]"), ag.input("n", "i64[]")
    w = drawn((3, 2, 3, 3))[0]
    f = ag.function([x, n], ag.nn.conv2d(x, w, padding=((n, 0), (1, n + 1))))
    (value,) = drawn((1, 2, 5, 4))
    for k in (0, 2):
        wanted = convolved(value, w, {"padding": ((k, 0), (1, k + 1))})
        np.testing.assert_allclose(f(value, k), wanted, atol=1e-12)
    with pytest.raises(ag.ShapeError):
        f(value, -1)


def test_a_kernel_has_to_fit_in_a_call_too():
    x, w = ag.input("x", "f32[n, c, a, b]"), ag.input("w", "f32[k, 3, 3, 3]")
    f = ag.function([x, w], ag.nn.conv2d(x, w, groups=2))
    good = np.ones((1, 6, 3, 4), np.float32), np.ones((4, 3, 3, 3), np.float32)
    assert f(*good).shape == (1, 4, 1, 2)
    with pytest.raises(ag.ShapeError, match="over 3 elements of axis 1 of space, which has 2"):
        f(np.ones((1, 6, 3, 2), np.float32), good[1])
    with pytest.raises(ag.ShapeError, match="channels"):
        f(np.ones((1, 5, 3, 4), np.float32), good[1])
    with pytest.raises(ag.ShapeError, match="in groups"):
        f(good[0], np.ones((3, 3, 3, 3), np.float32))


X = ag.input("x", "f32[2, 3, 8, 8]")
W = ag.input("w", "f32[4, 3, 3, 3]")
BAD: list[tuple[Any, str]] = [
    (lambda: ag.nn.conv2d(X, ag.input("w", "f32[4, 2, 3, 3]")), "3 channels.*for 2"),
    (lambda: ag.nn.conv2d(X, W, groups=3), "for 3 groups of 3"),
    (lambda: ag.nn.conv2d(X, ag.input("w", "f32[4, 1, 3, 3]"), groups=3), "do not fall into 3"),
    (lambda: ag.nn.conv2d(X, ag.input("w", "f32[4, 3, 9, 3]")), "does not fit into the 8"),
    (lambda: ag.nn.conv2d(X, W, dilation=4), "reaches over 9 elements"),
    (lambda: ag.nn.conv2d(X[0], W), "NCHW or NHWC, but x has 3"),
    (lambda: ag.nn.conv(X[0, 0], W), "space of 1 to 3 axes"),
    (lambda: ag.nn.conv2d(X, W[0]), "a kernel has 4 axes"),
    (lambda: ag.nn.conv2d(X, W, padding="some"), 'padding is "valid"'),
    (lambda: ag.nn.conv2d(X, W, padding="causal"), "in one dimension"),
    (lambda: ag.nn.conv2d(X, W, padding=(1, 2, 3)), "2 of them"),
    (lambda: ag.nn.conv2d(X, W, padding=((1, 2, 3), (1, 2))), "pairs"),
    (lambda: ag.nn.conv2d(X, W, padding=-1), "negative"),
    (lambda: ag.nn.conv1d(X[:, :, 0], W[:, :, 0], padding=(1, 2)), r"pairs \(\(before, after\),\)"),
    (lambda: ag.nn.conv2d(X, W, stride=0), "stride is an integer of at least 1"),
    (lambda: ag.nn.conv2d(X, W, stride=(1, 1, 1)), "2 of them"),
    (lambda: ag.nn.conv2d(X, W, dilation=1.5), "dilation is an integer"),
    (lambda: ag.nn.conv2d(X, W, groups=0), "groups is an integer"),
    (lambda: ag.nn.conv2d(X, W, layout="CHW"), 'the layout is "NCHW" or "NHWC"'),
    (lambda: ag.nn.conv2d(X, W, np.ones(3, np.float32)), "each of the 4 results"),
    (lambda: ag.nn.conv2d(np.ones((1, 1, 3, 3), int), np.ones((1, 1, 2, 2), int)), "takes floats"),
    (lambda: ag.nn.conv_transpose2d(X, W), "the kernel.*is for 4"),
    (lambda: ag.nn.conv_transpose2d(X, W.T, output_padding=1), "smaller than stride or dilation"),
    (lambda: ag.nn.conv_transpose2d(X, W.T, padding=9), "nothing is left"),
    (lambda: ag.nn.conv_input_gradient(X, X, (2, 3, 9, 9)), "for 2"),
    (lambda: ag.nn.conv_input_gradient(X, W.T, (2, 3, 8, 8)), "a cotangent is"),
    (lambda: ag.nn.conv_weight_gradient(X, X, (3, 3, 3, 3)), "a cotangent is"),
    (lambda: ag.nn.conv_weight_gradient(X, X, (4, 3, 1, 1)), "has the shape"),
    (lambda: ag.nn.depthwise_conv2d(X, W), "has to be"),
    (lambda: ag.nn.conv_output_shape((1, 2), (1, 2)), "3 to 5 sizes"),
    (lambda: ag.nn.conv_output_shape((8, 3, 4, 9), (5, 3, 7, 7)), "not fit into the 4 elements"),
]


@pytest.mark.parametrize(("call", "words"), BAD, ids=[words for _, words in BAD])
def test_bad_calls(call: Any, words: str):
    with pytest.raises(ag.GraphTypeError, match=words):
        call()


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (
            lambda x: ag.nn.conv2d(x, np.ones((4, 3, 3, 3), np.float32), padding=((0, 1), (1, 1))),
            (2, 3, 1, 5),
            "the kernel reaches over 3 elements of axis 0 of space, which has 2 with its padding",
        ),
        (lambda x: ag.nn.max_pool2d(x, (2, 3)), (2, 3, 4, 2), "no windows of 3 fit along axis 3"),
    ],
    ids=["conv2d", "max_pool2d"],
)
def test_what_turns_out_too_small_in_a_call(layer: Any, shape: tuple[int, ...], words: str):
    x = ag.input("x", "f32[n, 3, h, w]")
    with pytest.raises(ag.ShapeError, match=words):
        ag.function([x], layer(x))(np.ones(shape, np.float32))
