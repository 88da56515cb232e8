"""Modes: which rewrites of programs run on a function's graph, and how it is checked.

There is one way to compile here, and agnesi's own rewrites always run.  What a mode's optimiser
chooses is what programs have registered in ``optdb``; the names of Theano's own rewrites choose
nothing.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config, say_once
from agnesi.theano.gof.destroyhandler import DestroyHandler
from agnesi.theano.gof.link import Linker
from agnesi.theano.gof.opt import (
    CheckStackTraceOptimization,
    MergeOptimizer,
    NavigatorOptimizer,
    Optimizer,
)
from agnesi.theano.gof.optdb import EquilibriumDB, LocalGroupDB, Query, SequenceDB, TopoDB

if TYPE_CHECKING:
    from collections.abc import Callable

# -- rewrites of whole graphs --------------------------------------------------------------------


class AddDestroyHandler(Optimizer):
    """Lets a graph know which applications destroy what they read."""

    def apply(self, fgraph: Any) -> None:
        """Warn where no feature says which variables are not to be destroyed."""
        if not any(type(f).__name__ == "Supervisor" for f in fgraph._features):
            warnings.warn(
                "WARNING: Supervisor is not added. Please build a FunctionGraph via "
                "theano.compile.function_module.std_graph() or add the Supervisor class manually.",
                stacklevel=3,
            )

    def add_requirements(self, fgraph: Any) -> None:
        """Attach the feature."""
        fgraph.attach_feature(DestroyHandler())


class AddFeatureOptimizer(Optimizer):
    """Attaches a feature to graphs."""

    def __init__(self, feature: Any) -> None:
        self.feature = feature

    def add_requirements(self, fgraph: Any) -> None:
        """Attach it."""
        fgraph.attach_feature(self.feature)


class PrintCurrentFunctionGraph(Optimizer):
    """Prints graphs as they are at its position."""

    def __init__(self, header: str) -> None:
        self.header = header

    def apply(self, fgraph: Any) -> None:
        """Print the graph below a header."""
        from agnesi.theano.printing import debugprint

        print("PrintCurrentFunctionGraph:", self.header)
        debugprint(fgraph.outputs)


# -- the database --------------------------------------------------------------------------------

# Rewrites that are there without a program's doing: alone they are no reason to touch a graph.
_ours: set[Any] = set()


def ours(rewrite: Any) -> Any:
    """Mark a rewrite as one that no program has registered; return it."""
    _ours.add(rewrite)
    return rewrite


def _database() -> SequenceDB:
    """Return the database that programs register in, with Theano's names and positions."""
    made = SequenceDB()
    usual = ("fast_run", "fast_compile")
    looked = usual if config.check_stack_trace != "off" else ()
    made.register("CheckStackTrace", ours(CheckStackTraceOptimization()), -1, *looked)
    made.register("merge1", ours(MergeOptimizer()), 0, *usual, "merge")
    useless = TopoDB(
        LocalGroupDB(apply_all_opts=True), failure_callback=NavigatorOptimizer.warn_inplace
    )
    made.register("useless", useless, 0.6, *usual)
    made.register("merge1.1", ours(MergeOptimizer()), 0.65, *usual, "merge")
    canonical = EquilibriumDB(ignore_newtrees=False)
    made.register("canonicalize", canonical, 1, *usual, "canonicalize_db")
    canonical.register("merge", ours(MergeOptimizer()), *usual, cleanup=True)
    made.register("merge1.2", ours(MergeOptimizer()), 1.2, *usual, "merge")
    made.register("Print1.21", PrintCurrentFunctionGraph("Post-canonicalize"), 1.21)
    made.register("stabilize", EquilibriumDB(), 1.5, "fast_run")
    made.register("Print1.51", PrintCurrentFunctionGraph("Post-stabilize"), 1.51)
    made.register("specialize", EquilibriumDB(), 2, "fast_run", "fast_compile_gpu")
    made.register("uncanonicalize", EquilibriumDB(), 3, "fast_run")
    made.register("specialize_device", EquilibriumDB(), 48.6, *usual)
    made.register("merge2", ours(MergeOptimizer()), 49, "fast_run", "merge")
    made.register("add_destroy_handler", ours(AddDestroyHandler()), 49.5, "fast_run", "inplace")
    made.register("merge3", ours(MergeOptimizer()), 100, "fast_run", "merge")
    return made


optdb = _database()
local_useless = optdb["useless"].db


