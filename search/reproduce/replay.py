"""Finds a stored trial, and trains it again in a fresh process."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna

from search.child.messages import ALONE, Done, Failed, Ready
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.death import ChildDied
from search.executor.interrupts import interruptible
from search.executor.supervisor import Supervisor
from search.executor.training import Listener, train
from search.storage.records import trial_record
from search.storage.studies import Studies
from search.storage.study_attributes import config_of
from search.storage.trial_attributes import (
    TrialOutcome,
    TrialPlan,
    outcome_of,
    plan_of,
    run_id_of,
    tuner_trial_of,
)
from search.storage.trials import same_before
from search.trial.task import task_of
from tracking import COMPLETE, PRUNED, EpochRecord, Recorder, TrialRecord
from tracking.scratch import scratch_folder
from tracking.texts import shell_line

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """How a trial is trained again and compared.

    Attributes:
        data: Other ratings to train on; None for the recorded ones.
        tolerance: Largest difference that counts as the same; None for 1e-6, or for 0.005 where it
            is the published baseline.
        trainer: Another trainer, one of `models.config.TRAINERS`; None for the trial's own.
        model, data_module: The user's own code that is trained, where a database on a server names
            such code; it must be the same.
        on_epoch: Called with each epoch.
    """

    data: str | None = None
    tolerance: float | None = None
    trainer: str | None = None
    model: str | None = None
    data_module: str | None = None
    on_epoch: OnEpoch | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A trial as Optuna and MLflow hold it.

    Attributes:
        study: Its study.
        config: The study's settings.
        trial: As Optuna holds it.
        record: The same as a plain record.
        recorder: Reads and writes its MLflow run.
        run: The MLflow run, as `Recorder.find_run` reads it; None where MLflow does not hold it.
    """

    study: optuna.Study
    config: StudyConfig
    trial: optuna.trial.FrozenTrial
    record: TrialRecord
    recorder: Recorder
    run: Mapping[str, Any] | None

    @property
    def value(self) -> float:
        """The trial's value; only trials that have one are loaded."""
        assert self.record.value is not None
        return self.record.value

    @property
    def run_id(self) -> str | None:
        """The trial's MLflow run, where MLflow still holds it."""
        return None if self.run is None else self.record.run_id

    @property
    def plan(self) -> TrialPlan:
        """What the trial was told to train: its configuration, seed and epochs."""
        return plan_of(self.trial)

    @property
    def outcome(self) -> TrialOutcome:
        """The stored outcome of the trial."""
        return outcome_of(self.trial)

    @property
    def parts(self) -> int | None:
        """The number of folds or repeats that a pruned trial completed; None if 0 or not pruned."""
        parts = self.record.metrics.get("parts", 0)
        return int(parts) if self.record.state == PRUNED and parts else None

    @property
    def pruned_at(self) -> int | None:
        """The epoch after which a trial was pruned; None if not pruned, or if `parts` is set."""
        in_first = self.record.state == PRUNED and self.parts is None
        return len(self.record.epochs) if in_first else None


@dataclass(frozen=True, slots=True)
class Replay:
    """The outcome of a stored trial that was trained again.

    Attributes:
        ready: What the child said of its data, threads and devices.
        ended: How the training ended.
        epochs: All its epochs.
    """

    ready: Ready
    ended: Done | Failed
    epochs: tuple[EpochRecord, ...]


def stored_trial(studies: Studies, study: optuna.Study, number: int) -> Stored:
    """Load a trial of a stored study by its number, with its run at the study's MLflow address.

    Args:
        studies: Where the study is.
        study: Optuna's study.
        number: Number of the trial.

    Raises:
        SearchError: The trial has no value to compare with, or a Keras Tuner tuner trained it.
        TrackingError: MLflow cannot be reached at the study's address.
    """
    config, trial = config_of(study), study.get_trials(deepcopy=False)[number]
    record = trial_record(study.study_name, trial, config.monitor)
    if record.state not in (COMPLETE, PRUNED) or record.value is None:
        raise SearchError(
            "A trial must be complete or pruned to be reproduced, but "
            f"{record.study}:{number} is {record.state}. "
            f"`{shell_line('trialbook', 'show', record.study)}` lists its trials."
        )
    _refuse_tuners(study, trial)
    recorder, run = studies.recorder(config), None
    if record.run_id and studies.store_of(config).exists():
        studies.store_of(config).prepare()
        run = recorder.find_run(record.run_id)
    return Stored(study, config, trial, record, recorder, run)


