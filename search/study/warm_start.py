"""Warm start: takes the trials of an earlier study that fit the space of a new study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import optuna
from optuna.trial import FrozenTrial

from models.checks import told
from search.config.goals import figures_of
from search.config.limits import Limits, exceeds, held_against, limits_of
from search.config.options import SAMPLERS
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.parameters import Parameter, from_plain, plain
from search.storage.records import study_record
from search.storage.study_attributes import (
    config_of,
    dataset_of,
    declared_space_of,
    ever_met,
    history_of,
    met_of,
    space_version_of,
)
from search.study.frozen import frozen_trials
from search.study.history import History
from tracking import COMPLETE, PRUNED, Scalar, StudyRecord, TrialRecord

_QUEUED = 5

_Trial = TypeVar("_Trial")

# What two studies must share for a value of one to stand in the other.
_SAME = ("split", "objective", "epochs", "folds", "growth", "trainer")


def take_history(
    study: optuna.Study,
    config: StudyConfig,
    space: Sequence[Parameter],
    dataset: Mapping[str, Any] | None,
) -> History:
    """Take the trials of an earlier study that fit the space of a new study.

    Missing parameters get their defaults; a trial with a value outside the space is left out.

    Args:
        study: The earlier study.
        config: Settings of the new study.
        space: Space of the new study.
        dataset: Ratings of the new study; None for a user's own model.

    Raises:
        SearchError: The earlier study trains another kind of model.
    """
    old, before = config_of(study), dataset_of(study)
    _must_train_the_same(old, config)
    reason = _reason(old, config, before, dataset)
    left: Counter[str] = Counter()
    record = study_record(study, old)
    late = [from_plain(each) for each in met_of(study)] if not config.rates else []
    target, limits = _Target(space, late), limits_of(config)
    taken = _taken(record, target, left, limits)
    held = limits if _same(before, dataset) else Limits()  # other ratings make other figures
    own = [_plain(trial, values, config) for trial, values in taken]
    trials = () if reason else (*_inherited(study, old, config, target, left), *own)
    return History(
        study=study.study_name,
        version=_version(study, space),
        trials=trials,
        beyond=sum(exceeds(trial.get("figures", {}), limits) for trial in trials),
        queued=_best(record, taken, held) if reason else (),
        left=dict(left),
        reason=reason,
        late=tuple(plain(parameter) for parameter in late),
    )


def _best(
    record: StudyRecord, taken: Sequence[tuple[TrialRecord, dict[str, Scalar]]], limits: Limits
) -> tuple[dict[str, Scalar], ...]:
    """The values of the best trials that fit the space and exceed no limit, best first."""
    fitted = {trial.number: v for trial, v in taken if not exceeds(trial.metrics, limits)}
    best = [fitted[trial.number] for trial in record.ranked() if trial.number in fitted]
    return tuple(best[:_QUEUED])


def _same(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    """Whether two studies have the same ratings, or both have none."""
    return bool((before or {}).get("content_hash") == (now or {}).get("content_hash"))


def _must_train_the_same(old: StudyConfig, new: StudyConfig) -> None:
    if old.model != new.model:
        raise SearchError(
            f"`--warm-start` must name a study of the same model, but {old.name} trains "
            f"`{old.model}`, not `{new.model}`."
        )


class _Target(NamedTuple):
    """The space that earlier trials must fit.

    `late` are the parameters of it that a trial may have, but is not given where it lacks them.
    """

    space: Sequence[Parameter]
    late: Sequence[Parameter] = ()


def _taken(
    record: StudyRecord, target: _Target, left: Counter[str], limits: Limits
) -> list[tuple[TrialRecord, dict[str, Scalar]]]:
    """List the trials that fit a space, with their values; count the others in `left` by reason.

    A trial that a limit kept from being trained is taken only where it is beyond `limits` too.
    """
    ended = [t for t in record.trials if t.state in (COMPLETE, PRUNED)]
    known = [t for t in ended if t.value is not None or exceeds(t.metrics, limits)]
    if len(known) < len(ended):
        left["a limit of then, untrained"] = len(ended) - len(known)
    return _fitting(((trial, trial.params) for trial in known), target, left)


def _reason(
    old: StudyConfig,
    new: StudyConfig,
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
) -> str:
    """Why the sampler does not learn from the earlier study; empty where it does learn."""
    reason = _why_not(old, new, before, now)
    if reason:
        return f"{reason}, so that its values say nothing here"
    if not SAMPLERS[new.sampler].learns:
        return f"The sampler `{new.sampler}` does not learn from other studies"
    return ""


def _inherited(
    study: optuna.Study,
    old: StudyConfig,
    new: StudyConfig,
    target: _Target,
    left: Counter[str],
) -> list[dict[str, Any]]:
    """List the trials that the earlier study itself had by warm start and that fit the new space.

    Those that do not fit the new space are counted in `left` by reason.
    """
    if list(old.objectives) != list(new.objectives):
        return []
    trials = (history_of(study) or {}).get("trials", [])
    fitting = _fitting(((trial, trial["values"]) for trial in trials), target, left)
    return [{**trial, "values": values} for trial, values in fitting]


def _why_not(
    old: StudyConfig,
    new: StudyConfig,
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
) -> str:
    """Say why the objective values of two studies are not comparable; empty if they are."""
    if not _same(before, now):
        return "The ratings differ"
    for name in _SAME:
        if old.to_dict()[name] != new.to_dict()[name]:
            return f"`{name}` differs"
    if old.split == "random" and old.seed != new.seed:
        return "The seed of the split differs"
    if set(new.objectives) - {new.monitor} - set(old.objectives) and not old.rates:
        return "The goals differ"
    return ""


def _fitting(
    trials: Iterable[tuple[_Trial, Mapping[str, Scalar]]],
    target: _Target,
    left: Counter[str],
) -> list[tuple[_Trial, dict[str, Scalar]]]:
    """List the trials that fit a space, with their values; count the others in `left` by reason."""
    taken = []
    for trial, params in trials:
        values, problem = _fitted(params, target)
        if problem:
            left[problem] += 1
        else:
            taken.append((trial, values))
    return taken


def _fitted(params: Mapping[str, Scalar], target: _Target) -> tuple[dict[str, Scalar], str]:
    """Complete an earlier trial's values with a space's defaults, or name what does not fit."""
    values: dict[str, Scalar] = {}
    late = {parameter.name for parameter in target.late}
    for parameter in (*target.space, *target.late):
        if not parameter.is_active(values):
            continue
        if parameter.name in late and parameter.name not in params:
            continue
        value = params.get(parameter.name, parameter.default)
        if not parameter.holds(value):
            return {}, f"`{parameter.name}` = {told(value)}"
        values[parameter.name] = value
    unknown = sorted(set(params) - late - {parameter.name for parameter in target.space})
    return (values, f"`{unknown[0]}`, which is no parameter any more") if unknown else (values, "")


def _plain(trial: TrialRecord, values: Mapping[str, Scalar], config: StudyConfig) -> dict[str, Any]:
    """Convert a trial to the plain dict that `History.trials` holds."""
    goals = None
    if trial.state == COMPLETE and trial.value is not None:
        goals = figures_of(list(config.objectives), trial.value, trial.metrics)
    return {
        "values": dict(values),
        "goals": goals,
        "value": trial.value,
        "epochs": max(1, len(trial.epochs)),
        "figures": held_against(trial.metrics),
    }


def _version(study: optuna.Study, space: Sequence[Parameter]) -> int:
    """The version of the new study's space: the earlier study's, plus 1 if the spaces differ."""
    same = list(declared_space_of(study)) == plain_space(space)
    return space_version_of(study) + (not same)


def plain_space(space: Sequence[Parameter]) -> list[dict[str, Any]]:
    """Convert a space to plain values, as JSON holds them."""
    return [plain(parameter) for parameter in space]


def carried_over(
    study: optuna.Study, space: Sequence[Parameter], since: int
) -> tuple[FrozenTrial, ...]:
    """Take a study's own trials of before its space was changed, as far as they fit the new space.

    Parameters that its trials met only while they ran are left out, until trials meet them again.

    Args:
        study: The study.
        space: The space that it goes on in.
        since: Number of its first trial there.
    """
    config = config_of(study)
    record = study_record(study, config)
    known = {parameter.name for parameter in space}
    dropped = ever_met(study) - known
    earlier = replace(
        record,
        trials=tuple(
            replace(t, params={n: v for n, v in t.params.items() if n not in dropped})
            for t in record.trials
            if t.number < since
        ),
    )
    limits = limits_of(config)
    taken = _taken(earlier, _Target(space), Counter(), limits)
    history = [_plain(trial, values, config) for trial, values in taken]
    return frozen_trials(history, space, limits=limits)
