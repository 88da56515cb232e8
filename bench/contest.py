"""Several libraries on the same rows, each in its own process, timed in turn.

All processes but the one that is timed are stopped, so that no spinning pool of threads disturbs
it.  A sample is as many calls as fit into 20 ms.  What is compared is the median of samples.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.libraries import LIBRARIES
from bench.machine import PINS, within
from bench.results import OURS, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.rows import Row

SAMPLE = 0.02
DISTURBED = 0.2  # share of a sample that threads may have waited for a core
THREADS = (
    "AGNESI_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMBA_NUM_THREADS",
)


NEEDED = {OURS, "numpy"}


class Clock:
    """The clock of what is measured: it stands still but for samples of agnesi's."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


CLOCK = Clock()


def environment(threads: int, **more: str) -> dict[str, str]:
    """Return the environment of a process that is measured."""
    made = {name: value for name, value in os.environ.items() if name not in PINS}
    made |= dict.fromkeys(THREADS, str(threads))
    made["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    made.pop("PYTHONDONTWRITEBYTECODE", None)
    if threads == 1:
        made["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return made | more


def pythons(where: str) -> list[Path]:
    """Return the Pythons that a user names: folders of environments, environments, or Pythons."""
    found: list[Path] = []
    for name in filter(None, where.split(os.pathsep)):
        path = Path(name).expanduser()
        if path.is_file():
            found.append(path)
        elif (path / "bin" / "python").exists():
            found.append(path / "bin" / "python")
        elif path.is_dir():
            found += sorted(path.glob("*/bin/python"))
        else:
            raise FileNotFoundError(f"no Python at {name}")
    return found


def available(where: str) -> dict[str, Path]:
    """Return the Python of each library that can be imported; our own Python comes first."""
    code = "import sys\nfrom importlib.util import find_spec\n"
    code += "print(*[m for m in sys.argv[1:] if find_spec(m)])"
    modules = {entry.module for entry in LIBRARIES.values()}
    found: dict[str, Path] = {}
    for python in [Path(sys.executable), *pythons(where)]:
        words = [str(python), "-c", code, *modules]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd="/")
        for module in done.stdout.split():
            found.setdefault(module, python)
    return {name: found[e.module] for name, e in LIBRARIES.items() if e.module in found}


class ProcessError(Exception):
    """A worker's process ended, or took too long."""


class Process:
    """A worker process, stopped unless it is asked something; one that died is started anew."""

    def __init__(self, library: str, python: Path, threads: int, *, realtime: bool) -> None:
        self.library, self.threads = library, threads
        self.command = [str(python), "-m", "bench.worker", library, str(threads)]
        self.command.append(str(int(realtime)))
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        try:
            self.process, self.version = self.start()
        except ProcessError:
            self.log.close()
            raise

    def start(self) -> tuple[subprocess.Popen[bytes], str]:
        """Start the process and wait until its library is there."""
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment(self.threads),
            cwd=ROOT,
            preexec_fn=within(self.threads),  # noqa: PLW1509 (no threads of ours run here)
            bufsize=0,
        )
        version = str(self.read(120)["version"])
        self.signal("SIGSTOP")
        return self.process, version

    def signal(self, name: str) -> None:
        """Stop the process or let it go on, where the system can."""
        if hasattr(signal, name):
            self.process.send_signal(getattr(signal, name))

    def read(self, timeout: float) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            ProcessError: there is none.
        """
        out = self.process.stdout
        assert out is not None
        there = select.select([out], [], [], timeout)[0]
        line = out.readline() if there else b""
        if line:
            return json.loads(line)
        self.end()
        self.log.seek(0)
        said = self.log.read().decode(errors="replace").strip()[-400:]
        why = "its process ended" if there else f"no answer in {timeout:g} s"
        raise ProcessError(f"{self.library}: {why}: {said}")

    def ask(self, question: dict[str, Any], timeout: float = 120) -> dict[str, Any]:
        """Let the process go on until it has answered.

        Raises:
            ProcessError: it did not answer.
        """
        if self.process.poll() is not None:
            self.end()
            self.process, self.version = self.start()
        into = self.process.stdin
        assert into is not None
        self.signal("SIGCONT")
        with suppress(BrokenPipeError):  # then there is no answer either
            into.write(json.dumps(question).encode() + b"\n")
        answer = self.read(timeout)
        self.signal("SIGSTOP")
        return answer

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def close(self) -> None:
        """End the process for good."""
        self.end()
        self.log.close()


@dataclass
class Contest:
    """One row, loaded in every library that has it.

    Attributes:
        calls: in a sample, by library.
        samples: seconds of a call, by library.
        disturbed: how many samples of a library were disturbed even when taken anew.
        failed: why a library is not timed.
    """

    processes: Mapping[str, Process]
    calls: dict[str, int]
    failed: dict[str, str]
    samples: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    disturbed: dict[str, int] = field(default_factory=dict[str, int])

    def sample(self, library: str) -> float:
        """Take one sample, anew if other processes disturbed it."""
        seconds: list[float] = []
        for _ in range(3):
            answer = self.processes[library].ask({"do": "time", "calls": self.calls[library]})
            if not answer["ok"]:
                raise ProcessError(f"{library}: {answer['error']}")
            seconds.append(answer["seconds"])
            if answer["waited"] < DISTURBED:
                break
        else:
            self.disturbed[library] = self.disturbed.get(library, 0) + 1
        self.samples.setdefault(library, []).append(min(seconds))
        return min(seconds)

    def ours(self) -> None:
        """Take a sample of agnesi; the clock goes on by one call."""
        CLOCK.now += self.sample(OURS)

    def theirs(self) -> None:
        """Take a sample of every peer, in turn from a new one each time."""
        peers = [name for name in self.calls if name != OURS]
        turn = len(self.samples.get(OURS, ())) % max(1, len(peers))
        for name in peers[turn:] + peers[:turn]:
            self.sample_peer(name)

    def sample_peer(self, name: str) -> None:
        """Take a sample of a peer; one that fails takes no part any more."""
        try:
            self.sample(name)
        except ProcessError as error:
            self.failed[name] = str(error)
            del self.calls[name]
            self.samples.pop(name, None)

    def rounds(self) -> int:
        """Return how many samples to take: fewer where a call is long."""
        longest = max(median(s) for s in self.samples.values())
        return 9 if longest < 0.3 else 5

    def medians(self) -> dict[str, float]:
        """Return the seconds of a call."""
        return {name: median(samples) for name, samples in self.samples.items()}

    def noisy(self) -> list[str]:
        """Return the libraries of which most samples were disturbed."""
        return [n for n, count in self.disturbed.items() if 2 * count > len(self.samples[n])]


class Stage:
    """The processes of one number of threads."""

    def __init__(
        self, where: Mapping[str, Path], threads: int, *, realtime: bool = False, tiny: bool = False
    ) -> None:
        self.threads, self.where = threads, where
        self.realtime, self.tiny = realtime, tiny
        self.processes: dict[str, Process] = {}
        for name, python in where.items():
            try:
                self.processes[name] = Process(name, python, threads, realtime=realtime)
            except ProcessError as error:
                if name in NEEDED:
                    raise
                print(f"left out: {error}")

    def load(self, row: Row) -> Contest:
        """Build a row in every library; those whose results differ from NumPy's are left out."""
        loaded: dict[str, float] = {}
        failed: dict[str, str] = {}
        outputs: dict[str, list[Any]] = {}
        with tempfile.TemporaryDirectory() as folder:
            for name, process in self.processes.items():
                file = f"{folder}/{name}.npz"
                question = {"do": "load", "row": row.name, "out": file, "tiny": self.tiny}
                answer = ask_for_row(process, question)
                if answer["ok"]:
                    loaded[name] = answer["seconds"]
                    with np.load(file) as saved:
                        outputs[name] = list(saved.values())
                elif not answer.get("missing"):
                    failed[name] = answer["error"]
        missing = NEEDED - set(outputs)
        if missing:
            raise AssertionError(f"{row.name}: { ({n: failed.get(n) for n in missing}) }")
        for name, got in outputs.items():
            wrong = difference(got, outputs["numpy"], 1e-2 if row.kind == "train" else 2e-3)
            if wrong:
                failed[name] = wrong
                del loaded[name]
        if OURS in failed:
            raise AssertionError(f"agnesi, {row.name}: {failed[OURS]}")
        sample = 0.001 if self.tiny else SAMPLE
        trial = Contest(self.processes, calls_of(loaded, sample), failed)
        for name in loaded:  # how long a call takes, known better
            trial.sample_peer(name)
        better = {name: samples[0] for name, samples in trial.samples.items()}
        return Contest(self.processes, calls_of(better, sample), failed, trial.samples)

    def unload(self) -> None:
        """Let every process forget its row."""
        for process in self.processes.values():
            ask_for_row(process, {"do": "drop"})

    def close(self) -> None:
        """End the processes."""
        for process in self.processes.values():
            process.close()


