"""A sampler that varies the best trials, and asks another sampler for its other proposals."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from search.samplers.forest import most_promising
from search.samplers.history_view import Seconds
from search.samplers.infeasible import is_infeasible
from search.samplers.mutation import Mutation
from search.samplers.sweep import Sweep
from search.storage.direction import sign_of
from search.storage.trials import is_refused

_PARENTS = 3
"""How many of the best trials are varied."""
_FIRST = 60
"""Trials that ended, after which no choice comes before all else."""
_LEARNT_FROM = 10
"""Trials that the forest needs; before, the first variation that is drawn is proposed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalSettings:
    """Settings of the sampler that varies the best trials.

    Attributes:
        startup: Trials that must have ended before the first proposal that varies one.
        share: Share of the proposals that vary a trial, from 0 to 1.
        candidates: How many variations are drawn for each that is proposed.
        sweep: Share of the variations that change one choice of the best trial, from 0 to 1.
        cost: Where the time is limited, by how much of all ranks a variation that takes twice as
            long must be better, from 0 to 1.
        kind: Choice that divides trials into kinds, say the model's family; None for no kinds.
        first: Choice whose values are tried before all else, unless `sweep` is 0.
    """

    startup: int
    share: float
    candidates: int
    sweep: float
    cost: float = 0.0
    kind: str | None = None
    first: str | None = None


