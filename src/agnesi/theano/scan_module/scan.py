"""``theano.scan``: loops in a graph.

A step is called once, with variables that stand for one row of each sequence and for what earlier
steps gave.  What it returns is a graph; agnesi's loop is told to compute that graph in each step.

before: scan(fn=lambda x, h: T.tanh(x + h), sequences=[X], outputs_info=[h0])
below:  ag.scan(step, init=(h0,), xs=(X,)), with a step that is the graph of tanh(x + h)

Values from several steps back are carried as several arrays, the oldest last.  Shared variables
that a step updates, those of random streams among them, are carried too, and the updates that scan
returns give them their last values.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.compile.shared import Shared
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.tensor import SizeValue
from agnesi.theano.compile.function_module import OrderedUpdates
from agnesi.theano.compile.sharedvalue import variable_of
from agnesi.theano.configparser import config, say_once
from agnesi.theano.gof.fg import MissingInputError
from agnesi.theano.gof.graph import Variable, followed_sizes
from agnesi.theano.gof.op import get_test_value
from agnesi.theano.scan_module.scan_utils import get_updates_and_outputs
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.basic import as_tensor_variable, minimum_of
from agnesi.theano.tensor.type import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Scan(FunctionOp):
    """The op of a loop.

    Attributes:
        inner_inputs: variables that stand for rows of sequences and for states in its body.
        inner_outputs: what its body gives: outputs, and updates of shared variables.
        loop: how it was put together.
        how: where gradients are cut off, and how many steps are kept for them.
        captured: variables from around it that its body reads: the last inputs.
    """

    inner_inputs: Sequence[Any] = ()
    inner_outputs: Sequence[Any] | None = None
    as_while = False
    loop: Any = None
    how: tuple[Any, ...] = ()
    captured: Sequence[Any] = ()

    def body(self) -> Sequence[Any] | None:
        """Return what its body gives."""
        return self.inner_outputs

    def with_body(self, node: Any, outputs: Sequence[Any]) -> list[Any]:
        """Return the outputs of an application whose body gives something else."""
        again = copy.copy(self.loop)
        count = len(again.outputs)
        again.outputs = list(outputs[:count])
        again.changes = dict(zip(again.changes, outputs[count:], strict=True))
        made = again.applied(*self.how)[0].owner
        # What the loop was made with may have been replaced since.
        count = len(node.inputs) - len(self.captured)
        now = dict(zip(self.captured, node.inputs[count:], strict=True))
        rest = (now.get(v, v) for v in made.inputs[count:])
        return made.op(*node.inputs[:count], *rest, return_list=True)

    def __str__(self) -> str:
        return f"{'do_while' if self.as_while else 'for'}{{cpu,{self.props['title'] or 'scan_fn'}}}"

    def outer_inputs(self, node: Any) -> list[Any]:
        """Return the inputs of an application that the body's inputs come from."""
        return node.inputs[: len(self.inner_inputs)]


class _Sequence:
    """A sequence and which of its rows a step is given, counted from the step's own."""

    def __init__(self, given: Any, *, backwards: bool) -> None:
        spec = dict(given) if isinstance(given, dict) else {"input": given}
        if spec.get("taps") is None:
            spec["taps"] = [0]
        taps = spec["taps"]
        self.taps = [int(t) for t in (taps if isinstance(taps, list | tuple) else [taps])]
        self.array = as_tensor_variable(spec["input"])
        if not self.array.ndim:
            raise ValueError(f"scan: a sequence has a first axis to go along: {self.array}")
        if backwards:
            self.array = self.array[::-1]
        self.low = min(*self.taps, 0)
        self.high = max(*self.taps, 0)

    @property
    def steps(self) -> Any:
        """How many steps it is enough for."""
        length = self.array.shape[0]
        return length - (self.high - self.low) if self.high - self.low else length

    def rows(self, tap: int, n: Any) -> Any:
        """Return the rows of one tap, as many as there are steps."""
        start = tap - self.low
        if start == 0:
            return self.array[:n]
        return self.array[start : n + start]

    def dummies(self) -> list[Any]:
        """Return variables that stand for a row of each tap."""
        kind = TensorType(self.array.dtype, self.array.broadcastable[1:])
        title = self.array.name or "x"
        made = [kind(f"{title}[t{tap:+d}]" if tap else f"{title}[t]") for tap in self.taps]
        for variable, tap in zip(made, self.taps, strict=True):
            take_test_value(variable, self.array, lambda a, k=tap - self.low: a[k])
        return made


