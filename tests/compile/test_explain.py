"""Seeing inside: reports, printed stages, and the knobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import agnesi as ag
from agnesi.core import knobs
from agnesi.core.errors import CompilerBug
from agnesi.lower.fuse import fuse
from agnesi.runtime import machine


def squares() -> ag.Function:
    x = ag.input("x", "f32[n]")
    return ag.function([x], (ag.exp(x) * 2).sum(), name="squares")


def test_explain_shows_passes_kernels_buffers_and_work():
    text = squares().explain(n=1000)
    for words in (
        "squares(x: f32[n])",
        "canonicalize",
        "decompose",
        "llvm optimise",
        "buffers",
        "4,000 bytes",
        "exp(x[",
        "for ",
        "FLOPs",
        "test_explain.py:",
    ):
        assert words in text, words
    assert repr(text) == str(text)


def test_the_compile_report_adds_up():
    f = squares()
    report = f.compile_report()
    assert report.total == f.compile_seconds > 0
    assert sum(report.seconds.values()) == pytest.approx(report.total)
    for stage in ("check", "canonicalize", "decompose", "lower", "expand_math", "emit", "llvm"):
        assert report.seconds[stage] > 0, stage
    assert set(report.work) == {"parse", "optimise", "emit"}
    assert (report.kept, report.parts) == (0, len(f.emitted.parts))  # type: ignore[union-attr]
    text = str(report)
    assert text == repr(report)
    assert text.startswith("squares: ")
    assert "in all threads" in text
    again = f.copy(name="again").compile_report()
    assert again.total > 0
    assert "check" not in again.seconds


def test_the_compile_report_of_what_is_interpreted():
    with knobs.setting(interpret="loops"):
        report = squares().compile_report()
    assert report.parts == 0
    assert "llvm" not in report.seconds
    assert "cache" not in str(report)


def test_formulas_without_numbers():
    assert "4*n bytes" in squares().explain()


def test_every_stage_prints():
    f = squares()
    assert [s.name for s in f.stages][:2] == ["canonicalize", "stabilize"]
    assert "exp(%x)" in f.stages[0].text()
    assert "define ptr @call" in f.llvm
    assert f.kernels[0].name in f.llvm
    assert "call:" in f.assembly()


def test_a_chain_is_one_kernel():
    x, a = ag.vector("x"), ag.scalar("a")
    f = ag.function([x, a], ag.exp(-x * x / 2) * ag.tanh(a * x) + ag.log1p(abs(x)))
    assert len(f.kernels) == 1


def test_updates_of_one_shape_share_a_kernel_and_memory():
    w, v = (ag.shared(np.ones(5, np.float32), name) for name in "wv")
    g = ag.input("g", "f32[5]")
    speed = 0.5 * v - g
    f = ag.function([g], [], updates=[(v, speed), (w, w + speed)])
    assert len(f.kernels) == 1
    assert not f.program.slots
    address = w.get_value(borrow=True).ctypes.data
    f(np.ones(5, np.float32))
    assert w.get_value(borrow=True).ctypes.data == address
    assert w.get_value().tolist() == [0.5] * 5


def test_another_size_compiles_nothing(monkeypatch: pytest.MonkeyPatch):
    f = squares()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(machine, "_load", never)
    for size in (0, 1, 7, 100_000):
        x = np.linspace(-1, 1, size, dtype=np.float32)
        np.testing.assert_allclose(f(x), 2 * np.exp(x.astype(np.float64)).sum(), rtol=1e-5)


@pytest.mark.parametrize("how", ["graph", "loops"])
def test_interpreters_take_the_place_of_native_code(how: str):
    x, s = ag.vector("x"), ag.shared(1.0, "s")

    def made() -> ag.Function:
        return ag.function([x], {"y": ag.softmax(x) + s}, updates={s: s + x.sum()}, name="f")

    with knobs.setting(interpret=how):
        f = made()
    got = f([1, 2, 3])["y"]
    assert s.get_value() == 7
    s.set_value(1.0)
    np.testing.assert_allclose(got, made()([1, 2, 3])["y"], rtol=1e-6)
    with pytest.raises(ag.CallError, match="takes 1 arguments"):
        f([1], [2])


def test_the_first_nan_is_named():
    x = ag.vector("x")
    with knobs.setting(check_nan=1):
        f = ag.function([x], ag.log(x).sum() * 2, name="f")
    assert f([1.0]) == 0
    with pytest.raises(
        FloatingPointError, match=r"log gives NaN(.|\n)*test_explain.py:(.|\n)*-1.0"
    ):
        f([-1.0, 2.0])


def test_dumps(tmp_path: Path):
    with knobs.setting(dump="graph,loops,llvm", dump_folder=str(tmp_path)):
        squares()
    names = sorted(p.name for p in (tmp_path / "squares").iterdir())
    assert "00-graph-canonicalize.txt" in names
    assert any("loops" in n for n in names)
    assert any("llvm" in n for n in names)
    with knobs.setting(dump="everything"), pytest.raises(ValueError, match="takes"):
        squares()


def test_passes_can_be_timed_and_verified(capsys: pytest.CaptureFixture[str]):
    with knobs.setting(time=1, verify=2):
        squares()
    assert "canonicalize" in capsys.readouterr().err


def test_knobs_refuse_what_they_do_not_know():
    with knobs.setting(interpret="maybe"), pytest.raises(ValueError, match="AGNESI_INTERPRET"):
        squares()
    with pytest.raises(ValueError, match="there is no knob"), knobs.setting(speed="high"):
        pass


def test_llvm_refusing_text_is_our_bug():
    with pytest.raises(CompilerBug, match="LLVM refuses"):
        machine.load("define nonsense")


def test_the_table_of_knobs_in_the_docs_is_true():
    page = (Path(__file__).parents[2] / "docs" / "debugging.md").read_text()
    for knob in knobs.KNOBS:
        assert f"| `{knob.variable}` | {knob.values} | {knob.does} |" in page


def test_fusion_is_linear_and_deep_chains_compile():
    x = ag.vector("x")
    y: ag.Tensor = x
    for k in range(2000):
        y = y * 0.999 + 0.001 * (k % 3)
    assert len(fuse([y]).groups) > 1
    f = ag.function([x], y)
    expected = np.array([0.5], np.float64)
    for k in range(2000):
        expected = expected * 0.999 + 0.001 * (k % 3)
    np.testing.assert_allclose(f(np.array([0.5], np.float32)), expected, rtol=1e-4)
