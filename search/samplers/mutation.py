"""A trial with a few of its parameters changed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial

_CHANGES = 4.0
"""Parameters of a parent that change, on average."""
_MOST = 0.25
"""Probability that a parameter changes where there are few of them."""
_STEP = 0.15
"""Standard deviation of a number's change, as a share of its range."""
_DRAWS = 100
"""Draws of a change before a value stays as it is."""


class Mutation:
    """Changes a few parameters of a trial, at random.

    As in Li et al., "Mixed Integer Evolution Strategies for Parameter Optimization", Evolutionary
    Computation 21(1), 2013, with fixed step sizes: `_CHANGES` parameters change on average, each
    with the same probability, `_MOST` at most, and one at least. A number moves by a normal step of
    `_STEP` of its range (of its logarithm's, where that is how it is searched), cut off at the
    ends; a choice becomes any of the others.
    """

    def __init__(self, random: np.random.Generator) -> None:
        """Keep the generator.

        Args:
            random: All draws are its.
        """
        self._random = random

    def varied(self, parent: FrozenTrial) -> dict[str, Any]:
        """A trial's parameters with a few of them changed.

        Args:
            parent: The trial.
        """
        names = [n for n, d in parent.distributions.items() if not d.single()]
        values = dict(parent.params)
        if names:
            drawn = self._random.random(len(names)) < min(_CHANGES / len(names), _MOST)
            drawn[self._random.integers(len(names))] |= not drawn.any()
            for name, change in zip(names, drawn, strict=True):
                if change:
                    values[name] = self._changed(values[name], parent.distributions[name])
        return values

    def _changed(self, value: Any, distribution: Any) -> Any:
        """Draw a value other than `value`; return `value` if 100 draws find no other."""
        if isinstance(distribution, CategoricalDistribution):
            others = [choice for choice in distribution.choices if choice != value]
            return others[self._random.integers(len(others))] if others else value
        for _ in range(_DRAWS):
            moved = self._moved(value, distribution)
            if moved != value:
                return moved
        return value

    def _moved(self, value: float, distribution: Any) -> float:
        """Move a number by a normal step, rounded to its grid and cut off at the ends."""
        low, high = distribution.low, distribution.high
        if distribution.log:
            width = math.log(high / low)
            moved = value * math.exp(self._random.normal() * _STEP * width)
        else:
            moved = value + self._random.normal() * _STEP * (high - low)
        if distribution.step is not None:
            moved = low + round((moved - low) / distribution.step) * distribution.step
        moved = min(max(moved, low), high)
        return round(moved) if isinstance(distribution, IntDistribution) else float(moved)
