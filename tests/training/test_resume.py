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

print("begins", flush=True)
state = train(
    step,
    Minibatches((points, labels), 16, seed=2, transform=noisy, prefetch=3),
    epochs=40,
    names=names,
    measure=measure,
    every=50,
    best=Best("valid_loss"),
    checkpoints=Checkpoints(folder, steps=11, seconds=1e9, also={"generator": generator}),
    resume=True,
    metrics=MetricsFiles(folder),
)
print(state.ended, state.step, state.best_row)
"""
STEPS = 40 * 21


def start(script: Path, folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    return process


def rows(folder: Path) -> list[dict[str, str]]:
    """All that is measured but times, as it is written."""
    with (folder / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_a_run_that_is_killed_goes_on_as_if_it_had_not_been(tmp_path: Path):
    script, whole, killed = tmp_path / "run.py", tmp_path / "whole", tmp_path / "killed"
    script.write_text(SCRIPT)
    began = time.monotonic()
    process = start(script, whole)
    out, _ = process.communicate()
    seconds = time.monotonic() - began
    assert out.startswith(f"done {STEPS} ")

    seed = random.randrange(10**6)
    moments, deaths = random.Random(seed), 0
    while True:
        process = start(script, killed)
        if deaths < 5:
            # Early enough that there is something left to do, wherever that is.
            time.sleep(moments.uniform(0, 0.2 * seconds))
            process.kill()
        again, _ = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        deaths += 1
        assert deaths <= 5
    assert deaths >= 2, f"seed {seed}: hardly killed"
    assert again == out, seed
    assert rows(killed) == rows(whole), seed
    for name in (f"step-{STEPS:09d}.safetensors", "best.safetensors"):
        expected, state = read(whole / name)
        found, other = read(killed / name)
        assert expected.keys() == found.keys()
        for variable, value in expected.items():
            assert value.tobytes() == found[variable].tobytes(), (seed, variable)
        assert state["also"] == other["also"]
