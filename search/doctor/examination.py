"""Examines the studies of a home, and mends what has one right answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from search.doctor.findings import Finding, Topic
from search.doctor.study import Examination
from search.storage.known import OUT, loss_of, only_recorded
from search.storage.readable import Unreadable
from search.storage.studies import Studies
from tracking import damaged_boxes


def examine(
    studies: Studies, names: Sequence[str], *, mends: bool, say: Callable[[str], None]
) -> list[Finding]:
    """Look for what is wrong with studies.

    Args:
        studies: The studies of the home.
        names: Which ones; all where there is none.
        mends: Whether to mend what has one right answer.
        say: Told what is done meanwhile.

    Raises:
        SearchError: There is no study of a name, or Optuna's storage cannot be used.
    """
    damaged: list[Unreadable] = []
    chosen = [studies.get(name) for name in names] or list(studies.all(damaged))
    found = [
        Finding(study=each.study, topic=Topic.STUDY, text=str(each), is_mendable=False)
        for each in damaged
    ]
    for path in damaged_boxes(studies.store.spool):
        text = (
            f"The writes in {path} wait for MLflow, but neither its box.json nor a write says of "
            "which study they are. Its models are in its folder `entries`. Delete it if it is of "
            "no use."
        )
        found.append(Finding(study="", topic=Topic.SPOOL, text=text, is_mendable=False))
    if not names:
        found += _lost(studies)
    for study in chosen:
        found += Examination(studies, study, say).run(mends=mends)
    return found


def _lost(studies: Studies) -> list[Finding]:
    """The studies of which the home's MLflow database has the record, but Optuna's nothing."""
    if studies.address is not None or studies.named_uri is not None:
        return []
    state = loss_of(studies.store)
    which = f"optuna.db {state} and" if state else "optuna.db"
    text = f"MLflow has its record, but {which} does not hold the study. {OUT}"
    return [
        Finding(study=name, topic=Topic.STUDY, text=text, is_mendable=False)
        for name in only_recorded(studies.store, studies.names())
    ]
