"""TIMIT: LDC's and NLTK's layouts, its sets of phones and of speakers, labels of frames."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agnesi.datasets import (
    PHONES_61,
    DatasetCorrupt,
    DatasetError,
    DatasetMissing,
    fold_phones,
    load_timit,
    phone_classes,
    phone_set,
    timit,
)
from agnesi.preprocessing.audio import log_mel
from tests.datasets.recordings import sphere, wav

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = np.round(5_000 * np.sin(0.1 * np.arange(4_000))).astype(np.int16)
PHONES = "0 1000 h#\n1000 1800 sh\n1800 2600 iy\n2600 3000 q\n3000 3600 bcl\n3600 4000 h#\n"
WORDS = "1000 2600 she\n2600 3600 had\n"
TEXT = "0 4000 She had your dark suit.\n"
TRAIN = (("dr1", "fcjf0"), ("dr8", "mjlg1"))
TEST = (("dr1", "faks0"), ("dr1", "mdab0"), ("dr2", "fpas0"), ("dr3", "mabc0"))
SENTENCES = ("sa1", "sx127", "si648")


def files(audio: bytes) -> dict[str, bytes]:
    texts = {"phn": PHONES, "wrd": WORDS, "txt": TEXT}
    return {"wav": audio} | {kind: text.encode() for kind, text in texts.items()}


def write(folder: Path, audio: bytes | None = None, upper: bool = True) -> Path:
    """TRAIN and TEST as on the disc; names in capitals, or not."""
    case = str.upper if upper else str.lower
    audio = sphere(SAMPLES) if audio is None else audio
    for part, speakers in (("train", TRAIN), ("test", TEST)):
        for region, speaker in speakers:
            place = folder / case(part) / case(region) / case(speaker)
            place.mkdir(parents=True)
            for sentence in SENTENCES:
                for kind, content in files(audio).items():
                    (place / case(f"{sentence}.{kind}")).write_bytes(content)
    return folder


def write_sample(folder: Path, zipped: bool) -> Path:
    """NLTK's layout."""
    contents = {
        f"{region}-{speaker}/{sentence}.{kind}": content
        for region, speaker in (*TRAIN, TEST[1])
        for sentence in SENTENCES
        for kind, content in files(wav(SAMPLES)).items()
    }
    contents["spkrinfo.txt"] = (
        b"; comments\nCJF0  F  1  TRN  01/30/86  02/18/62  5'6\"   WHT  BS\n"
        b"JLG1  M  8  TRN  01/30/86\nDAB0  M  1  TST  01/30/86\n"
    )
    contents["dr1-fcjf0/notes.txt~"] = b""
    folder.mkdir(parents=True, exist_ok=True)
    if zipped:
        with zipfile.ZipFile(folder / "timit.zip", "w") as archive:
            for name, content in contents.items():
                archive.writestr(f"timit/{name}", content)
        return folder
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def check_utterance(utterance: timit.Utterance):
    assert utterance.text == "She had your dark suit."
    assert utterance.phones.names == ("h#", "sh", "iy", "q", "bcl", "h#")
    assert utterance.phones.starts.tolist() == [0, 1000, 1800, 2600, 3000, 3600]
    assert utterance.phones.ends.tolist() == [1000, 1800, 2600, 3000, 3600, 4000]
    assert utterance.words.names == ("she", "had")
    sound = utterance.sound()
    assert sound.rate == 16_000
    np.testing.assert_array_equal(sound.samples, SAMPLES / np.float32(2**15))


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("below", ["", "TIMIT", "timit", "timit/TIMIT"])
def test_disc(tmp_path: Path, upper: bool, below: str):
    write(tmp_path / below, upper=upper)
    found = load_timit(tmp_path)
    assert len(found.utterances) == 18
    assert "18 utterances of 6 speakers" in found.source
    assert [u.speaker for u in found.train] == ["fcjf0"] * 2 + ["mjlg1"] * 2
    assert {u.sentence for u in found.train} == {"sx127", "si648"}
    assert {u.speaker for u in found.test} == {"faks0", "mdab0", "fpas0", "mabc0"}
    assert {u.speaker for u in found.core_test} == {"mdab0", "fpas0"}
    assert {u.speaker for u in found.development} == {"faks0"}
    assert {u.dialect for u in found.utterances} == {1, 2, 3, 8}
    for utterance in found.utterances:
        check_utterance(utterance)


