"""``agnesi doctor``: what it reports, and when it exits with 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from agnesi import cli
from agnesi._version import __version__
from agnesi.cli import doctor, machine, packages
from agnesi.cli.app import app
from agnesi.core.errors import CompilerBug
from agnesi.runtime.cache import cache_folder

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable that slows, a cache of our own, and lines wide enough to search."""
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(variable, raising=False)
    for knob in doctor.KNOBS:
        monkeypatch.delenv(knob.variable, raising=False)
    monkeypatch.setenv("AGNESI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "400")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments or ("doctor",))


def test_doctor_finds_everything_needed():
    result = run()
    assert result.exit_code == 0, result.output
    for word in ("numpy", "llvmlite", "LLVM", "scipy-openblas32", "cores", "vectors", "core"):
        assert word in result.output
    assert result.output.count("gives what NumPy gives") == 2
    assert result.output.rstrip().endswith("agnesi works")


def test_version():
    assert run("--version").output == f"agnesi {__version__}\n"


def test_slowing_variable_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    result = run()
    assert result.exit_code == 0
    assert "unset OPENBLAS_CORETYPE" in result.output
    assert result.output.rstrip().endswith("works, but slowed by: OPENBLAS_CORETYPE")


def test_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AGNESI_CACHE", str(tmp_path / "file" / "cache"))
    findings = {part.title: part.findings for part in doctor.examine()}
    (folder,) = findings["Cache of compiled kernels"]
    assert folder.state is doctor.State.SLOW
    assert "set AGNESI_CACHE" in folder.remedy


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("AGNESI_CACHE", "0")
    assert cache_folder() is None
    monkeypatch.delenv("AGNESI_CACHE")
    folder = cache_folder()
    assert folder is not None
    assert folder.name == "agnesi"


def test_missing_extra_comes_with_its_command(monkeypatch: pytest.MonkeyPatch):
    def version_of(package: str) -> str | None:
        return None if package == "dask" else "1.0"

    monkeypatch.setattr(doctor, "version_of", version_of)
    result = run()
    assert "dask missing" in result.output
    assert 'pip install "agnesi[dask]"' in result.output


def test_missing_dependency_is_broken(monkeypatch: pytest.MonkeyPatch):
    def version_of(package: str) -> str | None:
        return None if package == "llvmlite" else "1.0"

    monkeypatch.setattr(doctor, "version_of", version_of)
    result = run()
    assert result.exit_code == 1
    assert 'pip install "llvmlite"' in result.output
    assert result.output.rstrip().endswith("broken: llvmlite")


def test_missing_blas_is_broken(monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise CompilerBug("no BLAS library there")

    monkeypatch.setattr(machine.symbols, "blas", fail)
    result = run()
    assert result.exit_code == 1
    assert "no BLAS library there" in result.output


@pytest.mark.parametrize(("value", "slows"), [("0", False), ("2", True)])
def test_debug_knob_is_named(monkeypatch: pytest.MonkeyPatch, value: str, slows: bool):
    monkeypatch.setenv("AGNESI_VERIFY", value)
    assert ("unset AGNESI_VERIFY" in run().output) is slows


def test_failing_live_check_is_broken(monkeypatch: pytest.MonkeyPatch):
    def fail() -> float:
        raise RuntimeError("no code came out")

    monkeypatch.setattr(doctor, "_multiply", fail)
    result = run()
    assert result.exit_code == 1
    assert "RuntimeError: no code came out" in result.output


def test_machine():
    library = machine.blas()
    assert library.path.is_file()
    assert library.core
    assert library.threads >= 1
    assert machine.cpu_name()
    assert machine.cores() >= 1


def test_extras_come_from_the_metadata():
    extras = packages.extras()
    assert {"matplotlib", "mlxtend"} <= set(extras["demo"])
    assert set(extras["cli"]) == {"typer", "rich"}


def test_without_typer_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    def find_nothing(name: str) -> ModuleSpec | None:
        del name

    monkeypatch.setattr(cli, "find_spec", find_nothing)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 'pip install "agnesi[cli]"' in str(caught.value)