class _Output:
    """What is known of a result before the step is called."""

    def __init__(self, given: Any) -> None:
        spec: dict[str, Any]
        if isinstance(given, dict):
            spec = dict(given)
            if spec.get("initial") is None and spec.get("membuf") is not None:
                spec["initial"] = spec["membuf"]
        else:
            spec = {"initial": given}
        first = spec.get("initial")
        self.initial = None if first is None else as_tensor_variable(first)
        # A number of Python's takes the dtype of what a step makes of it.
        self.untyped = first is not None and not isinstance(first, Variable)
        taps = spec.get("taps", [-1] if self.initial is not None else None)
        if self.initial is not None and taps is None:
            taps = [-1]
        self.taps = (
            [int(t) for t in (taps if isinstance(taps, list | tuple) else [taps])] if taps else []
        )
        if self.initial is None and self.taps:
            raise ValueError(
                "If you are using slices of an output you need to provide an initial state"
            )
        if any(t >= 0 for t in self.taps):
            raise ValueError(f"All the tap values must be strictly smaller than 0: {self.taps}")
        if len(set(self.taps)) != len(self.taps):
            raise ValueError(f"All the taps must be different: {self.taps}")

    @property
    def single(self) -> bool:
        """Whether only the step before is read: the initial value is one state, not several."""
        return self.taps == [-1]

    @property
    def depth(self) -> int:
        """How many states are carried."""
        return max((-t for t in self.taps), default=0)

    def states(self) -> list[Any]:
        """Return the states before the first step, the latest first."""
        assert self.initial is not None
        if self.single:
            return [self.initial]
        return [self.initial[self.depth - 1 - k] for k in range(self.depth)]

    def dummies(self) -> list[Any]:
        """Return variables that stand for states, the latest first."""
        if self.initial is None:
            return []
        pattern = self.initial.broadcastable if self.single else self.initial.broadcastable[1:]
        kind = TensorType(self.initial.dtype, pattern)
        title = self.initial.name or "h"
        made = [kind(f"{title}[t-{k + 1}]") for k in range(self.depth)]
        for back, variable in enumerate(made):
            take_test_value(
                variable,
                self.initial,
                lambda a, k=self.depth - 1 - back: a if self.single else a[k],
            )
        return made

    def cast_to(self, dtype: str) -> None:
        """Take another dtype for the first state."""
        assert self.initial is not None
        self.initial = self.initial.astype(dtype)


def take_test_value(variable: Any, source: Any, part: Callable[[Any], Any]) -> None:
    """Give what stands for a part of a variable the part of its test value."""
    if config.compute_test_value == "off":
        return
    try:
        value = get_test_value(source)
    except AttributeError:
        return
    variable.tag.test_value = part(value)


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
    profile: Any = False,
    allow_gc: Any = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, Any]:
    """Repeat a step.

    Args:
        fn: the step: takes rows of the sequences (by their taps), earlier results (by theirs) and
            ``non_sequences``; returns outputs, updates of shared variables, an ``until``.
        sequences: arrays that a step gets a row of, or dicts with ``input`` and ``taps``; the
            shortest one says how many steps there are.
        outputs_info: for each output None, its initial state, or a dict with ``initial`` and
            ``taps``.
        non_sequences: what each step is given as it is.
        n_steps: number of steps; negative ones go backwards.
        truncate_gradient: through how many of the last steps gradients go; -1 for all.
        go_backwards: begin with the last rows.
        mode: means nothing, which is said once: a loop is part of its function.
        name: of the loop.
        profile: means nothing as well: the function's profile measures the steps of loops too.
        allow_gc: means nothing as well: memory is planned when a function is compiled.
        strict: whether the step may use no other shared variables than it is given.
        return_list: whether a single output comes as a list.

    Returns:
        Outputs, each with a row for each step, and the updates of shared variables.
    """
    if mode is not None:
        say_once("scan(mode=)", "a loop is part of its function, whose mode counts")
    if profile:
        say_once("scan(profile=)", "the profile of its function measures the steps of loops too")
    if allow_gc is not None:
        say_once("scan(allow_gc=)", "memory of loops is planned when functions are compiled")
    loop = _made(
        fn,
        sequences,
        outputs_info,
        non_sequences,
        n_steps,
        name,
        go_backwards=go_backwards,
        strict=strict,
    )
    outputs, updates = loop.build(truncate_gradient)
    if not outputs:
        return (None if not return_list else []), updates
    if len(outputs) == 1 and not return_list:
        return outputs[0], updates
    return outputs, updates


