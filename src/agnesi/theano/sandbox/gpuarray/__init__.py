"""An old path of :mod:`agnesi.theano.gpuarray`."""

from agnesi.theano.gpuarray import *
from agnesi.theano.gpuarray import pygpu_activated as pygpu_activated
