"""Pooling of the last two or three axes."""

from __future__ import annotations

import warnings
from typing import Any

import agnesi as ag
from agnesi.nn.computed_windows import computed_pool
from agnesi.theano.gof.graph import Variable
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.elementary import ge, maximum, switch
from agnesi.theano.tensor.native_op import NativeOp

as_tensor_variable = tensor.as_tensor_variable
_MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")
_INTEGERS = ("int8", "int16", "int32", "int64")


def _renamed(new: Any, old: Any, names: tuple[str, str], level: int) -> Any:
    """Return what was given under its name, or, with a warning, under the old one.

    Raises:
        ValueError: under both.
    """
    if old is None:
        return new
    if new is not None and any(n != 0 for n in new):
        raise ValueError(
            f"You can't provide a tuple value to both '{names[0]}' and '{names[1]}'. Please "
            f"provide a value only to '{names[0]}'."
        )
    warnings.warn(
        f"DEPRECATION: the '{names[1]}' parameter is not going to exist anymore as it is going to "
        f"be replaced by the parameter '{names[0]}'.",
        stacklevel=level,
    )
    return old


def _arguments(
    ws: Any, stride: Any, pad: Any, old: tuple[Any, Any, Any], level: int = 4
) -> tuple[Any, Any, Any]:
    """Return window, stride and padding, whatever names they were given under.

    Raises:
        ValueError: there is no window, or one was given twice.
    """
    ws = _renamed(ws, old[0], ("ws", "ds"), level)
    if ws is None:
        raise ValueError("You must provide a tuple value for the window size.")
    stride = _renamed(stride, old[1], ("stride", "st"), level)
    return ws, stride, _renamed(pad, old[2], ("pad", "padding"), level)


