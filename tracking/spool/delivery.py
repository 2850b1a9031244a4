"""Delivers entries of a spool to a recorder, in order and once, for as long as that takes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tracking.addresses import without_password
from tracking.errors import TrackingError
from tracking.recorder import Recorder
from tracking.records import StudyRecord, TrialRecord
from tracking.spool.box import Box, Slip
from tracking.spool.writer import Maker, Told, Writer

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_FLUSHING_PAUSE_S = 1.0
# What MLflow answers to a call that it will never take.
_FOR_GOOD = {
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}


@dataclass(eq=False, slots=True)
class _Waiting:
    """What waits for its turn: an entry, which may have been delivered in part, or other work."""

    slip: Slip | None = None
    work: Callable[[], None] | None = None
    tried: bool = False


class Delivery:
    """Takes entries out of boxes and calls a recorder, in a thread of its own.

    Who is responsible for what: a box keeps the entries; the delivery decides when to call, what to
    call again, and what never to call. It makes no run twice: a call that may have been made before
    looks for the run first.

    Order: entries are delivered one after another. One that fails for a reason that may pass is
    tried again, after pauses of up to half a minute (a second, where somebody waits), and those
    after it wait. One that MLflow refuses for good is put aside in its box, with the reason.

    Attributes:
        trouble: Why the latest call failed, in one line; empty where it did not.
    """

    def __init__(
        self,
        recorder: Recorder,
        told: Told | None,
        prepare: Callable[[], None] = lambda: None,
        maker: Maker | None = None,
    ) -> None:
        """Keep the arguments; nothing is delivered before `start`.

        Args:
            recorder: Writes the record.
            told: Hears of new runs; None for nobody.
            prepare: Called once before the first entry; makes what the recorder writes to.
            maker: Makes models of weights; None where all models are whole.
        """
        self.trouble = ""
        self._writer = Writer(recorder, told, maker)
        self._prepare = prepare
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._is_over = False
        self._flushing = 0
        self._is_prepared = False
        self._thread: threading.Thread | None = None
        self._afterwards: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to deliver; once it has begun this does nothing."""
        with self._changed:
            if self._thread is None and not self._is_over:
                work = threading.Thread(target=self._work, name="trialbook-record", daemon=True)
                self._thread = work
                work.start()

    def add(self, slip: Slip) -> None:
        """Deliver an entry after all others."""
        with self._changed:
            self._waiting.append(_Waiting(slip))
            self._changed.notify_all()

    def add_work(self, work: Callable[[], None]) -> None:
        """Have something done in the delivery's thread, once what was added before is delivered.

        Args:
            work: What to do; it is done once, and what it raises is dropped.
        """
        with self._changed:
            self._waiting.append(_Waiting(work=work))
            self._changed.notify_all()

    def take_over(self, box: Box) -> int:
        """Deliver what another process has left, any of which may be delivered in part.

        Returns:
            How many entries it holds.
        """
        found = [_Waiting(slip, tried=True) for slip in box.slips()]
        with self._changed:
            self._waiting.extend(found)
            self._changed.notify_all()
        return len(found)

    @property
    def started(self) -> dict[str, StudyRecord]:
        """The studies that were begun, by name, with their experiments and runs."""
        return self._writer.started

    @property
    def waiting(self) -> int:
        """How many entries are not delivered yet."""
        return sum(one.slip is not None for one in tuple(self._waiting))

    def flush(self, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Wait until all is delivered.

        Args:
            is_over: Ends the waiting; asked ten times a second.

        Returns:
            Whether all is delivered.
        """
        if self._waiting:
            self.start()
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                while self._waiting and not is_over():
                    self._changed.wait(0.1)
                return not self._waiting
            finally:
                self._flushing -= 1

    def run_of(self, run: str) -> str | None:
        """MLflow's identifier of a run that is named by a reference or an identifier, or None."""
        return self._writer.run_of(run)

    def close(self, timeout_s: float, afterwards: Callable[[], None]) -> None:
        """End the thread after the entry that it delivers now.

        Args:
            timeout_s: How long to wait for that.
            afterwards: What to do once nothing is delivered any more; where that takes longer, it
                is done in the thread.
        """
        with self._changed:
            self._is_over = True
            self._afterwards = afterwards
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        if self._thread is None or not self._thread.is_alive():
            self._end()

    def _end(self) -> None:
        """Do once what is to be done at the end."""
        with self._changed:
            afterwards, self._afterwards = self._afterwards, None
        if afterwards is not None:
            afterwards()

    def _work(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while (one := self._next()) is not None:
            try:
                if not self._is_prepared:
                    self._prepare()
                    self._is_prepared = True
                if one.slip is not None:
                    self._deliver(one.slip, one)
                elif one.work is not None:
                    with contextlib.suppress(Exception):
                        one.work()
                self._done(one)
            except Exception as error:  # MLflow, its server, its driver, the disk
                self.trouble = _line(error)
                one.tried = True
                self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self.trouble, pause_s = "", _FIRST_PAUSE_S
        self._end()

    def _next(self) -> _Waiting | None:
        """The entry to deliver now, once there is one; None at the end."""
        with self._changed:
            while not self._waiting and not self._is_over:
                self._changed.wait()
            return None if self._is_over else self._waiting[0]

    def _pause(self, seconds: float) -> None:
        began = time.monotonic()
        with self._changed:
            while not self._is_over:
                most = min(seconds, _FLUSHING_PAUSE_S) if self._flushing else seconds
                left = began + most - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _deliver(self, slip: Slip, one: _Waiting) -> None:
        if not slip.path.is_dir():  # somebody deleted it
            return
        try:
            entry = slip.read()
        except TrackingError as error:
            slip.refuse(str(error))
            return
        try:
            self._writer.write(entry, slip, tried=one.tried)
        except Exception as error:
            if getattr(error, "error_code", "") not in _FOR_GOOD:
                raise
            slip.refuse(_line(error))
        else:
            slip.remove()

    def _done(self, one: _Waiting) -> None:
        with self._changed:
            self._waiting.remove(one)
            self._changed.notify_all()


def taken_over(boxes: Iterable[Box], counts: Callable[[TrialRecord], bool]) -> None:
    """Decide what becomes of the pending entries of boxes whose processes are no more.

    Args:
        boxes: The boxes.
        counts: Whether a trial has the end that its record tells.
    """
    for box in boxes:
        for slip in box.slips():
            if not slip.is_pending:
                continue
            try:
                trial = slip.read().trial
            except TrackingError as error:
                slip.refuse(str(error))
                continue
            if trial is not None and counts(trial):
                slip.confirm()
            else:
                slip.remove()


def _line(error: Exception) -> str:
    """The first line of an error, without the password of an address that it quotes."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_password(lines[0])[:300]
