"""Where the time of functions goes: ``function(profile=True)``, ``config.profile``.

Native code measures its steps: kernels, each of which computes several applications at once, BLAS,
host code, loops, branches.  A step stands here where Theano has an application: its op tells the
applications that it computes, as far as the program's lines and the kinds of its nodes tell.
"""

from __future__ import annotations

import atexit
import copy
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agnesi.compile.profile import OF_AXES, StepTime
from agnesi.graph.graph import toposort
from agnesi.graph.text import op_name
from agnesi.theano.configparser import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

theano_imported_time = time.time()
total_fct_exec_time = 0.0
total_graph_opt_time = 0.0
total_time_linker = 0.0

# Passes of agnesi's compiler that make other graphs; what is not among them makes code of one.
_GRAPH_PASSES = frozenset(
    ["canonicalize", "stabilize", "decompose", "simplify", "layouts", "loops", "check"]
)


# -- steps in the place of applications ------------------------------------------------------------


class StepOp:
    """What a step of native code does: equal for steps that compute the same applications.

    Attributes:
        name: kernels' names, or what kind of step it is.
        ops: names of what it computes.
    """

    def __init__(self, name: str, ops: Sequence[str]) -> None:
        self.name, self.ops = name, tuple(ops)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), *self._key()))

    def _key(self) -> tuple[Any, ...]:
        return (self.ops,) if self.ops else (self.name,)

    def __str__(self) -> str:
        inside = ", ".join(self.ops)
        return f"{type(self).__name__}{{{inside or self.name}}}"

    __repr__ = __str__


class Kernel(StepOp):
    """A loop nest."""


class Blas(StepOp):
    """A product of matrices by OpenBLAS."""


class Host(StepOp):
    """Python code."""


class Move(StepOp):
    """A copy, or memory that is set to 0."""


class Loop(StepOp):
    """A loop, without the steps inside of it."""


class Branch(StepOp):
    """A choice, without the steps inside of it."""


_KINDS = {"blas": Blas, "host": Host, "loop": Loop, "branch": Branch, "copy": Move, "clear": Move}


class StepApply:
    """A step of a function.

    Attributes:
        op: what it does.
        number: its place among the function's steps.
        inputs: none.
        outputs: none.
        step: what was measured.
    """

    def __init__(self, op: StepOp, number: int, step: StepTime) -> None:
        self.op, self.number, self.step = op, number, step
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def get_parents(self) -> list[Any]:
        """Return the inputs."""
        return []

    def __str__(self) -> str:
        lines = "; ".join(self.step.lines)
        return f"{self.step.name} {self.op}{f'   # {lines}' if lines else ''}"

    __repr__ = __str__


class _Names:
    """The names of a function's applications, by the lines and kinds of the nodes they made."""

    def __init__(self, function: Any) -> None:
        self.exact: dict[Any, dict[str, None]] = {}
        self.by_line: dict[Any, dict[str, None]] = {}
        for node in function.graph().nodes:
            tensors = [v.tensor for v in node.outputs if v.tensor is not None]
            if not tensors:
                continue
            name = str(node.op)
            given = {v.tensor for v in node.inputs}
            for made in toposort(tensors, given):
                if made not in given:
                    self.exact.setdefault((made.source, type(made)), {})[name] = None
            self.by_line.setdefault(tensors[0].source, {})[name] = None

    def of(self, nodes: Sequence[Any]) -> list[str]:
        """Return the names of the applications that nodes belong to."""
        found: dict[str, None] = {}
        for node in nodes:
            if op_name(node) in OF_AXES and len(nodes) > 1:
                continue
            names = self.exact.get((node.source, type(node)))
            if names is None:
                line = self.by_line.get(node.source, {})
                names = line if len(line) == 1 else {op_name(node): None}
            found.update(names)
        return list(found)


