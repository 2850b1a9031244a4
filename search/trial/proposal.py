"""The plan of a new trial: its seed, its epochs, its tags, the preset that it trains, if any."""

from __future__ import annotations

from collections.abc import Mapping

from search.config.study import StudyConfig
from search.seeds import training_seed
from search.storage.trial_attributes import TrialPlan, recipe_of
from search.trial.run import TrialRun
from tracking import Tag


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
