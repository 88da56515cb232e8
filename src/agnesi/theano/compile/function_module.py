"""``theano.function``, and what it returns."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.compile.shared import Shared
from agnesi.core import knobs
from agnesi.core.errors import GraphTypeError
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import Input
from agnesi.theano.compile import profiling
from agnesi.theano.compile.errors import Explaining
from agnesi.theano.compile.io import In, SymbolicInput, SymbolicOutput
from agnesi.theano.compile.mode import Mode, get_mode
from agnesi.theano.compile.rewriting import Roots, rewrite
from agnesi.theano.compile.rewriting import Supervisor as Supervisor
from agnesi.theano.compile.sharedvalue import Container, SharedVariable, variable_of
from agnesi.theano.compile.stepwise import Graph
from agnesi.theano.compile.translating import Translated, handles_objects
from agnesi.theano.configparser import config
from agnesi.theano.gof.fg import FunctionGraph, MissingInputError
from agnesi.theano.gof.graph import Constant, Variable, copied, followed_sizes
from agnesi.theano.tensor.type import TensorType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UnusedInputError(Exception):
    """An input that nothing depends on, or that is given twice."""


class AliasedMemoryError(Exception):
    """Not raised: arguments and results of agnesi never share memory."""


class OrderedUpdates(OrderedDict[Any, Any]):
    """Updates of shared variables, in order."""

    def __init__(self, *key: Any, **named: Any) -> None:
        super().__init__(*key, **named)
        for each in self:
            if not isinstance(each, SharedVariable):
                raise TypeError("An OrderedUpdates key should be a SharedVariable", each)

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, SharedVariable):
            raise TypeError(
                "OrderedUpdates keys should inherit from theano's SharedVariable class", key
            )
        super().__setitem__(key, value)

    def update(self, other: Any = None) -> None:  # type: ignore[override]
        """Take over other updates; a variable has one."""
        if other is None:
            return
        for key, value in dict(other).items():
            if key in self and self[key] is not value:
                raise KeyError("Collision", key)
            self[key] = value

    def __add__(self, other: Any) -> OrderedUpdates:
        both = OrderedUpdates()
        both.update(self)
        both.update(other)
        return both

    def __radd__(self, other: Any) -> OrderedUpdates:
        both = OrderedUpdates()
        both.update(other)
        both.update(self)
        return both


class _Request:
    """What a program asked for, in variables of its own."""

    def __init__(self) -> None:
        self.inputs: list[In] = []
        self.outputs: list[Any] = []
        self.form = "list"
        self.keys: list[str] = []
        self.updates: dict[Any, Any] = {}
        self.givens: dict[Any, Any] = {}
        self.name: str | None = None
        self.mode: Any = None
        self.downcast: bool | None = None
        self.profile: Any = None
        self.no_defaults: Any = False
        self.unused = "raise"
        # The graph, once somebody has looked at it or rewritten it.
        self.fgraph: Any = None
        # What rewrites have put in others' places, where a mode wants to look at it.
        self.swaps: list[Any] = []

    def __getstate__(self) -> dict[str, Any]:
        # Times stay where they were taken.
        return {**self.__dict__, "fgraph": None, "swaps": [], "profile": None}

    def __copy__(self) -> _Request:
        made = _Request()
        made.__dict__.update(self.__dict__, fgraph=None, swaps=[])
        return made


class _Maker:
    """What made a function: ``f.maker``."""

    def __init__(self, request: _Request) -> None:
        self.inputs, self.mode = request.inputs, request.mode
        self.outputs = [SymbolicOutput(v) for v in request.outputs]
        self.profile, self.name = None, request.name
        self._request = request
        self.input_keys = [i.name for i in request.inputs]

    @property
    def fgraph(self) -> FunctionGraph:
        """The graph, with givens in their places, as programs' rewrites have left it."""
        request = self._request
        if request.fgraph is None:
            request.fgraph = Roots(request, _Plan(request)).fgraph()
        return request.fgraph


