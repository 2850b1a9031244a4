"""Gives every trial a sampler of its own, seeded by the study's seed and the trial's slot.

A slot is a trial's place in its study as if nothing had been interrupted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from search.samplers.history_view import Seen, with_history
from search.samplers.infeasible import is_infeasible
from search.seeds import derive_seed
from search.storage.slots import slot_of


class _Proposing(NamedTuple):
    """A trial's own sampler, and the view of the study that the sampler reads."""

    sampler: BaseSampler
    seen: optuna.Study


class SlotSampler(BaseSampler):
    """Makes a new sampler for every trial, seeded by the study's seed and the trial's slot.

    A sampler seeded once repeats its first proposals after a restart, and which proposal a trial
    gets depends on the order of workers. Here neither a restart nor another worker changes what a
    slot tries, provided that the sampler looks only at finished trials.

    While all known trials are beyond a limit, values are drawn at random.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        seed: int,
        seen: Seen = Seen(),  # noqa: B008 (frozen)
        planned: Collection[str] | None = None,
    ) -> None:
        """Keep the function that makes samplers; a trial's sampler is made when it is first needed.

        Args:
            make: Makes a sampler from a seed.
            seed: The study's seed.
            seen: Which trials samplers see.
            planned: The only parameters that are proposed jointly; None for no such bound.
        """
        self._planned = planned
        self._make = make
        self._seed = seed
        self._seen = seen
        self._made: dict[int, _Proposing] = {}  # of trials under way: several may be

    def _proposing(self, study: optuna.Study, trial: FrozenTrial) -> _Proposing:
        """The trial's own sampler with its view of the study, made at the trial's first call."""
        if trial.number not in self._made:
            seed = derive_seed(self._seed, slot_of(study, trial))
            seen = with_history(study, self._seen)
            sampler = made_quietly(self._make, seed)
            if not isinstance(sampler, RandomSampler) and _knows_no_way(seen):
                sampler = RandomSampler(seed)
            self._made[trial.number] = _Proposing(sampler, seen)
        return self._made[trial.number]

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The joint space of the trial's own sampler."""
        inner = self._proposing(study, trial)
        space = inner.sampler.infer_relative_search_space(inner.seen, trial)
        if self._planned is None:
            return space
        return {name: each for name, each in space.items() if name in self._planned}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The values that the trial's own sampler proposes jointly."""
        inner = self._proposing(study, trial)
        return inner.sampler.sample_relative(inner.seen, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The value that the trial's own sampler proposes for one parameter."""
        inner = self._proposing(study, trial)
        return inner.sampler.sample_independent(inner.seen, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Make the trial's own sampler, and let it prepare."""
        self._proposing(study, trial).sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the trial's own sampler how the trial ended, then discard the sampler."""
        self._proposing(study, trial).sampler.after_trial(study, trial, state, values)
        self._made.pop(trial.number, None)


def _knows_no_way(seen: optuna.Study) -> bool:
    """Whether all trials that ended are beyond a limit.

    From them one learns which is beyond it least, and stays near that one, though what is within
    the limit may lie elsewhere.
    """
    ended = seen.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return bool(ended) and all(is_infeasible(each) for each in ended)


def made_quietly(make: Callable[[int], BaseSampler], seed: int) -> BaseSampler:
    """Make a sampler without Optuna's warnings about experimental features.

    Args:
        make: Makes the sampler from a seed; the version of Optuna is pinned.
        seed: The seed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return make(seed)
