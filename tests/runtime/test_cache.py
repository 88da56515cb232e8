"""Machine code on disk: found again, never mistaken, and never in the way."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import agnesi as ag
from agnesi.cli.app import app
from agnesi.codegen.llvm.parts import Part
from agnesi.core import knobs
from agnesi.runtime import cache as cache_module
from agnesi.runtime import machine
from agnesi.runtime.cache import Cache, cache, cache_folder, key_of

MEBIBYTE = 1 << 20
KEY = key_of("a")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of the test's own, which has warned of nothing yet."""
    place = tmp_path / "cache"
    monkeypatch.setenv("AGNESI_CACHE", str(place))
    monkeypatch.setattr(cache_module, "_warned", False)
    return place


def squares(scale: float = 3.0) -> ag.Function:
    x = ag.vector("x")
    return ag.function([x], ag.exp(x * x * scale), name="squares")


def check(f: ag.Function, scale: float = 3.0) -> None:
    given = np.linspace(-1, 1, 37, dtype=np.float32)
    np.testing.assert_allclose(f(given), np.exp(given * given * scale), rtol=1e-5)


def kept(f: ag.Function) -> tuple[int, int]:
    assert f.loaded is not None
    return f.loaded.kept, f.loaded.parts


def files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and len(p.parent.name) == 2]


# -- found again -----------------------------------------------------------------------------------


def test_the_second_time_nothing_is_compiled(folder: Path):
    first = squares()
    assert kept(first) == (0, 2)
    second = squares()
    assert kept(second) == (2, 2)
    assert "optimise" not in second.loaded.seconds  # type: ignore[union-attr]
    for f in (first, second):
        check(f)


def test_another_process_finds_it(folder: Path):
    program = (
        "import numpy as np, agnesi as ag; x = ag.vector('x'); f = ag.function([x], ag.sin(x) * 2);"
        "np.testing.assert_allclose(f([1] * 5), np.full(5, 2 * np.sin(1)), rtol=1e-6);"
        "print(f.loaded.kept, f.loaded.parts)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout.split() for run in runs] == [["0", "2"], ["2", "2"]]


def test_a_kernel_is_found_in_another_program(folder: Path):
    x, y = ag.vector("x"), ag.vector("y")
    ag.function([x], ag.tanh(x * 5))
    both = ag.function([y, x], [y.sum(), ag.tanh(x * 5)])
    found, parts = kept(both)
    assert (found, parts) == (1, 3)


def test_other_numbers_are_other_code(folder: Path):
    for scale in (1.0, 2.0):
        f = squares(scale)
        assert kept(f) == (0, 2)
        check(f, scale)


@pytest.mark.parametrize(
    "what", ["text", "recipe", "__version__", "_EDITION", "support", "CPU", "features", "LLVM"]
)
def test_whatever_the_code_depends_on_is_in_the_key(monkeypatch: pytest.MonkeyPatch, what: str):
    def key() -> bytes:
        machine._surroundings.cache_clear()
        return machine._key(part, how)

    part = Part("f", (), "define void @f() {\n  ret void\n}")
    how = machine.Recipe(3, 3, vectorise=True)
    before = key()
    assert before == key()
    if what == "text":
        part = Part("f", (), "define void @f() {\n  unreachable\n}")
    elif what == "recipe":
        how = machine.Recipe(3, 2, vectorise=True)
    elif what == "CPU":
        monkeypatch.setattr(machine.llvm, "get_host_cpu_name", lambda: "z80")
    elif what == "features":
        monkeypatch.setattr(machine, "cpu_features", lambda: "+none")
    elif what == "LLVM":
        monkeypatch.setattr(machine.llvm, "llvm_version_info", (1, 0, 0))
    elif what == "support":
        monkeypatch.setattr(machine, "pool_text", lambda: "other code")
    else:
        monkeypatch.setattr(machine, what, getattr(machine, what) * 2)
    assert key() != before
    monkeypatch.undo()
    machine._surroundings.cache_clear()


def test_keys_of_texts_that_join_to_the_same_differ():
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("abc", "")}) == 4


def test_the_knob_turns_it_off(folder: Path):
    with knobs.setting(cache=0):
        assert cache() is None
        check(squares())
    assert not folder.exists()


# -- broken entries --------------------------------------------------------------------------------


