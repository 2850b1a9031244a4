"""Converts stored studies and trials to plain records, with the importances of parameters."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from models import published_curve
from models.data import is_published
from search.config.description import describe
from search.config.goals import goal_names
from search.config.study import StudyConfig
from search.space.distributions import name_of
from search.space.parameters import Parameter, from_plain, without_empty_conditions
from search.storage.direction import known_value_of, sign_of, value_of
from search.storage.study_attributes import (
    config_of,
    dataset_of,
    identity_of,
    run_of,
    space_of,
)
from search.storage.trial_attributes import (
    has_plan,
    outcome_of,
    owner_of_trial,
    plan_of,
    run_id_of,
)
from search.storage.trials import orphans, state_of
from tracking import (
    BEYOND,
    COMPLETE,
    KILLED,
    PRUNED,
    RUNNING,
    DatasetRecord,
    EndReason,
    EpochRecord,
    ParameterRecord,
    StudyRecord,
    Tag,
    TrialRecord,
    without_password,
)


def trial_record(
    study: str, trial: FrozenTrial, monitor: str, *, is_left: bool = False
) -> TrialRecord:
    """Convert a stored trial to a plain record.

    Args:
        study: Name of its study.
        trial: As Optuna holds it.
        monitor: The per-epoch number behind the objective.
        is_left: Whether its process is gone: it is recorded as killed.
    """
    plan, outcome = plan_of(trial), outcome_of(trial)
    state, end_reason = state_of(trial), outcome.end_reason
    if state == RUNNING and is_left:
        state, end_reason = KILLED, EndReason.INTERRUPTED
    ended = state in (COMPLETE, PRUNED)
    return TrialRecord(
        study=study,
        number=trial.number,
        params=plan.values if has_plan(trial) else trial.params,
        state=state,
        end_reason=end_reason,
        message=outcome.message,
        value=_own_value(trial) if ended else None,
        objective=f"best_{monitor}",
        metrics=outcome.metrics,
        tags=_tags(trial),
        epochs=outcome.epochs,
        run_id=run_id_of(trial),
    )


def _tags(trial: FrozenTrial) -> dict[str, str]:
    """The tags of a trial's MLflow run: tags set at its start, and tags added at its end."""
    outcome = outcome_of(trial)
    tags = dict(plan_of(trial).tags)
    if outcome.trainer:
        tags[Tag.TRAINER] = outcome.trainer
    if outcome.beyond:
        tags[BEYOND] = "true"
    return tags


def _own_value(trial: FrozenTrial) -> float | None:
    """A trial's objective value; for a pruned trial the best value, where Optuna has the last."""
    value = outcome_of(trial).value
    if trial.state == TrialState.PRUNED and value is not None:
        return float(value)
    return value_of(trial)


def so_far(config: StudyConfig, epochs: Sequence[EpochRecord]) -> dict[str, float]:
    """Summarise the epochs that a trial trained before it was interrupted or failed.

    Args:
        config: The trial's study.
        epochs: All epochs that were reported.

    Returns:
        `epochs_run` and `seconds_train`; and the best finite value of an epoch, if there is any, as
        `lowest_` or `highest_` with the monitor's name. That value is not stored under the
        objective's name, so that the trial never ranks among the complete trials.

    Example:
        >>> first = EpochRecord(epoch=1, seconds=0.5, metrics={"val_rmse": 0.9})
        >>> second = EpochRecord(epoch=2, seconds=0.5, metrics={"val_rmse": 1.1})
        >>> so_far(StudyConfig(), [first, second])
        {'epochs_run': 2.0, 'seconds_train': 1.0, 'lowest_val_rmse': 0.9}
    """
    figures = {"epochs_run": float(len(epochs)), "seconds_train": sum(e.seconds for e in epochs)}
    values = [e.metrics.get(config.monitor, math.nan) for e in epochs]
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        which = "lowest" if config.sign > 0 else "highest"
        figures[f"{which}_{config.monitor}"] = min(finite, key=lambda value: config.sign * value)
    return figures


