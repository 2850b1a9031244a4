from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.cli.commands.studies import _table
from search.cli.common import command_line
from search.cli.summary import learned
from search.cli.trial_tables import best_table
from tracking import (
    BASELINE_TAG,
    BEYOND,
    COMPLETE,
    REFUSED,
    DatasetRecord,
    StudyRecord,
    TrialRecord,
)
from tracking.figures.data import history
from tracking.runs.leaderboard import study_note


def _study(**profile: str) -> StudyRecord:
    base = TrialRecord(
        study="s", number=0, params={}, state=COMPLETE, value=4.0, tags={BASELINE_TAG: "true"}
    )
    better = TrialRecord(study="s", number=1, params={}, state=COMPLETE, value=3.0)
    known = {"biases_val_rmse": 3.5, "global_mean_val_rmse": 3.9, **profile}
    dataset = DatasetRecord(name="d", content_hash="0" * 64, profile=known)
    return StudyRecord(name="s", trials=(base, better), dataset=dataset)


def test_a_baseline_that_does_not_fit_is_not_beaten() -> None:
    assert "Trial 1 is 1.0000 below the baseline (4.0000)" in " ".join(learned(_study()))
    assert "baseline 4.00000: better by 1.00000" in study_note(_study(), results=True)
    assert history(_study()).baseline == 4.0
    misfit = _study(baseline_misfit="its output is another")
    said = " ".join(learned(misfit))
    assert "below the baseline" not in said
    assert "(4.0000) does not fit these scores and is no bar: its output is another." in said
    assert "biases alone reach 3.5000: the best trial is below that" in said
    note = study_note(misfit, results=True)
    assert "better by" not in note
    assert "no bar here: its output is another" in note
    assert history(misfit).baseline is None


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("fold", "in the mean of 2 folds of the train part"),
        ("repeat", "in the mean of 2 repeats on the validation part"),
        ("training", "on the validation part"),
    ],
)
def test_a_gain_says_what_the_values_are_of(kind: str, where: str) -> None:
    study = _study()
    parts = {"parts": 2.0, f"{kind}_1/best_val_rmse": 2.9, f"{kind}_2/best_val_rmse": 3.1}
    trials = tuple(replace(trial, metrics=parts) for trial in study.trials)
    said = learned(replace(study, trials=trials))[0]
    assert said.startswith(f"Trial 1 is 1.0000 below the baseline (4.0000) {where}; ")


def test_every_ended_trial_is_counted() -> None:
    """Of six trials two rank, the baseline is beyond a limit, and three were refused."""
    beyond = TrialRecord(
        study="s", number=0, params={}, state=COMPLETE, value=4.0,
        tags={BASELINE_TAG: "true", BEYOND: "true"},
    )  # fmt: skip
    trials = [
        TrialRecord(study="s", number=n, params={}, state=COMPLETE, value=3.0) for n in (1, 2)
    ]
    trials += [TrialRecord(study="s", number=n, params={}, state=REFUSED) for n in (3, 4, 5)]
    record = StudyRecord(name="s", trials=(beyond, *trials))
    assert (
        "2 complete, 1 complete beyond a limit, 3 refused by a limit before training."
        in learned(record)
    )


@pytest.mark.parametrize(
    ("shown", "title"), [(2, "Best trials of s"), (1, "Best 1 of 2 ranked trials of s")]
)
def test_the_table_of_the_best_says_how_many_it_leaves_out(shown: int, title: str) -> None:
    study = _study()
    assert str(best_table(study, study.ranked()[:shown])[0].title) == title


@pytest.mark.parametrize(("width", "hidden"), [(200, []), (40, ["data", "model", "value of"])])
def test_the_table_of_studies_names_the_columns_without_room(
    width: int, hidden: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    row = {
        "study": "a" * 12, "data": "movielens", "model": "ratings", "trials": 3, "target": 12,
        "objective": "best_val_rmse", "best_value": 0.9, "best_trial": 1,
    }  # fmt: skip
    assert _table([row])[1] == hidden


def test_a_printed_command_names_no_address_that_the_environment_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = "http://me:secret@127.0.0.1:1"
    other = "postgresql://127.0.0.1/trials"
    home = Path("mlruns")
    whole = command_line(home, "show", "s", tracking_uri=address, storage=other)
    assert whole.endswith(
        "show s --tracking-uri 'http://me:***@127.0.0.1:1' --storage postgresql://127.0.0.1/trials"
    )
    monkeypatch.setenv("TRIALBOOK_TRACKING_URI", address)
    monkeypatch.setenv("TRIALBOOK_STORAGE", "postgresql+psycopg://127.0.0.1/trials")
    assert command_line(home, "show", "s", tracking_uri=address, storage=other).endswith("show s")
    monkeypatch.setenv("TRIALBOOK_TRACKING_URI", "http://127.0.0.1:2")
    again = command_line(home, "show", "s", tracking_uri=address)
    assert again.endswith("show s --tracking-uri 'http://me:***@127.0.0.1:1'")
