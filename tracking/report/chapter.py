"""What a report is made of: studies, what was decided of them, and the commands to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracking.records import StudyRecord
from tracking.texts import shell_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A predictor and its RMSE, with a 95 % interval.

    Attributes:
        name: Whose it is: "trial 7", "baseline", "global mean".
        low: Lower end of the interval.
        value: The mean over the repeats.
        high: Upper end of the interval.
        searched: The value that the search had chosen it by, or None.
        probability: That it is the best of the candidates, from 0 to 1, or None.

    Example:
        >>> Scored(name="trial 7", low=0.88, value=0.89, high=0.9).name
        'trial 7'
    """

    name: str
    low: float
    value: float
    high: float
    searched: float | None = None
    probability: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What `trialbook winner` found: who won, and how sure that is.

    Attributes:
        headline: The verdict in a sentence.
        candidates: Trials that were trained again on new seeds, on the validation part.
        test: Predictors on the sealed test part, the winner first; empty before it was opened.
        lines: What the winner beats, and what else is to be said, a sentence each.
        opened: When the test part was opened, ISO 8601.
        model: Name and version of the registered model, or None.

    Example:
        >>> Evidence(headline="Trial 7 is the best of 3 candidates.").test
        ()
    """

    headline: str
    candidates: tuple[Scored, ...] = ()
    test: tuple[Scored, ...] = ()
    lines: tuple[str, ...] = ()
    opened: str = ""
    model: str | None = None


def _trialbook(*words: str) -> str:
    return shell_line("trialbook", *words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """A study of a report.

    Attributes:
        study: The study as it stands.
        evidence: What `trialbook winner` found, or None where it has not been run.
        command: Writes a command line of these words, with the options of stores that have an
            address. It names no home: the page is read on other machines.

    Example:
        >>> Chapter(study=StudyRecord(name="movies")).command("show", "movies", "7")
        'trialbook show movies 7'
    """

    study: StudyRecord
    evidence: Evidence | None = None
    command: Callable[..., str] = _trialbook
