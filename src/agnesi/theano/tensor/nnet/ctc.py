"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.native_op import NativeOp


def ctc_present() -> bool:
    """Whether there is what computes the loss: agnesi does."""
    return True


ctc_available = ctc_present


class ConnectionistTemporalClassification(NativeOp):
    """The loss of each sequence of a batch, and its gradient; class 0 is the blank.

    Attributes:
        compute_grad: whether the gradient by activations is a second output.
        openmp: means nothing.
    """

    __props__ = ("compute_grad",)
    default_output = 0

    def __init__(self, compute_grad: bool = True, openmp: Any = None) -> None:
        self.compute_grad, self.openmp = compute_grad, openmp

    def convert(self, activations: Any, labels: Any, input_lengths: Any) -> list[Any]:
        """Activations, labels and lengths.

        Raises:
            TypeError: they are of other dtypes.
            ValueError: they have other axes.
        """
        found: list[Any] = []
        for name, given, dtype, axes in (
            ("activations", activations, "float32", 3),
            ("labels", labels, "int32", 2),
            ("input_lengths", input_lengths, "int32", 1),
        ):
            v = as_tensor_variable(given)
            if v.dtype != dtype:
                raise TypeError(f"{name} must use the {dtype} type!")
            if v.ndim != axes:
                raise ValueError(f"{name} must have {axes} dimensions.")
            found.append(v)
        return found

    def build(self, activations: ag.Tensor, labels: ag.Tensor, lengths: ag.Tensor) -> Any:
        """Negative labels are padding."""
        counts = ag.sum(ag.astype(labels >= 0, "i64"), 1)
        classes = ag.maximum(ag.astype(labels, "i64"), 0)
        steps = ag.astype(lengths, "i64")
        cost = ag.nn.ctc_loss(activations, classes, steps, counts, reduction="none")
        if not self.compute_grad:
            return cost
        return [cost, ag.vjp(cost, activations, ag.ones_like(cost))]


def ctc(activations: Any, labels: Any, input_lengths: Any) -> Any:
    """Return the loss of each sequence of a batch; class 0 is the blank.

    Args:
        activations: ``[time, batch, classes]`` float32, before the soft maximum.
        labels: ``[batch, most]`` int32; what is negative is padding.
        input_lengths: how many steps each sequence has, int32.
    """
    return ConnectionistTemporalClassification()(activations, labels, input_lengths)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
