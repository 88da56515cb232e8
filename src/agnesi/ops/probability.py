"""Softmax and its kin: expressions that overflow when written naively, and do not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from agnesi.core.dtypes import BOOL, INTEGERS, floating
from agnesi.core.errors import GraphTypeError, IndexOutOfBounds
from agnesi.graph.tensor import Array, Axes, Requirement, Sizes, Tensor, TensorLike
from agnesi.graph.types import TensorType
from agnesi.ops.bounds import within_bounds
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange
from agnesi.ops.elementary import exp, log
from agnesi.ops.families import Composite, Domain, Op, Reject, Sample, without_axes
from agnesi.ops.lift import as_axes, as_axis, as_tensor, operand_lines, unify
from agnesi.ops.movement import broadcast, moveaxis, repeat, restore_axes
from agnesi.ops.reductions import Top

if TYPE_CHECKING:
    from collections.abc import Sequence

    ReductionName = Literal["none", "mean", "sum"]


__all__ = ["cross_entropy", "log_softmax", "logsumexp", "softmax"]

_WIDE = (Domain(-30, 30),)
_SAMPLES = (
    Sample(((3, 4),)),
    Sample(((3, 4),), (0,)),
    Sample(((2, 3, 4),), ((1, 2),)),
    Sample(((5,),), (-1,)),
    Sample(((0, 3),), (1,)),
    Sample(((3, 1),), (1,)),
)
_REJECTS = (Reject(("f32[2]",), "no axis 1", (1,)),)


def _wide(x: Array) -> Array:
    return x.astype(np.longdouble)


def _finite_max(x: Array, axis: Axes) -> Array:
    top = np.max(x, axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def _logsumexp(x: Array, axis: Axes = None, *, keepdims: bool = False) -> Array:
    top = _finite_max(_wide(x), axis)
    with np.errstate(divide="ignore"):
        result = np.log(np.sum(np.exp(_wide(x) - top), axis, keepdims=True)) + top
    return result if keepdims else np.sum(result, axis)


def _softmax(x: Array, axis: Axes = -1) -> Array:
    e = np.exp(_wide(x) - _finite_max(_wide(x), axis))
    return e / np.sum(e, axis, keepdims=True)


def _log_softmax(x: Array, axis: Axes = -1) -> Array:
    shifted = _wide(x) - _finite_max(_wide(x), axis)
    with np.errstate(divide="ignore"):
        return shifted - np.log(np.sum(np.exp(shifted), axis, keepdims=True))


class LogSumExp(Composite):
    """``log(sum(exp(x)))`` over axes, without overflow: the largest element is taken out first."""

    x: Tensor
    axes: tuple[int, ...]

    public = "logsumexp"
    reference = staticmethod(_logsumexp)
    domain = _WIDE
    samples = (*_SAMPLES, Sample(((3, 4),), (1,), {"keepdims": True}), Sample(((2, 0),), (1,)))
    rejects = _REJECTS

    def infer(self) -> TensorType:
        """The axes disappear."""
        return TensorType(self.x.dtype, without_axes(self.x.type.shape, self.axes))

    def decompose(self) -> Tensor:
        """``log(sum(exp(x - m))) + m``."""
        top = finite_max(self.x, self.axes)
        total = exp(self.x - top).sum(self.axes)
        return log(total) + top.squeeze(self.axes)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The softmax."""
        return (restore_axes(ct, self.axes) * Softmax(self.x, self.axes),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference, in long double."""
        return np.asarray(_logsumexp(operands[0], self.axes), self.dtype.numpy)


def finite_max(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the largest element with its axes kept, 0 where that is infinite."""
    top = restore_axes(Top(x, axes), axes)
    return where(abs(top) < np.inf, top, 0.0)


class Softmax(Composite):
    """``exp(x) / sum(exp(x))`` over axes, without overflow."""

    x: Tensor
    axes: tuple[int, ...]

    public = "softmax"
    reference = staticmethod(_softmax)
    domain = _WIDE
    samples = _SAMPLES
    rejects = _REJECTS
    tolerance = 16.0

    def decompose(self) -> Tensor:
        """``e / sum(e)`` with ``e = exp(x - max(x))``."""
        e = exp(self.x - finite_max(self.x, self.axes))
        return e / e.sum(self.axes, keepdims=True)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``s * (ct - sum(ct*s))``."""
        return (self * (ct - (ct * self).sum(self.axes, keepdims=True)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference, in long double."""
        return np.asarray(_softmax(operands[0], self.axes), self.dtype.numpy)


class LogSoftmax(Composite):
    """``x - logsumexp(x)`` over axes."""

    x: Tensor
    axes: tuple[int, ...]

    public = "log_softmax"
    reference = staticmethod(_log_softmax)
    domain = _WIDE
    samples = _SAMPLES
    rejects = _REJECTS
    tolerance = 16.0

    def decompose(self) -> Tensor:
        """``(x - m) - log(sum(exp(x - m)))``."""
        shifted = self.x - finite_max(self.x, self.axes)
        return shifted - log(exp(shifted).sum(self.axes, keepdims=True))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``ct - softmax * sum(ct)``."""
        return (ct - Softmax(self.x, self.axes) * ct.sum(self.axes, keepdims=True),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference, in long double."""
        return np.asarray(_log_softmax(operands[0], self.axes), self.dtype.numpy)


def _cross_entropy(logits: Array, labels: Array) -> Array:
    logs = _log_softmax(logits)
    if labels.dtype.kind == "f":
        return -np.sum(np.where(labels == 0, 0, labels * logs), -1)
    return -np.take_along_axis(logs, labels.astype(np.int64)[..., None], -1)[..., 0]


class CrossEntropy(Composite):
    """Negative log-likelihood of integer labels under the softmax of the logits' last axis."""

    logits: Tensor
    labels: Tensor

    public = "cross_entropy"
    reference = staticmethod(_cross_entropy)
    domain = (*_WIDE, Domain(0, 3, dtypes=INTEGERS))
    samples = (
        Sample(((3, 4), (3,))),
        Sample(((4,), ())),
        Sample(((2, 3, 5), (2, 3))),
        Sample(((0, 4), (0,))),
    )
    rejects = (
        Reject(("f32[3, 4]", "i64[5]"), "do not fit"),
        Reject(("f32[3, 4]", "i64[3, 4]"), "do not fit"),
        Reject(("f32[]", "i64[]"), "at least one axis"),
        Reject(("f32[3, 4]", "f32[3, 5]"), "probabilities"),
        Reject(("f32[3, 4]", "bool[3]"), "labels are integers"),
    )

    def infer(self) -> TensorType:
        """One loss for each label."""
        return TensorType(self.logits.dtype, self.logits.type.shape[:-1])

    def _hits(self) -> Tensor:
        return _hits(self.logits, self.labels)

    def decompose(self) -> Tensor:
        """``log(sum(exp(x - m))) - (x[label] - m)``."""
        axes = (self.logits.ndim - 1,)
        shifted = self.logits - finite_max(self.logits, axes)
        picked = where(self._hits(), shifted, 0.0).sum(-1)
        return log(exp(shifted).sum(-1)) - picked

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``softmax - one_hot``."""
        axes = (self.logits.ndim - 1,)
        residual = Softmax(self.logits, axes) - self._hits().astype(self.dtype)
        return restore_axes(ct, axes) * residual, None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference, in long double."""
        logits, labels = operands
        classes = logits.shape[-1]
        for label in (labels.min(initial=0), labels.max(initial=0)):
            if labels.size and not 0 <= label < classes:
                raise IndexOutOfBounds(
                    f"cross_entropy: label {label} is out of bounds for {classes} classes\n"
                    f"{operand_lines(self.fields, self.operands)}"
                )
        return np.asarray(_cross_entropy(logits, labels), self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """A label for each row."""
        pairs = zip(self.labels.type.shape, self.logits.type.shape[:-1], strict=True)
        words = f"labels {self.labels.type} for logits {self.logits.type}"
        return tuple(Requirement("equal", a, b, words) for a, b in pairs if a != b)


def _hits(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether each logit is that of its row's label; labels are checked to be classes."""
    shape = logits.type.shape
    checked = within_bounds(labels, shape[-1], f"labels {labels!r}")
    spread = broadcast(restore_axes(checked, (logits.ndim - 1,)), shape)
    return spread == Arange(shape, len(shape) - 1)


def label_mask(op: str, x: Tensor, labels: Tensor) -> Tensor:
    """Return whether each element of ``[..., classes]`` belongs to its row's label.

    Args:
        op: the public function.
        x: has the shape.
        labels: integers ``[...]``.

    Raises:
        GraphTypeError: labels that do not fit.
    """
    _check_labels(op, x, labels)
    return _hits(x, labels)


def _check_labels(op: str, x: Tensor, labels: Tensor) -> None:
    lines = operand_lines(("logits", "labels"), (x, labels))
    if not x.ndim:
        raise GraphTypeError(f"{op}: logits need at least one axis\n{lines}")
    if labels.dtype is BOOL:
        raise GraphTypeError(f"{op}: labels are integers or probabilities\n{lines}")
    rows = x.type.shape if labels.dtype.is_float else x.type.shape[:-1]
    pairs = zip(rows, labels.type.shape, strict=False)
    if labels.ndim != len(rows) or any(unify(a, b) is None for a, b in pairs):
        raise GraphTypeError(
            f"{op}: the labels do not fit the rows of the logits\n{lines}\n"
            "  give one integer for each row, or probabilities of the logits' shape"
        )


def reduced(op: str, losses: Tensor, reduction: str, weights: Tensor | None = None) -> Tensor:
    """Return losses as they are, their sum, or their mean.

    Args:
        op: the public function.
        losses: one for each example.
        reduction: ``"none"``, ``"sum"`` or ``"mean"``.
        weights: how much each example counts in a mean; losses are scaled already.

    Raises:
        GraphTypeError: another word.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean() if weights is None else losses.sum() / weights.sum()
    raise GraphTypeError(f"{op}: reduction is 'none', 'mean' or 'sum', not {reduction!r}")


def _float(x: TensorLike) -> Tensor:
    tensor = as_tensor(x)
    return tensor.astype(floating(tensor.dtype))


def logsumexp(
    x: TensorLike, /, axis: Axes = None, *, b: TensorLike | None = None, keepdims: bool = False
) -> Tensor:
    """Return ``log(sum(b * exp(x)))`` over axes, without overflow, as ``scipy.special.logsumexp``.

    Args:
        x: array; integers are converted to floats.
        axis: axis or axes; all by default.
        b: factors, which broadcast to the shape of ``x``; a negative sum gives NaN.
        keepdims: keep the axes with size 1.

    Raises:
        GraphTypeError: no such axis, or factors that do not fit.

    >>> ag.logsumexp(ag.constant([1e3, 1e3])).eval()
    array(1000.69..., dtype=float32)
    """
    tensor = _float(x)
    axes = as_axes("logsumexp", axis, tensor.ndim, tensor)
    if b is not None:
        return _weighted(tensor, as_tensor(b).astype(tensor.dtype), axes, keepdims)
    result = LogSumExp(tensor, axes) if axes else tensor
    return restore_axes(result, axes) if keepdims else result


def _weighted(x: Tensor, b: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    weights = repeat("logsumexp: b", b, x.type.shape)
    # An element that does not count must not be the largest.
    chosen = where(weights == 0, -np.inf, x)
    top = finite_max(chosen, axes)
    total = (weights * exp(chosen - top)).sum(axes, keepdims=True)
    result = log(total) + top
    return result if keepdims else result.squeeze(axes)


def softmax(x: TensorLike, /, axis: Axes = -1) -> Tensor:
    """Return ``exp(x) / sum(exp(x))`` over the axes, the last by default.

    >>> ag.softmax(ag.constant([1e3, 1e3])).eval()
    array([0.5, 0.5], dtype=float32)
    """
    tensor = _float(x)
    return Softmax(tensor, as_axes("softmax", axis, tensor.ndim, tensor))


def log_softmax(x: TensorLike, /, axis: Axes = -1) -> Tensor:
    """Return ``log(softmax(x))`` over the axes, the last by default, without overflow."""
    tensor = _float(x)
    return LogSoftmax(tensor, as_axes("log_softmax", axis, tensor.ndim, tensor))


def cross_entropy(
    logits: TensorLike,
    labels: TensorLike,
    /,
    axis: int = -1,
    reduction: ReductionName = "none",
    *,
    weights: TensorLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Tensor:
    """Return the cross-entropy of each row of logits against its label.

    Args:
        logits: ``[..., classes]``, unnormalised log-probabilities.
        labels: integers ``[...]`` in ``0 <= label < classes``, checked in each call; or
            probabilities of the shape of the logits.
        axis: that of classes, the last by default (1 for images ``[n, classes, h, w]``).
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        weights: how much each class counts, ``[classes]``; a mean over integer labels is over
            their weights.
        label_smoothing: the share of a label that goes to all classes alike (C. Szegedy and others:
            Rethinking the inception architecture.  CVPR (2016), arXiv 1512.00567, section 7).
        ignore_index: labels of this number count nothing; a mean is over the others.

    Returns:
        ``-log_softmax(logits)[label]`` for each row, or ``-sum(labels * log_softmax(logits))``.

    Raises:
        GraphTypeError: shapes that do not fit, or settings that make no sense.
        IndexOutOfBounds: in a call, a label that is not a class.

    >>> ag.cross_entropy(ag.constant([[0.0, 0.0]]), ag.constant([1])).eval()
    array([0.6931472], dtype=float32)
    >>> ag.cross_entropy(ag.zeros((3, 2)), ag.constant([1, -1, 0]), ignore_index=-1).eval()
    array([0.6931472, 0. , 0.6931472], dtype=float32)
    """
    x, y = _float(logits), as_tensor(labels)
    if not x.ndim:
        _check_labels("cross_entropy", x, y)
    place = as_axis("cross_entropy", axis, x.ndim, x)
    if not 0 <= label_smoothing < 1:
        raise GraphTypeError(
            f"cross_entropy: label_smoothing is at least 0 and below 1, not {label_smoothing!r}"
        )
    if y.dtype.is_float and y.ndim == x.ndim:
        y = moveaxis(y, place, -1)
    x = moveaxis(x, place, -1)
    _check_labels("cross_entropy", x, y)
    own = None if weights is None else _class_weights(x, as_tensor(weights))
    if y.dtype.is_float:
        if ignore_index is not None:
            raise GraphTypeError(
                "cross_entropy: ignore_index is for integer labels, and these are probabilities"
            )
        if label_smoothing:
            y = y * (1 - label_smoothing) + label_smoothing / x.shape[-1]
        return reduced("cross_entropy", -_expected(y, log_softmax(x), own), reduction)
    return _of_labels(x, y, own, label_smoothing, ignore_index, reduction=reduction)


def _class_weights(x: Tensor, weights: Tensor) -> Tensor:
    if weights.ndim != 1 or unify(weights.type.shape[0], x.type.shape[-1]) is None:
        raise GraphTypeError(
            "cross_entropy: weights are one number for each class\n"
            f"{operand_lines(('logits', 'weights'), (x, weights))}"
        )
    return weights.astype(x.dtype)


def _expected(p: Tensor, logs: Tensor, weights: Tensor | None) -> Tensor:
    """Sums of logarithms by probabilities; a class that cannot be may have the logit -inf."""
    terms = where(p == 0, 0, p * logs)
    return (terms if weights is None else terms * weights).sum(-1)


def _of_labels(
    x: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    smoothing: float,
    ignored: int | None,
    *,
    reduction: str,
) -> Tensor:
    counts = None if ignored is None else labels != ignored
    if counts is not None:
        labels = where(counts, labels, 0)
    losses = CrossEntropy(x, labels)
    share = None if counts is None else counts.astype(x.dtype)
    if weights is not None:
        mine = where(_hits(x, labels), weights, 0).sum(-1)
        losses = losses * mine
        share = mine if counts is None else where(counts, mine, 0)
    if smoothing:
        logs = log_softmax(x)
        spread = -(logs if weights is None else logs * weights).mean(-1)
        losses = losses * (1 - smoothing) + spread * smoothing
    if counts is not None:
        losses = where(counts, losses, 0)
    return reduced("cross_entropy", losses, reduction, share)


OPS: tuple[type[Op], ...] = (LogSumExp, Softmax, LogSoftmax, CrossEntropy)
