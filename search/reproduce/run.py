"""Trains a trial again in a fresh process, compares it, and names what has changed since."""

from __future__ import annotations

import math

from models.data import DEFAULT_SOURCE
from search.errors import SearchError
from search.reproduce.baseline import reproduce_baseline
from search.reproduce.comparison import Reproduction, compare_again
from search.reproduce.replay import OnEpoch, find_trial
from search.storage.studies import Studies
from tracking import Store


def reproduce(
    target: str,
    store: Store,
    *,
    storage: str | None = None,
    data: str | None = None,
    tolerance: float | None = None,
    on_epoch: OnEpoch | None = None,
) -> Reproduction:
    """Train a trial again, and compare it with its record.

    Args:
        target: "baseline", `STUDY:NUMBER`, or an MLflow run's identifier.
        store: The home of the record.
        storage: Optuna's address, where it is not the store's own.
        data: Other ratings to train on; None for the recorded ones.
        tolerance: Largest difference that counts as the same; None for 1e-6, or for 0.005 where
            it is the published baseline.
        on_epoch: Called with each epoch.

    Returns:
        Both values, whether they are the same, and what differs between then and now.

    Raises:
        SearchError: There is no such trial, or it has no value to compare with.
        TrackingError: MLflow cannot be reached at the study's address.

    Example:
        >>> again = reproduce("tiny:1", Store(home))  # trial 1 of a finished study
        >>> again.reproduced, again.tolerance, again.drift
        (True, 1e-06, ())
    """
    if tolerance is not None and not (0 <= tolerance < math.inf):
        raise SearchError(f"`tolerance` must be at least 0 and finite, but got {tolerance}.")
    studies = Studies(store, storage)
    if target == "baseline":
        source = data or DEFAULT_SOURCE
        return reproduce_baseline(studies, source, tolerance=tolerance, on_epoch=on_epoch)
    stored = find_trial(target, studies)
    return compare_again(stored, store.home, data=data, tolerance=tolerance, on_epoch=on_epoch)
