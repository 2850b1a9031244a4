"""A recorder that puts what it is told on disk at once, and has it delivered by a thread."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracking.errors import Withdrawn
from tracking.recorder import Recorder
from tracking.records import (
    EpochRecord,
    ModelFolder,
    RunRecord,
    Scalar,
    StudyRecord,
    TrialRecord,
)
from tracking.spool.box import Box, Slip
from tracking.spool.boxes import is_held, known_boxes, left_boxes
from tracking.spool.delivery import Delivery, taken_over
from tracking.spool.entries import Entry, Kind
from tracking.spool.references import reference, referred
from tracking.spool.writer import Maker, Told

_READS_S = 20.0


class SpoolRecorder:
    """A `Recorder` that lets nobody wait for MLflow, and loses nothing while MLflow is away.

    What it is told goes to a folder of the home, `spool/`, whole or not at all, and from there to
    another recorder, in order and once. So a run has no identifier yet when a trial begins:
    `start_trial` returns a `reference`, which every method takes in place of one. Reading waits
    until what was written before is delivered, for at most 20 seconds.

    It belongs to its process and can neither be pickled nor carried over a fork. `close` it at the
    end: what is not delivered then stays on disk for the next one to `take_over`.

    Attributes:
        delivery: Delivers the entries.

    Example:
        >>> from tracking import NullRecorder
        >>> trial = TrialRecord(study="movies", number=7, params={})
        >>> with SpoolRecorder(NullRecorder(), Path("mlruns"), "movies") as recorder:
        ...     recorder.start_trial(trial)
        'movies#7'
    """

    def __init__(
        self,
        inner: Recorder,
        home: Path,
        study: str,
        told: Told | None = None,
        prepare: Callable[[], None] = lambda: None,
        maker: Maker | None = None,
    ) -> None:
        """Make a box for this process; nothing of it is delivered before `begin` or a reading.

        Args:
            inner: The recorder that entries are delivered to.
            home: The home folder, in which `spool/` is made.
            study: Name of the study that is recorded.
            told: Hears which runs were made; None where nobody is to hear of them.
            prepare: Called once before the first entry is delivered, in the delivery's thread.
            maker: Makes models of weights, in the same thread; None where all models are whole.

        Raises:
            TrackingError: The home cannot be written to.
        """
        self._inner = inner
        self._spool = home / "spool"
        self._box = Box.make(self._spool, study)
        self._others: list[Box] = []
        self._study: StudyRecord | None = None
        self.delivery = Delivery(inner, told, prepare, maker)

    def __enter__(self) -> SpoolRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_folder(self) -> Path:
        """Make a folder for a trial's files beside the entries; the caller removes it."""
        return Path(tempfile.mkdtemp(prefix="trialbook-", dir=self._box.trials))

    def begin(self) -> None:
        """Begin to deliver what was told; without it that waits until something is to be read."""
        self.delivery.start()

    def left(self) -> list[Box]:
        """Take the boxes of the study whose processes are no more; `take_over` delivers them."""
        return list(left_boxes(self._spool, self._box.study))

    def has_left(self) -> bool:
        """Whether another process has left entries of the study, or works on it."""
        known = known_boxes(self._spool)
        return any(study == self._box.study and path != self._box.path for path, study in known)

    def others_work(self) -> bool:
        """Whether another living process of this home works on the study."""
        return is_held(self._spool, self._box.study, but=self._box.path)

    def take_over(self, boxes: Sequence[Box], counts: Callable[[TrialRecord], bool]) -> int:
        """Deliver what other processes left, before all that is put from now on.

        Args:
            boxes: From `left`.
            counts: Whether a trial has the end in Optuna's storage that its record tells.

        Returns:
            How many entries they hold.
        """
        taken_over(boxes, counts)
        self._others.extend(boxes)
        return sum(self.delivery.take_over(box) for box in boxes)

    def refused(self) -> list[Slip]:
        """What MLflow refused for good of what other processes left, once that is delivered."""
        return [slip for box in self._others for slip in box.refused()]

    def close(self, timeout_s: float = 5.0) -> None:
        """End the delivery; delete the boxes that are empty.

        Args:
            timeout_s: How long to wait for the entry that is delivered now; what is not delivered
                by then is delivered again by the next one.
        """
        self.delivery.close(timeout_s, self._close_boxes)

    def _close_boxes(self) -> None:
        for box in (self._box, *self._others):
            box.close()

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Begin a study; its experiment and run are told later, where it has none yet."""
        self._study = replace(record, trials=())
        self._put(Entry(kind=Kind.START_STUDY, study=self._study))
        return record

    def start_trial(self, record: TrialRecord) -> str:
        """Begin a trial, and return the reference of its run."""
        began = replace(record, started_ms=record.started_ms or _now_ms())
        self._put(Entry(kind=Kind.START_TRIAL, trial=began))
        return reference(record.study, record.number)

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Write parameters of a trial that became known only while it ran."""
        if params:
            self._put(Entry(kind=Kind.PARAMETERS, run=run_id, params=dict(params)))

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Write epochs of a trial."""
        if records:
            self._put(Entry(kind=Kind.EPOCHS, run=run_id, epochs=tuple(records)))

    def finish_trial(
        self,
        record: TrialRecord,
        *,
        folder: Path | None,
        models: Sequence[ModelFolder] = (),
        epochs: Sequence[EpochRecord] = (),
        tell: Callable[[], None] = lambda: None,
        replaces: str | None = None,
    ) -> None:
        """Keep all that a trial's end needs, tell the end, and have it delivered.

        A process that dies before the end is told has told nothing; one that dies after it has the
        end on disk. Where telling fails nobody here knows whether the end was told: what is kept of
        it then waits for `take_over`, which asks. `Withdrawn` says that it was not.
        """
        entry = Entry(
            kind=Kind.FINISH_TRIAL,
            run=replaces or "",
            trial=_ended(record),
            models=tuple(models),
            epochs=tuple(epochs),
        )
        slip = self._box.put(entry, files=folder, is_pending=True)
        try:
            tell()
        except Withdrawn:
            slip.remove()
            raise
        self.delivery.add(slip.confirm())

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """Mark an abandoned trial as ended; one without a run is left alone."""
        if record.run_id:
            entry = Entry(kind=Kind.KILL_TRIAL, trial=replace(_ended(record), epochs=()))
            self._put(entry, folder)

    def drop_model(self, run_id: str) -> None:
        """Delete a run's models, where it has any."""
        if run_id:
            self._put(Entry(kind=Kind.DROP_MODEL, run=run_id))

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """Write a study's results and figures, and then mark the study as ended."""
        self._put(Entry(kind=Kind.FINISH_STUDY, study=record, status=status))

    def end_study(self, run_id: str, *, status: str) -> None:
        """Close a study's run; `run_id` is its identifier, which may be unknown yet."""
        study = self._study or StudyRecord(name=self._box.study)
        study = replace(study, parent_run_id=run_id or study.parent_run_id)
        self._put(Entry(kind=Kind.END_STUDY, study=study, status=status))

    def trial_run(self, study: str, number: int) -> str | None:
        """The run of a trial, by the study's name and the trial's number."""
        self._settle()
        return self.delivery.run_of(reference(study, number))

    def trial_runs(self, study: StudyRecord) -> tuple[RunRecord, ...]:
        """List the runs of a study's trials, the oldest first."""
        self._settle()
        return self._inner.trial_runs(study)

    def bin_run(self, run_id: str) -> None:
        """Put a run into MLflow's bin at once, after all that waits."""
        self._settle()
        self._inner.bin_run(run_id)

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """Read the epochs of a trial that were written so far; none where MLflow is away."""
        if self.delivery.trouble:
            return ()
        # One that has an identifier is another process's: nothing of it waits here.
        run = run_id if run_id and referred(run_id) is None else self._run(run_id)
        return self._inner.curve(run) if run else ()

    def log_verdict(
        self,
        study: StudyRecord,
        *,
        folder: Path,
        metrics: Mapping[str, float],
        model: ModelFolder | None,
        card: str,
    ) -> tuple[str, str | None]:
        """Record a study's winner at once, after all that waits."""
        self._settle()
        return self._inner.log_verdict(
            study, folder=folder, metrics=metrics, model=model, card=card
        )

    def delete_study(self, study: StudyRecord) -> int:
        """Delete a study for good at once, after all that waits."""
        self._settle()
        begun = self.delivery.started.pop(study.name, study)
        return self._inner.delete_study(study if study.parent_run_id else begun)

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """Read a run as a dict of plain types, or None where there is no such run."""
        run = self._run(run_id)
        return self._inner.find_run(run) if run else None

    def metric(self, run_id: str, name: str) -> float | None:
        """Read the last value of a metric of a run, or None where there is none."""
        run = self._run(run_id)
        return self._inner.metric(run, name) if run else None

    def model_uri(self, run_id: str) -> str | None:
        """The address of a run's model, or None where there is none."""
        run = self._run(run_id)
        return self._inner.model_uri(run) if run else None

    def log_picture(self, run_id: str, path: Path) -> None:
        """Keep a copy of a picture with a run at once, after all that waits."""
        run = self._run(run_id)
        if run:
            self._inner.log_picture(run, path)

    def _put(self, entry: Entry, files: Path | None = None) -> Slip:
        slip = self._box.put(entry, files=files)
        self.delivery.add(slip)
        return slip

    def _settle(self) -> None:
        latest = time.monotonic() + _READS_S
        self.delivery.flush(lambda: time.monotonic() > latest)

    def _run(self, run_id: str) -> str | None:
        self._settle()
        return self.delivery.run_of(run_id) if run_id else None


def _ended(record: TrialRecord) -> TrialRecord:
    """A trial as it is kept: with the time of its end."""
    return replace(record, ended_ms=record.ended_ms or _now_ms())


def _now_ms() -> int:
    return int(time.time() * 1000)
