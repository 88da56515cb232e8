"""Texts: where Penn Treebank is looked for, what makes numbers of text, streams of minibatches."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnesi.datasets import (
    DatasetCorrupt,
    DatasetError,
    DatasetMissing,
    Streams,
    Vocabulary,
    load_ptb,
    load_text,
    load_text8,
    text8,
    words,
)

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {"train": " a <unk> N \n b \n", "valid": " c \n", "test": " d d \n"}


def write(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, text in PARTS.items():
        (folder / f"ptb.{part}.txt").write_text(text)
    return folder


def write_zip(folder: Path, inside: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "ptb.zip", "w") as archive:
        for part, text in PARTS.items():
            archive.writestr(f"{inside}ptb.{part}.txt", text)
    return folder


def write_tgz(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "simple-examples.tgz", "w:gz") as archive:
        for part, text in PARTS.items():
            member = tarfile.TarInfo(f"./simple-examples/data/ptb.{part}.txt")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        archive.addfile(tarfile.TarInfo("./simple-examples/README"), io.BytesIO())
    return folder


@pytest.mark.parametrize("written", [write, write_zip, write_tgz])
@pytest.mark.parametrize("below", ["", "ptb", "data", "simple-examples/data"])
def test_named_folder(tmp_path: Path, written, below: str):
    written(tmp_path / below)
    corpus = load_ptb(tmp_path)
    assert (corpus.train, corpus.valid, corpus.test) == ("a <unk> N\nb\n", "c\n", "d d\n")
    assert str(tmp_path) in corpus.source


def test_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path))
    write_zip(tmp_path / "ptb", inside="data/")
    assert load_ptb().valid == "c\n"
    with pytest.raises(DatasetMissing, match="nowhere: no such folder"):
        load_ptb(tmp_path / "nowhere")


def test_nothing_named():
    with pytest.raises(DatasetMissing, match=r"AGNESI_DATA is not set\n.*\n.*agnesi data ptb"):
        load_ptb()


def test_a_missing_file_is_named(tmp_path: Path):
    (write(tmp_path / "ptb") / "ptb.valid.txt").unlink()
    with pytest.raises(DatasetMissing, match=r"ptb: lacks ptb\.valid\.txt \("):
        load_ptb(tmp_path)


def test_spoilt_archives(tmp_path: Path):
    (tmp_path / "ptb.zip").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DatasetCorrupt, match="cannot be read"):
        load_ptb(tmp_path)
    write_tgz(tmp_path / "tgz")
    path = tmp_path / "tgz" / "simple-examples.tgz"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DatasetCorrupt, match="cannot be read"):
        load_ptb(tmp_path / "tgz")
    with zipfile.ZipFile(tmp_path / "ptb.zip", "w") as archive:
        archive.writestr("ptb.train.txt", "a\n")
    with pytest.raises(DatasetCorrupt, match=r"lacks ptb\.valid\.txt, ptb\.test\.txt"):
        load_ptb(tmp_path)


def test_empty_and_binary_files(tmp_path: Path):
    (write(tmp_path) / "ptb.test.txt").write_text(" \n")
    with pytest.raises(DatasetCorrupt, match=r"ptb\.test\.txt .* is empty"):
        load_ptb(tmp_path)
    (tmp_path / "ptb.test.txt").write_bytes(b"a\xff")
    with pytest.raises(DatasetCorrupt, match=r"byte 1 is 0xff"):
        load_ptb(tmp_path)


def test_real_files_have_the_published_sizes(real):
    """5017k, 393k and 442k characters; 930k, 74k and 82k words of a vocabulary of 10,000."""
    corpus = load_ptb(real("ptb"))
    texts = (corpus.train, corpus.valid, corpus.test)
    assert [len(text) for text in texts] == [5_017_482, 393_042, 442_423]
    assert [len(words(text)) for text in texts] == [929_589, 73_760, 82_430]
    assert len(Vocabulary.of(words(corpus.train))) == 10_000
    characters = Vocabulary.of(corpus.train)
    assert len(characters) == 50
    codes = characters.encode(corpus.valid)
    assert "".join(characters.decode(codes)) == corpus.valid
    assert corpus.valid.startswith("consumers may want to move their telephones")


def test_macs_leave_files_of_the_same_names(tmp_path: Path):
    write_zip(tmp_path)
    with zipfile.ZipFile(tmp_path / "ptb.zip", "a") as archive:
        archive.writestr("__MACOSX/ptb.valid.txt", b"\xff")
    assert load_ptb(tmp_path).valid == "c\n"


# ----------------------------------------------------------------------------------------- text8


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes text8 a hundred characters long."""
    monkeypatch.setattr(text8, "_LENGTH", 100)
    monkeypatch.setattr(text8, "_HELD_BACK", 5)
    return "a" * 90 + "v" * 5 + " test"


