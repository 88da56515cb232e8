"""``agnesi chars``: a recurrent network learns to write, one character after the other.

Read :meth:`Model.build` for the expressions and :func:`train` for the loop; they use agnesi as any
program would.  What is shown and written is in :mod:`agnesi.cli.chars_results`.

T. Mikolov, I. Sutskever, A. Deoras, H.-S. Le, S. Kombrink, J. Černocký: Subword language modeling
with neural networks (2012) has results of many models on the same text, in bits a character.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import agnesi as ag
from agnesi import training
from agnesi.datasets import Corpus, Streams, Vocabulary

Codes = NDArray[np.int32]

_BIT = math.log(2)  # in units of the loss


class Cell(NamedTuple):
    """One kind of recurrent layer.

    Attributes:
        layer: of :mod:`agnesi.nn`.
        step: one step of it, its cell.
        weights: makes the weights of a layer of so many inputs and units.
        state: makes a layer's state of its parts.
        parts: how many there are.
        rate: learning rate that suits it.
    """

    layer: Callable[..., Any]
    step: Callable[..., Any]
    weights: Callable[..., Any]
    state: Callable[..., Any]
    parts: int
    rate: float

    def nested(self, parts: Sequence[ag.Tensor]) -> list[Any]:
        """The states of some layers, made of their parts."""
        firsts = range(0, len(parts), self.parts)
        return [self.state(*parts[k : k + self.parts]) for k in firsts]

    def flat(self, states: Sequence[Any]) -> list[ag.Tensor]:
        """The parts of the states of some layers; the first of each is what the layer gives."""
        return [part for state in states for part in (state if self.parts > 1 else (state,))]


def _only(part: ag.Tensor) -> ag.Tensor:
    return part


_irnn = partial(ag.nn.rnn, activation=ag.relu)
_irnn_cell = partial(ag.nn.rnn_cell, activation=ag.relu)
# States go on from minibatch to minibatch without end: with the identity itself they grow.
_irnn_weights = partial(ag.nn.irnn_weights, scale=0.5)

CELLS = {
    "lstm": Cell(ag.nn.lstm, ag.nn.lstm_cell, ag.nn.lstm_weights, ag.nn.LstmState, 2, rate=5e-3),
    "gru": Cell(ag.nn.gru, ag.nn.gru_cell, ag.nn.gru_weights, _only, 1, rate=2e-3),
    "irnn": Cell(_irnn, _irnn_cell, _irnn_weights, _only, 1, rate=2e-3),
    "rnn": Cell(ag.nn.rnn, ag.nn.rnn_cell, ag.nn.rnn_weights, _only, 1, rate=1e-3),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, besides the text.

    Attributes:
        cell: one of :data:`CELLS`.
        units: of each recurrent layer.
        layers: recurrent layers, one above the other.
        embedding: numbers that stand for a character.
        columns: places of the text that are read side by side.
        steps: characters of each that gradients go back through.
        epochs: times over the training text.
        rate: learning rate of Adam at the start; it falls to zero along half a cosine.
        clip: the largest norm of all gradients together.
        seed: of the initial weights and of the written text.
    """

    cell: str = "lstm"
    units: int = 256
    layers: int = 1
    embedding: int = 64
    columns: int = 32
    steps: int = 64
    epochs: int = 2
    rate: float = 5e-3
    clip: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Texts:
    """A corpus as numbers, and what makes characters of them again."""

    vocabulary: Vocabulary
    train: Streams
    valid: Streams
    test: Streams

    @classmethod
    def of(cls, corpus: Corpus, columns: int) -> Texts:
        """Number the characters and cut each part into as many streams.

        Raises:
            DatasetError: a part is too short.
        """
        parts = (corpus.train, corpus.valid, corpus.test)
        vocabulary = Vocabulary.of("".join(parts))
        return cls(vocabulary, *(Streams.of(vocabulary.encode(part), columns) for part in parts))


