"""Films for tests of loaders."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def film(count: int, height: int = 24, width: int = 32) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Grey frames that tell their number by their brightness, 6 for each: [n, height, width]."""
    return np.broadcast_to(
        (6 * np.arange(count) + 20).astype(np.uint8)[:, None, None], (count, height, width)
    ).copy()


def numbers(frames: np.ndarray[Any, Any]) -> list[int]:
    """The numbers that frames tell, whatever the codec has done to them."""
    means = frames.reshape(len(frames), -1).mean(1)
    return np.rint((means - 20) / 6).astype(int).tolist()


def write(path: Path, frames: np.ndarray[Any, Any], rate: int = 25) -> Path:
    """A film, in the container that its name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=Fraction(rate))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        form = "gray" if frames.ndim == 3 else "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format=form)))
        container.mux(stream.encode())
    return path
