"""What a user asks of one call of a study, beside the study's settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from search.study.crew import Crew
from tracking import Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a user asks of one call; nothing of it is a setting that the next call would keep.

    Attributes:
        joins: Whether it is a worker, which joins in a stored study as it is: where the ratings are
            may differ, the ratings may not.
        enqueue: Configurations to try before the sampler is asked.
        widen: Whether the study goes on where its space has changed, with what still fits.
        crew: Trains the trials elsewhere; None for workers of this process.
        unnamed: Settings that neither a study file nor a flag names: a stored study goes on with
            what their default was when it was made.
        owns_process: Whether this process does nothing else, so that Python's garbage collector may
            pass over what it holds when the study has been read.
        ends_in_s: Seconds after a signal to stop in which this process ends at the latest, in
            order or not; None where it goes on after the study.
    """

    joins: bool = False
    enqueue: Sequence[Mapping[str, Scalar]] = ()
    widen: bool = False
    crew: Crew | None = None
    unnamed: Collection[str] = ()
    owns_process: bool = False
    ends_in_s: float | None = None