def _query(name: str, *tags: str, cutoff: float | None = None) -> Query:
    made = Query(include=tags, exclude=[] if config.cxx else ["cxx_only"])
    if cutoff is not None:
        made.position_cutoff = cutoff
    return _named(made, name)


def _named(query: Query, name: str) -> Query:
    query.name = name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return query


OPT_NONE, OPT_MERGE = _query("OPT_NONE"), _query("OPT_MERGE", "merge")
OPT_FAST_RUN = _query("OPT_FAST_RUN", "fast_run")
OPT_FAST_RUN_STABLE = _named(OPT_FAST_RUN.requiring("stable"), "OPT_FAST_RUN_STABLE")
OPT_FAST_COMPILE = _query("OPT_FAST_COMPILE", "fast_compile", "fast_compile_gpu")
OPT_STABILIZE = _query("OPT_STABILIZE", "fast_run", cutoff=1.5000001)
OPT_O2 = _named(OPT_FAST_COMPILE.including("fusion"), "OPT_O2")
OPT_O3 = _named(OPT_FAST_RUN.excluding("inplace"), "OPT_O3")
OPT_UNSAFE = _named(OPT_O3.including("unsafe"), "OPT_UNSAFE")

predefined_optimizers: dict[str | None, Any] = {
    None: OPT_NONE,
    "None": OPT_NONE,
    "merge": OPT_MERGE,
    "o4": OPT_FAST_RUN,
    "o3": OPT_O3,
    "o2": OPT_O2,
    "o1": OPT_FAST_COMPILE,
    "unsafe": OPT_UNSAFE,
    "fast_compile": OPT_FAST_COMPILE,
    "fast_run": OPT_FAST_RUN,
    "fast_run_stable": OPT_FAST_RUN_STABLE,
    "stabilize": OPT_STABILIZE,
}
predefined_linkers: dict[str | None, Any] = {
    name: Linker(name)
    for name in ("py", "c", "c|py", "c|py_nogc", "vm", "cvm", "vm_nogc", "cvm_nogc")
}


def is_programs(rewrite: Any) -> bool:
    """Whether a program has registered a rewrite, or one that it is made of."""
    parts = rewrite._parts() if hasattr(rewrite, "_parts") else []
    return any(map(is_programs, parts)) if parts or _is_empty(rewrite) else rewrite not in _ours


def _is_empty(rewrite: Any) -> bool:
    """Whether a rewrite is made of others, of which there are none."""
    return isinstance(rewrite, list) or hasattr(rewrite, "_by_op")


# -- modes ---------------------------------------------------------------------------------------


class Mode:
    """How a function is compiled.

    Attributes:
        provided_linker: the linker that was given, or its name; it means nothing here, which is
            said once.
        provided_optimizer: what chooses rewrites of programs: a query, or a rewrite.
        watched: what is called in the place of native code, of a function; None for native code.
        needs_native: whether what is watched needs native code too.

    Args:
        linker: a linker or its name.
        optimizer: a rewrite, a :class:`Query` for ``optdb``, or the name of one.

    Raises:
        KeyError: there is no linker, or optimiser, of that name.
    """

    watched: Any = None
    needs_native = False
    call_time = fn_time = 0

    def __init__(self, linker: Any = None, optimizer: Any = "default") -> None:
        if isinstance(linker, str) and linker != "cvm" and linker in predefined_linkers:
            say_once(f"Mode(linker={linker!r})", "functions are run in one way: native code")
        if linker is None:
            linker = config.linker
        if isinstance(optimizer, str) and optimizer == "default":
            optimizer = config.optimizer
        self.provided_linker, self.provided_optimizer = linker, optimizer
        self.linker, self._optimizer = self.get_linker_optimizer(linker, optimizer)
        if isinstance(self._optimizer, Query):
            self.provided_optimizer = self._optimizer

    @staticmethod
    def get_linker_optimizer(linker: Any, optimizer: Any) -> tuple[Any, Any]:
        """Return a linker and an optimiser, of which names may have been given."""
        if isinstance(linker, str) or linker is None:
            linker = predefined_linkers[linker]
        if isinstance(optimizer, str) or optimizer is None:
            optimizer = predefined_optimizers[optimizer]
        return linker, optimizer

    @property
    def optimizer(self) -> Any:
        """The rewrite of whole graphs that was given, or that ``optdb`` has for a query."""
        found = self._optimizer
        return optdb.query(found) if isinstance(found, Query) else found

    def rewrites(self) -> Any:
        """Return the optimiser where programs' rewrites are part of it; else None."""
        found = self._optimizer
        if isinstance(found, Query) and not found.extra_optimizations:
            named = found.include & {"Print1.21", "Print1.51"}
            if not named and all(r in _ours or _is_print(r) for r in optdb.each()):
                return None
        made = self.optimizer
        return made if is_programs(made) else None

    def including(self, *tags: str) -> Mode:
        """Return a mode with the rewrites that have one of these tags too."""
        return self.clone(optimizer=self._query.including(*tags))

    def excluding(self, *tags: str) -> Mode:
        """Return a mode without the rewrites that have one of these tags."""
        return self.clone(optimizer=self._query.excluding(*tags))

    def requiring(self, *tags: str) -> Mode:
        """Return a mode with only those of its rewrites that have these tags."""
        return self.clone(optimizer=self._query.requiring(*tags))

    def register(self, *optimizations: Any) -> Mode:
        """Return a mode with these pairs of rewrites and positions too."""
        return self.clone(optimizer=self._query.register(*optimizations))

    @property
    def _query(self) -> Any:
        return self.get_linker_optimizer(self.linker, self.provided_optimizer)[1]

    def clone(self, link_kwargs: Any = None, optimizer: Any = "", **named: Any) -> Mode:
        """Return a mode like this one.

        Args:
            link_kwargs: what is another in the linker.
            optimizer: another optimiser.
            named: nothing.
        """
        del named
        same = isinstance(optimizer, str) and not optimizer
        chosen = self.provided_optimizer if same else optimizer
        return type(self)(self.linker.clone(**(link_kwargs or {})), chosen)

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}(linker = {self.provided_linker}, "
            f"optimizer = {self.provided_optimizer})"
        )


