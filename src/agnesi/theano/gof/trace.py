"""Which calls of a program led to a variable: ``variable.tag.trace``."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from typing import Any

from agnesi.theano.configparser import config

_PACKAGE = str(Path(__file__).parent.parent.parent) + "/"


def note(variable: Any) -> None:
    """Note on a variable's tag the calls that led here, unless it knows others.

    There are as many as ``config.traceback.limit`` says, the innermost last; agnesi's own, if they
    are innermost, are left out.
    """
    limit = config.traceback.limit
    if not limit or "trace" in variable.tag.__dict__:
        return
    calls: list[tuple[str, int, str, str | None]] = []
    frame: Any = sys._getframe(1)
    while frame is not None and len(calls) != limit:
        code = frame.f_code
        name = code.co_filename
        if name == "<frozen runpy>":
            break
        if calls or not name.startswith(_PACKAGE):
            number = frame.f_lineno
            text = linecache.getline(name, number, frame.f_globals).strip()
            calls.append((name, number, code.co_name, text or None))
        frame = frame.f_back
    if calls:
        variable.tag.trace = [calls[::-1]]


def note_line(variable: Any) -> None:
    """Note the program's line that a variable's tensor comes from, unless calls are known."""
    line = variable.tensor.source
    if line is not None and "trace" not in variable.tag.__dict__:
        variable.tag.trace = [[(line.file, line.line, "", line.text or None)]]
