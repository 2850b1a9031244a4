"""Writes the results of a study into its run: leaderboard, figures, report and summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracking.records import Picture, StudyRecord, TrialRecord
from tracking.runs.batches import Final, log_final
from tracking.runs.context import StudyContext
from tracking.runs.leaderboard import TABLE, study_note, summary_metrics, write_leaderboard
from tracking.runs.payloads import NOTE_TAG, clean_key
from tracking.runs.registry import evidence_of
from tracking.scratch import scratch_folder

_TABLES_TAG = "mlflow.loggedArtifacts"
"""By this tag MLflow's pages know which files are tables, as `MlflowClient.log_table` sets it."""
_TABLES = json.dumps([{"path": TABLE, "type": "table"}])


def write_results(
    client: Any, context: StudyContext, record: StudyRecord, *, draws: bool = True
) -> None:
    """Write a study's leaderboard, figures, report and summary into its run, which stays open.

    Args:
        client: The store's client.
        context: The study's experiment and run.
        record: The study with all its trials.
        draws: Whether to draw the figures and to write the report, which takes a second or two.
    """
    with scratch_folder("study") as folder:
        write_leaderboard(record, folder)
        if draws:
            from tracking.figures.draw import draw_study

            draw_study(record, folder / "plots")
            _draw_report(client, context, record, folder)
        client.log_artifacts(context.parent_run_id, str(folder))
    summary = {clean_key(name): value for name, value in summary_metrics(record).items()}
    tags = {NOTE_TAG: study_note(record, results=True), _TABLES_TAG: _TABLES}
    log_final(client, context.parent_run_id, Final(metrics=summary, tags=tags))


def renew_report(client: Any, context: StudyContext, record: StudyRecord) -> None:
    """Write the report of a study into its run again, now that its winner is known.

    Args:
        client: The store's client.
        context: The study's experiment and run.
        record: The study with all its trials.
    """
    with scratch_folder("study") as folder:
        _draw_report(client, context, record, folder)
        client.log_artifacts(context.parent_run_id, str(folder))


def _draw_report(client: Any, context: StudyContext, record: StudyRecord, folder: Path) -> None:
    from tracking.report.chapter import Chapter
    from tracking.report.write import write_report

    chapter = Chapter(study=record, evidence=evidence_of(client, context))
    write_report([chapter], folder / "report.html")


def log_curve(files: Any, record: TrialRecord, picture: Picture) -> None:
    """Draw a trial's learning curve, and keep it as `learning_curve.png` among its run's files.

    Args:
        files: Where MLflow keeps the run's files, an `ArtifactRepository`.
        record: The trial with its epochs.
        picture: What it shows.
    """
    from tracking.figures.draw import draw_trial

    with scratch_folder("trial") as folder:
        path = folder / "learning_curve.png"
        draw_trial(record, path, monitor=picture.monitor, minimize=picture.minimize)
        files.log_artifact(str(path))
