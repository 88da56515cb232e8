"""Graphs: variables, applications, ops, types."""

from typing import Any

from agnesi.theano.gof import graph as graph
from agnesi.theano.gof import op as op
from agnesi.theano.gof import type as type
from agnesi.theano.gof import utils as utils
from agnesi.theano.gof.fg import FunctionGraph as FunctionGraph
from agnesi.theano.gof.fg import InconsistencyError as InconsistencyError
from agnesi.theano.gof.fg import MissingInputError as MissingInputError
from agnesi.theano.gof.graph import Apply as Apply
from agnesi.theano.gof.graph import Constant as Constant
from agnesi.theano.gof.graph import Variable as Variable
from agnesi.theano.gof.op import COp as COp
from agnesi.theano.gof.op import Op as Op
from agnesi.theano.gof.op import OpenMPOp as OpenMPOp
from agnesi.theano.gof.op import PureOp as PureOp
from agnesi.theano.gof.type import Generic as Generic
from agnesi.theano.gof.type import Type as Type
from agnesi.theano.gof.type import generic as generic
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
