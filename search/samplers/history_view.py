"""What a sampler is told: trials, an earlier study's before the study's own, and what they take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.samplers.infeasible import with_infeasible
from search.storage.views import view_of

Seconds = Callable[[Mapping[str, Any]], float]
"""Estimates the seconds of an epoch of a configuration, up to a factor."""

_NO_PARAMETERS_YET = (TrialState.WAITING, TrialState.RUNNING)


@dataclass(frozen=True, slots=True)
class Seen:
    """Which trials a sampler sees, and what it knows of their cost.

    Attributes:
        history: Trials of an earlier study, or of this one in an earlier space, shown first.
        names: Optuna's parameters without which a finished trial is not shown.
        since: Number of the first trial of the study itself that is shown once it is finished.
        seconds: Estimates an epoch of a configuration; None where time does not matter.
    """

    history: Sequence[FrozenTrial] = ()
    names: Collection[str] = ()
    since: int = 0
    seconds: Seconds | None = None


def with_history(study: optuna.Study, seen: Seen) -> optuna.Study:
    """Make a view of a study in which the trials of an earlier study come before the study's own.

    Its own are read once, when they are first asked for: `tpe` asks some twenty times a proposal,
    and the storage takes milliseconds each time. Where there are several goals, a pruned trial has
    no values, and samplers that weigh intermediate ones have no place for it: it is not shown.

    A trial that exceeds a limit is shown as infeasible, so that every sampler moves away from it
    (`search.samplers.infeasible`).

    Args:
        study: The study.
        seen: Which trials are shown.
    """
    needed = set(seen.names)
    read: list[FrozenTrial] | None = None

    def shown() -> list[FrozenTrial]:
        nonlocal read
        if read is None:
            several = len(study.directions) > 1
            own = study.get_trials(deepcopy=False)
            now = [t for t in own if t.number >= seen.since or not t.state.is_finished()]
            both = with_infeasible(study, [*seen.history, *now])
            read = [
                trial
                for trial in both
                if not (several and trial.state == TrialState.PRUNED)
                and (trial.state in _NO_PARAMETERS_YET or needed <= set(trial.params))
            ]
        return read

    return view_of(study, shown)
