"""Checkpoints: what is saved comes back, and what is spoilt or does not fit changes nothing."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agnesi as ag
from agnesi.core.dtypes import ALL
from agnesi.training import (
    CheckpointCorrupt,
    CheckpointMismatch,
    Checkpoints,
    CheckpointUnwritable,
    MetricsFiles,
    Minibatches,
    TrainingError,
    load,
    read,
    save,
    train,
    variables,
)
from agnesi.training import checkpoints as checkpoints_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pair(value: float = 1.0) -> dict[str, ag.Shared]:
    return {
        "w": ag.shared(np.full((2, 3), value, np.float32), "w"),
        "count": ag.shared(np.int64(value), "count"),
    }


def values(held: dict[str, ag.Shared]) -> list[float]:
    return [float(np.mean(variable.get_value())) for variable in held.values()]


@pytest.mark.parametrize("dtype", [d for d in ALL if d.value != "object"], ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_each_dtype_comes_back(tmp_path: Path, dtype: Any, shape: tuple[int, ...]):
    rng = np.random.default_rng(0)
    value = rng.integers(0, 2, shape) + (0.5j if dtype.numpy.kind == "c" else 0)
    held = {"x": ag.shared(np.asarray(value).astype(dtype.numpy), "x")}
    before = held["x"].get_value()
    save(tmp_path / "x.safetensors", held)
    held["x"].set_value(np.zeros_like(before))
    load(tmp_path / "x.safetensors", held)
    after = held["x"].get_value()
    assert after.dtype == before.dtype and after.shape == before.shape
    assert after.tobytes() == before.tobytes()


def test_a_path_may_be_text(tmp_path: Path):
    path, held = str(tmp_path / "x.safetensors"), pair(3.0)
    save(path, held, {"epoch": 2})
    assert load(path, new := pair()) == {"epoch": 2} and values(new) == [3.0, 3.0]
    assert sorted(read(path)[0]) == ["count", "w"]
    assert Checkpoints(str(tmp_path)).best == tmp_path / "best.safetensors"


def test_other_programs_read_it(tmp_path: Path):
    from safetensors.numpy import load_file

    save(tmp_path / "w.safetensors", pair(3.0), {"note": "é"})
    found = load_file(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(found["w"], np.full((2, 3), 3, np.float32))
    assert read(tmp_path / "w.safetensors")[1] == {"note": "é"}


def test_all_that_a_function_uses_is_found():
    x, w = ag.vector("x"), ag.shared(np.ones(3, np.float32), "w")
    stream = ag.random.Stream(seed=1)
    loss = ((x * w * stream.bernoulli(0.5, (3,))) ** 2).sum()
    step = ag.function([x], loss, updates=ag.optim.adam(ag.grad(loss, [w]), [w]))
    names = list(variables(step))
    assert names == ["w", "random.key", "random.count", "adam_count", "mean_w", "square_w"]
    other = ag.function([], ag.shared(1.0, "w") * 2)
    assert list(variables([step, {"eval": other}]))[-1] == "w#2"


@given(data=st.data())
def test_any_change_of_a_file_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: Any):
    path = tmp_path_factory.mktemp("spoilt") / "w.safetensors"
    save(path, pair(), {"epoch": 2})
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    held = pair(5.0)
    try:
        state = load(path, held)
    except CheckpointCorrupt as error:
        assert str(path) in str(error)
        assert values(held) == [5.0, 5.0]
    else:  # a byte that means nothing, such as white space of the header
        assert values(held) == [1.0, 1.0] and state == {"epoch": 2}


def test_another_program_is_told_before_anything_changes(tmp_path: Path):
    path = tmp_path / "w.safetensors"
    save(path, pair())
    for change, words in {
        "w": (ag.shared(np.zeros((3, 2), np.float32), "w"), r"w: float32\[2, 3\] in .*f32\[3, 2\]"),
        "count": (ag.shared(0.0, "count"), r"count: int64\[\] in the file, f32\[\]"),
        "b": (ag.shared(0.0, "b"), "b: not in the file"),
    }.items():
        held = pair(5.0) | {change: words[0]}
        before = values(held)
        with pytest.raises(CheckpointMismatch, match=words[1]):
            load(path, held)
        assert values(held) == before
    with pytest.raises(CheckpointMismatch, match="count: in the file alone"):
        load(path, {"w": pair()["w"]})
    open_size = {"w": ag.shared(np.zeros((1, 3), np.float32), "w", shape=(None, 3))}
    save(path, {"w": pair(2.0)["w"]})
    load(path, open_size)
    assert open_size["w"].get_value().shape == (2, 3)


def test_no_checkpoint_at_all(tmp_path: Path):
    with pytest.raises(CheckpointCorrupt, match="No such file"):
        load(tmp_path / "w.safetensors", pair())
    (tmp_path / "w.safetensors").write_bytes(b"a text")
    with pytest.raises(CheckpointCorrupt, match="cannot be read"):
        load(tmp_path / "w.safetensors", pair())
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointCorrupt, match="no checkpoint of agnesi"):
        load(tmp_path / "w.safetensors", pair())
    assert Checkpoints(tmp_path / "nowhere").load(pair()) is None


def test_the_last_few_are_kept_and_the_newest_whole_one_is_taken(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path, keep=3)
    held = pair()
    for step in range(1, 6):
        held["count"].set_value(np.int64(step))
        checkpoints.save(held, {"step": step}, step)
    assert [path.name for path in checkpoints.paths()] == [
        f"step-{step:09d}.safetensors" for step in (5, 4, 3)
    ]
    newest, second, _ = checkpoints.paths()
    newest.write_bytes(newest.read_bytes()[:-1])
    second.write_bytes(b"")
    (tmp_path / ".step-000000006.safetensors.123.tmp").write_bytes(b"half")
    found = checkpoints.load(held)
    assert found is not None and found.state == {"step": 3} and len(found.skipped) == 2
    assert int(held["count"].get_value()) == 3
    assert not list(tmp_path.glob(".*.tmp"))
    # What was spoilt is none of the last few any more, and is there to be looked at.
    assert [path.name for path in checkpoints.paths()] == ["step-000000003.safetensors"]
    assert len(list(tmp_path.glob("step-*.spoilt"))) == 2
    for path in checkpoints.paths():
        path.write_bytes(b"")
    with pytest.raises(CheckpointCorrupt, match=r"none in .* is whole\n.*step-000000003"):
        checkpoints.load(held)


def test_a_run_goes_on_from_the_checkpoint_before_a_spoilt_one(tmp_path: Path):
    x, w = ag.vector("x"), ag.shared(np.float32(0), "w")
    loss = ((w - x) ** 2).mean()
    step = ag.function([x], loss, updates=ag.optim.sgd(ag.grad(loss, [w]), [w], 0.1))
    batches = Minibatches(np.arange(8, dtype=np.float32), 2)
    checkpoints = Checkpoints(tmp_path, steps=1)
    whole = train(step, batches, epochs=2, checkpoints=checkpoints)
    expected = w.get_value()
    newest = checkpoints.paths()[0]
    newest.write_bytes(newest.read_bytes()[:100])
    with pytest.warns(RuntimeWarning, match="cannot be read"):
        again = train(step, batches, epochs=2, checkpoints=checkpoints, resume=True)
    assert again.step == whole.step == 8
    assert w.get_value() == expected
    assert checkpoints.load({"w": w}) is not None


def test_when_a_checkpoint_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(checkpoints_module.time, "monotonic", lambda: now[0])

    def slow(*_: object) -> None:
        now[0] += 2

    monkeypatch.setattr(checkpoints_module, "save", slow)
    checkpoints = Checkpoints(tmp_path, seconds=10, steps=50)
    assert not checkpoints.is_due(49) and checkpoints.is_due(50)
    now[0] += 10
    assert checkpoints.is_due(1)
    checkpoints.save({}, {}, 1)
    now[0] += 39
    assert not checkpoints.is_due(50) and checkpoints.is_due(51)
    now[0] += 1
    assert checkpoints.is_due(2)  # a twentieth of the time


def test_settings_have_to_be_those_of_the_run(tmp_path: Path):
    held = pair()
    Checkpoints(tmp_path, settings={"hidden": (8, 8), "rate": 0.1}).save(held, {}, 1)
    assert Checkpoints(tmp_path, settings={"hidden": [8, 8], "rate": 0.1}).load(held)
    assert Checkpoints(tmp_path).load(held)
    with pytest.raises(CheckpointMismatch, match=r"rate: 0\.1 then, 0\.2 now"):
        Checkpoints(tmp_path, settings={"rate": 0.2}).load(held)
    with pytest.raises(CheckpointMismatch, match=r"states of \[\] too, the program \['rng'\]"):
        Checkpoints(tmp_path, also={"rng": np.random.default_rng(0)}).load(held)
    with pytest.raises(TrainingError, match="cannot be kept"):
        Checkpoints(tmp_path, settings={"hidden": object()})
    with pytest.raises(TrainingError, match="keep is 0"):
        Checkpoints(tmp_path, keep=0)


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_generators_and_others_go_on(tmp_path: Path, bits: Callable[[int], Any]):
    rng, rate = np.random.Generator(bits(3)), ag.shared(np.float32(0.5), "rate")
    plateau = ag.optim.ReduceOnPlateau(rate, factor=0.5, patience=2)
    checkpoints = Checkpoints(tmp_path, also={"rng": rng, "plateau": plateau})
    rng.standard_normal(3)
    plateau.see(1.0)
    plateau.see(2.0)
    checkpoints.save({"rate": rate}, {}, 1)
    expected = rng.standard_normal(5)
    plateau.see(0.5)
    checkpoints.load({"rate": rate})
    np.testing.assert_array_equal(rng.standard_normal(5), expected)
    assert plateau.get_state() == {"best": 1.0, "waited": 1}


def test_a_full_disk_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checkpoints, held = Checkpoints(tmp_path), pair()
    checkpoints.save(held, {"step": 1}, 1)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointUnwritable, match=r"No space left on device\n  it takes 0\.0 MB"):
        checkpoints.save(held, {"step": 2}, 2)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]
    found = checkpoints.load(held)
    assert found is not None and found.state == {"step": 1}


def test_a_folder_that_cannot_be_is_told_before_anything_starts(tmp_path: Path):
    (tmp_path / "file").touch()
    called: list[int] = []
    where: list[dict[str, Any]] = [
        {"checkpoints": Checkpoints(tmp_path / "file")},
        {"metrics": MetricsFiles(tmp_path / "file" / "run")},
    ]
    for kept in where:
        with pytest.raises(OSError, match=r"file"):
            train(called.append, Minibatches(np.zeros(3), 1), epochs=1, variables=[], **kept)
    assert not called


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may have more than 20,000 bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"w": ag.shared(np.zeros(1000, np.float32))}, {}, 1)
    with pytest.raises(CheckpointUnwritable, match="File too large"):
        checkpoints.save({"w": ag.shared(np.zeros(10_000, np.float32))}, {}, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]


def test_a_disk_that_is_full(tmp_path: Path):
    """A file system of 64 KiB, where this machine lets us have one."""
    script = (
        "import sys, pathlib, numpy as np, agnesi as ag\n"
        "from agnesi.training import Checkpoints, CheckpointUnwritable\n"
        "checkpoints = Checkpoints(pathlib.Path(sys.argv[1]), keep=9)\n"
        "held = {'w': ag.shared(np.arange(5000, dtype=np.float32))}\n"
        "try:\n"
        "    for step in range(1, 9):\n"
        "        checkpoints.save(held, {'step': step}, step)\n"
        "except CheckpointUnwritable as error:\n"
        "    print(error)\n"
        "print('found', checkpoints.load(held).state)\n"
        "print(*(path.name for path in checkpoints.folder.iterdir()))\n"
    )
    tmp_path.joinpath("full").mkdir()
    mount = f'mount -t tmpfs -o size=64k none {tmp_path}/full && exec "$@"'
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    python = [sys.executable, "-c", script, f"{tmp_path}/full"]
    done = subprocess.run([*command, *python], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stdout
    assert "found {'step': 3}" in done.stdout
    assert ".tmp" not in done.stdout
