"""Classes drawn with given probabilities, of uniform numbers; in native code."""

from __future__ import annotations

import warnings
from typing import Any

import agnesi as ag
from agnesi.theano.gof.graph import Apply
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.applying import FunctionOp, applied
from agnesi.theano.tensor.elementary import ge
from agnesi.theano.tensor.opt import Assert
from agnesi.theano.tensor.shapes import whole


class MultinomialFromUniform(FunctionOp):
    """Says how many of ``n`` uniform numbers fall into each class, for each row of probabilities.

    Attributes:
        odtype: dtype of the result; ``"auto"`` is that of the probabilities.
    """

    def __init__(self, odtype: Any) -> None:
        self.odtype = odtype
        super().__init__(type(self).__name__, self._build)
        self.props = {"odtype": odtype}

    def make_node(self, pvals: Any, unis: Any, n: Any = 1) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application to probabilities, ``n`` numbers for each row, and ``n``."""
        pvals, unis = tensor.as_tensor_variable(pvals), tensor.as_tensor_variable(unis)
        if pvals.ndim != 2:
            raise NotImplementedError("pvals ndim should be 2", pvals.ndim)
        if unis.ndim != 1:
            raise NotImplementedError("unis ndim should be 1", unis.ndim)
        return applied(self, [pvals, unis, tensor.as_tensor_variable(n)])

    def _build(self, pvals: ag.Tensor, unis: ag.Tensor, n: ag.Tensor) -> ag.Tensor:
        edges = ag.cumsum(ag.astype(pvals, "f64"), 1)
        tries = ag.reshape(ag.astype(unis, "f64"), (whole(n), pvals.shape[0]))
        # The class of a number is the first whose running sum is larger.
        above = ag.expand_dims(edges, 0) > ag.expand_dims(tries, 2)
        before = ag.concatenate([ag.zeros_like(above[:, :, :1]), above[:, :, :-1]], 2)
        first = ag.logical_and(above, ag.logical_not(before))
        found = ag.sum(ag.astype(first, "i64"), 0)
        return ag.astype(found, pvals.dtype if self.odtype == "auto" else self.odtype)

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.odtype}}}"


class _Enough(Assert):
    """Checks that there are as many classes as are chosen."""

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Check, and hand on."""
        try:
            super().perform(node, inputs, output_storage, params)
        except AssertionError as error:
            raise ValueError(str(error)) from None


class ChoiceFromUniform(MultinomialFromUniform):
    """Says which ``n`` classes uniform numbers choose one by one, for each row of probabilities.

    Attributes:
        odtype: dtype of the result; ``"auto"`` is int64.
        replace: whether a class may be chosen again.
    """

    def __init__(self, odtype: Any, replace: bool = False) -> None:
        super().__init__(odtype)
        self.replace = replace
        self.props = {"odtype": odtype, "replace": replace}

    def make_node(self, pvals: Any, unis: Any, n: Any = 1) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application to probabilities, ``n`` numbers for each row, and ``n``."""
        pvals = tensor.as_tensor_variable(pvals)
        if pvals.ndim == 2:
            enough = _Enough(
                "Cannot sample without replacement n samples bigger than the size of the "
                "distribution."
            )
            pvals = enough(pvals, ge(pvals.shape[1], n))
        return super().make_node(pvals, unis, n)

    def _build(self, pvals: ag.Tensor, unis: ag.Tensor, n: ag.Tensor) -> ag.Tensor:
        tries = ag.astype(ag.reshape(unis, (whole(n), pvals.shape[0])), pvals.dtype)
        columns = ag.expand_dims(ag.arange(pvals.shape[1]), 0)

        def step(left: ag.Tensor, mark: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
            where = ag.argmax(ag.cumsum(left, 1) > ag.expand_dims(mark, 1), 1)
            if not self.replace:
                left = ag.where(columns == ag.expand_dims(where, 1), ag.zeros_like(left), left)
                left = left / ag.sum(left, 1, keepdims=True)
            return left, where

        _, found = ag.scan(step, pvals, tries)
        return ag.astype(ag.transpose(found), "int64" if self.odtype == "auto" else self.odtype)

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.odtype}}}"


class MultinomialWOReplacementFromUniform(ChoiceFromUniform):
    """An old name of :class:`ChoiceFromUniform`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "MultinomialWOReplacementFromUniform is deprecated, use ChoiceFromUniform instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
