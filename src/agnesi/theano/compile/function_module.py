"""``theano.function``, and what it returns."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

import numpy as np

import agnesi as ag
from agnesi.compile.shared import Shared
from agnesi.core import knobs
from agnesi.core.collector import paused
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.core.source import user_line
from agnesi.dims.dim import Symbol
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.types import TensorType as Kind
from agnesi.ops.families import Elementwise
from agnesi.ops.movement import BroadcastTo
from agnesi.theano.compile import profiling
from agnesi.theano.compile.errors import Explaining
from agnesi.theano.compile.io import In, SymbolicInput, SymbolicOutput
from agnesi.theano.compile.mode import Mode, get_mode
from agnesi.theano.compile.rewriting import Roots, rewrite
from agnesi.theano.compile.rewriting import Supervisor as Supervisor
from agnesi.theano.compile.sharedvalue import (
    Container,
    SharedContainer,
    SharedVariable,
    variable_of,
)
from agnesi.theano.compile.stepwise import Graph
from agnesi.theano.compile.translating import Translated, handles_objects
from agnesi.theano.configparser import config
from agnesi.theano.gof.fg import FunctionGraph, MissingInputError
from agnesi.theano.gof.graph import Constant, Variable, ancestors, copied, followed_sizes
from agnesi.theano.gof.utils import get_variable_trace_string
from agnesi.theano.tensor.type import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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
        self.none = False
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


class FunctionMaker:
    """What makes functions: ``FunctionMaker(inputs, outputs, mode).create()``; ``f.maker``.

    Attributes:
        outputs: what is returned.
        mode: how it is compiled.
        profile: of the function.
        name: of the function.
        unpack_single: whether the only result comes without a list.
        return_none: whether there are no results.
        output_keys: names of results that come as a dictionary.
        accept_inplace: nothing: graphs have no operations in place.
        function_builder: the class of functions.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        mode: Any = None,
        accept_inplace: bool = False,
        function_builder: Any = None,
        profile: Any = None,
        on_unused_input: str | None = None,
        fgraph: Any = None,
        output_keys: Any = None,
        name: str | None = None,
    ) -> None:
        del function_builder, fgraph
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        specs = [_input(i) for i in given]
        updates = {
            i.variable: i.update
            for i in specs
            if isinstance(i.variable, SharedVariable) and i.update is not None
        }
        specs = [i for i in specs if not isinstance(i.variable, SharedVariable)]
        if output_keys is not None:
            outputs = dict(zip(output_keys, outputs, strict=True))
        asked = _Asked(specs, outputs, mode, updates, None, False, name, True, None, profile)
        self._take(asked.request(on_unused_input))
        self.accept_inplace = accept_inplace

    @classmethod
    def of(cls, request: _Request) -> FunctionMaker:
        """Return the maker of what was asked for."""
        made = cls.__new__(cls)
        made._take(request)
        made.accept_inplace = False
        return made

    def _take(self, request: _Request) -> None:
        self._request = request
        self.outputs = [SymbolicOutput(v) for v in request.outputs]
        self.mode, self.profile, self.name = request.mode, request.profile, request.name
        self.unpack_single, self.return_none = request.form == "one", request.none
        self.output_keys = request.keys or None
        self.on_unused_input, self.function_builder = request.unused, Function

    def create(
        self, input_storage: Any = None, trustme: bool = False, storage_map: Any = None
    ) -> Function:
        """Return a function.

        Args:
            input_storage: values or containers of inputs, None for those that have none.
            trustme: nothing: values are always checked.
            storage_map: nothing here.
        """
        del trustme, storage_map
        held = None
        if input_storage is not None:
            specs = self._request.inputs
            given = list(input_storage)[: len(specs)]
            held = [_storage_of(i) for i in specs]
            for k, value in enumerate(given):
                if isinstance(value, Container):
                    held[k] = value
                elif value is not None:
                    held[k].value = value
        return Function(self._request, held)

    @property
    def inputs(self) -> list[In]:
        """The inputs, behind them the shared variables."""
        return _all_inputs(self._request, _Plan(self._request))

    @property
    def expanded_inputs(self) -> list[In]:
        """The inputs, behind them the shared variables."""
        return self.inputs

    @property
    def indices(self) -> list[Any]:
        """The inputs, in Theano's old form."""
        return [[i, None, [i]] for i in self.inputs]

    @property
    def required(self) -> list[bool]:
        """Whether calls have to give an input."""
        return [i.value is None for i in self.inputs]

    @property
    def refeed(self) -> list[bool]:
        """Whether an input goes back to its default after a call."""
        return [
            i.value is not None and not isinstance(i.value, Container) and i.update is None
            for i in self.inputs
        ]

    @property
    def input_keys(self) -> list[str | None]:
        """Keywords of the inputs."""
        return [i.name for i in self._request.inputs]

    @staticmethod
    def wrap_in(input: Any) -> In:
        """Return an input with settings."""
        return _input(input)

    @staticmethod
    def wrap_out(output: Any) -> SymbolicOutput:
        """Return an output with settings."""
        if isinstance(output, SymbolicOutput):
            return output
        if isinstance(output, Variable):
            return SymbolicOutput(output)
        raise TypeError(f"Unknown output type: {type(output)} ({output})")

    @property
    def fgraph(self) -> FunctionGraph:
        """The graph, with givens in their places, as programs' rewrites have left it."""
        request = self._request
        if request.fgraph is None:
            request.fgraph = Roots(request, _Plan(request)).fgraph()
        request.fgraph.name = request.name
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

    def __init__(self, request: _Request, containers: Sequence[Container] | None = None) -> None:
        self.request = request
        self.maker = FunctionMaker.of(request)
        self.name = request.name
        self.trust_input = False
        self.containers = list(containers or map(_storage_of, request.inputs))
        # What inputs go back to when a call is over.
        self.refeeds = {
            k: self.containers[k].value
            for k, i in enumerate(request.inputs)
            if i.value is not None
            and i.update is None
            and not isinstance(i.value, Container | SharedVariable)
        }
        self.container, self.value = _Containers(self), _Values(self)
        self._check_for_aliased_inputs = any(i.mutable or i.borrow for i in request.inputs)
        for spec, held in zip(request.inputs, self.containers, strict=True):
            for checker in _checkers:
                checker(spec.variable, held.storage)
        self.profile: Any = request.profile
        self.maker.profile = request.profile
        self.n_returned_outputs = len(request.outputs)
        self.unpack_single = request.form == "one"
        self.return_none = request.none
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
        self._find()
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
        direct = not special and not watches and request.form == plan.form
        if direct:
            # Arguments that native code does not take are Theano's to convert, or to refuse.
            # Native code holds what is called, which is not to hold the function.
            known = ref(self)
            self.fn.request.binder.before = lambda args, named: known()._bound(args, named)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        kind = type("Function", (Function,), {"__module__": __name__})
        if direct:
            # A builtin as the class's __call__: nothing stands between the call and native code.
            kind.__call__ = native  # type: ignore[method-assign,assignment]
        profiling.compiled(self)
        if self.profile is not None:
            self.profile.add(self)
            kind = profiling.timed(kind, self.profile)
        self.__class__ = kind  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]

    def _find(self) -> None:
        """Note where inputs and shared variables keep their values."""
        self.finder: dict[Any, Any] = {}
        specs = _all_inputs(self.request, self.plan)
        self.input_storage = [*self.containers, *(v.container for v in self.plan.owners())]
        self.inv_finder = dict(zip(self.input_storage, specs, strict=True))
        for number, (spec, held) in enumerate(zip(specs, self.input_storage, strict=True)):
            self.finder[number] = self.finder[spec.variable] = held
            if spec.name is not None:
                self.finder[spec.name] = DUPLICATE if spec.name in self.finder else held

    @property
    def outputs(self) -> list[SymbolicOutput]:
        """What is returned."""
        return self.maker.outputs

    @property
    def defaults(self) -> list[tuple[bool, bool, Any]]:
        """Of each input: whether calls have to give it, whether it goes back, and to what."""
        found = [
            (i.value is None and not i.implicit, k in self.refeeds, self.refeeds.get(k))
            for k, i in enumerate(self.request.inputs)
        ]
        return found + [(False, False, None)] * len(self.plan.owners())

    @property
    def indices(self) -> list[Any]:
        """The inputs, in Theano's old form."""
        return [[i, None, [i]] for i in self.maker.inputs]

    def inputs_as_text(self) -> str:
        """Return what inputs there are, for an error."""
        specs = _all_inputs(self.request, self.plan)
        named = [i.name for i in specs if i.name is not None]
        return get_info_on_inputs(named, len(specs) - len(named))

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
            for place, value in zip(states, whole[shown:], strict=True):
                self.containers[place].storage[0] = value
            results = whole[:shown]
        for place, value in self.refeeds.items():
            self.containers[place].storage[0] = value
        results = list(results)
        if subset is not None:
            wanted = [self.request.keys.index(k) if isinstance(k, str) else k for k in subset]
            return [results[k] for k in wanted]
        if self.request.form == "dict":
            return dict(zip(self.request.keys, results, strict=True))
        return results[0] if self.request.form == "one" else results

    def _bound(self, args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """Return the arguments of agnesi's function in their order."""
        if "output_subset" in named:
            raise TypeError(
                "output_subset: native code computes all results; leave outputs out of the function"
            )
        inputs = self.request.inputs
        if len(args) + len(named) > len(self.input_storage):
            raise TypeError("Too many parameter passed to theano function")
        values: list[Any] = [*args, *[_MISSING] * (len(inputs) - len(args))]
        for key, value in named.items():
            place = self._place(key)
            if values[place] is not _MISSING:
                raise TypeError(f"Multiple values for input: {key}")
            values[place] = value
        found: list[Any] = []
        for k, (spec, value) in enumerate(zip(inputs, values, strict=False)):
            if value is not _MISSING and spec.implicit:
                raise TypeError(f"Tried to provide value for implicit input: {spec.variable}")
            if value is _MISSING:
                if spec.value is None and not spec.implicit:
                    raise TypeError(f"Missing required input: {spec.variable}")
                value = self.containers[k].value
            if spec.variable.tensor is None:
                continue
            found.append(self._converted(k, spec, value))
        if len(values) > len(inputs):
            shared = self.plan.owners()[0]
            raise TypeError(f"Tried to provide value for implicit input: {shared}")
        return found

    def _place(self, key: str) -> int:
        """Return the number of the input that a keyword names."""
        held = self.finder.get(key)
        if held is None:
            raise TypeError(f"Unknown input or state: {key}. {self.inputs_as_text()}")
        if held is DUPLICATE:
            self.value[key]
        place = next(k for k, c in enumerate(self.input_storage) if c is held)
        if place >= len(self.containers):
            shared = self.plan.owners()[place - len(self.containers)]
            raise TypeError(f"Tried to provide value for implicit input: {shared}")
        return place

    def _converted(self, place: int, spec: Any, value: Any) -> Any:
        downcast = spec.allow_downcast
        if downcast is None:
            downcast = self.request.downcast
        try:
            return spec.variable.type.filter(value, spec.strict, downcast)
        except (TypeError, ValueError) as error:
            title = f'function with name "{self.name}"' if self.name else "function"
            said = f' with name "{value.name}"' if getattr(value, "name", None) else ""
            where = get_variable_trace_string(spec.variable)
            first, *others = error.args or ("",)
            text = f"Bad input argument{said} to theano {title} at index {place} (0-based). {where}"
            error.args = (f"{text}{first}",) if not others else (text, first, *others)
            raise

    # -- looking at it ---------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.value[key] = value

    def __contains__(self, key: Any) -> bool:
        return key in self.finder

    @property
    def output_storage(self) -> list[Container]:
        """Where results would be kept: they are not."""
        return [Container(o.variable, [None]) for o in self.maker.outputs]

    def get_shared(self) -> list[Any]:
        """Return the shared variables that it reads or updates."""
        return self.plan.owners()

    def free(self) -> None:
        """Give memory back: agnesi keeps scratch memory for all functions alike."""
        ag.release_memory()

    def sync_shared(self) -> None:
        """Nothing: values are always there."""

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
        request.name = name or (f"{old.name} copy" if old.name else None)
        # As in Theano, copies give lists.
        request.form, request.keys = "list", []
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
        made = Function(request, self._copied(lambda value: copy.copy(value)))
        made.trust_input = self.trust_input
        return made

    def _copied(self, copied: Callable[[Any], Any]) -> list[Container]:
        """Return containers like those of the inputs; what is shared with others stays shared."""
        found: list[Container] = []
        for spec, held in zip(self.request.inputs, self.containers, strict=True):
            if isinstance(spec.value, Container | SharedVariable):
                found.append(held)
                continue
            made = Container(
                spec.variable, [held.value], False, spec.strict, spec.allow_downcast, spec.name
            )
            if spec.mutable:
                made.storage[0] = copied(held.value)
            found.append(made)
        return found

    def __copy__(self) -> Function:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        request = copy.copy(self.request)
        request.profile = None
        swaps = {v: copy.deepcopy(v, memo) for v in self.plan.owners()}
        request.givens = {**{k: v for k, v in request.givens.items() if k not in swaps}, **swaps}
        request.updates = {swaps.get(t, t): v for t, v in request.updates.items()}
        containers = [memo.get(id(c)) or _deep(c, memo) for c in self.containers]
        request.inputs = [_with_container(i, memo) for i in request.inputs]
        made = Function(request, containers)
        made.trust_input = self.trust_input
        memo[id(self)] = made
        # Who has copied variables as well finds values by the copies.
        for spec in request.inputs:
            held = made.finder.pop(spec.variable)
            if id(spec.variable) in memo:
                made.finder[memo[id(spec.variable)]] = held
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.request, self.containers, self.trust_input)

    def __repr__(self) -> str:
        return f"<theano function {self.name or ''} of {[i.variable for i in self.request.inputs]}>"


