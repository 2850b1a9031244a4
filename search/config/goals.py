"""A study's goals: its objective alone, or also few weights, short training, little memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from search.config.options import SAMPLERS
from search.config.sections import Settings
from search.errors import SearchError

# A goal's name and the trial's figure that it is; the lower the better.
GOALS = {"parameters": "parameters", "seconds": "seconds_train", "memory": "peak_memory_mb"}


def check_goals(config: Settings) -> None:
    """Refuse wrong goals, and several goals with a sampler, pruner or `regret` that takes only one.

    Raises:
        SearchError: A goal or setting is refused; the message names the first.
    """
    goals = list(config.objectives)
    if not goals:
        return
    known = (config.monitor, *GOALS)
    for goal in goals:
        if goal not in known:
            raise SearchError(f"`objectives` must be some of {', '.join(known)}, but got {goal!r}.")
    if goals[0] != config.monitor or len(set(goals)) < len(goals):
        raise SearchError(
            f"`objectives` must begin with {config.monitor} and name each goal once, but got "
            f"{', '.join(goals)}."
        )
    if len(goals) == 1:
        return
    if config.pruner != "none":
        raise SearchError(
            "A study with several objectives must have the pruner `none`, since a trial that is "
            f"behind in one may lead in another, but got `{config.pruner}`. Use `--pruner none`."
        )
    if not SAMPLERS[config.sampler].serves_goals:
        able = ", ".join(name for name, kind in SAMPLERS.items() if kind.serves_goals)
        raise SearchError(
            f"A study with several objectives must have a sampler of {able}, but got "
            f"`{config.sampler}`."
        )
    if config.regret is not None:
        raise SearchError(
            "`regret` must stand with one objective, but there are several. Use `--trials`, "
            "`--timeout` or `--target-rmse`."
        )


def with_pruner(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the pruner `none` to a study's values if they name several goals but no pruner."""
    several = isinstance(values.get("objectives"), list | tuple) and len(values["objectives"]) > 1
    return {**values, "pruner": "none"} if several and "pruner" not in values else values


def goal_names(config: Settings) -> tuple[str, ...]:
    """Names of the trial metrics that a study's goals minimise or maximise; empty for one goal."""
    if len(config.objectives) < 2:
        return ()
    return (config.value_name, *(GOALS[goal] for goal in config.objectives[1:]))


def directions(config: Settings) -> list[Literal["minimize", "maximize"]]:
    """Optuna's direction for each goal, the objective first; all other goals are minimised."""
    found = [config.direction]
    found.extend("minimize" for _ in config.objectives[1:])
    return found


def figures_of(goals: list[str], value: float, metrics: Mapping[str, float]) -> list[float]:
    """A trial's value for each goal of its study.

    Args:
        goals: Names of the goals, the objective's first.
        value: The trial's value of the objective.
        metrics: The trial's metrics by name.
    """
    return [value, *(float(metrics[GOALS[goal]]) for goal in goals[1:])]
