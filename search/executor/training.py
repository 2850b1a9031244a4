"""The loop that listens to a child while it trains a trial, and the request for a score."""

from __future__ import annotations

from collections.abc import Callable

from search.child.messages import (
    Answer,
    Ask,
    Built,
    Done,
    EpochEnded,
    Failed,
    Message,
    Part,
    Score,
    Scored,
    Task,
    Within,
)
from search.errors import SearchError
from search.executor.interrupts import Stop
from search.executor.supervisor import Supervisor
from search.space.parameters import Parameter
from tracking import EpochRecord

_PAUSE_S = 0.1


class NotScored(SearchError):
    """A model could not be scored; the child lives on."""


class Listener:
    """Base class that hears of each epoch, fold and repeat of a trial while a child trains it.

    Subclasses override the methods. This base class ignores all and lets every trial go on.

    Order and threads: everything is called in the thread that called `train`, in the order in which
    it happened in the child, and never after `train` has returned. The end of the trial is what
    `train` returns: no method is called for it.

    Ownership: the records came through a pipe and are the listener's to keep.

    A child that waits for an answer gets it once `epoch` or `part` has returned, so that a slow
    listener makes the trial wait. Where a listener raises, `train` does too, and the child trains
    on: the caller closes the supervisor.
    """

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """Hear that an epoch ended.

        Args:
            record: The epoch.
            is_asked: Whether the child waits for the answer; else the answer is ignored.

        Returns:
            Whether the trial goes on.
        """
        return True

    def within(self, epoch: int, share: float) -> None:
        """Hear that a long epoch is under way.

        Args:
            epoch: Its number, 1 for the first.
            share: Share of its rows that are trained, from 0 to 1.
        """

    def part(self, part: Part) -> bool:
        """Hear that a fold or repeat of the trial was trained to its end.

        Args:
            part: The fold or repeat; `part.waits` says whether the child waits for the answer.

        Returns:
            Whether the trial goes on.
        """
        return True

    def ask(self, parameter: Parameter) -> Answer:
        """Choose the value of a parameter that the trial's model has just declared.

        The child waits for the answer.

        Args:
            parameter: As it was declared.

        Returns:
            The value, and whether the trial goes on; here the parameter's default.
        """
        return Answer(parameter.default)

    def built(self) -> bool:
        """Hear that the trial's model is built; the child waits for word whether to train it."""
        return True

    def between(self) -> None:
        """Hook for work between the child's messages, as writing: after each, and each 0.1 s."""


def train(
    supervisor: Supervisor,
    task: Task,
    listener: Listener,
    is_over: Callable[[], bool] = lambda: False,
) -> Done | Failed | None:
    """Train a trial in a child, and wait for its end.

    Args:
        supervisor: Owns the child; where there is none, one is started.
        task: What to train.
        listener: Hears each epoch and each fold or repeat.
        is_over: Called after each message and each tenth of a second, and while a new child loads;
            true ends the waiting.

    Returns:
        How the trial ended; None where `is_over` came first. Then the child still loads or trains,
        and the caller closes the supervisor.

    Raises:
        ChildDied: The child ended without a word.
        SearchError: A new child was needed, and could not have its data.
    """
    if not supervisor.submit(task, is_over):
        return None
    while True:
        message = supervisor.poll(_PAUSE_S)
        if isinstance(message, Done | Failed):
            return message
        _hear(message, listener, supervisor)
        if is_over():
            return None
        listener.between()


def _hear(message: Message | None, listener: Listener, supervisor: Supervisor) -> None:
    """Pass a child's message on to a listener, and answer the child where it waits."""
    if isinstance(message, EpochEnded):
        goes_on = listener.epoch(message.record, is_asked=message.waits)
        if message.waits:
            supervisor.reply(goes_on)
    elif isinstance(message, Within):
        listener.within(message.epoch, message.share)
    elif isinstance(message, Part):
        goes_on = listener.part(message)
        if message.waits:
            supervisor.reply(goes_on)
    elif isinstance(message, Ask):
        supervisor.reply(listener.ask(message.parameter))
    elif isinstance(message, Built):
        supervisor.reply(listener.built())


def score(supervisor: Supervisor, question: Score, stop: Stop) -> Scored:
    """Have a child score a saved model, or the trivial predictors.

    Args:
        supervisor: Owns the child; where there is none, one is started.
        question: What to score, and on which part of the ratings.
        stop: Ends the waiting.

    Raises:
        ChildDied: The child ended without a word.
        NotScored: The scoring itself failed.
        KeyboardInterrupt: Someone asked to stop.
        SearchError: A new child was needed, and could not have its data.
    """
    supervisor.ready(stop)
    supervisor.ask(question)
    while not stop.asked:
        message = supervisor.poll(_PAUSE_S)
        if isinstance(message, Scored):
            return message
        if isinstance(message, Failed):
            raise NotScored(
                f"A model must be scored on the {question.part} part, but that failed: "
                f"{message.message}"
            )
    raise KeyboardInterrupt
