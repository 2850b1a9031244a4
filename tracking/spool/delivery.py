"""Delivers entries of a spool to a recorder, in order and once, for as long as that takes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from tracking.errors import TrackingError
from tracking.recorder import Recorder
from tracking.records import StudyRecord, TrialRecord
from tracking.spool.box import Box, Slip
from tracking.spool.entries import Entry, Kind
from tracking.spool.references import referred

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# What MLflow answers to a call that it will never take.
_FOR_GOOD = {
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}


class Told(Protocol):
    """Hears which runs MLflow made, so that it may store them; called in the delivery's thread."""

    def study(self, record: StudyRecord) -> None:
        """A study has its experiment and its run."""

    def trial(self, study: str, number: int, run_id: str) -> None:
        """A trial has its run."""


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
    tried again, after pauses of up to half a minute, and those after it wait. One that MLflow
    refuses for good is put aside in its box, with the reason.

    Attributes:
        trouble: Why the latest call failed, in one line; empty where it did not.
        started: Studies that were begun, by name, with their experiments and runs.
    """

    def __init__(
        self, recorder: Recorder, told: Told | None, prepare: Callable[[], None] = lambda: None
    ) -> None:
        """Keep the arguments; nothing is delivered before `start`.

        Args:
            recorder: Writes the record.
            told: Hears of new runs; None for nobody.
            prepare: Called once before the first entry; makes what the recorder writes to.
        """
        self.trouble = ""
        self.started: dict[str, StudyRecord] = {}
        self._recorder = recorder
        self._told = told
        self._prepare = prepare
        self._runs: dict[tuple[str, int], str] = {}
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._is_over = False
        self._is_prepared = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(target=self._work, name="trialbook-record", daemon=True)
        self._thread.start()

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
        """Deliver first what another process has left; only its first entry may be half done.

        Returns:
            How many entries it holds.
        """
        found = [_Waiting(slip) for slip in box.slips()]
        for first in found[:1]:
            first.tried = True
        with self._changed:
            self._waiting.extendleft(reversed(found))
            self._changed.notify_all()
        return len(found)

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
        with self._changed:
            self._changed.notify_all()
            while self._waiting and not is_over():
                self._changed.wait(0.1)
            return not self._waiting

    def run_of(self, run: str) -> str | None:
        """MLflow's identifier of a run that is named by a reference or an identifier.

        Returns:
            None where MLflow has no such run yet.
        """
        named = referred(run)
        if named is None:
            return run
        found = self._runs.get(named) or self._recorder.trial_run(*named)
        if found:
            self._runs[named] = found
        return found

    def close(self, timeout_s: float = 5.0) -> None:
        """End the thread after the entry that it delivers now.

        Args:
            timeout_s: How long to wait for that.
        """
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

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

    def _next(self) -> _Waiting | None:
        """The entry to deliver now, once there is one; None at the end."""
        with self._changed:
            while not self._waiting and not self._is_over:
                self._changed.wait()
            return None if self._is_over else self._waiting[0]

    def _pause(self, seconds: float) -> None:
        latest = time.monotonic() + seconds
        with self._changed:
            while not self._is_over and (left := latest - time.monotonic()) > 0:
                self._changed.wait(left)

    def _deliver(self, slip: Slip, one: _Waiting) -> None:
        try:
            entry = slip.read()
        except TrackingError as error:
            slip.refuse(str(error))
            return
        try:
            self._call(entry, slip, one)
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

    def _call(self, entry: Entry, slip: Slip, one: _Waiting) -> None:
        """Call the method of the recorder that an entry names."""
        recorder, run = self._recorder, self.run_of(entry.run) if entry.run else None
        match entry.kind:
            case Kind.START_STUDY if entry.study is not None:
                self._study_run(entry.study)
            case Kind.START_TRIAL if entry.trial is not None:
                self._started(entry.trial, may_exist=one.tried)
            case Kind.FINISH_TRIAL if entry.trial is not None:
                recorder.finish_trial(
                    self._with_run(entry.trial),
                    folder=slip.files,
                    models=entry.models,
                    epochs=entry.epochs,
                )
            case Kind.KILL_TRIAL if entry.trial is not None:
                recorder.kill_trial(self._with_run(entry.trial), folder=slip.files)
            case Kind.PARAMETERS if run is not None:
                recorder.parameters(run, entry.params or {})
            case Kind.EPOCHS if run is not None:
                recorder.epochs(run, entry.epochs)
            case Kind.DROP_MODEL if run is not None:
                recorder.drop_model(run)
            case Kind.END_STUDY if entry.study is not None:
                recorder.end_study(self._study_run(entry.study), status=entry.status)
            case Kind.FINISH_STUDY if entry.study is not None:
                recorder.finish_study(entry.study, status=entry.status)

    def _study_run(self, record: StudyRecord) -> str:
        """Begin a study, or go on with it, and tell of its run."""
        started = self.started[record.name] = self._recorder.start_study(record)
        if self._told is not None:
            self._told.study(started)
        return started.parent_run_id or ""

    def _started(self, record: TrialRecord, *, may_exist: bool) -> str:
        """Make a trial's run, unless there is one already, and tell of it."""
        named = record.study, record.number
        run_id = self._recorder.trial_run(*named) if may_exist else None
        run_id = run_id or self._recorder.start_trial(record)
        self._runs[named] = run_id
        if self._told is not None:
            self._told.trial(*named, run_id)
        return run_id

    def _with_run(self, record: TrialRecord) -> TrialRecord:
        """A trial's record with its run; one that MLflow lacks is made."""
        run_id = self.run_of(record.run_id or "") or self._started(record, may_exist=True)
        return replace(record, run_id=run_id)


def taken_over(boxes: Iterable[Box], counts: Callable[[str, int], bool]) -> None:
    """Decide what becomes of the pending entries of boxes whose processes are no more.

    Args:
        boxes: The boxes.
        counts: Whether a trial, by its study and number, has the end that the entry tells of.
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
            if trial is not None and counts(trial.study, trial.number):
                slip.confirm()
            else:
                slip.remove()


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]