def _is_print(rewrite: Any) -> bool:
    return isinstance(rewrite, PrintCurrentFunctionGraph) and rewrite.name in (
        "Print1.21",
        "Print1.51",
    )


FAST_RUN, FAST_COMPILE, JAX = (
    Mode("cvm", "fast_run"),
    Mode(Linker("vm"), "fast_compile"),
    Mode("cvm"),
)
predefined_modes: dict[str, Any] = {
    "FAST_COMPILE": FAST_COMPILE,
    "FAST_RUN": FAST_RUN,
    "ProfileMode": FAST_RUN,
}
# Modes that are made anew whenever they are asked for; put there by their modules.
makers: dict[str, Callable[[], Mode]] = {}
# The default mode, by the settings that make it.
_default: dict[tuple[Any, ...], Any] = {}


def get_mode(orig_string: Any) -> Any:
    """Return a mode by its name; the one that settings say by default.

    Raises:
        Exception: there is no mode of that name.
    """
    if orig_string is None:
        return _default_mode()
    if not isinstance(orig_string, str):
        return orig_string
    return _mode_named(orig_string)


def _mode_named(name: str) -> Any:
    if name == "Mode":
        return Mode(None, config.optimizer)
    if name in predefined_modes:
        return predefined_modes[name]
    if name in makers:
        return makers[name]()
    raise Exception(f"No predefined mode exist for string: {name}")


def _default_mode() -> Any:
    """Return the mode that settings say, with the tags that they add and take away."""
    tags = config.optimizer_excluding, config.optimizer_including, config.optimizer_requiring
    key = config.mode, config.linker, config.optimizer, tags
    if key in _default:
        return _default[key]
    made = config.mode if not isinstance(config.mode, str) else _mode_named(config.mode)
    for change, said in zip(("excluding", "including", "requiring"), tags, strict=True):
        if said:
            made = getattr(made, change)(*said.split(":"))
    if config.mode == "Mode" or config.mode in predefined_modes:
        _default[key] = made
    return made


def get_default_mode() -> Any:
    """Return the mode that settings say."""
    return get_mode(None)


def register_mode(name: str, mode: Any) -> None:
    """Give a mode a name.

    Raises:
        ValueError: there is one of that name.
    """
    if name in predefined_modes:
        raise ValueError(f"Mode name already taken: {name}")
    predefined_modes[name] = mode


def register_linker(name: str, linker: Any) -> None:
    """Give a linker a name.

    Raises:
        ValueError: there is one of that name.
    """
    if name in predefined_linkers:
        raise ValueError(f"Linker name already taken: {name}")
    predefined_linkers[name] = linker


def register_optimizer(name: str, opt: Any) -> None:
    """Give an optimiser, or a query for ``optdb``, a name.

    Raises:
        ValueError: there is one of that name.
    """
    if name in predefined_optimizers:
        raise ValueError(f"Optimizer name already taken: {name}")
    predefined_optimizers[name] = opt
