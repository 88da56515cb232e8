"""What is said of the machine."""

from __future__ import annotations

from bench import machine


def test_limits_are_those_of_a_machine():
    found = machine.limits(1, 0.01, far=machine.MEGABYTE, rounds=1000)
    assert {"fma_f32_GFLOPs", "read_GBps", "triad_GBps"} <= set(found)
    assert all(0 < value < 100_000 for value in found.values())


def test_description():
    found = machine.describe(())
    assert found["cpu"]
    assert found["cores"] >= 1
    assert machine.slug({"cpu": "AMD EPYC(R)", "architecture": "znver4", "cores": 2}) == (
        "amd-epyc-r-znver4-2-cores"
    )


def test_pins_are_taken_away(monkeypatch, capsys):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    machine.unpin()
    assert "OPENBLAS_CORETYPE=Haswell" in capsys.readouterr().out
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    machine.unpin()
    assert "OPENBLAS_L2_SIZE=512" in capsys.readouterr().out
