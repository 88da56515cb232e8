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

import copy as _copy
import itertools
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import agnesi as ag
from agnesi.graph.graph import rebuild as rebuild_tensors
from agnesi.graph.graph import with_operands
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import Leaf
from agnesi.theano.configparser import config
from agnesi.theano.missing import submodule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# The variable that stands for a tensor, while somebody holds it.
_standing: WeakValueDictionary[int, Variable] = WeakValueDictionary()
_auto_names = itertools.count()


class scratchpad:
    """A place for anything that belongs to a variable: ``x.tag.test_value``."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def clear(self) -> None:
        """Forget everything."""
        self.__dict__.clear()

    def __str__(self) -> str:
        return f"scratchpad{self.__dict__}"

    def info(self) -> None:
        """Print what is there."""
        print(f"<theano.gof.utils.scratchpad instance at {id(self)}>")
        for name, value in self.__dict__.items():
            print(f"  {name}: {value}")


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
        return self.clone_with_new_inputs(self.inputs)

    def clone_with_new_inputs(self, inputs: Sequence[Any], strict: bool = True) -> Apply:
        """Return the op applied to other inputs."""
        del strict
        new = self.op.make_node(*inputs)
        new.tag = _copy.copy(self.tag)
        for old, now in zip(self.outputs, new.outputs, strict=True):
            now.name, now.tag = old.name, _copy.copy(old.tag)
        return new

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.inputs))})"

    __repr__ = __str__

    def run_context(self) -> str:
        """Return the device: the processor."""
        return "cpu"


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
    tensor: Any

    if TYPE_CHECKING:
        # What kinds of variables have, and whatever a program hangs on to one.
        def __getattr__(self, name: str) -> Any: ...

    def __init__(
        self,
        type: Any,
        owner: Apply | None = None,
        index: int | None = None,
        name: str | None = None,
        tensor: ag.Tensor | None = None,
    ) -> None:
        self.tag = scratchpad()
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
        self.auto_name = f"auto_{next(_auto_names)}"
        if self.tensor is not None:
            _standing.setdefault(id(self.tensor), self)

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
        return state


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
        return (
            isinstance(other, Constant) and self.type == other.type and self.tensor is other.tensor
        )

    def signature(self) -> tuple[Any, ...]:
        """Return what is equal for equal constants."""
        return self.type, str(self.data)

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


def stands_for(tensor: ag.Tensor) -> Variable:
    """Return the variable that stands for a tensor: the program's own if there is one."""
    known = _standing.get(id(tensor))
    return known if known is not None and known.tensor is tensor else _wrap[0](tensor)


