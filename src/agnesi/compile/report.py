"""Where the time of a compilation went: ``f.compile_report()``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What is done by several threads at once: its seconds are added up, and are part of "llvm".
_BESIDE = ("parse", "optimise", "emit", "keep")
_PHRASES = {
    "check": "what was asked for",
    "lower": "what shares a kernel, loops, order, memory",
    "emit": "LLVM IR",
    "start": "LLVM and the C functions that code calls; once in a process",
    "look up": "in the cache",
    "llvm": "machine code of what was not there",
    "load": "into memory",
    "rest": "all that lies between",
}


@record(frozen=True)
class CompileReport:
    """How long a function took to compile, by stage; it prints as a table.

    Attributes:
        name: of the function.
        total: seconds in all.
        seconds: by stage, in their order; what comes between them is ``rest``.
        work: seconds of LLVM's stages, added up over the threads that were at work: what
            ``seconds["llvm"]`` is made of.
        parts: how many modules the program consists of.
        kept: how many of them came from the cache on disk.
    """

    name: str
    total: float
    seconds: Mapping[str, float]
    work: Mapping[str, float]
    parts: int
    kept: int

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        found = f", {self.kept} of {self.parts} parts from the cache" if self.parts else ""
        yield f"{self.name}: {self.total * 1e3:.1f} ms{found}"
        for stage, seconds in self.seconds.items():
            yield _line(stage, seconds, seconds / (self.total or 1.0), _PHRASES.get(stage, ""))
            if stage == "llvm":
                yield from (
                    f"    {_time(name, s)}  in all threads" for name, s in self.work.items()
                )


def compile_report(
    name: str, total: float, seconds: Mapping[str, float], parts: int, kept: int
) -> CompileReport:
    """Return the report of what was measured.

    Args:
        name: of the function.
        total: seconds in all.
        seconds: by stage; those of LLVM begin with ``llvm``.
        parts: of the program.
        kept: how many were on disk.
    """
    stages: dict[str, float] = {}
    work: dict[str, float] = {}
    for stage, time in seconds.items():
        inner = stage.removeprefix("llvm ")
        if inner != stage and inner in _BESIDE:
            work[inner] = time
        else:
            stages[inner] = time
    stages["rest"] = max(total - sum(stages.values()), 0.0)
    return CompileReport(name, total, stages, work, parts, kept)


def _line(stage: str, seconds: float, share: float, phrase: str) -> str:
    return f"  {_time(stage, seconds)}{share:7.0%}  {phrase}".rstrip()


def _time(stage: str, seconds: float) -> str:
    return f"{stage:<14}{seconds * 1e3:9.2f} ms"
