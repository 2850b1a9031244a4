"""The columns of a table of trials: what they hold, and those that a user names."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from search.cli.common import short
from search.errors import SearchError
from tracking import StudyRecord, TrialRecord, end_in_brief
from tracking.texts import shell_line

_EVERY = ("number", "state", "value", "end", "epochs", "seconds")
"""Columns that every study has, by the words of `--sort` and of the headings."""


def named_columns(record: StudyRecord, columns: Sequence[str]) -> list[str]:
    """The columns that a user named, each once.

    Args:
        record: The study.
        columns: Parameters and figures of its trials, or columns that every table of trials has.

    Raises:
        SearchError: No trial has one of them.
    """
    known = [*dict.fromkeys([*_known(record), *_EVERY, "trial"])]
    unknown = [name for name in columns if name not in known]
    if unknown:
        near = dict.fromkeys(n for name in unknown for n in get_close_matches(name, known, 2))
        nearest = f" The nearest are {', '.join(near)}." if near else ""
        shows = [
            shell_line("trialbook", "show", record.name, str(t.number)) for t in record.trials[:1]
        ]
        listed = f" `{shows[0]}` lists those of a trial." if shows else ""
        raise SearchError(
            f"`columns` must be parameters or figures of {record.name}'s trials, or "
            f"{', '.join(_EVERY)}, but got {', '.join(unknown)}.{nearest}{listed}"
        )
    return list(dict.fromkeys(columns))


def _known(record: StudyRecord) -> list[str]:
    """The names of the parameters and figures of a study's trials."""
    return [name for trial in record.trials for name in (*trial.params, *trial.metrics)]


def named_cells(
    record: StudyRecord, trials: Sequence[TrialRecord], names: Sequence[str]
) -> dict[str, list[str]]:
    """The cells of columns by their names, without those that are always shown."""
    known, ends = set(_known(record)), ends_of(trials)
    ends["end"] = [end_in_brief(trial.end_reason) for trial in trials]  # the state may be left out
    of_trials = cells_of(trials, [name for name in names if name in known])
    return {
        name: of_trials[name] if name in known else ends[name]
        for name in names
        if name in known or name in ends
    }


def ends_of(trials: Sequence[TrialRecord]) -> dict[str, list[str]]:
    """The columns on how trials ended, and on what they took."""
    ends = [(trial, end_in_brief(trial.end_reason)) for trial in trials]
    return {
        "end": [end if end != trial.state else "" for trial, end in ends],
        "epochs": [str(len(trial.epochs)) for trial in trials],
        "seconds": [short(trial.metrics.get("seconds_total")) for trial in trials],
    }


def cells_of(trials: Sequence[TrialRecord], names: Sequence[str]) -> dict[str, list[str]]:
    """Columns of parameters or figures of trials, by name."""
    return {
        name: [short(trial.params.get(name, trial.metrics.get(name))) for trial in trials]
        for name in names
    }
