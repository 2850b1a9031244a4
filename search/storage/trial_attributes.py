"""A trial's attributes in Optuna's storage; no other module reads or writes them.

Optuna keeps a trial's parameters, state and value. Beside them a trial has attributes, JSON under
the names of `Key`. What goes in and what comes out are the frozen records of this module, so that
a new figure of a trial is one field here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.internals import set_attribute
from search.storage.writes.ends import end_running, fail_running
from search.storage.writes.statements import set_late_attribute
from tracking import KILLED, EndReason, EpochRecord, Scalar, Tag, TrialRecord

GIVEN = "fixed_params"
"""Where Optuna itself keeps what a queued trial is to try."""

AnyTrial = FrozenTrial | optuna.Trial


class Key(StrEnum):
    """Names of a trial's attributes in Optuna's storage."""

    OWNER = "trialbook:owner"
    SLOT = "trialbook:slot"
    RETRY_OF = "trialbook:retry_of"
    RECIPE = "trialbook:recipe"
    PLAN = "trialbook:plan"
    OUTCOME = "trialbook:outcome"
    TUNER_TRIAL = "trialbook:tuner_trial"
    WANTED = "trialbook:wanted"
    RUN = "trialbook:run"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPlan:
    """All that is needed to train a trial, now or again: its configuration, seed and epochs.

    Attributes:
        values: The active parameters' values as a model gets them (64, "relu"), by name.
        seed: Seed of the training.
        preset: "baseline" or "as-written" where that is trained instead of `values`.
        epochs: Most epochs.
        run_id: The trial's MLflow run, where it had one when it began; `run_id_of` knows all.
        tags: Tags of the MLflow run: versions, hardware, threads, data.
        folder: Where the child writes the trial's files; empty where it writes none.
        is_whole: Whether all values are known; a user's own model asks for them while it is built.

    Example:
        >>> tags = {Tag.THREADS.value: "2"}
        >>> plan = TrialPlan(values={"learning_rate": 0.02}, seed=7, epochs=100, tags=tags)
        >>> plan.threads
        2
        >>> trial = optuna.create_study().ask()
        >>> write_plan(trial, plan)
        >>> plan_of(trial) == plan
        True
    """

    values: Mapping[str, Scalar] = field(default_factory=dict)
    seed: int = 0
    preset: str | None = None
    epochs: int = 0
    run_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    is_whole: bool = True

    @property
    def threads(self) -> int | None:
        """Threads that the trial was trained with; None where that is not known."""
        return int(self.tags.get(Tag.THREADS, 0)) or None


def not_begun(end_reason: str, epochs: Sequence[Any], metrics: Mapping[str, float]) -> bool:
    """Whether a trial was not trained at all because its model exceeded a limit.

    One that a limit ends inside its first epoch has no epoch either, but seconds of training.

    Args:
        end_reason: Of the trial.
        epochs: Its learning curve.
        metrics: Its final figures.
    """
    return end_reason == EndReason.LIMIT and not epochs and "seconds_train" not in metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialOutcome:
    """The outcome of a trial that ended.

    Attributes:
        state: One of `tracking.State`, as `tracking.TrialRecord.state`.
        end_reason: Finer than the state, as `tracking.TrialRecord.end_reason`.
        message: One line for a trial that failed, was pruned or met a limit.
        value: The objective; for a pruned trial its best so far.
        beyond: Whether it exceeds a limit of its study, so that it does not rank.
        metrics: Final figures by name.
        trainer: "fast" or "keras": what trained it; None where nothing did.
        curve: A row for each epoch: its number, its seconds, its metrics by name.
        log: The end of what its process printed, of a trial that failed.
    """

    state: str = KILLED
    end_reason: str = ""
    message: str = ""
    value: float | None = None
    beyond: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    trainer: str | None = None
    curve: Sequence[Sequence[Any]] = ()
    log: str = ""

    @property
    def epochs(self) -> tuple[EpochRecord, ...]:
        """The trial's learning curve as epoch records, epoch 1 first."""
        return tuple(EpochRecord(epoch=e, seconds=s, metrics=m) for e, s, m in self.curve)

    @property
    def is_infeasible(self) -> bool:
        """Whether the trial was not trained because its model exceeded a limit."""
        return not_begun(self.end_reason, self.curve, self.metrics)

    @classmethod
    def of(cls, record: TrialRecord, log: str = "") -> TrialOutcome:
        """Take the outcome from a trial's record, with the end of what its process printed."""
        return cls(
            state=record.state,
            end_reason=record.end_reason,
            message=record.message,
            value=record.value,
            beyond=record.is_beyond,
            metrics=dict(record.metrics),
            trainer=record.trainer,
            curve=[_row(epoch) for epoch in record.epochs],
            log=log,
        )


def _row(epoch: EpochRecord) -> list[Any]:
    """Convert an epoch to plain values for JSON; NumPy's numbers become Python's."""
    return [epoch.epoch, round(epoch.seconds, 4), json.loads(json.dumps(dict(epoch.metrics)))]


def plan_of(trial: AnyTrial) -> TrialPlan:
    """The stored plan of a trial (configuration, seed, epochs); an empty plan if none is stored."""
    return TrialPlan(**(trial.user_attrs.get(Key.PLAN) or {}))


def has_plan(trial: FrozenTrial) -> bool:
    """Whether a trial's plan (its configuration, seed and epochs) is stored."""
    return Key.PLAN in trial.user_attrs


