"""Compares a study's record in MLflow with Optuna's storage, which is the truth, and mends it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import optuna

from search.child.trial_files import write_config
from search.config.study import StudyConfig
from search.storage.records import study_record
from search.storage.study_attributes import write_run
from search.storage.trial_attributes import write_run_of_trial
from search.trial.files import picture_of, write_curve
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
    Tag,
    TrialRecord,
    params_of,
)
from tracking.scratch import scratch_folder
from tracking.texts import shell_line

_ENDED = (COMPLETE, PRUNED, FAILED, KILLED, REFUSED)


class Kind(StrEnum):
    """How the record of a trial differs from Optuna's storage."""

    LACKING = "lacking"
    """A trial that began has no run."""
    OPEN = "open"
    """Its run goes on in MLflow, but the trial has ended."""
    OTHER = "other"
    """Its run has another value or another state."""
    LESS = "less"
    """Its run lacks parameters or epochs."""
    PARAMETER = "parameter"
    """Its run has another value of a parameter, which MLflow never changes."""
    MODEL = "model"
    """Its run lacks its model, which Optuna's storage does not hold."""
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
        return self.kind not in (Kind.STRANGER, Kind.PARAMETER, Kind.MODEL)


def differences(
    record: StudyRecord, runs: Sequence[RunRecord], with_models: Collection[int] = ()
) -> list[Difference]:
    """Compare a study's trials with their runs.

    Args:
        record: The study as Optuna holds it.
        runs: The runs of its trials, the oldest first.
        with_models: The trials whose models are kept.

    Returns:
        The differences, in the order of the trials.
    """
    by_number: dict[int, list[RunRecord]] = {}
    for run in runs:
        by_number.setdefault(run.number, []).append(run)
    found: list[Difference] = []
    for trial in record.trials:
        found += _of_trial(trial, by_number.pop(trial.number, []), trial.number in with_models)
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


def _of_trial(
    trial: TrialRecord, runs: Sequence[RunRecord], has_model: bool
) -> Iterable[Difference]:
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
    if trial.state in (COMPLETE, PRUNED, FAILED):
        yield from _of_content(trial, own)
    if has_model and not own.has_model and not own.is_open:
        again = shell_line("trialbook", "reproduce", f"{trial.study}:{number}")
        text = f"Trial {number} has no model in its run. `{again}` trains it again."
        yield Difference(kind=Kind.MODEL, number=number, run_id=own.run_id, text=text)


def _of_content(trial: TrialRecord, run: RunRecord) -> Iterable[Difference]:
    """What a run lacks of its trial's parameters and epochs, or has otherwise."""
    number, params = trial.number, params_of(trial.params)
    lacking = [name for name in params if name not in run.params]
    last = max((epoch.epoch for epoch in trial.epochs), default=0)
    lacks = [f"the parameters {', '.join(lacking)}"] if lacking else []
    lacks += [f"epochs after {run.epochs} of {last}"] if run.epochs < last else []
    if lacks:
        text = f"The run of trial {number} lacks {' and '.join(lacks)}."
        yield Difference(kind=Kind.LESS, number=number, run_id=run.run_id, text=text)
    for name in params:
        if run.params.get(name, params[name]) != params[name]:
            text = (
                f"Trial {number} has {name} {params[name]}, but its run says {run.params[name]}. "
                "MLflow changes no parameter: delete the run there, and `doctor --fix` makes it "
                "anew."
            )
            yield Difference(kind=Kind.PARAMETER, number=number, run_id=run.run_id, text=text)


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
        record = study_record(self._study, self._config, weighs=False)
        return differences(record, self.recorder.trial_runs(record), self._with_models(record))

    def _with_models(self, record: StudyRecord) -> list[int]:
        """The trials whose models are kept, as far as Trialbook makes these itself."""
        if not self._config.rates or self._config.keep_models == "none":
            return []
        ranked = record.ranked()
        kept = ranked if self._config.keep_models == "all" else ranked[:1]
        return [trial.number for trial in kept if Tag.REUSED not in trial.tags]

    def mend(self, found: Sequence[Difference]) -> list[Difference]:
        """Mend differences; a study without a run of its own gets one first.

        Args:
            found: From `find`.

        Returns:
            Those that were mended.
        """
        record = study_record(self._study, self._config, weighs=False)
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
        if found.kind in (Kind.LACKING, Kind.OPEN, Kind.OTHER, Kind.LESS) and run_id:
            if found.kind == Kind.LESS:
                self.recorder.parameters(run_id, trial.params)
            self._end(replace(trial, run_id=run_id), is_new=found.kind == Kind.LACKING)

    def _end(self, trial: TrialRecord, *, is_new: bool) -> None:
        """Write a trial's end anew, with the files that Optuna's storage has the content of."""
        with scratch_folder("trial") as folder:
            write_curve(trial, folder)
            if is_new:
                seed = trial.tags.get(Tag.SEED)
                write_config(folder, {"values": dict(trial.params), "seed": seed})
            drawn = None if trial.state == KILLED else picture_of(self._config)
            self.recorder.finish_trial(
                replace(trial, picture=drawn), folder=folder, epochs=trial.epochs
            )
