"""A recorder that keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracking.records import (
    EpochRecord,
    ModelFolder,
    RunRecord,
    Scalar,
    StudyRecord,
    TrialRecord,
)


class NullRecorder:
    """A `Recorder` that keeps nothing, for tests and as a minimal implementation.

    Example:
        >>> recorder = NullRecorder()
        >>> recorder.start_trial(TrialRecord(study="movies", number=0, params={}))
        ''
        >>> recorder.find_run("") is None
        True
    """

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Return the study's record unchanged."""
        return record

    def start_trial(self, record: TrialRecord) -> str:
        """Return an empty run identifier, since no run is made."""
        return ""

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Do nothing with the parameters."""

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Do nothing with the epochs."""

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
        """Tell the end; no run is open."""
        tell()

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """Do nothing: no run is open."""

    def trial_run(self, study: str, number: int) -> str | None:
        """Return None: no run is known."""
        return None

    def trial_runs(self, study: StudyRecord) -> tuple[RunRecord, ...]:
        """Return no run."""
        return ()

    def bin_run(self, run_id: str) -> None:
        """Do nothing: there is no run."""

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """Return no epoch: none was kept."""
        return ()

    def log_verdict(
        self,
        study: StudyRecord,
        *,
        folder: Path,
        metrics: Mapping[str, float],
        model: ModelFolder | None,
        card: str,
    ) -> tuple[str, str | None]:
        """Do nothing with the winner, and return two empty texts."""
        return "", ""

    def end_study(self, run_id: str, *, status: str) -> None:
        """Do nothing: no run is open."""

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """Do nothing: no run is open."""

    def delete_study(self, study: StudyRecord) -> int:
        """Return 0: there is nothing to delete."""
        return 0

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
        """Do nothing with the picture."""
