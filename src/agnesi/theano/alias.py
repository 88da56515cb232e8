"""Makes ``import theano`` mean this package."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from typing import Any

_NAME, _HERE = "theano", "agnesi.theano"


class _Loader(importlib.abc.Loader):
    """Gives the module of this package of the same path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        """Import it under its own name."""
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: Any) -> None:
        """It has run already; it keeps its own name."""
        module.__spec__ = self.spec
        module.__name__ = self.name
        module.__package__ = (
            self.name if hasattr(module, "__path__") else self.name.rpartition(".")[0]
        )
        _also_known()


def _also_known() -> None:
    """Enter what has been loaded under Theano's names too.

    Importing it once more would put modules in the place of functions of their names, as
    ``theano.tensor.sort``.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{_HERE}."):
            sys.modules.setdefault(_NAME + name[len(_HERE) :], module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds ``theano`` and what is below."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Return where a module of Theano is: here, or nowhere."""
        del path, target
        if fullname != _NAME and not fullname.startswith(f"{_NAME}."):
            return None
        name = _HERE + fullname[len(_NAME) :]
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return None
        package = found.submodule_search_locations is not None
        return importlib.machinery.ModuleSpec(fullname, _Loader(name), is_package=package)


def install() -> None:
    """Have ``import theano`` give this package, in this process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
