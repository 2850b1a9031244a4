"""Hears what happens in a study, and decides what a person far away is told of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.checks import count_of
from search.notify.notifier import Notifier
from search.trial.progress import Progress
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    EpochRecord,
    StudyRecord,
    TrialRecord,
    tried,
    without_password,
)

if TYPE_CHECKING:
    from search.study.result import StudyResult

STREAK = 5
"""Trials that fail one after another, of which a person is told."""


class Hearing:
    """A `Progress` that passes everything on to another, and notifies of some of it.

    A person is told of a new best, of five trials in a row that failed, and of the end.
    """

    def __init__(self, progress: Progress, notifier: Notifier) -> None:
        """Keep both.

        Args:
            progress: Hears everything.
            notifier: Is told what a person should know.
        """
        self._progress = progress
        self._notifier = notifier
        self._lock = threading.Lock()
        self._record: StudyRecord | None = None
        self._best: float | None = None
        self._failures = 0

    @property
    def has_begun(self) -> bool:
        """Whether the study was to be trained at all."""
        return self._record is not None

    def message(self, text: str) -> None:
        """Pass a line on."""
        self._progress.message(text)

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Take the study's best so far."""
        with self._lock:
            self._record = record
            self._best = None if record.best is None else record.best.value
        self._progress.study(record, finished=finished, target=target)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Pass a trial's start on."""
        self._progress.trial(record, epochs=epochs)

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Pass an epoch on."""
        self._progress.epoch(trial, record, best)

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Pass on how far an epoch is."""
        self._progress.within(trial, epoch, share)

    def left(self, seconds: float) -> None:
        """Pass on how long it still takes."""
        self._progress.left(seconds)

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Notify of a trial that is the best so far, or the fifth in a row that failed."""
        self._progress.ended(record, finished=finished, target=target)
        with self._lock:
            before, self._best = self._best, self._better(record)
            if record.state == FAILED:
                self._failures += 1
            elif record.state != KILLED:
                self._failures = 0
            failures = self._failures
        if self._best != before:
            self._notifier.tell_best(_new_best(record, before, finished, target))
        if record.state == FAILED and failures == STREAK:
            why = without_password(record.message) or "no reason is known"
            self._notifier.tell(
                f"{STREAK} trials in a row failed. The last one is trial {record.number}: {why}"
            )

    def _better(self, record: TrialRecord) -> float | None:
        """The best value, now that a trial has ended."""
        is_ranked = record.state == COMPLETE and not record.is_beyond
        if not is_ranked or record.value is None or self._record is None:
            return self._best
        if self._best is None or self._record.better(record.value, than=self._best):
            return record.value
        return self._best

    def over(self, result: StudyResult) -> str:
        """Say how a study ended."""
        counted = count_of(len(result.record.trials), "trial")
        page = f" MLflow has it at {result.url}" if result.url else ""
        how = "was interrupted" if result.interrupted else "ended"
        how = "ended as its time was over" if result.timed_out else how
        best = result.best
        if best is None or best.value is None:
            return f"The study {how} after {counted}, none of which is complete.{page}"
        return (
            f"The study {how} after {counted}. Best: {best.objective} {best.value:.4f} of trial "
            f"{best.number} ({_what(best)}).{page}"
        )


@contextmanager
def told_of_failure(hearing: Hearing, notifier: Notifier) -> Iterator[None]:
    """Notify of a study that an exception ends, while the block runs.

    Args:
        hearing: Knows whether the study had begun: who gives the command sees what is refused.
        notifier: Is closed then.
    """
    try:
        yield
    except BaseException as error:
        how = "was interrupted." if isinstance(error, KeyboardInterrupt) else "failed: "
        how += "" if isinstance(error, KeyboardInterrupt) else without_password(str(error))
        notifier.close(f"The study {how}" if hearing.has_begun else None)
        raise


def _new_best(record: TrialRecord, before: float | None, finished: int, target: int) -> str:
    was = "" if before is None else f", before {before:.4f}"
    return (
        f"A new best: {record.objective} {record.value:.4f} of trial {record.number} "
        f"({_what(record)}){was}. {finished} of {count_of(target, 'trial')} are finished."
    )


def _what(record: TrialRecord) -> str:
    return "the baseline" if record.is_baseline else tried(record.params)