class TensorOp:
    """The op of a variable that no program applied: a node of agnesi.

    Attributes:
        node: the node.
    """

    default_output = None

    def __init__(self, node: ag.Tensor) -> None:
        self.node = node
        self.name = type(node).__name__

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorOp) and self._attributes() == other._attributes()

    def __hash__(self) -> int:
        return hash(self._attributes())

    def _attributes(self) -> tuple[Any, ...]:
        attributes = tuple(str(a) for a in self.node.args if not isinstance(a, ag.Tensor | tuple))
        return type(self.node), *attributes

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application to other variables."""
        made = with_operands(self.node, [v.tensor for v in inputs])
        output = _wrap[0](made)
        output._owner = None
        return Apply(TensorOp(made), inputs, [output])

    def __call__(self, *inputs: Any) -> Variable:
        return self.make_node(*inputs).outputs[0]


def derived_owner(variable: Variable) -> Apply | None:
    """Return the application that a tensor is, for variables that no program made."""
    tensor = variable.tensor
    if tensor is None or isinstance(tensor, Leaf) or not tensor.operands:
        return None
    variable._owner = node = Apply.__new__(Apply)
    node.op, node.tag = TensorOp(tensor), scratchpad()
    node.inputs, node.outputs = [stands_for(t) for t in tensor.operands], [variable]
    variable.index = 0
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
            return list(variable.owner.inputs) + list(variable.owner.outputs)
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
    """Return the applications between inputs and outputs, each behind what it reads."""
    del orderings, clients
    given = {id(v) for v in inputs}
    order: list[Apply] = []
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(v, False) for v in reversed(list(outputs))]
    while stack:
        variable, ready = stack.pop()
        node = variable.owner
        if node is None or id(variable) in given or id(node) in seen:
            continue
        if ready:
            seen.add(id(node))
            order.append(node)
        else:
            stack.append((variable, True))
            stack.extend((v, False) for v in reversed(node.inputs))
    return order


def general_toposort(outputs: Iterable[Any], deps: Callable[[Any], Any], **_: Any) -> list[Any]:
    """Return things, each behind what it depends on."""
    order: list[Any] = []
    done: set[int] = set()
    stack: list[tuple[Any, bool]] = [(o, False) for o in reversed(list(outputs))]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done.add(id(node))
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((d, False) for d in reversed(list(deps(node) or ())))
    return order


def ops(i: Iterable[Any], o: Iterable[Any]) -> set[Apply]:
    """Return the applications between inputs and outputs."""
    return set(io_toposort(i, o))


def list_of_nodes(inputs: Iterable[Any], outputs: Iterable[Any]) -> list[Apply]:
    """Return the applications between inputs and outputs."""
    return io_toposort(inputs, outputs)


def is_in_ancestors(l_node: Apply, f_node: Apply) -> bool:
    """Whether the first application depends on the second."""
    return f_node in io_toposort([], l_node.outputs)


def is_same_graph(var1: Any, var2: Any, givens: Any = None, debug: bool = False) -> bool:
    """Whether two variables are the same computation of the same variables."""
    from agnesi.theano.scan_module.scan_utils import clone

    del debug
    if givens:
        var1, var2 = clone([var1, var2], replace=givens)
    return _same_below(var1.tensor, var2.tensor)


def _same_below(a: Any, b: Any) -> bool:
    """Whether two tensors are equal; equal ones are one object, but for constants' wrappers."""
    return a is b or (
        isinstance(a, ConstantTensor) and isinstance(b, ConstantTensor) and a.args == b.args
    )


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
    sizes: dict[Any, Any] = {}
    for old, new in changed.items():
        for was, now in zip(old.type.shape, new.type.shape, strict=True):
            if not isinstance(was, int) and was is not now:
                sizes.setdefault(was, now)
    news = rebuild_tensors([v.tensor for v in tensors], changed, sizes)
    became: dict[Any, Any] = dict(swaps)
    fresh = {id(v): t for v, t in zip(tensors, news, strict=True)}
    for node in io_toposort(list(swaps), outputs):
        if all(became.get(v, v) is v for v in node.inputs):
            continue
        made = [_again(v, fresh.get(id(v), v.tensor)) for v in node.outputs if v not in became]
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


def _again(variable: Any, tensor: Any) -> Any:
    """Return a variable like another one for another tensor."""
    kind: Any = type(variable)
    new = kind.__new__(kind)
    new.__dict__.update(variable.__dict__)
    new.__dict__.pop("_fn_cache", None)
    new.tag, new._owner = _copy.copy(variable.tag), None
    new.tensor = tensor
    new.auto_name = f"auto_{next(_auto_names)}"
    if tensor is not None:
        _standing.setdefault(id(tensor), new)
    return new


def clone(
    i: Sequence[Any], o: Sequence[Any], copy_inputs: bool = True
) -> tuple[list[Any], list[Any]]:
    """Return copies of the inputs and of the outputs computed from them."""
    equivalent = clone_get_equiv(i, o, copy_inputs)
    return [equivalent[v] for v in i], [equivalent[v] for v in o]


def clone_get_equiv(
    inputs: Sequence[Any], outputs: Sequence[Any], copy_inputs: bool = True, **_: Any
) -> dict[Any, Any]:
    """Return what each variable became in a copy of a graph."""
    swaps = {v: (v.clone() if copy_inputs else v) for v in inputs}
    news, became = copied(outputs, swaps)
    became = {**{v: v for v in ancestors(outputs)}, **became}
    became.update(zip(outputs, news, strict=True))
    return became


def view_roots(r: Any) -> list[Any]:
    """Return the variables whose memory a variable may share: itself."""
    return [r]


def as_string(i: Any, o: Any, *_: Any, **__: Any) -> list[str]:
    """Return outputs as text, with inputs by their names."""
    del i
    from agnesi.theano.printing import pp

    return [pp(v) for v in o]


def nodes_constructed() -> Iterator[list[Any]]:
    """Not kept here."""
    raise NotImplementedError("theano.gof.graph.nodes_constructed: agnesi does not note new nodes")


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
