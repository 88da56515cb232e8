"""A mode that checks ops, and holds native results against those of NumPy.

Each call runs the function application by application, as the program wrote it, and then natively:
the ops of a program are held to what they declare (types, what they write over, what shares
memory), numbers to be finite, and the native results to be those of the applications.
"""

from __future__ import annotations

import copy
import logging
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.compile.mode import Mode, makers, register_mode
from agnesi.theano.compile.stepwise import Run, Stepwise, own_copy
from agnesi.theano.configparser import config, say_once
from agnesi.theano.gof import toolbox
from agnesi.theano.gof.op import Performed
from agnesi.theano.printing import debugprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agnesi.theano.compile.stepwise import Thunk

_logger = logging.getLogger("theano.compile.debugmode")

# -- errors ----------------------------------------------------------------------------------------


class DebugModeError(Exception):
    """What :class:`DebugMode` finds."""


class BadThunkOutput(DebugModeError):
    """An op gives other values when it is computed once more.

    Attributes:
        r: the variable.
        thunk1: what computed the first value.
        val1: that value.
        thunk2: what computed the second.
        val2: that value.
        inputs_val: values of the application's inputs.
    """

    def __init__(
        self, r: Any, thunk1: Any, val1: Any, thunk2: Any, val2: Any, inputs_val: Any = ()
    ) -> None:
        super().__init__()
        self.r, self.inputs_val = r, inputs_val
        self.thunk1, self.val1, self.thunk2, self.val2 = thunk1, val1, thunk2, val2

    def offending_op(self) -> Any:
        """Return the op's class."""
        return type(self.r.owner.op)

    def str_diagnostic(self) -> str:
        """Return what is known, in lines."""
        shown = [v if getattr(v, "size", 11) <= 10 else "not shown" for v in self.inputs_val]
        return _lines(
            "BadThunkOutput",
            {
                "Apply": self.r.owner,
                "op": self.offending_op(),
                "Outputs Type": self.r.type,
                "Outputs Shape": getattr(self.val1, "shape", None),
                "Outputs Strides": getattr(self.val1, "strides", None),
                "Inputs Type": [i.type for i in self.r.owner.inputs],
                "Inputs Shape": [getattr(v, "shape", None) for v in self.inputs_val],
                "Inputs Strides": [getattr(v, "strides", None) for v in self.inputs_val],
                "Inputs values": shown,
                "Bad Variable": self.r,
                "thunk1": self.thunk1,
                "thunk2": self.thunk2,
                **_difference(self.val1, self.val2),
            },
        )

    def __str__(self) -> str:
        return self.str_diagnostic()


class BadOptimization(DebugModeError, toolbox.BadOptimization):
    """What takes a variable's place has another value: see :class:`toolbox.BadOptimization`."""


class BadDestroyMap(DebugModeError):
    """An op writes over an input without saying so in its ``destroy_map``.

    Attributes:
        node: the application.
        idx: number of the input.
        old_val: its value before.
        new_val: its value afterwards.
        perform: what wrote over it.
    """

    def __init__(self, node: Any, idx: int, old_val: Any, new_val: Any, perform: Any) -> None:
        super().__init__()
        self.node, self.idx, self.perform = node, idx, perform
        self.old_val, self.new_val = old_val, new_val

    def __str__(self) -> str:
        return _lines(
            "BadDestroyMap",
            {
                "node": self.node,
                "perform": self.perform,
                "node.inputs": [str(i) for i in self.node.inputs],
                "destroy_map": getattr(self.node.op, "destroy_map", {}),
                "changed input idx": self.idx,
                "changed input type": self.node.inputs[self.idx].type,
                "repr (old val)": repr(self.old_val),
                "repr (new val)": repr(self.new_val),
                **_difference(self.old_val, self.new_val),
            },
        )


