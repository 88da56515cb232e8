"""``function``: from symbolic inputs and outputs to something to call."""

from __future__ import annotations

import copy
import itertools
import warnings
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from agnesi.codegen.llvm import layout as at
from agnesi.codegen.llvm.entry import Form, emit_program
from agnesi.codegen.llvm.parts import whole
from agnesi.compile.binder import Binder, Failure, Parameter
from agnesi.compile.debug import Interpreted, WatchNan, dump
from agnesi.compile.explain import Text, explain
from agnesi.compile.host import Host
from agnesi.compile.pipeline import (
    KERNEL,
    MACHINE,
    Log,
    Pass,
    run_graph_passes,
    run_kernel_passes,
)
from agnesi.compile.profile import Profile, amounts
from agnesi.compile.report import CompileReport, compile_report
from agnesi.compile.shared import Shared
from agnesi.compile.told import tell_sizes
from agnesi.core import knobs
from agnesi.core.collector import paused
from agnesi.core.errors import FunctionError
from agnesi.core.record import record, replace
from agnesi.dims.dim import Dim, Size, Symbol, fresh_symbol
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Constant, Input, Leaf, new_input, owner_of
from agnesi.graph.tensor import Tensor
from agnesi.graph.types import TensorType
from agnesi.lower.lower import lower
from agnesi.lower.program import Program, RunKernel, Step, map_kernels, walk_steps
from agnesi.lower.verify import verify_program
from agnesi.ops.lift import as_tensor, cast
from agnesi.runtime.builtin import make_builtin
from agnesi.runtime.machine import (
    Level,
    Loaded,
    assembly,
    kernel_attributes,
    load,
    this_machine,
)
from agnesi.runtime.memory import Kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.codegen.llvm.entry import Emitted
    from agnesi.compile.pipeline import Stage
    from agnesi.loops.nodes import Kernel

Unused = Literal["raise", "warn", "ignore"]


@record(frozen=True)
class In:
    """An input of a function with a default value or a keyword of its own.

    Attributes:
        variable: the symbolic input.
        value: default; None for none.
        name: keyword; the variable's own name by default.
    """

    variable: Tensor
    value: Any = None
    name: str | None = None


