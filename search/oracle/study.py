"""A study whose trials a Keras Tuner `Tuner` trains, stored in Optuna and recorded in MLflow."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import optuna
from optuna.trial import TrialState

from search.config.study import StudyConfig
from search.errors import in_one_line
from search.oracle.earlier import interrupted_trial, left_running
from search.oracle.opening import Opened
from search.oracle.proposal import begin_trial, store_parameters
from search.oracle.space import conflicts, keep_space, refuse_conflicts
from search.oracle.tuner_trial import TunerEnd, TunerPoint
from search.seeds import training_seed
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from search.storage.claims.lease import end_standing, standing_lease
from search.storage.internals import begin_given, frozen
from search.storage.queue import requeue
from search.storage.records import so_far, study_record
from search.storage.slots import slot_of
from search.storage.study_attributes import write_config
from search.storage.trial_attributes import (
    TrialPlan,
    plan_of,
    write_owner,
    write_plan,
    write_slot,
    write_tuner_trial,
)
from search.storage.trials import under_way_or_done
from search.trial.files import picture_of, write_curve
from search.trial.interruption import close_cut, close_left
from search.trial.telling import tell
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    EndReason,
    EpochRecord,
    Recorder,
    Scalar,
    StudyRecord,
    Tag,
    TrialRecord,
    provenance,
)
from tracking.scratch import scratch_folder


@dataclass(frozen=True, slots=True)
class TunerStudy:
    """A study whose trials Keras Tuner trains, with the study's MLflow record.

    Attributes:
        config: Its stored settings, with the tuner's target, sampler and seed.
        study: Its Optuna study.
        recorder: Writes its record.
        parent_run_id: Its own run in MLflow.
        has_target: Whether it ends after `config.trials` trials; else the target that is stored is
            how many it has.
    """

    config: StudyConfig
    study: optuna.Study
    recorder: Recorder
    parent_run_id: str = ""
    has_target: bool = True
    _tags: Mapping[str, str] = field(default_factory=lambda: dict(provenance()))
    _runs: dict[int, tuple[optuna.Trial, TrialRecord]] = field(default_factory=dict)

    @classmethod
    def of(cls, opened: Opened) -> TunerStudy:
        """Take over a study that was just created or resumed."""
        return cls(
            opened.config, opened.study, opened.recorder, opened.parent_run_id, opened.has_target
        )

    def ask(
        self,
        space: Sequence[Parameter],
        name: str,
        others: Iterable[Mapping[str, Scalar]] = (),
    ) -> tuple[int, dict[str, Scalar]] | None:
        """Let Optuna choose a configuration that no trial has tried, and begin its trial.

        Args:
            space: The parameters that the tuner has declared so far.
            name: Keras Tuner's identifier of the trial.
            others: Values of the tuner's trials, which another study may hold.

        Returns:
            The trial's number and its values, active parameters only; None where every point of
            the space was tried.

        Raises:
            SearchError: The sampler cannot serve the space, or it is not the study's.
        """
        refuse_conflicts(self.study, space)
        begun = begin_trial(self.study, self.config, space, others)
        if begun is None:
            return None
        trial, values = begun
        self._begin(trial, TunerPoint(values=values, space=space, name=name))
        return trial.number, values

    def again(self, point: TunerPoint) -> int:
        """Begin a trial for a configuration whose training did not come to its end.

        Args:
            point: The configuration.

        Returns:
            The trial's number: of the one that waits since it was interrupted, or of a new one.
        """
        for left in left_running(self.study, point.name):
            if left.number not in self._runs:
                close_left(self.study, left, self.config, self.recorder)
        return self._begin_given(interrupted_trial(self.study, point.name), point)

    def _begin_given(self, trial: optuna.Trial | None, point: TunerPoint) -> int:
        """Begin `trial`, or a new one if it is None, with the values that the tuner has chosen.

        Returns:
            The trial's number.
        """
        if trial is None:
            trial = begin_given(self.study, SpaceAdapter(point.space).encode(point.values))
        write_owner(trial, standing_lease(self.study).owner())
        store_parameters(trial, point.space, point.values)
        self._begin(trial, point)
        return trial.number

    def _begin(self, trial: optuna.Trial, point: TunerPoint) -> None:
        """Begin the trial's MLflow run, and store the trial's plan in Optuna."""
        run_id = None
        try:
            keep_space(self.study, point.space, trial.number)
            slot = slot_of(self.study, frozen(trial))
            own = {Tag.SLOT.value: str(slot), Tag.TUNER_TRIAL.value: point.name}
            record = TrialRecord(
                study=self.config.name,
                number=trial.number,
                params=dict(point.values),  # the tuner goes on writing into its own
                objective=self.config.value_name,
                tags={**self._tags, **point.tags, **own},
            )
            run_id = self.recorder.start_trial(record)
            write_slot(trial, slot)
            plan = TrialPlan(
                values=dict(point.values),
                seed=training_seed(self.config.seed, slot),
                epochs=self.config.epochs,
                run_id=run_id,
                tags=record.tags,
            )
            write_plan(trial, plan)
            write_tuner_trial(trial, point.name)
        except BaseException:
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                self.study.tell(trial, state=TrialState.FAIL)
                if run_id:
                    cut = replace(record, run_id=run_id, state=KILLED)
                    self.recorder.kill_trial(replace(cut, end_reason=EndReason.ERROR))
            raise
        self._runs[trial.number] = (trial, replace(record, run_id=run_id or None))

    def epoch(self, number: int, record: EpochRecord) -> None:
        """Record an epoch of a running trial.

        Args:
            number: Number of the trial.
            record: The epoch.
        """
        run_id = self._runs[number][1].run_id
        if run_id:
            self.recorder.epochs(run_id, [record])

    def grow(self, number: int, values: Mapping[str, Scalar], space: Sequence[Parameter]) -> None:
        """Store parameters that a tuner met only while it trained the trial.

        Args:
            number: Number of the trial, which is running.
            values: Values of all its active parameters.
            space: The parameters that the tuner has declared so far.
        """
        trial, record = self._runs[number]
        keep_space(self.study, space, number)
        new = {name: value for name, value in values.items() if name not in record.params}
        if not new:
            return
        refused = conflicts(self.study, space)
        record = replace(record, params=dict(record.params) | new)
        self._runs[number] = (trial, record)
        write_plan(trial, replace(plan_of(trial), values=dict(record.params)))
        late = [
            replace(parameter, conditions=())  # it exists, and its parents are stored already
            for parameter in space
            if parameter.name in new
            and parameter.name not in refused
            and parameter.is_active(record.params)
        ]
        store_parameters(trial, late, new)
        if record.run_id:
            self.recorder.parameters(record.run_id, new)

    def end(self, number: int, end: TunerEnd) -> TrialRecord:
        """Store how a trial ended: first in Optuna, then in MLflow.

        Args:
            number: Number of the trial.
            end: How the tuner says that it ended.
        """
        trial, record = self._runs[number]
        metrics = {name: figure for name, figure in end.metrics.items() if math.isfinite(figure)}
        value = end.value
        metrics |= {} if value is None else {self.config.value_name: float(value)}
        record = replace(
            record,
            state=FAILED if value is None else COMPLETE,
            end_reason=end.reason if value is None else EndReason.EPOCHS,
            message=end.message,
            value=value,
            metrics=metrics,
            epochs=tuple(end.epochs),
        )
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        tell(self.study, trial, record, state, None if value is None else [value])
        del self._runs[number]
        try:
            with scratch_folder("trial") as folder:
                write_curve(record, folder)
                drawn = replace(record, picture=picture_of(self.config))
                self.recorder.finish_trial(drawn, folder=folder)
        except BaseException:
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                self.recorder.kill_trial(record)
            raise
        return record

    def cut(self, number: int, curve: Sequence[EpochRecord], error: BaseException) -> None:
        """Close a trial that an exception cut short, and queue its configuration again.

        Args:
            number: Number of the trial; one whose end is stored already is left alone.
            curve: Its epochs so far.
            error: What was raised: by Ctrl-C, or by a fault that Keras Tuner takes for fatal.
        """
        if number not in self._runs:
            return
        _, record = self._runs.pop(number)
        by_user = isinstance(error, KeyboardInterrupt)
        record = replace(
            record,
            state=KILLED,
            end_reason=EndReason.INTERRUPTED if by_user else EndReason.ERROR,
            message="" if by_user else in_one_line(error),
            epochs=tuple(curve),
            metrics=so_far(self.config, curve),
        )
        requeue(self.study, self.study.get_trials(deepcopy=False)[number], record)
        with scratch_folder("trial") as folder:
            close_cut(self.recorder, record, folder)

    def add(self, point: TunerPoint, end: TunerEnd) -> TrialRecord:
        """Store a trial that was trained elsewhere: its point, its end; return its record."""
        number = self._begin_given(None, point)
        run_id = self._runs[number][1].run_id
        if run_id:
            self.recorder.epochs(run_id, end.epochs)
        return self.end(number, end)

    def finish(self) -> StudyRecord:
        """Finish the study's MLflow run, with its plots and leaderboard; return its record."""
        config = self.config
        if not self.has_target:
            config = config.at(trials=max(1, under_way_or_done(self.study)))
            write_config(self.study, config)
        record = study_record(self.study, config)
        self.recorder.finish_study(record, status="FINISHED")
        end_standing(self.study)
        return record

    def fail(self, error: BaseException) -> None:
        """Close the study's MLflow run after an exception `error`; no results are written."""
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        self.recorder.end_study(self.parent_run_id, status=status)
        end_standing(self.study)