def test_wav_as_well_as_sphere(tmp_path: Path):
    write(tmp_path, audio=wav(SAMPLES))
    (tmp_path / "TEST" / "DR1" / "FAKS0" / "._SX127.PHN").write_text("what Macs leave")
    check_utterance(load_timit(tmp_path).core_test[0])


@pytest.mark.parametrize("zipped", [True, False])
def test_sample(tmp_path: Path, zipped: bool):
    write_sample(tmp_path / "timit_sample", zipped)
    found = load_timit(tmp_path)
    assert len(found.utterances) == 9
    assert {u.speaker for u in found.train} == {"fcjf0", "mjlg1"}
    assert {u.speaker for u in found.test} == {"mdab0"} == {u.speaker for u in found.core_test}
    for utterance in found.utterances:
        check_utterance(utterance)


def test_parts_of_the_corpus():
    core, development = timit._CORE_TEST.split(), timit._DEVELOPMENT.split()
    assert len(set(core)) == 24 and len(set(development)) == 50
    assert not set(core) & set(development)
    assert sum(speaker[0] == "f" for speaker in core) == 8


# ---------------------------------------------------------------------------------------- phones


def test_folding():
    assert [len(set(phone_set(size))) for size in (61, 48, 39)] == [61, 48, 39]
    assert phone_set(61) == PHONES_61
    everything = dict(zip(fold_phones(PHONES_61, 48), fold_phones(PHONES_61, 39), strict=True))
    groups: dict[str, set[str]] = {}
    for name, folded in everything.items():
        groups.setdefault(folded, set()).add(name)
    # Lee and Hon's table of what counts as the same in scores.
    assert sorted(map(sorted, (group for group in groups.values() if len(group) > 1))) == [
        ["aa", "ao"],
        ["ah", "ax"],
        ["cl", "epi", "sil", "vcl"],
        ["el", "l"],
        ["en", "n"],
        ["ih", "ix"],
        ["sh", "zh"],
    ]
    merged = {
        "er": ["er", "axr"],
        "uw": ["uw", "ux"],
        "ax": ["ax", "ax-h"],
        "m": ["m", "em"],
        "n": ["n", "nx"],
        "ng": ["ng", "eng"],
        "hh": ["hh", "hv"],
        "cl": ["pcl", "tcl", "kcl"],
        "vcl": ["bcl", "dcl", "gcl"],
        "sil": ["h#", "pau"],
    }
    for name, phones in merged.items():
        assert fold_phones(phones, 48) == (name,) * len(phones)
    assert fold_phones(["q"], 48) == fold_phones(["q"], 39) == ()
    assert fold_phones(["q"], 61) == ("q",)


def test_classes_of_phones():
    for size in (61, 48, 39):
        classes = phone_classes(size)
        names = phone_set(size)
        for phone in PHONES_61:
            folded = fold_phones([phone], size)
            assert classes[phone] == (names.index(folded[0]) if folded else -1)
    with pytest.raises(DatasetError, match="no set of 40 phones"):
        phone_set(40)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DatasetError, match="'xx' is no phone"):
        fold_phones(["xx"], 39)