def _refuse_tuners(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """Refuse a trial that a Keras Tuner tuner trained, or that has the value of such a trial."""
    named, plan = f"{study.study_name}:{trial.number}", plan_of(trial)
    earlier = same_before(study, trial.number, plan.values)
    is_reused = earlier is not None and plan_of(earlier).seed == plan.seed
    trained = earlier if earlier is not None and is_reused else trial
    if tuner_trial_of(trained) is None:
        return
    is_own = trained.number == trial.number
    whose = "" if is_own else f" has the value of {study.study_name}:{trained.number}, which"
    raise SearchError(
        f"A trial must have been trained by Trialbook to be reproduced, but {named}{whose} was "
        "trained by a Keras Tuner tuner, with seeds of its own. Its configuration is trained here "
        "with `--enqueue` and `--duplicates repeat`, and such a trial can be reproduced."
    )


def find_trial(target: str, studies: Studies) -> Stored:
    """Load the trial that `STUDY:NUMBER` or an MLflow run's identifier names.

    Args:
        target: One of the two.
        studies: Where the trial is.

    Raises:
        SearchError: There is none, or it has no value to compare with.
        TrackingError: MLflow cannot be reached at the study's address.
    """
    name, colon, number = target.rpartition(":")
    if not colon:
        name, number = _of_run(target, studies)
    study = studies.get(name)
    trials = study.get_trials(deepcopy=False)
    if not number.isdigit() or int(number) >= len(trials):
        raise SearchError(
            f"A trial must exist to be reproduced, but got {target!r}. "
            f"Study {name} has trials 0 to {len(trials) - 1}."
        )
    return stored_trial(studies, study, int(number))


def _of_run(run_id: str, studies: Studies) -> tuple[str, str]:
    """The study's name and the number of the trial that has an MLflow run, whatever the address."""
    for study in studies.all() if run_id else ():
        for trial in study.get_trials(deepcopy=False):
            if run_id_of(trial) == run_id:
                return study.study_name, str(trial.number)
    raise SearchError(
        "What to reproduce must be `baseline`, STUDY:NUMBER or the run of a trial, but got "
        f"{run_id!r}. `trialbook studies` lists the studies."
    )


def train_again(stored: Stored, config: StudyConfig, again: Again) -> Replay:
    """Train a stored trial again in a new child process; a pruned trial ends where it was pruned.

    Args:
        stored: The trial.
        config: The settings of its study, with the ratings and the thread count to use.
        again: Names another trainer, and hears each epoch.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the child is closed first.
    """
    # What "auto" chose then, also where it has changed, unless another is asked for.
    trainer = again.trainer or (stored.outcome.trainer if config.rates else None)
    if trainer:
        config = config.at(trainer=trainer)
    listener = _Epochs(stored.pruned_at, again.on_epoch)
    supervisor = Supervisor(config, role=ALONE)
    with (
        scratch_folder("trial") as folder,
        contextlib.closing(supervisor),
        interruptible() as stop,
    ):
        task = task_of(
            stored.plan,
            folder,
            keep_model=False,
            judged_from=stored.pruned_at,
            most_parts=stored.parts,
        )
        ready = supervisor.ready(stop)
        try:
            ended = train(supervisor, task, listener, lambda: stop.asked)
        except ChildDied as error:
            ended = Failed(end_reason=error.end_reason, message=str(error))
        if ended is None:
            raise KeyboardInterrupt
        return Replay(ready, ended, tuple(listener.records))


class _Epochs(Listener):
    """Collects the epochs of a trial, and ends the trial after a given epoch, if any."""

    def __init__(self, last: int | None, on_epoch: OnEpoch | None) -> None:
        self.records: list[EpochRecord] = []
        self._last = last
        self._on_epoch = on_epoch

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """Collect an epoch, pass it on, and say whether the trial goes on."""
        self.records.append(record)
        if self._on_epoch is not None:
            self._on_epoch(record)
        return self._last is None or record.epoch < self._last


def value_of(replay: Replay, stored: Stored) -> tuple[float | None, tuple[str, ...]]:
    """The value of the new training, and notes; the value is None if the new training failed.

    Args:
        replay: The new training.
        stored: The trial that was trained again; for a pruned one the best value so far is taken.
    """
    if isinstance(replay.ended, Failed):
        return None, (f"Training again failed: {replay.ended.message}",)
    if stored.record.state == COMPLETE:
        return replay.ended.value, ()
    if stored.parts:
        return replay.ended.value, ("The trial was pruned: its parts so far are compared.",)
    monitor = stored.config.monitor
    values = [e.metrics.get(monitor, math.nan) for e in replay.epochs]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return None, (f"Training again gave no {monitor} to compare.",)
    best = min(values, key=lambda value: stored.config.sign * value)
    return best, ("The trial was pruned: its best so far is compared.",)
