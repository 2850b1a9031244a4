"""What a running study tells the person who waits for it."""

from __future__ import annotations

from typing import Protocol

from tracking import EpochRecord, StudyRecord, TrialRecord


class Progress(Protocol):
    """Hears what happens, from several threads where there are several workers."""

    def message(self, text: str) -> None:
        """A line worth reading."""

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """The study starts or goes on."""

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """A trial starts."""

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """An epoch of a running trial ended; `best` is the trial's best so far."""

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """A running trial ended."""


class Silent:
    """Says nothing."""

    def message(self, text: str) -> None:
        """Ignore."""

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Ignore."""

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Ignore."""

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Ignore."""

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Ignore."""
