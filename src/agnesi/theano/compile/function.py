"""``theano.function``, and the arguments of a call of it in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agnesi.theano.compile.function_module import function as function


def function_dump(
    filename: Any,
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
    extra_tag_to_remove: list[str] | None = None,
) -> None:
    """Pickle the arguments of ``function``, for a report of a bug.

    ``theano.function(**pickle.load(open(filename, "rb")))`` compiles what was dumped.

    Args:
        filename: where to.
        inputs: as of ``function``, and all that follow.
        outputs: results.
        mode: how it is compiled.
        updates: shared variables and their new values.
        givens: variables and what takes their place.
        no_default_updates: leave out the updates of shared variables themselves.
        accept_inplace: nothing.
        name: of the function.
        rebuild_strict: whether what takes a variable's place has to have its type.
        allow_input_downcast: whether arguments may lose precision.
        profile: whether calls are measured.
        on_unused_input: what to do about inputs nothing depends on.
        extra_tag_to_remove: what variables' tags hold that is left out besides test values and
            traces.
    """
    from agnesi.theano.misc.pkl_utils import StripPickler

    arguments = {
        "inputs": inputs,
        "outputs": outputs,
        "mode": mode,
        "updates": updates,
        "givens": givens,
        "no_default_updates": no_default_updates,
        "accept_inplace": accept_inplace,
        "name": name,
        "rebuild_strict": rebuild_strict,
        "allow_input_downcast": allow_input_downcast,
        "profile": profile,
        "on_unused_input": on_unused_input,
    }
    with Path(filename).open("wb") as file:
        StripPickler(file, protocol=-1, extra_tag_to_remove=extra_tag_to_remove).dump(arguments)
