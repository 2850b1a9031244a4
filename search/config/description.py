"""Describes in words what a study searches, for the top of its pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.checks import count_of
from search.config.sections import TUNER_MODEL
from search.config.study import StudyConfig
from tracking.texts import code, markdown

_LITTLE = {"memory": "little memory"}


def describe(config: StudyConfig, dataset: Mapping[str, Any] | None) -> str:
    """Describe in Markdown what a study searches, on which ratings, and how.

    Args:
        config: The study.
        dataset: Its ratings; None for a user's own model.
    """
    lines = [f"**{markdown(config.name)}** searches {_searched(config)} for {_sought(config)}."]
    if dataset:
        profile = dataset["profile"]
        split = profile.get("split", config.split)
        made_up = " (synthetic: made up, not measured)" if dataset["synthetic"] else ""
        lines.append(
            f"Ratings: {code(dataset['name'])}{made_up}, {profile['rows']:,} rows of "
            f"{profile['users']:,} users and {profile['movies']:,} movies; split `{split}`."
        )
        lines.append(
            f"To beat: {profile['global_mean_val_rmse']:.4f} by the global mean, "
            f"{profile['biases_val_rmse']:.4f} by user and movie biases."
        )
    lines.append(
        f"Sampler `{config.sampler}`, pruner `{config.pruner}`, seed {config.seed}, "
        f"at most {count_of(config.epochs, 'epoch')} a trial. Trial 0 is the published "
        f"{'code as it was written' if config.model == 'as-written' else 'baseline'}."
        if config.rates
        else f"Sampler `{config.sampler}`, pruner `{config.pruner}`, seed {config.seed}."
    )
    if not config.rates and config.model != TUNER_MODEL:
        lines[-1] += " Trial 0 is the model at its defaults."
    misfit = (dataset or {}).get("profile", {}).get("baseline_misfit")
    if misfit:
        lines.append(f"The published baseline does not fit these scores: {misfit}.")
    lines += _more(config)
    return "\n\n".join(lines)


def _searched(config: StudyConfig) -> str:
    """What a study's models are, in words."""
    if config.model == TUNER_MODEL:
        return "the models of a Keras Tuner tuner"
    if not config.rates:
        return f"the model {code(config.model)}"
    own = config.model == "as-written"
    return "the published code as it was written" if own else "rating models"


def _sought(config: StudyConfig) -> str:
    """What a study is after, in words: the number it optimises, and further goals."""
    highest = config.objective.endswith(":max")
    goals = [f"the {'highest' if highest else 'lowest'} {markdown(config.monitor)}"]
    goals += [_LITTLE.get(name, f"few {name}") for name in config.objectives[1:]]
    return " and ".join(goals)


def _more(config: StudyConfig) -> list[str]:
    """Describe a study's folds, repeats, growing samples, goals and warm start, where used."""
    lines = []
    if config.folds:
        lines.append(f"A trial's value is the mean of {config.folds} folds of the train part.")
    if config.repeats > 1:
        lines.append(f"A trial's value is the mean of {config.repeats} seeds.")
    if config.growth:
        stages = ", ".join(
            f"{share:.0%} of the rows for {lasting:g} epochs" for share, lasting in config.growth
        )
        lines.append(f"Trials begin on growing samples of the train part: {stages}.")
    if config.warm_start:
        lines.append(f"Learns from study {code(config.warm_start)} as well.")
    return lines
