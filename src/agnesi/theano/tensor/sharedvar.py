"""Shared arrays and numbers."""

from agnesi.theano.compile.sharedvalue import ScalarSharedVariable as ScalarSharedVariable
from agnesi.theano.compile.sharedvalue import SharedVariable as SharedVariable
from agnesi.theano.compile.sharedvalue import TensorSharedVariable as TensorSharedVariable
from agnesi.theano.compile.sharedvalue import scalar_constructor as scalar_constructor
from agnesi.theano.compile.sharedvalue import shared as shared
from agnesi.theano.compile.sharedvalue import shared_constructor as shared_constructor
from agnesi.theano.compile.sharedvalue import tensor_constructor as tensor_constructor
