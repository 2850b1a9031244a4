"""Computes the figure of a study with several goals: its complete trials, and its frontier."""

from __future__ import annotations

from dataclasses import dataclass

from tracking.figures.axes import robust_limits
from tracking.figures.data import Limits, finite
from tracking.records import StudyRecord
from tracking.states import COMPLETE


@dataclass(frozen=True, slots=True)
class Point:
    """One complete trial in a frontier's figure.

    Attributes:
        number: Of the trial.
        value: Its objective.
        others: Its other goals, in the order of `Frontier.goals`.
        is_frontier: Whether no trial is better in one goal without being worse in another.
        is_baseline: Whether the other trials are measured against it.
    """

    number: int
    value: float
    others: tuple[float, ...]
    is_frontier: bool
    is_baseline: bool


@dataclass(frozen=True, slots=True)
class Frontier:
    """What the figure of a study with several goals shows.

    Attributes:
        points: Complete trials by number.
        goals: Names of the goals beside the objective.
        limits: Of the objective's axis.
    """

    points: tuple[Point, ...]
    goals: tuple[str, ...]
    limits: Limits | None


def frontier(study: StudyRecord) -> Frontier:
    """Place a study's complete trials by their goals; one that lacks a goal is left out.

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
            unbeaten = trial.number in first
            points.append(Point(trial.number, value, tuple(known), unbeaten, trial.is_baseline))
    limits = robust_limits([each.value for each in points], minimize=study.minimize)
    return Frontier(tuple(points), goals, limits)
