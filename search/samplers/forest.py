"""Picks the most promising of several configurations, by a forest fitted to the trials so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

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
    dues: Sequence[float] | None = None,
) -> int:
    """Find the candidate configuration whose predicted rank has the lowest lower bound.

    Extremely randomised trees (Geurts et al., Machine Learning 63, 2006) predict how a
    configuration ranks among the trials: a forest as the model of a search is SMAC's (Hutter et
    al., "Sequential Model-Based Optimization for General Algorithm Configuration", LION 2011).
    The bound is the trees' mean minus half of their standard deviation. It separated good trials
    from poor ones better than the expected improvement did, which is greatest where least is known.

    Args:
        trials: The trials so far; the forest is fitted to the latest 300.
        values: Value of each trial; lower is better, and infinite is worse than every rank.
        candidates: Optuna's parameters of each candidate by name; one may lack some.
        seed: Seed of the trees.
        dues: What is added to each candidate's bound, say for the time that it takes; None for
            nothing.

    Returns:
        The candidate's place in the list, 0 for the first.
    """
    trials, values = trials[-_MOST_TRIALS:], values[-_MOST_TRIALS:]
    known: dict[str, BaseDistribution] = {}
    for trial in trials:
        known.update(trial.distributions)
    forest = _fitted(_rows(known, [trial.params for trial in trials]), values, seed)
    rows = _rows(known, candidates)
    bounds = _bound(np.stack([tree.predict(rows) for tree in forest.estimators_]))
    return int(np.argmin(bounds if dues is None else bounds + np.asarray(dues)))


def _fitted(rows: NDArray[np.float64], values: Sequence[float], seed: int) -> ExtraTreesRegressor:
    """Fit a forest to the trials' ranks, from 0 for the best to 1."""
    from sklearn.ensemble import ExtraTreesRegressor

    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") / len(values)
    ranks = np.where(np.isfinite(values), ranks, 1.0)
    forest = ExtraTreesRegressor(
        _TREES, min_samples_leaf=_LEAST_LEAF, max_features=0.5, random_state=seed
    )
    return forest.fit(rows, ranks)


def _bound(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each candidate, the trees' mean prediction minus half of their standard deviation.

    Args:
        ranks: Predicted ranks from 0 (best) to 1, an array `[tree, candidate]`.

    Example:
        Two trees: the first candidate has 0.3 - 0.1 / 2, the second 0.4 - 0.

        >>> _bound(np.array([[0.2, 0.4], [0.4, 0.4]])).round(4).tolist()
        [0.25, 0.4]
    """
    return np.asarray(ranks.mean(axis=0) - _SPREADS * ranks.std(axis=0))


def _rows(
    known: Mapping[str, BaseDistribution], configurations: Sequence[Mapping[str, Any]]
) -> NDArray[np.float64]:
    """Convert configurations to an array of features, `[configuration, feature]`.

    A number is one feature, its place in its range; a choice is one feature for each of its values,
    1 where it is chosen.
    """
    columns = []
    for name, distribution in known.items():
        given = [params.get(name) for params in configurations]
        if isinstance(distribution, CategoricalDistribution):
            columns += [
                [float(value == choice) for value in given] for choice in distribution.choices
            ]
        else:
            columns.append([_place(value, distribution) for value in given])
    return np.array(columns, dtype=np.float64).T


def _place(value: Any, distribution: Any) -> float:
    """Scale a number to 0 to 1 within its range; a missing number becomes -1.

    Example:
        >>> from optuna.distributions import FloatDistribution
        >>> _place(25.0, FloatDistribution(0, 100)), _place(None, FloatDistribution(0, 100))
        (0.25, -1.0)
        >>> _place(10, FloatDistribution(1, 100, log=True))  # log 10 is half of log 100
        0.5
    """
    if not isinstance(value, int | float):
        return _MISSING
    low, high = distribution.low, distribution.high
    if distribution.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low) if high > low else 0.0
