"""``agnesi doctor``: what is installed, what is missing, what makes it slow, and whether it works.

Each examination returns findings; ``EXAMINATIONS`` lists them in the order of the report.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

import agnesi as ag
from agnesi._version import __version__
from agnesi.cli.machine import blas, cores, cpu_name, vector_features
from agnesi.cli.packages import NEEDED, extras, install_command, version_of
from agnesi.core.errors import AgnesiError
from agnesi.core.knobs import KNOBS
from agnesi.runtime.cache import cache_folder


class State(Enum):
    """What a finding means; the value is the word in the report."""

    FINE = "ok"
    ABSENT = "-"
    SLOW = "slow"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One line of the report, and what to do about it where something is to be done."""

    subject: str
    value: str
    state: State = State.FINE
    remedy: str = ""


@dataclass(frozen=True)
class Section:
    """Findings on one subject."""

    title: str
    findings: tuple[Finding, ...]


_STYLES = {
    State.FINE: "green",
    State.ABSENT: "dim",
    State.SLOW: "yellow",
    State.BROKEN: "bold red",
}

_SLOWING = {
    "OPENBLAS_CORETYPE": "holds OpenBLAS to one processor's kernels, whatever this one can do",
    "OPENBLAS_L2_SIZE": "makes OpenBLAS block for another cache than this processor's",
    "PYTHONDONTWRITEBYTECODE": "Python compiles every module anew at each start",
}


def examine() -> tuple[Section, ...]:
    """Every examination, done now."""
    return tuple(Section(title, tuple(look())) for title, look in EXAMINATIONS)


def is_broken(sections: Sequence[Section]) -> bool:
    """Whether something that agnesi needs does not work."""
    return any(_found(sections, State.BROKEN))


def _found(sections: Sequence[Section], state: State) -> list[Finding]:
    return [finding for part in sections for finding in part.findings if finding.state is state]


def show(sections: Sequence[Section], console: Console) -> None:
    """Print the report, remedies under what they mend, the verdict last."""
    for section in sections:
        console.print(Text(section.title, style="bold"))
        table = Table.grid(padding=(0, 2))
        table.add_column(width=6)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in section.findings:
            style = _STYLES[finding.state]
            word = Text(finding.state.value, style=style)
            table.add_row(word, Text(finding.subject), Text(finding.value))
            if finding.remedy:
                table.add_row("", "", Text(finding.remedy, style=style))
        console.print(table)
        console.print()
    console.print(_verdict(sections))


def _verdict(sections: Sequence[Section]) -> Text:
    broken, slow = _found(sections, State.BROKEN), _found(sections, State.SLOW)
    if broken:
        return Text("broken: " + ", ".join(finding.subject for finding in broken), "bold red")
    if slow:
        return Text("works, but slowed by: " + ", ".join(each.subject for each in slow), "yellow")
    return Text("agnesi works", "bold green")


def _versions() -> list[Finding]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    found = [
        Finding("python", f"{python}  {sys.executable}"),
        Finding("agnesi", f"{__version__}  {Path(__file__).parents[1]}"),
    ]
    for package in NEEDED:
        version = version_of(package)
        if version is None:
            remedy = f'pip install "{package}"'
            found.append(Finding(package, "missing", State.BROKEN, remedy))
        else:
            found.append(Finding(package, version))
    found.append(Finding("LLVM", ".".join(map(str, llvm.llvm_version_info))))
    return found


def _processor() -> list[Finding]:
    features = vector_features()
    vectors = Finding("vectors", " ".join(features))
    if not {"avx2", "neon"} & set(features):
        vectors = Finding("vectors", " ".join(features) or "none", State.SLOW, "no AVX2, no NEON")
    return [
        Finding("name", cpu_name()),
        Finding("cores", f"{cores()} of {os.cpu_count()} for this process"),
        Finding("for LLVM", f"{llvm.get_host_cpu_name()}  {llvm.get_process_triple()}"),
        vectors,
    ]


def _blas() -> list[Finding]:
    try:
        library = blas()
    except (AgnesiError, OSError, AttributeError) as error:
        remedy = "pip install --force-reinstall scipy-openblas32"
        return [Finding("library", str(error), State.BROKEN, remedy)]
    return [
        Finding("library", str(library.path)),
        Finding("build", library.config),
        Finding("core", library.core),
        Finding("threads", f"{library.threads}, {library.threading}"),
    ]


