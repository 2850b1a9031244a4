"""Shows a sampler the trials of an earlier study before the study's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.samplers.infeasible import with_infeasible
from search.storage.views import view_of

_NO_PARAMETERS_YET = (TrialState.WAITING, TrialState.RUNNING)


def with_history(
    study: optuna.Study,
    history: Sequence[FrozenTrial] = (),
    names: Collection[str] = (),
) -> optuna.Study:
    """Make a view of a study in which the trials of an earlier study come before the study's own.

    Its own are read once, when they are first asked for: `tpe` asks some twenty times a proposal,
    and the storage takes milliseconds each time. Where there are several goals, a pruned trial has
    no values, and samplers that weigh intermediate ones have no place for it: it is not shown.

    A trial that exceeds a limit is shown as infeasible, so that every sampler moves away from it
    (`search.samplers.infeasible`).

    Args:
        study: The study.
        history: Trials of the earlier study.
        names: Optuna's parameters without which a finished trial is not shown.
    """
    needed = set(names)
    read: list[FrozenTrial] | None = None

    def shown() -> list[FrozenTrial]:
        nonlocal read
        if read is None:
            several = len(study.directions) > 1
            both = with_infeasible(study, [*history, *study.get_trials(deepcopy=False)])
            read = [
                trial
                for trial in both
                if not (several and trial.state == TrialState.PRUNED)
                and (trial.state in _NO_PARAMETERS_YET or needed <= set(trial.params))
            ]
        return read

    return view_of(study, shown)
