"""Writes an entry to a recorder, and knows which runs that made."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tracking.recorder import Recorder
from tracking.records import ModelFolder, StudyRecord, TrialRecord
from tracking.spool.box import Slip
from tracking.spool.entries import Entry, Kind
from tracking.spool.references import referred


class Maker(Protocol):
    """Makes a model of weights; called in the delivery's thread.

    Example:
        >>> def make(folder: Path, name: str) -> bool:
        ...     return (folder / name).is_dir()
        >>> maker: Maker = make
        >>> maker(Path("trial"), "model")
        False
    """

    def __call__(self, folder: Path, name: str) -> bool:
        """Make the model in a folder's folder `name`, where its weights are.

        Returns:
            Whether there is a model now; false where there will never be one.

        Raises:
            Exception: It could not be made now.
        """


class Told(Protocol):
    """Hears which runs MLflow made, so that it may store them; called in the delivery's thread."""

    def beginning(self, record: StudyRecord) -> AbstractContextManager[StudyRecord]:
        """Keep others from beginning the study; give its record with the run that it has by now."""

    def study(self, record: StudyRecord) -> None:
        """A study has its experiment and its run."""

    def making(self, study: str, number: int) -> AbstractContextManager[str | None]:
        """Keep others from making a trial's run; give the run that it has by now."""

    def trial(self, study: str, number: int, run_id: str) -> None:
        """A trial has its run."""


class Writer:
    """Calls a recorder as entries say; it makes no run twice, and tells of those that it makes.

    Attributes:
        started: Studies that were begun, by name, with their experiments and runs.
    """

    def __init__(self, recorder: Recorder, told: Told | None, maker: Maker | None) -> None:
        """Keep the arguments.

        Args:
            recorder: Writes the record.
            told: Hears of new runs; None for nobody.
            maker: Makes models of weights; None where all models are whole.
        """
        self.started: dict[str, StudyRecord] = {}
        self._recorder = recorder
        self._told = told
        self._maker = maker
        self._runs: dict[tuple[str, int], str] = {}

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

    def write(self, entry: Entry, slip: Slip, *, tried: bool) -> None:
        """Call the method of the recorder that an entry names.

        Args:
            entry: The entry.
            slip: Where it lies.
            tried: Whether it may have been written before, wholly or in part.
        """
        recorder, run = self._recorder, self.run_of(entry.run) if entry.run else None
        match entry.kind:
            case Kind.START_STUDY if entry.study is not None:
                self._study_run(entry.study)
            case Kind.START_TRIAL if entry.trial is not None:
                self._started(entry.trial, may_exist=tried)
            case Kind.FINISH_TRIAL if entry.trial is not None:
                self._finish(entry, entry.trial, slip)
            case Kind.KILL_TRIAL if entry.trial is not None:
                recorder.kill_trial(self._with_run(entry.trial)[0], folder=slip.files)
            case Kind.PARAMETERS if run is not None:
                recorder.parameters(run, entry.params or {})
            case Kind.EPOCHS if run is not None:
                recorder.epochs(run, entry.epochs)
            case Kind.DROP_MODEL if run is not None:
                recorder.drop_model(run)
            case Kind.END_STUDY if entry.study is not None:
                recorder.end_study(self._run_of_study(entry.study), status=entry.status)
            case Kind.FINISH_STUDY if entry.study is not None:
                recorder.finish_study(entry.study, status=entry.status)

    def _finish(self, entry: Entry, trial: TrialRecord, slip: Slip) -> None:
        """End a trial; only once its models are there go those that they replace."""
        record, was_there = self._with_run(trial)
        models = whole_models(entry, slip, self._maker)
        self._recorder.finish_trial(
            record if record.picture else replace(record, epochs=()),
            folder=slip.files,
            models=models,
            epochs=entry.epochs if was_there else trial.epochs,
        )
        if models and entry.run and (replaced := self.run_of(entry.run)):
            self._recorder.drop_model(replaced)

    def _study_run(self, record: StudyRecord) -> str:
        """Begin a study, or go on with it, and tell of its run."""
        alone = nullcontext(record) if self._told is None else self._told.beginning(record)
        with alone as known:
            started = self.started[record.name] = self._recorder.start_study(known)
            if self._told is not None:
                self._told.study(started)
        return started.parent_run_id or ""

    def _run_of_study(self, record: StudyRecord) -> str:
        """A study's run; it is begun only where it has none yet."""
        known = self.started.get(record.name, record).parent_run_id
        return known or self._study_run(record)

    def _started(self, record: TrialRecord, *, may_exist: bool) -> str:
        """Make a trial's run, or complete the one that is there, and tell of it."""
        named = record.study, record.number
        with nullcontext() if self._told is None else self._told.making(*named) as known:
            # Who took this process for gone, since it stood still, may have made the run meanwhile.
            found = self._recorder.trial_run(*named) if may_exist else None
            run_id = self._recorder.start_trial(replace(record, run_id=found or known))
            self._runs[named] = run_id
            if self._told is not None:
                self._told.trial(*named, run_id)
        return run_id

    def _with_run(self, record: TrialRecord) -> tuple[TrialRecord, bool]:
        """A trial's record with its run, and whether that was there; else it is made."""
        known = self.run_of(record.run_id or "")
        run_id = known or self._started(record, may_exist=True)
        return replace(record, run_id=run_id), known is not None


def whole_models(entry: Entry, slip: Slip, maker: Maker | None) -> tuple[ModelFolder, ...]:
    """Read an entry's models, and make those of which there are only weights by now.

    Args:
        entry: The entry.
        slip: Where it lies; what the making tells of a model comes to its files.
        maker: Makes models of weights; None where there is none, and then they are left out.

    Example:
        >>> entry = Entry(kind=Kind.FINISH_TRIAL, models=())
        >>> whole_models(entry, Slip(Path("00000007-finish_trial")), None)
        ()
    """
    if not any(model.is_raw for model in entry.models):
        return entry.models
    if maker is None:
        return ()
    whole = []
    for model in entry.models:
        if not model.is_raw or maker(model.path.parent, model.name):
            whole.append(replace(model, is_raw=False))
    slip.files.mkdir(exist_ok=True)
    for path in (slip.path / "models").iterdir():
        if path.is_file():
            path.rename(slip.files / path.name)
    return tuple(whole)