def write_plan(trial: optuna.Trial, plan: TrialPlan) -> None:
    """Store what a running trial is to train: its configuration, seed and epochs."""
    trial.set_user_attr(Key.PLAN.value, as_stored(plan))


def run_id_of(trial: FrozenTrial) -> str | None:
    """The trial's MLflow run; None before there is one."""
    run_id = trial.user_attrs.get(Key.RUN) or plan_of(trial).run_id
    return None if not run_id else str(run_id)


def write_run_of_trial(study: optuna.Study, number: int, run_id: str) -> None:
    """Store the MLflow run of a trial, which may have ended by now.

    Args:
        study: The study.
        number: Number of the trial.
        run_id: The run.
    """
    set_late_attribute(study, number, Key.RUN.value, run_id)
    # An ended trial that this process has read is not read again.
    study.get_trials(deepcopy=False)[number].user_attrs[Key.RUN.value] = run_id


def outcome_of(trial: FrozenTrial) -> TrialOutcome:
    """The stored outcome of a trial; state "killed" where none is stored."""
    return TrialOutcome(**(trial.user_attrs.get(Key.OUTCOME) or {}))


def as_stored(content: TrialPlan | TrialOutcome) -> dict[str, Any]:
    """What JSON holds of a plan or an outcome, a log only if there is one; nothing is copied."""
    stored = {each.name: getattr(content, each.name) for each in fields(content)}
    return {name: value for name, value in stored.items() if name != "log" or value}


def beyond_of(trial: AnyTrial) -> bool:
    """Whether a trial's stored outcome says that it exceeds a limit; false where none is stored."""
    return bool((trial.user_attrs.get(Key.OUTCOME) or {}).get("beyond"))


def write_outcome(trial: optuna.Trial, record: TrialRecord) -> None:
    """Store the outcome of a running trial of this process."""
    trial.set_user_attr(Key.OUTCOME.value, as_stored(TrialOutcome.of(record)))


def write_end(
    study: optuna.Study,
    trial: optuna.Trial,
    record: TrialRecord,
    state: TrialState,
    values: Sequence[float],
    *,
    log: str = "",
) -> bool:
    """End a trial of this process as complete or failed, with its outcome, in one step.

    Returns:
        Whether this call did so; false where the trial had ended by now.
    """
    outcome = as_stored(TrialOutcome.of(record, log))
    return end_running(study, trial, state, values, (Key.OUTCOME.value, outcome))


def write_end_of_another(study: optuna.Study, trial: FrozenTrial, record: TrialRecord) -> bool:
    """End a trial that was read from the storage as failed, with its outcome, in one step.

    Returns:
        Whether this call did so; false where the trial had ended by now.
    """
    return fail_running(study, trial, Key.OUTCOME.value, as_stored(TrialOutcome.of(record)))


def owner_of_trial(trial: FrozenTrial) -> Mapping[str, Any] | None:
    """The process that runs a trial, as `search.storage.claims.owner.me` describes it, or None."""
    return trial.user_attrs.get(Key.OWNER)


def write_owner(trial: optuna.Trial, owner: Mapping[str, Any]) -> None:
    """Store which process runs a trial."""
    trial.set_user_attr(Key.OWNER.value, dict(owner))


def write_owner_of_queued(
    study: optuna.Study, trial: FrozenTrial, owner: Mapping[str, Any]
) -> None:
    """Store which process runs a trial that was queued."""
    set_attribute(study, trial, Key.OWNER.value, dict(owner))


def given_slot(trial: AnyTrial) -> int | None:
    """The stored slot of a trial (its place in the study); None where no slot is stored."""
    slot = trial.user_attrs.get(Key.SLOT)
    return None if slot is None else int(slot)


def write_slot(trial: optuna.Trial, slot: int) -> None:
    """Store a trial's slot (its place in the study), unless the trial was queued with a slot."""
    if Key.SLOT not in trial.user_attrs:
        trial.set_user_attr(Key.SLOT.value, slot)


def retry_of(trial: FrozenTrial) -> int | None:
    """The number of the interrupted trial whose configuration this one tries again, or None."""
    number = trial.user_attrs.get(Key.RETRY_OF)
    return None if number is None else int(number)


def recipe_of(trial: AnyTrial) -> str | None:
    """The model family whose published configuration a trial tries, or None."""
    family = trial.user_attrs.get(Key.RECIPE)
    return None if family is None else str(family)


def is_given(trial: FrozenTrial) -> bool:
    """Whether a trial was queued with its configuration, wholly or in part."""
    return GIVEN in trial.system_attrs


def queued_values(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that a trial was queued with, as Optuna stores them; empty if not queued."""
    return dict(trial.system_attrs.get(GIVEN, {}))


def tuner_trial_of(trial: FrozenTrial) -> str | None:
    """The name that Keras Tuner gave the trial; None where no Keras Tuner tuner trains it."""
    name = trial.user_attrs.get(Key.TUNER_TRIAL)
    return None if name is None else str(name)


def write_tuner_trial(trial: optuna.Trial, name: str) -> None:
    """Store the name that Keras Tuner gave a trial."""
    trial.set_user_attr(Key.TUNER_TRIAL.value, name)


def wanted_of(trial: AnyTrial) -> Mapping[str, Scalar]:
    """The values that a user wants for parameters that no trial had met, by parameter name."""
    return dict(trial.user_attrs.get(Key.WANTED, {}))
