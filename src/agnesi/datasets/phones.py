"""The phones of TIMIT: 61 as transcribed, 48 for models, 39 for scores.

K.-F. Lee, H.-W. Hon: Speaker-independent phone recognition using hidden Markov models.  IEEE
Transactions on Acoustics, Speech, and Signal Processing 37 (1989), 1641-1648.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agnesi.datasets.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    PhoneSet = Literal[61, 48, 39]

_SYMBOLS = (
    "iy ih eh ae ix ax ax-h ah uw ux uh ao aa ey ay oy aw ow "  # vowels
    "l el r y w er axr m em n nx en ng eng "  # liquids, glides, nasals
    "ch jh dh b d dx g p t k q z zh v f th s sh hh hv "  # obstruents
    "bcl dcl gcl pcl tcl kcl epi pau h#"  # closures and silence
)
PHONES_61 = tuple(_SYMBOLS.split())
"""Every symbol of the phonetic transcriptions."""

_TO_48 = {
    "ux": "uw",
    "axr": "er",
    "ax-h": "ax",
    "em": "m",
    "nx": "n",
    "eng": "ng",
    "hv": "hh",
    **dict.fromkeys(("pcl", "tcl", "kcl"), "cl"),
    **dict.fromkeys(("bcl", "dcl", "gcl"), "vcl"),
    **dict.fromkeys(("h#", "pau"), "sil"),
}
_TO_39 = {
    **dict.fromkeys(("cl", "vcl", "epi"), "sil"),
    "el": "l",
    "en": "n",
    "zh": "sh",
    "ao": "aa",
    "ix": "ih",
    "ax": "ah",
}
_DROPPED = "q"  # the glottal stop

_FOLDS: dict[int, dict[str, str]] = {
    61: {phone: phone for phone in PHONES_61},
    48: {phone: _TO_48.get(phone, phone) for phone in PHONES_61 if phone != _DROPPED},
}
_FOLDS[39] = {phone: _TO_39.get(folded, folded) for phone, folded in _FOLDS[48].items()}


def phone_set(size: PhoneSet) -> tuple[str, ...]:
    """The phones of a set, in a fixed order; number ``k`` is the class ``k`` of labels.

    Raises:
        DatasetError: there is no set of that size.

    >>> [len(phone_set(size)) for size in (61, 48, 39)]
    [61, 48, 39]
    """
    return tuple(dict.fromkeys(_fold(size).values()))


def fold_phones(phones: Iterable[str], size: PhoneSet) -> tuple[str, ...]:
    """Phones as they are called in a smaller set, in which the glottal stop ``q`` is left out.

    Raises:
        DatasetError: there is no set of that size, or a phone is none of TIMIT's 61.

    >>> fold_phones(["h#", "bcl", "b", "ix", "q", "zh"], 39)
    ('sil', 'sil', 'b', 'ih', 'sh')
    """
    fold = _fold(size)
    names = tuple(phones)
    for name in names:
        if name not in _FOLDS[61]:
            raise DatasetError(
                f"fold_phones: {name!r} is no phone of TIMIT\n"
                "  Give the 61 symbols of its transcriptions."
            )
    return tuple(fold[name] for name in names if name in fold)


def phone_classes(size: PhoneSet) -> dict[str, int]:
    """The class of each of the 61 phones in a set; -1 for the one that is left out.

    Raises:
        DatasetError: there is no set of that size.

    >>> phone_classes(39)["q"]
    -1
    """
    fold = _fold(size)
    numbers = {name: number for number, name in enumerate(phone_set(size))}
    return {phone: numbers[fold[phone]] if phone in fold else -1 for phone in PHONES_61}


def _fold(size: int) -> dict[str, str]:
    if size not in _FOLDS:
        raise DatasetError(f"phones: there is no set of {size} phones\n  There are 61, 48 and 39.")
    return _FOLDS[size]
