"""Sorting, under the path that programs import."""

from agnesi.theano.tensor.basic import argsort as argsort
from agnesi.theano.tensor.basic import argtopk as argtopk
from agnesi.theano.tensor.basic import sort as sort
from agnesi.theano.tensor.basic import topk as topk
from agnesi.theano.tensor.basic import topk_and_argtopk as topk_and_argtopk
