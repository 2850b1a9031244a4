"""Tells Optuna how a trial of this process ended."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from search.storage.trial_attributes import write_end, write_outcome
from search.trial.end_kinds import withdrawn
from tracking import TrialRecord


def tell(
    study: optuna.Study,
    trial: optuna.Trial,
    record: TrialRecord,
    state: TrialState,
    values: Sequence[float] | None,
    log: str = "",
) -> None:
    """Store a trial's outcome, and end it.

    Args:
        study: Its study.
        trial: The trial, which this process asked for.
        record: How it ended.
        state: That in Optuna's words.
        values: The objective's value, or those of several goals; None where it has none.
        log: The end of what its process printed, of a trial that failed.

    Raises:
        Withdrawn: Another process has taken it over.
    """
    try:
        if state != TrialState.PRUNED:
            is_ended = write_end(study, trial, record, state, values or (), log=log)
        else:
            write_outcome(trial, record)
            study.tell(trial, None, state=state)
            is_ended = True
    except (UpdateFinishedTrialError, ValueError) as error:
        if not study.get_trials(deepcopy=False)[trial.number].state.is_finished():
            raise
        raise withdrawn(trial.number) from error
    if not is_ended:
        raise withdrawn(trial.number)
