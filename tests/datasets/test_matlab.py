"""The reader of MATLAB's files, against SciPy's writer, and on files that are spoilt."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from agnesi.datasets import DatasetCorrupt, DatasetMissing
from agnesi.datasets.matlab import read_mat

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def written(version: Literal["4", "5"] = "5", packed: bool = False, **arrays: Any) -> bytes:
    file: Any = io.BytesIO()
    scipy.io.savemat(file, arrays, format=version, do_compression=packed)
    return file.getvalue()


def read(folder: Path, content: bytes, *names: str) -> tuple[np.ndarray, ...]:
    path = folder / "a.mat"
    path.write_bytes(content)
    return read_mat("test", path, *names)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (0, 3), (2, 3, 4), (1, 3, 2, 5)])
def test_version_5(tmp_path: Path, kind: str, packed: bool, shape: tuple[int, ...]):
    array = np.random.default_rng(0).uniform(0, 100, shape).astype(kind)
    content = written(packed=packed, other=np.ones(3), name_of_many_letters=array, s="text")
    (got,) = read(tmp_path, content, "name_of_many_letters")
    assert got.dtype == array.dtype and got.dtype.isnative
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_version_4(tmp_path: Path, kind: str):
    array = np.arange(12).reshape(3, 4).astype(kind)
    content = written("4", a=np.ones((2, 5)), ff=array, b=np.eye(2))
    got, other = read(tmp_path, content, "ff", "b")
    np.testing.assert_array_equal(got, array)
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(other, np.eye(2))


def swapped(order: str) -> bytes:
    """A file of version 5 that a machine of this byte order wrote: x is [[1, 2], [3, 4]]."""

    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(f"{order}II", kind, len(data)) + data + bytes(-len(data) % 8)

    mark = b"\0\1IM" if order == "<" else b"\1\0MI"
    small = struct.pack(f"{order}I4s", 1 << 16 | 1, b"x")
    parts = (
        element(6, struct.pack(f"{order}II", 6, 0)),  # an array of doubles
        element(5, struct.pack(f"{order}ii", 2, 2)),
        small,
        element(3, struct.pack(f"{order}4h", 1, 3, 2, 4)),  # kept as 16-bit integers
    )
    return b"text".ljust(124) + mark + element(14, b"".join(parts))


@pytest.mark.parametrize("order", ["<", ">"])
def test_byte_orders_and_numbers_kept_small(tmp_path: Path, order: str):
    (got,) = read(tmp_path, swapped(order), "x")
    np.testing.assert_array_equal(got, [[1, 2], [3, 4]])
    assert got.dtype == np.float64 and got.dtype.isnative
    old = struct.pack(f"{order}5i", 1000 * (order == ">") + 20, 1, 2, 0, 2) + b"y\0"
    (got,) = read(tmp_path, old + struct.pack(f"{order}2i", 7, 8), "y")
    np.testing.assert_array_equal(got, [[7, 8]])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is cut short"),
        (b"MATLAB 7.3 MAT-file".ljust(128) + b"?", "but of version 7.3"),
        (b"no such file at all".ljust(200), "no .mat file of a version up to 7\n"),
        (written(x=np.ones(3))[:-1], "it is cut short"),
        (written(packed=True, x=np.ones(300))[:-5], "it is cut short"),
        (written(packed=True, x=np.arange(300))[:-9] + b"123456789", "Error -|bytes of numbers"),
        (written(x=1j * np.ones(3)), "x is no array of real numbers"),
        (written(x={"a": 1}), "x is no array of real numbers"),
        (written(x=np.array(["a"], object)), "x is no array of real numbers"),
        (written(y=np.ones(3)), "it has no array x"),
        (written("4", x=np.ones((3, 3)))[:-8], r"x has sizes \[3, 3\], but 64 bytes"),
        (written("4", x=np.ones((3, 3)))[:10], "it is cut short"),
        (written("4", x="text"), "no .mat file of full matrices"),
        (written("4", x=1j * np.ones((2, 2))), "not of real numbers"),
    ],
)
def test_spoilt_files(tmp_path: Path, content: bytes, says: str):
    with pytest.raises(DatasetCorrupt, match=says):
        read(tmp_path, content, "x")
    with pytest.raises(DatasetMissing, match="cannot be read: No such file"):
        read_mat("test", tmp_path / "nowhere.mat", "x")


GOOD = (
    written(x=np.arange(20, dtype="u1").reshape(4, 5), y="text"),
    written(packed=True, y=np.ones(2), x=np.arange(20, dtype="u1")),
    written("4", y=np.ones((2, 2)), x=np.arange(20, dtype="u1").reshape(4, 5)),
)


@given(data=st.data())
def test_whatever_is_spoilt_is_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    """Files with other bytes, or cut short, are read or refused, never anything else."""
    content = bytearray(data.draw(st.sampled_from(GOOD)))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    try:
        (got,) = read(tmp_path_factory.getbasetemp(), bytes(content[:length]), "x")
    except DatasetCorrupt:
        return
    assert got.dtype.kind in "uif"
