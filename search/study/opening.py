"""Creates or resumes a study: makes its sampler and pruner, and refuses changed settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from search.child.data_check import other_ratings as differ
from search.child.messages import Ready
from search.config.goals import directions
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.configurations import unmet
from search.space.distributions import SpaceAdapter
from search.space.parameters import from_plain
from search.storage.creation import create_or_load
from search.storage.new_attributes import attributes_of_queued
from search.storage.studies import Studies
from search.storage.study_attributes import (
    config_of,
    dataset_of,
    is_before_compiled,
    is_ours,
    met_of,
    write_config,
    write_dataset,
    write_history,
    write_space,
)
from search.storage.trial_attributes import wanted_of
from search.study.choice import Chosen, plain_dataset
from search.study.joining import join
from search.study.warm_start import (
    plain_space,
)
from search.study.widening import Space
from tracking.texts import shell_line

WHERE = ("data", "test", "valid")
"""Settings of where the ratings are, which are told from others by their content."""
OF_MACHINES = (*WHERE, "threads")
"""Settings in which those who work on one study may differ."""
FORMER = {"sampler": "tpe"}
"""Defaults of settings in earlier versions."""


def settled(config: StudyConfig, studies: Studies, unnamed: Collection[str] = ()) -> StudyConfig:
    """Complete a study's settings with the rules, trainer and defaults that it was made with.

    A new one has the newest, where it names none.

    Args:
        config: The study.
        studies: Where it may be stored already.
        unnamed: Settings that nobody named.
    """
    stored = None
    if studies.address is not None or studies.store.optuna_db.exists():
        _ = studies.storage  # makes the home folder, where only the storage is elsewhere
        stored = studies.find(config.name)
    own = config_of(stored) if stored is not None and is_ours(stored) else None
    for key, former in FORMER.items():
        if own is not None and key in unnamed and getattr(own, key) == former:
            config = config.at(**{key: former})
    if stored is not None and own is not None and is_before_compiled(stored):
        config = config.at(trainer=own.trainer) if config.trainer == "auto" else config
    if config.options.rules is not None:
        return config
    rules = own.options.rules if own is not None else config.options.rules_in_force
    return config.at(options=replace(config.options, rules=rules))


def open_study(
    config: StudyConfig,
    storage: BaseStorage,
    ready: Ready,
    chosen: Chosen,
    *,
    joins: bool = False,
) -> optuna.Study:
    """Create or resume a study; the caller holds the storage's lock.

    Args:
        config, storage: The study, and where it is kept.
        ready: The space and the ratings.
        chosen: What `choose` returned for this study.
        joins: Whether a worker joins in: its ratings may be elsewhere, and it changes no setting.

    Returns:
        Optuna's study, its settings stored and its first configurations queued.

    Raises:
        SearchError: It was made with other settings, or on other ratings.
    """
    study = create_or_load(
        storage, config.name, directions(config), sampler=chosen.sampler, pruner=chosen.pruner
    )
    space = chosen.space
    join(study, config, is_worker=joins)
    if is_ours(study):
        free = [*(("space",) if space.changes else ()), *(OF_MACHINES if joins else ())]
        _refuse_changes(study, config, ready, free, joins=joins)
        if joins:
            return study
        if space.changes:
            _write_space(study, ready, space, space.version)
    else:
        _write_space(study, ready, space, chosen.history.version if chosen.history else 1)
        write_dataset(study, plain_dataset(ready))
    write_config(study, config)
    _queue_first(study, ready, chosen)
    return study


def _write_space(study: optuna.Study, ready: Ready, space: Space, version: int) -> None:
    plain = plain_space(space.parameters)
    write_space(study, plain, version=version, grows=ready.grows, since=space.since)


def _queue_first(study: optuna.Study, ready: Ready, chosen: Chosen) -> None:
    """Queue the configurations to try before the sampler is asked, a new study's baseline first."""
    met = [from_plain(each) for each in met_of(study)]
    adapter = SpaceAdapter([*chosen.space.parameters, *met])
    trials = study.get_trials(deepcopy=False)
    fresh = all(trial.state == TrialState.WAITING for trial in trials)
    if not trials:
        study.enqueue_trial(adapter.encode(ready.first), user_attrs=attributes_of_queued(slot=0))
    if chosen.history is not None:
        write_history(study, asdict(chosen.history))
        for values in chosen.history.queued:
            study.enqueue_trial(adapter.encode(values), skip_if_exists=True)
    known = [*chosen.space.parameters, *met]
    for values in chosen.enqueue:
        later = unmet(values, known)
        queued = any(wanted_of(trial) == later for trial in trials) if later else True
        study.enqueue_trial(
            adapter.encode_given(values),
            user_attrs=attributes_of_queued(wanted=later),
            skip_if_exists=queued,
        )
    for values in chosen.recipes if fresh else ():
        recipe = attributes_of_queued(recipe=str(values["family"]))
        study.enqueue_trial(adapter.encode_given(values), user_attrs=recipe, skip_if_exists=True)


def _refuse_changes(
    study: optuna.Study, config: StudyConfig, ready: Ready, but: Sequence[str], *, joins: bool
) -> None:
    """Refuse to resume a study with other settings, `but` left out, or on other ratings."""
    old = config_of(study).identity()
    new = {"rules": old["rules"]} | config.identity()
    changed = [
        f"`{key}` was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in but
    ]
    ratings = other_ratings(study, plain_dataset(ready))
    if joins and (changed or ratings):
        out = (
            "Name the study's own ratings with `--data`, where this machine has them elsewhere"
            if ratings
            else "Give this worker what the others have"
        )
        raise SearchError(
            "All who work on a study must have the same settings and ratings, but for "
            f"`{config.name}` {'; '.join([*changed, *ratings])}. {out}."
        )
    if changed or ratings:
        raise _refusal(study, config, [*changed, *ratings])


def _refusal(study: optuna.Study, config: StudyConfig, changed: Sequence[str]) -> SearchError:
    """Refuse to resume a study, with the ways out."""
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    has_values = bool(study.get_trials(deepcopy=False, states=states))
    anew = shell_line("trialbook", "delete", config.name)
    out = "" if has_values else f", or begin anew: `{anew}`"
    return SearchError(
        f"A study may be resumed only as it was created, but for `{config.name}` "
        f"{'; '.join(changed)}. Use another name with `--study`, or put it back{out}."
    )


def other_ratings(study: optuna.Study, dataset: Mapping[str, Any] | None) -> list[str]:
    """Say how the present ratings differ from the study's recorded ratings; empty if they do not.

    Args:
        study: The stored study.
        dataset: The ratings of now, as `plain_dataset` returns them.
    """
    differs = differ(dataset_of(study), dataset)
    return [differs] if differs else []