@dataclass(frozen=True)
class Model:
    """Parameters, the states that are carried from one minibatch to the next, and functions.

    Attributes:
        parameters: all that is learnt.
        states: of the training text's streams, then of those that are measured.
        step: characters, those that follow, and a rate, to bits a character; moves parameters and
            states.
        measure: characters and those that follow, to bits a character; moves the states.
        write: a first character, how many shall follow and a temperature, to those that follow;
            other ones each time.
    """

    parameters: tuple[ag.Shared, ...]
    states: tuple[tuple[ag.Shared, ...], tuple[ag.Shared, ...]]
    step: ag.Function
    measure: ag.Function
    write: ag.Function

    @classmethod
    def build(cls, recipe: Recipe, symbols: int) -> Model:
        """Initialise the parameters, write the expressions down, compile the functions."""
        network = _Network.of(recipe, symbols)
        x = ag.input("characters", f"i32[time, {recipe.columns}]")
        y = ag.input("next", f"i32[time, {recipe.columns}]")
        rate = ag.scalar("rate")
        read, measured = network.states(recipe.columns), network.states(recipe.columns)

        logits, news = network.read(x, read)
        loss = ag.cross_entropy(logits, y).mean()
        parameters = network.parameters
        gradients = ag.optim.clip_by_global_norm(ag.grad(loss, parameters), recipe.clip)
        updates = ag.optim.adam(gradients, parameters, rate)
        step = ag.function(
            [x, y, rate], loss / _BIT, updates=[*updates, *_carried(read, news)], name="step"
        )

        logits, news = network.read(x, measured)
        loss = ag.cross_entropy(logits, y).mean()
        measure = ag.function([x, y], loss / _BIT, updates=_carried(measured, news), name="measure")
        return cls(parameters, (read, measured), step, measure, network.writer(recipe.seed))

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(parameter.get_value().size for parameter in self.parameters)

    def begin(self, states: tuple[ag.Shared, ...]) -> None:
        """Set states to zero, for the start of a text."""
        for state in states:
            state.set_value(np.zeros_like(state.get_value(borrow=True)))


@dataclass(frozen=True)
class _Network:
    """An embedding, recurrent layers, and logits of the next character."""

    cell: Cell
    units: int
    embedding: ag.Shared
    weights: list[Any]
    out: ag.Shared
    bias: ag.Shared

    @classmethod
    def of(cls, recipe: Recipe, symbols: int) -> _Network:
        rng, cell = np.random.default_rng(recipe.seed), CELLS[recipe.cell]
        inputs = [recipe.embedding, *[recipe.units] * (recipe.layers - 1)]
        return cls(
            cell,
            recipe.units,
            ag.shared(rng.standard_normal((symbols, recipe.embedding), np.float32), "embedding"),
            [
                cell.weights(rng, size, recipe.units, name=f"{recipe.cell}{layer}")
                for layer, size in enumerate(inputs)
            ],
            ag.shared(ag.nn.glorot(rng, recipe.units, symbols), "out"),
            ag.shared(np.zeros(symbols, np.float32), "bias"),
        )

    @property
    def parameters(self) -> tuple[ag.Shared, ...]:
        layers = [part for weights in self.weights for part in weights]
        return (self.embedding, *layers, self.out, self.bias)

    def states(self, *columns: int) -> tuple[ag.Shared, ...]:
        """States of zeros for so many streams, in shared variables."""
        zeros = np.zeros((*columns, self.units), np.float32)
        count = len(self.weights) * self.cell.parts
        return tuple(ag.shared(zeros, f"state{k}") for k in range(count))

    def read(
        self, x: ag.Tensor, states: tuple[ag.Tensor, ...]
    ) -> tuple[ag.Tensor, list[ag.Tensor]]:
        """Logits after each character, ``[*x.shape, symbols]``, and the states at the end."""
        tower = ag.nn.stacked(self.cell.layer)
        h, lasts = tower(self.embedding[x], self.weights, self.cell.nested(states))
        return h @ self.out + self.bias, self.cell.flat(lasts)

    def read_one(
        self, character: ag.Tensor, states: tuple[ag.Tensor, ...]
    ) -> tuple[ag.Tensor, list[ag.Tensor]]:
        """Logits after one character of one text, ``[symbols]``, and the states then."""
        cell, h, lasts = self.cell, self.embedding[character], list[Any]()
        for weights, state in zip(self.weights, cell.nested(states), strict=True):
            lasts.append(cell.step(weights, state, h))
            h = cell.flat(lasts[-1:])[0]
        return h @ self.out + self.bias, cell.flat(lasts)

    def writer(self, seed: int) -> ag.Function:
        """The function that writes: each character is drawn, and read before the next is."""
        first, count = ag.input("first", "i32[]"), ag.input("count", "i64[]")
        temperature, numbers = ag.scalar("temperature"), ag.random.Stream(seed)

        def write(carry: Any, _: None) -> Any:
            character, states = carry
            logits, states = self.read_one(character, states)
            drawn = numbers.categorical(logits / temperature).astype("i32")
            return (drawn, tuple(states)), drawn

        start = tuple(ag.zeros((self.units,)) for _ in self.states())
        _, characters = ag.scan(write, (first, start), length=count)
        return ag.function([first, count, temperature], characters, name="write")


