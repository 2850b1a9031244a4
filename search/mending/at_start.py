"""Mends a study's record when `search` starts, and says in a line what was mended."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence

from models.checks import count_of
from search.mending.differences import Difference, Kind, runs_of
from search.mending.reconciler import Reconciler
from search.storage.records import study_record
from tracking import Slip

_MOST_NAMED = 10


def mend_at_start(
    reconciler: Reconciler, known: Collection[int], refused: Iterable[Slip] = ()
) -> str:
    """Mend what has one right answer, as far as MLflow takes it now.

    What it does not take is tried again at the next start.

    Args:
        reconciler: Compares and mends.
        known: Numbers of the trials that had ended at the start; others are somebody's work.
        refused: Entries that MLflow refused, in boxes of processes that are no more.

    Returns:
        What was mended, as a line; empty where nothing was.
    """
    anew, mended = 0, []
    slips = list(refused)
    with contextlib.suppress(Exception):  # MLflow is away
        if slips:
            for each in reconciler.mend(runs_of(_known(reconciler, known))):
                mended.append(each)
            anew = _written_anew(reconciler, known, slips)
        for each in reconciler.mend(_known(reconciler, known)):
            mended.append(each)
    return _told(mended, anew)


def _known(reconciler: Reconciler, known: Collection[int]) -> list[Difference]:
    return [each for each in reconciler.find() if each.number in known]


def is_whole(reconciler: Reconciler, known: Collection[int]) -> bool:
    """Whether the record lacks nothing that can be mended.

    Args:
        reconciler: Compares.
        known: Numbers of the trials that have ended.
    """
    return not any(each.is_mendable and each.number in known for each in reconciler.find())


def _written_anew(reconciler: Reconciler, known: Collection[int], slips: Iterable[Slip]) -> int:
    """Write the trials of refused entries anew; return how many entries that were."""
    record = study_record(reconciler.study, weighs=False)
    trials = {trial.number: trial for trial in record.trials if trial.number in known}
    count = 0
    for slip in slips:
        if reconciler.write_anew(slip, trials):
            slip.remove()
            count += 1
    return count


def _told(mended: Sequence[Difference], anew: int) -> str:
    numbers = sorted({each.number for each in mended if each.kind != Kind.WINNER})
    won = [each.text for each in mended if each.kind == Kind.WINNER]
    parts, lines = [], []
    if numbers:
        trials = (
            f"trial{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
            if len(numbers) <= _MOST_NAMED
            else count_of(len(numbers), "trial")
        )
        parts.append(f"of {trials}")
    if won:
        parts.append("of the winner")
    if parts:
        lines.append(f"The record {' and '.join(parts)} was incomplete in MLflow, and is mended.")
    lines += won
    if anew:
        lines.append(f"{count_of(anew, 'write')} that MLflow had refused were made anew.")
    return " ".join(lines)
