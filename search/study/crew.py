"""What an engine gets that trains a study's trials in other processes than this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from search.config.study import StudyConfig
from search.executor.interrupts import Stop
from search.storage.studies import Studies
from search.trial.progress import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """One run of a study, as the one who trains its trials elsewhere sees it.

    Attributes:
        config: The study, which is open by now.
        studies: Where it is kept.
        progress: Hears what happens.
        stop: Set when someone asks to stop.
        deadline: Monotonic time at which the run ends; None where none is set.
        lacking: Closes what processes that are gone left, and counts the trials that are neither
            done nor under way; 0 too where there is a reason to end the study.
        is_done: Whether the study has its target of trials, or a reason to end before.
    """

    config: StudyConfig
    studies: Studies
    progress: Progress
    stop: Stop
    deadline: float | None
    lacking: Callable[[], int]
    is_done: Callable[[], bool]


class Crew(Protocol):
    """Trains a study's trials in other processes, on this machine or others."""

    def check(self, config: StudyConfig, studies: Studies) -> None:
        """Refuse a study that its workers could not reach; called before the study is made.

        Args:
            config: The study.
            studies: Where it is kept.

        Raises:
            SearchError: They could not.
        """

    def work(self, shift: Shift) -> int:
        """Train until the study is done, the time is over, or someone asks to stop.

        Args:
            shift: The run.

        Returns:
            How many trials ended, those that were interrupted left out.
        """
