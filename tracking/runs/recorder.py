"""A recorder that writes to MLflow: a study is a run, and its trials are the runs below it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tracking.errors import TrackingError
from tracking.records import (
    EpochRecord,
    ModelFolder,
    RunRecord,
    Scalar,
    StudyRecord,
    TrialRecord,
)
from tracking.runs.batches import Final, history_of, log_final, log_history, read_history
from tracking.runs.context import ensure_context, find_context, stored_context
from tracking.runs.deletion import delete_study
from tracking.runs.known_runs import KnownRuns
from tracking.runs.lookup import find_trial, is_open, list_trials, read_run
from tracking.runs.models import drop_models, find_models, log_models
from tracking.runs.payloads import (
    NOTE_TAG,
    closing_metrics,
    closing_tags,
    metric_key,
    metric_name,
    params_of,
    status_of,
    trial_tags,
)
from tracking.runs.quiet import quiet
from tracking.runs.registry import Registered, WinnerRun, register_winner
from tracking.runs.results import log_curve, renew_report, write_results
from tracking.runs.store import Store
from tracking.runs.view.names import run_name
from tracking.runs.view.notes import trial_note
from tracking.runs.view.published import write_published
from tracking.runs.view.writing import write_view
from tracking.tags import Tag


@dataclass(frozen=True)
class MlflowRecorder:
    """A `Recorder` that writes to MLflow; it keeps all of `Recorder`'s guarantees.

    MLflow shows the end of a trial as the status of its run: a complete trial is FINISHED, a
    failed one is FAILED, and both a pruned and a killed one are KILLED. The run's name, say
    "t007 size=8 (pruned)", and the tag `trialbook.state` tell these two apart. So the run table
    shows neither a green tick for a pruned trial, nor a red cross that suggests a mistake.

    It never sets MLflow's active run, nor the address that MLflow keeps for the process. It must
    not be carried over a fork, since MLflow's database connections do not survive one.

    Attributes:
        store: Where to write; `prepare` it first.
        loader: File with `_load_pyfunc(path)` that goes into every logged model; needed only
            where models are logged.

    Example:
        >>> Store(Path("mlruns")).prepare()
        >>> recorder = MlflowRecorder(Store(Path("mlruns")))
        >>> study = recorder.start_study(StudyRecord(name="movies"))
        >>> trial = TrialRecord(study="movies", number=7, params={"size": 8})
        >>> trial = replace(trial, run_id=recorder.start_trial(trial), state="pruned")
        >>> recorder.finish_trial(trial, folder=None)
        >>> recorder.find_run(trial.run_id)["name"]
        't007 size=8 (pruned)'
    """

    store: Store
    loader: Path | None = None
    _known: KnownRuns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", KnownRuns(self.store))

    def __reduce__(self) -> tuple[type[MlflowRecorder], tuple[Store, Path | None]]:
        # What it remembers of open runs holds locks, and another process reads it anew.
        return MlflowRecorder, (self.store, self.loader)

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Find or make the study's experiment and run; a run that has ended is reopened."""
        client = self.store.client()
        context = ensure_context(client, self.store, record)
        self._known.keep_study(record.name, context)
        if record.study_file:
            client.log_text(context.parent_run_id, record.study_file, "study.toml")
        write_published(client, context, record)
        write_view(client, context, record)
        return replace(
            record, experiment_id=context.experiment_id, parent_run_id=context.parent_run_id
        )

    def start_trial(self, record: TrialRecord) -> str:
        """Make the trial's run with its params, its tags and the study's dataset.

        Args:
            record: The trial as asked for.

        Returns:
            The run's identifier.

        Raises:
            TrackingError: If the study was never started.
        """
        client = self.store.client()
        context = self._known.study(client, record.study)
        if record.run_id:
            run = client.get_run(record.run_id)
        else:
            tags = trial_tags(record, parent_run_id=context.parent_run_id)
            began = record.started_ms or _now_ms()
            run = client.create_run(context.experiment_id, began, tags, run_name(record))
        run_id = str(run.info.run_id)
        self._known.keep_trial(run)
        self.parameters(run_id, record.params)
        if context.datasets:
            client.log_inputs(run_id, list(context.datasets))
        return run_id

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Write params of a trial's run; a param that is written already must keep its value."""
        client = self.store.client()
        quiet()
        from mlflow.entities import Param

        written = [Param(name, value) for name, value in params_of(params).items()]
        for start in range(0, len(written), 100):
            client.log_batch(run_id, params=written[start : start + 100])

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Write all metrics of some epochs at once, each with its epoch as the step.

        An epoch has the same timestamp each time it is written, so that this adds nothing twice.
        """
        if records:
            client = self.store.client()
            log_history(client, run_id, records, started_ms=self._known.trial(client, run_id).ms)

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
        """Write a trial's models, files and final metrics, and then end the trial's run.

        Models that the run has already, by name, are not logged again.

        Raises:
            TrackingError: If the trial has no run, or a model is to be logged without a loader.
        """
        tell()
        client, run_id = self.store.client(), _run_id(record)
        logged = log_models(client, run_id, models, self._loader()) if models else []
        started = self._known.trial(client, run_id)
        if folder is not None and folder.is_dir():
            started.files.log_artifacts(str(folder))
        if record.picture is not None and record.epochs:
            log_curve(started.files, record, record.picture)
        metrics, tags = closing_metrics(record), closing_tags(record)
        tags[NOTE_TAG] = trial_note(record, self._known.baseline(client, record))
        final = Final(metrics=metrics, tags=tags, logged=logged, at_ms=record.ended_ms)
        log_final(client, run_id, final, history_of(epochs, started_ms=started.ms))
        if run_name(record) != started.name:
            client.update_run(run_id, name=run_name(record))
        client.set_terminated(run_id, status_of(record.state), record.ended_ms)
        self._known.ended(client, record)
        if models and replaces:
            self.drop_model(replaces)

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """End a trial if its run is still open; otherwise do nothing."""
        if is_open(self.store.client(), record.run_id):
            self.finish_trial(record, folder=folder)

    def trial_run(self, study: str, number: int) -> str | None:
        """Find the run of a trial by the study's name and the trial's number."""
        client = self.store.client()
        context = self._known.study_if_started(client, study)
        return None if context is None else find_trial(client, context, number)

    def trial_runs(self, study: StudyRecord) -> tuple[RunRecord, ...]:
        """List the runs of a study's trials, the oldest first."""
        client = self.store.client()
        identity = study.tags.get(Tag.IDENTITY)
        stored = stored_context(client, study, binned=True)
        context = stored or find_context(client, study.name, identity)
        return () if context is None else list_trials(client, context, study.objective)

    def bin_run(self, run_id: str) -> None:
        """Put a run into MLflow's bin."""
        self.store.client().delete_run(run_id)

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """Read the epochs that a run holds, the first one first; an unknown run holds none."""
        return read_history(self.store.client(), run_id) if self.find_run(run_id) else ()

    def end_study(self, run_id: str, *, status: str) -> None:
        """Close a study's run if it is still open."""
        if is_open(self.store.client(), run_id):
            self.store.client().set_terminated(run_id, status)

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """Write a study's leaderboard and summary, figures once it is finished, and end its run."""
        client = self.store.client()
        context = stored_context(client, record) or self._known.study(client, record.name)
        write_results(client, context, record, draws=status == "FINISHED")
        write_view(client, context, record, results=True)
        client.set_terminated(context.parent_run_id, status)

    def log_verdict(
        self,
        study: StudyRecord,
        *,
        folder: Path,
        metrics: Mapping[str, float],
        model: ModelFolder | None,
        card: str,
    ) -> Registered:
        """Record a study's winner in a new run, register its model, and renew the study's report.

        Raises:
            TrackingError: If the study was never started, or there is no loader for a model.
        """
        client = self.store.client()
        winner = WinnerRun(study=study.name, folder=folder, metrics=metrics, model=model, card=card)
        context = stored_context(client, study) or self._known.study(client, study.name)
        loader = None if model is None else self._loader()
        registered = register_winner(client, context, winner, loader=loader)
        with suppress(Exception):  # the model is registered: that stands, even on a full disk
            renew_report(client, context, study)
        return registered

    def delete_study(self, study: StudyRecord) -> int:
        """Delete a study's runs, models and files for good, and its experiment if nothing is left.

        Raises:
            TrackingError: If the study's run is not there.
        """
        left = delete_study(self.store, study)
        self._known.forget_studies()
        return left

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """Read a run as a dict of plain types, ready for JSON; None where there is no such run."""
        return read_run(self.store.client(), run_id)

    def metric(self, run_id: str, name: str) -> float | None:
        """Read the last value of a metric of a run, or None where there is none."""
        run = self.find_run(run_id)
        value = None if run is None else run["metrics"].get(metric_name(metric_key(name)))
        return None if value is None else float(value)

    def model_uri(self, run_id: str) -> str | None:
        """The address of a run's first model (`models:/m-...`), or None where there is none.

        It loads where MLflow's tracking address is this store's.
        """
        models = find_models(self.store.client(), run_id)
        return f"models:/{models[0]}" if models else None

    def drop_model(self, run_id: str) -> None:
        """Delete a run's models and their files; a run without any is left as it is."""
        drop_models(self.store.client(), run_id, artifacts=self.store.artifacts)

    def log_picture(self, run_id: str, path: Path) -> None:
        """Copy a picture to the run's files, under the picture's file name."""
        self.store.client().log_artifact(run_id, str(path))

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