class Function:
    """A compiled function: call it with arrays, by position or keyword.

    Attributes:
        name: given to :func:`function`.
        program: what it runs.
        compile_seconds: from the call of :func:`function` to machine code.
        profile: where the time of calls went, if ``function(..., profile=True)`` asked for it; None
            where it did not, or where an interpreter runs the function.
        failure: raises what goes wrong in calls; None where an interpreter runs the function.
    """

    def __init__(self, request: Request, program: Program, log: Log) -> None:
        self.request = request
        self.name = request.name
        self.program = program
        self.log = log
        self.compile_seconds = 0.0
        self.emitted: Emitted | None = None
        self.loaded: Loaded | None = None
        self.native: Any = None
        self.profile: Profile | None = None
        self.failure: Failure | None = None

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run the function on arrays."""
        return self.native(*args, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        # Machine code stays behind: who unpickles compiles again, with shared variables of its own.
        return compile_request, (self.request,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        leaves = [leaf for leaf in self.program.shareds if isinstance(leaf, Shared)]
        return self.copy(swap={leaf: copy.deepcopy(leaf, memo) for leaf in leaves})

    def copy(
        self,
        *,
        swap: Mapping[Shared, Shared] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
    ) -> Function:
        """Return another function that computes the same.

        Args:
            swap: shared variables by those that they take the place of, of the same types; the
                others are shared by both functions.
            delete_updates: leave the updates out: what trains a model then evaluates it.
            name: of the copy; the same by default.

        Raises:
            FunctionError: a variable to swap is not used, or the other one has another type.

        >>> x, w = ag.scalar("x"), ag.shared(np.float32(2))
        >>> f = ag.function([x], x * w, updates=[(w, w + 1)])
        >>> g = f.copy(swap={w: ag.shared(np.float32(10))}, delete_updates=True)
        >>> f(1), g(1), g(1)
        (array(2., dtype=float32), array(10., dtype=float32), array(10., dtype=float32))
        """
        old = self.request
        title = name or old.name
        swaps = dict(swap or {})
        roots = [*old.outputs, *old.updates.values()]
        used = {*toposort(roots), *old.updates}
        for target, new in swaps.items():
            if target not in used or new.type is not target.type:
                raise FunctionError(
                    f"{title}: {target!r} cannot be swapped for {new!r}\n"
                    "  the first has to be a shared variable of the function, the other one a "
                    "shared variable of its type"
                )
        fresh = rebuild(roots, dict(swaps.items()))
        outputs, values = fresh[: len(old.outputs)], fresh[len(old.outputs) :]
        targets = [swaps.get(target, target) for target in old.updates]
        updates = {} if delete_updates else dict(zip(targets, values, strict=True))
        return compile_request(replace(old, name=title, outputs=outputs, updates=updates))

    def __repr__(self) -> str:
        return f"<function {self.request.binder.signature()}>"

    @property
    def kernels(self) -> list[Kernel]:
        """The loop nests it runs."""
        return [s.kernel for s in walk_steps(self.program.steps) if isinstance(s, RunKernel)]

    @property
    def stages(self) -> list[Stage]:
        """The graph passes with what each left behind: ``f.stages[0].text()``."""
        return self.log.stages

    @property
    def llvm(self) -> Text:
        """The LLVM IR that was compiled; empty where an interpreter runs the function."""
        return Text(whole(self.emitted.parts, self.emitted.called) if self.emitted else "")

    def assembly(self) -> Text:
        """Return the machine code as text."""
        return Text(assembly(self.emitted.parts, level=_effort()) if self.emitted else "")

    def compile_report(self) -> CompileReport:
        """Return where the time of its compilation went: printed, a table; else numbers.

        >>> x = ag.vector("x")
        >>> report = ag.function([x], ag.sin(x) + 1, name="f").compile_report()
        >>> print(report)  # doctest: +ELLIPSIS
        f: ... ms, ... of 2 parts from the cache
          check ... ms ...
          canonicalize ... ms ...
        ...
          load ... ms ...
        >>> 0 < report.seconds["lower"] < report.total
        True
        """
        parts, kept = (self.loaded.parts, self.loaded.kept) if self.loaded else (0, 0)
        return compile_report(self.name, self.compile_seconds, self.log.seconds, parts, kept)

    def explain(self, **sizes: int) -> Text:
        """Return what the function does: passes, buffers, kernels, estimated work.

        Args:
            **sizes: numbers for named sizes, to be put into the formulas.

        >>> x = ag.input("x", "f32[n]")
        >>> print(ag.function([x], (x * 2).sum(), name="f").explain(n=1000))  # doctest: +ELLIPSIS
        f(x: f32[n])
        ...
        """
        return explain(self.request.binder.signature(), self.program, self.log, sizes)


@record()
class Request:
    """What the user asked for, checked and with cuts, givens and weak values resolved."""

    name: str
    parameters: list[Parameter]
    outputs: list[Tensor]
    form: Form
    keys: list[Any]
    updates: dict[Shared, Tensor]
    profile: bool = False

    @cached_property
    def binder(self) -> Binder:
        """The slow way in."""
        return Binder(self.name, self.parameters)


_numbers = itertools.count(1)


def function(
    inputs: Sequence[Tensor | In | tuple[Tensor, Any]],
    outputs: Any = None,
    updates: Mapping[Shared, Any] | Sequence[tuple[Shared, Any]] | None = None,
    givens: Mapping[Tensor, Any] | Sequence[tuple[Tensor, Any]] | None = None,
    name: str | None = None,
    *,
    on_unused_input: Unused = "raise",
    no_default_updates: bool | Sequence[Shared] = False,
    profile: bool = False,
) -> Function:
    """Compile a function.

    Args:
        inputs: symbolic variables, each an input, or any other variable (the graph is cut there);
            ``In(x, value=...)`` or ``(x, value)`` gives a default.
        outputs: one expression, a list or tuple of them, a dict, or None.
        updates: new values of shared variables, computed from the old ones, all at once, when
            the function is called.
        givens: expressions that take the place of variables.
        name: shown in errors, reports and profiles.
        on_unused_input: what to do about an input that nothing depends on.
        no_default_updates: True, or a list of shared variables, to leave out what variables (the
            counters of random streams) are updated to by default where ``updates`` do not name
            them.
        profile: whether calls measure how long each step takes: ``print(f.profile)``.

    Returns:
        A callable that takes arrays in the order of the inputs, or by keyword, and returns NumPy
        arrays in the form of ``outputs``.

    Raises:
        FunctionError: inputs, updates or givens that clash or are missing.

    >>> x, y = ag.vector("x"), ag.vector("y")
    >>> f = ag.function([x, y], {"sum": x + y, "dot": ag.dot(x, y)})
    >>> f([1, 2], y=[3, 4])["dot"]
    array(11., dtype=float32)
    """
    start = perf_counter()
    given: Any = name
    if given is not None and not (isinstance(given, str) and given.isprintable()):
        raise FunctionError(f"function: a name is a text that can be printed, not {given!r}")
    request = _Check(name or f"function{next(_numbers)}", on_unused_input).request(
        inputs, outputs, updates, givens, no_default_updates
    )
    request.profile = profile
    checked = perf_counter() - start
    made = compile_request(request)
    made.log.seconds = {"check": checked, **made.log.seconds}
    made.compile_seconds += checked
    return made


def compile_request(request: Request) -> Function:
    """Return the compiled function of a checked request."""
    with paused():
        return _compiled(request)


def _compiled(request: Request) -> Function:
    start = perf_counter()
    log = Log()
    roots = [*request.outputs, *request.updates.values()]
    rewritten = run_graph_passes(roots, log)
    begin = perf_counter()
    told = tell_sizes([p.leaf for p in request.parameters], rewritten)
    log.time("tell sizes", begin)
    outputs = told.outputs[: len(request.outputs)]
    updates = list(zip(request.updates, told.outputs[len(outputs) :], strict=True))
    begin = perf_counter()
    program = lower(request.name, told.inputs, outputs, updates, this_machine())
    program.told = told.because
    log.time("lower", begin)
    program.steps = _through(program.steps, KERNEL, log)
    if knobs.VERIFY.number:
        verify_program(program)
    made = Function(request, program, log)
    if not interpreter():
        make_native(made)
    dump(made)
    made.native = debugged(made)
    # A builtin as the class's __call__ is called without self: nothing stands between the user's
    # call and native code.
    kind = type("Function", (Function,), {"__call__": made.native, "__module__": __name__})
    made.__class__ = kind
    made.compile_seconds = perf_counter() - start
    return made


def _through(steps: list[Step], passes: tuple[Pass, ...], log: Log) -> list[Step]:
    """Return the steps with their kernels put through passes."""
    return map_kernels(steps, lambda kernel: run_kernel_passes(kernel, passes, log))


def make_native(function: Function) -> None:
    """Emit, compile and load the program; make its builtin."""
    program, request, log = function.program, function.request, function.log
    ready = replace(program, steps=_through(program.steps, MACHINE, log))
    begin = perf_counter()
    measured = amounts(program) if request.profile else ()
    emitted = emit_program(ready, request.form, kernel_attributes(), this_machine(), measured)
    log.time("emit", begin)
    loaded = load(emitted.parts, level=_effort())
    for stage, seconds in loaded.seconds.items():
        log.seconds[f"llvm {stage}" if stage != "llvm" else stage] = seconds
    words = np.zeros(emitted.layout.words, np.int64)
    binder = request.binder
    count = len(program.inputs)
    failure = Failure(request.name, emitted.size_checks, emitted.requirements, count)
    host = Host(emitted.host_calls)
    words[at.BIND], words[at.FAIL], words[at.ARRAY_TYPE] = id(binder), id(failure), id(np.ndarray)
    words[at.HOST] = id(host)
    names, defaults = binder.ready()
    words[at.NAMES] = names.ctypes.data
    held = [c.value if c.value.size else np.zeros(1) for c in program.constants]
    for k, array in enumerate(held):
        words[emitted.layout.first_constant + k] = array.ctypes.data
    cells = [leaf.cell for leaf in program.shareds if isinstance(leaf, Shared)]
    for k, cell in enumerate(cells):
        words[emitted.layout.first_shared + k] = cell.address
        words[emitted.layout.first_turn + k] = cell.turn.entry(written=k in program.updated)
    for k, key in enumerate(request.keys if request.form == "dict" else []):
        words[emitted.layout.first_key + k] = id(key)
    arena = Kept(words, at.ARENA, at.ARENA_BYTES, at.BUSY)
    kept = (loaded, binder, failure, host, held, cells, request.keys, arena, names, defaults)
    function.emitted, function.loaded = emitted, loaded
    function.failure = failure
    if request.profile:
        function.profile = Profile(request.name, program, words, emitted.layout)
    function.native = make_builtin(request.name, loaded.address, words, *kept)


def interpreter() -> str:
    """Return which interpreter is to run functions, if any."""
    how = knobs.INTERPRET.value
    if how not in ("", "0", "graph", "loops"):
        raise ValueError(f"{knobs.INTERPRET.variable} takes {knobs.INTERPRET.values}, not {how!r}")
    return "" if how == "0" else how


def _effort() -> Level:
    """Return LLVM's level of optimisation."""
    level = knobs.OPTIMISE.number
    if level not in (0, 1, 2, 3):
        raise ValueError(f"{knobs.OPTIMISE.variable} takes {knobs.OPTIMISE.values}, not {level}")
    return level


