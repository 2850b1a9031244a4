"""In words: the trivial predictors, and whether a study's best trial is better than they are."""

from __future__ import annotations

from tracking.records.study import StudyRecord

TRIVIAL = {"biases": "user and movie biases alone", "global_mean": "the global mean alone"}
"""The predictors without a neural network, by their names in `StudyRecord.trivial`."""
_REACH = {"biases": "reach", "global_mean": "reaches"}


def against_trivial(study: StudyRecord) -> str:
    """Say whether the best trial is better than the better trivial predictor.

    Args:
        study: The study.

    Returns:
        A sentence; empty where there is nothing to compare, as with a value of folds.
    """
    best, found = study.best, study.trivial
    if best is None or best.value is None or found is None or best.is_of_folds:
        return ""
    name, value = found
    reached = f"{TRIVIAL[name][0].upper()}{TRIVIAL[name][1:]} {_REACH[name]} {value:.4f}"
    if study.better(best.value, than=value):
        return f"{reached}: the best trial is below that."
    return (
        f"{reached}: the best trial ({best.value:.4f}) is no better than that, so that no trial "
        "beats simple averages."
    )