def test_broken_entries_are_missing_and_made_anew(folder: Path):
    squares()
    for path in files(folder):
        content = bytearray(path.read_bytes())
        content[-100] ^= 255
        path.write_bytes(content)
    again = squares()
    assert kept(again) == (0, 2)
    check(again)
    assert kept(squares()) == (2, 2)


def test_a_change_anywhere_is_seen(tmp_path: Path):
    store, rng = Cache(tmp_path, MEBIBYTE), random.Random(1)
    data = rng.randbytes(300)
    store.put(KEY, data)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for _ in range(200):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        assert store.get(KEY) is None
        assert not path.exists()
    for length in (0, 1, 20, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert store.get(KEY) is None
    path.write_bytes(whole + b"more")
    assert store.get(KEY) is None
    path.write_bytes(whole)
    assert store.get(KEY) == data


def test_an_entry_under_anothers_name_is_not_taken(tmp_path: Path):
    store, other = Cache(tmp_path, MEBIBYTE), key_of("other")
    store.put(KEY, b"data")
    wrong = store._path(other)
    wrong.parent.mkdir(exist_ok=True)
    store._path(KEY).rename(wrong)
    assert store.get(other) is None


# -- folders that cannot be used -------------------------------------------------------------------


def uncached_with_one_warning() -> None:
    with pytest.warns(RuntimeWarning, match="cache of compiled kernels") as caught:
        for scale in (1.0, 2.0, 3.0):
            f = squares(scale)
            assert kept(f) == (0, 2)
            check(f, scale)
    assert len(caught) == 1


def test_a_file_where_the_folder_should_be(folder: Path):
    folder.write_text("not a folder")
    uncached_with_one_warning()


def test_a_folder_below_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch):
    folder.write_text("not a folder")
    monkeypatch.setenv("AGNESI_CACHE", str(folder / "below"))
    uncached_with_one_warning()


def fails(number: int) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", ["mkdir", "replace"])
def test_whatever_goes_wrong_when_writing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, step: str
):
    monkeypatch.setattr(Path, step, fails(number))
    uncached_with_one_warning()
    assert files(folder) == []


def test_what_was_kept_before_is_used_when_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    squares(1.0)
    monkeypatch.setattr(Path, "replace", fails(errno.ENOSPC))
    with pytest.warns(RuntimeWarning, match="No space left"):
        squares(2.0)
    assert kept(squares(1.0)) == (2, 2)


LIMITED = """
import resource, warnings
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
import numpy as np, agnesi as ag
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    x = ag.vector("x")
    f = ag.function([x], ag.tanh(x))
    g = ag.function([x], ag.sin(x))
print(len(caught), caught[0].category.__name__, f.loaded.kept)
np.testing.assert_allclose(f([0] * 3), 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_disk_that_takes_no_more(folder: Path):
    run = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["1", "RuntimeWarning", "0"]
    assert files(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bits")
def test_a_folder_that_anybody_may_write_is_not_trusted(folder: Path):
    folder.mkdir()
    folder.chmod(0o777)
    uncached_with_one_warning()
    assert files(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bits")
def test_our_folder_is_closed_to_others(folder: Path):
    squares()
    assert folder.stat().st_mode & 0o077 == 0


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch):
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    monkeypatch.setenv("AGNESI_CACHE", "1")
    assert cache_folder() is None


# -- size ------------------------------------------------------------------------------------------


def test_what_was_used_longest_ago_goes_first(tmp_path: Path):
    store = Cache(tmp_path, 100_000)
    keys = [key_of(str(k)) for k in range(20)]
    for age, key in enumerate(keys):
        store.put(key, bytes(4_900))
        long_ago = time.time() - 10_000 + age
        os.utime(store._path(key), (long_ago, long_ago))
    # Reading an entry is a use of it.
    assert store.get(keys[0]) is not None
    store.put(key_of("new"), bytes(4_900))
    store.tidy()
    assert store.info().bytes <= 75_000
    assert store.get(keys[0]) is not None
    assert store.get(key_of("new")) is not None
    assert store.get(keys[1]) is None
    assert store.get(keys[19]) is not None


def test_the_size_stays_within_bounds(tmp_path: Path):
    store = Cache(tmp_path, 100_000)
    for k in range(200):
        store.put(key_of(str(k)), bytes(3_000))
        assert store.info().bytes <= 110_000
    assert store.info().entries > 15


def test_what_is_too_large_is_not_kept(tmp_path: Path):
    store = Cache(tmp_path, 1_000)
    store.put(KEY, bytes(500))
    assert store.get(KEY) is None


def test_what_a_process_left_half_written_goes(tmp_path: Path):
    store = Cache(tmp_path, MEBIBYTE)
    store.put(KEY, b"data")
    (path,) = files(tmp_path)
    old, new = path.parent / ".old", path.parent / ".new"
    for half in (old, new):
        half.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.tidy()
    assert not old.exists()
    assert new.exists()
    assert store.get(KEY) == b"data"


# -- many at once ----------------------------------------------------------------------------------

HAMMER = """
import random, sys, warnings
warnings.simplefilter("error")
from pathlib import Path
from agnesi.runtime.cache import Cache, key_of
seed, folder = int(sys.argv[1]), Path(sys.argv[2])
rng, store, found = random.Random(seed), Cache(folder, 60_000), 0
for turn in range(600):
    k = rng.randrange(40)
    data = random.Random(k).randbytes(500 + 50 * k)
    key = key_of(str(k))
    if rng.random() < 0.5:
        store.put(key, data)
    else:
        got = store.get(key)
        assert got is None or got == data
        found += got is not None
    if seed == 0 and turn % 100 == 99:
        store.clear()
    if seed == 1 and turn % 100 == 50:
        store.tidy()
    if seed == 2 and turn % 50 == 25:
        for path in list(folder.rglob("*"))[:3]:
            if path.is_file():
                try:
                    path.write_bytes(path.read_bytes()[:100])
                except FileNotFoundError:
                    pass