class _Source:
    """A function that a profile is of: what it measures, natively or step by step."""

    def __init__(self, function: Any) -> None:
        self.function, self.native = function, function.fn.profile
        # Steps of native code, the same objects whenever they are asked for.
        self.steps: list[StepApply] = []
        # Of functions that are run application by application.
        self.times: dict[Any, list[float]] = {}

    def applies(self) -> Iterator[tuple[Any, float, int, bool]]:
        """Yield steps with their seconds, how often they ran, and whether they are native."""
        for node, (seconds, calls) in self.times.items():
            yield node, seconds, int(calls), False
        if self.native is None:
            return
        measured = self.native.steps
        if not self.steps:
            names = _Names(self.function)
            for number, step in enumerate(measured):
                kind = _KINDS.get(step.name.split()[0], Kernel)
                op = kind(step.name, names.of(step.nodes))
                self.steps.append(StepApply(op, number, step))
        for apply, step in zip(self.steps, measured, strict=True):
            apply.step = step
            yield apply, step.own, step.calls, not isinstance(apply.op, Host)

    @property
    def seconds(self) -> float:
        """The time that steps and what is around them took, without Python's calls."""
        own = sum(seconds for seconds, _ in self.times.values())
        return own + (self.native.seconds if self.native is not None else 0.0)

    def reset(self) -> None:
        """Begin anew."""
        self.times.clear()
        if self.native is not None:
            self.native.reset()


# -- profiles --------------------------------------------------------------------------------------

_profiler_printers: list[Callable[..., Any]] = []


