"""Converts stored trials of an earlier study to trials that a sampler can learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.config.limits import Limits, exceeds
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter, from_plain
from search.storage.new_attributes import attributes_of_earlier


def frozen_trials(
    history: Sequence[Mapping[str, Any]],
    space: Sequence[Parameter],
    late: Sequence[Mapping[str, Any]] = (),
    limits: Limits | None = None,
) -> tuple[FrozenTrial, ...]:
    """Convert the trials of a history to Optuna's frozen trials, as a sampler sees them.

    Args:
        history: As `History.trials` has them.
        space: The new study's space.
        late: As `History.late` has them.
        limits: Limits of the new study; a trial beyond one is marked. None for no limits.

    Returns:
        Complete trials with the values of their goals, pruned ones with their best at its epoch.
    """
    adapter = SpaceAdapter([*space, *(from_plain(each) for each in late)])
    most, trials = limits or Limits(), []
    for taken in history:
        complete = taken["goals"] is not None
        figures = taken.get("figures", {})  # of a history that an earlier version stored: unknown
        reported = {} if taken["value"] is None else {int(taken["epochs"]): float(taken["value"])}
        trials.append(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE if complete else TrialState.PRUNED,
                values=taken["goals"],
                params=adapter.encode(taken["values"]),
                distributions=adapter.distributions(taken["values"]),
                intermediate_values=reported,
                user_attrs=attributes_of_earlier(figures, beyond=exceeds(figures, most)),
            )
        )
    return tuple(trials)
