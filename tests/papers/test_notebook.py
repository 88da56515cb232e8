"""A run's folder: cells that were measured, runs that are taken, times."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

import agnesi as ag
from agnesi.papers import FolderTaken, Notebook
from agnesi.training import Diverged, Minibatches

if TYPE_CHECKING:
    from pathlib import Path

    from agnesi.papers import Cell


def notebook(folder: Path, *, resume: bool = False, **settings: object) -> Notebook:
    return Notebook(folder, settings, Console(file=io.StringIO(), width=200), resume=resume)


def shown(book: Notebook) -> str:
    assert isinstance(book.console.file, io.StringIO)
    return book.console.file.getvalue()


def test_a_cell_is_measured_once(tmp_path: Path):
    calls: list[str] = []

    def work(cell: Cell) -> dict[str, float]:
        calls.append(cell.name)
        cell.arrays = {"w": np.arange(3.0)}
        cell.shown = ("error",)
        return {"error": 1 / 3}

    first = notebook(tmp_path)
    first.plan({"a/b": 1.0, "a/c": 3.0})
    assert first.cell("a/b", work) == {"error": 1 / 3}
    assert "1/2  a/b  error 0.3333" in shown(first)
    assert " left" in shown(first)
    again = notebook(tmp_path, resume=True)
    assert again.cell("a/b", work) == {"error": 1 / 3}
    assert calls == ["a/b"]
    np.testing.assert_array_equal(again.arrays("a/b")["w"], np.arange(3.0))


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path):
    notebook(tmp_path, mode="quick").cell("a", lambda cell: {})
    with pytest.raises(FolderTaken, match=r"holds a run already\n.*--resume"):
        notebook(tmp_path, mode="quick")
    with pytest.raises(FolderTaken, match="mode: 'quick' then, 'full' now"):
        notebook(tmp_path, mode="full", resume=True)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(FolderTaken, match="cannot be read"):
        notebook(tmp_path, mode="quick", resume=True)


def test_a_folder_in_which_nothing_was_measured_is_free(tmp_path: Path):
    notebook(tmp_path, mode="quick")
    notebook(tmp_path, mode="full")


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderTaken, match=r"cannot be written.*\n.*--out"):
        notebook(tmp_path / "file" / "run")


def test_a_loss_that_is_no_number_names_cell_and_step_and_keeps_checkpoints(tmp_path: Path):
    x, w = ag.vector("x"), ag.shared(np.float32(1), "w")
    loss = (w * x).sum()
    step = ag.function([x], loss, updates=[(w, w * 3)])
    data = np.array([1, 2, 3, np.inf, 5], np.float32)

    def work(cell: Cell) -> dict[str, float]:
        batches = Minibatches(data, 1, shuffle=False, prefetch=0)
        cell.train(step, batches, settings={}, epochs=1)
        return {}

    book = notebook(tmp_path)
    book.plan({"a/trec-seed0": 1.0})
    with pytest.raises(Diverged, match=r"a/trec-seed0: .*inf in step 4"):
        book.cell("a/trec-seed0", work)
    assert not (tmp_path / "cells" / "a" / "trec-seed0.json").exists()
