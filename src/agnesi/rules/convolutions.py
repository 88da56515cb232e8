"""Convolutions that are something simpler.

before: conv(x, w, [1, 1], [1, 1], 1)
after:  reshape(mat_mul(reshape(x, [n*h*w, 8]), reshape(w, [8, 4])), [n, h, w, 4])
with:   x: f32[n, h, w, 8], w: f32[1, 1, 8, 4]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops.conv import Conv, ConvWeights, conv_as_product, weights_as_product
from agnesi.rewrite.rule import rewrite

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor


@rewrite(Conv)
def convolve_by_product(node: Conv) -> Tensor | None:
    """A kernel of one tap, and one at a single place, multiply matrices."""
    return None if node.requirements() else conv_as_product(node)


@rewrite(ConvWeights)
def correlate_by_product(node: ConvWeights) -> Tensor | None:
    """So do they in the gradient by the kernel."""
    return None if node.requirements() else weights_as_product(node)


CONVOLUTIONS = (convolve_by_product, correlate_by_product)
