"""Graphs between inputs and outputs, which rewrites change in place.

What a variable of a graph computes (``variable.tensor``) goes with the graph: where an input of an
application is changed, what lies above forgets its tensors, and has them built anew, by the ops'
``make_node``, when somebody asks.

before: exp(log(x)) + 1
replace(exp(log(x)), x)
after:  x + 1                   the sum's tensor is built again on that of x
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from agnesi.compile.shared import Shared
from agnesi.graph.leaves import Input
from agnesi.theano.configparser import config
from agnesi.theano.gof import graph
from agnesi.theano.gof.graph import Apply, Constant, again
from agnesi.theano.gof.toolbox import AlreadyThere, BadOptimization, ReplaceValidate
from agnesi.theano.gof.utils import InconsistencyError as InconsistencyError
from agnesi.theano.gof.utils import get_variable_trace_string, object2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class MissingInputError(Exception):
    """A graph depends on a variable that is not among its inputs."""

    def __init__(self, *args: Any, variable: Any = None) -> None:
        more = () if variable is None else (get_variable_trace_string(variable),)
        super().__init__("\n".join([*map(str, args), *(m for m in more if m)]))


class CachedConstantError(Exception):
    """A constant belongs to a cache; not raised here, where constants are not shared so."""


class FunctionGraph(object2):
    """Inputs, outputs, and the applications between them.

    Attributes:
        inputs: the variables that are given.
        outputs: the variables that are wanted.
        apply_nodes: the applications, a set.
        variables: the variables, a set; each has ``clients``, where it is read.
        update_mapping: the number of the input that an output is the new value of, by output.
        profile: None: rewrites are not timed.
        name: of the function that it is of.

    Args:
        inputs: variables; with ``clone``, computed ones too.
        outputs: variables.
        features: what is told about changes, from the first application on.
        clone: whether the graph is made of copies; without, the variables belong to the graph.
        update_mapping: see there.

    Raises:
        MissingInputError: outputs depend on a variable that is not among the inputs.
    """

    name: str | None = None

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        features: Any = None,
        clone: bool = True,
        update_mapping: Any = None,
    ) -> None:
        self.execute_callbacks_time = 0.0
        self.execute_callbacks_times: dict[Any, float] = {}
        self._features: list[Any] = []
        self.apply_nodes: set[Any] = set()
        self.variables: set[Any] = set()
        self.profile = None
        self.update_mapping = update_mapping
        # What each variable and application of the program became.
        self._copies: dict[Any, Any] = {}
        inputs, outputs = list(inputs), list(outputs)
        if clone:
            inputs, outputs = self._copied(inputs, outputs)
        self.inputs, self.outputs = inputs, outputs
        self._given = {id(v.tensor): v for v in inputs if v.tensor is not None}
        for feature in features or ():
            self.attach_feature(feature)
        self.attach_feature(ReplaceValidate())
        for variable in inputs:
            if variable.owner is not None:
                raise ValueError(
                    "One of the provided inputs is the output of an already existing node. If that "
                    "is okay, either discard that input's owner or use graph.clone."
                )
            self._take(variable)
        for k, variable in enumerate(outputs):
            self.outputs[k] = variable = self._own(variable)
            self.import_r(variable, reason="init")
        for k, variable in enumerate(outputs):
            variable.clients.append(("output", k))

    # -- what it is made of ----------------------------------------------------------------------

    def _copied(self, inputs: list[Any], outputs: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return copies that compute the same tensors, of inputs and of all that is above."""
        became = self._copies
        given: dict[int, Any] = {}
        for variable in inputs:
            copy = again(variable, variable.tensor)
            if variable.owner is not None:
                copy.__dict__["cut"] = True
            became[variable] = copy
            if variable.tensor is not None:
                given[id(variable.tensor)] = copy

        def is_given(variable: Any) -> bool:
            if variable in became:
                return True
            known = given.get(id(variable.tensor))
            return known is not None and (variable.owner is None or "cut" in known.__dict__)

        def copy_of(variable: Any) -> Any:
            if variable not in became:
                known = given[id(variable.tensor)] if is_given(variable) else None
                became[variable] = again(variable, variable.tensor) if known is None else known
            return became[variable]

        for node in graph._each_behind_its_inputs(outputs, is_given):
            became[node] = made = node.with_inputs([copy_of(v) for v in node.inputs])
            for old, new in zip(node.outputs, made.outputs, strict=True):
                became.setdefault(old, new)
        return [became[v] for v in inputs], [copy_of(v) for v in outputs]

    def _own(self, variable: Any) -> Any:
        """Return the graph's variable for one of the program's, or for another one like an input.

        A rewrite that asks agnesi for a gradient gets variables of the program, not of the graph.
        """
        if variable in self.variables:
            return variable
        known = self._copies.get(variable)
        if known is None and variable.owner is None and not isinstance(variable, Constant):
            known = self._given.get(id(variable.tensor))
        return variable if known is None else known

    def add_input(self, input: Any) -> None:
        """Add a variable to those that are given."""
        if input not in self.inputs:
            self.inputs.append(input)
            self._take(input)
            if input.tensor is not None:
                self._given[id(input.tensor)] = input

    def _take(self, variable: Any) -> None:
        """Make a variable one of this graph, without clients."""
        owned = variable.__dict__.get("fgraph")
        if owned is not None and owned is not self:
            raise Exception(f"{variable} is already owned by another fgraph")
        variable.fgraph, variable.clients = self, []
        self.variables.add(variable)

    def disown(self) -> None:
        """Let go of all variables and applications; the graph is not to be used any more."""
        for feature in list(self._features):
            self.remove_feature(feature)
        for variable in self.variables:
            variable.__dict__["tensor"] = variable.tensor
        for item in (*self.apply_nodes, *self.variables):
            for own in ("fgraph", "clients", "deps"):
                item.__dict__.pop(own, None)
        self.apply_nodes, self.variables = set(), set()
        self.inputs: Any = None
        self.outputs: Any = None
        self.update_mapping = None

    def clients(self, r: Any) -> list[tuple[Any, int]]:
        """Return where a variable is read: applications, with the number of the input.

        An output of the graph is read by ``"output"``.
        """
        return r.clients

    def add_client(self, r: Any, new_client: tuple[Any, int]) -> None:
        """Note that a variable is read somewhere."""
        r.clients.append(new_client)

    def remove_client(self, r: Any, client_to_remove: tuple[Any, int], reason: Any = None) -> None:
        """Note that a variable is not read there any more; what nobody reads leaves the graph."""
        stack = [(r, client_to_remove)]
        while stack:
            variable, client = stack.pop()
            variable.clients.remove(client)
            if variable.clients:
                continue
            node = variable.owner
            if node is None:
                self.variables.discard(variable)
                del variable.fgraph
            elif not any(v.clients for v in node.outputs):
                node.tag.__dict__.setdefault("removed_by", []).append(str(reason))
                self.apply_nodes.remove(node)
                self.variables.difference_update(node.outputs)
                self.execute_callbacks("on_prune", node, reason)
                stack.extend((v, (node, k)) for k, v in enumerate(node.inputs))

    def import_r(self, variable: Any, reason: Any = None) -> None:
        """Make a variable, and all it depends on, part of the graph.

        Raises:
            MissingInputError: it depends on a variable that is not given.
        """
        node = variable.owner
        if node is not None and node not in self.apply_nodes:
            self.import_node(node, reason=reason)
        elif self._is_missing(variable):
            raise MissingInputError("Undeclared input", variable=variable)
        if variable.__dict__.get("fgraph") is not self:
            self._take(variable)
        self.variables.add(variable)

    def _is_missing(self, variable: Any) -> bool:
        """Whether a value would have to be given for a variable and is not."""
        if variable.owner is not None or isinstance(variable, Constant) or variable in self.inputs:
            return False
        if getattr(variable, "belongs_to", None) is not None:
            # One of the arrays that a sparse matrix is made of.
            return False
        return variable.tensor is None or isinstance(variable.tensor, Input | Shared)

    def import_node(self, apply_node: Apply, check: bool = True, reason: Any = None) -> None:
        """Make an application, and all it depends on, part of the graph.

        Raises:
            MissingInputError: it depends on a variable that is not given.
        """
        news = graph._each_behind_its_inputs(
            apply_node.outputs, lambda v: v in self.variables or v in self._copies
        )
        for node in news:
            self._adopt(node)
            if check:
                self._check_new(node)
        for node in news:
            node.__dict__["fgraph"], node.__dict__["deps"] = self, {}
            self.apply_nodes.add(node)
            node.tag.__dict__.setdefault("imported_by", []).append(str(reason))
            for variable in node.outputs:
                self._take(variable)
            for k, variable in enumerate(node.inputs):
                if variable not in self.variables:
                    self.import_r(variable, reason=reason)
                self.add_client(variable, (node, k))
            self.execute_callbacks("on_import", node, reason)

    def _adopt(self, node: Any) -> None:
        """Have an application read the graph's own variables."""
        mine = [self._own(v) for v in node.inputs]
        changed = any(a.tensor is not b.tensor for a, b in zip(mine, node.inputs, strict=True))
        node.inputs[:] = mine
        if changed:
            for variable in node.outputs:
                variable.__dict__["fgraph"] = self
                variable.__dict__.pop("tensor", None)

    def _check_new(self, node: Any) -> None:
        for item in (node, *node.inputs):
            owned = item.__dict__.get("fgraph")
            if owned is not None and owned is not self:
                raise Exception(f"{item} is already owned by another fgraph")
        for k, variable in enumerate(node.inputs):
            if self._is_missing(variable):
                raise MissingInputError(
                    f"Input {k} of the graph (indices start from 0), used to compute {node}, was "
                    "not provided and not given a value. Use the Theano flag "
                    "exception_verbosity='high', for more information on this error.",
                    variable=variable,
                )
        for name in ("view_map", "destroy_map"):
            said = getattr(node.op, name, None) or {}
            if not all(isinstance(which, list | tuple) for which in said.values()):
                raise Exception(
                    f"Op '{node.op}' have a bad {name.replace('_', ' ')} '{said}', the values must "
                    "be tuples or lists."
                )

    __import_r__, __import__ = import_r, import_node
    __add_client__, __remove_client__ = add_client, remove_client

    # -- changes ---------------------------------------------------------------------------------

    def change_input(self, node: Any, i: int, new_r: Any, reason: Any = None) -> None:
        """Have an application read another variable of the same type.

        Args:
            node: the application; ``"output"`` for an output of the graph.
            i: number of the input.
            new_r: what it is to read.
            reason: what features are told.

        Raises:
            TypeError: the variable has another type.
        """
        where = self.outputs if node == "output" else node.inputs
        if node != "output" and node.__dict__.get("fgraph") is not self:
            raise Exception(
                f"Cannot operate on {node} because it does not belong to this FunctionGraph"
            )
        old, new_r = where[i], self._own(new_r)
        if not old.type == new_r.type:
            raise TypeError(
                "The type of the replacement must be the same as the type of the original "
                "Variable.",
                old,
                new_r,
            )
        where[i] = new_r
        if old is new_r:
            return
        self.import_r(new_r, reason=reason)
        self.add_client(new_r, (node, i))
        self.remove_client(old, (node, i), reason=reason)
        if node != "output":
            self._forget(node, i, old)
        self.execute_callbacks("on_change_input", node, i, old, new_r, reason=reason)

    def replace(self, r: Any, new_r: Any, reason: Any = None, verbose: bool | None = None) -> None:
        """Have whatever reads a variable read another one.

        Nothing happens where the graph does not have the variable.

        Args:
            r: what is replaced.
            new_r: a variable of its type, or of one that can be made it.
            reason: what features are told.
            verbose: whether the change is printed; by default as settings say.

        Raises:
            BadOptimization: the types differ.
        """
        if verbose or (verbose is None and config.optimizer_verbose):
            print(reason, r, new_r)
        if r.__dict__.get("fgraph", self) is not self:
            raise Exception(
                f"Cannot replace {r} because it does not belong to this FunctionGraph", str(reason)
            )
        if r.type != new_r.type:
            new_r = self._converted(r, new_r, reason)
        if r not in self.variables:
            return
        if config.compute_test_value != "off":
            _check_test_values(r, new_r, reason)
        for node, k in list(r.clients):
            self.change_input(node, k, new_r, reason=reason)

    @staticmethod
    def _converted(old: Any, new: Any, reason: Any) -> Any:
        made = old.type.convert_variable(new)
        if made is not None and made.type == old.type:
            return made
        from agnesi.theano.printing import debugprint

        texts = [debugprint(v, depth=6, print_type=True, file="str") for v in (old, new)]
        raise BadOptimization(
            old,
            new,
            None,
            None,
            f"{reason}. The type of the replacement must be the same.",
            *texts,
        )

    def replace_all(self, pairs: Iterable[tuple[Any, Any]], reason: Any = None) -> None:
        """Replace variables by others, one after the other."""
        for old, new in pairs:
            self.replace(old, new, reason=reason)

    def _forget(self, node: Any, place: int | None = None, old: Any = None) -> None:
        """Forget what an application and all above it compute.

        Args:
            node: the application.
            place: which of its inputs was ``old`` until now.
            old: see there.
        """
        affected: dict[Any, None] = {}
        stack = [node]
        while stack:
            at = stack.pop()
            if at == "output" or at in affected or _is_forgotten(at):
                continue
            affected[at] = None
            stack.extend(client for v in at.outputs for client, _ in v.clients)
        for at in affected:
            read = [old if at is node and k == place else v for k, v in enumerate(at.inputs)]
            was = [v.tensor for v in read], [v.tensor for v in at.outputs]
            at.__dict__["was"] = was
        for at in affected:
            for variable in at.outputs:
                if variable.tensor is not None:
                    del variable.tensor

    def tensor_of(self, variable: Any) -> Any:
        """Return what a variable computes since what it depends on was changed.

        Raises:
            InconsistencyError: it depends on itself.
        """
        stack = [variable.owner]
        open_: set[Any] = set()
        while stack:
            node = stack[-1]
            if all("tensor" in v.__dict__ for v in node.outputs):
                stack.pop()
                continue
            below = [v.owner for v in node.inputs if "tensor" not in v.__dict__]
            if below and node in open_:
                raise InconsistencyError("Dependency graph contains cycles")
            open_.add(node)
            if below:
                stack.extend(below)
                continue
            for output, tensor in zip(node.outputs, _computed_again(node), strict=True):
                output.tensor = tensor
                graph._standing.setdefault(id(tensor), output)
        return variable.__dict__["tensor"]

    def check_cycles(self, changed: Iterable[Any]) -> None:
        """Raise if one of some variables depends on what reads it.

        Raises:
            InconsistencyError: one does.
        """
        for variable in changed:
            readers = {node for node, _ in variable.__dict__.get("clients", ())}
            stack, seen = [variable], set[Any]()
            while stack:
                node = stack.pop().owner
                if node is None or node in seen:
                    continue
                if node in readers:
                    raise InconsistencyError("Dependency graph contains cycles")
                seen.add(node)
                stack.extend(node.inputs)

    # -- features --------------------------------------------------------------------------------

    def attach_feature(self, feature: Any) -> None:
        """Have a feature told about changes, unless it or one like it is there already."""
        if feature in self._features:
            return
        attach = getattr(feature, "on_attach", None)
        if attach is not None:
            try:
                attach(self)
            except AlreadyThere:
                return
        self.execute_callbacks_times.setdefault(feature, 0.0)
        self._features.append(feature)

    def remove_feature(self, feature: Any) -> None:
        """Tell a feature about changes no more."""
        if feature not in self._features:
            return
        self._features.remove(feature)
        detach = getattr(feature, "on_detach", None)
        if detach is not None:
            detach(self)

    def execute_callbacks(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Call a method of each feature that has it, with the graph and arguments."""
        begun = time.perf_counter()
        for feature in list(self._features):
            method = getattr(feature, name, None)
            if method is None:
                continue
            before = time.perf_counter()
            method(self, *args, **kwargs)
            spent = time.perf_counter() - before
            times = self.execute_callbacks_times
            times[feature] = times.get(feature, 0.0) + spent
        self.execute_callbacks_time += time.perf_counter() - begun

    def collect_callbacks(self, name: str, *args: Any) -> dict[Any, Any]:
        """Return what a method of each feature that has it returns, by feature."""
        return {f: getattr(f, name)(*args) for f in self._features if hasattr(f, name)}

    # -- looking at it ---------------------------------------------------------------------------

    def toposort(self) -> list[Any]:
        """Return the applications, each behind what it reads and what features want before it."""
        if len(self.apply_nodes) < 2:
            return list(self.apply_nodes)
        return graph.io_toposort(self.inputs, self.outputs, self.orderings())

    def orderings(self) -> OrderedDict[Any, list[Any]]:
        """Return what features want before applications.

        Raises:
            TypeError: a feature gives something without an order.
        """
        wanted: OrderedDict[Any, list[Any]] = OrderedDict()
        for feature in self._features:
            if not hasattr(feature, "orderings"):
                continue
            said = feature.orderings(self)
            if not isinstance(said, OrderedDict):
                raise TypeError(
                    f"Non-deterministic return value from {feature.orderings}. Nondeterministic "
                    f"object is {said}"
                )
            for node, before in said.items():
                if isinstance(before, set | frozenset):
                    raise TypeError(
                        "prereqs must be a type with a deterministic iteration order, or toposort "
                        " will be non-deterministic."
                    )
                wanted.setdefault(node, []).extend(before)
        return wanted

    def check_integrity(self) -> None:
        """Raise if what is kept about the graph does not agree with it."""
        nodes = graph.ops(self.inputs, self.outputs)
        if nodes != self.apply_nodes:
            raise Exception(
                "The nodes are inappropriately cached. missing, in excess: ",
                nodes - self.apply_nodes,
                self.apply_nodes - nodes,
            )
        found = set(graph.variables(self.inputs, self.outputs))
        # An input that nothing reads may have left.
        if found - self.variables or self.variables - found - set(self.inputs):
            raise Exception(
                "The variables are inappropriately cached. missing, in excess: ",
                found - self.variables,
                self.variables - found,
            )
        reads: dict[Any, Any] = {(n, k): v for n in nodes for k, v in enumerate(n.inputs)}
        reads.update({("output", k): v for k, v in enumerate(self.outputs)})
        for client, variable in reads.items():
            if variable.fgraph is not self or client not in variable.clients:
                raise Exception("Inconsistent clients list.", client, variable)
        for variable in found:
            if self._is_missing(variable):
                raise Exception("Undeclared input.", variable)
            for client in variable.clients:
                if reads.get(tuple(client)) is not variable:
                    raise Exception("Client not in FunctionGraph.", variable, client)
        for node in nodes:
            if node.__dict__.get("fgraph") is not self:
                raise Exception("Node should belong to the FunctionGraph.", node)

    def __str__(self) -> str:
        return f"[{', '.join(graph.as_string(self.inputs, self.outputs))}]"

    __repr__ = __str__

    # -- copies ----------------------------------------------------------------------------------

    def clone(self, check_integrity: bool = True) -> FunctionGraph:
        """Return a copy, with the same features."""
        return self.clone_get_equiv(check_integrity)[0]

    def clone_get_equiv(
        self, check_integrity: bool = True, attach_feature: bool = True
    ) -> tuple[FunctionGraph, dict[Any, Any]]:
        """Return a copy, and what each variable and application became."""
        if check_integrity:
            self.check_integrity()
        made = FunctionGraph(self.inputs, self.outputs, update_mapping=self.update_mapping)
        if attach_feature:
            for feature in self._features:
                made.attach_feature(feature)
        return made, made._copies

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for feature in self._features:
            for name in getattr(feature, "pickle_rm_attr", ()):
                state.pop(name, None)
        state["execute_callbacks_times"], state["_copies"] = {}, {}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for feature in self._features:
            if hasattr(feature, "unpickle"):
                feature.unpickle(self)


def _is_forgotten(node: Any) -> bool:
    return not all("tensor" in v.__dict__ for v in node.outputs)


def _computed_again(node: Any) -> list[Any]:
    """Return what an application computes of what its inputs compute now.

    That is what the op's ``make_node`` gives; where it takes other inputs than what a gradient has
    made of them, it is what was computed before, with other tensors in the inputs' places.
    """
    before, after = node.__dict__.pop("was", ([], []))
    try:
        return node.tensors_of(node.inputs)
    except Exception:
        pairs = [(a, v.tensor) for a, v in zip(before, node.inputs, strict=False)]
        pairs = [(a, b) for a, b in pairs if a is not b]
        swaps = dict(pairs)
        if None in swaps or not after or any(swaps[a] is not b for a, b in pairs):
            raise
        return graph.rebuild_tensors(after, swaps, graph.new_sizes(swaps, swaps.values()))


def _check_test_values(old: Any, new: Any, reason: Any) -> None:
    """Raise if the test values of what is replaced and its replacement differ in their shapes."""
    from agnesi.theano.gof.op import get_test_value

    try:
        shapes = [getattr(get_test_value(v), "shape", None) for v in (old, new)]
    except AttributeError:
        return
    if shapes[0] != shapes[1]:
        raise AssertionError(
            "The replacement variable has a test value with a shape different from the original "
            f"variable's test value. Original: {shapes[0]}, new: {shapes[1]}",
            old,
            new,
            str(reason),
        )