class Function:
    """A compiled function: call it with arrays, by position or keyword.

    Attributes:
        fn: agnesi's function.
        maker: what made it.
        name: given by the program.
        container: values of inputs with defaults, by variable or name.
        profile: where its time went, if that was asked for.
        trust_input: ignored: arguments are always checked, in native code.
    """

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.maker = _Maker(request)
        self.name = request.name
        self.trust_input = False
        self.profile: Any = request.profile
        self.maker.profile = request.profile
        self.n_returned_outputs = len(request.outputs)
        self.unpack_single = request.form == "one"
        self.return_none = False
        self.output_keys = request.keys or None
        self._fresh_compile()

    # -- compiling -------------------------------------------------------------------------------

    def _fresh_compile(self) -> None:
        """Compile for the sizes that shared variables have now."""
        request = self.request
        plan = _Plan(request)
        self.plan = plan
        for variable in plan.shareds:
            variable.users.add(self)
        watches = getattr(request.mode, "watched", None)
        # What is run step by step needs no machine code.
        how = {"interpret": "graph"} if watches and not request.mode.needs_native else {}
        with knobs.setting(**how):
            self.fn = plan.compiled()
        if self.fn.failure is not None:
            self.fn.failure.explain = Explaining(self)
        self.fn.request.binder.otherwise = _Filtered(request.inputs)
        self.container = _Containers(self)
        native = watches(self) if watches else self.fn.native
        if plan.translates:
            native = Translated(
                native,
                [i.variable.type for i in request.inputs if i.variable.tensor is not None],
                plan.results,
                [v for v in plan.changes if v.type.is_object],
            )
        self.native = native
        special = plan.converts or plan.states or plan.translates or plan.changing
        direct = not special and request.form == plan.form
        kind = type("Function", (Function,), {"__module__": __name__})
        if direct:
            # A builtin as the class's __call__: nothing stands between the call and native code.
            kind.__call__ = native  # type: ignore[method-assign,assignment]
        profiling.compiled(self)
        if self.profile is not None:
            self.profile.add(self)
            kind = profiling.timed(kind, self.profile)
        self.__class__ = kind  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]

    def graph(self) -> Graph:
        """Return the variables that it computes, with givens in their places."""
        request, plan = self.request, self.plan
        states = [i.update for i in request.inputs if i.update is not None]
        roots = [*request.outputs, *states, *plan.changes.values()]
        if request.givens:
            roots = copied(roots, request.givens)[0]
        count = len(request.outputs) + len(states)
        inputs = [i.variable for i in request.inputs if i.variable.tensor is not None]
        return Graph(inputs, roots[:count], list(zip(plan.changes, roots[count:], strict=True)))

    def sizes_changed(self) -> None:
        """A shared variable has another shape: compile again before the next call."""
        self.__class__ = _Stale  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run the function."""
        return self._called(args, named)

    def _called(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        subset = named.pop("output_subset", None)
        given = self._bound(args, named)
        results = self.native(*given)
        for variable, shape in self.plan.changing.items():
            now = variable.tensor.cell.array.shape
            if now != shape:
                self.plan.changing[variable] = now
                variable.users_but(self)
        states = self.plan.states
        if states:
            shown = len(self.request.outputs)
            whole = list(results) if isinstance(results, list | tuple) else [results]
            for slot, value in zip(states, whole[shown:], strict=True):
                slot.value = value
            results = whole[:shown]
        results = list(results)
        if subset is not None:
            wanted = [self.request.keys.index(k) if isinstance(k, str) else k for k in subset]
            return [results[k] for k in wanted]
        if self.request.form == "dict":
            return dict(zip(self.request.keys, results, strict=True))
        return results[0] if self.request.form == "one" else results

    def _bound(self, args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """Return the arguments of agnesi's function in their order."""
        inputs = self.request.inputs
        title = self.name or "function"
        if len(args) > len(inputs):
            raise TypeError(
                f"{title}: Too many parameter passed to theano function: {len(args)} for "
                f"{len(inputs)} inputs"
            )
        values: list[Any] = [*args, *[_MISSING] * (len(inputs) - len(args))]
        for key, value in named.items():
            places = [k for k, i in enumerate(inputs) if i.name == key]
            if not places:
                raise TypeError(f"{title}: Unknown input or state: {key}")
            if values[places[0]] is not _MISSING:
                raise TypeError(f"{title}: Tried to provide value for the same input twice: {key}")
            values[places[0]] = value
        found: list[Any] = []
        for k, (spec, value) in enumerate(zip(inputs, values, strict=True)):
            if value is _MISSING:
                value = self.plan.default(spec)
                if value is _MISSING:
                    raise TypeError(
                        f"Missing required input: {spec.name or spec.variable} of {title}"
                    )
            if spec.variable.tensor is None:
                continue
            found.append(self._converted(k, spec, value))
        return found

    def _converted(self, place: int, spec: Any, value: Any) -> Any:
        downcast = spec.allow_downcast
        if downcast is None:
            downcast = self.request.downcast
        try:
            return spec.variable.type.filter(value, spec.strict, downcast)
        except (TypeError, ValueError) as error:
            title = f'with name "{self.name}" ' if self.name else ""
            said = f'named "{spec.name}" ' if spec.name else ""
            raise type(error)(
                f"Bad input argument {said}to theano function {title}at index {place} (0-based). "
                f"{error}"
            ) from error

    # -- looking at it ---------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        return self.container[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.container[key] = value

    def __contains__(self, key: Any) -> bool:
        return key in self.container

    value = property(lambda self: self.container, doc="Values of inputs with defaults.")

    def get_shared(self) -> list[Any]:
        """Return the shared variables that it reads or updates."""
        return self.plan.owners()

    def free(self) -> None:
        """Give memory back: agnesi keeps scratch memory for all functions alike."""
        ag.release_memory()

    def sync_shared(self) -> None:
        """Nothing: values are always there."""

    @property
    def input_storage(self) -> list[Any]:
        """Where inputs with defaults keep their values."""
        return [self.plan.slots.get(i.variable) for i in self.request.inputs]

    def explain(self, **sizes: int) -> Any:
        """Return what agnesi made of it."""
        return self.fn.explain(**sizes)

    def copy(
        self,
        share_memory: bool = False,
        swap: Mapping[Any, Any] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: Any = None,
    ) -> Function:
        """Return another function that computes the same.

        Args:
            share_memory: nothing here: scratch memory is shared by all.
            swap: shared variables by those that they take the place of.
            delete_updates: leave updates out.
            name: of the copy.
            profile: as of ``function``.
        """
        del share_memory
        old = self.request
        request = copy.copy(old)
        request.name = name or old.name
        request.profile = profiling.wanted(profile, request.name)
        request.updates = {} if delete_updates else dict(old.updates)
        if delete_updates:
            request.no_defaults = True
        if swap:
            shareds = {v: v for v in self.plan.owners()}
            by_name = {v.name: v for v in shareds if v.name}
            swaps: dict[Any, Any] = {}
            for key, new in swap.items():
                target = by_name.get(key) if isinstance(key, str) else key
                if target not in shareds:
                    raise ValueError(f"SharedVariable to be swapped is not used: {key}")
                if not isinstance(new, SharedVariable):
                    raise TypeError(f"A shared variable is swapped for another, not for {new!r}")
                wanted: Any = target
                if new.type != wanted.type:
                    raise ValueError(f"Type mismatch of {target} and {new}: {new.type}")
                swaps[target] = new
            given = {k: v for k, v in old.givens.items() if k not in swaps}
            request.givens = {**given, **swaps}
            request.updates = {swaps.get(t, t): v for t, v in request.updates.items()}
        request.inputs = [copy.copy(i) for i in old.inputs]
        return Function(request)

    def __copy__(self) -> Function:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        request = copy.copy(self.request)
        swaps = {v: copy.deepcopy(v, memo) for v in self.plan.owners()}
        request.givens = {**{k: v for k, v in request.givens.items() if k not in swaps}, **swaps}
        request.updates = {swaps.get(t, t): v for t, v in request.updates.items()}
        return Function(request)

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.request,)

    def __repr__(self) -> str:
        return f"<theano function {self.name or ''} of {[i.variable for i in self.request.inputs]}>"


