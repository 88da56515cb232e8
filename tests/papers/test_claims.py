"""Claims as inequalities."""

from __future__ import annotations

import math

import pytest

from agnesi.papers import Claim, verdict


def claim(values: tuple[float, ...], **more: object) -> Claim:
    fields: dict[str, object] = {"relation": ">=", "limit": 1.0, **more}
    return Claim("it grows", "growth", values, **fields)  # type: ignore[arg-type]


def test_holds_on_the_right_side_in_mean_and_in_each():
    assert claim((1.0, 2.0)).holds
    assert claim((1.0, 2.0)).margin == 0.5
    assert claim((0.5, 0.75), relation="<=").holds
    assert claim((0.5, 0.75), relation="<=").margin == 0.375


def test_fails_in_the_mean():
    assert not claim((0.9, 0.9), each=0.0).holds
    assert claim((0.9, 0.9), each=0.0).margin == pytest.approx(-0.1)


def test_fails_in_one_seed():
    assert not claim((0.9, 5.0)).holds
    assert claim((0.9, 5.0), each=0.5).holds
    assert not claim((-0.1, 5.0), each=0.0).holds
    assert not claim((1.5, 0.2), relation="<=", each=1.0).holds


def test_what_is_no_number_never_holds():
    assert not claim((math.nan, 2.0)).holds
    assert not claim((math.nan,), relation="<=").holds
    assert not claim(()).holds


def test_verdict():
    good, bad = claim((2.0, 2.0)), claim((0.0, 2.0))
    told = claim((0.0, 0.0), gate=False)
    assert verdict((good, good), 2).startswith("The claim held: each of 2 inequalities")
    assert "1 of 2 inequalities failed (growth)" in verdict((good, bad), 2)
    assert verdict((good, bad), 2).startswith("The claim did not hold")
    line = verdict((good, told), 2)
    assert line.startswith("The claim held: each of 1 ")
    assert line.endswith("0 of 1 further comparisons held.")


def test_everything_is_there_for_programs():
    made = claim((1.0, 2.0), each=0.5).to_json()
    assert made["holds"] is True
    assert made["mean"] == 1.5
    assert made["limit"] == 1.0
    assert made["limit_each_seed"] == 0.5
    assert made["values"] == [1.0, 2.0]
