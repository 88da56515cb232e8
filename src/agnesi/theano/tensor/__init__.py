"""Symbolic arrays and what is done with them: ``import theano.tensor as T``."""

from typing import Any

from agnesi.theano.gof.graph import Apply as Apply
from agnesi.theano.gof.graph import Constant as Constant
from agnesi.theano.gof.graph import Variable as Variable
from agnesi.theano.gof.op import Op as Op
from agnesi.theano.gof.type import Generic as Generic
from agnesi.theano.gof.type import Type as Type
from agnesi.theano.gof.utils import MethodNotDefined as MethodNotDefined
from agnesi.theano.gof.utils import hashtype as hashtype
from agnesi.theano.gradient import DisconnectedType as DisconnectedType
from agnesi.theano.gradient import Lop as Lop
from agnesi.theano.gradient import Rop as Rop
from agnesi.theano.gradient import consider_constant as consider_constant
from agnesi.theano.gradient import grad as grad
from agnesi.theano.gradient import grad_not_implemented as grad_not_implemented
from agnesi.theano.gradient import grad_undefined as grad_undefined
from agnesi.theano.gradient import hessian as hessian
from agnesi.theano.gradient import jacobian as jacobian
from agnesi.theano.gradient import numeric_grad as numeric_grad
from agnesi.theano.gradient import verify_grad as verify_grad
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as basic
from agnesi.theano.tensor import derived as derived
from agnesi.theano.tensor import elemwise as elemwise
from agnesi.theano.tensor import extra_ops as extra_ops
from agnesi.theano.tensor import fft as fft
from agnesi.theano.tensor import nlinalg as nlinalg
from agnesi.theano.tensor import nnet as nnet
from agnesi.theano.tensor import opt as opt
from agnesi.theano.tensor import sharedvar as sharedvar
from agnesi.theano.tensor import signal as signal
from agnesi.theano.tensor import slinalg as slinalg
from agnesi.theano.tensor import subtensor as subtensor
from agnesi.theano.tensor import type as type
from agnesi.theano.tensor import var as var
from agnesi.theano.tensor import xlogx as xlogx
from agnesi.theano.tensor.basic import *
from agnesi.theano.tensor.basic import all as all
from agnesi.theano.tensor.basic import any as any
from agnesi.theano.tensor.basic import max as max
from agnesi.theano.tensor.basic import min as min
from agnesi.theano.tensor.basic import sum as sum
from agnesi.theano.tensor.elementary import *
from agnesi.theano.tensor.elementary import abs_ as abs_
from agnesi.theano.tensor.elementary import pow as pow
from agnesi.theano.tensor.elementary import round as round
from agnesi.theano.tensor.elemwise import CAReduce as CAReduce
from agnesi.theano.tensor.elemwise import DimShuffle as DimShuffle
from agnesi.theano.tensor.elemwise import Elemwise as Elemwise
from agnesi.theano.tensor.elemwise import Prod as Prod
from agnesi.theano.tensor.elemwise import Sum as Sum
from agnesi.theano.tensor.extra_ops import DiffOp as DiffOp
from agnesi.theano.tensor.extra_ops import bartlett as bartlett
from agnesi.theano.tensor.extra_ops import bincount as bincount
from agnesi.theano.tensor.extra_ops import compress as compress
from agnesi.theano.tensor.extra_ops import cumprod as cumprod
from agnesi.theano.tensor.extra_ops import cumsum as cumsum
from agnesi.theano.tensor.extra_ops import diff as diff
from agnesi.theano.tensor.extra_ops import fill_diagonal as fill_diagonal
from agnesi.theano.tensor.extra_ops import fill_diagonal_offset as fill_diagonal_offset
from agnesi.theano.tensor.extra_ops import ravel_multi_index as ravel_multi_index
from agnesi.theano.tensor.extra_ops import repeat as repeat
from agnesi.theano.tensor.extra_ops import searchsorted as searchsorted
from agnesi.theano.tensor.extra_ops import squeeze as squeeze
from agnesi.theano.tensor.extra_ops import to_one_hot as to_one_hot
from agnesi.theano.tensor.extra_ops import unravel_index as unravel_index
from agnesi.theano.tensor.io import LoadFromDisk as LoadFromDisk
from agnesi.theano.tensor.io import MPIRecv as MPIRecv
from agnesi.theano.tensor.io import MPIRecvWait as MPIRecvWait
from agnesi.theano.tensor.io import MPISend as MPISend
from agnesi.theano.tensor.io import MPISendWait as MPISendWait
from agnesi.theano.tensor.io import irecv as irecv
from agnesi.theano.tensor.io import isend as isend
from agnesi.theano.tensor.io import key_to_cmp as key_to_cmp
from agnesi.theano.tensor.io import load as load
from agnesi.theano.tensor.io import mpi_cmps as mpi_cmps
from agnesi.theano.tensor.io import mpi_enabled as mpi_enabled
from agnesi.theano.tensor.io import mpi_keys as mpi_keys
from agnesi.theano.tensor.io import mpi_send_wait_cmp as mpi_send_wait_cmp
from agnesi.theano.tensor.io import mpi_send_wait_key as mpi_send_wait_key
from agnesi.theano.tensor.io import mpi_tag_cmp as mpi_tag_cmp
from agnesi.theano.tensor.io import mpi_tag_key as mpi_tag_key
from agnesi.theano.tensor.io import recv as recv
from agnesi.theano.tensor.io import send as send
from agnesi.theano.tensor.native_ops import Rebroadcast as Rebroadcast
from agnesi.theano.tensor.native_ops import SpecifyShape as SpecifyShape
from agnesi.theano.tensor.shapes import Shape as Shape
from agnesi.theano.tensor.shapes import shape as shape
from agnesi.theano.tensor.sharedvar import tensor_constructor as tensor_constructor
from agnesi.theano.tensor.sort import argsort as argsort
from agnesi.theano.tensor.sort import argtopk as argtopk
from agnesi.theano.tensor.sort import sort as sort
from agnesi.theano.tensor.sort import topk as topk
from agnesi.theano.tensor.sort import topk_and_argtopk as topk_and_argtopk
from agnesi.theano.tensor.subtensor import (
    AdvancedBooleanIncSubtensor as AdvancedBooleanIncSubtensor,
)
from agnesi.theano.tensor.subtensor import (
    AdvancedBooleanIndexingError as AdvancedBooleanIndexingError,
)
from agnesi.theano.tensor.subtensor import AdvancedBooleanSubtensor as AdvancedBooleanSubtensor
from agnesi.theano.tensor.subtensor import AdvancedIncSubtensor as AdvancedIncSubtensor
from agnesi.theano.tensor.subtensor import AdvancedIncSubtensor1 as AdvancedIncSubtensor1
from agnesi.theano.tensor.subtensor import AdvancedIndexingError as AdvancedIndexingError
from agnesi.theano.tensor.subtensor import AdvancedSubtensor as AdvancedSubtensor
from agnesi.theano.tensor.subtensor import AdvancedSubtensor1 as AdvancedSubtensor1
from agnesi.theano.tensor.subtensor import BaseAdvancedIncSubtensor as BaseAdvancedIncSubtensor
from agnesi.theano.tensor.subtensor import BaseAdvancedSubtensor as BaseAdvancedSubtensor
from agnesi.theano.tensor.subtensor import IncSubtensor as IncSubtensor
from agnesi.theano.tensor.subtensor import Subtensor as Subtensor
from agnesi.theano.tensor.subtensor import (
    adv_index_broadcastable_pattern as adv_index_broadcastable_pattern,
)
from agnesi.theano.tensor.subtensor import (
    advanced_boolean_inc_subtensor as advanced_boolean_inc_subtensor,
)
from agnesi.theano.tensor.subtensor import (
    advanced_boolean_set_subtensor as advanced_boolean_set_subtensor,
)
from agnesi.theano.tensor.subtensor import advanced_boolean_subtensor as advanced_boolean_subtensor
from agnesi.theano.tensor.subtensor import advanced_inc_subtensor as advanced_inc_subtensor
from agnesi.theano.tensor.subtensor import advanced_inc_subtensor1 as advanced_inc_subtensor1
from agnesi.theano.tensor.subtensor import advanced_set_subtensor as advanced_set_subtensor
from agnesi.theano.tensor.subtensor import advanced_set_subtensor1 as advanced_set_subtensor1
from agnesi.theano.tensor.subtensor import advanced_subtensor as advanced_subtensor
from agnesi.theano.tensor.subtensor import advanced_subtensor1 as advanced_subtensor1
from agnesi.theano.tensor.subtensor import as_index_variable as as_index_variable
from agnesi.theano.tensor.subtensor import (
    check_advanced_indexing_dimensions as check_advanced_indexing_dimensions,
)
from agnesi.theano.tensor.subtensor import check_and_reject_bool as check_and_reject_bool
from agnesi.theano.tensor.subtensor import get_canonical_form_slice as get_canonical_form_slice
from agnesi.theano.tensor.subtensor import get_idx_list as get_idx_list
from agnesi.theano.tensor.subtensor import inc_subtensor as inc_subtensor
from agnesi.theano.tensor.subtensor import make_constant as make_constant
from agnesi.theano.tensor.subtensor import set_subtensor as set_subtensor
from agnesi.theano.tensor.subtensor import take as take
from agnesi.theano.tensor.type import TensorType as TensorType
from agnesi.theano.tensor.type import values_eq_approx_always_true as values_eq_approx_always_true
from agnesi.theano.tensor.type_other import MakeSlice as MakeSlice
from agnesi.theano.tensor.type_other import NoneConst as NoneConst
from agnesi.theano.tensor.type_other import NoneTypeT as NoneTypeT
from agnesi.theano.tensor.type_other import SliceConstant as SliceConstant
from agnesi.theano.tensor.type_other import SliceType as SliceType
from agnesi.theano.tensor.type_other import as_int_none_variable as as_int_none_variable
from agnesi.theano.tensor.type_other import make_slice as make_slice
from agnesi.theano.tensor.type_other import none_type_t as none_type_t
from agnesi.theano.tensor.type_other import slicetype as slicetype
from agnesi.theano.tensor.var import AsTensorError as AsTensorError
from agnesi.theano.tensor.var import TensorConstant as TensorConstant
from agnesi.theano.tensor.var import TensorConstantSignature as TensorConstantSignature
from agnesi.theano.tensor.var import TensorVariable as TensorVariable
from agnesi.theano.tensor.var import _tensor_py_operators as _tensor_py_operators

_shared = tensor_constructor


def __getattr__(name: str) -> Any:
    if name in ("pprint", "min_informative_str"):
        from agnesi.theano import printing

        return getattr(printing, name)
    if name == "SubtensorPrinter":
        from agnesi.theano.pretty import SubtensorPrinter

        return SubtensorPrinter
    if name == "sparse_module_ref":
        from agnesi.theano import sparse

        return sparse
    return submodule(__name__, name)