class _Stale(Function):
    """A function whose shared variables have changed their shapes."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        self._fresh_compile()
        return self(*args, **named)


_MISSING: Any = type("Missing", (), {"__repr__": lambda _: "missing"})()


class _Filtered:
    """Makes arrays of arguments that agnesi refuses, as far as Theano's types take them."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.specs = [i for i in inputs if i.variable.tensor is not None]

    def __call__(self, position: int, value: Any) -> Any:
        spec = self.specs[position]
        return spec.variable.type.filter(value, spec.strict, spec.allow_downcast)


class _Slot:
    """The stored value of an input."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self._value = (
            spec.value
            if isinstance(spec.value, Container | SharedVariable)
            else spec.variable.type.filter(spec.value, spec.strict, spec.allow_downcast)
        )

    @property
    def value(self) -> Any:
        """The value."""
        if isinstance(self._value, Container):
            return self._value.value
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        if isinstance(self._value, Container):
            self._value.value = value
        else:
            self._value = self.spec.variable.type.filter(
                value, self.spec.strict, self.spec.allow_downcast
            )


class _Containers:
    """Values of inputs with defaults and of shared variables: ``f[x]``."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def _found(self, key: Any) -> Any:
        plan = self.function.plan
        for spec in self.function.request.inputs:
            if key is spec.variable or (isinstance(key, str) and key == spec.name):
                return plan.slots.get(spec.variable)
        for variable in plan.owners():
            if key is variable or (isinstance(key, str) and key == variable.name):
                return variable.container
        return None

    def __getitem__(self, key: Any) -> Any:
        found = self._found(key)
        if found is None:
            raise KeyError(f"Unknown input or state: {key}")
        return found.value

    def __setitem__(self, key: Any, value: Any) -> None:
        found = self._found(key)
        if found is None:
            raise KeyError(f"Unknown input or state: {key}")
        found.value = value

    def __contains__(self, key: Any) -> bool:
        return self._found(key) is not None


