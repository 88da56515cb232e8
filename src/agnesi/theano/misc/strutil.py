"""Texts with values in them, and code with lines indented."""

from __future__ import annotations

from typing import Any


def render_string(string: str, sub: Any) -> str:
    """Return ``string % sub``; an error says up to where it went well.

    Raises:
        Exception: the text cannot be filled in.
    """
    try:
        return string % sub
    except Exception as error:
        for end in range(len(string) + 1):
            try:
                _ = string[:end] % sub
            except Exception as found:
                if str(found) == str(error):
                    said = f"{string[:end]}<<<< caused exception {found}"
                    raise Exception(said) from error
        raise


def pretty_format(string: str) -> str:
    """Return code in C with its lines indented by the braces around them."""
    depth, lines = 0, []
    for line in map(strip_leading_white_space, string.split("\n")):
        depth = max(depth - line.count("}"), 0)
        lines.append("    " * depth + line)
        depth += line.count("{")
    return "\n".join(lines)


def strip_leading_white_space(line: str) -> str:
    """Return a line without blanks and tabs in front."""
    return line.lstrip(" \t")
