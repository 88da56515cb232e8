"""TIMIT: read speech with its phones, 630 speakers who read ten sentences each.

J. S. Garofolo, L. F. Lamel, W. M. Fisher, J. G. Fiscus, D. S. Pallett, N. L. Dahlgren: DARPA TIMIT
acoustic-phonetic continuous speech corpus CD-ROM.  NISTIR 4930 (1993).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Folder, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt
from agnesi.datasets.phones import PHONES_61, phone_classes
from agnesi.datasets.sound import Sound, read_sound
from agnesi.datasets.text import decoded, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Paths
    from agnesi.datasets.phones import PhoneSet

    File = Path | bytes

RATE = 16_000

# Two men and a woman of each dialect region: table 1 of the corpus's testset.doc.
_CORE_TEST = (
    "mdab0 mwbt0 felc0 mtas1 mwew0 fpas0 mjmp0 mlnt0 fpkt0 mlll0 mtls0 fjlm0 "
    "mbpm0 mklt0 fnlp0 mcmj0 mjdh0 fmgd0 mgrt0 mnjm0 fdhc0 mjln0 mpam0 fmld0"
)
# A. K. Halberstadt: Heterogeneous acoustic measurements and multiple classifiers for speech
# recognition.  PhD thesis, MIT (1998).
_DEVELOPMENT = (
    "faks0 fdac1 fjem0 mgwt0 mjar0 mmdb1 mmdm2 mpdf0 fcmh0 fkms0 mbdg0 mbwm0 mcsh0 fadg0 fdms0 "
    "fedw0 mgjf0 mglb0 mrtk0 mtaa0 mtdt0 mthc0 mwjg0 fnmr0 frew0 fsem0 mbns0 mmjr0 mdls0 mdlf0 "
    "mdvc0 mers0 fmah0 fdrw0 mrcs0 mrjm4 fcal1 mmwh0 fjsj0 majc0 mjsw0 mreb0 fgjd0 fjmg0 mroa0 "
    "mteb0 mjfc0 mrjr0 fmml0 mrws1"
)
_PHONES = frozenset(PHONES_61)
_KINDS = ("wav", "phn", "wrd", "txt")
_FLAT = re.compile(r"dr([1-8])-([mf]\w{3}\d)", re.IGNORECASE)
_SPEAKER = re.compile(r"^(\w{4})\s+([MF])\s+[1-8]\s+(TRN|TST)\b", re.MULTILINE)
_WHAT = "load_timit"


class _Who(NamedTuple):
    speaker: str
    dialect: int
    testing: bool


@dataclass(frozen=True, eq=False)
class Segments:
    """Names of what is said, and when: phones or words.

    Attributes:
        names: of each segment.
        starts: int64[n], the first sample of each.
        ends: int64[n], the sample after the last.
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64] = field(repr=False)
    ends: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Utterance:
    """A sentence that someone reads.

    Attributes:
        speaker: such as ``fcjf0``: the sex, three initials, a digit.
        dialect: region 1 to 8.
        sentence: ``sa`` (dialect), ``sx`` (compact) or ``si`` (diverse), and a number.
        testing: whether the corpus counts the speaker to its complete test set.
        text: the sentence as it was to be read.
        phones: the 61 symbols of :data:`agnesi.datasets.PHONES_61`.
        words: as they were said.
        audio: the sound's file, or its bytes.
    """

    speaker: str
    dialect: int
    sentence: str
    testing: bool
    text: str
    phones: Segments
    words: Segments
    audio: File = field(repr=False)

    def sound(self) -> Sound:
        """What was recorded, float32[n] at 16,000 samples a second; read at each call.

        Raises:
            DatasetMissing: the file is gone, or soundfile is not installed.
            DatasetCorrupt: it is no sound, or cut short, or not as TIMIT has it.
        """
        name = f"{self.speaker}/{self.sentence}.wav"
        sound = read_sound(_WHAT, self.audio, name)
        if sound.rate != RATE or sound.samples.ndim != 1:
            raise DatasetCorrupt(
                f"{_WHAT}: {self.audio if isinstance(self.audio, Path) else name} is not TIMIT's\n"
                f"  asked: one channel, {RATE:,} samples/s\n"
                f"  given: shape {sound.samples.shape}, {sound.rate:,} samples/s\n"
                "  Put the original there."
            )
        return sound

    def frame_labels(
        self, frames: int, size: int = 400, hop: int = 160, phones: PhoneSet = 61
    ) -> NDArray[np.int64]:
        """The class of the phone that is heard in the middle of each frame.

        Args:
            frames: how many, as the features of the sound have them.
            size: samples of a frame, as for the features; 0 where those are centred.
            hop: samples from one frame to the next; frame ``k`` begins at sample ``k * hop``.
            phones: of which set the classes are, as :func:`agnesi.datasets.phone_set` lists it.

        Returns:
            int64[frames]; -1 where the smaller sets have no class (the glottal stop).
        """
        middles = np.arange(frames) * hop + size // 2
        at = np.searchsorted(self.phones.starts, middles, side="right") - 1
        classes = phone_classes(phones)
        names = np.array([classes[name] for name in self.phones.names])
        return names[np.clip(at, 0, None)]


