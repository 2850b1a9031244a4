"""What can be told of a study while a living process works on it, whose writes are under way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import optuna

from search.storage.claims.leases import CLOSING, DOCTOR, LEASE_S, SEARCH, leases_of
from search.storage.claims.owner import Sight, seen
from search.storage.studies import Studies
from search.storage.trial_attributes import run_id_of
from tracking import Slip, TrackingError, count_held, is_held, referred, seen_slips

BUSY = (
    "A living process works on it: only what that process does not do itself is listed, and can be "
    "mended once it has ended."
)
MENDED_NOW = "Another `doctor --fix` mends it just now."
_SETTLES_S = 60.0
"""For so long nothing is said of what has just changed: who works on the study may see to it."""


def is_worked_on(studies: Studies, study: optuna.Study) -> bool:
    """Whether a living process works on a study: it has a box in the home's spool, or a lease."""
    if is_held(studies.store.spool, study.study_name):
        return True
    return bool(leases_of(study).living(study.study_name))


def is_mended(study: optuna.Study) -> bool:
    """Whether another `doctor --fix` mends a study just now."""
    return any(row.task == DOCTOR for row in leases_of(study).living(study.study_name))


def old_leases(study: optuna.Study) -> int:
    """Count the leases that ran out some time ago, and that nobody has ended."""
    rows = leases_of(study).rows(study.study_name)
    return sum(not row.is_alive and row.age_s > LEASE_S + _SETTLES_S for row in rows)


def settled(studies: Studies, study: optuna.Study) -> set[int]:
    """The trials whose record should be in MLflow by now, though a process works on their study.

    They ended over a minute ago, and nothing of them waits in the spool. The spool is read before
    the caller reads MLflow: what is delivered meanwhile is left out all the same.

    Args:
        studies: The studies of the home.
        study: One of them.

    Returns:
        Their numbers; none where some of what waits cannot be seen.
    """
    name, spool = study.study_name, studies.store.spool
    waiting, _ = seen_slips(spool, name)
    if _has_other_spools(studies, study):
        return set()
    trials = study.get_trials(deepcopy=False)
    by_run = {run_id_of(t): t.number for t in trials}
    try:
        in_flight = {_number_of(slip, by_run) for slip in waiting}
    except TrackingError:  # a damaged entry may be of any trial
        return set()
    latest = datetime.now() - timedelta(seconds=_SETTLES_S)
    ended = {t.number for t in trials if t.datetime_complete and t.datetime_complete < latest}
    return ended - in_flight


def _has_other_spools(studies: Studies, study: optuna.Study) -> bool:
    """Whether processes work on a study whose writes wait in the spool of another home."""
    rows = leases_of(study).living(study.study_name)
    owners = [row.owner for row in rows if row.task in (SEARCH, CLOSING)]
    is_far = any(seen(owner) is Sight.UNSEEN for owner in owners)
    return is_far or len(owners) > count_held(studies.store.spool, study.study_name)


def _number_of(slip: Slip, by_run: Mapping[str | None, int]) -> int | None:
    """The trial that an entry is of; None for an entry of the study, or one delivered just now.

    Raises:
        TrackingError: It cannot be read.
    """
    try:
        entry = slip.read()
    except TrackingError:
        if slip.path.exists():
            raise
        return None
    if entry.trial is not None:
        return entry.trial.number
    named = referred(entry.run)
    return by_run.get(entry.run) if named is None else named[1]
