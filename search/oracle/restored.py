"""Makes Keras Tuner's trials of the finished trials that a study holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras_tuner
import optuna
from keras_tuner.engine import trial as tuner_trial
from optuna.trial import FrozenTrial

from search.oracle.earlier import finished_trials, names_of
from search.space.hypermodel import hyperparameters
from search.storage.study_attributes import space_of
from search.storage.trial_attributes import outcome_of, plan_of
from tracking import COMPLETE

ENDED = ("COMPLETED", "FAILED")
"""The statuses of Keras Tuner's trials that are not trained again."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A finished trial of the study, and what Keras Tuner may know it by.

    Attributes:
        names: The tuner's identifiers of it and of the trials that it tried again, first one first.
        trial: The trial as Keras Tuner has it, without an identifier of its own yet.
    """

    names: Sequence[str]
    trial: Any


def restored_trials(study: optuna.Study, objective: keras_tuner.Objective) -> list[Restored]:
    """Make Keras Tuner's trials of a study's finished trials, in their order.

    Args:
        study: The study.
        objective: The oracle's.
    """
    space = hyperparameters(space_of(study))
    return [
        Restored(names_of(study, stored), _made(stored, space, objective))
        for stored in finished_trials(study)
    ]


def _made(stored: FrozenTrial, space: Any, objective: keras_tuner.Objective) -> Any:
    """Make Keras Tuner's trial of a stored one, with the parameters that it had."""
    values, outcome = dict(plan_of(stored).values), outcome_of(stored)
    held = keras_tuner.HyperParameters()
    held.merge([declared for declared in space.space if declared.name in values])
    held.values = values
    complete = outcome.state == COMPLETE
    made = tuner_trial.Trial(held, trial_id="", status="COMPLETED" if complete else "FAILED")
    made.message = outcome.message or None
    if complete:
        made.metrics.register(objective.name, direction=objective.direction)
        step = max(0, int(outcome.metrics.get("best_epoch", 1)) - 1)
        made.metrics.update(objective.name, stored.value, step=step)
        made.score, made.best_step = stored.value, step
    return made
