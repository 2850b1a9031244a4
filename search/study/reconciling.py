"""Compares a study's record in MLflow with Optuna's storage, which is the truth, and mends it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import optuna

from search.config.study import StudyConfig
from search.storage.records import study_record
from search.storage.study_attributes import write_run
from search.storage.trial_attributes import write_run_of_trial
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    REFUSED,
    RUNNING,
    Recorder,
    RunRecord,
    StudyRecord,
    TrialRecord,
)

_ENDED = (COMPLETE, PRUNED, FAILED, KILLED, REFUSED)


class Kind(StrEnum):
    """How the record of a trial differs from Optuna's storage."""

    LACKING = "lacking"
    """A trial that began has no run."""
    OPEN = "open"
    """Its run goes on in MLflow, but the trial has ended."""
    OTHER = "other"
    """Its run has another value or another state."""
    UNKNOWN = "unknown"
    """Its run is there, but the trial does not name it."""
    TWICE = "twice"
    """It has several runs."""
    STRANGER = "stranger"
    """A run is of a trial that Optuna does not hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One trial whose record differs.

    Attributes:
        kind: How.
        number: Number of the trial.
        text: The difference in words.
        run_id: The run that is meant; for a trial without one None.
    """

    kind: Kind
    number: int
    text: str
    run_id: str | None = None

    @property
    def is_mendable(self) -> bool:
        """Whether there is one right answer."""
        return self.kind != Kind.STRANGER


def differences(record: StudyRecord, runs: Sequence[RunRecord]) -> list[Difference]:
    """Compare a study's trials with their runs.

    Args:
        record: The study as Optuna holds it.
        runs: The runs of its trials, the oldest first.

    Returns:
        The differences, in the order of the trials.
    """
    by_number: dict[int, list[RunRecord]] = {}
    for run in runs:
        by_number.setdefault(run.number, []).append(run)
    found: list[Difference] = []
    for trial in record.trials:
        found += _of_trial(trial, by_number.pop(trial.number, []))
    for number, strangers in by_number.items():
        found += [
            Difference(
                kind=Kind.STRANGER,
                number=number,
                run_id=run.run_id,
                text=f"Run {run.run_id} is of a trial {number} that Optuna's storage does not "
                "hold. Delete it on MLflow's pages if it is of no use.",
            )
            for run in strangers
        ]
    return found


def _of_trial(trial: TrialRecord, runs: Sequence[RunRecord]) -> Iterable[Difference]:
    number = trial.number
    if not runs:
        began = trial.state in (COMPLETE, PRUNED, FAILED) or trial.run_id is not None
        if began and trial.state != RUNNING:
            text = f"Trial {number} ({trial.state}) has no run."
            yield Difference(kind=Kind.LACKING, number=number, text=text)
        return
    own = next((run for run in runs if run.run_id == trial.run_id), runs[0])
    for run in runs:
        if run is not own:
            text = f"Trial {number} has a second run, {run.run_id}."
            yield Difference(kind=Kind.TWICE, number=number, run_id=run.run_id, text=text)
    if trial.run_id != own.run_id:
        text = f"Trial {number} does not name its run {own.run_id}."
        yield Difference(kind=Kind.UNKNOWN, number=number, run_id=own.run_id, text=text)
    if trial.state not in _ENDED:
        return
    if own.is_open:
        text = f"Trial {number} has ended ({trial.state}), but its run goes on."
        yield Difference(kind=Kind.OPEN, number=number, run_id=own.run_id, text=text)
    elif other := _other(trial, own):
        yield Difference(kind=Kind.OTHER, number=number, run_id=own.run_id, text=other)


def _other(trial: TrialRecord, run: RunRecord) -> str:
    """How a run that has ended tells another end than the trial's; empty where it does not."""
    if trial.state != run.state:
        return f"Trial {trial.number} is {trial.state}, but its run says {run.state or 'nothing'}."
    if trial.value is None or (run.value is not None and math.isclose(trial.value, run.value)):
        return ""
    says = "no value" if run.value is None else f"{run.value:.6g}"
    return f"Trial {trial.number} has the value {trial.value:.6g}, but its run says {says}."


class Reconciler:
    """Finds how a study's record differs from Optuna's storage, and mends what has one answer.

    Everything is written from Optuna's storage but models, which it does not hold. A run too many
    goes into MLflow's bin, from which it can be restored.

    Attributes:
        recorder: Reads and writes the record at once.
    """

    def __init__(self, config: StudyConfig, study: optuna.Study, recorder: Recorder) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            config: The study's settings.
            study: The study.
            recorder: Reads and writes its record at once.
        """
        self._config = config
        self._study = study
        self.recorder = recorder

    def find(self) -> list[Difference]:
        """Compare the two stores as they stand now."""
        record = study_record(self._study, self._config)
        return differences(record, self.recorder.trial_runs(record))

    def mend(self, found: Sequence[Difference]) -> list[Difference]:
        """Mend differences; a study without a run of its own gets one first.

        Args:
            found: From `find`.

        Returns:
            Those that were mended.
        """
        record = study_record(self._study, self._config)
        by_number = {trial.number: trial for trial in record.trials}
        mendable = [each for each in found if each.is_mendable]
        if any(each.kind == Kind.LACKING for each in mendable):
            self._begin(record)
        for each in mendable:
            self._mend(each, by_number)
        return mendable

    def _begin(self, record: StudyRecord) -> None:
        """See to it that the study has a run of its own."""
        begun = self.recorder.start_study(record)
        write_run(self._study, experiment_id=begun.experiment_id, run_id=begun.parent_run_id)

    def _mend(self, found: Difference, by_number: Mapping[int, TrialRecord]) -> None:
        trial, run_id = by_number[found.number], found.run_id
        if found.kind == Kind.TWICE and run_id:
            self.recorder.bin_run(run_id)
            return
        if found.kind == Kind.LACKING:
            run_id = self.recorder.start_trial(replace(trial, state=RUNNING, run_id=None))
        if run_id and run_id != trial.run_id:
            write_run_of_trial(self._study, found.number, run_id)
        if found.kind in (Kind.LACKING, Kind.OPEN, Kind.OTHER):
            ended = replace(trial, run_id=run_id)
            self.recorder.finish_trial(ended, folder=None, epochs=trial.epochs)
