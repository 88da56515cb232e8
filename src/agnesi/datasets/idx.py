"""The IDX format of the MNIST files: arrays of bytes, plain or compressed with gzip.

A file is ``00 00``, a code for the element type, the number of axes, the size of each axis as a
big-endian 32-bit integer, then the elements in C order.
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_ELEMENTS = {
    0x08: "uint8",
    0x09: "int8",
    0x0B: "int16",
    0x0C: "int32",
    0x0D: "float32",
    0x0E: "float64",
}
_UINT8 = 0x08
_GZIP = b"\x1f\x8b"


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Array of bytes that an IDX file holds, uint8 with ``ndim`` axes, writable.

    Whether the file is compressed is read from its first two bytes, not from its name.

    Raises:
        DatasetMissing: the file is not there or may not be read.
        DatasetCorrupt: it is no IDX file of bytes with ``ndim`` axes, or is cut short or too long.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     print(read_idx(path, ndim=1))
    [5 0 4]
    """
    content = _read(path)
    shape = _shape(path, content, ndim)
    start, size = 4 + 4 * ndim, prod(shape)
    if len(content) != start + size:
        state = "cut short" if len(content) < start + size else "too long"
        raise DatasetCorrupt(
            f"read_idx: {path.name} is {state}\n"
            f"  its header says {' x '.join(map(str, shape))} bytes, that is {size:,}\n"
            f"  after the header stand {len(content) - start:,}\n"
            f"  Replace {path} by a complete copy."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetMissing(
            f"read_idx: {path} cannot be read: {error.strerror}\n"
            "  Name a folder with readable files."
        ) from error
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DatasetCorrupt(
            f"read_idx: {path.name} is compressed with gzip, but does not decompress: {error}\n"
            f"  Replace {path} by a complete copy."
        ) from error


def _shape(path: Path, content: bytes, ndim: int) -> tuple[int, ...]:
    """Sizes of the axes, once the magic number is the one that was asked for."""
    asked = bytes((0, 0, _UINT8, ndim))
    magic = content[:4]
    if magic != asked:
        raise DatasetCorrupt(
            f"read_idx: {path.name} is not an IDX file of bytes with {_axes(ndim)}\n"
            f"  asked: magic number {asked.hex(' ')}\n"
            f"  given: {_described(magic)}\n"
            f"  Put the file that its name promises at {path}."
        )
    header = content[4 : 4 + 4 * ndim]
    if len(header) < 4 * ndim:
        raise DatasetCorrupt(
            f"read_idx: {path.name} is cut short\n"
            f"  its header should be {4 + 4 * ndim} bytes, the file has {len(content)}\n"
            f"  Replace {path} by a complete copy."
        )
    return tuple(int(size) for size in np.frombuffer(header, ">u4"))


def _described(magic: bytes) -> str:
    """The first bytes of a file, and what they mean where they are a magic number of IDX."""
    if not magic:
        return "an empty file"
    if len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _ELEMENTS:
        return f"{magic.hex(' ')}, {_ELEMENTS[magic[2]]} with {_axes(magic[3])}"
    return f"{magic.hex(' ')}, no IDX file"


def _axes(ndim: int) -> str:
    return f"{ndim} axis" if ndim == 1 else f"{ndim} axes"
