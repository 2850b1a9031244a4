"""The one loop that listens to a child while it trains a trial; a score is asked for here too."""

from __future__ import annotations

from collections.abc import Callable

from search.child.messages import Done, EpochEnded, Failed, Part, Score, Scored, Task
from search.executor.interrupts import Stop
from search.executor.supervisor import Supervisor
from tracking import EpochRecord

_PAUSE_S = 0.1


class Listener:
    """Hears what a child tells of the trial that it trains; as it is, it lets every trial go on.

    Everything is called in the thread that called `train`, in the order in which the child told
    it, and never after `train` has returned.
    """

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """An epoch ended.

        Args:
            record: The epoch.
            is_asked: Whether the child waits for the answer; else the answer is not looked at.

        Returns:
            Whether the trial goes on.
        """
        return True

    def part(self, part: Part) -> bool:
        """One training of several ended; see `epoch`."""
        return True

    def between(self) -> None:
        """Called after each message, and each tenth of a second without one."""


def train(
    supervisor: Supervisor,
    task: Task,
    listener: Listener,
    is_over: Callable[[], bool] = lambda: False,
) -> Done | Failed | None:
    """Train a trial in a child, and hear it out.

    Args:
        supervisor: Owns the child; where there is none, one is started.
        task: What to train.
        listener: Hears each epoch and each part.
        is_over: Asked between two messages; true ends the waiting.

    Returns:
        How the trial ended; None where `is_over` came first, and then the child still trains.

    Raises:
        ChildDied: The child ended without a word.
        SearchError: A new child was needed, and could not have its data.
    """
    supervisor.submit(task)
    while True:
        message = supervisor.poll(_PAUSE_S)
        if isinstance(message, Done | Failed):
            return message
        if isinstance(message, EpochEnded):
            goes_on = listener.epoch(message.record, is_asked=message.waits)
            if message.waits:
                supervisor.reply(goes_on)
        elif isinstance(message, Part):
            goes_on = listener.part(message)
            if message.waits:
                supervisor.reply(goes_on)
        if is_over():
            return None
        listener.between()


def score(supervisor: Supervisor, question: Score, stop: Stop) -> Scored:
    """Have a child score a saved model.

    Args:
        supervisor: Owns the child; where there is none, one is started.
        question: What to score, and on which part.
        stop: Ends the waiting.

    Raises:
        ChildDied: The child ended without a word.
        KeyboardInterrupt: Someone asked to stop.
        SearchError: A new child was needed, and could not have its data.
    """
    supervisor.ready(stop)
    supervisor.ask(question)
    while not stop.asked:
        message = supervisor.poll(_PAUSE_S)
        if isinstance(message, Scored):
            return message
    raise KeyboardInterrupt
