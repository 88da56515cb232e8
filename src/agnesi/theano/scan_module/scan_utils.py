"""What scans and programs around them need: copies of graphs, comparisons, ends."""

from __future__ import annotations

import copy
from collections import OrderedDict
from contextlib import suppress
from functools import reduce
from operator import xor
from typing import Any

import numpy as np

from agnesi.theano.compile.function_module import pairs_of, replacement
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import (
    Constant,
    Variable,
    ancestors,
    copied,
    inputs,
    io_toposort,
    same_computation,
)
from agnesi.theano.gof.op import get_test_value
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import (
    alloc,
    as_tensor_variable,
    concatenate,
    constant,
    get_scalar_constant_value,
    zeros,
)
from agnesi.theano.tensor.shapes import shape_tuple


class until:
    """What a step returns to end a loop: the step where the condition holds is the last one."""

    def __init__(self, condition: Any) -> None:
        self.condition = as_tensor_variable(condition)
        if self.condition.ndim:
            raise TypeError(f"until: a scalar, not {self.condition.type}")


def clone(
    output: Any,
    replace: Any = None,
    strict: bool = True,
    share_inputs: bool = True,
    copy_inputs: Any = None,
) -> Any:
    """Return variables with others in the place of some.

    Args:
        output: a variable, or a list of them.
        replace: new variables by old ones, as a dict or pairs.
        strict: whether new ones have to have the same types.
        share_inputs: whether what is given is shared with the copy; else it is copied too.
        copy_inputs: an old name of ``share_inputs``.
    """
    if copy_inputs is not None:
        share_inputs = copy_inputs
    single = isinstance(output, Variable)
    outputs = [output] if single else list(output)
    swaps = {old: replacement(old, new, strict=strict) for old, new in pairs_of(replace)}
    made = copied(outputs, swaps)[0]
    if not share_inputs:
        made = copied(made, {}, leaves=True)[0]
    return made[0] if single else made


def equal_computations(xs: Any, ys: Any, in_xs: Any = None, in_ys: Any = None) -> bool:
    """Whether variables are the same computations, where inputs stand for each other."""
    if len(xs) != len(ys):
        raise ValueError("The number of graphs/Variables in each argument must match.")
    swaps = dict(zip(in_xs or [], in_ys or [], strict=True))
    return all(same_computation(x, y, swaps, {}) for x, y in zip(xs, ys, strict=True))


def map_variables(replacer: Any, graphs: Any, additional_inputs: Any = ()) -> list[Any]:
    """Return graphs with each variable replaced by what a function makes of it.

    Bodies of loops and of ``OpFromGraph`` are gone through too.  What takes a variable's place is
    not replaced itself, but what it is computed from is.

    Args:
        replacer: gives a variable for a variable: itself, to leave it.
        graphs: variables.
        additional_inputs: accepted, as Theano takes them: what replacements depend on is found.

    Raises:
        NotImplementedError: a shared variable with an attribute ``update`` would come into a body.
    """
    del additional_inputs
    graphs = list(graphs)
    swaps: dict[Any, Any] = {}
    placed: set[Any] = set()
    for variable in _in_order(graphs):
        if variable in swaps or variable in placed:
            continue
        if variable.owner is not None:
            swaps.update(_mapped_inside(replacer, variable.owner, swaps))
        new = replacer(variable)
        if new is not variable:
            placed.add(new)
            swaps[variable] = copied([new], {k: v for k, v in swaps.items() if k != variable})[0][0]
    return copied(graphs, swaps)[0]


def _in_order(outputs: list[Any], given: Any = ()) -> list[Any]:
    """Return what outputs depend on, in an order to compute it; nothing behind ``given``."""
    leaves = [v for v in inputs(outputs, given) if v not in given]
    nodes = io_toposort(given, outputs)
    return [*leaves, *(v for node in nodes for v in node.outputs)]


def _mapped_inside(replacer: Any, node: Any, swaps: dict[Any, Any]) -> dict[Any, Any]:
    """Return the new outputs of an application whose body changes, by the old ones."""
    body = getattr(node.op, "body", None)
    old = None if body is None else body()
    if old is None:
        return {}
    new = map_variables(replacer, old)
    if all(a is b for a, b in zip(old, new, strict=True)):
        return {}
    for variable in inputs(new):
        if getattr(variable, "update", None):
            raise NotImplementedError(
                f"Replacement introduces shared variable {variable} which has an update associated "
                f"with it into the inner graph of {node.op}. This is not currently supported."
            )
    made = copied(node.op.with_body(node, new), swaps)[0]
    return dict(zip(node.outputs, made, strict=True))


