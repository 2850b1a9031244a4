"""Which of several configurations is most promising, by a forest on the trials so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

_TREES = 50
_LEAST_LEAF = 2
_MISSING = -1.0
_SPREADS = 0.5
_MOST_TRIALS = 300


def most_promising(
    trials: Sequence[FrozenTrial],
    values: Sequence[float],
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
) -> int:
    """The candidate with the lowest bound on its predicted rank, as a place in their list.

    Extremely randomised trees (Geurts et al., Machine Learning 63, 2006) predict how a
    configuration ranks among the trials: a forest as the model of a search is SMAC's (Hutter et
    al., "Sequential Model-Based Optimization for General Algorithm Configuration", LION 2011).
    The bound is the trees' mean less half of their standard deviation. It told good trials from
    poor ones better than the expected improvement did, which is greatest where least is known.

    Args:
        trials: What was tried; the latest 300 are learnt from.
        values: Of each trial, finite; less is better.
        candidates: Parameters of each by name; one may lack some.
        seed: Of the trees.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    trials, values = trials[-_MOST_TRIALS:], values[-_MOST_TRIALS:]
    known: dict[str, BaseDistribution] = {}
    for trial in trials:
        known.update(trial.distributions)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") / len(values)
    forest = ExtraTreesRegressor(
        _TREES, min_samples_leaf=_LEAST_LEAF, max_features=0.5, random_state=seed
    )
    forest.fit(_rows(known, [trial.params for trial in trials]), ranks)
    asked = _rows(known, candidates)
    each = np.stack([tree.predict(asked) for tree in forest.estimators_])
    return int(np.argmin(each.mean(axis=0) - _SPREADS * each.std(axis=0)))


def _rows(
    known: Mapping[str, BaseDistribution], configurations: Sequence[Mapping[str, Any]]
) -> NDArray[np.float64]:
    """Configurations as `[configuration, feature]`: numbers as they are searched, choices apart."""
    columns = []
    for name, distribution in known.items():
        given = [params.get(name) for params in configurations]
        if isinstance(distribution, CategoricalDistribution):
            columns += [[float(value == each) for value in given] for each in distribution.choices]
        else:
            columns.append([_place(value, distribution) for value in given])
    return np.array(columns, dtype=np.float64).T


def _place(value: Any, distribution: Any) -> float:
    """Where a number lies in its range, from 0 to 1; -1 where there is none."""
    if not isinstance(value, int | float):
        return _MISSING
    low, high = distribution.low, distribution.high
    if distribution.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low) if high > low else 0.0