class LocalSampler(BaseSampler):
    """Proposes one of the best trials with a few parameters changed.

    A space of many parameters is not covered by as many trials as one has time for, and a sampler
    that draws all of them anew keeps little of what made a trial good. The rules, in the order in
    which they are asked:

    - Other sampler: of all proposals, `share` vary a trial, once `startup` trials have come to
      their end; the rest are another sampler's.
    - Several goals: the parent is any trial of the frontier, and its first variation is proposed.
    - First choice: before `_FIRST` trials have ended, each value of `first` is tried with the best
      trial and with the best of another kind (Schmidt, Schneider and Hennig, "Descending through
      a Crowded Valley", ICML 2021).
    - Sweep: of the variations, `sweep` change one choice of the best trial to what no trial near
      it had; near means that at most `NEAR` parameters differ. The forest would avoid a value
      that only poor configurations had.
    - Parent: the best trial half of the time, the second and the third a quarter each
      (`_PARENTS`). Where the first two have the same `kind`, a model's family, the third is the
      best trial with another, so that the search does not settle in the first good family.
      Trials that were pruned count there, with their best value.
    - Mutation: a few parameters of the parent change (`search.samplers.mutation`).
    - Forest: from `_LEARNT_FROM` trials on, `candidates` variations are drawn, and the one that
      `search.samplers.forest` finds most promising is proposed. Where the study's time is
      limited, one that takes twice as long must be better by `cost` (of ranks from 0 to 1): a
      gain by its cost, as in Snoek, Larochelle and Adams, "Practical Bayesian Optimization of
      Machine Learning Algorithms", NIPS 2012, of logarithms.
    - Limits: a trial that exceeds one is never varied. It counts as tried in the sweep, and the
      forest learns it as worse than all others.

    Each trial has an instance of its own.
    """

    def __init__(
        self,
        seed: int,
        other: BaseSampler,
        settings: LocalSettings,
        seconds: Seconds | None = None,
    ) -> None:
        """Keep the other sampler and the settings, and seed the random draws.

        Args:
            seed: Seed of this sampler's draws.
            other: The sampler for the proposals that vary no trial.
            settings: The numbers and names in the rules.
            seconds: Estimates what an epoch of Optuna's parameters takes, up to a factor; None
                where time does not matter.
        """
        self._seconds = seconds
        self._random = np.random.default_rng(seed)
        self._mutation = Mutation(self._random)
        self._uniform = RandomSampler(seed=seed)
        self._other = other
        self._settings = settings
        self._values: dict[str, Any] | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Decide whether the new trial varies an earlier trial; if not, ask the other sampler.

        A variation has no joint space: its parameters are asked for one by one.
        """
        if self._random.random() < self._settings.share:
            self._values = self._proposed(study)
        if self._values is None:
            return self._other.infer_relative_search_space(study, trial)
        return {}

    def _proposed(self, study: optuna.Study) -> dict[str, Any] | None:
        """Propose a variation of an ended trial; None while too few trials have ended."""
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        within = [t for t in ended if not is_infeasible(t)]
        under_way = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        taken = [t.params for t in under_way if t.params]
        whole = [t for t in within if t.state == TrialState.COMPLETE]
        if len(ended) < self._settings.startup or not whole:
            return None
        if len(study.directions) > 1:
            front = [t for t in study.best_trials if not is_refused(t)] or whole
            return self._mutation.varied(front[self._random.integers(len(front))])
        sign = sign_of(study)
        if self._settings.sweep:
            known = [*(t.params for t in ended), *taken]
            best = min(whole, key=lambda t: _least(t, sign))
            other = self._other_kind(within, [best], sign)
            both = [best] if other is None else [best, other]
            swept = (
                self._swept(known, both, {self._settings.first}) if len(ended) < _FIRST else None
            )
            if swept is None and self._random.random() < self._settings.sweep:
                swept = self._swept(known, [best], best.params)
            if swept is not None:
                return swept
        parent = self._parent(within, whole, sign)
        valued = [t for t in ended if is_infeasible(t) or math.isfinite(_least(t, sign))]
        if len(valued) < _LEARNT_FROM:
            return self._mutation.varied(parent)
        tried = [*(t.params for t in valued), *taken]
        drawn = [self._mutation.varied(parent) for _ in range(self._settings.candidates)]
        # A variation may carry parameters that its kind lacks; they are not asked for.
        new = [v for v in drawn if not any(params.items() <= v.items() for params in tried)]
        candidates = new or drawn
        if len(candidates) == 1:
            return candidates[0]
        seed = int(self._random.integers(2**31))
        values = [math.inf if is_infeasible(t) else _least(t, sign) for t in valued]
        return candidates[most_promising(valued, values, candidates, seed, self._dues(candidates))]

    def _dues(self, candidates: Sequence[Mapping[str, Any]]) -> list[float] | None:
        """What each candidate's time costs, in ranks; None where time does not matter."""
        if self._seconds is None or not self._settings.cost:
            return None
        return [self._settings.cost * math.log2(self._seconds(each)) for each in candidates]

    def _swept(
        self,
        known: Sequence[Mapping[str, Any]],
        bases: Sequence[FrozenTrial],
        names: Container[str | None],
    ) -> dict[str, Any] | None:
        """Change one choice of a trial to a value that no similar trial had, or return None."""
        sweep = Sweep(self._settings.kind, self._settings.first)
        for base in bases:
            untried = sweep.untried(base, known, names)
            if untried:
                name, value = untried[self._random.integers(len(untried))]
                return {**base.params, name: value}
        return None

    def _parent(
        self, within: Sequence[FrozenTrial], whole: Sequence[FrozenTrial], sign: float
    ) -> FrozenTrial:
        """Draw the trial to vary: the best in half of the draws, else the second or third."""
        parents = sorted(whole, key=lambda t: _least(t, sign))[:_PARENTS]
        place = int(self._random.geometric(0.5)) - 1
        if place >= _PARENTS - 1:
            return self._other_kind(within, parents, sign) or parents[-1]
        return parents[min(place, len(parents) - 1)]

    def _other_kind(
        self, within: Sequence[FrozenTrial], parents: Sequence[FrozenTrial], sign: float
    ) -> FrozenTrial | None:
        """If the best two trials have the same kind (model family), the best of another; else None.

        Pruned trials count too: of a family that is behind, only the few that caught up at once
        would otherwise be left.
        """
        kind = self._settings.kind
        if kind is None:
            return None
        kinds = {t.params.get(kind) for t in parents[: _PARENTS - 1]}
        if len(kinds) > 1:
            return None
        others = [t for t in within if t.params.get(kind) not in kinds]
        return min(others, key=lambda t: _least(t, sign), default=None)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The other sampler's joint proposal; empty if the new trial varies an earlier one."""
        if self._values is not None:
            return {}
        return self._other.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The variation's value or a uniform draw; with no variation, the other sampler's value."""
        if self._values is not None and _fits(self._values, param_name, param_distribution):
            return self._values[param_name]
        sampler = self._other if self._values is None else self._uniform
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Pass the call on to the sampler that makes the other proposals."""
        self._other.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass the call on to the sampler that makes the other proposals."""
        self._other.after_trial(study, trial, state, values)


def _least(trial: FrozenTrial, sign: float) -> float:
    """A trial's value (a pruned trial's best report) times `sign`, so that lower is better."""
    values = trial.values or trial.intermediate_values.values()
    return min((sign * value for value in values), default=math.inf)


def _fits(params: Mapping[str, Any], name: str, distribution: Any) -> bool:
    """Whether the parameters have a value of this name that lies in the distribution."""
    if name not in params:
        return False
    value = params[name]
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high