def _deep(held: Container, memo: dict[int, Any]) -> Container:
    """Return a copy of a container, the same for all functions that are copied together."""
    if isinstance(held, SharedContainer):
        return copy.deepcopy(held, memo)
    made = copy.copy(held)
    made.storage = copy.deepcopy(held.storage, memo)
    memo[id(held)] = made
    return made


def _with_container(spec: In, memo: dict[int, Any]) -> In:
    made = copy.copy(spec)
    if isinstance(spec.value, Container):
        made.value = memo.get(id(spec.value)) or _deep(spec.value, memo)
    return made


def _restored(request: _Request, containers: list[Container], trust_input: bool) -> Any:
    """Return a function that was pickled; None where settings want none."""
    if not config.unpickle_function:
        return None
    made = Function(request, containers)
    made.trust_input = trust_input
    return made


class _Stale(Function):
    """A function whose shared variables have changed their shapes."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        self._fresh_compile()
        return self(*args, **named)


_MISSING: Any = type("Missing", (), {"__repr__": lambda _: "missing"})()


# Stands for a container in a finder where several inputs have one name.
DUPLICATE = type("DUPLICATE", (), {"__repr__": lambda _: "DUPLICATE"})()


def _all_inputs(request: _Request, plan: _Plan) -> list[In]:
    """Return the inputs of a function, behind them its shared variables."""
    found = list(request.inputs)
    for variable in plan.owners():
        spec = In(variable, value=variable.container, implicit=True, shared=True)
        # Its type may repeat other axes: it was checked with the other updates.
        spec.update = plan.changes.get(variable)
        spec.mutable = spec.update is not None
        found.append(spec)
    return found


def _storage_of(spec: Any) -> Container:
    """Return where an input keeps its value: its own place, or that of what it shares it with."""
    if isinstance(spec.value, Container):
        return spec.value
    if isinstance(spec.value, SharedVariable):
        return spec.value.container
    made = Container(spec.variable, [None], False, spec.strict, spec.allow_downcast, spec.name)
    if spec.value is not None:
        made.value = spec.value
    return made


class _Containers:
    """Containers of inputs and shared variables, by variable, name or number: ``f.container``."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __getitem__(self, key: Any) -> Any:
        return self.function.finder[key]

    def __contains__(self, key: Any) -> bool:
        return key in self.function.finder


