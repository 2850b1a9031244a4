"""The lines that a study writes where there is no terminal to draw on."""

from __future__ import annotations

import math
from io import StringIO

import pytest
from rich.console import Console

from search.cli.live import LiveProgress
from tracking import BEYOND, COMPLETE, FAILED, EpochRecord, StudyRecord, TrialRecord


@pytest.mark.parametrize(
    ("direction", "values", "marked"),
    [
        ("minimize", [0.9, 0.9, 0.8, 0.85], [0, 2]),
        ("maximize", [0.8, 0.8, 0.7, 0.9], [0, 3]),
    ],
)
def test_a_trial_is_marked_that_is_better_than_all_before(
    direction: str, values: list[float], marked: list[int]
) -> None:
    """Whichever way the objective goes; an equal one is not better."""
    file = StringIO()
    with LiveProgress(Console(file=file, width=200)) as progress:
        study = StudyRecord(name="s", direction=direction, monitor="val_acc")
        progress.study(study, finished=0, target=4)
        for number, value in enumerate(values):
            record = TrialRecord(study="s", number=number, params={})
            progress.trial(record, epochs=1)
            epoch = EpochRecord(epoch=1, seconds=0.1, metrics={"val_acc": value})
            progress.epoch(record, epoch, value)
            ended = TrialRecord(
                study="s",
                number=number,
                params={},
                state=COMPLETE,
                value=value,
                epochs=(epoch,),
            )
            progress.ended(ended, finished=number + 1, target=4)
    lines = file.getvalue().splitlines()
    assert len(lines) == 4
    assert [n for n, line in enumerate(lines) if line.endswith("best so far")] == marked
    assert lines[0] == f"[1/4] trial 0: complete, val_acc {values[0]:.4f}, 1 epoch, best so far"


def test_a_trial_that_trained_nothing_has_no_epochs() -> None:
    file = StringIO()
    drawn = (EpochRecord(epoch=1, seconds=0.1, metrics={"val_rmse": 2.0}),)
    with LiveProgress(Console(file=file, width=200)) as progress:
        progress.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=2)
        for state, run in ((COMPLETE, 0.0), (COMPLETE, 1.0), (FAILED, 0.0)):
            ended = TrialRecord(
                study="s",
                number=0,
                params={},
                state=state,
                value=2.0 if state == COMPLETE else None,
                metrics={"epochs_run": run},
                epochs=drawn if state == COMPLETE else (),
            )
            progress.ended(ended, finished=1, target=2)
    assert [line.partition(": ")[2] for line in file.getvalue().splitlines()] == [
        "complete, val_rmse 2.0000, best so far",
        "complete, val_rmse 2.0000, 1 epoch, best so far",
        "failed, val_rmse -, 0 epochs, best so far",
    ]


def test_a_long_epoch_shows_how_far_it_is() -> None:
    def shown() -> str:
        file = StringIO()
        Console(file=file, width=200).print(progress)
        return " ".join(file.getvalue().split())

    progress = LiveProgress(Console(file=StringIO(), width=200))
    progress.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=2)
    trial = TrialRecord(study="s", number=7, params={})
    progress.trial(trial, epochs=30)
    assert "trial 7 epoch 0/30" in shown()
    progress.within(trial, 1, 0.123)
    assert "trial 7 epoch 1/30, 12% of it" in shown()
    progress.epoch(trial, EpochRecord(epoch=1, seconds=9.0, metrics={"val_rmse": 0.9}), 0.9)
    assert "trial 7 epoch 1/30 val_rmse" in shown()
    progress.within(trial, 2, 0.5)
    assert "epoch 2/30, 50% of it val_rmse 0.9000, best so far 0.9000" in shown()


def test_a_trial_beyond_a_limit_is_not_the_best_so_far() -> None:
    file = StringIO()
    with LiveProgress(Console(file=file, width=200)) as progress:
        progress.study(StudyRecord(name="s"), finished=0, target=2)
        for number, tags in enumerate(({BEYOND: "true"}, {})):
            ended = TrialRecord(
                study="s", number=number, params={}, state=COMPLETE, value=0.5 + number, tags=tags
            )
            progress.ended(ended, finished=number + 1, target=2)
    first, second = file.getvalue().splitlines()
    assert not first.endswith("best so far")
    assert second.endswith("best so far")


def test_an_epoch_without_a_value_so_far_shows_no_infinite_best() -> None:
    progress = LiveProgress(Console(file=StringIO()))
    epoch = EpochRecord(epoch=1, seconds=0.1, metrics={"val_rmse": math.nan})
    progress.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=1)
    trial = TrialRecord(study="s", number=0, params={})
    for best, text in ((math.inf, ""), (0.0, ", best so far 0.0000")):
        progress.epoch(trial, epoch, best)
        file = StringIO()
        Console(file=file, width=200).print(progress)
        assert next(line for line in file.getvalue().splitlines() if "val_rmse" in line).endswith(
            f"val_rmse nan{text}"
        )
