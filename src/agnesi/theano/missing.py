"""Names of Theano that are not here: an error that says so, and what to use instead."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

# What to use instead of names, or of whole modules.
_INSTEAD = {
    "theano.sparse": "dense arrays; sparse matrices are not there yet",
    "theano.gpuarray": "the CPU: there is no GPU here",
    "theano.sandbox.cuda": "the CPU: there is no GPU here",
    "theano.typed_list": "tensors with one axis more",
    "theano.d3viz": "theano.printing.pydotprint, or f.explain()",
    "theano.gof": "agnesi's own rewrites, which need no help",
    "theano.compile": "agnesi's own compiler, which has one mode",
    "theano.scalar": "theano.tensor's functions of elements",
    "theano.tensor.blas": "theano.tensor.dot",
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
    advice = next(
        (said for known, said in _INSTEAD.items() if f"{path}.".startswith(f"{known}.")),
        "agnesi's own names (docs/from-theano.md)",
    )
    return MissingName(f"{path}.{name}: agnesi.theano does not have it; use {advice}")