class _Values:
    """Values of inputs and shared variables, by variable, name or number: ``f[x]``."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def _found(self, key: Any, more: str) -> Container:
        found = self.function.finder.get(key)
        if found is None:
            raise TypeError(f"Unknown input or state: {key}{more}")
        if found is DUPLICATE:
            raise TypeError(
                f"Ambiguous name: {key} - please check the names of the inputs of your function "
                "for duplicates."
            )
        return found

    def __getitem__(self, key: Any) -> Any:
        return self._found(key, "").value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._found(key, f". {self.function.inputs_as_text()}").value = value

    def __contains__(self, key: Any) -> bool:
        return key in self.function.finder


def _refuses_floats(spec: Any, request: _Request) -> bool:
    """Whether an input takes no floats that its dtype would round: native code takes them."""
    kind = spec.variable.type
    if getattr(kind, "dtype", "") not in ("float16", "float32") or kind.ndim:
        return False
    allowed = request.downcast if spec.allow_downcast is None else spec.allow_downcast
    return allowed is False or (allowed is None and kind.dtype != config.floatX)


class _Plan:
    """What agnesi is asked for, for the sizes that shared variables have now."""

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.states = [k for k, i in enumerate(request.inputs) if i.update is not None]
        states = [i.update for i in request.inputs if i.update is not None]
        self.results = [*request.outputs, *states]
        given = [i.variable for i in request.inputs if i.variable.tensor is not None]
        self.translates = any(
            v.type.encoded or v.type.members for v in (*given, *self.results)
        ) or handles_objects([*self.results, *request.updates.values(), *request.givens.values()])
        self.converts = any(
            i.value is not None
            or i.implicit
            or i.strict
            or i.allow_downcast
            or (i.allow_downcast is None and request.downcast)
            or _refuses_floats(i, request)
            for i in request.inputs
        )
        self.changing: dict[Any, tuple[int, ...]] = {}
        watched = getattr(request.mode, "watched", None) is not None
        special = self.states or self.converts or self.translates or watched
        self.form = "list" if special else request.form
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
                if leaf not in self.updates and leaf not in barred:
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
            except (GraphTypeError, CompilerBug):
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
        made = self._with_equal_sizes(rebuild(every, swaps, followed_sizes(swaps)))
        return made[: len(self.roots)], made[len(self.roots) :]

    def _with_equal_sizes(self, made: list[Any]) -> list[Any]:
        """Give sizes of inputs that a call finds to be equal one symbol, or number, for rules.

        In Theano each input has sizes of its own; that of a target and of a prediction are
        one size to whoever adds them.
        """
        inputs = {t for t in self.cut.values() if isinstance(t, Input)}
        same = _equal_symbols(made, {s for t in inputs for s in t.type.shape})
        if not same:
            return made
        swaps: dict[Any, Any] = {}
        for old, cut in self.cut.items():
            shape = tuple(same.get(s, s) for s in cut.type.shape)
            if cut in inputs and shape != cut.type.shape:
                pairs = zip(shape, cut.type.shape, strict=True)
                own = tuple(s if isinstance(new, int) else new for new, s in pairs)
                given = cut
                if own != cut.type.shape:
                    given = self.cut[old] = new_input(cut.name, Kind(cut.dtype, own))
                # Known sizes are checked in a call, not declared: it fails as it did.
                swaps[cut] = given if own == shape else BroadcastTo(given, shape)
        return rebuild(made, swaps, same)


def _equal_symbols(roots: Sequence[Any], own: set[Any]) -> dict[Any, Any]:
    """Return what symbols become, of which nodes require that they are equal to something."""
    became: dict[Any, Any] = {}

    def last(symbol: Any) -> Any:
        while symbol in became:
            symbol = became[symbol]
        return symbol

    for node in toposort(roots):
        for need in node.requirements():
            if need.kind != "equal" or need.a not in own:
                continue
            a, b = last(need.a), last(need.b)
            known = isinstance(b, int) and isinstance(node, BroadcastTo | Elementwise)
            known = known or (need.b in own and isinstance(b, Symbol))
            if a is not b and isinstance(a, Symbol) and known:
                became[a] = b
    return {symbol: last(symbol) for symbol in became}


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
    if isinstance(inputs, dict) or not isinstance(inputs, list | tuple):
        raise Exception(
            "Input variables of a Theano function should be contained in a list, even when there "
            "is a single input."
        )
    asked = _Asked(
        [_input(i) for i in inputs],
        outputs,
        mode,
        updates,
        givens,
        no_default_updates,
        _caller() if name is None else name,
        rebuild_strict,
        allow_input_downcast,
        profile,
    )
    with paused():
        return Function(asked.request(on_unused_input))


def _caller() -> str | None:
    """Return the line of the program that makes a function: its name where it has none."""
    line = user_line()
    return f"{line.file}:{line.line}" if line is not None else None


class _Asked(NamedTuple):
    """What a program has asked ``function`` for."""

    inputs: list[In]
    outputs: Any
    mode: Any
    updates: Any
    givens: Any
    no_default_updates: Any
    name: str | None
    rebuild_strict: bool
    downcast: bool | None
    profile: Any

    def request(self, on_unused_input: str | None) -> _Request:
        """Return it checked, and rewritten by the program's own rewrites."""
        request = _Request()
        request.name, request.downcast = self.name, self.downcast
        request.profile = profiling.wanted(self.profile, self.name)
        request.no_defaults = self.no_default_updates
        if not isinstance(request.no_defaults, bool | list):
            raise TypeError("no_default_update should be either a boolean or a list")
        request.mode = get_mode(self.mode)
        request.unused = config.on_unused_input if on_unused_input is None else on_unused_input
        request.inputs = self.inputs
        _check_inputs(request.inputs)
        request.none = self.outputs is None
        request.form, request.keys, request.outputs = _outputs(self.outputs)
        request.updates = _updates(self.updates)
        request.givens = _givens(self.givens, strict=self.rebuild_strict)
        _check_givens(request)
        _check_used(request)
        _check_given(request)
        if request.profile is not None and getattr(request.mode, "refuses_profile", False):
            raise Exception("DebugMode do not support profiling.")
        rewrites = getattr(request.mode, "rewrites", None)
        chosen = rewrites() if rewrites is not None else None
        if chosen is not None:
            rewrite(request, _Plan(request), chosen)
        return request


