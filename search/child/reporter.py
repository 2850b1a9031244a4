"""Reports a running trial's epochs to the study, and returns the study's answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from search.child.memory import peak_memory_mb
from search.child.messages import Answer, Ask, Built, EpochEnded, Part, Task, Within
from search.config.limits import too_long
from search.space.parameters import Parameter
from tracking import EndReason, EpochRecord, Scalar


class Stopped(BaseException):
    """Ends a trial whose model or training is a user's code; no `except Exception` there stops it.

    It is raised where the study answers that the trial ends before its training is over.
    """


class StudyGone(BaseException):
    """The study has closed its end of the pipe: nobody waits for the trial any more.

    It is no `Exception`, so that nothing between the reporter and the child's loop takes it for a
    failure of the trial, and no connection of a user's own is taken for the pipe.
    """


class Reporter:
    """Sends each epoch and each fold or repeat of a trial to the study's process.

    Where the pruner judges the trial, the reporter waits for the answer whether the trial goes on.

    Attributes:
        seconds: Seconds that sending and waiting took so far.
        beyond: Which limit ended the trial, in words; empty where none did.
    """

    def __init__(self, pipe: Connection, task: Task) -> None:
        """Start at a trial's first fold or repeat; nothing is sent yet."""
        self._pipe = pipe
        self._task = task
        self._prefix = ""
        self._trained = 0.0
        self.seconds = 0.0
        self.beyond = ""

    def __call__(self, epoch: int, seconds: float, metrics: Mapping[str, float]) -> bool:
        """Report one epoch.

        Args:
            epoch: Number of the epoch, 1 for the first.
            seconds: Wall time of the epoch.
            metrics: Figures by name.

        Returns:
            Whether the trial goes on; false where it is pruned or exceeds a limit.
        """
        started = time.perf_counter()
        named = {self._prefix + name: value for name, value in metrics.items()}
        first = self._task.judged_from
        waits = first is not None and epoch >= first and not self._prefix
        record = EpochRecord(epoch=epoch, seconds=seconds, metrics=named)
        goes_on = bool(self._told(EpochEnded(record=record, waits=waits), waits=waits))
        self._trained += seconds
        self.seconds += time.perf_counter() - started
        self.beyond = too_long(self._trained, peak_memory_mb(), self._task.limits)
        return goes_on and not self.beyond

    def within(self, epoch: int, share: float, seconds: float) -> bool:
        """Report how far an epoch is.

        Args:
            epoch: Number of the epoch, 1 for the first.
            share: Share of its rows that are trained, from 0 to 1.
            seconds: Wall time of the epoch so far.

        Returns:
            Whether the trial goes on; false where it exceeds a limit.
        """
        started = time.perf_counter()
        self._told(Within(epoch=epoch, share=share), waits=False)
        self.seconds += time.perf_counter() - started
        self.beyond = too_long(self._trained + seconds, peak_memory_mb(), self._task.limits)
        return not self.beyond

    def ask(self, parameter: Parameter) -> Scalar:
        """Ask the study for the value of a parameter that the model has just declared.

        Args:
            parameter: As it was declared.

        Raises:
            Stopped: The trial ends here.
        """
        started = time.perf_counter()
        answer: Answer = self._told(Ask(parameter), waits=True)
        self.seconds += time.perf_counter() - started
        if not answer.goes_on:
            raise Stopped
        return answer.value

    def built(self) -> None:
        """Report that the trial's model is built.

        Raises:
            Stopped: The trial ends here, say since another one had the same configuration.
        """
        if not self._told(Built(), waits=True):
            raise Stopped

    def begin(self, kind: str, number: int) -> None:
        """Set which fold, repeat or training of the trial the following epochs belong to.

        The epochs of the first one are the trial's own curve. The metrics of the others get a
        prefix, say "fold_2/".

        Args:
            kind: "fold", "repeat" or "training".
            number: 1 for the first.
        """
        self._prefix = f"{kind}_{number}/" if number > 1 else ""

    def part(self, number: int, value: float) -> bool:
        """Report a fold or repeat of the trial that was trained to its end.

        Args:
            number: Number of the fold or repeat, 1 for the first.
            value: Its objective value.

        Returns:
            Whether the trial goes on; false where it is pruned.
        """
        started = time.perf_counter()
        waits = self._task.judged_by_parts
        goes_on = bool(self._told(Part(number=number, value=value, waits=waits), waits=waits))
        self.seconds += time.perf_counter() - started
        return goes_on

    def _told(self, message: EpochEnded | Within | Part | Ask | Built, *, waits: bool) -> Any:
        """Send a message; return the study's answer if the trial waits for one, else true."""
        try:
            self._pipe.send(message)
            return self._pipe.recv() if waits else True
        except (EOFError, ConnectionError) as error:
            raise StudyGone from error

    @property
    def end_reason(self) -> str:
        """The reason of a trial that was stopped: "limit" if it exceeded a limit, else "pruned"."""
        return EndReason.LIMIT if self.beyond else EndReason.PRUNED
