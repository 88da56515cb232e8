"""agnesi: a mathematical compiler for expressions over multi-dimensional arrays.

>>> import agnesi as ag
>>> x = ag.vector("x")
>>> y = 1 / (1 + x**2)                       # Agnesi's curve
>>> f = ag.function([x], [y, ag.grad(y.sum(), x)])
"""

from __future__ import annotations

from agnesi._version import __version__
from agnesi.api.inputs import col, input, matrix, row, scalar, tensor3, tensor4, vector
from agnesi.api.surface import connect as _connect
from agnesi.autodiff.reverse import grad
from agnesi.compile.function import Function, In, function
from agnesi.compile.shared import Shared, shared
from agnesi.core.errors import *
from agnesi.graph.leaves import constant
from agnesi.graph.tensor import Tensor
from agnesi.ops.arithmetic import *
from agnesi.ops.choice import *
from agnesi.ops.comparison import *
from agnesi.ops.creation import *
from agnesi.ops.elementary import *
from agnesi.ops.joining import *
from agnesi.ops.linear import *
from agnesi.ops.logic import *
from agnesi.ops.movement import *
from agnesi.ops.powers import *
from agnesi.ops.probability import *
from agnesi.ops.reductions import *
from agnesi.ops.rounding import *
from agnesi.ops.trigonometric import *

_connect()