def ask_for_row(process: Process, question: dict[str, Any]) -> dict[str, Any]:
    """Return a process's answer; that it died over a row is one too."""
    try:
        return process.ask(question)
    except ProcessError as error:
        return {"ok": False, "error": str(error)}


def calls_of(seconds: Mapping[str, float], sample: float) -> dict[str, int]:
    """Return how many calls a sample of each library has."""
    return {name: max(1, round(sample / s)) for name, s in seconds.items()}


def difference(got: list[Any], expected: list[Any], most: float) -> str:
    """Return how results differ from NumPy's by more than rounding, empty if they do not."""
    if [g.shape for g in got] != [e.shape for e in expected]:
        return f"shapes {[g.shape for g in got]}, NumPy's {[e.shape for e in expected]}"
    for k, (g, e) in enumerate(zip(got, expected, strict=True)):
        if e.dtype.kind in "iu":
            if (g != e).mean() > 1e-3:  # two that are equal but for rounding
                return f"result {k} differs in {(g != e).mean():.1%} of its elements"
            continue
        size = float(np.linalg.norm(e.astype(np.float64).ravel()))
        apart = float(np.linalg.norm(g.astype(np.float64).ravel() - e.ravel()))
        if not apart <= most * size + 1e-12:
            return f"result {k} is off by {apart / (size or 1):.2g} of its norm"
    return ""


def run_fresh(stage: Stage, library: str, row: str, home: Path) -> dict[str, Any]:
    """Run a row in a fresh process, whose caches lie in ``home``.

    Returns what ``bench.fresh`` tells, with ``wall``: the seconds to the first result.
    """
    threads = stage.threads
    command = [str(stage.where[library]), "-m", "bench.fresh", library, str(threads), row]
    command.append(str(int(stage.tiny)))
    caches = {
        "AGNESI_CACHE": "agnesi",
        "XDG_CACHE_HOME": "xdg",
        "NUMBA_CACHE_DIR": "numba",
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
        "JAX_COMPILATION_CACHE_DIR": "jax",
    }
    more = {name: str(home / folder) for name, folder in caches.items()}
    more["PYTENSOR_FLAGS"] = f"base_compiledir={home / 'pytensor'}"
    more |= {  # JAX keeps only what took long, unless told
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }
    start = time()
    done = subprocess.run(
        command,
        env=environment(threads, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=within(threads),
    )
    if done.returncode:
        return {"ok": False, "error": done.stderr.strip().splitlines()[-1][:500]}
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if answer["ok"]:
        answer["wall"] = answer["first"] - start
    return answer