@dataclass(frozen=True, eq=False)
class Timit:
    """The utterances of TIMIT.

    ``train``, ``test``, ``core_test`` and ``development`` leave out the two sentences that everyone
    reads (``sa``), as the corpus asks for.

    Attributes:
        utterances: all there are, in the order of their speakers and names.
        source: where they were read, in words.
    """

    utterances: tuple[Utterance, ...]
    source: str

    @property
    def train(self) -> tuple[Utterance, ...]:
        """Of the 462 speakers for training: 3,696 where the corpus is complete."""
        return self._of(lambda u: not u.testing)

    @property
    def test(self) -> tuple[Utterance, ...]:
        """The complete test set of 168 speakers, 1,344 utterances."""
        return self._of(lambda u: u.testing)

    @property
    def core_test(self) -> tuple[Utterance, ...]:
        """The core test set of 24 speakers, 192 utterances, which results are given for."""
        return self._of(lambda u: u.speaker in _CORE_TEST.split())

    @property
    def development(self) -> tuple[Utterance, ...]:
        """Halberstadt's 50 speakers of the test set that are not in its core, 400 utterances."""
        return self._of(lambda u: u.speaker in _DEVELOPMENT.split())

    def _of(self, wanted: Callable[[Utterance], bool]) -> tuple[Utterance, ...]:
        return tuple(u for u in self.utterances if u.sentence[:2] != "sa" and wanted(u))


def load_timit(folder: Folder = None, *, download: bool = False) -> Timit:
    """TIMIT, or NLTK's sample of 16 of its speakers; the sound is read when it is asked for.

    A folder, or a subfolder ``timit`` or ``TIMIT``, holds ``TRAIN`` and ``TEST`` as LDC has them,
    in capitals or not: ``TRAIN/DR1/FCJF0/SA1.WAV`` and the same with ``.PHN``, ``.WRD`` and
    ``.TXT``; the sound is SPHERE or WAV.  Or it holds NLTK's sample, all speakers for training,
    ``dr1-fvmh0/sa1.wav`` and so on with ``spkrinfo.txt``, or the archive ``timit.zip`` of that.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get NLTK's sample where there is nothing.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: a file is not what it should be.
    """
    return TIMIT.load(folder, download=download)


def _from_disc(paths: Paths, where: str) -> Timit:
    """TRAIN and TEST, a folder for each region, in it one for each speaker."""
    found: list[Utterance] = []
    for testing, transcripts in zip((False, True), paths, strict=True):
        for path in transcripts:
            region, speaker = path.parent.parent.name, path.parent.name.lower()
            found.append(_on_disc(path, _Who(speaker, int(region[2:]), testing)))
    return _timit(found, where)


def _from_folders(paths: Paths, where: str) -> Timit:
    """NLTK's layout: a folder for each speaker."""
    transcripts, (information,) = paths
    testing = _testing(read_text(_WHAT, information))
    found: list[Utterance] = []
    for path in transcripts:
        who = _who(path.parent.name, testing)
        if who is not None:
            found.append(_on_disc(path, who))
    return _timit(found, where)


def _from_archive(paths: Paths, where: str) -> Timit:
    """An archive of NLTK's layout."""
    ((path,),) = paths
    members = read_members(
        _WHAT, path, lambda name: name.lower().endswith((*_KINDS, "spkrinfo.txt"))
    )
    files: dict[tuple[str, str], dict[str, bytes]] = defaultdict(dict)
    testing: set[str] = set()
    for name, content in members.items():
        *folders, file = name.split("/")
        if file == "spkrinfo.txt":
            testing = _testing(decoded(_WHAT, f"{name} in {path}", content))
        elif folders:
            stem, _, kind = file.lower().rpartition(".")
            files[folders[-1], stem][kind] = content
    found: list[Utterance] = []
    for (folder, stem), kinds in files.items():
        who = _who(folder, testing)
        if who is not None:
            found.append(_utterance(f"{folder}/{stem} in {path}", who, stem, kinds))
    return _timit(found, where)


def _timit(found: Iterable[Utterance], where: str) -> Timit:
    ordered = sorted(found, key=lambda u: (u.testing, u.dialect, u.speaker, u.sentence))
    if not ordered:
        raise DatasetCorrupt(f"{_WHAT}: {where} has no utterances\n  Put TIMIT there.")
    speakers = len({u.speaker for u in ordered})
    return Timit(
        tuple(ordered), f"TIMIT, {len(ordered):,} utterances of {speakers} speakers, {where}"
    )


