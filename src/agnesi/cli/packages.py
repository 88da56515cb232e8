"""Which packages are installed, which are needed, and what installs them."""

from __future__ import annotations

import re
from importlib import metadata

NEEDED = ("numpy", "ml_dtypes", "llvmlite", "scipy-openblas32")

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*;.*\bextra == ['\"](?P<extra>[\w.-]+)['\"]")


def version_of(package: str) -> str | None:
    """Version of an installed package, by its name on PyPI; None where it is missing.

    >>> version_of("no-such-package") is None
    True
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def install_command(extra: str) -> str:
    """What a user types to install one of agnesi's extras.

    >>> install_command("demo")
    'pip install "agnesi[demo]"'
    """
    return f'pip install "agnesi[{extra}]"'


def extras() -> dict[str, tuple[str, ...]]:
    """Packages of each of agnesi's extras, as its own metadata lists them.

    Empty where agnesi runs from a source tree that was never installed.
    """
    try:
        requirements = metadata.requires("agnesi") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match and match["name"] != "agnesi":
            found[match["extra"]] = (*found.get(match["extra"], ()), match["name"])
    return found
