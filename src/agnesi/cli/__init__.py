"""The ``agnesi`` command: look at the installation, run the demo, train a writer.

Start at :mod:`agnesi.cli.app`, which lists the commands.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line; without typer and rich, say how to install them and exit with 1.

    Raises:
        SystemExit: always, with the exit code of the command.
    """
    missing = [package for package in ("typer", "rich") if find_spec(package) is None]
    if missing:
        sys.exit(
            f"agnesi: the command line needs {' and '.join(missing)}, not installed here\n"
            '  pip install "agnesi[cli]"'
        )
    from agnesi.cli.app import app

    app()