def _check_inputs(inputs: Sequence[In]) -> None:
    """Raise for inputs that are given twice, constants and shared variables."""
    seen: set[Any] = set()
    for number, spec in enumerate(inputs):
        if spec.variable in seen:
            raise UnusedInputError(
                f"Variable {spec.variable} is used twice in inputs to theano.function at index "
                f"{number}.  This would result in values provided for it being "
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


def _check_givens(request: _Request) -> None:
    """Raise for inputs that something takes the place of."""
    for spec in request.inputs:
        if spec.variable in request.givens:
            raise RuntimeError(
                f"You are trying to replace variable '{spec.variable}' through the `givens` "
                "parameter, but this variable is an input to your function. Replacing inputs is "
                "forbidden because it has no effect: leave it out of the inputs, or make another "
                "variable the input."
            )


def _check_given(request: _Request) -> None:
    """Raise for a variable that is not computed, not shared and not given."""
    given = {i.variable.tensor for i in request.inputs if i.variable.tensor is not None}
    given |= {k.tensor for k in request.givens if k.tensor is not None}
    roots = [_tensor_of(v) for v in request.outputs]
    roots += [v.tensor for v in request.updates.values() if v.tensor is not None]
    roots += [v.tensor for v in request.givens.values() if v.tensor is not None]
    roots += [i.update.tensor for i in request.inputs if i.update is not None]
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
    roots = [_tensor_of(v) for v in request.outputs]
    roots += [v.tensor for v in request.updates.values() if v.tensor is not None]
    roots += [i.update.tensor for i in request.inputs if i.update is not None]
    roots += [v.tensor for v in request.givens.values() if v.tensor is not None]
    news = [i.update for i in request.inputs if i.update is not None]
    costs, seen = _walked(
        [*request.outputs, *request.updates.values(), *request.givens.values(), *news],
        {id(i.variable) for i in request.inputs},
    )
    # What is computed of inputs that are given themselves is not used.
    cut = {i.variable.tensor for i in request.inputs if i.variable.tensor is not None}
    nodes = toposort([*roots, *costs], cut)
    used: set[Any] = set(nodes)
    sizes: set[Any] = {
        a
        for n in nodes
        for s in (*n.type.shape, *n.sizes_mentioned())
        if not isinstance(s, int)
        for a in s.atoms
    }
    given = [i.variable for i in request.inputs]
    if any(not isinstance(v.tensor, Input) for v in given):
        # Some are computed: what only they depend on is not used, not for its sizes either.
        variables = [*request.outputs, *request.updates.values(), *request.givens.values(), *news]
        seen = {id(v) for v in ancestors(variables, given)}
        used, sizes = set(), set()
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
        if id(spec.variable) in _used_by_defaults(request, given):
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
        if request.unused != "warn":
            raise ValueError(f"on_unused_input is raise, warn or ignore, not {request.unused!r}")
        warnings.warn(message, stacklevel=5)


def _used_by_defaults(request: _Request, given: Sequence[Any]) -> set[int]:
    """Return what the updates that shared variables bring with them depend on."""
    changes = _Plan(request).changes
    news = [new for target, new in changes.items() if target not in request.updates]
    return {id(v) for v in ancestors(news, given)} if news else set()


def _walked(variables: list[Any], stop: set[int]) -> tuple[list[Any], set[int]]:
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
        if id(variable) in stop:
            continue
        for other in variable.__dict__.get("leans_on", ()):
            found.append(other.tensor)
            stack.append(other)
        if variable._owner is not None:
            stack += variable._owner.inputs
    return found, seen


# -- other names -----------------------------------------------------------------------------------


def orig_function(
    inputs: Any,
    outputs: Any,
    mode: Any = None,
    accept_inplace: bool = False,
    name: str | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
    output_keys: Any = None,
) -> Function:
    """Return a function of inputs with settings; see :class:`FunctionMaker`."""
    maker = FunctionMaker(
        inputs,
        outputs,
        mode,
        accept_inplace,
        profile=profile,
        on_unused_input=on_unused_input,
        output_keys=output_keys,
        name=name,
    )
    return maker.create()


def convert_function_input(input: Any) -> In:
    """Return an input with settings, of what may be in the list of a function's inputs.

    A variable, ``(variable, value)``, ``(name, variable)``, ``(variable, update)``, or one with
    settings already.
    """
    if isinstance(input, list | tuple) and len(input) >= 2 and isinstance(input[0], str):
        made = convert_function_input(input[1] if len(input) == 2 else list(input[1:]))
        made.name = input[0]
        return made
    return _input(input)


def get_info_on_inputs(named_inputs: Sequence[str], n_unnamed_inputs: int) -> str:
    """Return what inputs a function has, as a sentence."""
    count = len(named_inputs)
    plural = "s" if count != 1 else ""
    named = f"{count} named input{plural} ({', '.join(named_inputs)})"
    several = "s" if n_unnamed_inputs != 1 else ""
    unnamed = f"{n_unnamed_inputs} unnamed input{several} which thus cannot be accessed through "
    unnamed += (
        f"keyword argument{several} (use 'name=...' in a variable's constructor to give a name)."
    )
    if not count:
        return f"The function has {unnamed}" if n_unnamed_inputs else "The function has no inputs."
    if not n_unnamed_inputs:
        return f"The function has {named}."
    return f"The function has {named}, and {unnamed}"


_checkers: list[Callable[..., Any]] = []


def register_checker(checker: Callable[..., Any]) -> None:
    """Have a function called with ``(variable, storage)`` of each input of a new function."""
    _checkers.append(checker)


def alias_root(v: Any) -> Any:
    """Return the variable whose memory a variable shares, by the ``view_map`` of ops."""
    while v.owner is not None:
        views = getattr(v.owner.op, "view_map", {}).get(v.owner.outputs.index(v))
        if not views:
            break
        if len(views) > 1:
            raise NotImplementedError(f"{v} is a view of several inputs of {v.owner}")
        v = v.owner.inputs[views[0]]
    return v


def view_tree_set(v: Any, treeset: set[Any]) -> None:
    """Add to a set all variables that share a variable's memory, itself too, by their ops' maps."""
    treeset.add(v)
    for client, place in getattr(v, "clients", []):
        if client == "output":
            continue
        maps = (getattr(client.op, name, {}) for name in ("view_map", "destroy_map"))
        for each in maps:
            for out, sources in each.items():
                if place in sources and client.outputs[out] not in treeset:
                    view_tree_set(client.outputs[out], treeset)


def fgraph_updated_vars(fgraph: Any, expanded_inputs: Sequence[Any]) -> dict[Any, Any]:
    """Return inputs of a graph with what they are updated to: the last of its outputs."""
    with_update = [
        (v, i) for v, i in zip(fgraph.inputs, expanded_inputs, strict=True) if i.update is not None
    ]
    outputs = list(fgraph.outputs)[len(fgraph.outputs) - len(with_update) :]
    return {v: out for (v, _), out in zip(with_update, outputs, strict=True)}


def std_fgraph(
    input_specs: Sequence[Any], output_specs: Sequence[Any], accept_inplace: bool = False
) -> tuple[FunctionGraph, list[SymbolicOutput]]:
    """Return the graph of inputs and outputs with settings, and the outputs that updates add."""
    del accept_inplace
    updates = [i.update for i in input_specs if i.update is not None]
    places = [k for k, i in enumerate(input_specs) if i.update is not None]
    mapping = {len(output_specs) + k: place for k, place in enumerate(places)}
    made = FunctionGraph(
        [i.variable for i in input_specs],
        [*(o.variable for o in output_specs), *updates],
        update_mapping=mapping,
    )
    made.attach_feature(Supervisor(made.inputs))
    return made, [SymbolicOutput(v) for v in updates]


def check_equal(x: Any, y: Any) -> None:
    """Raise unless two values are equal: for ``register_checker`` and linkers that compare."""
    if not np.array_equal(np.asarray(x), np.asarray(y), equal_nan=True):
        raise Exception("Output mismatch.", {"performlinker": x, "clinker": y})


__all__ = [
    "AliasedMemoryError",
    "Function",
    "FunctionMaker",
    "Mode",
    "OrderedUpdates",
    "Supervisor",
    "UnusedInputError",
    "alias_root",
    "check_equal",
    "convert_function_input",
    "fgraph_updated_vars",
    "function",
    "get_info_on_inputs",
    "np",
    "orig_function",
    "register_checker",
    "std_fgraph",
    "view_tree_set",
]