def _windows(v: Any, w: Any, s: Any, ignore_border: bool) -> Any:
    """Return how many windows there are along an axis; sizes may be computed."""
    symbolic = any(isinstance(n, Variable) for n in (v, w, s))
    largest = maximum if symbolic else max
    if ignore_border:
        return largest((v - w) // s + 1, 0)
    inside, beyond = largest(0, (v - 1 - w) // s + 1) + 1, (v - 1) // s + 1
    if symbolic:
        return switch(ge(s, w), beyond, inside)
    return beyond if s >= w else inside


class _Pooling(NativeOp):
    """What pooling and its derivatives have in common.

    Attributes:
        ignore_border: whether windows that reach beyond the image are dropped.
        mode: ``"max"``, ``"sum"``, ``"average_inc_pad"`` or ``"average_exc_pad"``.
        ndim: how many of the last axes are pooled.
        openmp: means nothing.
    """

    __props__ = ("ignore_border", "mode", "ndim")
    ties: Any = "all"

    def __init__(
        self, ignore_border: bool = False, mode: str = "max", ndim: int = 2, openmp: Any = None
    ) -> None:
        mode = "max" if mode == "max_deterministic" else mode
        if mode not in _MODES:
            raise ValueError(
                "Pool mode parameter only support 'max', 'sum', 'average_inc_pad' and "
                f"'average_exc_pad'. Got {mode}"
            )
        self.ignore_border, self.mode, self.ndim, self.openmp = ignore_border, mode, ndim, openmp

    def numbers(self, ws: Any, stride: Any, pad: Any) -> list[Any]:
        """Return window, stride and padding as vectors.

        Raises:
            NotImplementedError: padding that Theano does not have either.
            TypeError: they are no integers.
        """
        stride = ws if stride is None else stride
        pad = (0,) * self.ndim if pad is None else pad
        symbolic = not isinstance(pad, tuple | list) or any(isinstance(p, Variable) for p in pad)
        if not symbolic and not isinstance(self, PoolGrad):
            if max(pad) != 0 and not self.ignore_border:
                raise NotImplementedError("padding works only with ignore_border=True")
            if isinstance(ws, tuple | list) and any(
                not isinstance(w, Variable) and p >= w for p, w in zip(pad, ws, strict=True)
            ):
                raise NotImplementedError("padding must be smaller than strides")
        found = [as_tensor_variable(n) for n in (ws, stride, pad)]
        for what, n in zip(("Pool downsample", "Stride", "Padding"), found, strict=True):
            if n.dtype not in _INTEGERS:
                raise TypeError(f"{what} parameters must be ints.")
            if n.ndim != 1:
                raise AssertionError(f"{what} parameters are a vector, not {n.type}")
        return found

    def arrays(self, *given: Any) -> list[Any]:
        """Return arrays that have the axes which are pooled.

        Raises:
            TypeError: they have fewer.
        """
        found = [as_tensor_variable(v) for v in given]
        if any(v.ndim < self.ndim for v in found):
            raise TypeError(f"{self.name}: at least {self.ndim} axes are pooled")
        return found

    def pooled(self, x: ag.Tensor, *numbers: ag.Tensor) -> ag.Tensor:
        """Return windows' largest elements, sums or means."""
        window, stride, pad = (tuple(shapes.sizes_in(n, self.ndim)) for n in numbers)
        mode: Any = {"max": "max", "sum": "sum"}.get(self.mode, "average")
        named: dict[str, Any] = {
            "ignore_border": bool(self.ignore_border),
            "count_include_pad": self.mode == "average_inc_pad",
            "ties": self.ties,
        }
        axes = tuple(range(-self.ndim, 0))
        if any(
            isinstance(p, int) and isinstance(w, int) and p >= w
            for p, w in zip(pad, window, strict=True)
        ):
            # Windows that may lie in the padding, which ag.nn.pool does not have.
            along = tuple(a + x.ndim for a in axes)
            made = computed_pool(x, along, window, stride, pad, mode, **named)
        else:
            sizes: list[Any] = [
                tuple(n if isinstance(n, int) else shapes.SizeValue(n) for n in every)
                for every in (window, stride, pad)
            ]
            made = ag.nn.pool(x, *sizes, mode=mode, axes=axes, **named)
        return ag.astype(made, x.dtype)

    @staticmethod
    def out_shape(
        imgshape: Any,
        ws: Any = None,
        ignore_border: bool = False,
        stride: Any = None,
        pad: Any = None,
        ndim: Any = 2,
        ds: Any = None,
        st: Any = None,
        padding: Any = None,
    ) -> list[Any]:
        """Return the shape of pooled images, whose sizes may be variables."""
        ws, stride, pad = _arguments(ws, stride, pad, (ds, st, padding))
        ndim = 2 if ndim is None else ndim
        if len(imgshape) < ndim:
            raise TypeError(f"imgshape must have at least {ndim} dimensions")
        stride = ws if stride is None else stride
        pad = (0,) * ndim if pad is None else pad
        sizes = [
            _windows(tensor.extract_constant(n) + 2 * pad[k], ws[k], stride[k], ignore_border)
            for k, n in enumerate(imgshape[-ndim:])
        ]
        return [*imgshape[:-ndim], *sizes]


class Pool(_Pooling):
    """The largest element, the sum or the mean of each window: ``Pool()(x, ws, stride, pad)``."""

    def convert(self, x: Any, ws: Any, stride: Any = None, pad: Any = None) -> list[Any]:
        """An array, and numbers for each of its last axes."""
        return [*self.arrays(x), *self.numbers(ws, stride, pad)]

    def build(self, x: ag.Tensor, *numbers: ag.Tensor) -> ag.Tensor:
        """A maximum's gradient goes to all elements that are as large."""
        return self.pooled(x, *numbers)


class PoolGrad(_Pooling):
    """What gradients of pooling have in common."""


class MaxPoolGrad(PoolGrad):
    """The gradient of a maximum by the array, given that by the maxima."""

    def __init__(self, ignore_border: bool, ndim: int = 2, openmp: Any = None) -> None:
        super().__init__(ignore_border, "max", ndim, openmp)

    def convert(
        self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None
    ) -> list[Any]:
        """The array, its maxima, the gradient by these, and numbers."""
        return [*self.arrays(x, maxout, gz), *self.numbers(ws, stride, pad)]

    def build(self, x: Any, maxout: Any, gz: Any, *numbers: Any) -> ag.Tensor:
        """It goes to all elements that are as large."""
        del maxout
        return ag.vjp(self.pooled(x, *numbers), x, gz)


class AveragePoolGrad(PoolGrad):
    """The gradient of a sum or mean by the array, given that by the sums."""

    def __init__(self, ignore_border: bool, mode: str = "average_inc_pad", ndim: int = 2) -> None:
        if mode == "max":
            raise AssertionError("AveragePoolGrad is of sums and means")
        super().__init__(ignore_border, mode, ndim)

    def convert(
        self, x: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None, dummy: Any = None
    ) -> list[Any]:
        """The array, the gradient by its sums, and numbers."""
        del dummy
        return [*self.arrays(x, gz), *self.numbers(ws, stride, pad)]

    def build(self, x: Any, gz: Any, *numbers: Any) -> ag.Tensor:
        """The same for each element of a window."""
        return ag.vjp(self.pooled(x, *numbers), x, gz)


class DownsampleFactorMaxGradGrad(_Pooling):
    """How maxima change with the array; where several are as large, the sum of their changes."""

    def __init__(
        self, ignore_border: bool, mode: str = "max", ndim: int = 2, openmp: Any = None
    ) -> None:
        if mode != "max":
            raise AssertionError(f"{type(self).__name__} is of maxima")
        super().__init__(ignore_border, mode, ndim, openmp)

    def convert(
        self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None
    ) -> list[Any]:
        """The array, its maxima, the array's change, and numbers."""
        return [*self.arrays(x, maxout, gz), *self.numbers(ws, stride, pad)]

    def build(self, x: Any, maxout: Any, gz: Any, *numbers: Any) -> ag.Tensor:
        """The derivative along a direction."""
        del maxout
        return ag.jvp(self.pooled(x, *numbers), x, gz)


class MaxPoolRop(_Pooling):
    """Elements of another array where the first maximum of each window is."""

    ties = "first"

    def __init__(
        self, ignore_border: bool = False, mode: str = "max", ndim: int = 2, openmp: Any = None
    ) -> None:
        if mode != "max":
            raise AssertionError("MaxPoolRop is of maxima")
        super().__init__(ignore_border, mode, ndim, openmp)

    def convert(
        self, x: Any, eval_point: Any, ws: Any, stride: Any = None, pad: Any = None
    ) -> list[Any]:
        """The array, the other one, and numbers."""
        return [*self.arrays(x, eval_point), *self.numbers(ws, stride, pad)]

    def build(self, x: Any, eval_point: Any, *numbers: Any) -> ag.Tensor:
        """The derivative along a direction."""
        return ag.jvp(self.pooled(x, *numbers), x, eval_point)


def _pool(space: int, input: Any, given: Any, ignore_border: Any, mode: str) -> Any:
    x = as_tensor_variable(input)
    if x.ndim < space:
        raise NotImplementedError(f"pool_{space}d requires a dimension >= {space}")
    if ignore_border is None:
        warnings.warn(
            f"pool_{space}d() will have the parameter ignore_border default value changed to True "
            "(currently False). To have consistent behavior with all Theano version, explicitly "
            "add the parameter ignore_border=True.",
            stacklevel=3,
        )
        ignore_border = False
    return Pool(ignore_border, mode, space)(x, *given)


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: Any = None,
    stride: Any = None,
    pad: Any = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """Return images with the largest, the sum or the mean of each window of the last two axes.

    Args:
        input: images, along the last two axes.
        ws: rows and columns of a window.
        ignore_border: whether windows that reach beyond the image are dropped.
        stride: how far from window to window; ``ws`` by default.
        pad: zeros around.
        mode: ``"max"``, ``"sum"``, ``"average_inc_pad"`` or ``"average_exc_pad"``.
        ds: an old name of ``ws``.
        st: an old name of ``stride``.
        padding: an old name of ``pad``.
    """
    given = _arguments(ws, stride, pad, (ds, st, padding))
    return _pool(2, input, given, ignore_border, mode)


def pool_3d(
    input: Any,
    ws: Any = None,
    ignore_border: Any = None,
    stride: Any = None,
    pad: Any = (0, 0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """Return volumes with the largest, the sum or the mean of each window of three axes."""
    given = _arguments(ws, stride, pad, (ds, st, padding))
    return _pool(3, input, given, ignore_border, mode)


def max_pool_2d_same_size(input: Any, patch_size: Any) -> Any:
    """Return images in which all but the largest element of each window are 0."""
    pooled = Pool(True)(input, patch_size)
    return MaxPoolGrad(True)(input, pooled, pooled, patch_size)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
