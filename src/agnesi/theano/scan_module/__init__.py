"""Loops in a graph."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.scan_module import scan_utils as scan_utils
from agnesi.theano.scan_module import scan_views as scan_views
from agnesi.theano.scan_module.scan import scan as scan
from agnesi.theano.scan_module.scan import scan_checkpoints as scan_checkpoints
from agnesi.theano.scan_module.scan_utils import clone as clone
from agnesi.theano.scan_module.scan_utils import until as until
from agnesi.theano.scan_module.scan_views import foldl as foldl
from agnesi.theano.scan_module.scan_views import foldr as foldr
from agnesi.theano.scan_module.scan_views import map as map
from agnesi.theano.scan_module.scan_views import reduce as reduce

# The later versions have a package under this name.
scan.until = until  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
