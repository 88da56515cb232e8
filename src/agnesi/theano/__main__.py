"""``python -m agnesi.theano program.py args...``: run a program in which Theano is agnesi."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from agnesi.theano.alias import install
from agnesi.theano.hints import hint_for


def main() -> None:
    """Run a program, or with ``-m`` a module."""
    args = sys.argv[1:]
    if not args or args[0] in ("-h", "--help"):
        print("usage: python -m agnesi.theano [-m MODULE | PROGRAM.py] [ARGUMENTS...]")
        raise SystemExit(0 if args else 2)
    install()
    try:
        if args[0] == "-m":
            if len(args) < 2:
                raise SystemExit("python -m agnesi.theano: -m needs the name of a module")
            sys.argv = args[1:]
            sys.path.insert(0, "")
            runpy.run_module(args[1], run_name="__main__", alter_sys=True)
        else:
            program = Path(args[0])
            if not program.exists():
                raise SystemExit(f"python -m agnesi.theano: there is no program {program}")
            sys.argv = args
            sys.path.insert(0, str(program.parent))
            runpy.run_path(str(program), run_name="__main__")
    except Exception as error:
        hint = hint_for(error)
        if hint:
            error.add_note(hint)
        raise


if __name__ == "__main__":
    main()
