"""Autoencoders with tied weights: the paper's two units, and those with biases beside them.

All reconstruct ``x`` as ``h(x @ W + b) @ W.T + c`` and are trained on half the squared error.

K. Konda, R. Memisevic, D. Krueger: Zero-bias autoencoders and the benefits of co-adapting features.
ICLR (2015, workshop), arXiv 1402.3337.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Penalty = Callable[[ag.Tensor, ag.Tensor], ag.Tensor]

THRESHOLD = 1.0
MOMENTUM = 0.9


def trec(a: ag.Tensor, threshold: float = THRESHOLD) -> ag.Tensor:
    """Thresholded rectified units: ``a`` where ``a > threshold``, else 0.

    The threshold selects, and what is selected is linear, without a bias.  The gradient is that of
    the selected parts: the step itself has none.

    >>> trec(ag.constant([-2.0, 0.5, 2.0])).eval()
    array([0., 0., 2.], dtype=float32)
    """
    return ag.where(a > threshold, a, 0)


def tlin(a: ag.Tensor, threshold: float = THRESHOLD) -> ag.Tensor:
    """Thresholded linear units: ``a`` where ``a**2 > threshold**2``, else 0.

    >>> tlin(ag.constant([-2.0, 0.5, 2.0])).eval()
    array([-2.,  0.,  2.], dtype=float32)
    """
    return ag.where(a * a > threshold * threshold, a, 0)


def sparsity(code: ag.Tensor, weights: ag.Tensor) -> ag.Tensor:
    """Sum of the code's absolute values, a mean over examples."""
    del weights
    return abs(code).sum(1).mean()


def contraction(code: ag.Tensor, weights: ag.Tensor) -> ag.Tensor:
    """Squared Frobenius norm of a sigmoid code's Jacobian, a mean over examples.

    ``sum_j (h_j (1 - h_j))**2 |w_j|**2``.  S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio:
    Contractive auto-encoders.  ICML (2011), equation 4.
    """
    slope = code * (1 - code)
    return ((slope * slope).mean(0) * (weights * weights).sum(0)).sum()


@dataclass(frozen=True)
class Kind:
    """One kind of autoencoder.

    Attributes:
        name: short.
        label: in tables and pictures.
        unit: the hidden units' function.
        biased: whether they have biases, which are learnt.
        penalty: code and weights to what is added to the cost, times a strength.
        strength: what the strength is, in words; "" where there is none.
        corrupts: whether inputs are hidden, each with a probability that is the strength.
    """

    name: str
    label: str
    unit: Callable[[ag.Tensor], ag.Tensor]
    biased: bool = True
    penalty: Penalty | None = None
    strength: str = ""
    corrupts: bool = False

    @property
    def regularised(self) -> bool:
        """Whether it is one of those that the paper calls regularised."""
        return self.penalty is not None or self.corrupts


KINDS = {
    kind.name: kind
    for kind in (
        Kind("trec", "TRec", trec, biased=False),
        Kind("tlin", "TLin", tlin, biased=False),
        Kind("relu", "ReLU", ag.relu),
        Kind("sparse", "ReLU + L1", ag.relu, penalty=sparsity, strength="weight of L1"),
        Kind("denoising", "ReLU, denoising", ag.relu, corrupts=True, strength="inputs hidden"),
        Kind("sigmoid", "sigmoid", ag.sigmoid),
        Kind(
            "contractive",
            "sigmoid, contractive",
            ag.sigmoid,
            penalty=contraction,
            strength="weight of contraction",
        ),
    )
}