def get_updates_and_outputs(ls: Any) -> tuple[Any, list[Any], Any]:
    """Return the end, the outputs and the updates that a step has returned.

    A step returns outputs, updates and an end in any of the orders that Theano knows.
    """

    def is_outputs(found: Any) -> bool:
        if isinstance(found, list | tuple):
            return all(is_outputs(f) and not isinstance(f, list | tuple) for f in found)
        return not isinstance(found, dict | until) and not _is_updates(found)

    def outputs_of(found: Any) -> list[Any]:
        return list(found) if isinstance(found, list | tuple) else [found]

    if ls is None:
        return None, [], OrderedDict()
    if isinstance(ls, until):
        return ls, [], OrderedDict()
    if _is_updates(ls) and (isinstance(ls, dict) or ls):
        return None, [], OrderedDict(ls)
    if not isinstance(ls, list | tuple):
        return None, [ls], OrderedDict()
    # An empty tuple behind outputs says that there are no updates.
    items = [i for k, i in enumerate(ls) if not (k and isinstance(i, list | tuple) and not i)]
    ends = [item for item in items if isinstance(item, until)]
    updates = [item for item in items if _is_updates(item) and (isinstance(item, dict) or item)]
    if not ends and not updates:
        if len(items) == 2 and isinstance(items[0], list | tuple) and items[1] in ([], (), {}):
            return None, outputs_of(items[0]), OrderedDict()
        if is_outputs(items):
            return None, items, OrderedDict()
    rest = [i for i in items if i not in ends and not any(i is u for u in updates)]
    if len(ends) <= 1 and len(updates) <= 1 and len(rest) <= 1:
        outputs = outputs_of(rest[0]) if rest else []
        return (
            ends[0] if ends else None,
            outputs,
            OrderedDict(updates[0]) if updates else OrderedDict(),
        )
    if len(ends) <= 1 and not updates:
        return ends[0] if ends else None, rest, OrderedDict()
    raise ValueError(
        "Scan cannot parse the return value of your lambda expression: a step returns outputs, "
        "then updates, then theano.scan_module.until(condition)"
    )


def _is_updates(found: Any) -> bool:
    if isinstance(found, dict):
        return True
    return (
        isinstance(found, list | tuple)
        and bool(found)
        and all(
            isinstance(pair, list | tuple) and len(pair) == 2 and _is_shared(pair[0])
            for pair in found
        )
    )


def _is_shared(found: Any) -> bool:
    return isinstance(found, SharedVariable)


def traverse(
    out: Any, x: Any, x_copy: Any, d: dict[Any, Any], visited: set[Any] | None = None
) -> dict[Any, Any]:
    """Note in a dict what takes the place of a variable where another one depends on it.

    Args:
        out: a variable.
        x: the variable to replace.
        x_copy: what takes its place.
        d: replacements by variable, added to.
        visited: variables that have been looked at.

    Returns:
        The dict.
    """
    seen = set() if visited is None else visited
    for variable in ancestors([out], seen):
        if variable not in seen and variable is x:
            d[variable] = as_tensor_variable(x_copy)
        seen.add(variable)
    return d


def safe_new(x: Any, tag: str = "", dtype: Any = None) -> Any:
    """Return a new variable of the same type, and of the same name with a mark behind it.

    Args:
        x: a variable, or data.
        tag: the mark.
        dtype: of the new variable, if it is to be another one.
    """
    name = x.name + tag if getattr(x, "name", None) is not None else None
    if isinstance(x, Constant):
        if dtype and x.dtype != dtype:
            kind = x.type.clone(dtype=dtype)
            new = type(x)(kind, kind.filter(x.data, allow_downcast=True), x.name)
            new.tag = copy.copy(x.tag)
            return new
        return x.clone()
    if not isinstance(x, Variable) or not x.type.is_object:
        x = as_tensor_variable(x)
    if dtype and x.dtype != dtype:
        x = x.astype(dtype)
    new = x.type()
    new.name = name
    if config.compute_test_value != "off":
        with suppress(AttributeError):
            new.tag.test_value = copy.deepcopy(get_test_value(x))
    return new


