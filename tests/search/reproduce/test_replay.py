"""A trial is looked up where its study keeps its record, and a record that is gone is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from search import SearchError, StudyConfig, run_study
from search.reproduce import Again, reproduce
from tracking import Store


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
