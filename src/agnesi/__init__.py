"""agnesi: a mathematical compiler for expressions over multi-dimensional arrays.

>>> import agnesi as ag
>>> x = ag.vector("x")
>>> y = 1 / (1 + x**2)  # Agnesi's curve
>>> f = ag.function([x], [y, ag.grad(y.sum(), x)])
"""

from __future__ import annotations

from agnesi.core.collector import importing as _importing

with _importing():
    from agnesi import fft as fft
    from agnesi import linalg as linalg
    from agnesi import nn as nn
    from agnesi import optim as optim
    from agnesi import random as random
    from agnesi import special as special

from agnesi._version import __version__ as __version__
from agnesi.api.constants import *
from agnesi.api.grids import mgrid as mgrid
from agnesi.api.grids import ogrid as ogrid
from agnesi.api.inputs import col as col
from agnesi.api.inputs import input as input
from agnesi.api.inputs import matrix as matrix
from agnesi.api.inputs import row as row
from agnesi.api.inputs import scalar as scalar
from agnesi.api.inputs import tensor3 as tensor3
from agnesi.api.inputs import tensor4 as tensor4
from agnesi.api.inputs import vector as vector
from agnesi.api.surface import connect as _connect
from agnesi.autodiff.forward import hvp as hvp
from agnesi.autodiff.forward import jvp as jvp
from agnesi.autodiff.jacobian import hessian as hessian
from agnesi.autodiff.jacobian import jacobian as jacobian
from agnesi.autodiff.reverse import grad as grad
from agnesi.autodiff.reverse import subgraph_grad as subgraph_grad
from agnesi.autodiff.reverse import value_and_grad as value_and_grad
from agnesi.autodiff.reverse import vjp as vjp
from agnesi.batching.vectorize import vectorize as vectorize
from agnesi.compile.function import Function as Function
from agnesi.compile.function import In as In
from agnesi.compile.function import clone_replace as clone_replace
from agnesi.compile.function import function as function
from agnesi.compile.shared import Shared as Shared
from agnesi.compile.shared import shared as shared
from agnesi.core.errors import *
from agnesi.graph.leaves import constant as constant
from agnesi.graph.tensor import Tensor as Tensor
from agnesi.ops.arithmetic import *
from agnesi.ops.branching import *
from agnesi.ops.choice import *
from agnesi.ops.comparison import *
from agnesi.ops.complex_functions import *
from agnesi.ops.complex_parts import *
from agnesi.ops.convolution import *
from agnesi.ops.creation import *
from agnesi.ops.diagonals import *
from agnesi.ops.differences import *
from agnesi.ops.einstein import *
from agnesi.ops.elementary import *
from agnesi.ops.floats import *
from agnesi.ops.gradients import *
from agnesi.ops.inspection import *
from agnesi.ops.integers import *
from agnesi.ops.interpolation import *
from agnesi.ops.iteration import *
from agnesi.ops.joining import *
from agnesi.ops.linear import *
from agnesi.ops.logic import *
from agnesi.ops.movement import *
from agnesi.ops.nans import *
from agnesi.ops.nonzero import *
from agnesi.ops.padding import *
from agnesi.ops.powers import *
from agnesi.ops.probability import *
from agnesi.ops.quantiles import *
from agnesi.ops.ranges import *
from agnesi.ops.reductions import *
from agnesi.ops.repeating import *
from agnesi.ops.rounding import *
from agnesi.ops.scans import *
from agnesi.ops.searching import *
from agnesi.ops.shaping import *
from agnesi.ops.sorting import *
from agnesi.ops.special import *
from agnesi.ops.splitting import *
from agnesi.ops.statistics import *
from agnesi.ops.taking import *
from agnesi.ops.tensor_products import *
from agnesi.ops.trigonometric import *
from agnesi.ops.windows import *
from agnesi.runtime.memory import MemoryInfo as MemoryInfo
from agnesi.runtime.memory import memory_info as memory_info
from agnesi.runtime.memory import release_memory as release_memory
from agnesi.runtime.memory import set_idle_memory as set_idle_memory
from agnesi.runtime.threads import get_threads as get_threads
from agnesi.runtime.threads import set_threads as set_threads

_connect()