class _Plan:
    """What agnesi is asked for, for the sizes that shared variables have now."""

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.slots = {i.variable: _Slot(i) for i in request.inputs if i.value is not None}
        self.states = [self.slots[i.variable] for i in request.inputs if i.update is not None]
        states = [i.update for i in request.inputs if i.update is not None]
        self.results = [*request.outputs, *states]
        given = [i.variable for i in request.inputs if i.variable.tensor is not None]
        self.translates = any(
            v.type.encoded or v.type.members for v in (*given, *self.results)
        ) or handles_objects([*self.results, *request.updates.values(), *request.givens.values()])
        self.converts = bool(self.slots) or any(
            i.strict or i.allow_downcast or (i.allow_downcast is None and request.downcast)
            for i in request.inputs
        )
        self.changing: dict[Any, tuple[int, ...]] = {}
        self.form = "list" if self.states or self.converts or self.translates else request.form
        self.roots = [t for v in self.results for t in _tensors_of(v)]
        self.updates = {
            old: new for t, v in request.updates.items() for old, new in t.tensor_updates(v)
        }
        self.givens = {
            k.tensor: v.tensor for k, v in request.givens.items() if k.tensor is not None
        }
        # Shared variables with the variables that they become.
        self.changes: dict[Any, Any] = dict(request.updates)
        self._take_defaults()
        self.shareds = self._shareds()

    def default(self, spec: Any) -> Any:
        """Return the stored value of an input."""
        slot = self.slots.get(spec.variable)
        if slot is None:
            return _MISSING
        found = slot.value
        return found.get_value(borrow=True) if isinstance(found, SharedVariable) else found

    def _take_defaults(self) -> None:
        """Add the updates that shared variables bring with them."""
        skipped = self.request.no_defaults
        if skipped is True:
            return
        barred = set() if not skipped else {v.tensor for v in skipped}
        cut = {i.variable.tensor for i in self.request.inputs if i.variable.tensor is not None}
        while True:
            roots = [*self.roots, *self.updates.values()]
            replaced = self._replaced(roots)
            added: dict[Any, Any] = {}
            for leaf in toposort(replaced, cut):
                variable = variable_of(leaf) if isinstance(leaf, Shared) else None
                if variable is None or variable.default_update is None:
                    continue
                if leaf not in self.updates and leaf not in barred and leaf not in self.givens:
                    added[leaf] = variable.default_update.tensor
            if not added:
                return
            self.updates.update(added)
            for leaf in added:
                owner = variable_of(leaf)
                if owner is not None:
                    owner = owner.belongs_to or owner
                    self.changes[owner] = owner.default_update

    def _replaced(self, roots: Sequence[Any]) -> list[Any]:
        if not self.givens:
            return list(roots)
        return rebuild(roots, self.givens, followed_sizes(self.givens))

    def _shareds(self) -> list[Any]:
        leaves = toposort(self._replaced([*self.roots, *self.updates.values()]))
        found = [variable_of(leaf) for leaf in leaves if isinstance(leaf, Shared)]
        found += [variable_of(leaf) for leaf in self.updates]
        return list(dict.fromkeys(v for v in found if v is not None))

    def owners(self) -> list[Any]:
        """Return the shared variables that a program knows, which may be made of several."""
        return list(dict.fromkeys(v.belongs_to or v for v in self.shareds))

    def compiled(self) -> ag.Function:
        """Return agnesi's function."""
        known = {v.tensor: v.specialised() for v in self.shareds}
        while True:
            try:
                roots, news = self._sized(known)
            except GraphTypeError:
                # The sizes of now do not fit together: a call says so, unless a program that began
                # with placeholders sets other values first.
                if not known:
                    raise
                known = {}
                continue
            # What an update may make larger or smaller keeps its size open.
            changing = [
                old
                for old, new in zip(self.updates, news, strict=True)
                if old in known and tuple(new.type.shape) != known[old].type.shape
            ]
            if not changing:
                break
            for old in changing:
                del known[old]
        owners = [variable_of(old) for old in self.updates if old not in known]
        self.changing = {v: v.tensor.cell.array.shape for v in owners if v is not None}
        if self.changing and self.form != "list":
            self.form, self.converts = "list", True
        updates = [(known.get(old, old), new) for old, new in zip(self.updates, news, strict=True)]
        inputs: list[Any] = []
        taken: set[str] = set()
        for k, spec in enumerate(self.request.inputs):
            tensor = spec.variable.tensor
            if tensor is None:
                continue
            name = spec.name if spec.name not in taken else f"{spec.name}_{k}"
            taken.add(name or "")
            kind, own = spec.variable.type, self.cut[tensor]
            first, *rest = kind.leaves_of(own) if kind.members else [own]
            inputs += [ag.In(first, name=_keyword(name)), *map(ag.In, rest)]
        outputs: Any = roots
        if self.form == "one":
            outputs = roots[0]
        elif self.form == "dict":
            outputs = dict(zip(self.request.keys, roots, strict=True))
        title = self.request.name
        return ag.function(
            inputs,
            outputs,
            updates=updates,
            name=title if title and title.isprintable() else None,
            on_unused_input="ignore",
            no_default_updates=True,
            profile=self.request.profile is not None and self.request.profile.flag_time_thunks,
        )

    def _sized(self, known: Mapping[Any, Any]) -> tuple[list[Any], list[Any]]:
        """Return outputs and new values with inputs cut, givens and known sizes in place."""
        self.cut = {}
        for spec in self.request.inputs:
            tensor = spec.variable.tensor
            if tensor is not None:
                self.cut[tensor] = (
                    tensor
                    if isinstance(tensor, Input)
                    else spec.variable.type.new_tensor(spec.name)
                )
        cuts = {old: new for old, new in self.cut.items() if old is not new}
        before = {**cuts, **known}
        fresh = rebuild(self.givens.values(), before, followed_sizes(before)) if self.givens else []
        swaps = {**before, **dict(zip(self.givens, fresh, strict=True))}
        every = [*self.roots, *self.updates.values()]
        made = rebuild(every, swaps, followed_sizes(swaps))
        return made[: len(self.roots)], made[len(self.roots) :]


