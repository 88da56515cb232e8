"""Texts: where Penn Treebank is looked for, what makes numbers of text, streams of minibatches."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

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
    words,
)

PARTS = {"train": " a <unk> N \n b \n", "valid": " c \n", "test": " d d \n"}
REAL = next(
    (
        folder
        for folder in (
            Path(os.environ.get("AGNESI_DATA") or "/nowhere"),
            Path(__file__).parents[3] / "shared" / "data",
            Path("/work/shared/data"),
        )
        if (folder / "ptb").is_dir()
    ),
    None,
)


@pytest.fixture(autouse=True)
def no_data_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNESI_DATA", raising=False)


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
    with pytest.raises(DatasetMissing, match=r"AGNESI_DATA is not set\n.*ptb\.train"):
        load_ptb()


def test_a_missing_file_is_named(tmp_path: Path):
    (write(tmp_path / "ptb") / "ptb.valid.txt").unlink()
    with pytest.raises(DatasetMissing, match=r"ptb: lacks ptb\.valid\.txt\n"):
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


@pytest.mark.skipif(REAL is None, reason="the real files are not here")
def test_real_files_have_the_published_sizes():
    """5017k, 393k and 442k characters; 930k, 74k and 82k words of a vocabulary of 10,000."""
    corpus = load_ptb(REAL)
    texts = (corpus.train, corpus.valid, corpus.test)
    assert [len(text) for text in texts] == [5_017_482, 393_042, 442_423]
    assert [len(words(text)) for text in texts] == [929_589, 73_760, 82_430]
    assert len(Vocabulary.of(words(corpus.train))) == 10_000
    characters = Vocabulary.of(corpus.train)
    assert len(characters) == 50
    codes = characters.encode(corpus.valid)
    assert "".join(characters.decode(codes)) == corpus.valid
    assert corpus.valid.startswith("consumers may want to move their telephones")


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