def register_profiler_printer(fct: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function print something of its own behind each profile.

    It is called with the message, the seconds of compiling and of calls, the dictionaries of steps
    with their seconds and with whether they are native, a dictionary of sizes, and ``file=``.
    """
    _profiler_printers.append(fct)
    return fct


_atexit_print_list: list[ProfileStats] = []


class ProfileStats:
    """How often functions were called, and where their time went.

    One object may be the profile of several functions.  Steps of native code are in the place of
    applications: dictionaries by node have them as keys.

    Attributes:
        compile_time: seconds of compiling.
        optimizer_time: those of them in which graphs were rewritten.
        linker_time: those in which code was made.
        fct_callcount: calls.
        fct_call_time: seconds in calls.
        message: title of what is printed.
        nb_nodes: how many applications the functions have.
        flag_time_thunks: whether steps are measured.
        line_width: of what is printed.
    """

    def __init__(
        self,
        atexit_print: bool = True,
        flag_time_thunks: bool | None = None,
        gpu_checks: bool = True,
        **kwargs: Any,
    ) -> None:
        del gpu_checks
        self.compile_time = self.optimizer_time = self.linker_time = 0.0
        self.validate_time = self.import_time = self.linker_node_make_thunks = 0.0
        self.fct_call_time, self.fct_callcount = 0.0, 0
        self.message: str | None = None
        self.nb_nodes = -1
        self.line_width: int = config.profiling.output_line_width
        self.output_size: dict[Any, Any] = {}
        self.variable_shape: dict[Any, Any] = {}
        self.linker_make_thunk_time: dict[Any, float] = {}
        # Seconds by pass of the compiler.
        self.passes: dict[str, float] = {}
        self.optimizer_profile: Any = None
        wanted = config.profiling.time_thunks
        self.flag_time_thunks = wanted if flag_time_thunks is None else flag_time_thunks
        self.ignore_first_call: bool = config.profiling.ignore_first_call
        self.sources: list[_Source] = []
        self.__dict__.update(kwargs)
        if atexit_print:
            if not _atexit_print_list:
                atexit.register(_atexit_print_fn)
            _atexit_print_list.append(self)

    def add(self, function: Any) -> None:
        """Be the profile of one more function, which has just been compiled."""
        report = function.fn.compile_report()
        graph = sum(s for name, s in report.seconds.items() if name in _GRAPH_PASSES)
        self.compile_time += report.total
        self.optimizer_time += graph
        self.linker_time += report.total - graph
        for name, seconds in report.seconds.items():
            self.passes[name] = self.passes.get(name, 0.0) + seconds
        self.nb_nodes = max(self.nb_nodes, 0) + len(function.graph().nodes)
        self.sources.append(_Source(function))

    def noted(self, function: Any, node: Any, seconds: float) -> None:
        """Take note of an application that was computed by itself."""
        source = next(s for s in self.sources if s.function is function)
        entry = source.times.setdefault(node, [0.0, 0])
        entry[0] += seconds
        entry[1] += 1

    def reset(self) -> None:
        """Forget the calls so far."""
        self.fct_call_time, self.fct_callcount = 0.0, 0
        for source in self.sources:
            source.reset()

    # -- numbers ---------------------------------------------------------------------------------

    @property
    def vm_call_time(self) -> float:
        """Seconds in calls without what Python does around them."""
        return sum(source.seconds for source in self.sources)

    def _applies(self) -> Iterator[tuple[Any, float, int, bool]]:
        for source in self.sources:
            yield from source.applies()

    @property
    def apply_time(self) -> dict[Any, float]:
        """Seconds of each step."""
        return {node: seconds for node, seconds, _, _ in self._applies()}

    @property
    def apply_callcount(self) -> dict[Any, int]:
        """How often each step ran."""
        return {node: calls for node, _, calls, _ in self._applies()}

    @property
    def apply_cimpl(self) -> dict[Any, bool]:
        """Whether each step is native."""
        return {node: native for node, _, _, native in self._applies()}

    def _grouped(self, key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
        """Return seconds, calls, steps and whether they are native, by what a key says."""
        found: dict[Any, list[Any]] = {}
        for node, seconds, calls, native in self._applies():
            entry = found.setdefault(key(node), [0.0, 0, 0, native])
            entry[0] += seconds
            entry[1] += calls
            entry[2] += 1
            entry[3] &= native
        return found

    def _column(self, key: Callable[[Any], Any], k: int) -> dict[Any, Any]:
        return {group: entry[k] for group, entry in self._grouped(key).items()}

    def class_time(self) -> dict[Any, float]:
        """Return seconds by class of op."""
        return self._column(_class, 0)

    def class_callcount(self) -> dict[Any, int]:
        """Return how often steps ran, by class of op."""
        return self._column(_class, 1)

    def class_nodes(self) -> dict[Any, int]:
        """Return how many steps there are, by class of op."""
        return self._column(_class, 2)

    def class_impl(self) -> dict[Any, str]:
        """Return ``"C "`` for what is native and ``"Py"`` for Python code, by class of op."""
        return {k: _impl(v) for k, v in self._column(_class, 3).items()}

    def op_time(self) -> dict[Any, float]:
        """Return seconds by op."""
        return self._column(_op, 0)

    def op_callcount(self) -> dict[Any, int]:
        """Return how often steps ran, by op."""
        return self._column(_op, 1)

    def op_nodes(self) -> dict[Any, int]:
        """Return how many steps there are, by op."""
        return self._column(_op, 2)

    def op_impl(self) -> dict[Any, str]:
        """Return ``"C "`` for what is native and ``"Py"`` for Python code, by op."""
        return {k: _impl(v) for k, v in self._column(_op, 3).items()}

    def compute_total_times(self) -> dict[Any, float]:
        """Return seconds of each step, and of those that it reads from where that is known."""
        times = self.apply_time
        totals: dict[Any, float] = {}
        for node in times:
            self.fill_node_total_time(node, totals)
        return totals

    def fill_node_total_time(self, node: Any, total_times: dict[Any, float]) -> None:
        """Note the seconds of a step and of what it reads from."""
        times = self.apply_time
        stack = [node]
        while stack:
            each = stack[-1]
            parents = [v.owner for v in each.inputs if v.owner in times]
            missing = [p for p in parents if p not in total_times]
            if missing and each not in total_times:
                stack += missing
                continue
            stack.pop()
            total_times[each] = times[each] + sum(total_times[p] for p in parents)

    # -- what is printed -------------------------------------------------------------------------

    def summary(
        self, file: Any = None, n_ops_to_print: int = 20, n_apply_to_print: int = 20
    ) -> None:
        """Print everything.

        Args:
            file: where to; errors' stream by default.
            n_ops_to_print: how many classes and ops.
            n_apply_to_print: how many steps.
        """
        out = file or sys.stderr
        self.summary_function(out)
        self.summary_globals(out)
        if sum(self.apply_time.values()) > 0:
            self.summary_class(out, n_ops_to_print)
            self.summary_ops(out, n_ops_to_print)
            self.summary_nodes(out, n_apply_to_print)
        elif self.fct_callcount > 0:
            print(
                "  No execution time accumulated (hint: try config profiling.time_thunks=1)",
                file=out,
            )
        if config.profile_memory:
            self.summary_memory(out, n_apply_to_print)
        if config.profile_optimizer:
            self.summary_optimizer(out)
        if config.profiling.debugprint:
            self._graphs(out)
        self.print_extra(out)

    def summary_function(self, file: Any) -> None:
        """Print calls and compiling."""
        spent = self.fct_call_time
        _say(file, "Function profiling", "==================", f"  Message: {self.message}")
        _say(file, f"  Time in {self.fct_callcount} calls to Function.__call__: {spent:e}s")
        if spent > 0:
            inside, steps = self.vm_call_time, sum(self.apply_time.values())
            share = 100 * inside / spent
            _say(file, f"  Time in Function.fn.__call__: {inside:e}s ({share:.3f}%)")
            if steps > 0:
                _say(file, f"  Time in thunks: {steps:e}s ({100 * steps / spent:.3f}%)")
        _say(
            file,
            f"  Total compile time: {self.compile_time:e}s",
            f"    Number of Apply nodes: {self.nb_nodes}",
            f"    Theano Optimizer time: {self.optimizer_time:e}s",
            f"    Theano Linker time (kernels, LLVM): {self.linker_time:e}s",
            "",
        )

    def summary_globals(self, file: Any) -> None:
        """Print how long ago the program began."""
        _say(file, f"Time since theano import {time.time() - theano_imported_time:.3f}s", "")

    def summary_class(self, file: Any = None, N: int | None = None) -> None:
        """Print seconds by class of op: kernels, BLAS, host code, loops."""
        self._table(file, "Class", "---", "<Class name>", _class, N)

    def summary_ops(self, file: Any = None, N: int | None = None) -> None:
        """Print seconds by op: by what steps compute."""
        self._table(file, "Ops", "---", "<Op name>", _op, N)

    def _table(
        self,
        file: Any,
        title: str,
        rule: str,
        column: str,
        key: Callable[[Any], Any],
        most: int | None,
    ) -> None:
        out = file or sys.stderr
        rows = sorted(self._grouped(key).items(), key=lambda row: row[1][:3], reverse=True)
        rows = [row for row in rows if row[1][1]]
        total = sum(entry[0] for _, entry in rows)
        if not total:
            _say(out, f"ProfileStats.summary_{title.lower()}: total time 0")
            return
        head = "<% time> <sum %> <apply time> <time per call> <type> <#call> <#apply> "
        _say(out, title, rule, head + column)
        so_far = 0.0
        for group, (seconds, calls, steps, native) in rows[:most]:
            so_far += seconds
            name = f"{group.__module__}.{group.__qualname__}" if isinstance(group, type) else group
            line = (
                f"  {100 * seconds / total:4.1f}%   {100 * so_far / total:5.1f}%     "
                f"{seconds:7.3f}s       {seconds / calls:8.2e}s     {_impl(native)}   {calls:6d}"
                f"   {steps:4d}   {name}"
            )
            _say(out, line[: self.line_width])
        self._rest(out, title, rows[most:] if most is not None else [], total)

    def _rest(self, out: Any, title: str, rows: Sequence[Any], total: float) -> None:
        left = sum(entry[0] for _, entry in rows)
        name = {"Class": "Classes", "Apply": "Apply instances"}.get(title, title)
        _say(
            out,
            f"   ... (remaining {len(rows)} {name} account for {100 * left / total:6.2f}%"
            f"({left:.2f}s) of the runtime)",
            "",
        )

    def summary_nodes(self, file: Any = None, N: int | None = None) -> None:
        """Print seconds by step, with the program's lines."""
        out = file or sys.stderr
        rows = sorted(self._applies(), key=lambda row: -row[1])
        rows = [row for row in rows if row[2]]
        total = sum(row[1] for row in rows)
        if not total:
            _say(out, "ProfileStats.summary_nodes: total time 0")
            return
        head = "<% time> <sum %> <apply time> <time per call> <#call> <id> <Mflops> <Gflops/s> "
        _say(out, "Apply", "------", head + "<Apply name>")
        so_far = 0.0
        for place, (node, seconds, calls, _) in enumerate(rows[:N]):
            so_far += seconds
            step = getattr(node, "step", None)
            work = step.flops / calls if step is not None else 0.0
            line = (
                f"  {100 * seconds / total:4.1f}%   {100 * so_far / total:5.1f}%     "
                f"{seconds:7.3f}s       {seconds / calls:8.2e}s   {calls:5d}  "
                f"{getattr(node, 'number', place):3d}   {work / 1e6:8.1f}   "
                f"{work * calls / 1e9 / (seconds or 1):8.1f}   {node}"
            )
            _say(out, line[: self.line_width])
        left = [(n, [s]) for n, s, _, _ in (rows[N:] if N is not None else [])]
        self._rest(out, "Apply", left, total)

    def summary_memory(self, file: Any = None, N: int | None = None) -> None:
        """Print how many bytes functions keep, and how many steps read and write."""
        out = file or sys.stderr
        _say(out, "Memory Profile", "---", "scratch memory that functions keep, now:")
        for source in self.sources:
            if source.native is not None:
                name = source.function.name or source.function.fn.name
                _say(out, f"  {source.native.scratch // 1024:10d}KB  {name}")
        _say(out, "arrays that steps read and write, a call:")
        rows = [
            (node.step.bytes / calls, node)
            for node, _, calls, _ in self._applies()
            if calls and isinstance(node, StepApply)
        ]
        rows = [row for row in rows if row[0] >= config.profiling.min_memory_size]
        rows.sort(key=lambda row: -row[0])
        for size, node in rows[:N]:
            _say(out, f"  {size / 1024:10.0f}KB  {node}"[: self.line_width])
        _say(out, f"   (those below {config.profiling.min_memory_size}B are left out)", "")

    def summary_optimizer(self, file: Any = None) -> None:
        """Print the seconds of each pass of the compiler."""
        out = file or sys.stderr
        _say(out, "Optimizer Profile", "-----------------")
        for name, seconds in self.passes.items():
            _say(out, f"  {seconds:10.6f}s  {name}")
        _say(out, "")

    def _graphs(self, out: Any) -> None:
        from agnesi.theano.printing import debugprint

        for source in self.sources:
            debugprint(source.function, file=out)

    def print_extra(self, file: Any) -> None:
        """Print what functions given to :func:`register_profiler_printer` want to say."""
        for fct in _profiler_printers:
            fct(
                self.message,
                self.compile_time,
                self.fct_call_time,
                self.apply_time,
                self.apply_cimpl,
                self.output_size,
                file=file,
            )


class ScanProfileStats(ProfileStats):
    """A profile of a scan, which is a loop of its function here, measured with it.

    Attributes:
        name: of the scan.
        callcount: nothing here: the function's profile counts loops and their steps.
        nbsteps: nothing here.
        call_time: nothing here.
    """

    callcount = nbsteps = call_time = 0.0

    def __init__(self, atexit_print: bool = True, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(atexit_print, **kwargs)
        self.name = name


def _class(node: Any) -> Any:
    return type(node.op)


def _op(node: Any) -> Any:
    return node.op


def _impl(native: bool) -> str:
    return "C " if native else "Py"


def _say(file: Any, *lines: str) -> None:
    for line in lines:
        print(line, file=file)


# -- functions that are profiled -------------------------------------------------------------------


def wanted(profile: Any, name: str | None) -> ProfileStats | None:
    """Return the profile that ``function(profile=)`` and settings ask for.

    Args:
        profile: None for what settings say, a bool, a title, or a profile.
        name: of the function.
    """
    if profile is None:
        profile = config.profile or config.print_global_stats
    if isinstance(profile, ProfileStats):
        return profile
    if not profile:
        return None
    return ProfileStats(message=profile if isinstance(profile, str) else name)


def timed(kind: type, stats: ProfileStats) -> type:
    """Return a class of functions like another one whose calls are measured."""
    inner: Any = kind.__call__
    bound = hasattr(inner, "__get__")

    def called(self: Any, *args: Any, **named: Any) -> Any:
        global total_fct_exec_time  # noqa: PLW0603 - a name of Theano's
        start = time.perf_counter()
        result = inner(self, *args, **named) if bound else inner(*args, **named)
        spent = time.perf_counter() - start
        total_fct_exec_time += spent
        stats.fct_call_time += spent
        stats.fct_callcount += 1
        if stats.ignore_first_call:
            stats.ignore_first_call = False
            stats.reset()
        return result

    return type("Function", (kind,), {"__call__": called, "__module__": kind.__module__})


def compiled(function: Any) -> None:
    """Take note of a function that has been compiled."""
    global total_graph_opt_time, total_time_linker  # noqa: PLW0603 - names of Theano's
    log = function.fn.log.seconds
    graph = sum(seconds for name, seconds in log.items() if name in _GRAPH_PASSES)
    total_graph_opt_time += graph
    total_time_linker += function.fn.compile_seconds - graph


# -- at the end ------------------------------------------------------------------------------------


def _destination() -> Any:
    where = config.profiling.destination
    known = {"stderr": sys.stderr, "stdout": sys.stdout}
    return known[where] if where in known else Path(where).open("a", encoding="utf-8")


def print_global_stats() -> None:
    """Print how long the program has been running, computing and compiling.

    Calls are counted of functions that have a profile, or were made under
    ``config.print_global_stats``.
    """
    out = _destination()
    elapsed = time.time() - theano_imported_time
    _say(
        out,
        "=" * 50,
        f"Global stats:  Time elapsed since Theano import = {elapsed:6.3f}s, "
        f"Time spent in Theano functions = {total_fct_exec_time:6.3f}s, "
        "Time spent compiling Theano functions:  "
        f"optimization = {total_graph_opt_time:6.3f}s, linker = {total_time_linker:6.3f}s ",
        "=" * 50,
    )


def _sum_of(profiles: Sequence[ProfileStats]) -> ProfileStats:
    """Return the sum of some profiles."""
    total = copy.copy(profiles[0])
    total.message = (
        f"Sum of all({len(profiles)}) printed profiles at exit excluding Scan op profile."
    )
    total.sources = [source for each in profiles for source in each.sources]
    for name in (
        *("compile_time", "optimizer_time", "linker_time"),
        *("fct_call_time", "fct_callcount", "nb_nodes"),
    ):
        setattr(total, name, sum(getattr(each, name) for each in profiles))
    total.passes = {}
    for each in profiles:
        for name, seconds in each.passes.items():
            total.passes[name] = total.passes.get(name, 0.0) + seconds
    return total


def _atexit_print_fn() -> None:
    """Print all profiles, and their sum, if settings ask for it."""
    if config.profile:
        out = _destination()
        most = {
            "n_ops_to_print": config.profiling.n_ops,
            "n_apply_to_print": config.profiling.n_apply,
        }
        worth = [p for p in _atexit_print_list if p.fct_callcount >= 1 or p.compile_time > 1]
        worth.sort(key=lambda p: -(p.compile_time + p.fct_call_time))
        for each in worth:
            each.summary(out, **most)
        if len(worth) > 1:
            _sum_of(worth).summary(out, **most)
    if config.print_global_stats:
        print_global_stats()
