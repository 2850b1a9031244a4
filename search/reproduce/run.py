"""Trains a trial again in a fresh process, compares it, and names what has changed since."""

from __future__ import annotations

import math

from models.data import DEFAULT_SOURCE
from search.errors import SearchError
from search.executor.starting import require_children
from search.reproduce.baseline import reproduce_baseline
from search.reproduce.comparison import Reproduction, compare_again
from search.reproduce.replay import Again, find_trial
from search.storage.studies import Studies
from search.study.joining import require_named
from tracking import Store


def reproduce(
    target: str,
    store: Store,
    *,
    storage: str | None = None,
    again: Again = Again(),  # noqa: B008 (frozen)
) -> Reproduction:
    """Train a trial again, and compare it with its record.

    Args:
        target: "baseline", `STUDY:NUMBER`, or an MLflow run's identifier.
        store: The home of the record.
        storage: Optuna's address, where it is not the store's own.
        again: How it is trained and compared, where not as it was.

    Returns:
        Both values, whether they are the same, and what differs between then and now.

    Raises:
        SearchError: There is no such trial, it has no value to compare with, or this system can
            train nothing.
        TrackingError: MLflow cannot be reached at the study's address.

    Example:
        >>> made = reproduce("tiny:1", Store(home))  # trial 1 of a finished study
        >>> made.reproduced, made.tolerance, made.drift
        (True, 1e-06, ())
    """
    tolerance = again.tolerance
    if tolerance is not None and not (0 <= tolerance < math.inf):
        raise SearchError(f"`tolerance` must be at least 0 and finite, but got {tolerance}.")
    require_children()
    studies = Studies(store, storage)
    if target == "baseline":
        return reproduce_baseline(studies, again.data or DEFAULT_SOURCE, again)
    found = find_trial(target, studies)
    named = {"model": again.model, "data_module": again.data_module}
    require_named(found.config, studies, named)
    return compare_again(found, store.home, again)
