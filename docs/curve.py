"""Draw Agnesi's curve ``1 / (1 + x**2)`` and its derivative, both computed by agnesi."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import agnesi as ag


def main(path: Path) -> None:
    """Compile the curve with its derivative, evaluate both, plot them."""
    x = ag.vector("x")
    y = 1 / (1 + x**2)
    curve = ag.function([x], [y, ag.grad(y.sum(), x)], name="curve")
    points = np.linspace(-4, 4, 400, dtype=np.float32)
    values, slopes = curve(points)
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(points, values, label="1 / (1 + x²)")
    axes.plot(points, slopes, label="its derivative")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
