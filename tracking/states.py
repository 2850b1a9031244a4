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


_ENDS: dict[str, tuple[str, str]] = {
    EndReason.EPOCHS: ("all epochs", "trained for all its {epochs}"),
    EndReason.EARLY_STOPPING: ("stopped early", "stopped early after {epochs}"),
    EndReason.PRUNED: ("pruned", "pruned after {epochs}"),
    EndReason.LIMIT: ("a limit", "ended by a limit of the study"),
    EndReason.NAN: ("no number", "failed, since its loss or metric is no number"),
    EndReason.OUT_OF_MEMORY: ("memory ran out", "failed, since memory ran out"),
    EndReason.ERROR: ("an error", "failed"),
    EndReason.CRASH: ("process died", "failed, since its process died"),
    EndReason.TIMEOUT: ("time was over", "cut short by the study's time"),
    EndReason.INTERRUPTED: ("interrupted", "interrupted"),
}


def end_in_brief(reason: str) -> str:
    """Why a trial ended, in the two or three words of a table; an empty text for no reason.

    Args:
        reason: One of `EndReason`, or its plain text.

    Example:
        >>> end_in_brief("early_stopping")
        'stopped early'
    """
    return _ENDS.get(reason, (reason, ""))[0]


def end_in_words(reason: str, epochs: float, parts: str = "") -> str:
    """How a trial ended, as a clause; an empty text for no reason.

    Args:
        reason: One of `EndReason`, or its plain text.
        epochs: How many epochs it trained.
        parts: What these are the epochs of, where it was trained several times: "2 folds".

    Example:
        >>> end_in_words("early_stopping", 8), end_in_words("epochs", 1)
        ('stopped early after 8 epochs', 'trained for all its 1 epoch')
        >>> end_in_words("epochs", 6, "2 folds")
        'trained for all its 6 epochs of 2 folds together'
    """
    counted = "1 epoch" if epochs == 1 else f"{epochs:.0f} epochs"
    counted += f" of {parts} together" if parts else ""
    return _ENDS.get(reason, ("", ""))[1].format(epochs=counted)


COMPLETE = State.COMPLETE
PRUNED = State.PRUNED
REFUSED = State.REFUSED
FAILED = State.FAILED
KILLED = State.KILLED
RUNNING = State.RUNNING
QUEUED = State.QUEUED