def _keyword(name: str | None) -> str | None:
    return name if name is None or name.isprintable() else None


def _tensor_of(variable: Any) -> Any:
    if variable.tensor is None:
        raise TypeError(f"theano.function: an output of {variable.type} ({variable}) is no array")
    return variable.tensor


def _tensors_of(variable: Any) -> list[Any]:
    """Return what has to be computed of a result: several arrays of a sparse matrix."""
    tensor = _tensor_of(variable)
    return variable.type.results_of(tensor) if variable.type.members else [tensor]


# -- function() ----------------------------------------------------------------------------------


def function(
    inputs: Any,
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Function:
    """Compile a function.

    Args:
        inputs: variables, given or computed; ``In(x, value=...)`` or ``(x, value)`` for a default.
        outputs: a variable, a list of them, a dict, or None.
        mode: a :class:`Mode` or its name; of what modes do, those that check are honoured.
        updates: pairs, or a dict, of shared variables and their new values.
        givens: pairs, or a dict, of variables and what takes their place.
        no_default_updates: True, or a list of shared variables, to leave their own updates out.
        accept_inplace: nothing: graphs have no operations in place.
        name: of the function.
        rebuild_strict: whether what takes a variable's place has to have its type.
        allow_input_downcast: whether arguments may lose precision; None: Python floats may.
        profile: whether calls and steps are measured: True, a title, or a
            :class:`~agnesi.theano.compile.profiling.ProfileStats`; None as settings say.
        on_unused_input: ``"raise"``, ``"warn"`` or ``"ignore"`` for inputs nothing depends on.

    Raises:
        UnusedInputError: an input is given twice, or nothing depends on it.
        MissingInputError: outputs depend on a variable that is not among the inputs.
        TypeError: an update or what takes a variable's place has another type.
    """
    del accept_inplace
    request = _Request()
    request.name, request.downcast = name, allow_input_downcast
    request.profile = profiling.wanted(profile, name)
    request.no_defaults = no_default_updates
    request.mode = get_mode(mode)
    request.unused = config.on_unused_input if on_unused_input is None else on_unused_input
    if isinstance(inputs, dict) or not isinstance(inputs, list | tuple):
        raise Exception(
            "Input variables of a Theano function should be contained in a list, even when there "
            "is a single input."
        )
    request.inputs = [_input(i) for i in inputs]
    seen: set[Any] = set()
    for spec in request.inputs:
        if spec.variable in seen:
            raise UnusedInputError(
                f"Variable {spec.variable} is used twice in inputs to theano.function at index "
                f"{request.inputs.index(spec)}.  This would result in values provided for it being "
                "ignored. Please do not duplicate variables in the inputs list."
            )
        seen.add(spec.variable)
        if isinstance(spec.variable, Constant):
            raise TypeError("Constants not allowed in param list", spec.variable)
        if isinstance(spec.variable, SharedVariable):
            raise TypeError(
                f"Cannot use a shared variable ({spec.variable}) as explicit input. Consider "
                "substituting a non-shared variable via the `givens` parameter"
            )
    request.form, request.keys, request.outputs = _outputs(outputs)
    request.updates = _updates(updates)
    request.givens = _givens(givens, strict=rebuild_strict)
    _check_given(request)
    _check_used(request)
    if request.profile is not None and getattr(request.mode, "refuses_profile", False):
        raise Exception("DebugMode do not support profiling.")
    rewrites = getattr(request.mode, "rewrites", None)
    chosen = rewrites() if rewrites is not None else None
    if chosen is not None:
        rewrite(request, _Plan(request), chosen)
    return Function(request)


def _input(given: Any) -> In:
    if isinstance(given, In):
        return given
    if isinstance(given, SymbolicInput):
        return In(given.variable, name=given.name, update=given.update)
    if isinstance(given, Variable):
        return In(given)
    if isinstance(given, list | tuple):
        items = list(given)
        if len(items) == 2:
            variable, value = items
            if isinstance(variable, Variable):
                return In(variable, value=value)
            if isinstance(variable, list | tuple):
                # ([variable, update], value): an old form.
                return In(variable[0], update=variable[1], value=value)
        if len(items) == 1:
            return In(items[0])
    raise TypeError(f"Unknown parameter type: {type(given)}: {given!r}")


def _outputs(given: Any) -> tuple[str, list[str], list[Any]]:
    from agnesi.theano.tensor.basic import as_tensor_variable

    def one(value: Any) -> Any:
        if isinstance(value, SymbolicOutput):
            value = value.variable
        return value if isinstance(value, Variable) else as_tensor_variable(value)

    if given is None:
        return "list", [], []
    if isinstance(given, dict):
        # As in Theano, results are computed in the order of their keys.
        for key in given:
            if not isinstance(key, str):
                raise AssertionError("output keys of a dict have to be strings")
        keys = sorted(given)
        return "dict", keys, [one(given[k]) for k in keys]
    if isinstance(given, list | tuple):
        return "list", [], [one(v) for v in given]
    return "one", [], [one(given)]


def pairs_of(given: Any) -> list[tuple[Any, Any]]:
    """Return updates or givens as pairs."""
    if given is None:
        return []
    if isinstance(given, dict | OrderedDict):
        return list(given.items())
    pairs = list(given)
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(
                "The updates parameter must be an OrderedDict/dict or a list of lists/tuples with "
                f"2 elements, not {pair!r}"
            )
    return [(a, b) for a, b in pairs]


def _updates(given: Any) -> dict[Any, Any]:
    changes: dict[Any, Any] = {}
    for target, value in pairs_of(given):
        if not isinstance(target, SharedVariable):
            raise TypeError("update target must be a SharedVariable", target)
        if target in changes:
            raise ValueError(
                "this shared variable already has an update expression", (target, changes[target])
            )
        changes[target] = target.filter_update(value)
    return changes


def _givens(given: Any, *, strict: bool) -> dict[Any, Any]:
    replaced: dict[Any, Any] = {}
    for target, value in pairs_of(given):
        if not isinstance(target, Variable):
            raise TypeError(f"givens must be Variables: {target!r}")
        if target in replaced:
            raise ValueError(f"givens replace {target} twice")
        replaced[target] = replacement(target, value, strict=strict)
    return replaced


def replacement(target: Any, value: Any, *, strict: bool = True) -> Any:
    """Return what is to take a variable's place, of its type."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    if not isinstance(value, Variable):
        if not isinstance(target.type, TensorType):
            return target.type.filter_variable(value)
        array = target.type.filter(value, allow_downcast=None)
        return target.type.Constant(type=target.type, data=array)
    if not isinstance(target.type, TensorType):
        return value
    value = as_tensor_variable(value)
    if value.type.ndim != target.type.ndim or (strict and value.dtype != target.dtype):
        raise TypeError(
            f"Cannot convert Type {value.type} (of Variable {value}) into Type {target.type}. You "
            f"can try to manually convert {value} into a {target.type}."
        )
    return value.astype(target.dtype) if value.dtype != target.dtype else value


def _check_given(request: _Request) -> None:
    """Raise for a variable that is not computed, not shared and not given."""
    given = {i.variable.tensor for i in request.inputs if i.variable.tensor is not None}
    given |= {k.tensor for k in request.givens if k.tensor is not None}
    roots = [_tensor_of(v) for v in request.outputs]
    roots += [v.tensor for v in request.updates.values() if v.tensor is not None]
    roots += [v.tensor for v in request.givens.values() if v.tensor is not None]
    for leaf in toposort(roots, given):
        if isinstance(leaf, Input) and leaf not in given:
            raise MissingInputError(
                f"Input {leaf.name or leaf!r} of the graph ({leaf.type}), used to compute the "
                "outputs, was not provided and not given a value. Use the Theano flag "
                "exception_verbosity='high', for more information on this error."
            )


def _check_used(request: _Request) -> None:
    """Raise, or warn, for inputs that nothing depends on."""
    if request.unused == "ignore":
        return
    if request.unused not in ("raise", "warn"):
        raise ValueError(f"on_unused_input is raise, warn or ignore, not {request.unused!r}")
    roots = [_tensor_of(v) for v in request.outputs]
    roots += [v.tensor for v in request.updates.values() if v.tensor is not None]
    roots += [i.update.tensor for i in request.inputs if i.update is not None]
    roots += [v.tensor for v in request.givens.values() if v.tensor is not None]
    news = [i.update for i in request.inputs if i.update is not None]
    costs, seen = _walked(
        [*request.outputs, *request.updates.values(), *request.givens.values(), *news]
    )
    nodes = toposort([*roots, *costs])
    used = set(nodes)
    sizes = {
        a
        for n in nodes
        for s in (*n.type.shape, *n.sizes_mentioned())
        if not isinstance(s, int)
        for a in s.atoms
    }
    for spec in request.inputs:
        tensor = spec.variable.tensor
        if (
            tensor is None
            or id(spec.variable) in seen
            or tensor in used
            or any(not isinstance(s, int) and s in sizes for s in tensor.type.shape)
        ):
            continue
        if isinstance(tensor, ConstantTensor):
            continue
        message = (
            "theano.function was asked to create a function computing outputs given certain "
            f"inputs, but the provided input variable at index {request.inputs.index(spec)} is not "
            f"part of the computational graph needed to compute the outputs: {spec.variable}."
            "\nTo make this error into a warning, you can pass the parameter "
            "on_unused_input='warn' to theano.function. To disable it completely, use "
            "on_unused_input='ignore'."
        )
        if request.unused == "raise":
            raise UnusedInputError(message)
        warnings.warn(message, stacklevel=4)


def _walked(variables: list[Any]) -> tuple[list[Any], set[int]]:
    """Return the costs whose gradients a program has used, and the variables that it went by.

    A shape depends on its variable for a program, though sizes are no operands below.
    """
    found: list[Any] = []
    seen: set[int] = set()
    stack = list(variables)
    while stack:
        variable = stack.pop()
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        for other in variable.__dict__.get("leans_on", ()):
            found.append(other.tensor)
            stack.append(other)
        if variable._owner is not None:
            stack += variable._owner.inputs
    return found, seen


__all__ = ["Function", "Mode", "OrderedUpdates", "UnusedInputError", "function", "np"]
