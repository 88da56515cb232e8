"""The command ``python -m bench``, which ``make bench`` runs.

- ``python -m bench shared out_t2.json out_t1.json``: keep what the shared suite measured;
- ``python -m bench page``: renew ``docs/benchmarks.md`` and its plots;
- ``python -m bench machine``: what this machine is and can do at most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench import machine, shared
from bench.results import ROOT


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    command = argparse.ArgumentParser(prog="python -m bench", description="measure speed")
    parts = command.add_subparsers(dest="part")
    read = parts.add_parser("shared", help="keep what the shared suite's run.py wrote")
    read.add_argument("runs", nargs="+", type=Path, help="out_t2.json, out_t1.json")
    read.add_argument("--latency", type=Path, help="latency.json")
    read.add_argument("--memory", type=Path, help="memory.json")
    parts.add_parser("page", help="renew docs/benchmarks.md and its plots")
    parts.add_parser("machine", help="show what this machine can do at most")
    return command


def renew_page() -> None:
    """Draw the plots and renew the derived parts of the documentation."""
    from bench.plots import draw_all  # noqa: PLC0415 (matplotlib, only here)

    draw_all()
    subprocess.run([sys.executable, ROOT / "tools" / "make_docs.py"], check=True)


def main() -> int:
    """Do what the command line asks for."""
    options = parser().parse_args()
    machine.unpin()
    match options.part:
        case "shared":
            results = shared.collect(options.runs, options.latency, options.memory)
            print(f"kept in {shared.keep(results)}")
            renew_page()
        case "page":
            renew_page()
        case None:
            from bench.old_main import main as measure  # noqa: PLC0415

            measure()
        case _:
            print(json.dumps(machine.describe(machine.thread_counts()), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