def _cache() -> list[Finding]:
    folder = cache_folder()
    if folder is None:
        return [
            Finding("folder", "switched off by AGNESI_CACHE=0", State.SLOW, "unset AGNESI_CACHE")
        ]
    problem = _write_problem(folder)
    if problem:
        remedy = "kernels are compiled anew in each process; set AGNESI_CACHE to a writable folder"
        return [Finding("folder", f"{folder}: {problem}", State.SLOW, remedy)]
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return [
        Finding("folder", f"{folder}  writable"),
        Finding("size", f"{sum(sizes) / 1e6:.1f} MB in {len(sizes):,} files"),
    ]


def _write_problem(folder: Path) -> str:
    """Why no file can be written there, or nothing where one can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _environment() -> list[Finding]:
    found = [
        Finding(variable, os.environ[variable], State.SLOW, f"{does}; unset {variable}")
        for variable, does in _SLOWING.items()
        if os.environ.get(variable)
    ]
    for knob in KNOBS:
        value = os.environ.get(knob.variable, "")
        if not knob.name.startswith("cache") and value not in {"", "0", knob.default}:
            remedy = f"for debugging: {knob.does}; unset {knob.variable}"
            found.append(Finding(knob.variable, value, State.SLOW, remedy))
    return found or [Finding("variables", "none that slow agnesi")]


def _optional() -> list[Finding]:
    listed = extras()
    if not listed:
        missing = "agnesi was not installed: it runs from a source tree"
        return [Finding("extras", missing, State.ABSENT, "pip install --editable .")]
    return [_extra(extra, packages) for extra, packages in listed.items()]


def _extra(extra: str, packages: Sequence[str]) -> Finding:
    versions = {package: version_of(package) for package in packages}
    value = ", ".join(f"{package} {version or 'missing'}" for package, version in versions.items())
    if all(versions.values()):
        return Finding(extra, value)
    return Finding(extra, value, State.ABSENT, install_command(extra))


def _live() -> list[Finding]:
    return [
        _tried("element-wise", _sum_the_witch),
        _tried("matrix product", _multiply),
    ]


def _tried(subject: str, work: Callable[[], float]) -> Finding:
    """What came of compiling and running; any exception at all is a finding."""
    try:
        seconds = work()
    except Exception as error:
        remedy = "if all else here is fine, this is a fault of agnesi: report it with this page"
        return Finding(subject, f"{type(error).__name__}: {error}", State.BROKEN, remedy)
    return Finding(subject, f"compiled in {1e3 * seconds:.0f} ms, gives what NumPy gives")


def _sum_the_witch() -> float:
    """Compile Agnesi's curve, compare with NumPy, return the seconds of compilation."""
    x = ag.input("x", "f64[n]")
    witch = ag.function([x], [(1 / (1 + x**2)).sum()])
    values = np.linspace(-3, 3, 1000)
    np.testing.assert_allclose(witch(values)[0], (1 / (1 + values**2)).sum(), rtol=1e-12)
    return witch.compile_seconds


def _multiply() -> float:
    """The same with a product of matrices, which OpenBLAS may do."""
    a, b = ag.input("a", "f32[m, k]"), ag.input("b", "f32[k, n]")
    product = ag.function([a, b], [ag.maximum(a @ b, 0.0)])
    rng = np.random.default_rng(0)
    left = rng.standard_normal((70, 90), dtype=np.float32)
    right = rng.standard_normal((90, 50), dtype=np.float32)
    expected = np.maximum(left @ right, 0)
    np.testing.assert_allclose(product(left, right)[0], expected, rtol=1e-4, atol=1e-4)
    return product.compile_seconds


EXAMINATIONS: tuple[tuple[str, Callable[[], list[Finding]]], ...] = (
    ("Versions", _versions),
    ("Processor", _processor),
    ("BLAS", _blas),
    ("Cache of compiled kernels", _cache),
    ("Environment", _environment),
    ("Optional packages", _optional),
    ("Live check", _live),
)
