"""Remembers the runs that a recorder writes to, so that no write has to read them again."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tracking.addresses import without_password
from tracking.errors import TrackingError
from tracking.records import TrialRecord
from tracking.runs.context import StudyContext, find_context
from tracking.runs.lookup import find_baseline
from tracking.runs.payloads import NOTE_TAG
from tracking.runs.store import Store
from tracking.runs.view.notes import trial_note

_LOOKS = 5
_MOST_EARLY = 100


@dataclass(frozen=True, slots=True)
class StartedTrial:
    """What a recorder remembers of a trial's run: its start, its name and its files.

    Attributes:
        ms: When the run started, in milliseconds since 1970.
        name: The run's name when it started, say "t007 gmf f35".
        files: MLflow's repository of the run's files.
    """

    ms: int
    name: str
    files: Any


class KnownRuns:
    """Remembers a recorder's started studies by name and its open trials by run identifier.

    Several threads may use it at once. Two threads that ask for the same run may both read it
    from MLflow, and both get the same answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._studies: dict[str, StudyContext] = {}
        self._trials: dict[str, StartedTrial] = {}
        self._baselines: dict[str, float] = {}
        self._looked: Counter[str] = Counter()
        self._early: defaultdict[str, list[TrialRecord]] = defaultdict(list)

    def keep_study(self, study: str, context: StudyContext) -> None:
        """Remember the experiment, the run and the datasets of a study."""
        self._studies[study] = context

    def keep_trial(self, run: Any) -> None:
        """Remember the start, the name and the file repository of a trial's run."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        address = str(run.info.artifact_uri)
        files = get_artifact_repository(address, tracking_uri=self._store.tracking_uri)
        started = StartedTrial(int(run.info.start_time), str(run.info.run_name), files)
        self._trials[str(run.info.run_id)] = started

    def study(self, client: Any, study: str) -> StudyContext:
        """Get a study's experiment, run and datasets, from memory or else from MLflow.

        Raises:
            TrackingError: If the study was never started.
        """
        context = self.study_if_started(client, study)
        if context is None:
            raise TrackingError(
                f"A trial needs a study that was started, but {study!r} has no run in "
                f"{without_password(self._store.tracking_uri)}. Start the study first."
            )
        return context

    def study_if_started(self, client: Any, study: str) -> StudyContext | None:
        """Get a study's experiment, run and datasets; None where the study was never started."""
        if study not in self._studies:
            context = find_context(client, study)
            if context is None:
                return None
            self._studies[study] = context
        return self._studies[study]

    def trial(self, client: Any, run_id: str) -> StartedTrial:
        """Get the start, name and files of a trial's run, from memory or else from MLflow."""
        if run_id not in self._trials:
            self.keep_trial(client.get_run(run_id))
        return self._trials[run_id]

    def baseline(self, client: Any, record: TrialRecord) -> float | None:
        """Get the value of the baseline of a trial's study, once that is in MLflow.

        It is looked for a few times only: some studies have none.
        """
        if record.is_baseline or self._looked[record.study] >= _LOOKS:
            return self._baselines.get(record.study)
        if record.study not in self._baselines:
            self._looked[record.study] += 1
            context = self.study_if_started(client, record.study)
            value = None if context is None else find_baseline(client, context, record.objective)
            if value is not None:
                self._baselines[record.study] = value
        return self._baselines.get(record.study)

    def ended(self, client: Any, record: TrialRecord) -> None:
        """Forget a trial that has ended, but for its note where the baseline has not ended yet.

        Such notes are written again, with their gap to the baseline, once that is known.
        """
        self._trials.pop(record.run_id or "", None)
        study = record.study
        if record.is_baseline and record.value is not None:
            self._baselines.setdefault(study, record.value)
        if study not in self._baselines:
            if record.value is not None and len(self._early[study]) < _MOST_EARLY:
                self._early[study].append(record)
            return
        from mlflow.entities import RunTag

        for early in self._early.pop(study, ()):
            note = trial_note(early, self._baselines[study])
            with suppress(Exception):  # its run may be deleted by now
                client.log_batch(early.run_id, tags=[RunTag(NOTE_TAG, note)])

    def forget_studies(self) -> None:
        """Forget all studies, one of which was deleted."""
        self._studies.clear()
        self._baselines.clear()
        self._looked.clear()
        self._early.clear()
