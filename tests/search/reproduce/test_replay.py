"""A trial is looked up where its study keeps its record, and a record that is gone is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from search import SearchError, StudyConfig, run_study
from search.reproduce import Again, reproduce
from search.reproduce.replay import find_trial
from search.storage.creation import create_or_load
from search.storage.studies import Studies
from search.storage.study_attributes import write_config
from search.storage.trial_attributes import (
    TrialPlan,
    write_outcome,
    write_plan,
    write_tuner_trial,
)
from tracking import COMPLETE, Store, TrialRecord


@pytest.mark.slow
def test_a_trial_is_reproduced_at_the_address_of_its_study(
    home: Path, empty_home: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    shutil.copy(empty_home / "mlflow.db", elsewhere)
    config = StudyConfig(
        name="w",
        trials=1,
        epochs=1,
        model="wine:WineModel",
        objective="val_accuracy:max",
        keep_models="none",
        tracking_uri=f"sqlite:///{elsewhere}",
    )
    (trial,) = run_study(config, home=home).record.trials
    made = reproduce(str(trial.run_id), Store(home))  # the address is not repeated
    assert made.reproduced, made.drift
    assert (made.target, made.run_id) == ("w:0", trial.run_id)
    assert made.notes == ()
    assert made.trainer == trial.tags["trialbook.trainer"]
    client = Store(home, config.tracking_uri).client()
    files = {file.path for file in client.list_artifacts(trial.run_id)}
    assert Path(str(made.picture)).name in files

    client.delete_run(trial.run_id)
    binned = reproduce("w:0", Store(home))
    assert binned.reproduced, binned.drift
    (note,) = binned.notes
    assert note.startswith("The run of w:0 was deleted in MLflow, which still keeps its value")
    assert note.endswith(f"mlflow runs restore --run-id {trial.run_id}")
    client.restore_run(trial.run_id)
    client.log_metric(trial.run_id, "best_val_accuracy", 0.25)
    client.delete_run(trial.run_id)
    altered = reproduce("w:0", Store(home))
    assert not altered.reproduced  # what is deleted is compared all the same
    assert "MLflow holds 0.25; one of them was altered" in str(altered.drift)

    elsewhere.unlink()
    gone = reproduce("w:0", Store(home))
    assert gone.got == gone.expected == made.expected
    assert not gone.reproduced
    assert [line for line in gone.drift if line.startswith("record: MLflow does not hold")]
    assert gone.run_id is None
    assert Path(str(gone.picture)).is_file()
    assert not elsewhere.exists()


def test_a_trial_is_trained_again_by_another_trainer_when_asked(
    ratings_file: Path, home: Path
) -> None:
    config = StudyConfig(
        name="t", trials=1, epochs=1, model="baseline", data=str(ratings_file), keep_models="none"
    )
    (trial,) = run_study(config, home=home).record.trials
    assert trial.tags["trialbook.trainer"] == "compiled"
    made = reproduce("t:0", Store(home), again=Again(trainer="fast", tolerance=0.01))
    assert made.trainer == "fast"
    assert made.got != made.expected  # other masks
    assert made.got == pytest.approx(made.expected, abs=0.01)


def test_a_run_that_no_trial_has_is_one_line(home: Path) -> None:
    with pytest.raises(SearchError, match=r"or the run of a trial, but got 'x1'\."):
        reproduce("x1", Store(home))


def test_a_trial_that_a_tuner_trained_is_refused_whatever_its_study(home: Path) -> None:
    """Trial 1 is its twin, whose value was taken from it; trial 2 was trained again."""
    studies = Studies(Store(home))
    study = create_or_load(studies.storage, "s", ["minimize"])
    write_config(study, StudyConfig(name="s", model="m:M", objective="val_loss:min"))
    for seed in (7, 7, 8):
        trial = study.ask()
        write_plan(trial, TrialPlan(values={"units": 2}, seed=seed))
        if trial.number == 0:
            write_tuner_trial(trial, "0000")
        record = TrialRecord(
            study="s", number=trial.number, params={"units": 2}, state=COMPLETE, value=0.5
        )
        write_outcome(trial, record)
        study.tell(trial, 0.5)
    rule = "must have been trained by Trialbook to be reproduced, but"
    with pytest.raises(SearchError, match=f"{rule} s:0 was trained by a Keras Tuner tuner"):
        reproduce("s:0", Store(home))
    with pytest.raises(SearchError, match=f"{rule} s:1 has the value of s:0, which was trained"):
        reproduce("s:1", Store(home))
    assert find_trial("s:2", studies).value == 0.5
