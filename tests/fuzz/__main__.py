"""Fuzz for as long as you like: ``python -m tests.fuzz --seconds 600 --seed 1``."""

from __future__ import annotations

import argparse
import sys
import traceback
from time import monotonic

import numpy as np

from tests.fuzz.graphs import random_program
from tests.fuzz.run import check


def main() -> int:
    """Run, print failures as scripts, and a summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--stop", type=int, default=5, help="failures after which to stop")
    options = parser.parse_args()
    start, seed, failures, compared = monotonic(), options.seed, 0, 0
    while monotonic() - start < options.seconds and failures < options.stop:
        program = None
        try:
            program = random_program(np.random.default_rng(seed), options.most)
            compared += check(program, seed, loops=seed % 4 == 0, plain=seed % 4 == 2)
        except Exception as error:
            failures += 1
            print(f"seed {seed}: {type(error).__name__}: {str(error)[:1500]}")
            if not isinstance(error, AssertionError):
                print("".join(traceback.format_exception(error)[-3:])[:1500])
                if program is not None:
                    print(program.script(seed))
        seed += 1
    print(f"{seed - options.seed} graphs, {compared} compared, {failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