class BadViewMap(DebugModeError):
    """A result shares memory with an input, or another result, and the op does not say so.

    Attributes:
        node: the application.
        output_idx: number of the result.
        out_storage: its value.
        in_alias_idx: numbers of the inputs.
        out_alias_idx: number of the other result.
    """

    def __init__(
        self,
        node: Any,
        output_idx: int,
        out_storage: Any,
        in_alias_idx: Any = None,
        out_alias_idx: Any = None,
    ) -> None:
        super().__init__()
        self.node, self.output_idx, self.out_storage = node, output_idx, out_storage
        self.in_alias_idx, self.out_alias_idx = in_alias_idx, out_alias_idx

    def __str__(self) -> str:
        found = {
            "node": self.node,
            "node.inputs": [str(i) for i in self.node.inputs],
            "node.outputs": [str(o) for o in self.node.outputs],
            "view_map": getattr(self.node.op, "view_map", {}),
            "destroy_map": getattr(self.node.op, "destroy_map", {}),
            "aliased output": self.output_idx,
            "aliased output storage": self.out_storage,
        }
        if self.in_alias_idx:
            found["aliased to inputs"] = self.in_alias_idx
        if self.out_alias_idx is not None:
            found["aliased to outputs"] = self.out_alias_idx
        return _lines("BadViewMap", found)


class StochasticOrder(DebugModeError):
    """Optimising a graph again gave another one."""


class InvalidValueError(DebugModeError):
    """A value is not of its variable's type, or not finite.

    Attributes:
        r: the variable.
        v: the value.
        client_node: the application.
        hint: where it came from.
        specific_hint: what is wrong with it.
    """

    def __init__(
        self,
        r: Any,
        v: Any = None,
        client_node: Any = None,
        hint: str = "none",
        specific_hint: str = "none",
    ) -> None:
        super().__init__()
        self.r, self.v, self.client_node = r, v, client_node
        self.hint, self.specific_hint = hint, specific_hint
        # A text in the place of a variable: an error that was caught, and is raised with more.
        self.full_err = r if isinstance(r, str) else None

    def __str__(self) -> str:
        if self.full_err is not None:
            return self.full_err
        array = self.v if isinstance(self.v, np.ndarray) and self.v.size else None
        numbers = array is not None and array.dtype.kind in "biufc"
        return _lines(
            "InvalidValueError",
            {
                "type(variable)": self.r.type,
                "variable": self.r,
                "type(value)": type(self.v),
                "dtype(value)": getattr(self.v, "dtype", "N/A"),
                "shape(value)": getattr(self.v, "shape", "N/A"),
                "value": str(self.v)[:100],
                "min(value)": array.min() if numbers and array is not None else "N/A",
                "max(value)": array.max() if numbers and array is not None else "N/A",
                "isfinite": np.isfinite(array).all() if numbers and array is not None else "N/A",
                "client_node": self.client_node,
                "hint": self.hint,
                "specific_hint": self.specific_hint,
                "context": "...\n" + debugprint(self.r, depth=12, file="str"),
            },
        )


def _lines(title: str, found: dict[str, Any]) -> str:
    return "\n".join([title, *(f"  {name}: {value}" for name, value in found.items())])


def _difference(one: Any, other: Any) -> dict[str, Any]:
    """Return how far two arrays are apart."""
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or not a.size or a.dtype.kind not in "biuf" or b.dtype.kind not in "biuf":
        return {"values": f"{one!r}\n  {other!r}"}
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
    relative = apart / np.maximum(np.abs(a) + np.abs(b), 1e-8)
    return {
        "values (first, second)": f"{a.ravel()[:6]}, {b.ravel()[:6]}",
        "Max Abs Diff": apart.max(),
        "Mean Abs Diff": apart.mean(),
        "Max Rel Diff": relative.max(),
        "first places": np.transpose(np.nonzero(apart))[:10].tolist(),
    }


class DataDestroyed:
    """Stands for a value that was written over."""

    def __str__(self) -> str:
        return "data destroyed"


data_destroyed = DataDestroyed()