def debugged(function: Function) -> Any:
    """Return the callable under the debug knobs: native code itself where none is set."""
    how = interpreter()
    if how:
        return Interpreted(function, how)
    return WatchNan(function) if knobs.CHECK_NAN.number else function.native


class _Check:
    """Checks what the user asked for, and resolves cuts, givens and weak values."""

    def __init__(self, name: str, on_unused: Unused) -> None:
        self.name, self.on_unused = name, on_unused

    def request(
        self, inputs: Any, outputs: Any, updates: Any, givens: Any, no_defaults: Any
    ) -> Request:
        """Return the request; raise FunctionError for what cannot be."""
        if self.on_unused not in ("raise", "warn", "ignore"):
            raise FunctionError(
                f"{self.name}: on_unused_input is 'raise', 'warn' or 'ignore', "
                f"not {self.on_unused!r}"
            )
        declared = self.inputs(inputs)
        form, keys, results = self.outputs(outputs)
        changes = self.updates(updates)
        replaced = self.givens(givens)
        skipped = self.without_default(no_defaults)
        while True:
            given = [*results, *changes.values()]
            parameters, roots = self.resolve(declared, replaced, given)
            added = {} if skipped is True else self.default_updates(roots, changes, skipped)
            if not added:
                break
            changes.update(added)
        results, values = roots[: len(results)], roots[len(results) :]
        self.all_given(parameters, roots)
        self.all_used(parameters, roots, changes)
        return Request(
            self.name, parameters, results, form, keys, dict(zip(changes, values, strict=True))
        )

    def inputs(self, given: Any) -> list[In]:
        """Return the inputs, each an ``In``."""
        if isinstance(given, Tensor) or not isinstance(given, list | tuple):
            raise FunctionError(
                f"{self.name}: inputs is a list of symbolic variables, but was given {given!r}\n"
                "  write ag.function([x, y], output)"
            )
        declared: list[In] = []
        items: list[Any] = list(given)  # type: ignore[arg-type]
        for item in items:
            entry = item
            if isinstance(item, tuple) and len(item) == 2:  # type: ignore[arg-type]
                pair: tuple[Any, Any] = item  # type: ignore[assignment]
                entry = In(*pair)
            entry = entry if isinstance(entry, In) else In(entry)
            variable: Any = entry.variable
            if not isinstance(variable, Tensor):
                raise FunctionError(
                    f"{self.name}: an input is a symbolic variable, but this is {variable!r}"
                )
            if isinstance(variable, Constant):
                raise FunctionError(f"{self.name}: a constant cannot be an input: {variable!r}")
            if isinstance(variable, Shared):
                raise FunctionError(
                    f"{self.name}: the shared variable {variable!r} cannot be an input: "
                    "it brings its own value\n"
                    "  to try another value: givens={shared: expression}, or set_value"
                )
            if any(variable is d.variable for d in declared):
                raise FunctionError(f"{self.name}: the input {variable!r} is given twice")
            declared.append(entry)
        names = [d.name or d.variable.name for d in declared]
        twice = {n for n in names if n and names.count(n) > 1}
        if twice:
            raise FunctionError(
                f"{self.name}: several inputs are named {sorted(twice)}: keywords have to differ\n"
                "  name one otherwise: ag.In(x, name='other')"
            )
        return declared

    def outputs(self, given: Any) -> tuple[Form, list[Any], list[Tensor]]:
        """Return the form of the result, the keys of a dict, and the expressions."""
        if given is None:
            return "none", [], []
        if isinstance(given, dict):
            items: dict[Any, Any] = given  # type: ignore[assignment]
            return "dict", list(items), [self.expression(v) for v in items.values()]
        if isinstance(given, list | tuple):
            values: list[Any] = list(given)  # type: ignore[arg-type]
            return "list", [], [self.expression(v) for v in values]
        return "one", [], [self.expression(given)]

    def expression(self, value: Any) -> Tensor:
        """Return an output as a tensor."""
        if isinstance(value, str) or value is None:
            raise FunctionError(f"{self.name}: an output is an expression, but this is {value!r}")
        return as_tensor(value)

    def pairs(self, what: str, given: Any) -> list[tuple[Any, Any]]:
        """Return the pairs of a mapping or of a sequence of pairs."""
        if given is None:
            return []
        if isinstance(given, dict):
            return list(given.items())  # type: ignore[arg-type]
        pairs: list[Any] = list(given) if isinstance(given, list | tuple) else [given]  # type: ignore[arg-type]
        for pair in pairs:
            if not isinstance(pair, tuple | list) or len(pair) != 2:  # type: ignore[arg-type]
                raise FunctionError(
                    f"{self.name}: {what} are pairs (variable, expression) or a dict, "
                    f"but this is {pair!r}"
                )
        return [(p[0], p[1]) for p in pairs]

    def updates(self, given: Any) -> dict[Shared, Tensor]:
        """Return the new value of each shared variable."""
        changes: dict[Shared, Tensor] = {}
        for target, value in self.pairs("updates", given):
            if not isinstance(target, Shared):
                raise FunctionError(
                    f"{self.name}: only a shared variable can be updated, but this is {target!r}\n"
                    "  make one with ag.shared(value)"
                )
            if target in changes:
                raise FunctionError(f"{self.name}: {target!r} is updated twice")
            changes[target] = self.new_value(target, value)
        return changes

    def without_default(self, given: Any) -> set[Shared] | Literal[True]:
        """Return the variables that keep their values although they have a default update."""
        if isinstance(given, bool):
            return given or set()
        items: list[Any] = list(given) if isinstance(given, list | tuple | set) else [given]  # type: ignore[arg-type]
        for item in items:
            if not isinstance(item, Shared):
                raise FunctionError(
                    f"{self.name}: no_default_updates is True, False or a list of shared "
                    f"variables, but this is {item!r}"
                )
        return set(items)

    def default_updates(
        self, roots: list[Tensor], changes: Mapping[Shared, Tensor], skipped: set[Shared]
    ) -> dict[Shared, Tensor]:
        """Return default updates of variables that the graph depends on, and are not updated."""
        return {
            node: self.new_value(node, node.default_update, "default update of")
            for node in toposort(roots)
            if isinstance(node, Shared)
            and node.default_update is not None
            and node not in changes
            and node not in skipped
        }

    def new_value(self, target: Tensor, value: Any, what: str = "update of") -> Tensor:
        """Return an expression of the target's dtype and rank."""
        weak = isinstance(value, bool | int | float) and not isinstance(value, np.generic)
        new = cast(value, target.dtype) if weak else as_tensor(value)
        known = all(
            a == b or not (isinstance(a, int) and isinstance(b, int))
            for a, b in zip(target.type.shape, new.type.shape, strict=False)
        )
        if new.dtype is not target.dtype or new.ndim != target.ndim or not known:
            made = f"   from {new.source}" if new.source else ""
            advice = (
                f'convert it: value.astype("{target.dtype}")'
                if new.dtype is not target.dtype
                else "the new value has to have the variable's shape"
            )
            raise FunctionError(
                f"{self.name}: {what} {target!r} by {new.type}\n"
                f"  variable: {target.type}\n  value: {new.type}{made}\n  {advice}"
            )
        return new

    def givens(self, given: Any) -> dict[Tensor, Tensor]:
        """Return what takes the place of what."""
        replaced: dict[Tensor, Tensor] = {}
        for target, value in self.pairs("givens", given):
            if not isinstance(target, Tensor) or isinstance(target, Constant):
                raise FunctionError(
                    f"{self.name}: givens replace symbolic variables, but this is {target!r}"
                )
            if target in replaced:
                raise FunctionError(f"{self.name}: givens replace {target!r} twice")
            replaced[target] = self.new_value(target, value, "givens replace")
        return replaced

    def resolve(
        self, declared: list[In], replaced: dict[Tensor, Tensor], roots: list[Tensor]
    ) -> tuple[list[Parameter], list[Tensor]]:
        """Cut the graph at inputs that are computed and put givens in place, both at once."""
        clash = [d.variable for d in declared if d.variable in replaced]
        if clash:
            raise FunctionError(
                f"{self.name}: {clash[0]!r} is an input and replaced by givens as well"
            )
        parameters: list[Parameter] = []
        cuts: dict[Tensor, Tensor] = {}
        sizes: dict[Dim, Size] = {}
        for entry in declared:
            variable = entry.variable
            leaf = variable if isinstance(variable, Input) else _cut(variable, sizes)
            if leaf is not variable:
                cuts[variable] = leaf
            required = entry.value is None
            parameters.append(Parameter(leaf, entry.name or variable.name, entry.value, required))
        if cuts or replaced:
            # What takes a variable's place may depend on other inputs, but is not itself replaced.
            news = rebuild(replaced.values(), cuts, sizes)
            for target, new in zip(replaced, news, strict=True):
                cuts[target] = new
                for old, now in zip(target.type.shape, new.type.shape, strict=True):
                    if isinstance(old, Dim) and old != now:
                        sizes.setdefault(old, now)
            roots = rebuild(roots, cuts, sizes)
        for parameter in parameters:
            if not parameter.required:
                Binder(self.name, parameters).convert(parameter, parameter.default)
        return parameters, roots

    def all_given(self, parameters: list[Parameter], roots: list[Tensor]) -> None:
        """Raise unless every input that the graph depends on is there."""
        known = {p.leaf for p in parameters}
        nodes = toposort(roots, known)
        for node in nodes:
            if isinstance(node, Input) and node not in known:
                users = [n for n in nodes if any(o is node for o in n.operands)]
                used = f"\n  used at {users[0].source}" if users and users[0].source else ""
                raise FunctionError(
                    f"{self.name}: the outputs depend on {node!r}, which is not among the inputs"
                    f"{used}\n  add it to the inputs, or give it a value with givens; what "
                    "stands for something inside a loop or a branch is known only there: return it"
                )
        told = {s for leaf in known for s in leaf.type.shape}
        for node in nodes:
            for size in (*node.type.shape, *node.sizes_mentioned()):
                if not isinstance(size, Dim):
                    continue
                for atom in size.atoms:
                    if not isinstance(atom, Symbol) or atom in told:
                        continue
                    if owner_of(atom) is None:
                        raise FunctionError(
                            f"{self.name}: the size {atom} of {node!r} "
                            "cannot be told from the inputs\n"
                            "  add the variable whose size it is to the inputs"
                        )

    def all_used(
        self, parameters: list[Parameter], roots: list[Tensor], changes: Mapping[Shared, Tensor]
    ) -> None:
        """Raise or warn about inputs that nothing depends on."""
        if self.on_unused == "ignore":
            return
        nodes = toposort(roots)
        used = set(nodes)
        sizes = {
            s for n in nodes for s in (*n.type.shape, *n.sizes_mentioned()) if isinstance(s, Dim)
        }
        atoms = {a for s in sizes for a in s.atoms}
        for parameter in parameters:
            leaf = parameter.leaf
            if leaf in used or any(s in atoms for s in leaf.type.shape if isinstance(s, Dim)):
                continue
            made = f"\n  {leaf.source}" if leaf.source else ""
            message = (
                f"{self.name}: nothing depends on the input {leaf!r}{made}\n"
                "  leave it out, or pass on_unused_input='ignore'"
            )
            if self.on_unused == "raise":
                raise FunctionError(message)
            warnings.warn(message, stacklevel=4)


