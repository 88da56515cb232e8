"""Variables, the applications that made them, and walks over both.

A :class:`Variable` stands for one tensor of agnesi (``variable.tensor``), which says what is
computed.  Names, tags and the :class:`Apply` that a program walks over are kept beside it.  What a
gradient or a clone has made was never applied by a program: its ``owner`` is read off the tensor
when it is asked for.

before: T.tanh(T.dot(x, w))            what the program says
beside: Apply(tanh, [Apply(dot, [x, w])])    what .owner shows
below:  tanh(matmul(x, w))              agnesi's nodes, which derivatives and functions use
"""

from __future__ import annotations

import contextlib
import copy as _copy
import itertools
import linecache
import os
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

import agnesi as ag
from agnesi.graph.graph import rebuild as rebuild_tensors
from agnesi.graph.leaves import Leaf
from agnesi.ops.compressed import FromCompressed
from agnesi.ops.sparse import stored
from agnesi.theano.configparser import config
from agnesi.theano.gof import trace
from agnesi.theano.missing import submodule

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

# The variable that stands for a tensor, while somebody holds it.
_standing: WeakValueDictionary[int, Variable] = WeakValueDictionary()
# Told about each new variable: see nodes_constructed().
_observers: list[Callable[[Variable], None]] = []
# Of which given tensor a size is, by the size's id, while the tensor lives: it holds its sizes.
_sized: WeakValueDictionary[int, Any] = WeakValueDictionary()


# Frames of files in here are agnesi's own.
_PACKAGE = str(Path(ag.__file__).parent) + os.sep


class scratchpad:
    """A place for anything that belongs to a variable: ``x.tag.test_value``.

    ``x.tag.trace`` is a list of lists of calls, ``(file, line, function, text)``: those that led to
    where the variable was made, as many as ``config.traceback.limit`` says.
    """

    __slots__ = ("__dict__", "__weakref__", "_calls")

    if TYPE_CHECKING:
        trace: Any
        test_value: Any

    def __getattr__(self, name: str) -> Any:
        if name != "trace":
            raise AttributeError(f"'scratchpad' object has no attribute {name!r}")
        # Texts are read when somebody asks.
        self.trace = [[(f, n, c, linecache.getline(f, n).strip()) for f, n, c in self._calls]]
        return self.trace

    def __getstate__(self) -> Any:
        kept = dict(self.__dict__)
        if not config.pickle_test_value:
            kept.pop("test_value", None)
        return kept, getattr(self, "_calls", None)

    def __setstate__(self, state: Any) -> None:
        # Older pickles, and those without traces, have the dictionary alone.
        kept, calls = state if isinstance(state, tuple) else (state, None)
        self.__dict__.update(kept)
        if calls is not None:
            self._calls = calls

    def note_calls(self) -> None:
        """Remember which calls of the program led here."""
        limit = config.traceback.limit
        if not limit:
            return
        frame: Any = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        calls: list[tuple[str, int, str]] = []
        while frame is not None and len(calls) != limit:
            code = frame.f_code
            if code.co_filename.startswith(("<frozen runpy", _PACKAGE)):
                # What runs the program is not part of it.
                break
            calls.append((code.co_filename, frame.f_lineno, code.co_name))
            frame = frame.f_back
        if calls:
            self._calls = calls[::-1]

    def clear(self) -> None:
        """Forget everything."""
        self.__dict__.clear()

    def __update__(self, other: scratchpad) -> scratchpad:
        """Take over what is on another one."""
        self.__dict__.update(other.__dict__)
        return self

    def __str__(self) -> str:
        return f"scratchpad{self.__dict__}"

    __repr__ = __str__

    def info(self) -> None:
        """Print what is there."""
        print(f"<theano.gof.utils.scratchpad instance at {id(self)}>")
        for name, value in self.__dict__.items():
            print(f"  {name}: {value}")


# What run_params() returns for an op without parameters.
NoParams = object()


class Node:
    """What a graph is made of: variables and applications."""

    def get_parents(self) -> list[Any]:
        """Return what it was made of."""
        raise NotImplementedError


