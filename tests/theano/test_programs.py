"""Programs as their users wrote them, run by ``python -m agnesi.theano``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


def run(*args: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", "agnesi.theano", *args],
        capture_output=True,
        text=True,
        cwd=PROGRAMS,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


# What the last line says: an error, or a cost, that training has brought below this.
@pytest.mark.parametrize(
    ("program", "below", "args"),
    [
        ("mlp.py", 0.4, ["1"]),
        ("lenet.py", 0.3, ["1"]),
        ("da.py", 130, []),
        ("rbm.py", -60, ["1"]),
        ("lstm.py", 0.3, ["16"]),
    ],
)
def test_programs_run_and_learn(program: str, below: float, args: list[str]):
    last = run(program, *args).strip().splitlines()[-1]
    assert last.startswith("RESULT")
    assert float(last.split()[1]) < below


def test_rnn_rbm_learns_chorales():
    lines = run("rnnrbm.py", "4").strip().splitlines()
    first, last = float(lines[0].split()[1]), float(lines[-1].split()[1])
    # Log-likelihood, nearly, of a beat of pieces that it was not trained with.
    assert first < -30
    assert last > -14
    # What it makes up has about as many notes at a beat as there are voices.
    assert 2.5 < float(lines[-2].split()[4]) < 5


def test_flags_modules_and_hints(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, theano\nfrom theano import tensor as T\n"
        "print(theano.config.floatX, T.matrix().dtype, sys.argv[1:], __name__)\n"
        "import theano.tensor.nnet as nnet\nassert nnet is T.nnet\n"
    )
    out = run(str(program), "a", "-b", THEANO_FLAGS="floatX=float32,optimizer=None")
    assert out.strip() == "float32 float32 ['a', '-b'] __main__"
    program.write_text("import numpy\nnumpy.float(3)\n")
    failed = subprocess.run(
        [sys.executable, "-m", "agnesi.theano", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode and "numpy.float, which NumPy has no longer" in failed.stderr
