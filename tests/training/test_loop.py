"""The loop: what is measured, kept and shown; what ends it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

import agnesi as ag
from agnesi.training import (
    Best,
    Checkpoints,
    Diverged,
    MetricsFiles,
    MetricsUnwritable,
    Minibatches,
    Progress,
    State,
    TensorBoard,
    TrainingError,
    evaluate,
    load,
    train,
    variables,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DATA = np.array([1, 2, 3, 4, 5], np.float32)


def regression(rate: float = 0.1) -> tuple[ag.Function, ag.Shared]:
    """A step that moves a number to the mean of the data."""
    x, w = ag.vector("x"), ag.shared(np.float32(0), "w")
    loss = ((w - x) ** 2).mean()
    updates = ag.optim.sgd(ag.grad(loss, [w]), [w], rate)
    return ag.function([x], loss, updates=updates), w


@pytest.fixture(scope="module")
def compiled() -> tuple[ag.Function, ag.Shared]:
    return regression()


@pytest.fixture
def model(compiled: tuple[ag.Function, ag.Shared]) -> tuple[ag.Function, ag.Shared]:
    compiled[1].set_value(np.float32(0))
    return compiled


def test_rows_are_means_weighted_by_examples(model: tuple[ag.Function, ag.Shared]):
    step, w = model
    batches = Minibatches(DATA, 2, shuffle=False)
    state = train(step, batches, epochs=3)
    w.set_value(np.float32(0))
    expected = []
    for _ in range(3):
        losses = [(len(x), float(step(x))) for x in (DATA[:2], DATA[2:4], DATA[4:])]
        expected.append(sum(n * loss for n, loss in losses) / 5)
    assert [row["train_loss"] for row in state.rows] == expected
    assert [(row["epoch"], row["step"], row["examples"]) for row in state.rows] == [
        (1, 3, 5),
        (2, 6, 10),
        (3, 9, 15),
    ]
    assert state.ended == "done" and state.done == 1


def test_rows_every_few_steps_and_at_the_end(model: tuple[ag.Function, ag.Shared]):
    state = train(model[0], Minibatches(DATA, 2), epochs=3, every=4)
    assert [(row["step"], row["epoch"]) for row in state.rows] == [(4, 2), (8, 3), (9, 3)]


def test_outputs_rates_and_hooks():
    seen: list[Any] = []

    def step(x: np.ndarray, rate: np.float32) -> dict[str, float]:
        seen.append(("step", round(float(rate), 3)))
        return {"loss": 1.0, "error": float(len(x))}

    state = train(
        step,
        Minibatches(DATA, 3),
        epochs=2,
        rate=lambda done: 1 - done,
        measure=lambda: {"valid_error": 0.5},
        before_epoch=lambda state: seen.append(("epoch", state.epoch)),
        after_step=lambda state: seen.append(("after", state.step)),
        after_row=lambda state: seen.append(("row", len(state.rows))),
        counted=lambda batch: 10,
        unit="words",
    )
    first = [("epoch", 0), ("step", 1), ("after", 1), ("step", 0.75), ("after", 2), ("row", 1)]
    assert seen[:6] == first
    assert seen[6:8] == [("epoch", 1), ("step", 0.5)]
    assert state.rows[-1].keys() == {
        *("epoch", "step", "words", "seconds", "train_loss", "train_error", "valid_error")
    }
    assert state.rows[-1]["words"] == 40 and state.rows[-1]["train_error"] == 2.5


def test_outputs_that_do_not_fit():
    batches = Minibatches(DATA, 3)
    with pytest.raises(TrainingError, match=r"2 outputs, but there are 1 names"):
        train(lambda x: [1.0, 2.0], batches, epochs=1)
    with pytest.raises(TrainingError, match=r"loss has the shape \[3\]"):
        train(lambda x: x, batches, epochs=1)
    with pytest.raises(TrainingError, match="0 epochs"):
        train(lambda x: 0.0, batches, epochs=0)
    with pytest.raises(TrainingError, match=r"valid_loss, which is not measured\n.*train_loss"):
        train(lambda x: 0.0, batches, epochs=1, best=Best("valid_loss"), variables=[])
    with pytest.raises(TrainingError, match="not known what to save"):
        train(lambda x: 0.0, batches, epochs=1, best=Best("train_loss"))
    with pytest.raises(TrainingError, match="neither a shared variable"):
        variables("w")


def test_evaluation_is_weighted_and_whole():
    mean = ag.function([x := ag.vector("x")], {"mean": x.mean(), "most": x.max()})
    found = evaluate(mean, Minibatches(DATA, 2, shuffle=False), prefix="valid_")
    assert found["valid_mean"] == pytest.approx(3.0)
    assert found["valid_most"] == pytest.approx((2 * 2 + 2 * 4 + 5) / 5)


def losses(values: Sequence[float]) -> Any:
    """A measurement that goes through given values."""
    left = iter(values)
    return lambda: {"valid_loss": next(left)}


def test_early_stopping_gives_back_the_best(model: tuple[ag.Function, ag.Shared]):
    step, w = model
    after: list[float] = []
    state = train(
        step,
        Minibatches(DATA, 2),
        epochs=50,
        measure=losses([5, 4, 4, float("nan"), 4.5, 3]),
        best=Best("valid_loss", patience=3),
        after_row=lambda _: after.append(float(w.get_value())),
    )
    assert state.ended == "stopped early" and len(state.rows) == 5
    assert state.best == 4 and state.best_row == 1
    assert float(w.get_value()) == after[1] != after[-1]


def test_the_best_is_given_back_from_checkpoints_also_by_a_run_that_goes_on(tmp_path: Path):
    step, w = regression()
    after: list[float] = []

    def run(measure: Any, **options: Any) -> State:
        return train(
            step,
            Minibatches(DATA, 2),
            epochs=6,
            measure=measure,
            best=Best("valid_loss", patience=2),
            checkpoints=Checkpoints(tmp_path),
            after_row=lambda _: after.append(float(w.get_value())),
            **options,
        )

    state = run(losses([5, 3, 4]), after_step=interrupt(8))
    assert state.ended == "interrupted" and len(after) == 2
    assert float(w.get_value()) == after[1]  # the best, though the run went further
    state = run(losses([3.5, 3.2]), resume=True)
    assert state.ended == "stopped early" and len(state.rows) == 4
    assert float(w.get_value()) == after[1] != after[3]
    w.set_value(np.float32(0))
    again = run(None, resume=True)
    assert again.ended == "stopped early" and again.rows == state.rows
    assert float(w.get_value()) == after[1]


def test_the_largest_may_be_the_best_and_has_to_be_by_some_margin():
    best = Best("accuracy", largest=True, least=0.01)
    assert best.is_better(0.5, None) and best.is_better(0.52, 0.5)
    assert not best.is_better(0.505, 0.5) and not best.is_better(0.4, 0.5)
    assert not Best("loss").is_better(float("nan"), None)


def test_a_loss_that_is_no_number_names_the_step_and_keeps_the_checkpoint(tmp_path: Path):
    step, w = regression()
    saved: list[float] = []

    def spoil(state: State) -> None:
        saved.append(float(w.get_value()))
        if state.step == 5:
            w.set_value(np.float32(np.inf))

    checkpoints = Checkpoints(tmp_path, steps=1)
    words = r"loss is (inf|nan) in step 6, minibatch 3 of epoch 2\n  the last checkpoint is .*4"
    with pytest.raises(Diverged, match=words):
        train(
            step,
            Minibatches(DATA, 2),
            epochs=3,
            checkpoints=Checkpoints(tmp_path, steps=2),
            after_step=spoil,
        )
    found = checkpoints.load({"w": w})
    assert found is not None and found.state["step"] == 4
    assert float(w.get_value()) == saved[3]


def interrupt(step: int) -> Any:
    def press(state: State) -> None:
        if state.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return press


def test_a_checkpoint_that_is_spoilt_already_is_told_of(tmp_path: Path):
    x, w = ag.matrix("x"), ag.shared(np.ones(2, np.float32), "w")
    loss = ag.sqrt(((x * w) ** 2).sum(axis=1)).mean()  # its slope at 0 is no number
    step = ag.function([x], loss, updates=ag.optim.sgd(ag.grad(loss, [w]), [w], 0.1))
    data = np.ones((6, 2), np.float32)
    data[3] = 0
    with pytest.raises(Diverged, match="nan in step 5,") as caught:
        train(
            step,
            Minibatches.in_order((data,), 1),
            epochs=1,
            checkpoints=Checkpoints(tmp_path, steps=1),
        )
    lines = str(caught.value).splitlines()[1:4]
    assert lines == [
        f"  the last checkpoint is {tmp_path / 'step-000000004.safetensors'}",
        "    but it has numbers that are not finite: w",
        f"  the last checkpoint before it is {tmp_path / 'step-000000003.safetensors'}",
    ]
    assert load(tmp_path / "step-000000003.safetensors", variables(step)) is not None
    assert np.isfinite(w.get_value()).all()


def test_ctrl_c_saves_what_was_learnt(tmp_path: Path):
    whole, w = regression()
    uninterrupted = train(whole, Minibatches(DATA, 2), epochs=4)
    step, v = regression()
    options: dict[str, Any] = {"epochs": 4, "checkpoints": Checkpoints(tmp_path)}
    before = signal.getsignal(signal.SIGINT)
    state = train(step, Minibatches(DATA, 2), after_step=interrupt(5), **options)
    assert signal.getsignal(signal.SIGINT) is before
    assert state.ended == "interrupted" and state.step == 5
    v.set_value(np.float32(-7))
    state = train(step, Minibatches(DATA, 2), resume=True, **options)
    assert state.ended == "done"
    assert without_times(state.rows) == without_times(uninterrupted.rows)
    assert v.get_value() == w.get_value()


def test_a_best_that_is_still_to_come_is_not_given_back(tmp_path: Path):
    """The run was killed after a better row, which the checkpoint before does not know of."""
    step, _ = regression()

    def run(measure: Any, **options: Any) -> State:
        return train(
            step,
            Minibatches(DATA, 2),
            epochs=4,
            measure=measure,
            best=Best("valid_loss"),
            checkpoints=Checkpoints(tmp_path, steps=4, seconds=1e9),
            **options,
        )

    def kill(state: State) -> None:
        if state.step == 7:
            raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        run(losses([5, 4]), after_step=kill)
    with pytest.warns(RuntimeWarning, match="is of a later step than 3, the best until now"):
        state = run(losses([4]), resume=True, after_step=interrupt(5))
    assert state.best_row == 0 and state.step == 5
    state = run(losses([4, 6, 6]), resume=True)
    assert state.best_row == 1 and state.ended == "done"


@pytest.mark.parametrize(("due", "every"), [(1, None), (5, 2)])
def test_a_run_that_breaks_off_anywhere_goes_on_as_if_it_had_not(
    tmp_path: Path, model: tuple[ag.Function, ag.Shared], due: int, every: int | None
):
    """At each step in turn: the first and the last of an epoch, before and after a row."""
    step, w = model

    def measured() -> dict[str, float]:
        return {"valid_loss": abs(float(w.get_value()) - 2.0)}

    def run(folder: Path, **options: Any) -> State:
        return train(
            step,
            Minibatches(DATA, 2, seed=4),
            epochs=4,
            measure=measured,
            every=every,
            best=Best("valid_loss", patience=3),
            checkpoints=Checkpoints(folder, steps=due, seconds=1e9),
            metrics=MetricsFiles(folder),
            **options,
        )

    whole = run(tmp_path / "whole")
    expected = w.get_value()
    for last in range(1, whole.step + 1):

        def break_off(state: State, last: int = last) -> None:
            if state.step == last:
                raise OSError("broken off")

        w.set_value(np.float32(0))
        with pytest.raises(OSError, match="broken off"):
            run(tmp_path / f"{last}", after_step=break_off)
        if not Checkpoints(tmp_path / f"{last}").paths():
            w.set_value(np.float32(0))
        again = run(tmp_path / f"{last}", resume=True)
        assert without_times(again.rows) == without_times(whole.rows)
        assert (again.step, again.ended, again.best_row) == (
            whole.step,
            whole.ended,
            whole.best_row,
        )
        assert w.get_value() == expected


def test_ctrl_c_twice_stops_at_once(model: tuple[ag.Function, ag.Shared]):
    def twice(state: State) -> None:
        interrupt(2)(state)
        interrupt(2)(state)

    with pytest.raises(KeyboardInterrupt):
        train(model[0], Minibatches(DATA, 2), epochs=4, after_step=twice)


def test_other_threads_train_too(model: tuple[ag.Function, ag.Shared]):
    found: list[State] = []

    def work() -> None:
        found.append(train(model[0], Minibatches(DATA, 2), epochs=1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0].ended == "done"


def without_times(rows: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_metrics_files_hold_each_row_once(tmp_path: Path, model: tuple[ag.Function, ag.Shared]):
    folder = tmp_path / "run"
    files = MetricsFiles(folder)
    options: dict[str, Any] = {
        "epochs": 4,
        "checkpoints": Checkpoints(folder, seconds=1e9, steps=4),
        "metrics": files,
    }

    class Killed(BaseException):
        pass

    def kill(state: State) -> None:
        if len(state.rows) == 3:
            raise Killed

    with pytest.raises(Killed):
        train(model[0], Minibatches(DATA, 2), after_row=kill, **options)
    assert len(files.jsonl.read_text().splitlines()) == 3
    state = train(model[0], Minibatches(DATA, 2), resume=True, **options)
    rows = [json.loads(line) for line in files.jsonl.read_text().splitlines()]
    assert rows == state.rows and [row["epoch"] for row in rows] == [1, 2, 3, 4]
    table = list(csv.DictReader(io.StringIO(files.csv.read_text())))
    assert [{k: float(v) for k, v in row.items()} for row in table] == state.rows


def test_what_is_no_number_is_empty(tmp_path: Path):
    files = MetricsFiles(tmp_path)
    files.add({"epoch": 1, "bleu": float("nan")})
    assert json.loads(files.jsonl.read_text()) == {"epoch": 1, "bleu": None}
    assert files.csv.read_text() == "epoch,bleu\n1,\n"


def test_measurements_that_cannot_be_written(tmp_path: Path, model: tuple[ag.Function, ag.Shared]):
    (tmp_path / "file").write_text("")
    files = MetricsFiles(str(tmp_path / "file"))
    with pytest.raises(MetricsUnwritable, match=r"metrics: .*/file/metrics\.\* cannot be written"):
        train(model[0], Minibatches(DATA, 2), epochs=1, metrics=files)
    with pytest.raises(MetricsUnwritable, match="rows that were there still are"):
        files.add({"epoch": 1})


def test_going_on_without_checkpoints(model: tuple[ag.Function, ag.Shared]):
    with pytest.raises(TrainingError, match=r"no checkpoints to go on from\n  Say where"):
        train(model[0], Minibatches(DATA, 2), epochs=1, resume=True)


def test_a_run_is_not_begun_over_another(tmp_path: Path, model: tuple[ag.Function, ag.Shared]):
    batches, checkpoints = Minibatches(DATA, 2), Checkpoints(tmp_path)
    train(model[0], batches, epochs=1, checkpoints=checkpoints)
    with pytest.raises(TrainingError, match="holds a run already"):
        train(model[0], batches, epochs=1, checkpoints=checkpoints)
    done = train(model[0], batches, epochs=1, checkpoints=checkpoints, resume=True)
    assert done.step == 3 and done.ended == "done" and len(done.rows) == 1
    more = train(model[0], batches, epochs=2, checkpoints=checkpoints, resume=True)
    assert more.step == 6 and len(more.rows) == 2


def test_lines_where_there_is_no_terminal(model: tuple[ag.Function, ag.Shared]):
    text = io.StringIO()
    console = Console(file=text, width=60)
    train(model[0], Minibatches(DATA, 2), epochs=2, progress=Progress(console, label="seed 0"))
    lines = text.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("seed 0  epoch 2/2  ") and "train_loss " in lines[1]


def test_a_bar_where_there_is_a_terminal(model: tuple[ag.Function, ag.Shared]):
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True)
    train(model[0], Minibatches(DATA, 2), epochs=2, progress=Progress(console))
    assert "epoch 2/2" in text.getvalue() and "examples/s" in text.getvalue()


def test_tensorboard_that_is_missing_is_an_error(tmp_path: Path):
    from importlib.util import find_spec

    if find_spec("tensorboard") or find_spec("tensorboardX"):
        pytest.skip("it is there")
    with pytest.raises(TrainingError, match="pip install tensorboard"):
        TensorBoard(tmp_path)


def test_rows_go_to_tensorboard_at_their_steps(
    tmp_path: Path, model: tuple[ag.Function, ag.Shared], monkeypatch: pytest.MonkeyPatch
):
    """By a stand-in for tensorboardX; both packages were tried by hand, too."""
    written: list[tuple[Any, ...]] = []

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int) -> None:
            written.append((folder, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def flush(self) -> None:
            pass

        def close(self) -> None:
            written.append(())

    package = ModuleType("tensorboardX")
    vars(package)["SummaryWriter"] = SummaryWriter
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", package)
    state = train(model[0], Minibatches(DATA, 2), epochs=1, metrics=TensorBoard(tmp_path))
    (row,) = state.rows
    assert written[0] == (str(tmp_path), 0) and written[-1] == ()
    assert ("train_loss", row["train_loss"], 3) in written and ("epoch", 1, 3) in written
    TensorBoard(tmp_path).begin(state.rows)
    assert written[-1] == (str(tmp_path), 4)
