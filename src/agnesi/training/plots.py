"""Pictures of a run: curves, filters, images side by side, confusions, histograms.

Each function returns the bytes of a PNG file, drawn without a display and without matplotlib's
global state; :func:`agnesi.training.write_atomically` puts them where they belong.

>>> from agnesi.training import plots
>>> rows = [{"epoch": k, "train_loss": 1 / k, "valid_loss": 2 / k} for k in (1, 2, 3)]
>>> plots.learning_curves(rows, ["train_loss", "valid_loss"])[1:4]
b'PNG'
"""

# matplotlib leaves the keywords that it hands on untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from agnesi.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Row = Mapping[str, float]

# The last of a few curves is the one that counts: in blue, the others behind it.
_COLOURS = {1: (0,), 2: (1, 0), 3: (1, 2, 0)}
_LINES = ("#1f5fa8", "#8b93a1", "#d9822b", "#3d8f5f", "#a33b5c", "#6b4fa0", "#12857f", "#7a5b2e")
_INK, _FAINT = "#22262d", "#c9ced6"
_DPI = 150
_WORDS = {
    "train": "training, while it learns",
    "valid": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Panel:
    """Curves in one frame.

    Attributes:
        title: above it.
        series: by name, each the places and the values of a curve.
        below: what the places are.
        log: whether values are on a logarithmic scale; those that are not above 0 are left out.
    """

    title: str
    series: Mapping[str, tuple[Sequence[float] | Array, Sequence[float] | Array]]
    below: str = "epoch"
    log: bool = False


def curves(*panels: Panel) -> bytes:
    """Return frames of curves, side by side.

    Raises:
        TrainingError: there is no panel, or one without a series.

    >>> curves(Panel("overlap", {"position": ([0, 1, 2], [1.0, 0.9, 0.8])}, below="frame"))[1:4]
    b'PNG'
    """
    if not panels or not all(panel.series for panel in panels):
        raise TrainingError("curves: there is nothing to draw\n  Give panels with series in them.")
    width = 6.0 if len(panels) == 1 else 4.5 * len(panels)
    figure = Figure(figsize=(width, 3.8), layout="constrained")
    frames = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(frames, panels, strict=True):
        _draw(axes, panel)
    return _png(figure)


def _draw(axes: Axes, panel: Panel) -> None:
    order = _COLOURS.get(len(panel.series), range(len(panel.series)))
    furthest = 1.0
    for (name, (places, values)), colour in zip(panel.series.items(), order, strict=True):
        line = _LINES[colour % len(_LINES)]
        shown = np.asarray(values, float)
        shown = np.where(shown > 0, shown, np.nan) if panel.log else shown
        marker = "o" if len(shown) <= 100 else ""
        axes.plot(places, shown, color=line, label=name, marker=marker, markersize=3, linewidth=1.6)
        if len(shown):
            _end(axes, f"{values[-1]:.3g}", (places[-1], shown[-1]), line)
            furthest = max(furthest, places[-1])
    _title(axes, panel.title, 4.5)
    axes.set_xlabel(panel.below, color=_INK)
    axes.grid(color=_FAINT, linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK, labelsize=8)
    axes.margins(x=0.08)
    if panel.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if panel.below in ("epoch", "step"):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(panel.series) > 1:
        axes.legend(frameon=False, labelcolor=_INK, fontsize=8)


def _title(axes: Axes, text: str, inches: float) -> None:
    """Write a title, smaller where it would be longer than the picture is wide."""
    letters = max(len(text), 1)
    axes.set_title(text, loc="left", color=_INK, fontsize=min(11, inches * 125 / letters))


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


def learning_curves(
    rows: Sequence[Row],
    *panels: Sequence[str],
    x: str = "epoch",
    log: bool = True,
) -> bytes:
    """Return curves of what was measured in a run, over its epochs or whatever else was counted.

    Args:
        rows: of a run, ``state.rows``.
        *panels: for each frame the names of its measurements, such as ``["train_loss",
            "valid_loss"]``; errors and accuracies are drawn in percent.
        x: the column of the places; counts above a million are drawn in millions.
        log: whether values are on a logarithmic scale.

    Raises:
        TrainingError: a column is nowhere in the rows.
    """
    return curves(*(_panel(rows, names, x, log) for names in panels))


def _panel(rows: Sequence[Row], names: Sequence[str], x: str, log: bool) -> Panel:
    millions = max((row[x] for row in rows), default=0) >= 1e6
    series: dict[str, tuple[list[float], list[float]]] = {}
    what = ""
    for name in names:
        chosen = [row for row in rows if name in row]
        if not chosen:
            held = ", ".join(dict.fromkeys(key for row in rows for key in row))
            raise TrainingError(f"learning_curves: {name} is in no row\n  there are {held}")
        part, _, what = name.partition("_")
        percent = name.endswith(("error", "accuracy"))
        places = [row[x] / (1e6 if millions else 1) for row in chosen]
        values = [row[name] * (100 if percent else 1) for row in chosen]
        series[_WORDS.get(part, name)] = places, values
        what = f"{what or name}, %" if percent else what or name
    return Panel(what, series, f"millions of {x}" if millions else x, log)


def filters(weights: Array, *, columns: int | None = None, title: str = "") -> bytes:
    """Return filters as pictures: 0 in the middle, each with its largest weight at full strength.

    Args:
        weights: ``[n, height, width]``, drawn red where positive and blue where negative, or in
            colours, ``[n, 3, height, width]`` or ``[n, height, width, 3]``, drawn around grey.
        columns: filters in a line; by default about as many as there are lines.
        title: above.

    Raises:
        TrainingError: the shape is none of these.

    >>> filters(np.random.default_rng(0).normal(size=(6, 5, 5)), title="first layer")[1:4]
    b'PNG'
    """
    tiles = _tiles("filters", weights)
    most = np.abs(tiles).reshape(len(tiles), -1).max(axis=1)
    scaled = tiles / np.maximum(most, 1e-12).reshape(-1, *[1] * (tiles.ndim - 1))
    if tiles.ndim == 4:
        return _mosaic(0.5 + 0.5 * scaled, columns, title, "gray", (0, 1))
    return _mosaic(scaled, columns, title, "RdBu_r", (-1, 1))


def images(pictures: Array, *, columns: int | None = None, title: str = "") -> bytes:
    """Return pictures in lines, black where 0 and white where 1.

    Args:
        pictures: ``[n, height, width]``, ``[n, 3, height, width]`` or ``[n, height, width, 3]``;
            integers are taken as 0 to 255.
        columns: pictures in a line; by default about as many as there are lines.
        title: above.

    Raises:
        TrainingError: the shape is none of these.
    """
    return _mosaic(_tiles("images", pictures), columns, title, "gray", (0, 1))


def reconstructions(originals: Array, *others: Array, title: str = "") -> bytes:
    """Return pictures with what was made of them: a column for each, originals on top.

    Args:
        originals: pictures, as :func:`images` takes them.
        *others: as many of the same shape, in lines below.
        title: above.

    Raises:
        TrainingError: the shapes differ, or are none of pictures.

    >>> shown = np.random.default_rng(0).random((5, 8, 8))
    >>> reconstructions(shown, shown / 2)[1:4]
    b'PNG'
    """
    if any(other.shape != originals.shape for other in others):
        given = ", ".join(str(list(array.shape)) for array in (originals, *others))
        raise TrainingError(
            f"reconstructions: pictures of the shapes {given}\n  Give as many of the same shape."
        )
    lines = [_tiles("reconstructions", array) for array in (originals, *others)]
    return _mosaic(np.concatenate(lines), len(originals), title, "gray", (0, 1))


def _tiles(what: str, pictures: Array) -> Array:
    """Pictures of floats, with the axis of colours at the end."""
    if pictures.ndim == 4 and pictures.shape[-1] not in (1, 3) and pictures.shape[1] in (1, 3):
        pictures = np.moveaxis(pictures, 1, -1)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim not in (3, 4) or not pictures.size or pictures.shape[3:] not in ((), (3,)):
        raise TrainingError(
            f"{what}: pictures of the shape {list(pictures.shape)}\n"
            "  Give [n, height, width], [n, 3, height, width] or [n, height, width, 3]."
        )
    return pictures / 255 if pictures.dtype.kind in "iu" else pictures.astype(np.float64)


def _mosaic(
    tiles: Array, columns: int | None, title: str, colours: str, limits: tuple[float, float]
) -> bytes:
    """Pictures in lines, a pixel of paper between them."""
    count, height, width = tiles.shape[:3]
    across = columns or int(np.ceil(np.sqrt(count)))
    down = -(-count // across)
    size = down * (height + 1) + 1, across * (width + 1) + 1
    # What is no number is left out: nothing between the pictures; paper, where they have colours.
    mosaic = np.full((*size, *tiles.shape[3:]), np.nan if tiles.ndim == 3 else 1.0)
    for place, tile in enumerate(tiles):
        top, left = 1 + (height + 1) * (place // across), 1 + (width + 1) * (place % across)
        mosaic[top : top + height, left : left + width] = tile
    scale = min(0.75, 14 / across, 30 / down)
    wide = max(scale * across * width / max(height, width), 3.0 if title else 0.5)
    high = scale * down * height / max(height, width)
    figure = Figure(figsize=(wide, high + (0.3 if title else 0.0)), layout="compressed")
    axes = figure.subplots()
    low, top = limits
    shown = np.clip(mosaic, low, top)
    axes.imshow(shown, cmap=colours, vmin=low, vmax=top, interpolation="nearest")
    axes.set_axis_off()
    if title:
        _title(axes, title, wide)
    return _png(figure)


def confusion(
    counts: Array, names: Sequence[str] | None = None, what: str = "test examples"
) -> bytes:
    """Return how often each class (row) was taken for each class (column).

    Args:
        counts: integers, ``[classes, classes]``.
        names: of the classes; their numbers by default.
        what: what was counted, for the title.

    Raises:
        TrainingError: the counts are not square, or names are not as many.

    >>> confusion(np.array([[8, 2], [1, 9]]), ["cat", "dog"])[1:4]
    b'PNG'
    """
    classes, total = len(counts), int(counts.sum())
    titles = [str(k) for k in range(classes)] if names is None else list(names)
    if counts.shape != (classes, classes) or not classes or len(titles) != classes:
        raise TrainingError(
            f"confusion: counts of the shape {list(counts.shape)}, {len(titles)} names\n"
            "  Give a row and a column for each class, and a name."
        )
    wrong = counts - np.diag(np.diag(counts))
    side = max(4.0, 1.4 + 0.5 * classes)
    figure = Figure(figsize=(side, side - 0.2), layout="constrained")
    axes = figure.subplots()
    seen = np.where(wrong > 0, wrong, np.nan)
    axes.imshow(seen, cmap="Oranges", vmin=0, vmax=1.3 * max(int(wrong.max()), 1))
    for row in range(classes):
        for column in range(classes):
            _cell(axes, (row, column), int(counts[row, column]), int(wrong.max()))
    turn = 90 if max(map(len, titles)) > 3 else 0
    axes.set_xticks(range(classes), titles, rotation=turn)
    axes.set_yticks(range(classes), titles)
    axes.set_xlabel("taken for", color=_INK)
    axes.set_ylabel("shown", color=_INK)
    axes.tick_params(colors=_INK, length=0)
    axes.spines[:].set_visible(False)
    part = wrong.sum() / max(total, 1)
    title = f"{int(wrong.sum()):,} of {total:,} {what} wrong ({part:.2%})"
    _title(axes, title, side - 1)
    return _png(figure)


def _cell(axes: Axes, place: tuple[int, int], count: int, most_wrong: int) -> None:
    """The number of one cell: the right answers on grey, nothing where nothing happened."""
    row, column = place
    if row == column:
        sides = [column - 0.5, column + 0.5]
        axes.fill_between(sides, row - 0.5, row + 0.5, color="#eceff3", linewidth=0)
    colour = "white" if row != column and count > 0.7 * most_wrong else _INK
    if count:
        axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8)


def histogram(
    values: Array | Mapping[str, Array], *, bins: int = 50, title: str = "", below: str = ""
) -> bytes:
    """Return how numbers are spread; several sets of them over the same bins.

    Args:
        values: numbers of any shape, or several such arrays by name; NaNs and infinities are left
            out.
        bins: how many there are.
        title: above.
        below: what the numbers are.

    Raises:
        TrainingError: there is no number in a set.

    >>> histogram({"before": np.zeros(9), "after": np.arange(9.0)}, title="biases")[1:4]
    b'PNG'
    """
    sets = values if isinstance(values, Mapping) else {"": values}
    flat = {name: np.ravel(np.asarray(array, float)) for name, array in sets.items()}
    flat = {name: array[np.isfinite(array)] for name, array in flat.items()}
    empty = [name for name, array in flat.items() if not array.size]
    if empty or not flat:
        raise TrainingError(
            f"histogram: there are no numbers{' in ' if any(empty) else ''}{', '.join(empty)}\n"
            "  Give at least one finite number."
        )
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), bins)
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    for (name, array), colour in zip(flat.items(), _LINES * len(flat), strict=False):
        counts, _ = np.histogram(array, edges)
        axes.stairs(counts / len(array), edges, fill=True, alpha=0.5, color=colour, label=name)
    _title(axes, title, 6)
    axes.set_xlabel(below, color=_INK)
    axes.set_ylabel("fraction", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK, labelsize=8)
    if len(flat) > 1:
        axes.legend(frameon=False, labelcolor=_INK, fontsize=8)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()
