"""``softsign``, under its old path."""

from agnesi.theano.tensor.nnet.basic import softsign as softsign
