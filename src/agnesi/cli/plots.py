"""The pictures of demo and chars, drawn without a display and without matplotlib's global state.

Each function returns the bytes of a PNG file.
"""

# matplotlib leaves the keywords that it hands on untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRAIN, _TEST = "#8b93a1", "#1f5fa8"
_INK, _FAINT = "#22262d", "#c9ced6"
_DPI = 150


def learning_curve(
    epochs: Sequence[int],
    losses: tuple[Sequence[float], Sequence[float]],
    errors: tuple[Sequence[float], Sequence[float]],
) -> bytes:
    """Loss and error after each epoch; each pair is (training, test), errors are fractions.

    >>> learning_curve([1, 2], ([0.5, 0.2], [0.4, 0.3]), ([0.1, 0.05], [0.1, 0.06]))[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _curves(left, epochs, losses, "cross-entropy")
    percent = tuple([100 * error for error in series] for series in errors)
    _curves(right, epochs, (percent[0], percent[1]), "error, %")
    left.legend(frameon=False, labelcolor=_INK)
    return _png(figure)


def _curves(
    axes: Axes, epochs: Sequence[int], pair: tuple[Sequence[float], Sequence[float]], title: str
) -> None:
    names = ("training, while it learns", "test")
    for series, name, colour in zip(pair, names, (_TRAIN, _TEST), strict=True):
        shown = [value if value > 0 else np.nan for value in series]  # a log axis has no zero
        _end(axes, f"{series[-1]:.3g}", (epochs[-1], shown[-1]), colour)
        axes.plot(epochs, shown, color=colour, label=name, marker="o", markersize=3, linewidth=1.6)
    axes.set_yscale("log")
    _frame(axes, title, "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, max(epochs) + 0.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _end(axes: Axes, text: str, place: tuple[float, float], colour: str) -> None:
    """Write the last value of a curve beside its end."""
    axes.annotate(
        text,
        place,
        (5, 0),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=8,
    )


def _frame(axes: Axes, title: str, below: str) -> None:
    """Give axes their title, a label and quiet lines."""
    axes.set_title(title, loc="left", color=_INK, fontsize=11)
    axes.set_xlabel(below, color=_INK)
    axes.grid(color=_FAINT, linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK, labelsize=8)


def curve_of_bits(
    characters: Sequence[int], train: Sequence[float], valid: Sequence[float]
) -> bytes:
    """Bits a character over how many were read, in training and of the validation text.

    >>> curve_of_bits([10, 20], [4.0, 2.5], [3.5, 2.6])[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    millions = [count / 1e6 for count in characters]
    for series, name, colour in (
        (train, "training, while it learns", _TRAIN),
        (valid, "validation", _TEST),
    ):
        axes.plot(
            millions, series, color=colour, label=name, marker="o", markersize=3, linewidth=1.6
        )
    _end(axes, f"{valid[-1]:.3f}", (millions[-1], valid[-1]), _TEST)
    _frame(axes, "bits a character", "millions of characters read")
    axes.set_xlim(0, 1.08 * millions[-1])
    axes.legend(frameon=False, labelcolor=_INK)
    return _png(figure)


def filters(weights: NDArray[np.float32], outgoing: NDArray[np.float32], side: int) -> bytes:
    """First-layer weights of the hidden units that weigh most on the output, as images.

    Args:
        weights: f32[side * side, hidden], a column a unit.
        outgoing: f32[hidden, classes], what each unit adds to the logits.
        side: height and width of an image, in pixels.
    """
    columns = min(10, weights.shape[1])
    rows = min(10, weights.shape[1] // columns)
    influence = np.linalg.norm(weights, axis=0) * np.linalg.norm(outgoing, axis=1)
    chosen = np.argsort(-influence)[: rows * columns]
    mosaic = np.full((rows * (side + 1) + 1, columns * (side + 1) + 1), np.nan, np.float32)
    for place, unit in enumerate(chosen):
        top, left = 1 + (side + 1) * (place // columns), 1 + (side + 1) * (place % columns)
        image = weights[:, unit].reshape(side, side)
        mosaic[top : top + side, left : left + side] = image / max(np.abs(image).max(), 1e-12)
    figure = Figure(figsize=(0.75 * columns, 0.75 * rows + 0.3), layout="compressed")
    axes = figure.subplots()
    axes.imshow(mosaic, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    title = f"what {len(chosen)} of {weights.shape[1]} hidden units look for (red ink, blue paper)"
    axes.set_title(title, loc="left", color=_INK, fontsize=11 if columns > 6 else 5)
    return _png(figure)


def confusion(counts: NDArray[np.int64]) -> bytes:
    """How often each digit (row) was read as each digit (column), from int64[classes, classes]."""
    classes, total = len(counts), int(counts.sum())
    wrong = counts - np.diag(np.diag(counts))
    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    axes = figure.subplots()
    seen = np.where(wrong > 0, wrong, np.nan)
    axes.imshow(seen, cmap="Oranges", vmin=0, vmax=1.3 * max(int(wrong.max()), 1))
    for row in range(classes):
        for column in range(classes):
            _cell(axes, row, column, int(counts[row, column]), int(wrong.max()))
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    axes.set_xlabel("read as", color=_INK)
    axes.set_ylabel("shown", color=_INK)
    axes.tick_params(colors=_INK, length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(
        f"{int(wrong.sum()):,} of {total:,} test digits misread ({wrong.sum() / total:.2%})",
        loc="left",
        color=_INK,
        fontsize=11,
    )
    return _png(figure)


def _cell(axes: Axes, row: int, column: int, count: int, most_wrong: int) -> None:
    """The number of one cell: the right answers on grey, nothing where nothing happened."""
    if row == column:
        sides = [column - 0.5, column + 0.5]
        axes.fill_between(sides, row - 0.5, row + 0.5, color="#eceff3", linewidth=0)
    colour = "white" if row != column and count > 0.7 * most_wrong else _INK
    if count:
        axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()
