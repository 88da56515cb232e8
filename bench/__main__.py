"""The command ``python -m bench``, which ``make bench`` runs.

- ``python -m bench``: our own benchmarks, all of them, kept in ``bench/results/`` and shown in
  ``docs/benchmarks.md``; with options of pytest (``-k softmax``) or of ``bench/conftest.py`` only a
  part, which is shown and not kept;
- ``python -m bench shared out_t2.json out_t1.json``: keep what the shared suite measured;
- ``python -m bench page``: renew ``docs/benchmarks.md`` and its plots;
- ``python -m bench machine``: what this machine is and can do at most.

``AGNESI_PEERS`` names Pythons of other libraries: virtual environments, or a folder of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from bench import machine, own, shared
from bench.results import ROOT

# Options of ours that change who takes part, not which rows are measured.
WHOLE = ("--peers", "--libraries", "--realtime")


def parser() -> argparse.ArgumentParser:
    """Return the command line of what is not measuring."""
    command = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts = command.add_subparsers(dest="part", required=True)
    read = parts.add_parser("shared", help="keep what the shared suite's run.py wrote")
    read.add_argument("runs", nargs="+", type=Path, help="out_t2.json, out_t1.json")
    read.add_argument("--latency", type=Path, help="latency.json")
    read.add_argument("--memory", type=Path, help="memory.json")
    read.add_argument("--commit", help="of agnesi in that run, if not this checkout's")
    read.add_argument("--realtime", action="store_true", help="find limits at real-time priority")
    parts.add_parser("page", help="renew docs/benchmarks.md and its plots")
    parts.add_parser("machine", help="show what this machine can do at most")
    return command


def renew_page() -> None:
    """Draw the plots and renew the derived parts of the documentation."""
    from bench.plots import draw_all  # noqa: PLC0415 (matplotlib, only here)

    draw_all()
    subprocess.run([sys.executable, ROOT / "tools" / "make_docs.py"], check=True)


def measure(arguments: list[str]) -> int:
    """Run our own benchmarks; keep what a whole run found."""
    whole = all(word.startswith(WHOLE) for word in arguments)
    peers = os.environ.get("AGNESI_PEERS", "")
    options = [*([f"--peers={peers}"] if peers else []), *arguments]
    status, results = own.run(options)
    if results is None:
        return status or 1
    print(own.show(results))
    if whole and status == 0:
        print(f"kept in {own.keep(results)}")
        renew_page()
    return status


def main(arguments: list[str]) -> int:
    """Do what the command line asks for."""
    machine.unpin()
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in {"-h", "--help"}):
        return measure(arguments)
    options = parser().parse_args(arguments)
    match options.part:
        case "shared":
            results = shared.collect(
                options.runs, options.latency, options.memory, realtime=options.realtime
            )
            results.commit = options.commit or results.commit
            print(f"kept in {shared.keep(results)}")
            renew_page()
        case "page":
            renew_page()
        case _:
            print(json.dumps(machine.describe(machine.thread_counts()), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
