"""What a worker elsewhere tells of its trials, carried to the display of who started it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search.study.recording import GOES_ON_ELSEWHERE
from search.trial.progress import Progress, Silent
from tracking import KILLED, EpochRecord, TrialRecord

_LATEST = ("epoch", "within")
"""Events of which only the latest matters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One call of a `Progress`.

    Attributes:
        name: The method.
        of: The trial that it is about, if it is about one.
        given: Its arguments after that.
        named: Its arguments by name.
    """

    name: str
    of: TrialRecord | None = None
    given: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


class Events(Silent):
    """A progress that keeps what it hears until someone takes it.

    What is of one process alone is not kept: the study's start, and how long this worker has left.

    Threads: one tells, another takes.
    """

    def __init__(self) -> None:
        self._kept: list[Event] = []
        self._lock = threading.Lock()

    def take(self) -> list[Event]:
        """Take what was heard since the last time, in order; of epochs only the latest."""
        with self._lock:
            taken, self._kept = self._kept, []
        return taken

    def message(self, text: str) -> None:
        """Keep a line, unless it is what who started this worker knows."""
        if text != GOES_ON_ELSEWHERE:
            self._add(Event(name="message", given=(text,)))

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Keep the start of a trial."""
        self._add(Event(name="trial", of=record, named=(("epochs", epochs),)))

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Keep an epoch, in place of the last."""
        self._add(Event(name="epoch", of=trial, given=(record, best)))

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Keep how far an epoch is, in place of what was known of it."""
        self._add(Event(name="within", of=trial, given=(epoch, share)))

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Keep the end of a trial."""
        named = (("finished", finished), ("target", target))
        self._add(Event(name="ended", of=record, named=named))

    def _add(self, event: Event) -> None:
        with self._lock:
            if event.name in _LATEST and self._kept and self._kept[-1].name == event.name:
                self._kept.pop()
            self._kept.append(event)


class Display:
    """Shows the events of several workers as those of one run.

    Attributes:
        new: Trials that ended, those that were interrupted left out.
    """

    def __init__(self, progress: Progress, target: int) -> None:
        """Show nothing yet.

        Args:
            progress: What shows them.
            target: The study's target of trials.
        """
        self.new = 0
        self._progress = progress
        self._target = target
        self._finished = 0
        self._running: dict[int, TrialRecord] = {}
        self._said: set[str] = set()

    @property
    def busy(self) -> Collection[int]:
        """Workers that have a trial."""
        return self._running.keys()

    def show(self, worker: int, events: Sequence[Event]) -> bool:
        """Show what a worker told; a line that another one said already is left out.

        Args:
            worker: Its number.
            events: What it told, in order.

        Returns:
            Whether a trial of it ended.
        """
        before = self.new
        for event in events:
            self._show(worker, event)
        return self.new > before

    def _show(self, worker: int, event: Event) -> None:
        if event.name == "message":
            if event.given[0] not in self._said:
                self._said.add(event.given[0])
                self._progress.message(*event.given)
            return
        assert event.of is not None
        if event.name == "trial":
            self._running[worker] = event.of
        elif worker not in self._running:
            return  # its beginning was lost
        if event.name == "ended":
            del self._running[worker]
            self._finished = max(self._finished, dict(event.named)["finished"])
            self.new += event.of.state != KILLED
        getattr(self._progress, event.name)(event.of, *event.given, **dict(event.named))

    def lost(self, worker: int) -> None:
        """Show the trial of a worker that is gone as interrupted, if it had one.

        Args:
            worker: Its number.
        """
        record = self._running.pop(worker, None)
        if record is not None:
            ended = replace(record, state=KILLED, message="its worker was lost")
            self._progress.ended(ended, finished=self._finished, target=self._target)
