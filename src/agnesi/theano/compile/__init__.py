"""Compiling functions."""

from typing import Any

from agnesi.theano.compile import builders as builders
from agnesi.theano.compile import debugmode as debugmode
from agnesi.theano.compile import function_module as function_module
from agnesi.theano.compile import io as io
from agnesi.theano.compile import mode as mode
from agnesi.theano.compile import monitormode as monitormode
from agnesi.theano.compile import nanguardmode as nanguardmode
from agnesi.theano.compile import ops as ops
from agnesi.theano.compile import sharedvalue as sharedvalue
from agnesi.theano.compile.builders import OpFromGraph as OpFromGraph
from agnesi.theano.compile.debugmode import DebugMode as DebugMode
from agnesi.theano.compile.function import function as function
from agnesi.theano.compile.function import function_dump as function_dump
from agnesi.theano.compile.function_module import AliasedMemoryError as AliasedMemoryError
from agnesi.theano.compile.function_module import Function as Function
from agnesi.theano.compile.function_module import FunctionMaker as FunctionMaker
from agnesi.theano.compile.function_module import OrderedUpdates as OrderedUpdates
from agnesi.theano.compile.function_module import Supervisor as Supervisor
from agnesi.theano.compile.function_module import UnusedInputError as UnusedInputError
from agnesi.theano.compile.function_module import alias_root as alias_root
from agnesi.theano.compile.function_module import (
    convert_function_input as convert_function_input,
)
from agnesi.theano.compile.function_module import fgraph_updated_vars as fgraph_updated_vars
from agnesi.theano.compile.function_module import get_info_on_inputs as get_info_on_inputs
from agnesi.theano.compile.function_module import orig_function as orig_function
from agnesi.theano.compile.function_module import register_checker as register_checker
from agnesi.theano.compile.function_module import std_fgraph as std_fgraph
from agnesi.theano.compile.function_module import view_tree_set as view_tree_set
from agnesi.theano.compile.io import In as In
from agnesi.theano.compile.io import Out as Out
from agnesi.theano.compile.io import Param as Param
from agnesi.theano.compile.io import SymbolicInput as SymbolicInput
from agnesi.theano.compile.io import SymbolicOutput as SymbolicOutput
from agnesi.theano.compile.mode import FAST_COMPILE as FAST_COMPILE
from agnesi.theano.compile.mode import FAST_RUN as FAST_RUN
from agnesi.theano.compile.mode import AddDestroyHandler as AddDestroyHandler
from agnesi.theano.compile.mode import AddFeatureOptimizer as AddFeatureOptimizer
from agnesi.theano.compile.mode import Mode as Mode
from agnesi.theano.compile.mode import PrintCurrentFunctionGraph as PrintCurrentFunctionGraph
from agnesi.theano.compile.mode import get_default_mode as get_default_mode
from agnesi.theano.compile.mode import get_mode as get_mode
from agnesi.theano.compile.mode import optdb as optdb
from agnesi.theano.compile.mode import predefined_linkers as predefined_linkers
from agnesi.theano.compile.mode import predefined_modes as predefined_modes
from agnesi.theano.compile.mode import predefined_optimizers as predefined_optimizers
from agnesi.theano.compile.mode import register_linker as register_linker
from agnesi.theano.compile.mode import register_mode as register_mode
from agnesi.theano.compile.mode import register_optimizer as register_optimizer
from agnesi.theano.compile.monitormode import MonitorMode as MonitorMode
from agnesi.theano.compile.ops import DeepCopyOp as DeepCopyOp
from agnesi.theano.compile.ops import FromFunctionOp as FromFunctionOp
from agnesi.theano.compile.ops import Rebroadcast as Rebroadcast
from agnesi.theano.compile.ops import Shape as Shape
from agnesi.theano.compile.ops import Shape_i as Shape_i
from agnesi.theano.compile.ops import SpecifyShape as SpecifyShape
from agnesi.theano.compile.ops import ViewOp as ViewOp
from agnesi.theano.compile.ops import as_op as as_op
from agnesi.theano.compile.ops import deep_copy_op as deep_copy_op
from agnesi.theano.compile.ops import shape_i as shape_i
from agnesi.theano.compile.ops import view_op as view_op
from agnesi.theano.compile.pfunc import pfunc as pfunc
from agnesi.theano.compile.pfunc import rebuild_collect_shared as rebuild_collect_shared
from agnesi.theano.compile.profiling import ProfileStats as ProfileStats
from agnesi.theano.compile.profiling import ScanProfileStats as ScanProfileStats
from agnesi.theano.compile.profiling import print_global_stats as print_global_stats
from agnesi.theano.compile.profiling import (
    register_profiler_printer as register_profiler_printer,
)
from agnesi.theano.compile.sharedvalue import SharedVariable as SharedVariable
from agnesi.theano.compile.sharedvalue import shared as shared
from agnesi.theano.compile.sharedvalue import shared_constructor as shared_constructor
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
