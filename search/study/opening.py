"""A study made, or found again: what it searches with, and that it is the one it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from search.child.messages import Ready
from search.config.goals import directions
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.errors import SearchError
from search.pruners.factory import make_pruner
from search.samplers.factory import make_sampler
from search.space.configurations import check_configurations
from search.space.distributions import SpaceAdapter
from search.space.recipes import recipes_for
from search.storage.slots import RECIPE, SLOT
from search.storage.studies import find_study, get_study
from search.storage.trials import CONFIG, DATASET
from search.study.regret import check_regret
from search.study.warm_start import (
    HISTORY,
    SPACE,
    History,
    frozen_trials,
    plain_space,
    take_history,
)
from tracking import Scalar, Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What a study searches with.

    Attributes:
        sampler: Proposes configurations.
        pruner: Ends hopeless trials.
        enqueue: Configurations that a user wants tried first.
        recipes: Configurations that a new study tries after those.
        history: What a new study learns from an earlier one; None where there is nothing new.
    """

    sampler: BaseSampler
    pruner: BasePruner
    enqueue: Sequence[Mapping[str, Scalar]]
    recipes: Sequence[Mapping[str, Scalar]]
    history: History | None


def choose(
    config: StudyConfig,
    store: Store,
    ready: Ready,
    enqueue: Sequence[Mapping[str, Scalar]],
) -> Chosen:
    """Sampler and pruner; what cannot serve the space is refused before anything is written.

    Args:
        config: The study.
        store: Its home.
        ready: The space and the ratings.
        enqueue: Configurations to try first.

    Raises:
        SearchError: A name, a value or a library is missing, or does not fit.
    """
    wanted = check_configurations(enqueue, ready.space)
    if config.regret is not None:
        check_regret()
    trials, history = _earlier(config, store, ready)
    sampler = make_sampler(
        config.sampler,
        config.seed,
        space=ready.space,
        trials=config.trials,
        options=config.sampler_options,
        history=frozen_trials(trials, SpaceAdapter(ready.space)),
    )
    pruner = make_pruner(
        config.pruner,
        epochs=config.epochs,
        options=config.pruner_options,
        growth=config.growth,
        parts=parts_of(config),
    )
    return Chosen(
        sampler=sampler,
        pruner=pruner,
        enqueue=wanted,
        recipes=recipes_for(config, ready.space),
        history=history,
    )


def _earlier(
    config: StudyConfig, store: Store, ready: Ready
) -> tuple[Sequence[Mapping[str, Any]], History | None]:
    """Trials of an earlier study as they were when this one was made; and if that is now, all."""
    if config.warm_start is None:
        return (), None
    own = find_study(store, config.storage, config.name) if store.home.is_dir() else None
    if own is not None and HISTORY in own.user_attrs:
        return own.user_attrs[HISTORY]["trials"], None
    if config.warm_start == config.name:
        raise SearchError(
            f"`--warm-start` must name another study, but got {config.name!r} for itself. "
            "Give the new study a name with `--study`."
        )
    earlier = get_study(store, config.storage, config.warm_start)
    found = take_history(earlier, config, ready.space, plain_dataset(ready))
    return found.trials, found


def plain_dataset(ready: Ready) -> dict[str, Any] | None:
    """The ratings that a child read, as a study holds them."""
    return asdict(ready.dataset) if ready.dataset else None


def open_study(
    config: StudyConfig, storage: optuna.storages.BaseStorage, ready: Ready, chosen: Chosen
) -> optuna.Study:
    """Make the study, or find it again; the caller holds the home's lock.

    Raises:
        SearchError: It was made with other settings, or on other ratings.
    """
    adapter = SpaceAdapter(ready.space)
    known = config.name in optuna.get_all_study_names(storage)
    study = optuna.create_study(
        storage=storage,
        study_name=config.name,
        directions=directions(config),
        sampler=chosen.sampler,
        pruner=chosen.pruner,
        load_if_exists=True,
    )
    if known and CONFIG in study.user_attrs:
        _refuse_changes(study, config, plain_dataset(ready))
    else:
        version = chosen.history.version if chosen.history else 1
        space = {"version": version, "parameters": plain_space(ready.space)}
        study.set_user_attr(SPACE, space)
        study.set_user_attr(DATASET, plain_dataset(ready))
    if study.user_attrs.get(CONFIG) != config.to_dict():
        study.set_user_attr(CONFIG, config.to_dict())
    trials = study.get_trials(deepcopy=False)
    fresh = all(trial.state == TrialState.WAITING for trial in trials)
    if not trials:
        study.enqueue_trial(adapter.encode(ready.first), user_attrs={SLOT: 0})
    if chosen.history is not None:
        study.set_user_attr(HISTORY, asdict(chosen.history))
        for values in chosen.history.queued:
            study.enqueue_trial(adapter.encode(values), skip_if_exists=True)
    for values in chosen.enqueue:
        study.enqueue_trial(adapter.encode_given(values), skip_if_exists=True)
    for values in chosen.recipes if fresh else ():
        told = {RECIPE: values["family"]}
        study.enqueue_trial(adapter.encode_given(values), user_attrs=told, skip_if_exists=True)
    return study


def _refuse_changes(
    study: optuna.Study, config: StudyConfig, dataset: Mapping[str, Any] | None
) -> None:
    old = StudyConfig.from_dict(study.user_attrs[CONFIG]).identity()
    new = config.identity()
    changed = [
        f"`{key}` was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    changed += other_ratings(study, dataset)
    if changed:
        raise SearchError(
            f"A study may be resumed only as it was created, but for `{config.name}` "
            f"{'; '.join(changed)}. Use another name with `--study`, or put it back."
        )


def other_ratings(study: optuna.Study, dataset: Mapping[str, Any] | None) -> list[str]:
    """That the ratings are not those that a study was made on, in words; empty where they are."""
    before = study.user_attrs.get(DATASET)
    if not before or not dataset or before["content_hash"] == dataset["content_hash"]:
        return []
    return [
        f"the ratings' hash was {before['content_hash'][:12]}…, now "
        f"{dataset['content_hash'][:12]}… ({before['profile']['rows']:,} rows then, "
        f"{dataset['profile']['rows']:,} now)"
    ]
