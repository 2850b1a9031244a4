"""Warm start: takes the trials of an earlier study that fit the space of a new study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from models.checks import count_of
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
from search.study.fitting import Target, fitting
from search.study.frozen import frozen_trials
from tracking import COMPLETE, PRUNED, REFUSED, Scalar, StudyRecord, TrialRecord

_QUEUED = 5

_STOCK = "keras"
"""The trainer whose batches are the same every epoch; those of all others are drawn anew."""

# What two studies must share for a value of one to stand in the other.
_SAME = ("split", "objective", "epochs", "folds", "growth")


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The trials that a study takes from an earlier one, and why it leaves others out.

    Attributes:
        study: Name of the earlier study.
        version: Version of this study's space: one more than the earlier study's where it is
            another space.
        trials: What the sampler learns from: `values`, `goals` (None where it was pruned),
            `value` (None where it was not trained), `epochs`, and the `figures` that limits are
            about, each.
        queued: Configurations to train again, best first, where the sampler does not learn.
        left: How many trials were left out, by reason.
        reason: Why the sampler does not learn from the earlier values; empty where it does.
        beyond: How many of `trials` exceed a limit of this study, and are learnt as infeasible.
        late: The fields of each `Parameter` that trials of the earlier study met only while they
            ran, and that the trials here may have.
    """

    study: str
    version: int
    trials: tuple[Mapping[str, Any], ...]
    queued: tuple[Mapping[str, Scalar], ...]
    left: Mapping[str, int]
    reason: str
    beyond: int = 0
    late: tuple[Mapping[str, Any], ...] = ()

    def summary(self) -> str:
        """Say in one line what was taken and what was left out."""
        if self.reason:
            first = (
                f"{self.reason}: the best {count_of(len(self.queued), 'configuration')} of "
                f"{self.study} {'is' if len(self.queued) == 1 else 'are'} tried first."
            )
        else:
            first = (
                f"The sampler learns from {count_of(len(self.trials), 'trial')} of {self.study}."
            )
            if self.beyond:
                verb = "is" if self.beyond == 1 else "are"
                first += f" {self.beyond} of them {verb} beyond a limit, and learnt as such."
        rest = "; ".join(f"{count} for {why}" for why, count in self.left.items())
        return f"{first} Left out: {rest}." if rest else first


def take_history(
    study: optuna.Study,
    config: StudyConfig,
    space: Sequence[Parameter],
    dataset: Mapping[str, Any] | None,
) -> History:
    """Take the trials of an earlier study that fit the space of a new study.

    Args:
        study: The earlier study.
        config: Settings of the new study.
        space: Its space. A parameter that a trial lacks gets its default.
        dataset: Its ratings; None for a user's own model.

    Raises:
        SearchError: The earlier study trains another kind of model.
    """
    old = config_of(study)
    _must_train_the_same(old, config)
    reason = _reason(old, config, dataset_of(study), dataset)
    left: Counter[str] = Counter()
    record = study_record(study, old, weighs=False)
    late = [from_plain(each) for each in met_of(study)] if not config.rates else []
    target = Target(space, late)
    limits = limits_of(config)
    taken = _taken(record, target, left, limits)
    trials: tuple[Mapping[str, Any], ...] = ()
    if not reason:
        own = (_plain(trial, values, config) for trial, values in taken)
        trials = (*_inherited(study, old, config, target, left), *own)
    return History(
        study=study.study_name,
        version=_version(study, space),
        trials=trials,
        beyond=sum(exceeds(trial.get("figures", {}), limits) for trial in trials),
        queued=_best(study, record, taken, dataset, limits) if reason else (),
        left=dict(left),
        reason=reason,
        late=tuple(plain(parameter) for parameter in late),
    )


def _best(
    study: optuna.Study,
    record: StudyRecord,
    taken: Sequence[tuple[TrialRecord, Mapping[str, Scalar]]],
    dataset: Mapping[str, Any] | None,
    limits: Limits,
) -> tuple[Mapping[str, Scalar], ...]:
    """The best configurations of an earlier study that fit and exceed no limit, best first."""
    same = (dataset_of(study) or {}).get("content_hash") == (dataset or {}).get("content_hash")
    held = limits if same else Limits()  # other ratings make other figures
    fitted = {trial.number: v for trial, v in taken if not exceeds(trial.metrics, held)}
    best = [fitted[trial.number] for trial in record.ranked() if trial.number in fitted]
    return tuple(best[:_QUEUED])


def _must_train_the_same(old: StudyConfig, new: StudyConfig) -> None:
    if old.model != new.model:
        raise SearchError(
            f"`--warm-start` must name a study of the same model, but {old.name} trains "
            f"`{old.model}`, not `{new.model}`."
        )


def _taken(
    record: StudyRecord, target: Target, left: Counter[str], limits: Limits
) -> list[tuple[TrialRecord, dict[str, Scalar]]]:
    """List the trials that fit a space, with their values; count the others in `left` by reason.

    A trial that a limit kept from being trained is taken only where it is beyond `limits` too.
    """
    ended = [t for t in record.trials if t.state in (COMPLETE, PRUNED, REFUSED)]
    known = [t for t in ended if t.value is not None or exceeds(t.metrics, limits)]
    if len(known) < len(ended):
        left["a limit of then, untrained"] = len(ended) - len(known)
    return fitting(((trial, trial.params) for trial in known), target, left)


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
    target: Target,
    left: Counter[str],
) -> list[dict[str, Any]]:
    """List the trials that the earlier study itself had by warm start and that fit the new space.

    Those that do not fit the new space are counted in `left` by reason.
    """
    if list(old.objectives) != list(new.objectives):
        return []
    trials = (history_of(study) or {}).get("trials", [])
    those = fitting(((trial, trial["values"]) for trial in trials), target, left)
    return [{**trial, "values": values} for trial, values in those]


def _why_not(
    old: StudyConfig,
    new: StudyConfig,
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
) -> str:
    """Say why the objective values of two studies are not comparable; empty if they are."""
    if (before or {}).get("content_hash") != (now or {}).get("content_hash"):
        return "The ratings differ"
    rules = {old.options.rules_in_force, new.options.rules_in_force}
    if rules > {1} and _repeats(before) + _repeats(now):
        return "The rules for repeated ratings differ"
    if (old.trainer == _STOCK) != (new.trainer == _STOCK):
        return "The trainers differ"
    for name in _SAME:
        if old.to_dict()[name] != new.to_dict()[name]:
            return f"`{name}` differs"
    cut = new.options.test is not None and new.options.valid is None and new.split == "published"
    if (old.split == "random" or cut) and old.seed != new.seed:
        return "The seed of the split differs"
    if set(new.objectives) - {new.monitor} - set(old.objectives) and not old.rates:
        return "The goals differ"
    return ""


def _repeats(dataset: Mapping[str, Any] | None) -> int:
    """The number of ratings that a study left out, since they repeat a user and a movie."""
    return int((dataset or {}).get("profile", {}).get("duplicates_dropped", 0))


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
    record = study_record(study, config, weighs=False)
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
    taken = _taken(earlier, Target(space), Counter(), limits)
    history = [_plain(trial, values, config) for trial, values in taken]
    return frozen_trials(history, space, limits=limits)
