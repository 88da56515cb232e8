"""Parts of a program that are compiled while the rest of it is being written."""

from __future__ import annotations

import ctypes
import threading

import pytest

import agnesi as ag
from agnesi.codegen.llvm.parts import Part
from agnesi.core.errors import CompilerBug
from agnesi.core.knobs import setting
from agnesi.runtime import machine


def part(name: str, number: int) -> Part:
    return Part(name, (), f"define i64 @{name}() {{\n ret i64 {number}\n}}")


def test_each_part_is_made_once_and_loaded(monkeypatch: pytest.MonkeyPatch):
    compiled = machine._compiled  # pyright: ignore[reportPrivateUsage]
    made: list[str] = []

    def count(part: Part, how: machine.Recipe, seconds: object) -> bytes:
        made.append(part.name)
        return compiled(part, how, seconds)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(machine, "_compiled", count)
    machine.support()
    made.clear()
    parts = [part(f"early{k}", 10 + k) for k in range(5)]
    with setting(cache="0"):
        early = machine.Early(3)
        for each in (*parts[:3], *parts[:3]):
            early.ready(each)
        loaded = machine.load(parts, name="early2", early=early)
    assert ctypes.CFUNCTYPE(ctypes.c_int64)(loaded.address)() == 12
    assert sorted(made) == [p.name for p in parts] and loaded.parts == 5


def test_what_goes_wrong_is_raised_by_load():
    wrong = Part("wrong", (), "define i64 @wrong() { ret i32 1 }")
    with setting(cache="0"):
        early = machine.Early(3)
        early.ready(wrong)
        with pytest.raises(CompilerBug, match="LLVM refuses"):
            machine.load([wrong], name="wrong", early=early)


def test_a_program_that_cannot_be_written_leaves_no_thread(monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> None:
        early: machine.Early = _[-1]  # type: ignore[assignment]
        early(part("unused", 1))  # type: ignore[operator]
        raise ZeroDivisionError

    monkeypatch.setattr("agnesi.compile.function.emit_program", fails)
    before = threading.active_count()
    x = ag.vector("x")
    with pytest.raises(ZeroDivisionError):
        ag.function([x], x + 1)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name.endswith("(run)"):
            thread.join(10)
    assert threading.active_count() <= before
