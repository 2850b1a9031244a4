"""Remembers the runs that a recorder writes to, so that no write has to read them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracking.errors import TrackingError
from tracking.runs.context import StudyContext, find_context
from tracking.runs.store import Store


@dataclass(frozen=True, slots=True)
class StartedTrial:
    """The run of a trial, as it started.

    Attributes:
        ms: When it started, in milliseconds since 1970.
        name: Its name, say "movies-0007".
        files: MLflow's repository of the run's files.
    """

    ms: int
    name: str
    files: Any


class KnownRuns:
    """A recorder's memory: studies by name, and trials that have not ended by run.

    Several threads may use it at once: two that ask for the same thing read it twice, and keep
    the same answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._studies: dict[str, StudyContext] = {}
        self._trials: dict[str, StartedTrial] = {}

    def keep_study(self, study: str, context: StudyContext) -> None:
        """Remember where a study lives."""
        self._studies[study] = context

    def keep_trial(self, run: Any) -> None:
        """Remember a trial's run, which was just made or read."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        address = str(run.info.artifact_uri)
        files = get_artifact_repository(address, tracking_uri=self._store.tracking_uri)
        started = StartedTrial(int(run.info.start_time), str(run.info.run_name), files)
        self._trials[str(run.info.run_id)] = started

    def study(self, client: Any, study: str) -> StudyContext:
        """Where a study lives, read from MLflow where another process has started it.

        Raises:
            TrackingError: If the study was never started.
        """
        if study not in self._studies:
            context = find_context(client, study)
            if context is None:
                raise TrackingError(
                    f"A trial needs a study that was started, but {study!r} has no run in "
                    f"{self._store.tracking_uri}. Start the study first."
                )
            self._studies[study] = context
        return self._studies[study]

    def trial(self, client: Any, run_id: str) -> StartedTrial:
        """A trial's run as it started, read from MLflow where another process has started it."""
        if run_id not in self._trials:
            self.keep_trial(client.get_run(run_id))
        return self._trials[run_id]

    def forget_trial(self, run_id: str) -> None:
        """Forget a trial that has ended."""
        self._trials.pop(run_id, None)

    def forget_studies(self) -> None:
        """Forget where the studies live, since one of them is gone."""
        self._studies.clear()
