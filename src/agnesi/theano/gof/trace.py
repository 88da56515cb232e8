"""The line of the program that a variable comes from, where no calls led to it."""

from __future__ import annotations

from typing import Any


def note_line(variable: Any) -> None:
    """Note the program's line that a variable's tensor comes from: what asks for it made it not."""
    line = variable.tensor.source
    if line is not None and "trace" not in variable.tag.__dict__:
        variable.tag.trace = [[(line.file, line.line, "", line.text or None)]]
