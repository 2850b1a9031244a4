"""The attributes that a trial is created with: asked for, queued, or of another study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.storage.trial_attributes import Key, TrialOutcome, as_stored
from tracking import Scalar


def attributes_of_earlier(metrics: Mapping[str, float], *, beyond: bool) -> dict[str, Any]:
    """Make the attributes of an earlier study's trial that a sampler is shown.

    Args:
        metrics: The figures that are held against limits, by name.
        beyond: Whether one of them exceeds a limit of the study that learns.
    """
    return {Key.OUTCOME.value: as_stored(TrialOutcome(metrics=dict(metrics), beyond=beyond))}


def attributes_of_asked(owner: Mapping[str, Any], slot: int) -> dict[str, Any]:
    """Make the attributes with which a new trial is created.

    Args:
        owner: The process that runs it.
        slot: Its place in the study.
    """
    return {Key.OWNER.value: dict(owner), Key.SLOT.value: slot}


def attributes_of_begun(owner: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Make the attributes of a new trial whose slot is known once it is there.

    Args:
        owner: The process that runs it.

    Returns:
        The attributes, and the name of that which is its slot.
    """
    return {Key.OWNER.value: dict(owner)}, Key.SLOT.value


def attributes_of_queued(
    *,
    slot: int | None = None,
    retry_of: int | None = None,
    recipe: str | None = None,
    wanted: Mapping[str, Scalar] | None = None,
) -> dict[str, Any]:
    """Make the attributes that are stored with a queued trial; leave out arguments that are None.

    Args:
        slot: The slot that the trial takes.
        retry_of: The number of the interrupted trial that it tries again.
        recipe: The model family whose published configuration it is.
        wanted: Values of parameters that no trial has met yet, for when its model asks for them.
    """
    given = {
        Key.SLOT: slot,
        Key.RETRY_OF: retry_of,
        Key.RECIPE: recipe,
        Key.WANTED: dict(wanted) if wanted else None,
    }
    return {key.value: value for key, value in given.items() if value is not None}
