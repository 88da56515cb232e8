"""A multilayer perceptron on MNIST, in the manner of early tutorials."""

from __future__ import print_function

import sys

import numpy
import theano
import theano.tensor as T

from data import load_data


class LogisticRegression(object):
    def __init__(self, input, n_in, n_out):
        self.W = theano.shared(
            value=numpy.zeros((n_in, n_out), dtype=theano.config.floatX), name="W", borrow=True
        )
        self.b = theano.shared(
            value=numpy.zeros((n_out,), dtype=theano.config.floatX), name="b", borrow=True
        )
        self.p_y_given_x = T.nnet.softmax(T.dot(input, self.W) + self.b)
        self.y_pred = T.argmax(self.p_y_given_x, axis=1)
        self.params = [self.W, self.b]
        self.input = input

    def negative_log_likelihood(self, y):
        return -T.mean(T.log(self.p_y_given_x)[T.arange(y.shape[0]), y])

    def errors(self, y):
        if y.ndim != self.y_pred.ndim:
            raise TypeError(
                "y should have the same shape as self.y_pred",
                ("y", y.type, "y_pred", self.y_pred.type),
            )
        if y.dtype.startswith("int"):
            return T.mean(T.neq(self.y_pred, y))
        else:
            raise NotImplementedError()


class HiddenLayer(object):
    def __init__(self, rng, input, n_in, n_out, W=None, b=None, activation=T.tanh):
        self.input = input
        if W is None:
            W_values = numpy.asarray(
                rng.uniform(
                    low=-numpy.sqrt(6.0 / (n_in + n_out)),
                    high=numpy.sqrt(6.0 / (n_in + n_out)),
                    size=(n_in, n_out),
                ),
                dtype=theano.config.floatX,
            )
            if activation == theano.tensor.nnet.sigmoid:
                W_values *= 4
            W = theano.shared(value=W_values, name="W", borrow=True)
        if b is None:
            b = theano.shared(
                value=numpy.zeros((n_out,), dtype=theano.config.floatX), name="b", borrow=True
            )
        self.W, self.b = W, b
        lin_output = T.dot(input, self.W) + self.b
        self.output = lin_output if activation is None else activation(lin_output)
        self.params = [self.W, self.b]


def main(learning_rate=0.01, L1_reg=0.00, L2_reg=0.0001, n_epochs=5, batch_size=20, n_hidden=100):
    datasets = load_data(theano, T)
    train_set_x, train_set_y = datasets[0]
    valid_set_x, valid_set_y = datasets[1]
    n_train_batches = train_set_x.get_value(borrow=True).shape[0] // batch_size
    n_valid_batches = valid_set_x.get_value(borrow=True).shape[0] // batch_size

    index = T.lscalar()
    x = T.matrix("x")
    y = T.ivector("y")
    rng = numpy.random.RandomState(1234)
    hidden = HiddenLayer(rng=rng, input=x, n_in=28 * 28, n_out=n_hidden, activation=T.tanh)
    top = LogisticRegression(input=hidden.output, n_in=n_hidden, n_out=10)
    L1 = abs(hidden.W).sum() + abs(top.W).sum()
    L2_sqr = (hidden.W**2).sum() + (top.W**2).sum()
    cost = top.negative_log_likelihood(y) + L1_reg * L1 + L2_reg * L2_sqr
    params = hidden.params + top.params
    validate_model = theano.function(
        inputs=[index],
        outputs=top.errors(y),
        givens={
            x: valid_set_x[index * batch_size : (index + 1) * batch_size],
            y: valid_set_y[index * batch_size : (index + 1) * batch_size],
        },
    )
    gparams = [T.grad(cost, param) for param in params]
    updates = [(param, param - learning_rate * gparam) for param, gparam in zip(params, gparams)]
    train_model = theano.function(
        inputs=[index],
        outputs=cost,
        updates=updates,
        givens={
            x: train_set_x[index * batch_size : (index + 1) * batch_size],
            y: train_set_y[index * batch_size : (index + 1) * batch_size],
        },
    )
    for epoch in range(n_epochs):
        costs = [train_model(i) for i in range(n_train_batches)]
        losses = [validate_model(i) for i in range(n_valid_batches)]
        print(
            "epoch %i, cost %f, validation error %f %%"
            % (epoch + 1, numpy.mean(costs), numpy.mean(losses) * 100.0)
        )
    print("RESULT", float(numpy.mean(losses)))


if __name__ == "__main__":
    main(n_epochs=int(sys.argv[1]) if len(sys.argv) > 1 else 5)
