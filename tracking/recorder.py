"""The interface through which a search records studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tracking.records import (
    EpochRecord,
    ModelFolder,
    RunRecord,
    Scalar,
    StudyRecord,
    TrialRecord,
)


@runtime_checkable
class Recorder(Protocol):
    """Records studies and trials, and reads back what is needed to repeat a trial.

    A search needs nothing else to be recorded. `MlflowRecorder` writes to MLflow,
    `NullRecorder` writes nothing. Every recorder gives these guarantees, and asks the same of
    its caller:

    Order: `start_study` comes first. For each trial follow `start_trial`, any number of
    `parameters` and `epochs`, and then `finish_trial` or `kill_trial`. `finish_study` or
    `end_study` comes last. A study that has ended may be started again, and goes on in the same
    run. Reading is allowed at any time.

    Threads: any thread may call any method. Calls for different trials may overlap; calls for
    one trial come one after another. Several threads or processes may start one study at the
    same time, and all get the same run. Nobody ends or deletes a study while its trials are
    written.

    Processes: a recorder can be pickled and used in another process, even while a trial is
    under way. It must not be carried over a fork.

    Files: folders and files that are handed over stay the caller's. A recorder copies what it
    keeps before the method returns. It neither changes nor deletes the originals.

    Repeats: `start_trial` makes a new run each time. `delete_study` needs a study that exists.
    Every other method may be called again with the same arguments, and the record then says
    the same; only the time of an end moves.

    Failures: a method that raises may have written a part of what it was given. The run stays
    open, so the trial can still be finished or killed. The end is written last: a trial that
    has one has everything else.

    Example:
        >>> from tracking import NullRecorder
        >>> recorder: Recorder = NullRecorder()
        >>> study = recorder.start_study(StudyRecord(name="movies"))
        >>> trial = TrialRecord(study="movies", number=0, params={"size": 8})
        >>> run_id = recorder.start_trial(trial)
        >>> recorder.epochs(run_id, [EpochRecord(epoch=1, seconds=0.5, metrics={"loss": 1.2})])
        >>> recorder.finish_study(study, status="FINISHED")
    """

    def start_study(self, record: StudyRecord) -> StudyRecord:
        """Begin a study, or continue a study that was started before.

        Args:
            record: The study as far as it is known.

        Returns:
            The record with its experiment and its run filled in, where there are any.
        """
        ...

    def start_trial(self, record: TrialRecord) -> str:
        """Begin a trial; this process or another one must have started the study.

        Args:
            record: The trial as asked for: number, parameters, tags. One with a `run_id` has its
                run already, which gets what it lacks.

        Returns:
            The identifier of its run; empty where nothing is recorded.

        Raises:
            TrackingError: If a study that is needed was never started.
        """
        ...

    def parameters(self, run_id: str, params: Mapping[str, Scalar]) -> None:
        """Write parameters of a trial that became known only while it ran.

        Args:
            run_id: The trial's run.
            params: By name. One that is written already must have the same value.
        """
        ...

    def epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Write epochs of a trial; writing the same epoch again changes nothing.

        Args:
            run_id: The trial's run.
            records: The epochs, in any order; none is allowed.
        """
        ...

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
        """Write a trial's files, models and final metrics, and then mark the trial as ended.

        Args:
            record: The trial with its final state, its metrics and its `run_id`. Its epochs are
                drawn where it has a `picture`, but not written.
            folder: Files to keep as they are, or None.
            models: The saved models: one, or one for each fold or repeat of the trial.
            epochs: The epochs that the method `epochs` has not written yet.
            tell: Tells the end to Optuna. It is called once, before the end is written; where it
                raises, nothing of the end is written.
            replaces: A run whose models are deleted once these are there.
        """
        ...

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        """Mark an abandoned trial as ended; a trial that has ended already stays as it is.

        Args:
            record: The trial as far as it came, with its state, its end reason and its `run_id`.
                Where the trial has no run, or an unknown one, nothing is done.
            folder: Files to keep as they are, or None.
        """
        ...

    def trial_run(self, study: str, number: int) -> str | None:
        """Find the run of a trial; None where it has none, or where there is no such study.

        Args:
            study: Name of the study.
            number: Number of the trial.
        """
        ...

    def trial_runs(self, study: StudyRecord) -> tuple[RunRecord, ...]:
        """List the runs of a study's trials, the oldest first; none where it was never started."""
        ...

    def bin_run(self, run_id: str) -> None:
        """Put a run into MLflow's bin, from which it can be restored."""
        ...

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """Read the epochs of a trial that were written so far, the first one first.

        An unknown run has none.
        """
        ...

    def log_verdict(
        self,
        study: StudyRecord,
        *,
        folder: Path,
        metrics: Mapping[str, float],
        model: ModelFolder | None,
        card: str,
    ) -> tuple[str, str | None]:
        """Record a study's winner in a new run, and register the winner's model.

        Args:
            study: The study, which must have been started.
            folder: Files for the run; `EVIDENCE` among them is shown in the study's report.
            metrics: Values by metric name.
            model: The winner's model; None where it is gone, so that none is registered.
            card: Markdown text that describes the run and the model's version.

        Returns:
            The run's identifier, and the registered model's name and version, "NAME/VERSION", or
            None without a model; empty texts where nothing is recorded.
        """
        ...

    def end_study(self, run_id: str, *, status: str) -> None:
        """Close a study's run after a failure or an interruption; no results are written.

        Args:
            run_id: The study's run. One that has ended or is unknown is left alone.
            status: "FAILED" or "KILLED".
        """
        ...

    def finish_study(self, record: StudyRecord, *, status: str) -> None:
        """Write a study's results and figures, and then mark the study as ended.

        Args:
            record: The study with all its trials.
            status: "FINISHED", or "KILLED" for one that was interrupted: someone may wait for its
                end, so that it gets no figures before it goes on and is finished.
        """
        ...

    def delete_study(self, study: StudyRecord) -> int:
        """Delete a study for good, and nothing else; a new study may then have the same name.

        Args:
            study: The study, with the identifiers that were stored with it.

        Returns:
            How many runs, models and traces stood among the study's that are not its own, and were
            left.

        Raises:
            TrackingError: If the study is not there to be deleted.
        """
        ...

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """Read a run as a dict of plain types, or None where there is no such run."""
        ...

    def metric(self, run_id: str, name: str) -> float | None:
        """Read the last value of a metric of a run, or None where there is none."""
        ...

    def model_uri(self, run_id: str) -> str | None:
        """The address of a run's model, or None where there is none."""
        ...

    def drop_model(self, run_id: str) -> None:
        """Delete a run's models, where it has any; the rest of the run stays."""
        ...

    def log_picture(self, run_id: str, path: Path) -> None:
        """Keep a copy of a picture with a run, under the file's own name."""
        ...
