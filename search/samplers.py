"""Samplers by name, each proposal seeded by the study's seed and the trial's slot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.slots import slot_of


def derive_seed(seed: int, slot: int, stream: int = 0) -> int:
    """A seed of 31 bits from a study's seed and a trial's slot.

    Args:
        seed: The study's.
        slot: The trial's place in the study.
        stream: 0 for the sampler, 1 for the training.
    """
    state = np.random.SeedSequence([seed, slot, stream]).generate_state(1)
    return int(state[0] & 0x7FFFFFFF)


def training_seed(seed: int, slot: int) -> int:
    """What a trial trains with: the study's own seed for the first slot, else one derived from it.

    Args:
        seed: The study's.
        slot: The trial's place in the study.
    """
    return seed if slot == 0 else derive_seed(seed, slot, 1)


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The named sampler, wrapped so that a trial's proposal depends on its slot alone.

    Args:
        name: One of `search.config.SAMPLERS`.
        seed: The study's seed.
    """
    makers: dict[str, Callable[[int], BaseSampler]] = {
        "random": lambda s: optuna.samplers.RandomSampler(seed=s),
        "tpe": lambda s: optuna.samplers.TPESampler(
            seed=s, n_startup_trials=6, multivariate=True, group=True
        ),
        "nsga2": lambda s: optuna.samplers.NSGAIISampler(seed=s, population_size=10),
        "qmc": lambda s: optuna.samplers.QMCSampler(seed=seed, scramble=True),
    }
    return SlotSampler(makers[name], seed)


class SlotSampler(BaseSampler):
    """Hands every trial to a fresh sampler seeded by (study seed, slot).

    A sampler seeded once repeats its first proposals after a restart, and which proposal a trial
    gets depends on the order of workers. Here neither a restart nor another worker changes what a
    slot is asked to try, as far as the sampler itself looks only at finished trials.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make = make
        self._seed = seed
        self._made: dict[int, BaseSampler] = {}  # of trials under way: several may be

    def _sampler(self, study: optuna.Study, trial: FrozenTrial) -> BaseSampler:
        if trial.number not in self._made:
            seed = derive_seed(self._seed, slot_of(study, trial))
            with warnings.catch_warnings():
                # QMC and TPE's `group` are called experimental; the pinned version is what is used
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self._made[trial.number] = self._make(seed)
        return self._made[trial.number]

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the inner sampler does."""
        return self._sampler(study, trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the inner sampler does."""
        return self._sampler(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As the inner sampler does."""
        inner = self._sampler(study, trial)
        return inner.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the inner sampler does."""
        self._sampler(study, trial).before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """As the inner sampler does."""
        self._sampler(study, trial).after_trial(study, trial, state, values)
        self._made.pop(trial.number, None)
