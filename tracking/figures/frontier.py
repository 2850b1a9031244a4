"""Computes the figure of a study with several goals: complete trials and their Pareto frontier."""

from __future__ import annotations

from dataclasses import dataclass

from tracking.figures.axes import robust_limits
from tracking.figures.data import Limits, finite
from tracking.records import StudyRecord
from tracking.states import COMPLETE


@dataclass(frozen=True, slots=True)
class Point:
    """One complete trial in the figure of a study with several goals.

    Attributes:
        number: Number of the trial.
        value: The trial's objective.
        others: Values of the other goals, in the order of `Frontier.goals`.
        is_frontier: Whether the trial is on the Pareto frontier, `StudyRecord.frontier`.
        is_baseline: Whether the trial is a baseline, which the others are measured against.
        is_beyond: Whether the trial exceeds a limit of the study, so that it is not compared.
    """

    number: int
    value: float
    others: tuple[float, ...]
    is_frontier: bool
    is_baseline: bool
    is_beyond: bool


@dataclass(frozen=True, slots=True)
class Frontier:
    """What the figure of a study with several goals shows.

    Attributes:
        points: Complete trials by number.
        goals: Names of the goals beside the objective.
        limits: Range of the objective's axis, or None where there is no point.
    """

    points: tuple[Point, ...]
    goals: tuple[str, ...]
    limits: Limits | None


def frontier(study: StudyRecord) -> Frontier:
    """Compute the points of a study's complete trials that have a value for every goal.

    Args:
        study: The study, with two goals or more.
    """
    first = {trial.number for trial in study.frontier()}
    goals = study.goals[1:]
    points = []
    for trial in study.trials:
        others = [finite(trial.metrics.get(name)) for name in goals]
        value = finite(trial.value)
        known = [each for each in others if each is not None]
        if trial.state == COMPLETE and value is not None and len(known) == len(goals):
            point = Point(
                number=trial.number,
                value=value,
                others=tuple(known),
                is_frontier=trial.number in first,
                is_baseline=trial.is_baseline,
                is_beyond=trial.is_beyond,
            )
            points.append(point)
    limits = robust_limits([each.value for each in points], minimize=study.minimize)
    return Frontier(tuple(points), goals, limits)
