"""A run that is killed again and again is, in the end, the run that never was."""

from __future__ import annotations

import csv
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from agnesi.training import read

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import agnesi as ag
from agnesi.training import Best, Checkpoints, MetricsFiles, Minibatches, evaluate, train

folder = Path(sys.argv[1])
rng = np.random.default_rng(0)
points = rng.standard_normal((331, 8)).astype(np.float32)
labels = (points[:, 0] * points[:, 1] > 0).astype(np.int64)

def noisy(rng, x, y):
    return x + rng.normal(0, 0.1, x.shape).astype(np.float32), y

x, y = ag.input("x", "f32[n, 8]"), ag.input("y", "i64[n]")
stream = ag.random.Stream(seed=5)
w1 = ag.shared(rng.normal(0, 0.4, (8, 32)).astype(np.float32), "w1")
w2 = ag.shared(rng.normal(0, 0.2, (32, 2)).astype(np.float32), "w2")
h = ag.maximum(x @ w1, 0)
def outputs(h):
    logits = h @ w2
    return [ag.cross_entropy(logits, y).mean(), (ag.argmax(logits, axis=1) != y).mean()]
kept = ag.where(stream.bernoulli(0.8, h.shape), h / 0.8, 0)
loss, error = outputs(kept)
updates = ag.optim.adam(ag.grad(loss, [w1, w2]), [w1, w2], rate=0.01)
names = ["loss", "error"]
step = ag.function([x, y], [loss, error], updates=updates)
judge = ag.function([x, y], outputs(h))
valid = Minibatches((points, labels), 100, shuffle=False)
generator = np.random.default_rng(9)

def measure():
    found = evaluate(judge, valid, names=names, prefix="valid_")
    return {**found, "drawn": generator.random()}

def tell(state):
    print(state.step, flush=True)

state = train(
    step,
    Minibatches((points, labels), 16, seed=2, transform=noisy, prefetch=3),
    epochs=25,
    names=names,
    measure=measure,
    every=50,
    best=Best("valid_loss"),
    checkpoints=Checkpoints(folder, steps=11, seconds=1e9, also={"generator": generator}),
    resume=True,
    metrics=MetricsFiles(folder),
    after_step=tell,
)
print(state.ended, state.step, state.best_row)
"""
STEPS = 25 * 21


def run(script: Path, folder: Path, moments: random.Random | None = None) -> tuple[int, str]:
    """Run the script, and kill it at a random moment; its exit code and its last line."""
    command = [sys.executable, str(script), str(folder)]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = moments.randrange(1, 180) if moments else 10 * STEPS
        for line in process.stdout:
            last, left = line, left - 1
            if moments and not left:
                # In the middle of whatever it does: a step, a row, the writing of a checkpoint.
                time.sleep(moments.uniform(0, 0.01))
                process.kill()
    return process.returncode, last


def rows(folder: Path) -> list[dict[str, str]]:
    """All that is measured but times, as it is written."""
    with (folder / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_a_run_that_is_killed_goes_on_as_if_it_had_not_been(tmp_path: Path):
    script, whole, killed = tmp_path / "run.py", tmp_path / "whole", tmp_path / "killed"
    script.write_text(SCRIPT)
    code, out = run(script, whole)
    assert code == 0 and out.startswith(f"done {STEPS} ")

    seed = random.randrange(10**6)
    moments, deaths = random.Random(seed), 0
    while (ended := run(script, killed, moments if deaths < 5 else None))[0]:
        assert ended[0] == -signal.SIGKILL
        deaths += 1
    assert deaths >= 2, f"seed {seed}: hardly killed"
    assert ended[1] == out, seed
    assert rows(killed) == rows(whole), seed
    for name in (f"step-{STEPS:09d}.safetensors", "best.safetensors"):
        expected, state = read(whole / name)
        found, other = read(killed / name)
        assert expected.keys() == found.keys()
        for variable, value in expected.items():
            assert value.tobytes() == found[variable].tobytes(), (seed, variable)
        assert state["also"] == other["also"]
