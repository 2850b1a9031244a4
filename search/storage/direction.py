"""Reads whether an Optuna study minimises or maximises, and a trial's objective value."""

from __future__ import annotations

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tracking.records import sign_of as _sign_of


def sign_of(study: optuna.Study) -> float:
    """The factor that makes lower values better: 1 where a study minimises, -1 where it maximises.

    In a study with several goals the factor is that of the first goal.

    Example:
        >>> sign_of(optuna.create_study(direction="maximize"))
        -1.0
    """
    return _sign_of(minimize=study.directions[0] != StudyDirection.MAXIMIZE)


def value_of(trial: FrozenTrial) -> float | None:
    """A trial's value for the study's first objective; None where the trial has no value."""
    return trial.values[0] if trial.values else None


def known_value_of(trial: FrozenTrial) -> float:
    """The objective value of a trial that is known to have one, such as a complete trial."""
    value = value_of(trial)
    assert value is not None, f"trial {trial.number} has no value"
    return value