def _cut(variable: Tensor, sizes: dict[Dim, Size]) -> Leaf:
    """Return an input that stands for a computed variable."""
    shape: list[Size] = []
    for axis, size in enumerate(variable.type.shape):
        if isinstance(size, Dim) and not isinstance(size, Symbol):
            fresh = fresh_symbol(f"{variable.name or 'cut'}.{axis}")
            sizes[size] = fresh
            size = fresh
        shape.append(size)
    return new_input(variable.name, TensorType(variable.dtype, tuple(shape)))


def evaluate(expression: Tensor, inputs: Mapping[Tensor, Any] | None = None) -> Any:
    """Compile and compute one expression: ``Tensor.eval``."""
    values = dict(inputs or {})
    compiled = function(list(values), expression, name="eval", on_unused_input="ignore")
    return compiled(*values.values())


def clone_replace(
    outputs: Tensor | Sequence[Tensor],
    replace: Mapping[Tensor, Any] | Sequence[tuple[Tensor, Any]],
) -> Any:
    """Return expressions with variables replaced, everything above them built anew.

    What ``givens`` of :func:`function` does, as an expression: the same network on another input,
    or with other weights.

    Args:
        outputs: an expression, or a list of them.
        replace: new variables (or arrays, numbers) by old ones, of the same dtypes and ranks; all
            are replaced at once.

    Raises:
        FunctionError: a new variable has another dtype or rank.

    >>> x, y = ag.scalar("x"), ag.scalar("y")
    >>> ag.clone_replace(x**2 + 1, {x: 10 * y}).eval({y: 1.0})
    array(101., dtype=float32)
    """
    check = _Check("clone_replace", "ignore")
    single = isinstance(outputs, Tensor)
    roots: list[Tensor] = [outputs] if single else list(outputs)
    _, news = check.resolve([], check.givens(replace), roots)
    return news[0] if single else news
