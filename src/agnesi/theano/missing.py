"""Names of Theano that are not here: an error that says so, and what to use instead."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

# What to use instead of names, or of whole modules; the longest that fits is said.
_INSTEAD = {
    "theano.gpuarray": "the CPU: there is no GPU here",
    "theano.sandbox.cuda": "the CPU: there is no GPU here",
    "theano.sandbox.gpuarray": "the CPU: there is no GPU here",
    "theano.misc.pycuda_utils": "the CPU: there is no GPU here",
    "theano.misc.pycuda_init": "the CPU: there is no GPU here",
    "theano.sandbox.rng_mrg.GPU_mrg_uniform": "theano.sandbox.rng_mrg.MRG_RandomStreams",
    "theano.gof.cc": "perform(): there is no C compiler, and agnesi compiles natively itself",
    "theano.gof.cmodule": "perform(): there is no C compiler, and agnesi compiles natively itself",
    "theano.gof.cutils": "perform(): there is no C compiler, and agnesi compiles natively itself",
    "theano.gof.lazylinker_c": "agnesi's own compiler, which has no linkers",
    "theano.gof.link": "agnesi's own compiler, which has no linkers",
    "theano.gof.vm": "agnesi's own compiler, which has no linkers",
    "theano.gof.OpWiseCLinker": "agnesi's own compiler, which has no linkers",
    "theano.gof.WrapLinker": "theano.compile.MonitorMode",
    "theano.gof.params_type": "attributes of the op, which perform() sees",
    "theano.gof.type.CDataType": "theano.gof.generic: there is no C code",
    "theano.gof.type.CEnumType": "plain numbers: there is no C code",
    "theano.gof.type.EnumList": "plain numbers: there is no C code",
    "theano.gof.type.EnumType": "plain numbers: there is no C code",
    "theano.gof": "agnesi's own compiler and rewrites, which need no help",
    "theano.gof.opt.GraphToGPULocalOptGroup": "the CPU: there is no GPU here",
    "theano.gof.unify": "theano.gof.PatternSub",
    "theano.compile.ProfileMode": "theano.function(..., profile=True)",
    "theano.ProfileMode": "theano.function(..., profile=True)",
    "theano.compile": "agnesi's own compiler, which has one mode",
    "theano.scalar": "theano.tensor's functions of elements",
    "theano.tensor.blas": "theano.tensor.dot",
    "theano.tensor.opt": "agnesi's own rewrites, which need no help",
    "theano.scan_module.scan_opt": "agnesi's own rewrites, which need no help",
    "theano.scan_module.scan_utils.scan_args": "the op's inner_inputs and inner_outputs",
    "theano.scan_module.scan_utils.compress_outs": "theano.scan without what is not needed",
    "theano.scan_module.scan_utils.scan_can_remove_outs": "theano.scan: what nobody reads is gone",
    "theano.typed_list.opt": "agnesi's own rewrites, which need no help",
    "theano.sandbox.linalg.ops.HintsFeature": "theano.sandbox.linalg.ops.hints(variable)",
    "theano.sandbox.linalg.ops.HintsOptimizer": "theano.sandbox.linalg.ops.hints(variable)",
    "theano.printing.pd": "theano.dot_language, whose pictures need no pydot",
    "theano.misc.windows": "subprocess",
    "theano.misc.frozendict": "types.MappingProxyType",
    "theano.misc.doubleop": "theano.compile.as_op",
    "theano.tensor.nnet.opt": "agnesi's own rewrites, which need no help",
    "theano.sparse.opt": "agnesi's own rewrites, which need no help",
    "theano.sparse.sandbox.sp": "theano.sparse, whose products and sums are native",
    "theano.sparse.sandbox.truedot": "theano.sparse.true_dot",
    "theano.sandbox.conv": "theano.tensor.nnet.conv2d",
    "theano.sandbox.solve": "theano.tensor.slinalg.solve",
    "theano.misc.check_blas": "agnesi doctor, or a timing of T.dot",
    "theano.test": "pytest tests/theano, in agnesi's repository",
    "theano.mean": "theano.tensor.mean",
}


class MissingName(NotImplementedError, AttributeError):
    """A name of Theano's that agnesi does not have.

    It is an ``AttributeError`` too, so that ``hasattr`` and ``getattr`` with a default work.
    """


def submodule(module: str, name: str) -> Any:
    """Return what is below a module without having been imported; else say that it is not there."""
    path = f"{module}.{name}"
    if not name.startswith("_") and path not in sys.modules:
        try:
            found = importlib.util.find_spec(path)
        except ModuleNotFoundError:
            found = None
        if found is not None:
            return importlib.import_module(path)
    if path in sys.modules:
        return sys.modules[path]
    raise missing(module, name)


def missing(module: str, name: str) -> Exception:
    """Return the error for a name that a module does not have."""
    path = module.removeprefix("agnesi.")
    if name.startswith("__"):
        return AttributeError(f"module {path!r} has no attribute {name!r}")
    return MissingName(without(f"{path}.{name}"))


def without(path: str) -> str:
    """Return what is said of a path of Theano's, as ``theano.gof.vm``, that is not here."""
    fitting = [known for known in _INSTEAD if f"{path}.".startswith(f"{known}.")]
    advice = (
        _INSTEAD[max(fitting, key=len)] if fitting else "agnesi's own names (docs/from-theano.md)"
    )
    return f"{path}: agnesi.theano does not have it; use {advice}"
