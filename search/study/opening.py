"""Creates or resumes a study: makes its sampler and pruner, and refuses changed settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.child.data_check import other_ratings as differ
from search.child.messages import Ready
from search.config.goals import directions
from search.config.limits import limits_of
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.errors import SearchError
from search.pruners.factory import make_pruner
from search.samplers.factory import make_sampler
from search.samplers.history_view import Seen
from search.space.configurations import check_configurations
from search.space.distributions import SpaceAdapter
from search.space.parameters import from_plain
from search.space.recipes import recipes_for
from search.storage.studies import Studies, must_be_ours
from search.storage.study_attributes import (
    config_of,
    dataset_of,
    history_of,
    is_ours,
    met_of,
    write_config,
    write_dataset,
    write_history,
    write_space,
)
from search.storage.trial_attributes import attributes_of_queued
from search.study.frozen import frozen_trials
from search.study.history import History
from search.study.regret import check_regret
from search.study.request import Request
from search.study.warm_start import (
    carried_over,
    plain_space,
    take_history,
)
from search.study.widening import Space, space_for
from tracking import Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The sampler, the pruner and the space of a study, and what it tries before sampling.

    Attributes:
        space: The space that it goes on in.
        sampler: Proposes configurations.
        pruner: Ends hopeless trials.
        enqueue: Configurations that a user wants tried first.
        recipes: Published configurations that a new study tries after those.
        history: What a new study learns from an earlier one; None where there is nothing new.
    """

    space: Space
    sampler: BaseSampler
    pruner: BasePruner
    enqueue: Sequence[Mapping[str, Scalar]]
    recipes: Sequence[Mapping[str, Scalar]]
    history: History | None


def choose(
    config: StudyConfig,
    studies: Studies,
    ready: Ready,
    request: Request,
) -> Chosen:
    """Make a study's sampler and pruner, and gather what it tries first; nothing is written.

    Args:
        config: The study.
        studies: Where an earlier study is, that this one learns from.
        ready: The space and the ratings.
        request: Configurations to try first, and whether the space may have changed.

    Returns:
        All of it, checked against the space.

    Raises:
        SearchError: A name, a value or a library is missing, or does not fit.
    """
    own = studies.find(config.name) if studies.store.home.is_dir() else None
    own = own if own is not None and is_ours(own) else None
    space = space_for(own, config, ready, widen=request.widen)
    ready = replace(ready, space=space.parameters)
    met = [from_plain(each) for each in met_of(own)] if own and not space.changes else []
    wanted = check_configurations(request.enqueue, [*ready.space, *met])
    if config.regret is not None:
        check_regret()
    taught, history = _earlier(config, studies, ready, own)
    carried = () if own is None else carried_over(own, space.parameters, space.since)
    return Chosen(
        space=space,
        sampler=_sampler(config, space, [*taught, *carried]),
        pruner=_pruner(config),
        enqueue=wanted,
        recipes=recipes_for(config, ready.space),
        history=history,
    )


def _sampler(config: StudyConfig, space: Space, earlier: Sequence[FrozenTrial]) -> BaseSampler:
    return make_sampler(
        config.sampler,
        config.seed,
        space=space.parameters,
        trials=config.trials,
        options=config.sampler_options,
        seen=Seen(earlier, since=space.since),
    )


def _pruner(config: StudyConfig) -> BasePruner:
    return make_pruner(
        config.pruner,
        epochs=config.epochs,
        options=config.pruner_options,
        growth=config.growth,
        parts=parts_of(config),
    )


def _earlier(
    config: StudyConfig, studies: Studies, ready: Ready, own: optuna.Study | None
) -> tuple[Sequence[FrozenTrial], History | None]:
    """Find the earlier trials that the sampler learns from, for a study with `warm_start`.

    Returns:
        The trials; and the `History` to store, None where this study has stored its own already.
    """
    if config.warm_start is None:
        return (), None
    taken = None if own is None else history_of(own)
    if taken is not None:
        late = taken.get("late", ())
        return frozen_trials(taken["trials"], ready.space, late, limits_of(config)), None
    if config.warm_start == config.name:
        raise SearchError(
            f"`--warm-start` must name another study, but got {config.name!r} for itself. "
            "Give the new study a name with `--study`."
        )
    earlier = studies.get(config.warm_start)
    history = take_history(earlier, config, ready.space, plain_dataset(ready))
    limits = limits_of(config)
    return frozen_trials(history.trials, ready.space, history.late, limits), history


def plain_dataset(ready: Ready) -> dict[str, Any] | None:
    """Facts of the dataset that a child loaded, as plain values; None for a user's own model."""
    return asdict(ready.dataset) if ready.dataset else None


def open_study(
    config: StudyConfig, storage: BaseStorage, ready: Ready, chosen: Chosen
) -> optuna.Study:
    """Create or resume a study; the caller holds the lock of Trialbook's home folder (mlruns).

    Args:
        config: The study.
        storage: Optuna's storage.
        ready: The space and the ratings.
        chosen: What `choose` returned for this study.

    Returns:
        Optuna's study, its settings stored and its first configurations queued.

    Raises:
        SearchError: It was made with other settings, or on other ratings.
    """
    study = optuna.create_study(
        storage=storage,
        study_name=config.name,
        directions=directions(config),
        sampler=chosen.sampler,
        pruner=chosen.pruner,
        load_if_exists=True,
    )
    must_be_ours(study, directions(config))
    space = chosen.space
    if is_ours(study):
        widens = bool(space.changes)
        _refuse_changes(study, config, plain_dataset(ready), but=("space",) if widens else ())
        if widens:
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
    for values in chosen.enqueue:
        study.enqueue_trial(adapter.encode_given(values), skip_if_exists=True)
    for values in chosen.recipes if fresh else ():
        recipe = attributes_of_queued(recipe=str(values["family"]))
        study.enqueue_trial(adapter.encode_given(values), user_attrs=recipe, skip_if_exists=True)


def _refuse_changes(
    study: optuna.Study,
    config: StudyConfig,
    dataset: Mapping[str, Any] | None,
    but: Sequence[str] = (),
) -> None:
    """Refuse to resume a study with other settings, `but` left out, or on other ratings."""
    old = config_of(study).identity()
    new = config.identity()
    changed = [
        f"`{key}` was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in but
    ]
    changed += other_ratings(study, dataset)
    if changed:
        raise SearchError(
            f"A study may be resumed only as it was created, but for `{config.name}` "
            f"{'; '.join(changed)}. Use another name with `--study`, or put it back."
        )


def other_ratings(study: optuna.Study, dataset: Mapping[str, Any] | None) -> list[str]:
    """Say how the present ratings differ from the study's recorded ratings; empty if they do not.

    Args:
        study: The stored study.
        dataset: The ratings of now, as `plain_dataset` returns them.
    """
    differs = differ(dataset_of(study), dataset)
    return [differs] if differs else []
