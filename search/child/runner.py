"""The interface between the child's main loop and the class that trains its trials."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from search.child.allotment import Allotment
from search.child.messages import Done, Keep, Kept, Ready, Score, Scored, Task
from search.child.reporter import Reporter


class Runner(Protocol):
    """Trains the trials of one study, with Trialbook's rating models or a user's HyperModel.

    Order: a runner lives in one child process, which makes it with its data loaded. Then `ready` is
    called once; after that `run` and `score`, one at a time, in any order. `tidy` follows each
    `run` whose outcome was sent.

    Threads: all are called in the child's main thread. `report` may be called only there and only
    before `run` returns, since it speaks through the child's one pipe. Making a runner on ratings
    must not start TensorFlow: its threads are set after the rows are counted, before `ready`.

    Ownership: a runner owns the data that it loaded. The folder of a task is the study's, which
    makes it and removes it; what a runner writes there becomes the trial's files.

    Exceptions: what `run` raises fails the trial, what `score` raises fails the scoring, and the
    child lives on. What is no `Exception` ends the child, as `StudyGone` does, which `report`
    raises where the pipe is closed. A user's mistake that `ready` raises refuses the whole study.
    Anything else from `ready` ends the child.
    """

    def ready(self, allotment: Allotment) -> Ready:
        """Describe the space and the data.

        Args:
            allotment: Workers of the study, and the threads that this process may use.
        """

    def run(self, task: Task, report: Reporter) -> Done:
        """Train one trial.

        Args:
            task: What to train.
            report: To be called after each epoch, and where it returns false the trial ends.

        Returns:
            How the trial ended; the reason "nan" makes it a failed one.
        """

    def score(self, question: Score) -> Scored:
        """Score a saved model, or the trivial predictors, on the validation or the test part.

        Args:
            question: Which model, and which part.
        """

    def tidy(self) -> None:
        """Free what the last trial left in memory; the data stay."""


@runtime_checkable
class Keeps(Protocol):
    """A runner that makes Keras models of weights, in a child of the role `KEEPS`."""

    def keep(self, question: Keep) -> Kept:
        """Make a Keras model of the weights in a folder, and save it there."""
