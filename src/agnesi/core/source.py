"""Where in the user's program a node was made.

Kept beside a node's fields, not among them: interned nodes are shared, and the first maker wins.
"""

from __future__ import annotations

import linecache
import sys
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agnesi.core.term import Term

_PACKAGE = str(Path(__file__).parent.parent) + "/"
# Rooms whose code plays the user's part.
_USERS = tuple(_PACKAGE + room for room in ("cli/", "papers/"))


class Source(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        text = self.text
        return f"{Path(self.file).name}:{self.line}" + (f"  {text}" if text else "")


_KEY = "source_line"
# Inside a pass the nodes that appear stand for the node being rewritten.
_standing: ContextVar[Source | None] = ContextVar("standing", default=None)


def user_line() -> Source | None:
    """Return the innermost line of the running program that is not agnesi's own."""
    standing = _standing.get()
    if standing is not None:
        return standing
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_PACKAGE) or name.startswith(_USERS):
            return Source(name, frame.f_lineno)
        frame = frame.f_back
    return None


def note(node: Term) -> None:
    """Remember the user's line as the place where this node was made."""
    line = user_line()
    if line is not None:
        node.__dict__.setdefault(_KEY, line)


def source_of(node: Term) -> Source | None:
    """Return the user's line that made this node, if it is known."""
    return node.__dict__.get(_KEY)


class standing_for:
    """Give nodes made inside this block the source line of ``node``.

    A class, since passes open such a block for every node.
    """

    __slots__ = ("node", "token")

    def __init__(self, node: Term) -> None:
        self.node = node

    def __enter__(self) -> None:
        self.token = _standing.set(source_of(self.node))

    def __exit__(self, *_: object) -> None:
        _standing.reset(self.token)
