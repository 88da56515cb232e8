"""Theano's names over agnesi: ``import agnesi.theano as theano``.

Programs that may not be touched run under ``python -m agnesi.theano program.py``, where
``import theano`` means this package.

>>> import agnesi.theano as theano
>>> import agnesi.theano.tensor as T
>>> x = T.dscalar("x")
>>> f = theano.function([x], T.grad(x**2, x))
>>> f(4)
array(8.)
"""

# Modules in the order in which they need each other.
# isort: off
import sys
from typing import Any

from agnesi.core.collector import importing as _importing
from agnesi.theano.missing import submodule

with _importing():
    from agnesi.theano import configparser as configparser
    from agnesi.theano import configdefaults as configdefaults
    from agnesi.theano import gof as gof
    from agnesi.theano import tensor as tensor
    from agnesi.theano import compile as compile
    from agnesi.theano.tensor import shared_randomstreams as _streams  # noqa: F401 - shared() takes RandomState

# isort: on
from agnesi.theano import gradient as gradient
from agnesi.theano import printing as printing
from agnesi.theano import scan_module as scan_module
from agnesi.theano.compile import FAST_COMPILE as FAST_COMPILE
from agnesi.theano.compile import FAST_RUN as FAST_RUN
from agnesi.theano.compile import FunctionMaker as FunctionMaker
from agnesi.theano.compile import In as In
from agnesi.theano.compile import Mode as Mode
from agnesi.theano.compile import OpFromGraph as OpFromGraph
from agnesi.theano.compile import OrderedUpdates as OrderedUpdates
from agnesi.theano.compile import Out as Out
from agnesi.theano.compile import Param as Param
from agnesi.theano.compile import ProfileStats as ProfileStats
from agnesi.theano.compile import SymbolicInput as SymbolicInput
from agnesi.theano.compile import SymbolicOutput as SymbolicOutput
from agnesi.theano.compile import as_op as as_op
from agnesi.theano.compile import function as function
from agnesi.theano.compile import function_dump as function_dump
from agnesi.theano.compile import predefined_linkers as predefined_linkers
from agnesi.theano.compile import predefined_modes as predefined_modes
from agnesi.theano.compile import predefined_optimizers as predefined_optimizers
from agnesi.theano.compile import shared as shared
from agnesi.theano.compile.sharedvalue import Container as Container
from agnesi.theano.configparser import change_flags as change_flags
from agnesi.theano.configparser import config as config
from agnesi.theano.gof import Apply as Apply
from agnesi.theano.gof import Constant as Constant
from agnesi.theano.gof import FunctionGraph as FunctionGraph
from agnesi.theano.gof import Generic as Generic
from agnesi.theano.gof import InconsistencyError as InconsistencyError
from agnesi.theano.gof import Op as Op
from agnesi.theano.gof import OpenMPOp as OpenMPOp
from agnesi.theano.gof import Type as Type
from agnesi.theano.gof import Variable as Variable
from agnesi.theano.gof import generic as generic
from agnesi.theano.gof.utils import object2 as object2
from agnesi.theano.gradient import Lop as Lop
from agnesi.theano.gradient import Rop as Rop
from agnesi.theano.gradient import grad as grad
from agnesi.theano.gradient import subgraph_grad as subgraph_grad
from agnesi.theano.printing import pp as pp
from agnesi.theano.printing import pprint as pprint
from agnesi.theano.scan_module import clone as clone
from agnesi.theano.scan_module import foldl as foldl
from agnesi.theano.scan_module import foldr as foldr
from agnesi.theano.scan_module import map as map
from agnesi.theano.scan_module import reduce as reduce
from agnesi.theano.scan_module import scan as scan
from agnesi.theano.scan_module import scan_checkpoints as scan_checkpoints
from agnesi.theano.tensor import dot as dot
from agnesi.theano.tensor import get_scalar_constant_value as get_scalar_constant_value

__version__ = "1.0.5"

# ``from theano import theano``: Theano's module has itself as a name.
theano = sys.modules[__name__]


def _asarray(a, dtype, order=None):  # type: ignore[no-untyped-def]
    """Return data as an array of a dtype."""
    import numpy

    wanted = config.floatX if dtype == "floatX" else dtype
    return numpy.asarray(a, dtype=wanted, order=order)


def sparse_grad(var):  # type: ignore[no-untyped-def]
    """Return rows of an array: their gradients are always added in place here."""
    return var


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
