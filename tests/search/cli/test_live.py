"""The lines that a study writes, and what it draws on a terminal."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.console import Console

from search.cli.live import LiveProgress
from tracking import BASELINE_TAG, BEYOND, COMPLETE, FAILED, EpochRecord, StudyRecord, TrialRecord


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
    assert shown().endswith("trial 7 building")
    progress.within(trial, 1, 0.123)
    assert shown().endswith("trial 7 epoch 1/30, 12% of it")
    progress.epoch(trial, EpochRecord(epoch=1, seconds=9.0, metrics={"val_rmse": 0.9}), 0.9)
    assert shown().endswith("trial 7 epoch 1/30 · 0.9000 · best 0.9000")
    progress.within(trial, 2, 0.5)
    assert shown().endswith("trial 7 epoch 2/30, 50% of it · 0.9000 · best 0.9000")


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


def test_a_trial_of_folds_is_told_as_their_mean() -> None:
    file = StringIO()
    folds = {"parts": 2.0, "fold_1/best_val_rmse": 0.9, "fold_2/best_val_rmse": 1.1}
    trial = TrialRecord(study="s", number=0, params={})
    with LiveProgress(Console(file=file, width=200)) as progress:
        progress.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=1)
        progress.trial(trial, epochs=5)
        epoch = EpochRecord(epoch=1, seconds=0.1, metrics={"fold_2/val_rmse": 1.1})
        progress.epoch(trial, epoch, 0.9)
        Console(file=file, width=200).print(progress)
        ended = replace(trial, state=COMPLETE, value=1.0, metrics=folds, epochs=(epoch,))
        progress.ended(ended, finished=1, target=1)
    lines = file.getvalue().splitlines()
    assert lines[1] == "trial 0 fold 2, epoch 1/5 · 1.1000 · best 1.1000"
    assert lines[2].startswith(
        "[1/1] trial 0: complete, val_rmse 1.0000 (mean of 2 folds), 1 epoch"
    )


def test_an_epoch_without_a_value_so_far_shows_no_infinite_best() -> None:
    epoch = EpochRecord(epoch=1, seconds=0.1, metrics={"val_rmse": math.nan})
    trial = TrialRecord(study="s", number=0, params={})
    for best, text in ((math.inf, ""), (0.0, " · best 0.0000")):
        running = LiveProgress(Console(file=StringIO()))
        running.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=1)
        running.trial(trial, epochs=1)
        running.epoch(trial, epoch, best)
        file = StringIO()
        Console(file=file, width=200).print(running)
        assert file.getvalue().splitlines()[-1] == f"trial 0 epoch 1/1 · nan{text}"


def drawn(progress: LiveProgress, width: int, encoding: str = "utf-8") -> list[str]:
    file = TextIOWrapper(BytesIO(), encoding=encoding, errors="strict")
    console = Console(file=file, width=width)
    progress._console = console
    console.print(progress)
    file.flush()
    return file.buffer.getvalue().decode(encoding).splitlines()


def busy() -> LiveProgress:
    """A study with a pruned and a failed trial, its best and baseline, and two that run."""
    progress = LiveProgress(Console(file=StringIO(), width=200))
    progress.study(StudyRecord(name="movies", monitor="val_rmse"), finished=0, target=10)
    progress.left(26)
    ends = [("complete", 0.9360), ("pruned", 0.95), ("failed", None), ("complete", 0.8917)]
    for number, (state, value) in enumerate(ends):
        tags = {BASELINE_TAG: "true"} if number == 0 else {}
        ended = TrialRecord(study="movies", number=number, params={}, state=state, value=value,
                            tags=tags)  # fmt: skip
        progress.ended(ended, finished=number + 1, target=10)
    gmf = TrialRecord(study="movies", number=4, params={"family": "gmf", "factors": 35})
    progress.trial(gmf, epochs=15)
    for number, value in enumerate((0.95, 0.92, 0.90, 0.91), start=1):
        epoch = EpochRecord(epoch=number, seconds=0.1, metrics={"val_rmse": value})
        progress.epoch(gmf, epoch, min(value, 0.90) if number > 2 else value)
    progress.trial(replace(gmf, number=5), epochs=15)
    return progress


@pytest.mark.parametrize("width", [60, 100])
def test_the_display_tells_how_far_the_study_is_and_fits(width: int) -> None:
    lines = drawn(busy(), width)
    assert max(map(len, lines)) <= width
    assert "4/10 · 1 pruned · 1 failed · 0:00, about 0:2" in lines[0]
    assert lines[0].startswith("movies  ")
    assert ("━" in lines[0]) == (width == 100)
    assert lines[1] == "best 0.8917 (trial 3, -0.0443 against the baseline)"
    assert lines[2] == "trial 4 gmf f35 · epoch 4/15 · 0.9100 · best 0.9000 · █▄▁▂"
    assert lines[3] == "trial 5 gmf f35 · building"


NEUMF = {
    "family": "neumf", "factors": 6, "embedding_size": 6,
    "layers": 3, "units_1": 8, "units_2": 24, "units_3": 23,
}  # fmt: skip


def running(epochs: int, **params: object) -> LiveProgress:
    """A study whose trial 3 is at the epoch 1 or more, each a little better than the one before."""
    progress = LiveProgress(Console(file=StringIO()))
    progress.study(StudyRecord(name="m" * 90, monitor="val_rmse"), finished=0, target=10)
    trial = TrialRecord(study="m", number=3, params=NEUMF | params)
    progress.trial(trial, epochs=12)
    for number in range(1, epochs + 1):
        value = 3.5124 - number / 100
        progress.epoch(
            trial, EpochRecord(epoch=number, seconds=0.1, metrics={"val_rmse": value}), value
        )
    return progress


@pytest.mark.parametrize(
    ("width", "epochs", "line"),
    [
        # 8 + 19 + 14 + 9 + 14 letters are 64, and a curve of 12 is 15 more.
        (79, 12, "trial 3 neumf f6 e6 8/24/23 · epoch 12/12 · 3.3924 · best 3.3924 · █▇▇▆▅▅▄▄▃▂▂▁"),
        (71, 12, "trial 3 neumf f6 e6 8/24/23 · epoch 12/12 · 3.3924 · best 3.3924 · █▅▄▁"),
        (60, 2, "trial 3 neumf f6 e… · epoch 2/12 · 3.4924 · best 3.4924 · █▁"),
        (60, 12, "trial 3 neumf f… · epoch 12/12 · 3.3924 · best 3.3924 · █▅▄▁"),
        (50, 12, "trial 3 neum… · epoch 12/12 · 3.3924 · best 3.3924"),
        (43, 12, "trial 3 epoch 12/12 · 3.3924 · best 3.3924"),
    ],
)
def test_a_narrow_terminal_has_every_figure_and_a_curve_to_its_end(
    width: int, epochs: int, line: str
) -> None:
    lines = drawn(running(epochs), width)
    assert max(map(len, lines)) <= width
    assert lines[-1] == line


@pytest.mark.parametrize("width", range(43, 90))
def test_no_width_costs_a_figure(width: int) -> None:
    for encoding in ("utf-8", "ascii"):
        first, line = drawn(running(12), width, encoding)
        assert max(len(first), len(line)) <= width
        assert re.search(r"m  .*0/10\W+0:00$", first.replace("…", ""))
        assert re.search(r"epoch 12/12\W+3\.3924\W+best 3\.3924", line)


def test_a_terminal_without_utf_8_gets_ascii() -> None:
    lines = drawn(busy(), 100, "ascii")
    assert all(line.isascii() for line in lines)
    assert "4/10, 1 pruned, 1 failed" in lines[0]


@pytest.mark.parametrize("plain", ["quiet", "NO_COLOR", "no terminal", ""])
def test_nothing_is_drawn_where_lines_are_wanted(
    plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if plain == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=StringIO(), force_terminal=plain != "no terminal")
    with LiveProgress(console, quiet=plain == "quiet") as progress:
        assert (progress._live is None) == bool(plain)


def test_a_line_says_what_ended_a_trial() -> None:
    file = StringIO()
    epochs = tuple(EpochRecord(epoch=n, seconds=0.1, metrics={"val_rmse": 1.0}) for n in (1, 2))
    ends = {"complete": "early_stopping", "pruned": "pruned", "failed": "nan"}
    with LiveProgress(Console(file=file, width=200)) as progress:
        progress.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=3)
        for state, reason in ends.items():
            ended = TrialRecord(
                study="s", number=1, params={"family": "gmf", "factors": 8}, state=state,
                end_reason=reason, value=1.0 if state != "failed" else None, epochs=epochs,
            )  # fmt: skip
            progress.ended(ended, finished=1, target=3)
        why = "worse than the median 0.8931"
        told = replace(ended, params={}, state="pruned", end_reason="pruned", value=1.0)
        progress.ended(replace(told, message=why), finished=1, target=3)
    assert [line.removesuffix(", best so far") for line in file.getvalue().splitlines()] == [
        "[1/3] trial 1 gmf f8: complete, val_rmse 1.0000, stopped early after 2 epochs",
        "[1/3] trial 1 gmf f8: pruned at epoch 2, val_rmse 1.0000",
        "[1/3] trial 1 gmf f8: failed, val_rmse -, 2 epochs",
        "[1/3] trial 1: pruned at epoch 2: worse than the median 0.8931, val_rmse 1.0000",
    ]
