"""`trialbook show`: trials ranked with what they tried, and one trial."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from search.cli.commands.show import _study_json
from search.cli.curve import small_curve
from search.cli.trial_tables import best_table, in_order, show_study, show_trial
from search.errors import SearchError
from tracking import BASELINE_TAG, DatasetRecord, EpochRecord, StudyRecord, Tag, TrialRecord

RUNNER = CliRunner()


def trial(
    number: int, value: float | None, state: str = "complete", **given: object
) -> TrialRecord:
    usual: dict[str, object] = {
        "params": {"family": "gmf", "factors": number, "optimizer": "adam", "odd": 1},
        "metrics": {"best_epoch": 2.0, "seconds_total": 10.0 - number},
        "epochs": tuple(
            EpochRecord(epoch=n, seconds=0.1, metrics={"val_rmse": 2.0 - n / 10}) for n in (1, 2, 3)
        ),
    }
    return TrialRecord(study="s", number=number, value=value, state=state, **(usual | given))


STUDY = StudyRecord(
    name="s", description="**s** searches.", monitor="val_rmse",
    dataset=DatasetRecord(name="d", content_hash="0" * 64, profile={"biases_val_rmse": 1.0}),
    trials=(
        trial(0, 1.2, tags={BASELINE_TAG: "true"}), trial(1, 0.9, tags={Tag.RECIPE: "gmf"}),
        trial(2, None, "failed", end_reason="nan", message="loss is NaN"), trial(3, 0.8),
    ),
)  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [("value", [3, 1, 0, 2]), ("number", [0, 1, 2, 3]), ("seconds", [0, 1, 2, 3])],
)
def test_trials_are_ordered_as_asked(sort: str, numbers: list[int]) -> None:
    assert [each.number for each in in_order(STUDY, sort)] == numbers


def test_a_study_is_shown_with_what_its_trials_tried(capsys: pytest.CaptureFixture[str]) -> None:
    show_study(STUDY, in_order(STUDY, "value"))
    lines = [line for line in printed(capsys).splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    assert cells[0][:3] == ["3", "complete", "0.8000"]
    assert [row[0] for row in cells] == ["3", "1 recipe", "0 baseline", "2"]
    assert cells[3][1:4] == ["failed", "", "nan"]
    assert cells[0][6:] == ["gmf", "adam", "3"]  # what is equal and not always told is left out


def test_named_columns_replace_the_usual_ones(capsys: pytest.CaptureFixture[str]) -> None:
    show_study(STUDY, in_order(STUDY, "value"), ["odd", "best_epoch"])
    head = next(line for line in printed(capsys).splitlines() if "┃" in line)
    assert [name.strip() for name in head.strip("┃").split("┃")] == [
        "trial", "state", "best_val_rmse", "odd", "best_epoch", "end", "epochs", "seconds",
    ]  # fmt: skip
    with pytest.raises(SearchError, match=r"must be parameters or figures .* but got nothing\."):
        show_study(STUDY, STUDY.trials, ["odd", "nothing"])
    assert printed(capsys) == ""


def test_json_has_the_named_columns_alone() -> None:
    shown = _study_json(STUDY, in_order(STUDY, "number"), ["best_epoch", "odd", "odd"])
    assert shown["trials"][3]["params"] == {"odd": 1}
    assert shown["trials"][3]["metrics"] == {"best_epoch": 2.0}
    everything = _study_json(STUDY, STUDY.trials, None)["trials"][3]
    assert everything["params"] == dict(STUDY.trials[3].params)
    assert everything["metrics"] == dict(STUDY.trials[3].metrics)
    with pytest.raises(SearchError, match=r"but got nothing\."):
        _study_json(STUDY, STUDY.trials, ["nothing"])


def test_a_trial_is_shown_with_its_rank_and_its_distances(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_trial(STUDY, STUDY.trials[3])
    told = printed(capsys)
    assert "Trial 3 of s: complete, best_val_rmse 0.8000, rank 1 of 3." in told
    assert "0.4000 better than the baseline (1.2000)." in told
    assert "0.2000 better than biases of users and movies alone (1.0000)." in told
    assert "val_rmse 1.9000 " in told
    assert "biases" in told
    show_trial(STUDY, STUDY.trials[0])
    told = printed(capsys)
    assert "Trial 0 baseline of s" in told
    assert "than the baseline" not in told
    assert "0.2000 worse than biases" in told
    show_trial(STUDY, STUDY.trials[2])
    told = printed(capsys)
    assert "Trial 2 of s: failed (nan)." in told
    assert "loss is NaN" in told
    assert "rank" not in told


def test_tags_are_shown_where_all_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    show_trial(STUDY, STUDY.trials[1])
    assert "With `--all`" in printed(capsys)
    show_trial(STUDY, STUDY.trials[1], everything=True)
    assert "recipe" in printed(capsys)


@pytest.mark.parametrize(("width", "names"), [(60, 4), (140, 7)])
def test_the_best_are_told_with_what_fits(
    width: int, names: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table, hidden = best_table(STUDY, STUDY.ranked())
    shown = [column.header for column in table.columns]
    assert shown[:4] == ["trial", "best_val_rmse", "family", "optimizer"]
    assert len(shown) >= names
    assert hidden == (0 if "factors" in shown else 1)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1.0, 2.0, 3.0], "▁▅█"),
        ([2.0], "▁"),
        ([], ""),
        ([1.0, float("nan"), 2.0], "▁?█"),
        ([float("nan")] * 2, "??"),
        ([1.0, 1.0], "▁▁"),
        ([100.0, 2.0, 1.5, 1.0, 1.0], "█▅▃▁▁"),
        ([float(n) for n in range(100)], "▁▁▁▂▂▂▃▃▃▃▄▄▅▅▅▆▆▆▇▇▇███"),
    ],
)
def test_a_curve_in_letters(values: list[float], drawn: str) -> None:
    told = small_curve(values, encoding="utf-8")
    assert len(told) == min(len(values), 24)
    if len(values) < 10:
        assert told == drawn
    assert small_curve(values, encoding="ascii").isascii()
