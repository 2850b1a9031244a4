"""A study whose trials a Keras Tuner `Tuner` trains, stored in Optuna and recorded in MLflow."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import optuna
from optuna.trial import TrialState

from search.config.study import StudyConfig
from search.errors import SearchError
from search.oracle.earlier import interrupted_trial
from search.oracle.tuner_trial import TunerEnd, TunerPoint
from search.samplers.factory import make_sampler
from search.seeds import training_seed
from search.space.distributions import SpaceAdapter, distribution_of, encode_one
from search.space.parameters import Parameter
from search.storage.internals import add_parameter, frozen
from search.storage.owner import me
from search.storage.records import study_record
from search.storage.slots import slot_of
from search.storage.studies import Studies, must_be_ours
from search.storage.study_attributes import (
    config_of,
    is_ours,
    space_of,
    space_version_of,
    write_config,
    write_dataset,
    write_run,
    write_space,
)
from search.storage.trial_attributes import (
    TrialPlan,
    plan_of,
    write_outcome,
    write_owner,
    write_plan,
    write_slot,
    write_tuner_trial,
)
from search.study.warm_start import plain_space
from search.trial.files import make_folder, write_curve
from search.trial.interruption import reclaim
from tracking import (
    COMPLETE,
    FAILED,
    EndReason,
    EpochRecord,
    Recorder,
    Scalar,
    StudyRecord,
    Tag,
    TrialRecord,
    provenance,
)


@dataclass(frozen=True, slots=True)
class TunerStudy:
    """A study whose trials Keras Tuner trains, with the study's MLflow record; made by `open`.

    Attributes:
        config: Its stored settings, with the tuner's target, sampler and seed.
        study: Its Optuna study.
        recorder: Writes its record.
    """

    config: StudyConfig
    study: optuna.Study
    recorder: Recorder
    _tags: Mapping[str, str] = field(default_factory=lambda: dict(provenance()))
    _runs: dict[int, tuple[optuna.Trial, TrialRecord]] = field(default_factory=dict)

    @classmethod
    def open(cls, config: StudyConfig, studies: Studies) -> TunerStudy:
        """Create or resume the study in Optuna, and begin its MLflow run.

        Args:
            config: Its `model` is `TUNER_MODEL`, or whatever model an earlier study has.
            studies: Where it is kept.

        Raises:
            SearchError: There is one of that name with another objective or on ratings.
        """
        studies.store.prepare()
        storage = studies.storage
        with studies.lock():
            study = optuna.create_study(
                storage=storage,
                study_name=config.name,
                direction=config.direction,
                load_if_exists=True,
            )
            must_be_ours(study, [config.direction])
            if is_ours(study):
                config = _resumed(config_of(study), config)
            else:
                write_dataset(study, None)
            write_config(study, config)
            recorder = studies.recorder()
            record = recorder.start_study(study_record(study, config))
            write_run(study, experiment_id=record.experiment_id, run_id=record.parent_run_id)
            reclaim(study, config, recorder)
        return cls(config, study, recorder)

    def ask(self, space: Sequence[Parameter], name: str) -> tuple[int, dict[str, Scalar]]:
        """Let Optuna choose a configuration, and begin its trial.

        Args:
            space: The parameters that the tuner has declared so far.
            name: Keras Tuner's identifier of the trial.

        Returns:
            The trial's number and its values, active parameters only.
        """
        self.study.sampler = make_sampler(
            self.config.sampler,
            self.config.seed,
            space=space,
            trials=self.config.trials,
            options=self.config.sampler_options,
        )
        trial = self.study.ask()
        write_owner(trial, me())
        values = SpaceAdapter(space).sample(trial)
        self._begin(trial, TunerPoint(values=values, space=space, name=name))
        return trial.number, values

    def again(self, point: TunerPoint) -> int:
        """Begin a trial for a configuration whose training an earlier process did not finish.

        Args:
            point: The configuration.

        Returns:
            The trial's number: of the one that waits since it was interrupted, or of a new one.
        """
        return self._begin_given(interrupted_trial(self.study, point.name), point)

    def _begin_given(self, trial: optuna.Trial | None, point: TunerPoint) -> int:
        """Begin `trial`, or a new one if it is None, with the values that the tuner has chosen.

        Returns:
            The trial's number.
        """
        adapter = SpaceAdapter(point.space)
        if trial is None:
            self.study.enqueue_trial(adapter.encode(point.values))
            trial = self.study.ask()
        write_owner(trial, me())
        adapter.teach(trial, point.values)
        self._begin(trial, point)
        return trial.number

    def _begin(self, trial: optuna.Trial, point: TunerPoint) -> None:
        """Begin the trial's MLflow run, and store the trial's plan in Optuna."""
        if not space_of(self.study):
            write_space(self.study, plain_space(point.space), version=1)
        slot = slot_of(self.study, frozen(trial))
        tags = {
            **self._tags,
            Tag.SLOT: str(slot),
            Tag.TUNER_TRIAL: point.name,
        }
        record = TrialRecord(
            study=self.config.name,
            number=trial.number,
            params=dict(point.values),  # the tuner goes on writing into its own
            objective=self.config.value_name,
            tags=tags,
        )
        run_id = self.recorder.start_trial(record)
        write_slot(trial, slot)
        plan = TrialPlan(
            values=dict(point.values),
            seed=training_seed(self.config.seed, slot),
            epochs=self.config.epochs,
            run_id=run_id,
            tags=tags,
        )
        write_plan(trial, plan)
        write_tuner_trial(trial, point.name)
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
        """Store parameters that a tuner met only while it built the trial's model.

        Args:
            number: Number of the trial, which is running.
            values: Values of all its active parameters.
            space: The parameters that the tuner has declared so far.
        """
        trial, record = self._runs[number]
        new = {name: value for name, value in values.items() if name not in record.params}
        if not new:
            return
        for parameter in space:
            if parameter.name in new and parameter.kind != "Fixed":
                if not parameter.holds(new[parameter.name]):
                    continue
                name, value = encode_one(parameter, new[parameter.name])
                add_parameter(trial, name, value, distribution_of(parameter))
        write_space(self.study, plain_space(space), version=space_version_of(self.study))
        record = replace(record, params=dict(record.params) | new)
        self._runs[number] = (trial, record)
        write_plan(trial, replace(plan_of(trial), values=dict(record.params)))
        if record.run_id:
            self.recorder.parameters(record.run_id, new)

    def end(self, number: int, end: TunerEnd) -> TrialRecord:
        """Store how a trial ended: first in Optuna, then in MLflow.

        Args:
            number: Number of the trial.
            end: How the tuner says that it ended.

        Returns:
            The trial's record.
        """
        trial, record = self._runs.pop(number)
        metrics = {name: figure for name, figure in end.metrics.items() if math.isfinite(figure)}
        value = end.value if end.value is not None and math.isfinite(end.value) else None
        if value is not None:
            metrics[self.config.value_name] = float(value)
        record = replace(
            record,
            state=FAILED if value is None else COMPLETE,
            end_reason=EndReason.ERROR if value is None else EndReason.EPOCHS,
            message=end.message,
            value=value,
            metrics=metrics,
            epochs=tuple(end.epochs),
        )
        write_outcome(trial, record)
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        self.study.tell(trial, record.value, state=state)
        folder = make_folder()
        try:
            write_curve(record, folder, self.config)
            self.recorder.finish_trial(record, folder=folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return record

    def add(self, point: TunerPoint, end: TunerEnd) -> TrialRecord:
        """Store a trial that was trained elsewhere.

        Args:
            point: What was trained.
            end: How it ended.

        Returns:
            The trial's record.
        """
        number = self._begin_given(None, point)
        run_id = self._runs[number][1].run_id
        if run_id:
            self.recorder.epochs(run_id, end.epochs)
        return self.end(number, end)

    def finish(self) -> StudyRecord:
        """Finish the study's MLflow run, with its plots and leaderboard; return its record."""
        record = study_record(self.study, self.config)
        self.recorder.finish_study(record, status="FINISHED")
        return record


def _resumed(stored: StudyConfig, wanted: StudyConfig) -> StudyConfig:
    """Merge settings to resume a study: the stored ones, with the tuner's target, sampler, seed."""
    if stored.rates:
        raise SearchError(
            f"A tuner may go on only with a study of a model of its own, but {stored.name} "
            f"trains ratings. Go on with `trialbook search --study {stored.name}`."
        )
    if stored.objective != wanted.objective:
        raise SearchError(
            f"A study may be resumed only with its own objective, but {stored.name} has "
            f"{stored.objective}, and the tuner {wanted.objective}."
        )
    return stored.at(
        trials=wanted.trials,
        sampler=wanted.sampler,
        sampler_options=wanted.sampler_options,
        seed=wanted.seed,
    )
