"""Whether less or more is better in an Optuna study, and a trial's value."""

from __future__ import annotations

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tracking.records import sign_of as _sign_of


def sign_of(study: optuna.Study) -> float:
    """What a value of the study is multiplied by so that lower is better: 1, or -1 to maximise.

    Of a study with several goals it is the first goal's.

    Example:
        >>> sign_of(optuna.create_study(direction="maximize"))
        -1.0
    """
    return _sign_of(minimize=study.directions[0] != StudyDirection.MAXIMIZE)


def value_of(trial: FrozenTrial) -> float | None:
    """A trial's objective value: the first one where a study has several goals; None without."""
    return trial.values[0] if trial.values else None


def known_value_of(trial: FrozenTrial) -> float:
    """The objective value of a trial that has one, as every complete trial does."""
    value = value_of(trial)
    assert value is not None, f"trial {trial.number} has no value"
    return value
