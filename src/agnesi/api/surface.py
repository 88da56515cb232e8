"""Hands functions to rooms above them: those behind operators and methods, complex arithmetic."""

from __future__ import annotations

from agnesi.compile.function import evaluate
from agnesi.graph.tensor import SURFACE
from agnesi.graph.text import graph_text
from agnesi.loops.complex import FORMULAS
from agnesi.loops.nodes import COMPLEX_FORMULAS
from agnesi.ops import (
    arithmetic,
    choice,
    comparison,
    complex_parts,
    creation,
    diagonals,
    indexing,
    linear,
    logic,
    movement,
    nonzero,
    powers,
    reductions,
    repeating,
    rounding,
    scans,
    searching,
    sorting,
    statistics,
    taking,
    tensor_products,
)


def connect() -> None:
    """Fill the tables; called once, when the package is imported."""
    COMPLEX_FORMULAS.update(FORMULAS)
    SURFACE.update(
        text=graph_text,
        eval=evaluate,
        getitem=indexing.getitem,
        at=indexing.At,
        matmul=linear.matmul,
        arange=creation.arange,
        dot=linear.dot,
        astype=choice.astype,
        power=powers.power,
        round=rounding.round,
    )
    for module, names in _FUNCTIONS:
        SURFACE.update({name: getattr(module, name) for name in names.split()})


_FUNCTIONS = (
    (
        arithmetic,
        "add subtract multiply divide floor_divide remainder negative positive absolute clip",
    ),
    (
        logic,
        "bitwise_and bitwise_or bitwise_xor bitwise_invert bitwise_left_shift bitwise_right_shift",
    ),
    (comparison, "equal not_equal less less_equal greater greater_equal"),
    (complex_parts, "real imag conj"),
    (movement, "reshape transpose squeeze matrix_transpose broadcast_to swapaxes"),
    (repeating, "repeat"),
    (diagonals, "diagonal"),
    (tensor_products, "trace"),
    (reductions, "sum prod max min any all argmax argmin mean ptp"),
    (statistics, "var std"),
    (scans, "cumsum cumprod"),
    (nonzero, "nonzero"),
    (searching, "searchsorted"),
    (sorting, "sort argsort partition argpartition"),
    (taking, "take choose compress"),
)
