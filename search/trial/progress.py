"""The interface through which a running study tells a display what happens."""

from __future__ import annotations

from typing import Protocol

from tracking import EpochRecord, StudyRecord, TrialRecord


class Progress(Protocol):
    """Displays what happens in one run of one study; the study calls a method for each event.

    Order: `study` is called once, before any trial; only `message` may come earlier. For a trial,
    `trial` comes first, then `epoch` after each epoch, with `within` while a long one is under way,
    then `ended`. An interrupted trial has its `ended` too, with the state "killed", and one whose
    value is reused has no `epoch`. A trial that an exception ends has no `ended`, and neither it
    nor the run goes on. A run that finds its study finished calls nothing, and nothing is called
    after `run_study` has returned.

    Threads: `study` is called in the thread that called `run_study`, and all calls for one trial in
    the thread of its worker, which for the first worker is that thread too. With several workers
    the calls for different trials interleave and may come at the same moment, so that an
    implementation guards what it keeps. `message` may come in any of these threads.

    Duties: return soon, since the trial waits meanwhile, and `message` may be called while this
    process holds the home's lock; do not call back into the study; raise nothing, since an
    exception ends the run as a failure of Trialbook itself.

    Ownership: the records are frozen and belong to the study. They may be kept, and so may the
    dicts that they hold, but nothing in them may be changed.
    """

    def message(self, text: str) -> None:
        """Show the user a line of text: a warning, or what the study does now.

        Args:
            text: The line, a sentence or two.
        """

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Hear that the study starts or goes on.

        Args:
            record: The study with its trials so far.
            finished: Trials that count towards the target already.
            target: Target of trials.
        """

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Hear that a trial starts: it has its configuration and its MLflow run.

        Args:
            record: The trial, its state "running".
            epochs: Most epochs of each of its trainings.
        """

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Hear that an epoch of a running trial ended.

        Args:
            trial: The record that `trial` was called with.
            record: The epoch. Its number begins anew at 1 with each further fold or repeat, whose
                metrics have a prefix, say "fold_2/".
            best: The trial's best value so far; infinite before an epoch had a finite one.
        """

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Hear how far a long epoch of a running trial is, about once a second.

        Args:
            trial: The record that `trial` was called with.
            epoch: Number of the epoch, 1 for the first.
            share: Share of its rows that are trained, from 0 to 1.
        """

    def left(self, seconds: float) -> None:
        """Hear about how long this run still takes: at its start, and after trials that ended.

        It is called only where an estimate is possible, and in any thread.

        Args:
            seconds: An estimate; before a trial has ended, the most that all epochs take.
        """

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Hear that a running trial ended; it is stored by then.

        Args:
            record: The trial with its end.
            finished: Trials of the study that count towards the target, those of other processes
                included. With several workers an earlier count may come after a later one.
            target: Target of trials.
        """


class Silent:
    """A progress display that shows nothing, also in a notebook, where the default shows something.

    Example:
        >>> Silent().message("not shown")
    """

    def message(self, text: str) -> None:
        """Do nothing."""

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Do nothing."""

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Do nothing."""

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Do nothing."""

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Do nothing."""

    def left(self, seconds: float) -> None:
        """Do nothing."""

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Do nothing."""