@dataclass(frozen=True)
class Autoencoder:
    """Parameters and compiled functions.

    Attributes:
        kind: of the units.
        weights: ``W``, f32[inputs, hidden].
        biases: ``b``, f32[hidden], zeros for ever where the kind has none.
        step: a minibatch and a rate to the cost; moves the parameters.
        sums: examples to the sums of ``(x - r)**2``, of ``x**2``, and of active hidden units.
        features: examples to what a classifier gets of them.
    """

    kind: Kind
    weights: ag.Shared
    biases: ag.Shared
    step: ag.Function
    sums: ag.Function
    features: ag.Function

    @classmethod
    def build(cls, kind: Kind, weights: Floats, strength: float, seed: int) -> Autoencoder:
        """Write the expressions down, and compile them.

        Args:
            kind: of the units.
            weights: to begin with, f32[inputs, hidden]; biases begin at zero.
            strength: of the penalty, or the probability that an input is hidden.
            seed: of what hides inputs.
        """
        inputs, hidden = weights.shape
        w = ag.shared(weights, "W")
        b = ag.shared(np.zeros(hidden, np.float32), "b")
        c = ag.shared(np.zeros(inputs, np.float32), "c")
        x, rate = ag.input("x", f"f32[n, {inputs}]"), ag.scalar("rate")

        def encode(given: ag.Tensor) -> ag.Tensor:
            return kind.unit(given @ w + b if kind.biased else given @ w)

        def decode(code: ag.Tensor) -> ag.Tensor:
            return code @ w.T + c

        seen = x
        if kind.corrupts:
            kept = ag.random.Stream(seed).bernoulli(1 - strength, x.shape)
            seen = ag.where(kept, x, 0)
        code = encode(seen)
        cost = 0.5 * ((x - decode(code)) ** 2).sum(1).mean()
        if kind.penalty is not None:
            cost = cost + strength * kind.penalty(code, w)
        parameters = [w, c, *([b] if kind.biased else [])]
        gradients = ag.grad(cost, parameters)
        updates = ag.optim.momentum(gradients, parameters, rate, MOMENTUM)

        clean = encode(x)
        active = ((clean != 0).astype("f32")).sum()
        sums = [((x - decode(clean)) ** 2).sum(), (x * x).sum(), active]
        # After training the threshold goes: what selected has done its work (as in the authors'
        # code), and the features of zero-bias units are rectified ones without a bias.
        features = clean if kind.biased else ag.relu(x @ w)
        return cls(
            kind,
            w,
            b,
            ag.function([x, rate], cost, updates=updates, name=f"{kind.name}_step"),
            ag.function([x], sums, name=f"{kind.name}_sums"),
            ag.function([x], features, name=f"{kind.name}_features"),
        )

    @property
    def hidden(self) -> int:
        """How many hidden units there are."""
        return self.weights.get_value(borrow=True).shape[1]

    def measure(self, x: Floats) -> dict[str, float]:
        """Relative error of reconstruction, active fraction, and how biases are.

        ``error`` is ``sum((x - r)**2) / sum(x**2)``.
        """
        errors, energy, active = np.sum([self.sums(part) for part in _parts(x)], axis=0)
        measured = {
            "error": float(errors / energy),
            "active": float(active / (len(x) * self.hidden)),
        }
        if self.kind.biased:
            b = self.biases.get_value(borrow=True)
            measured |= {"bias": float(b.mean()), "negative": float((b < 0).mean())}
        return measured

    def features_of(self, x: Floats) -> Floats:
        """What a classifier gets, f32[n, hidden]."""
        return np.concatenate([self.features(part) for part in _parts(x)])


def _parts(x: Floats, size: int = 1000) -> list[Floats]:
    return [x[start : start + size] for start in range(0, len(x), size)]


def warm_rate(rate: float, warm: float, *, falls: bool) -> Callable[[float], float]:
    """Return a rate that rises in the first part of a run, then stays or falls along a cosine.

    Args:
        rate: the highest.
        warm: the fraction of the run in which it rises.
        falls: whether it goes down to zero then.

    >>> rate = warm_rate(0.1, 0.5, falls=False)
    >>> round(rate(0.25), 3), rate(0.75)
    (0.051, 0.1)
    """

    def at(done: float) -> float:
        up = min(1.0, (done + 0.01 * warm) / warm) if warm else 1.0
        return rate * up * (0.5 * (1 + np.cos(np.pi * done)) if falls else 1.0)

    return at


def first_weights(x: Floats, hidden: int, seed: int, scale: float | None = None) -> Floats:
    """Weights to begin with: examples that are drawn at random, as the authors do.

    Args:
        x: examples, f32[n, inputs].
        hidden: units; where they are more than the examples, examples come several times.
        seed: of the draw.
        scale: of the examples; None for a length of 1 for each unit's weights.
    """
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(x), hidden, replace=hidden > len(x))
    drawn = x[rows].T.astype(np.float32)
    if scale is None:
        return np.ascontiguousarray(drawn / np.linalg.norm(drawn, axis=0))
    return np.ascontiguousarray(np.float32(scale) * drawn)
