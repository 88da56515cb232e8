"""Pictures as arrays, by pillow, which is imported only here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_picture(
    what: str,
    source: Path | bytes,
    mode: Literal["L", "RGB"] = "RGB",
    *,
    name: str = "",
    size: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """A picture, uint8[rows, columns, 3], or uint8[rows, columns] in mode ``L``.

    Args:
        what: who asks, for messages.
        source: path of a file in any format that pillow reads, or its bytes.
        mode: ``RGB`` for colours, ``L`` for grey.
        name: of the file, where ``source`` is bytes.
        size: rows and columns that it gets, by bilinear interpolation; None for its own.

    Raises:
        DatasetMissing: the file is not there, or pillow is not installed.
        DatasetCorrupt: it is no picture, or cut short.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DatasetMissing(
            f"{what}: pictures are read with pillow, not installed here\n"
            '  pip install "agnesi[papers]"'
        ) from error

    shown = source if isinstance(source, Path) else name
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise DatasetMissing(f"{what}: {shown} cannot be read: {error.strerror}") from error
    try:
        with Image.open(io.BytesIO(content)) as picture:
            plain = picture.convert(mode)
            if size is not None:
                plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            return np.array(plain)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetCorrupt(
            f"{what}: {shown} is no picture, or cut short: {error}\n"
            "  Replace it by a complete copy."
        ) from error
