"""What is found wrong in a home."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Topic(StrEnum):
    """What a finding is about.

    Example:
        >>> Topic.SPOOL.value
        'spool'
    """

    SPOOL = "spool"
    """What MLflow has not got yet."""
    REFUSED = "refused"
    """What MLflow did not take."""
    INTERRUPTED = "interrupted"
    """A trial whose process is no more."""
    LEASE = "lease"
    """A process that is gone, whose place among the study's processes is still taken."""
    RECORD = "record"
    """A trial's run says something else than Optuna's storage."""
    STUDY = "study"
    """A study's own run."""
    BUSY = "busy"
    """No finding but a note: a living process works on the study."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        study: Name of the study; empty where nobody can tell which it is.
        topic: What it is about.
        text: It in words, with the way out where there is none here.
        trial: Number of the trial, where it is about one.
        is_mendable: Whether it has one right answer.
        is_mended: Whether it was mended.

    Example:
        >>> found = Finding(study="movies", topic=Topic.SPOOL, text="3 writes wait.")
        >>> found.to_json()["text"]
        '3 writes wait.'
    """

    study: str
    topic: Topic
    text: str
    trial: int | None = None
    is_mendable: bool = True
    is_mended: bool = False

    def to_json(self) -> dict[str, Any]:
        """The finding as a dict of plain types."""
        return {**asdict(self), "topic": self.topic.value}
