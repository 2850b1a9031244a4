"""The record in MLflow: a study is a run, its trials are the runs below it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tracking.errors import TrackingError
from tracking.records import EpochRecord, ModelFolder, Scalar, StudyRecord, TrialRecord
from tracking.runs.batches import LoggedModel, history_of, log_final, log_history, read_history
from tracking.runs.context import StudyContext, ensure_context, find_context
from tracking.runs.deletion import delete_study
from tracking.runs.leaderboard import study_note, summary_metrics, write_leaderboard
from tracking.runs.models import log_model
from tracking.runs.payloads import (
    NOTE_TAG,
    clean_key,
    closing_metrics,
    closing_tags,
    params_of,
    run_name,
    status_of,
    trial_tags,
)
from tracking.runs.quiet import is_missing, quiet
from tracking.runs.registry import log_verdict
from tracking.runs.store import Store


@dataclass(frozen=True, slots=True)
class _Started:
    """What would be read again for every write: when a run started, its name, its files' place."""

    ms: int
    name: str
    files: Any


@dataclass(frozen=True)
class MlflowRecorder:
    """A `Recorder` that writes to MLflow, through explicit runs and explicit statuses only.

    How a trial's end reads in MLflow: complete is FINISHED; failed is FAILED; pruned and
    killed are KILLED, told apart by the run's name ("movies-0007 (pruned)") and by the tag
    `trialbook.state`. A pruned trial is thus never a green tick in the run table, nor a red
    cross that suggests a mistake.

    It can be pickled into a worker process. Do not carry it over a fork: MLflow's database
    connections do not survive one.

    Attributes:
        store: Where to write; `prepare` it first.
        loader: File with `_load_pyfunc(path)` that goes into every logged model; needed only
            where models are logged.
    """

    store: Store
    loader: Path | None = None
    _contexts: dict[str, StudyContext] = field(default_factory=dict, repr=False, compare=False)
    _started: dict[str, _Started] = field(default_factory=dict, repr=False, compare=False)

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Find or make the experiment and the parent run; a finished one runs again."""
        client = self.store.client()
        context = ensure_context(client, self.store, record)
        self._contexts[record.name] = context
        if record.study_file:
            client.log_text(context.parent_run_id, record.study_file, "study.toml")
        return replace(
            record, experiment_id=context.experiment_id, parent_run_id=context.parent_run_id
        )

    def start_trial(self, record: TrialRecord) -> str:
        """Make the trial's run with its params, tags and dataset.

        Args:
            record: The trial as asked for.

        Returns:
            The run's identifier.

        Raises:
            TrackingError: If the study was never started.
        """
        client = self.store.client()
        context = self._context(client, record.study)
        tags = trial_tags(record, parent_run_id=context.parent_run_id)
        run = client.create_run(context.experiment_id, _now_ms(), tags, run_name(record))
        run_id = str(run.info.run_id)
        self._started[run_id] = self._as_started(run)
        self.parameters(run_id, record.params)
        if context.datasets:
            client.log_inputs(run_id, list(context.datasets))
        return run_id

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Write parameters of a trial; one that is there already must have the same value."""
        client = self.store.client()
        quiet()
        from mlflow.entities import Param

        written = [Param(name, value) for name, value in params_of(params).items()]
        for start in range(0, len(written), 100):
            client.log_batch(run_id, params=written[start : start + 100])

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Write all metrics of some epochs at once, the epoch as the step.

        An epoch has the same timestamp each time it is written, so writing it again (after a
        crash, from a spool) adds nothing.
        """
        if records:
            client = self.store.client()
            log_history(client, run_id, records, started_ms=self._start_of(client, run_id).ms)

    def finish_trial(
        self,
        record: TrialRecord,
        *,
        folder: Path | None,
        models: Sequence[ModelFolder] = (),
        epochs: Sequence[EpochRecord] = (),
    ) -> None:
        """Write figures, files and model, then the end. The end comes last on purpose: a run
        that has one has everything.

        Args:
            record: The trial, with its `run_id`.
            folder: Files for the run's root, or None.
            models: The models, the trial's own first; nothing is logged again where a model is
                there already.
            epochs: Those that are not written yet.

        Raises:
            TrackingError: If a model is to be logged without a loader.
        """
        client, run_id = self.store.client(), _run_id(record)
        logged = self._log_models(client, run_id, models)
        started = self._start_of(client, run_id)
        if folder is not None and folder.is_dir():
            started.files.log_artifacts(str(folder))
        log_final(
            client,
            run_id,
            metrics=closing_metrics(record),
            tags=closing_tags(record),
            logged=logged,
            history=history_of(epochs, started_ms=started.ms),
        )
        if run_name(record) != started.name:
            client.update_run(run_id, name=run_name(record))
        client.set_terminated(run_id, status_of(record.state))
        self._started.pop(run_id, None)

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """Close a run that is still open, and nothing else; without a run, do nothing."""
        if self._is_open(record.run_id):
            self.finish_trial(record, folder=folder)

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """The epochs that the run holds, the first one first; none of an unknown run."""
        found = self.find_run(run_id)
        names = list(found["metrics"]) if found else []
        return read_history(self.store.client(), run_id, names)

    def end_study(self, run_id: str, *, status: str) -> None:
        """Close a study's run if it is still open."""
        if self._is_open(run_id):
            self.store.client().set_terminated(run_id, status)

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """Write the leaderboard, the figures and the summary, then the study's end."""
        from tracking.figures.draw import draw_study

        client = self.store.client()
        run_id = record.parent_run_id or self._context(client, record.name).parent_run_id
        with TemporaryDirectory(prefix="trialbook-study-") as folder:
            write_leaderboard(record, Path(folder) / "leaderboard.csv")
            draw_study(record, Path(folder) / "plots")
            client.log_artifacts(run_id, folder)
        summary = {clean_key(name): value for name, value in summary_metrics(record).items()}
        tags = {NOTE_TAG: study_note(record, results=True)}
        log_final(client, run_id, metrics=summary, tags=tags)
        client.set_terminated(run_id, status)

    def log_verdict(
        self,
        study: StudyRecord,
        *,
        folder: Path,
        metrics: Mapping[str, float],
        model: ModelFolder,
        card: str,
    ) -> tuple[str, str]:
        """Record a study's winner and register its model; see `tracking.runs.registry`.

        Returns:
            The run's identifier, and the registered model's name and version, "NAME/VERSION".
        """
        client = self.store.client()
        return log_verdict(
            client,
            self._context(client, study.name),
            study.name,
            folder=folder,
            metrics=metrics,
            model=model,
            loader=self._loader(),
            card=card,
        )

    def delete_study(self, study: str) -> None:
        """Remove a study's runs, models, files and experiment from the store.

        Raises:
            TrackingError: If there is no such study.
        """
        delete_study(self.store, study)
        self._contexts.clear()

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """A run as `run_id`, `name`, `status`, `experiment_id`, `tags`, `params`, `metrics`."""
        client = self.store.client()
        from mlflow.exceptions import MlflowException

        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if is_missing(error):
                return None
            raise
        info, data = run.info, run.data
        head = {"run_id": run_id, "name": info.run_name, "status": info.status}
        body = {"tags": dict(data.tags), "params": dict(data.params), "metrics": dict(data.metrics)}
        return {**head, "experiment_id": info.experiment_id, **body}

    def metric(self, run_id: str, name: str) -> float | None:
        """The last value of a metric of a run, or None."""
        found = self.find_run(run_id)
        value = None if found is None else found["metrics"].get(clean_key(name))
        return None if value is None else float(value)

    def model_uri(self, run_id: str) -> str | None:
        """`models:/m-...`, which loads where the tracking address is this store's."""
        found = _ready_models(self.store.client(), run_id)
        return f"models:/{found[0]}" if found else None

    def drop_model(self, run_id: str) -> None:
        """Delete a run's models and their files; a run without one is left as it is."""
        client = self.store.client()
        for model_id in _ready_models(client, run_id):
            location = str(client.get_logged_model(model_id).artifact_location)
            client.delete_logged_model(model_id)
            folder = Path(location.removeprefix("file://"))
            if folder.is_relative_to(self.store.artifacts):
                shutil.rmtree(folder, ignore_errors=True)

    def log_picture(self, run_id: str, path: Path) -> None:
        """Add a picture to the run's files, under its own name."""
        self.store.client().log_artifact(run_id, str(path))

    def _is_open(self, run_id: str | None) -> bool:
        found = self.find_run(run_id) if run_id else None
        return found is not None and found["status"] in ("RUNNING", "SCHEDULED")

    def _context(self, client: Any, study: str) -> StudyContext:
        if study not in self._contexts:
            found = find_context(client, study)
            if found is None:
                raise TrackingError(
                    f"A trial needs a study that was started, but {study!r} has no run in "
                    f"{self.store.tracking_uri}. Start the study first."
                )
            self._contexts[study] = found
        return self._contexts[study]

    def _start_of(self, client: Any, run_id: str) -> _Started:
        if run_id not in self._started:
            self._started[run_id] = self._as_started(client.get_run(run_id))
        return self._started[run_id]

    def _as_started(self, run: Any) -> _Started:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        address = str(run.info.artifact_uri)
        files = get_artifact_repository(address, tracking_uri=self.store.tracking_uri)
        return _Started(int(run.info.start_time), str(run.info.run_name), files)

    def _log_models(
        self, client: Any, run_id: str, models: Sequence[ModelFolder]
    ) -> list[LoggedModel]:
        """Log models of a run, or find those that are there already."""
        if not models:
            return []
        loader = self._loader()
        run = client.get_run(run_id)
        found = _ready_models(client, run_id, run)
        experiment = str(run.info.experiment_id)
        identifiers = found or [
            log_model(
                client,
                experiment_id=experiment,
                run_id=run_id,
                model=model,
                loader=loader,
                place=place,
            )
            for place, model in enumerate(models)
        ]
        pairs = zip(identifiers, models, strict=False)
        return [LoggedModel(identifier, model.figure) for identifier, model in pairs]

    def _loader(self) -> Path:
        if self.loader is None:
            raise TrackingError(
                "Logging a model needs a loader file, but this recorder has none. "
                "Pass `loader`, or log the trial without its model."
            )
        return self.loader


def _now_ms() -> int:
    return int(time.time() * 1000)


def _run_id(record: TrialRecord) -> str:
    if not record.run_id:
        raise TrackingError(
            f"Only a trial with a run can be finished, but trial {record.number} of "
            f"{record.study!r} has none. Start it first and keep the identifier it returns."
        )
    return record.run_id


def _ready_models(client: Any, run_id: str, run: Any = None) -> list[str]:
    """The models of a run, the trial's own first."""
    from mlflow.exceptions import MlflowException

    try:
        outputs = (run or client.get_run(run_id)).outputs
    except MlflowException as error:
        if is_missing(error):
            return []
        raise
    models = outputs.model_outputs if outputs else []
    return [str(each.model_id) for each in sorted(models, key=lambda each: each.step)]
