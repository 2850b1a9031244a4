"""Samples every point of a space whose parameters all have finitely many values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from search.errors import SearchError
from search.samplers.sequence import BySlot
from search.space.distributions import encode_one
from search.space.parameters import Parameter
from search.space.points import every_point
from tracking import Scalar

MOST_POINTS = 100_000


def grid_points(space: Sequence[Parameter]) -> list[dict[str, Scalar]]:
    """List every point of a space, active parameters only.

    Args:
        space: Parents before those that depend on them.

    Raises:
        SearchError: A parameter that can be active has infinitely many values, or there are too
            many points.

    Example:
        Two families, of which one alone has a depth of 1 or 2: 1 + 2 points, not 2 x 2.

        >>> from search.space.parameters import Condition
        >>> layered = Condition(name="family", values=("mlp",))
        >>> grid_points([
        ...     Parameter(name="family", kind="Choice", default="mlp", values=("gmf", "mlp")),
        ...     Parameter(
        ...         name="layers", kind="Int", default=1, low=1, high=2, conditions=(layered,)
        ...     ),
        ... ])
        [{'family': 'gmf'}, {'family': 'mlp', 'layers': 1}, {'family': 'mlp', 'layers': 2}]
    """
    points = []
    for point in every_point(space, _listed):
        points.append(point)
        if len(points) > MOST_POINTS:
            raise SearchError(
                f"A grid must have at most {MOST_POINTS:,} points, but this space has more. Fix or "
                "narrow parameters in `[space]` or in your model, or use another sampler."
            )
    return points


def _listed(parameter: Parameter) -> list[Scalar]:
    """Every value of a parameter; a real range without a step, which has too many, is refused."""
    if parameter.kind == "Float" and parameter.step is None:
        raise SearchError(
            f"The sampler `grid` needs a list of values or a step for every parameter, but "
            f"`{parameter.name}` is any number from {parameter.low:g} to {parameter.high:g}. Give "
            "it one in `[space]` or in your model, or use another sampler."
        )
    return parameter.every_value()


def _is_at(parameter: Parameter, point: Mapping[str, Scalar]) -> bool:
    """Whether a parameter, told apart from others of its name, exists at a point of the grid."""
    return (
        parameter.name in point
        and parameter.is_active(point)
        and parameter.holds(point[parameter.name])
    )


class GridSampler(BySlot):
    """Gives each trial the next point of a grid, in an order that the study's seed determines.

    The baseline and queued configurations take no point. A configuration that was queued in part
    gets what it lacks from the next point that has it. Optuna's own grid is a product, which would
    try the same configuration again for every value of an inactive parameter.
    """

    def __init__(self, space: Sequence[Parameter], seed: int, trials: int) -> None:
        """List the grid's points, in an order that the seed determines.

        Args:
            space: Every parameter, parents first.
            seed: Seed of the order.
            trials: Target of trials of the study, the baseline included.

        Raises:
            SearchError: As `grid_points`, or there are fewer points than trials.
        """
        points = grid_points(space)
        if trials > len(points) + 1:
            raise SearchError(
                f"A grid can be tried once: this one has {len(points)} points, which with the "
                f"baseline makes {len(points) + 1} trials, but `trials` is {trials}. Use "
                f"`--trials {len(points) + 1}`, or widen the space."
            )
        super().__init__(seed)
        order = np.random.default_rng(seed).permutation(len(points))
        self._encoded = [
            dict(encode_one(p, points[number][p.name]) for p in space if _is_at(p, points[number]))
            for number in order
        ]
        self._names = {name for point in self._encoded for name in point}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The parameter's value at the trial's grid point, or at the next point that has one."""
        if param_name not in self._names:
            return self.unplanned(study, trial, param_name, param_distribution)
        place = self.place(study, trial)
        count = len(self._encoded)
        following = (self._encoded[(place + n) % count] for n in range(count))
        return next(point[param_name] for point in following if param_name in point)
