"""Pictures as arrays, by pillow, which is imported only here."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_picture(
    what: str, source: Path | bytes, mode: Literal["L", "RGB"] = "RGB", name: str = ""
) -> NDArray[np.uint8]:
    """A picture, uint8[rows, columns, 3], or uint8[rows, columns] in mode ``L``.

    Args:
        what: who asks, for messages.
        source: path of a file in any format that pillow reads, or its bytes.
        mode: ``RGB`` for colours, ``L`` for grey.
        name: of the file, where ``source`` is bytes.

    Raises:
        DatasetMissing: the file is not there, or pillow is not installed.
        DatasetCorrupt: it is no picture, or cut short.
    """
    if find_spec("PIL") is None:
        raise DatasetMissing(
            f"{what}: pictures are read with pillow, not installed here\n"
            '  pip install "agnesi[papers]"'
        )
    from PIL import Image, UnidentifiedImageError

    shown = source if isinstance(source, Path) else name
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise DatasetMissing(f"{what}: {shown} cannot be read: {error.strerror}") from error
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return np.array(picture.convert(mode))
    except (
        OSError,
        SyntaxError,
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
    ) as error:
        raise DatasetCorrupt(
            f"{what}: {shown} is no picture, or cut short: {error}\n"
            "  Replace it by a complete copy."
        ) from error
