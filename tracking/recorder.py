"""What a search tells the record, and the record that forgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tracking.records import EpochRecord, ModelFolder, Scalar, StudyRecord, TrialRecord


@runtime_checkable
class Recorder(Protocol):
    """Writes what happened, and reads back what reproducing a trial needs."""

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Begin a study, or go on with it.

        Args:
            record: The study as far as it is known.

        Returns:
            The record with its experiment and its run filled in, where there are any.
        """
        ...

    def start_trial(self, record: TrialRecord) -> str:
        """Begin a trial.

        Args:
            record: The trial as asked for: number, parameters, tags.

        Returns:
            The identifier of its run; empty where nothing is recorded.
        """
        ...

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Write parameters of a trial that were found only while it ran."""
        ...

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Write epochs of a trial; writing one twice changes nothing."""
        ...

    def finish_trial(
        self,
        record: TrialRecord,
        *,
        folder: Path | None,
        models: Sequence[ModelFolder] = (),
        epochs: Sequence[EpochRecord] = (),
    ) -> None:
        """End a trial.

        Args:
            record: The trial with its end, its figures and its `run_id`.
            folder: Files to keep as they are, or None.
            models: The saved models: one, or one a part where a trial has several.
            epochs: Those that `epochs` has not written yet.
        """
        ...

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """Close a run that nobody will finish; one that has an end keeps it.

        Args:
            record: The trial as far as it came, with its state, its reason and its `run_id`.
            folder: Files to keep as they are, or None.
        """
        ...

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """The epochs of a trial that were written so far, the first one first."""
        ...

    def end_study(self, run_id: str, *, status: str) -> None:
        """Close a study's run as it is, with nothing drawn: for an end that was not planned."""
        ...

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """End a study.

        Args:
            record: The study with all its trials.
            status: "FINISHED", or "KILLED" for one that was interrupted.
        """
        ...

    def delete_study(self, study: str) -> None:
        """Forget a study for good; its name is free afterwards.

        Args:
            study: Its name, or the identifier of its experiment.
        """
        ...

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """What is known of a run in plain types, or None where there is no such run."""
        ...

    def metric(self, run_id: str, name: str) -> float | None:
        """The last value of a metric of a run, or None."""
        ...

    def model_uri(self, run_id: str) -> str | None:
        """The address of a run's model, or None."""
        ...

    def drop_model(self, run_id: str) -> None:
        """Delete a run's model, where it has one; the rest of the run stays."""
        ...

    def log_picture(self, run_id: str, path: Path) -> None:
        """Keep a picture with a run."""
        ...


class NullRecorder:
    """Records nothing: for `--no-tracking`, for tests, and as the least a recorder can do."""

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Return the record as it came."""
        return record

    def start_trial(self, record: TrialRecord) -> str:
        """Return the empty identifier."""
        return ""

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Forget the parameters."""

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Forget the epochs."""

    def finish_trial(
        self,
        record: TrialRecord,
        *,
        folder: Path | None,
        models: Sequence[ModelFolder] = (),
        epochs: Sequence[EpochRecord] = (),
    ) -> None:
        """Forget the trial."""

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """Do nothing."""

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """Return no epoch: none was kept."""
        return ()

    def end_study(self, run_id: str, *, status: str) -> None:
        """Do nothing."""

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """Forget the study."""

    def delete_study(self, study: str) -> None:
        """Do nothing: there is nothing to delete."""

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """Return None: no run is known."""
        return None

    def metric(self, run_id: str, name: str) -> float | None:
        """Return None: no metric is known."""
        return None

    def model_uri(self, run_id: str) -> str | None:
        """Return None: no model is known."""
        return None

    def drop_model(self, run_id: str) -> None:
        """Do nothing: there is no model."""

    def log_picture(self, run_id: str, path: Path) -> None:
        """Forget the picture."""
