"""What trains trials inside the child: the interface that the child's main loop knows."""

from __future__ import annotations

from typing import Protocol

from search.child.allotment import Allotment
from search.child.messages import Done, Ready, Score, Scored, Task
from search.child.reporter import Reporter


class Runner(Protocol):
    """Trains trials of one study: ours on ratings, or a user's own HyperModel.

    A runner lives in one child process and is called in its main thread alone, one trial after
    another: `ready` once, then any of the others. It owns the data that it loaded; the folder of
    a task is the study's, and what a runner writes there is the trial's. Whatever it raises
    fails the trial, not the child.
    """

    def ready(self, allotment: Allotment) -> Ready:
        """Describe the space and the data."""

    def run(self, task: Task, report: Reporter) -> Done:
        """Train one trial; `report` is called after each epoch and says whether to go on."""

    def score(self, asked: Score) -> Scored:
        """Score a saved model."""

    def tidy(self) -> None:
        """Let go of what the last trial left in memory."""
