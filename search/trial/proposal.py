"""The plan of a new trial: its seed, its epochs, its tags, its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import optuna

from search.config.study import StudyConfig
from search.executor.interrupts import unless
from search.seeds import training_seed
from search.space.distributions import SpaceAdapter
from search.storage.trial_attributes import TrialPlan, recipe_of
from search.trial.run import TrialRun
from tracking import Scalar, Tag


class NotProposed(Exception):
    """Someone asked to stop, or the time was over, before a trial had its values."""


def proposed(
    adapter: SpaceAdapter, trial: optuna.Trial, is_over: Callable[[], bool]
) -> dict[str, Scalar]:
    """Ask the sampler for a trial's values, for as long as nobody asks to stop.

    A model of many trials is fitted for seconds, a Gaussian process for a minute.

    Args:
        adapter: The space.
        trial: A running trial without parameters.
        is_over: Whether the trial must stop.

    Returns:
        Real values by name.

    Raises:
        NotProposed: It must stop, and has no values.
    """
    values = unless(is_over, lambda: adapter.sample(trial))
    if values is None:
        raise NotProposed
    return values


def new_plan(config: StudyConfig, run: TrialRun, slot: int, shared: Mapping[str, str]) -> TrialPlan:
    """Make the plan of a trial, without its values.

    Args:
        config: The study.
        run: The trial.
        slot: Its place in the study, 0 for the baseline.
        shared: The tags that the MLflow runs of all trials have.
    """
    seed = training_seed(config.seed, slot)
    tags = {**shared, Tag.SEED: str(seed), Tag.SLOT: str(slot)}
    if recipe := recipe_of(run.trial):
        tags[Tag.RECIPE] = recipe
    if slot == 0:
        tags[Tag.BASELINE] = "true"
    return TrialPlan(
        seed=seed,
        preset=_preset(config, slot),
        epochs=config.epochs,
        tags=tags,
        folder=str(run.folder),
    )


def _preset(config: StudyConfig, slot: int) -> str | None:
    """The published configuration that is trained instead of sampled values, or None."""
    if config.model in ("baseline", "as-written"):
        return config.model
    return "baseline" if slot == 0 and config.rates else None