class Apply(Node):
    """An op applied to variables.

    Attributes:
        op: what was applied.
        inputs: to which variables.
        outputs: what came out.
        tag: a place for anything.
    """

    def __init__(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        if not isinstance(inputs, list | tuple):
            raise TypeError("The inputs of an Apply must be a list or tuple")
        if not isinstance(outputs, list | tuple):
            raise TypeError("The output of an Apply must be a list or tuple")
        self.op, self.inputs, self.outputs = op, list(inputs), list(outputs)
        self.tag = scratchpad()
        for what, variables in (("inputs", self.inputs), ("outputs", self.outputs)):
            for variable in variables:
                if not isinstance(variable, Variable):
                    raise TypeError(f"The {what} of an Apply are Variables, not {variable!r}")
        for index, output in enumerate(self.outputs):
            if output._owner is None:
                output._owner, output.index = self, index
            elif output._owner is not self or output.index != index:
                raise ValueError("All output variables passed to Apply must belong to it.")
        # An op that a program wrote computes from now on, also if make_node() was called by hand.
        computes = getattr(op, "_computes", None)
        if computes is not None:
            computes(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for see_to in _restored:
            see_to(self)

    @property
    def nin(self) -> int:
        """How many inputs there are."""
        return len(self.inputs)

    @property
    def nout(self) -> int:
        """How many outputs there are."""
        return len(self.outputs)

    def default_output(self) -> Variable:
        """Return the output that stands for all of them."""
        which = getattr(self.op, "default_output", None)
        if which is None:
            if len(self.outputs) == 1:
                return self.outputs[0]
            raise AttributeError(f"{self.op}.default_output should be an output index")
        return self.outputs[which]

    out = property(default_output)

    def get_parents(self) -> list[Any]:
        """Return the inputs."""
        return list(self.inputs)

    def clone(self) -> Apply:
        """Return the same application with outputs of its own."""
        return self.with_inputs(self.inputs)

    def clone_with_new_inputs(self, inputs: Sequence[Any], strict: bool = True) -> Apply:
        """Return the op applied to other inputs.

        Args:
            inputs: as many variables as there are.
            strict: make inputs of other types fit; else the op decides what they give.

        Raises:
            TypeError: an input cannot be made fit.
        """
        given = list(inputs)
        same = True
        for k, (old, new) in enumerate(zip(self.inputs, given, strict=True)):
            if old.type == new.type:
                continue
            if strict:
                given[k] = old.type.filter_variable(new)
            else:
                same = False
        if same:
            return self.with_inputs(given)
        made = self.op.make_node(*given)
        made.tag = _copy.copy(self.tag).__update__(made.tag)
        return made

    def with_inputs(self, inputs: Sequence[Any]) -> Apply:
        """Return the op on inputs of the same types, with outputs of the same types."""
        made = Apply.__new__(Apply)
        made.op, made.tag, made.inputs = self.op, _copy.copy(self.tag), list(inputs)
        tensors = [v.tensor for v in self.outputs]
        if any(a.tensor is not b.tensor for a, b in zip(self.inputs, inputs, strict=True)):
            tensors = self.tensors_of(inputs)
        made.outputs = [again(v, t) for v, t in zip(self.outputs, tensors, strict=True)]
        for index, output in enumerate(made.outputs):
            output._owner, output.index = made, index
        return made

    def tensors_of(self, inputs: Sequence[Any]) -> list[Any]:
        """Return what agnesi computes for the op on other inputs."""
        made = self.op.make_node(*inputs)
        return [
            _of_type(new, old.type).tensor
            for new, old in zip(made.outputs, self.outputs, strict=True)
        ]

    def __str__(self) -> str:
        return op_as_string(self.inputs, self)

    __repr__ = __str__

    def __asapply__(self) -> Apply:
        return self

    def run_params(self) -> Any:
        """Return the op's parameters, as its ``params_type`` wants them, or ``NoParams``."""
        get = getattr(self.op, "get_params", None)
        if get is None:
            return NoParams
        kind = getattr(self.op, "params_type", None)
        return get(self) if kind is None else kind.filter(get(self))

    def performed(self, inputs: Any, output_storage: Any) -> None:
        """Have the op compute: its ``perform`` is given parameters too, if it has some."""
        params = self.run_params()
        more = () if params is NoParams else (params,)
        self.op.perform(self, inputs, output_storage, *more)

    def run_context(self) -> str:
        """Return the device: the processor."""
        return "cpu"


def _of_type(variable: Any, kind: Any) -> Any:
    """Return a variable as one of a type, if it can be."""
    if variable.type == kind:
        return variable
    made = kind.convert_variable(variable)
    return variable if made is None else made


class Variable(Node):
    """A symbolic variable.

    Attributes:
        type: what it can hold.
        name: given by the program, or None.
        tag: a place for anything; ``tag.test_value`` is used while a graph is built.
        owner: the application that made it, None for what is given.
        index: which of the owner's outputs it is.
        tensor: what agnesi computes; None for what is no array.
    """

    __array_priority__ = 1000
    __count__ = itertools.count()
    tensor: Any

    def __getattr__(self, name: str) -> Any:
        if name == "tensor" and "fgraph" in self.__dict__:
            # What it depends on was rewritten, and nobody has asked for it since.
            return self.fgraph.tensor_of(self)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __init__(
        self,
        type: Any,
        owner: Apply | None = None,
        index: int | None = None,
        name: str | None = None,
        tensor: ag.Tensor | None = None,
    ) -> None:
        self.tag = scratchpad()
        self.tag.note_calls()
        self.type = type
        self._owner = owner
        self.index = index
        given: Any = name
        if given is not None and not isinstance(given, str):
            raise TypeError("name must be a string", given)
        self._name = name
        if tensor is None and hasattr(type, "new_tensor"):
            tensor = type.new_tensor(name)
        self.tensor = tensor
        self.auto_name = f"auto_{next(Variable.__count__)}"
        if self.tensor is not None:
            _standing.setdefault(id(self.tensor), self)
            if isinstance(self.tensor, Leaf):
                for size in self.tensor.type.shape:
                    if not isinstance(size, int):
                        _sized[id(size)] = self.tensor
        for observer in _observers:
            observer(self)

    name = property(
        lambda self: self._name,
        lambda self, name: self.__dict__.__setitem__("_name", name),
        doc="Given by the program, or None.",
    )

    @property
    def owner(self) -> Apply | None:
        """The application that made it; None for what is given."""
        if self._owner is None and self.tensor is not None:
            self._owner = derived_owner(self)
        return self._owner

    @owner.setter
    def owner(self, owner: Apply | None) -> None:
        self._owner = owner

    def get_parents(self) -> list[Any]:
        """Return the owner, if there is one."""
        return [] if self.owner is None else [self.owner]

    def clone(self) -> Variable:
        """Return a variable of the same type and name that is given, not computed."""
        fresh = self.type.make_variable(self.name)
        fresh.tag = _copy.copy(self.tag)
        return fresh

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        if self.owner is not None:
            default = getattr(self.owner.op, "default_output", None)
            return f"{self.owner.op}.{'out' if self.index == default else self.index}"
        return f"<{self.type}>"

    def __repr__(self, firstPass: bool = True) -> str:
        said = [str(self)]
        if config.print_test_value and firstPass:
            with suppress(AttributeError):
                said.append(self.__repr_test_value__())
        return "\n".join(said)

    def __repr_test_value__(self) -> str:
        """Return the test value as text."""
        from agnesi.theano.gof.op import get_test_value

        return repr(get_test_value(self))

    def __lt__(self, other: object) -> Any:
        raise NotImplementedError(f"Subclasses of Variable must provide __lt__: {self!r}")

    def eval(self, inputs_to_values: Mapping[Any, Any] | None = None) -> Any:
        """Compile and compute the value, given those of the variables it depends on.

        The compiled function is kept for the next time.
        """
        from agnesi.theano.compile.function_module import function

        given = dict(inputs_to_values or {})
        kept: dict[Any, Any] = self.__dict__.setdefault("_fn_cache", {})
        key = tuple(map(id, given))
        if key not in kept:
            kept[key] = function(list(given), self, on_unused_input="ignore")
        return kept[key](*given.values())

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_fn_cache", None)
        if "fgraph" in state:
            state["tensor"] = self.tensor
        return state

    @classmethod
    def append_construction_observer(cls, observer: Callable[[Variable], None]) -> None:
        """Call a function with each variable that is made from now on."""
        _observers.append(observer)

    @classmethod
    def remove_construction_observer(cls, observer: Callable[[Variable], None]) -> None:
        """Do not call it any more."""
        _observers.remove(observer)


class Constant(Variable):
    """A variable with a fixed value.

    Attributes:
        data: the value.
    """

    def __init__(self, type: Any, data: Any, name: str | None = None) -> None:
        self.data = type.filter(data)
        super().__init__(type, None, None, name, type.constant_tensor(self.data))

    @property
    def value(self) -> Any:
        """The value."""
        return self.data

    def equals(self, other: Any) -> bool:
        """Whether the other one is a constant of the same value."""
        return isinstance(other, Constant) and bool(self.signature() == other.signature())

    def signature(self) -> tuple[Any, ...]:
        """Return what is equal for equal constants."""
        if isinstance(self.data, np.ndarray):
            return self.type, self.data.shape, self.data.tobytes()
        return self.type, self.data

    def merge_signature(self) -> tuple[Any, ...]:
        """Return what is equal for constants of which one is enough."""
        return self.signature()

    def clone(self) -> Constant:
        """Return an equal constant."""
        fresh = type(self)(self.type, self.data, self.name)
        fresh.tag = _copy.copy(self.tag)
        return fresh

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        text = str(self.data)
        return f"Constant{{{text if len(text) <= 20 else f'{text[:10]}...{text[-10:]}'}}}"


# -- variables of tensors ------------------------------------------------------------------------

# Makes a variable of a tensor; put there by theano.tensor, which knows types.
_wrap: list[Callable[[ag.Tensor], Variable]] = []
# Sees to an application that comes out of a file.
_restored: list[Callable[[Apply], None]] = []


def stands_for(tensor: ag.Tensor) -> Variable:
    """Return the variable that stands for a tensor: the program's own if there is one."""
    known = _standing.get(id(tensor))
    return known if known is not None and known.tensor is tensor else _wrap[0](tensor)


def standing() -> list[Variable]:
    """Return the variables that somebody holds."""
    return list(_standing.values())


# Reads a tensor as an application; put there by theano.tensor, which knows ops.
_derivers: list[Callable[[Any], Apply | None]] = []


def without_tensors(args: Any) -> tuple[Any, ...]:
    """Return what a node is made of but for its operands."""
    return tuple(
        without_tensors(a) if isinstance(a, tuple) else None if isinstance(a, ag.Tensor) else a
        for a in args
    )


def same_tensor(a: Any, b: Any) -> bool:
    """Whether two tensors compute the same; equal ones are one object, but for constants."""
    stack: list[tuple[Any, Any]] = [(a, b)]
    seen: set[tuple[int, int]] = set()
    while stack:
        pair: Any = stack.pop()
        x, y = pair
        if x is y or (id(x), id(y)) in seen:
            continue
        seen.add((id(x), id(y)))
        if isinstance(x, tuple) and isinstance(y, tuple) and len(x) == len(y):
            stack += zip(x, y, strict=True)
        elif isinstance(x, ag.Tensor) and isinstance(y, type(x)) and type(x) is type(y):
            stack.append((x.args, y.args))
        elif isinstance(x, ag.Tensor) or isinstance(y, ag.Tensor) or x != y:
            return False
    return True


def new_sizes(old: Iterable[Any], new: Iterable[Any]) -> dict[Any, Any]:
    """Return what becomes of the sizes of tensors that others take the places of."""
    sizes: dict[Any, Any] = {}
    for before, after in zip(old, new, strict=True):
        for was, now in zip(before.type.shape, after.type.shape, strict=True):
            if not isinstance(was, int) and was is not now:
                sizes.setdefault(was, now)
    return sizes


def derived_owner(variable: Variable) -> Apply | None:
    """Return the application that a tensor is, for variables that no program made."""
    if isinstance(variable.tensor, Leaf) or not _derivers:
        return None
    if "cut" in variable.__dict__:
        return None
    own = variable.tensor
    if isinstance(own, FromCompressed) and isinstance(own.data, Leaf):
        # A sparse matrix that is given is made of several leaves.
        return None
    node = _derivers[0](variable)
    if node is not None:
        trace.note_line(variable)
    return node


# -- walks ---------------------------------------------------------------------------------------


def stack_search(
    start: Any, expand: Callable[[Any], Any], mode: str = "bfs", build_inv: bool = False
) -> Any:
    """Return what is reached from some nodes, in the order of a search."""
    if mode not in ("bfs", "dfs"):
        raise ValueError(f"mode should be bfs or dfs, not {mode!r}")
    queue: deque[Any] = deque(start)
    take = queue.popleft if mode == "bfs" else queue.pop
    found: list[Any] = []
    seen: set[int] = set()
    inverse: dict[Any, list[Any]] = {}
    while queue:
        node = take()
        if id(node) in seen:
            continue
        found.append(node)
        seen.add(id(node))
        more = expand(node)
        if more:
            for each in more:
                inverse.setdefault(each, []).append(node)
            queue.extend(more)
    return (found, inverse) if build_inv else found


def ancestors(variable_list: Iterable[Any], blockers: Iterable[Any] | None = None) -> list[Any]:
    """Return the variables that some depend on, themselves included; none behind blockers."""
    stop = {id(b) for b in blockers or ()}

    def expand(variable: Any) -> list[Any] | None:
        if variable.owner is not None and id(variable) not in stop:
            return list(reversed(variable.owner.inputs))
        return None

    return stack_search(variable_list, expand, "dfs")


def inputs(variable_list: Iterable[Any], blockers: Iterable[Any] | None = None) -> list[Any]:
    """Return the variables that are not computed, constants and shared ones too."""
    return [v for v in ancestors(variable_list, blockers) if v.owner is None]


def variables_and_orphans(i: Iterable[Any], o: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """Return the variables between inputs and outputs, and those that are no inputs."""
    given = {id(v) for v in i}

    def expand(variable: Any) -> list[Any] | None:
        if variable.owner is not None and id(variable) not in given:
            # All outputs of an application belong to the graph.
            return [*variable.owner.inputs, *variable.owner.outputs][::-1]
        return None

    found = stack_search(o, expand, "dfs")
    return found, [v for v in found if v.owner is None and id(v) not in given]


def variables(i: Iterable[Any], o: Iterable[Any]) -> list[Any]:
    """Return the variables between inputs and outputs, both included."""
    return variables_and_orphans(i, o)[0]


def orphans(i: Iterable[Any], o: Iterable[Any]) -> list[Any]:
    """Return the variables that outputs depend on and that are no inputs."""
    return variables_and_orphans(i, o)[1]


def io_toposort(
    inputs: Iterable[Any], outputs: Iterable[Any], orderings: Any = None, clients: Any = None
) -> list[Apply]:
    """Return the applications between inputs and outputs, each behind what it reads.

    Args:
        inputs: where to stop.
        outputs: where to begin.
        orderings: applications that have to come before one, by that one.
        clients: a dict that is filled with who depends on each variable and application.

    Raises:
        ValueError: there is a cycle.
    """
    given = set(inputs)
    if not orderings and clients is None:
        return _each_behind_its_inputs(outputs, given.__contains__)
    more = orderings or {}

    def needed(item: Any) -> list[Any]:
        if item in given:
            return []
        if isinstance(item, Apply):
            return [*item.inputs, *more.get(item, [])]
        return [] if item.owner is None else [item.owner, *more.get(item, [])]

    order = general_toposort(list(outputs), needed, clients=clients)
    return [item for item in order if isinstance(item, Apply)]


def _each_behind_its_inputs(outputs: Iterable[Any], is_given: Callable[[Any], bool]) -> list[Apply]:
    """Return applications in the order in which Theano numbers them: last inputs first."""
    order: list[Apply] = []
    done: set[Apply] = set()
    open_: set[Apply] = set()
    stack = [v.owner for v in reversed(list(outputs)) if v.owner is not None and not is_given(v)]
    while stack:
        node = stack.pop()
        if node in done:
            continue
        before = [v.owner for v in node.inputs if v.owner is not None and not is_given(v)]
        if all(b in done for b in before):
            done.add(node)
            order.append(node)
        elif node in open_:
            raise ValueError("graph contains cycles")
        else:
            open_.add(node)
            stack.append(node)
            stack.extend(before)
    return order


def general_toposort(
    outputs: Sequence[Any],
    deps: Callable[[Any], Any] | None,
    debug_print: bool = False,
    compute_deps_cache: Callable[[Any], Any] | None = None,
    deps_cache: dict[Any, Any] | None = None,
    clients: dict[Any, list[Any]] | None = None,
) -> list[Any]:
    """Return things, each behind what it depends on.

    Args:
        outputs: where to begin.
        deps: gives the list of what a thing depends on.
        debug_print: whether a cycle is printed.
        compute_deps_cache: as ``deps``, for programs that keep ``deps_cache`` themselves.
        deps_cache: what it depends on, by thing.
        clients: a dict that is filled with who depends on each thing.

    Raises:
        TypeError: what a thing depends on has no order.
        ValueError: there is a cycle.
    """
    ask: Any = compute_deps_cache or deps
    needs: dict[Any, list[Any]] = {}

    def needed(item: Any) -> list[Any]:
        if item not in needs:
            found = ask(item)
            if isinstance(found, set | frozenset | dict):
                raise TypeError(
                    "Non-deterministic collections here make toposort non-deterministic."
                )
            needs[item] = list(found or ())
            if deps_cache is not None:
                deps_cache[item] = needs[item]
        return needs[item]

    reached, users = stack_search(outputs, needed, "dfs", build_inv=True)
    if clients is not None:
        clients.update(users)
    missing = {item: len(set(needed(item))) for item in reached}
    ready = deque(item for item in reached if not missing[item])
    order: list[Any] = []
    while ready:
        item = ready.popleft()
        order.append(item)
        for user in dict.fromkeys(users.get(item, ())):
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    if len(order) != len(reached):
        if debug_print:
            print(reached, order)
        raise ValueError("graph contains cycles")
    return order


def ops(i: Iterable[Any], o: Iterable[Any]) -> set[Apply]:
    """Return the applications between inputs and outputs."""
    return set(io_toposort(i, o))


def list_of_nodes(inputs: Iterable[Any], outputs: Iterable[Any]) -> list[Apply]:
    """Return the applications between inputs and outputs, from the outputs on."""
    given = set(inputs)

    def expand(node: Apply) -> list[Apply]:
        before = [v.owner for v in node.inputs if v.owner is not None]
        return [n for n in before if not given.intersection(n.outputs)]

    return stack_search([o.owner for o in outputs], expand)


def is_in_ancestors(l_node: Apply, f_node: Apply) -> bool:
    """Whether the first application depends on the second, or is it."""
    return f_node in io_toposort([], l_node.outputs)


def is_same_graph(var1: Any, var2: Any, givens: Any = None, debug: bool = False) -> bool:
    """Whether two variables are the same applications of equal ops to the same variables.

    Args:
        var1: a variable.
        var2: another one.
        givens: variables by those whose places they take in both, as a dict or pairs.
        debug: nothing: there is one way to find out.
    """
    del debug
    swaps = dict(givens or {})
    return same_computation(var1, var2, swaps, swaps)


def same_computation(
    var1: Any, var2: Any, swaps1: Mapping[Any, Any], swaps2: Mapping[Any, Any]
) -> bool:
    """Whether two variables are the same computation, each with some replaced."""
    same: dict[tuple[Any, Any], bool] = {}
    stack: list[tuple[Any, Any]] = [(var1, var2)]
    while stack:
        pair = a, b = stack[-1]
        a, b = swaps1.get(a, a), swaps2.get(b, b)
        if pair in same:
            stack.pop()
        elif a is b or _equal_constants(a, b):
            same[pair] = True
        elif a.owner is None or b.owner is None or not _alike(a, b):
            same[pair] = False
        else:
            below = list(zip(a.owner.inputs, b.owner.inputs, strict=True))
            unknown = [p for p in below if p not in same]
            if unknown:
                stack += unknown
            else:
                same[pair] = all(same[p] for p in below)
    return same[var1, var2]


def _alike(a: Any, b: Any) -> bool:
    """Whether two variables are the same outputs of equal ops with as many inputs."""
    x, y = a.owner, b.owner
    return a.index == b.index and len(x.inputs) == len(y.inputs) and bool(x.op == y.op)


def _equal_constants(a: Any, b: Any) -> bool:
    return isinstance(a, Constant) and isinstance(b, Constant) and bool(a.equals(b))


def io_connection_pattern(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[list[bool]]:
    """Return, for each input, whether each output depends on it where ops can be derived."""
    reached: dict[Any, set[int]] = {v: {k} for k, v in enumerate(inputs)}
    for node in io_toposort(inputs, outputs):
        ask = getattr(node.op, "connection_pattern", None)
        pattern = ask(node) if ask is not None else [[True] * node.nout] * node.nin
        for k, output in enumerate(node.outputs):
            reached[output] = {
                which
                for source, connected in zip(node.inputs, pattern, strict=True)
                if connected[k]
                for which in reached.get(source, ())
            }
    return [[k in reached.get(o, ()) for o in outputs] for k in range(len(inputs))]


# -- copies --------------------------------------------------------------------------------------


def copied(
    outputs: Sequence[Any], replace: Mapping[Any, Any], *, leaves: bool = False
) -> tuple[list[Any], dict[Any, Any]]:
    """Return outputs with variables replaced, and what became of each variable.

    Everything above what is replaced is built anew; names and tags go along.

    Args:
        outputs: variables.
        replace: new variables by old ones.
        leaves: whether what is given is replaced by copies of it too.
    """
    seen = ancestors(outputs)
    swaps = dict(replace)
    if leaves:
        for variable in seen:
            if variable.owner is None and variable not in swaps:
                swaps[variable] = variable.clone()
    tensors = [v for v in seen if v.tensor is not None]
    changed = {old.tensor: new.tensor for old, new in swaps.items() if old.tensor is not None}
    news = rebuild_tensors([v.tensor for v in tensors], changed, followed_sizes(changed))
    became: dict[Any, Any] = dict(swaps)
    fresh = {id(v): t for v, t in zip(tensors, news, strict=True)}
    for node in io_toposort(list(swaps), outputs):
        if all(became.get(v, v) is v for v in node.inputs):
            continue
        made = [again(v, fresh.get(id(v), v.tensor)) for v in node.outputs if v not in became]
        for old, new in zip((v for v in node.outputs if v not in became), made, strict=True):
            became[old] = new
        new_node = Apply.__new__(Apply)
        new_node.op, new_node.tag = node.op, _copy.copy(node.tag)
        new_node.inputs = [became.get(v, v) for v in node.inputs]
        new_node.outputs = [became.get(v, v) for v in node.outputs]
        for index, (old, new) in enumerate(zip(node.outputs, new_node.outputs, strict=True)):
            if old not in swaps:
                new._owner, new.index = new_node, index
    return [became.get(v, v) for v in outputs], became


def followed_sizes(swaps: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what becomes of the sizes of tensors that are replaced by others."""
    sizes: dict[Any, Any] = {}
    for old, new in swaps.items():
        for was, now in zip(_sizes_told(old), _sizes_told(new), strict=False):
            if not isinstance(was, int) and was is not now:
                sizes.setdefault(was, now)
    return sizes


def _sizes_told(tensor: ag.Tensor) -> tuple[Any, ...]:
    """Return the sizes of a tensor; of a sparse matrix also how much is stored."""
    found = stored(tensor)
    return tensor.type.shape if found is None else found.sizes


def again(variable: Any, tensor: Any) -> Any:
    """Return a variable like another one for another tensor, without an owner."""
    kind: Any = type(variable)
    new = kind.__new__(kind)
    new.__dict__.update(variable.__dict__)
    for own in ("_fn_cache", "fgraph", "clients", "cut", "cached"):
        new.__dict__.pop(own, None)
    new.tag, new.__dict__["_owner"] = _copy.copy(variable.tag), None
    new.tensor = tensor
    new.auto_name = f"auto_{next(Variable.__count__)}"
    if tensor is not None:
        _standing.setdefault(id(tensor), new)
    for observer in _observers:
        observer(new)
    return new


def clone(
    i: Sequence[Any], o: Sequence[Any], copy_inputs: bool = True, copy_orphans: bool | None = None
) -> tuple[list[Any], list[Any]]:
    """Return copies of the inputs and of the outputs computed from them.

    Args:
        i: inputs.
        o: outputs.
        copy_inputs: whether inputs are copied, or shared with the copy.
        copy_orphans: the same for other variables that are given; None: as inputs.
    """
    became = clone_get_equiv(
        i, o, copy_inputs, copy_inputs if copy_orphans is None else copy_orphans
    )
    return [became[v] for v in i], [became[v] for v in o]


def clone_get_equiv(
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    copy_inputs: bool = True,
    copy_orphans: bool = True,
    memo: dict[Any, Any] | None = None,
) -> dict[Any, Any]:
    """Return what each variable and application became in a copy of a graph.

    Args:
        inputs: where the copy begins.
        outputs: where it ends.
        copy_inputs: whether inputs are copied, or shared with the copy.
        copy_orphans: the same for other variables that are given.
        memo: what some are to become; it is filled and returned.
    """
    became: dict[Any, Any] = {} if memo is None else memo
    for variable in inputs:
        if variable not in became:
            became[variable] = variable.clone() if copy_inputs else variable
    for node in io_toposort(inputs, outputs):
        for variable in node.inputs:
            if variable not in became:
                became[variable] = variable.clone() if copy_orphans else variable
        made = node.clone_with_new_inputs([became[v] for v in node.inputs])
        became.setdefault(node, made)
        for old, new in zip(node.outputs, made.outputs, strict=True):
            became.setdefault(old, new)
    for variable in outputs:
        if variable not in became:
            became[variable] = variable.clone()
    return became


def view_roots(r: Any) -> list[Any]:
    """Return the variables whose memory a variable shares, as ops' ``view_map`` say."""
    views = {} if r.owner is None else getattr(r.owner.op, "view_map", None) or {}
    if r.owner is None or r.index not in views:
        return [r]
    return [root for k in views[r.index] for root in view_roots(r.owner.inputs[k])]


# -- text ----------------------------------------------------------------------------------------

default_leaf_formatter = str


def default_node_formatter(op: Apply, argstrings: Sequence[str]) -> str:
    """Return an application as text, given that of its inputs."""
    return f"{op.op}({', '.join(argstrings)})"


def op_as_string(
    i: Iterable[Any],
    op: Apply,
    leaf_formatter: Callable[[Any], str] = default_leaf_formatter,
    node_formatter: Callable[[Apply, Sequence[str]], str] = default_node_formatter,
) -> str:
    """Return an application as text, with inputs by their names."""
    return node_formatter(op, as_string(i, op.inputs, leaf_formatter, node_formatter))


def as_string(
    i: Iterable[Any],
    o: Sequence[Any],
    leaf_formatter: Callable[[Any], str] = default_leaf_formatter,
    node_formatter: Callable[[Apply, Sequence[str]], str] = default_node_formatter,
) -> list[str]:
    """Return outputs as text, with inputs by their names.

    What is read more than once is written once, as ``*1 -> add(x, y)``, then as ``*1``.
    """
    given = set(i)
    uses: dict[Apply, int] = {}
    nodes = io_toposort(given, o)
    for variable in [*o, *(v for n in nodes for v in n.inputs)]:
        if variable.owner is not None and variable not in given:
            uses[variable.owner] = uses.get(variable.owner, 0) + 1
    numbers: dict[Apply, int] = {}

    def text(variable: Any) -> str:
        node = variable.owner
        if node is None or variable in given:
            return leaf_formatter(variable)
        which = f"::{variable.index}" if node.nout > 1 else ""
        if node in numbers:
            return f"*{numbers[node]}{which}"
        if uses[node] > 1:
            numbers[node] = len(numbers) + 1
            mark = f"*{numbers[node]} -> "
        else:
            mark = ""
        return f"{mark}{node_formatter(node, [text(v) for v in node.inputs])}"

    return [text(v) for v in o]


@contextlib.contextmanager
def nodes_constructed() -> Generator[list[Any]]:
    """A context that gives a list of the variables made in it."""
    made: list[Any] = []
    observer = made.append
    _observers.append(observer)
    try:
        yield made
    finally:
        _observers.remove(observer)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