def _carried(
    states: tuple[ag.Shared, ...], news: list[ag.Tensor]
) -> list[tuple[ag.Shared, ag.Tensor]]:
    return list(zip(states, news, strict=True))


def train(
    model: Model, texts: Texts, recipe: Recipe, *, evaluations: int = 8, **shown: Any
) -> training.State:
    """Train for the epochs of the recipe, with an evaluation after each part of them.

    The states at the end of a minibatch are those at the start of the next; at the start of an
    epoch they are zero.

    Args:
        model: what is trained, in place.
        texts: the training text is read; the validation text is measured.
        recipe: epochs, steps, rate.
        evaluations: about how many in the whole run, the last one at its end.
        **shown: where it is shown and written, for :func:`agnesi.training.train`.

    Raises:
        Diverged: the training loss is infinite or no number.
    """
    batches = windows(texts.train, recipe.steps)
    return training.train(
        model.step,
        batches,
        epochs=recipe.epochs,
        names=("bits",),
        rate=training.half_cosine(recipe.rate),
        measure=lambda: {"valid_bits": measure(model, texts.valid, recipe.steps)},
        every=math.ceil(recipe.epochs * len(batches) / evaluations),
        before_epoch=lambda _: model.begin(model.states[0]),
        counted=count_characters,
        unit="characters",
        **shown,
    )


def windows(streams: Streams, steps: int) -> training.Minibatches:
    """Minibatches of streams, in their order: inputs and targets, int32[steps, columns] each."""

    def window(chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Codes, Codes]:
        del rng
        part = slice(int(chosen[0]) * steps, (int(chosen[0]) + 1) * steps)
        return streams.inputs[part], streams.targets[part]

    count = -(-len(streams) // steps)
    return training.Minibatches.loaded(window, count, size=1, shuffle=False, prefetch=0)


def count_characters(batch: Sequence[Codes]) -> int:
    """How many characters a minibatch has that are to be told."""
    return batch[1].size


def measure(model: Model, streams: Streams, steps: int) -> float:
    """Bits a character of a text that is read from its start."""
    model.begin(model.states[1])
    parts = windows(streams, steps)
    found = training.evaluate(model.measure, parts, names=("bits",), counted=count_characters)
    return found["bits"]


def write(model: Model, vocabulary: Vocabulary, characters: int, temperature: float) -> str:
    """Text that the model writes, beginning after the end of a line (or after any character)."""
    first = "\n" if "\n" in vocabulary.symbols else vocabulary.symbols[0]
    codes = model.write(vocabulary.encode([first])[0], characters, np.float32(temperature))
    return "".join(vocabulary.decode(codes))
