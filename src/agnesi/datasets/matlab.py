"""Arrays of numbers in MATLAB's files, of versions 4 to 7.

A file of version 5 (which 6 and 7 also write) is a header of 128 bytes and elements: a kind, a
size, the data.  An array is an element made of elements: its class, its sizes, its name, its
numbers, column by column; in version 7 it lies compressed in another element.

SciPy's reader is not used because a spoilt file may end the process that it runs in.

MATLAB 7 MAT-file format (MathWorks, 2004).
"""

from __future__ import annotations

import struct
import zlib
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_COMPLEX = 0x0800
# Kinds of elements that hold numbers, and classes of arrays.
_KINDS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_NUMBERS_OF_4 = ("f8", "f4", "i4", "i2", "u2", "u1")


def read_mat(what: str, path: Path, *names: str) -> tuple[NDArray[Any], ...]:
    """Arrays of numbers of a ``.mat`` file, by their names.

    Args:
        what: who asks, for messages.
        path: of the file, of a version before 7.3.
        names: of the arrays.

    Raises:
        DatasetMissing: the file is not there or may not be read.
        DatasetCorrupt: it is no such file, is cut short, or lacks an array.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetMissing(f"{what}: {path} cannot be read: {error.strerror}") from error
    # The header of version 5 begins with text, the one of version 4 with a small number.
    arrays = _version_4(content) if 0 in content[:4] else _version_5(content, names)
    found: dict[str, NDArray[Any]] = {}
    try:
        for name, array in arrays:
            if name in names:
                found[name] = array
            if len(found) == len(names):
                break
    except (_Spoilt, zlib.error) as error:
        raise _corrupt(what, path, str(error)) from error
    lacking = [name for name in names if name not in found]
    if lacking:
        raise _corrupt(what, path, f"it has no array {', '.join(lacking)}")
    return tuple(found[name] for name in names)


class _Spoilt(Exception):
    """The file is not what it should be."""


def _corrupt(what: str, path: Path, reason: str) -> DatasetCorrupt:
    return DatasetCorrupt(
        f"{what}: {path} cannot be read: {reason}\n  Replace it by a complete copy."
    )


def _version_5(content: bytes, names: Collection[str]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays in a file of version 5; of others than those asked for the numbers are not read."""
    if len(content) < _HEADER:
        raise _Spoilt("it is cut short")
    mark = content[124:_HEADER]
    if mark not in {b"\0\1IM", b"\1\0MI"}:
        newer = ", but of version 7.3" if content.startswith(b"MATLAB 7.3") else ""
        raise _Spoilt(f"it is no .mat file of a version up to 7{newer}")
    order = "<" if mark.endswith(b"IM") else ">"
    place = _HEADER
    while place < len(content):
        kind, data = _element(memoryview(content), place, order)
        place += 8 + len(data)
        if kind == _COMPRESSED:
            kind, data = _element(memoryview(zlib.decompress(data)), 0, order)
        if kind == _MATRIX:
            found = _matrix(data, order, names)
            if found is not None:
                yield found


def _element(content: memoryview, place: int, order: str) -> tuple[int, memoryview]:
    """Kind and data of the element at a place."""
    if place + 8 > len(content):
        raise _Spoilt("it is cut short")
    kind, size = struct.unpack_from(f"{order}II", content, place)
    start = place + 8
    if kind >> 16:  # a small one: its kind and size share a word, its data is the next
        kind, size, start = kind & 0xFFFF, min(kind >> 16, 4), place + 4
    data = content[start : start + size]
    if len(data) < size:
        raise _Spoilt("it is cut short")
    return kind, data


def _matrix(
    content: memoryview, order: str, names: Collection[str]
) -> tuple[str, NDArray[Any]] | None:
    """Name and numbers of an array; None for one that nobody asked for."""
    parts: list[tuple[int, memoryview]] = []
    place = 0
    while place < len(content) and len(parts) < 4:
        parts.append(_element(content, place, order))
        size = len(parts[-1][1])
        small = struct.unpack_from(f"{order}I", content, place)[0] >> 16
        place += 8 if small else 8 + -(-size // 8) * 8
    if len(parts) < 3 or len(parts[0][1]) < 8:
        raise _Spoilt("an array lacks its sizes or its name")
    (flags,) = struct.unpack_from(f"{order}I", parts[0][1])
    sizes = np.frombuffer(parts[1][1][: len(parts[1][1]) // 4 * 4], f"{order}i4").tolist()
    name = bytes(parts[2][1]).decode("latin1")
    if name not in names:
        return None
    numbers = _KINDS.get(parts[3][0]) if len(parts) == 4 else None
    kind = _CLASSES.get(flags & 0xFF)
    if numbers is None or kind is None or flags & _COMPLEX:
        raise _Spoilt(f"{name} is no array of real numbers")
    return name, _shaped(name, parts[3][1], order + numbers, sizes).astype(kind, copy=False)


def _version_4(content: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    """Matrices in a file of version 4: a header of five numbers, a name, the numbers."""
    place = 0
    while place < len(content):
        header = content[place : place + 20]
        if len(header) < 20:
            raise _Spoilt("it is cut short")
        order = "<" if int.from_bytes(header[:4], "little") < 1000 else ">"
        numbers: tuple[int, ...] = struct.unpack(f"{order}5i", header)
        code, rows, columns, imaginary, length = numbers
        kind = code % 100 // 10
        if code % 10 or code // 1000 != (order == ">") or kind >= len(_NUMBERS_OF_4):
            raise _Spoilt("it is no .mat file of full matrices")
        if min(rows, columns, length) < 0 or imaginary:
            raise _Spoilt("it has a matrix that is not of real numbers")
        start = place + 20 + length
        name = content[place + 20 : start].rstrip(b"\0").decode("latin1")
        dtype = np.dtype(order + _NUMBERS_OF_4[kind])
        place = start + rows * columns * dtype.itemsize
        yield name, _shaped(name, memoryview(content)[start:place], dtype.str, [rows, columns])


def _shaped(name: str, data: memoryview, dtype: str, sizes: list[int]) -> NDArray[Any]:
    """Numbers in the order of the machine, column by column."""
    expected = prod(sizes) * np.dtype(dtype).itemsize
    if min(sizes, default=-1) < 0 or len(data) != expected:
        raise _Spoilt(f"{name} has sizes {sizes}, but {len(data):,} bytes of numbers")
    flat = np.frombuffer(data, dtype)
    return flat.astype(flat.dtype.newbyteorder("="), copy=False).reshape(sizes, order="F")