def test_labels_of_frames(tmp_path: Path):
    utterance = load_timit(write(tmp_path)).train[0]
    count = len(log_mel(utterance.sound().samples, 16_000))
    assert count == 23
    names = phone_set(61)
    labels = [names[k] for k in utterance.frame_labels(count)]
    # The middle of frame k is sample 160 k + 200.
    assert labels == ["h#"] * 5 + ["sh"] * 5 + ["iy"] * 5 + ["q"] * 3 + ["bcl"] * 4 + ["h#"]
    folded = utterance.frame_labels(count, phones=39)
    assert folded[:5].tolist() == [phone_set(39).index("sil")] * 5
    assert folded[15:18].tolist() == [-1] * 3
    assert folded[18] == phone_set(39).index("sil")
    assert utterance.frame_labels(9, size=1, hop=1_000)[4:].tolist() == [names.index("h#")] * 5


# -------------------------------------------------------------------------------------- bad input


def test_nothing_there(tmp_path: Path):
    with pytest.raises(DatasetMissing, match="AGNESI_DATA is not set"):
        load_timit()
    (tmp_path / "TRAIN").mkdir()
    with pytest.raises(DatasetMissing, match=r"lacks TRAIN/DR.*LDC's folders[\s\S]*sold by LDC"):
        load_timit(tmp_path)


def spoil(folder: Path, name: str, content: bytes | None) -> Path:
    path = write(folder) / "TRAIN" / "DR1" / "FCJF0" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("SX127.WRD", None, r"SX127\.PHN: the utterance lacks its \.wrd"),
        ("SX127.WAV", None, r"SX127\.PHN: the utterance lacks its \.wav"),
        ("SX127.PHN", b"0 10 h#\n10 x sh\n", r"line 2 of its \.phn is '10 x sh'"),
        ("SX127.PHN", b"0 10 h#\n10 20 zz\n", "'zz' is no phone of TIMIT"),
        ("SX127.PHN", b"", "'nothing' is no phone of TIMIT"),
        ("SX127.PHN", b"10 20 h#\n0 10 sh\n", "are not in order"),
        ("SX127.WRD", b"20 10 she\n", "are not in order"),
        ("SX127.TXT", b"\xff\xfe", "no text in UTF-8"),
    ],
)
def test_spoilt_transcripts(tmp_path: Path, name: str, content: bytes | None, words: str):
    with pytest.raises(DatasetCorrupt, match=words):
        load_timit(spoil(tmp_path, name, content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (sphere(SAMPLES)[:2_000], r"SX127\.WAV is cut short"),
        (
            sphere(SAMPLES, more="sample_coding -s16 pcm,shorten-v2.0\n"),
            r"SX127\.WAV is compressed",
        ),
        (wav(SAMPLES, 8_000), r"SX127\.WAV is not TIMIT's[\s\S]*8,000 samples/s"),
        (wav(np.stack([SAMPLES, SAMPLES], 1)), r"not TIMIT's[\s\S]*shape \(4000, 2\)"),
    ],
)
def test_spoilt_sound(tmp_path: Path, content: bytes, words: str):
    found = load_timit(spoil(tmp_path, "SX127.WAV", content))
    (utterance,) = (u for u in found.train if (u.speaker, u.sentence) == ("fcjf0", "sx127"))
    with pytest.raises(DatasetCorrupt, match=words):
        utterance.sound()


def test_archive_without_speech(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "timit.zip", "w") as archive:
        archive.writestr("timit/readme.txt", "")
    with pytest.raises(DatasetCorrupt, match="has no utterances"):
        load_timit(tmp_path)


def test_real_sample(real):
    found = load_timit(real("timit_sample"))
    assert len(found.utterances) == 160 and len(found.train) == 128 and not found.test
    assert len({u.speaker for u in found.train}) == 16
    assert {name for u in found.utterances for name in u.phones.names} == set(PHONES_61)
    for utterance in found.utterances[::40]:
        sound = utterance.sound()
        assert abs(int(utterance.phones.ends[-1]) - len(sound.samples)) < 200
        features = log_mel(sound.samples, sound.rate)
        labels = utterance.frame_labels(len(features), phones=39)
        # Speech is louder than what was called silence.
        silent = labels == phone_set(39).index("sil")
        assert features[~silent].mean() > features[silent].mean() + 1
