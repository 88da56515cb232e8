"""Pooling and convolution of images."""

from agnesi.theano.tensor.signal import conv as conv
from agnesi.theano.tensor.signal import downsample as downsample
from agnesi.theano.tensor.signal import pool as pool
