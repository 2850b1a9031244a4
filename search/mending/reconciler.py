"""Mends a study's record in MLflow from Optuna's storage, which is the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import optuna

from search.child.trial_files import write_config
from search.config.study import StudyConfig
from search.mending.differences import Difference, Kind, differences
from search.mending.figures import lacking_epochs
from search.mending.winner import lacking_winner, write_winner
from search.storage.records import study_record
from search.storage.run_identifiers import RunIdentifiers
from search.storage.study_attributes import write_run
from search.storage.trial_attributes import outcome_of, write_run_of_trial
from search.trial.files import picture_of, write_curve, write_log
from tracking import (
    KILLED,
    RUNNING,
    Maker,
    Recorder,
    Slip,
    StudyRecord,
    Tag,
    TrackingError,
    TrialRecord,
    referred,
    whole_models,
)
from tracking.scratch import scratch_folder


class Reconciler:
    """Finds how a study's record differs from Optuna's storage, and mends what has one answer.

    Everything is written from Optuna's storage but models, which it does not hold. A run too many
    goes into MLflow's bin, from which it can be restored.

    Attributes:
        study: The study.
        recorder: Reads and writes the record at once.
    """

    def __init__(
        self,
        config: StudyConfig,
        study: optuna.Study,
        recorder: Recorder,
        told: RunIdentifiers,
        maker: Maker | None = None,
    ) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            config: The study's settings.
            study: The study.
            recorder: Reads and writes its record at once.
            told: Stores the runs' identifiers, while nobody else makes the same run.
            maker: Makes models of the weights in refused entries; None where none is to be made.
        """
        self._config, self._told, self._maker = config, told, maker
        self.study = study
        self.recorder = recorder

    def find(self, *, curves: bool = False) -> list[Difference]:
        """Compare the two stores as they stand now.

        Args:
            curves: Whether to compare each figure of each epoch, for which every run is read; else
                only which epoch is the last.
        """
        record = study_record(self.study, self._config, weighs=False)
        runs, read = self.recorder.trial_runs(record), self.recorder.curve if curves else None
        found = differences(record, runs, self._with_models(record), read)
        winner = lacking_winner(self.study, self.recorder)
        return found if winner is None else [*found, winner]

    def _with_models(self, record: StudyRecord) -> list[int]:
        """The trials whose models are kept, as far as Trialbook makes these itself."""
        if not self._config.rates or self._config.keep_models == "none":
            return []
        ranked = record.ranked()
        kept = ranked if self._config.keep_models == "all" else ranked[:1]
        return [trial.number for trial in kept if Tag.REUSED not in trial.tags]

    def mend(self, found: Sequence[Difference]) -> Iterator[Difference]:
        """Mend differences; a study without a run of its own gets one first.

        Args:
            found: From `find`.

        Yields:
            Each that was mended, once it is.
        """
        record = study_record(self.study, self._config, weighs=False)
        by_number = {trial.number: trial for trial in record.trials}
        mendable = [each for each in found if each.is_mendable]
        gone = {each for each in mendable if each.kind == Kind.LACKING}
        if any(each.kind in (Kind.LACKING, Kind.LESS) for each in mendable):
            self._begin(record)  # which may take the study out of MLflow's bin, runs and all
            gone &= set(self.find())
        for each in mendable:
            if each.kind != Kind.LACKING or each in gone:
                self._mend(each, by_number)
            yield each

    def write_anew(self, slip: Slip, trials: Mapping[int, TrialRecord]) -> bool:
        """Write the trial of an entry that MLflow refused from Optuna's storage.

        The models of the entry are logged, since Optuna's storage does not hold them.

        Args:
            slip: The entry, in a box whose process is no more.
            trials: The study's trials by number, as Optuna holds them.

        Returns:
            Whether the entry is of no use any more.
        """
        try:
            entry = slip.read()
        except TrackingError:  # damaged: the comparison finds what is lacking
            return True
        named = (
            referred(entry.run) if entry.trial is None else (entry.trial.study, entry.trial.number)
        )
        trial = trials.get(named[1]) if named is not None else None
        if trial is None or trial.run_id is None or trial.state == RUNNING:
            return trial is None
        try:
            self.recorder.parameters(trial.run_id, trial.params)
            models = whole_models(entry, slip, self._maker)
            self.recorder.finish_trial(trial, folder=slip.files, models=models, epochs=trial.epochs)
        except Exception:  # MLflow does not take that either
            return False
        return True

    def _begin(self, record: StudyRecord) -> None:
        """See to it that the study has a run of its own."""
        begun = self.recorder.start_study(record)
        write_run(self.study, experiment_id=begun.experiment_id, run_id=begun.parent_run_id)

    def _mend(self, found: Difference, by_number: Mapping[int, TrialRecord]) -> None:
        if found.kind == Kind.WINNER:
            write_winner(self.study, self._config, self.recorder)
            return
        trial, run_id = by_number[found.number], found.run_id
        if found.kind == Kind.TWICE and run_id:
            self.recorder.bin_run(run_id)
            return
        if found.kind in (Kind.LACKING, Kind.OPEN, Kind.LESS):
            trial = self._timed(trial)  # a value in place of another one must be the latest
        if found.kind == Kind.LACKING:
            if (run_id := self._made(trial)) is None:
                return
        elif run_id and run_id != trial.run_id:
            write_run_of_trial(self.study, found.number, run_id)
        if found.kind in (Kind.LACKING, Kind.OPEN, Kind.OTHER, Kind.LESS) and run_id:
            if found.kind == Kind.LESS:
                self.recorder.start_trial(replace(trial, run_id=run_id))  # params and dataset
            self._end(replace(trial, run_id=run_id), is_new=found.kind == Kind.LACKING)

    def _made(self, trial: TrialRecord) -> str | None:
        """Make a trial's run; None where another process has made it meanwhile, which writes it."""
        with self._told.making(trial.study, trial.number) as known:
            run = self.recorder.find_run(known) if known else None
            if run is not None and not run["deleted"]:
                return None
            run_id = self.recorder.start_trial(replace(trial, state=RUNNING, run_id=None))
            write_run_of_trial(self.study, trial.number, run_id)
        return run_id

    def _timed(self, trial: TrialRecord) -> TrialRecord:
        """The trial's record with the times at which it began and ended, as Optuna holds them."""
        stored = self.study.get_trials(deepcopy=False)[trial.number]
        times = (stored.datetime_start, stored.datetime_complete)
        began, ended = (None if each is None else int(each.timestamp() * 1000) for each in times)
        return replace(trial, started_ms=began, ended_ms=ended)

    def _end(self, trial: TrialRecord, *, is_new: bool) -> None:
        """Write a trial's end anew, with the files that Optuna's storage has the content of."""
        with scratch_folder("trial") as folder:
            write_curve(trial, folder)
            if is_new:
                seed = trial.tags.get(Tag.SEED)
                write_config(folder, {"values": dict(trial.params), "seed": seed})
                stored = self.study.get_trials(deepcopy=False)[trial.number]
                write_log(folder, outcome_of(stored).log)
            drawn = None if trial.state == KILLED else picture_of(self._config)
            written = () if is_new else self.recorder.curve(str(trial.run_id))
            lacking = lacking_epochs(trial.epochs, written)
            self.recorder.finish_trial(replace(trial, picture=drawn), folder=folder, epochs=lacking)
