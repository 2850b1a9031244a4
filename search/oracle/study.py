"""A study whose trials a Keras Tuner `Tuner` trains: chosen, stored and recorded as all others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.config.study import StudyConfig
from search.errors import SearchError
from search.samplers.factory import make_sampler
from search.seeds import training_seed
from search.space.distributions import SpaceAdapter, distribution_of, encode_one
from search.space.parameters import Parameter
from search.storage.database import home_lock, open_storage
from search.storage.owner import OWNER, me
from search.storage.records import config_of, study_record
from search.storage.slots import RETRY_OF, SLOT, slot_of
from search.storage.trials import CONFIG, DATASET, OUTCOME, PLAN, RUN, outcome_of
from search.study.warm_start import SPACE, plain_space
from search.trial.interruption import make_folder, reclaim, write_curve
from tracking import (
    COMPLETE,
    FAILED,
    EpochRecord,
    MlflowRecorder,
    Recorder,
    Scalar,
    Store,
    TrialRecord,
    provenance,
)

TUNER_TRIAL = "trialbook:tuner_trial"


class TunerStudy:
    """One study, opened or made, and its record."""

    def __init__(self, config: StudyConfig, store: Store) -> None:
        """Open it, or make it.

        Args:
            config: Its `model` is `TUNER_MODEL`, or whatever model an earlier study has.
            store: Where it is kept.

        Raises:
            SearchError: There is one of that name with another objective or on ratings.
        """
        self.config = config
        self._store = store
        store.prepare()
        storage = open_storage(store, config.storage)
        with home_lock(store):
            known = config.name in optuna.get_all_study_names(storage)
            self.study = optuna.create_study(
                storage=storage,
                study_name=config.name,
                direction=config.direction,
                load_if_exists=True,
            )
            if known and CONFIG in self.study.user_attrs:
                self.config = self._resumed(config_of(self.study))
            else:
                self.study.set_user_attr(DATASET, None)
            self.study.set_user_attr(CONFIG, self.config.to_dict())
            self.recorder: Recorder = MlflowRecorder(store)
            record = self.recorder.start_study(study_record(self.study, self.config))
            run = {"experiment_id": record.experiment_id, "parent_run_id": record.parent_run_id}
            self.study.set_user_attr(RUN, run)
            reclaim(self.study, self.config, self.recorder)
        self._tags = dict(provenance())
        self._runs: dict[int, tuple[optuna.Trial, TrialRecord]] = {}

    def _resumed(self, stored: StudyConfig) -> StudyConfig:
        """The stored study, to this one's target and with its sampler."""
        if stored.rates:
            raise SearchError(
                f"A tuner may go on only with a study of a model of its own, but {stored.name} "
                f"trains ratings. Go on with `trialbook search --study {stored.name}`."
            )
        if stored.objective != self.config.objective:
            raise SearchError(
                f"A study may be resumed only with its own objective, but {stored.name} has "
                f"{stored.objective}, and the tuner {self.config.objective}."
            )
        return stored.at(
            trials=self.config.trials,
            sampler=self.config.sampler,
            sampler_options=self.config.sampler_options,
            seed=self.config.seed,
        )

    def ask(self, space: Sequence[Parameter], name: str) -> tuple[int, dict[str, Scalar]]:
        """Let Optuna choose a configuration, and begin its run.

        Args:
            space: What the tuner searches by now.
            name: The tuner's identifier of the trial.

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
        trial.set_user_attr(OWNER, me())
        values = SpaceAdapter(space).sample(trial)
        self._begin(trial, values, name, space)
        return trial.number, values

    def again(self, values: Mapping[str, Scalar], space: Sequence[Parameter], name: str) -> int:
        """Begin the run of a configuration that a tuner trains once more.

        Args:
            values: Its active parameters.
            space: What the tuner searches by now.
            name: The tuner's identifier of the trial.

        Returns:
            The trial's number: of the one that waits since it was interrupted, or of a new one.
        """
        return self._begin_given(self._waiting(name), values, space, name)

    def _begin_given(
        self,
        trial: optuna.Trial | None,
        values: Mapping[str, Scalar],
        space: Sequence[Parameter],
        name: str,
    ) -> int:
        """Begin the run of values that Optuna need not choose, in a new trial where there is none.

        Returns:
            The trial's number.
        """
        adapter = SpaceAdapter(space)
        if trial is None:
            self.study.enqueue_trial(adapter.encode(values))
            trial = self.study.ask()
        trial.set_user_attr(OWNER, me())
        adapter.teach(trial, values)
        self._begin(trial, values, name, space)
        return trial.number

    def _waiting(self, name: str) -> optuna.Trial | None:
        """The queued trial that stands for an interrupted one of a tuner, now running; or None."""
        trials = self.study.get_trials(deepcopy=False)
        for queued in trials:
            first = trials[queued.user_attrs[RETRY_OF]] if RETRY_OF in queued.user_attrs else None
            same = first is not None and first.user_attrs.get(TUNER_TRIAL) == name
            if queued.state == TrialState.WAITING and same:
                storage, number = self.study._storage, queued._trial_id
                if storage.set_trial_state_values(number, state=TrialState.RUNNING):
                    return optuna.Trial(self.study, number)
        return None

    def _begin(
        self,
        trial: optuna.Trial,
        values: Mapping[str, Scalar],
        name: str,
        space: Sequence[Parameter],
    ) -> None:
        if not self.study.user_attrs.get(SPACE):
            found = {"version": 1, "parameters": plain_space(space)}
            self.study.set_user_attr(SPACE, found)
        slot = slot_of(self.study, trial._cached_frozen_trial)
        seed = training_seed(self.config.seed, slot)
        tags = self._tags | {"trialbook.slot": str(slot), "trialbook.tuner_trial": name}
        record = TrialRecord(
            study=self.config.name,
            number=trial.number,
            params=dict(values),  # the tuner goes on writing into its own
            objective=self.config.value_name,
            tags=tags,
        )
        run_id = self.recorder.start_trial(record)
        plan = {
            "values": dict(values),
            "seed": seed,
            "preset": None,
            "epochs": self.config.epochs,
            "run_id": run_id,
            "tags": tags,
            "folder": "",
        }
        trial.set_user_attr(SLOT, slot)
        trial.set_user_attr(PLAN, plan)
        trial.set_user_attr(TUNER_TRIAL, name)
        self._runs[trial.number] = (trial, replace(record, run_id=run_id or None))

    def epoch(self, number: int, record: EpochRecord) -> None:
        """Write an epoch of a trial under way to the record."""
        run_id = self._runs[number][1].run_id
        if run_id:
            self.recorder.epochs(run_id, [record])

    def found(self, number: int, values: Mapping[str, Scalar], space: Sequence[Parameter]) -> None:
        """Keep parameters that a tuner met only while it built the trial's model.

        Args:
            number: Of the trial, under way.
            values: All of its active ones.
            space: What the tuner searches by now.
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
                distribution = distribution_of(parameter)
                inner = distribution.to_internal_repr(value)
                trial.storage.set_trial_param(trial._trial_id, name, inner, distribution)
        held = dict(self.study.user_attrs.get(SPACE) or {"version": 1})
        self.study.set_user_attr(SPACE, held | {"parameters": plain_space(space)})
        record = replace(record, params=dict(record.params) | new)
        self._runs[number] = (trial, record)
        trial.set_user_attr(PLAN, trial.user_attrs[PLAN] | {"values": dict(record.params)})
        if record.run_id:
            self.recorder.parameters(record.run_id, new)

    def end(
        self,
        number: int,
        value: float | None,
        *,
        metrics: Mapping[str, float],
        epochs: Sequence[EpochRecord] = (),
        message: str = "",
    ) -> TrialRecord:
        """Store how a trial ended, in Optuna first.

        Args:
            number: Of the trial.
            value: The objective; None where it failed.
            metrics: Final figures by name.
            epochs: Its curve, as far as it is known.
            message: For a failed one, why, in a line.
        """
        trial, record = self._runs.pop(number)
        finite = {name: each for name, each in metrics.items() if math.isfinite(each)}
        good = value is not None and math.isfinite(value)
        if good:
            finite[self.config.value_name] = float(value or 0.0)
        record = replace(
            record,
            state=COMPLETE if good else FAILED,
            end_reason="epochs" if good else "error",
            message=message,
            value=value if good else None,
            metrics=finite,
            epochs=tuple(epochs),
        )
        trial.set_user_attr(OUTCOME, outcome_of(record))
        state = TrialState.COMPLETE if good else TrialState.FAIL
        self.study.tell(trial, record.value, state=state)
        folder = make_folder()
        write_curve(record, folder, monitor=self.config.monitor)
        self.recorder.finish_trial(record, folder=folder)
        return record

    def add(
        self,
        values: Mapping[str, Scalar],
        space: Sequence[Parameter],
        name: str,
        value: float | None,
        *,
        metrics: Mapping[str, float],
        epochs: Sequence[EpochRecord] = (),
        message: str = "",
    ) -> TrialRecord:
        """Bring in a trial that was trained elsewhere; see `ask` and `end` for the arguments."""
        number = self._begin_given(None, values, space, name)
        run_id = self._runs[number][1].run_id
        if run_id:
            self.recorder.epochs(run_id, epochs)
        return self.end(number, value, metrics=metrics, epochs=epochs, message=message)

    def finish(self) -> None:
        """Draw the plots, write the leaderboard, and close the record."""
        record = study_record(self.study, self.config)
        self.recorder.finish_study(record, status="FINISHED")

    def finished_trials(self) -> list[FrozenTrial]:
        """Trials that came to an end of their own, in the order of their numbers."""
        ended = (TrialState.COMPLETE, TrialState.FAIL)
        own = self.study.get_trials(deepcopy=False, states=ended)
        return [t for t in own if (t.user_attrs.get(OUTCOME) or {}).get("state") != "killed"]
