"""A trial's note in words, as MLflow's pages show it above its figures."""

from __future__ import annotations

import math

from tracking.records import Scalar, TrialRecord
from tracking.runs.payloads import shorten
from tracking.states import COMPLETE, PRUNED, EndReason
from tracking.texts import code, markdown, shell_line, short_number

_MAX = 8000
_PARAMS = 4
_SIZES = (("factors", "{} factors"), ("embedding_size", "embeddings of {}"))


def trial_note(record: TrialRecord, baseline: float | None = None) -> str:
    """Say in Markdown what a trial gave, what it tried, how it ended, and how to train it again.

    Its rank is left out, since later trials change it: the leaderboard has that.

    Args:
        record: The trial, which has ended.
        baseline: The baseline's value; None where it is not known.

    Returns:
        The text, at most 8,000 characters.

    Example:
        >>> gmf = {"family": "gmf", "factors": 35, "optimizer": "rmsprop"}
        >>> trial = TrialRecord(study="movies", number=7, params=gmf, state="complete",
        ...     end_reason="early_stopping", value=0.88, metrics={"epochs_run": 8})
        >>> print(trial_note(trial, baseline=0.9009))
        0.0209 below the baseline (0.9009); gmf, 35 factors, rmsprop; stopped early after 8 epochs.
        <BLANKLINE>
        Train it again: `trialbook reproduce movies:7`
    """
    gap, tried = _gap(record, baseline), _tried(record)
    end = record.how_it_ended
    if record.message:
        end = end.replace(record.message, markdown(record.message))
    text = "; ".join(part for part in (gap, tried, end) if part)
    first = text[:1].upper() if gap or not tried else text[:1]  # a name stays as it is
    lines = [f"{first}{text[1:]}."] if text else []
    if record.message and record.end_reason != EndReason.PRUNED:
        lines.insert(0, code(shorten(record.message, _MAX // 2)))
    if record.state in (COMPLETE, PRUNED):
        again = shell_line("trialbook", "reproduce", f"{record.study}:{record.number}")
        lines.append(f"Train it again: {code(again)}")
    return shorten("\n\n".join(lines), _MAX)


def _gap(record: TrialRecord, baseline: float | None) -> str:
    if record.is_baseline:
        return "the baseline, with which the other trials are compared"
    known = (record.value, baseline)
    if record.value is None or baseline is None or not all(map(math.isfinite, filter(None, known))):
        return ""
    gap = record.value - baseline
    if gap == 0:
        return f"equal to the baseline ({baseline:.4f})"
    side = "below" if gap < 0 else "above"
    return f"{abs(gap):.4f} {side} the baseline ({baseline:.4f})"


def _tried(record: TrialRecord) -> str:
    """Our own models by family, sizes and optimizer, others by their first parameters."""
    params = record.params
    if "family" not in params:
        first = list(params.items())[:_PARAMS]
        return ", ".join(f"{markdown(name)} {_value(value)}" for name, value in first)
    sizes = [form.format(_value(params[name])) for name, form in _SIZES if name in params]
    named = [_value(params[name]) for name in ("optimizer",) if name in params]
    return ", ".join([_value(params["family"]), *sizes, *named])


def _value(value: Scalar) -> str:
    return short_number(value) if isinstance(value, float) else markdown(str(value))
