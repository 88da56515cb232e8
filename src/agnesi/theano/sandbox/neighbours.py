"""Patches of images, under the path of early programs."""

from agnesi.theano.tensor.nnet.neighbours import Images2Neibs as Images2Neibs
from agnesi.theano.tensor.nnet.neighbours import images2neibs as images2neibs
from agnesi.theano.tensor.nnet.neighbours import neibs2images as neibs2images
