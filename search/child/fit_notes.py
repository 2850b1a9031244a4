"""What a trial's line says of a user's `fit`: where value and model differ, what is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from search.child.fits import Training
from search.child.returned import Value


def note_of(
    value: float,
    values: Sequence[Value],
    kept: Sequence[Training],
    scores: Sequence[float | None],
    metrics: Mapping[str, float],
) -> str:
    """Say what a user should know of a trial whose `fit` has returned; empty where nothing.

    Args:
        value: The trial's value.
        values: What `fit` returned.
        kept: The trainings whose models are kept.
        scores: The kept models' own scores, None where one could not be scored again.
        metrics: All figures of the trial.
    """
    notes = (_of_value(value, values, kept, scores), _left_out(metrics, value))
    return "; ".join(note for note in notes if note)


def is_same(some: float, other: float) -> bool:
    """Whether a returned value and a model's score are the same but for rounding."""
    return math.isclose(some, other, rel_tol=1e-4, abs_tol=1e-7)


def _left_out(metrics: Mapping[str, float], value: float) -> str:
    """Say which figures are left out, as they are no finite numbers; empty where all are."""
    if not math.isfinite(value):
        return ""
    names = [name for name, figure in metrics.items() if not math.isfinite(figure)]
    return f"left out, as no finite number: {', '.join(names)}" if names else ""


def _gave_none(values: Sequence[Value]) -> bool:
    """Whether it was the user's code that gave a value which is no finite number."""
    return any(each.is_given and not math.isfinite(each.value) for each in values)


def _of_value(
    value: float,
    values: Sequence[Value],
    kept: Sequence[Training],
    scores: Sequence[float | None],
) -> str:
    """Say where value and model differ, or where the kept weights could not be scored again."""
    if not math.isfinite(value):
        return "`fit` returned no finite number" if _gave_none(values) else ""
    if not kept:
        return ""
    unscored = next((t.unscored for t in kept if t.unscored), "")
    if unscored and not values[0].is_given:
        return f"the kept model was not scored again, since {unscored}"
    known = [score for score in scores if score is not None]
    if len(known) < len(kept):
        return ""
    mean = sum(known) / len(known)
    if is_same(value, mean):
        return ""
    whose = "the kept model's own score is" if len(kept) == 1 else "its models' scores have mean"
    return f"`fit` returned {value:.6g}, but {whose} {mean:.6g}"