def _made(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any,
    n_steps: Any,
    name: str | None,
    *,
    go_backwards: bool = False,
    strict: bool = False,
) -> _Loop:
    """Return the loop of a step, which has been called."""
    backwards = bool(go_backwards)
    if isinstance(n_steps, int | np.integer) and n_steps < 0:
        backwards, n_steps = not backwards, -int(n_steps)
    given = [_Sequence(s, backwards=backwards) for s in _listed(sequences)]
    infos = [_Output(o) for o in _listed(outputs_info)]
    others = [
        as_tensor_variable(v) if not isinstance(v, Variable) else v for v in _listed(non_sequences)
    ]
    loop = _Loop(given, infos, others, _step_count(given, n_steps), name)
    loop.call(fn, known=bool(infos), strict=strict)
    return loop


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _step_count(given: Sequence[_Sequence], n_steps: Any) -> Any:
    lengths = [s.steps for s in given]
    if n_steps is not None:
        if isinstance(n_steps, float):
            raise ValueError(f"n_steps is an integer, not {n_steps}")
        return as_tensor_variable(n_steps).astype("int64")
    if not lengths:
        raise ValueError("Scan: neither sequences nor n_steps say how many steps there are to be")
    return minimum_of(lengths)


class _Loop:
    """A scan while it is put together."""

    def __init__(
        self,
        sequences: list[_Sequence],
        infos: list[_Output],
        others: list[Any],
        count: Any,
        name: str | None,
    ) -> None:
        self.sequences, self.infos, self.others = sequences, infos, others
        self.count, self.name = count, name

    def call(self, fn: Callable[..., Any], *, known: bool, strict: bool) -> None:
        """Call the step, with variables that stand for what a step is given.

        It is called again if a number of Python's begins what has another dtype from then on.
        """
        self._call(fn, known=known)
        for _ in range(3):
            wider = [
                (info, output.dtype)
                for info, output in zip(self.infos, self.outputs, strict=True)
                if info.untyped and info.initial is not None and info.initial.dtype != output.dtype
            ]
            if not wider:
                break
            for info, dtype in wider:
                info.cast_to(dtype)
            self._call(fn, known=known)
        if strict:
            self._check_strict()

    def _call(self, fn: Callable[..., Any], *, known: bool) -> None:
        self.rows = [s.dummies() for s in self.sequences]
        self.states = [o.dummies() for o in self.infos]
        args: list[Any] = [v for row in self.rows for v in row]
        for info, states in zip(self.infos, self.states, strict=True):
            args += [states[-tap - 1] for tap in info.taps]
        self.end, found, changes = get_updates_and_outputs(fn(*args, *self.others))
        self.outputs = [as_tensor_variable(v) for v in found]
        if not known:
            self.infos = [_Output(None) for _ in self.outputs]
            self.states = [[] for _ in self.outputs]
        if len(self.infos) != len(self.outputs):
            raise ValueError(
                f"Please provide None as outputs_info for any output that does not feed back into "
                f"scan (i.e. it behaves like a map): {len(self.infos)} given, but the step returns "
                f"{len(self.outputs)}"
            )
        self._take_states(dict(changes))

    def _take_states(self, changes: dict[Any, Any]) -> None:
        """Note which shared variables a step updates, by itself or because they bring updates."""
        self.changes = {target: target.filter_update(value) for target, value in changes.items()}
        while True:
            roots = [v.tensor for v in (*self.outputs, *self.changes.values())]
            if self.end is not None:
                roots.append(self.end.condition.tensor)
            added: dict[Any, Any] = {}
            # What is given as it is, is computed before the loop, with its draws.
            for leaf in toposort(roots, self._given()):
                variable = variable_of(leaf) if isinstance(leaf, Shared) else None
                if variable is None or variable.default_update is None:
                    continue
                if variable not in self.changes:
                    added[variable] = variable.default_update
            if not added:
                return
            self.changes.update(added)

    def _given(self) -> set[Any]:
        """Return the tensors of ``non_sequences``."""
        return {v.tensor for v in self.others if v.tensor is not None}

    def _check_strict(self) -> None:
        allowed = {v.tensor for v in self.others} | {v.tensor for v in self.changes}
        for leaf in toposort([v.tensor for v in self.outputs], allowed):
            if isinstance(leaf, Shared) and leaf not in allowed:
                raise MissingInputError(
                    f"Strict scan: the step uses {variable_of(leaf)}, a shared variable that is "
                    "not among non_sequences"
                )

    def build(
        self, truncate: int, checkpoint: int | None = None
    ) -> tuple[list[Any], OrderedUpdates]:
        """Return the outputs and the updates."""
        results = self.applied(truncate, checkpoint)
        updates = OrderedUpdates()
        for target, last in zip(self.changes, results[len(self.outputs) :], strict=True):
            updates[target] = last
        outputs = results[: len(self.outputs)]
        for output, inner in zip(outputs, self.outputs, strict=True):
            if inner.name and output.name is None:
                output.name = inner.name
        return outputs, updates

    def applied(self, truncate: int, checkpoint: int | None = None) -> list[Any]:
        """Return the outputs, and what shared variables become."""
        carried: list[tuple[Any, Any]] = []  # what stands for a state, and its first value
        for info, states in zip(self.infos, self.states, strict=True):
            if states:
                carried += zip(states, info.states(), strict=True)
        carried += [(target, target) for target in self.changes]
        for info, output in zip(self.infos, self.outputs, strict=True):
            if info.initial is not None:
                self._check_state(info, output)
        flat_rows = [v for row in self.rows for v in row]
        arrays = [s.rows(tap, self.count) for s in self.sequences for tap in s.taps]
        news: list[Any] = []
        for states, output in zip(self.states, self.outputs, strict=True):
            if states:
                news += [output, *states[:-1]]
        news += list(self.changes.values())
        stand_ins = [v for v, _ in carried] + flat_rows
        roots = [*(v.tensor for v in news), *(v.tensor for v in self.outputs)]
        if self.end is not None:
            roots.append(self.end.condition.tensor)
        captured = self._captured(roots, stand_ins)
        sizes = len(news), len(self.outputs)
        firsts = [first for _, first in carried]
        # As in Theano, a loop depends on all it is given, also if no step reads it.
        known = {id(v) for v in captured}
        unread = [v for v in self.others if v.tensor is not None and id(v) not in known]
        inputs = [*arrays, *firsts, self.count, *captured, *unread]
        counts = len(arrays), len(firsts)

        def build(*ts: ag.Tensor) -> list[ag.Tensor]:
            return self._loop(
                ts, roots, stand_ins, captured, news, counts, sizes, truncate, checkpoint
            )

        op = Scan("for", build, len(self.outputs) + len(self.changes), title=self.name)
        op.inner_inputs = [*flat_rows, *(v for v, _ in carried)]
        op.as_while = self.end is not None
        op.inner_outputs = [*self.outputs, *self.changes.values()]
        op.loop, op.how, op.captured = self, (truncate, checkpoint), captured
        return op(*inputs, return_list=True)

    def _check_state(self, info: _Output, output: Any) -> None:
        """Raise unless a step gives what the next one takes."""
        first: Any = info.initial
        ndim = first.ndim if info.single else first.ndim - 1
        if output.ndim != ndim:
            raise ValueError(
                f"When compiling the inner function of scan the following error has been "
                f"encountered: The initial state (`outputs_info` in scan nomenclature) of variable "
                f"{first} has {ndim} dimension(s), while the corresponding variable in the result "
                f"of the inner function of scan (`fn`) has {output.ndim}"
            )
        if output.dtype != first.dtype:
            raise ValueError(
                f"When compiling the inner function of scan the following error has been "
                f"encountered: The initial state (`outputs_info` in scan nomenclature) of variable "
                f"{first} has dtype {first.dtype}, while the result of the inner function (`fn`) "
                f"has dtype {output.dtype}. This can happen if the inner function of scan results "
                "in an upcast or downcast."
            )

    def _captured(self, roots: Sequence[Any], stand_ins: Sequence[Any]) -> list[Any]:
        """Return variables from around the loop that a step uses: leaves that stand for nothing."""
        from agnesi.graph.leaves import Input
        from agnesi.theano.gof.graph import stands_for

        own = {v.tensor for v in stand_ins}
        given = {v.tensor: v for v in self.others if v.tensor is not None}
        found: list[Any] = []
        for leaf in toposort(list(roots), {*own, *given}):
            if leaf in own:
                continue
            if leaf in given:
                found.append(given[leaf])
            elif isinstance(leaf, Input | Shared):
                found.append(variable_of(leaf) or stands_for(leaf))
        return found

    def _loop(
        self,
        ts: Sequence[ag.Tensor],
        roots: Sequence[ag.Tensor],
        stand_ins: Sequence[Any],
        captured: Sequence[Any],
        news: Sequence[Any],
        counts: tuple[int, int],
        sizes: tuple[int, int],
        truncate: int,
        checkpoint: int | None,
    ) -> list[ag.Tensor]:
        """Return agnesi's loop on these arrays, first states and captured variables."""
        rows, firsts = ts[: counts[0]], ts[counts[0] : counts[0] + counts[1]]
        count = shapes.one_size(ts[counts[0] + counts[1]])
        around = dict(
            zip((v.tensor for v in captured), ts[counts[0] + counts[1] + 1 :], strict=False)
        )
        length = count if isinstance(count, int) else shapes.SizeValue(count)
        dtypes = [first.dtype for first in firsts]

        given = self._first_shapes(rows, firsts, around, roots[sizes[0] : sum(sizes)], stand_ins)

        def step(carry: Any, xs: Any) -> Any:
            swaps = {**around}
            swaps.update(zip((v.tensor for v in stand_ins), (*carry, *(xs or ())), strict=True))
            swaps = {old: new for old, new in swaps.items() if old is not new}
            made = rebuild(roots, swaps, followed_sizes(swaps))
            after = tuple(ag.astype(t, d) for t, d in zip(made[: sizes[0]], dtypes, strict=True))
            ys = tuple(
                _of_first_shape(t, f) for t, f in zip(made[sizes[0] :], given, strict=False)
            )[: sizes[1]]
            if self.end is None:
                return after, ys
            return after, (*ys, ag.astype(made[-1], "bool"))

        named: dict[str, Any] = {}
        if self.end is not None:
            named["until"] = lambda _, y: y[-1]
        if self.end is not None and truncate >= 0:
            # The last steps are known once there is an end: a first loop finds it.
            _, ys = ag.scan(step, tuple(firsts), tuple(rows) or None, length, **named)
            taken = ys[-1].shape[0]
            rows, length, named = [row[:taken] for row in rows], taken, {}
        if truncate >= 0:
            named["truncate"] = truncate
        if checkpoint is not None:
            named["checkpoint"] = checkpoint
        last, ys = ag.scan(step, tuple(firsts), tuple(rows) or None, length, **named)
        states = last[len(last) - len(self.changes) :] if self.changes else ()
        return [*ys[: sizes[1]], *states]

    def _first_shapes(
        self,
        rows: Sequence[ag.Tensor],
        firsts: Sequence[ag.Tensor],
        around: dict[Any, Any],
        outputs: Sequence[ag.Tensor],
        stand_ins: Sequence[Any],
    ) -> list[list[Any] | None]:
        """Return the shapes of outputs in the first step, of those where steps find the shape."""
        own = {v.tensor for v in stand_ins}
        unknown = [
            any(
                isinstance(term, ag.Tensor) and not own.isdisjoint(toposort([term]))
                for size in t.type.shape
                if not isinstance(size, int)
                for term in size.values
            )
            for t in outputs
        ]
        if not any(unknown):
            return [None] * len(outputs)
        swaps = {**around}
        begin = (*firsts, *(row[0] for row in rows))
        swaps.update(zip((v.tensor for v in stand_ins), begin, strict=True))
        swaps = {old: new for old, new in swaps.items() if old is not new}
        made = rebuild(outputs, swaps, followed_sizes(swaps))
        return [
            [s if isinstance(s, int) else SizeValue(s) for s in t.type.shape] if open_ else None
            for t, open_ in zip(made, unknown, strict=True)
        ]


def _of_first_shape(t: ag.Tensor, shape: list[Any] | None) -> ag.Tensor:
    """Return an output of a step, which has the shape that the first step's has."""
    return t if shape is None else ag.specify_shape(t, shape)


def scan_checkpoints(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    name: str = "checkpointscan_fn",
    n_steps: Any = None,
    save_every_N: int = 10,
    padding: bool = True,
) -> tuple[Any, Any]:
    """Repeat a step; its gradient computes what is between every ``save_every_N`` steps again.

    Returns:
        The last outputs of every ``save_every_N`` steps, and updates.
    """
    del padding
    loop = _made(fn, sequences, outputs_info, non_sequences, n_steps, name)
    outputs, updates = loop.build(-1, save_every_N)
    kept = [o[save_every_N - 1 :: save_every_N] for o in outputs]
    return (kept[0] if len(kept) == 1 else kept), updates


__all__ = ["Scan", "scan", "scan_checkpoints"]
