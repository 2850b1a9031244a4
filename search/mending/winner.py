"""The run of a study's winner: whether it is there, and how it is written again."""

from __future__ import annotations

from dataclasses import replace

import optuna

from search.config.study import StudyConfig
from search.mending.differences import Difference, Kind
from search.storage.records import study_record
from search.storage.study_attributes import verdict_of, write_verdict
from tracking import Recorder
from tracking.texts import shell_line


def lacking_winner(study: optuna.Study, recorder: Recorder) -> Difference | None:
    """Tell that the run of the winner is gone; None where it is there, or nobody has won yet.

    Args:
        study: The study.
        recorder: Reads the record.
    """
    verdict = verdict_of(study) or {}
    run_id = verdict.get("run_id")
    run = recorder.find_run(run_id) if run_id else None
    if not run_id or (run is not None and not run["deleted"]):
        return None
    number = int(verdict["number"])
    if run is not None:
        text = (
            f"The run of the winner (trial {number}) is in MLflow's bin, with its model. "
            f"`mlflow runs restore --run-id {run_id}` puts it back."
        )
        return Difference(kind=Kind.BINNED, number=number, run_id=run_id, text=text)
    again = shell_line("trialbook", "winner", study.study_name)
    text = (
        f"The run of the winner (trial {number}) is gone. It is written again without its model, "
        f"which Optuna's storage does not hold: `{again}` trains the model again."
    )
    return Difference(kind=Kind.WINNER, number=number, text=text)


def write_winner(study: optuna.Study, config: StudyConfig, recorder: Recorder) -> None:
    """Write the run of the winner again from the stored verdict, without its model.

    The verdict then names no model, so that `trialbook winner` trains and registers it again.

    Args:
        study: The study, whose own run is there.
        config: Its settings.
        recorder: Writes the record at once.
    """
    from search.verdict.report import store_verdict  # NumPy, where a study needs none
    from search.verdict.verdict import Verdict

    plain = verdict_of(study)
    assert plain is not None, "only a winner that was found lacking is written"
    verdict = replace(Verdict.from_json(plain), run_id=None, model=None)
    record = study_record(study, config)
    trial = record.trial(verdict.number)
    assert trial is not None, "Optuna deletes no trial"
    stored = store_verdict(verdict, record, recorder, trial=trial, model=None)
    write_verdict(study, stored.to_json())
