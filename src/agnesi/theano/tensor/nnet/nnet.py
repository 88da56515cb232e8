"""Functions of neural networks, under the path that old programs import."""

from agnesi.theano.tensor.nnet.basic import *