def test_text8_from_file_and_archive(tmp_path: Path, short: str):
    (tmp_path / "text8").mkdir()
    (tmp_path / "text8" / "text8").write_text(short)
    corpus = load_text8(tmp_path)
    assert (corpus.train, corpus.valid, corpus.test) == ("a" * 90, "v" * 5, " test")
    with zipfile.ZipFile(tmp_path / "text8.zip", "w") as archive:
        archive.writestr("text8", short)
    zipped = load_text8(tmp_path)
    assert zipped.test == " test"
    assert "archive" in zipped.source


def test_text8_that_is_none(tmp_path: Path, short: str):
    with pytest.raises(DatasetMissing, match=r"lacks text8[\s\S]*agnesi data text8"):
        load_text8(tmp_path)
    for content, words_ in (
        (short[:-1], "given: 99 characters\n"),
        (short + "a", "given: 101 characters\n"),
        (short.replace("v", "V"), "100 characters, 'V' among them"),
    ):
        (tmp_path / "text8").write_text(content)
        with pytest.raises(DatasetCorrupt, match=words_):
            load_text8(tmp_path)
    (tmp_path / "text8").unlink()
    with zipfile.ZipFile(tmp_path / "text8.zip", "w") as archive:
        archive.writestr("text9", short)
    with pytest.raises(DatasetCorrupt, match=r"text8\.zip lacks text8"):
        load_text8(tmp_path)
    (tmp_path / "text8.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(DatasetCorrupt, match="cannot be read"):
        load_text8(tmp_path)


def test_text8_has_the_usual_parts():
    assert (text8._LENGTH, text8._HELD_BACK) == (100_000_000, 5_000_000)


# -------------------------------------------------------------------------------------- any text


def test_any_text(tmp_path: Path):
    path = tmp_path / "text.txt"
    path.write_bytes("ä\r\n".encode() + b"x" * 98)
    corpus = load_text(path, held_back=0.1)
    assert corpus.train == "ä\n" + "x" * 78
    assert (len(corpus.valid), len(corpus.test)) == (10, 10)
    with pytest.raises(DatasetError, match=r"held_back .* is 0\.5"):
        load_text(path, held_back=0.5)
    with pytest.raises(DatasetCorrupt, match="too few for three parts"):
        load_text(path, held_back=0.001)
    with pytest.raises(DatasetMissing, match="cannot be read"):
        load_text(tmp_path)


def test_vocabulary_counts_and_orders():
    assert Vocabulary.of("bbacc").symbols == ("b", "c", "a")
    few = Vocabulary.of(["a", "a", "b", "b", "b", "c"], most=2, unknown="<unk>")
    assert few.symbols == ("b", "<unk>")
    assert few.encode(["b", "c", "z"]).tolist() == [0, 1, 1]
    given = Vocabulary.of(["a", "<unk>", "<unk>", "b"], most=2, unknown="<unk>")
    assert given.symbols == ("<unk>", "a")
    assert len(given) == 2


def test_vocabulary_refuses():
    with pytest.raises(DatasetError, match="'z' at position 1 is not among the 2 symbols"):
        Vocabulary.of("ab").encode("bza")
    with pytest.raises(DatasetError, match="2 symbols, 1 of them different"):
        Vocabulary(("a", "a"))
    with pytest.raises(DatasetError, match="at least one"):
        Vocabulary.of("")
    with pytest.raises(DatasetError, match="'z', for what is unknown"):
        Vocabulary(("a",), "z")


@given(st.integers(2, 60), st.integers(1, 7), st.integers(1, 9))
def test_streams_read_every_symbol_once(count: int, columns: int, steps: int):
    codes = np.arange(count, dtype=np.int32)
    if count <= columns:
        with pytest.raises(DatasetError, match="cannot be cut"):
            Streams.of(codes, columns)
        return
    streams = Streams.of(codes, columns)
    assert streams.size > count - 1 - columns
    pieces = list(streams.windows(steps))
    assert all(len(inputs) == steps for inputs, _ in pieces[:-1])
    inputs, targets = (np.concatenate(rows) for rows in zip(*pieces, strict=True))
    np.testing.assert_array_equal(targets, inputs + 1)
    np.testing.assert_array_equal(inputs.T.ravel(), np.arange(streams.size))


def test_no_streams():
    with pytest.raises(DatasetError, match="into 0 streams"):
        Streams.of(np.arange(9, dtype=np.int32), 0)
