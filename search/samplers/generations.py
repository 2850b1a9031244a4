"""CMA-ES whose state is computed from the stored trials: nothing is unpickled.

Optuna's `CmaEsSampler` keeps its optimizer as a pickle in the storage. Loading a pickle can run any
code, so whoever can write to a shared database could run code on every machine of a study.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial, TrialState

from search.config.options import Options
from search.samplers.infeasible import is_infeasible
from search.storage.direction import known_value_of, sign_of
from search.storage.internals import UnitCube, set_system_attribute

if TYPE_CHECKING:
    import cmaes

_GENERATION = "cma:generation"  # as Optuna's sampler names it: its studies go on

_Generation = list[tuple[FrozenTrial, float]]
"""The trials that an optimizer is told at once, with what it minimises."""


class Optimizers:
    """Makes optimizers that were told what a study has found so far.

    The last one is kept, but for its last generation, so that only what is new is computed.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: tuple[Any, cmaes.CMA] | None = None

    def told(self, begun: cmaes.CMA, generations: Sequence[_Generation], cube: UnitCube) -> Any:
        """An optimizer that was told generations; it may be changed.

        Args:
            begun: An optimizer that was told nothing.
            generations: What it is told, all of them full.
            cube: The space in which it searches.
        """
        if not generations:
            return begun
        optimizer, known = begun, 0
        keys = [[(trial.number, loss) for trial, loss in each] for each in generations]
        if self._kept is not None:
            (space, told), kept = self._kept
            if space == cube.space and told == keys[: len(told)] and len(told) < len(keys):
                optimizer, known = kept, len(told)
        for number in range(known, len(generations)):
            if number == len(generations) - 1:
                self._kept = (cube.space, keys[:-1]), optimizer
            optimizer = as_stored(optimizer)
            optimizer.tell([(cube.point_of(each), loss) for each, loss in generations[number]])
        return optimizer


def as_stored(optimizer: cmaes.CMA) -> cmaes.CMA:
    """Copy an optimizer as if it had been stored and restored.

    One half of a symmetric matrix is not stored, which changes last bits: Optuna's sampler stores
    its optimizer after each generation.
    """
    return copy.deepcopy(optimizer)


class GenerationsSampler(BaseSampler):
    """Proposes by CMA-ES (Hansen, arXiv:1604.00772), as Optuna's `CmaEsSampler` does.

    A trial stores the number of its generation. The optimizer is told the first complete trials of
    each generation, as far as there are enough. So a study that one worker runs gets the proposals
    that Optuna's sampler makes, and a study that Optuna's sampler began goes on.
    """

    def __init__(self, seed: int, options: Options, optimizers: Optimizers) -> None:
        """Keep the options.

        Args:
            seed: The seed of the one proposal that is made.
            options: `n_startup_trials`, and where given `popsize` and `sigma0`, as in Optuna.
            optimizers: Those of the study; they keep what was computed for earlier proposals.
        """
        self._seed = seed
        self._options = options
        self._optimizers = optimizers
        self._random = RandomSampler(seed)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The numbers that every trial has, but for those with a single value."""
        return {
            name: each
            for name, each in IntersectionSearchSpace().calculate(study).items()
            if isinstance(each, FloatDistribution | IntDistribution) and not each.single()
        }

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw a point of the present generation; nothing before enough trials are complete."""
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not search_space or len(done) < self._options["n_startup_trials"]:
            return {}
        cube, begun = UnitCube(search_space), self._begun(len(search_space))
        ended = _by_generation(done)
        full = _full(ended, begun.population_size, sign_of(study))
        optimizer = self._optimizers.told(begun, full, cube)
        if len(full) in ended:  # Optuna's sampler draws a generation's first point, then stores
            optimizer = as_stored(optimizer)
        set_system_attribute(study, trial, _GENERATION, len(full))
        draws = np.random.RandomState(self._seed)
        if not any(ended):  # it draws another seed first where it has not stored an optimizer
            draws.randint(1, 2**31 - 2)
        optimizer.reseed_rng(int(draws.randint(1, 2**16)) + trial.number)
        return cube.params_at(optimizer.ask())

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a value at random."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def _begun(self, dimensions: int) -> cmaes.CMA:
        """An optimizer that was told nothing, in the middle of the unit cube."""
        from cmaes import CMA

        return CMA(
            mean=np.full(dimensions, 0.5),
            sigma=self._options.get("sigma0", 1 / 6),
            bounds=np.tile((0.0, 1.0), (dimensions, 1)),
            n_max_resampling=10 * dimensions,
            population_size=self._options.get("popsize"),
        )


def _by_generation(done: Sequence[FrozenTrial]) -> Mapping[int, list[FrozenTrial]]:
    """The complete trials of each generation, in the order in which they ended."""
    found: dict[int, list[FrozenTrial]] = defaultdict(list)
    for trial in done:
        number = trial.system_attrs.get(_GENERATION)
        if isinstance(number, int):  # else another program wrote it
            found[number].append(trial)
    for trials in found.values():
        trials.sort(key=lambda each: (each.datetime_complete or datetime.max, each.number))
    return found


def _full(
    ended: Mapping[int, Sequence[FrozenTrial]], size: int, sign: float
) -> Sequence[_Generation]:
    """The generations that have enough trials, as far as no earlier one lacks some.

    Trials that ended after their generation was full are left out. They were left out when the
    next generation was drawn, too.
    """
    full: list[_Generation] = []
    while len(trials := ended.get(len(full), ())) >= size:
        told = sorted(trials[:size], key=lambda each: each.number)
        full.append([(each, _loss(each, sign)) for each in told])
    return full


def _loss(trial: FrozenTrial, sign: float) -> float:
    """A trial's value; only the order within a generation counts, so infeasible ones are last."""
    return math.inf if is_infeasible(trial) else sign * known_value_of(trial)