def check_eq(var: Any, val1: Any, val2: Any) -> bool:
    """Whether two values of a variable are nearly equal, by its type."""
    if getattr(var.tag, "values_eq_approx", None) is not None:
        return bool(var.tag.values_eq_approx(val1, val2))
    return bool(var.type.values_eq_approx(val1, val2))


def char_from_number(number: int) -> str:
    """Return a number in letters: A to Z, then BA and so on."""
    letters = ""
    while True:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
        if not number:
            return letters


# -- the mode --------------------------------------------------------------------------------------


class DebugMode(Mode):
    """Checks a function whenever it is called; it takes many times as long.

    Attributes:
        stability_patience: how often a graph is optimised, to find what is not always the same.
        check_c_code: nothing here: there is no C code.
        check_py_code: whether ops of the program are checked; those that agnesi has always are.
        check_isfinite: whether NaN and infinity are errors.
        check_preallocated_output: kinds of memory that ops are offered for their results:
            ``previous``, ``c_contiguous``, ``f_contiguous``, ``strided``, ``wrong_size``, ``ALL``.
        require_matching_strides: nothing here: there is no C code whose strides could differ.
    """

    needs_native = refuses_profile = True

    def __init__(
        self,
        optimizer: Any = "fast_run",
        stability_patience: int | None = None,
        check_c_code: Any = None,
        check_py_code: bool | None = None,
        check_isfinite: bool | None = None,
        check_preallocated_output: Sequence[str] | None = None,
        require_matching_strides: int | None = None,
        linker: Any = None,
    ) -> None:
        if linker is not None and not isinstance(linker, _Linker):
            raise Exception("DebugMode can only use its own linker! You should not provide one.")
        super().__init__(None, optimizer)
        settings = config.DebugMode
        given = settings.check_preallocated_output.split(":")
        self.stability_patience = _or(stability_patience, settings.patience)
        self.check_c_code = _or(check_c_code, settings.check_c)
        self.check_py_code = _or(check_py_code, settings.check_py)
        self.check_isfinite = _or(check_isfinite, settings.check_finite)
        self.check_preallocated_output = list(_or(check_preallocated_output, given))
        self.require_matching_strides = _or(require_matching_strides, settings.check_strides)
        if not (self.check_c_code or self.check_py_code):
            raise ValueError("DebugMode has to check at least one of c and py code")
        if check_c_code:
            say_once("DebugMode(check_c_code=True)", "there is no C code here")
        if require_matching_strides:
            say_once("DebugMode(require_matching_strides=)", "there is no C code here")

    def unstable(self, first: list[str], second: list[str]) -> StochasticOrder:
        """Return the error of rewrites that did not do the same when they were run again."""
        return StochasticOrder(
            "Optimisation gave another graph when it was run again:\n"
            + "\n".join(f"  {a}  |  {b}" for a, b in zip_longest(first, second) if a != b)
        )

    def watched(self, function: Any) -> Debugged:
        """Return what runs a function."""
        return Debugged(function, self)

    def clone(self, link_kwargs: Any = None, optimizer: Any = "", **named: Any) -> DebugMode:
        """Return a mode with the same checks."""
        del link_kwargs, named
        made = copy.copy(self)
        if not (isinstance(optimizer, str) and not optimizer):
            Mode.__init__(made, None, optimizer)
        return made

    def __str__(self) -> str:
        return f"DebugMode(linker={_Linker.__name__}, optimizer={self.provided_optimizer})"


class _Linker:
    """Stands for the mode's own linker."""


def _or(given: Any, default: Any) -> Any:
    return default if given is None else given


