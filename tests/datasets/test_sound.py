"""Recordings: WAV and SPHERE files, folders of them, EMO-DB."""

from __future__ import annotations

import sys
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agnesi.datasets import (
    DatasetCorrupt,
    DatasetMissing,
    load_emodb,
    load_sound,
    load_sounds,
)
from tests.datasets.recordings import WAVE, sphere, wav

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content",
    [
        wav(),
        sphere(),
        sphere(order="10"),
        sphere(more="sample_coding -s3 pcm\n"),
    ],
)
def test_formats(tmp_path: Path, content: bytes):
    path = tmp_path / "SA1.WAV"
    path.write_bytes(content)
    found = load_sound(path)
    assert found.rate == 16_000
    assert found.samples.dtype == np.float32
    np.testing.assert_array_equal(found.samples, WAVE / np.float32(2**15))


def test_channels(tmp_path: Path):
    path = tmp_path / "two.flac"
    soundfile.write(str(path), np.stack([WAVE, WAVE[::-1]], 1), 8_000)
    found = load_sound(str(path))
    assert found.samples.shape == (3_000, 2) and found.rate == 8_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no sound"),
        (b"RIFF", "is no sound"),
        (b"some text, and more of it", "is no sound"),
        (wav()[:3_000], "is cut short\n  its header says 6,044 bytes, there are 3,000"),
        (sphere()[:3_000], "is cut short\n  its header says 3,000 samples, there are 988"),
        (sphere()[:100], "is no sound"),
        (
            sphere(more="sample_coding -s26 pcm,embedded-shorten-v2.00\n"),
            "is compressed: its header says pcm,embedded-shorten[\\s\\S]*sph2pipe",
        ),
    ],
)
def test_spoilt_files(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "spoilt.wav"
    path.write_bytes(content)
    with pytest.raises(DatasetCorrupt, match=f"spoilt.wav {words}"):
        load_sound(path)


def test_missing_file_and_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DatasetMissing, match="cannot be read: No such file"):
        load_sound(tmp_path / "nothing.wav")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DatasetMissing, match=r'soundfile[\s\S]*pip install "agnesi\[papers\]"'):
        load_sound(tmp_path / "nothing.wav")


# ----------------------------------------------------------------------------- folders of sounds


def write(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(WAVE[: 100 + number]))
    return folder


def test_classes_are_folders(tmp_path: Path):
    write(tmp_path, "dog/1.wav", "cat/b/2.WAV", "dog/3.wav")
    (tmp_path / "dog" / "notes.txt").write_text("no sound")
    (tmp_path / "dog" / "._1.wav").write_text("what Macs leave")
    found = load_sounds(tmp_path)
    assert found.names == ("cat/b/2.WAV", "dog/1.wav", "dog/3.wav")
    assert found.classes == ("b", "dog")
    assert found.labels.tolist() == [0, 1, 1]
    assert [len(each) for each in found.sounds] == [101, 100, 102]
    assert found.rate == 16_000
    assert "3 recordings" in found.source


def test_classes_are_what_label_says(tmp_path: Path):
    write(tmp_path, "dog1.wav", "cat2.wav", "other.wav")
    found = load_sounds(tmp_path, lambda path: path.name[:3] if path.stem[-1].isdecimal() else None)
    assert found.names == ("cat2.wav", "dog1.wav")
    assert found.classes == ("cat", "dog")
    with pytest.raises(DatasetMissing, match="none of the 3 files"):
        load_sounds(tmp_path, lambda path: None)


def test_folders_without_sounds(tmp_path: Path):
    with pytest.raises(DatasetMissing, match="no such folder"):
        load_sounds(tmp_path / "nowhere")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DatasetMissing, match="there are no recordings in"):
        load_sounds(tmp_path)
    (tmp_path / "a.wav").write_bytes(wav())
    (tmp_path / "b.wav").write_bytes(wav(rate=8_000))
    with pytest.raises(DatasetCorrupt, match=r"one rate\n  a.wav: 16,000.*\n  b.wav: 8,000"):
        load_sounds(tmp_path)


NAMES = ("03a01Fa.wav", "03a02Wb.wav", "16b10Lb.wav", "08a07Na.wav")


@pytest.mark.parametrize("below", ["", "wav", "emodb", "emodb/wav"])
def test_emodb(tmp_path: Path, below: str):
    write(tmp_path / below, *NAMES)
    found = load_emodb(tmp_path)
    assert found.names == tuple(sorted(NAMES))
    assert [found.classes[k] for k in found.labels] == ["happiness", "anger", "neutral", "boredom"]
    assert [name[:2] for name in found.names] == ["03", "03", "08", "16"]


def test_emodb_in_its_archive(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(f"wav/{name}", wav())
        archive.writestr("wav/index.wav", b"not a recording of the corpus")
        archive.writestr("erkennung.txt", b"")
    found = load_emodb(tmp_path)
    assert found.names == tuple(sorted(NAMES))
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
        archive.writestr("wav/03a01Fa.wav", wav()[:500])
    with pytest.raises(DatasetCorrupt, match=r"03a01Fa\.wav in .*download\.zip is cut short"):
        load_emodb(tmp_path)


def test_emodb_that_is_none(tmp_path: Path):
    write(tmp_path, "first.wav")
    with pytest.raises(DatasetMissing, match=r"EMO-DB were not found[\s\S]*emodb\.bilderbar\.info"):
        load_emodb(tmp_path)
    with zipfile.ZipFile(tmp_path / "emodb.zip", "w") as archive:
        archive.writestr("first.wav", wav())
    with pytest.raises(DatasetMissing, match="none of the 1 files"):
        load_emodb(tmp_path)


def test_real_emodb(real):
    found = load_emodb(real("emodb"))
    assert len(found.sounds) == 84
    assert set(np.bincount(found.labels)) == {12}
    assert found.rate == 22_050
    assert {len(each) for each in found.sounds} == {44_100}
    assert len(Counter(name[:2] for name in found.names)) == 10
