"""Stores which MLflow runs a study and its trials have, as soon as MLflow has made them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import optuna

from search.storage.study_attributes import run_of, write_run
from search.storage.trial_attributes import Key, write_run_of_trial
from search.storage.writes.statements import late_attribute
from tracking import StudyRecord


class RunIdentifiers:
    """Keeps the identifiers of runs in Optuna's storage; a `tracking.Told`.

    Threads: the record's own thread calls it, while workers use the same storage.
    """

    def __init__(
        self, study: optuna.Study, lock: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        """Keep the arguments; nothing is stored yet.

        Args:
            study: The study whose runs they are.
            lock: Makes a lock of a name that all share who use the study's storage.
        """
        self._study = study
        self._lock = lock

    @contextlib.contextmanager
    def beginning(self, record: StudyRecord) -> Iterator[StudyRecord]:
        """Keep others from beginning the study's record; give it with the run that it has by now.

        Two homes that begin one study at the same moment so make one run.
        """
        with self._lock("record"):
            run = run_of(self._study)
            yield replace(
                record,
                experiment_id=run.get("experiment_id", record.experiment_id),
                parent_run_id=run.get("parent_run_id", record.parent_run_id),
            )

    def study(self, record: StudyRecord) -> None:
        """Store a study's experiment and run."""
        run = {"experiment_id": record.experiment_id, "parent_run_id": record.parent_run_id}
        if dict(run_of(self._study)) != run:
            write_run(self._study, experiment_id=record.experiment_id, run_id=record.parent_run_id)

    @contextlib.contextmanager
    def making(self, study: str, number: int) -> Iterator[str | None]:
        """Keep others from making a trial's run; give the run that another has made by now.

        Who takes a process for gone that only stood still writes its trials; both so make one run.
        """
        with self._lock(f"record {number}"):
            run_id = late_attribute(self._study, number, Key.RUN.value)
            yield None if not run_id else str(run_id)

    def trial(self, study: str, number: int, run_id: str) -> None:
        """Store a trial's run."""
        write_run_of_trial(self._study, number, run_id)
