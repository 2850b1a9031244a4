"""Chooses the point of a tuner's next trial: one that no trial of the study has tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import TrialState

from search.config.study import StudyConfig
from search.errors import SearchError
from search.oracle.points import Tried, grid_values, some_values, untried
from search.samplers.factory import make_sampler
from search.seeds import derive_seed
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter, always_active
from search.storage.claims.lease import standing_lease
from search.storage.internals import add_parameter, draft_of, frozen
from search.storage.slots import slot_of
from search.storage.trial_attributes import write_owner
from search.storage.writes.statements import stored_at_once
from tracking import Scalar

_ATTEMPTS = 5
"""Proposals of the sampler that may repeat a point, before points are drawn at random."""
_DRAWS = 20
"""Random points that may repeat one, before the points that are left are listed."""
_LISTED = 1000
"""Points left of which one is drawn."""


def begin_trial(
    study: optuna.Study,
    config: StudyConfig,
    space: Sequence[Parameter],
    others: Iterable[Mapping[str, Scalar]] = (),
) -> tuple[optuna.Trial, dict[str, Scalar]] | None:
    """Begin a trial at a queued point, or at one that no trial has tried.

    Args:
        study: The study.
        config: Its sampler, options and seed.
        space: The parameters that the tuner has declared so far.
        others: Values of the tuner's trials, which another study may hold.

    Returns:
        The trial, its parameters stored, and its values; None where every point was tried.

    Raises:
        SearchError: The sampler cannot serve the space.
    """
    queued = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    tried = Tried(study, space, in_parts=config.sampler == "grid", others=others)
    point = None if queued else _first_left(config, space, tried)
    if point is None and not queued:
        return None
    if config.sampler == "cmaes" and not study.get_trials(deepcopy=False):
        _must_be_numbers(space)
    study.sampler = _sampler(config, space, 0) if queued else RandomSampler(seed=config.seed)
    trial = study.ask()
    try:
        write_owner(trial, standing_lease(study).owner())
        if queued:
            return trial, SpaceAdapter(space).sample(trial)
        if point is None or config.sampler != "grid":  # of a grid it is the very point to try
            point = _proposed(study, trial, config, space, tried)
        store_parameters(trial, space, point)
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    return trial, point


def _first_left(
    config: StudyConfig, space: Sequence[Parameter], tried: Tried
) -> dict[str, Scalar] | None:
    """The grid's next point, or any point that is left for another sampler; None if none is."""
    random = np.random.default_rng(config.seed)
    values_of = grid_values if config.sampler == "grid" else some_values(random)
    return next(untried(space, tried, values_of), None)


def store_parameters(
    trial: optuna.Trial, space: Sequence[Parameter], values: Mapping[str, Scalar]
) -> None:
    """Store a configuration as the parameters of a running trial, so that samplers learn from it.

    Args:
        trial: The trial.
        space: Every parameter, parents first.
        values: Real values by name; what lies outside the space is not stored.
    """
    adapter = SpaceAdapter(space)
    distributions = adapter.distributions(values)
    with stored_at_once(trial):
        for name, value in adapter.encode(values).items():
            add_parameter(trial, name, value, distributions[name])


def _proposed(
    study: optuna.Study,
    trial: optuna.Trial,
    config: StudyConfig,
    space: Sequence[Parameter],
    tried: Tried,
) -> dict[str, Scalar]:
    """Ask the sampler for an untried point, then draw one; there must be one."""
    adapter = SpaceAdapter(space)
    seed = derive_seed(config.seed, slot_of(study, frozen(trial)), stream=3)
    drawn = RandomSampler(seed=seed)
    for attempt in range(_ATTEMPTS + _DRAWS):
        study.sampler = _sampler(config, space, attempt) if attempt < _ATTEMPTS else drawn
        values = adapter.sample(draft_of(study, trial))
        if values not in tried:
            return values
    random = np.random.default_rng(seed)
    left = list(islice(untried(space, tried, some_values(random)), _LISTED))
    return left[random.integers(len(left))]


def _sampler(config: StudyConfig, space: Sequence[Parameter], attempt: int) -> BaseSampler:
    """Make the study's sampler, seeded for the first or a further attempt at a proposal."""
    grid = config.sampler == "grid"  # its trials get their points elsewhere, but for queued ones
    return make_sampler(
        "random" if grid else config.sampler,
        derive_seed(config.seed, attempt, stream=3) if attempt else config.seed,
        space=_numbers(space) if config.sampler == "cmaes" else space,
        options={} if grid else config.sampler_options,
    )


def _numbers(space: Sequence[Parameter]) -> list[Parameter]:
    """The numbers that exist in every configuration, which is all that CMA-ES varies."""
    return [p for p in always_active(space) if p.kind in ("Int", "Float")]


def _must_be_numbers(space: Sequence[Parameter]) -> None:
    """Refuse a space for CMA-ES that has choices or conditions from the beginning."""
    served = _numbers(space)
    other = next((p for p in space if p.kind != "Fixed" and p not in served), None)
    if other is not None:
        raise SearchError(
            "The sampler `cmaes` needs a space of numbers alone, but "
            f"`{other.name}` is a choice or depends on others. Give OptunaOracle another `sampler`."
        )
