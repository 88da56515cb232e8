"""Linear algebra, under its old path."""

from agnesi.theano.tensor.nlinalg import alloc_diag as alloc_diag
from agnesi.theano.tensor.nlinalg import det as det
from agnesi.theano.tensor.nlinalg import diag as diag
from agnesi.theano.tensor.nlinalg import eigh as eigh
from agnesi.theano.tensor.nlinalg import extract_diag as extract_diag
from agnesi.theano.tensor.nlinalg import matrix_inverse as matrix_inverse
from agnesi.theano.tensor.nlinalg import trace as trace
from agnesi.theano.tensor.slinalg import cholesky as cholesky
from agnesi.theano.tensor.slinalg import solve as solve
