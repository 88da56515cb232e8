"""Graphs: variables, applications, ops, types."""

from typing import Any

from agnesi.theano.gof import graph as graph
from agnesi.theano.gof import link as link
from agnesi.theano.gof import op as op
from agnesi.theano.gof import opt as opt
from agnesi.theano.gof import optdb as optdb
from agnesi.theano.gof import toolbox as toolbox
from agnesi.theano.gof import type as type
from agnesi.theano.gof import utils as utils
from agnesi.theano.gof.destroyhandler import DestroyHandler as DestroyHandler
from agnesi.theano.gof.fg import CachedConstantError as CachedConstantError
from agnesi.theano.gof.fg import FunctionGraph as FunctionGraph
from agnesi.theano.gof.fg import InconsistencyError as InconsistencyError
from agnesi.theano.gof.fg import MissingInputError as MissingInputError
from agnesi.theano.gof.graph import Apply as Apply
from agnesi.theano.gof.graph import Constant as Constant
from agnesi.theano.gof.graph import Variable as Variable
from agnesi.theano.gof.graph import view_roots as view_roots
from agnesi.theano.gof.link import Linker as Linker
from agnesi.theano.gof.link import LocalLinker as LocalLinker
from agnesi.theano.gof.link import PerformLinker as PerformLinker
from agnesi.theano.gof.op import COp as COp
from agnesi.theano.gof.op import Op as Op
from agnesi.theano.gof.op import OpenMPOp as OpenMPOp
from agnesi.theano.gof.op import PureOp as PureOp
from agnesi.theano.gof.opt import CheckStackTraceOptimization as CheckStackTraceOptimization
from agnesi.theano.gof.opt import EquilibriumOptimizer as EquilibriumOptimizer
from agnesi.theano.gof.opt import LocalOptGroup as LocalOptGroup
from agnesi.theano.gof.opt import LocalOptimizer as LocalOptimizer
from agnesi.theano.gof.opt import MergeOptimizer as MergeOptimizer
from agnesi.theano.gof.opt import NavigatorOptimizer as NavigatorOptimizer
from agnesi.theano.gof.opt import OpKeyOptimizer as OpKeyOptimizer
from agnesi.theano.gof.opt import OpRemove as OpRemove
from agnesi.theano.gof.opt import OpSub as OpSub
from agnesi.theano.gof.opt import Optimizer as Optimizer
from agnesi.theano.gof.opt import PatternSub as PatternSub
from agnesi.theano.gof.opt import SeqOptimizer as SeqOptimizer
from agnesi.theano.gof.opt import TopoOptimizer as TopoOptimizer
from agnesi.theano.gof.opt import inplace_optimizer as inplace_optimizer
from agnesi.theano.gof.opt import local_optimizer as local_optimizer
from agnesi.theano.gof.opt import optimizer as optimizer
from agnesi.theano.gof.optdb import DB as DB
from agnesi.theano.gof.optdb import EquilibriumDB as EquilibriumDB
from agnesi.theano.gof.optdb import LocalGroupDB as LocalGroupDB
from agnesi.theano.gof.optdb import ProxyDB as ProxyDB
from agnesi.theano.gof.optdb import Query as Query
from agnesi.theano.gof.optdb import SequenceDB as SequenceDB
from agnesi.theano.gof.toolbox import Bookkeeper as Bookkeeper
from agnesi.theano.gof.toolbox import Feature as Feature
from agnesi.theano.gof.toolbox import History as History
from agnesi.theano.gof.toolbox import NodeFinder as NodeFinder
from agnesi.theano.gof.toolbox import NoOutputFromInplace as NoOutputFromInplace
from agnesi.theano.gof.toolbox import PrintListener as PrintListener
from agnesi.theano.gof.toolbox import ReplacementDidntRemovedError as ReplacementDidntRemovedError
from agnesi.theano.gof.toolbox import ReplaceValidate as ReplaceValidate
from agnesi.theano.gof.toolbox import Validator as Validator
from agnesi.theano.gof.type import Generic as Generic
from agnesi.theano.gof.type import Type as Type
from agnesi.theano.gof.type import generic as generic
from agnesi.theano.gof.utils import MethodNotDefined as MethodNotDefined
from agnesi.theano.gof.utils import hashtype as hashtype
from agnesi.theano.gof.utils import object2 as object2
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    if name == "Container":
        return link.Container
    return submodule(__name__, name)
