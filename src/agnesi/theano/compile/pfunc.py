"""``pfunc``, an older name of ``function``, and copies of graphs with their shared variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.theano.compile.function_module import Function, function, pairs_of, replacement
from agnesi.theano.compile.io import In, SymbolicOutput
from agnesi.theano.compile.io import Param as Param
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof.graph import Variable, ancestors, copied

if TYPE_CHECKING:
    from collections.abc import Sequence


def pfunc(
    params: Any,
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
    output_keys: Any = None,
) -> Function:
    """Compile a function; see :func:`~agnesi.theano.compile.function_module.function`.

    Args:
        params: inputs.
        outputs: a variable, a list of them, or None.
        mode: how it is compiled.
        updates: shared variables and their new values.
        givens: variables and what takes their place.
        no_default_updates: True, or shared variables, to leave their own updates out.
        accept_inplace: nothing: graphs have no operations in place.
        name: of the function.
        rebuild_strict: whether what takes a variable's place has to have its type.
        allow_input_downcast: whether arguments may lose precision.
        profile: whether calls are measured.
        on_unused_input: what to do about inputs nothing depends on.
        output_keys: names of the outputs, which then come as a dictionary.
    """
    if not isinstance(params, list | tuple):
        raise Exception("in pfunc() the first argument must be a list or a tuple")
    if output_keys is not None:
        outputs = dict(zip(output_keys, outputs, strict=True))
    return function(
        params,
        outputs,
        mode,
        updates,
        givens,
        no_default_updates,
        accept_inplace,
        name,
        rebuild_strict,
        allow_input_downcast,
        profile,
        on_unused_input,
    )


def iter_over_pairs(pairs: Any) -> Any:
    """Return updates or givens as pairs."""
    return pairs_of(pairs)


def rebuild_collect_shared(
    outputs: Any,
    inputs: Sequence[Any] | None = None,
    replace: Any = None,
    updates: Any = None,
    rebuild_strict: bool = True,
    copy_inputs_over: bool = True,
    no_default_updates: Any = False,
) -> tuple[list[Any], Any, list[Any]]:
    """Return a copy of a graph, and what its shared variables are updated to.

    Args:
        outputs: variables, or one.
        inputs: variables, or inputs with settings.
        replace: variables and what takes their place.
        updates: shared variables and their new values.
        rebuild_strict: whether what takes a variable's place has to have its type.
        copy_inputs_over: whether variables that are given are the same in the copy.
        no_default_updates: True, or shared variables, to leave their own updates out.

    Returns:
        The inputs and the outputs of the copy, and a list: what each variable became, new values by
        shared variable as given, the same in the copy, and the shared variables there are.
    """
    given = [i.variable if isinstance(i, In) else i for i in inputs or ()]
    single = not isinstance(outputs, list | tuple)
    listed: list[Any] = [] if outputs is None else [outputs] if single else list(outputs)
    plain = [o.variable if isinstance(o, SymbolicOutput) else o for o in listed]
    for v in plain:
        if not isinstance(v, Variable):
            raise TypeError("Outputs must be theano Variable or Out instances", v)
    swaps = {old: replacement(old, new, strict=rebuild_strict) for old, new in pairs_of(replace)}
    if not copy_inputs_over:
        swaps |= {v: v.clone() for v in given if v not in swaps}
    changes = _all_updates(plain, dict(pairs_of(updates)), no_default_updates)
    news, became = copied([*plain, *changes.values()], swaps, leaves=not copy_inputs_over)
    results, values = news[: len(plain)], news[len(plain) :]
    shareds = [v for v in ancestors([*plain, *changes.values()]) if isinstance(v, SharedVariable)]
    every = list(dict.fromkeys([*changes, *shareds]))
    made = [
        SymbolicOutput(v, o.borrow) if isinstance(o, SymbolicOutput) else v
        for v, o in zip(results, listed, strict=True)
    ]
    fresh = dict(zip(changes, values, strict=True))
    shown: Any = made[0] if single and made else made
    return [became.get(v, v) for v in given], shown, [became, changes, fresh, every]


def _all_updates(roots: Sequence[Any], changes: dict[Any, Any], skipped: Any) -> dict[Any, Any]:
    """Return new values of shared variables, also those that they bring themselves."""
    found = {target: target.filter_update(value) for target, value in changes.items()}
    if skipped is True:
        return found
    barred = set(skipped or ())
    while True:
        known: set[Any] = {*found, *barred}
        more = {
            v: v.default_update
            for v in ancestors([*roots, *found.values()])
            if isinstance(v, SharedVariable) and v.default_update is not None and v not in known
        }
        if not more:
            return found
        found |= more
