"""Text for language models: three parts of a corpus, symbols as numbers, streams of minibatches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int32]

END_OF_SENTENCE = "<eos>"


@dataclass(frozen=True)
class Corpus:
    """Text for training, for decisions while training, and for the last measurement.

    A line is a sentence and ends in a newline, which is a character as any other.

    Attributes:
        train: what a model learns from.
        valid: what settings are chosen on.
        test: looked at once.
        source: where the text was read, in words.
    """

    train: str
    valid: str
    test: str
    source: str


def load_text(path: Path | str, held_back: float = 0.05) -> Corpus:
    """Corpus from any text file in UTF-8: its end is for testing, what comes before for validation.

    Args:
        path: of the file.
        held_back: the fraction for validation, and as much again for testing.

    Raises:
        DatasetMissing: the file is not there or may not be read.
        DatasetCorrupt: it is no text in UTF-8, or too short to have three parts.

    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "count.txt"
    ...     _ = path.write_text("one two three four five six seven ")
    ...     load_text(path, held_back=0.2).test
    'seven '
    """
    if not 0 < held_back < 0.5:
        raise DatasetError(
            f"load_text: held_back must be between 0 and 0.5, but is {held_back}\n"
            "  It is the fraction for validation, and as much is held back for testing."
        )
    text = read_text("load_text", Path(path))
    part = int(held_back * len(text))
    if not part:
        raise DatasetCorrupt(
            f"load_text: {path} has {len(text)} characters, too few for three parts\n"
            "  Name a longer text."
        )
    first, second = len(text) - 2 * part, len(text) - part
    return Corpus(text[:first], text[first:second], text[second:], f"text, {path}")


def read_text(what: str, path: Path) -> str:
    """Text of a file in UTF-8.

    Args:
        what: who asks, for messages.
        path: of the file.

    Raises:
        DatasetMissing: the file is not there or may not be read.
        DatasetCorrupt: it is no text in UTF-8.
    """
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise DatasetMissing(f"{what}: {path} cannot be read: {error.strerror}") from error
    return decoded(what, str(path), content)


def decoded(what: str, where: str, content: bytes) -> str:
    """Text of bytes in UTF-8; line ends become newlines.

    Raises:
        DatasetCorrupt: the bytes are no such text.
    """
    try:
        text = content.decode("utf8")
    except UnicodeDecodeError as error:
        raise DatasetCorrupt(
            f"{what}: {where} is no text in UTF-8\n"
            f"  byte {error.start:,} is 0x{content[error.start]:02x}\n"
            "  Name a text file, or convert it: iconv -t UTF-8"
        ) from error
    return text.replace("\r\n", "\n")


def words(text: str) -> list[str]:
    r"""Words of a text, the end of each line as ``<eos>``.

    >>> words("a year\nago\n")
    ['a', 'year', '<eos>', 'ago', '<eos>']
    """
    return [word for line in text.splitlines() for word in (*line.split(), END_OF_SENTENCE)]


@dataclass(frozen=True)
class Vocabulary:
    """Symbols, words or characters, each with a number.

    Attributes:
        symbols: number ``k`` is ``symbols[k]``.
        unknown: the symbol that stands for those that are not among them; None refuses them.

    >>> vocabulary = Vocabulary.of("abracadabra")
    >>> vocabulary.symbols
    ('a', 'b', 'r', 'c', 'd')
    >>> vocabulary.encode("bad")
    array([1, 0, 4], dtype=int32)
    >>> "".join(vocabulary.decode([1, 0, 4]))
    'bad'
    """

    symbols: tuple[str, ...]
    unknown: str | None = None
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {symbol: number for number, symbol in enumerate(self.symbols)}
        if len(numbers) != len(self.symbols) or not numbers:
            raise DatasetError(
                f"Vocabulary: {len(self.symbols)} symbols, {len(numbers)} of them different\n"
                "  Give each symbol once, and at least one."
            )
        if self.unknown is not None and self.unknown not in numbers:
            raise DatasetError(
                f"Vocabulary: {self.unknown!r}, for what is unknown, is not among the symbols\n"
                "  Make it one of them."
            )
        object.__setattr__(self, "_numbers", numbers)

    @classmethod
    def of(
        cls, symbols: Iterable[str], most: int | None = None, unknown: str | None = None
    ) -> Vocabulary:
        """The symbols of a text, the most frequent first, equally frequent ones sorted.

        Args:
            symbols: a list of words; a text, for its characters.
            most: how many are kept, ``unknown`` among them.
            unknown: stands for the others; it is added where the text does not have it.
        """
        counts = Counter(symbols)
        order = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        kept = order[:most]
        if unknown is not None and unknown not in kept:
            kept = [*order[: None if most is None else most - 1], unknown]
        return cls(tuple(kept), unknown)

    def __len__(self) -> int:
        return len(self.symbols)

    def encode(self, symbols: Sequence[str]) -> Codes:
        """Numbers of symbols, int32[n].

        Raises:
            DatasetError: a symbol has no number, and nothing stands for what is unknown.
        """
        numbers = self._numbers
        if self.unknown is not None:
            other = numbers[self.unknown]
            found = (numbers.get(symbol, other) for symbol in symbols)
            return np.fromiter(found, np.int32, len(symbols))
        try:
            return np.fromiter(map(numbers.__getitem__, symbols), np.int32, len(symbols))
        except KeyError as error:
            (symbol,) = error.args
            raise DatasetError(
                f"encode: {symbol!r} at position {list(symbols).index(symbol):,} is not among the "
                f"{len(self)} symbols\n"
                "  Make the vocabulary of all texts, or with unknown=."
            ) from error

    def decode(self, codes: Iterable[int]) -> list[str]:
        """Symbols of numbers."""
        return [self.symbols[code] for code in codes]


@dataclass(frozen=True, eq=False)
class Streams:
    """A text cut into as many streams as a minibatch has columns, which are read side by side.

    The first row of a minibatch follows the last row of the one before, in each column, so that a
    recurrent network's state at the end of one is its state at the start of the next: truncated
    back-propagation through time.

    R. J. Williams, J. Peng: An efficient gradient-based algorithm for on-line training of
    recurrent network trajectories.  Neural Computation 2 (1990), 490-501.

    Attributes:
        inputs: int32[length, columns]; each column is a part of the text.
        targets: int32[length, columns], what comes next.
    """

    inputs: Codes
    targets: Codes

    @classmethod
    def of(cls, codes: Codes, columns: int) -> Streams:
        """Cut a text; fewer symbols than there are columns are left over at its end.

        Args:
            codes: int32[n].
            columns: streams that are read at a time.

        Raises:
            DatasetError: the text is shorter than one symbol a column, and one more.

        >>> streams = Streams.of(np.arange(8, dtype=np.int32), columns=2)
        >>> streams.inputs.T
        array([[0, 1, 2],
               [3, 4, 5]], dtype=int32)
        >>> streams.targets.T
        array([[1, 2, 3],
               [4, 5, 6]], dtype=int32)
        """
        length = (len(codes) - 1) // columns if columns > 0 else 0
        if length < 1:
            raise DatasetError(
                f"Streams: {len(codes):,} symbols cannot be cut into {columns:,} streams\n"
                "  Each has at least one symbol, and one follows: ask for fewer, but some."
            )
        count = length * columns
        cut = [codes[k : k + count].reshape(columns, length).T for k in (0, 1)]
        return cls(np.ascontiguousarray(cut[0]), np.ascontiguousarray(cut[1]))

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def size(self) -> int:
        """Number of targets."""
        return self.targets.size

    def windows(self, steps: int) -> Iterator[tuple[Codes, Codes]]:
        """Minibatches: inputs and targets, int32[steps, columns] each; the last may be shorter."""
        for first in range(0, len(self), steps):
            yield self.inputs[first : first + steps], self.targets[first : first + steps]
