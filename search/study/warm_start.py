"""Warm start: takes the trials of an earlier study that fit the space of a new study."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import optuna
from optuna.trial import FrozenTrial, TrialState

from models.checks import told
from search.config.goals import figures_of
from search.config.options import SAMPLERS
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from search.storage.records import study_record
from search.storage.study_attributes import (
    config_of,
    dataset_of,
    history_of,
    space_of,
    space_version_of,
)
from tracking import COMPLETE, PRUNED, Scalar, StudyRecord, TrialRecord

_QUEUED = 5

_Trial = TypeVar("_Trial")

# What two studies must share for a value of one to stand in the other.
_SAME = ("split", "objective", "epochs", "folds", "growth", "trainer")


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The trials that a study takes from an earlier one, and why it leaves others out.

    Attributes:
        study: Name of the earlier study.
        version: Version of this study's space: one more than the earlier study's where it is
            another space.
        trials: What the sampler learns from: `values`, `goals` (None where it was pruned),
            `value` and `epochs` each.
        queued: Configurations to train again, best first, where the sampler does not learn.
        left: How many trials were left out, by reason.
        reason: Why the sampler does not learn from the earlier values; empty where it does.
    """

    study: str
    version: int
    trials: tuple[Mapping[str, Any], ...]
    queued: tuple[Mapping[str, Scalar], ...]
    left: Mapping[str, int]
    reason: str

    def summary(self) -> str:
        """Say in one line what was taken and what was left out."""
        if self.reason:
            first = (
                f"{self.reason}: the best {len(self.queued)} configurations of {self.study} are "
                "tried first."
            )
        else:
            first = f"The sampler learns from {len(self.trials)} trials of {self.study}."
        rest = "; ".join(f"{count} for {why}" for why, count in self.left.items())
        return f"{first} Left out: {rest}." if rest else first


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

    Returns:
        Trials to learn from; or configurations to queue, where the sampler cannot learn from them.

    Raises:
        SearchError: The earlier study trains another kind of model.
    """
    old = config_of(study)
    _must_train_the_same(old, config)
    reason = _reason(old, config, dataset_of(study), dataset)
    left: Counter[str] = Counter()
    record = study_record(study, old)
    taken = _taken(record, space, left)
    fitted = {trial.number: values for trial, values in taken}
    best = [fitted[trial.number] for trial in record.ranked() if trial.number in fitted]
    inherited = [] if reason else _inherited(study, old, config, space, left)
    own = [] if reason else [_plain(trial, values, config) for trial, values in taken]
    return History(
        study=study.study_name,
        version=_version(study, space),
        trials=(*inherited, *own),
        queued=tuple(best[:_QUEUED]) if reason else (),
        left=dict(left),
        reason=reason,
    )


def _must_train_the_same(old: StudyConfig, new: StudyConfig) -> None:
    if old.model != new.model:
        raise SearchError(
            f"`--warm-start` must name a study of the same model, but {old.name} trains "
            f"`{old.model}`, not `{new.model}`."
        )


def _taken(
    record: StudyRecord, space: Sequence[Parameter], left: Counter[str]
) -> list[tuple[TrialRecord, dict[str, Scalar]]]:
    """List the trials that fit a space, with their values; count the others in `left` by reason."""
    ended = [t for t in record.trials if t.state in (COMPLETE, PRUNED) and t.value is not None]
    return _fitting(((trial, trial.params) for trial in ended), space, left)


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
    space: Sequence[Parameter],
    left: Counter[str],
) -> list[dict[str, Any]]:
    """List the trials that the earlier study itself had by warm start and that fit the new space.

    Those that do not fit the new space are counted in `left` by reason.
    """
    if list(old.objectives) != list(new.objectives):
        return []
    trials = (history_of(study) or {}).get("trials", [])
    fitting = _fitting(((trial, trial["values"]) for trial in trials), space, left)
    return [{**trial, "values": values} for trial, values in fitting]


def _why_not(
    old: StudyConfig,
    new: StudyConfig,
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
) -> str:
    """Say why the objective values of two studies are not comparable; empty if they are."""
    if (before or {}).get("content_hash") != (now or {}).get("content_hash"):
        return "The ratings differ"
    if old.options.rules != new.options.rules and _repeats(before) + _repeats(now):
        return "The rules for repeated ratings differ"
    for name in _SAME:
        if old.to_dict()[name] != new.to_dict()[name]:
            return f"`{name}` differs"
    if old.split == "random" and old.seed != new.seed:
        return "The seed of the split differs"
    if set(new.objectives) - {new.monitor} - set(old.objectives) and not old.rates:
        return "The goals differ"
    return ""


def _repeats(dataset: Mapping[str, Any] | None) -> int:
    """The number of ratings that a study left out, since they repeat a user and a movie."""
    return int((dataset or {}).get("profile", {}).get("duplicates_dropped", 0))


def _fitting(
    trials: Iterable[tuple[_Trial, Mapping[str, Scalar]]],
    space: Sequence[Parameter],
    left: Counter[str],
) -> list[tuple[_Trial, dict[str, Scalar]]]:
    """List the trials that fit a space, with their values; count the others in `left` by reason."""
    taken = []
    for trial, params in trials:
        values, problem = _fitted(params, space)
        if problem:
            left[problem] += 1
        else:
            taken.append((trial, values))
    return taken


def _fitted(
    params: Mapping[str, Scalar], space: Sequence[Parameter]
) -> tuple[dict[str, Scalar], str]:
    """Complete an earlier trial's values with a space's defaults, or name what does not fit."""
    values: dict[str, Scalar] = {}
    for parameter in space:
        if not parameter.is_active(values):
            continue
        value = params.get(parameter.name, parameter.default)
        if not parameter.holds(value):
            return {}, f"`{parameter.name}` = {told(value)}"
        values[parameter.name] = value
    unknown = sorted(set(params) - {parameter.name for parameter in space})
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
    }


def _version(study: optuna.Study, space: Sequence[Parameter]) -> int:
    """The version of the new study's space: the earlier study's, plus 1 if the spaces differ."""
    same = list(space_of(study)) == plain_space(space)
    return space_version_of(study) + (not same)


def plain_space(space: Sequence[Parameter]) -> list[dict[str, Any]]:
    """Convert a space to plain values, as JSON holds them."""
    plain: list[dict[str, Any]] = json.loads(json.dumps([asdict(p) for p in space]))
    return plain


def frozen_trials(
    history: Sequence[Mapping[str, Any]], adapter: SpaceAdapter
) -> tuple[FrozenTrial, ...]:
    """Convert the trials of a history to Optuna's frozen trials, as a sampler sees them.

    Args:
        history: As `History.trials` has them.
        adapter: Adapter of the new study's space.

    Returns:
        Complete trials with the values of their goals, pruned ones with their best at its epoch.
    """
    trials = []
    for taken in history:
        complete = taken["goals"] is not None
        trials.append(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE if complete else TrialState.PRUNED,
                values=taken["goals"],
                params=adapter.encode(taken["values"]),
                distributions=adapter.distributions(taken["values"]),
                intermediate_values={int(taken["epochs"]): float(taken["value"])},
            )
        )
    return tuple(trials)
