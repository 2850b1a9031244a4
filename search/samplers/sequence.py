"""Samplers that compute a proposal from the trial's position alone, not from other trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from search.seeds import derive_seed
from search.space.distributions import optuna_name
from search.space.parameters import Parameter
from search.storage.slots import place_of, slot_of


class BySlot(BaseSampler):
    """Base of samplers that propose by the trial's position alone, whatever other trials gave.

    A slot is a trial's position in its study as if nothing had been interrupted. A trial's place is
    the number of slots before its own, without those of the baseline and of queued configurations.
    So neither workers nor interruptions change a proposal. Parameters are asked for one by one,
    since only then it is known which of them are active.
    """

    def __init__(self, seed: int) -> None:
        """Begin without any trial's place in the sequence; places are looked up when asked for.

        Args:
            seed: The study's seed, for the parameters that the sampler has no plan for.
        """
        self._own_seed = seed
        self._places: dict[int, int] = {}
        self._random: dict[int, RandomSampler] = {}

    def place(self, study: optuna.Study, trial: FrozenTrial) -> int:
        """The trial's place: the number of proposals that this sampler makes for earlier slots.

        Args:
            study: The study.
            trial: The trial that is proposed; its place is looked up once.
        """
        if trial.number not in self._places:
            self._places[trial.number] = place_of(study, trial)
        return self._places[trial.number]

    def unplanned(
        self, study: optuna.Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that a trial met only while it ran, from its slot's own random stream.

        Args:
            study: The study.
            trial: The trial that is proposed.
            name: Optuna's name of the parameter.
            distribution: Its distribution.
        """
        if trial.number not in self._random:
            slot = slot_of(study, trial)
            self._random[trial.number] = RandomSampler(seed=derive_seed(self._own_seed, slot))
        return self._random[trial.number].sample_independent(study, trial, name, distribution)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return no joint space: every parameter is sampled by itself."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return no values: no parameters are sampled jointly."""
        return {}


class SequenceSampler(BySlot):
    """Proposes a low-discrepancy sequence's points: the sampler's k-th trial gets the k-th point.

    Each searched parameter is one dimension. The sequences are SciPy's: Sobol' (with Owen's
    scrambling) and Halton. Optuna's own sampler counts the proposals that it made: another number
    of workers, or an interruption, would change what a slot tries. And it spreads only the
    parameters of the first finished trial evenly.
    """

    def __init__(self, space: Sequence[Parameter], seed: int, options: dict[str, Any]) -> None:
        """Keep the space's searched parameters, in their order.

        Args:
            space: Every parameter, parents first.
            seed: Seed of the scrambling.
            options: `qmc_type` ("sobol" or "halton") and `scramble`.
        """
        super().__init__(seed)
        searched = [parameter for parameter in space if parameter.kind != "Fixed"]
        self._dimension = {optuna_name(p): number for number, p in enumerate(searched)}
        self._seed = seed
        self._type = options.get("qmc_type", "sobol")
        self._scramble = options.get("scramble", True)

    def _point(self, number: int) -> Sequence[float]:
        """The sequence's point with this number: for each dimension a coordinate from 0 to 1."""
        from scipy.stats import qmc

        engines = {"sobol": qmc.Sobol, "halton": qmc.Halton}
        engine = engines[self._type](len(self._dimension), scramble=self._scramble, rng=self._seed)
        if number:  # SciPy cannot skip nothing
            engine.fast_forward(number)
        point: Sequence[float] = engine.random(1)[0]
        return point

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The parameter's value at the trial's point of the sequence."""
        if param_name not in self._dimension:
            return self.unplanned(study, trial, param_name, param_distribution)
        share = self._point(self.place(study, trial))[self._dimension[param_name]]
        return _value(float(share), param_distribution)


def _value(share: float, distribution: Any) -> Any:
    """Map a coordinate from 0 (the low end) to just below 1 (the high end) to a parameter's value.

    Example:
        A quarter of the way from 1 to 100, in the logarithm where it is sampled so:

        >>> _value(0.25, optuna.distributions.FloatDistribution(1, 100))
        25.75
        >>> round(_value(0.25, optuna.distributions.FloatDistribution(1, 100, log=True)), 4)
        3.1623
        >>> _value(0.25, CategoricalDistribution(["a", "b", "c"]))  # the shares end at 1/3, 2/3, 1
        'a'
    """
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(share * len(distribution.choices))]
    low, high = distribution.low, distribution.high
    if isinstance(distribution, IntDistribution):
        if distribution.log:
            least, most = math.log(low - 0.5), math.log(high + 0.5)
            return min(max(round(math.exp(least + share * (most - least))), low), high)
        count = (high - low) // distribution.step + 1
        return low + int(share * count) * distribution.step
    if distribution.step is not None:
        count = round((high - low) / distribution.step) + 1
        return low + int(share * count) * distribution.step
    if distribution.log:
        return math.exp(math.log(low) + share * math.log(high / low))
    return low + share * (high - low)
