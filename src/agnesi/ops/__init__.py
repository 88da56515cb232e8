"""Every op, whole: one class holds its type rule, gradient, lowering, reference, samples, doc.

``OPS`` is the whole registry: each file lists its own, in the order they are documented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops import (
    arithmetic,
    bounds,
    choice,
    comparison,
    complex_parts,
    convolution,
    creation,
    diagonals,
    differences,
    elementary,
    factorizations,
    floats,
    fourier,
    gathering,
    gradients,
    integers,
    joining,
    lapack,
    linear,
    logic,
    matrix_functions,
    movement,
    nans,
    nonzero,
    orthogonal,
    padding,
    powers,
    probability,
    random,
    reductions,
    repeating,
    rounding,
    scans,
    searching,
    slicing,
    sorting,
    special,
    spectral,
    statistics,
    trigonometric,
)

if TYPE_CHECKING:
    from agnesi.ops.families import Op

OPS: tuple[type[Op], ...] = (
    *choice.OPS,
    *rounding.OPS,
    *floats.OPS,
    *complex_parts.OPS,
    *arithmetic.OPS,
    *comparison.OPS,
    *logic.OPS,
    *integers.OPS,
    *elementary.OPS,
    *powers.OPS,
    *trigonometric.OPS,
    *movement.OPS,
    *slicing.OPS,
    *creation.OPS,
    *joining.OPS,
    *diagonals.OPS,
    *repeating.OPS,
    *padding.OPS,
    *reductions.OPS,
    *statistics.OPS,
    *nans.OPS,
    *scans.OPS,
    *differences.OPS,
    *linear.OPS,
    *lapack.OPS,
    *factorizations.OPS,
    *orthogonal.OPS,
    *spectral.OPS,
    *matrix_functions.OPS,
    *fourier.OPS,
    *convolution.OPS,
    *probability.OPS,
    *gradients.OPS,
    *bounds.OPS,
    *gathering.OPS,
    *nonzero.OPS,
    *sorting.OPS,
    *searching.OPS,
    *special.OPS,
    *random.OPS,
)

__all__ = ["OPS"]
