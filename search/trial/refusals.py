"""Which proposals are not trained: those beyond a limit, and those that would take too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import optuna

from search.cost.outlook import Outlook
from search.space.weights import Weights
from search.storage.internals import frozen
from search.storage.trial_attributes import queued_values, recipe_of
from tracking import Scalar


@dataclass(frozen=True, slots=True)
class Refusals:
    """Decides whether a proposed configuration is trained.

    Attributes:
        weights: Counts the weights of configurations; None where no limit is set on them.
        outlook: Estimates how long an epoch of them takes.
        say: Tells the user a line.
    """

    weights: Weights | None
    outlook: Outlook
    say: Callable[[str], None]

    def why(self, trial: optuna.Trial, slot: int, values: Mapping[str, Scalar]) -> str:
        """Say in words why a proposal is not trained; an empty text where it is.

        Trial 0 is trained whatever it needs. What somebody wished to be tried may take all of the
        time.

        Args:
            trial: The trial.
            slot: Its place in the study.
            values: Its configuration.
        """
        if slot == 0:
            return ""
        if self.weights is not None and (beyond := self.weights.refusal(values)):
            return beyond
        beyond = self.outlook.refusal(values)
        if not beyond or (queued_values(frozen(trial)) and not recipe_of(trial)):
            return ""
        self.say(f"Trial {trial.number} is not trained: {beyond}.")
        return beyond

    def count(self, values: Mapping[str, Scalar]) -> int | None:
        """Count the weights of a configuration's model; None where they are not limited."""
        return None if self.weights is None else self.weights.count(values)