def reconstruct_graph(
    inputs: Any, outputs: Any, tag: str | None = None
) -> tuple[list[Any], list[Any]]:
    """Return new inputs of the same types, and the outputs computed from them."""
    news = [safe_new(x, tag or "") for x in inputs]
    return news, clone(list(outputs), replace=list(zip(inputs, news, strict=True)))


def forced_replace(out: Any, x: Any, y: Any) -> Any:
    """Return a variable with another one put wherever an equal computation of ``x`` is."""
    if out is None:
        return None
    found = [v for v in ancestors([out]) if v.type == x.type and equal_computations([v], [x])]
    return clone(out, replace=[(v, y) for v in found])


def infer_shape(outs: Any, inputs: Any, input_shapes: Any) -> list[Any]:
    """Return the shapes of outputs as sizes, given those of the inputs.

    Args:
        outs: variables.
        inputs: what they are computed from.
        input_shapes: for each input its sizes, or None for what has none.
    """
    swaps: dict[Any, Any] = {}
    for variable, sizes in zip(inputs, input_shapes, strict=True):
        if sizes is None:
            continue
        if len(sizes) != variable.ndim:
            raise AssertionError(f"{len(sizes)} sizes for {variable}, of {variable.type}")
        swaps[variable] = alloc(constant(0, dtype=variable.dtype), *sizes) if sizes else variable
    found = copied(list(outs), {v: n for v, n in swaps.items() if v is not n})[0]
    return [None if v.type.is_object else shape_tuple(v) for v in found]


def expand_empty(tensor_var: Any, size: Any) -> Any:
    """Return an array with more rows behind it; what they hold is not said (here: zeros)."""
    if isinstance(size, int) and size == 0:
        return tensor_var
    rest = [tensor_var.shape[k] for k in range(1, tensor_var.ndim)]
    return concatenate([tensor_var, zeros([size, *rest], dtype=tensor_var.dtype)])


def hash_listsDictsTuples(x: Any) -> int:
    """Return a hash of nested lists, dicts and tuples."""
    if isinstance(x, dict):
        parts = [part for pair in x.items() for part in pair]
    elif isinstance(x, list | tuple):
        parts = list(x)
    else:
        return hash(x)
    return reduce(xor, map(hash_listsDictsTuples, parts), 0)


def isNaN_or_Inf_or_None(x: Any) -> bool:
    """Whether something is None, a text, or a number that is none or infinite."""
    if x is None or isinstance(x, str) or isinstance(getattr(x, "data", None), str):
        return True
    try:
        value = get_scalar_constant_value(x) if isinstance(x, Variable) else x
        return bool(np.isnan(value) or np.isinf(value))
    except Exception:
        # What has no known value is a number.
        return False


class Validator:
    """Says whether variables can be computed without some that are barred.

    Attributes:
        valid: variables that may be used.
        invalid: variables that may not.
        valid_equivalent: what can be used in the place of one that may not.
    """

    def __init__(
        self, valid: Any = None, invalid: Any = None, valid_equivalent: Any = None
    ) -> None:
        self.valid_equivalent: dict[Any, Any] = OrderedDict(valid_equivalent or {})
        self.valid = {*(valid or ()), *self.valid_equivalent.values()}
        self.invalid = {*(invalid or ()), *self.valid_equivalent}

    def check(self, out: Any) -> tuple[Any, bool] | None:
        """Return a variable that can be used, and whether it is the one given; None if none can."""
        for variable in _in_order([out], self.valid | self.invalid):
            if variable not in self.valid and variable not in self.invalid:
                self._decide(variable)
        return self._usable(out)

    def _usable(self, variable: Any) -> tuple[Any, bool] | None:
        if variable in self.valid:
            return variable, True
        found = self.valid_equivalent.get(variable)
        return None if found is None else (found, False)

    def _decide(self, variable: Any) -> None:
        if variable.owner is None:
            self.valid.add(variable)
            return
        found = [self._usable(v) for v in variable.owner.inputs]
        usable = [f for f in found if f is not None]
        if len(usable) < len(found):
            self.invalid.add(variable)
        elif all(same for _, same in usable):
            self.valid.add(variable)
        else:
            pairs = zip(variable.owner.inputs, (v for v, _ in usable), strict=True)
            new = clone(variable, replace=[(a, b) for a, b in pairs if a is not b])
            self.valid.add(new)
            self.invalid.add(variable)
            self.valid_equivalent[variable] = new


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