class Debugged(Stepwise):
    """A function that is checked, then run natively, and compared."""

    def __init__(self, function: Any, mode: DebugMode) -> None:
        super().__init__(function, function.graph(), self._around, self._look_at_input)
        self.mode = mode
        self.native = function.fn.native
        # Results of the call before, by application: memory that ops are offered.
        self.previous: dict[Any, list[Any]] = {}
        clients = [v for node in self.graph.nodes for v in node.inputs]
        self.read = set(clients)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run it."""
        binder = self.function.fn.request.binder
        arrays = binder(*args, **named)
        run = self.run(arrays)
        self._replacements(run)
        outputs, updates = run.values()
        kept = [np.array(v) for v in outputs]
        news = [(target, own_copy(target, value)) for target, value in updates]
        results = self.native(*arrays)
        form = self.function.plan.form
        given = list(results.values()) if form == "dict" else results
        given = [given] if form == "one" else list(given)
        for variable, old, new in zip(self.graph.outputs, kept, given, strict=True):
            if not variable.type.encoded:
                self._compare(variable, old, new)
        for (target, new), (_, variable) in zip(news, self.graph.updates, strict=True):
            if not target.type.is_object:
                self._compare(variable, new, target.get_value(borrow=True))
        return results

    def _replacements(self, run: Run) -> None:
        """Raise if a rewrite has put something with another value in a variable's place."""
        for variable in self.function.plan.shareds:
            run.cell(variable)
        for swap in self.function.request.swaps:
            if swap.tensors[0] is None or swap.old.type.encoded:
                continue
            old, new = run.machine.run(swap.tensors)
            if not check_eq(swap.old, old, new):
                texts = [debugprint(v, file="str") for v in (swap.old, swap.new)]
                raise BadOptimization(swap.old, swap.new, old, new, swap.reason, *texts)

    def _compare(self, variable: Any, old: Any, new: Any) -> None:
        kind = variable.type
        same = kind.values_eq(old, new) if kind.encoded else check_eq(variable, old, new)
        if not same:
            text = debugprint(variable, file="str")
            raise BadOptimization(variable, variable, old, new, "agnesi's native code", text, text)

    def _look_at_input(self, variable: Any, value: Any) -> None:
        self._valid(variable, value, None, "Graph Input")

    def _around(self, i: int, node: Any, fn: Thunk) -> None:
        del i
        performs = isinstance(node.outputs[0].tensor, Performed)
        before = [own_copy(v, c[0]) for v, c in zip(node.inputs, fn.inputs, strict=True)]
        if performs and self.mode.check_py_code:
            self._perform(node, fn)
            self._offered(node, before, [cell[0] for cell in fn.outputs])
        else:
            fn()
        for variable, cell in zip(node.outputs, fn.outputs, strict=True):
            self._valid(variable, cell[0], node, "perform output" if performs else "output")

    def _perform(self, node: Any, fn: Thunk) -> None:
        """Run a program's op, and hold it to what it declares."""
        pairs = list(zip(node.inputs, fn.inputs, strict=True))
        given, before = ([own_copy(v, cell[0]) for v, cell in pairs] for _ in range(2))
        storage: list[list[Any]] = [[None] for _ in node.outputs]
        node.performed(given, storage)
        self._kept_its_inputs(node, before, given)
        self._declared_views(node, given, [cell[0] for cell in storage])
        for variable, cell, own in zip(node.outputs, fn.outputs, storage, strict=True):
            kind = variable.type
            value = own[0]
            if kind.encoded and not kind.is_object:
                value = own_copy(variable, kind.filter(value))
            self._valid(variable, value, node, "perform output")
            cell[0] = value
        run: Run = fn.run
        for variable, cell in zip(node.outputs, fn.outputs, strict=True):
            run.give(variable, cell[0])

    def _kept_its_inputs(self, node: Any, before: Sequence[Any], after: Sequence[Any]) -> None:
        destroyed = {k for ks in getattr(node.op, "destroy_map", {}).values() for k in ks}
        for k, (old, new) in enumerate(zip(before, after, strict=True)):
            kind = node.inputs[k].type
            # A random state is made anew for each op that draws from it.
            copies = kind.encoded and not kind.is_object
            if k not in destroyed and not copies and not kind.values_eq(old, new):
                raise BadDestroyMap(node, k, old, new, "perform")

    def _declared_views(self, node: Any, given: Sequence[Any], results: Sequence[Any]) -> None:
        views = getattr(node.op, "view_map", {})
        destroys = getattr(node.op, "destroy_map", {})
        self._unused_views(node, given, results)
        for k, result in enumerate(results):
            said = set(views.get(k, ())) | set(destroys.get(k, ()))
            shared = [j for j, value in enumerate(given) if _share(result, value)]
            hidden = [j for j in shared if j not in said]
            if hidden:
                raise BadViewMap(node, k, result, hidden)
            if shared or node.outputs[k] not in self.read:
                continue
            for j, other in enumerate(results):
                if j != k and node.outputs[j] in self.read and _share(result, other):
                    raise BadViewMap(node, k, result, out_alias_idx=j)

    def _unused_views(self, node: Any, given: Sequence[Any], results: Sequence[Any]) -> None:
        """Tell of results that are declared to be views, and are not."""
        if not config.DebugMode.warn_input_not_reused:
            return
        maps = {"viewed": "view_map", "destroyed": "destroy_map"}
        for word, name in maps.items():
            for k, sources in getattr(node.op, name, {}).items():
                result = results[k]
                if getattr(result, "size", 2) > 1 and not _share(result, given[sources[0]]):
                    _logger.warning(
                        "Optimization Warning: input idx %d marked as %s but new memory allocated "
                        "by node '%s'",
                        sources[0],
                        word,
                        node,
                    )

    def _offered(self, node: Any, given: Sequence[Any], results: Sequence[Any]) -> None:
        """Run a program's op with memory for its results, which it may use."""
        kinds = [k for k in self.mode.check_preallocated_output if k]
        if not kinds:
            return
        for kind, memory in _memories(kinds, results, self.previous.get(node)):
            storage = [[m] for m in memory]
            fresh = [own_copy(v, a) for v, a in zip(node.inputs, given, strict=True)]
            node.performed(fresh, storage)
            for variable, first, cell in zip(node.outputs, results, storage, strict=True):
                if not check_eq(variable, first, np.asarray(cell[0])):
                    raise BadThunkOutput(
                        variable, "perform", first, f"perform into {kind}", cell[0], given
                    )
        self.previous[node] = [np.array(r) for r in results]

    def _valid(self, variable: Any, value: Any, node: Any, hint: str) -> None:
        """Raise unless a value is of its variable's type, and finite."""
        kind = variable.type
        if not kind.is_valid_value(value):
            wrong = kind.value_validity_msg(value)
            raise InvalidValueError(variable, value, node, hint, wrong)
        if kind.encoded:
            return
        array = np.asarray(value)
        finite = array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
        if self.mode.check_isfinite and not finite:
            wrong = "non-finite elements not allowed"
            raise InvalidValueError(variable, value, node, hint, wrong)


