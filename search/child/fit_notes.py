"""What a trial's line says of a user's `fit`: where value and model differ, what is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from search.child.kept import Kept, is_same
from search.child.returned import Value


def note_of(
    value: float,
    values: Sequence[Value],
    kept: Sequence[Kept],
    metrics: Mapping[str, float],
) -> str:
    """Say what a user should know of a trial whose `fit` has returned; empty where nothing.

    Args:
        value: The trial's value.
        values: What `fit` returned.
        kept: The models that are kept.
        metrics: All figures of the trial.
    """
    notes = (_of_value(value, values, kept), _left_out(metrics, value))
    return "; ".join(note for note in notes if note)


def _left_out(metrics: Mapping[str, float], value: float) -> str:
    """Say which figures are left out, as they are no finite numbers; empty where all are."""
    if not math.isfinite(value):
        return ""
    names = [name for name, figure in metrics.items() if not math.isfinite(figure)]
    return f"left out, as no finite number: {', '.join(names)}" if names else ""


def _gave_none(values: Sequence[Value]) -> bool:
    """Whether it was the user's code that gave a value which is no finite number."""
    return any(each.is_given and not math.isfinite(each.value) for each in values)


def _of_value(value: float, values: Sequence[Value], kept: Sequence[Kept]) -> str:
    """Say where value and model differ, or where the kept weights could not be scored again."""
    if not math.isfinite(value):
        return "`fit` returned no finite number" if _gave_none(values) else ""
    if not kept:
        return ""
    if unscored := _unscored(values, kept):
        return unscored
    known = [each.score for each in kept if each.score is not None]
    mean = sum(known) / len(known) if len(known) == len(kept) else value
    if is_same(value, mean):
        return ""
    whose = "the kept model's own score is" if len(kept) == 1 else "its models' scores have mean"
    return f"`fit` returned {value:.6g}, but {whose} {mean:.6g}"


def _unscored(values: Sequence[Value], kept: Sequence[Kept]) -> str:
    """Say why a kept model's score is not known; empty where it is, or where nobody can say why.

    What Keras reported of its weights will do, unless it is to be the trial's value.
    """
    is_given = any(each.is_given for each in values)
    lacking = [each for each in kept if each.score is None or not is_given]
    found = next((each for each in lacking if each.training.unscored), None)
    if found is None:
        return ""
    which = "the kept model" if len(kept) == 1 else "a kept model"
    left = "has the weights that `fit` left, and was not scored"
    how = left if found.is_left else "was not scored again"
    return f"{which} {how}, since {found.training.unscored}"
