"""A trial as it was recorded, and the same trial trained again in a fresh process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna

from search.child.messages import Done, Failed, Ready, Task
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.interrupts import Stop, interruptible
from search.executor.supervisor import ChildDied, Supervisor
from search.storage.records import config_of
from search.storage.studies import get_study
from search.storage.trials import trial_record
from search.trial.interruption import make_folder
from tracking import COMPLETE, PRUNED, EpochRecord, MlflowRecorder, Store, TrialRecord

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True, slots=True)
class Stored:
    """A trial as both stores have it."""

    study: optuna.Study
    config: StudyConfig
    trial: optuna.trial.FrozenTrial
    record: TrialRecord


@dataclass(frozen=True, slots=True)
class Replay:
    """A trial trained again."""

    ready: Ready
    ended: Done | Failed
    epochs: tuple[EpochRecord, ...]


def find_trial(target: str, store: Store, storage: str | None) -> Stored:
    """The trial that `STUDY:NUMBER` or a run's identifier names.

    Raises:
        SearchError: There is none, or it has no value to compare with.
    """
    name, colon, number = target.rpartition(":")
    if not colon:
        name, number = _of_run(target, store)
    study = get_study(store, storage, name)
    trials = study.get_trials(deepcopy=False)
    if not number.isdigit() or int(number) >= len(trials):
        raise SearchError(
            f"A trial must exist to be reproduced, but got {target!r}. "
            f"Study {name} has trials 0 to {len(trials) - 1}."
        )
    config = config_of(study)
    trial = trials[int(number)]
    record = trial_record(name, trial, config.monitor)
    if record.state not in (COMPLETE, PRUNED) or record.value is None:
        raise SearchError(
            f"A trial must be complete or pruned to be reproduced, but {target} is {record.state}. "
            f"`trialbook show {name}` lists its trials."
        )
    return Stored(study, config, trial, record)


def _of_run(run_id: str, store: Store) -> tuple[str, str]:
    run = MlflowRecorder(store).find_run(run_id) if store.exists() else None
    tags = (run or {}).get("tags", {})
    if "trialbook.number" not in tags:
        raise SearchError(
            "What to reproduce must be `baseline`, STUDY:NUMBER or the run of a trial, but got "
            f"{run_id!r}. `trialbook studies` lists the studies."
        )
    return tags["trialbook.study"], tags["trialbook.number"]


def train_again(
    config: StudyConfig,
    plan: Any,
    *,
    on_epoch: OnEpoch | None = None,
    stop_after: int | None = None,
    most_parts: int | None = None,
) -> Replay:
    """Train a stored plan in a fresh child.

    Args:
        config: The study, at the ratings and thread count to use.
        plan: The trial's stored values, preset, seed and epochs.
        on_epoch: Hears each epoch.
        stop_after: Epochs of the first part after which to stop, or None.
        most_parts: Parts after which to stop, or None.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the child is closed first.
    """
    folder = make_folder()
    supervisor = Supervisor(config)
    try:
        with interruptible() as stop:
            ready = supervisor.ready(stop)
            supervisor.submit(
                Task(
                    values=plan["values"],
                    preset=plan["preset"],
                    seed=int(plan["seed"]),
                    epochs=int(plan["epochs"]),
                    folder=folder,
                    keep_model=False,
                    judged_from=stop_after,
                    most_parts=most_parts,
                )
            )
            return Replay(ready, *_listen(supervisor, on_epoch, stop_after, stop))
    finally:
        supervisor.close()
        shutil.rmtree(folder, ignore_errors=True)


def _listen(
    supervisor: Supervisor, on_epoch: OnEpoch | None, stop_after: int | None, stop: Stop
) -> tuple[Done | Failed, tuple[EpochRecord, ...]]:
    epochs: list[EpochRecord] = []
    while not stop.asked:
        try:
            message = supervisor.poll(0.2)
        except ChildDied as error:
            return Failed(end_reason=error.end_reason, message=str(error)), tuple(epochs)
        if isinstance(message, EpochRecord):
            epochs.append(message)
            if stop_after is not None and message.epoch >= stop_after:
                supervisor.reply(False)
            if on_epoch is not None:
                on_epoch(message)
        elif isinstance(message, Done | Failed):
            return message, tuple(epochs)
    raise KeyboardInterrupt


def value_of(replay: Replay, stored: Stored) -> tuple[float | None, tuple[str, ...]]:
    """The value of a replay, None where it failed, and what the user should know of it."""
    if isinstance(replay.ended, Failed):
        return None, (f"Training again failed: {replay.ended.message}",)
    if stored.record.state == COMPLETE:
        return replay.ended.value, ()
    if parts_trained(stored.record):
        return replay.ended.value, ("The trial was pruned: its parts so far are compared.",)
    monitor = stored.config.monitor
    values = [e.metrics[monitor] for e in replay.epochs if monitor in e.metrics]
    best = min(values, key=lambda value: stored.config.sign * value)
    return best, ("The trial was pruned: its best so far is compared.",)


def parts_trained(record: TrialRecord) -> int | None:
    """Parts that a pruned trial of several came to; None where it has none, or came to its end."""
    parts = record.metrics.get("parts", 0)
    return int(parts) if record.state == PRUNED and parts else None
