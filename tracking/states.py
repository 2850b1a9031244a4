"""How far a trial has come, and why it ended."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far a trial has come; each member equals its plain text.

    Example:
        >>> State.PRUNED == "pruned"
        True
    """

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    REFUSED = "refused"
    FAILED = "failed"
    KILLED = "killed"


class EndReason(StrEnum):
    """Why a trial ended, in more detail than its state; each member equals its plain text.

    Example:
        >>> EndReason("nan") is EndReason.NAN
        True
    """

    NONE = ""
    """The trial has not ended, or nothing is known of its end."""
    EPOCHS = "epochs"
    """Complete: all its epochs are trained."""
    EARLY_STOPPING = "early_stopping"
    """Complete: its model no longer improved."""
    PRUNED = "pruned"
    """Pruned: other trials were better at the same point."""
    LIMIT = "limit"
    """Pruned: it came to exceed a limit of its study. Refused: its model exceeds one untrained."""
    NAN = "nan"
    """Failed: its loss or its metric is no number."""
    OUT_OF_MEMORY = "out_of_memory"
    """Failed: memory ran out."""
    ERROR = "error"
    """Failed or killed: an exception was raised."""
    CRASH = "crash"
    """Failed: its training process died."""
    TIMEOUT = "timeout"
    """Killed: the study's time was over."""
    INTERRUPTED = "interrupted"
    """Killed: the user stopped the study, or the study's process died."""


COMPLETE = State.COMPLETE
PRUNED = State.PRUNED
REFUSED = State.REFUSED
FAILED = State.FAILED
KILLED = State.KILLED
RUNNING = State.RUNNING
QUEUED = State.QUEUED
