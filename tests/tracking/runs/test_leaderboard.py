from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import made_up_study

from tracking import StudyRecord, TrialRecord
from tracking.figures import style
from tracking.runs.leaderboard import study_note, summary_metrics, write_leaderboard
from tracking.runs.payloads import clean_key, closing_metrics, status_of, trial_tags
from tracking.runs.view.names import run_name

Make = Callable[..., TrialRecord]


@pytest.fixture
def record(study: StudyRecord, make_trial: Make) -> StudyRecord:
    trials = (
        make_trial(0, 0.95, tags={"trialbook.baseline": "true"}),
        make_trial(1, 0.90, params={"learning_rate": 0.123456, "size": 8, "momentum": 0.5}),
        make_trial(2, state="pruned", end_reason="pruned"),
        make_trial(3, 0.97),
    )
    return replace(study, trials=trials, importances={"momentum": 0.1, "learning_rate": 0.9})


def test_the_table_ranks_complete_trials_and_keeps_the_others(
    record: StudyRecord, tmp_path: Path
) -> None:
    write_leaderboard(record, tmp_path)
    text = (tmp_path / "leaderboard.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["rank"], row["number"], row["state"]) for row in rows] == [
        ("1", "1", "complete"),
        ("2", "0", "complete"),
        ("3", "3", "complete"),
        ("", "2", "pruned"),
    ]
    assert rows[0]["best_val_rmse"] == "0.9"
    assert rows[0]["momentum"] == "0.5"
    assert rows[1]["momentum"] == ""
    assert rows[0]["best_epoch"] == "2.0"


def test_the_same_table_is_written_as_mlflow_shows_one(
    record: StudyRecord, make_trial: Make, tmp_path: Path
) -> None:
    broken = make_trial(4, state="failed", end_reason="nan", metrics={"lowest_val_rmse": math.nan})
    write_leaderboard(replace(record, trials=(*record.trials, broken)), tmp_path)
    text = (tmp_path / "leaderboard.json").read_text(encoding="utf-8")
    assert "NaN" not in text  # which no browser reads
    table = json.loads(text)
    assert table["columns"][:5] == ["rank", "number", "state", "end_reason", "best_val_rmse"]
    assert [row[:3] for row in table["data"]] == [
        [1, 1, "complete"],
        [2, 0, "complete"],
        [3, 3, "complete"],
        ["", 2, "pruned"],
        ["", 4, "failed"],
    ]
    lowest = table["columns"].index("lowest_val_rmse")
    assert [row[lowest] for row in table["data"]] == ["", "", "", "", "nan"]


def test_the_description_tells_the_best_and_how_far_it_is_from_the_baseline(
    record: StudyRecord,
) -> None:
    note = study_note(record, results=True)
    assert "Trials: 3 complete, 1 pruned." in note
    assert "Best 0.90000, baseline 0.95000: better by 0.05000." in note
    assert "| rank | trial | best_val_rmse | best epoch | learning_rate | momentum |" in note
    assert "| 1 | 1 | 0.90000 | 2 | 0.1235 | 0.5 |" in note
    assert "| 2 | 0 baseline | 0.95000 | 2 | 0.01 |  |" in note
    assert note.endswith("Repeat the best: `trialbook reproduce movies:1`")


def test_the_description_of_rating_models_has_the_terminals_columns() -> None:
    note = study_note(made_up_study(10), results=True)
    assert (
        "| rank | trial | best_val_rmse | best epoch | family | optimizer | learning_rate "
        "| batch_size | l2_bias | layers | dropout_1 | factors |"
    ) in note
    assert "| 2 recipe |" in note


def test_a_study_to_maximise_is_ranked_the_other_way(record: StudyRecord) -> None:
    record = replace(record, direction="maximize")
    assert summary_metrics(record)["best_trial"] == 3.0
    assert "better by 0.02000" in study_note(record, results=True)


def test_a_study_without_a_complete_trial_says_so(study: StudyRecord) -> None:
    note = study_note(study, results=True)
    assert "Trials: none yet." in note
    assert "no best one" in note
    assert summary_metrics(study) == {
        "n_complete": 0.0,
        "n_pruned": 0.0,
        "n_refused": 0.0,
        "n_failed": 0.0,
        "n_killed": 0.0,
    }


def test_a_long_description_is_cut_but_never_the_results(record: StudyRecord) -> None:
    note = study_note(replace(record, description="x" * 9000), results=True)
    assert len(note) <= 8000
    assert note.endswith("`trialbook reproduce movies:1`")


def test_only_what_differs_is_worth_a_column(record: StudyRecord) -> None:
    assert record.varied() == ("learning_rate", "momentum")
    assert record.columns() == (("learning_rate",), ("momentum",))


def test_names_say_how_a_trial_ended(make_trial: Make) -> None:
    gmf = {"family": "gmf", "factors": 35, "rate": 0.1}
    assert run_name(make_trial(7, params=gmf)) == "t007 gmf f35"
    assert run_name(make_trial(12345, 0.9, params=gmf)) == "t12345 0.9000 gmf f35"
    pruned = make_trial(7, state="pruned", value=0.00123456, params=gmf)
    assert run_name(pruned) == "t007 0.001235 gmf f35 (pruned)"
    failed = make_trial(0, state="failed", tags={"trialbook.baseline": "true"}, params=gmf)
    assert run_name(failed) == "t000 baseline (failed)"
    ends = ("complete", "pruned", "failed", "killed", "running")
    assert [status_of(end) for end in ends] == [
        "FINISHED",
        "KILLED",
        "FAILED",
        "KILLED",
        "RUNNING",
    ]


def test_the_objective_is_among_the_final_figures_and_never_overwritten(make_trial: Make) -> None:
    assert closing_metrics(make_trial(1, 0.9, metrics={})) == {"best_val_rmse": 0.9}
    assert closing_metrics(make_trial(1, metrics={})) == {}


@pytest.mark.parametrize(
    ("name", "clean"),
    [("val_rmse", "val_rmse"), ("a(b)", "a_b_"), ("/a/b/", "a/b"), ("", "_"), ("été", "été")],
)
def test_keys_are_what_mlflow_takes(name: str, clean: str) -> None:
    assert clean_key(name) == clean


def test_a_study_without_a_best_trial_says_why(record: StudyRecord, make_trial: Make) -> None:
    beyond = [make_trial(n, 0.9, tags={"trialbook.beyond": "true"}) for n in (0, 1)]
    refused = make_trial(2, state="refused", end_reason="limit")

    def told(*trials: TrialRecord) -> str:
        return study_note(replace(record, trials=trials), results=True)

    assert "No trial is complete, so there is no best one." in told(refused)
    assert "The only complete trial is beyond a limit, so there" in told(beyond[0], refused)
    assert "All 2 complete trials are beyond a limit, so there is no best one." in told(*beyond)
    assert "Trials: 1 complete, 1 refused." in told(beyond[0], refused)
    assert summary_metrics(replace(record, trials=(refused,)))["n_refused"] == 1.0
    assert run_name(refused).endswith("(refused)")


def test_a_baseline_is_grey_in_mlflows_charts_as_in_ours(make_trial: Make) -> None:
    base = make_trial(0, tags={"trialbook.baseline": "true"})
    assert trial_tags(base, parent_run_id="p")["mlflow.runColor"] == style.GREY
    assert "mlflow.runColor" not in trial_tags(make_trial(1), parent_run_id="p")