def study_record(
    study: optuna.Study,
    config: StudyConfig | None = None,
    *,
    queued: bool = False,
    weighs: bool = True,
) -> StudyRecord:
    """Convert a stored study to a plain record, with all its trials.

    Args:
        study: Optuna's study.
        config: Its configuration, where the caller has it.
        queued: Whether trials that wait for their turn are listed as well.
        weighs: Whether to compute the importances of parameters, which takes a second or more.
    """
    config = config or config_of(study)
    run, dataset, identity = run_of(study), dataset_of(study), identity_of(study)
    left = {trial.number for trial in orphans(study) if owner_of_trial(trial) is not None}
    trials = tuple(
        trial_record(study.study_name, trial, config.monitor, is_left=trial.number in left)
        for trial in study.get_trials(deepcopy=False)
        if queued or trial.state != TrialState.WAITING
    )
    return StudyRecord(
        name=study.study_name,
        direction=config.direction,
        objective=config.value_name,
        monitor=config.monitor,
        goals=goal_names(config),
        description=describe(config, dataset),
        study_file=_study_file(config),
        dataset=_dataset_record(dataset) if dataset else None,
        tags={} if identity is None else {Tag.IDENTITY.value: identity},
        trials=trials,
        space=space_record(map(from_plain, space_of(study))),
        importances=importances(study) if weighs else {},
        published=_published(config, dataset),
        experiment_id=run.get("experiment_id"),
        parent_run_id=run.get("parent_run_id"),
    )


def _published(config: StudyConfig, dataset: Mapping[str, Any] | None) -> tuple[EpochRecord, ...]:
    """The published trial's epochs, where the objective, ratings and split are its own."""
    checks = (dataset or {}).get("checks", ())
    if config.objective != StudyConfig.objective or not is_published(checks):
        return ()
    names = ("loss", "rmse", "val_loss", "val_rmse")
    return tuple(
        EpochRecord(
            epoch=each.epoch, seconds=each.seconds, metrics={n: getattr(each, n) for n in names}
        )
        for each in published_curve()
    )


def _dataset_record(stored: Mapping[str, Any]) -> DatasetRecord:
    return DatasetRecord(**{**stored, "checks": tuple(stored["checks"])})


def space_record(space: Iterable[Parameter]) -> tuple[ParameterRecord, ...]:
    """Convert the parameters of a space to plain records, in their order.

    Args:
        space: Every parameter, parents first.
    """
    return tuple(
        ParameterRecord(
            name=parameter.name,
            kind=parameter.kind.lower(),
            values=() if parameter.kind in ("Int", "Float") else parameter.listed(),
            low=parameter.low,
            high=parameter.high,
            step=parameter.step,
            log=parameter.log,
            mirrored=parameter.mirrored,
            default=parameter.default,
            when=when,
        )
        for parameter, when in without_empty_conditions(list(space))
    )


def _study_file(config: StudyConfig) -> str:
    """A study's settings as TOML, for whoever may read its record: without passwords."""
    addresses = {"storage": config.storage, "tracking_uri": config.tracking_uri}
    shown = {name: without_password(value) for name, value in addresses.items() if value}
    return config.at(**shown).to_toml()


def importances(study: optuna.Study) -> dict[str, float]:
    """Each parameter's share of the objective's variance, greatest first; empty for few trials.

    The parameters have the names that a user knows.
    """
    sign = sign_of(study)

    def cost(trial: FrozenTrial) -> float:
        """With a target given, Optuna asks what makes it low, whatever the study's direction."""
        return sign * known_value_of(trial)

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len([t for t in done if t.params]) < 4 or len({value_of(t) for t in done}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shares = optuna.importance.get_param_importances(study, target=cost)
        except (RuntimeError, ValueError):  # too few trials share their parameters
            return {}
    return {name_of(name): share for name, share in shares.items()}
