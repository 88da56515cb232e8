"""Losses: how far what a network gives is from what it should give.

Each gives one number for each example (for each element, where there is no axis that belongs to
one), unless ``reduction`` is ``"mean"`` or ``"sum"``.  What does not fit is an error, also where
NumPy would broadcast: ``[n, 1]`` beside ``[n]`` is nearly always a mistake.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from agnesi.core.dtypes import BOOL, promote
from agnesi.core.errors import GraphTypeError
from agnesi.ops.arithmetic import absolute, maximum, minimum
from agnesi.ops.choice import where
from agnesi.ops.creation import full_like
from agnesi.ops.elementary import Sigmoid, exp, log, log1p, softplus
from agnesi.ops.functions import as_float
from agnesi.ops.lift import as_axes, as_tensor, is_number, operand_lines, unify
from agnesi.ops.movement import specify_shape
from agnesi.ops.powers import sqrt
from agnesi.ops.probability import label_mask, log_softmax, reduced, softmax
from agnesi.ops.special import gammaln, rel_entr, xlog1py, xlogy
from agnesi.ops.trigonometric import sinh

if TYPE_CHECKING:
    from agnesi.graph.tensor import Axes, Tensor, TensorLike
    from agnesi.ops.probability import ReductionName


def squared_error(
    prediction: TensorLike, target: TensorLike, /, reduction: ReductionName = "none"
) -> Tensor:
    """Return ``(prediction - target)**2`` of each element.

    Args:
        prediction: array.
        target: array of its shape, or a number.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        GraphTypeError: shapes that differ.

    >>> ag.nn.squared_error(ag.constant([1.0, 3.0]), ag.constant([0.0, 1.0]), "mean").eval()
    array(2.5, dtype=float32)
    """
    difference = _difference("squared_error", prediction, target)
    return reduced("squared_error", difference * difference, reduction)


def absolute_error(
    prediction: TensorLike, target: TensorLike, /, reduction: ReductionName = "none"
) -> Tensor:
    """Return ``abs(prediction - target)`` of each element; arguments as :func:`squared_error`."""
    difference = _difference("absolute_error", prediction, target)
    return reduced("absolute_error", absolute(difference), reduction)


def huber(
    prediction: TensorLike,
    target: TensorLike,
    /,
    delta: float = 1.0,
    reduction: ReductionName = "none",
) -> Tensor:
    """Return half the square of small differences; large ones count along a line.

    ``d**2 / 2`` where ``abs(d) <= delta``, else ``delta * (abs(d) - delta/2)``.  P. J. Huber:
    Robust estimation of a location parameter.  Annals of Mathematical Statistics 35 (1964), 73-101.

    Args:
        prediction: array.
        target: array of its shape, or a number.
        delta: where the line begins.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        GraphTypeError: shapes that differ, or a ``delta`` that is not above 0.

    >>> ag.nn.huber(ag.constant([0.5, 3.0]), 0.0).eval()
    array([0.125, 2.5 ], dtype=float32)
    """
    if not delta > 0:
        raise GraphTypeError(f"huber: delta is above 0, but this is {delta!r}")
    away = absolute(_difference("huber", prediction, target))
    # Beyond delta the square is a constant, so that it neither overflows nor has a slope.
    near = minimum(away, delta)
    return reduced("huber", near * (away - near / 2), reduction)


def smooth_l1(
    prediction: TensorLike,
    target: TensorLike,
    /,
    beta: float = 1.0,
    reduction: ReductionName = "none",
) -> Tensor:
    """Return :func:`huber` over ``beta``, whose slope far out is 1.

    R. Girshick: Fast R-CNN.  ICCV (2015), arXiv 1504.08083, equation 3.

    Args:
        prediction: array.
        target: array of its shape, or a number.
        beta: where the line begins.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        GraphTypeError: shapes that differ, or a ``beta`` that is not above 0.
    """
    return huber(prediction, target, beta, reduction) / beta


def log_cosh(
    prediction: TensorLike, target: TensorLike, /, reduction: ReductionName = "none"
) -> Tensor:
    """Return ``log(cosh(prediction - target))``: a square near 0, a line far out, smooth between.

    Args:
        prediction: array.
        target: array of its shape, or a number.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        GraphTypeError: shapes that differ.

    >>> ag.nn.log_cosh(ag.constant([1e-3, 100.0]), 0.0).eval()
    array([4.999...e-07, 9.9306...e+01], dtype=float32)
    """
    difference = _difference("log_cosh", prediction, target)
    away = absolute(difference)
    # Each arm sees only what is its own: the other would lose the digits, or overflow.
    half = sinh(where(away < 1, difference, 0) / 2)
    far = where(away < 1, 1, away)
    value = where(away < 1, log1p(2 * half * half), far + softplus(-2 * far) - math.log(2))
    return reduced("log_cosh", value, reduction)


def binary_cross_entropy(
    probabilities: TensorLike, targets: TensorLike, /, reduction: ReductionName = "none"
) -> Tensor:
    """Return ``-(t * log(p) + (1 - t) * log(1 - p))`` of each element; 0 times infinity is 0.

    Where the probabilities are ``ag.sigmoid(x)`` it is computed from ``x``, without overflow, as
    :func:`binary_cross_entropy_with_logits`.

    Args:
        probabilities: array.
        targets: probabilities of its shape, 0 and 1 as a rule; integers and bools will do.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        GraphTypeError: shapes that differ.

    >>> ag.nn.binary_cross_entropy(ag.constant([0.5, 0.0]), ag.constant([1, 0])).eval()
    array([0.6931472, 0. ], dtype=float32)
    """
    p, t = _alike("binary_cross_entropy", probabilities, targets)
    if isinstance(p, Sigmoid):
        return binary_cross_entropy_with_logits(p.x, t, reduction=reduction)
    return reduced("binary_cross_entropy", 0 - xlogy(t, p) - xlog1py(1 - t, -p), reduction)


def binary_cross_entropy_with_logits(
    logits: TensorLike,
    targets: TensorLike,
    /,
    reduction: ReductionName = "none",
    *,
    positive_weight: TensorLike = 1.0,
) -> Tensor:
    """Return the cross-entropy of each element against ``sigmoid(logits)``, without overflow.

    Args:
        logits: array.
        targets: probabilities of its shape, 0 and 1 as a rule; integers and bools will do.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        positive_weight: by how much more targets of 1 count, broadcast to the logits.

    Raises:
        GraphTypeError: shapes that differ.

    >>> logits = ag.constant([0.0, 100.0, -100.0])
    >>> ag.nn.binary_cross_entropy_with_logits(logits, ag.constant([1, 1, 1])).eval()
    array([6.931472e-01, 3.783506e-44, 1.000000e+02], dtype=float32)
    """
    what = "binary_cross_entropy_with_logits"
    x, t = _alike(what, logits, targets)
    hit = t * softplus(-x)
    if not _is(positive_weight, 1):
        hit = hit * as_tensor(positive_weight).astype(x.dtype)
    return reduced(what, hit + (1 - t) * softplus(x), reduction)


def hinge(
    scores: TensorLike,
    targets: TensorLike,
    /,
    margin: float = 1.0,
    reduction: ReductionName = "none",
    *,
    squared: bool = False,
) -> Tensor:
    """Return ``max(0, margin - target * score)`` of each element, or its square.

    C. Cortes, V. Vapnik: Support-vector networks.  Machine Learning 20 (1995), 273-297; squared in
    Y. Tang: Deep learning using linear support vector machines.  arXiv 1306.0239 (2013).

    Args:
        scores: array.
        targets: -1 and 1, of its shape.
        margin: what a score has to reach.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        squared: square it.

    Raises:
        GraphTypeError: shapes that differ, or targets that are bools.

    >>> ag.nn.hinge(ag.constant([0.5, 2.0, 0.5]), ag.constant([1, 1, -1])).eval()
    array([0.5, 0. , 1.5], dtype=float32)
    """
    if as_tensor(targets).dtype is BOOL:
        raise GraphTypeError("hinge: targets are -1 and 1, not bools\n  Give 2 * target - 1.")
    s, t = _alike("hinge", scores, targets)
    return reduced("hinge", _short(margin - t * s, squared), reduction)


def multiclass_hinge(
    scores: TensorLike,
    labels: TensorLike,
    /,
    margin: float = 1.0,
    reduction: ReductionName = "none",
    *,
    kind: Literal["crammer_singer", "weston_watkins"] = "crammer_singer",
    squared: bool = False,
) -> Tensor:
    """Return by how much the score of a label fails to exceed the others by a margin.

    ``max(0, margin + best - own)`` with the best of the other scores: K. Crammer, Y. Singer: On the
    algorithmic implementation of multiclass kernel-based vector machines.  Journal of Machine
    Learning Research 2 (2001), 265-292.  Or the sum of ``max(0, margin + other - own)``: J. Weston,
    C. Watkins: Support vector machines for multi-class pattern recognition.  ESANN (1999), 219-224.

    Args:
        scores: ``[..., classes]``.
        labels: integers ``[...]`` in ``0 <= label < classes``, checked in each call.
        margin: by how much a score has to be larger.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        kind: the worst of the others, or all of them.
        squared: square each ``max``.

    Raises:
        GraphTypeError: shapes that do not fit, or another kind.
        IndexOutOfBounds: in a call, a label that is not a class.

    >>> scores, labels = ag.constant([[2.0, 1.5, 1.25]]), ag.constant([0])
    >>> ag.nn.multiclass_hinge(scores, labels).eval()
    array([0.5], dtype=float32)
    >>> ag.nn.multiclass_hinge(scores, labels, kind="weston_watkins").eval()
    array([0.75], dtype=float32)
    """
    x = as_float(scores)
    own = label_mask("multiclass_hinge", x, as_tensor(labels))
    score = where(own, x, 0).sum(-1, keepdims=True)
    if kind == "crammer_singer":
        best = where(own, -math.inf, x).max(-1)
        loss = _short(margin + best - score.squeeze(-1), squared)
    elif kind == "weston_watkins":
        loss = where(own, 0, _short(margin + x - score, squared)).sum(-1)
    else:
        raise GraphTypeError(
            f"multiclass_hinge: kind is 'crammer_singer' or 'weston_watkins', not {kind!r}"
        )
    return reduced("multiclass_hinge", loss, reduction)


def kl_divergence(
    p: TensorLike,
    q: TensorLike,
    /,
    axis: Axes = -1,
    reduction: ReductionName = "none",
    *,
    logits: bool = False,
) -> Tensor:
    """Return ``sum(p * log(p / q))``; 0 where ``p`` is 0, infinite where ``q`` alone is.

    S. Kullback, R. A. Leibler: On information and sufficiency.  Annals of Mathematical Statistics
    22 (1951), 79-86.

    Args:
        p: probabilities that are the case.
        q: probabilities of a model, of its shape.
        axis: along which they sum to 1.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        logits: both are unnormalised logarithms of probabilities.

    Raises:
        GraphTypeError: shapes that differ, or no such axis.

    >>> ag.nn.kl_divergence(ag.constant([0.5, 0.5, 0.0]), ag.constant([0.25, 0.5, 0.25])).eval()
    array(0.34657..., dtype=float32)
    """
    first, second = _alike("kl_divergence", p, q)
    axes = as_axes("kl_divergence", axis, first.ndim, first)
    if logits:
        weights = softmax(first, axes)
        apart = log_softmax(first, axes) - log_softmax(second, axes)
        # A class that cannot be may have the logit -inf, in both.
        terms = where(weights == 0, 0, weights * apart)
    else:
        terms = rel_entr(first, second)
    return reduced("kl_divergence", terms.sum(axes), reduction)


def gaussian_kl(
    mean: TensorLike,
    log_variance: TensorLike,
    /,
    axis: Axes = -1,
    reduction: ReductionName = "none",
) -> Tensor:
    """Return the divergence of independent normal distributions from standard ones.

    ``sum(exp(log_variance) + mean**2 - 1 - log_variance) / 2``.  D. P. Kingma, M. Welling:
    Auto-encoding variational Bayes.  ICLR (2014), arXiv 1312.6114, appendix B.

    Args:
        mean: array.
        log_variance: logarithms of variances, of its shape.
        axis: that of the latent variables, which are summed.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        GraphTypeError: shapes that differ, or no such axis.

    >>> ag.nn.gaussian_kl(ag.constant([[0.0, 2.0]]), ag.constant([[0.0, 0.0]])).eval()
    array([2.], dtype=float32)
    """
    m, v = _alike("gaussian_kl", mean, log_variance)
    axes = as_axes("gaussian_kl", axis, m.ndim, m)
    return reduced("gaussian_kl", 0.5 * (exp(v) + m * m - 1 - v).sum(axes), reduction)


def cosine_similarity(
    x: TensorLike, y: TensorLike, /, axis: Axes = -1, *, epsilon: float = 1e-8
) -> Tensor:
    """Return the cosine of the angle between vectors, 0 for vectors that are 0.

    Args:
        x: array.
        y: array of its shape.
        axis: along which vectors lie.
        epsilon: lengths count at least this much.

    Raises:
        GraphTypeError: shapes that differ, or no such axis.

    >>> ag.nn.cosine_similarity(ag.constant([3.0, 4.0]), ag.constant([1.0, 0.0])).eval()
    array(0.6, dtype=float32)
    """
    a, b = _alike("cosine_similarity", x, y)
    axes = as_axes("cosine_similarity", axis, a.ndim, a)
    lengths = [sqrt(maximum((v * v).sum(axes), epsilon**2)) for v in (a, b)]
    return (a * b).sum(axes) / (lengths[0] * lengths[1])


def triplet(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    /,
    margin: float = 1.0,
    reduction: ReductionName = "none",
    *,
    squared: bool = False,
) -> Tensor:
    """Return ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    F. Schroff, D. Kalenichenko, J. Philbin: FaceNet.  CVPR (2015), arXiv 1503.03832, equation 3,
    which has squares of distances.

    Args:
        anchor: ``[..., k]``.
        positive: what should be near to it.
        negative: what should be farther away, by the margin.
        margin: by how much.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        squared: distances are squared.

    Raises:
        GraphTypeError: shapes that differ.

    >>> a, p, n = ag.constant([[0.0, 0.0]]), ag.constant([[0.0, 1.0]]), ag.constant([[0.0, 1.5]])
    >>> ag.nn.triplet(a, p, n).eval()
    array([0.5], dtype=float32)
    """

    def distance(other: TensorLike) -> Tensor:
        difference = _difference("triplet", anchor, other)
        total = (difference * difference).sum(-1)
        # The distance of what is the same has no derivative; 0 is taken.
        return total if squared else where(total > 0, sqrt(where(total > 0, total, 1)), 0)

    loss = maximum(distance(positive) - distance(negative) + margin, 0)
    return reduced("triplet", loss, reduction)


def poisson_nll(
    log_rate: TensorLike,
    target: TensorLike,
    /,
    reduction: ReductionName = "none",
    *,
    log_input: bool = True,
    full: bool = False,
) -> Tensor:
    """Return the negative log-likelihood of counts: ``exp(x) - target * x``.

    Args:
        log_rate: logarithms of expected counts, or those themselves.
        target: counts, of its shape.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        log_input: whether logarithms are given.
        full: add ``log(target!)``, which does not depend on the rate.

    Raises:
        GraphTypeError: shapes that differ.

    >>> ag.nn.poisson_nll(ag.constant([0.0]), ag.constant([3.0]), full=True).eval()
    array([2.7917...], dtype=float32)
    """
    x, t = _alike("poisson_nll", log_rate, target)
    loss = exp(x) - t * x if log_input else x - xlogy(t, x)
    return reduced("poisson_nll", loss + gammaln(t + 1) if full else loss, reduction)


def gaussian_nll(
    mean: TensorLike,
    target: TensorLike,
    variance: TensorLike,
    /,
    reduction: ReductionName = "none",
    *,
    epsilon: float = 1e-6,
    full: bool = False,
) -> Tensor:
    """Return the negative log-likelihood under normal distributions.

    ``(log(variance) + (target - mean)**2 / variance) / 2``.  D. A. Nix, A. S. Weigend: Estimating
    the mean and variance of the target probability distribution.  ICNN (1994), 55-60.

    Args:
        mean: array.
        target: array of its shape.
        variance: array of its shape, or a number.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        epsilon: variances count at least this much.
        full: add ``log(2 * pi) / 2``.

    Raises:
        GraphTypeError: shapes that differ.

    >>> ag.nn.gaussian_nll(ag.constant([1.0]), ag.constant([3.0]), 1.0).eval()
    array([2.], dtype=float32)
    """
    m, t = _alike("gaussian_nll", mean, target)
    away = m - t
    given = (
        full_like(m, variance) if is_number(variance) else _alike("gaussian_nll", m, variance)[1]
    )
    spread = maximum(given, epsilon)
    loss = 0.5 * (log(spread) + away * away / spread)
    return reduced("gaussian_nll", loss + math.log(2 * math.pi) / 2 if full else loss, reduction)


def _is(value: Any, number: float) -> bool:
    return is_number(value) and value == number


def _short(x: Tensor, squared: bool) -> Tensor:
    short = maximum(x, 0)
    return short * short if squared else short


def _difference(what: str, prediction: TensorLike, target: TensorLike) -> Tensor:
    if is_number(target):
        return as_float(prediction) - target
    x, y = _alike(what, prediction, target)
    return x - y


def _alike(what: str, x: TensorLike, y: TensorLike) -> tuple[Tensor, Tensor]:
    """Two arrays of one shape, which calls check, the second in the dtype of the first."""
    first, second = as_float(x), as_tensor(y)
    pairs = zip(first.type.shape, second.type.shape, strict=False)
    sizes = [unify(a, b) for a, b in pairs]
    if first.ndim != second.ndim or None in sizes:
        raise GraphTypeError(
            f"{what}: these do not have the same shape\n"
            f"{operand_lines(('first', 'second'), (first, second))}\n"
            "  Give one target for each prediction: target.reshape(...), target[:, None]."
        )
    dtype = promote(first.dtype, second.dtype) if second.dtype.is_float else first.dtype
    # A size that only a call can tell may not turn out to be 1 beside another one.
    known = tuple(size if isinstance(size, int) else None for size in sizes)
    return specify_shape(first.astype(dtype), known), specify_shape(second.astype(dtype), known)
