"""``map``, ``reduce``, ``foldl`` and ``foldr``: scans with less to say."""

from __future__ import annotations

from typing import Any

from agnesi.theano.scan_module.scan import scan


def map(
    fn: Any,
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> Any:
    """Apply a function to each row of sequences."""
    return scan(
        fn,
        sequences=sequences,
        non_sequences=non_sequences,
        truncate_gradient=truncate_gradient,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
    )


def reduce(
    fn: Any,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> Any:
    """Fold rows of sequences into one value: the last outputs of a scan."""
    outputs, updates = scan(
        fn,
        sequences=sequences,
        outputs_info=outputs_info,
        non_sequences=non_sequences,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
    )
    if isinstance(outputs, list | tuple):
        return [o[-1] for o in outputs], updates
    return outputs[-1], updates


def foldl(
    fn: Any,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> Any:
    """Fold rows from the first on."""
    return reduce(fn, sequences, outputs_info, non_sequences, False, mode, name)


def foldr(
    fn: Any,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> Any:
    """Fold rows from the last on."""
    return reduce(fn, sequences, outputs_info, non_sequences, True, mode, name)
