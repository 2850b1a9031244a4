"""Names a trial's run before MLflow has made it."""

from __future__ import annotations

_BETWEEN = "#"
_MOST_DIGITS = 18  # no study has more trials, and Python reads no endless numbers


def reference(study: str, number: int) -> str:
    """Name the run of a trial by what is known of it at once; no run identifier looks like it.

    Args:
        study: Name of the study.
        number: Number of the trial.

    Example:
        >>> reference("movies", 7)
        'movies#7'
    """
    return f"{study}{_BETWEEN}{number}"


def referred(text: str | None) -> tuple[str, int] | None:
    """The study and the number of a `reference`; None for an identifier of MLflow's.

    Example:
        >>> referred("movies#7"), referred("0a1b2c"), referred(None)
        (('movies', 7), None, None)
    """
    study, between, number = (text or "").rpartition(_BETWEEN)
    is_number = number.isdecimal() and len(number) <= _MOST_DIGITS
    return (study, int(number)) if between and is_number else None
