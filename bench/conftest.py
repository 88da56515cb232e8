"""Options and fixtures of the benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.contest import Stage, available
from bench.libraries import LIBRARIES
from bench.machine import thread_counts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of ``python -m bench``."""
    group = parser.getgroup("bench")
    group.addoption("--peers", default="", help="Pythons or folders of virtual environments")
    group.addoption("--libraries", default="", help="names, separated by commas")
    group.addoption("--threads", default="", help="numbers, separated by commas")
    group.addoption("--realtime", action="store_true", help="samples at real-time priority")
    group.addoption("--tiny", action="store_true", help="arrays of a few elements, few samples")


def option(config: pytest.Config, name: str) -> str:
    """Return the value of an option."""
    return str(config.getoption(name))


def wanted_threads(config: pytest.Config) -> list[int]:
    """Return the numbers of threads to measure with."""
    text = option(config, "--threads")
    return [int(n) for n in text.split(",")] if text else list(thread_counts())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run benchmarks with each number of threads, those of fresh processes with the first."""
    if "threads" in metafunc.fixturenames:
        counts = wanted_threads(metafunc.config)
        if "caches" in metafunc.fixturenames:
            counts = counts[:1]
        metafunc.parametrize("threads", counts, ids=lambda n: f"t{n}", scope="session")


@pytest.fixture(scope="session")
def where(pytestconfig: pytest.Config) -> dict[str, Path]:
    """The libraries to measure, each with its Python."""
    found = available(option(pytestconfig, "--peers"))
    names = option(pytestconfig, "--libraries").split(",")
    wanted = set(names) if names != [""] else {n for n, e in LIBRARIES.items() if e.usual}
    wanted |= {"agnesi", "numpy"}
    absent = wanted - set(LIBRARIES)
    if absent:
        raise pytest.UsageError(f"no library {', '.join(absent)}; there are {', '.join(LIBRARIES)}")
    return {name: python for name, python in found.items() if name in wanted}


@pytest.fixture(scope="session")
def stage(
    threads: int, where: dict[str, Path], tiny: bool, pytestconfig: pytest.Config
) -> Iterator[Stage]:
    """The processes of the libraries."""
    realtime = bool(pytestconfig.getoption("--realtime"))
    made = Stage(where, threads, realtime=realtime, tiny=tiny)
    yield made
    made.close()


@pytest.fixture
def caches(tmp_path: Path) -> Path:
    """An empty folder for the caches of fresh processes."""
    return tmp_path


@pytest.fixture(scope="session")
def tiny(pytestconfig: pytest.Config) -> bool:
    """Whether this is a trial with a few elements."""
    return bool(pytestconfig.getoption("--tiny"))


def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: Any, output_json: dict[str, Any]
) -> None:
    """Note what pytest-benchmark does not: nothing is kept of its guess at the machine."""
    output_json["machine_info"] = {}