def _share(one: Any, other: Any) -> bool:
    arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return arrays and bool(np.shares_memory(one, other))


def _memories(
    kinds: Sequence[str], results: Sequence[Any], previous: Any
) -> Iterator[tuple[str, list[Any]]]:
    """Yield kinds of memory, with some of each for all results."""
    makers_ = {
        "c_contiguous": lambda r: np.full(r.shape, 246, r.dtype, order="C"),
        "f_contiguous": lambda r: np.full(r.shape, 246, r.dtype, order="F"),
        "strided": _strided,
        "wrong_size": lambda r: np.full([n + 1 for n in r.shape], 246, r.dtype),
    }
    everything = "ALL" in kinds
    for kind in ("initial", "previous", *makers_):
        if not everything and kind not in kinds:
            continue
        if kind in makers_:
            yield kind, [makers_[kind](np.asarray(r)) for r in results]
        elif previous is not None:
            yield kind, [np.array(p) for p in previous]


def _strided(result: Any) -> Any:
    """Return memory for a result with steps of two, backwards."""
    larger = np.full([2 * n for n in result.shape], 246, result.dtype)
    return larger[tuple(slice(None, None, -2) for _ in result.shape)]


register_mode("DEBUG_MODE", DebugMode())
makers["DebugMode"] = lambda: DebugMode(optimizer=config.optimizer)