assert store.writable and store.readable and found > 20
print("done")
"""


def test_many_processes_use_one_folder(tmp_path: Path):
    folder = tmp_path / "shared"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, str(seed), str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(8)
    ]
    for process in running:
        out, errors = process.communicate(timeout=120)
        assert (out.strip(), errors) == ("done", "")
    store = Cache(folder, 60_000)
    store.tidy()
    assert store.info().bytes <= 60_000
    assert not [p for p in files(folder) if p.name.startswith(".")]


def test_many_processes_compile_the_same(folder: Path):
    program = (
        "import numpy as np, agnesi as ag; x = ag.vector('x'); f = ag.function([x], ag.cos(x) + 1);"
        "np.testing.assert_allclose(f([0] * 5), np.full(5, 2), rtol=1e-6)"
    )
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", program]) for _ in range(4)]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    assert not [p for p in files(folder) if p.name.startswith(".")]
    assert len(files(folder)) >= 3


# -- side by side in one process -------------------------------------------------------------------


def test_parts_compiled_side_by_side_are_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch):
    x = ag.matrix("x")
    f = ag.function([x], [ag.sin(x).sum(0), ag.exp(x).sum(1), ag.tanh(x).max(), x.argmax()])
    assert f.emitted is not None
    parts = f.emitted.parts
    assert len(parts) > 3
    results: list[list[bytes]] = []
    for cores in (1, 4):
        monkeypatch.setattr(machine.threads, "get_threads", lambda cores=cores: cores)
        jobs = [(part, machine.recipe(part, 3)) for part in parts]
        results.append([made.data for made in machine._objects(jobs, machine._Seconds())])
    assert results[0] == results[1]


def test_a_failure_in_another_thread_is_raised(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine.threads, "get_threads", lambda: 4)
    good = [Part(f"f{k}", (), f"define void @f{k}() {{\n  ret void\n}}") for k in range(8)]
    bad = Part("g", (), "define void @g() {\n  nonsense\n}")
    with pytest.raises(ag.CompilerBug, match="nonsense"):
        machine.load([*good, bad])


# -- the command -----------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ("cache", *arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_shows_and_clears(folder: Path):
    assert run("path") == f"{folder}\n"
    assert "0 kernels" in run("info")
    squares()
    count = len(files(folder))
    assert f"{count} kernels, 0.0 of 268 MB" in run("info")
    assert f"{count} kernels removed" in run("clear")
    assert files(folder) == []
    assert kept(squares()) == (0, 2)


def test_the_command_without_a_cache(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGNESI_CACHE", "0")
    result = CliRunner().invoke(app, ("cache", "info"))
    assert result.exit_code == 1
    assert "AGNESI_CACHE" in result.output


def test_no_warning_where_all_is_well(folder: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        squares()
        squares()