def _testing(information: str) -> set[str]:
    """Speakers of the complete test set, by the corpus's table of speakers."""
    rows = _SPEAKER.findall(information)
    return {(sex + name).lower() for name, sex, use in rows if use == "TST"}


def _who(folder: str, testing: set[str]) -> _Who | None:
    """The speaker of a folder ``dr1-fvmh0``; None for other folders."""
    match = _FLAT.fullmatch(folder)
    if match is None:
        return None
    speaker = match[2].lower()
    return _Who(speaker, int(match[1]), speaker in testing)


def _on_disc(transcript: Path, who: _Who) -> Utterance:
    """The utterance whose phones are in a file, with the files beside it."""
    upper = transcript.suffix.isupper()
    kinds = {kind: transcript.with_suffix(f".{kind.upper() if upper else kind}") for kind in _KINDS}
    kinds = {kind: path for kind, path in kinds.items() if path.is_file()}
    stem = transcript.stem.lower()
    return _utterance(str(transcript), who, stem, kinds)


def _utterance(place: str, who: _Who, sentence: str, kinds: Mapping[str, File]) -> Utterance:
    lacking = [kind for kind in _KINDS if kind not in kinds]
    if lacking:
        raise DatasetCorrupt(
            f"{_WHAT}: {place}: the utterance lacks its .{', .'.join(lacking)}\n"
            "  Put the whole corpus there."
        )
    text = _text(place, kinds["txt"]).split(maxsplit=2)
    phones = _segments(place, "phn", kinds["phn"])
    unknown = [name for name in phones.names if name not in _PHONES]
    if unknown or not phones.names:
        raise DatasetCorrupt(
            f"{_WHAT}: {place}: {unknown[0] if unknown else 'nothing'!r} is no phone of TIMIT\n"
            "  Put the original transcription there."
        )
    return Utterance(
        who.speaker,
        who.dialect,
        sentence,
        who.testing,
        text[-1].strip() if len(text) == 3 else "",
        phones,
        _segments(place, "wrd", kinds["wrd"]),
        kinds["wav"],
    )


def _text(place: str, file: File) -> str:
    return read_text(_WHAT, file) if isinstance(file, Path) else decoded(_WHAT, place, file)


def _segments(place: str, kind: str, file: File) -> Segments:
    """Lines of a first sample, the one after the last, and a name."""
    names: list[str] = []
    times: list[tuple[int, int]] = []
    for number, line in enumerate(_text(place, file).splitlines(), 1):
        match line.split():
            case [start, end, name] if start.isdecimal() and end.isdecimal():
                names.append(name)
                times.append((int(start), int(end)))
            case []:
                pass
            case _:
                raise DatasetCorrupt(
                    f"{_WHAT}: {place}: line {number} of its .{kind} is {line!r}\n"
                    "  expected: first sample, end, name\n"
                    "  Put the original transcription there."
                )
    at = np.array(times, np.int64).reshape(-1, 2)
    # Words may overlap; phones are looked up by when they begin.
    if (at[:, 0] > at[:, 1]).any() or (kind == "phn" and (np.diff(at[:, 0]) < 0).any()):
        raise DatasetCorrupt(
            f"{_WHAT}: {place}: the times in its .{kind} are not in order\n"
            "  Put the original transcription there."
        )
    return Segments(tuple(names), at[:, 0].copy(), at[:, 1].copy())


TIMIT = Dataset(
    name="timit",
    title="TIMIT",
    what="read speech with its phones, 630 speakers of 10 sentences",
    terms="LDC user agreement; NLTK's sample: CC BY-NC-SA",
    home="https://catalog.ldc.upenn.edu/LDC93S1",
    folders=("TIMIT", "timit/TIMIT", "TIMIT/TIMIT", "timit_sample"),
    layouts=(
        Layout(
            "LDC's folders",
            tuple(
                (
                    f"{part}/DR[1-8]/*/*.PHN",
                    f"{part.lower()}/dr[1-8]/*/*.phn",
                )
                for part in ("TRAIN", "TEST")
            ),
            _from_disc,
        ),
        Layout(
            "NLTK's sample",
            (("dr[1-8]-*/*.phn",), ("spkrinfo.txt",)),
            _from_folders,
        ),
        Layout("NLTK's sample, zipped", (("timit.zip",),), _from_archive),
    ),
    downloads=(
        Download(
            "timit.zip",
            (
                "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/timit.zip",
            ),
            "md5:34c047c4749a811287f2c652104d7849",
            22_251_869,
        ),
    ),
    by_hand="That is NLTK's sample of 16 speakers; all 630 are sold by LDC:\n"
    "https://catalog.ldc.upenn.edu/LDC93S1",
)
