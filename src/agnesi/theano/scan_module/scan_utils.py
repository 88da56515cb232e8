"""What scans and programs around them need: copies of graphs, comparisons, ends."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from agnesi.theano.gof.graph import Variable, copied, inputs


class until:
    """What a step returns to end a loop: the step where the condition holds is the last one."""

    def __init__(self, condition: Any) -> None:
        from agnesi.theano.tensor.basic import as_tensor_variable

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
    from agnesi.theano.compile.function_module import pairs_of, replacement

    if copy_inputs is not None:
        share_inputs = copy_inputs
    single = isinstance(output, Variable)
    outputs = [output] if single else list(output)
    swaps = {old: replacement(old, new, strict=strict) for old, new in pairs_of(replace)}
    made = copied(outputs, swaps, leaves=not share_inputs)[0]
    return made[0] if single else made


def equal_computations(xs: Any, ys: Any, in_xs: Any = None, in_ys: Any = None) -> bool:
    """Whether variables are the same computations, where inputs stand for each other."""
    if len(xs) != len(ys):
        raise ValueError("The number of graphs/Variables in each argument must match.")
    from agnesi.theano.gof.graph import _same_below

    swaps = dict(zip(in_xs or [], in_ys or [], strict=True))
    made = copied(list(xs), swaps)[0] if swaps else list(xs)
    return all(_same_below(a.tensor, b.tensor) for a, b in zip(made, ys, strict=True))


def map_variables(replacer: Any, graphs: Any, additional_inputs: Any = None) -> Any:
    """Return graphs with each variable replaced by what a function makes of it."""
    from agnesi.theano.gof.graph import ancestors

    del additional_inputs
    swaps: dict[Any, Any] = {}
    for variable in reversed(ancestors(graphs)):
        new = replacer(variable)
        if new is not variable:
            swaps[variable] = new
    return copied(list(graphs), swaps)[0]


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
    items = list(ls)
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
    from agnesi.theano.compile.sharedvalue import SharedVariable

    return isinstance(found, SharedVariable)


def traverse(out: Any, *_: Any, **__: Any) -> Any:
    """Return what a variable depends on and is not computed."""
    return inputs([out])
